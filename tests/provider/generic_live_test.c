/* The generic identity adapter against certdesk-sandbox, which was written from the protocol's text. */
#include "sandbox_rig.h"

static struct rig r;
static struct fault f;
static struct identity_port port;
static int64_t skew;

static const char id[] = "110101199003070134", uscc[] = "91310000MA1K35XY7T", phone[] = "13800001234";
static const char card[] = "6222020200000000006";

static int64_t skewed_now(void)
{
    return clock_now_ms() + skew;
}

static void assert_verdict(struct identity_result got, enum identity_verdict want)
{
    assert_string_equal(identity_verdict_name(got.verdict), identity_verdict_name(want));
}

static struct identity_result phone3(const char *name, const char *mobile, enum err want)
{
    struct identity_result out;
    struct identity_person who = {.name = name, .id_number = id, .phone = mobile};
    assert_err(port.ops->phone3(port.self, &who, &r.a, &out, &f), want);
    return out;
}

static struct identity_result bank4(const char *name, const char *number)
{
    struct identity_result out;
    struct identity_person who = {name, id, phone, number};
    assert_ok(port.ops->bank4(port.self, &who, &r.a, &out, &f));
    return out;
}

static struct identity_result enterprise4(const char *name, const char *legal_rep)
{
    struct identity_result out;
    struct identity_enterprise who = {name, uscc, legal_rep, id};
    assert_ok(port.ops->enterprise4(port.self, &who, &r.a, &out, &f));
    return out;
}

static void everything_is_looked_up(void **state)
{
    (void)state;
    struct identity_result m = phone3("张三", phone, OK);
    assert_verdict(m, IDENTITY_MATCH);
    assert_true(m.billed);
    assert_string_not_equal(m.trace.request_id, "");
    assert_verdict(phone3("张不一致", phone, OK), IDENTITY_MISMATCH);
    assert_verdict(phone3("张查无", phone, OK), IDENTITY_NOT_FOUND);
    m = phone3("张三", "123", OK);
    assert_verdict(m, IDENTITY_INVALID_INPUT);
    assert_int_equal(m.fields, IDENTITY_PHONE);
    rig_do(&r, "/sim/people",
           "{\"name\":\"赵六\",\"id_number\":\"310101198501011236\",\"phone\":\"13900005678\"}");
    assert_int_equal(phone3("张三", "13900005678", OK).fields, IDENTITY_PHONE);
    assert_int_equal(phone3("赵六", "13900005678", OK).fields, IDENTITY_ID_NUMBER);
    assert_verdict(bank4("张三", card), IDENTITY_MATCH);
    assert_int_equal(bank4("张不一致", card).fields, IDENTITY_NAME | IDENTITY_ID_NUMBER);
    assert_int_equal(bank4("张三", "6222020200000000005").fields, IDENTITY_CARD);
    assert_verdict(enterprise4("测试科技有限公司", "张三"), IDENTITY_MATCH);
    assert_int_equal(enterprise4("测试科技有限公司", "张不一致").fields, IDENTITY_LEGAL_REP_NAME);
    assert_verdict(enterprise4("查无公司", "张三"), IDENTITY_NOT_FOUND);
    m = enterprise4("测试注销有限公司", "张三");
    assert_int_equal(m.operating, OPERATING_CANCELLED);
    assert_true(m.operating_refused);
}

static void what_goes_wrong_says_how(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum identity_verdict verdict;
    } told[] = {{"busy", IDENTITY_BUSY},
                {"rate_limited", IDENTITY_RATE_LIMITED},
                {"daily_limit", IDENTITY_RATE_LIMITED}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        rig_fault(&r, "http", "phone3", told[i].kind);
        assert_verdict(phone3("张三", phone, OK), told[i].verdict);
    }
    static const struct {
        const char *kind;
        enum err e;
    } lost[] = {{"lose_request", ERR_PROVIDER_UNKNOWN}, {"lose_answer", ERR_PROVIDER_UNKNOWN},
                {"fail", ERR_PROVIDER_UNKNOWN},         {"garbage", ERR_SIGNATURE_BAD},
                {"bad_signature", ERR_SIGNATURE_BAD},   {"stale", ERR_SIGNATURE_BAD},
                {"forged", ERR_SIGNATURE_BAD}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        rig_fault(&r, "http", "phone3", lost[i].kind);
        phone3("张三", phone, lost[i].e);
    }
    skew = -301000;
    assert_verdict(phone3("张三", phone, OK), IDENTITY_CONFIG_ERROR);
    skew = 0;
    assert_verdict(phone3("张三", phone, OK), IDENTITY_MATCH);
}

static struct identity_result query(const char *token, enum err want)
{
    struct identity_result out;
    assert_err(port.ops->face_query(port.self, token, &r.a, &out, &f), want);
    return out;
}

static void a_face_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *name, *outcome;
        enum identity_verdict verdict;
        unsigned fields;
    } cases[] = {{"张三", "pass", IDENTITY_MATCH, 0},
                 {"张三", "other_person", IDENTITY_MISMATCH, IDENTITY_FACE},
                 {"张三", "abandon", IDENTITY_ABANDONED, 0},
                 {"张不一致", "pass", IDENTITY_MISMATCH, IDENTITY_NAME | IDENTITY_ID_NUMBER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity_face s;
        struct identity_person who = {.name = cases[i].name, .id_number = id};
        struct identity_face_order o = {"fac_1", "https://desk.example/", NULL};
        assert_ok(port.ops->face_start(port.self, &who, &o, &r.a, &s, &f));
        assert_non_null(strstr(s.url, "/face/"));
        assert_true(s.expires_ms > clock_now_ms());
        assert_verdict(query(s.token, OK), IDENTITY_PENDING);
        rig_do(&r, "/sim/face",
               arena_printf(&r.a, "{\"token\":\"%s\",\"outcome\":\"%s\"}", s.token, cases[i].outcome));
        struct identity_result m = query(s.token, OK);
        assert_verdict(m, cases[i].verdict);
        assert_int_equal(m.fields, cases[i].fields);
    }
    query("nobody", ERR_NOT_FOUND);
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    static const char *const keys[] = {
        "key", "phone3_url", "bank4_url", "enterprise4_url", "face_start_url", "face_query_url"};
    struct provider_pair settings[7] = {0};
    for (size_t i = 0; i < 6; i++)
        settings[i] = (struct provider_pair){keys[i], rig_say(&r, "http", keys[i])};
    struct provider_env env = {r.http, pair_setting, settings, skewed_now};
    assert_ok(identity_open("http", &env, &port, &f));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    port.ops->close(port.self);
    return rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_looked_up),
        cmocka_unit_test(what_goes_wrong_says_how),
        cmocka_unit_test(a_face_is_asked_for),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
