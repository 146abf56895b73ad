/* Every mutating call of orders, verifications and payments with its k-th statement failing, k = 1, 2, …
 * until it passes: after each failure the database is as it was and the caller has an error. */
#include "world.h"

#include "core/tx.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static char order[ID_SIZE];

static int setup(void **state)
{
    (void)state;
    return world_open(&w);
}

static int teardown(void **state)
{
    (void)state;
    return world_close(&w);
}

/* One piece of work that may be tried again and again until it is done. */
typedef enum err attempt(int k, void *arg);

static void until_it_passes(const char *what, attempt *go, void *arg, int at_least)
{
    struct arena before, after;
    arena_init(&before, 0);
    arena_init(&after, 0);
    const char *was = world_dump(&w, &before);
    int k = 1;
    for (;; k++) {
        enum err e = go(k, arg);
        w.c->fail_at = 0;
        if (e == OK)
            break;
        assert_err(e, ERR_UNAVAILABLE);
        const char *is = world_dump(&w, &after);
        if (strcmp(was, is) != 0)
            world_fail("%s: a failure of statement %d left something behind\n", what, k);
        arena_free(&after);
        test_ctx_reset(&w.t);
        assert_true(k < 200);
    }
    print_message("# %s: %d statements\n", what, k - 1);
    assert_true(k > at_least);
    assert_string_not_equal(was, world_dump(&w, &after));
    arena_free(&before);
    arena_free(&after);
}

struct rpc {
    const char *method;
    const void *in;
    void *out;
    void (*init)(void *out);
};

static enum err rpc_attempt(int k, void *arg)
{
    const struct rpc *r = arg;
    protobuf_c_message_init(((ProtobufCMessage *)r->out)->descriptor, r->out);
    return call_failing(w.c, r->method, r->in, r->out, k);
}

/* in and out must not live in the ctx's arena: it is thrown away between attempts. */
static void rpc_until_it_passes(const char *method, const void *in, void *out, int at_least)
{
    until_it_passes(method, rpc_attempt, &(struct rpc){method, in, out, NULL}, at_least);
}

#define REQUEST(T, fn, name)                                                                                 \
    PB(T##Request) name = CERTDESK__V1__##fn##_REQUEST__INIT;                                                \
    PB(T##Response) name##_out = CERTDESK__V1__##fn##_RESPONSE__INIT

static PB(Consent) consents[4];
static PB(Consent) * consent_list[4];

static void fill_consents(void)
{
    for (size_t i = 0; i < w.n_consents; i++) {
        certdesk__v1__consent__init(&consents[i]);
        consents[i].agreement_id = (char *)(uintptr_t)w.consents[i].agreement_id;
        consents[i].agreement_version = w.consents[i].version;
        consent_list[i] = &consents[i];
    }
}

static void create_order(void **s)
{
    (void)s;
    REQUEST(CreateOrder, CREATE_ORDER, in);
    fill_consents();
    in.channel = (char *)"test";
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_NEW;
    in.subject_kind = CERTDESK__V1__SUBJECT_KIND__SUBJECT_KIND_ORGANIZATION;
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_UKEY;
    in.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    in.consents = consent_list;
    in.n_consents = w.n_consents;
    rpc_until_it_passes("CreateOrder", &in, &in_out, 6);
    snprintf(order, sizeof order, "%s", in_out.order->id);
}

static void change_method(void **s)
{
    (void)s;
    REQUEST(ChangeMethod, CHANGE_METHOD, in);
    in.order_id = order;
    in.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    rpc_until_it_passes("ChangeMethod", &in, &in_out, 4);
}

static enum err organization_attempt(int k, void *arg)
{
    (void)arg;
    REQUEST(SubmitOrganization, SUBMIT_ORGANIZATION, in);
    PB(Organization) org = CERTDESK__V1__ORGANIZATION__INIT;
    in.order_id = order;
    in.organization = &org;
    org.name = (char *)"杭州测试有限公司";
    org.uscc = (char *)(uintptr_t)USCC;
    org.legal_rep_name = (char *)"张三";
    org.legal_rep_id_number = (char *)"11010519491231002X";
    org.legal_rep_phone = (char *)(uintptr_t)LEGAL_REP_PHONE;
    return call_failing(w.c, "SubmitOrganization", &in, &in_out, k);
}

static void submit_organization_(void **s)
{
    (void)s;
    until_it_passes("SubmitOrganization", organization_attempt, NULL, 6);
}

struct told {
    char verification[ID_SIZE];
    const char *check;
    bool match;
};

static enum err record(struct ctx *c, void *arg)
{
    const struct told *t = arg;
    struct check_answer a = {.check = t->check,
                             .provider = "test",
                             .outcome = "MATCH",
                             .code = "0",
                             .request_id = "r",
                             .match = t->match,
                             .mismatched = t->match ? "" : "phone",
                             .checked_ms = c->now_ms};
    return identity_record(c, t->verification, &a);
}

static enum err as_system(int k, tx_body *body, void *arg)
{
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    w.c->fail_at = k;
    enum err e = tx_run(w.c, body, arg);
    w.c->caller = caller;
    return e;
}

static enum err record_attempt(int k, void *arg)
{
    return as_system(k, record, arg);
}

static void newest_verification(struct told *t)
{
    struct order o;
    assert_ok(order_load(w.c, order, &o));
    snprintf(t->verification, sizeof t->verification, "%s", o.verification);
}

static void provider_answers(void **s)
{
    (void)s;
    struct told t = {.check = "enterprise4", .match = true};
    newest_verification(&t);
    until_it_passes("enterprise4 matches", record_attempt, &t, 4);
    t = (struct told){.check = "phone3", .match = false};
    newest_verification(&t);
    until_it_passes("phone3 does not", record_attempt, &t, 6);
    assert_ok(organization_attempt(0, NULL));
    t = (struct told){.check = "enterprise4", .match = true};
    newest_verification(&t);
    assert_ok(record_attempt(0, &t));
    t.check = "phone3";
    until_it_passes("phone3 matches", record_attempt, &t, 8);
}

static enum err give_up(struct ctx *c, void *arg)
{
    return identity_give_up(c, ((const struct told *)arg)->verification);
}

static enum err give_up_attempt(int k, void *arg)
{
    return as_system(k, give_up, arg);
}

static void provider_gone(void **s)
{
    (void)s;
    struct told t;
    world_next(&w, 61000);
    assert_ok(organization_attempt(0, NULL));
    newest_verification(&t);
    until_it_passes("the provider is gone", give_up_attempt, &t, 5);
    assert_ok(organization_attempt(0, NULL));
    world_verified(&w, order, true);
}

static void resend_and_confirm(void **s)
{
    (void)s;
    struct told t;
    world_next(&w, 61000);
    newest_verification(&t);
    REQUEST(ResendVerificationCode, RESEND_VERIFICATION_CODE, again);
    again.verification_id = t.verification;
    rpc_until_it_passes("ResendVerificationCode", &again, &again_out, 6);
    char code[16];
    snprintf(code, sizeof code, "%s", world_code(&w, LEGAL_REP_PHONE));
    REQUEST(ConfirmVerification, CONFIRM_VERIFICATION, in);
    in.verification_id = t.verification;
    in.code = code;
    rpc_until_it_passes("ConfirmVerification", &in, &in_out, 6);
}

static void submit_agent(void **s)
{
    (void)s;
    REQUEST(SubmitAgent, SUBMIT_AGENT, in);
    PB(Agent) agent = CERTDESK__V1__AGENT__INIT;
    in.order_id = order;
    in.agent = &agent;
    agent.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    agent.name = (char *)"李四";
    agent.id_number = (char *)"110101199003070134";
    agent.email = (char *)"li@example.com";
    agent.phone = (char *)(uintptr_t)AGENT_PHONE;
    rpc_until_it_passes("SubmitAgent", &in, &in_out, 6);
    pass_agent(&w, order);
}

static void purchase(void **s)
{
    (void)s;
    REQUEST(SetPurchase, SET_PURCHASE, in);
    PB(Purchase) p = CERTDESK__V1__PURCHASE__INIT;
    PB(Address) to = CERTDESK__V1__ADDRESS__INIT;
    in.order_id = order;
    in.purchase = &p;
    p.product_id = w.product;
    p.term_months = 12;
    p.delivery = &to;
    to.province = (char *)"浙江省";
    to.city = (char *)"杭州市";
    to.street = (char *)"文三路1号";
    rpc_until_it_passes("SetPurchase", &in, &in_out, 5);
    REQUEST(ReturnToPurchase, RETURN_TO_PURCHASE, back);
    back.order_id = order;
    rpc_until_it_passes("ReturnToPurchase", &back, &back_out, 4);
    set_purchase(&w, order);
    REQUEST(ConfirmPurchase, CONFIRM_PURCHASE, yes);
    yes.order_id = order;
    yes.total_fen = 28000;
    rpc_until_it_passes("ConfirmPurchase", &yes, &yes_out, 5);
}

static void signature(void **s)
{
    (void)s;
    add_material(&w, order);
    REQUEST(RequestApplicationSignature, REQUEST_APPLICATION_SIGNATURE, ask);
    ask.order_id = order;
    rpc_until_it_passes("RequestApplicationSignature", &ask, &ask_out, 7);
    char code[16];
    snprintf(code, sizeof code, "%s", world_code(&w, AGENT_PHONE));
    REQUEST(SignApplication, SIGN_APPLICATION, in);
    fill_consents();
    in.order_id = order;
    in.code = code;
    in.consents = consent_list;
    in.n_consents = w.n_consents;
    rpc_until_it_passes("SignApplication", &in, &in_out, 8);
}

static enum err settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static enum err settle_attempt(int k, void *arg)
{
    return as_system(k, settle, arg);
}

static void money(void **s)
{
    (void)s;
    REQUEST(CreatePayment, CREATE_PAYMENT, in);
    in.order_id = order;
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    rpc_until_it_passes("CreatePayment", &in, &in_out, 6);
    char payment[ID_SIZE];
    wait_for_payment(&w, order, payment);
    struct receipt r = {PROVIDER_WECHAT, "T-wrong", payment, "CNY", 1, 1};
    until_it_passes("a wrong amount", settle_attempt, &r, 5);
    wait_for_payment(&w, order, payment);
    r = (struct receipt){PROVIDER_WECHAT, "T-right", payment, "CNY", 28000, 1};
    until_it_passes("the right amount", settle_attempt, &r, 10);
    struct order o;
    assert_ok(order_load(w.c, order, &o));
    assert_int_equal(o.state, ORDER_REVIEW);
}

static void cancel(void **s)
{
    (void)s;
    char id[ID_SIZE];
    make_order(&w, w.c, id);
    REQUEST(CancelOrder, CANCEL_ORDER, in);
    in.order_id = id;
    rpc_until_it_passes("CancelOrder", &in, &in_out, 4);
}

/* With a code that could be paid. */
static void back_from_payment(void **s)
{
    (void)s;
    char id[ID_SIZE], code[ID_SIZE];
    struct payment p;
    make_order(&w, w.c, id);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = ?, price_fen = 28000 WHERE id = ?"),
                      INT(ORDER_PAYMENT), TEXT(id)));
    wait_for_payment(&w, id, code);
    REQUEST(ReturnToPurchase, RETURN_TO_PURCHASE, in);
    in.order_id = id;
    rpc_until_it_passes("ReturnToPurchase", &in, &in_out, 7);
    assert_state(&w, id, ORDER_PURCHASE);
    assert_ok(payment_load(w.c, code, &p));
    assert_int_equal(p.state, PAY_CLOSING);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_order),
        cmocka_unit_test(change_method),
        cmocka_unit_test(submit_organization_),
        cmocka_unit_test(provider_answers),
        cmocka_unit_test(provider_gone),
        cmocka_unit_test(resend_and_confirm),
        cmocka_unit_test(submit_agent),
        cmocka_unit_test(purchase),
        cmocka_unit_test(signature),
        cmocka_unit_test(money),
        cmocka_unit_test(cancel),
        cmocka_unit_test(back_from_payment),
    };
#ifndef CERTDESK_FAULTS
    print_message("1..0 # SKIP needs CERTDESK_FAULTS\n");
    (void)tests, (void)setup, (void)teardown;
    return 0;
#else
    return CHECK_MAIN_WORLD(tests, setup, teardown);
#endif
}
