/* hand_rig.h - refunds that a person ends, for tests. */
#ifndef CERTDESK_TESTS_FEATURE_HAND_RIG_H
#define CERTDESK_TESTS_FEATURE_HAND_RIG_H

#include "money_rig.h"

static inline enum err record(struct ctx *c, const char *capture, int64_t hand, int64_t provider,
                              PB(RecordRefundResponse) * out)
{
    PB(RecordRefundRequest) in = CERTDESK__V1__RECORD_REFUND_REQUEST__INIT;
    certdesk__v1__record_refund_response__init(out);
    in.capture_id = (char *)(uintptr_t)capture;
    in.amount_fen = hand;
    in.provider_fen = provider;
    in.reference = (char *)"工行 202611280007";
    in.reason = (char *)"原路退回失败，已电汇";
    return call(c, "RecordRefund", &in, out);
}

static inline void assert_books(void)
{
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        struct money m;
        assert_ok(money_of_day(w.c, provider, 0, INT64_MAX, &m));
        assert_true(money_is_conserved(&m));
    }
}

/* Some of it went back at the provider's own desk, and the rest cannot go back as a whole: the order hangs in
 * REFUNDING, whatever anybody tries. */
static inline void hanging(int provider, char order[static ID_SIZE], char payment[static ID_SIZE],
                           int64_t given)
{
    struct test_ctx staff;
    paid_at(provider, order, payment);
    assert_ok(desk_gives_back(payment, arena_printf(&r.a, "desk_%s", payment), given));
    assert_ok(cancel(order));
    hurry = true;
    wait_refund(payment, REFUND_IS_CLOSED);
    staff_ctx(&staff);
    assert_ok(refund_by(&staff.c, payment, ""));
    outbox_wake(outbox);
    wait_refund(payment, REFUND_IS_CLOSED);
    hurry = false;
    test_ctx_close(&staff);
    assert_order(order, ORDER_REFUNDING);
}

static inline const char *capture_of(const char *payment)
{
    return arena_strdup(&r.a, only_capture(payment).capture.id);
}

static inline void assert_ended(const char *order, const char *payment, int64_t hand)
{
    struct refund now;
    test_ctx_reset(&w.t);
    assert_order(order, ORDER_CANCELLED);
    wait_payment(payment, PAY_REFUNDED);
    assert_ok(refund_read(w.c, only_capture(payment).refund.id, &now));
    assert_int_equal(now.state, REFUND_IS_DONE);
    assert_int_equal(now.amount_fen, 28000);
    assert_int_equal(now.hand_fen, hand);
    assert_string_equal(now.reference, "工行 202611280007");
    assert_string_equal(now.note, "原路退回失败，已电汇");
    assert_string_equal(now.asked_by, "stf_test");
    assert_string_equal(now.error, "");
    struct rows rows;
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM audit WHERE action = 'refund.recorded' AND object = ? AND "
                           "JSON_VALUE(detail, '$.hand_fen') = ?"),
                       TEXT(now.id), INT(hand)));
    assert_int_equal(row_int(&rows, 0, 0), 1);
    assert_books();
}

#endif
