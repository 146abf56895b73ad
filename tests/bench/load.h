/* load.h - keeps N unary calls in flight against any gRPC server and says how it went.
 *
 * One thread on one completion queue. Every status is looked at: a server that refuses is not a fast one.
 */
#ifndef CERTDESK_TESTS_BENCH_LOAD_H
#define CERTDESK_TESTS_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct load_pair {
    const char *key, *value;
};

struct load_options {
    const char *target; /* "127.0.0.1:8443", "unix:/run/x.sock" */
    const char *path;   /* "/certdesk.v1.OrderService/GetOrder" */
    int in_flight, connections;
    double seconds;        /* measured time, after the warm-up; or ... */
    uint64_t calls;        /* ... this many calls when not 0 */
    double warmup_seconds; /* calls whose times do not count */
    const struct load_pair *metadata;
    size_t n_metadata;
    const void *request; /* the same bytes for every call, or ... */
    size_t n_request;
    /* ... call number `index` writes its request into out (at most max bytes) and returns its length; who
     * calls may be said in *authorization, the value of that header */
    size_t (*make)(void *arg, uint64_t index, void *out, size_t max, const char **authorization);
    void *arg;
    int64_t timeout_ms;           /* of one call; 0: 10 s */
    int server_pid, database_pid; /* whose CPU time is measured; 0: nobody's */
};

struct load_result {
    uint64_t calls, non_ok;
    uint64_t by_status[17];
    double seconds, per_second;
    double p50_us, p99_us, max_us;
    double client_cpu_us, server_cpu_us, database_cpu_us; /* per call */
    long server_rss_kib;                                  /* at the end */
};

/* 0, or -1 when the core refuses the options. */
int load_run(const struct load_options *o, struct load_result *r);
/* One JSON line; label is the first member. */
void load_print(FILE *out, const char *label, const struct load_options *o, const struct load_result *r);

#endif
