/* The generic identity protocol: signatures, every verdict and field, answers that are none. */
#include "peer.h"

#include "provider/generic.h"

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct identity_port port;
static const int64_t now = 1700000000000;

static int64_t fixed_now(void)
{
    return now;
}

static const struct identity_person person = {"张三", "11010119900307013x", "+8613800000000",
                                              "6222020200000000006"};

/* -- signatures ------------------------------------------------------------------------------------------ */

static const char nonce[] = "0123456789abcdefghijklmnopqrstuv", body[] = "{\"verdict\":\"MATCH\"}";

/* Made with another implementation:
 * printf 'answer\n1700000000\n0123…uv\n{"verdict":"MATCH"}' | openssl dgst -sha256 -hmac secret */
static const char known[] = "8132e0b5baac7c78d93206b93f6baa995aa5727365fd8066dc6a43b58ebfc786";

static enum err verify(const struct provider_pair *headers, size_t n, int64_t at)
{
    return generic_verify("secret", nonce, headers, n, body, strlen(body), at, &a, &f);
}

static void an_answer_is_believed_as_signed(void **state)
{
    (void)state;
    assert_string_equal(generic_signature(&a, "secret", "answer", "1700000000", nonce, body, strlen(body)),
                        known);
    assert_string_not_equal(
        generic_signature(&a, "secret", "request", "1700000000", nonce, body, strlen(body)), known);
    struct provider_pair headers[] = {{"x-certdesk-timestamp", "1700000000"},
                                      {"X-Certdesk-Nonce", nonce},
                                      {"X-Certdesk-Signature", known},
                                      {"Content-Type", "application/json"}};
    assert_ok(verify(headers, 4, now));
    assert_ok(verify(headers, 4, now + 299000));
    assert_ok(verify(headers, 4, now - 299000));
    assert_err(verify(headers, 4, now + 300000), ERR_SIGNATURE_BAD);
    assert_err(verify(headers, 4, now - 300000), ERR_SIGNATURE_BAD);
    assert_err(generic_verify("Secret", nonce, headers, 4, body, strlen(body), now, &a, &f),
               ERR_SIGNATURE_BAD);
    assert_err(generic_verify("secret", "0123456789abcdefghijklmnopqrstuw", headers, 4, body, strlen(body),
                              now, &a, &f),
               ERR_SIGNATURE_BAD);
    assert_err(generic_verify("secret", nonce, headers, 4, body, strlen(body) - 1, now, &a, &f),
               ERR_SIGNATURE_BAD);
    for (size_t i = 0; i < 3; i++) { /* one header missing, or twice */
        struct provider_pair less[4], more[5];
        memcpy(less, headers, sizeof headers);
        memcpy(more, headers, sizeof headers);
        less[i] = less[3];
        more[4] = headers[i];
        assert_err(verify(less, 3, now), ERR_SIGNATURE_BAD);
        assert_err(verify(more, 5, now), ERR_SIGNATURE_BAD);
    }
    char *flipped = arena_strdup(&a, known);
    headers[2].value = flipped;
    for (size_t i = 0; i < strlen(known); i++) {
        flipped[i] = (char)(known[i] ^ 1);
        assert_err(verify(headers, 4, now), ERR_SIGNATURE_BAD);
        flipped[i] = known[i];
    }
    assert_ok(verify(headers, 4, now));
    static const char *const odd[] = {"", "x", "-1700000000", "1700000000.0", " 1700000000", "9999999999999"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        headers[0].value = odd[i];
        assert_err(verify(headers, 4, now), ERR_SIGNATURE_BAD);
    }
}

/* -- bodies ---------------------------------------------------------------------------------------------- */

static enum err read_body(const char *text, bool face, struct identity_result *out)
{
    *out = (struct identity_result){0};
    return generic_read_verdict(text, strlen(text), face, out, &f);
}

static void every_verdict_and_field_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum identity_verdict verdict;
        bool billed;
        unsigned fields;
    } cases[] = {
        {"{\"verdict\":\"MATCH\",\"id\":\"1\",\"billed\":true}", IDENTITY_MATCH, true, 0},
        {"{\"verdict\":\"MATCH\",\"fields\":[],\"id\":\"1\",\"billed\":true}", IDENTITY_MATCH, true, 0},
        {"{\"verdict\":\"MISMATCH\",\"fields\":[\"NAME\",\"PHONE\"],\"id\":\"1\",\"billed\":true}",
         IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_PHONE},
        {"{\"verdict\":\"MISMATCH\",\"fields\":[\"ID_NUMBER\",\"CARD\",\"FACE\"],\"id\":\"1\",\"billed\":"
         "true}",
         IDENTITY_MISMATCH, true, IDENTITY_ID_NUMBER | IDENTITY_CARD | IDENTITY_FACE},
        {"{\"verdict\":\"MISMATCH\",\"fields\":[\"ENTERPRISE_NAME\",\"USCC\",\"LEGAL_REP_NAME\","
         "\"LEGAL_REP_ID\"],\"id\":\"1\",\"billed\":true}",
         IDENTITY_MISMATCH, true,
         IDENTITY_ENTERPRISE_NAME | IDENTITY_USCC | IDENTITY_LEGAL_REP_NAME | IDENTITY_LEGAL_REP_ID},
        {"{\"verdict\":\"NOT_FOUND\",\"id\":\"1\",\"billed\":false}", IDENTITY_NOT_FOUND, false, 0},
        {"{\"verdict\":\"INVALID\",\"fields\":[\"NAME\"],\"id\":\"1\",\"billed\":false}",
         IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
        {"{\"verdict\":\"BUSY\",\"id\":\"1\",\"billed\":false}", IDENTITY_BUSY, false, 0},
        {"{\"verdict\":\"LIMIT\",\"id\":\"1\",\"billed\":false}", IDENTITY_RATE_LIMITED, false, 0},
    };
    struct identity_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(read_body(cases[i].body, false, &r));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.billed, cases[i].billed);
        assert_int_equal(r.fields, cases[i].fields);
        assert_string_equal(r.trace.request_id, "1");
    }
    static const char pending[] = "{\"verdict\":\"PENDING\",\"id\":\"1\",\"billed\":false}";
    static const char abandoned[] = "{\"verdict\":\"ABANDONED\",\"id\":\"1\",\"billed\":false}";
    static const char nobody[] = "{\"verdict\":\"NO_SESSION\",\"id\":\"1\",\"billed\":false}";
    assert_ok(read_body(pending, true, &r));
    assert_int_equal(r.verdict, IDENTITY_PENDING);
    assert_ok(read_body(abandoned, true, &r));
    assert_int_equal(r.verdict, IDENTITY_ABANDONED);
    assert_err(read_body(nobody, true, &r), ERR_NOT_FOUND);
    assert_err(read_body(pending, false, &r), ERR_PROVIDER_UNKNOWN);
    assert_err(read_body(abandoned, false, &r), ERR_PROVIDER_UNKNOWN);
    assert_err(read_body(nobody, false, &r), ERR_PROVIDER_UNKNOWN);
    assert_ok(read_body("{\"verdict\":\"MATCH\",\"id\":\"1\",\"billed\":true,\"operating\":\"CANCELLED\","
                        "\"operating_period\":\"2020/\"}",
                        false, &r));
    assert_int_equal(r.operating, OPERATING_CANCELLED);
    assert_true(r.operating_refused);
    assert_string_equal(r.operating_period, "2020/");
}

static const char *const garbage[] = {
    "",
    "{",
    "[]",
    "null",
    "{}",
    "{\"verdict\":\"MATCH\"}",
    "{\"verdict\":\"MATCH\",\"id\":\"1\"}",
    "{\"verdict\":\"MATCH\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"id\":1,\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"id\":\"1\",\"billed\":1}",
    "{\"verdict\":\"match\",\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":0,\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"fields\":[\"NAME\"],\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MISMATCH\",\"fields\":[\"SHOE\"],\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MISMATCH\",\"fields\":[1],\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MISMATCH\",\"fields\":\"NAME\",\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"operating\":\"FINE\",\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"operating\":1,\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"verdict\":\"MISMATCH\",\"id\":\"1\",\"billed\":true}",
    "{\"verdict\":\"MATCH\",\"id\":\"\xC3\x28\",\"billed\":true}",
};

static void what_is_not_understood_leaves_the_outcome_open(void **state)
{
    (void)state;
    struct identity_result r;
    struct identity_face s;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        assert_err(read_body(garbage[i], false, &r), ERR_PROVIDER_UNKNOWN);
        assert_err(read_body(garbage[i], true, &r), ERR_PROVIDER_UNKNOWN);
        assert_err(generic_read_session(garbage[i], strlen(garbage[i]), &s, &f), ERR_PROVIDER_UNKNOWN);
    }
}

static enum err session(const char *text, struct identity_face *out)
{
    *out = (struct identity_face){0};
    return generic_read_session(text, strlen(text), out, &f);
}

static void a_session_is_read_whole(void **state)
{
    (void)state;
    struct identity_face s;
    assert_ok(
        session("{\"token\":\"t\",\"url\":\"https://x\",\"expires_ms\":1700003600000,\"id\":\"1\"}", &s));
    assert_string_equal(s.token, "t");
    assert_int_equal(s.expires_ms, 1700003600000);
    assert_err(session("{\"url\":\"https://x\",\"expires_ms\":1}", &s), ERR_PROVIDER_UNKNOWN);
    assert_err(session("{\"token\":\"t\",\"url\":\"https://x\",\"expires_ms\":0}", &s), ERR_PROVIDER_UNKNOWN);
    assert_err(session("{\"token\":\"t\",\"url\":\"\",\"expires_ms\":1}", &s), ERR_PROVIDER_UNKNOWN);
    assert_err(session("{\"verdict\":\"MATCH\",\"token\":\"t\",\"url\":\"u\",\"expires_ms\":1}", &s),
               ERR_PROVIDER_UNKNOWN);
    assert_err(session("{\"verdict\":\"BUSY\"}", &s), ERR_PROVIDER_BUSY);
    assert_err(session("{\"verdict\":\"LIMIT\"}", &s), ERR_RATE_LIMITED);
    assert_err(session("{\"verdict\":\"INVALID\"}", &s), ERR_PROVIDER_REFUSED);
}

/* -- calls ----------------------------------------------------------------------------------------------- */

static void answers(unsigned status, const char *text)
{
    p.status = status;
    p.body = text;
    p.calls = 0;
    fault_clear(&f);
}

static void a_question_is_signed(void **state)
{
    (void)state;
    struct identity_result r;
    p.watch[0] = "X-Certdesk-Timestamp";
    p.watch[1] = "X-Certdesk-Nonce";
    p.watch[2] = "X-Certdesk-Signature";
    answers(200, body); /* not signed */
    assert_err(port.ops->bank4(port.self, &person, &a, &r, &f), ERR_SIGNATURE_BAD);
    assert_string_equal(p.request,
                        "{\"check\":\"bank4\",\"name\":\"张三\",\"id_number\":\"11010119900307013X\","
                        "\"phone\":\"13800000000\",\"card_number\":\"6222020200000000006\"}");
    assert_string_equal(p.seen[0], "1700000000");
    assert_int_equal(strlen(p.seen[1]), 32);
    assert_string_equal(p.seen[2], generic_signature(&a, "secret", "request", p.seen[0], p.seen[1], p.request,
                                                     strlen(p.request)));
    char first[64];
    snprintf(first, sizeof first, "%s", p.seen[1]);
    assert_err(port.ops->phone3(port.self, &person, &a, &r, &f), ERR_SIGNATURE_BAD);
    assert_string_not_equal(first, p.seen[1]);
    assert_string_equal(p.path, "/p3");
}

static void refusals_need_no_signature(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum identity_verdict verdict;
        enum err e;
    } cases[] = {{401, IDENTITY_CONFIG_ERROR, ERR_PROVIDER_CONFIG},
                 {429, IDENTITY_RATE_LIMITED, ERR_RATE_LIMITED},
                 {503, IDENTITY_BUSY, ERR_PROVIDER_BUSY}};
    struct identity_result r;
    struct identity_face s;
    struct identity_face_order o = {"fac_1", NULL, NULL};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answers(cases[i].status, "");
        assert_ok(port.ops->phone3(port.self, &person, &a, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_err(port.ops->face_start(port.self, &person, &o, &a, &s, &f), cases[i].e);
    }
    static const unsigned open[] = {201, 204, 302, 400, 404, 500, 502, 0};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        answers(open[i], "");
        assert_err(port.ops->phone3(port.self, &person, &a, &r, &f), ERR_PROVIDER_UNKNOWN);
        assert_err(port.ops->face_start(port.self, &person, &o, &a, &s, &f), ERR_PROVIDER_UNKNOWN);
    }
    size_t n = (2u << 20) + 1;
    char *big = malloc(n);
    memset(big, '[', n - 1);
    big[n - 1] = '\0';
    answers(200, big);
    assert_err(port.ops->phone3(port.self, &person, &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    p.body = "";
    free(big);
}

static void missing_factors_are_not_sent(void **state)
{
    (void)state;
    struct identity_result r;
    struct identity_face s;
    struct identity_face_order o = {0};
    answers(200, body);
    assert_err(port.ops->phone3(port.self, &(struct identity_person){.name = "x"}, &a, &r, &f), ERR_INVALID);
    assert_err(port.ops->bank4(port.self, &(struct identity_person){"x", "1", "1", NULL}, &a, &r, &f),
               ERR_INVALID);
    assert_err(port.ops->phone3(port.self, &(struct identity_person){"\xff", "1", "1", NULL}, &a, &r, &f),
               ERR_INVALID);
    assert_err(port.ops->face_start(port.self, &person, &o, &a, &s, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

/* -- opening --------------------------------------------------------------------------------------------- */

static enum err opened(struct provider_pair *settings, struct identity_port *out)
{
    struct provider_env env = {h, pair_setting, settings, fixed_now};
    return identity_open("http", &env, out, &f);
}

static void only_what_has_an_address_is_done(void **state)
{
    (void)state;
    struct identity_port some;
    struct provider_pair one[] = {{"key", "k"}, {"enterprise4_url", "https://x/e"}, {0}};
    assert_ok(opened(one, &some));
    assert_non_null(some.ops->enterprise4);
    assert_null(some.ops->phone3);
    assert_null(some.ops->bank4);
    assert_null(some.ops->face_start);
    assert_null(some.ops->face_query);
    assert_null(some.ops->transfer_start);
    assert_false(some.simulator);
    some.ops->close(some.self);
    struct provider_pair none[] = {{"key", "k"}, {0}};
    assert_err(opened(none, &some), ERR_INVALID);
    assert_non_null(strstr(f.text, "phone3_url"));
    struct provider_pair half[] = {{"key", "k"}, {"face_start_url", "https://x/f"}, {0}};
    assert_err(opened(half, &some), ERR_INVALID);
    assert_non_null(strstr(f.text, "face_query_url"));
    struct provider_pair keyless[] = {{"phone3_url", "https://x/p"}, {0}};
    assert_err(opened(keyless, &some), ERR_INVALID);
    assert_true(port.simulator);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    struct provider_pair settings[] = {
        {"key", "secret"},
        {"phone3_url", arena_printf(&a, "http://127.0.0.1:%d/p3", p.port)},
        {"bank4_url", arena_printf(&a, "http://127.0.0.1:%d/b4", p.port)},
        {"face_start_url", arena_printf(&a, "http://127.0.0.1:%d/fs", p.port)},
        {"face_query_url", arena_printf(&a, "http://127.0.0.1:%d/fq", p.port)},
        {0},
    };
    assert_ok(opened(settings, &port));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    port.ops->close(port.self);
    peer_stop(&p);
    http_close(h);
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_believed_as_signed),
        cmocka_unit_test(every_verdict_and_field_is_read),
        cmocka_unit_test(what_is_not_understood_leaves_the_outcome_open),
        cmocka_unit_test(a_session_is_read_whole),
        cmocka_unit_test(a_question_is_signed),
        cmocka_unit_test(refusals_need_no_signature),
        cmocka_unit_test(missing_factors_are_not_sent),
        cmocka_unit_test(only_what_has_an_address_is_done),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
