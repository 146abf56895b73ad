/* Unary calls: queued by method, authenticated and run as lists, answered once. */
#include "dispatch_internal.h"

#include "base/clock.h"
#include "core/crypt.h"
#include "core/tx.h"

#include <string.h>

#define HOLDER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

/* The worker is through with it. */
static void finish(struct task *t)
{
    waited_remove(t->entry->dispatch, &t->waited);
    rpc_call_unref(t->call); /* t lives in the call's arena */
}

/* -- running ---- */

static enum err call_handler(struct ctx *c, void *arg, ProtobufCMessage *out)
{
    const struct task *t = arg;
    return t->entry->row->handler(c, rpc_call_request(t->call), out);
}

static enum err call_prepare(struct ctx *c, void *arg)
{
    const struct task *t = arg;
    return t->entry->row->prepare(c, rpc_call_request(t->call), new_response(t->entry, c->arena));
}

static void make_write(struct task *t, struct write *out)
{
    size_t n;
    const void *bytes = rpc_call_request_bytes(t->call, &n);
    *out = (struct write){.entry = t->entry,
                          .request_id = call_request_id(t->entry, rpc_call_request(t->call)),
                          .body = call_handler,
                          .arg = t};
    crypt_sha256(bytes, n, out->digest);
}

struct reading {
    struct task *task;
    ProtobufCMessage *out;
};

static enum err read_one(struct ctx *c, void *arg)
{
    struct reading *r = arg;
    r->out = new_response(r->task->entry, c->arena);
    return r->task->entry->row->handler(c, rpc_call_request(r->task->call), r->out);
}

static enum err run_one(struct task *t, struct ctx *c, ProtobufCMessage **out)
{
    const struct entry *e = t->entry;
    if (e->row->mode == MODE_READ) {
        struct reading r = {.task = t};
        enum err read = e->row->of_one_moment ? tx_read(c, read_one, &r) : read_one(c, &r);
        *out = r.out;
        return read;
    }
    if (e->row->prepare)
        TRY(tx_run(c, call_prepare, t));
    struct write w;
    make_write(t, &w);
    TRY(run_write(c, &w));
    *out = w.out;
    return OK;
}

static void answer(struct task *t, struct ctx *c, enum err e, const ProtobufCMessage *out)
{
    if (e == OK) {
        rpc_reply(t->call, out);
    } else {
        fault_for_wire(c->fault, e, rpc_call_request(t->call));
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

/* The calls of a list that may be run; the others are answered. */
struct allowed {
    size_t n;
    struct task *tasks[POOL_LIST];
    struct ctx *cs[POOL_LIST];
};

static void keep_allowed(size_t n, struct task *const *tasks, struct ctx *const *cs, struct allowed *out)
{
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        enum err e = call_allowed(tasks[i]->entry->row, cs[i]);
        if (e != OK) {
            answer(tasks[i], cs[i], e, NULL);
            continue;
        }
        out->tasks[out->n] = tasks[i];
        out->cs[out->n++] = cs[i];
    }
}

struct reading_many {
    const struct allowed *a;
    const ProtobufCMessage *ins[POOL_LIST];
    ProtobufCMessage *outs[POOL_LIST];
    enum err errs[POOL_LIST];
};

static enum err read_many(struct ctx *c, void *arg)
{
    (void)c; /* one of them */
    struct reading_many *r = arg;
    for (size_t i = 0; i < r->a->n; i++) {
        r->ins[i] = rpc_call_request(r->a->tasks[i]->call);
        r->outs[i] = new_response(r->a->tasks[i]->entry, r->a->cs[i]->arena);
        r->errs[i] = OK;
        fault_clear(r->a->cs[i]->fault);
    }
    return r->a->tasks[0]->entry->row->many(r->a->n, r->a->cs, r->ins, r->outs, r->errs);
}

static void run_many(const struct allowed *a)
{
    struct reading_many r = {.a = a};
    enum err all =
        a->tasks[0]->entry->row->of_one_moment ? tx_read(a->cs[0], read_many, &r) : read_many(a->cs[0], &r);
    for (size_t i = 0; i < a->n; i++)
        answer(a->tasks[i], a->cs[i], all == OK ? r.errs[i] : all, r.outs[i]);
}

static void run_together(const struct allowed *a)
{
    struct write list[POOL_LIST];
    enum err errs[POOL_LIST];
    for (size_t i = 0; i < a->n; i++)
        make_write(a->tasks[i], &list[i]);
    run_writes(a->n, a->cs, list, errs);
    for (size_t i = 0; i < a->n; i++)
        answer(a->tasks[i], a->cs[i], errs[i], list[i].out);
}

/* Several calls of a method that takes them together. */
static void run_as_group(size_t n, struct task *const *tasks, struct ctx *const *cs)
{
    struct allowed a;
    keep_allowed(n, tasks, cs, &a);
    if (a.n == 0)
        return;
    if (a.tasks[0]->entry->row->many)
        run_many(&a);
    else
        run_together(&a);
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
    else if (m > 1 && (tasks[0]->entry->row->many || tasks[0]->entry->row->together))
        run_as_group(m, tasks, cs);
    else
        run_each(m, tasks, cs);
    for (size_t i = 0; i < m; i++)
        finish(tasks[i]);
}

static void dropped(struct pool_work *w, enum err why)
{
    struct task *t = HOLDER(w, struct task, work);
    bool theirs = rpc_call_deadline(t->call) <= clock_mono_ms(); /* else ours, which nobody asked for */
    call_refuse_code(t->call, why == ERR_DEADLINE && !theirs ? ERR_UNAVAILABLE : why);
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
    t->work = (struct pool_work){.key = e->row->mode == MODE_READ || e->row->together ? e : NULL,
                                 .most = e->row->together ? WRITES_TOGETHER : 0,
                                 .lists = e->row->many ? READ_LISTS : 0,
                                 .deadline_ms =
                                     deadline < now + ANSWER_WITHIN_MS ? deadline : now + ANSWER_WITHIN_MS,
                                 .run = run_list,
                                 .drop = dropped};
    rpc_call_ref(call);
    waited_add(d, &t->waited, call);
    enum err refused = pool_submit(d->pool, &t->work);
    if (refused != OK)
        dropped(&t->work, refused);
}

void unary_route(struct rpc_route *r)
{
    r->on_call = on_call;
}
