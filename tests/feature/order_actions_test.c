/* What an order lists is taken, and what it does not list is refused: every state x verb x caller, online and
 * by paper, for both kinds of subject, with and without materials and a code for the signature (S20).
 *
 * One order that has everything is put into each state; each verb is tried with right input and undone. What
 * only real data can decide (a verification that waits, a UKEY half written) is walked by the other tests and
 * by tests/flow/random.test.mjs.
 */
#include "world.h"

#include "core/tx.h"
#include "issue/issue.h"
#include "material/material_upload.h"
#include "order/form_pdf.h"
#include "order/order_paper.h"
#include "payment/payment_rpc.h"
#include "review/review.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct test_ctx desk;
static char order[ID_SIZE];
static char code[8];

#define IN(T, U)                                                                                             \
    PB(T##Request) in = CERTDESK__V1__##U##_REQUEST__INIT;                                                   \
    PB(T##Response) out = CERTDESK__V1__##U##_RESPONSE__INIT

#define SIMPLE(fn, T, U)                                                                                     \
    static enum err fn(const PB(Order) * o)                                                                  \
    {                                                                                                        \
        IN(T, U);                                                                                            \
        in.order_id = o->id;                                                                                 \
        return call_undone(w.c, #T, &in, &out);                                                              \
    }
SIMPLE(paper_route, SwitchToPaperRoute, SWITCH_TO_PAPER_ROUTE)
SIMPLE(back, ReturnToPurchase, RETURN_TO_PURCHASE)
SIMPLE(ask_code, RequestApplicationSignature, REQUEST_APPLICATION_SIGNATURE)
SIMPLE(cancel, CancelOrder, CANCEL_ORDER)

static enum err organization(const PB(Order) * o)
{
    IN(SubmitOrganization, SUBMIT_ORGANIZATION);
    PB(Organization) g = CERTDESK__V1__ORGANIZATION__INIT;
    in.order_id = o->id;
    in.organization = &g;
    g.name = (char *)"杭州测试有限公司";
    g.uscc = (char *)(uintptr_t)USCC;
    g.legal_rep_name = (char *)"张三";
    g.legal_rep_id_number = (char *)"11010519491231002X";
    g.legal_rep_phone = (char *)(uintptr_t)LEGAL_REP_PHONE;
    return call_undone(w.c, "SubmitOrganization", &in, &out);
}

static enum err person(const PB(Order) * o)
{
    IN(SubmitPerson, SUBMIT_PERSON);
    PB(Person) p = CERTDESK__V1__PERSON__INIT;
    in.order_id = o->id;
    in.person = &p;
    p.name = (char *)"张三";
    p.document_type = CERTDESK__V1__DOCUMENT_TYPE__DOCUMENT_TYPE_RESIDENT_ID;
    p.id_number = (char *)"11010519491231002X";
    p.phone = (char *)(uintptr_t)LEGAL_REP_PHONE;
    p.email = (char *)"zhang@example.com";
    return call_undone(w.c, "SubmitPerson", &in, &out);
}

static enum err another_method(const PB(Order) * o)
{
    enum err e = OK;
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++) {
        IN(ChangeMethod, CHANGE_METHOD);
        in.order_id = o->id;
        in.method = (PB(VerificationMethod))m;
        e = call_undone(w.c, "ChangeMethod", &in, &out);
        if (e != ERR_METHOD_NOT_OFFERED)
            return e;
    }
    return e;
}

static enum err agent_by(const PB(Order) * o, int method, bool in_person)
{
    IN(SubmitAgent, SUBMIT_AGENT);
    PB(Agent) g = CERTDESK__V1__AGENT__INIT;
    in.order_id = o->id;
    in.agent = &g;
    g.legal_rep_in_person = in_person;
    g.method = (PB(VerificationMethod))method;
    g.name = (char *)"李四";
    g.id_number = (char *)"11010519491231002X";
    g.phone = (char *)"13900000002";
    g.email = (char *)"zhang@example.com";
    return call_undone(w.c, "SubmitAgent", &in, &out);
}

/* Whoever it takes, by whatever is offered. */
static enum err agent(const PB(Order) * o)
{
    enum err e = OK;
    for (int m = 0; m <= METHOD_FACE; m++)
        for (int in_person = 1; in_person >= 0; in_person--) {
            fault_clear(w.c->fault);
            e = agent_by(o, m, in_person);
            if (e != ERR_METHOD_NOT_OFFERED && e != ERR_INVALID)
                return e;
        }
    return e;
}

static enum err confirm_check(const PB(Order) * o)
{
    IN(ConfirmVerification, CONFIRM_VERIFICATION);
    in.verification_id = (char *)(o->verification ? o->verification->id : "");
    in.code = (char *)"123456";
    return call_undone(w.c, "ConfirmVerification", &in, &out);
}

static enum err resend(const PB(Order) * o)
{
    IN(ResendVerificationCode, RESEND_VERIFICATION_CODE);
    in.verification_id = (char *)(o->verification ? o->verification->id : "");
    return call_undone(w.c, "ResendVerificationCode", &in, &out);
}

static enum err face(const PB(Order) * o)
{
    IN(StartFace, START_FACE);
    in.verification_id = (char *)(o->verification ? o->verification->id : "");
    return call_undone(w.c, "StartFace", &in, &out);
}

static char individual_product[ID_SIZE];

static enum err buy(const PB(Order) * o, enum err (*how)(struct ctx *, const char *, const void *, void *))
{
    IN(SetPurchase, SET_PURCHASE);
    PB(Purchase) p = CERTDESK__V1__PURCHASE__INIT;
    PB(Address) to = CERTDESK__V1__ADDRESS__INIT;
    in.order_id = o->id;
    in.purchase = &p;
    p.product_id = o->organization ? w.product : individual_product;
    p.term_months = 12;
    p.quantity = 1;
    p.delivery = &to;
    to.province = (char *)"浙江省";
    to.city = (char *)"杭州市";
    to.street = (char *)"文三路1号";
    return how(w.c, "SetPurchase", &in, &out);
}

static enum err purchase(const PB(Order) * o)
{
    return buy(o, call_undone);
}

static enum err confirm(const PB(Order) * o)
{
    IN(ConfirmPurchase, CONFIRM_PURCHASE);
    in.order_id = o->id;
    in.total_fen = o->quote ? o->quote->total_fen : 0;
    return call_undone(w.c, "ConfirmPurchase", &in, &out);
}

/* Which kinds there are is the channel's; a file is taken for the first that may come. */
static enum err upload(const PB(Order) * o)
{
    static const char *const kinds[] = {"business_license", "agent_id_front", "agent_id_back", "id_front",
                                        "id_back"};
    static const unsigned char png[MATERIAL_HEAD] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    enum err e = OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        e = material_look(w.c, &(struct incoming){.order_id = o->id,
                                                  .kind = kinds[i],
                                                  .file_name = "a.png",
                                                  .digest = "",
                                                  .bytes = png,
                                                  .n = sizeof png});
        if (e == OK)
            return e;
        fault_clear(w.c->fault);
    }
    return e;
}

static enum err sign_it(const PB(Order) * o)
{
    IN(SignApplication, SIGN_APPLICATION);
    PB(Consent) each[4], *list[4];
    for (size_t i = 0; i < w.n_consents; i++) {
        certdesk__v1__consent__init(list[i] = &each[i]);
        each[i].agreement_id = (char *)(uintptr_t)w.consents[i].agreement_id;
        each[i].agreement_version = w.consents[i].version;
    }
    in.order_id = o->id;
    in.code = code;
    in.consents = list;
    in.n_consents = w.n_consents;
    return call_undone(w.c, "SignApplication", &in, &out);
}

static enum err form(const PB(Order) * o)
{
    struct form f;
    return order_application_form(w.c, o->id, &f);
}

static enum err arrive(struct ctx *c, void *id)
{
    struct order o;
    return order_papers_arrived(c, id, &o);
}

static enum err papers(const PB(Order) * o)
{
    return world_undone(&desk.c, arrive, o->id);
}

static enum err do_decide(struct ctx *c, void *arg)
{
    struct order o;
    return review_decide(c, arg, &o);
}

static enum err decide(const PB(Order) * o)
{
    const enum material_verdict verdict = VERDICT_APPROVED;
    const struct material *have;
    const char *id, *reason = "";
    struct decision d = {.order_id = o->id,
                         .version = o->version,
                         .approve = true,
                         .material_ids = &id,
                         .verdicts = &verdict,
                         .reasons = &reason,
                         .comment = ""};
    assert_ok(material_list(w.c, o->id, &have, &d.n));
    id = d.n ? have[0].id : "";
    return world_undone(&desk.c, do_decide, &d);
}

static enum err do_begin(struct ctx *c, void *id)
{
    static const enum key_algorithm sm2 = KEY_SM2;
    struct personalisation p;
    return issue_begin(c, id, "70000001", &sm2, 1, &p);
}

static enum err begin(const PB(Order) * o)
{
    return world_undone(&desk.c, do_begin, o->id);
}

static enum err pay(const PB(Order) * o)
{
    enum err e = OK;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        IN(CreatePayment, CREATE_PAYMENT);
        in.order_id = o->id;
        in.provider = (PB(PaymentProvider))provider;
        e = call_undone(w.c, "CreatePayment", &in, &out);
        if (e == OK)
            return e;
    }
    return e;
}

static const struct verb {
    const char *name;
    enum err (*try)(const PB(Order) * o);
    bool of_desk;
    unsigned but; /* bits of states whose data this test does not make */
} verbs[] = {
    {"SubmitOrganization", organization, false, 0},
    {"SubmitPerson", person, false, 0},
    {"ChangeMethod", another_method, false, 0},
    {"SwitchToPaperRoute", paper_route, false, 0},
    {"ConfirmVerification", confirm_check, false, 0},
    {"ResendVerificationCode", resend, false, 0},
    {"StartFace", face, false, 0},
    {"SubmitAgent", agent, false, 0},
    {"SetPurchase", purchase, false, 0},
    {"ConfirmPurchase", confirm, false, 0},
    {"ReturnToPurchase", back, false, 0},
    {"UploadMaterial", upload, false, 0},
    {"RequestApplicationSignature", ask_code, false, 0},
    {"SignApplication", sign_it, false, 0},
    {"CreatePayment", pay, false, 0},
    {"GetApplicationForm", form, false, 0},
    {"CancelOrder", cancel, false, 0},
    {"RecordPaperArrival", papers, true, 0},
    {"DecideReview", decide, true, 0},
    {"BeginPersonalisation", begin, true, 1U << ORDER_PERSONALISING},
};

static size_t tried, taken;

static void each_verb(const char *what)
{
    PB(Order) *mine = get_order(w.c, order), *theirs = get_order(&desk.c, order);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const struct verb *v = &verbs[i];
        if (v->but >> mine->state & 1)
            continue;
        enum err e = v->try(mine);
        bool listed = has_action(v->of_desk ? theirs : mine, v->name);
        if (listed != (e == OK || e == ERR_RATE_LIMITED))
            world_fail("%s in %s, %s: %s, and it answers %s %s", v->name, order_state_name((int)mine->state),
                       what, listed ? "listed" : "not listed", err_name(e), fault_text(w.c->fault));
        tried++;
        taken += listed;
    }
}

static void put(enum order_state state, enum subject_kind kind, bool paper, bool there)
{
    assert_ok(
        db_exec(w.c, NULL,
                SQL("UPDATE orders SET state = ?, subject_kind = ?, paper_route = ?, version = version + 1"
                    " WHERE id = ?"),
                INT(state), INT(kind), INT(paper), TEXT(order)));
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE material SET in_use = ? WHERE order_id = ?"),
                      there ? INT(1) : SQLNULL, TEXT(order)));
}

static void each_state(enum subject_kind kind, bool paper, bool there)
{
    for (int state = 1; state <= ORDER_LAST_STATE; state++) {
        char what[80];
        if (kind == SUBJECT_INDIVIDUAL && (state == ORDER_AGENT || state == ORDER_AGENT_VERIFYING))
            continue; /* never there */
        snprintf(what, sizeof what, "%s, %s, %s materials, %s code",
                 kind == SUBJECT_ORGANIZATION ? "organization" : "individual", paper ? "by paper" : "online",
                 there ? "with" : "without", code[0] == 'x' ? "without" : "with");
        put((enum order_state)state, kind, paper, there);
        each_verb(what);
    }
}

static void what_is_listed_is_taken_and_nothing_else(void **s)
{
    (void)s;
    struct order o;
    char payment[ID_SIZE];
    order_to_payment(&w, order);
    wait_for_payment(&w, order, payment);
    for (int with_code = 0; with_code < 2; with_code++) {
        world_next(&w, INT64_C(25) * 3600000);
        desk.c.now_ms = w.c->now_ms;
        snprintf(code, sizeof code, "xxxxxx");
        if (with_code) {
            put(ORDER_SIGNATURE, SUBJECT_ORGANIZATION, false, true);
            IN(RequestApplicationSignature, REQUEST_APPLICATION_SIGNATURE);
            in.order_id = order;
            assert_ok(call(w.c, "RequestApplicationSignature", &in, &out));
            assert_ok(order_load(w.c, order, &o));
            snprintf(code, sizeof code, "%s", world_code(&w, order_contact(&o).phone));
        }
        for (int there = 0; there < 2; there++)
            for (int paper = 0; paper < 2; paper++)
                each_state(SUBJECT_ORGANIZATION, paper, there);
    }
    put(ORDER_PURCHASE, SUBJECT_INDIVIDUAL, false, true);
    assert_ok(buy(get_order(w.c, order), call));
    each_state(SUBJECT_INDIVIDUAL, false, true);
    each_state(SUBJECT_INDIVIDUAL, true, true);
    print_message("# %zu tried, %zu of them listed\n", tried, taken);
    assert_true(taken > 100);
}

/* What a channel's file may withdraw while orders stand before it, and how it comes back. */
static void what_is_withdrawn_is_not_listed(void **s)
{
    (void)s;
    static const struct {
        const char *what;
        struct sql out, back;
    } each[] = {
        {"the order's method", SQL("UPDATE channel_offer SET methods = methods ^ 4 WHERE methods & 4"),
         SQL("UPDATE channel_offer SET methods = methods ^ 4")},
        {"all methods",
         SQL("UPDATE channel_offer SET methods = methods << 8, agent_methods = agent_methods << 8"),
         SQL("UPDATE channel_offer SET methods = methods >> 8, agent_methods = agent_methods >> 8")},
        {"a phone that was proved, and the agent's methods",
         SQL("UPDATE channel_offer, orders SET agent_methods = agent_methods << 8, method = 4"),
         SQL("UPDATE channel_offer, orders SET agent_methods = agent_methods >> 8, method = 2")},
        {"a phone that was proved, and an agent's method that proves one",
         SQL("UPDATE channel_offer, orders SET agent_methods = agent_methods & 16, method = 4"),
         SQL("UPDATE channel_offer, orders SET agent_methods = IF(agent_methods, 28, 0), method = 2")},
        {"the kind of order", SQL("UPDATE channel_offer SET order_kind = order_kind + 100"),
         SQL("UPDATE channel_offer SET order_kind = order_kind - 100")},
        {"the products", SQL("UPDATE product SET in_force = in_force + 2"),
         SQL("UPDATE product SET in_force = in_force - 2")},
        {"the prices", SQL("UPDATE product_price SET product_id = CONCAT('x', product_id)"),
         SQL("UPDATE product_price SET product_id = SUBSTR(product_id, 2)")},
        {"the materials", SQL("UPDATE channel_material SET order_kind = order_kind + 100"),
         SQL("UPDATE channel_material SET order_kind = order_kind - 100")},
        {"who is paid through", SQL("UPDATE channel SET policy = policy"),
         SQL("UPDATE channel SET policy = policy")},
    };
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT method FROM orders WHERE id = ?"), TEXT(order)));
    assert_int_equal(1 << row_int(&r, 0, 0), 4);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        const size_t had = taken;
        world_next(&w, INT64_C(25) * 3600000);
        desk.c.now_ms = w.c->now_ms;
        snprintf(code, sizeof code, "xxxxxx");
        assert_ok(db_exec(w.c, NULL, each[i].out));
        assert_ok(
            db_exec(w.c, NULL, SQL("UPDATE channel SET version = version + 1"))); /* as an import does */
        if (i == sizeof each / sizeof *each - 1)
            w.providers.n_payment = 0;
        put(ORDER_PURCHASE, SUBJECT_ORGANIZATION, false, true);
        for (int paper = 0; paper < 2; paper++) {
            each_state(SUBJECT_ORGANIZATION, paper, true);
            each_state(SUBJECT_INDIVIDUAL, paper, true);
        }
        w.providers.n_payment = 2;
        assert_ok(db_exec(w.c, NULL, each[i].back));
        assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET version = version + 1")));
        print_message("# without %s: %zu listed\n", each[i].what, taken - had);
    }
}

static unsigned roles_of(const struct rpc_table *t, const char *method)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->rows[i].method, method) == 0)
            return t->rows[i].roles;
    return 0;
}

/* The list and the rule (payment_rpc.c) name the same roles. */
static void a_refund_is_listed_for_whom_it_is_taken_from(void **s)
{
    (void)s;
    const unsigned all = desk.c.caller.roles, takes = roles_of(&payment_rpc, "RefundPayment");
    assert_true(takes & ROLE_FINANCE);
    put(ORDER_REVIEW, SUBJECT_ORGANIZATION, false, true);
    for (unsigned role = 1; role & ROLE_ANY; role <<= 1) {
        desk.c.caller.roles = role;
        if (has_action(get_order(&desk.c, order), "RefundPayment") != ((takes & role) != 0))
            world_fail("RefundPayment and role %u", role);
    }
    desk.c.caller.roles = all;
}

static enum err stock(struct ctx *c, void *arg)
{
    (void)arg;
    char number[] = "70000001", *const numbers[] = {number};
    const char **known;
    size_t n;
    return stock_register(c, numbers, 1, "soft", &known, &n);
}

static int setup(void **state)
{
    (void)state;
    if (world_open(&w) != 0)
        return -1;
    world_ctx(&w, &desk, "stf_test");
    desk.c.caller = (struct caller){.kind = CALLER_STAFF,
                                    .id = "stf_test",
                                    .roles = ROLE_REVIEWER | ROLE_OPERATOR | ROLE_SHIPPER | ROLE_ADMIN};
    assert_ok(tx_run(&desk.c, stock, NULL));
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT id FROM product WHERE code = 'ind'")));
    snprintf(individual_product, sizeof individual_product, "%s", row_text(&r, 0, 0));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_close(&desk);
    return world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_is_taken_and_nothing_else),
        cmocka_unit_test(what_is_withdrawn_is_not_listed),
        cmocka_unit_test(a_refund_is_listed_for_whom_it_is_taken_from),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
