/* Unary calls: queued by method, authenticated and run as lists, answered once. */
#include "dispatch_internal.h"

#include "base/clock.h"
#include "core/crypt.h"
#include "core/tx.h"

#include <string.h>

#define HOLDER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* -- the list of calls that are waited for ---- */

static void list_add(struct dispatch *d, struct task *t)
{
    pthread_mutex_lock(&d->mu);
    t->older = d->newest;
    t->newer = NULL;
    if (d->newest)
        d->newest->newer = t;
    else
        d->oldest = t;
    d->newest = t;
    t->listed = true;
    pthread_mutex_unlock(&d->mu);
}

static void unlink_task(struct dispatch *d, struct task *t)
{
    if (!t->listed)
        return;
    t->listed = false;
    if (t->older)
        t->older->newer = t->newer;
    else
        d->oldest = t->newer;
    if (t->newer)
        t->newer->older = t->older;
    else
        d->newest = t->older;
}

/* The worker is through with it. */
static void finish(struct task *t)
{
    struct dispatch *d = t->entry->dispatch;
    pthread_mutex_lock(&d->mu);
    unlink_task(d, t);
    pthread_mutex_unlock(&d->mu);
    rpc_call_unref(t->call); /* t lives in the call's arena */
}

/* A worker may hang on a frozen database; its callers are told, and its later answer is dropped (first wins).
 */
void unary_watchdog(struct dispatch *d)
{
    for (;;) {
        struct rpc_call *late = NULL;
        int64_t limit = clock_mono_ms() - ANSWER_WITHIN_MS;
        pthread_mutex_lock(&d->mu);
        struct task *t = d->oldest;
        if (t && t->began_ms <= limit) {
            late = t->call;
            rpc_call_ref(late);
            unlink_task(d, t);
        }
        pthread_mutex_unlock(&d->mu);
        if (!late)
            return;
        call_refuse_code(late, ERR_UNAVAILABLE);
        rpc_call_unref(late);
    }
}

/* -- running ---- */

static enum err call_handler(struct ctx *c, void *arg, ProtobufCMessage *out)
{
    const struct task *t = arg;
    return t->entry->row->handler(c, rpc_call_request(t->call), out);
}

static const char *request_id_of(const struct entry *e, const ProtobufCMessage *m)
{
    if (!e->request_id)
        return NULL;
    const char *id;
    memcpy(&id, (const char *)m + e->request_id->offset, sizeof id);
    return id;
}

static enum err call_prepare(struct ctx *c, void *arg)
{
    const struct task *t = arg;
    return t->entry->row->prepare(c, rpc_call_request(t->call), new_response(t->entry, c->arena));
}

static enum err run_one(struct task *t, struct ctx *c, ProtobufCMessage **out)
{
    const struct entry *e = t->entry;
    if (e->row->mode == MODE_READ) {
        *out = new_response(e, c->arena);
        return e->row->handler(c, rpc_call_request(t->call), *out);
    }
    unsigned char digest[32];
    size_t n;
    const void *bytes = rpc_call_request_bytes(t->call, &n);
    crypt_sha256(bytes, n, digest);
    if (e->row->prepare)
        TRY(tx_run(c, call_prepare, t));
    return run_write(c, e, request_id_of(e, rpc_call_request(t->call)), digest, call_handler, t, out);
}

static void answer(struct task *t, struct ctx *c, enum err e, const ProtobufCMessage *out)
{
    if (e == OK) {
        rpc_reply(t->call, out);
    } else {
        fault_for_wire(c->fault, e);
        rpc_fail(t->call, c->fault);
    }
    log_call(t->entry, c, e, t->began_ms);
    after_write(t->entry->dispatch, c);
}

static void run_each(size_t n, struct task *const *tasks, struct ctx *const *cs)
{
    for (size_t i = 0; i < n; i++) {
        ProtobufCMessage *out = NULL;
        enum err e = call_allowed(tasks[i]->entry->row, cs[i]);
        if (e == OK)
            e = run_one(tasks[i], cs[i], &out);
        answer(tasks[i], cs[i], e, out);
    }
}

static void run_many(size_t n, struct task *const *tasks, struct ctx *const *cs)
{
    const ProtobufCMessage *ins[POOL_LIST];
    ProtobufCMessage *outs[POOL_LIST];
    struct ctx *allowed_cs[POOL_LIST];
    struct task *allowed[POOL_LIST];
    enum err errs[POOL_LIST];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        enum err e = call_allowed(tasks[i]->entry->row, cs[i]);
        if (e != OK) {
            answer(tasks[i], cs[i], e, NULL);
            continue;
        }
        allowed[m] = tasks[i];
        allowed_cs[m] = cs[i];
        ins[m] = rpc_call_request(tasks[i]->call);
        outs[m] = new_response(tasks[i]->entry, cs[i]->arena);
        errs[m++] = OK;
    }
    if (!m)
        return;
    enum err all = allowed[0]->entry->row->many(m, allowed_cs, ins, outs, errs);
    for (size_t i = 0; i < m; i++)
        answer(allowed[i], allowed_cs[i], all == OK ? errs[i] : all, outs[i]);
}

static void run_list(struct pool_work *const *list, size_t n, struct db *db)
{
    struct task *tasks[POOL_LIST];
    struct rpc_call *calls[POOL_LIST];
    struct fault faults[POOL_LIST];
    struct ctx ctxs[POOL_LIST], *cs[POOL_LIST];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        struct task *t = HOLDER(list[i], struct task, work);
        if (rpc_call_over(t->call)) {
            finish(t);
            continue;
        }
        tasks[m] = t;
        calls[m] = t->call;
        cs[m] = &ctxs[m];
        call_ctx(t->entry, t->call, db, rpc_call_arena(t->call), &faults[m], cs[m]);
        m++;
    }
    if (!m)
        return;
    enum err e = call_who(m, calls, cs);
    if (e != OK)
        for (size_t i = 0; i < m; i++)
            answer(tasks[i], cs[i], e, NULL);
    else if (m > 1 && tasks[0]->entry->row->many)
        run_many(m, tasks, cs);
    else
        run_each(m, tasks, cs);
    for (size_t i = 0; i < m; i++)
        finish(tasks[i]);
}

static void dropped(struct pool_work *w, enum err why)
{
    struct task *t = HOLDER(w, struct task, work);
    call_refuse_code(t->call, why == ERR_DEADLINE ? ERR_UNAVAILABLE : why);
    finish(t);
}

static void on_call(struct rpc_call *call)
{
    const struct entry *e = rpc_call_route(call)->row;
    struct dispatch *d = e->dispatch;
    if (!d->options.database_up(d->options.database_arg)) {
        call_refuse_code(call, ERR_UNAVAILABLE);
        return;
    }
    struct task *t = ARENA_NEW(rpc_call_arena(call), struct task);
    int64_t now = clock_mono_ms(), deadline = rpc_call_deadline(call);
    *t = (struct task){.call = call, .entry = e, .began_ms = now};
    t->work = (struct pool_work){.key = e->row->mode == MODE_READ ? e : NULL,
                                 .deadline_ms =
                                     deadline < now + ANSWER_WITHIN_MS ? deadline : now + ANSWER_WITHIN_MS,
                                 .run = run_list,
                                 .drop = dropped};
    rpc_call_ref(call);
    list_add(d, t);
    enum err refused = pool_submit(d->pool, &t->work);
    if (refused != OK)
        dropped(&t->work, refused);
}

void unary_route(struct rpc_route *r)
{
    r->on_call = on_call;
}
