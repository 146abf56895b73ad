#include "rpc/server_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "rpc/codec.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    /* calls that the core may hand over before the queue's thread has looked: of all methods that are not
     * registered, and of each that is (a share of a bounded whole). One that comes beyond them waits in the
     * core behind its locks, which costs a tenth of a bare echo. */
    OUTSTANDING = 64,
    OUTSTANDING_REGISTERED = 2048,
    OUTSTANDING_EACH_MIN = 8,
    OUTSTANDING_EACH_MAX = 64,
    DEFAULT_MAX_REQUEST = 1 << 20,
    CLOSE_PATIENCE_S = 5
};

static_assert((int)RPC_UNAUTHENTICATED == (int)GRPC_STATUS_UNAUTHENTICATED);
static_assert((int)RPC_DATA_LOSS == (int)GRPC_STATUS_DATA_LOSS);
static_assert((int)RPC_CANCELLED == (int)GRPC_STATUS_CANCELLED);

/* -- routes ------------------------------------------------------------------------------------------------
 */

size_t slot_hash(const char *path, size_t n)
{
    size_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)path[i]) * 1099511628211u;
    return h ^ (h >> 32);
}

static enum err index_slot(struct rpc_server *s, struct slot *slot, struct fault *f)
{
    size_t i = slot_hash(slot->path, slot->path_len);
    for (const struct slot *other; (other = s->index[i & (s->index_size - 1)]); i++)
        if (strcmp(other->path, slot->path) == 0)
            return fail(f, ERR_INVALID, "two routes for %s", slot->path);
    s->index[i & (s->index_size - 1)] = slot;
    return OK;
}

static enum err fill_slot(struct rpc_server *s, struct slot *slot, const struct rpc_route *r,
                          size_t max_request, struct fault *f)
{
    const ProtobufCMethodDescriptor *m =
        protobuf_c_service_descriptor_get_method_by_name(r->service, r->method);
    if (!m || !describe_kind(&s->describe, r->service->name, r->method, &slot->kind))
        return fail(f, ERR_INVALID, "there is no method %s/%s", r->service->name, r->method);
    if (codec_recursive(m->input))
        return fail(f, ERR_INVALID, "%s is recursive: a request could nest without end", m->input->name);
    slot->route = *r;
    slot->path = arena_printf(&s->arena, "/%s/%s", r->service->name, r->method);
    slot->path_len = strlen(slot->path);
    slot->input = m->input;
    reflection_share_types(slot);
    slot->max_request = r->max_request ? r->max_request : max_request;
    slot->budget = s->arena_budget ? s->arena_budget : 8 * slot->max_request;
    return OK;
}

static enum err add_routes(struct rpc_server *s, const struct rpc_route *r, size_t n, size_t max_request,
                           struct fault *f)
{
    for (size_t i = 0; i < n; i++) {
        TRY(fill_slot(s, &s->slots[s->n_slots], &r[i], max_request, f));
        TRY(index_slot(s, &s->slots[s->n_slots], f));
        s->n_slots++;
    }
    return OK;
}

static enum err open_routes(struct rpc_server *s, const struct rpc_route *routes, size_t n,
                            size_t max_request, struct fault *f)
{
    struct rpc_route builtin[MAX_BUILTIN_ROUTES];
    size_t n_builtin = health_routes(builtin);
    n_builtin += reflection_routes(builtin + n_builtin);
    TRY(describe_open(&s->describe, &s->arena, f));
    s->slots = ARENA_ARRAY(&s->arena, struct slot, n + n_builtin);
    for (s->index_size = 16; s->index_size < 2 * (n + n_builtin);)
        s->index_size *= 2;
    s->index = ARENA_ARRAY(&s->arena, struct slot *, s->index_size);
    TRY(add_routes(s, routes, n, max_request, f));
    return add_routes(s, builtin, n_builtin, max_request, f);
}

static size_t largest_message(const struct rpc_server *s)
{
    size_t max = 0;
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].max_request > max)
            max = s->slots[i].max_request;
    return max;
}

/* -- open, start, close ------------------------------------------------------------------------------------
 */

enum err rpc_server_open(const struct rpc_server_options *o, const struct rpc_route *routes, size_t n_routes,
                         struct rpc_server **out, struct fault *f)
{
    wire_init();
    struct rpc_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    arena_init(&s->arena, 0);
    pthread_mutex_init(&s->mu, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    s->app = o->app;
    s->arena_budget = o->arena_budget;
    enum err e = loop_open(s, f);
    if (e == OK)
        e = open_routes(s, routes, n_routes, o->max_request ? o->max_request : DEFAULT_MAX_REQUEST, f);
    if (e == OK)
        e = listen_open(s, o, largest_message(s), f);
    if (e != OK) {
        rpc_server_close(s);
        return e;
    }
    health_register(s);
    *out = s;
    return OK;
}

static enum err run_thread(struct rpc_server *s, struct fault *f)
{
    s->thread_runs = true;
    if (pthread_create(&s->thread, NULL, loop_run, s) == 0)
        return OK;
    s->thread_runs = false;
    return fail(f, ERR_INTERNAL, "cannot start a thread");
}

enum err rpc_server_start(struct rpc_server *s, struct fault *f)
{
    grpc_server_start(s->core);
    s->started = true;
    for (int i = 0; i < OUTSTANDING; i++)
        call_accept(s, NULL);
    size_t each = OUTSTANDING_REGISTERED / (s->n_slots + 1);
    each = each < OUTSTANDING_EACH_MIN ? OUTSTANDING_EACH_MIN : each;
    each = each > OUTSTANDING_EACH_MAX ? OUTSTANDING_EACH_MAX : each;
    for (size_t i = 0; i < s->n_slots * each; i++)
        if (s->slots[i / each].registered)
            call_accept(s, &s->slots[i / each]);
    return run_thread(s, f);
}

int rpc_server_port(const struct rpc_server *s, size_t i)
{
    return i < s->n_addresses ? s->ports[i] : 0;
}

void *rpc_server_app(const struct rpc_server *s)
{
    return s->app;
}

/* The step to zero is made under the lock: who waits for it may free the server next. */
void server_count_down(struct rpc_server *s, _Atomic size_t *counter)
{
    size_t n = atomic_load(counter);
    while (n > 1)
        if (atomic_compare_exchange_weak(counter, &n, n - 1))
            return;
    pthread_mutex_lock(&s->mu);
    if (atomic_fetch_sub(counter, 1) == 1)
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
}

static void on_shutdown(struct tag *t, bool ok)
{
    (void)ok;
    struct rpc_server *s = HOLDER(t, struct rpc_server, shutdown_tag);
    pthread_mutex_lock(&s->mu);
    s->shutdown_done = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
}

/* Tells the streams that would go on for ever. The queue's thread. */
static void tell_streams(void *server)
{
    struct rpc_server *s = server;
    health_drain(s);
    for (struct rpc_call *c = s->calls, *next; c; c = next) {
        next = c->next;
        if (c->opened && c->slot->route.on_drain)
            c->slot->route.on_drain(c);
    }
}

/* Waits until that is so or the time is up; s->mu is held. */
static bool wait_until(struct rpc_server *s, bool (*reached)(const struct rpc_server *), int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    while (!reached(s))
        if (pthread_cond_timedwait(&s->changed, &s->mu, &t) != 0)
            return reached(s);
    return true;
}

static bool is_down(const struct rpc_server *s)
{
    return s->shutdown_done && s->running == 0;
}

static bool is_empty(const struct rpc_server *s)
{
    return s->live == 0;
}

void rpc_server_drain(struct rpc_server *s, int64_t grace_ms)
{
    if (!s->core || s->drained)
        return;
    s->drained = true;
    struct fault ignored;
    if (!s->thread_runs && run_thread(s, &ignored) != OK)
        return;
    rpc_after(s, 0, tell_streams, s);
    s->shutdown_tag.fn = on_shutdown;
    hand_over(&s->shutdown_tag);
    grpc_server_shutdown_and_notify(s->core, s->cq, &s->shutdown_tag);
    pthread_mutex_lock(&s->mu);
    bool down = wait_until(s, is_down, grace_ms);
    pthread_mutex_unlock(&s->mu);
    if (down)
        return;
    grpc_server_cancel_all_calls(s->core);
    pthread_mutex_lock(&s->mu);
    while (!is_down(s))
        pthread_cond_wait(&s->changed, &s->mu);
    pthread_mutex_unlock(&s->mu);
}

void rpc_server_close(struct rpc_server *s)
{
    if (!s)
        return;
    rpc_server_drain(s, 0);
    pthread_mutex_lock(&s->mu);
    bool empty = wait_until(s, is_empty, CLOSE_PATIENCE_S * 1000);
    size_t live = s->live;
    pthread_mutex_unlock(&s->mu);
    if (!empty) {
        LOG(ERROR, "rpc.close", KV_S("reason", "calls are still held"), KV_I("calls", live));
        return;
    }
    if (s->core)
        grpc_server_destroy(s->core);
    loop_close(s);
    pthread_mutex_destroy(&s->mu);
    pthread_cond_destroy(&s->changed);
    health_free(s);
    arena_free(&s->arena);
    free(s);
    grpc_shutdown();
}
