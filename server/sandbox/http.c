#include "sandbox/http.h"

#include "sandbox/call.h"
#include "sandbox/control.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BODY_MAX = 8 << 20
};

struct http {
    struct sandbox *sb;
    struct MHD_Daemon *daemon;
};

/* What a connection keeps while a request comes in. */
struct incoming {
    struct request r;
    struct buf body;
    bool too_long;
};

const char *request_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

struct form_search {
    const char *name;
    struct buf value;
    bool found;
};

static enum MHD_Result on_field(void *arg, enum MHD_ValueKind kind, const char *key, const char *filename,
                                const char *type, const char *encoding, const char *data, uint64_t off,
                                size_t n)
{
    (void)kind, (void)filename, (void)type, (void)encoding, (void)off;
    struct form_search *s = arg;
    if (key && strcmp(key, s->name) == 0) {
        s->found = true;
        buf_add(&s->value, data, n);
    }
    return MHD_YES;
}

const char *request_form(struct request *r, const char *name)
{
    struct form_search s = {.name = name, .value = BUF(&r->a)};
    struct MHD_PostProcessor *p = MHD_create_post_processor(r->conn, 4096, on_field, &s);
    if (!p)
        return NULL; /* another content type */
    MHD_post_process(p, r->body, r->n_body);
    MHD_destroy_post_processor(p);
    return s.found ? buf_text(&s.value) : NULL;
}

struct param_list {
    struct arena *a;
    struct param *out;
    size_t n, max;
};

static enum MHD_Result on_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    struct param_list *l = arg;
    if (l->n < l->max)
        l->out[l->n++] = (struct param){arena_strdup(l->a, key), arena_strdup(l->a, value ? value : "")};
    return MHD_YES;
}

/* A long value comes in pieces. */
static enum MHD_Result on_any_field(void *arg, enum MHD_ValueKind kind, const char *key, const char *filename,
                                    const char *type, const char *encoding, const char *data, uint64_t off,
                                    size_t n)
{
    (void)kind, (void)filename, (void)type, (void)encoding;
    struct param_list *l = arg;
    const char *piece = arena_strndup(l->a, data ? data : "", data ? n : 0);
    if (off && l->n)
        l->out[l->n - 1].value = arena_printf(l->a, "%s%s", l->out[l->n - 1].value, piece);
    else if (key)
        on_argument(l, MHD_POSTDATA_KIND, key, piece);
    return MHD_YES;
}

size_t request_params(struct request *r, struct param *out, size_t max)
{
    struct param_list l = {.a = &r->a, .out = out, .max = max};
    MHD_get_connection_values(r->conn, MHD_GET_ARGUMENT_KIND, on_argument, &l);
    struct MHD_PostProcessor *p = MHD_create_post_processor(r->conn, 4096, on_any_field, &l);
    if (p) {
        MHD_post_process(p, r->body, r->n_body);
        MHD_destroy_post_processor(p);
    }
    return l.n;
}

/* Called before libmicrohttpd decodes anything: the only place where the request line is seen as it came. */
static void *on_request_line(void *arg, const char *target, struct MHD_Connection *conn)
{
    (void)arg;
    struct incoming *in = calloc(1, sizeof *in);
    if (!in)
        abort();
    arena_init(&in->r.a, 0);
    in->r.conn = conn;
    in->r.target = arena_strdup(&in->r.a, target);
    in->body = BUF(&in->r.a);
    return in;
}

static void on_done(void *arg, struct MHD_Connection *conn, void **con_cls,
                    enum MHD_RequestTerminationCode code)
{
    (void)arg, (void)conn, (void)code;
    struct incoming *in = *con_cls;
    if (!in)
        return;
    arena_free(&in->r.a);
    free(in);
    *con_cls = NULL;
}

static enum MHD_Result send_reply(struct MHD_Connection *conn, const struct reply *p)
{
    if (p->cut)
        return MHD_NO;
    struct MHD_Response *res =
        MHD_create_response_from_buffer(p->n_body, (void *)(uintptr_t)p->body, MHD_RESPMEM_MUST_COPY);
    if (p->type && p->status != 204)
        MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, p->type);
    for (size_t i = 0; i < p->n_headers; i++)
        MHD_add_response_header(res, p->headers[i].name, p->headers[i].value);
    enum MHD_Result sent = MHD_queue_response(conn, p->status, res);
    MHD_destroy_response(res);
    return sent;
}

static bool host_is(const char *host, size_t n, const char *name)
{
    return n == strlen(name) && strncasecmp(host, name, n) == 0;
}

/* The supplier of the request, and its path without the prefix that named it. NULL: control or page. */
static const struct supplier *route(struct request *r)
{
    size_t n = strcspn(r->host, ":");
    size_t label = strcspn(r->host, ".:");
    if (label < n && host_is(r->host + label, n - label, ".localhost"))
        return supplier_by_host(r->host, label);
    label = strcspn(r->path + 1, "/");
    const struct supplier *s = supplier_by_host(r->path + 1, label);
    if (s)
        r->path = r->path[label + 1] ? r->path + label + 1 : "/";
    return s;
}

/* A page of a stranger's site, opened in a browser here, must not reach the control interface by a name of
 * its own that resolves to loopback. */
static bool host_is_ours(const char *host)
{
    size_t n = strcspn(host, ":");
    return host_is(host, n, "127.0.0.1") || host_is(host, n, "localhost");
}

static void serve(struct sandbox *sb, struct request *r, struct reply *p)
{
    const char *host = request_header(r, "Host");
    r->host = host ? host : "127.0.0.1";
    r->path = arena_strndup(&r->a, r->target, strcspn(r->target, "?"));
    if (*r->path != '/') {
        reply_text(p, 400, "text/plain", "absolute paths only\n");
        return;
    }
    const struct supplier *s = route(r);
    r->door = s ? s->host : NULL;
    if (s)
        call_serve(sb, s, r, p);
    else if (host_is_ours(r->host))
        control_serve(sb, r, p);
    else
        reply_text(p, 421, "text/plain", "no supplier has this name\n");
    if (p->delay_ms > 0)
        sandbox_wait(sb, p->delay_ms);
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
                                 const char *version, const char *data, size_t *n, void **con_cls)
{
    (void)url, (void)version;
    struct incoming *in = *con_cls;
    if (!in->r.method) { /* the headers are there, the body is not */
        in->r.method = arena_strdup(&in->r.a, method);
        return MHD_YES;
    }
    if (*n) {
        in->too_long = in->too_long || in->body.n + *n > BODY_MAX;
        if (!in->too_long)
            buf_add(&in->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    in->r.body = buf_text(&in->body);
    in->r.n_body = in->body.n;
    struct reply p = {.a = &in->r.a, .status = 200, .body = "", .outcome = "ok"};
    if (in->too_long)
        reply_text(&p, 413, "text/plain", "too long\n");
    else
        serve(arg, &in->r, &p);
    return send_reply(conn, &p);
}

struct http *http_start(struct sandbox *sb, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->sb = sb;
    h->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL,
        on_access, sb, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_CONNECTION_LIMIT, 1000u,
        MHD_OPTION_CONNECTION_TIMEOUT, 120u, MHD_OPTION_END);
    if (h->daemon)
        return h;
    free(h);
    return NULL;
}

int http_port(const struct http *h)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return i ? i->port : 0;
}

void http_stop(struct http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    free(h);
}
