/* Channels, and blocking unary calls. */
#include "rpc/client_internal.h"

#include "base/str.h"
#include "rpc/codec.h"
#include "rpc/status.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    DEFAULT_TIMEOUT_MS = 10000
};

/* -- channel -----------------------------------------------------------------------------------------------
 */

static grpc_channel_credentials *credentials(const struct rpc_channel_options *o)
{
    if (!o->ca_pem)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {o->tls_key_pem, o->tls_cert_pem};
    return grpc_ssl_credentials_create_ex(o->ca_pem, o->tls_cert_pem ? &pair : NULL, NULL, NULL);
}

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_arg text_arg(const char *key, const char *value)
{
    return (grpc_arg){
        .type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key, .value.string = (char *)(uintptr_t)value};
}

static grpc_channel *create(const struct rpc_channel_options *o, grpc_channel_credentials *creds)
{
    grpc_arg args[12] = {
        int_arg(GRPC_ARG_ENABLE_RETRIES, 0), /* the core would repeat a call under our feet */
        int_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, 64 * 1024),
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, 16 << 20),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 60000), /* a dead server under a watch */
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200),
        int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000),
        int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000),
    };
    size_t n = 10;
    if (o->tls_name)
        args[n++] = text_arg(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, o->tls_name);
    return grpc_channel_create(o->target, creds, &(grpc_channel_args){.num_args = n, .args = args});
}

void client_post(struct rpc_channel *ch, struct done_tag *t)
{
    t->next = NULL;
    pthread_mutex_lock(&ch->mu);
    *ch->last = t;
    ch->last = &t->next;
    pthread_mutex_unlock(&ch->mu);
    uint64_t one = 1;
    ssize_t n = write(ch->fd, &one, sizeof one);
    (void)n; /* fails only when the counter is full, and then it is readable */
}

static void *run(void *channel)
{
    struct rpc_channel *ch = channel;
    for (;;) {
        grpc_event e = grpc_completion_queue_next(ch->cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        struct done_tag *t = e.tag;
        take_over(t);
        t->ok = e.success != 0;
        client_post(ch, t);
    }
}

enum err rpc_channel_open(const struct rpc_channel_options *o, struct rpc_channel **out, struct fault *f)
{
    if (!o->tls_cert_pem != !o->tls_key_pem)
        return fail(f, ERR_INVALID, "a client certificate needs its key");
    wire_init();
    grpc_channel_credentials *creds = credentials(o);
    if (!creds) {
        grpc_shutdown();
        return fail(f, ERR_INVALID, "the CA or the client certificate cannot be read");
    }
    struct rpc_channel *ch = calloc(1, sizeof *ch);
    if (!ch)
        abort();
    ch->core = create(o, creds);
    ch->target = strdup(o->target);
    grpc_channel_credentials_release(creds);
    ch->cq = grpc_completion_queue_create_for_next(NULL);
    ch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ch->last = &ch->first;
    pthread_mutex_init(&ch->mu, NULL);
    if (ch->fd < 0 || pthread_create(&ch->thread, NULL, run, ch) != 0)
        abort(); /* no descriptors or threads left: nothing that a caller could do better */
    *out = ch;
    return OK;
}

void rpc_channel_close(struct rpc_channel *ch)
{
    if (!ch)
        return;
    while (ch->pending)
        rpc_cancel(ch->pending);
    grpc_completion_queue_shutdown(ch->cq);
    pthread_join(ch->thread, NULL);
    rpc_channel_dispatch(ch); /* frees what was cancelled */
    grpc_completion_queue_destroy(ch->cq);
    grpc_channel_destroy(ch->core);
    for (struct header *h = ch->headers, *next; h; h = next) {
        next = h->next;
        wipe(h->value, strlen(h->value));
        free(h->key);
        free(h->value);
        free(h);
    }
    close(ch->fd);
    pthread_mutex_destroy(&ch->mu);
    free(ch->target);
    free(ch);
    grpc_shutdown();
}

static void drop_header(struct rpc_channel *ch, const char *key)
{
    for (struct header **h = &ch->headers; *h; h = &(*h)->next) {
        if (strcmp((*h)->key, key) != 0)
            continue;
        struct header *old = *h;
        *h = old->next;
        wipe(old->value, strlen(old->value)); /* a session's token */
        free(old->key);
        free(old->value);
        free(old);
        return;
    }
}

void rpc_channel_set_metadata(struct rpc_channel *ch, const char *key, const char *value)
{
    pthread_mutex_lock(&ch->mu);
    drop_header(ch, key);
    if (value) {
        struct header *h = malloc(sizeof *h);
        if (!h)
            abort();
        *h = (struct header){.next = ch->headers, .key = strdup(key), .value = strdup(value)};
        ch->headers = h;
    }
    pthread_mutex_unlock(&ch->mu);
}

int rpc_channel_fd(const struct rpc_channel *ch)
{
    return ch->fd;
}

void rpc_channel_dispatch(struct rpc_channel *ch)
{
    uint64_t n;
    if (read(ch->fd, &n, sizeof n) < 0)
        n = 0; /* nothing was written: look all the same */
    pthread_mutex_lock(&ch->mu);
    struct done_tag *t = ch->first;
    ch->first = NULL;
    ch->last = &ch->first;
    pthread_mutex_unlock(&ch->mu);
    while (t) {
        struct done_tag *next = t->next;
        t->fn(t);
        t = next;
    }
}

/* -- what every call needs
 * ----------------------------------------------------------------------------------*/

static void add_headers(struct client_call *c, struct rpc_channel *ch)
{
    pthread_mutex_lock(&ch->mu);
    for (const struct header *h = ch->headers; h; h = h->next)
        wire_pairs_add(&c->headers, &c->arena, h->key, h->value, strlen(h->value));
    pthread_mutex_unlock(&ch->mu);
}

enum err client_call_open(struct client_call *c, struct rpc_channel *ch, struct rpc_method m,
                          grpc_completion_queue *cq, int64_t timeout_ms, struct fault *f)
{
    *c =
        (struct client_call){.target = ch->target, .status = GRPC_STATUS_UNKNOWN, .text = grpc_empty_slice()};
    c->method = protobuf_c_service_descriptor_get_method_by_name(m.service, m.name);
    if (!c->method)
        return fail(f, ERR_INVALID, "there is no method %s/%s", m.service->name, m.name);
    arena_init(&c->arena, 0);
    grpc_metadata_array_init(&c->initial);
    grpc_metadata_array_init(&c->trailing);
    add_headers(c, ch);
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (timeout_ms > 0)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    grpc_slice path =
        grpc_slice_from_copied_string(arena_printf(&c->arena, "/%s/%s", m.service->name, m.name));
    c->core =
        grpc_channel_create_call(ch->core, NULL, GRPC_PROPAGATE_DEFAULTS, cq, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
    return OK;
}

void client_call_free(struct client_call *c)
{
    if (!c->method)
        return;
    if (c->out)
        grpc_byte_buffer_destroy(c->out);
    if (c->in)
        grpc_byte_buffer_destroy(c->in);
    wire_pairs_free(&c->headers);
    grpc_metadata_array_destroy(&c->initial);
    grpc_metadata_array_destroy(&c->trailing);
    grpc_slice_unref(c->text);
    grpc_call_unref(c->core);
    arena_free(&c->arena);
    *c = (struct client_call){0};
}

grpc_op client_send_headers(struct client_call *c)
{
    return (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA,
                     .data.send_initial_metadata = {.count = c->headers.n, .metadata = c->headers.pair}};
}

grpc_op client_send_message(struct client_call *c, const ProtobufCMessage *m)
{
    if (c->out)
        grpc_byte_buffer_destroy(c->out);
    c->out = wire_pack(m);
    return (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->out};
}

grpc_op client_send_end(void)
{
    return (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
}

grpc_op client_recv_headers(struct client_call *c)
{
    return (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                     .data.recv_initial_metadata.recv_initial_metadata = &c->initial};
}

grpc_op client_recv_message(struct client_call *c)
{
    return (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->in};
}

grpc_op client_recv_status(struct client_call *c)
{
    return (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                     .data.recv_status_on_client = {.trailing_metadata = &c->trailing,
                                                    .status = &c->status,
                                                    .status_details = &c->text}};
}

enum err client_outcome(const struct client_call *c, struct fault *f)
{
    if (c->status == GRPC_STATUS_OK)
        return OK;
    struct fault unasked;
    char text[sizeof unasked.text];
    int n = GRPC_SLICE_LENGTH(c->text) < sizeof text ? (int)GRPC_SLICE_LENGTH(c->text) : (int)sizeof text - 1;
    snprintf(text, sizeof text, "%.*s", n, (const char *)GRPC_SLICE_START_PTR(c->text));
    const grpc_slice *d = wire_find(&c->trailing, STATUS_DETAILS_KEY);
    enum err e = status_unpack((int)c->status, text, d ? GRPC_SLICE_START_PTR(*d) : NULL,
                               d ? GRPC_SLICE_LENGTH(*d) : 0, f ? f : &unasked);
    if (!d && f && (e == ERR_UNAVAILABLE || e == ERR_DEADLINE))
        client_refused(c->target, text, f);
    return e;
}

enum err client_response(struct client_call *c, struct arena *a, const ProtobufCMessage **out,
                         struct fault *f)
{
    grpc_slice s;
    if (!c->in || !wire_bytes(c->in, &s))
        return fail(f, ERR_INTERNAL, "the server answered without a message");
    struct fault inner;
    enum err e =
        codec_unpack(c->method->output, GRPC_SLICE_START_PTR(s), GRPC_SLICE_LENGTH(s), a, out, &inner);
    grpc_slice_unref(s);
    grpc_byte_buffer_destroy(c->in);
    c->in = NULL;
    return e == OK ? OK : fail(f, ERR_INTERNAL, "the server's answer cannot be read: %s", fault_text(&inner));
}

/* -- blocking ----------------------------------------------------------------------------------------------
 */

static void wait_for(grpc_completion_queue *cq, void *tag)
{
    grpc_completion_queue_pluck(cq, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    take_over(tag);
}

static enum err unary(struct client_call *c, grpc_completion_queue *cq, const ProtobufCMessage *request,
                      struct arena *a, const ProtobufCMessage **response, struct fault *f)
{
    grpc_op ops[] = {client_send_headers(c), client_send_message(c, request), client_send_end(),
                     client_recv_headers(c), client_recv_message(c),          client_recv_status(c)};
    hand_over(c);
    if (grpc_call_start_batch(c->core, ops, sizeof ops / sizeof *ops, c, NULL) != GRPC_CALL_OK)
        return fail(f, ERR_INTERNAL, "gRPC core refused the call");
    wait_for(cq, c);
    TRY(client_outcome(c, f));
    return client_response(c, a, response, f);
}

enum err rpc_unary(struct rpc_channel *ch, struct rpc_method m, const ProtobufCMessage *request,
                   int64_t timeout_ms, struct arena *a, const ProtobufCMessage **response, struct fault *f)
{
    /* a queue of its own: this thread does its own input and output, without a hop */
    grpc_completion_queue *cq = grpc_completion_queue_create_for_pluck(NULL);
    struct client_call c;
    *response = NULL;
    enum err e = client_call_open(&c, ch, m, cq, timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS, f);
    if (e == OK)
        e = unary(&c, cq, request, a, response, f);
    client_call_free(&c);
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_destroy(cq);
    return e;
}
