/* direct.c - CreateOrder and GetOrder as their bare SQL, through Connector/C alone: no gRPC, no server/core.
 *
 *   bench-direct --socket PATH --schema NAME [--user U] [--password P] [--op create|get] [--threads N]
 *                [--seconds S | --calls N] [--warmup S] [--pid PID of mariadbd]
 *
 * What a service of the plain kind reaches on this database: N threads with a connection each run the very
 * statements that one call runs alone, in their order (session, BEGIN, idempotency, channel, offer, order,
 * agreements, consents, audit, response, COMMIT), prepared once, and print calls per second, p50 and p99 as
 * one JSON line. `node tests/bench/bench.mjs --trace` prints what the server sends for one call, from the
 * database's general log: the list here is that one, and has to follow it.
 *
 * The schema must be migrated and hold a channel. Rows of the audit are written without a chain: use a schema
 * that is made for this.
 */
#include "direct.h"

#include <errno.h>
#include <getopt.h>
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct worker {
    pthread_t thread;
    double *times;
    size_t n_times, cap;
};

static struct {
    struct direct_target target;
    bool get;
    int threads, pid;
    long calls;
    double seconds, warmup;
} o = {.target = {.user = "root", .password = ""}, .threads = 1, .seconds = 5, .warmup = 1};

static _Atomic bool counting, stop;
static _Atomic long left; /* with --calls */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void keep(struct worker *w, double s)
{
    if (w->n_times == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 4096;
        w->times = realloc(w->times, w->cap * sizeof *w->times);
        if (!w->times)
            direct_die("memory", strerror(errno));
    }
    w->times[w->n_times++] = s;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct direct *d = direct_open(&o.target);
    while (!stop) {
        double from = now_s();
        if (o.get)
            direct_get(d);
        else
            direct_create(d);
        if (!counting)
            continue;
        keep(w, now_s() - from);
        if (o.calls && --left <= 0)
            stop = true;
    }
    direct_close(d);
    mysql_thread_end();
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void wait_s(double s)
{
    struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

/* CPU seconds of another process, to the nanosecond. */
static double cpu_s(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) == 0 ? (double)t.tv_sec + (double)t.tv_nsec / 1e9 : 0;
}

struct used {
    double client, database;
};

static struct used used_now(void)
{
    clockid_t id;
    bool known = o.pid > 0 && clock_getcpuclockid(o.pid, &id) == 0;
    return (struct used){cpu_s(CLOCK_PROCESS_CPUTIME_ID), known ? cpu_s(id) : 0};
}

static void report(struct worker *workers, double seconds, struct used used)
{
    size_t n = 0;
    for (int i = 0; i < o.threads; i++)
        n += workers[i].n_times;
    double *all = malloc((n + 1) * sizeof *all);
    size_t at = 0;
    for (int i = 0; i < o.threads; i++) {
        if (workers[i].n_times)
            memcpy(all + at, workers[i].times, workers[i].n_times * sizeof *all);
        at += workers[i].n_times;
        free(workers[i].times);
    }
    if (n == 0)
        direct_die("no call", "ended in the measured time");
    qsort(all, n, sizeof *all, by_time);
    printf("{\"name\":\"direct-%s\",\"in_flight\":%d,\"calls\":%zu,\"non_ok\":0,\"seconds\":%.3f,"
           "\"per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,\"client_cpu_us\":%.2f,"
           "\"database_cpu_us\":%.2f}\n",
           o.get ? "get" : "create", o.threads, n, seconds, (double)n / seconds, all[n / 2] * 1e6,
           all[n * 99 / 100] * 1e6, all[n - 1] * 1e6, used.client * 1e6 / (double)n,
           used.database * 1e6 / (double)n);
    free(all);
}

static void options(int argc, char **argv)
{
    static const struct option longs[] = {{"socket", 1, NULL, 's'},
                                          {"schema", 1, NULL, 'd'},
                                          {"user", 1, NULL, 'u'},
                                          {"password", 1, NULL, 'p'},
                                          {"op", 1, NULL, 'o'},
                                          {"threads", 1, NULL, 't'},
                                          {"seconds", 1, NULL, 'n'},
                                          {"warmup", 1, NULL, 'w'},
                                          {"calls", 1, NULL, 'k'},
                                          {"pid", 1, NULL, 'P'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
        switch (c) {
        case 's':
            o.target.socket = optarg;
            break;
        case 'd':
            o.target.schema = optarg;
            break;
        case 'u':
            o.target.user = optarg;
            break;
        case 'p':
            o.target.password = optarg;
            break;
        case 'o':
            o.get = strcmp(optarg, "get") == 0;
            break;
        case 't':
            o.threads = atoi(optarg);
            break;
        case 'n':
            o.seconds = atof(optarg);
            break;
        case 'w':
            o.warmup = atof(optarg);
            break;
        case 'k':
            o.calls = atol(optarg);
            break;
        case 'P':
            o.pid = atoi(optarg);
            break;
        default:
            exit(2);
        }
    if (!o.target.socket || !o.target.schema || o.threads < 1 || o.threads > 1024 || o.seconds <= 0)
        direct_die("usage", "--socket PATH --schema NAME [--op create|get] [--threads N] [--seconds S]");
}

int main(int argc, char **argv)
{
    options(argc, argv);
    mysql_library_init(0, NULL, NULL);
    direct_learn(&o.target);
    if (o.get && o.target.n_orders == 0)
        direct_die(o.target.schema, "holds no order");
    struct worker *workers = calloc((size_t)o.threads, sizeof *workers);
    if (!workers)
        direct_die("memory", strerror(errno));
    for (int i = 0; i < o.threads; i++) {
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            direct_die("thread", strerror(errno));
    }
    wait_s(o.warmup);
    struct used used = used_now();
    double from = now_s();
    left = o.calls;
    counting = true;
    if (!o.calls) {
        wait_s(o.seconds);
        stop = true;
    }
    for (int i = 0; i < o.threads; i++)
        pthread_join(workers[i].thread, NULL);
    double seconds = now_s() - from;
    struct used after = used_now();
    report(workers, seconds, (struct used){after.client - used.client, after.database - used.database});
    free(workers);
    mysql_library_end();
    return 0;
}
