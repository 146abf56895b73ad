/* Alipay: what we sign, what we believe, and what we do not. The vectors were made by Alipay's own SDK. */
#include "alipay_rig.h"

/* -- vectors --------------------------------------------------------------------------------------------- */

static void a_request_is_signed_as_the_sdk_signs_it(void **state)
{
    (void)state;
    struct provider_pair pairs[16];
    size_t n = 0;
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(json_object_get(vectors, "request"), "params"), key, v) pairs[n++] =
        (struct provider_pair){key, json_string_value(v)};
    pairs[n++] = (struct provider_pair){"empty", ""};
    pairs[n++] = (struct provider_pair){"absent", NULL};
    assert_string_equal(alipay_signed_text(pairs, n, true, &a), vector("request", "text"));
}

static void an_answer_is_verified_over_its_octets(void **state)
{
    (void)state;
    struct alipay it = of_the_vectors();
    const struct alipay_call call = {"alipay.trade.precreate", NULL, true};
    struct provider_trace trace = {0};
    char *body = arena_strdup(&a, vector("response", "body"));
    const char *cut = NULL;
    size_t n = strlen(body), n_cut = 0;
    assert_true(json_cut(body, n, "alipay_trade_precreate_response", &cut, &n_cut));
    assert_string_equal(arena_strndup(&a, cut, n_cut), vector("response", "signed"));
    json_t *answer = NULL;
    assert_ok(alipay_read(&it, &call, body, n, &answer, &trace, &f));
    assert_string_equal(js_str(answer, "qr_code"), "https://qr.alipay.com/bavh4wjlxf12tper3a");
    json_decref(answer);
    for (size_t i = 0; i < n; i++) { /* one bit, anywhere */
        body[i] ^= 1;
        enum err e = alipay_read(&it, &call, body, n, &answer, &trace, &f);
        assert_true(e == ERR_SIGNATURE_BAD || e == ERR_PROVIDER_UNKNOWN);
        body[i] ^= 1;
    }
    rsa_free(it.alipay_key);
}

static void certificates_have_the_numbers_that_the_sdk_computes(void **state)
{
    (void)state;
    const char *sn = NULL;
    assert_ok(cert_sn(vector("certificates", "app"), &a, &sn, &f));
    assert_string_equal(sn, vector("certificates", "app_sn"));
    assert_ok(cert_root_sn(vector("certificates", "roots"), &a, &sn, &f));
    assert_string_equal(sn, vector("certificates", "root_sn"));
    assert_err(cert_sn("", &a, &sn, &f), ERR_INVALID);
    assert_err(cert_root_sn(js_str(vectors, "public_key"), &a, &sn, &f), ERR_INVALID);
}

/* -- answers of a peer ----------------------------------------------------------------------------------- */

static const char *wrap(const char *key, const char *inner, struct rsa_key *by, const char *more)
{
    char *sign = NULL;
    assert_ok(rsa_sha256_sign(by, inner, strlen(inner), &a, &sign, &f));
    return arena_printf(&a, "{\"%s\":%s%s,\"sign\":\"%s\"}", key, inner, more, sign);
}

static void answers(const char *method, const char *inner)
{
    char *key = arena_printf(&a, "%s_response", method);
    for (char *c = key; (c = strchr(c, '.')); c++)
        *c = '_';
    p.status = 200;
    p.calls = 0;
    p.body = wrap(key, inner, alipay, "");
    fault_clear(&f);
}

static const struct payment_order order = {"pay_00001", 28000, "数字证书/一年 a=b&c", 1764003600000,
                                           "https://x.example/n"};
static const char precreate[] = "alipay.trade.precreate", query_method[] = "alipay.trade.query";
static const char placed[] = "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"pay_00001\","
                             "\"qr_code\":\"https:\\/\\/qr.alipay.com\\/bax1\"}";

static enum err place(struct payment_code *c)
{
    return pay.ops->place(pay.self, &order, &a, c, &f);
}

static json_t *sent(void)
{
    struct provider_pair *form = NULL;
    size_t n = 0;
    assert_ok(form_decode(&a, p.request, strlen(p.request), &form, &n));
    const char *content = form_value(form, n, "biz_content");
    assert_non_null(content);
    json_t *j = js_parse(content, strlen(content));
    assert_non_null(j);
    return j;
}

static void an_order_is_placed(void **state)
{
    (void)state;
    struct payment_code c;
    answers(precreate, placed);
    assert_ok(place(&c));
    assert_string_equal(c.code_url, "https://qr.alipay.com/bax1");
    assert_string_equal(p.method, "POST");
    assert_int_equal(
        strncmp(p.path, "/gateway.do?app_id=2021000000000001&method=alipay.trade.precreate&", 66), 0);
    assert_non_null(strstr(p.path, "timestamp=2025-11-25 00:00:00"));
    CLEANUP(js_free)
    json_t *j = sent();
    assert_string_equal(js_str(j, "out_trade_no"), "pay_00001");
    assert_string_equal(js_str(j, "total_amount"), "280.00");
    assert_string_equal(js_str(j, "subject"), "数字证书 一年 a b c"); /* what Alipay refuses is a space */
    assert_string_equal(js_str(j, "time_expire"), "2025-11-25 01:00:00");
    assert_string_equal(js_str(j, "seller_id"), "2088000000000001");
}

static void an_order_that_cannot_be_is_not_sent(void **state)
{
    (void)state;
    struct payment_code c;
    static const char *const numbers[] = {
        "short", "has space", "with-dash", "with|bar", "", "ü_ü_ü_ü", "123456789012345678901234567890123",
        NULL};
    answers(precreate, placed);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct payment_order o = order;
        struct payment_status s;
        struct provider_trace t;
        struct payment_refund_status r;
        o.out_trade_no = numbers[i];
        assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
        assert_err(pay.ops->query(pay.self, numbers[i], &a, &s, &f), ERR_INVALID);
        assert_err(pay.ops->close_order(pay.self, numbers[i], &a, &t, &f), ERR_INVALID);
        assert_err(pay.ops->refund_query(pay.self, numbers[i], "r1", &a, &r, &f), ERR_INVALID);
    }
    struct payment_order o = order;
    o.amount_fen = 0;
    assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
    o = order;
    o.description = "\xff";
    assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
    struct payment_bill b;
    static const char *const dates[] = {"", "2026-13-01", "20261121", "2026-11-21 ", "yesterday!", NULL};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_err(pay.ops->bill(pay.self, dates[i], &a, &b, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

static void an_answer_that_is_not_provably_alipays_is_not_believed(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_status s;
    static const char key[] = "alipay_trade_precreate_response";
    const char *bad[] = {
        wrap(key, placed, stranger, ""),
        arena_printf(&a, "{\"%s\":%s}", key, placed), /* not signed */
        arena_printf(&a, "{\"%s\":%s,\"sign\":\"\"}", key, placed),
        arena_printf(&a, "{\"%s\":%s,\"sign\":7}", key, placed),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answers(precreate, placed);
        p.body = bad[i];
        assert_err(place(&c), ERR_SIGNATURE_BAD);
        assert_string_equal(c.code_url, "");
    }
    /* written anew by somebody between: the same value, other octets */
    char *anew = arena_strdup(&a, wrap(key, placed, alipay, ""));
    for (char *w = anew, *r = anew;; r++) {
        if (r[0] == '\\' && r[1] == '/')
            r++;
        *w++ = *r;
        if (!*r)
            break;
    }
    p.body = anew;
    assert_err(place(&c), ERR_SIGNATURE_BAD);
    /* nothing about a trade is believed without a signature: this would end a payment */
    p.body = "{\"alipay_trade_query_response\":{\"code\":\"40004\",\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"}}";
    assert_err(pay.ops->query(pay.self, "pay_00001", &a, &s, &f), ERR_SIGNATURE_BAD);
    p.body = "{\"error_response\":{\"code\":\"40002\",\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"}}";
    assert_err(pay.ops->query(pay.self, "pay_00001", &a, &s, &f), ERR_SIGNATURE_BAD);
}

static void the_certificate_of_an_answer_must_be_the_one_we_hold(void **state)
{
    (void)state;
    struct payment_code c;
    static const char key[] = "alipay_trade_precreate_response";
    const struct alipay *it = certified.self;
    p.status = 200;
    p.body = wrap(key, placed, alipay, arena_printf(&a, ",\"alipay_cert_sn\":\"%s\"", it->alipay_cert_sn));
    assert_ok(certified.ops->place(certified.self, &order, &a, &c, &f));
    p.body = wrap(key, placed, alipay, ",\"alipay_cert_sn\":\"0123456789abcdef0123456789abcdef\"");
    assert_err(certified.ops->place(certified.self, &order, &a, &c, &f), ERR_SIGNATURE_BAD);
    p.body = wrap(key, placed, alipay, "");
    assert_err(certified.ops->place(certified.self, &order, &a, &c, &f), ERR_SIGNATURE_BAD);
}

static void garbage_leaves_the_outcome_open(void **state)
{
    (void)state;
    static const char *const inner[] = {
        "{}",
        "{\"code\":\"\"}",
        "{\"code\":[]}",
        "{\"code\":\"10000\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00002\",\"qr_code\":\"x\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"qr_code\":\"\"}",
        "{\"code\":\"10003\",\"msg\":\"new\"}",
        "[]",
        "\"x\""};
    struct payment_code c;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        answers(precreate, inner[i]);
        assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
    }
    const char *twice = "{\"alipay_trade_precreate_response\":{\"code\":\"20000\"},"
                        "\"alipay_trade_precreate_response\":{\"code\":\"20000\"}}";
    const char *bodies[] = {
        "", "<html>", "null", "{}", "{\"alipay_trade_query_response\":{\"code\":\"10000\"}}", twice};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        answers(precreate, placed);
        p.body = bodies[i];
        assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
    }
    static const unsigned statuses[] = {302, 404, 500, 502};
    for (size_t i = 0; i < 4; i++) {
        answers(precreate, placed);
        p.status = statuses[i];
        assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
        assert_int_equal(c.trace.http_status, statuses[i]);
    }
    p.status = 0;
    assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
}

static void errors_have_their_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *code, *sub;
        enum err changing, asking;
    } cases[] = {
        {"20000", "isp.unknow-error", ERR_PROVIDER_UNKNOWN, ERR_PROVIDER_BUSY},
        {"40004", "ACQ.SYSTEM_ERROR", ERR_PROVIDER_UNKNOWN, ERR_PROVIDER_BUSY},
        {"40004", "AQC.SYSTEM_ERROR", ERR_PROVIDER_UNKNOWN, ERR_PROVIDER_BUSY},
        {"20001", "aop.invalid-auth-token", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40001", "isv.missing-method", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40001", "isv.missing-signature", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40002", "isv.invalid-signature", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40002", "isv.invalid-timestamp", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40002", "isv.invalid-app-id", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40002", "isv.invalid-parameter", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40003", "isv.something", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40004", "ACQ.INVALID_PARAMETER", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40004", "ACQ.CONTEXT_INCONSISTENT", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40004", "ACQ.TRADE_HAS_SUCCESS", ERR_PAYMENT_STATE, ERR_PAYMENT_STATE},
        {"40004", "ACQ.TRADE_HAS_CLOSE", ERR_PAYMENT_STATE, ERR_PAYMENT_STATE},
        {"40004", "ACQ.TRADE_STATUS_ERROR", ERR_PAYMENT_STATE, ERR_PAYMENT_STATE},
        {"40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"40004", "ACQ.SOMETHING_NEW", ERR_PROVIDER_REFUSED, ERR_PROVIDER_REFUSED},
        {"40005", "isv.app-call-limited", ERR_RATE_LIMITED, ERR_RATE_LIMITED},
        {"40006", "isv.insufficient-isv-permissions", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"49999", "new.kind", ERR_PROVIDER_UNKNOWN, ERR_PROVIDER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct payment_code c;
        struct payment_status s;
        const char *inner =
            arena_printf(&a, "{\"code\":\"%s\",\"msg\":\"m\",\"sub_code\":\"%s\",\"sub_msg\":\"字\"}",
                         cases[i].code, cases[i].sub);
        answers(precreate, inner);
        assert_err(place(&c), cases[i].changing);
        assert_string_equal(c.trace.code, cases[i].sub);
        assert_string_equal(c.trace.message, "字");
        answers(query_method, inner);
        assert_err(pay.ops->query(pay.self, "pay_00001", &a, &s, &f), cases[i].asking);
    }
    /* what the gateway says before it knows whom it talks to is not signed, and is about us */
    struct payment_code c;
    p.body = "{\"error_response\":{\"code\":\"40002\",\"msg\":\"m\",\"sub_code\":\"isv.invalid-app-id\"}}";
    assert_err(place(&c), ERR_PROVIDER_CONFIG);
}

/* -- query, close, refund -------------------------------------------------------------------------------- */

static const char *trade(const char *status, const char *amount, const char *rest)
{
    return arena_printf(
        &a,
        "{\"code\":\"10000\",\"msg\":\"Success\",\"out_trade_no\":\"pay_00001\",\"trade_no\":\"2026A\","
        "\"trade_status\":\"%s\",\"total_amount\":\"%s\"%s}",
        status, amount, rest);
}

static const char paid[] = ",\"buyer_pay_amount\":\"270.00\",\"send_pay_date\":\"2025-11-25 00:00:01\"";

static enum err query(struct payment_status *s)
{
    return pay.ops->query(pay.self, "pay_00001", &a, s, &f);
}

static void a_query_tells_the_state(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool was_paid;
        enum payment_state state;
    } cases[] = {{"WAIT_BUYER_PAY", false, PAYMENT_NOTPAY}, {"TRADE_SUCCESS", true, PAYMENT_SUCCESS},
                 {"TRADE_FINISHED", true, PAYMENT_SUCCESS}, {"TRADE_CLOSED", false, PAYMENT_CLOSED},
                 {"TRADE_CLOSED", true, PAYMENT_REFUND},    {"TRADE_NEW", false, PAYMENT_OTHER}};
    struct payment_status s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool was_paid = cases[i].was_paid;
        answers(query_method, trade(cases[i].text, "280.00", was_paid ? paid : ""));
        assert_ok(query(&s));
        assert_int_equal(s.state, cases[i].state);
        assert_int_equal(s.amount_fen, 28000);
        assert_string_equal(s.out_trade_no, "pay_00001");
        assert_string_equal(s.transaction_id, was_paid ? "2026A" : "");
        assert_int_equal(s.success_ms, was_paid ? now + 1000 : 0);
        assert_int_equal(s.payer_fen, was_paid ? 27000 : 0);
    }
    answers(query_method,
            "{\"code\":\"40004\",\"msg\":\"Business Failed\",\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"}");
    assert_ok(query(&s));
    assert_int_equal(s.state, PAYMENT_ABSENT);
}

static void a_trade_without_its_fields_is_none(void **state)
{
    (void)state;
    struct payment_status s;
    const char *bad[] = {
        trade("TRADE_SUCCESS", "280.000", paid),
        trade("TRADE_SUCCESS", "-280.00", paid),
        trade("TRADE_SUCCESS", "", paid),
        trade("TRADE_SUCCESS", "280.00", ",\"send_pay_date\":\"yesterday\""),
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"trade_status\":\"TRADE_SUCCESS\",\"total_"
        "amount\":280}",
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"trade_status\":\"TRADE_SUCCESS\",\"total_"
        "amount\":\"1\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"total_amount\":\"1.00\",\"trade_no\":\"1\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00002\",\"trade_status\":\"TRADE_SUCCESS\",\"trade_no\":"
        "\"1\","
        "\"total_amount\":\"1.00\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answers(query_method, bad[i]);
        assert_err(query(&s), ERR_PROVIDER_UNKNOWN);
    }
}

static void closing_ends_it_or_says_why_not(void **state)
{
    (void)state;
    struct provider_trace t;
    answers("alipay.trade.close", "{\"code\":\"10000\",\"msg\":\"Success\",\"trade_no\":\"1\"}");
    assert_ok(pay.ops->close_order(pay.self, "pay_00001", &a, &t, &f));
    answers("alipay.trade.close", "{\"code\":\"40004\",\"sub_code\":\"ACQ.TRADE_STATUS_ERROR\"}");
    assert_err(pay.ops->close_order(pay.self, "pay_00001", &a, &t, &f), ERR_PAYMENT_STATE);
    assert_string_equal(t.code, "ACQ.TRADE_STATUS_ERROR");
}

static void a_refund_is_done_when_money_moved_or_the_query_says_so(void **state)
{
    (void)state;
    struct payment_refund_order o = {"pay_00001", "ref_1", "重复支付", NULL, 10000, 28000};
    struct payment_refund_status r;
    static const char refund[] = "alipay.trade.refund", ask[] = "alipay.trade.fastpay.refund.query";
    answers(refund,
            "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"trade_no\":\"2026A\",\"fund_change\":\"Y\","
            "\"refund_fee\":\"150.00\",\"gmt_refund_pay\":\"2025-11-25 00:00:01\"}");
    assert_ok(pay.ops->refund(pay.self, &o, &a, &r, &f));
    assert_int_equal(r.state, REFUND_SUCCESS);
    assert_int_equal(r.refund_fen, 10000);
    assert_int_equal(r.success_ms, now + 1000);
    CLEANUP(js_free)
    json_t *j = sent();
    assert_string_equal(js_str(j, "refund_amount"), "100.00");
    assert_string_equal(js_str(j, "out_request_no"), "ref_1");
    answers(refund,
            "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"trade_no\":\"2026A\",\"fund_change\":\"N\","
            "\"refund_fee\":\"100.00\"}");
    assert_ok(pay.ops->refund(pay.self, &o, &a, &r, &f));
    assert_int_equal(r.state, REFUND_PROCESSING);

    static const char found[] =
        "{\"code\":\"10000\",\"out_trade_no\":\"pay_00001\",\"trade_no\":\"2026A\",\"out_request_no\":\"%s\","
        "\"refund_amount\":\"100.00\",\"total_amount\":\"280.00\"%s}";
    answers(ask, arena_printf(&a, found, "ref_1", ",\"refund_status\":\"REFUND_SUCCESS\""));
    assert_ok(pay.ops->refund_query(pay.self, "pay_00001", "ref_1", &a, &r, &f));
    assert_int_equal(r.state, REFUND_SUCCESS);
    assert_int_equal(r.refund_fen, 10000);
    assert_int_equal(r.total_fen, 28000);
    assert_string_equal(r.out_refund_no, "ref_1");
    answers(ask, arena_printf(&a, found, "ref_1", ""));
    assert_ok(pay.ops->refund_query(pay.self, "pay_00001", "ref_1", &a, &r, &f));
    assert_int_equal(r.state, REFUND_PROCESSING);
    answers(ask, arena_printf(&a, found, "ref_2", ""));
    assert_err(pay.ops->refund_query(pay.self, "pay_00001", "ref_1", &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    answers(ask, "{\"code\":\"10000\",\"msg\":\"Success\"}");
    assert_ok(pay.ops->refund_query(pay.self, "pay_00001", "ref_1", &a, &r, &f));
    assert_int_equal(r.state, REFUND_ABSENT);
    answers(ask, "{\"code\":\"40004\",\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"}");
    assert_ok(pay.ops->refund_query(pay.self, "pay_00001", "ref_1", &a, &r, &f));
    assert_int_equal(r.state, REFUND_ABSENT);
    p.calls = 0;
    o.refund_fen = 28001;
    assert_err(pay.ops->refund(pay.self, &o, &a, &r, &f), ERR_INVALID);
    o.refund_fen = 1;
    o.out_refund_no = "ref-1";
    assert_err(pay.ops->refund(pay.self, &o, &a, &r, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

/* -- settings -------------------------------------------------------------------------------------------- */

static void keys_that_are_missing_or_wrong_are_named(void **state)
{
    (void)state;
    struct payment_port other;
    struct provider_pair s[9] = {{"app_id", "1"}, {"seller_id", "2"}, {"app_key", slurp("app.pem")}};
    assert_err(open_with(s + 1, &other), ERR_INVALID);
    assert_non_null(strstr(f.text, "app_id"));
    assert_err(open_with(s, &other), ERR_INVALID);
    assert_non_null(strstr(f.text, "alipay_public_key"));
    s[3] = (struct provider_pair){"alipay_public_key", slurp("alipay.pub")};
    assert_ok(open_with(s, &other));
    assert_false(other.simulator);
    other.ops->close(other.self);
    s[4] = (struct provider_pair){"app_certificate", slurp("app.crt")}; /* both modes at once */
    assert_err(open_with(s, &other), ERR_INVALID);
    s[3] = (struct provider_pair){"alipay_certificate", slurp("alipay.crt")};
    assert_err(open_with(s, &other), ERR_INVALID);
    assert_non_null(strstr(f.text, "alipay_root_certificates"));
    s[5] = (struct provider_pair){"alipay_root_certificates", slurp("alipay.pub")};
    assert_err(open_with(s, &other), ERR_INVALID);
    s[2].value = slurp("alipay.pub");
    assert_err(open_with(s, &other), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_signed_as_the_sdk_signs_it),
        cmocka_unit_test(an_answer_is_verified_over_its_octets),
        cmocka_unit_test(certificates_have_the_numbers_that_the_sdk_computes),
        cmocka_unit_test(an_order_is_placed),
        cmocka_unit_test(an_order_that_cannot_be_is_not_sent),
        cmocka_unit_test(an_answer_that_is_not_provably_alipays_is_not_believed),
        cmocka_unit_test(the_certificate_of_an_answer_must_be_the_one_we_hold),
        cmocka_unit_test(garbage_leaves_the_outcome_open),
        cmocka_unit_test(errors_have_their_meaning),
        cmocka_unit_test(a_query_tells_the_state),
        cmocka_unit_test(a_trade_without_its_fields_is_none),
        cmocka_unit_test(closing_ends_it_or_says_why_not),
        cmocka_unit_test(a_refund_is_done_when_money_moved_or_the_query_says_so),
        cmocka_unit_test(keys_that_are_missing_or_wrong_are_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
