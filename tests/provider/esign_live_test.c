/* e签宝's adapter against certdesk-sandbox. */
#include "sandbox_rig.h"

static struct rig r;
static struct fault f;
static struct identity_port es, detailed;

static const char id[] = "110101199003070134", uscc[] = "91310000MA1K35XY7T", phone[] = "13800001234";
static const char card[] = "6222020200000000006";

static void assert_verdict(struct identity_result got, enum identity_verdict want)
{
    assert_string_equal(identity_verdict_name(got.verdict), identity_verdict_name(want));
}

/* -- comparisons ----------------------------------------------------------------------------------------- */

static struct identity_result phone3(const struct identity_port *p, const char *name, const char *mobile)
{
    struct identity_result out;
    struct identity_person who = {.name = name, .id_number = id, .phone = mobile};
    assert_ok(p->ops->phone3(p->self, &who, &r.a, &out, &f));
    return out;
}

static struct identity_result bank4(const struct identity_port *p, const char *name, const char *number)
{
    struct identity_result out;
    struct identity_person who = {name, id, phone, number};
    assert_ok(p->ops->bank4(p->self, &who, &r.a, &out, &f));
    return out;
}

static struct identity_result enterprise4(const char *name, const char *legal_rep)
{
    struct identity_result out;
    struct identity_enterprise who = {name, uscc, legal_rep, id};
    assert_ok(es.ops->enterprise4(es.self, &who, &r.a, &out, &f));
    return out;
}

static void people_and_cards_are_looked_up(void **state)
{
    (void)state;
    struct identity_result m = phone3(&es, "张三", phone);
    assert_verdict(m, IDENTITY_MATCH);
    assert_true(m.billed);
    assert_string_not_equal(m.trace.request_id, "");
    assert_verdict(phone3(&es, "张不一致", phone), IDENTITY_MISMATCH);
    assert_verdict(phone3(&es, "张查无", phone), IDENTITY_NOT_FOUND);
    assert_verdict(phone3(&es, "张三", "123"), IDENTITY_INVALID_INPUT);
    assert_int_equal(phone3(&detailed, "张三", "123").fields, IDENTITY_PHONE);
    assert_int_equal(phone3(&detailed, "张不一致", phone).fields, IDENTITY_NAME | IDENTITY_ID_NUMBER);
    rig_do(&r, "/sim/people",
           "{\"name\":\"赵六\",\"id_number\":\"310101198501011236\",\"phone\":\"13900005678\"}");
    assert_int_equal(phone3(&detailed, "张三", "13900005678").fields, IDENTITY_PHONE);
    assert_verdict(bank4(&es, "张三", card), IDENTITY_MATCH);
    assert_verdict(bank4(&es, "张不一致", card), IDENTITY_MISMATCH);
    assert_verdict(bank4(&es, "张查无", card), IDENTITY_NOT_FOUND);
    assert_verdict(bank4(&es, "张三", "6222020200000000005"), IDENTITY_INVALID_INPUT);
    assert_int_equal(bank4(&detailed, "张三", "6222020200000000005").fields, IDENTITY_CARD);
    assert_int_equal(bank4(&detailed, "张不一致", card).fields, IDENTITY_CARD);
}

static void companies_are_looked_up(void **state)
{
    (void)state;
    assert_verdict(enterprise4("测试科技有限公司", "张三"), IDENTITY_MATCH);
    struct identity_result m = enterprise4("测试注销有限公司", "张三");
    assert_int_equal(m.operating, OPERATING_UNKNOWN); /* not told without the details */
    m = enterprise4("测试科技有限公司", "张不一致");
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_int_equal(m.fields, 0);
    assert_verdict(enterprise4("查无科技有限公司", "张三"), IDENTITY_NOT_FOUND);
    rig_do(&r, "/sim/config", "{\"esign_details\":true}");
    m = enterprise4("测试注销有限公司", "张三");
    assert_verdict(m, IDENTITY_MATCH);
    assert_int_equal(m.operating, OPERATING_CANCELLED);
    assert_true(m.operating_refused);
    assert_int_equal(enterprise4("测试科技有限公司", "张不一致").fields, IDENTITY_LEGAL_REP_NAME);
    assert_int_equal(enterprise4("不一致科技有限公司", "张三").fields, IDENTITY_ENTERPRISE_NAME);
    assert_verdict(enterprise4("查无科技有限公司", "张三"), IDENTITY_NOT_FOUND);
    rig_do(&r, "/sim/config", "{\"esign_details\":false}");
}

static void a_look_up_that_goes_wrong_says_how(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum identity_verdict verdict;
    } cases[] = {{"busy", IDENTITY_BUSY},
                 {"rate_limited", IDENTITY_RATE_LIMITED},
                 {"daily_limit", IDENTITY_RATE_LIMITED},
                 {"arrears", IDENTITY_CONFIG_ERROR},
                 {"bad_signature", IDENTITY_CONFIG_ERROR}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "esign", "telecom3Factors", cases[i].kind);
        assert_verdict(phone3(&es, "张三", phone), cases[i].verdict);
    }
    static const char *const lost[] = {"lose_request", "lose_answer", "garbage", "fail"};
    for (size_t i = 0; i < 4; i++) {
        struct identity_result out;
        struct identity_person who = {.name = "张三", .id_number = id, .phone = phone};
        rig_fault(&r, "esign", "telecom3Factors", lost[i]);
        assert_err(es.ops->phone3(es.self, &who, &r.a, &out, &f), ERR_PROVIDER_UNKNOWN);
    }
}

static int64_t skew;
static int64_t skewed_now(void)
{
    return clock_now_ms() + skew;
}

static struct identity_port opened(const char *secret, const char *detail, int64_t (*now)(void))
{
    struct identity_port out;
    struct provider_pair settings[] = {{"base_url", rig_say(&r, "esign", "base_url")},
                                       {"app_id", rig_say(&r, "esign", "app_id")},
                                       {"app_secret", secret},
                                       {"detail", detail},
                                       {0}};
    struct provider_env env = {r.http, pair_setting, arena_memdup(&r.a, settings, sizeof settings), now};
    assert_ok(identity_open("esign", &env, &out, &f));
    return out;
}

static void a_wrong_secret_and_a_wrong_clock_are_wrong_configurations(void **state)
{
    (void)state;
    struct identity_port other = opened("another secret", "no", NULL);
    struct identity_result m = phone3(&other, "张三", phone);
    assert_verdict(m, IDENTITY_CONFIG_ERROR);
    assert_string_equal(m.trace.message, "INVALID_SIGNATURE");
    other.ops->close(other.self);
    other = opened(rig_say(&r, "esign", "app_secret"), "no", skewed_now);
    skew = 14 * 60000;
    assert_verdict(phone3(&other, "张三", phone), IDENTITY_MATCH);
    skew = -16 * 60000;
    m = phone3(&other, "张三", phone);
    assert_verdict(m, IDENTITY_CONFIG_ERROR);
    assert_string_equal(m.trace.message, "INVALID_TIMESTAMP");
    other.ops->close(other.self);
}

/* -- callbacks ------------------------------------------------------------------------------------------- */

static const char *const callback_headers[] = {"X-Tsign-Open-App-Id", "X-Tsign-Open-TIMESTAMP",
                                               "X-Tsign-Open-SIGNATURE-ALGORITHM", "X-Tsign-Open-SIGNATURE"};

static int callbacks(void)
{
    return rig_callbacks(&r);
}

/* Verifies the k-th callback that came. */
static enum err callback(int k, struct identity_event *e)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct provider_pair headers[4], query[] = {{"b", "二"}, {"a", "1"}};
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        if (in.seen[i][0])
            headers[n++] = (struct provider_pair){callback_headers[i], in.seen[i]};
    struct identity_callback c = {headers, query, n, 2, in.body, strlen(in.body)};
    return es.ops->callback_verify(es.self, &c, clock_now_ms(), &r.a, e, &f);
}

static const char *notify_url(void)
{
    return arena_printf(&r.a, "http://127.0.0.1:%d/esign?b=%%E4%%BA%%8C&a=1", r.inbox.port);
}

/* -- faces ----------------------------------------------------------------------------------------------- */

static struct identity_face face(const char *name, const char *our_no)
{
    struct identity_face out;
    struct identity_person who = {.name = name, .id_number = id};
    struct identity_face_order o = {our_no, NULL, notify_url()};
    assert_ok(es.ops->face_start(es.self, &who, &o, &r.a, &out, &f));
    return out;
}

static struct identity_result face_query(const char *token, enum err want)
{
    struct identity_result out;
    assert_err(es.ops->face_query(es.self, token, &r.a, &out, &f), want);
    return out;
}

static void a_face_is_told_and_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *name, *outcome;
        enum identity_verdict verdict;
        unsigned fields;
    } cases[] = {{"张三", "pass", IDENTITY_MATCH, 0},
                 {"张三", "other_person", IDENTITY_MISMATCH, IDENTITY_FACE},
                 {"张三", "not_live", IDENTITY_MISMATCH, IDENTITY_FACE},
                 {"张不一致", "pass", IDENTITY_MISMATCH, IDENTITY_NAME | IDENTITY_ID_NUMBER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int before = callbacks();
        struct identity_event e;
        const char *ours = arena_printf(&r.a, "fac_%zu", i);
        struct identity_face s = face(cases[i].name, ours);
        assert_verdict(face_query(s.token, OK), IDENTITY_PENDING);
        rig_do(&r, "/sim/face",
               arena_printf(&r.a, "{\"token\":\"%s\",\"outcome\":\"%s\"}", s.token, cases[i].outcome));
        assert_ok(callback(before, &e));
        assert_string_equal(e.flow, s.token);
        assert_string_equal(e.our_no, ours);
        struct identity_result m = face_query(e.flow, OK);
        assert_verdict(m, cases[i].verdict);
        assert_int_equal(m.fields, cases[i].fields);
        assert_true(m.billed);
    }
    face_query("300000000000000000", ERR_NOT_FOUND);
    struct identity_face s;
    struct identity_person who = {.name = "张三", .id_number = id};
    struct identity_face_order o = {"fac_x", NULL, NULL};
    rig_fault(&r, "esign", "face", "lose_answer");
    assert_err(es.ops->face_start(es.self, &who, &o, &r.a, &s, &f), ERR_PROVIDER_UNKNOWN);
    rig_fault(&r, "esign", "face", "busy");
    assert_err(es.ops->face_start(es.self, &who, &o, &r.a, &s, &f), ERR_PROVIDER_BUSY);
}

/* -- transfers ------------------------------------------------------------------------------------------- */

static struct identity_transfer_order order(const char *our_no)
{
    static int accounts; /* each of its own: a day has few orders for one */
    return (struct identity_transfer_order){.our_no = our_no,
                                            .notify_url = notify_url(),
                                            .name = "测试科技有限公司",
                                            .uscc = uscc,
                                            .legal_rep_name = "张三",
                                            .legal_rep_id = id,
                                            .account_number = arena_printf(&r.a, "1100349%07d", ++accounts),
                                            .bank = "平安银行",
                                            .branch = "平安银行杭州高新支行"};
}

static struct identity_transfer start(const struct identity_transfer_order *o, enum err want,
                                      struct identity_result *m)
{
    struct identity_transfer t;
    assert_err(es.ops->transfer_start(es.self, o, &r.a, &t, m, &f), want);
    return t;
}

static struct identity_transfer query(const char *flow, enum err want)
{
    struct identity_transfer t;
    assert_err(es.ops->transfer_query(es.self, flow, &r.a, &t, &f), want);
    return t;
}

static struct identity_result confirm(const char *flow, int64_t fen, enum err want,
                                      struct identity_transfer *t)
{
    struct identity_result m;
    assert_err(es.ops->transfer_confirm(es.self, flow, fen, &r.a, t, &m, &f), want);
    return m;
}

/* What the applicant reads in the bank's app; 0: nothing came. */
static int64_t amount(const char *flow)
{
    json_t *j = rig_control(&r, arena_printf(&r.a, "/sim/esign/transfers?flow=%s", flow), NULL);
    int64_t fen = 0;
    js_int(json_object_get(json_array_get(json_object_get(j, "transfers"), 0), "transfer"), "amount_fen",
           &fen);
    json_decref(j);
    return fen;
}

static int64_t orders(const char *flow)
{
    json_t *j = rig_control(&r, arena_printf(&r.a, "/sim/esign/transfers?flow=%s", flow), NULL);
    int64_t n = -1;
    js_int(json_array_get(json_object_get(j, "transfers"), 0), "orders", &n);
    json_decref(j);
    return n;
}

static void money_is_sent_and_its_amount_confirmed(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_event e;
    int before = callbacks();
    struct identity_transfer_order o = order("trf_1");
    struct identity_transfer t = start(&o, OK, &m), c;
    assert_verdict(m, IDENTITY_MATCH);
    assert_int_equal(t.attempts_left, 3);
    assert_ok(callback(before, &e));
    assert_string_equal(e.flow, t.flow);
    assert_string_equal(e.our_no, "trf_1");
    assert_string_not_equal(e.id, "");
    assert_int_equal(query(t.flow, OK).state, TRANSFER_SENT);
    int64_t fen = amount(t.flow);
    assert_true(fen >= 1 && fen <= 99);
    assert_verdict(confirm(t.flow, fen % 99 + 1, OK, &c), IDENTITY_MISMATCH);
    assert_verdict(confirm(t.flow, fen, OK, &c), IDENTITY_MATCH);
    assert_ok(callback(before + 1, &e));
    assert_string_equal(e.flow, t.flow);
    /* a lost answer is asked again with the same amount, and is still right */
    assert_verdict(confirm(t.flow, fen, OK, &c), IDENTITY_MATCH);
    assert_int_equal(query(t.flow, OK).state, TRANSFER_SENT);
    assert_int_equal(orders(t.flow), 1);
}

static void three_wrong_amounts_are_the_end(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer_order o = order("trf_2");
    struct identity_transfer t = start(&o, OK, &m), c;
    int64_t fen = amount(t.flow), wrong = fen % 99 + 1;
    for (int i = 0; i < 2; i++)
        assert_verdict(confirm(t.flow, wrong, OK, &c), IDENTITY_MISMATCH);
    assert_verdict(confirm(t.flow, wrong, OK, &c), IDENTITY_MISMATCH);
    assert_int_equal(c.attempts_left, 0);
    assert_verdict(confirm(t.flow, fen, OK, &c), IDENTITY_ABANDONED);
    assert_int_equal(query(t.flow, OK).state, TRANSFER_FAILED);
}

static void a_confirmation_whose_answer_is_lost_is_given_again(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer_order o = order("trf_3");
    struct identity_transfer t = start(&o, OK, &m), c;
    int64_t fen = amount(t.flow);
    rig_fault(&r, "esign", "verifyRandomAmount", "lose_answer");
    confirm(t.flow, fen, ERR_PROVIDER_UNKNOWN, &c);
    assert_verdict(confirm(t.flow, fen, OK, &c), IDENTITY_MATCH);
    o.our_no = "trf_4";
    t = start(&o, OK, &m);
    rig_fault(&r, "esign", "verifyRandomAmount", "lose_request");
    confirm(t.flow, amount(t.flow), ERR_PROVIDER_UNKNOWN, &c);
    assert_verdict(confirm(t.flow, amount(t.flow), OK, &c), IDENTITY_MATCH);
}

static void data_that_do_not_belong_together_get_no_money(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer_order o = order("trf_5");
    o.legal_rep_name = "张不一致";
    struct identity_transfer t = start(&o, OK, &m);
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_string_equal(t.flow, "");
    o = order("trf_5");
    o.name = "查无科技有限公司";
    start(&o, OK, &m);
    assert_verdict(m, IDENTITY_NOT_FOUND);
    static const char *const branches[] = {"查无支行", "某"};
    for (size_t i = 0; i < 2; i++) {
        o = order("trf_5");
        o.branch = branches[i];
        t = start(&o, OK, &m);
        assert_verdict(m, IDENTITY_INVALID_INPUT);
        assert_int_equal(m.fields, IDENTITY_CARD);
        assert_int_equal(orders(t.flow), 0);
        query(t.flow, ERR_NOT_FOUND);
    }
    o = order("trf_5");
    o.account_number = "62-22";
    t = start(&o, OK, &m);
    assert_verdict(m, IDENTITY_INVALID_INPUT);
    assert_int_equal(orders(t.flow), 0);
    o = order("trf_5");
    o.cnaps_code = "307331002584";
    start(&o, OK, &m);
    assert_verdict(m, IDENTITY_MATCH);
}

static void a_lost_order_to_pay_is_asked_for_not_repeated(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer_order o = order("trf_6");
    struct identity_transfer t;
    assert_ok(es.ops->transfer_open(es.self, &o, &r.a, &t, &m, &f));
    o.flow = arena_strdup(&r.a, t.flow);
    query(o.flow, ERR_NOT_FOUND); /* nothing was sent yet */
    static const char *const after[] = {"lose_answer", "garbage"};
    static const char *const before[] = {"lose_request", "fail", "busy"};
    for (size_t i = 0; i < 3; i++) { /* nothing happened: the flow says so, and can be used again */
        rig_fault(&r, "esign", "transferRandomAmount", before[i]);
        t = start(&o, ERR_PROVIDER_UNKNOWN, &m);
        assert_string_equal(t.flow, o.flow);
        query(t.flow, ERR_NOT_FOUND);
        assert_int_equal(orders(t.flow), 0);
    }
    for (size_t i = 0; i < 2; i++) { /* it happened */
        struct identity_transfer_order fresh = order(arena_printf(&r.a, "trf_7%zu", i));
        rig_fault(&r, "esign", "transferRandomAmount", after[i]);
        t = start(&fresh, ERR_PROVIDER_UNKNOWN, &m);
        assert_string_not_equal(t.flow, "");
        assert_int_equal(query(t.flow, OK).state, TRANSFER_SENT);
        assert_int_equal(orders(t.flow), 1);
    }
    static const char *const early[] = {"fourFactors", "subbranch"};
    for (size_t i = 0; i < 2; i++) { /* before any money: no doubt */
        struct identity_transfer_order fresh = order("trf_8");
        rig_fault(&r, "esign", early[i], "lose_answer");
        start(&fresh, ERR_PROVIDER_BUSY, &m);
    }
    rig_fault(&r, "esign", "transferRandomAmount", "rate_limited");
    start(&o, ERR_RATE_LIMITED, &m);
    assert_int_equal(orders(o.flow), 0);
}

static void after_a_crash_the_callback_names_the_flow(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_event e;
    int before = callbacks();
    struct identity_transfer_order o = order("trf_9");
    struct identity_transfer t = start(&o, OK, &m); /* and suppose that nobody remembers the answer */
    assert_ok(callback(before, &e));
    assert_string_equal(e.our_no, "trf_9");
    assert_string_equal(e.flow, t.flow);
}

static void a_bank_may_refuse_wait_and_send_money_back(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer c;
    struct identity_transfer_order o = order("trf_a");
    rig_fault(&r, "esign", "transferRandomAmount", "closed");
    struct identity_transfer t = start(&o, OK, &m);
    assert_int_equal(query(t.flow, OK).state, TRANSFER_FAILED);
    assert_verdict(confirm(t.flow, 5, OK, &c), IDENTITY_ABANDONED);
    rig_do(&r, "/sim/config", "{\"transfer\":\"wait\"}");
    o = order("trf_b");
    t = start(&o, OK, &m);
    assert_int_equal(query(t.flow, OK).state, TRANSFER_PENDING);
    rig_do(&r, "/sim/esign/transfer", arena_printf(&r.a, "{\"flow\":\"%s\",\"outcome\":\"sent\"}", t.flow));
    assert_int_equal(query(t.flow, OK).state, TRANSFER_SENT);
    rig_do(&r, "/sim/esign/transfer", "{\"our_no\":\"trf_b\",\"outcome\":\"fail\"}");
    assert_int_equal(query(t.flow, OK).state, TRANSFER_FAILED);
    rig_do(&r, "/sim/config", "{\"transfer\":\"\"}");
}

static void an_account_gets_so_many_a_day(void **state)
{
    (void)state;
    struct identity_result m;
    struct identity_transfer_order o = order("trf_c");
    o.account_number = "33000000001234";
    for (int i = 0; i < 10; i++)
        start(&o, OK, &m);
    start(&o, ERR_RATE_LIMITED, &m);
}

static void callbacks_that_lie_are_found_out(void **state)
{
    (void)state;
    static const char *const lies[] = {"forged", "unsigned", "stale"};
    struct identity_event e, again;
    for (size_t i = 0; i < 3; i++) {
        int before = callbacks();
        struct identity_face s = face("张三", "fac_l");
        rig_fault(&r, "esign", "callback", lies[i]);
        rig_do(&r, "/sim/face", arena_printf(&r.a, "{\"token\":\"%s\",\"outcome\":\"pass\"}", s.token));
        assert_err(callback(before, &e), ERR_SIGNATURE_BAD);
        assert_ok(callback(before + 1, &e));
        assert_string_equal(e.flow, s.token);
    }
    int before = callbacks();
    struct identity_face s = face("张三", "fac_t");
    rig_fault(&r, "esign", "callback", "twice");
    rig_do(&r, "/sim/face", arena_printf(&r.a, "{\"token\":\"%s\",\"outcome\":\"pass\"}", s.token));
    assert_ok(callback(before, &e));
    assert_ok(callback(before + 1, &again));
    assert_string_equal(e.id, again.id); /* for the caller to see */
    assert_string_not_equal(e.id, "");
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    for (size_t i = 0; i < 4; i++)
        r.inbox.watch[i] = callback_headers[i];
    es = opened(rig_say(&r, "esign", "app_secret"), "no", NULL);
    detailed = opened(rig_say(&r, "esign", "app_secret"), "yes", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    es.ops->close(es.self);
    detailed.ops->close(detailed.self);
    return rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_and_cards_are_looked_up),
        cmocka_unit_test(companies_are_looked_up),
        cmocka_unit_test(a_look_up_that_goes_wrong_says_how),
        cmocka_unit_test(a_wrong_secret_and_a_wrong_clock_are_wrong_configurations),
        cmocka_unit_test(a_face_is_told_and_asked_for),
        cmocka_unit_test(money_is_sent_and_its_amount_confirmed),
        cmocka_unit_test(three_wrong_amounts_are_the_end),
        cmocka_unit_test(a_confirmation_whose_answer_is_lost_is_given_again),
        cmocka_unit_test(data_that_do_not_belong_together_get_no_money),
        cmocka_unit_test(a_lost_order_to_pay_is_asked_for_not_repeated),
        cmocka_unit_test(after_a_crash_the_callback_names_the_flow),
        cmocka_unit_test(a_bank_may_refuse_wait_and_send_money_back),
        cmocka_unit_test(an_account_gets_so_many_a_day),
        cmocka_unit_test(callbacks_that_lie_are_found_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
