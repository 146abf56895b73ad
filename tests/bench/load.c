#include "load.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_REQUEST = 1 << 16,
    MAX_CHANNELS = 64,
    MAX_METADATA = 16, /* authorization not counted */
};

struct sample {
    uint32_t *us;
    size_t n, cap;
};

struct run {
    const struct load_options *o;
    struct load_result *r;
    grpc_channel *channel[MAX_CHANNELS];
    grpc_completion_queue *cq;
    grpc_slice path;
    grpc_metadata metadata[MAX_METADATA];
    grpc_slice authorization; /* the key */
    grpc_byte_buffer *fixed;
    struct sample samples;
    uint64_t started; /* calls, with the warm-up */
    double begin;     /* of the measured part; 0 while warming up */
    double end;       /* when no more calls are started */
    struct cpu {
        double server, database, client;
    } before; /* the measured part */
    int open;
};

struct flight { /* one of the N */
    struct run *run;
    grpc_channel *channel;
    grpc_call *call;
    grpc_byte_buffer *out, *in;
    grpc_metadata metadata[MAX_METADATA + 1];
    bool authorized; /* the last one is this call's own */
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice text;
    double begin;
    bool counts;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double self_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds of another process, all its threads; to the nanosecond, unlike /proc/PID/stat. */
static double cpu_s(int pid)
{
    clockid_t id;
    struct timespec t;
    if (pid <= 0 || clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long rss_kib(int pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *f = pid > 0 ? fopen(path, "r") : NULL;
    if (f) {
        if (fscanf(f, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* -- one call ----------------------------------------------------------------------------------------------
 */

static grpc_byte_buffer *bytes(const void *p, size_t n)
{
    grpc_slice s = grpc_slice_from_copied_buffer(p, n);
    grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    return b;
}

static grpc_byte_buffer *request(struct flight *f)
{
    static unsigned char buffer[MAX_REQUEST]; /* one thread */
    struct run *x = f->run;
    memcpy(f->metadata, x->metadata, x->o->n_metadata * sizeof *f->metadata);
    f->authorized = false;
    if (!x->o->make)
        return grpc_byte_buffer_copy(x->fixed);
    const char *authorization = NULL;
    size_t n = x->o->make(x->o->arg, x->started, buffer, sizeof buffer, &authorization);
    if (authorization) {
        f->authorized = true;
        f->metadata[x->o->n_metadata] =
            (grpc_metadata){.key = x->authorization, .value = grpc_slice_from_copied_string(authorization)};
    }
    return bytes(buffer, n);
}

static void begin(struct flight *f)
{
    struct run *x = f->run;
    int64_t timeout = x->o->timeout_ms ? x->o->timeout_ms : 10000;
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout, GPR_TIMESPAN));
    f->out = request(f);
    f->call = grpc_channel_create_call(f->channel, NULL, GRPC_PROPAGATE_DEFAULTS, x->cq, x->path, NULL,
                                       deadline, NULL);
    grpc_metadata_array_init(&f->initial);
    grpc_metadata_array_init(&f->trailing);
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = x->o->n_metadata + f->authorized, .metadata = f->metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = f->out},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &f->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &f->in},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &f->trailing,
                                        .status = &f->status,
                                        .status_details = &f->text}},
    };
    f->begin = now_s();
    f->counts = x->begin > 0;
    x->started++;
    x->open++;
    if (grpc_call_start_batch(f->call, ops, sizeof ops / sizeof *ops, f, NULL) != GRPC_CALL_OK)
        abort();
}

static void note(struct run *x, const struct flight *f, double now)
{
    struct load_result *r = x->r;
    struct sample *s = &x->samples;
    r->calls++;
    if (f->status != GRPC_STATUS_OK)
        r->non_ok++;
    if ((unsigned)f->status < sizeof r->by_status / sizeof *r->by_status)
        r->by_status[f->status]++;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1 << 16;
        s->us = realloc(s->us, s->cap * sizeof *s->us);
        if (!s->us)
            abort();
    }
    s->us[s->n++] = (uint32_t)((now - f->begin) * 1e6);
}

static void finish(struct flight *f, double now)
{
    struct run *x = f->run;
    x->open--;
    if (f->counts)
        note(x, f, now);
    grpc_byte_buffer_destroy(f->out);
    if (f->in)
        grpc_byte_buffer_destroy(f->in);
    grpc_metadata_array_destroy(&f->initial);
    grpc_metadata_array_destroy(&f->trailing);
    grpc_slice_unref(f->text);
    if (f->authorized)
        grpc_slice_unref(f->metadata[x->o->n_metadata].value);
    grpc_call_unref(f->call);
}

/* -- all of them -------------------------------------------------------------------------------------------
 */

static int open_channels(struct run *x)
{
    for (int i = 0; i < x->o->connections; i++) {
        grpc_arg args[] = {
            {.type = GRPC_ARG_INTEGER,
             .key = (char[]){GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL},
             .value.integer = 1},
            {.type = GRPC_ARG_INTEGER, .key = (char[]){"bench.channel"}, .value.integer = i},
            {.type = GRPC_ARG_INTEGER, .key = (char[]){GRPC_ARG_ENABLE_RETRIES}, .value.integer = 0},
        };
        grpc_channel_credentials *c = grpc_insecure_credentials_create();
        x->channel[i] =
            grpc_channel_create(x->o->target, c, &(grpc_channel_args){.num_args = 3, .args = args});
        grpc_channel_credentials_release(c);
        if (!x->channel[i])
            return -1;
    }
    return 0;
}

static bool wants_more(const struct run *x, double now)
{
    if (x->begin == 0)
        return true;
    return x->o->calls ? x->started < x->o->calls : now < x->end;
}

static struct cpu cpu_now(const struct run *x)
{
    return (struct cpu){cpu_s(x->o->server_pid), cpu_s(x->o->database_pid), self_cpu_s()};
}

static void pump(struct run *x, struct flight *flights)
{
    double warm = now_s() + x->o->warmup_seconds;
    for (int i = 0; i < x->o->in_flight; i++)
        begin(&flights[i]);
    while (x->open) {
        grpc_event e = grpc_completion_queue_next(x->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct flight *f = e.tag;
        double now = now_s();
        finish(f, now);
        if (x->begin == 0 && now >= warm) {
            x->begin = now;
            x->end = now + x->o->seconds;
            x->started = 0;
            x->before = cpu_now(x);
        }
        if (wants_more(x, now))
            begin(f);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void summarize(struct run *x)
{
    struct load_result *r = x->r;
    struct sample *s = &x->samples;
    r->seconds = now_s() - x->begin;
    if (!r->calls)
        return;
    double n = (double)r->calls;
    r->per_second = n / r->seconds;
    struct cpu after = cpu_now(x);
    r->server_cpu_us = (after.server - x->before.server) * 1e6 / n;
    r->database_cpu_us = (after.database - x->before.database) * 1e6 / n;
    r->client_cpu_us = (after.client - x->before.client) * 1e6 / n;
    r->server_rss_kib = rss_kib(x->o->server_pid);
    qsort(s->us, s->n, sizeof *s->us, by_size);
    r->p50_us = s->us[s->n / 2];
    r->p99_us = s->us[(s->n - 1) * 99 / 100];
    r->max_us = s->us[s->n - 1];
}

static void run_free(struct run *x, struct flight *flights)
{
    for (int i = 0; i < x->o->connections; i++)
        if (x->channel[i])
            grpc_channel_destroy(x->channel[i]);
    for (size_t i = 0; i < x->o->n_metadata; i++) {
        grpc_slice_unref(x->metadata[i].key);
        grpc_slice_unref(x->metadata[i].value);
    }
    grpc_byte_buffer_destroy(x->fixed);
    grpc_slice_unref(x->path);
    grpc_slice_unref(x->authorization);
    grpc_completion_queue_shutdown(x->cq);
    while (grpc_completion_queue_next(x->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(x->cq);
    free(x->samples.us);
    free(flights);
    grpc_shutdown();
}

int load_run(const struct load_options *o, struct load_result *r)
{
    if (o->connections < 1 || o->connections > MAX_CHANNELS || o->in_flight < 1 ||
        o->n_metadata > MAX_METADATA)
        return -1;
    grpc_init();
    *r = (struct load_result){0};
    struct run x = {.o = o,
                    .r = r,
                    .path = grpc_slice_from_copied_string(o->path),
                    .authorization = grpc_slice_from_static_string("authorization")};
    for (size_t i = 0; i < o->n_metadata; i++) {
        x.metadata[i].key = grpc_slice_from_copied_string(o->metadata[i].key);
        x.metadata[i].value = grpc_slice_from_copied_string(o->metadata[i].value);
    }
    x.fixed = bytes(o->request ? o->request : "", o->n_request);
    x.cq = grpc_completion_queue_create_for_next(NULL);
    struct flight *flights = calloc((size_t)o->in_flight, sizeof *flights);
    if (!flights)
        abort();
    int rc = open_channels(&x);
    if (rc == 0) {
        for (int i = 0; i < o->in_flight; i++)
            flights[i] = (struct flight){.run = &x, .channel = x.channel[i % o->connections]};
        pump(&x, flights);
        summarize(&x);
    }
    run_free(&x, flights);
    return rc;
}

void load_print(FILE *out, const char *label, const struct load_options *o, const struct load_result *r)
{
    fprintf(out,
            "{\"name\":\"%s\",\"in_flight\":%d,\"connections\":%d,\"calls\":%llu,\"non_ok\":%llu,"
            "\"seconds\":%.3f,\"per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,"
            "\"client_cpu_us\":%.2f,\"server_cpu_us\":%.2f,\"database_cpu_us\":%.2f,\"server_rss_kib\":%ld,"
            "\"statuses\":{",
            label, o->in_flight, o->connections, (unsigned long long)r->calls, (unsigned long long)r->non_ok,
            r->seconds, r->per_second, r->p50_us, r->p99_us, r->max_us, r->client_cpu_us, r->server_cpu_us,
            r->database_cpu_us, r->server_rss_kib);
    const char *comma = "";
    for (size_t i = 0; i < sizeof r->by_status / sizeof *r->by_status; i++) {
        if (!r->by_status[i])
            continue;
        fprintf(out, "%s\"%zu\":%llu", comma, i, (unsigned long long)r->by_status[i]);
        comma = ",";
    }
    fprintf(out, "}}\n");
    fflush(out);
}
