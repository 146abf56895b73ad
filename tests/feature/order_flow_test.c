/* The order of issue 2 through its handlers: every step, what it refuses, and who sees what. */
#include "world.h"

#include "core/tx.h"
#include "order/order_rpc.h"

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

static void settle(const char *payment, int64_t fen, const char *txn);

static void the_order_goes_from_its_first_call_to_review(void **s)
{
    (void)s;
    make_order(&w, w.c, order);
    PB(Order) *o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_SUBJECT);
    assert_int_equal(o->version, 1);
    assert_true(has_action(o, "SubmitOrganization") && has_action(o, "CancelOrder") &&
                has_action(o, "ChangeMethod"));
    assert_false(has_action(o, "SubmitPerson") || has_action(o, "DecideReview"));

    assert_ok(submit_organization(w.c, order, USCC, LEGAL_REP_PHONE));
    o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_SUBJECT_VERIFYING);
    assert_int_equal(o->verification->state, VERIFICATION_PENDING);
    assert_int_equal(o->verification->attempts_left, 4);
    assert_false(has_action(o, "ConfirmVerification"));
    world_verified(&w, order, true);
    o = get_order(w.c, order);
    assert_int_equal(o->verification->state, VERIFICATION_CODE_SENT);
    assert_string_equal(o->verification->sent_to, "138****5678");
    assert_true(has_action(o, "ConfirmVerification"));

    world_next(&w, 61000);
    pass_organization(&w, order); /* submitted again while its code was out: the newest counts */
    assert_state(&w, order, ORDER_AGENT);
    pass_agent(&w, order);
    assert_state(&w, order, ORDER_PURCHASE);
    set_purchase(&w, order);
    o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_CONFIRM);
    assert_int_equal(o->quote->total_fen, 28000);
    assert_string_equal(o->purchase->invoice->title, "杭州测试有限公司");
    assert_string_equal(o->purchase->invoice->email, "li@example.com");
    assert_string_equal(o->purchase->invoice->tax_number, USCC);
    assert_string_equal(o->purchase->delivery->recipient, "李*");
    assert_string_equal(o->purchase->delivery->phone, "139****4321");
    confirm_purchase(&w, order);
    add_material(&w, order);
    sign(&w, order);
    o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_PAYMENT);
    assert_true(has_action(o, "CreatePayment"));

    char payment[ID_SIZE];
    wait_for_payment(&w, order, payment);
    settle(payment, 28000, "4200000001");
    o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_REVIEW);
    assert_true(o->payment->paid);
    assert_string_equal(o->payment->payment_id, payment);
    assert_int_equal(o->n_actions, 0); /* S20: only see */
    struct order full;
    assert_ok(order_load(w.c, order, &full));
    assert_int_equal(full.submitted_ms, w.c->now_ms);
    int64_t due_ms;
    assert_ok(catalog_working_days(w.c, full.channel, w.c->now_ms, 5, &due_ms));
    assert_int_equal(full.due_ms, due_ms);
}

static enum err do_settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static void settle(const char *payment, int64_t fen, const char *txn)
{
    struct receipt r = {PROVIDER_WECHAT, txn, payment, "CNY", fen, w.c->now_ms};
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(w.c, do_settle, &r));
    w.c->caller = caller;
}

static void what_is_signed_holds_everything(void **s)
{
    (void)s;
    struct order o;
    unsigned char digest[32];
    assert_ok(order_load(w.c, order, &o));
    static const char *const parts[] = {
        "91350100M000100Y43", "11010519491231002X", "13812345678",      "李四",
        "110101199003070134", "li@example.com",     "文三路1号",        "\"price_fen\":28000",
        "business_license",   "6469676573",         "\"agreements\":[", "\"signer_phone\":\"13987654321\"",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(o.signed_text, parts[i]))
            world_fail("%s is not in %s", parts[i], o.signed_text);
    crypt_sha256(o.signed_text, strlen(o.signed_text), digest);
    assert_memory_equal(digest, o.signed_digest, 32);
}

static void every_version_has_one_audit_row(void **s) /* I-9 */
{
    (void)s;
    struct rows r;
    assert_ok(db_query(w.c, &r,
                       SQL("SELECT COUNT(*), COUNT(DISTINCT a.version), MAX(a.version), MAX(o.version) FROM "
                           "audit a JOIN orders o ON o.id = a.object WHERE a.object = ?"),
                       TEXT(order)));
    assert_int_equal(row_int(&r, 0, 0), row_int(&r, 0, 3));
    assert_int_equal(row_int(&r, 0, 1), row_int(&r, 0, 3));
    assert_int_equal(row_int(&r, 0, 2), row_int(&r, 0, 3));
}

static void personal_numbers_are_masked_and_sealed(void **s)
{
    (void)s;
    PB(Order) *o = get_order(w.c, order);
    assert_string_equal(o->organization->legal_rep_phone, "138****5678");
    assert_null(strstr(o->organization->legal_rep_id_number, "19491231"));
    assert_string_equal(o->agent->name, "李*");
    static const char *const secrets[] = {"13812345678", "11010519491231002", "13987654321", "张三", "李四"};
    const char *dump = world_dump(&w, w.c->arena);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        assert_null(strstr(dump, secrets[i]));
}

static void others_see_nothing(void **s)
{
    (void)s;
    static const struct {
        enum caller_kind kind;
        const char *id, *channel;
        enum err want;
    } eyes[] = {
        {CALLER_ACCOUNT, "acc_other", "", ERR_NOT_FOUND},         {CALLER_NONE, "", "", ERR_NOT_FOUND},
        {CALLER_ACCOUNT, "acc_test", "chn_other", ERR_NOT_FOUND}, {CALLER_STAFF, "stf_1", "", OK},
        {CALLER_STAFF, "stf_1", "chn_other", ERR_NOT_FOUND},      {CALLER_SYSTEM, "system", "", OK},
        {CALLER_PARTNER, "par_1", "chn_other", ERR_NOT_FOUND},    {CALLER_ACCOUNT, "acc_test", "", OK},
    };
    for (size_t i = 0; i < sizeof eyes / sizeof *eyes; i++) {
        struct test_ctx t;
        world_ctx(&w, &t, eyes[i].id);
        t.c.caller.kind = eyes[i].kind;
        if (*eyes[i].channel || eyes[i].kind != CALLER_ACCOUNT)
            snprintf(t.c.caller.channel, ID_SIZE, "%s", eyes[i].channel);
        struct order o;
        assert_err(order_load(&t.c, order, &o), eyes[i].want);
        test_ctx_close(&t);
    }
}

static void a_group_gives_everyone_their_own(void **s)
{
    (void)s;
    const struct rpc_row *row = NULL;
    for (size_t i = 0; i < order_rpc.n; i++)
        if (order_rpc.rows[i].many)
            row = &order_rpc.rows[i];
    assert_non_null(row);
    enum {
        MANY = 40
    };
    struct test_ctx own, other, staff;
    world_ctx(&w, &own, "acc_test");
    world_ctx(&w, &other, "acc_other");
    world_ctx(&w, &staff, "stf_1");
    staff.c.caller = (struct caller){.kind = CALLER_STAFF, .id = "stf_1"};
    struct ctx *const who[] = {&own.c, &other.c, &staff.c, &own.c};
    const char *const ids[] = {order, order, order, "ord_00000000000000000000000000"};
    const enum err want[] = {OK, ERR_NOT_FOUND, OK, ERR_NOT_FOUND};
    struct ctx *cs[MANY];
    PB(GetOrderRequest) in[MANY];
    PB(GetOrderResponse) out[MANY];
    const ProtobufCMessage *ins[MANY];
    ProtobufCMessage *outs[MANY];
    enum err errs[MANY];
    for (size_t i = 0; i < MANY; i++) {
        cs[i] = who[i % 4];
        certdesk__v1__get_order_request__init(&in[i]);
        certdesk__v1__get_order_response__init(&out[i]);
        in[i].order_id = (char *)(uintptr_t)ids[i % 4];
        ins[i] = &in[i].base;
        outs[i] = &out[i].base;
    }
    uint64_t before = db_statements(own.c.db);
    assert_ok(row->many(MANY, cs, ins, outs, errs));
    for (size_t i = 0; i < MANY; i++) {
        assert_err(errs[i], want[i % 4]);
        if (errs[i] == OK)
            assert_string_equal(out[i].order->id, order);
    }
    /* two groups, and for each order found its payment, and each staff call its own look-up */
    assert_true(db_statements(own.c.db) - before <= 2 + 10 + 10);
    test_ctx_close(&own);
    test_ctx_close(&other);
    test_ctx_close(&staff);
}

static void the_number_is_taken_until_cancelled(void **s)
{
    (void)s;
    char second[ID_SIZE], third[ID_SIZE];
    struct test_ctx other;
    world_next(&w, 61000);
    make_order(&w, w.c, second);
    assert_err(submit_organization(w.c, second, USCC, LEGAL_REP_PHONE), ERR_ORDER_OPEN);
    assert_string_equal(w.t.fault.resource, order);
    assert_non_null(strstr(w.t.fault.text, order));
    assert_non_null(strstr(w.t.fault.text, "it waits for review")); /* and where it stands */
    assert_non_null(strstr(w.t.fault.text_zh, "待审核"));
    assert_state(&w, second, ORDER_SUBJECT);
    assert_ok(submit_organization(w.c, second, OTHER_USCC, LEGAL_REP_PHONE));

    world_ctx(&w, &other, "acc_other");
    make_order(&w, &other.c, third);
    assert_err(submit_organization(&other.c, third, OTHER_USCC, LEGAL_REP_PHONE), ERR_ORDER_OPEN);
    assert_string_equal(other.fault.resource, ""); /* whose it is stays untold */
    assert_null(strstr(other.fault.text, "ord_"));

    PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    in.order_id = second;
    assert_ok(call(w.c, "CancelOrder", &in, &out));
    assert_int_equal(out.order->n_actions, 0);
    assert_ok(submit_organization(&other.c, third, OTHER_USCC, LEGAL_REP_PHONE));
    assert_err(call(w.c, "CancelOrder", &in, &out), ERR_ORDER_STATE);
    test_ctx_close(&other);
}

static void a_price_that_moved_is_shown_before_it_is_agreed_to(void **s)
{
    (void)s;
    char id[ID_SIZE];
    world_next(&w, 3600000);
    make_order(&w, w.c, id);
    assert_ok(submit_organization(w.c, id, "91310000775785552L", "13700000002"));
    world_verified(&w, id, true);
    struct order o;
    PB(ConfirmVerificationRequest) cv = CERTDESK__V1__CONFIRM_VERIFICATION_REQUEST__INIT;
    PB(ConfirmVerificationResponse) cvo = CERTDESK__V1__CONFIRM_VERIFICATION_RESPONSE__INIT;
    assert_ok(order_load(w.c, id, &o));
    cv.verification_id = o.verification;
    cv.code = (char *)(uintptr_t)world_code(&w, "13700000002");
    assert_ok(call(w.c, "ConfirmVerification", &cv, &cvo));

    PB(SubmitAgentRequest) in = CERTDESK__V1__SUBMIT_AGENT_REQUEST__INIT;
    PB(SubmitAgentResponse) out = CERTDESK__V1__SUBMIT_AGENT_RESPONSE__INIT;
    PB(Agent) agent = CERTDESK__V1__AGENT__INIT;
    in.order_id = id;
    in.agent = &agent;
    agent.legal_rep_in_person = true;
    assert_err(call(w.c, "SubmitAgent", &in, &out), ERR_INVALID); /* the e-mail is asked for (S11) */
    assert_int_equal(w.t.fault.n_violations, 1);
    assert_string_equal(w.t.fault.violations[0].field, "agent.email");
    agent.email = (char *)"zhang@example.com";
    assert_ok(call(w.c, "SubmitAgent", &in, &out));
    assert_int_equal(out.order->state, ORDER_PURCHASE);
    assert_string_equal(out.order->agent->name, "张*");

    set_purchase(&w, id);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE product_price SET price_fen = 29000 WHERE price_fen = 28000")));
    PB(ConfirmPurchaseRequest) cp = CERTDESK__V1__CONFIRM_PURCHASE_REQUEST__INIT;
    PB(ConfirmPurchaseResponse) cpo = CERTDESK__V1__CONFIRM_PURCHASE_RESPONSE__INIT;
    cp.order_id = id;
    cp.total_fen = 28000;
    assert_err(call(w.c, "ConfirmPurchase", &cp, &cpo), ERR_PRICE_CHANGED);
    assert_int_equal(get_order(w.c, id)->quote->total_fen, 29000);
    cp.total_fen = 29000;
    assert_ok(call(w.c, "ConfirmPurchase", &cp, &cpo));
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE product_price SET price_fen = 28000 WHERE price_fen = 29000")));
    assert_int_equal(get_order(w.c, id)->quote->total_fen, 29000); /* frozen */

    PB(RequestApplicationSignatureRequest) rs = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_REQUEST__INIT;
    PB(RequestApplicationSignatureResponse) rso = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_RESPONSE__INIT;
    rs.order_id = id;
    assert_err(call(w.c, "RequestApplicationSignature", &rs, &rso), ERR_MATERIAL_MISSING);
    PB(ReturnToPurchaseRequest) back = CERTDESK__V1__RETURN_TO_PURCHASE_REQUEST__INIT;
    PB(ReturnToPurchaseResponse) backo = CERTDESK__V1__RETURN_TO_PURCHASE_RESPONSE__INIT;
    back.order_id = id;
    assert_ok(call(w.c, "ReturnToPurchase", &back, &backo));
    assert_int_equal(backo.order->state, ORDER_PURCHASE);
    assert_int_equal(get_order(w.c, id)->quote->total_fen, 28000); /* thawed */
}

static void a_bad_purchase_names_every_field(void **s)
{
    (void)s;
    char id[ID_SIZE];
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT id FROM orders WHERE state = 5 LIMIT 1")));
    snprintf(id, sizeof id, "%s", row_text(&r, 0, 0));
    PB(SetPurchaseRequest) in = CERTDESK__V1__SET_PURCHASE_REQUEST__INIT;
    PB(SetPurchaseResponse) out = CERTDESK__V1__SET_PURCHASE_RESPONSE__INIT;
    PB(Purchase) p = CERTDESK__V1__PURCHASE__INIT;
    PB(InvoiceData) invoice = CERTDESK__V1__INVOICE_DATA__INIT;
    PB(Address) to = CERTDESK__V1__ADDRESS__INIT;
    in.order_id = id;
    in.purchase = &p;
    p.product_id = (char *)"prd_x";
    p.quantity = 21; /* no channel may sell so many at once */
    p.invoice = &invoice;
    invoice.wanted = true;
    invoice.email = (char *)"not an address";
    invoice.tax_number = (char *)"1";
    invoice.bank_account = (char *)"12a";
    invoice.phone = (char *)"x";
    invoice.address = (char *)"\x1b[2J";
    p.delivery = &to;
    to.phone = (char *)"12";
    to.postal_code = (char *)"3100";
    to.recipient = (char *)"\xe2\x80\xae\xe5\xbc\xa0";
    assert_err(call(w.c, "SetPurchase", &in, &out), ERR_INVALID);
    static const char *const want[] = {
        "purchase.invoice.email",   "purchase.invoice.tax_number",   "purchase.invoice.bank_account",
        "purchase.invoice.phone",   "purchase.invoice.address",      "purchase.delivery.recipient",
        "purchase.delivery.phone",  "purchase.delivery.province",    "purchase.delivery.city",
        "purchase.delivery.street", "purchase.delivery.postal_code", "purchase.product_id",
        "purchase.quantity",
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bool found = false;
        for (size_t k = 0; k < w.t.fault.n_violations; k++)
            found = found || strcmp(w.t.fault.violations[k].field, want[i]) == 0;
        if (!found)
            world_fail("no violation of %s", want[i]);
    }
    assert_int_equal(w.t.fault.n_violations, sizeof want / sizeof *want);
}

static void lists_are_cut_into_pages(void **s)
{
    (void)s;
    PB(ListOrdersRequest) in = CERTDESK__V1__LIST_ORDERS_REQUEST__INIT;
    PB(ListOrdersResponse) out = CERTDESK__V1__LIST_ORDERS_RESPONSE__INIT;
    char last[ID_SIZE] = "ord_zzzz";
    size_t seen = 0;
    in.page_size = 2;
    do {
        certdesk__v1__list_orders_response__init(&out);
        assert_ok(call(w.c, "ListOrders", &in, &out));
        for (size_t i = 0; i < out.n_orders; i++, seen++) {
            assert_true(strcmp(out.orders[i]->id, last) < 0);
            snprintf(last, sizeof last, "%s", out.orders[i]->id);
        }
        in.page_token = arena_strdup(w.c->arena, out.next_page_token);
    } while (*in.page_token);
    assert_int_equal(seen,
                     world_number(&w, SQL("SELECT COUNT(*) FROM orders WHERE ended = 0 AND account_id = "
                                          "'acc_test'")));
    in.finished = true;
    in.page_token = (char *)"forged";
    assert_err(call(w.c, "ListOrders", &in, &out), ERR_PAGE_TOKEN);
    in.page_token = (char *)"";
    assert_ok(call(w.c, "ListOrders", &in, &out));
    assert_int_equal(out.n_orders, 1);
    assert_int_equal(out.orders[0]->state, ORDER_CANCELLED);
}

static void watching_tells_each_version_once(void **s)
{
    (void)s;
    rpc_watch_handler *watch = NULL;
    for (size_t i = 0; i < order_rpc.n; i++)
        watch = order_rpc.rows[i].watch ? order_rpc.rows[i].watch : watch;
    PB(WatchOrderRequest) in = CERTDESK__V1__WATCH_ORDER_REQUEST__INIT;
    PB(WatchOrderResponse) out = CERTDESK__V1__WATCH_ORDER_RESPONSE__INIT;
    char id[ID_SIZE];
    int64_t cursor = 0;
    bool changed, over;
    world_next(&w, 61000);
    make_order(&w, w.c, id);
    in.order_id = id;
    assert_ok(watch(w.c, &in.base, &cursor, &out.base, &changed, &over));
    assert_true(changed && !over && out.order->version == 1);
    assert_ok(watch(w.c, &in.base, &cursor, &out.base, &changed, &over));
    assert_false(changed || over);
    PB(CancelOrderRequest) cancel = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) cancelled = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    cancel.order_id = id;
    assert_ok(call(w.c, "CancelOrder", &cancel, &cancelled));
    assert_ok(watch(w.c, &in.base, &cursor, &out.base, &changed, &over));
    assert_true(changed && over && out.order->version == 2);
    cursor = 0;
    in.after_version = 2; /* resumed when there is nothing more to come */
    assert_ok(watch(w.c, &in.base, &cursor, &out.base, &changed, &over));
    assert_true(!changed && over);
}

static enum err refuse(struct ctx *c, void *arg)
{
    struct order o;
    TRY(order_load(c, arg, &o));
    TRY(db_exec(c, NULL, SQL("UPDATE material SET verdict = 2, reason = '不清晰' WHERE order_id = ?"),
                TEXT(o.id)));
    return order_move(c, &o, EV_REFUSED, NULL, NULL);
}

/* S18: only the faulty is asked for again; signed again, the order goes back to review, and stays paid. */
static void what_was_refused_is_corrected_and_signed_again(void **s)
{
    (void)s;
    struct order before, after;
    world_next(&w, 24 * 3600000);
    assert_ok(order_load(w.c, order, &before));
    assert_ok(tx_run(w.c, refuse, order));
    PB(Order) *o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_CORRECTION);
    assert_int_equal(o->n_reasons, 1);
    assert_string_equal(o->reasons[0]->kind, "business_license");
    assert_string_equal(o->reasons[0]->reason, "不清晰");
    assert_true(has_action(o, "UploadMaterial") && has_action(o, "CancelOrder"));
    assert_false(has_action(o, "RequestApplicationSignature") || has_action(o, "SignApplication"));
    assert_false(has_action(o, "CreatePayment"));
    PB(RequestApplicationSignatureRequest) rs = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_REQUEST__INIT;
    PB(RequestApplicationSignatureResponse) rso = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_RESPONSE__INIT;
    rs.order_id = order;
    assert_err(call(w.c, "RequestApplicationSignature", &rs, &rso), ERR_MATERIAL_MISSING);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE material SET in_use = NULL WHERE order_id = ?"), TEXT(order)));
    add_material(&w, order);
    o = get_order(w.c, order); /* all is there, but no code was asked for */
    assert_true(has_action(o, "RequestApplicationSignature") && !has_action(o, "SignApplication"));
    sign(&w, order);
    assert_state(&w, order, ORDER_REVIEW);
    assert_ok(order_load(w.c, order, &after));
    assert_memory_not_equal(after.signed_digest, before.signed_digest, 32);
    assert_int_equal(after.submitted_ms, w.c->now_ms);
    assert_true(get_order(w.c, order)->payment->paid);
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT COUNT(*) FROM order_signature WHERE order_id = ?"), TEXT(order)));
    assert_int_equal(row_int(&r, 0, 0), 2); /* the earlier signature is kept */
}

/* S17: the same with the applicant in the agent's place. */
static void an_individual_has_no_agent(void **s)
{
    (void)s;
    char id[ID_SIZE];
    PB(CreateOrderRequest) in = CERTDESK__V1__CREATE_ORDER_REQUEST__INIT;
    PB(CreateOrderResponse) out = CERTDESK__V1__CREATE_ORDER_RESPONSE__INIT;
    PB(Consent) consents[4];
    PB(Consent) * list[4];
    world_next(&w, 24 * 3600000);
    for (size_t i = 0; i < w.n_consents; i++) {
        certdesk__v1__consent__init(list[i] = &consents[i]);
        consents[i].agreement_id = (char *)(uintptr_t)w.consents[i].agreement_id;
        consents[i].agreement_version = w.consents[i].version;
    }
    in.channel = w.channel;
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_NEW;
    in.subject_kind = CERTDESK__V1__SUBJECT_KIND__SUBJECT_KIND_INDIVIDUAL;
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_UKEY;
    in.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    in.consents = list;
    in.n_consents = w.n_consents;
    assert_ok(call(w.c, "CreateOrder", &in, &out));
    snprintf(id, sizeof id, "%s", out.order->id);
    assert_err(submit_organization(w.c, id, USCC, LEGAL_REP_PHONE), ERR_ORDER_STATE);

    PB(SubmitPersonRequest) sp = CERTDESK__V1__SUBMIT_PERSON_REQUEST__INIT;
    PB(SubmitPersonResponse) spo = CERTDESK__V1__SUBMIT_PERSON_RESPONSE__INIT;
    sp.order_id = id;
    assert_err(call(w.c, "SubmitPerson", &sp, &spo), ERR_INVALID);
    assert_int_equal(w.t.fault.n_violations, 4);
    PB(Person) p = CERTDESK__V1__PERSON__INIT;
    sp.person = &p;
    p.name = (char *)"王五";
    p.document_type = CERTDESK__V1__DOCUMENT_TYPE__DOCUMENT_TYPE_RESIDENT_ID;
    p.id_number = (char *)"110101199003070134";
    p.phone = (char *)"13600000001";
    assert_ok(call(w.c, "SubmitPerson", &sp, &spo));
    assert_string_equal(spo.order->person->name, "王*");
    world_verified(&w, id, true);
    struct order o;
    PB(ConfirmVerificationRequest) cv = CERTDESK__V1__CONFIRM_VERIFICATION_REQUEST__INIT;
    PB(ConfirmVerificationResponse) cvo = CERTDESK__V1__CONFIRM_VERIFICATION_RESPONSE__INIT;
    assert_ok(order_load(w.c, id, &o));
    cv.verification_id = o.verification;
    cv.code = (char *)(uintptr_t)world_code(&w, "13600000001");
    assert_ok(call(w.c, "ConfirmVerification", &cv, &cvo));
    assert_int_equal(cvo.order->state, ORDER_PURCHASE);
    assert_true(has_action(cvo.order, "SetPurchase"));
    assert_ok(order_load(w.c, id, &o));
    assert_string_equal(order_contact(&o).phone, "13600000001");
    assert_string_equal(order_pin_phone(&o), "13600000001");
}

static void what_is_not_offered_is_refused(void **s)
{
    (void)s;
    PB(CreateOrderRequest) in = CERTDESK__V1__CREATE_ORDER_REQUEST__INIT;
    PB(CreateOrderResponse) out = CERTDESK__V1__CREATE_ORDER_RESPONSE__INIT;
    in.channel = (char *)"test";
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_INVALID);
    assert_int_equal(w.t.fault.n_violations, 4);
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_NEW;
    in.subject_kind = CERTDESK__V1__SUBJECT_KIND__SUBJECT_KIND_ORGANIZATION;
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_UKEY;
    in.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    w.providers.n_identity = 0; /* offered, and nobody makes the checks */
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_METHOD_NOT_OFFERED);
    w.providers.n_identity = 1;
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_CLOUD; /* not offered */
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_METHOD_NOT_OFFERED);
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_UKEY;
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_CONSENT_MISSING);
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_RENEW;
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_METHOD_NOT_OFFERED);
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_NEW;
    in.channel = (char *)"no such channel";
    assert_err(call(w.c, "CreateOrder", &in, &out), ERR_NOT_FOUND);
}

/* How dispatch runs what reads an order: in one snapshot; the form is drawn where there is no connection. */
static void what_is_read_is_of_one_moment(void **s)
{
    (void)s;
    for (size_t i = 0; i < order_rpc.n; i++) {
        const struct rpc_row *row = &order_rpc.rows[i];
        bool shows = strcmp(row->method, "GetOrder") == 0 || strcmp(row->method, "ListOrders") == 0 ||
                     strcmp(row->method, "WatchOrder") == 0;
        assert_int_equal(row->of_one_moment, shows);
        assert_int_equal(row->look && row->aside, strcmp(row->method, "GetApplicationForm") == 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_goes_from_its_first_call_to_review),
        cmocka_unit_test(what_is_signed_holds_everything),
        cmocka_unit_test(every_version_has_one_audit_row),
        cmocka_unit_test(personal_numbers_are_masked_and_sealed),
        cmocka_unit_test(others_see_nothing),
        cmocka_unit_test(a_group_gives_everyone_their_own),
        cmocka_unit_test(the_number_is_taken_until_cancelled),
        cmocka_unit_test(a_price_that_moved_is_shown_before_it_is_agreed_to),
        cmocka_unit_test(a_bad_purchase_names_every_field),
        cmocka_unit_test(lists_are_cut_into_pages),
        cmocka_unit_test(watching_tells_each_version_once),
        cmocka_unit_test(what_was_refused_is_corrected_and_signed_again),
        cmocka_unit_test(an_individual_has_no_agent),
        cmocka_unit_test(what_is_read_is_of_one_moment),
        cmocka_unit_test(what_is_not_offered_is_refused),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
