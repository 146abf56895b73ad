/* Money that comes: once, twice, late, too little, too much, for nothing (S15, I-1, I-2). */
#include "world.h"

#include "core/tx.h"

#include <stdio.h>
#include <string.h>

static struct world w;

static int setup(void **state)
{
    (void)state;
    return world_open(&w);
}

static int teardown(void **state)
{
    (void)state;
    return world_close(&w);
}

static enum err do_settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static void tell(const char *payment, const char *txn, int64_t fen, const char *currency)
{
    struct receipt r = {PROVIDER_WECHAT, txn, payment, currency, fen, w.c->now_ms};
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(w.c, do_settle, &r));
    w.c->caller = caller;
}

/* A new order in PAYMENT with a code to scan; the number is freed first. */
static void ready(char order[static ID_SIZE], char payment[static ID_SIZE])
{
    world_next(&w, 24 * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    order_to_payment(&w, order);
    wait_for_payment(&w, order, payment);
}

static void assert_payment(const char *id, enum pay_state want)
{
    struct payment p;
    assert_ok(payment_load(w.c, id, &p));
    assert_string_equal(pay_state_name((int)p.state), pay_state_name((int)want));
}

static void assert_order(const char *id, enum order_state want)
{
    struct order o;
    assert_ok(order_load(w.c, id, &o));
    assert_string_equal(order_state_name((int)o.state), order_state_name((int)want));
}

static void assert_capture(const char *txn, enum capture_state state, const char *reason)
{
    struct rows r;
    assert_ok(
        db_query(w.c, &r, SQL("SELECT state, reason FROM payment_capture WHERE txn_no = ?"), TEXT(txn)));
    assert_int_equal(r.n, 1);
    assert_int_equal(row_int(&r, 0, 0), state);
    assert_string_equal(row_text(&r, 0, 1), reason);
}

static int64_t notices(const char *order)
{
    struct rows r;
    assert_ok(db_query(w.c, &r,
                       SQL("SELECT COUNT(*) FROM outbox WHERE object = ? AND dedupe LIKE '%:paid:%'"),
                       TEXT(order)));
    return row_int(&r, 0, 0);
}

/* I-1 and I-2 as the checker would ask: both must find nothing, after every test. */
static void assert_invariants(void)
{
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM payment_capture c LEFT JOIN payment_settlement "
                             "s ON s.capture_id = c.id WHERE (c.state = 1) <> (s.capture_id IS "
                             "NOT NULL)")),
        0);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM orders o LEFT JOIN payment_settlement s ON "
                                          "s.order_id = o.id WHERE o.state BETWEEN 11 AND 18 AND (s.order_id "
                                          "IS NULL OR s.amount_fen <> o.price_fen)")),
                     0);
}

static void told_again_and_again(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    for (int i = 0; i < 5; i++)
        tell(payment, "T-again", 28000, "CNY");
    assert_payment(payment, PAY_PAID);
    assert_order(order, ORDER_REVIEW);
    assert_capture("T-again", CAPTURE_SETTLED, "");
    assert_int_equal(notices(order), 2); /* one SMS, one mail */
    assert_invariants();
}

static void every_wrong_amount_is_held(void **s)
{
    (void)s;
    static const int64_t amounts[] = {0, 1, -1, 27999, 28001, -28000, INT64_MAX, INT64_MIN};
    char order[ID_SIZE], payment[ID_SIZE], txn[32];
    ready(order, payment);
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        snprintf(txn, sizeof txn, "T-amount-%zu", i);
        tell(payment, txn, amounts[i], "CNY");
        assert_capture(txn, CAPTURE_HELD, "AMOUNT");
        assert_payment(payment, PAY_HELD);
        assert_order(order, ORDER_PAYMENT);
    }
    assert_int_equal(notices(order), 0);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM audit WHERE action = 'payment.capture_held'")),
        sizeof amounts / sizeof *amounts);
    char again[ID_SIZE]; /* and the order can still be paid */
    wait_for_payment(&w, order, again);
    assert_string_not_equal(again, payment);
    tell(again, "T-amount-right", 28000, "CNY");
    assert_order(order, ORDER_REVIEW);
    assert_invariants();
}

static void another_currency_is_held(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    tell(payment, "T-usd", 28000, "USD");
    assert_capture("T-usd", CAPTURE_HELD, "CURRENCY");
    assert_order(order, ORDER_PAYMENT);
    assert_invariants();
}

static void a_second_capture_is_held(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    tell(payment, "T-first", 28000, "CNY");
    tell(payment, "T-second", 28000, "CNY");
    assert_capture("T-second", CAPTURE_HELD, "ORDER_PAID");
    assert_payment(payment, PAY_PAID); /* the first one still stands */
    assert_order(order, ORDER_REVIEW);
    assert_int_equal(notices(order), 2);
    assert_invariants();
}

static void money_after_cancelling_is_held(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    in.order_id = order;
    assert_ok(call(w.c, "CancelOrder", &in, &out));
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe = ?"),
                       TEXT(arena_printf(w.c->arena, "payment.poll:%s:cancelled", payment))));
    assert_int_equal(row_int(&r, 0, 0), 1); /* closed at once, not when it expires */
    tell(payment, "T-cancelled", 28000, "CNY");
    assert_capture("T-cancelled", CAPTURE_HELD, "ORDER_STATE");
    assert_payment(payment, PAY_HELD);
    assert_order(order, ORDER_CANCELLED);
    assert_int_equal(notices(order), 0);
    assert_invariants();
}

static void money_for_nothing_is_held(void **s)
{
    (void)s;
    tell("pay_not_one_of_ours", "T-nothing", 28000, "CNY");
    assert_capture("T-nothing", CAPTURE_HELD, "NO_PAYMENT");
    assert_invariants();
}

static enum err do_close(struct ctx *c, void *arg)
{
    struct payment p;
    TRY(payment_read(c, arg, &p));
    return payment_move(c, &p, PAY_EV_CLOSED, NULL, 0);
}

static void late_money_still_pays_the_order_that_waits_for_it(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    assert_ok(tx_run(w.c, do_close, payment));
    tell(payment, "T-late", 28000, "CNY");
    assert_payment(payment, PAY_PAID);
    assert_order(order, ORDER_REVIEW);
    assert_invariants();
}

static void two_codes_are_never_open_at_once(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    ready(order, payment);
    PB(CreatePaymentRequest) in = CERTDESK__V1__CREATE_PAYMENT_REQUEST__INIT;
    PB(CreatePaymentResponse) out = CERTDESK__V1__CREATE_PAYMENT_RESPONSE__INIT;
    in.order_id = order;
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    assert_ok(call(w.c, "CreatePayment", &in, &out));
    assert_string_equal(out.payment->id, payment);
    assert_string_equal(out.payment->code_url, "weixin://wxpay/bizpayurl?pr=test");
    world_next(&w, 31 * 60000); /* expired, and nobody has closed it yet */
    assert_err(call(w.c, "CreatePayment", &in, &out), ERR_PAYMENT_STATE);
    assert_true(w.t.fault.retry_ms > 0);
    assert_ok(tx_run(w.c, do_close, payment));
    certdesk__v1__create_payment_response__init(&out);
    assert_ok(call(w.c, "CreatePayment", &in, &out));
    assert_string_not_equal(out.payment->id, payment);
    assert_string_equal(out.payment->code_url, "");
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_UNSPECIFIED;
    assert_err(call(w.c, "CreatePayment", &in, &out), ERR_METHOD_NOT_OFFERED);

    PB(ListPaymentsRequest) list = CERTDESK__V1__LIST_PAYMENTS_REQUEST__INIT;
    PB(ListPaymentsResponse) listed = CERTDESK__V1__LIST_PAYMENTS_RESPONSE__INIT;
    list.order_id = order;
    assert_ok(call(w.c, "ListPayments", &list, &listed));
    assert_int_equal(listed.n_payments, 2);
    assert_int_equal(listed.payments[1]->state, PAY_CLOSED);
    struct test_ctx other;
    world_ctx(&w, &other, "acc_other");
    assert_err(call(&other.c, "ListPayments", &list, &listed), ERR_NOT_FOUND);
    PB(GetPaymentRequest) get = CERTDESK__V1__GET_PAYMENT_REQUEST__INIT;
    PB(GetPaymentResponse) got = CERTDESK__V1__GET_PAYMENT_RESPONSE__INIT;
    get.payment_id = payment;
    assert_err(call(&other.c, "GetPayment", &get, &got), ERR_NOT_FOUND);
    assert_ok(call(w.c, "GetPayment", &get, &got));
    test_ctx_close(&other);
}

static void nothing_is_paid_before_it_is_signed(void **s)
{
    (void)s;
    char order[ID_SIZE];
    world_next(&w, 24 * 3600000);
    make_order(&w, w.c, order);
    PB(CreatePaymentRequest) in = CERTDESK__V1__CREATE_PAYMENT_REQUEST__INIT;
    PB(CreatePaymentResponse) out = CERTDESK__V1__CREATE_PAYMENT_RESPONSE__INIT;
    in.order_id = order;
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    assert_err(call(w.c, "CreatePayment", &in, &out), ERR_ORDER_STATE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_again_and_again),
        cmocka_unit_test(every_wrong_amount_is_held),
        cmocka_unit_test(another_currency_is_held),
        cmocka_unit_test(a_second_capture_is_held),
        cmocka_unit_test(money_after_cancelling_is_held),
        cmocka_unit_test(money_for_nothing_is_held),
        cmocka_unit_test(late_money_still_pays_the_order_that_waits_for_it),
        cmocka_unit_test(two_codes_are_never_open_at_once),
        cmocka_unit_test(nothing_is_paid_before_it_is_signed),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
