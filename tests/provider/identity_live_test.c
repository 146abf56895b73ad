/* Cards and faces at Tencent Cloud, against certdesk-sandbox (provider_live_test.c has phones and companies).
 */
#include "sandbox_rig.h"

static struct rig r;
static struct fault f;

static const char id[] = "110101199003070134", card[] = "6222020200000000006", phone[] = "13800001234";

static void assert_verdict(struct identity_result got, enum identity_verdict want)
{
    assert_string_equal(identity_verdict_name(got.verdict), identity_verdict_name(want));
    assert_string_not_equal(got.trace.request_id, "");
}

/* -- cards ----------------------------------------------------------------------------------------------- */

static struct identity_result bank4(const char *name, const char *number, const char *mobile, enum err want)
{
    struct identity_result out;
    struct identity_person who = {name, id, mobile, number};
    assert_err(r.identity.ops->bank4(r.identity.self, &who, &r.a, &out, &f), want);
    return out;
}

static void a_card_is_looked_up(void **state)
{
    (void)state;
    assert_verdict(bank4("张三", card, phone, OK), IDENTITY_MATCH);
    assert_verdict(bank4("张不一致", card, phone, OK), IDENTITY_MISMATCH);
    struct identity_result m = bank4("张查无", card, phone, OK);
    assert_verdict(m, IDENTITY_NOT_FOUND);
    assert_int_equal(m.fields, IDENTITY_CARD);
    m = bank4("张三", "6222020200000000005", phone, OK);
    assert_verdict(m, IDENTITY_INVALID_INPUT);
    assert_int_equal(m.fields, IDENTITY_CARD);
    assert_false(m.billed);
    m = bank4("张三", card, "123", OK);
    assert_int_equal(m.fields, IDENTITY_PHONE);
}

static void a_card_that_is_defined_is_the_truth(void **state)
{
    (void)state;
    static const char other[] = "6228480402564890018";
    const char *define = "{\"card_number\":\"%s\",\"name\":\"李四\",\"id_number\":\"%s\",\"phone\":\"%s\","
                         "\"state\":\"%s\"}";
    rig_do(&r, "/sim/cards", arena_printf(&r.a, define, other, id, phone, ""));
    assert_verdict(bank4("李四", other, phone, OK), IDENTITY_MATCH);
    struct identity_result m = bank4("张三", other, phone, OK);
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_true(m.fields & IDENTITY_NAME);
    assert_verdict(bank4("李四", other, "13800001235", OK), IDENTITY_MISMATCH);
    rig_do(&r, "/sim/cards", arena_printf(&r.a, define, other, id, phone, "lost"));
    m = bank4("李四", other, phone, OK);
    assert_verdict(m, IDENTITY_NOT_FOUND);
    assert_int_equal(m.fields, IDENTITY_CARD);
    assert_string_equal(m.trace.code, "-13");
}

static void a_card_look_up_that_goes_wrong_says_how(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum identity_verdict verdict;
    } cases[] = {{"busy", IDENTITY_BUSY},
                 {"fail", IDENTITY_BUSY},
                 {"rate_limited", IDENTITY_RATE_LIMITED},
                 {"daily_limit", IDENTITY_RATE_LIMITED},
                 {"arrears", IDENTITY_CONFIG_ERROR},
                 {"bad_signature", IDENTITY_CONFIG_ERROR}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "tencent", "BankCard4EVerification", cases[i].kind);
        assert_verdict(bank4("张三", card, phone, OK), cases[i].verdict);
    }
    static const char *const lost[] = {"lose_request", "lose_answer", "garbage"};
    for (size_t i = 0; i < 3; i++) {
        rig_fault(&r, "tencent", "BankCard4EVerification", lost[i]);
        bank4("张三", card, phone, ERR_PROVIDER_UNKNOWN);
    }
}

/* -- faces ----------------------------------------------------------------------------------------------- */

static struct identity_face start(const char *name)
{
    struct identity_face out;
    struct identity_person who = {.name = name, .id_number = id};
    struct identity_face_order o = {"fac_1", NULL, NULL};
    assert_ok(r.identity.ops->face_start(r.identity.self, &who, &o, &r.a, &out, &f));
    return out;
}

static struct identity_result query(const char *token, enum err want)
{
    struct identity_result out;
    assert_err(r.identity.ops->face_query(r.identity.self, token, &r.a, &out, &f), want);
    return out;
}

static void act(const char *token, const char *outcome)
{
    rig_do(&r, "/sim/face", arena_printf(&r.a, "{\"token\":\"%s\",\"outcome\":\"%s\"}", token, outcome));
}

static void a_face_is_pending_until_the_person_is_done(void **state)
{
    (void)state;
    static const struct {
        const char *name, *outcome;
        enum identity_verdict verdict;
        unsigned fields;
    } cases[] = {
        {"张三", "pass", IDENTITY_MATCH, 0},
        {"张三", "other_person", IDENTITY_MISMATCH, IDENTITY_FACE},
        {"张三", "not_live", IDENTITY_MISMATCH, IDENTITY_FACE},
        {"张不一致", "pass", IDENTITY_MISMATCH, IDENTITY_NAME | IDENTITY_ID_NUMBER},
        {"张查无", "pass", IDENTITY_NOT_FOUND, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_face s = start(cases[i].name);
        assert_int_equal(strncmp(s.url, "http://127.0.0.1:", 17), 0);
        assert_true(s.expires_ms > clock_now_ms() + 7100 * 1000);
        assert_verdict(query(s.token, OK), IDENTITY_PENDING);
        act(s.token, cases[i].outcome);
        struct identity_result m = query(s.token, OK);
        assert_verdict(m, cases[i].verdict);
        assert_int_equal(m.fields, cases[i].fields);
        assert_verdict(query(s.token, OK), cases[i].verdict); /* and stays so */
    }
    struct identity_face s = start("张三");
    act(s.token, "abandon"); /* the supplier does not tell */
    assert_verdict(query(s.token, OK), IDENTITY_PENDING);
    query("00000000-0000-4000-8000-000000000000", ERR_NOT_FOUND);
}

static void a_person_can_open_the_page(void **state)
{
    (void)state;
    struct identity_face s = start("欧阳<b>锋");
    struct http_request get = {.point = "page", .method = "GET", .url = s.url};
    struct http_response page;
    assert_ok(http_send(r.http, &get, &r.a, &page, &f));
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "通过"));
    assert_non_null(strstr(page.body, "1101**********0134"));
    assert_null(strstr(page.body, id)); /* masked */
    assert_null(strstr(page.body, "<b>"));
    struct provider_pair form = {"Content-Type", "application/x-www-form-urlencoded"};
    struct http_request post = {.point = "page",
                                .method = "POST",
                                .url = s.url,
                                .headers = &form,
                                .n_headers = 1,
                                .body = "outcome=pass",
                                .n_body = strlen("outcome=pass")};
    assert_ok(http_send(r.http, &post, &r.a, &page, &f));
    assert_int_equal(page.status, 303);
    assert_verdict(query(s.token, OK), IDENTITY_MATCH);
    assert_ok(http_send(r.http, &get, &r.a, &page, &f));
    assert_null(strstr(page.body, "<button"));
}

static void a_face_call_that_goes_wrong_says_how(void **state)
{
    (void)state;
    struct identity_face s;
    struct identity_person who = {.name = "张三", .id_number = id};
    struct identity_face_order o = {"fac_2", NULL, NULL};
    static const struct {
        const char *kind;
        enum err e;
    } cases[] = {{"fail", ERR_PROVIDER_BUSY},
                 {"rate_limited", ERR_RATE_LIMITED},
                 {"bad_signature", ERR_PROVIDER_CONFIG},
                 {"lose_request", ERR_PROVIDER_UNKNOWN},
                 {"lose_answer", ERR_PROVIDER_UNKNOWN},
                 {"garbage", ERR_PROVIDER_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "tencent", "DetectAuth", cases[i].kind);
        assert_err(r.identity.ops->face_start(r.identity.self, &who, &o, &r.a, &s, &f), cases[i].e);
    }
    s = start("张三");
    rig_fault(&r, "tencent", "GetDetectInfoEnhanced", "lose_answer");
    query(s.token, ERR_PROVIDER_UNKNOWN);
    rig_fault(&r, "tencent", "GetDetectInfoEnhanced", "rate_limited");
    assert_verdict(query(s.token, OK), IDENTITY_RATE_LIMITED);
    assert_verdict(query(s.token, OK), IDENTITY_PENDING);
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_looked_up),
        cmocka_unit_test(a_card_that_is_defined_is_the_truth),
        cmocka_unit_test(a_card_look_up_that_goes_wrong_says_how),
        cmocka_unit_test(a_face_is_pending_until_the_person_is_done),
        cmocka_unit_test(a_person_can_open_the_page),
        cmocka_unit_test(a_face_call_that_goes_wrong_says_how),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
