/* e签宝: signatures by the vectors, every code with its verdict, faces by their states, and answers that are
 * none. */
#include "esign_rig.h"

/* -- signatures ------------------------------------------------------------------------------------------ */

static json_t *vector(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", __FILE__);
    snprintf(strrchr(path, '/'), 64, "/provider-vectors.json");
    json_t *all = json_load_file(path, 0, NULL), *v = json_incref(json_object_get(all, "esign_sign"));
    json_decref(all);
    assert_non_null(v);
    return v;
}

static void the_vector_is_signed_as_it_says(void **state)
{
    (void)state;
    CLEANUP(js_free)
    json_t *v = vector();
    const char *body = js_str(v, "body");
    const char *md5 = esign_content_md5(&a, body, strlen(body));
    assert_string_equal(md5, js_str(v, "content_md5"));
    const char *text =
        esign_string_to_sign(&a, "POST", md5, "/v2/identity/verify/individual/telecom3Factors");
    assert_string_equal(text, js_str(v, "string_to_sign"));
    assert_string_equal(esign_signature(&a, js_str(v, "app_secret"), text), js_str(v, "signature"));
    assert_string_not_equal(esign_signature(&a, "Secret", text), js_str(v, "signature"));
}

static void the_request_is_the_vectors(void **state)
{
    (void)state;
    CLEANUP(js_free)
    json_t *v = vector();
    struct identity_result r;
    static const char *const watch[] = {"X-Tsign-Open-App-Id",
                                        "X-Tsign-Open-Auth-Mode",
                                        "X-Tsign-Open-Ca-Timestamp",
                                        "X-Tsign-Open-Ca-Signature",
                                        "Content-MD5",
                                        "Content-Type",
                                        "Accept"};
    for (size_t i = 0; i < 7; i++)
        p.watch[i] = watch[i];
    says(0, "{\"verifyId\":\"v-1\"}");
    assert_ok(plain.ops->phone3(plain.self, &person, &a, &r, &f));
    assert_string_equal(p.path, "/v2/identity/verify/individual/telecom3Factors");
    assert_string_equal(p.request, js_str(v, "body"));
    assert_string_equal(p.seen[0], "7438000001");
    assert_string_equal(p.seen[1], "Signature");
    assert_string_equal(p.seen[2], "1700000000000");
    assert_string_equal(p.seen[3], js_str(v, "signature"));
    assert_string_equal(p.seen[4], js_str(v, "content_md5"));
    assert_string_equal(p.seen[5], "application/json; charset=UTF-8");
    assert_string_equal(p.seen[6], "*/*");
    assert_string_equal(r.trace.request_id, "v-1");
}

static void a_query_is_signed_without_a_body(void **state)
{
    (void)state;
    struct identity_result r;
    says(0, "{\"status\":\"ING\"}");
    assert_ok(plain.ops->face_query(plain.self, "346106", &a, &r, &f));
    assert_string_equal(p.method, "GET");
    assert_string_equal(p.path, "/v2/identity/auth/pub/individual/346106/face");
    assert_string_equal(p.seen[4], "");
    assert_string_equal(p.seen[3],
                        esign_signature(&a, "secret", esign_string_to_sign(&a, "GET", "", p.path)));
}

/* -- comparisons ----------------------------------------------------------------------------------------- */

static void every_code_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        int64_t code;
        enum identity_verdict verdict;
        bool billed;
        unsigned fields;
    } cases[] = {
        {0, IDENTITY_MATCH, true, 0},
        {30504001, IDENTITY_MISMATCH, true, 0},
        {30501006, IDENTITY_MISMATCH, true, IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {30501010, IDENTITY_MISMATCH, true, IDENTITY_PHONE},
        {30504038, IDENTITY_MISMATCH, true, IDENTITY_CARD},
        {1100007, IDENTITY_MISMATCH, true, 0},
        {1203052, IDENTITY_NOT_FOUND, true, 0},
        {30504002, IDENTITY_NOT_FOUND, false, 0},
        {30500000, IDENTITY_BUSY, false, 0},
        {30500052, IDENTITY_RATE_LIMITED, false, 0},
        {30504900, IDENTITY_RATE_LIMITED, false, 0},
        {30503107, IDENTITY_CONFIG_ERROR, false, 0},
        {30500101, IDENTITY_INVALID_INPUT, false, 0},
        {30500103, IDENTITY_INVALID_INPUT, false, IDENTITY_NAME},
        {30500118, IDENTITY_INVALID_INPUT, false, IDENTITY_ID_NUMBER},
        {30500120, IDENTITY_INVALID_INPUT, false, IDENTITY_PHONE},
        {30504034, IDENTITY_INVALID_INPUT, false, IDENTITY_CARD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_result r;
        says(cases[i].code, "{\"verifyId\":\"v-1\"}");
        assert_ok(detailed.ops->phone3(detailed.self, &person, &a, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.billed, cases[i].billed);
        assert_int_equal(r.fields, cases[i].fields);
        assert_string_equal(r.trace.message, "说明");
        assert_ok(plain.ops->bank4(plain.self, &person, &a, &r, &f));
        assert_int_equal(r.verdict, cases[i].verdict);
        assert_ok(plain.ops->enterprise4(plain.self, &company, &a, &r, &f));
        assert_int_equal(r.verdict, cases[i].verdict);
    }
    struct identity_result r;
    says(39999999, NULL);
    assert_err(plain.ops->phone3(plain.self, &person, &a, &r, &f), ERR_PROVIDER_REFUSED);
    assert_string_equal(r.trace.code, "39999999");
}

static void the_right_product_is_asked(void **state)
{
    (void)state;
    struct identity_result r;
    says(0, NULL);
    assert_ok(detailed.ops->phone3(detailed.self, &person, &a, &r, &f));
    assert_string_equal(p.path, "/v2/identity/verify/individual/telecom3Factors/detail");
    assert_ok(detailed.ops->bank4(detailed.self, &person, &a, &r, &f));
    assert_string_equal(p.path, "/v2/identity/verify/individual/bank4Factors/detail");
    assert_non_null(strstr(p.request, "\"cardNo\":\"6222020200000000006\",\"mobileNo\":\"13800000000\""));
    assert_ok(plain.ops->bank4(plain.self, &person, &a, &r, &f));
    assert_string_equal(p.path, "/v2/identity/verify/individual/bank4Factors");
    assert_ok(detailed.ops->enterprise4(detailed.self, &company, &a, &r, &f));
    assert_string_equal(p.path, "/v2/identity/verify/organization/enterprise/bureau4Factors");
    assert_non_null(strstr(p.request, "\"legalRepCertNo\":\"110101199003070134\""));
    p.calls = 0;
    assert_err(plain.ops->bank4(plain.self, &(struct identity_person){.name = "x"}, &a, &r, &f), ERR_INVALID);
    assert_err(plain.ops->phone3(plain.self, &(struct identity_person){"\xff", "1", "1", NULL}, &a, &r, &f),
               ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

static const char *details(const char *flags, const char *org_state)
{
    return arena_printf(
        &a,
        "{\"verifyId\":\"v\",\"compareDetails\":{\"sameOrgName\":\"%c\",\"sameOrgCode\":\"%c\","
        "\"sameLegalRepresentative\":\"%c\",\"sameLegalRepresentativeCode\":\"%c\","
        "\"legalOrgState\":\"%s\"}}",
        flags[0], flags[1], flags[2], flags[3], org_state);
}

static void details_say_which_field_and_how_the_company_is(void **state)
{
    (void)state;
    static const struct {
        int64_t code;
        const char *flags, *org_state;
        enum identity_verdict verdict;
        unsigned fields;
        enum operating_status operating;
        bool refused;
    } cases[] = {
        {0, "1111", "1", IDENTITY_MATCH, 0, OPERATING_NORMAL, false},
        {0, "1111", "2", IDENTITY_MATCH, 0, OPERATING_CANCELLED, true},
        {0, "1111", "3", IDENTITY_MATCH, 0, OPERATING_LICENCE_REVOKED, true},
        {0, "1111", "4", IDENTITY_MATCH, 0, OPERATING_RESCINDED, true},
        {0, "1111", "5", IDENTITY_MATCH, 0, OPERATING_MOVED_OUT, false},
        {0, "1111", "6", IDENTITY_MATCH, 0, OPERATING_OTHER, false},
        {0, "1111", "8", IDENTITY_MATCH, 0, OPERATING_SUSPENDED, false},
        {0, "1111", "0", IDENTITY_MATCH, 0, OPERATING_UNKNOWN, false},
        {0, "1111", "77", IDENTITY_MATCH, 0, OPERATING_UNKNOWN, false},
        {30504001, "0111", "1", IDENTITY_MISMATCH, IDENTITY_ENTERPRISE_NAME, OPERATING_NORMAL, false},
        {30504001, "1011", "1", IDENTITY_MISMATCH, IDENTITY_USCC, OPERATING_NORMAL, false},
        {30504001, "1101", "1", IDENTITY_MISMATCH, IDENTITY_LEGAL_REP_NAME, OPERATING_NORMAL, false},
        {30504001, "1110", "1", IDENTITY_MISMATCH, IDENTITY_LEGAL_REP_ID, OPERATING_NORMAL, false},
        {30504001, "0000", "0", IDENTITY_NOT_FOUND,
         IDENTITY_ENTERPRISE_NAME | IDENTITY_USCC | IDENTITY_LEGAL_REP_NAME | IDENTITY_LEGAL_REP_ID,
         OPERATING_UNKNOWN, false},
    };
    struct identity_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(cases[i].code, details(cases[i].flags, cases[i].org_state));
        assert_ok(plain.ops->enterprise4(plain.self, &company, &a, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.fields, cases[i].fields);
        assert_string_equal(operating_status_name(r.operating), operating_status_name(cases[i].operating));
        assert_int_equal(r.operating_refused, cases[i].refused);
    }
    says(0, details("1110", "1"));
    assert_err(plain.ops->enterprise4(plain.self, &company, &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    says(30504001, details("1111", "1"));
    assert_err(plain.ops->enterprise4(plain.self, &company, &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    says(30504001, "{\"compareDetails\":{\"sameOrgName\":1}}");
    assert_err(plain.ops->enterprise4(plain.self, &company, &a, &r, &f), ERR_PROVIDER_UNKNOWN);
}

/* -- gateway and garbage --------------------------------------------------------------------------------- */

static enum err any(size_t i)
{
    struct identity_result r;
    struct identity_face s;
    struct identity_transfer t;
    struct identity_face_order o = {"fac_1", NULL, NULL};
    switch (i) {
    case 0:
        return plain.ops->phone3(plain.self, &person, &a, &r, &f);
    case 1:
        return plain.ops->bank4(plain.self, &person, &a, &r, &f);
    case 2:
        return plain.ops->enterprise4(plain.self, &company, &a, &r, &f);
    case 3:
        return plain.ops->face_start(plain.self, &person, &o, &a, &s, &f);
    case 4:
        return plain.ops->face_query(plain.self, "3461", &a, &r, &f);
    case 5:
        return plain.ops->transfer_query(plain.self, "3461", &a, &t, &f);
    default:
        return plain.ops->transfer_confirm(plain.self, "3461", 51, &a, &t, &r, &f);
    }
}

enum {
    ALL = 7
};

static void what_the_gateway_says_is_understood(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum identity_verdict verdict;
        enum err e;
    } cases[] = {
        {401, "{\"success\":false,\"code\":401,\"message\":\"INVALID_TIMESTAMP\"}", IDENTITY_CONFIG_ERROR,
         ERR_PROVIDER_CONFIG},
        {200, "{\"success\":false,\"code\":401,\"message\":\"无效的应用\"}", IDENTITY_CONFIG_ERROR,
         ERR_PROVIDER_CONFIG},
        {403, "{\"code\":403,\"message\":\"x\"}", IDENTITY_CONFIG_ERROR, ERR_PROVIDER_CONFIG},
        {429, "{\"code\":429,\"message\":\"x\"}", IDENTITY_RATE_LIMITED, ERR_RATE_LIMITED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_result r;
        answers(cases[i].status, cases[i].body);
        assert_ok(plain.ops->phone3(plain.self, &person, &a, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        for (size_t k = 3; k < ALL; k++)
            assert_err(any(k), cases[i].e);
    }
    answers(404, "{\"code\":404,\"message\":\"x\"}");
    for (size_t k = 0; k < ALL; k++)
        assert_err(any(k), ERR_PROVIDER_REFUSED);
}

static void what_is_not_understood_leaves_the_outcome_open(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
    } garbage[] = {
        {200, ""},
        {200, "<html>502</html>"},
        {200, "{\"code\":0"},
        {200, "[]"},
        {200, "{}"},
        {200, "null"},
        {200, "{\"code\":\"0\",\"data\":{}}"},
        {200, "{\"code\":0.0,\"data\":{}}"},
        {200, "{\"code\":0,\"code\":1}"},
        {200, "{\"code\":0,\"data\":[]}"},
        {200, "{\"code\":0,\"data\":\"x\"}"},
        {500, "{\"code\":500,\"message\":\"x\"}"},
        {500, "{\"code\":0}"},
        {502, "<html>"},
        {302, "{\"code\":0}"},
        {0, ""},
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        answers(garbage[i].status, garbage[i].body);
        for (size_t k = 0; k < ALL; k++)
            assert_err(any(k), ERR_PROVIDER_UNKNOWN);
    }
    size_t n = (2u << 20) + 1;
    char *big = malloc(n);
    memset(big, '[', n - 1);
    big[n - 1] = '\0';
    answers(200, big);
    assert_err(any(0), ERR_PROVIDER_UNKNOWN);
    p.body = "";
    free(big);
}

/* -- faces ----------------------------------------------------------------------------------------------- */

static void a_face_flow_is_opened(void **state)
{
    (void)state;
    struct identity_face s;
    struct identity_face_order o = {"fac_1", "https://desk.example/back", "https://desk.example/cb"};
    says(0, "{\"flowId\":\"346106\",\"authUrl\":\"https://smlt.tsign.cn/x\",\"expire\":1700003600000}");
    assert_ok(plain.ops->face_start(plain.self, &person, &o, &a, &s, &f));
    assert_string_equal(s.token, "346106");
    assert_string_equal(s.url, "https://smlt.tsign.cn/x");
    assert_int_equal(s.expires_ms, 1700003600000);
    assert_string_equal(p.request,
                        "{\"name\":\"张三\",\"idNo\":\"110101199003070134\",\"faceauthMode\":\"TENCENT\","
                        "\"contextId\":\"fac_1\",\"callbackUrl\":\"https://desk.example/back\","
                        "\"notifyUrl\":\"https://desk.example/cb\"}");
    static const char *const bad[] = {"{\"authUrl\":\"https://x\",\"expire\":1}",
                                      "{\"flowId\":\"1\",\"expire\":1}",
                                      "{\"flowId\":\"1\",\"authUrl\":\"https://x\"}",
                                      "{\"flowId\":1,\"authUrl\":\"https://x\",\"expire\":1}",
                                      "{\"flowId\":\"../1\",\"authUrl\":\"https://x\",\"expire\":1}",
                                      "{\"flowId\":\"1\",\"authUrl\":\"https://x\",\"expire\":\"1\"}",
                                      "null"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        says(0, bad[i]);
        assert_err(plain.ops->face_start(plain.self, &person, &o, &a, &s, &f), ERR_PROVIDER_UNKNOWN);
    }
    static const struct {
        int64_t code;
        enum err e;
    } codes[] = {{30500000, ERR_PROVIDER_BUSY},
                 {30504900, ERR_RATE_LIMITED},
                 {30503107, ERR_PROVIDER_CONFIG},
                 {30500101, ERR_PROVIDER_REFUSED},
                 {39999999, ERR_PROVIDER_REFUSED}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        says(codes[i].code, NULL);
        assert_err(plain.ops->face_start(plain.self, &person, &o, &a, &s, &f), codes[i].e);
    }
}

static void every_face_status_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        enum identity_verdict verdict;
        bool billed;
        unsigned fields;
    } cases[] = {
        {"{\"status\":\"ING\"}", IDENTITY_PENDING, false, 0},
        {"{\"status\":\"SCAN\"}", IDENTITY_PENDING, false, 0},
        {"{\"status\":\"SUCCESS\",\"failedReasonCode\":null}", IDENTITY_MATCH, true, 0},
        {"{\"status\":\"FAIL\"}", IDENTITY_MISMATCH, true, IDENTITY_FACE},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":\"1445900\"}", IDENTITY_MISMATCH, true, IDENTITY_FACE},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":\"1445902\"}", IDENTITY_MISMATCH, true,
         IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":\"1445909\"}", IDENTITY_INVALID_INPUT, true,
         IDENTITY_NAME},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":1445910}", IDENTITY_INVALID_INPUT, true,
         IDENTITY_ID_NUMBER},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":\"1445409\"}", IDENTITY_BUSY, true, 0},
        {"{\"status\":\"FAIL\",\"failedReasonCode\":\"1445035\"}", IDENTITY_ABANDONED, true, 0},
    };
    struct identity_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(0, cases[i].data);
        assert_ok(plain.ops->face_query(plain.self, "346106", &a, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(r.billed, cases[i].billed);
        assert_int_equal(r.fields, cases[i].fields);
    }
    says(30500003, NULL);
    assert_ok(plain.ops->face_query(plain.self, "346106", &a, &r, &f));
    assert_int_equal(r.verdict, IDENTITY_ABANDONED);
    static const int64_t gone[] = {30500001, 30500004, 30503055};
    for (size_t i = 0; i < 3; i++) {
        says(gone[i], NULL);
        assert_err(plain.ops->face_query(plain.self, "346106", &a, &r, &f), ERR_NOT_FOUND);
    }
    says(0, "{\"status\":\"FINISH\"}"); /* of an older text, and it does not say how */
    assert_err(plain.ops->face_query(plain.self, "346106", &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    says(0, "{\"status\":1}");
    assert_err(plain.ops->face_query(plain.self, "346106", &a, &r, &f), ERR_PROVIDER_UNKNOWN);
    p.calls = 0;
    assert_err(plain.ops->face_query(plain.self, "../x", &a, &r, &f), ERR_NOT_FOUND);
    assert_err(plain.ops->face_query(plain.self, "", &a, &r, &f), ERR_NOT_FOUND);
    assert_int_equal(p.calls, 0);
}

/* -- opening --------------------------------------------------------------------------------------------- */

static void settings_are_checked(void **state)
{
    (void)state;
    static struct provider_pair some[] = {{"app_id", "x"}, {"app_secret", "y"}, {"detail", "maybe"}, {0}};
    struct provider_env env = {h, pair_setting, some, NULL};
    struct identity_port i;
    assert_err(identity_open("esign", &env, &i, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "detail"));
    some[1].name = "nothing";
    assert_err(identity_open("esign", &env, &i, &f), ERR_INVALID);
    assert_non_null(strstr(f.text, "app_secret"));
    assert_true(plain.simulator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_is_signed_as_it_says),
        cmocka_unit_test(the_request_is_the_vectors),
        cmocka_unit_test(a_query_is_signed_without_a_body),
        cmocka_unit_test(every_code_has_its_verdict),
        cmocka_unit_test(the_right_product_is_asked),
        cmocka_unit_test(details_say_which_field_and_how_the_company_is),
        cmocka_unit_test(what_the_gateway_says_is_understood),
        cmocka_unit_test(what_is_not_understood_leaves_the_outcome_open),
        cmocka_unit_test(a_face_flow_is_opened),
        cmocka_unit_test(every_face_status_has_its_verdict),
        cmocka_unit_test(settings_are_checked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
