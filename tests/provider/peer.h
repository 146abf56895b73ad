/* peer.h - the other end of an adapter's call, for tests: servers on loopback that say what they are told.
 *
 * struct peer is an HTTP server that records the last request and gives one scripted answer. raw_peer writes
 * bytes that no HTTP library would write.
 */
#ifndef CERTDESK_TESTS_PROVIDER_PEER_H
#define CERTDESK_TESTS_PROVIDER_PEER_H

#include "lib/check.h"

#include "base/clock.h"
#include "base/str.h"
#include "provider/http.h"
#include "provider/registry.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PEER_HEADERS = 8,
    PEER_INBOX = 32
};

/* One request, kept whole. */
struct peer_request {
    char *body;
    char seen[PEER_HEADERS][512];
};

struct peer {
    struct MHD_Daemon *daemon;
    int port;
    /* what to answer; status 0: hang up after the request was read */
    unsigned status;
    const char *body;
    size_t n_body; /* 0: strlen(body) */
    struct provider_pair headers[PEER_HEADERS];
    /* what came */
    _Atomic int calls;
    char method[16], path[512], *request;
    char seen[PEER_HEADERS][512];
    const char *watch[PEER_HEADERS]; /* names of request headers to keep in seen[] */
    /* everything that came, the last PEER_INBOX of it; for requests that the test does not itself cause */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct peer_request inbox[PEER_INBOX];
    int n_inbox;
};

static inline void peer_keep(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    struct peer_request *r = &p->inbox[p->n_inbox++ % PEER_INBOX];
    free(r->body);
    r->body = strdup(p->request);
    memcpy(r->seen, p->seen, sizeof r->seen);
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
}

/* The k-th request that ever came (from 0), waiting for it at most 15 s. Copied, because more may come. */
static inline struct peer_request peer_take(struct peer *p, int k, struct arena *a)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 15;
    pthread_mutex_lock(&p->lock);
    int late = 0;
    while (p->n_inbox <= k && late == 0)
        late = pthread_cond_timedwait(&p->more, &p->lock, &until);
    struct peer_request r = p->inbox[k % PEER_INBOX];
    bool there = p->n_inbox > k;
    r.body = arena_strdup(a, there ? r.body : "");
    pthread_mutex_unlock(&p->lock);
    assert_true(there);
    return r;
}

static inline enum MHD_Result peer_answer(struct peer *p, struct MHD_Connection *c)
{
    if (p->status == 0)
        return MHD_NO;
    size_t n = p->n_body ? p->n_body : strlen(p->body ? p->body : "");
    struct MHD_Response *r =
        MHD_create_response_from_buffer(n, (void *)(uintptr_t)p->body, MHD_RESPMEM_MUST_COPY);
    for (size_t i = 0; i < PEER_HEADERS && p->headers[i].name; i++)
        MHD_add_response_header(r, p->headers[i].name, p->headers[i].value);
    enum MHD_Result ok = MHD_queue_response(c, p->status, r);
    MHD_destroy_response(r);
    return ok;
}

static inline enum MHD_Result peer_on_query(void *arg, enum MHD_ValueKind kind, const char *key,
                                            const char *value)
{
    (void)kind;
    char *path = arg;
    size_t n = strlen(path);
    snprintf(path + n, 512 - n, "%c%s=%s", strchr(path, '?') ? '&' : '?', key, value ? value : "");
    return MHD_YES;
}

static inline enum MHD_Result peer_on_request(void *arg, struct MHD_Connection *c, const char *url,
                                              const char *method, const char *version, const char *data,
                                              size_t *n, void **state)
{
    (void)version;
    struct peer *p = arg;
    if (!*state) {
        snprintf(p->method, sizeof p->method, "%s", method);
        snprintf(p->path, sizeof p->path, "%s", url);
        MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, peer_on_query, p->path);
        for (size_t i = 0; i < PEER_HEADERS; i++) {
            const char *v = p->watch[i] ? MHD_lookup_connection_value(c, MHD_HEADER_KIND, p->watch[i]) : NULL;
            snprintf(p->seen[i], sizeof p->seen[i], "%s", v ? v : "");
        }
        free(p->request);
        p->request = calloc(1, 1);
        *state = p;
        return MHD_YES;
    }
    if (*n) {
        size_t had = strlen(p->request);
        p->request = realloc(p->request, had + *n + 1);
        memcpy(p->request + had, data, *n);
        p->request[had + *n] = '\0';
        *n = 0;
        return MHD_YES;
    }
    p->calls++;
    peer_keep(p);
    return peer_answer(p, c);
}

/* With a certificate and its key (PEM) it speaks TLS. */
static inline void peer_start_tls(struct peer *p, const char *cert, const char *key)
{
    *p = (struct peer){.status = 200, .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (cert ? MHD_USE_TLS : 0);
    p->daemon = MHD_start_daemon(flags, 0, NULL, NULL, peer_on_request, p, MHD_OPTION_SOCK_ADDR, &at,
                                 cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, cert,
                                 MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
    assert_non_null(p->daemon);
    p->port = MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static inline void peer_start(struct peer *p)
{
    peer_start_tls(p, NULL, NULL);
}

static inline void peer_stop(struct peer *p)
{
    MHD_stop_daemon(p->daemon);
    for (size_t i = 0; i < PEER_INBOX; i++)
        free(p->inbox[i].body);
    free(p->request);
}

/* -- sockets that are no HTTP server --------------------------------------------------------------------- */

/* A listening socket on loopback; nobody accepts, so what is sent there is never answered. */
static inline int silent_socket(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s, 8), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return s;
}

/* A port that nobody listens on: it was free a moment ago and stays bound, so nobody else takes it. */
static inline int closed_port(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return s;
}

struct raw_peer {
    int listener, port;
    const char *bytes;
    size_t n;
    pthread_t thread;
};

/* Takes one connection, waits for the first bytes, writes its own, ends its side, drains. */
static inline void *raw_peer_run(void *arg)
{
    struct raw_peer *p = arg;
    char sink[4096];
    int c = accept(p->listener, NULL, NULL);
    if (c < 0)
        return NULL;
    if (recv(c, sink, sizeof sink, 0) > 0 && send(c, p->bytes, p->n, MSG_NOSIGNAL) >= 0)
        shutdown(c, SHUT_WR);
    while (recv(c, sink, sizeof sink, 0) > 0)
        ;
    close(c);
    return NULL;
}

static inline void raw_peer_start(struct raw_peer *p, const char *bytes)
{
    *p = (struct raw_peer){.bytes = bytes, .n = strlen(bytes)};
    p->listener = silent_socket(&p->port);
    assert_int_equal(pthread_create(&p->thread, NULL, raw_peer_run, p), 0);
}

static inline void raw_peer_stop(struct raw_peer *p)
{
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listener);
}

/* -- settings -------------------------------------------------------------------------------------------- */

/* provider_env.setting over an array of pairs that ends with name NULL. */
static inline const char *pair_setting(void *arg, const char *key)
{
    for (const struct provider_pair *p = arg; p->name; p++)
        if (strcmp(p->name, key) == 0)
            return p->value;
    return NULL;
}

static inline struct http *test_http(void)
{
    struct http *h = NULL;
    struct fault f = {0};
    assert_ok(http_open(NULL, &h, &f));
    return h;
}

#endif
