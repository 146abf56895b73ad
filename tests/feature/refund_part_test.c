/* A part that the provider's own desk gave back of what goes on paying for its order (S15). */
#include "hand_rig.h"

#include "account/account_store.h"

static enum err part(struct ctx *c, const char *capture, int64_t fen, PB(RecordPartialRefundResponse) * out)
{
    PB(RecordPartialRefundRequest) in = CERTDESK__V1__RECORD_PARTIAL_REFUND_REQUEST__INIT;
    certdesk__v1__record_partial_refund_response__init(out);
    in.capture_id = (char *)(uintptr_t)capture;
    in.provider_fen = fen;
    in.reason = (char *)"投诉补偿";
    return call(c, "RecordPartialRefund", &in, out);
}

static void assert_money(struct money m, int64_t settled, int64_t refunded)
{
    assert_true(money_is_conserved(&m));
    assert_int_equal(m.settled.n, 1);
    assert_int_equal(m.settled.fen, settled);
    assert_int_equal(m.refunded.n, 0);
    assert_int_equal(m.refunded.fen, refunded);
}

static int64_t refunded_of(const char *order)
{
    PB(ListPaymentsRequest) in = CERTDESK__V1__LIST_PAYMENTS_REQUEST__INIT;
    PB(ListPaymentsResponse) out = CERTDESK__V1__LIST_PAYMENTS_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    test_ctx_reset(&w.t);
    assert_ok(call(w.c, "ListPayments", &in, &out));
    assert_int_equal(out.n_payments, 1);
    assert_int_equal(out.payments[0]->state, PAY_PAID);
    return out.payments[0]->refunded_fen;
}

/* The same by the API, which reads the report. */
static void assert_listed(int provider, const char *date, const char *payment, const char *order)
{
    struct test_ctx staff;
    PB(ListReconciliationsRequest) in = CERTDESK__V1__LIST_RECONCILIATIONS_REQUEST__INIT;
    PB(ListReconciliationsResponse) out = CERTDESK__V1__LIST_RECONCILIATIONS_RESPONSE__INIT;
    staff_ctx(&staff);
    in.provider = (PB(PaymentProvider))provider;
    in.date = (char *)(uintptr_t)date;
    assert_ok(call(&staff.c, "ListReconciliations", &in, &out));
    assert_int_equal(out.n_reconciliations, 1);
    const PB(ReconciliationDifference) *d = out.reconciliations[0]->differences[0];
    assert_string_equal(d->kind, "REFUND_UNKNOWN");
    assert_string_equal(d->capture_id, only_capture(payment).capture.id);
    assert_string_equal(d->payment_id, payment);
    assert_string_equal(d->order_id, order);
    test_ctx_close(&staff);
}

/* Who made the orders; told by SMS, as no contact is entered in this world. */
static void account_of_all(void)
{
    static bool made;
    struct account a = {.id = "acc_test", .user_name = "u", .phone = "13600000000", .password = ""};
    memcpy(a.channel, w.channel, sizeof a.channel);
    if (!made)
        assert_ok(account_insert(w.c, &a));
    made = true;
}

static int64_t told_of(const char *order)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM outbox WHERE object = ? AND dedupe LIKE "
                           "'sms:partly_refunded:%'"),
                       TEXT(order)));
    return row_int(&rows, 0, 0);
}

/* Each sum once; not what is said of an order that was given up: its refund is told when it is over. */
static void the_payer_hears_of_a_part(void **s)
{
    (void)s;
    static const struct {
        int64_t fen;
        int told;
    } words[] = {{100, 1}, {100, 1}, {300, 2}, {200, 3}, {0, 4}, {100, 5}};
    char order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordPartialRefundResponse) out;
    account_of_all();
    paid(order, payment);
    const char *capture = capture_of(payment);
    staff_ctx(&staff);
    assert_err(part(&staff.c, capture, 28000, &out), ERR_INVALID);
    assert_int_equal(told_of(order), 0);
    test_ctx_close(&staff);
    staff_ctx(&staff);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_ok(part(&staff.c, capture, words[i].fen, &out));
        assert_int_equal(told_of(order), words[i].told);
    }
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "some_%s", payment), 100));
    assert_ok(refund_by(&staff.c, payment, ""));
    assert_order(order, ORDER_REFUNDING);
    assert_ok(part(&staff.c, capture, 150, &out));
    assert_int_equal(told_of(order), 5);
    test_ctx_close(&staff);
}

/* The provider's own desk gave a part back, and its order goes on: it is known, the sums are right. */
static void a_part_is_recorded_and_its_order_goes_on(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], third[11], order[ID_SIZE], payment[ID_SIZE];
        struct test_ctx staff;
        PB(RecordPartialRefundResponse) out;
        next_noon(date);
        paid_at(provider, order, payment);
        const char *capture = capture_of(payment);
        assert_ok(desk_gives_back(payment, arena_printf(&r.a, "some_%s", payment), 100));
        next_noon(next);
        struct reconciliation first = report(provider, date, 1, "REFUND_UNKNOWN");
        assert_money(first.money, 28000, 0);
        assert_named(&first.differences[0], payment, order);
        assert_listed(provider, date, payment, order);
        staff_ctx(&staff);
        assert_err(part(&staff.c, capture, 99, &out), ERR_INVALID); /* the bill knows better */
        assert_non_null(strstr(staff.fault.violations[0].text, "1.00 yuan"));
        assert_err(part(&staff.c, capture, 28000, &out), ERR_INVALID); /* that is all of it */
        assert_err(part(&staff.c, capture, -1, &out), ERR_INVALID);
        assert_string_equal(staff.fault.violations[0].field, "provider_fen");
        assert_ok(part(&staff.c, capture, 100, &out));
        assert_int_equal(out.capture->partial_fen, 100);
        test_ctx_close(&staff);
        assert_order(order, ORDER_REVIEW);
        assert_int_equal(refunded_of(order), 100);
        struct reconciliation day = report(provider, date, 0, "");
        assert_int_equal(day.refunds.fen, 100);
        assert_int_equal(day.bill_refunds.fen, 100);
        assert_money(day.money, 27900, 100);
        /* more of it on another day is not what was said, until that is said too */
        assert_ok(desk_gives_back(payment, arena_printf(&r.a, "more_%s", payment), 200));
        next_noon(third);
        day = report(provider, next, 1, "REFUND_BY_HAND");
        assert_string_equal(day.differences[0].number, only_capture(payment).capture.txn_no);
        assert_int_equal(day.differences[0].ours_fen, 100);
        assert_int_equal(day.differences[0].bill_fen, 300);
        assert_named(&day.differences[0], payment, order);
        staff_ctx(&staff);
        assert_err(part(&staff.c, capture, 0, &out), ERR_INVALID);
        assert_ok(part(&staff.c, capture, 300, &out));
        test_ctx_close(&staff);
        report(provider, next, 0, "");
        assert_money(report(provider, date, 0, "").money, 27700, 300);
        assert_order(order, ORDER_REVIEW);
        struct rows rows;
        assert_ok(
            db_query(w.c, &rows,
                     SQL("SELECT COUNT(*) FROM audit WHERE action = 'capture.partly_refunded' AND caller = "
                         "'stf_test' AND object = ?"),
                     TEXT(capture)));
        assert_int_equal(row_int(&rows, 0, 0), 2);
        assert_int_equal(
            world_number(&w, SQL("SELECT COUNT(*) FROM payment_partial WHERE note LIKE '%投诉%'")), 0);
        assert_books();
    }
}

/* Then the order is given up: the rest goes back by hand, which knows of the part, and it counts once. */
static void of_what_is_given_up_the_part_is_known(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    struct test_ctx staff;
    PB(RecordPartialRefundResponse) out;
    PB(RecordRefundResponse) recorded;
    next_noon(date);
    paid(order, payment);
    const char *capture = capture_of(payment);
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "some_%s", payment), 100));
    account_of_all();
    staff_ctx(&staff);
    assert_err(part(&staff.c, capture, 0, &out), ERR_INVALID); /* nothing was said before */
    int64_t n, mark, was;
    assert_ok(captures_waiting(&staff.c, &n, &was));
    assert_ok(part(&staff.c, capture, 500, &out)); /* on the same day; and it is wrong */
    assert_ok(captures_waiting(&staff.c, &n, &mark));
    assert_int_not_equal(mark, was); /* who watches hears of it */
    assert_int_equal(refunded_of(order), 500);
    assert_ok(part(&staff.c, capture, 0, &out));
    assert_int_equal(refunded_of(order), 0);
    assert_ok(part(&staff.c, capture, 100, &out));
    assert_ok(refund_by(&staff.c, payment, ""));
    test_ctx_close(&staff);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE 'sms:cancelled_rest:%'")), 1);
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    hurry = false;
    struct money m;
    test_ctx_reset(&w.t);
    assert_ok(money_of_day(w.c, PROVIDER_WECHAT, w.c->now_ms - 3600000, w.c->now_ms + 3600000, &m));
    assert_money(m, 27900, 100);
    staff_ctx(&staff);
    assert_err(record(&staff.c, capture, 28000, 0, &recorded), ERR_INVALID); /* no bill told of it yet */
    assert_non_null(strstr(staff.fault.violations[0].text, "279.00 owed"));
    assert_ok(record(&staff.c, capture, 27900, 0, &recorded));
    assert_int_equal(recorded.capture->partial_fen, 0);
    assert_err(part(&staff.c, capture, 100, &out), ERR_PAYMENT_STATE);
    test_ctx_close(&staff);
    assert_ended(order, payment, 27900);
    test_ctx_reset(&w.t);
    assert_ok(money_of_day(w.c, PROVIDER_WECHAT, w.c->now_ms - 3600000, w.c->now_ms + 3600000, &m));
    assert_true(money_is_conserved(&m));
    assert_int_equal(m.refunded.fen, 28000);
    next_noon(next);
    report(PROVIDER_WECHAT, date, 0, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_recorded_and_its_order_goes_on),
        cmocka_unit_test(of_what_is_given_up_the_part_is_known),
        cmocka_unit_test(the_payer_hears_of_a_part),
    };
    return CHECK_MAIN_WORLD(tests, money_open, money_close);
}
