/* Money on its way back, at the sandbox through the real adapter: whatever is lost, doubled, forged or late,
 * a capture goes back once and the order ends where it must (S10, S15). */
#include "money_rig.h"

#include <pthread.h>

static int64_t notices(const char *order, const char *like)
{
    struct rows rows;
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM outbox WHERE object = ? AND dedupe LIKE ?"),
                       TEXT(order), TEXT(like)));
    return row_int(&rows, 0, 0);
}

/* Every capture that went back went once, for its own amount; after every test. */
static void assert_books(void)
{
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM payment_refund r JOIN payment_capture c ON c.id = "
                             "r.capture_id WHERE r.amount_fen <> c.amount_fen")),
        0);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM orders o LEFT JOIN payment_settlement s ON "
                             "s.order_id = o.id WHERE o.state BETWEEN 11 AND 18 AND s.order_id IS "
                             "NULL")),
        0);
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        struct money m;
        assert_ok(money_of_day(w.c, provider, 0, INT64_MAX, &m));
        assert_true(money_is_conserved(&m));
    }
}

static void a_paid_order_is_cancelled_when_its_money_is_back(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    paid(order, payment);
    refund_takes(3600000);
    assert_ok(cancel(order));
    assert_order(order, ORDER_REFUNDING);
    assert_int_equal(notices(order, "sms:cancelled:%"), 0); /* no contact was entered in this world */
    wait_refund(payment, REFUND_IS_PROCESSING);
    wait_payment(payment, PAY_REFUNDING);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM orders WHERE state = 20 AND open_key IS NULL")), 0);
    assert_err(cancel(order), ERR_ORDER_STATE);
    let_pass(3600001 + 3600000); /* no callback is handed over: asking finds it */
    wait_order(order, ORDER_CANCELLED);
    wait_payment(payment, PAY_REFUNDED);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM orders WHERE state = 19 AND open_key IS NOT NULL")), 0);
    assert_int_equal(refunds_there(payment, NULL), 1);
    refund_takes(0);
    assert_books();
}

static void callbacks_of_a_refund_are_hints(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    paid(order, payment);
    refund_takes(200000);
    int k = told();
    rig_fault(&r, "wechat", "callback", "wrong_amount"); /* one fen more than it was */
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_PROCESSING);
    let_pass(200001);
    assert_err(hand_over(k, true), ERR_SIGNATURE_BAD);
    for (int i = 0; i < 3; i++)
        assert_ok(hand_over(k, false));
    hurry = true;
    wait_order(order, ORDER_CANCELLED);
    hurry = false;
    assert_ok(hand_over(k, false)); /* after the end: nothing happens */
    struct returned one = only_capture(payment);
    assert_int_equal(one.refund.amount_fen, 28000);
    assert_int_equal(refunds_there(payment, NULL), 1);
    refund_takes(0);
    assert_books();
}

static void a_callback_before_its_time_changes_nothing(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE], other[ID_SIZE], other_payment[ID_SIZE];
    paid(order, payment);
    paid(other, other_payment);
    refund_takes(0);
    int k = told();
    assert_ok(cancel(order));
    wait_order(order, ORDER_CANCELLED);
    refund_takes(100000000);
    assert_ok(cancel(other));
    wait_refund(other_payment, REFUND_IS_PROCESSING);
    assert_ok(hand_over(k, false)); /* the other's, late */
    let_pass(1);
    assert_order(other, ORDER_REFUNDING);
    refund_takes(0);
    let_pass(200000000);
    wait_order(other, ORDER_CANCELLED);
    assert_books();
}

static void answers_that_are_lost_give_back_once(void **s)
{
    (void)s;
    hurry = true;
    static const char *const losses[] = {"lose_answer", "lose_request", "garbage", "busy", "bad_signature"};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        char order[ID_SIZE], payment[ID_SIZE];
        paid(order, payment);
        rig_fault(&r, "wechat", "refund", losses[i]);
        assert_ok(cancel(order));
        wait_order(order, ORDER_CANCELLED);
        assert_int_equal(refunds_there(payment, NULL), 1);
    }
    assert_books();
    hurry = false;
}

static void money_that_comes_after_cancelling_goes_back(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    scan(payment); /* at the same moment; nobody has told us */
    assert_ok(cancel(order));
    wait_payment(payment, PAY_HELD); /* closing found it paid */
    assert_order(order, ORDER_CANCELLED);
    assert_string_equal(only_capture(payment).capture.reason, "ORDER_STATE");
    assert_int_equal(refunds_there(payment, NULL), 0); /* the grace */
    let_pass(61000);
    wait_payment(payment, PAY_REFUNDED);
    assert_int_equal(refunds_there(payment, "SUCCESS"), 1);
    assert_order(order, ORDER_CANCELLED);
    assert_books();
}

static void a_second_capture_goes_back(void **s)
{
    (void)s;
    char order[ID_SIZE], first[ID_SIZE], second[ID_SIZE];
    to_payment(order);
    new_payment(order, first);
    /* as if closing had been said to have worked */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE payment SET state = 4, version = version + 1 WHERE id = ?"),
                      TEXT(first)));
    new_payment(order, second);
    pay(second);
    wait_payment(second, PAY_PAID);
    pay(first);
    wait_payment(first, PAY_HELD);
    let_pass(61000);
    wait_payment(first, PAY_REFUNDED);
    assert_order(order, ORDER_REVIEW);
    assert_string_equal(only_capture(first).capture.reason, "ORDER_PAID");
    assert_int_equal(refunds_there(first, NULL), 1);
    assert_int_equal(refunds_there(second, NULL), 0);
    assert_books();
}

static void a_wrong_amount_goes_back(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET price_fen = 28001 WHERE id = ?"), TEXT(order)));
    pay(payment);
    wait_payment(payment, PAY_HELD);
    assert_order(order, ORDER_PAYMENT);
    let_pass(61000);
    wait_payment(payment, PAY_REFUNDED);
    assert_int_equal(refunds_there(payment, "SUCCESS"), 1);
    assert_order(order, ORDER_PAYMENT);
    assert_books();
}

static void a_callback_may_come_before_the_answer(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    rig_fault(&r, "wechat", "order", "lose_answer");
    assert_ok(new_payment_at(order, PROVIDER_WECHAT, payment));
    json_t *all = NULL;
    for (size_t n = 0; n == 0; json_decref(all)) { /* it is there; nobody has said so */
        all = rig_control(&r, arena_printf(&r.a, "/sim/wechat/orders?out_trade_no=%s", payment), NULL);
        n = json_array_size(json_object_get(all, "orders"));
    }
    pay(payment);
    wait_payment(payment, PAY_PAID);
    let_pass(60000);
    assert_order(order, ORDER_REVIEW);
    assert_books();
}

static void pay_out_by_hand(const char *payment)
{
    struct returned one = only_capture(payment);
    rig_do(&r, "/sim/wechat/payout", arena_printf(&r.a, "{\"out_refund_no\":\"%s\"}", one.refund.id));
}

static void an_abnormal_refund_is_paid_out_by_hand(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    paid(order, payment);
    rig_fault(&r, "wechat", "refund", "abnormal");
    int k = told();
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_ABNORMAL);
    assert_ok(hand_over(k, false));
    assert_order(order, ORDER_REFUNDING);
    staff_ctx(&staff);
    PB(ListCapturesRequest) in = CERTDESK__V1__LIST_CAPTURES_REQUEST__INIT;
    PB(ListCapturesResponse) out = CERTDESK__V1__LIST_CAPTURES_RESPONSE__INIT;
    in.attention = true;
    assert_ok(call(&staff.c, "ListCaptures", &in, &out));
    assert_int_equal(out.n_captures, 1);
    assert_string_equal(out.captures[0]->payment_id, payment);
    assert_string_equal(out.captures[0]->refund->error, "ABNORMAL");
    assert_ok(refund_by(&staff.c, payment, "")); /* asked again, under the same number: still the same */
    let_pass(6000);
    wait_refund(payment, REFUND_IS_ABNORMAL);
    assert_int_equal(refunds_there(payment, NULL), 1);
    k = told();
    pay_out_by_hand(payment);
    assert_ok(hand_over(k, false));
    wait_order(order, ORDER_CANCELLED);
    assert_int_equal(refunds_there(payment, NULL), 1);
    struct refund r2;
    assert_ok(refund_read(w.c, only_capture(payment).refund.id, &r2));
    assert_string_equal(r2.note, "客户来电");
    assert_string_equal(r2.asked_by, "stf_test");
    assert_err(refund_by(&staff.c, payment, ""), ERR_PAYMENT_STATE);
    test_ctx_close(&staff);
    assert_books();
}

static void a_closed_refund_has_another_number(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    paid(order, payment);
    rig_fault(&r, "wechat", "refund", "closed");
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_CLOSED);
    let_pass(7 * 3600000); /* nobody tries again by himself */
    assert_int_equal(refunds_there(payment, NULL), 1);
    staff_ctx(&staff);
    assert_ok(refund_by(&staff.c, payment, ""));
    wait_order(order, ORDER_CANCELLED);
    assert_int_equal(refunds_there(payment, "CLOSED"), 1);
    assert_int_equal(refunds_there(payment, "SUCCESS"), 1);
    test_ctx_close(&staff);
    assert_books();
}

struct runner {
    struct test_ctx t;
    const char *payment;
    enum err result;
    pthread_barrier_t *start;
    pthread_t thread;
};

static void *refund_now(void *arg)
{
    struct runner *one = arg;
    pthread_barrier_wait(one->start);
    one->result = refund_by(&one->t.c, one->payment, "");
    return NULL;
}

static void of_two_people_at_once_one_gives_back(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct runner two[2] = {0};
    pthread_barrier_t start;
    paid(order, payment);
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++) {
        staff_ctx(&two[i].t);
        two[i].payment = payment;
        two[i].start = &start;
        assert_int_equal(pthread_create(&two[i].thread, NULL, refund_now, &two[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(two[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < 2; i++) {
        assert_true(two[i].result == OK || two[i].result == ERR_PAYMENT_STATE);
        test_ctx_close(&two[i].t);
    }
    assert_true(two[0].result == OK || two[1].result == OK);
    wait_order(order, ORDER_CANCELLED);
    assert_int_equal(refunds_there(payment, NULL), 1);
    assert_books();
}

static enum err do_settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static void money_of_nobody_waits_for_a_person(void **s)
{
    (void)s;
    struct test_ctx staff;
    struct receipt receipt = {PROVIDER_WECHAT, "T-nobody", "not_ours_at_all", "CNY", 500, w.c->now_ms};
    staff_ctx(&staff);
    struct caller caller = staff.c.caller;
    staff.c.caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(&staff.c, do_settle, &receipt));
    staff.c.caller = caller;
    let_pass(120000);
    PB(ListCapturesRequest) in = CERTDESK__V1__LIST_CAPTURES_REQUEST__INIT;
    PB(ListCapturesResponse) out = CERTDESK__V1__LIST_CAPTURES_RESPONSE__INIT;
    in.attention = true;
    assert_ok(call(&staff.c, "ListCaptures", &in, &out));
    assert_int_equal(out.n_captures, 1);
    assert_string_equal(out.captures[0]->held_reason, "NO_PAYMENT");
    assert_null(out.captures[0]->refund);
    assert_ok(refund_by(&staff.c, "", out.captures[0]->id)); /* the provider does not know it, either */
    struct awaited is = {"not_ours_at_all", REFUND_IS_CLOSED};
    outbox_wake(outbox);
    assert_true(test_until(refund_is, &is, PATIENCE_MS));
    assert_string_equal(only_capture("not_ours_at_all").refund.error, "RESOURCE_NOT_EXISTS");
    test_ctx_close(&staff);
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_refund WHERE payment_id = 'not_ours_at_all'")));
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_capture WHERE payment_id = 'not_ours_at_all'")));
}

static void what_is_said_badly_is_refused(void **s)
{
    (void)s;
    struct test_ctx staff;
    PB(RefundPaymentRequest) in = CERTDESK__V1__REFUND_PAYMENT_REQUEST__INIT;
    PB(RefundPaymentResponse) out = CERTDESK__V1__REFUND_PAYMENT_RESPONSE__INIT;
    staff_ctx(&staff);
    assert_err(call(&staff.c, "RefundPayment", &in, &out), ERR_INVALID);
    assert_int_equal(staff.fault.n_violations, 2); /* both at once */
    assert_err(refund_by(&staff.c, "pay_00000000000000000000000000", ""), ERR_NOT_FOUND);
    assert_err(refund_by(&staff.c, "", "cap_00000000000000000000000000"), ERR_NOT_FOUND);
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    assert_err(refund_by(&staff.c, payment, ""), ERR_PAYMENT_STATE);
    assert_ok(cancel(order));
    paid(order, payment);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 14 WHERE id = ?"), TEXT(order)));
    assert_err(cancel(order), ERR_ORDER_STATE); /* at the desk's reader: staff alone may */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 15 WHERE id = ?"), TEXT(order)));
    assert_err(refund_by(&staff.c, payment, ""), ERR_ORDER_STATE); /* on its UKEYs already */
    assert_err(cancel(order), ERR_ORDER_STATE);
    test_ctx_close(&staff);
}

/* -- two ways to pay ---------------------------------------------------------------------------------------
 */

static void alipay_gives_back_too(void **s)
{
    (void)s;
    hurry = true;
    static const char *const losses[] = {"lose_answer", "lose_request", "doubtful", "busy", "closed"};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        char order[ID_SIZE], payment[ID_SIZE];
        paid_at(PROVIDER_ALIPAY, order, payment);
        rig_fault(&r, "alipay", "refund", losses[i]);
        assert_ok(cancel(order));
        wait_order(order, ORDER_CANCELLED);
        wait_payment(payment, PAY_REFUNDED);
        assert_int_equal(refunds_there(payment, NULL), 1);
    }
    assert_books();
    hurry = false;
}

/* S15: WeChat's code is closed first, and then Alipay's is there. */
static void one_may_change_ones_mind(void **s)
{
    (void)s;
    char order[ID_SIZE], first[ID_SIZE], second[ID_SIZE], none[ID_SIZE];
    to_payment(order);
    new_payment(order, first);
    rig_fault(&r, "wechat", "close", "busy"); /* which gives time to look */
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, second));
    wait_payment(first, PAY_CLOSING);
    wait_payment(second, PAY_CREATING);
    assert_err(new_payment_at(order, PROVIDER_WECHAT, none), ERR_PAYMENT_STATE);
    assert_true(w.t.fault.retry_ms > 0);
    hurry = true;
    wait_payment(first, PAY_CLOSED);
    wait_payment(second, PAY_WAITING);
    hurry = false;
    pay(second);
    wait_payment(second, PAY_PAID);
    assert_order(order, ORDER_REVIEW);
    assert_books();
}

static void the_code_before_may_be_paid_while_it_is_closed(void **s)
{
    (void)s;
    char order[ID_SIZE], first[ID_SIZE], second[ID_SIZE];
    to_payment(order);
    new_payment(order, first);
    scan(first); /* nobody has told us */
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, second));
    wait_payment(first, PAY_PAID);
    wait_payment(second, PAY_CLOSED); /* and was never shown to anybody */
    assert_order(order, ORDER_REVIEW);
    assert_books();
}

/* Being paid ends the other codes, and until that was tried they may still be taken back. */
static bool looked(void *arg)
{
    struct rows rows;
    one_look();
    const char *key = arena_printf(w.c->arena, "payment.poll:%s:paid", (const char *)arg);
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe = ? AND state IN (1, 2)"),
                       TEXT(key)));
    return row_int(&rows, 0, 0) == 0;
}

/* Alipay cannot take a code back that nobody has scanned: both are open, one counts. */
static void a_code_that_cannot_be_closed_goes_on(void **s)
{
    (void)s;
    hurry = true;
    char order[ID_SIZE], first[ID_SIZE], second[ID_SIZE], again[ID_SIZE];
    to_payment(order);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, first));
    wait_payment(first, PAY_WAITING);
    assert_ok(new_payment_at(order, PROVIDER_WECHAT, second));
    wait_payment(second, PAY_WAITING);
    wait_payment(first, PAY_WAITING);
    pay(second);
    wait_payment(second, PAY_PAID);
    assert_true(test_until(looked, first, PATIENCE_MS));
    pay(first); /* the same person, a minute later */
    wait_payment(first, PAY_HELD);
    assert_string_equal(only_capture(first).capture.reason, "ORDER_PAID");
    let_pass(61000);
    wait_payment(first, PAY_REFUNDED);
    assert_int_equal(refunds_there(first, NULL), 1);
    assert_int_equal(refunds_there(second, NULL), 0);

    to_payment(order); /* and back again: the code that could not be closed is the one */
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, first));
    wait_payment(first, PAY_WAITING);
    assert_ok(new_payment_at(order, PROVIDER_WECHAT, second));
    wait_payment(second, PAY_WAITING);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, again));
    assert_string_equal(again, first);
    wait_payment(second, PAY_CLOSED);
    pay(first);
    wait_payment(first, PAY_PAID);
    assert_books();
    hurry = false;
}

static void an_alipay_code_of_a_cancelled_order_may_be_paid_until_its_time(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, payment));
    wait_payment(payment, PAY_WAITING);
    assert_ok(cancel(order));
    let_pass(60000);
    pay(payment);
    wait_payment(payment, PAY_HELD);
    let_pass(61000);
    wait_payment(payment, PAY_REFUNDED);
    assert_order(order, ORDER_CANCELLED);
    to_payment(order);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, payment));
    wait_payment(payment, PAY_WAITING);
    assert_ok(cancel(order));
    let_pass(32 * 60000);
    wait_payment(payment, PAY_CLOSED); /* nobody scanned it: its time is over */
    assert_books();
}

/* Alipay's way to end a trade of unknown state gives back what was paid in that very moment. */
static void what_the_provider_gave_back_by_itself_is_booked(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, payment));
    wait_payment(payment, PAY_WAITING);
    scan(payment);
    struct payment_refund_order o = {
        .out_trade_no = payment, .out_refund_no = "cancel_1", .refund_fen = 28000, .total_fen = 28000};
    struct payment_refund_status there;
    assert_ok(r.alipay.ops->refund(r.alipay.self, &o, &r.a, &there, &w.t.fault));
    let_pass(6000);
    wait_payment(payment, PAY_REFUNDED);
    assert_order(order, ORDER_PAYMENT);
    assert_string_equal(only_capture(payment).capture.reason, "RETURNED");
    assert_books();
}

/* The same after we knew of the money: there is nothing left to ask for. */
static void what_went_back_before_we_asked_is_done(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    assert_ok(new_payment_at(order, PROVIDER_ALIPAY, payment));
    wait_payment(payment, PAY_WAITING);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET price_fen = 28001 WHERE id = ?"), TEXT(order)));
    pay(payment);
    wait_payment(payment, PAY_HELD);
    struct payment_refund_order o = {
        .out_trade_no = payment, .out_refund_no = "cancel_2", .refund_fen = 28000, .total_fen = 28000};
    struct payment_refund_status there;
    assert_ok(r.alipay.ops->refund(r.alipay.self, &o, &r.a, &there, &w.t.fault));
    let_pass(61000);
    wait_payment(payment, PAY_REFUNDED);
    assert_int_equal(refunds_there(payment, NULL), 1);
    assert_books();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paid_order_is_cancelled_when_its_money_is_back),
        cmocka_unit_test(callbacks_of_a_refund_are_hints),
        cmocka_unit_test(a_callback_before_its_time_changes_nothing),
        cmocka_unit_test(answers_that_are_lost_give_back_once),
        cmocka_unit_test(money_that_comes_after_cancelling_goes_back),
        cmocka_unit_test(a_second_capture_goes_back),
        cmocka_unit_test(a_wrong_amount_goes_back),
        cmocka_unit_test(a_callback_may_come_before_the_answer),
        cmocka_unit_test(an_abnormal_refund_is_paid_out_by_hand),
        cmocka_unit_test(a_closed_refund_has_another_number),
        cmocka_unit_test(of_two_people_at_once_one_gives_back),
        cmocka_unit_test(money_of_nobody_waits_for_a_person),
        cmocka_unit_test(what_is_said_badly_is_refused),
        cmocka_unit_test(alipay_gives_back_too),
        cmocka_unit_test(one_may_change_ones_mind),
        cmocka_unit_test(the_code_before_may_be_paid_while_it_is_closed),
        cmocka_unit_test(a_code_that_cannot_be_closed_goes_on),
        cmocka_unit_test(an_alipay_code_of_a_cancelled_order_may_be_paid_until_its_time),
        cmocka_unit_test(what_the_provider_gave_back_by_itself_is_booked),
        cmocka_unit_test(what_went_back_before_we_asked_is_done),
    };
    return CHECK_MAIN_WORLD(tests, money_open, money_close);
}
