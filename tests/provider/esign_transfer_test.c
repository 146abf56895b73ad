/* e签宝's micro-deposits: no money moves in doubt, every state and every answer to an amount. */
#include "esign_rig.h"

static struct identity_transfer_order order(void)
{
    return (struct identity_transfer_order){.our_no = "trf_1",
                                            .notify_url = "https://desk.example/cb",
                                            .name = "测试公司",
                                            .uscc = "91110000100000001X",
                                            .legal_rep_name = "张三",
                                            .legal_rep_id = "110101199003070134",
                                            .account_number = "11003491675702",
                                            .bank = "平安银行",
                                            .branch = "平安银行杭州高新支行",
                                            .cnaps_code = "307331002584"};
}

static void a_person_has_no_transfer(void **state)
{
    (void)state;
    struct identity_transfer t;
    struct identity_result r;
    struct identity_transfer_order o = order();
    o.uscc = NULL;
    answers(200, "");
    assert_err(plain.ops->transfer_open(plain.self, &o, &a, &t, &r, &f), ERR_INVALID);
    assert_err(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f), ERR_INVALID);
    assert_int_equal(p.calls, 0);
}

static void opening_moves_no_money_and_is_never_in_doubt(void **state)
{
    (void)state;
    struct identity_transfer t;
    struct identity_result r;
    struct identity_transfer_order o = order();
    says(0, "{\"flowId\":\"3401\"}");
    assert_ok(plain.ops->transfer_open(plain.self, &o, &a, &t, &r, &f));
    assert_string_equal(t.flow, "3401");
    assert_int_equal(r.verdict, IDENTITY_MATCH);
    assert_true(r.billed);
    assert_string_equal(p.path, "/v2/identity/auth/api/organization/enterprise/fourFactors");
    assert_non_null(strstr(p.request, "\"contextId\":\"trf_1\""));
    static const int64_t mismatch[] = {30504001, 1100007, 30500001};
    for (size_t i = 0; i < 3; i++) {
        says(mismatch[i], NULL);
        assert_ok(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f));
        assert_int_equal(r.verdict, IDENTITY_MISMATCH);
        assert_string_equal(t.flow, "");
        assert_int_equal(t.state, TRANSFER_FAILED);
        assert_int_equal(p.calls, 1); /* and nothing else was asked */
    }
    static const struct {
        unsigned status;
        const char *body;
        enum err e;
    } lost[] = {{0, "", ERR_PROVIDER_BUSY},
                {502, "<html>", ERR_PROVIDER_BUSY},
                {200, "{\"code\":0,\"data\":{}}", ERR_PROVIDER_BUSY},
                {200, "{\"code\":30500000}", ERR_PROVIDER_BUSY},
                {200, "{\"code\":30500052}", ERR_RATE_LIMITED},
                {200, "{\"code\":30503107}", ERR_PROVIDER_CONFIG},
                {200, "{\"code\":39999999}", ERR_PROVIDER_REFUSED}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        answers(lost[i].status, lost[i].body);
        assert_err(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f), lost[i].e);
        assert_string_equal(t.flow, "");
    }
}

/* With a flow, the first call is for the branch: one answer serves both when it has the branch in it. */
static const char *branches(const char *name, const char *cnaps)
{
    return arena_printf(&a,
                        "{\"list\":[{\"bank\":\"平安银行\",\"bankName\":\"%s\",\"cnapsCode\":\"%s\","
                        "\"city\":\"杭州市\",\"province\":\"浙江\"}]}",
                        name, cnaps);
}

static void the_order_to_pay_has_what_the_branch_said(void **state)
{
    (void)state;
    struct identity_transfer t;
    struct identity_result r;
    struct identity_transfer_order o = order();
    o.flow = "3401";
    says(0, branches("平安银行杭州高新支行", "307331002584"));
    assert_ok(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f));
    assert_int_equal(p.calls, 2);
    assert_string_equal(p.method, "PUT");
    assert_string_equal(p.path, "/v2/identity/auth/pub/organization/3401/transferRandomAmount");
    assert_string_equal(p.request, "{\"bank\":\"平安银行\",\"province\":\"浙江\",\"city\":\"杭州市\","
                                   "\"subbranch\":\"平安银行杭州高新支行\",\"cardNo\":\"11003491675702\","
                                   "\"cnapsCode\":\"307331002584\",\"contextId\":\"trf_1\","
                                   "\"notifyUrl\":\"https://desk.example/cb\"}");
    assert_int_equal(t.state, TRANSFER_PENDING);
    assert_string_equal(t.flow, "3401");
    assert_int_equal(t.attempts_left, 3);
    assert_int_equal(t.expires_ms, now + 7 * 86400000LL);
    assert_true(t.billed);
    o.cnaps_code = NULL; /* by name, encoded */
    says(0, branches("平安银行杭州高新支行", "307331002584"));
    assert_ok(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f));
    assert_int_equal(p.calls, 2);
}

static void without_one_branch_nothing_is_sent(void **state)
{
    (void)state;
    struct identity_transfer t;
    struct identity_result r;
    struct identity_transfer_order o = order();
    o.flow = "3401";
    static const struct {
        int64_t code;
        const char *data;
    } cases[] = {
        {0, "{\"list\":[]}"},
        {0, "{\"list\":null}"},
        {0, "{}"},
        {0, "{\"list\":[{\"bankName\":\"x\",\"cnapsCode\":\"307331002584\"}]}"},
        {0, "{\"list\":[5,null]}"},
        {30500101, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(cases[i].code, cases[i].data);
        assert_ok(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f));
        assert_int_equal(r.verdict, IDENTITY_INVALID_INPUT);
        assert_int_equal(r.fields, IDENTITY_CARD);
        assert_int_equal(t.state, TRANSFER_FAILED);
        assert_int_equal(p.calls, 1);
    }
    says(0, branches("别的支行", "307331002599")); /* another number than ours */
    assert_ok(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f));
    assert_int_equal(r.verdict, IDENTITY_INVALID_INPUT);
    answers(0, "");
    assert_err(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f), ERR_PROVIDER_BUSY);
    o.flow = "a/b";
    assert_err(plain.ops->transfer_start(plain.self, &o, &a, &t, &r, &f), ERR_NOT_FOUND);
}

static void read_code(int64_t code, struct esign_answer *x)
{
    *x = (struct esign_answer){.code = code};
}

static void every_process_has_its_state(void **state)
{
    (void)state;
    static const struct {
        const char *process;
        enum identity_transfer_state state;
    } cases[] = {{"PAID", TRANSFER_PENDING},
                 {"PAID_SUCCESS", TRANSFER_SENT},
                 {"ORGANFINISHED", TRANSFER_SENT},
                 {"PAID_FAILED", TRANSFER_FAILED}};
    struct identity_transfer t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(0,
             arena_printf(&a, "{\"process\":\"%s\",\"bizFlowNo\":null,\"remainTimes\":9}", cases[i].process));
        assert_ok(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f));
        assert_int_equal(t.state, cases[i].state);
        assert_string_equal(t.trace.code, cases[i].process);
        assert_int_equal(t.attempts_left, -1); /* remainTimes are orders to pay, not tries */
    }
    says(0, "{\"process\":\"INIT\"}");
    assert_err(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f), ERR_NOT_FOUND);
    says(30500004, NULL);
    assert_err(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f), ERR_NOT_FOUND);
    static const int64_t over[] = {30500002, 30500003};
    for (size_t i = 0; i < 2; i++) {
        says(over[i], NULL);
        assert_ok(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f));
        assert_int_equal(t.state, TRANSFER_FAILED);
    }
    says(30500000, NULL);
    assert_err(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f), ERR_PROVIDER_BUSY);
    static const char *const odd[] = {"{\"process\":\"NEW\"}", "{\"process\":7}", "{}", "null"};
    for (size_t i = 0; i < 4; i++) {
        says(0, odd[i]);
        assert_err(plain.ops->transfer_query(plain.self, "3401", &a, &t, &f), ERR_PROVIDER_UNKNOWN);
    }
}

static void every_answer_to_an_amount_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        int64_t code;
        enum identity_verdict verdict;
        int left;
    } cases[] = {
        {0, IDENTITY_MATCH, -1},           {30502002, IDENTITY_MISMATCH, -1},
        {30502003, IDENTITY_MISMATCH, 0},  {30502013, IDENTITY_ABANDONED, 0},
        {30502014, IDENTITY_ABANDONED, 0}, {30500003, IDENTITY_ABANDONED, 0},
    };
    struct identity_transfer t;
    struct identity_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(cases[i].code, NULL);
        assert_ok(plain.ops->transfer_confirm(plain.self, "3401", 51, &a, &t, &r, &f));
        assert_string_equal(identity_verdict_name(r.verdict), identity_verdict_name(cases[i].verdict));
        assert_int_equal(t.attempts_left, cases[i].left);
    }
    assert_string_equal(p.request, "{\"amount\":0.51}");
    for (int64_t fen = 1; fen < 100; fen++) {
        says(0, NULL);
        assert_ok(plain.ops->transfer_confirm(plain.self, "3401", fen, &a, &t, &r, &f));
        char want[32];
        snprintf(want, sizeof want, "0.%02d", (int)fen);
        if (want[3] == '0')
            want[3] = '\0';
        assert_string_equal(p.request, arena_printf(&a, "{\"amount\":%s}", want));
    }
    p.calls = 0;
    static const int64_t bad[] = {0, -1, 100, INT64_MAX};
    for (size_t i = 0; i < 4; i++)
        assert_err(plain.ops->transfer_confirm(plain.self, "3401", bad[i], &a, &t, &r, &f), ERR_INVALID);
    assert_err(plain.ops->transfer_confirm(plain.self, "..", 5, &a, &t, &r, &f), ERR_NOT_FOUND);
    assert_int_equal(p.calls, 0);
    says(30500000, NULL);
    assert_err(plain.ops->transfer_confirm(plain.self, "3401", 5, &a, &t, &r, &f), ERR_PROVIDER_UNKNOWN);
    says(30500004, NULL);
    assert_err(plain.ops->transfer_confirm(plain.self, "3401", 5, &a, &t, &r, &f), ERR_NOT_FOUND);
    struct esign_answer x;
    read_code(30500002, &x); /* over: the adapter asks why (the live test) */
    assert_ok(esign_read_confirm(&x, &t, &r, &f));
    assert_int_equal(r.verdict, IDENTITY_ABANDONED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_has_no_transfer),
        cmocka_unit_test(opening_moves_no_money_and_is_never_in_doubt),
        cmocka_unit_test(the_order_to_pay_has_what_the_branch_said),
        cmocka_unit_test(without_one_branch_nothing_is_sent),
        cmocka_unit_test(every_process_has_its_state),
        cmocka_unit_test(every_answer_to_an_amount_has_its_verdict),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
