/* Every method of verification by its jobs, against certdesk-sandbox through the real adapters (S6-S9, S11,
 * S17): what is asked, who is asked second, what limits it, and how faces come to an end. */
#include "outbox_rig.h"

#include <string.h>

static struct outbox_rig x;
#define w (x.w)

static const char PERSON[] = "110101199003070134";

static int setup(void **state)
{
    (void)state;
    return rig_world_open(&x);
}

static int teardown(void **state)
{
    (void)state;
    return rig_world_close(&x);
}

/* A new order on another day: codes and attempts are limited by day. */
static void new_order(enum subject_kind kind, enum method m, char order[static ID_SIZE])
{
    rig_let_pass(&x, INT64_C(25) * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    make_order_by(&w, w.c, kind, m, order);
}

static enum err submit(enum subject_kind kind, const char *order)
{
    return kind == SUBJECT_ORGANIZATION ? submit_company(w.c, order, "杭州测试有限公司", USCC)
                                        : submit_person(w.c, order, "张三", PERSON);
}

static PB(Verification) * newest(const char *order)
{
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    return get_order(w.c, order)->verification;
}

static void act(const char *name, const char *outcome)
{
    rig_do(&x.r, "/sim/face", arena_printf(&x.r.a, "{\"name\":\"%s\",\"outcome\":\"%s\"}", name, outcome));
}

static bool face_is_open(void *order)
{
    PB(Verification) *v = newest(order);
    return v && v->face && v->face->open;
}

static void open_face(const char *order, bool by_sms)
{
    const char *url;
    test_ctx_reset(&w.t);
    assert_ok(start_face(w.c, order, by_sms, &url));
    outbox_wake(x.outbox);
    assert_true(test_until(face_is_open, (void *)(uintptr_t)order, PATIENCE_MS));
}

static void assert_checks(const char *order, const char *want)
{
    const struct evidence *e;
    size_t n;
    struct buf b = BUF(w.c->arena);
    assert_ok(identity_evidence(w.c, order, &e, &n));
    for (size_t i = 0; i < n; i++)
        assert_false(e[i].of_earlier_data);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s:%s", i ? " " : "", e[i].check, e[i].outcome);
    assert_string_equal(buf_text(&b), want);
}

/* -- what is asked -----------------------------------------------------------------------------------------
 */

static void codes_end_phone_and_bank(void **s)
{
    (void)s;
    static const struct {
        enum subject_kind kind;
        enum method method;
        const char *checks;
        enum order_state next;
    } cases[] = {
        {SUBJECT_ORGANIZATION, METHOD_PHONE_THREE_FACTOR, "enterprise4:MATCH phone3:MATCH", ORDER_AGENT},
        {SUBJECT_ORGANIZATION, METHOD_BANK_FOUR_FACTOR, "enterprise4:MATCH bank4:MATCH", ORDER_AGENT},
        {SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, "phone3:MATCH", ORDER_PURCHASE},
        {SUBJECT_INDIVIDUAL, METHOD_BANK_FOUR_FACTOR, "bank4:MATCH", ORDER_PURCHASE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char order[ID_SIZE];
        new_order(cases[i].kind, cases[i].method, order);
        assert_ok(submit(cases[i].kind, order));
        rig_wait(&x, order, VERIFICATION_CODE_SENT);
        assert_checks(order, cases[i].checks);
        assert_ok(confirm_code(w.c, order, world_code(&w, LEGAL_REP_PHONE)));
        rig_wait_order(&x, order, cases[i].next);
    }
}

static void deposits_wait_behind_their_checks(void **s)
{
    (void)s;
    static const char *const checks[] = {
        [SUBJECT_ORGANIZATION] = "enterprise4:MATCH", [SUBJECT_INDIVIDUAL] = "phone3:MATCH"};
    for (enum subject_kind k = SUBJECT_ORGANIZATION; k <= SUBJECT_INDIVIDUAL; k++) {
        char order[ID_SIZE];
        new_order(k, METHOD_MICRO_DEPOSIT, order);
        assert_ok(submit(k, order));
        rig_wait(&x, order, VERIFICATION_DEPOSIT);
        assert_checks(order, checks[k]);
        rig_let_pass(&x, INT64_C(10) * 86400000 + 1000);
        rig_wait(&x, order, VERIFICATION_FAILED); /* nobody sent it */
    }
}

static void a_card_that_does_not_belong_is_a_mismatch(void **s)
{
    (void)s;
    char order[ID_SIZE];
    new_order(SUBJECT_INDIVIDUAL, METHOD_BANK_FOUR_FACTOR, order);
    assert_ok(submit_person(w.c, order, "张不一致", PERSON));
    rig_wait(&x, order, VERIFICATION_MISMATCH);
    rig_wait_order(&x, order, ORDER_SUBJECT);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order)); /* corrected (S9) */
    rig_wait(&x, order, VERIFICATION_CODE_SENT);
}

static void agents_by_every_method(void **s)
{
    (void)s;
    static const char *const checks[] = {[METHOD_PHONE_THREE_FACTOR] = "phone3:MATCH",
                                         [METHOD_BANK_FOUR_FACTOR] = "bank4:MATCH",
                                         [METHOD_FACE] = "face:MATCH"};
    for (enum method m = METHOD_PHONE_THREE_FACTOR; m <= METHOD_FACE; m++) {
        char order[ID_SIZE];
        new_order(SUBJECT_ORGANIZATION, METHOD_PHONE_THREE_FACTOR, order);
        assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 3 WHERE id = ?"), TEXT(order)));
        assert_err(submit_agent_by(w.c, order, METHOD_MICRO_DEPOSIT), ERR_INVALID);
        fault_clear(w.c->fault);
        assert_ok(submit_agent_by(w.c, order, m));
        if (m == METHOD_FACE) {
            open_face(order, true);
            assert_non_null(strstr(world_code(&w, AGENT_PHONE), "http"));
            act("李四", "pass");
            rig_let_pass(&x, 5000);
        } else {
            rig_wait(&x, order, VERIFICATION_CODE_SENT);
            assert_ok(confirm_code(w.c, order, world_code(&w, AGENT_PHONE)));
        }
        rig_wait_order(&x, order, ORDER_PURCHASE);
        assert_checks(order, checks[m]);
    }
}

static enum err in_person(const char *order, enum method m)
{
    PB(SubmitAgentRequest) in = CERTDESK__V1__SUBMIT_AGENT_REQUEST__INIT;
    PB(SubmitAgentResponse) out = CERTDESK__V1__SUBMIT_AGENT_RESPONSE__INIT;
    PB(Agent) g = CERTDESK__V1__AGENT__INIT;
    test_ctx_reset(&w.t);
    in.order_id = arena_strdup(w.c->arena, order);
    in.agent = &g;
    g.legal_rep_in_person = true;
    g.method = (PB(VerificationMethod))m;
    g.email = (char *)"rep@example.com";
    return call(w.c, "SubmitAgent", &in, &out);
}

/* S11: "the data already verified". A deposit and a face leave the phone as somebody typed it. */
static void in_person_signs_with_a_phone_that_was_proved(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const struct violation *v = w.t.fault.violations;
    for (enum method of = METHOD_MICRO_DEPOSIT; of <= METHOD_FACE; of++) {
        bool proved = of == METHOD_PHONE_THREE_FACTOR || of == METHOD_BANK_FOUR_FACTOR;
        new_order(SUBJECT_ORGANIZATION, of, order);
        assert_ok(submit(SUBJECT_ORGANIZATION, order));
        test_ctx_reset(&w.t);
        assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 3 WHERE id = ?"), TEXT(order)));
        if (proved) {
            assert_ok(in_person(order, 0));
            assert_state(&w, order, ORDER_PURCHASE);
            continue;
        }
        assert_err(in_person(order, 0), ERR_INVALID);
        assert_int_equal(w.t.fault.n_violations, 1);
        assert_string_equal(v->field, "agent.method");
        assert_string_equal(v->reason, "REQUIRED");
        assert_non_null(strstr(v->text, "choose phone three-factor, bank four-factor"));
        assert_non_null(strstr(v->text_zh, "请选择手机实名三要素、银行卡四要素"));
        assert_null(strstr(v->text_zh, "刷脸")); /* proves no phone */
        assert_err(in_person(order, METHOD_MICRO_DEPOSIT), ERR_INVALID);
        assert_err(in_person(order, METHOD_FACE), ERR_METHOD_NOT_OFFERED);
        assert_non_null(strstr(fault_text(w.c->fault), "it offers: phone three-factor, bank four-factor"));
        assert_null(strstr(fault_text(w.c->fault), "in person"));
        assert_ok(in_person(order, METHOD_PHONE_THREE_FACTOR));
        assert_state(&w, order, ORDER_AGENT_VERIFYING);
        rig_wait(&x, order, VERIFICATION_CODE_SENT);
        assert_ok(confirm_code(w.c, order, world_code(&w, LEGAL_REP_PHONE)));
        rig_wait_order(&x, order, ORDER_PURCHASE);
        assert_true(get_order(w.c, order)->agent->legal_rep_in_person);
        assert_string_equal(get_order(w.c, order)->agent->name, "张*");
    }
}

/* -- faces -------------------------------------------------------------------------------------------------
 */

static void a_face_moves_the_order_on_by_itself(void **s)
{
    (void)s;
    static const struct {
        const char *outcome;
        enum verification_state want;
        enum order_state state[3];
    } cases[] = {
        {"pass", VERIFICATION_PASSED, {0, ORDER_AGENT, ORDER_PURCHASE}},
        {"other_person", VERIFICATION_MISMATCH, {0, ORDER_SUBJECT, ORDER_SUBJECT}},
        {"not_live", VERIFICATION_MISMATCH, {0, ORDER_SUBJECT, ORDER_SUBJECT}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum subject_kind k = SUBJECT_ORGANIZATION; k <= SUBJECT_INDIVIDUAL; k++) {
            char order[ID_SIZE];
            new_order(k, METHOD_FACE, order);
            assert_ok(submit(k, order));
            rig_wait(&x, order, VERIFICATION_FACE);
            assert_true(has_action(get_order(w.c, order), "StartFace"));
            assert_null(newest(order)->face);
            open_face(order, false);
            rig_let_pass(&x, 4000); /* nobody is there yet */
            act("张三", cases[i].outcome);
            rig_let_pass(&x, 4000);
            rig_wait_order(&x, order, cases[i].state[k]);
            if (cases[i].want == VERIFICATION_MISMATCH)
                assert_string_equal(newest(order)->mismatched_fields[0], "face");
        }
}

static void the_url_is_the_owners_on_site_and_short_lived(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const char *url, *again;
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    int64_t sessions = rig_calls(&x, "tencent.DetectAuth");
    open_face(order, false);
    url = arena_strdup(&x.r.a, newest(order)->face->url);
    assert_int_equal(strncmp(url, "http", 4), 0);
    assert_false(newest(order)->face->link_sent);
    assert_ok(start_face(w.c, order, false, &again));
    assert_string_equal(again, url);
    w.c->caller.kind = CALLER_STAFF;
    assert_string_equal(newest(order)->face->url, "");
    w.c->caller.kind = CALLER_ACCOUNT;
    assert_ok(start_face(w.c, order, true, &again)); /* the same session, by SMS too: once */
    assert_string_equal(again, "");
    assert_ok(start_face(w.c, order, true, &again));
    assert_string_equal(world_code(&w, LEGAL_REP_PHONE), url);
    assert_true(newest(order)->face->link_sent);
    assert_string_equal(newest(order)->sent_to, "138****5678");
    assert_int_equal(rig_calls(&x, "tencent.DetectAuth"), sessions + 1);
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT COUNT(*) FROM face_session WHERE url LIKE '%http%'")));
    assert_int_equal(row_int(&r, 0, 0), 0);
    act("张三", "pass");
    rig_let_pass(&x, 4000);
    rig_wait_order(&x, order, ORDER_PURCHASE);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM face_session WHERE url IS NOT NULL")), 0);
    assert_err(start_face(w.c, order, false, &again), ERR_PRECONDITION);
}

static bool no_face(void *order)
{
    PB(Verification) *v = newest(order);
    return v && (int)v->state == VERIFICATION_FACE && !v->face;
}

static void nobody_comes(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const char *url;
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    rig_wait(&x, order, VERIFICATION_FACE);
    open_face(order, false);
    rig_let_pass(&x, INT64_C(2) * 3600000 + 60000); /* the supplier says that nobody used it, or nothing */
    outbox_wake(x.outbox);
    struct rig_awaited failed = {&x, order, VERIFICATION_FAILED, false};
    bool over = test_until(rig_is, &failed, 5000);
    if (!over) { /* still the same verification: another session */
        assert_true(test_until(no_face, order, PATIENCE_MS));
        assert_ok(start_face(w.c, order, false, &url));
    } else {
        rig_wait_order(&x, order, ORDER_SUBJECT);
        assert_err(start_face(w.c, order, false, &url), ERR_PRECONDITION);
        assert_ok(submit(SUBJECT_INDIVIDUAL, order));
        open_face(order, false);
        assert_non_null(newest(order)->face);
    }
}

static void an_outcome_for_older_data_moves_nothing(void **s)
{
    (void)s;
    char order[ID_SIZE], old[ID_SIZE];
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_ok(submit_person(w.c, order, "赵六", PERSON));
    open_face(order, false);
    snprintf(old, sizeof old, "%s", newest(order)->id);
    assert_ok(submit_person(w.c, order, "赵七", PERSON));
    act("赵六", "pass");
    rig_let_pass(&x, 5000);
    open_face(order, false);
    assert_string_not_equal(newest(order)->id, old);
    assert_state(&w, order, ORDER_SUBJECT_VERIFYING);
    act("赵七", "pass");
    rig_let_pass(&x, 5000);
    rig_wait_order(&x, order, ORDER_PURCHASE);
}

static void a_session_that_cannot_be_opened_goes_back(void **s)
{
    (void)s;
    static const char *const lost[] = {"lose_answer", "busy"};
    char order[ID_SIZE];
    const char *url;
    for (size_t i = 0; i < 2; i++) {
        new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
        assert_ok(submit(SUBJECT_INDIVIDUAL, order));
        rig_fault(&x.r, "tencent", "DetectAuth", lost[i]);
        open_face(order, false); /* asked again */
    }
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    rig_fault(&x.r, "tencent", "DetectAuth", "arrears");
    assert_ok(start_face(w.c, order, false, &url));
    rig_wait(&x, order, VERIFICATION_FAILED);
    rig_wait_order(&x, order, ORDER_SUBJECT);
}

/* -- who is asked ------------------------------------------------------------------------------------------
 */

/* Two suppliers: the first is at an address where nobody is, or is the sandbox, too. */
static void two_suppliers(bool first_answers)
{
    x.providers.n_identity = 2;
    x.providers.identity[0] = first_answers ? x.r.identity : w.providers.identity[0];
    x.providers.identity[1] = x.r.identity;
}

static void one_supplier(void)
{
    x.providers.n_identity = 1;
    x.providers.identity[0] = x.r.identity;
}

static void faults(const char *action, const char *kind, int n)
{
    rig_do(&x.r, "/sim/fault",
           arena_printf(&x.r.a, "{\"provider\":\"tencent\",\"action\":\"%s\",\"kind\":\"%s\",\"count\":%d}",
                        action, kind, n));
}

static void the_second_is_asked_when_the_first_cannot_answer(void **s)
{
    (void)s;
    static const struct {
        bool first_answers;
        const char *kind;
        int n, asked; /* calls that reach the sandbox */
    } cases[] = {
        {false, NULL, 0, 1},     /* not reachable */
        {true, "busy", 3, 4},    /* busy with all its attempts */
        {true, "arrears", 1, 2}, /* our account there: at once */
        {true, "daily_limit", 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char order[ID_SIZE];
        new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
        two_suppliers(cases[i].first_answers);
        int64_t asked = rig_calls(&x, "tencent.PhoneVerification");
        if (cases[i].kind)
            faults("PhoneVerification", cases[i].kind, cases[i].n);
        assert_ok(submit(SUBJECT_INDIVIDUAL, order));
        struct rig_awaited a = {&x, order, VERIFICATION_CODE_SENT, false};
        for (int k = 0; k < 8 && !test_until(rig_is, &a, 700); k++)
            rig_let_pass(&x, 9000); /* over the pauses between attempts */
        rig_wait(&x, order, VERIFICATION_CODE_SENT);
        assert_int_equal(rig_calls(&x, "tencent.PhoneVerification"), asked + cases[i].asked);
        one_supplier();
    }
}

static void a_verdict_is_not_shopped_for(void **s)
{
    (void)s;
    static const char *const names[] = {"张不一致", "张查无"};
    for (size_t i = 0; i < 2; i++) {
        char order[ID_SIZE];
        new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
        two_suppliers(true);
        int64_t asked = rig_calls(&x, "tencent.PhoneVerification");
        assert_ok(submit_person(w.c, order, names[i], PERSON));
        rig_wait(&x, order, VERIFICATION_MISMATCH);
        assert_int_equal(rig_calls(&x, "tencent.PhoneVerification"), asked + 1);
        one_supplier();
    }
}

static void cancelling_gives_no_new_attempts(void **s)
{
    (void)s;
    char order[ID_SIZE];
    new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
    for (int i = 0; i < 5; i++) {
        PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
        PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
        assert_ok(submit_person(w.c, order, "张不一致", PERSON));
        rig_wait(&x, order, VERIFICATION_MISMATCH);
        assert_int_equal(newest(order)->attempts_left, 4 - i);
        in.order_id = order;
        assert_ok(call(w.c, "CancelOrder", &in, &out));
        make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
    }
    assert_err(submit(SUBJECT_INDIVIDUAL, order), ERR_RATE_LIMITED);
    assert_true(w.t.fault.retry_ms > 0);
    assert_ok(submit_person(w.c, order, "张三", "11010519491231002X")); /* somebody else */
    rig_let_pass(&x, INT64_C(24) * 3600000);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
}

static void policy(const char *text)
{
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET policy = ?"), TEXT(text)));
}

/* Invented numbers and new orders give no more: what is counted is who asks. */
static void an_account_begins_so_many_checks_a_day(void **s)
{
    (void)s;
    static const char *const people[] = {"110101199003070134", "11010519491231002X"};
    char order[ID_SIZE], waiting[ID_SIZE];
    const char *url;
    new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
    make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, METHOD_FACE, waiting);
    assert_ok(submit_person(w.c, waiting, "张三", "110101200001010010"));
    policy("{\"account_checks\":3}");
    for (size_t i = 0; i < 2; i++) {
        assert_ok(submit_person(w.c, order, "张三", people[i]));
        make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, i ? METHOD_FACE : METHOD_BANK_FOUR_FACTOR, order);
    }
    assert_ok(submit_person(w.c, order, "张三", "330106197103120016")); /* nothing is asked before the face */
    open_face(order, false);
    int64_t asked = rig_calls(&x, "tencent.DetectAuth");
    assert_ok(start_face(w.c, order, false, &url)); /* the same session */
    make_order_by(&w, w.c, SUBJECT_ORGANIZATION, METHOD_FACE, order);
    assert_err(submit(SUBJECT_ORGANIZATION, order), ERR_RATE_LIMITED);
    assert_true(w.t.fault.retry_ms > INT64_C(23) * 3600000);
    assert_non_null(strstr(w.t.fault.text_zh, "每天最多可核验3次"));
    make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_err(submit_person(w.c, order, "张三", "110101200001010010"), ERR_RATE_LIMITED);
    assert_err(start_face(w.c, waiting, false, &url), ERR_RATE_LIMITED);
    assert_int_equal(rig_calls(&x, "tencent.DetectAuth"), asked);
    rig_let_pass(&x, INT64_C(24) * 3600000);
    open_face(waiting, false);
    policy("{}");
}

/* Of a number that is taken as of one that is free. */
static void same_limit(struct test_ctx *t, const char *order, const char *zh)
{
    static const char *const numbers[] = {PERSON, "11010519491231002X"};
    for (size_t i = 0; i < 2; i++) {
        assert_err(submit_person(&t->c, order, "张三", numbers[i]), ERR_RATE_LIMITED);
        assert_non_null(strstr(t->fault.text_zh, zh));
    }
}

/* Whether a number has an open order is learnt by asking, and asking is counted. */
static void to_find_a_number_taken_counts_as_a_check(void **s)
{
    (void)s;
    char order[ID_SIZE], again[ID_SIZE];
    struct test_ctx other;
    new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
    policy("{\"account_checks\":2}");
    assert_ok(submit_person(w.c, order, "张三", PERSON));
    make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, again);
    for (int i = 0; i < 3; i++)
        assert_err(submit_person(w.c, again, "张三", PERSON), ERR_ORDER_OPEN); /* their own: no news */
    world_ctx(&w, &other, "acc_asking");
    make_order_by(&w, &other.c, SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, again);
    for (int i = 0; i < 2; i++)
        assert_err(submit_person(&other.c, again, "张三", PERSON), ERR_ORDER_OPEN);
    same_limit(&other, again, "每天最多可核验2次");
    test_ctx_close(&other);
    /* an order that has no attempts left says so of every number */
    policy("{\"account_checks\":100,\"attempts\":{\"face\":1}}");
    world_ctx(&w, &other, "acc_asking_by_face");
    make_order_by(&w, &other.c, SUBJECT_INDIVIDUAL, METHOD_FACE, again);
    assert_ok(submit_person(&other.c, again, "李四", "110101200001010010"));
    same_limit(&other, again, "每天最多可核验1次");
    test_ctx_close(&other);
    policy("{}");
}

/* A link is a message to a phone that somebody typed, as a code is. */
static void a_link_counts_as_a_code(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const char *url;
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    policy("{\"sms_limits\":{\"phone_hour\":2,\"channel_day\":3}}");
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM allowance")));
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    open_face(order, true);
    assert_int_equal(world_number(&w, SQL("SELECT taken FROM allowance WHERE kind = 2")), 1);
    assert_ok(start_face(w.c, order, true, &url)); /* sent once, counted once */
    assert_int_equal(world_number(&w, SQL("SELECT taken FROM allowance WHERE kind = 2")), 1);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order)); /* another session, to the same phone */
    int64_t asked = rig_calls(&x, "tencent.DetectAuth");
    assert_err(start_face(w.c, order, true, &url), ERR_RATE_LIMITED);
    assert_true(w.t.fault.retry_ms > 0 && w.t.fault.retry_ms <= 60000);
    rig_let_pass(&x, 60000);
    assert_ok(start_face(w.c, order, true, &url));
    outbox_wake(x.outbox);
    assert_true(test_until(face_is_open, order, PATIENCE_MS));
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    rig_let_pass(&x, 60000);
    assert_err(start_face(w.c, order, true, &url), ERR_RATE_LIMITED); /* two an hour */
    assert_true(w.t.fault.retry_ms > 60000);
    assert_int_equal(rig_calls(&x, "tencent.DetectAuth"),
                     asked + 1); /* no session for a link that does not go */
    open_face(order, false);     /* on site nothing is sent */
    asked = world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'sms.send'"));
    assert_err(start_face(w.c, order, true, &url), ERR_RATE_LIMITED); /* nor by a session that is there */
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'sms.send'")), asked);
    assert_false(newest(order)->face->link_sent);
    policy("{}");
}

static void costs_of_a_day_can_be_read(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const struct identity_cost *list;
    size_t n;
    new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
    int64_t from = w.c->now_ms;
    assert_ok(submit_person(w.c, order, "张查无", PERSON)); /* not billed */
    rig_wait(&x, order, VERIFICATION_MISMATCH);
    assert_ok(submit(SUBJECT_INDIVIDUAL, order));
    rig_wait(&x, order, VERIFICATION_CODE_SENT);
    assert_ok(identity_costs(w.c, from, clock_now_ms() + 1, &list, &n));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].channel, "test");
    assert_string_equal(list[0].provider, "tencent");
    assert_string_equal(list[0].check, "phone3");
    assert_int_equal(list[0].asked, 2);
    assert_int_equal(list[0].billed, 1);
    assert_int_equal(list[0].matched, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_end_phone_and_bank),
        cmocka_unit_test(deposits_wait_behind_their_checks),
        cmocka_unit_test(a_card_that_does_not_belong_is_a_mismatch),
        cmocka_unit_test(agents_by_every_method),
        cmocka_unit_test(in_person_signs_with_a_phone_that_was_proved),
        cmocka_unit_test(a_face_moves_the_order_on_by_itself),
        cmocka_unit_test(the_url_is_the_owners_on_site_and_short_lived),
        cmocka_unit_test(nobody_comes),
        cmocka_unit_test(an_outcome_for_older_data_moves_nothing),
        cmocka_unit_test(a_session_that_cannot_be_opened_goes_back),
        cmocka_unit_test(the_second_is_asked_when_the_first_cannot_answer),
        cmocka_unit_test(a_verdict_is_not_shopped_for),
        cmocka_unit_test(cancelling_gives_no_new_attempts),
        cmocka_unit_test(costs_of_a_day_can_be_read),
        cmocka_unit_test(an_account_begins_so_many_checks_a_day),
        cmocka_unit_test(to_find_a_number_taken_counts_as_a_check),
        cmocka_unit_test(a_link_counts_as_a_code),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
