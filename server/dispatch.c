#include "dispatch_internal.h"

#include "account/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- shared steps --------------------------------------------------------------------------------------- */

/* Callers are told apart by IPv4 address, or by the 64 bits of an IPv6 network: its owner has all the rest.
 * False for what is no address. */
static bool address_of_network(const char *text, char out[static RPC_ADDRESS_SIZE], bool *local)
{
    struct in6_addr six;
    struct in_addr four;
    if (inet_pton(AF_INET, text, &four) == 1) {
        *local = (ntohl(four.s_addr) >> 24) == IN_LOOPBACKNET;
        return inet_ntop(AF_INET, &four, out, RPC_ADDRESS_SIZE) != NULL;
    }
    if (inet_pton(AF_INET6, text, &six) != 1)
        return false;
    *local = IN6_IS_ADDR_LOOPBACK(&six);
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        memcpy(&four, &six.s6_addr[12], sizeof four);
        *local = (ntohl(four.s_addr) >> 24) == IN_LOOPBACKNET;
        return inet_ntop(AF_INET, &four, out, RPC_ADDRESS_SIZE) != NULL;
    }
    memset(&six.s6_addr[8], 0, 8);
    return inet_ntop(AF_INET6, &six, out, RPC_ADDRESS_SIZE) != NULL;
}

/* The peer's; behind a proxy of this machine the one that the proxy tells, and without its word none: the
 * proxy's own would be everybody's. */
static void caller_address(const struct app *app, const struct rpc_call *call,
                           char out[static RPC_ADDRESS_SIZE])
{
    char peer[RPC_ADDRESS_SIZE];
    bool local = true;
    out[0] = '\0';
    rpc_call_peer_address(call, peer);
    if (*peer && (!address_of_network(peer, out, &local) || !local))
        return;
    out[0] = '\0';
    const char *header = app->config ? config_text(app->config, CONFIG_ADDRESS_HEADER) : "";
    const char *told = *header ? rpc_call_metadata(call, header) : NULL;
    if (told && !address_of_network(told, out, &local))
        out[0] = '\0';
}

void call_ctx(const struct entry *e, struct rpc_call *call, struct db *db, struct arena *a, struct fault *f,
              struct ctx *out)
{
    fault_clear(f);
    int64_t limit = clock_mono_ms() + ANSWER_WITHIN_MS, deadline = rpc_call_deadline(call);
    *out = (struct ctx){.app = e->dispatch->app,
                        .db = db,
                        .keys = e->dispatch->app->keys,
                        .arena = a,
                        .fault = f,
                        .now_ms = clock_now_ms(),
                        .deadline_ms = deadline < limit ? deadline : limit,
                        .method = e->path,
                        .latest = e->row->latest};
    id_new("req", out->request);
    if (e->row->mode == MODE_WRITE)
        caller_address(e->dispatch->app, call, out->address);
#ifdef CERTDESK_FAULTS
    const char *k = rpc_call_metadata(call, "x-certdesk-fail-statement");
    out->fail_at = k ? atoi(k) : 0;
#endif
}

const char *call_token(const struct rpc_call *call)
{
    static const char scheme[] = "Bearer ";
    const char *v = rpc_call_metadata(call, "authorization");
    return v && strncmp(v, scheme, sizeof scheme - 1) == 0 ? v + sizeof scheme - 1 : NULL;
}

enum err call_allowed(const struct rpc_row *row, struct ctx *c)
{
    enum caller_kind k = c->caller.kind;
    if (row->access == ACCESS_PUBLIC)
        return OK;
    if (k == CALLER_NONE)
        return fail(c->fault, ERR_UNAUTHENTICATED, NULL);
    if (k == CALLER_STAFF && row->access != ACCESS_ACCOUNT)
        return c->caller.roles & row->roles ? OK : fail(c->fault, ERR_DENIED, NULL);
    if (k == CALLER_ACCOUNT && row->access != ACCESS_STAFF)
        return OK;
    return fail(c->fault, ERR_DENIED, NULL);
}

void fault_for_wire(struct fault *f, enum err e, const ProtobufCMessage *in)
{
    if (e == ERR_DB_RETRY)
        e = ERR_UNAVAILABLE;
    if (e == ERR_DB_DUPLICATE)
        e = ERR_EXISTS;
    if (f->code != e) {
        f->code = e;
        f->text[0] = f->text_zh[0] = f->state[0] = '\0';
    }
    fault_name_absent(f, in);
    if (err_status(e) == RPC_UNAVAILABLE && !f->retry_ms)
        f->retry_ms = RETRY_AFTER_MS;
}

enum err call_who(size_t n, struct rpc_call *const *calls, struct ctx *const *cs)
{
    const char *tokens[POOL_LIST] = {0};
    struct caller who[POOL_LIST];
    for (size_t i = 0; i < n; i++)
        tokens[i] = call_token(calls[i]);
    TRY(session_find(cs[0], n, tokens, who));
    for (size_t i = 0; i < n; i++)
        cs[i]->caller = who[i];
    return OK;
}

void call_refuse_code(struct rpc_call *call, enum err e)
{
    struct fault f;
    fault_clear(&f);
    fault_for_wire(&f, e, NULL);
    rpc_fail(call, &f);
}

const char *call_request_id(const struct entry *e, const ProtobufCMessage *request)
{
    const char *id;
    if (!e->request_id)
        return NULL;
    if (e->header)
        memcpy(&request, (const char *)request + e->header->offset, sizeof request);
    if (!request)
        return "";
    memcpy(&id, (const char *)request + e->request_id->offset, sizeof id);
    return id;
}

ProtobufCMessage *new_response(const struct entry *e, struct arena *a)
{
    ProtobufCMessage *m = arena_alloc(a, e->types->output->sizeof_message);
    protobuf_c_message_init(e->types->output, m);
    return m;
}

/* -- afterwards ------------------------------------------------------------------------------------------ */

void after_write(struct dispatch *d, const struct ctx *c)
{
    if (c->queued && d->app->outbox)
        outbox_wake(d->app->outbox);
    if (c->wrote)
        dispatch_changed(d);
}

void log_call(const struct entry *e, const struct ctx *c, enum err outcome, int64_t began_ms)
{
    enum rpc_status s = err_status(outcome);
    int64_t took = clock_mono_ms() - began_ms;
    if (s == RPC_INTERNAL || s == RPC_DATA_LOSS)
        LOG(ERROR, "rpc", KV_S("method", e->path), KV_S("outcome", err_name(outcome)), KV_I("ms", took),
            KV_S("caller", c->caller.id), KV_S("request", c->request), KV_S("text", fault_text(c->fault)));
    else
        LOG(INFO, "rpc", KV_S("method", e->path), KV_S("outcome", err_name(outcome)), KV_I("ms", took),
            KV_S("caller", c->caller.id), KV_S("request", c->request));
}

/* -- tables and routes ---------------------------------------------------------------------------------- */

static enum err make_entry(struct dispatch *d, const struct rpc_row *row, struct entry *e,
                           struct rpc_route *r, struct fault *f)
{
    const char *service = row->service->name;
    *e = (struct entry){.dispatch = d, .row = row};
    e->types = protobuf_c_service_descriptor_get_method_by_name(row->service, row->method);
    if (!e->types)
        return fail(f, ERR_INTERNAL, "%s has no method %s", service, row->method);
    int kinds = !!row->handler + !!row->watch + !!row->upload + !!row->download;
    if (kinds != 1)
        return fail(f, ERR_INTERNAL, "%s/%s: a row has one handler", service, row->method);
    e->request_id = protobuf_c_message_descriptor_get_field_by_name(e->types->input, "request_id");
    e->header = protobuf_c_message_descriptor_get_field_by_name(e->types->input, "header");
    if (e->header && !e->request_id)
        e->request_id = protobuf_c_message_descriptor_get_field_by_name(e->header->descriptor, "request_id");
    else
        e->header = NULL;
    snprintf(e->path, sizeof e->path, "/%s/%s", service, row->method);
    *r = (struct rpc_route){.service = row->service, .method = row->method, .row = e};
    r->max_request = row->max_request;
    if (row->handler && row->look)
        considered_route(r);
    else if (row->handler)
        unary_route(r);
    else if (row->watch)
        watch_route(r);
    else if (row->upload)
        upload_route(r);
    else
        download_route(r);
    return OK;
}

static enum err make_entries(struct dispatch *d, struct fault *f)
{
    const struct dispatch_options *o = &d->options;
    size_t n = 0;
    for (size_t t = 0; t < o->n_tables; t++)
        n += o->tables[t].n;
    d->entries = calloc(n, sizeof *d->entries);
    d->routes = calloc(n, sizeof *d->routes);
    if (!d->entries || !d->routes)
        return fail(f, ERR_INTERNAL, "out of memory");
    for (size_t t = 0; t < o->n_tables; t++)
        for (size_t i = 0; i < o->tables[t].n; i++, d->n++)
            TRY(make_entry(d, &o->tables[t].rows[i], &d->entries[d->n], &d->routes[d->n], f));
    return OK;
}

enum err dispatch_open(const struct dispatch_options *o, struct dispatch **out, struct fault *f)
{
    struct dispatch *d = calloc(1, sizeof *d);
    if (!d)
        return fail(f, ERR_INTERNAL, "out of memory");
    d->app = o->app;
    d->options = *o;
    pthread_mutex_init(&d->mu, NULL);
    enum err e = make_entries(d, f);
    if (e == OK)
        e = pool_open(&(struct pool_options){.db = o->app->db,
                                             .workers = o->workers ? o->workers : 10,
                                             .queue = o->queue ? o->queue : 1024},
                      &d->pool, f);
    if (e == OK)
        e = pool_open(
            &(struct pool_options){.bare = true, .workers = o->aside ? o->aside : 2, .queue = ASIDE_QUEUE},
            &d->aside, f);
    if (e != OK) {
        dispatch_close(d);
        return e;
    }
    *out = d;
    return OK;
}

const struct rpc_route *dispatch_routes(const struct dispatch *d, size_t *n)
{
    *n = d->n;
    return d->routes;
}

/* -- timers --------------------------------------------------------------------------------------------- */

/* True when another round is wanted; counts what rpc_after owes. */
static bool go_on(struct dispatch *d)
{
    pthread_mutex_lock(&d->mu);
    bool more = !d->closing;
    if (!more)
        d->timers--;
    pthread_mutex_unlock(&d->mu);
    return more;
}

static void on_watchdog(void *arg)
{
    struct dispatch *d = arg;
    waited_watchdog(d);
    if (go_on(d))
        rpc_after(d->server, WATCHDOG_EVERY_MS, on_watchdog, d);
}

static void on_look_time(void *arg)
{
    struct dispatch *d = arg;
    watch_tick(d);
    if (go_on(d))
        rpc_after(d->server, LOOK_EVERY_MS, on_look_time, d);
}

static void on_changed(void *arg)
{
    struct dispatch *d = arg;
    pthread_mutex_lock(&d->mu);
    d->tick_due = false;
    d->timers--;
    pthread_mutex_unlock(&d->mu);
    watch_tick(d);
}

void dispatch_attach(struct dispatch *d, struct rpc_server *s)
{
    d->server = s;
    d->timers = 2;
    rpc_after(s, WATCHDOG_EVERY_MS, on_watchdog, d);
    rpc_after(s, LOOK_EVERY_MS, on_look_time, d);
}

void dispatch_changed(struct dispatch *d)
{
    pthread_mutex_lock(&d->mu);
    bool post = d->server && d->watches && !d->tick_due && !d->closing;
    if (post) {
        d->tick_due = true;
        d->timers++;
    }
    pthread_mutex_unlock(&d->mu);
    if (post)
        rpc_after(d->server, 0, on_changed, d);
}

void dispatch_shed(struct dispatch *d)
{
    pool_shed(d->pool);
}

void dispatch_stop(struct dispatch *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->mu);
    d->closing = true;
    pthread_mutex_unlock(&d->mu);
    pool_close(d->aside); /* what it runs goes on to the other */
    d->aside = NULL;
    pool_close(d->pool);
    d->pool = NULL;
}

void dispatch_close(struct dispatch *d)
{
    if (!d)
        return;
    dispatch_stop(d);
    pthread_mutex_destroy(&d->mu);
    free(d->entries);
    free(d->routes);
    free(d);
}
