/* grpc.health.v1: Check, and Watch as a stream that remembers what it said last. */
#include "rpc/server_internal.h"

#include <grpc/health/v1/health.pb-c.h>
#include <stdlib.h>
#include <string.h>

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus status_t;
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct watcher {
    status_t said;
    bool busy; /* a message is on its way */
};

static const char *service_of(const struct rpc_call *c)
{
    return ((const Grpc__Health__V1__HealthCheckRequest *)rpc_call_request(c))->service;
}

/* s->mu is held. */
static struct health_entry *entry(struct rpc_server *s, const char *service)
{
    for (size_t i = 0; i < s->n_health; i++)
        if (strcmp(s->health[i].service, service) == 0)
            return &s->health[i];
    return NULL;
}

static status_t status_now(struct rpc_server *s, const char *service)
{
    pthread_mutex_lock(&s->mu);
    const struct health_entry *e = entry(s, service);
    status_t st = !e                           ? STATUS(SERVICE_UNKNOWN)
                  : e->serving && !s->draining ? STATUS(SERVING)
                                               : STATUS(NOT_SERVING);
    pthread_mutex_unlock(&s->mu);
    return st;
}

static void check(struct rpc_call *c)
{
    Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    r.status = status_now(c->server, service_of(c));
    if (r.status == STATUS(SERVICE_UNKNOWN))
        rpc_fail_status(c, RPC_NOT_FOUND, "unknown service");
    else
        rpc_reply(c, &r.base);
}

static void sent(struct rpc_call *c, bool ok);

/* Says what is new, if anything. The queue's thread. */
static void tell(struct rpc_call *c)
{
    struct watcher *w = rpc_call_user(c);
    Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    r.status = status_now(c->server, service_of(c));
    if (w->busy)
        return; /* sent() looks again */
    if (r.status != w->said) {
        w->said = r.status;
        w->busy = true;
        rpc_send(c, &r.base, sent);
    } else if (c->server->draining) {
        rpc_fail_status(c, RPC_UNAVAILABLE, "the server is going away");
    }
}

static void sent(struct rpc_call *c, bool ok)
{
    struct watcher *w = rpc_call_user(c);
    w->busy = false;
    if (ok)
        tell(c);
}

static void watch(struct rpc_call *c)
{
    struct watcher *w = ARENA_NEW(rpc_call_arena(c), struct watcher);
    w->said = STATUS(UNKNOWN); /* never a state of ours: the first is always told */
    rpc_call_set_user(c, w);
    tell(c);
}

size_t health_routes(struct rpc_route *out)
{
    const ProtobufCServiceDescriptor *d = &grpc__health__v1__health__descriptor;
    out[0] = (struct rpc_route){.service = d, .method = "Check", .on_call = check};
    out[1] = (struct rpc_route){.service = d, .method = "Watch", .on_call = watch, .on_drain = tell};
    return 2;
}

static void tell_all(void *server)
{
    struct rpc_server *s = server;
    for (struct rpc_call *c = s->calls, *next; c; c = next) {
        next = c->next;
        if (c->opened && c->slot->route.on_call == watch)
            tell(c);
    }
}

void rpc_health_set(struct rpc_server *s, const char *service, bool serving)
{
    pthread_mutex_lock(&s->mu);
    struct health_entry *e = entry(s, service);
    bool changed = !e || e->serving != serving;
    if (!e) {
        s->health = realloc(s->health, (s->n_health + 1) * sizeof *s->health);
        if (!s->health)
            abort();
        e = &s->health[s->n_health++];
        e->service = strdup(service);
    }
    e->serving = serving;
    pthread_mutex_unlock(&s->mu);
    if (changed && s->thread_runs)
        rpc_after(s, 0, tell_all, s);
}

void health_register(struct rpc_server *s)
{
    rpc_health_set(s, "", true);
    for (size_t i = 0; i < s->n_slots; i++)
        rpc_health_set(s, s->slots[i].route.service->name, true);
}

void health_drain(struct rpc_server *s)
{
    pthread_mutex_lock(&s->mu);
    s->draining = true;
    pthread_mutex_unlock(&s->mu);
}

void health_free(struct rpc_server *s)
{
    for (size_t i = 0; i < s->n_health; i++)
        free(s->health[i].service);
    free(s->health);
}
