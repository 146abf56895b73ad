/* kuaidi100: subscribe, query, push; every state, every refusal, and pushes that are forged or broken. */
#include "peer.h"

#include "provider/kuaidi100.h"
#include "provider/sign.h"

static struct arena a;
static struct http *h;
static struct fault f;
static struct peer p;
static struct courier_port courier;

static const char salt[] = "0123456789abcdef";
static const struct courier_parcel parcel = {"shunfeng", "SF1234567890123", "0000"};

static void answers(const char *body)
{
    p.status = 200;
    p.body = body;
    p.calls = 0;
    fault_clear(&f);
}

static json_t *sent_param(void)
{
    struct provider_pair *form;
    size_t n;
    assert_ok(form_decode(&a, p.request, strlen(p.request), &form, &n));
    const char *param = form_value(form, n, "param");
    assert_non_null(param);
    json_t *j = js_parse(param, strlen(param));
    assert_non_null(j);
    return j;
}

/* -- subscribe ------------------------------------------------------------------------------------------- */

static enum err subscribe(struct provider_trace *t)
{
    return courier.ops->subscribe(courier.self, &parcel, "https://x.example/k/1", salt, &a, t, &f);
}

static void a_parcel_is_subscribed(void **state)
{
    (void)state;
    struct provider_trace t;
    answers("{\"result\":true,\"returnCode\":\"200\",\"message\":\"提交成功\"}");
    assert_ok(subscribe(&t));
    assert_string_equal(p.path, "/poll");
    assert_string_equal(t.code, "200");
    CLEANUP(js_free)
    json_t *j = sent_param();
    assert_string_equal(js_str(j, "company"), "shunfeng");
    assert_string_equal(js_str(j, "number"), parcel.number);
    assert_string_equal(js_str(j, "key"), "testkey");
    const json_t *more = json_object_get(j, "parameters");
    assert_string_equal(js_str(more, "callbackurl"), "https://x.example/k/1");
    assert_string_equal(js_str(more, "salt"), salt);
    assert_string_equal(js_str(more, "resultv2"), "4");
    assert_string_equal(js_str(more, "phone"), "0000");
}

static void every_refusal_of_a_subscription_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum err e;
    } cases[] = {
        {"501", OK}, /* subscribed before */
        {"500", ERR_PROVIDER_BUSY},
        {"502", ERR_PROVIDER_BUSY},
        {"600", ERR_PROVIDER_CONFIG},
        {"601", ERR_PROVIDER_CONFIG},
        {"503", ERR_PROVIDER_CONFIG},
        {"700", ERR_PROVIDER_REFUSED},
        {"701", ERR_PROVIDER_REFUSED},
        {"999", ERR_PROVIDER_REFUSED},
        {"", ERR_PROVIDER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct provider_trace t;
        answers(
            arena_printf(&a, "{\"result\":false,\"returnCode\":\"%s\",\"message\":\"m\"}", cases[i].code));
        assert_err(subscribe(&t), cases[i].e);
        assert_string_equal(t.code, cases[i].code);
    }
}

static void a_subscription_without_its_fields_is_not_sent(void **state)
{
    (void)state;
    struct provider_trace t;
    struct courier_parcel bad = {"", "SF1", NULL};
    char long_salt[66] = "";
    memset(long_salt, 's', 65);
    answers("{}");
    assert_err(courier.ops->subscribe(courier.self, &bad, "https://x", salt, &a, &t, &f), ERR_INVALID);
    assert_err(courier.ops->subscribe(courier.self, &parcel, NULL, salt, &a, &t, &f), ERR_INVALID);
    assert_err(courier.ops->subscribe(courier.self, &parcel, "https://x", "", &a, &t, &f), ERR_INVALID);
    assert_err(courier.ops->subscribe(courier.self, &parcel, "https://x", long_salt, &a, &t, &f),
               ERR_INVALID);
    bad = (struct courier_parcel){"shunfeng", "\xff", NULL};
    assert_err(courier.ops->subscribe(courier.self, &bad, "https://x", salt, &a, &t, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

/* -- query ----------------------------------------------------------------------------------------------- */

static const char *track(const char *state, const char *data)
{
    return arena_printf(
        &a,
        "{\"message\":\"ok\",\"nu\":\"SF1234567890123\",\"ischeck\":\"%d\",\"com\":\"shunfeng\","
        "\"status\":\"200\",\"state\":%s,\"data\":[%s]}",
        strcmp(state, "\"3\"") == 0, state, data);
}

static const char two_events[] =
    "{\"time\":\"2026-11-22 10:00:00\",\"ftime\":\"2026-11-22 "
    "10:00:00\",\"context\":\"已签收\",\"location\":\"\","
    "\"areaName\":\"上海\",\"status\":\"签收\",\"statusCode\":\"301\"},"
    "{\"time\":\"2026-11-21 "
    "09:00:00\",\"context\":\"快件在途\",\"location\":\"北京\",\"statusCode\":\"1001\"}";

static enum err query(struct courier_track *t)
{
    return courier.ops->query(courier.self, &parcel, &a, t, &f);
}

static void a_query_gives_the_whole_list(void **state)
{
    (void)state;
    struct courier_track t;
    answers(track("\"3\"", two_events));
    assert_ok(query(&t));
    assert_int_equal(t.state, COURIER_SIGNED);
    assert_true(t.receipt_checked);
    assert_string_equal(t.company, "shunfeng");
    assert_string_equal(t.number, parcel.number);
    assert_int_equal(t.n_events, 2);
    assert_string_equal(t.events[0].text, "已签收");
    assert_string_equal(t.events[0].location, "上海");
    assert_int_equal(t.events[0].state, COURIER_SIGNED);
    assert_int_equal(t.events[0].time_ms, 1795312800000); /* 10:00 in Beijing is 02:00 UTC */
    assert_int_equal(t.events[1].state, COURIER_IN_TRANSIT);
    assert_string_equal(t.events[1].location, "北京");

    struct provider_pair *form;
    size_t n;
    assert_ok(form_decode(&a, p.request, strlen(p.request), &form, &n));
    assert_string_equal(p.path, "/poll/query.do");
    assert_string_equal(form_value(form, n, "customer"), "TESTCUSTOMER");
    assert_string_equal(form_value(form, n, "sign"),
                        kuaidi100_query_sign(form_value(form, n, "param"), "testkey", "TESTCUSTOMER", &a));
    CLEANUP(js_free)
    json_t *j = sent_param();
    assert_string_equal(js_str(j, "com"), "shunfeng");
    assert_string_equal(js_str(j, "num"), parcel.number);
    assert_string_equal(js_str(j, "phone"), "0000");
}

static void every_state_has_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum courier_state state;
    } cases[] = {
        {"\"0\"", COURIER_IN_TRANSIT}, {"\"1\"", COURIER_PICKED_UP},     {"\"2\"", COURIER_PROBLEM},
        {"\"3\"", COURIER_SIGNED},     {"\"4\"", COURIER_RETURNED},      {"\"5\"", COURIER_DELIVERING},
        {"\"6\"", COURIER_RETURNING},  {"\"7\"", COURIER_FORWARDED},     {"\"8\"", COURIER_CUSTOMS},
        {"\"10\"", COURIER_CUSTOMS},   {"\"13\"", COURIER_CUSTOMS},      {"\"14\"", COURIER_REFUSED},
        {"\"302\"", COURIER_SIGNED},   {"\"1002\"", COURIER_IN_TRANSIT}, {"5", COURIER_DELIVERING},
        {"\"9\"", COURIER_UNKNOWN},    {"\"\"", COURIER_UNKNOWN},        {"\"x\"", COURIER_UNKNOWN},
        {"\"-1\"", COURIER_UNKNOWN},   {"null", COURIER_UNKNOWN},        {"\"99999999999\"", COURIER_UNKNOWN},
        {"\"2001\"", COURIER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct courier_track t;
        answers(track(cases[i].code, ""));
        assert_ok(query(&t));
        assert_string_equal(courier_state_name(t.state), courier_state_name(cases[i].state));
        assert_int_equal(t.receipt_checked, i == 3);
    }
}

static void every_refusal_of_a_query_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum err e;
    } cases[] = {
        {"500", OK}, /* no record yet */
        {"201", OK},
        {"501", ERR_PROVIDER_BUSY},
        {"502", ERR_PROVIDER_BUSY},
        {"503", ERR_PROVIDER_CONFIG},
        {"601", ERR_PROVIDER_CONFIG},
        {"400", ERR_PROVIDER_REFUSED},
        {"408", ERR_PROVIDER_REFUSED},
        {"", ERR_PROVIDER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct courier_track t;
        answers(arena_printf(&a, "{\"result\":false,\"returnCode\":\"%s\",\"message\":\"查询无结果\"}",
                             cases[i].code));
        assert_err(query(&t), cases[i].e);
        assert_int_equal(t.state, COURIER_UNKNOWN);
        assert_int_equal(t.n_events, 0);
        if (!cases[i].code[0])
            continue;
        answers(arena_printf(&a, "{\"status\":\"%s\",\"message\":\"m\",\"state\":\"0\",\"data\":[]}",
                             cases[i].code));
        assert_err(query(&t), cases[i].e);
    }
}

static const char *garbage_tracks(size_t i)
{
    switch (i) {
    case 0:
        return "";
    case 1:
        return "<html>502</html>";
    case 2:
        return "{\"message\":\"ok\"}";
    case 3:
        return "{\"nu\":\"SF1234567890123\",\"com\":\"shunfeng\",\"state\":\"3\",\"data\":{}}";
    case 4:
        return "{\"nu\":12,\"com\":\"shunfeng\",\"state\":\"3\",\"data\":[]}";
    case 5:
        return track("\"3\"", "1");
    case 6:
        return track("\"3\"", "{\"context\":\"no time\"}");
    case 7:
        return track("\"3\"", "{\"time\":\"2026-11-22\"}");
    case 8:
        return track("\"3\"", "{\"time\":\"2026-11-22 10:00:00 x\"}");
    case 9: {
        struct buf b = BUF(&a);
        for (int k = 0; k < 1001; k++)
            buf_printf(&b, "%s{\"time\":\"2026-11-22 10:00:00\"}", k ? "," : "");
        return track("\"3\"", buf_text(&b));
    }
    default:
        return NULL;
    }
}

static void what_is_no_track_is_not_believed(void **state)
{
    (void)state;
    struct courier_track t;
    for (size_t i = 0; garbage_tracks(i); i++) {
        answers(garbage_tracks(i));
        assert_err(query(&t), ERR_PROVIDER_UNKNOWN);
    }
    answers(track("\"3\"", ""));
    p.status = 503;
    assert_err(query(&t), ERR_PROVIDER_UNKNOWN);
    p.status = 0;
    assert_err(query(&t), ERR_PROVIDER_UNKNOWN);
    struct courier_parcel other = {"shunfeng", "SF0000000000000", NULL};
    answers(track("\"3\"", ""));
    assert_err(courier.ops->query(courier.self, &other, &a, &t, &f), ERR_PROVIDER_UNKNOWN);
}

/* -- push ------------------------------------------------------------------------------------------------ */

static const char *sign_of(const char *param)
{
    char *out = arena_alloc(&a, 33);
    const char *text = arena_printf(&a, "%s%s", param, salt);
    md5_upper_hex(text, strlen(text), out);
    return out;
}

static enum err push(const char *param, const char *sign, struct courier_push *out)
{
    struct provider_pair form[] = {{"param", param}, {"sign", sign}};
    return courier.ops->push_verify(courier.self, form, 2, salt, &a, out, &f);
}

static const char *push_text(const char *status, const char *last)
{
    return arena_printf(&a, "{\"status\":\"%s\",\"message\":\"m\",\"autoCheck\":\"0\",\"lastResult\":%s}",
                        status, last);
}

static void a_push_gives_the_whole_list(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        enum courier_watch watch;
    } cases[] = {{"polling", COURIER_WATCH_POLLING},
                 {"shutdown", COURIER_WATCH_SHUTDOWN},
                 {"abort", COURIER_WATCH_ABORT},
                 {"updateall", COURIER_WATCH_UPDATE}};
    for (size_t i = 0; i < 4; i++) {
        struct courier_push out;
        const char *param = push_text(cases[i].status, track("\"3\"", two_events));
        assert_ok(push(param, sign_of(param), &out));
        assert_int_equal(out.watch, cases[i].watch);
        assert_int_equal(out.track.state, COURIER_SIGNED);
        assert_int_equal(out.track.n_events, 2);
        assert_string_equal(out.track.trace.message, "m");
    }
}

static void a_push_with_one_bit_changed_is_refused(void **state)
{
    (void)state;
    struct courier_push out;
    char *param = arena_strdup(&a, push_text("polling", track("\"3\"", two_events)));
    char *sign = arena_strdup(&a, sign_of(param));
    for (size_t i = 0; i < strlen(param); i++) {
        param[i] ^= 1;
        assert_err(push(param, sign, &out), ERR_SIGNATURE_BAD);
        param[i] ^= 1;
    }
    for (size_t i = 0; i < 32; i++) {
        sign[i] ^= 1;
        assert_err(push(param, sign, &out), ERR_SIGNATURE_BAD);
        sign[i] ^= 1;
    }
    assert_err(push(param, "", &out), ERR_SIGNATURE_BAD);
    assert_ok(push(param, sign, &out));
}

static void an_unsigned_or_doubled_push_is_refused(void **state)
{
    (void)state;
    struct courier_push out;
    const char *param = push_text("polling", track("\"3\"", "")), *sign = sign_of(param);
    struct provider_pair unsigned_form[] = {{"param", param}};
    struct provider_pair doubled[] = {{"param", param}, {"sign", sign}, {"param", param}};
    assert_err(courier.ops->push_verify(courier.self, unsigned_form, 1, salt, &a, &out, &f),
               ERR_SIGNATURE_BAD);
    assert_err(courier.ops->push_verify(courier.self, doubled, 3, salt, &a, &out, &f), ERR_SIGNATURE_BAD);
    assert_err(courier.ops->push_verify(courier.self, doubled, 2, "", &a, &out, &f), ERR_SIGNATURE_BAD);
    assert_ok(courier.ops->push_verify(courier.self, doubled, 2, salt, &a, &out, &f));
}

static void a_signed_push_that_is_not_understood_is_invalid(void **state)
{
    (void)state;
    struct courier_push out;
    for (size_t i = 0; garbage_tracks(i); i++) {
        const char *last = garbage_tracks(i);
        const char *param = push_text("polling", *last ? last : "null");
        assert_err(push(param, sign_of(param), &out), ERR_INVALID);
        assert_err(push(last, sign_of(last), &out), ERR_INVALID);
    }
    const char *param = push_text("sleeping", track("\"3\"", ""));
    assert_err(push(param, sign_of(param), &out), ERR_INVALID);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    h = test_http();
    peer_start(&p);
    struct provider_pair settings[] = {
        {"base_url", arena_printf(&a, "http://127.0.0.1:%d/", p.port)},
        {"key", "testkey"},
        {"customer", "TESTCUSTOMER"},
        {0},
    };
    struct provider_env env = {h, pair_setting, settings, NULL};
    assert_ok(courier_open("kuaidi100", &env, &courier, &f));
    assert_true(courier.simulator);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    courier.ops->close(courier.self);
    peer_stop(&p);
    http_close(h);
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parcel_is_subscribed),
        cmocka_unit_test(every_refusal_of_a_subscription_has_its_meaning),
        cmocka_unit_test(a_subscription_without_its_fields_is_not_sent),
        cmocka_unit_test(a_query_gives_the_whole_list),
        cmocka_unit_test(every_state_has_its_name),
        cmocka_unit_test(every_refusal_of_a_query_has_its_meaning),
        cmocka_unit_test(what_is_no_track_is_not_believed),
        cmocka_unit_test(a_push_gives_the_whole_list),
        cmocka_unit_test(a_push_with_one_bit_changed_is_refused),
        cmocka_unit_test(an_unsigned_or_doubled_push_is_refused),
        cmocka_unit_test(a_signed_push_that_is_not_understood_is_invalid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
