/* Refunds that a person ends (S15): what the provider's own desk gave back in part, what cannot go back the
 * way it came. The books stay whole, and the bill of the day tells whether the person was right. */
#include "hand_rig.h"

#include <pthread.h>

/* On the same day: no bill has told of it yet, so the person says so. */
static void what_the_providers_desk_gave_back_ends_with_the_rest(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        struct test_ctx staff;
        PB(RecordRefundResponse) out;
        next_noon(date);
        hanging(provider, order, payment, 100);
        const char *capture = capture_of(payment);
        staff_ctx(&staff);
        assert_err(record(&staff.c, capture, 27900, 0, &out), ERR_INVALID);
        assert_string_equal(staff.fault.violations[0].field, "amount_fen");
        assert_non_null(strstr(staff.fault.violations[0].text, "280.00 owed: 280.00 - 0.00"));
        assert_non_null(strstr(staff.fault.violations[0].text_zh, "应退280.00元"));
        assert_err(record(&staff.c, capture, 27901, 100, &out), ERR_INVALID);
        assert_err(record(&staff.c, capture, 0, 28001, &out), ERR_INVALID);
        assert_string_equal(staff.fault.violations[0].field, "provider_fen");
        assert_order(order, ORDER_REFUNDING);
        assert_ok(record(&staff.c, capture, 27900, 100, &out));
        assert_true(out.capture->refund->by_hand);
        assert_int_equal(out.capture->refund->hand_fen, 27900);
        assert_ended(order, payment, 27900);
        assert_err(record(&staff.c, capture, 27900, 100, &out), ERR_PAYMENT_STATE);
        assert_err(refund_by(&staff.c, payment, ""), ERR_PAYMENT_STATE);
        test_ctx_close(&staff);
        next_noon(next);
        struct reconciliation day = report(provider, date, 0, "");
        assert_int_equal(day.refunds.fen, 100);
        assert_int_equal(day.bill_refunds.fen, 100);
        assert_int_equal(day.money.refunded.fen, 28000);
    }
}

/* The bill told first: the report names it, and what is owed is known. */
static void a_bill_says_what_is_owed(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        struct test_ctx staff;
        PB(RecordRefundResponse) out;
        next_noon(date);
        hanging(provider, order, payment, 100);
        next_noon(next);
        report(provider, date, 1, "REFUND_UNKNOWN");
        const char *capture = capture_of(payment);
        staff_ctx(&staff);
        PB(GetCaptureRequest) in = CERTDESK__V1__GET_CAPTURE_REQUEST__INIT;
        PB(GetCaptureResponse) seen = CERTDESK__V1__GET_CAPTURE_RESPONSE__INIT;
        in.capture_id = (char *)(uintptr_t)capture;
        assert_ok(call(&staff.c, "GetCapture", &in, &seen));
        assert_int_equal(seen.capture->billed_return_fen, 100);
        assert_string_equal(seen.payment->id, payment);
        assert_string_equal(seen.events[0]->action, "payment.created");
        assert_err(record(&staff.c, capture, 28000, 0, &out), ERR_INVALID);
        assert_non_null(strstr(staff.fault.violations[0].text, "279.00 owed: 280.00 - 1.00"));
        assert_err(record(&staff.c, capture, 27950, 50, &out), ERR_INVALID); /* the bill knows better */
        assert_string_equal(staff.fault.violations[0].field, "provider_fen");
        assert_ok(record(&staff.c, capture, 27900, 0, &out));
        test_ctx_close(&staff);
        assert_ended(order, payment, 27900);
        report(provider, date, 0, "");
        next_noon(date);
        report(provider, next, 0, ""); /* of the day on which it was recorded */
    }
}

/* By the person's word nothing went back at the provider; by the bill some did: the payer has too much. */
static void a_wrong_word_is_shown(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    next_noon(date);
    hanging(PROVIDER_WECHAT, order, payment, 100);
    staff_ctx(&staff);
    assert_ok(record(&staff.c, capture_of(payment), 28000, 0, &out));
    test_ctx_close(&staff);
    assert_ended(order, payment, 28000);
    next_noon(next);
    struct reconciliation day = report(PROVIDER_WECHAT, date, 1, "REFUND_BY_HAND");
    assert_string_equal(day.differences[0].number, only_capture(payment).refund.id);
    assert_int_equal(day.differences[0].ours_fen, 0);
    assert_int_equal(day.differences[0].bill_fen, 100);
    /* the other way: what was said to have gone back there did not */
    hanging(PROVIDER_WECHAT, order, payment, 100);
    staff_ctx(&staff);
    assert_ok(record(&staff.c, capture_of(payment), 27000, 1000, &out));
    test_ctx_close(&staff);
    next_noon(date);
    day = report(PROVIDER_WECHAT, next, 1, "REFUND_BY_HAND");
    assert_int_equal(day.differences[0].ours_fen, 1000);
    assert_int_equal(day.differences[0].bill_fen, 100);
}

/* It left us and came back to nobody: paid by the bank, and the provider is not asked any more. */
static void an_abnormal_refund_is_paid_by_another_way(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    next_noon(date);
    paid(order, payment);
    rig_fault(&r, "wechat", "refund", "abnormal");
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_ABNORMAL);
    staff_ctx(&staff);
    assert_ok(record(&staff.c, capture_of(payment), 28000, 0, &out));
    test_ctx_close(&staff);
    assert_ended(order, payment, 28000);
    let_pass(7 * 3600000); /* the look that was planned finds nothing to do */
    assert_ended(order, payment, 28000);
    next_noon(next);
    report(PROVIDER_WECHAT, date, 0, ""); /* its row there says that it was not paid out */
}

static void pay_out_there(const char *payment)
{
    struct returned one = only_capture(payment);
    rig_do(&r, "/sim/wechat/payout", arena_printf(&r.a, "{\"out_refund_no\":\"%s\"}", one.refund.id));
}

/* ABNORMAL at the provider, and ended by the desk, which says that so much of it went by another way. */
static const char *ended_by_hand(char order[static ID_SIZE], char payment[static ID_SIZE], int64_t hand)
{
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    paid(order, payment);
    rig_fault(&r, "wechat", "refund", "abnormal");
    int k = told();
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_ABNORMAL);
    assert_ok(hand_over(k, false));
    staff_ctx(&staff);
    assert_ok(record(&staff.c, capture_of(payment), hand, 28000 - hand, &out));
    test_ctx_close(&staff);
    return arena_strdup(&r.a, only_capture(payment).refund.id);
}

static bool no_refund_job(void *refund)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(
        db_query(w.c, &rows,
                 SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'payment.refund' AND state IN (1, 2) AND "
                     "run_at_ms <= ? AND dedupe LIKE CONCAT('payment.refund:', ?, ':%')"),
                 INT(clock_now_ms()), TEXT(refund)));
    return row_int(&rows, 0, 0) == 0;
}

/* How often it was said, and how many captures a person must see to. */
static void assert_twice(const char *refund, const char *payment, int n)
{
    struct test_ctx staff;
    struct rows rows;
    outbox_wake(outbox);
    assert_true(test_until(no_refund_job, (void *)(uintptr_t)refund, PATIENCE_MS));
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM audit WHERE action = 'refund.paid_twice' AND object = ? AND "
                           "JSON_VALUE(detail, '$.given_fen') = 28000"),
                       TEXT(refund)));
    assert_int_equal(row_int(&rows, 0, 0), n);
    PB(ListCapturesRequest) in = CERTDESK__V1__LIST_CAPTURES_REQUEST__INIT;
    PB(ListCapturesResponse) out = CERTDESK__V1__LIST_CAPTURES_RESPONSE__INIT;
    in.attention = true;
    staff_ctx(&staff);
    assert_ok(call(&staff.c, "ListCaptures", &in, &out));
    int listed = 0;
    for (size_t i = 0; i < out.n_captures; i++)
        if (strcmp(out.captures[i]->payment_id, payment) == 0) {
            listed++;
            assert_string_equal(out.captures[i]->refund->error, "PAID_TWICE");
        }
    assert_int_equal(listed, n);
    test_ctx_close(&staff);
    assert_int_equal(only_capture(payment).refund.state, REFUND_IS_DONE);
    wait_payment(payment, PAY_REFUNDED);
    assert_books();
}

/* Paid by the bank, and then by somebody at the provider's own desk as well. */
static void what_was_paid_there_after_it_was_recorded_is_shown(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    const char *refund = ended_by_hand(order, payment, 28000);
    assert_twice(refund, payment, 0);
    int k = told();
    pay_out_there(payment);
    assert_ok(hand_over(k, false));
    assert_twice(refund, payment, 1);
    let_pass(INT64_C(8) * 24 * 3600000); /* the look of a week later says nothing new */
    assert_twice(refund, payment, 1);
    assert_order(order, ORDER_CANCELLED);
}

static enum err resolve(struct ctx *c, const char *capture, const char *note,
                        PB(ResolveCaptureResponse) * out)
{
    PB(ResolveCaptureRequest) in = CERTDESK__V1__RESOLVE_CAPTURE_REQUEST__INIT;
    certdesk__v1__resolve_capture_response__init(out);
    in.capture_id = (char *)(uintptr_t)capture;
    in.reason = (char *)(uintptr_t)note;
    return call(c, "ResolveCapture", &in, out);
}

/* Whether it is among what needs a person; as often as it is counted. */
static bool needs_a_person(const char *capture)
{
    struct test_ctx staff;
    int64_t counted, mark;
    size_t listed = 0;
    PB(ListCapturesRequest) in = CERTDESK__V1__LIST_CAPTURES_REQUEST__INIT;
    PB(ListCapturesResponse) out = CERTDESK__V1__LIST_CAPTURES_RESPONSE__INIT;
    in.attention = true;
    in.page_size = 100;
    staff_ctx(&staff);
    assert_ok(call(&staff.c, "ListCaptures", &in, &out));
    assert_ok(captures_waiting(&staff.c, &counted, &mark));
    assert_int_equal(out.n_captures, counted);
    for (size_t i = 0; i < out.n_captures; i++)
        listed += strcmp(out.captures[i]->id, capture) == 0;
    test_ctx_close(&staff);
    assert_true(listed <= 1);
    return listed == 1;
}

static const char *seen_note(const char *capture, int64_t *at_ms)
{
    struct test_ctx staff;
    PB(GetCaptureRequest) in = CERTDESK__V1__GET_CAPTURE_REQUEST__INIT;
    PB(GetCaptureResponse) seen = CERTDESK__V1__GET_CAPTURE_RESPONSE__INIT;
    in.capture_id = (char *)(uintptr_t)capture;
    staff_ctx(&staff);
    assert_ok(call(&staff.c, "GetCapture", &in, &seen));
    *at_ms = seen.capture->resolve_time ? seen.capture->resolve_time->seconds : 0;
    const char *note = arena_strdup(&r.a, seen.capture->resolve_note);
    test_ctx_close(&staff);
    return note;
}

/* Paid twice, the payer sent it back: nobody has to see to it any more, and nothing says it anew. */
static void what_was_paid_twice_is_seen_to_once(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(ResolveCaptureResponse) out;
    int64_t at_ms;
    const char *refund = ended_by_hand(order, payment, 28000), *capture = capture_of(payment);
    staff_ctx(&staff);
    assert_err(resolve(&staff.c, capture, "付款人已退回", &out), ERR_PAYMENT_STATE); /* it needs nobody */
    int k = told();
    pay_out_there(payment);
    assert_ok(hand_over(k, false));
    assert_twice(refund, payment, 1);
    assert_true(needs_a_person(capture));
    assert_string_equal(seen_note(capture, &at_ms), "");
    assert_int_equal(at_ms, 0);
    test_ctx_close(&staff);
    staff_ctx(&staff);
    assert_err(resolve(&staff.c, capture, "", &out), ERR_INVALID);
    assert_ok(resolve(&staff.c, capture, "付款人已退回", &out));
    assert_string_equal(out.capture->resolved_by, "stf_test");
    assert_non_null(out.capture->resolve_time);
    assert_false(needs_a_person(capture));
    assert_string_equal(seen_note(capture, &at_ms), "付款人已退回");
    assert_true(at_ms > 0);
    assert_err(resolve(&staff.c, capture, "付款人已退回", &out), ERR_PAYMENT_STATE); /* once */
    test_ctx_close(&staff);
    let_pass(INT64_C(8) * 24 * 3600000); /* the look of a week later */
    assert_true(test_until(no_refund_job, (void *)(uintptr_t)refund, PATIENCE_MS));
    assert_false(needs_a_person(capture));
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT SUM(action = 'capture.resolved' AND caller = 'stf_test' AND detail = "
                           "'{\"what\":\"PAID_TWICE\"}'), SUM(action = 'refund.paid_twice') FROM audit WHERE "
                           "object IN (?, ?)"),
                       TEXT(capture), TEXT(refund)));
    assert_int_equal(row_int(&rows, 0, 0), 1);
    assert_int_equal(row_int(&rows, 0, 1), 1);
    assert_books();
}

struct received {
    const char *number, *payment, *currency;
    int64_t fen;
};

static enum err do_receive(struct ctx *c, void *arg)
{
    const struct received *x = arg;
    const struct receipt receipt = {PROVIDER_WECHAT, x->number, x->payment, x->currency, x->fen, c->now_ms};
    return payment_settle(c, &receipt);
}

/* Somebody else's on the same account, nothing at all, or in another currency: it is put aside, stays held,
 * and may still be given back; what cannot end that way is not put aside. */
static void held_money_that_is_not_ours_is_put_aside(void **s)
{
    (void)s;
    static const struct received strange[] = {{"T-strange", "of_another_shop", "CNY", 500},
                                              {"T-nothing", "of_nothing", "CNY", 0},
                                              {"T-dollars", "of_dollars", "USD", 700}};
    struct test_ctx staff;
    PB(ResolveCaptureResponse) out;
    struct money before, after;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        test_ctx_reset(&w.t);
        struct caller caller = w.c->caller;
        w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
        assert_ok(tx_run(w.c, do_receive, (void *)(uintptr_t)&strange[i]));
        w.c->caller = caller;
        const char *capture = capture_of(strange[i].payment);
        assert_true(needs_a_person(capture));
        assert_ok(money_of_day(w.c, PROVIDER_WECHAT, 0, INT64_MAX, &before));
        staff_ctx(&staff);
        assert_ok(resolve(&staff.c, capture, "同一商户号下其他业务的收款", &out));
        assert_err(resolve(&staff.c, capture, "再来一次", &out), ERR_PAYMENT_STATE);
        assert_false(needs_a_person(capture));
        assert_ok(money_of_day(w.c, PROVIDER_WECHAT, 0, INT64_MAX, &after));
        assert_memory_equal(&before, &after, sizeof after);
        test_ctx_close(&staff);
    }
    const char *capture = capture_of("of_another_shop");
    staff_ctx(&staff);
    assert_ok(refund_by(&staff.c, "", capture)); /* the provider does not know it: it needs a person again */
    test_ctx_close(&staff);
    outbox_wake(outbox);
    assert_true(test_until(refund_is, &(struct awaited){"of_another_shop", REFUND_IS_CLOSED}, PATIENCE_MS));
    assert_true(needs_a_person(capture));
    staff_ctx(&staff);
    assert_err(resolve(&staff.c, capture, "不可", &out), ERR_PAYMENT_STATE);
    assert_err(resolve(&staff.c, "cap_00000000000000000000000000", "没有", &out), ERR_NOT_FOUND);
    test_ctx_close(&staff);
    assert_true(needs_a_person(capture));
    assert_books();
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_refund WHERE payment_id = 'of_another_shop'")));
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_resolved WHERE what = 1")));
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_capture WHERE payment_id LIKE 'of\\_%'")));
}

/* No callback came; a week later it is asked. */
static void a_week_later_it_is_asked_once(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    const char *refund = ended_by_hand(order, payment, 28000);
    pay_out_there(payment);
    let_pass(INT64_C(6) * 24 * 3600000);
    assert_twice(refund, payment, 0);
    let_pass(INT64_C(2) * 24 * 3600000);
    assert_twice(refund, payment, 1);
}

/* The desk said that the provider gives it back, and it does. */
static void what_was_recorded_as_the_providers_part_is_nothing_new(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    const char *refund = ended_by_hand(order, payment, 0);
    int k = told();
    pay_out_there(payment);
    assert_ok(hand_over(k, false));
    assert_twice(refund, payment, 0);
    let_pass(INT64_C(8) * 24 * 3600000);
    assert_twice(refund, payment, 0);
    assert_ended(order, payment, 0);
}

/* Only the bill tells of it, and that all of it is back: it needs nobody. */
static void held_money_that_is_all_back_by_the_bill_needs_nobody(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    next_noon(date);
    to_payment(order);
    new_payment(order, payment);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE payment SET state = 4, version = version + 1 WHERE id = ?"),
                      TEXT(payment)));
    scan(payment);
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "some_%s", payment), 27000));
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "rest_%s", payment), 1000));
    next_noon(next);
    report(PROVIDER_WECHAT, date, 1, "BOOKED");
    assert_string_equal(only_capture(payment).capture.reason, "RETURNED");
    assert_int_equal(only_capture(payment).refund.state, REFUND_IS_DONE);
    assert_false(only_capture(payment).refund.by_hand);
    assert_false(needs_a_person(capture_of(payment)));
    staff_ctx(&staff);
    assert_err(record(&staff.c, capture_of(payment), 28000, 0, &out), ERR_PAYMENT_STATE);
    test_ctx_close(&staff);
    assert_order(order, ORDER_PAYMENT);
    report(PROVIDER_WECHAT, date, 0, "");
    assert_books();
}

/* The provider would not give back what its own desk had given a part of; then the desk gave the rest. */
static void a_closed_refund_that_is_all_back_by_the_bill_is_done(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        next_noon(date);
        hanging(provider, order, payment, 100);
        const char *capture = capture_of(payment);
        assert_true(needs_a_person(capture));
        next_noon(next);
        report(provider, date, 1, "REFUND_UNKNOWN"); /* not all of it */
        assert_true(needs_a_person(capture));
        assert_ok(desk_gives_back(payment, arena_printf(&r.a, "rest_%s", payment), 27900));
        next_noon(date);
        assert_int_equal(report(provider, next, 0, "").refunds.fen, 27900);
        assert_order(order, ORDER_CANCELLED);
        assert_int_equal(only_capture(payment).refund.state, REFUND_IS_DONE);
        assert_string_equal(only_capture(payment).refund.error, "");
        assert_false(needs_a_person(capture));
        assert_books();
    }
}

/* The same under our own number: the provider closed it, and then made it all the same. */
static void a_closed_refund_that_the_bill_has_is_done(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        next_noon(date);
        paid_at(provider, order, payment);
        assert_ok(cancel(order));
        hurry = true;
        wait_order(order, ORDER_CANCELLED);
        hurry = false;
        assert_ok(db_exec(w.c, NULL,
                          SQL("UPDATE payment_refund SET state = ?, version = version + 1, done_ms = 0, "
                              "error = 'CLOSED' WHERE payment_id = ?"),
                          INT(REFUND_IS_CLOSED), TEXT(payment)));
        const char *capture = capture_of(payment);
        assert_true(needs_a_person(capture));
        next_noon(next);
        assert_int_equal(report(provider, date, 0, "").refunds.fen, 28000);
        assert_int_equal(only_capture(payment).refund.state, REFUND_IS_DONE);
        assert_string_equal(only_capture(payment).refund.error, "");
        assert_false(needs_a_person(capture));
        assert_books();
    }
}

/* Alipay gave it back by itself before we asked; our number is in no bill. */
static void what_went_back_by_itself_is_no_difference(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    next_noon(date);
    paid_at(PROVIDER_ALIPAY, order, payment);
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "itself_%s", payment), 28000));
    assert_ok(cancel(order));
    hurry = true;
    wait_order(order, ORDER_CANCELLED);
    hurry = false;
    assert_int_equal(refunds_there(payment, NULL), 1);
    next_noon(next);
    assert_int_equal(report(PROVIDER_ALIPAY, date, 0, "").refunds.fen, 28000);
}

static void what_cannot_be_recorded_is_refused(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundRequest) in = CERTDESK__V1__RECORD_REFUND_REQUEST__INIT;
    PB(RecordRefundResponse) out = CERTDESK__V1__RECORD_REFUND_RESPONSE__INIT;
    staff_ctx(&staff);
    in.amount_fen = in.provider_fen = -1;
    assert_err(call(&staff.c, "RecordRefund", &in, &out), ERR_INVALID);
    assert_int_equal(staff.fault.n_violations, 4); /* all at once */
    assert_err(record(&staff.c, "cap_00000000000000000000000000", 1, 0, &out), ERR_NOT_FOUND);
    assert_err(record(&staff.c, "", 1, 0, &out), ERR_NOT_FOUND);
    paid(order, payment);
    assert_err(record(&staff.c, capture_of(payment), 28000, 0, &out), ERR_PAYMENT_STATE);
    assert_string_equal(fault_text_zh(&staff.fault), "该款项已用于支付订单，请先取消订单");
    refund_takes(3600000);
    assert_ok(cancel(order));
    wait_refund(payment, REFUND_IS_PROCESSING);
    assert_err(record(&staff.c, capture_of(payment), 28000, 0, &out), ERR_PAYMENT_STATE);
    assert_non_null(strstr(fault_text_zh(&staff.fault), "正在办理"));
    test_ctx_close(&staff);
    refund_takes(0);
    let_pass(2 * 3600000);
    wait_order(order, ORDER_CANCELLED);
}

struct runner {
    struct test_ctx t;
    const char *capture;
    enum err result;
    pthread_barrier_t *start;
    pthread_t thread;
};

static void *record_now(void *arg)
{
    struct runner *one = arg;
    PB(RecordRefundResponse) out;
    pthread_barrier_wait(one->start);
    one->result = record(&one->t.c, one->capture, 27900, 100, &out);
    return NULL;
}

static void of_two_people_at_once_one_records(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct runner two[2] = {0};
    pthread_barrier_t start;
    hanging(PROVIDER_WECHAT, order, payment, 100);
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++) {
        staff_ctx(&two[i].t);
        two[i].capture = capture_of(payment);
        two[i].start = &start;
        assert_int_equal(pthread_create(&two[i].thread, NULL, record_now, &two[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(two[i].thread, NULL);
    pthread_barrier_destroy(&start);
    assert_true((two[0].result == OK) != (two[1].result == OK));
    enum err second = two[two[0].result == OK].result;
    assert_true(second == ERR_PAYMENT_STATE || second == ERR_CONFLICT); /* after, or in the same moment */
    for (int i = 0; i < 2; i++)
        test_ctx_close(&two[i].t);
    assert_ended(order, payment, 27900);
}

/* A look that began before must not write its error into what was recorded since. */
static void an_old_error_is_not_noted(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordRefundResponse) out;
    hanging(PROVIDER_WECHAT, order, payment, 100);
    const struct refund before = only_capture(payment).refund;
    staff_ctx(&staff);
    assert_ok(record(&staff.c, capture_of(payment), 27900, 100, &out));
    test_ctx_close(&staff);
    test_ctx_reset(&w.t);
    assert_ok(refund_note_error(w.c, &before, "TOO_LATE"));
    assert_ended(order, payment, 27900);
}

static bool ran_twice(void *arg)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM payment_reconciliation WHERE date = ? AND runs = 2"),
                       TEXT(arg)));
    return row_int(&rows, 0, 0) == 1;
}

static enum err again(struct ctx *c, int provider, const char *date)
{
    PB(ReconcileDayRequest) in = CERTDESK__V1__RECONCILE_DAY_REQUEST__INIT;
    PB(ReconcileDayResponse) out = CERTDESK__V1__RECONCILE_DAY_RESPONSE__INIT;
    in.provider = (PB(PaymentProvider))provider;
    in.date = (char *)(uintptr_t)date;
    enum err e = call(c, "ReconcileDay", &in, &out);
    outbox_wake(outbox);
    return e;
}

static void a_day_is_reconciled_again(void **s)
{
    (void)s;
    char date[11], next[11];
    struct test_ctx staff;
    next_noon(date);
    next_noon(next);
    report(PROVIDER_WECHAT, date, 0, "");
    int64_t jobs = world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'payment.reconcile'"));
    staff_ctx(&staff);
    assert_ok(again(&staff.c, PROVIDER_WECHAT, date));
    assert_ok(again(&staff.c, PROVIDER_WECHAT, date)); /* the same wish */
    assert_true(test_until(ran_twice, date, PATIENCE_MS));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'payment.reconcile'")),
                     jobs + 1); /* no day after it was planned */
    assert_err(again(&staff.c, PROVIDER_WECHAT, next), ERR_INVALID);
    assert_err(again(&staff.c, PROVIDER_WECHAT, "2026-02-30"), ERR_INVALID);
    assert_err(again(&staff.c, 7, date), ERR_INVALID);
    assert_string_equal(staff.fault.violations[0].field, "provider");
    test_ctx_close(&staff);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_providers_desk_gave_back_ends_with_the_rest),
        cmocka_unit_test(a_bill_says_what_is_owed),
        cmocka_unit_test(a_wrong_word_is_shown),
        cmocka_unit_test(an_abnormal_refund_is_paid_by_another_way),
        cmocka_unit_test(what_was_paid_there_after_it_was_recorded_is_shown),
        cmocka_unit_test(a_week_later_it_is_asked_once),
        cmocka_unit_test(what_was_paid_twice_is_seen_to_once),
        cmocka_unit_test(held_money_that_is_not_ours_is_put_aside),
        cmocka_unit_test(what_was_recorded_as_the_providers_part_is_nothing_new),
        cmocka_unit_test(held_money_that_is_all_back_by_the_bill_needs_nobody),
        cmocka_unit_test(a_closed_refund_that_is_all_back_by_the_bill_is_done),
        cmocka_unit_test(a_closed_refund_that_the_bill_has_is_done),
        cmocka_unit_test(what_went_back_by_itself_is_no_difference),
        cmocka_unit_test(what_cannot_be_recorded_is_refused),
        cmocka_unit_test(of_two_people_at_once_one_records),
        cmocka_unit_test(an_old_error_is_not_noted),
        cmocka_unit_test(a_day_is_reconciled_again),
    };
    return CHECK_MAIN_WORLD(tests, money_open, money_close);
}
