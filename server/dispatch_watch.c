/* Server streams of states: a small machine per stream, never a worker's thread.
 *
 *      on_call, tick, sent            worker: something new
 *   IDLE ----------------> LOOKING -----------------------> SENDING
 *    ^                       |                                 |
 *    |      nothing new      |               sent              |
 *    +-----------------------+ <-------------------------------+
 *
 * A tick that comes while LOOKING or SENDING sets `again`. */
#include "dispatch_internal.h"

#include "base/clock.h"
#include "core/tx.h"

#define HOLDER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

enum watch_state {
    WATCH_IDLE,
    WATCH_LOOKING,
    WATCH_SENDING,
    WATCH_OVER,
};

struct watch {
    struct pool_work work;
    struct rpc_call *call;
    const struct entry *entry;
    struct watch *next, **link;
    int64_t cursor, began_ms;
    enum watch_state state;
    bool again, last;
};

static void look(struct watch *w);

/* IDLE or OVER after something ended; looks again when asked meanwhile. */
static void rest(struct watch *w)
{
    struct dispatch *d = w->entry->dispatch;
    pthread_mutex_lock(&d->mu);
    bool again = w->again && w->state != WATCH_OVER;
    w->again = false;
    if (w->state != WATCH_OVER)
        w->state = WATCH_IDLE;
    pthread_mutex_unlock(&d->mu);
    if (again)
        look(w);
}

static void on_sent(struct rpc_call *call, bool ok)
{
    struct watch *w = rpc_call_user(call);
    if (w->last)
        rpc_finish(call);
    else if (ok)
        rest(w);
}

static void set_state(struct watch *w, enum watch_state state)
{
    pthread_mutex_lock(&w->entry->dispatch->mu);
    if (w->state != WATCH_OVER)
        w->state = state;
    pthread_mutex_unlock(&w->entry->dispatch->mu);
}

struct seen {
    struct watch *watch;
    ProtobufCMessage *out;
    int64_t cursor;
    bool changed, over;
};

static enum err see(struct ctx *c, void *arg)
{
    struct seen *s = arg;
    const struct entry *e = s->watch->entry;
    s->cursor = s->watch->cursor;
    s->changed = s->over = false;
    s->out = new_response(e, c->arena);
    return e->row->watch(c, rpc_call_request(s->watch->call), &s->cursor, s->out, &s->changed, &s->over);
}

static enum err one_look(struct watch *w, struct ctx *c, bool *changed, ProtobufCMessage **out)
{
    struct rpc_call *calls[] = {w->call};
    struct ctx *cs[] = {c};
    struct seen s = {.watch = w};
    TRY(call_who(1, calls, cs));
    TRY(call_allowed(w->entry->row, c));
    TRY(w->entry->row->of_one_moment ? tx_read(c, see, &s) : see(c, &s));
    *changed = s.changed;
    *out = s.out;
    w->cursor = s.cursor;
    w->last = s.over;
    return OK;
}

static void run_look(struct pool_work *const *list, size_t n, struct db *db)
{
    (void)n; /* watches have no key: always alone */
    struct watch *w = HOLDER(list[0], struct watch, work);
    struct arena a;
    struct fault f;
    struct ctx c;
    bool changed = false;
    ProtobufCMessage *out = NULL;
    arena_init(&a, 0);
    call_ctx(w->entry, w->call, db, &a, &f, &c);
    enum err e = one_look(w, &c, &changed, &out);
    if (e != OK) {
        fault_for_wire(&f, e, rpc_call_request(w->call));
        rpc_fail(w->call, &f);
        log_call(w->entry, &c, e, w->began_ms);
    } else if (changed) {
        set_state(w, WATCH_SENDING);
        rpc_send(w->call, out, on_sent);
    } else if (w->last) {
        rpc_finish(w->call);
    } else {
        rest(w);
    }
    arena_free(&a);
    rpc_call_unref(w->call);
}

static void not_looked(struct pool_work *work, enum err why)
{
    struct watch *w = HOLDER(work, struct watch, work);
    call_refuse_code(w->call, why == ERR_DEADLINE ? ERR_UNAVAILABLE : why);
    rpc_call_unref(w->call);
}

/* From IDLE only; otherwise remembers. */
static void look(struct watch *w)
{
    struct dispatch *d = w->entry->dispatch;
    pthread_mutex_lock(&d->mu);
    bool now = w->state == WATCH_IDLE;
    if (now)
        w->state = WATCH_LOOKING;
    else
        w->again = true;
    pthread_mutex_unlock(&d->mu);
    if (!now)
        return;
    w->work = (struct pool_work){.deadline_ms = INT64_MAX, .run = run_look, .drop = not_looked};
    rpc_call_ref(w->call);
    enum err e = pool_submit(d->pool, &w->work);
    if (e != OK)
        not_looked(&w->work, e);
}

void watch_tick(struct dispatch *d)
{
    struct watch *ready[64];
    size_t n;
    struct watch *from = NULL;
    do { /* in portions: look() takes the lock itself */
        n = 0;
        pthread_mutex_lock(&d->mu);
        struct watch *w = from ? from->next : d->watches;
        for (; w && n < sizeof ready / sizeof *ready; w = w->next)
            ready[n++] = w;
        pthread_mutex_unlock(&d->mu);
        for (size_t i = 0; i < n; i++)
            look(ready[i]); /* they end on this thread, so they are still there */
        from = n ? ready[n - 1] : NULL;
    } while (n == sizeof ready / sizeof *ready);
}

static void on_call(struct rpc_call *call)
{
    const struct entry *e = rpc_call_route(call)->row;
    struct dispatch *d = e->dispatch;
    if (!d->options.database_up(d->options.database_arg)) {
        call_refuse_code(call, ERR_UNAVAILABLE);
        return;
    }
    struct watch *w = ARENA_NEW(rpc_call_arena(call), struct watch);
    *w = (struct watch){.call = call, .entry = e, .began_ms = clock_mono_ms()};
    rpc_call_set_user(call, w);
    pthread_mutex_lock(&d->mu);
    w->next = d->watches;
    w->link = &d->watches;
    if (w->next)
        w->next->link = &w->next;
    d->watches = w;
    pthread_mutex_unlock(&d->mu);
    look(w);
}

static void on_end(struct rpc_call *call)
{
    struct watch *w = rpc_call_user(call);
    if (!w)
        return;
    pthread_mutex_lock(&w->entry->dispatch->mu);
    w->state = WATCH_OVER;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    pthread_mutex_unlock(&w->entry->dispatch->mu);
}

/* The server is stopping: the client reconnects elsewhere and resumes. */
static void on_drain(struct rpc_call *call)
{
    call_refuse_code(call, ERR_UNAVAILABLE);
}

void watch_route(struct rpc_route *r)
{
    r->on_call = on_call;
    r->on_end = on_end;
    r->on_drain = on_drain;
}
