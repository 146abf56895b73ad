/* money_rig.h - orders that are paid at certdesk-sandbox through the real adapters and jobs, for tests about
 * money: a world with an outbox, a clock to move, callbacks that are handed over when the test likes. */
#ifndef CERTDESK_TESTS_FEATURE_MONEY_RIG_H
#define CERTDESK_TESTS_FEATURE_MONEY_RIG_H

#include "provider/sandbox_rig.h"
#include "lib/hands.h"
#include "world.h"

#include "core/tx.h"
#include "payment/reconcile.h"
#include "payment/refund_store.h"
#include "provider/when.h"
#include "providers.h"

static struct world w;
static struct rig r;
static struct providers providers;
static struct outbox *outbox;
static const struct job_kind *kinds[8];
static struct hands hands;

static const char *const callback_headers[] = {"Wechatpay-Timestamp", "Wechatpay-Nonce",
                                               "Wechatpay-Signature", "Wechatpay-Serial",
                                               "Wechatpay-Signature-Type"};

/* Moves the clock of this program and the sandbox. */
static inline void let_pass(int64_t ms)
{
    hands_set(&hands, hands.offset_ms + ms);
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    outbox_wake(outbox);
}

static inline int start_outbox(void)
{
    struct outbox_options o = {
        .app = &w.app, .db = &w.schema.options, .keys = test_keys(), .kinds = kinds, .threads = 2};
    for (size_t i = 0; i < payment_jobs_n; i++)
        kinds[o.n_kinds++] = payment_jobs[i];
    return outbox_start(&o, &outbox, &w.t.fault) == OK ? 0 : -1;
}

static int money_open(void **state)
{
    (void)state;
    if (hands_open(&hands) != 0 || world_open(&w) != 0)
        return -1;
    rig_start(&r);
    for (size_t i = 0; i < 5; i++)
        r.inbox.watch[i] = callback_headers[i];
    r.inbox.status = 200;
    r.inbox.body = "success"; /* what Alipay wants to hear: nothing is sent again at the next noon */
    providers = (struct providers){.http = r.http,
                                   .identity = {r.identity},
                                   .n_identity = 1,
                                   .payment = {r.pay, r.alipay},
                                   .n_payment = 2};
    providers.public_url = arena_printf(&r.a, "http://127.0.0.1:%d", r.inbox.port);
    w.app.providers = &providers;
    return start_outbox();
}

static int money_close(void **state)
{
    (void)state;
    outbox_stop(outbox);
    int gone = rig_stop(&r);
    hands_close(&hands);
    return world_close(&w) || gone;
}

/* While it is true the clock goes on by a second with every look: pauses between a job's tries pass. */
static bool hurry;

static inline void one_look(void)
{
    test_ctx_reset(&w.t);
    if (hurry)
        let_pass(1000);
}

/* -- waiting for what jobs do ------------------------------------------------------------------------------
 */

struct awaited {
    const char *id;
    int state;
};

static inline bool payment_is(void *arg)
{
    const struct awaited *a = arg;
    struct payment p;
    one_look();
    return payment_load(w.c, a->id, &p) == OK && (int)p.state == a->state;
}

static inline void wait_payment(const char *id, enum pay_state s)
{
    outbox_wake(outbox);
    if (!test_until(payment_is, &(struct awaited){id, (int)s}, PATIENCE_MS))
        world_fail("the payment did not become %s\n", pay_state_name((int)s));
}

static inline bool order_is(void *arg)
{
    const struct awaited *a = arg;
    struct order o;
    one_look();
    return order_load(w.c, a->id, &o) == OK && (int)o.state == a->state;
}

static inline void wait_order(const char *id, enum order_state s)
{
    outbox_wake(outbox);
    if (!test_until(order_is, &(struct awaited){id, (int)s}, PATIENCE_MS))
        world_fail("the order did not become %s\n", order_state_name((int)s));
}

/* The one capture of a payment, with its refund. */
static inline struct returned only_capture(const char *payment)
{
    struct returned *all;
    size_t n;
    assert_ok(captures_of_payment(w.c, payment, &all, &n));
    assert_int_equal(n, 1);
    return all[0];
}

static inline bool refund_is(void *arg)
{
    const struct awaited *a = arg;
    struct returned *all;
    size_t n;
    one_look();
    return captures_of_payment(w.c, a->id, &all, &n) == OK && n == 1 && all[0].asked &&
           (int)all[0].refund.state == a->state;
}

static inline void wait_refund(const char *payment, enum refund_state s)
{
    outbox_wake(outbox);
    if (!test_until(refund_is, &(struct awaited){payment, (int)s}, PATIENCE_MS))
        world_fail("the refund did not become %s\n", refund_state_name((int)s));
}

/* -- an order and its payment ------------------------------------------------------------------------------
 */

/* Verified and agreed to elsewhere (order_flow_test); a number of its own, a price. */
static inline void to_payment(char order[static ID_SIZE])
{
    static int n;
    struct order o;
    let_pass(0);
    make_order(&w, w.c, order);
    assert_ok(order_load(w.c, order, &o));
    unsigned char key[32] = {(unsigned char)++n, 7};
    assert_ok(db_exec(w.c, NULL,
                      SQL("UPDATE orders SET state = 9, price_fen = 28000, subject_key = ? WHERE id = ?"),
                      BYTES(key, 32), TEXT(order)));
}

static inline enum err new_payment_at(const char *order, int provider, char payment[static ID_SIZE])
{
    PB(CreatePaymentRequest) in = CERTDESK__V1__CREATE_PAYMENT_REQUEST__INIT;
    PB(CreatePaymentResponse) out = CERTDESK__V1__CREATE_PAYMENT_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.provider = (PB(PaymentProvider))provider;
    enum err e = call(w.c, "CreatePayment", &in, &out);
    if (e == OK)
        snprintf(payment, ID_SIZE, "%s", out.payment->id);
    outbox_wake(outbox);
    return e;
}

static inline void new_payment(const char *order, char payment[static ID_SIZE])
{
    assert_ok(new_payment_at(order, PROVIDER_WECHAT, payment));
    wait_payment(payment, PAY_WAITING);
}

static inline const char *supplier_of(const char *payment)
{
    struct payment p;
    assert_ok(payment_load(w.c, payment, &p));
    return p.provider == PROVIDER_ALIPAY ? "alipay" : "wechat";
}

static inline void scan(const char *payment)
{
    rig_do(&r, arena_printf(&r.a, "/sim/%s/pay", supplier_of(payment)),
           arena_printf(&r.a, "{\"out_trade_no\":\"%s\"}", payment));
}

static inline int told(void)
{
    return rig_callbacks(&r);
}

/* Hands the k-th callback to the server's own door, changed by `flip` in one bit of its body. */
static inline enum err hand_over(int k, bool flip)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct provider_pair headers[5];
    size_t n = 0;
    for (size_t i = 0; i < 5; i++)
        if (in.seen[i][0])
            headers[n++] = (struct provider_pair){callback_headers[i], in.seen[i]};
    if (flip)
        in.body[strlen(in.body) / 2] ^= 1;
    test_ctx_reset(&w.t);
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    int provider = *in.body == '{' ? PROVIDER_WECHAT : PROVIDER_ALIPAY; /* JSON, or a form */
    enum err e = payment_callback(w.c, provider, headers, n, in.body, strlen(in.body));
    w.c->caller = caller;
    outbox_wake(outbox);
    return e;
}

static inline void pay(const char *payment)
{
    int k = told();
    scan(payment);
    assert_ok(hand_over(k, false));
}

/* A new order that is paid and waits for review. */
static inline void paid_at(int provider, char order[static ID_SIZE], char payment[static ID_SIZE])
{
    to_payment(order);
    assert_ok(new_payment_at(order, provider, payment));
    wait_payment(payment, PAY_WAITING);
    pay(payment);
    wait_payment(payment, PAY_PAID);
}

static inline void paid(char order[static ID_SIZE], char payment[static ID_SIZE])
{
    paid_at(PROVIDER_WECHAT, order, payment);
}

static inline enum err approve(struct ctx *c, void *order)
{
    struct order o;
    TRY(order_load(c, order, &o));
    return o.state == ORDER_REVIEW ? order_move(c, &o, EV_APPROVED, NULL, NULL) : OK;
}

/* What is paid is approved first: while it waits for review it is only seen (S20). */
static inline enum err cancel(const char *order)
{
    assert_ok(tx_run(w.c, approve, (void *)(uintptr_t)order));
    PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    enum err e = call(w.c, "CancelOrder", &in, &out);
    outbox_wake(outbox);
    return e;
}

static inline void assert_order(const char *id, enum order_state want)
{
    struct order o;
    assert_ok(order_load(w.c, id, &o));
    assert_string_equal(order_state_name((int)o.state), order_state_name((int)want));
}

/* Another caller: a person of the desk with the role. */
static inline void staff_ctx(struct test_ctx *t)
{
    world_ctx(&w, t, "stf_test");
    t->c.caller =
        (struct caller){.kind = CALLER_STAFF, .id = "stf_test", .session = "ses_s", .roles = ROLE_ADMIN};
}

static inline enum err refund_by(struct ctx *c, const char *payment, const char *capture)
{
    PB(RefundPaymentRequest) in = CERTDESK__V1__REFUND_PAYMENT_REQUEST__INIT;
    PB(RefundPaymentResponse) out = CERTDESK__V1__REFUND_PAYMENT_RESPONSE__INIT;
    in.payment_id = (char *)(uintptr_t)payment;
    in.capture_id = (char *)(uintptr_t)capture;
    in.reason = (char *)"客户来电";
    enum err e = call(c, "RefundPayment", &in, &out);
    outbox_wake(outbox);
    return e;
}

/* -- the other side
 * ------------------------------------------------------------------------------------------ */

/* Refunds of a payment at the sandbox that end so; NULL: any. */
static inline int refunds_there(const char *payment, const char *end)
{
    int n = 0;
    size_t i;
    json_t *one, *all = rig_control(&r, arena_printf(&r.a, "/sim/%s/refunds", supplier_of(payment)), NULL);
    json_array_foreach(json_object_get(all, "refunds"), i, one)
    {
        bool its = strcmp(js_str(one, "out_trade_no"), payment) == 0;
        n += its && (!end || (js_str(one, "end") && strcmp(js_str(one, "end"), end) == 0));
    }
    json_decref(all);
    return n;
}

static inline void refund_takes(int64_t ms)
{
    rig_do(&r, "/sim/config", arena_printf(&r.a, "{\"refund_ms\":%lld}", (long long)ms));
}

/* -- days and their bills ----------------------------------------------------------------------------------
 */

enum {
    HOUR_MS = 3600000,
    DAY_MS = 24 * HOUR_MS
};

/* To noon of the next day in Beijing; its date. */
static inline void next_noon(char date[static 11])
{
    int64_t beijing = w.c->now_ms + 8 * HOUR_MS, noon = (beijing / DAY_MS + 1) * DAY_MS + 12 * HOUR_MS;
    let_pass(noon - beijing);
    char when[WHEN_SIZE];
    when_rfc3339_beijing(w.c->now_ms, when);
    snprintf(date, 11, "%.10s", when);
}

static inline enum err reconcile(int provider, const char *date, struct reconciliation *out)
{
    test_ctx_reset(&w.t);
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    enum err e = reconcile_now(w.c, payment_supplier(provider), date, out);
    w.c->caller = caller;
    outbox_wake(outbox);
    return e;
}

/* The day's report when its bill is there; as many differences, the first of this kind. */
static inline struct reconciliation report(int provider, const char *date, int64_t n, const char *kind)
{
    struct reconciliation out;
    enum err e = reconcile(provider, date, &out);
    if (e != OK)
        world_fail("%s", fault_text(w.c->fault));
    if (out.n_differences != n)
        world_fail("%s", reconcile_text(w.c, &out));
    assert_int_equal(out.state, n ? RECONCILIATION_DIFFERENT : RECONCILIATION_CLEAN);
    if (n)
        assert_string_equal(out.differences[0].kind, kind);
    assert_true(money_is_conserved(&out.money));
    return out;
}

/* A row of a report says whose money it is about. */
static inline void assert_named(const struct difference *d, const char *payment, const char *order)
{
    assert_string_equal(d->capture, payment ? only_capture(payment).capture.id : "");
    assert_string_equal(d->payment, payment ? payment : "");
    assert_string_equal(d->order, order);
}

/* At the provider's own desk, without asking us. */
static inline enum err desk_gives_back(const char *payment, const char *number, int64_t fen)
{
    struct payment p;
    struct payment_refund_status there;
    test_ctx_reset(&w.t);
    assert_ok(payment_load(w.c, payment, &p));
    const struct payment_port *port = p.provider == PROVIDER_ALIPAY ? &r.alipay : &r.pay;
    struct payment_refund_order o = {
        .out_trade_no = payment, .out_refund_no = number, .refund_fen = fen, .total_fen = p.amount_fen};
    return port->ops->refund(port->self, &o, &r.a, &there, &w.t.fault);
}

#endif
