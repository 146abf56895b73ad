/* invoice_rig.h - paid orders and their invoices, for tests: the real jobs, adapter, sandbox and database,
 * and a clock that goes on from job to job.
 */
#ifndef CERTDESK_TESTS_FEATURE_INVOICE_RIG_H
#define CERTDESK_TESTS_FEATURE_INVOICE_RIG_H

#include "provider/sandbox_rig.h"
#include "lib/hands.h"
#include "world.h"

#include "core/tx.h"
#include "invoice/invoice_rpc.h"
#include "invoice/invoice_steps.h"
#include "invoice/token_store.h"
#include "notice/notice.h"
#include "providers.h"

#include <certdesk/v1/invoice_service.pb-c.h>

static struct world w;
static struct rig r;
static struct providers providers;
static struct outbox *outbox;
static const struct job_kind *invoice_kinds[16];
static struct hands hands;

static inline void set_clock(int64_t offset)
{
    hands_set(&hands, offset);
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
}

/* Moves the clock of this program and the sandbox. */
static inline void let_pass(int64_t ms)
{
    set_clock(hands.offset_ms + ms);
    outbox_wake(outbox);
}

static inline int start_outbox(void)
{
    struct outbox_options o = {
        .app = &w.app, .db = &w.schema.options, .keys = test_keys(), .kinds = invoice_kinds, .threads = 2};
    for (size_t i = 0; i < invoice_jobs_n; i++)
        invoice_kinds[o.n_kinds++] = invoice_jobs[i];
    return outbox_start(&o, &outbox, &w.t.fault) == OK ? 0 : -1;
}

static inline int invoice_rig_setup(void **state)
{
    (void)state;
    if (hands_open(&hands) != 0 || world_open(&w) != 0)
        return -1;
    rig_start(&r);
    r.inbox.status = 200;
    r.inbox.body = "{\"status\":\"0000\",\"message\":\"同步成功\"}";
    r.invoice.ops->use_tokens(r.invoice.self, token_store(&w.app));
    providers = (struct providers){.http = r.http,
                                   .identity = {r.identity},
                                   .n_identity = 1,
                                   .mail = r.mail,
                                   .invoice = r.invoice,
                                   .payment = {r.pay},
                                   .n_payment = 1};
    providers.public_url = arena_printf(&r.a, "http://127.0.0.1:%d", r.inbox.port);
    w.app.providers = &providers;
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    return start_outbox();
}

static inline int invoice_rig_teardown(void **state)
{
    (void)state;
    outbox_stop(outbox);
    int gone = rig_stop(&r);
    hands_close(&hands);
    return world_close(&w) || gone;
}

/* -- steps ----------------------------------------------------------------------------------------------- */

static inline enum err as_system(tx_body *body, void *arg)
{
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    w.c->now_ms = clock_now_ms();
    enum err e = tx_run(w.c, body, arg);
    w.c->caller = caller;
    outbox_wake(outbox);
    return e;
}

static inline enum err do_pay(struct ctx *c, void *arg)
{
    struct receipt receipt = {PROVIDER_WECHAT, arena_printf(c->arena, "T-%s", (char *)arg), arg, "CNY", 28000,
                              c->now_ms};
    return payment_settle(c, &receipt);
}

static inline enum err do_refund(struct ctx *c, void *arg)
{
    return invoice_order_refunded(c, arg);
}

/* An order in PAYMENT. */
static inline void prepare(char order[static ID_SIZE], char payment[static ID_SIZE])
{
    let_pass(25 * 3600000); /* limits of codes are per day */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    order_to_payment(&w, order);
    wait_for_payment(&w, order, payment);
}

static inline void paid(char order[static ID_SIZE])
{
    char payment[ID_SIZE];
    prepare(order, payment);
    assert_ok(as_system(do_pay, payment));
}

static inline void refund(const char *order)
{
    assert_ok(as_system(do_refund, (void *)(uintptr_t)order));
}

static inline struct invoice of(const char *order)
{
    struct invoice v;
    test_ctx_reset(&w.t);
    assert_ok(invoice_of_order(w.c, order, &v));
    return v;
}

struct awaited {
    const char *order;
    enum inv_state state;
    bool mailed;
};

static inline bool is(void *arg)
{
    const struct awaited *a = arg;
    struct invoice v = of(a->order);
    const struct inv_paper *p = a->state == INV_RED ? &v.red : &v.blue;
    return v.state == a->state && (!a->mailed || p->mailed_ms);
}

static inline void wait_for(const char *order, enum inv_state state, bool mailed)
{
    outbox_wake(outbox);
    if (!test_until(is, &(struct awaited){order, state, mailed}, PATIENCE_MS))
        world_fail("the invoice did not become %s, it is %s\n", inv_state_name((int)state),
                   inv_state_name((int)of(order).state));
}

/* When the order's next job is due, but for the look at the clock itself; -1 while one runs, 0 when there is
 * none. */
static inline int64_t next_due(const char *order)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(
        w.c, &rows,
        SQL("SELECT SUM(state = 2), COALESCE(MIN(IF(state = 1, run_at_ms, NULL)), 0) FROM outbox WHERE "
            "object = ? AND kind LIKE 'invoice.%' AND kind <> 'invoice.due'"),
        TEXT(order)));
    return row_int(&rows, 0, 0) ? -1 : row_int(&rows, 0, 1);
}

static inline bool rested(void *arg)
{
    int64_t due = next_due(arg);
    return due >= 0 && (due == 0 || due > clock_now_ms());
}

/* Time goes on from job to job. Nobody's callback is told to us here: what is asked is what there is. */
static inline void goes_to(const char *order, enum inv_state state, bool mailed)
{
    struct awaited a = {order, state, mailed};
    for (int i = 0; i < 60 && !is(&a); i++) {
        outbox_wake(outbox);
        assert_true(test_until(rested, (void *)(uintptr_t)order, PATIENCE_MS));
        int64_t due = next_due(order);
        if (due > 0)
            let_pass(due - clock_now_ms() + 1);
        else if (due == 0)
            break;
    }
    wait_for(order, state, mailed);
}

static inline bool accepted_there(void *arg)
{
    struct invoice v = of(arg);
    return v.state == INV_SUBMITTED && *v.blue.serial;
}

/* SUBMITTED comes before the call; this is after it. */
static inline void wait_accepted(const char *order)
{
    outbox_wake(outbox);
    assert_true(test_until(accepted_there, (void *)(uintptr_t)order, PATIENCE_MS));
}

static inline int64_t calls(const char *action)
{
    int64_t n = 0;
    json_t *log = rig_control(&r, "/sim/log", NULL);
    js_int(json_object_get(log, "counts"), action, &n);
    json_decref(log);
    return n;
}

static inline size_t there(const char *order)
{
    json_t *all = rig_control(&r, "/sim/nuonuo/invoices", NULL), *one;
    const char *id = of(order).id + 4;
    size_t i, n = 0;
    json_array_foreach(json_object_get(all, "invoices"), i, one) n +=
        strncmp(js_str(one, "orderNo"), id, 18) == 0;
    json_decref(all);
    return n;
}

static inline int64_t count_mails(const char *subject)
{
    json_t *all = rig_control(&r, "/sim/mails", NULL), *one;
    size_t i;
    int64_t n = 0;
    json_array_foreach(json_object_get(all, "mails"), i, one) n +=
        strcmp(js_str(one, "subject"), subject) == 0;
    json_decref(all);
    return n;
}

static inline enum err invoice_call(struct ctx *c, const char *method, const void *in, void *out)
{
    for (size_t i = 0; i < invoice_rpc.n; i++)
        if (strcmp(invoice_rpc.rows[i].method, method) == 0) {
            fault_clear(c->fault);
            c->now_ms = clock_now_ms();
            return invoice_rpc.rows[i].mode == MODE_READ ? invoice_rpc.rows[i].handler(c, in, out)
                                                         : ERR_INTERNAL;
        }
    return ERR_UNIMPLEMENTED;
}

struct retrying {
    const char *id;
    const struct purchase *correction;
    struct invoice out;
};

static inline enum err do_retry(struct ctx *c, void *arg)
{
    struct retrying *t = arg;
    return invoice_retry(c, t->id, t->correction, &t->out);
}

static inline enum err retry(struct ctx *c, const char *id, const struct purchase *correction)
{
    struct retrying t = {.correction = correction};
    char kept[ID_SIZE];
    memcpy(kept, id, sizeof kept);
    t.id = kept;
    fault_clear(c->fault);
    c->now_ms = clock_now_ms();
    enum err e = tx_run(c, do_retry, &t);
    outbox_wake(outbox);
    return e;
}

#endif
