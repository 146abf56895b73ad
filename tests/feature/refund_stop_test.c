/* A refund that the provider does not accept is stopped, and then paid by another way (S15): by the provider
 * or by hand, never by both, whatever is on its way in that moment. */
#include "hand_rig.h"

#include "payment/refund.h"

#include <pthread.h>

static enum err stop(struct ctx *c, const char *capture, PB(StopRefundResponse) * out)
{
    PB(StopRefundRequest) in = CERTDESK__V1__STOP_REFUND_REQUEST__INIT;
    certdesk__v1__stop_refund_response__init(out);
    in.capture_id = (char *)(uintptr_t)capture;
    in.reason = (char *)"商户余额不足";
    enum err e = call(c, "StopRefund", &in, out);
    outbox_wake(outbox);
    return e;
}

static void many(const char *payment, const char *action, const char *kind, int count)
{
    rig_do(&r, "/sim/fault",
           arena_printf(&r.a, "{\"provider\":\"%s\",\"action\":\"%s\",\"kind\":\"%s\",\"count\":%d}",
                        supplier_of(payment), action, kind, count));
}

static bool is_in_trouble(void *payment)
{
    one_look();
    struct returned one = only_capture(payment);
    return one.asked && one.refund.state == REFUND_IS_REQUESTED && *one.refund.error;
}

/* Cancelled, and the provider refuses so often for want of our money. */
static const char *unaccepted(int provider, char order[static ID_SIZE], char payment[static ID_SIZE], int n)
{
    paid_at(provider, order, payment);
    many(payment, "refund", "no_balance", n);
    assert_ok(cancel(order));
    hurry = true;
    assert_true(test_until(is_in_trouble, payment, 15000));
    hurry = false;
    assert_string_equal(only_capture(payment).refund.error, "PROVIDER_CONFIG");
    return capture_of(payment);
}

static void assert_refund(const char *payment, enum refund_state s)
{
    test_ctx_reset(&w.t);
    assert_string_equal(refund_state_name((int)only_capture(payment).refund.state),
                        refund_state_name((int)s));
}

static void assert_not_recorded(const char *capture, const char *zh)
{
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    staff_ctx(&staff);
    assert_err(record(&staff.c, capture, 28000, 0, &out), ERR_PAYMENT_STATE);
    assert_non_null(strstr(fault_text_zh(&staff.fault), zh));
    test_ctx_close(&staff);
}

static bool listed(const char *capture)
{
    struct test_ctx staff;
    bool found = false;
    int64_t counted, mark;
    PB(ListCapturesRequest) in = CERTDESK__V1__LIST_CAPTURES_REQUEST__INIT;
    PB(ListCapturesResponse) out = CERTDESK__V1__LIST_CAPTURES_RESPONSE__INIT;
    in.attention = true;
    in.page_size = 100;
    staff_ctx(&staff);
    assert_ok(call(&staff.c, "ListCaptures", &in, &out));
    assert_ok(captures_waiting(&staff.c, &counted, &mark));
    assert_int_equal(out.n_captures, counted);
    for (size_t i = 0; i < out.n_captures; i++)
        found = found || strcmp(out.captures[i]->id, capture) == 0;
    test_ctx_close(&staff);
    return found;
}

static int64_t audits(const char *payment, const char *action)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM audit WHERE action = ? AND object = ?"),
                       TEXT(action), TEXT(only_capture(payment).refund.id)));
    return row_int(&rows, 0, 0);
}

/* Stopped, said by the provider not to be there, paid by the bank; it is never sent again, though it would be
 * accepted now. */
static void what_is_not_accepted_is_paid_by_hand(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        struct test_ctx staff;
        PB(StopRefundResponse) out;
        PB(RecordRefundResponse) recorded;
        next_noon(date);
        const char *capture = unaccepted(provider, order, payment, 1);
        assert_true(listed(capture));
        assert_not_recorded(capture, "请先停止");
        staff_ctx(&staff);
        assert_ok(stop(&staff.c, capture, &out));
        assert_int_equal(out.capture->refund->state, CERTDESK__V1__REFUND_STATE__REFUND_STATE_STOPPING);
        assert_string_equal(out.capture->refund->note, "商户余额不足");
        assert_string_equal(out.capture->refund->asked_by, "stf_test");
        assert_null(out.capture->refund->accept_time);
        assert_ok(stop(&staff.c, capture, &out)); /* as it is */
        assert_err(refund_by(&staff.c, payment, ""), ERR_PAYMENT_STATE);
        test_ctx_close(&staff);
        assert_true(listed(capture));
        assert_not_recorded(capture, "正在向支付机构核实");
        hurry = true;
        wait_refund(payment, REFUND_IS_CLOSED);
        hurry = false;
        assert_string_equal(only_capture(payment).refund.error, "STOPPED");
        assert_true(listed(capture));
        assert_order(order, ORDER_REFUNDING);
        staff_ctx(&staff);
        assert_err(stop(&staff.c, capture, &out), ERR_PAYMENT_STATE);
        assert_ok(record(&staff.c, capture, 28000, 0, &recorded));
        test_ctx_close(&staff);
        assert_ended(order, payment, 28000);
        assert_int_equal(audits(payment, "refund.stopped"), 1);
        assert_int_equal(audits(payment, "refund.absent"), 1);
        let_pass(INT64_C(8) * 24 * 3600000); /* every look that was planned, and the one of a week later */
        next_noon(next);
        assert_int_equal(refunds_there(payment, NULL), 0);
        assert_ended(order, payment, 28000);
        assert_false(listed(capture));
        struct reconciliation day = report(provider, date, 0, "");
        assert_int_equal(day.money.refunded.fen, 28000);
        assert_int_equal(day.bill_refunds.fen, 0);
    }
}

/* The balance suffices again, before anybody paid: it goes on under the same number. */
static void what_was_stopped_may_be_asked_for_again(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(StopRefundResponse) out;
    const char *capture = unaccepted(PROVIDER_WECHAT, order, payment, 1);
    staff_ctx(&staff);
    assert_ok(stop(&staff.c, capture, &out));
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    assert_ok(refund_by(&staff.c, payment, ""));
    wait_order(order, ORDER_CANCELLED);
    hurry = false;
    test_ctx_close(&staff);
    assert_int_equal(only_capture(payment).refund.number, 1);
    assert_int_equal(refunds_there(payment, "SUCCESS"), 1);
    assert_not_recorded(capture, "已退回");
    assert_books();
}

/* Its answer was lost, and later tries were refused: nobody here knows that the provider has it. */
static void what_the_provider_has_is_not_recorded(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char order[ID_SIZE], payment[ID_SIZE];
        struct test_ctx staff;
        PB(StopRefundResponse) out;
        paid_at(provider, order, payment);
        many(payment, "refund", "lose_answer", 1);
        many(payment, "refund", "no_balance", 1);
        assert_ok(cancel(order));
        hurry = true;
        assert_true(test_until(is_in_trouble, payment, 15000));
        hurry = false;
        assert_int_equal(refunds_there(payment, NULL), 1);
        const char *capture = capture_of(payment);
        staff_ctx(&staff);
        assert_ok(stop(&staff.c, capture, &out));
        test_ctx_close(&staff);
        assert_not_recorded(capture, "正在向支付机构核实");
        hurry = true;
        wait_order(order, ORDER_CANCELLED);
        hurry = false;
        assert_refund(payment, REFUND_IS_DONE);
        assert_false(only_capture(payment).refund.by_hand);
        assert_not_recorded(capture, "已退回");
        assert_int_equal(refunds_there(payment, NULL), 1);
        assert_books();
    }
}

static bool says_busy(void *payment)
{
    one_look();
    return strcmp(only_capture(payment).refund.error, "PROVIDER_BUSY") == 0;
}

/* As long as the provider does not say that it is not there, nothing is recorded. */
static void without_an_answer_nothing_is_recorded(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(StopRefundResponse) out;
    PB(RecordRefundResponse) recorded;
    const char *capture = unaccepted(PROVIDER_WECHAT, order, payment, 1);
    many(payment, "refund_query", "busy", 7); /* one look is six tries */
    staff_ctx(&staff);
    assert_ok(stop(&staff.c, capture, &out));
    hurry = true;
    assert_true(test_until(says_busy, payment, 30000));
    hurry = false;
    assert_refund(payment, REFUND_IS_STOPPING);
    assert_true(listed(capture));
    assert_not_recorded(capture, "正在向支付机构核实");
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    hurry = false;
    assert_ok(record(&staff.c, capture, 28000, 0, &recorded));
    test_ctx_close(&staff);
    assert_ended(order, payment, 28000);
}

/* -- what is on its way ------------------------------------------------------------------------------------
 */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t open;
    bool shut, waits;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .open = PTHREAD_COND_INITIALIZER};

/* The request is written, and does not reach the provider before the gate opens. */
static enum err gated_refund(void *self, const struct payment_refund_order *o, struct arena *a,
                             struct payment_refund_status *out, struct fault *f)
{
    pthread_mutex_lock(&gate.lock);
    gate.waits = gate.shut;
    while (gate.shut)
        pthread_cond_wait(&gate.open, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return r.pay.ops->refund(self, o, a, out, f);
}

static void set_gate(bool shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = shut;
    gate.waits = false;
    pthread_cond_broadcast(&gate.open);
    pthread_mutex_unlock(&gate.lock);
}

static bool at_the_gate(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&gate.lock);
    bool waits = gate.waits;
    pthread_mutex_unlock(&gate.lock);
    return waits;
}

static bool is_there(void *payment)
{
    return refunds_there(payment, NULL) == 1;
}

/* A job is in the middle of its call. The provider is asked when that can be under way no more; then it has
 * it. */
static void a_call_under_way_is_not_overtaken(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    struct payment_ops gated = *r.pay.ops;
    PB(StopRefundResponse) out;
    paid(order, payment);
    gated.refund = gated_refund;
    providers.payment[0].ops = &gated;
    set_gate(true);
    assert_ok(cancel(order));
    assert_true(test_until(at_the_gate, NULL, 15000));
    const char *capture = capture_of(payment);
    let_pass(600000); /* as when the commit of its word that it sends took so long */
    staff_ctx(&staff);
    assert_ok(stop(&staff.c, capture, &out));
    test_ctx_close(&staff);
    for (int i = 0; i < 60; i++) { /* as long as a call may take, and longer */
        let_pass(1000);
        assert_refund(payment, REFUND_IS_STOPPING);
    }
    assert_not_recorded(capture, "正在向支付机构核实");
    set_gate(false);
    assert_true(test_until(is_there, payment, 15000));
    hurry = true;
    wait_order(order, ORDER_CANCELLED);
    hurry = false;
    providers.payment[0].ops = r.pay.ops;
    assert_refund(payment, REFUND_IS_DONE);
    assert_false(only_capture(payment).refund.by_hand);
    assert_not_recorded(capture, "已退回");
    assert_int_equal(refunds_there(payment, NULL), 1);
    assert_books();
}

/* A statement that runs, and cannot go on. */
static bool waits_for_the_row(void *arg)
{
    struct rows rows;
    (void)arg;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'UPDATE "
                           "payment_refund SET sent_ms%'")));
    return row_int(&rows, 0, 0) > 0;
}

struct stopped {
    const char *capture;
    bool missed; /* no job came to this point */
};

/* The job has read that it is to be sent, and stands before its word that it sends. */
static enum err stop_before_it(struct ctx *c, void *arg)
{
    struct stopped *x = arg;
    struct capture cap;
    struct refund refund;
    struct rows rows;
    TRY(db_query(c, &rows, SQL("SELECT id FROM payment_refund WHERE capture_id = ? FOR UPDATE"),
                 TEXT(x->capture)));
    let_pass(3600000);
    x->missed = !test_until(waits_for_the_row, NULL, 15000);
    return refund_stop(c, x->capture, "商户余额不足", &cap, &refund);
}

static void what_is_about_to_be_sent_is_not_sent(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundResponse) recorded;
    struct stopped x = {.capture = unaccepted(PROVIDER_WECHAT, order, payment, 1)};
    staff_ctx(&staff);
    assert_ok(tx_run(&staff.c, stop_before_it, &x));
    assert_false(x.missed);
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    hurry = false;
    assert_ok(record(&staff.c, x.capture, 28000, 0, &recorded));
    test_ctx_close(&staff);
    assert_int_equal(refunds_there(payment, NULL), 0);
    assert_ended(order, payment, 28000);
}

/* Said to be paid out, and then the provider does not know it, and our balance is too low to ask again. */
static void what_was_accepted_and_is_not_there_is_stopped(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(StopRefundResponse) out;
    PB(RecordRefundResponse) recorded;
    const char *capture = unaccepted(PROVIDER_ALIPAY, order, payment, 100);
    test_ctx_reset(&w.t);
    assert_ok(db_exec(w.c, NULL,
                      SQL("UPDATE payment_refund SET state = ?, accepted_ms = ? WHERE capture_id = ?"),
                      INT(REFUND_IS_PROCESSING), INT(clock_now_ms()), TEXT(capture)));
    staff_ctx(&staff);
    assert_ok(stop(&staff.c, capture, &out));
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    hurry = false;
    assert_ok(record(&staff.c, capture, 28000, 0, &recorded));
    test_ctx_close(&staff);
    assert_int_equal(refunds_there(payment, NULL), 0);
    assert_ended(order, payment, 28000);
    many(payment, "refund", "no_balance", 0);
}

static void what_cannot_be_stopped_is_refused(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(StopRefundRequest) in = CERTDESK__V1__STOP_REFUND_REQUEST__INIT;
    PB(StopRefundResponse) out;
    staff_ctx(&staff);
    certdesk__v1__stop_refund_response__init(&out);
    assert_err(call(&staff.c, "StopRefund", &in, &out), ERR_INVALID);
    assert_string_equal(staff.fault.violations[0].field, "reason");
    assert_err(stop(&staff.c, "cap_00000000000000000000000000", &out), ERR_NOT_FOUND);
    paid(order, payment);
    assert_err(stop(&staff.c, capture_of(payment), &out), ERR_PAYMENT_STATE); /* nobody asked it back */
    refund_takes(3600000);
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_PROCESSING);
    assert_err(stop(&staff.c, capture_of(payment), &out), ERR_PAYMENT_STATE);
    refund_takes(0);
    let_pass(2 * 3600000);
    wait_order(order, ORDER_CANCELLED);
    assert_err(stop(&staff.c, capture_of(payment), &out), ERR_PAYMENT_STATE);
    test_ctx_close(&staff);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_accepted_is_paid_by_hand),
        cmocka_unit_test(what_was_stopped_may_be_asked_for_again),
        cmocka_unit_test(what_the_provider_has_is_not_recorded),
        cmocka_unit_test(without_an_answer_nothing_is_recorded),
        cmocka_unit_test(a_call_under_way_is_not_overtaken),
        cmocka_unit_test(what_is_about_to_be_sent_is_not_sent),
        cmocka_unit_test(what_was_accepted_and_is_not_there_is_stopped),
        cmocka_unit_test(what_cannot_be_stopped_is_refused),
    };
    return CHECK_MAIN_WORLD(tests, money_open, money_close);
}
