/* Alipay's notifications, and the small parts: what we believe of them, and what we do not. */
#include "alipay_rig.h"

#include "provider/gbk.h"
#include "provider/yuan.h"

/* -- small parts ----------------------------------------------------------------------------------------- */

static void yuan_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t fen;
    } good[] = {{"0.01", 1},
                {"280.00", 28000},
                {"280", 28000},
                {"280.5", 28050},
                {"0.10", 10},
                {"1.09", 109},
                {"0", 0},
                {"100000000.00", 10000000000},
                {"007.00", 700},
                {"90071992547409.93", -1},
                {"9999999999.99", 999999999999}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t fen = -1;
        assert_int_equal(yuan_read(good[i].text, &fen), good[i].fen >= 0);
        assert_int_equal(fen, good[i].fen);
    }
    static const char *const bad[] = {"",   ".",     ".5",  "1.",  "1.001", "-1.00", "+1",   " 1",
                                      "1 ", "1,000", "1e3", "0x1", "１",    "1.0.0", "1.-1", "99999999999"};
    int64_t fen;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(yuan_read(bad[i], &fen));
    assert_false(yuan_read(NULL, &fen));
    char text[YUAN_SIZE];
    for (int64_t n = 0; n < 100000; n += 7) {
        yuan_text(n, text);
        assert_true(yuan_read(text, &fen));
        assert_int_equal(fen, n);
    }
    yuan_text(5, text);
    assert_string_equal(text, "0.05");
}

static void a_value_is_cut_out_of_json_as_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"k\":{\"a\":1},\"sign\":\"s\"}", "{\"a\":1}"},
        {" { \"k\" : {\"a\":\"}{\\\"\"} , \"b\" : 1 } ", "{\"a\":\"}{\\\"\"}"},
        {"{\"b\":\"\\\"k\\\":{}\",\"k\":{ }}", "{ }"},
        {"{\"b\":{\"k\":{\"x\":1}},\"k\":{\"y\":2}}", "{\"y\":2}"},
        {"{\"n\":-1.5e3,\"t\":true,\"z\":null,\"l\":[1,[2]],\"k\":{}}", "{}"},
        {"{\"证书\":\"证书\",\"k\":{\"证\":\"书\"}}", "{\"证\":\"书\"}"},
        {"{\"k\":\"text\"}", "\"text\""},
        {"{\"b\":1}", NULL},
        {"{\"b\":1,}", NULL},
        {"{\"b\" 1,\"k\":{}}", NULL},
        {"{\"k\":{\"a\":1}", "{\"a\":1}"}, /* js_parse() has refused it before */
        {"{\"k\":{\"a\":1", NULL},
        {"[\"k\",{}]", NULL},
        {"{k:{}}", NULL},
        {"{", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *cut = NULL;
        size_t n = 0;
        assert_int_equal(json_cut(cases[i].text, strlen(cases[i].text), "k", &cut, &n),
                         cases[i].want != NULL);
        if (cases[i].want)
            assert_string_equal(arena_strndup(&a, cut, n), cases[i].want);
    }
}

static void what_is_no_bill_is_refused(void **state)
{
    (void)state;
    struct payment_bill b = {0};
    assert_err(alipay_read_bill("", 0, &a, &b, &f), ERR_INVALID);
    assert_err(alipay_read_bill("PK\3\4garbage", 11, &a, &b, &f), ERR_INVALID);
    /* an archive of nothing: no table in it */
    static const unsigned char empty[22] = {'P', 'K', 5, 6};
    assert_err(alipay_read_bill(empty, sizeof empty, &a, &b, &f), ERR_INVALID);
    size_t n = 0;
    assert_null(gbk_to_utf8(&a, "\xff\xff", 2, &n));
    assert_string_equal(gbk_to_utf8(&a, "\xD6\xA4\xCA\xE9", 4, &n), "证书");
}

/* -- notifications --------------------------------------------------------------------------------------- */

static enum err notify(const struct alipay *it, const char *body, struct payment_event *e)
{
    struct payment_callback in = {NULL, 0, body, strlen(body)};
    return alipay_callback_verify((void *)(uintptr_t)it, &in, now, &a, e, &f);
}

static void a_notification_is_verified_as_the_sdk_does(void **state)
{
    (void)state;
    struct alipay it = of_the_vectors();
    struct payment_event e;
    assert_ok(notify(&it, vector("notify", "body"), &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_string_equal(e.id, "2026112201222210001");
    assert_string_equal(e.type, "TRADE_SUCCESS");
    assert_string_equal(e.payment.out_trade_no, "pay_01");
    assert_string_equal(e.payment.transaction_id, "2026112222001410001");
    assert_int_equal(e.payment.amount_fen, 28000);
    assert_int_equal(e.payment.payer_fen, 27050);
    assert_string_equal(e.payment.currency, "CNY");
    assert_int_equal(e.payment.success_ms, 1795352400000); /* 2026-11-22T13:00:00Z */
    assert_int_equal(e.create_ms, 1795352401000);
    assert_ok(notify(&it, vector("notify", "body_with_type"), &e));
    char *body = arena_strdup(&a, vector("notify", "body"));
    size_t n = strlen(body), unsigned_at = (size_t)(strstr(body, "passback_params=") - body);
    size_t slack_at = (size_t)(strstr(body, "%3D%3D") - body) - 1; /* base64: four bits of it mean nothing */
    for (size_t i = 0; i < n; i++) {
        if (i == slack_at || (i >= unsigned_at && i < unsigned_at + strlen("passback_params=")))
            continue; /* a field without a value is not signed */
        body[i] ^= 1;
        enum err got = notify(&it, body, &e);
        assert_true(got == ERR_SIGNATURE_BAD || got == ERR_INVALID);
        assert_string_equal(e.id, "");
        body[i] ^= 1;
    }
    rsa_free(it.alipay_key);
}

static const struct provider_pair event[] = {
    {"notify_id", "n1"},
    {"notify_time", "2025-11-25 00:00:02"},
    {"app_id", "2021000000000001"},
    {"seller_id", "2088000000000001"},
    {"charset", "utf-8"},
    {"out_trade_no", "pay_00001"},
    {"trade_no", "2026A"},
    {"trade_status", "TRADE_SUCCESS"},
    {"total_amount", "280.00"},
    {"gmt_payment", "2025-11-25 00:00:01"},
    {"subject", "数字证书"},
};
enum {
    FIELDS = sizeof event / sizeof *event
};

/* The event with some fields changed (value NULL: left out) or added, signed. */
static enum err told(const struct provider_pair *change, size_t n_change, struct payment_event *e)
{
    struct provider_pair all[FIELDS + 8];
    size_t n = 0;
    for (size_t i = 0; i < FIELDS; i++)
        all[n++] = event[i];
    for (size_t k = 0; k < n_change; k++) {
        size_t i = 0;
        while (i < n && strcmp(all[i].name, change[k].name) != 0)
            i++;
        all[i] = change[k];
        n += i == n;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].value)
            all[kept++] = all[i];
    char *sign = NULL;
    const char *text = alipay_signed_text(all, kept, false, &a);
    assert_ok(rsa_sha256_sign(alipay, text, strlen(text), &a, &sign, &f));
    all[kept++] = (struct provider_pair){"sign_type", "RSA2"};
    all[kept++] = (struct provider_pair){"sign", sign};
    return notify(pay.self, form_encode(&a, all, kept), e);
}

#define TOLD(e, ...)                                                                                         \
    told((const struct provider_pair[]){__VA_ARGS__},                                                        \
         sizeof((const struct provider_pair[]){__VA_ARGS__}) / sizeof(struct provider_pair), e)

static void events_are_told_apart(void **state)
{
    (void)state;
    struct payment_event e;
    assert_ok(TOLD(&e, {"brand_new", "x=y&z"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_int_equal(e.payment.state, PAYMENT_SUCCESS);
    assert_int_equal(e.payment.payer_fen, 28000);
    assert_ok(TOLD(&e, {"trade_status", "TRADE_FINISHED"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_ok(TOLD(&e, {"total_amount", "0.01"})); /* for the caller to see */
    assert_int_equal(e.payment.amount_fen, 1);
    assert_ok(TOLD(&e, {"refund_fee", "0.00"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_ok(TOLD(&e, {"refund_fee", "10.05"}, {"out_biz_no", "ref_1"},
                   {"gmt_refund", "2025-11-25 00:00:02.123"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_REFUND);
    assert_int_equal(e.refund.state, REFUND_PROCESSING);
    assert_string_equal(e.refund.out_refund_no, "ref_1");
    assert_int_equal(e.refund.total_fen, 28000);
    assert_ok(TOLD(&e, {"trade_status", "TRADE_CLOSED"}, {"refund_fee", "280.00"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_REFUND);
    assert_ok(TOLD(&e, {"trade_status", "TRADE_CLOSED"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_OTHER);
    assert_ok(TOLD(&e, {"trade_status", "WAIT_BUYER_PAY"}, {"gmt_payment", NULL}));
    assert_int_equal(e.kind, PAYMENT_EVENT_OTHER);
    assert_string_equal(e.id, "n1");
    /* in GBK: 证书 */
    assert_ok(TOLD(&e, {"charset", "GBK"}, {"subject", "\xD6\xA4\xCA\xE9"}));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
}

static void signed_but_not_ours_or_not_whole_is_refused(void **state)
{
    (void)state;
    struct payment_event e;
    static const struct provider_pair bad[] = {
        {"app_id", "2021000000000002"},
        {"app_id", NULL},
        {"seller_id", "2088000000000002"},
        {"seller_id", NULL},
        {"notify_id", NULL},
        {"trade_status", NULL},
        {"out_trade_no", NULL},
        {"trade_no", NULL},
        {"total_amount", NULL},
        {"total_amount", "280,00"},
        {"gmt_payment", "now"},
        {"gmt_payment", NULL},
        {"refund_fee", "-1.00"},
        {"trade_no", "2026\x01"},
        {"out_trade_no", "证书"},
        {"out_trade_no", "12345678901234567890123456789012345678901"},
        {"notify_id", "1234567890123456789012345678901234567890123456789012345678901234567890"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(told(&bad[i], 1, &e), ERR_INVALID);
        assert_string_equal(e.id, "");
        assert_int_equal(e.payment.amount_fen, 0);
    }
}

static void forged_notifications_are_refused(void **state)
{
    (void)state;
    struct payment_event e;
    assert_ok(TOLD(&e, {"subject", "x"}));
    const char *text = alipay_signed_text(event, FIELDS, false, &a);
    char *good = NULL, *strange = NULL;
    assert_ok(rsa_sha256_sign(alipay, text, strlen(text), &a, &good, &f));
    assert_ok(rsa_sha256_sign(stranger, text, strlen(text), &a, &strange, &f));
    const char *body = form_encode(&a, event, FIELDS);
    const char *g = url_escape(&a, good), *s = url_escape(&a, strange);
    assert_ok(notify(pay.self, arena_printf(&a, "%s&sign_type=RSA2&sign=%s", body, g), &e));
    const char *bad[] = {
        arena_printf(&a, "%s&sign_type=RSA2&sign=%s", body, s),
        arena_printf(&a, "%s&sign_type=RSA2", body),
        arena_printf(&a, "%s&sign_type=RSA2&sign=", body),
        arena_printf(&a, "%s&sign=%s", body, g),
        arena_printf(&a, "%s&sign_type=RSA&sign=%s", body, g),
        arena_printf(&a, "%s&sign_type=RSA2&sign=%s&sign=%s", body, g, g),
        arena_printf(&a, "%s&sign_type=RSA2&sign=%s&total_amount=0.01", body, g), /* which one was meant? */
        arena_printf(&a, "%s&sign_type=RSA2&sign=%s&added=1", body, g),
        "",
        "sign_type=RSA2&sign=AAAA",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(notify(pay.self, bad[i], &e), ERR_SIGNATURE_BAD);
        assert_string_equal(e.id, "");
    }
    assert_err(notify(pay.self, "a=%00", &e), ERR_INVALID);
    /* a repeat of the same event is the same event, a day later too: the caller knows its id */
    struct payment_callback late = {NULL, 0, arena_printf(&a, "%s&sign_type=RSA2&sign=%s", body, g), 0};
    late.n_body = strlen(late.body);
    assert_ok(pay.ops->callback_verify(pay.self, &late, now + 90000000, &a, &e, &f));
    assert_string_equal(e.id, "n1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yuan_are_exact),
        cmocka_unit_test(a_value_is_cut_out_of_json_as_it_stands),
        cmocka_unit_test(what_is_no_bill_is_refused),
        cmocka_unit_test(a_notification_is_verified_as_the_sdk_does),
        cmocka_unit_test(events_are_told_apart),
        cmocka_unit_test(signed_but_not_ours_or_not_whole_is_refused),
        cmocka_unit_test(forged_notifications_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
