/* The jobs of verification and payment, run by the outbox against certdesk-sandbox through the real adapters:
 * answers, refusals, lost answers, callbacks that are late, double or wrong, and none at all. */
#include "provider/sandbox_rig.h"
#include "lib/hands.h"
#include "world.h"

#include "core/tx.h"
#include "notice/notice.h"
#include "providers.h"

#include <stdlib.h>
#include <string.h>

static struct world w;
static struct rig r;
static struct providers providers;
static struct outbox *outbox;
static const struct job_kind *kinds[16];
static struct hands hands;

static const char *const callback_headers[] = {"Wechatpay-Timestamp", "Wechatpay-Nonce",
                                               "Wechatpay-Signature", "Wechatpay-Serial",
                                               "Wechatpay-Signature-Type"};

/* Moves the clock of this program and the sandbox. */
static void let_pass(int64_t ms)
{
    hands_set(&hands, hands.offset_ms + ms);
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    outbox_wake(outbox);
}

static int start_outbox(void)
{
    struct outbox_options o = {
        .app = &w.app, .db = &w.schema.options, .keys = test_keys(), .kinds = kinds, .threads = 2};
    for (size_t i = 0; i < identity_jobs_n; i++)
        kinds[o.n_kinds++] = identity_jobs[i];
    for (size_t i = 0; i < payment_jobs_n; i++)
        kinds[o.n_kinds++] = payment_jobs[i];
    for (size_t i = 0; i < notice_jobs_n; i++)
        kinds[o.n_kinds++] = notice_jobs[i];
    return outbox_start(&o, &outbox, &w.t.fault) == OK ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    if (hands_open(&hands) != 0 || world_open(&w) != 0)
        return -1;
    rig_start(&r);
    for (size_t i = 0; i < 5; i++)
        r.inbox.watch[i] = callback_headers[i];
    r.inbox.status = 200;
    r.inbox.body = "";
    providers = (struct providers){.http = r.http,
                                   .identity = {r.identity},
                                   .n_identity = 1,
                                   .payment = {r.pay},
                                   .n_payment = 1,
                                   .sms = r.sms};
    providers.public_url = arena_printf(&r.a, "http://127.0.0.1:%d", r.inbox.port);
    w.app.providers = &providers;
    return start_outbox();
}

static int teardown(void **state)
{
    (void)state;
    outbox_stop(outbox);
    int gone = rig_stop(&r);
    hands_close(&hands);
    return world_close(&w) || gone;
}

/* -- waiting for what jobs do
 * ---------------------------------------------------------------------------------- */

struct awaited {
    const char *id;
    int state;
};

static bool verification_is(void *arg)
{
    const struct awaited *a = arg;
    struct order o;
    struct verification v;
    test_ctx_reset(&w.t);
    return order_load(w.c, a->id, &o) == OK && identity_load(w.c, o.verification, &v) == OK &&
           (int)v.state == a->state;
}

static void wait_verification(const char *order, enum verification_state s)
{
    outbox_wake(outbox);
    if (!test_until(verification_is, &(struct awaited){.id = order, .state = (int)s}, PATIENCE_MS))
        world_fail("the verification did not become %d\n", (int)s);
}

static bool payment_is(void *arg)
{
    const struct awaited *a = arg;
    struct payment p;
    test_ctx_reset(&w.t);
    return payment_load(w.c, a->id, &p) == OK && (int)p.state == a->state;
}

static void wait_payment(const char *id, enum pay_state s)
{
    outbox_wake(outbox);
    if (!test_until(payment_is, &(struct awaited){.id = id, .state = (int)s}, PATIENCE_MS))
        world_fail("the payment did not become %s\n", pay_state_name((int)s));
}

static int64_t calls(const char *action)
{
    int64_t n = 0;
    json_t *log = rig_control(&r, "/sim/log", NULL);
    js_int(json_object_get(log, "counts"), action, &n);
    json_decref(log);
    return n;
}

static enum order_state state_of(const char *order)
{
    struct order o;
    assert_ok(order_load(w.c, order, &o));
    return o.state;
}

/* -- identity
 * ---------------------------------------------------------------------------------------------------- */

static enum err submit(const char *order, const char *company, const char *legal_rep)
{
    PB(SubmitOrganizationRequest) in = CERTDESK__V1__SUBMIT_ORGANIZATION_REQUEST__INIT;
    PB(SubmitOrganizationResponse) out = CERTDESK__V1__SUBMIT_ORGANIZATION_RESPONSE__INIT;
    PB(Organization) org = CERTDESK__V1__ORGANIZATION__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.organization = &org;
    org.name = (char *)(uintptr_t)company;
    org.uscc = (char *)(uintptr_t)USCC;
    org.legal_rep_name = (char *)(uintptr_t)legal_rep;
    org.legal_rep_id_number = (char *)"110101199003070134";
    org.legal_rep_phone = (char *)(uintptr_t)LEGAL_REP_PHONE;
    return call(w.c, "SubmitOrganization", &in, &out);
}

static void new_order(char order[static ID_SIZE])
{
    let_pass(25 * 3600000); /* limits of codes and attempts are per day */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    make_order(&w, w.c, order);
}

static void a_company_and_its_representative_are_looked_up(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const struct evidence *e;
    size_t n;
    new_order(order);
    int64_t companies = calls("tencent.VerifyBizLicenseEnterprise4"),
            people = calls("tencent.PhoneVerification");
    assert_ok(submit(order, "杭州测试有限公司", "张三"));
    wait_verification(order, VERIFICATION_CODE_SENT);
    assert_ok(identity_evidence(w.c, order, &e, &n));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(e[i].check, i ? "phone3" : "enterprise4");
        assert_string_equal(e[i].provider, "tencent");
        assert_string_equal(e[i].outcome, "MATCH");
        assert_string_not_equal(e[i].request_id, "");
    }
    assert_int_equal(calls("tencent.VerifyBizLicenseEnterprise4"), companies + 1);
    assert_int_equal(calls("tencent.PhoneVerification"), people + 1);
}

static void what_fails_its_check_digit_is_never_asked(void **s)
{
    (void)s;
    char order[ID_SIZE];
    new_order(order);
    int64_t jobs = world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.check'"));
    assert_err(submit(order, "杭州测试有限公司", "张\x1b三"), ERR_INVALID);
    assert_err(submit_organization(w.c, order, "91350100M000100Y44", LEGAL_REP_PHONE), ERR_INVALID);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.check'")),
                     jobs);
}

static void mismatches_say_what_does_not_match(void **s)
{
    (void)s;
    static const struct {
        const char *company, *legal_rep, *mismatched;
    } cases[] = {
        {"杭州不一致有限公司", "张三", NULL},
        {"杭州吊销有限公司", "张三", "operating_status:LICENCE_REVOKED"},
        {"杭州注销有限公司", "张三", "operating_status:CANCELLED"},
        {"杭州测试有限公司", "李不一致", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char order[ID_SIZE];
        struct order o;
        struct verification v;
        new_order(order);
        assert_ok(submit(order, cases[i].company, cases[i].legal_rep));
        wait_verification(order, VERIFICATION_MISMATCH);
        assert_int_equal(state_of(order), ORDER_SUBJECT);
        assert_ok(order_load(w.c, order, &o));
        assert_ok(identity_load(w.c, o.verification, &v));
        if (cases[i].mismatched)
            assert_string_equal(v.mismatched, cases[i].mismatched);
        else
            assert_string_not_equal(v.mismatched, "");
    }
}

static void trouble_is_not_a_mismatch(void **s)
{
    (void)s;
    static const struct {
        const char *action, *kind;
        enum verification_state want;
    } cases[] = {
        {"PhoneVerification", "busy", VERIFICATION_CODE_SENT},
        {"PhoneVerification", "lose_answer", VERIFICATION_CODE_SENT},
        {"VerifyBizLicenseEnterprise4", "garbage", VERIFICATION_CODE_SENT},
        {"VerifyBizLicenseEnterprise4", "arrears", VERIFICATION_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char order[ID_SIZE];
        new_order(order);
        rig_fault(&r, "tencent", cases[i].action, cases[i].kind);
        int64_t companies = calls("tencent.VerifyBizLicenseEnterprise4");
        assert_ok(submit(order, "杭州测试有限公司", "张三"));
        wait_verification(order, cases[i].want);
        assert_int_equal(state_of(order),
                         cases[i].want == VERIFICATION_FAILED ? ORDER_SUBJECT : ORDER_SUBJECT_VERIFYING);
        /* the company is not paid for again because the person's check had to be repeated */
        if (strcmp(cases[i].action, "PhoneVerification") == 0)
            assert_int_equal(calls("tencent.VerifyBizLicenseEnterprise4"), companies + 1);
    }
}

/* -- payment
 * ----------------------------------------------------------------------------------------------------- */

static void to_payment(char order[static ID_SIZE])
{
    new_order(order);
    assert_ok(submit(order, "杭州测试有限公司", "张三"));
    wait_verification(order, VERIFICATION_CODE_SENT);
    assert_ok(
        db_exec(w.c, NULL, SQL("UPDATE orders SET state = 9, price_fen = 28000 WHERE id = ?"), TEXT(order)));
}

static void new_payment(const char *order, char payment[static ID_SIZE])
{
    PB(CreatePaymentRequest) in = CERTDESK__V1__CREATE_PAYMENT_REQUEST__INIT;
    PB(CreatePaymentResponse) out = CERTDESK__V1__CREATE_PAYMENT_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    assert_ok(call(w.c, "CreatePayment", &in, &out));
    snprintf(payment, ID_SIZE, "%s", out.payment->id);
}

static void scan(const char *payment)
{
    rig_do(&r, "/sim/wechat/pay", arena_printf(&r.a, "{\"out_trade_no\":\"%s\"}", payment));
}

static int told(void)
{
    return rig_callbacks(&r);
}

/* Hands the k-th callback to the server's own door, changed by `flip` in one bit of its body. */
static enum err hand_over(int k, bool flip)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct provider_pair headers[5];
    size_t n = 0;
    for (size_t i = 0; i < 5; i++)
        if (in.seen[i][0])
            headers[n++] = (struct provider_pair){callback_headers[i], in.seen[i]};
    if (flip)
        in.body[strlen(in.body) / 2] ^= 1;
    test_ctx_reset(&w.t);
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    enum err e = payment_callback(w.c, PROVIDER_WECHAT, headers, n, in.body, strlen(in.body));
    w.c->caller = caller;
    return e;
}

static void a_callback_pays_once_however_often_it_comes(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct payment p;
    to_payment(order);
    new_payment(order, payment);
    wait_payment(payment, PAY_WAITING);
    assert_ok(payment_load(w.c, payment, &p));
    assert_int_equal(strncmp(p.code_url, "weixin://", 9), 0);
    int k = told();
    scan(payment);
    assert_err(hand_over(k, true), ERR_SIGNATURE_BAD);
    assert_int_equal(state_of(order), ORDER_PAYMENT);
    for (int i = 0; i < 3; i++)
        assert_ok(hand_over(k, false));
    wait_payment(payment, PAY_PAID);
    assert_int_equal(state_of(order), ORDER_REVIEW);
    struct rows rows;
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM payment_capture WHERE payment_id = ?"),
                       TEXT(payment)));
    assert_int_equal(row_int(&rows, 0, 0), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM payment_event WHERE body LIKE '%pay\\_%'")),
                     0);
}

/* Signed it may be, but it does not fit: the provider is asked, and its answer counts. */
static void a_wrong_amount_in_a_callback_is_asked_about(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    wait_payment(payment, PAY_WAITING);
    int k = told();
    rig_fault(&r, "wechat", "callback", "wrong_amount");
    scan(payment);
    assert_ok(hand_over(k, false));
    wait_payment(payment, PAY_PAID);
    assert_int_equal(state_of(order), ORDER_REVIEW);
}

static void what_no_callback_told_is_found(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    wait_payment(payment, PAY_WAITING);
    scan(payment); /* its callback stays in the inbox */
    let_pass(5001);
    wait_payment(payment, PAY_PAID);
    assert_int_equal(state_of(order), ORDER_REVIEW);
}

static void placing_survives_lost_answers(void **s)
{
    (void)s;
    static const char *const kinds_of_loss[] = {"lose_answer", "lose_request", "garbage", "busy"};
    for (size_t i = 0; i < sizeof kinds_of_loss / sizeof *kinds_of_loss; i++) {
        char order[ID_SIZE], payment[ID_SIZE];
        struct payment p;
        to_payment(order);
        rig_fault(&r, "wechat", "order", kinds_of_loss[i]);
        new_payment(order, payment);
        wait_payment(payment, PAY_WAITING);
        assert_ok(payment_load(w.c, payment, &p));
        assert_int_equal(strncmp(p.code_url, "weixin://", 9), 0);
    }
}

static const char *trade_state(const char *payment)
{
    struct payment_status s;
    struct fault f;
    assert_ok(r.pay.ops->query(r.pay.self, payment, &r.a, &s, &f));
    return payment_state_name(s.state);
}

static void what_expires_is_closed_there_and_here(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE], next[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    wait_payment(payment, PAY_WAITING);
    let_pass(31 * 60000);
    wait_payment(payment, PAY_CLOSED);
    assert_string_equal(trade_state(payment), "CLOSED");
    new_payment(order, next);
    assert_string_not_equal(next, payment);
    wait_payment(next, PAY_WAITING);
}

static void cancelling_closes_the_code(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    to_payment(order);
    new_payment(order, payment);
    wait_payment(payment, PAY_WAITING);
    PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    in.order_id = order;
    assert_ok(call(w.c, "CancelOrder", &in, &out));
    wait_payment(payment, PAY_CLOSED);
    assert_string_equal(trade_state(payment), "CLOSED");
}

/* -- notices
 * ----------------------------------------------------------------------------------------------------- */

static const char notified[] = "13700000077";

/* Only what certdeskd names is approved at the provider, as it is of a real one. */
static void register_templates(void)
{
    json_t *all = json_object();
    const char *name, *text;
    size_t n;
    for (size_t i = 0; (name = notice_template(i, &text, &n)); i++)
        json_object_set_new(all, name, json_string(text));
    json_t *body = json_pack("{s:o}", "templates", all);
    char *said = json_dumps(body, JSON_COMPACT);
    rig_do(&r, "/sim/sms/templates", said);
    free(said);
    json_decref(body);
}

static enum err queue_notices(struct ctx *c, void *arg)
{
    (void)arg;
    /* as certdeskd queued it when the first words were in force */
    static const char old[] = "{\"phone\":\"13700000077\",\"template\":\"ORDER_PAID\",\"version\":1,"
                              "\"params\":[\"ord_old\",\"280.00\"]}";
    TRY(outbox_add(c, "sms.send", "sms:paid.sms:ord_old", "ord_old", old, strlen(old), 0, NULL));
    const char *params[] = {"ord_new", "280.00", "2-4"};
    return notice_sms(c, notified, SMS_ORDER_PAID, params, "paid.sms:ord_new", "ord_new");
}

static bool two_came(void *arg)
{
    json_t **got = arg;
    json_decref(*got);
    *got = rig_control(&r, "/sim/sms?phone=13700000077", NULL);
    return json_array_size(json_object_get(*got, "sms")) == 2;
}

static void what_was_queued_by_earlier_words_goes_out_by_them(void **s)
{
    (void)s;
    json_t *got = NULL;
    register_templates();
    let_pass(1000);
    assert_ok(tx_run(w.c, queue_notices, NULL));
    outbox_wake(outbox);
    if (!test_until(two_came, &got, PATIENCE_MS))
        world_fail("the messages did not come\n");
    char *text = json_dumps(got, 0);
    assert_non_null(strstr(text, "订单ord_old已支付280.00元，我们将在3-5个工作日内完成审核"));
    assert_non_null(strstr(text, "订单ord_new已支付280.00元，我们将在2-4个工作日内完成审核"));
    free(text);
    json_decref(got);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_company_and_its_representative_are_looked_up),
        cmocka_unit_test(what_fails_its_check_digit_is_never_asked),
        cmocka_unit_test(mismatches_say_what_does_not_match),
        cmocka_unit_test(trouble_is_not_a_mismatch),
        cmocka_unit_test(a_callback_pays_once_however_often_it_comes),
        cmocka_unit_test(a_wrong_amount_in_a_callback_is_asked_about),
        cmocka_unit_test(what_no_callback_told_is_found),
        cmocka_unit_test(placing_survives_lost_answers),
        cmocka_unit_test(what_expires_is_closed_there_and_here),
        cmocka_unit_test(cancelling_closes_the_code),
        cmocka_unit_test(what_was_queued_by_earlier_words_goes_out_by_them),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
