/* Calls with a part that takes long and needs no database: a look on a worker, that part on a thread without
 * a connection, the rest on a worker again. Nobody holds a connection, or a transaction, meanwhile.
 *
 *     worker: who, may, look ──found──> aside's thread: row->aside ──OK──> worker: who, may, transaction
 *                │                                        └─ error: the answer
 *                └─ nothing found, or refused: straight on to the transaction, where a repeat is answered
 *                   with what was stored, and a refusal is said again by the handler
 */
#include "dispatch_internal.h"

#include "base/clock.h"
#include "core/crypt.h"

#include <string.h>
#include <unistd.h>

#define HOLDER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

static void end(struct considered *k, struct ctx *c, enum err e)
{
    if (e != OK) {
        fault_for_wire(c->fault, e, k->in);
        rpc_fail(k->call, c->fault);
    }
    log_call(k->entry, c, e, k->began_ms);
    k->over(k);
}

static void refused(struct considered *k, enum err why)
{
    struct fault f;
    waited_remove(k->entry->dispatch, &k->waited);
    fault_clear(&f);
    f.retry_ms = RETRY_AFTER_MS; /* also when too many wait: their files are looked into by and by */
    fault_for_wire(&f, why == ERR_DEADLINE ? ERR_UNAVAILABLE : why, NULL);
    rpc_fail(k->call, &f);
    k->over(k);
}

static void not_run(struct pool_work *w, enum err why)
{
    refused(HOLDER(w, struct considered, work), why);
}

static enum err who(const struct considered *k, struct ctx *c)
{
    struct rpc_call *calls[] = {k->call};
    struct ctx *cs[] = {c};
    TRY(call_who(1, calls, cs));
    return call_allowed(k->entry->row, c);
}

/* -- last: the transaction ------------------------------------------------------------------------------- */

static void finish(struct considered *k, struct ctx *c)
{
    ProtobufCMessage *out = NULL;
    enum err e = who(k, c);
    c->found = k->found;
    if (e == OK)
        e = k->last(k, c, &out);
    waited_remove(k->entry->dispatch, &k->waited);
    if (e == OK)
        rpc_reply(k->call, out);
    after_write(k->entry->dispatch, c);
    end(k, c, e);
}

static void run_last(struct pool_work *const *list, size_t n, struct db *db)
{
    (void)n;
    struct considered *k = HOLDER(list[0], struct considered, work);
    struct arena a;
    struct fault f;
    struct ctx c;
    arena_init(&a, 0);
    call_ctx(k->entry, k->call, db, &a, &f, &c);
    c.fail_at = k->fail_at;
    finish(k, &c);
    arena_free(&a);
}

static void to_worker(struct considered *k, void (*run)(struct pool_work *const *, size_t, struct db *))
{
    int64_t limit = clock_mono_ms() + ANSWER_WITHIN_MS, deadline = rpc_call_deadline(k->call);
    k->work =
        (struct pool_work){.deadline_ms = deadline < limit ? deadline : limit, .run = run, .drop = not_run};
    waited_add(k->entry->dispatch, &k->waited, k->call);
    enum err e = pool_submit(k->entry->dispatch->pool, &k->work);
    if (e != OK)
        refused(k, e);
}

/* -- between: without a connection ----------------------------------------------------------------------- */

static void run_aside(struct pool_work *const *list, size_t n, struct db *none)
{
    (void)n;
    struct considered *k = HOLDER(list[0], struct considered, work);
    struct fault f;
    struct ctx c;
    if (rpc_call_over(k->call)) {
        k->over(k);
        return;
    }
    call_ctx(k->entry, k->call, none, rpc_call_arena(k->call), &f, &c);
    c.deadline_ms = k->aside_until_ms;
    enum err e = k->entry->row->aside(&c, k->found);
    if (e != OK)
        end(k, &c, e);
    else
        to_worker(k, run_last);
}

/* A stop waits for those that were here before it. */
static enum err to_aside(struct considered *k)
{
    struct dispatch *d = k->entry->dispatch;
    int64_t limit = clock_mono_ms() + ASIDE_WITHIN_MS, deadline = rpc_call_deadline(k->call);
    k->aside_until_ms = deadline < limit ? deadline : limit;
    k->work = (struct pool_work){.deadline_ms = k->aside_until_ms, .run = run_aside, .drop = not_run};
    pthread_mutex_lock(&d->mu);
    enum err e = d->closing ? ERR_UNAVAILABLE : pool_submit(d->aside, &k->work);
    pthread_mutex_unlock(&d->mu);
    return e;
}

/* -- first: a look --------------------------------------------------------------------------------------- */

static bool final(const struct considered *k, enum err e)
{
    return e != OK && (k->entry->row->mode == MODE_READ || err_status(e) == RPC_UNAVAILABLE ||
                       err_status(e) == RPC_INTERNAL || err_status(e) == RPC_RESOURCE_EXHAUSTED);
}

static void run_look(struct pool_work *const *list, size_t n, struct db *db)
{
    (void)n;
    struct considered *k = HOLDER(list[0], struct considered, work);
    struct fault f;
    struct ctx c;
    call_ctx(k->entry, k->call, db, rpc_call_arena(k->call), &f, &c);
    enum err e = who(k, &c);
    bool may = e == OK;
    if (may)
        e = k->entry->row->look(&c, k->in, k->file, &k->found);
    k->fail_at = c.fail_at;
    if (!may || final(k, e)) {
        waited_remove(k->entry->dispatch, &k->waited);
        end(k, &c, e);
    } else if (e == OK && k->found) {
        waited_remove(k->entry->dispatch, &k->waited); /* what comes now has a limit of its own */
        e = to_aside(k);
        if (e != OK)
            refused(k, e);
    } else {
        k->found = NULL;
        fault_clear(&f);
        finish(k, &c);
    }
}

void consider(struct considered *k)
{
    to_worker(k, run_look);
}

/* -- unary calls ----------------------------------------------------------------------------------------- */

struct unary {
    struct considered considered;
    struct upload file;
};

static enum err call_handler(struct ctx *c, void *arg, ProtobufCMessage *out)
{
    const struct considered *k = arg;
    return k->entry->row->handler(c, k->in, out);
}

static enum err unary_last(struct considered *k, struct ctx *c, ProtobufCMessage **out)
{
    if (k->entry->row->mode == MODE_READ) {
        *out = new_response(k->entry, c->arena);
        return k->entry->row->handler(c, k->in, *out);
    }
    struct write w = {
        .entry = k->entry, .request_id = call_request_id(k->entry, k->in), .body = call_handler, .arg = k};
    size_t n;
    const void *bytes = rpc_call_request_bytes(k->call, &n);
    crypt_sha256(bytes, n, w.digest);
    TRY(run_write(c, &w));
    *out = w.out;
    return OK;
}

static void unary_over(struct considered *k)
{
    if (k->file->fd >= 0)
        close(k->file->fd);
    k->file->fd = -1;
    rpc_call_unref(k->call);
}

static void on_call(struct rpc_call *call)
{
    const struct entry *e = rpc_call_route(call)->row;
    struct dispatch *d = e->dispatch;
    if (!d->options.database_up(d->options.database_arg)) {
        call_refuse_code(call, ERR_UNAVAILABLE);
        return;
    }
    struct unary *u = ARENA_NEW(rpc_call_arena(call), struct unary);
    u->file.fd = -1;
    u->considered = (struct considered){.call = call,
                                        .entry = e,
                                        .in = rpc_call_request(call),
                                        .file = &u->file,
                                        .began_ms = clock_mono_ms(),
                                        .last = unary_last,
                                        .over = unary_over};
    rpc_call_ref(call);
    consider(&u->considered);
}

void considered_route(struct rpc_route *r)
{
    r->on_call = on_call;
    r->deadline_ms = STREAM_LIFE_MS;
}
