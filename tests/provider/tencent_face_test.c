/* Tencent Cloud: bank cards and faces. Every result with its verdict, and answers that are none. */
#include "peer.h"

#include "provider/tencent.h"

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct identity_port identity;
static int64_t now = 1551113065000;

static int64_t fixed_now(void)
{
    return now;
}

static const struct identity_person person = {"张三", "11010119900307013x", "+8613800001234",
                                              "6222020200000000006"};
static const struct identity_face_order order = {"fac_1", "https://desk.example/back", NULL};

static void answers(const char *json)
{
    p.status = 200;
    p.n_body = 0;
    p.body = json;
    p.calls = 0;
    fault_clear(&f);
}

static void says(const char *members)
{
    answers(arena_printf(&a, "{\"Response\":{%s,\"RequestId\":\"req-1\"}}", members));
}

static enum err ask_card(struct identity_result *r)
{
    return identity.ops->bank4(identity.self, &person, &a, r, &f);
}

static enum err start(struct identity_face *out)
{
    return identity.ops->face_start(identity.self, &person, &order, &a, out, &f);
}

static enum err query(struct identity_result *r)
{
    return identity.ops->face_query(identity.self, "TOKEN", &a, r, &f);
}

/* -- BankCard4EVerification ------------------------------------------------------------------------------ */

static void every_card_result_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *result;
        enum identity_verdict verdict;
        bool billed;
        unsigned fields;
    } cases[] = {
        {"0", IDENTITY_MATCH, true, 0},
        {"-1", IDENTITY_MISMATCH, true, 0},
        {"-2", IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
        {"-3", IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
        {"-4", IDENTITY_INVALID_INPUT, false, IDENTITY_CARD},
        {"-5", IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
        {"-6", IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {"-7", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-8", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-9", IDENTITY_INVALID_INPUT, true, IDENTITY_CARD},
        {"-10", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-11", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-12", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-13", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-14", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-15", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-16", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-17", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
        {"-18", IDENTITY_BUSY, false, 0},
        {"-19", IDENTITY_RATE_LIMITED, false, 0},
        {"-20", IDENTITY_NOT_FOUND, false, IDENTITY_ID_NUMBER},
        {"-21", IDENTITY_NOT_FOUND, true, IDENTITY_CARD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_result r;
        says(arena_printf(&a, "\"Result\":\"%s\",\"Description\":\"说明\"", cases[i].result));
        assert_ok(ask_card(&r));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.billed, cases[i].billed);
        assert_int_equal(r.fields, cases[i].fields);
        assert_string_equal(r.trace.code, cases[i].result);
        assert_string_equal(r.trace.request_id, "req-1");
    }
    CLEANUP(js_free)
    json_t *body = js_parse(p.request, strlen(p.request));
    assert_string_equal(js_str(body, "Name"), "张三");
    assert_string_equal(js_str(body, "IdCard"), "11010119900307013X");
    assert_string_equal(js_str(body, "BankCard"), "6222020200000000006");
    assert_string_equal(js_str(body, "Phone"), "13800001234");
}

/* -- DetectAuth ------------------------------------------------------------------------------------------ */

static void a_session_is_opened_for_one_person(void **state)
{
    (void)state;
    struct identity_face s;
    p.watch[0] = "X-TC-Action";
    says("\"Url\":\"https://open.weixin.qq.com/x\",\"BizToken\":\"CE661F1A\"");
    assert_ok(start(&s));
    assert_string_equal(p.seen[0], "DetectAuth");
    assert_string_equal(s.token, "CE661F1A");
    assert_string_equal(s.url, "https://open.weixin.qq.com/x");
    assert_int_equal(s.expires_ms, now + 2 * 3600 * 1000);
    CLEANUP(js_free)
    json_t *body = js_parse(p.request, strlen(p.request));
    assert_string_equal(js_str(body, "RuleId"), "7");
    assert_string_equal(js_str(body, "IdCard"), "11010119900307013X");
    assert_string_equal(js_str(body, "Extra"), "fac_1");
    assert_string_equal(js_str(body, "RedirectUrl"), "https://desk.example/back");
    struct identity_face_order nowhere = {.our_no = "fac_2"};
    assert_ok(identity.ops->face_start(identity.self, &person, &nowhere, &a, &s, &f));
    assert_null(strstr(p.request, "RedirectUrl"));
}

static void a_session_that_is_not_told_whole_is_unknown(void **state)
{
    (void)state;
    struct identity_face s;
    static const char *const bad[] = {"\"Url\":\"https://x\"", "\"BizToken\":\"T\"",
                                      "\"Url\":5,\"BizToken\":\"T\"", "\"Url\":\"\",\"BizToken\":\"T\"",
                                      "\"Url\":\"https://x\",\"BizToken\":null"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        says(bad[i]);
        assert_err(start(&s), ERR_PROVIDER_UNKNOWN);
    }
    char *longer = arena_alloc(&a, 2001);
    memset(longer, 'x', 2000);
    says(arena_printf(&a, "\"Url\":\"%s\",\"BizToken\":\"T\"", longer));
    assert_err(start(&s), ERR_PROVIDER_UNKNOWN);
    says("\"Error\":{\"Code\":\"InvalidParameterValue.RuleIdNotExist\",\"Message\":\"m\"}");
    assert_err(start(&s), ERR_PROVIDER_CONFIG);
    says("\"Error\":{\"Code\":\"RequestLimitExceeded\",\"Message\":\"m\"}");
    assert_err(start(&s), ERR_RATE_LIMITED);
    assert_string_equal(s.trace.code, "RequestLimitExceeded");
    p.calls = 0;
    assert_err(
        identity.ops->face_start(identity.self, &(struct identity_person){.name = "x"}, &order, &a, &s, &f),
        ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

/* -- GetDetectInfoEnhanced ------------------------------------------------------------------------------- */

static void every_end_of_a_session_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum identity_verdict verdict;
        bool billed;
        unsigned fields;
    } cases[] = {
        {"null", IDENTITY_PENDING, false, 0},
        {"17", IDENTITY_PENDING, false, 0},
        {"0", IDENTITY_MATCH, true, 0},
        {"15", IDENTITY_ABANDONED, false, 0},
        {"16", IDENTITY_RATE_LIMITED, false, 0},
        {"4", IDENTITY_BUSY, false, 0},
        {"203", IDENTITY_CONFIG_ERROR, false, 0},
        {"301", IDENTITY_MISMATCH, false, IDENTITY_ID_NUMBER},
        {"1002", IDENTITY_MISMATCH, true, IDENTITY_FACE},
        {"1005", IDENTITY_MISMATCH, false, IDENTITY_FACE},
        {"2002", IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
        {"2003", IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
        {"2005", IDENTITY_NOT_FOUND, false, 0},
        {"2006", IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {"2007", IDENTITY_NOT_FOUND, false, 0},
        {"2016", IDENTITY_MISMATCH, true, IDENTITY_FACE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_result r;
        says(arena_printf(&a, "\"Text\":{\"ErrCode\":%s,\"ErrMsg\":\"说明\",\"Sim\":\"95.20\"}",
                          cases[i].code));
        assert_ok(query(&r));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.billed, cases[i].billed);
        assert_int_equal(r.fields, cases[i].fields);
    }
    struct identity_result r;
    says("\"Text\":null,\"IdCardData\":null");
    assert_ok(query(&r));
    assert_int_equal(r.verdict, IDENTITY_PENDING);
    says("\"IdCardData\":null");
    assert_ok(query(&r));
    assert_int_equal(r.verdict, IDENTITY_PENDING);
}

static void only_text_is_asked_for(void **state)
{
    (void)state;
    struct identity_result r;
    p.watch[0] = "X-TC-Action";
    says("\"Text\":null");
    assert_ok(query(&r));
    assert_string_equal(p.seen[0], "GetDetectInfoEnhanced");
    CLEANUP(js_free)
    json_t *body = js_parse(p.request, strlen(p.request));
    assert_string_equal(js_str(body, "InfoType"), "1");
    assert_string_equal(js_str(body, "BizToken"), "TOKEN");
    assert_string_equal(js_str(body, "RuleId"), "7");
}

static void a_success_that_contradicts_itself_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\"ErrCode\":0,\"LiveStatus\":1002",
        "\"ErrCode\":0,\"Comparestatus\":2016",
        "\"ErrCode\":0,\"Sim\":\"69.99\"",
        "\"ErrCode\":0,\"Sim\":\"101\"",
        "\"ErrCode\":0,\"Sim\":\"high\"",
        "\"ErrCode\":0,\"Sim\":\"nan\"",
        "\"ErrCode\":\"0\"",
        "\"ErrCode\":true",
        "\"ErrCode\":0.0",
        "\"ErrCode\":99999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct identity_result r;
        says(arena_printf(&a, "\"Text\":{%s}", bad[i]));
        assert_err(query(&r), ERR_PROVIDER_UNKNOWN);
    }
    struct identity_result r;
    says("\"Text\":[]");
    assert_err(query(&r), ERR_PROVIDER_UNKNOWN);
    says("\"Text\":\"ok\"");
    assert_err(query(&r), ERR_PROVIDER_UNKNOWN);
    says("\"Text\":{\"ErrCode\":0,\"LiveStatus\":0,\"Comparestatus\":0,\"Sim\":\"70.00\"}");
    assert_ok(query(&r));
}

static void a_token_that_is_over_is_abandoned_and_one_of_nobody_is_not_found(void **state)
{
    (void)state;
    struct identity_result r;
    says("\"Error\":{\"Code\":\"InvalidParameterValue.BizTokenExpired\",\"Message\":\"m\"}");
    assert_ok(query(&r));
    assert_int_equal(r.verdict, IDENTITY_ABANDONED);
    says("\"Error\":{\"Code\":\"InvalidParameterValue.BizTokenIllegal\",\"Message\":\"m\"}");
    assert_err(query(&r), ERR_NOT_FOUND);
    says("\"Error\":{\"Code\":\"InternalError\",\"Message\":\"m\"}");
    assert_ok(query(&r));
    assert_int_equal(r.verdict, IDENTITY_BUSY);
}

static void garbage_leaves_the_outcome_open(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",   "<html>502</html>",  "{\"Response\":{\"RequestId\":\"x\"",
                                          "[]", "{\"Response\":[]}", "{\"Response\":{\"Result\":0}}"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct identity_result r;
        struct identity_face s;
        answers(garbage[i]);
        assert_err(ask_card(&r), ERR_PROVIDER_UNKNOWN);
        assert_err(start(&s), ERR_PROVIDER_UNKNOWN);
        if (i < 5)
            assert_err(query(&r), ERR_PROVIDER_UNKNOWN);
    }
    size_t n = (2u << 20) + 1;
    char *big = malloc(n);
    memset(big, '[', n - 1);
    big[n - 1] = '\0';
    answers(big);
    struct identity_result r;
    assert_err(query(&r), ERR_PROVIDER_UNKNOWN);
    p.body = "";
    free(big);
}

/* -- opening --------------------------------------------------------------------------------------------- */

static struct identity_port opened(const char *rule)
{
    struct identity_port out;
    struct provider_pair settings[] = {
        {"secret_id", "AKID"},
        {"secret_key", "secret"},
        {"faceid_url", arena_printf(&a, "http://faceid.localhost:%d/", p.port)},
        {"rule_id", rule},
        {0},
    };
    struct provider_env env = {h, pair_setting, arena_memdup(&a, settings, sizeof settings), fixed_now};
    assert_ok(identity_open("tencent", &env, &out, &f));
    return out;
}

static void without_a_rule_there_are_no_faces(void **state)
{
    (void)state;
    struct identity_port bare = opened(NULL);
    assert_null(bare.ops->face_start);
    assert_null(bare.ops->face_query);
    assert_non_null(bare.ops->bank4);
    assert_null(bare.ops->transfer_start);
    bare.ops->close(bare.self);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    identity = opened("7");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identity.ops->close(identity.self);
    peer_stop(&p);
    http_close(h);
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_card_result_has_its_verdict),
        cmocka_unit_test(a_session_is_opened_for_one_person),
        cmocka_unit_test(a_session_that_is_not_told_whole_is_unknown),
        cmocka_unit_test(every_end_of_a_session_has_its_verdict),
        cmocka_unit_test(only_text_is_asked_for),
        cmocka_unit_test(a_success_that_contradicts_itself_is_none),
        cmocka_unit_test(a_token_that_is_over_is_abandoned_and_one_of_nobody_is_not_found),
        cmocka_unit_test(garbage_leaves_the_outcome_open),
        cmocka_unit_test(without_a_rule_there_are_no_faces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
