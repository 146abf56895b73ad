/* WeChat Pay: what we sign, what we believe, and what we do not. */
#include "peer.h"

#include "provider/wechat.h"

#include <openssl/evp.h>
#include <unistd.h>

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct payment_port pay;
static struct rsa_key *platform, *platform_next, *public_mode, *stranger, *merchant_public;
static const int64_t now = 1764000000000; /* 2025-11-24T16:00:00Z */

static const char apiv3[] = "0123456789abcdefghijklmnopqrstuv";
static char dir[] = "/tmp/certdesk-wechat-XXXXXX";

static int64_t fixed_now(void)
{
    return now;
}

/* -- signed answers -------------------------------------------------------------------------------------- */

struct stamp {
    struct rsa_key *key;
    const char *serial, *timestamp, *nonce, *type;
};

static struct stamp stamp(void)
{
    return (struct stamp){platform, "0AAA", "1764000000", "nonce1", NULL};
}

/* The headers that WeChat would send with this body. */
static void sign_headers(struct stamp s, const char *body, struct provider_pair *out)
{
    const char *message = arena_printf(&a, "%s\n%s\n%s\n", s.timestamp, s.nonce, body);
    char *signature = NULL;
    assert_ok(rsa_sha256_sign(s.key, message, strlen(message), &a, &signature, &f));
    out[0] = (struct provider_pair){"Wechatpay-Timestamp", s.timestamp};
    out[1] = (struct provider_pair){"Wechatpay-Nonce", s.nonce};
    out[2] = (struct provider_pair){"Wechatpay-Signature", signature};
    out[3] = (struct provider_pair){"Wechatpay-Serial", s.serial};
    out[4] = (struct provider_pair){"Request-ID", "0880-268578561"};
    out[5] = (struct provider_pair){s.type ? "Wechatpay-Signature-Type" : NULL, s.type};
}

static void answers(unsigned status, const char *body)
{
    p.status = status;
    p.body = body;
    p.calls = 0;
    fault_clear(&f);
    sign_headers(stamp(), body, p.headers);
}

static const struct payment_order order = {"ord_00001", 28000, "单位证书", 1764003600000,
                                           "https://x.example/n"};

static enum err place(struct payment_code *c)
{
    return pay.ops->place(pay.self, &order, &a, c, &f);
}

/* -- requests -------------------------------------------------------------------------------------------- */

static const char *auth_field(const char *name)
{
    const char *at = strstr(p.seen[0], arena_printf(&a, "%s=\"", name));
    assert_non_null(at);
    at = strchr(at, '"') + 1;
    return arena_strndup(&a, at, strcspn(at, "\""));
}

static void assert_request_signed(void)
{
    assert_int_equal(strncmp(p.seen[0], "WECHATPAY2-SHA256-RSA2048 ", 26), 0);
    assert_string_equal(auth_field("mchid"), "1900000001");
    assert_string_equal(auth_field("serial_no"), "ABCDEF");
    assert_string_equal(auth_field("timestamp"), "1764000000");
    const char *nonce = auth_field("nonce_str");
    assert_int_equal(strlen(nonce), 32);
    const char *message =
        arena_printf(&a, "%s\n%s\n1764000000\n%s\n%s\n", p.method, p.path, nonce, p.request);
    assert_true(rsa_sha256_verify(merchant_public, message, strlen(message), auth_field("signature")));
}

static void an_order_is_placed(void **state)
{
    (void)state;
    struct payment_code c;
    p.watch[0] = "Authorization";
    p.watch[1] = "Wechatpay-Serial";
    p.watch[2] = "Accept";
    answers(200, "{\"code_url\":\"weixin://wxpay/bizpayurl?pr=x\"}");
    assert_ok(place(&c));
    assert_string_equal(c.code_url, "weixin://wxpay/bizpayurl?pr=x");
    assert_string_equal(c.trace.request_id, "0880-268578561");
    assert_string_equal(p.path, "/v3/pay/transactions/native");
    assert_request_signed();
    assert_string_equal(p.seen[1], "PUB_KEY_ID_1");
    assert_string_equal(p.seen[2], "application/json");
    CLEANUP(js_free)
    json_t *j = js_parse(p.request, strlen(p.request));
    int64_t total = 0;
    assert_true(js_int(json_object_get(j, "amount"), "total", &total));
    assert_int_equal(total, 28000);
    assert_string_equal(js_str(json_object_get(j, "amount"), "currency"), "CNY");
    assert_string_equal(js_str(j, "out_trade_no"), "ord_00001");
    assert_string_equal(js_str(j, "appid"), "wxapp");
    assert_string_equal(js_str(j, "mchid"), "1900000001");
    assert_string_equal(js_str(j, "time_expire"), "2025-11-25T01:00:00+08:00");
    assert_string_equal(js_str(j, "notify_url"), order.notify_url);
}

static void an_order_that_cannot_be_is_not_sent(void **state)
{
    (void)state;
    struct payment_code c;
    static const char *const numbers[] = {
        "short", "has space", "ü-ü-ü-ü", "/../../x/", "", "123456789012345678901234567890123", NULL};
    answers(200, "{}");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct payment_order o = order;
        struct payment_status s;
        struct provider_trace t;
        o.out_trade_no = numbers[i];
        assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
        assert_err(pay.ops->query(pay.self, numbers[i], &a, &s, &f), ERR_INVALID);
        assert_err(pay.ops->close_order(pay.self, numbers[i], &a, &t, &f), ERR_INVALID);
    }
    struct payment_order o = order;
    o.amount_fen = 0;
    assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
    o.amount_fen = -1;
    assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
    o = order;
    o.description = "\xff";
    assert_err(pay.ops->place(pay.self, &o, &a, &c, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

/* -- which answers are believed -------------------------------------------------------------------------- */

static void an_answer_without_a_good_signature_is_not_believed(void **state)
{
    (void)state;
    static const char body[] = "{\"code_url\":\"weixin://x\"}";
    struct payment_code c;
    struct stamp bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = stamp();
    bad[0].key = stranger;
    bad[1].serial = "0BBB"; /* ours, but the other key's */
    bad[2].serial = "0CCC"; /* nobody's */
    bad[3].timestamp = "1763999700";
    bad[4].timestamp = "1764000300";
    bad[5].timestamp = "";
    bad[6].timestamp = "1764000000 ";
    bad[7].type = "WECHATPAY2-SM2-WITH-SM3";
    for (size_t i = 0; i < 8; i++) {
        answers(200, body);
        sign_headers(bad[i], body, p.headers);
        assert_err(place(&c), ERR_SIGNATURE_BAD);
        assert_string_equal(c.code_url, "");
    }
    for (size_t i = 0; i < 4; i++) { /* each of the four headers is needed */
        answers(200, body);
        p.headers[i].name = "X-Lost";
        assert_err(place(&c), ERR_SIGNATURE_BAD);
    }
    answers(200, body);
    p.headers[5] = p.headers[2]; /* and once */
    assert_err(place(&c), ERR_SIGNATURE_BAD);
    answers(200, body);
    p.body = "{\"code_url\":\"weixin://y\"}";
    assert_err(place(&c), ERR_SIGNATURE_BAD);
    answers(200, body);
    p.headers[2].value = "WECHATPAY/SIGNTEST/AAAA";
    assert_err(place(&c), ERR_SIGNATURE_BAD);
}

static void every_key_of_a_change_of_keys_is_believed(void **state)
{
    (void)state;
    static const char body[] = "{\"code_url\":\"weixin://x\"}";
    struct stamp good[5] = {stamp(), stamp(), stamp(), stamp(), stamp()};
    good[0].key = platform_next;
    good[0].serial = "0BBB";
    good[1].key = public_mode;
    good[1].serial = "PUB_KEY_ID_1";
    good[2].timestamp = "1763999701";
    good[3].timestamp = "1764000299";
    good[4].type = "WECHATPAY2-SHA256-RSA2048";
    for (size_t i = 0; i < 5; i++) {
        struct payment_code c;
        answers(200, body);
        sign_headers(good[i], body, p.headers);
        assert_ok(place(&c));
    }
}

static void signed_garbage_leaves_the_outcome_open(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"code_url\":7}",
        "{\"code_url\":\"\"}",
        "<html>",
        "{\"code_url\":\"a\",\"code_url\":\"b\"}",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct payment_code c;
        struct payment_status s;
        struct payment_refund_status r;
        answers(200, garbage[i]);
        assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
        assert_err(pay.ops->query(pay.self, "ord_00001", &a, &s, &f), ERR_PROVIDER_UNKNOWN);
        assert_err(pay.ops->refund_query(pay.self, "ord_00001", "ref_00001", &a, &r, &f),
                   ERR_PROVIDER_UNKNOWN);
    }
}

static void errors_have_their_meaning(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum err e;
    } cases[] = {
        {400, "{\"code\":\"PARAM_ERROR\",\"message\":\"m\"}", ERR_PROVIDER_REFUSED},
        {400, "{\"code\":\"INVALID_REQUEST\",\"message\":\"参数与首次请求时不一致\"}", ERR_PROVIDER_REFUSED},
        {400, "{\"code\":\"APPID_MCHID_NOT_MATCH\"}", ERR_PROVIDER_CONFIG},
        {400, "{\"code\":\"ORDERPAID\"}", ERR_PAYMENT_STATE},
        {400, "{\"code\":\"ORDER_CLOSED\"}", ERR_PAYMENT_STATE},
        {401, "{\"code\":\"SIGN_ERROR\"}", ERR_PROVIDER_CONFIG},
        {403, "{\"code\":\"NO_AUTH\"}", ERR_PROVIDER_CONFIG},
        {403, "{\"code\":\"RULE_LIMIT\"}", ERR_PROVIDER_REFUSED},
        {403, "{\"code\":\"NOT_ENOUGH\"}", ERR_PROVIDER_CONFIG},
        {429, "{\"code\":\"FREQUENCY_LIMITED\"}", ERR_RATE_LIMITED},
        {500, "{\"code\":\"SYSTEM_ERROR\"}", ERR_PROVIDER_BUSY},
        {500, "{\"code\":\"BANK_ERROR\"}", ERR_PROVIDER_BUSY},
        {500, "{\"code\":\"SOMETHING_NEW\"}", ERR_PROVIDER_BUSY},
        {400, "{\"code\":\"SOMETHING_NEW\"}", ERR_PROVIDER_REFUSED},
        {502, "<html>Bad Gateway</html>", ERR_PROVIDER_UNKNOWN},
        {500, "{\"message\":\"no code\"}", ERR_PROVIDER_UNKNOWN},
        {404, "{\"code\":7}", ERR_PROVIDER_UNKNOWN},
        {302, "", ERR_PROVIDER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct payment_code c;
        answers(cases[i].status, cases[i].body);
        p.headers[0].name = NULL; /* errors may be unsigned */
        assert_err(place(&c), cases[i].e);
        assert_int_equal(c.trace.http_status, cases[i].status);
    }
    struct payment_code c;
    p.status = 0;
    assert_err(place(&c), ERR_PROVIDER_UNKNOWN);
}

/* -- query, close, refund -------------------------------------------------------------------------------- */

static const char *transaction(const char *mchid, const char *state, const char *amount, const char *rest)
{
    return arena_printf(&a,
                        "{\"appid\":\"wxapp\",\"mchid\":\"%s\",\"out_trade_no\":\"ord_00001\","
                        "\"trade_type\":\"NATIVE\",\"trade_state\":\"%s\",\"amount\":%s%s}",
                        mchid, state, amount, rest);
}

static const char amount[] =
    "{\"total\":28000,\"payer_total\":27000,\"currency\":\"CNY\",\"payer_currency\":\"CNY\"}";
static const char paid[] = ",\"transaction_id\":\"4200001\",\"success_time\":\"2025-11-25T00:00:01+08:00\"";

static enum err query(struct payment_status *s)
{
    return pay.ops->query(pay.self, "ord_00001", &a, s, &f);
}

static void a_query_tells_the_state(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum payment_state state;
    } cases[] = {{"NOTPAY", PAYMENT_NOTPAY}, {"CLOSED", PAYMENT_CLOSED},    {"SUCCESS", PAYMENT_SUCCESS},
                 {"REFUND", PAYMENT_REFUND}, {"USERPAYING", PAYMENT_OTHER}, {"ABSENT", PAYMENT_OTHER}};
    struct payment_status s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool captured = cases[i].state == PAYMENT_SUCCESS || cases[i].state == PAYMENT_REFUND;
        answers(200, transaction("1900000001", cases[i].text, amount, captured ? paid : ""));
        assert_ok(query(&s));
        assert_int_equal(s.state, cases[i].state);
        assert_int_equal(s.amount_fen, 28000);
        assert_string_equal(s.transaction_id, captured ? "4200001" : "");
        assert_int_equal(s.success_ms, captured ? now + 1000 : 0);
        assert_int_equal(s.payer_fen, captured ? 27000 : 0);
    }
    assert_string_equal(p.path, "/v3/pay/transactions/out-trade-no/ord_00001?mchid=1900000001");
    assert_string_equal(p.method, "GET");
    assert_request_signed();
    answers(404, "{\"code\":\"ORDER_NOT_EXIST\",\"message\":\"订单不存在\"}");
    assert_ok(query(&s));
    assert_int_equal(s.state, PAYMENT_ABSENT);
}

static void a_capture_without_its_fields_is_none(void **state)
{
    (void)state;
    struct payment_status s;
    const char *bad[] = {
        transaction("1900000001", "SUCCESS", "{\"total\":28000.0,\"currency\":\"CNY\"}", paid),
        transaction("1900000001", "SUCCESS", "{\"total\":\"28000\",\"currency\":\"CNY\"}", paid),
        transaction("1900000001", "SUCCESS", "{\"total\":-1,\"currency\":\"CNY\"}", paid),
        transaction("1900000001", "SUCCESS", "{\"total\":28000}", paid),
        transaction("1900000001", "SUCCESS", "{\"total\":99999999999999999999,\"currency\":\"CNY\"}", paid),
        transaction("1900000001", "SUCCESS", "null", paid),
        transaction("1900000001", "SUCCESS", amount, ""),
        transaction("1900000001", "SUCCESS", amount,
                    ",\"transaction_id\":\"\",\"success_time\":\"2025-11-25T00:00:01+08:00\""),
        transaction("1900000001", "SUCCESS", amount,
                    ",\"transaction_id\":\"4200001\",\"success_time\":\"yesterday\""),
        transaction("1900000002", "SUCCESS", amount, paid),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answers(200, bad[i]);
        assert_err(query(&s), ERR_PROVIDER_UNKNOWN);
    }
    answers(200, transaction("1900000001", "SUCCESS", amount, paid));
    assert_err(pay.ops->query(pay.self, "ord_00002", &a, &s, &f), ERR_PROVIDER_UNKNOWN);
}

static void closing_answers_nothing_but_signs_it(void **state)
{
    (void)state;
    struct provider_trace t;
    answers(204, "");
    assert_ok(pay.ops->close_order(pay.self, "ord_00001", &a, &t, &f));
    assert_string_equal(p.path, "/v3/pay/transactions/out-trade-no/ord_00001/close");
    assert_string_equal(p.request, "{\"mchid\":\"1900000001\"}");
    assert_request_signed();
    p.headers[0].name = NULL;
    assert_err(pay.ops->close_order(pay.self, "ord_00001", &a, &t, &f), ERR_SIGNATURE_BAD);
    answers(400, "{\"code\":\"ORDERPAID\"}");
    assert_err(pay.ops->close_order(pay.self, "ord_00001", &a, &t, &f), ERR_PAYMENT_STATE);
    assert_string_equal(t.code, "ORDERPAID");
    answers(204, "");
    assert_ok(pay.ops->close_order(pay.self, "a|b*c-d", &a, &t, &f));
    assert_non_null(strstr(p.path, "a|b*c-d")); /* escaped on the wire, the server decodes it */
}

static const char *refund_json(const char *state_key, const char *state)
{
    return arena_printf(&a,
                        "{\"mchid\":\"1900000001\",\"refund_id\":\"50000\",\"out_refund_no\":\"ref_1\","
                        "\"transaction_id\":\"4200001\",\"out_trade_no\":\"ord_00001\",\"%s\":\"%s\","
                        "\"success_time\":\"2025-11-25T00:00:01+08:00\","
                        "\"amount\":{\"total\":28000,\"refund\":28000,\"payer_total\":28000}}",
                        state_key, state);
}

static void a_refund_is_asked_for_and_followed(void **state)
{
    (void)state;
    struct payment_refund_order o = {"ord_00001", "ref_1", "重复支付", NULL, 28000, 28000};
    struct payment_refund_status r;
    answers(200, refund_json("status", "PROCESSING"));
    assert_ok(pay.ops->refund(pay.self, &o, &a, &r, &f));
    assert_int_equal(r.state, REFUND_PROCESSING);
    assert_int_equal(r.refund_fen, 28000);
    assert_string_equal(r.refund_id, "50000");
    assert_request_signed();
    static const enum payment_refund_state states[] = {REFUND_PROCESSING, REFUND_SUCCESS, REFUND_CLOSED,
                                                       REFUND_ABNORMAL};
    for (size_t i = 0; i < 4; i++) {
        answers(200, refund_json("status", payment_refund_state_name(states[i])));
        assert_ok(pay.ops->refund_query(pay.self, "ord_00001", "ref_1", &a, &r, &f));
        assert_int_equal(r.state, states[i]);
    }
    answers(404, "{\"code\":\"RESOURCE_NOT_EXISTS\"}");
    assert_ok(pay.ops->refund_query(pay.self, "ord_00001", "ref_1", &a, &r, &f));
    assert_int_equal(r.state, REFUND_ABSENT);
    o.refund_fen = 28001;
    assert_err(pay.ops->refund(pay.self, &o, &a, &r, &f), ERR_INVALID);
    answers(200, refund_json("status", "PAID"));
    assert_err(pay.ops->refund_query(pay.self, "ord_00001", "ref_1", &a, &r, &f), ERR_PROVIDER_UNKNOWN);
}

/* -- callbacks ------------------------------------------------------------------------------------------- */

static const char *seal(const char *text, const char *aad)
{
    unsigned char out[4096], tag[16];
    int n = 0, tail = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, (const unsigned char *)apiv3,
                       (const unsigned char *)"0a1b2c3d4e5f");
    EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)aad, (int)strlen(aad));
    EVP_EncryptUpdate(c, out, &n, (const unsigned char *)text, (int)strlen(text));
    EVP_EncryptFinal_ex(c, out + n, &tail);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag);
    EVP_CIPHER_CTX_free(c);
    memcpy(out + n, tag, 16);
    return base64_encode(&a, out, (size_t)n + 16);
}

static const char *event(const char *type, const char *inner)
{
    return arena_printf(
        &a,
        "{\"id\":\"EV-1\",\"create_time\":\"2025-11-25T00:00:02+08:00\","
        "\"resource_type\":\"encrypt-resource\",\"event_type\":\"%s\",\"summary\":\"s\","
        "\"resource\":{\"original_type\":\"transaction\",\"algorithm\":\"AEAD_AES_256_GCM\","
        "\"ciphertext\":\"%s\",\"associated_data\":\"transaction\",\"nonce\":\"0a1b2c3d4e5f\"}}",
        type, seal(inner, "transaction"));
}

static enum err callback(const struct provider_pair *headers, const char *body, struct payment_event *e)
{
    struct payment_callback c = {headers, PEER_HEADERS, body, strlen(body)};
    size_t n = 0;
    while (n < PEER_HEADERS && headers[n].name)
        n++;
    c.n_headers = n;
    return pay.ops->callback_verify(pay.self, &c, now, &a, e, &f);
}

static enum err signed_callback(const char *body, struct payment_event *e)
{
    struct provider_pair headers[PEER_HEADERS] = {0};
    sign_headers(stamp(), body, headers);
    return callback(headers, body, e);
}

static void a_paid_event_is_decrypted(void **state)
{
    (void)state;
    struct payment_event e;
    assert_ok(signed_callback(
        event("TRANSACTION.SUCCESS", transaction("1900000001", "SUCCESS", amount, paid)), &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_string_equal(e.id, "EV-1");
    assert_int_equal(e.create_ms, now + 2000);
    assert_int_equal(e.payment.amount_fen, 28000);
    assert_string_equal(e.payment.out_trade_no, "ord_00001");
    assert_string_equal(e.payment.transaction_id, "4200001");
    assert_string_equal(e.payment.currency, "CNY");
    /* a wrong amount is for the caller to see */
    assert_ok(
        signed_callback(event("TRANSACTION.SUCCESS", transaction("1900000001", "SUCCESS",
                                                                 "{\"total\":0,\"currency\":\"CNY\"}", paid)),
                        &e));
    assert_int_equal(e.payment.amount_fen, 0);
}

static void refund_events_and_others_are_told_apart(void **state)
{
    (void)state;
    struct payment_event e;
    assert_ok(signed_callback(event("REFUND.SUCCESS", refund_json("refund_status", "SUCCESS")), &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_REFUND);
    assert_int_equal(e.refund.state, REFUND_SUCCESS);
    assert_ok(signed_callback(event("REFUND.ABNORMAL", refund_json("refund_status", "ABNORMAL")), &e));
    assert_int_equal(e.refund.state, REFUND_ABNORMAL);
    assert_ok(signed_callback(event("SOMETHING.NEW", "{}"), &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_OTHER);
    assert_string_equal(e.type, "SOMETHING.NEW");
}

static void one_bit_changed_anywhere_is_refused(void **state)
{
    (void)state;
    struct payment_event e;
    struct provider_pair headers[PEER_HEADERS] = {0};
    char *body =
        arena_strdup(&a, event("TRANSACTION.SUCCESS", transaction("1900000001", "SUCCESS", amount, paid)));
    sign_headers(stamp(), body, headers);
    assert_ok(callback(headers, body, &e));
    size_t n = strlen(body);
    for (size_t i = 0; i < n; i += 7) {
        body[i] ^= 1;
        assert_err(callback(headers, body, &e), ERR_SIGNATURE_BAD);
        body[i] ^= 1;
    }
    for (size_t k = 0; k < 4; k++) {
        char *value = arena_strdup(&a, headers[k].value);
        const char *good = headers[k].value;
        headers[k].value = value;
        value[0] ^= 1;
        assert_err(callback(headers, body, &e), ERR_SIGNATURE_BAD);
        headers[k].value = good;
    }
    assert_ok(callback(headers, body, &e));
    /* the same, five minutes later: a replay */
    struct payment_callback late = {headers, 5, body, n};
    assert_err(pay.ops->callback_verify(pay.self, &late, now + 300000, &a, &e, &f), ERR_SIGNATURE_BAD);
    assert_err(pay.ops->callback_verify(pay.self, &late, now - 300000, &a, &e, &f), ERR_SIGNATURE_BAD);
    assert_string_equal(e.id, "");
}

static void signed_but_not_ours_or_not_whole_is_refused(void **state)
{
    (void)state;
    struct payment_event e;
    const char *good = event("TRANSACTION.SUCCESS", transaction("1900000001", "SUCCESS", amount, paid));
    char *other_key = arena_strdup(&a, good), *at = strstr(other_key, "ciphertext\":\"") + 13;
    *at = *at == 'A' ? 'B' : 'A';
    const char *bad[] = {
        event("TRANSACTION.SUCCESS", transaction("1900000002", "SUCCESS", amount, paid)),
        event("TRANSACTION.SUCCESS", transaction("1900000001", "NOTPAY", amount, paid)),
        event("TRANSACTION.SUCCESS", transaction("1900000001", "SUCCESS", "{}", paid)),
        event("TRANSACTION.SUCCESS", "not json"),
        event("REFUND.SUCCESS", "{\"mchid\":\"1900000002\"}"),
        event("REFUND.SUCCESS", "{\"mchid\":\"1900000001\"}"),
        other_key,
        "",
        "[]",
        "{\"id\":\"EV-1\"}",
        "{\"id\":\"\",\"event_type\":\"TRANSACTION.SUCCESS\"}",
        "{\"id\":\"EV-1\",\"event_type\":\"TRANSACTION.SUCCESS\",\"resource\":\"x\"}",
        "{\"id\":\"EV-1\",\"event_type\":\"TRANSACTION.SUCCESS\",\"resource\":{\"algorithm\":\"AEAD_AES_256_"
        "GCM\","
        "\"nonce\":\"short\",\"ciphertext\":\"AAAA\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_err(signed_callback(bad[i], &e), ERR_INVALID);
        assert_string_equal(e.id, "");
        assert_int_equal(e.payment.amount_fen, 0);
    }
}

/* -- the rig --------------------------------------------------------------------------------------------- */

static const char *slurp(const char *name)
{
    FILE *file = fopen(arena_printf(&a, "%s/%s", dir, name), "r");
    assert_non_null(file);
    char *text = arena_alloc(&a, 16384);
    assert_true(fread(text, 1, 16383, file) > 0);
    fclose(file);
    return text;
}

static void load_keys(void)
{
    assert_ok(rsa_private(slurp("p1.pem"), &platform, &f));
    assert_ok(rsa_private(slurp("p2.pem"), &platform_next, &f));
    assert_ok(rsa_private(slurp("p3.pem"), &public_mode, &f));
    assert_ok(rsa_private(slurp("p4.pem"), &stranger, &f));
    assert_ok(rsa_public(slurp("m.pub"), &a, &merchant_public, NULL, &f));
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    assert_non_null(mkdtemp(dir));
    const char *make = arena_printf(
        &a,
        "cd %s && for k in m p1 p2 p3 p4; do openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 "
        "-out $k.pem 2>/dev/null || exit 1; done && openssl pkey -in m.pem -pubout -out m.pub && "
        "openssl pkey -in p3.pem -pubout -out p3.pub && "
        "openssl req -x509 -new -key p1.pem -subj /CN=p -set_serial 0x0AAA -out c1.pem && "
        "openssl req -x509 -new -key p2.pem -subj /CN=p -set_serial 0x0BBB -out c2.pem && "
        "cat c1.pem c2.pem > bundle.pem",
        dir);
    assert_int_equal(system(make), 0);
    load_keys();
    struct provider_pair settings[] = {
        {"base_url", arena_printf(&a, "http://127.0.0.1:%d/", p.port)},
        {"mchid", "1900000001"},
        {"appid", "wxapp"},
        {"merchant_serial", "ABCDEF"},
        {"merchant_key", slurp("m.pem")},
        {"apiv3_key", apiv3},
        {"public_key_id", "PUB_KEY_ID_1"},
        {"public_key", slurp("p3.pub")},
        {"platform_certificate", slurp("bundle.pem")},
        {0},
    };
    struct provider_env env = {h, pair_setting, arena_memdup(&a, settings, sizeof settings), fixed_now};
    assert_ok(payment_open("wechat", &env, &pay, &f));
    return 0;
}

static void keys_that_are_missing_or_wrong_are_named(void **state)
{
    (void)state;
    struct payment_port other;
    struct provider_pair settings[] = {
        {"mchid", "1"},
        {"appid", "w"},
        {"merchant_serial", "A"},
        {"merchant_key", slurp("m.pem")},
        {"apiv3_key", apiv3},
        {0},
        {0},
        {0},
    };
    struct provider_env env = {h, pair_setting, settings, fixed_now};
    assert_err(payment_open("wechat", &env, &other, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "platform_certificate"));
    settings[5] = (struct provider_pair){"public_key", slurp("p3.pub")};
    assert_err(payment_open("wechat", &env, &other, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "public_key_id"));
    settings[6] = (struct provider_pair){"public_key_id", "PUB_KEY_ID_1"};
    assert_ok(payment_open("wechat", &env, &other, &f));
    assert_false(other.simulator);
    other.ops->close(other.self);
    settings[4].value = "short";
    assert_err(payment_open("wechat", &env, &other, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "apiv3_key"));
    settings[4].value = apiv3;
    settings[3].value = slurp("m.pub");
    assert_err(payment_open("wechat", &env, &other, &f), ERR_INVALID);
}

static int teardown(void **state)
{
    (void)state;
    pay.ops->close(pay.self);
    peer_stop(&p);
    http_close(h);
    struct rsa_key *keys[] = {platform, platform_next, public_mode, stranger, merchant_public};
    for (size_t i = 0; i < 5; i++)
        rsa_free(keys[i]);
    int gone = system(arena_printf(&a, "rm -r %s", dir));
    arena_free(&a);
    return gone;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_placed),
        cmocka_unit_test(an_order_that_cannot_be_is_not_sent),
        cmocka_unit_test(an_answer_without_a_good_signature_is_not_believed),
        cmocka_unit_test(every_key_of_a_change_of_keys_is_believed),
        cmocka_unit_test(signed_garbage_leaves_the_outcome_open),
        cmocka_unit_test(errors_have_their_meaning),
        cmocka_unit_test(a_query_tells_the_state),
        cmocka_unit_test(a_capture_without_its_fields_is_none),
        cmocka_unit_test(closing_answers_nothing_but_signs_it),
        cmocka_unit_test(a_refund_is_asked_for_and_followed),
        cmocka_unit_test(a_paid_event_is_decrypted),
        cmocka_unit_test(refund_events_and_others_are_told_apart),
        cmocka_unit_test(one_bit_changed_anywhere_is_refused),
        cmocka_unit_test(signed_but_not_ours_or_not_whole_is_refused),
        cmocka_unit_test(keys_that_are_missing_or_wrong_are_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
