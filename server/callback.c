#include "callback.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 1 << 20,
    PAIRS_MAX = 64,
    ANSWER_WITHIN_MS = 4500,
    IDLE_S = 10,
    CONNECTIONS_MAX = 64
};

struct callback_server {
    struct started *started;
    const struct callback_table *tables;
    size_t n_tables;
    struct MHD_Daemon *daemon;
    struct db *db; /* of the one thread; NULL until first needed */
    bool (*database_up)(const void *arg);
    const void *arg;
};

struct request {
    struct arena arena;
    struct buf body;
    bool too_large;
};

struct pairs {
    struct provider_pair pairs[PAIRS_MAX];
    size_t n;
};

static enum MHD_Result collect_pair(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    struct pairs *p = cls;
    if (p->n < PAIRS_MAX)
        p->pairs[p->n++] = (struct provider_pair){key, value ? value : ""};
    return MHD_YES;
}

static enum MHD_Result answer(struct MHD_Connection *conn, unsigned status, const char *type,
                              const char *text)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    enum MHD_Result ok = MHD_queue_response(conn, status, r);
    MHD_destroy_response(r);
    return ok;
}

static bool have_database(struct callback_server *s, struct fault *f)
{
    if (!s->database_up(s->arg))
        return false;
    if (s->db && !db_usable(s->db)) {
        db_close(s->db);
        s->db = NULL;
    }
    return s->db || db_open(&s->started->app.db, &s->db, f) == OK;
}

static const struct callback_route *route_of(const struct callback_server *s, const char *path,
                                             const char **rest)
{
    for (size_t t = 0; t < s->n_tables; t++)
        for (size_t i = 0; i < s->tables[t].n; i++) {
            const struct callback_route *r = &s->tables[t].rows[i];
            size_t n = strlen(r->path);
            *rest = path + n;
            if (strncmp(path, r->path, n) == 0 && (r->path[n - 1] == '/') == (**rest != '\0'))
                return r;
        }
    return NULL;
}

static struct pairs *collect(struct MHD_Connection *conn, enum MHD_ValueKind kind, struct arena *a)
{
    struct pairs *p = ARENA_NEW(a, struct pairs);
    p->n = 0;
    MHD_get_connection_values(conn, kind, collect_pair, p);
    return p;
}

static enum MHD_Result serve(struct callback_server *s, struct MHD_Connection *conn, const char *path,
                             struct request *req)
{
    const char *rest;
    const struct callback_route *route = route_of(s, path, &rest);
    if (!route)
        return answer(conn, MHD_HTTP_NOT_FOUND, "text/plain", "not found\n");
    struct fault f;
    struct ctx c;
    start_ctx(s->started, NULL, &req->arena, &f, arena_printf(&req->arena, "callback:%s", route->name), &c);
    c.deadline_ms = clock_mono_ms() + ANSWER_WITHIN_MS;
    const struct pairs *headers = collect(conn, MHD_HEADER_KIND, c.arena);
    const struct pairs *query = collect(conn, MHD_GET_ARGUMENT_KIND, c.arena);
    struct callback_request in = {.rest = rest,
                                  .headers = headers->pairs,
                                  .query = query->pairs,
                                  .n_headers = headers->n,
                                  .n_query = query->n,
                                  .body = buf_text(&req->body),
                                  .n_body = req->body.n};
    enum err e = ERR_UNAVAILABLE;
    if (have_database(s, &f)) {
        c.db = s->db;
        e = route->serve(&c, &in);
    }
    if (c.queued)
        outbox_wake(s->started->app.outbox);
    LOG(INFO, "callback", KV_S("path", route->name), KV_S("outcome", err_name(e)));
    struct callback_answer out = route->answer(e);
    return answer(conn, (unsigned)out.status, out.content_type, out.body);
}

static enum MHD_Result healthz(struct callback_server *s, struct MHD_Connection *conn)
{
    bool up = s->database_up(s->arg);
    return answer(conn, up ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
                  up ? "ok\n" : "no database\n");
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    (void)version;
    struct callback_server *s = cls;
    struct request *req = *state;
    if (!req) {
        req = calloc(1, sizeof *req);
        if (!req)
            return MHD_NO;
        arena_init(&req->arena, 0);
        req->body = BUF(&req->arena);
        *state = req;
        return MHD_YES;
    }
    if (*n) {
        req->too_large = req->too_large || req->body.n + *n > BODY_MAX;
        if (!req->too_large)
            buf_add(&req->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    if (req->too_large)
        return answer(conn, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain", "too large\n");
    if (strcmp(method, "GET") == 0 && strcmp(url, "/healthz") == 0)
        return healthz(s, conn);
    if (strcmp(method, "POST") != 0)
        return answer(conn, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "POST only\n");
    return serve(s, conn, url, req);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)conn;
    (void)code;
    struct request *req = *state;
    if (req)
        arena_free(&req->arena);
    free(req);
}

static bool parse_listen(const char *listen, struct sockaddr_in *out)
{
    char host[64];
    const char *colon = strrchr(listen, ':');
    if (!colon || (size_t)(colon - listen) >= sizeof host)
        return false;
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return *end == '\0' && port <= 65535 && inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

enum err callback_open(struct started *s, const char *listen, const struct callback_table *tables,
                       size_t n_tables, bool (*database_up)(const void *arg), const void *arg,
                       struct callback_server **out, struct fault *f)
{
    struct sockaddr_in at;
    if (!parse_listen(listen, &at))
        return fail(f, ERR_INVALID, "server.callback_listen: \"%s\" is not address:port", listen);
    struct callback_server *c = calloc(1, sizeof *c);
    if (!c)
        return fail(f, ERR_INTERNAL, "out of memory");
    c->started = s;
    c->tables = tables;
    c->n_tables = n_tables;
    c->database_up = database_up;
    c->arg = arg;
    c->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, c,
                                 MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
                                 on_completed, c, MHD_OPTION_END);
    if (!c->daemon) {
        free(c);
        return fail(f, ERR_INVALID, "server.callback_listen: %s cannot be listened on", listen);
    }
    *out = c;
    return OK;
}

int callback_port(const struct callback_server *c)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void callback_close(struct callback_server *c)
{
    if (!c)
        return;
    MHD_stop_daemon(c->daemon);
    if (c->db)
        db_close(c->db);
    free(c);
}
