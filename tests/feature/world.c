#include "world.h"

#include "account/account_rpc.h"
#include "catalog/catalog_import.h"
#include "catalog/catalog_store.h"
#include "core/tx.h"
#include "identity/identity_rpc.h"
#include "order/order_rpc.h"
#include "payment/payment_rpc.h"
#include "provider/registry.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char LEGAL_REP_PHONE[] = "13812345678", AGENT_PHONE[] = "13987654321";
const char USCC[] = "91350100M000100Y43", OTHER_USCC[] = "91110000100010310K";

static const char channel_json[] =
    "{\"code\": \"test\", \"name\": \"测试渠道\", \"invoice\": true, \"initial_password\": \"111111\","
    " \"review_days\": 5, \"payment_minutes\": 30, \"profile\": \"2023\", \"payments\": [\"wechat\", "
    "\"alipay\"],"
    " \"sms_limits\": {\"address_hour\": 60},"
    " \"page\": {\"paper_address\": {\"recipient\": \"受理处\", \"phone\": \"01000000000\","
    "   \"province\": \"北京市\", \"city\": \"北京市\", \"street\": \"受理街1号\"}},"
    " \"offers\": [{\"subject\": \"organization\", \"medium\": \"ukey\","
    "   \"methods\": [\"micro_deposit\", \"phone_three_factor\", \"bank_four_factor\", \"face\"],"
    "   \"agent_methods\": [\"phone_three_factor\", \"bank_four_factor\", \"face\"],"
    "   \"paper_route\": true, \"materials\": [{\"kind\": \"business_license\", \"title\": \"营业执照\","
    "   \"required\": true, \"content_types\": [\"image/png\"], \"max_bytes\": 5000000}]},"
    "  {\"subject\": \"individual\", \"medium\": \"ukey\", \"methods\": [\"micro_deposit\","
    "   \"phone_three_factor\", \"bank_four_factor\", \"face\"], \"agent_methods\": [], \"paper_route\": "
    "false, \"materials\": []}],"
    " \"products\": [{\"code\": \"org\", \"name\": \"单位证书\", \"subject\": \"organization\","
    "   \"medium\": \"ukey\", \"prices\": [{\"term_months\": 12, \"seal\": false, \"price_fen\": 28000},"
    "   {\"term_months\": 24, \"seal\": true, \"price_fen\": 66000}]},"
    "  {\"code\": \"ind\", \"name\": \"个人证书\", \"subject\": \"individual\", \"medium\": \"ukey\","
    "   \"prices\": [{\"term_months\": 12, \"seal\": false, \"price_fen\": 10000}]}],"
    " \"agreements\": [{\"code\": \"service\", \"title\": \"服务协议\", \"text\": \"……\"},"
    "  {\"code\": \"privacy\", \"title\": \"隐私政策\", \"text\": \"……\"}]}";

static enum err import(struct ctx *c, void *arg)
{
    (void)arg;
    return catalog_import(c, channel_json, sizeof channel_json - 1);
}

static void learn(struct world *w)
{
    const struct agreement *list;
    struct rows r;
    assert_ok(db_query(w->c, &r,
                       SQL("SELECT c.id, p.id FROM channel c JOIN product p ON p.channel_id = c.id WHERE "
                           "p.code = 'org'")));
    assert_int_equal(r.n, 1);
    snprintf(w->channel, sizeof w->channel, "%s", row_text(&r, 0, 0));
    snprintf(w->product, sizeof w->product, "%s", row_text(&r, 0, 1));
    assert_ok(agreement_list(w->c, w->channel, &list, &w->n_consents));
    static char ids[4][ID_SIZE];
    for (size_t i = 0; i < w->n_consents; i++) {
        snprintf(ids[i], ID_SIZE, "%s", list[i].id);
        w->consents[i] = (struct consent){ids[i], list[i].version};
    }
}

/* Named only: no test of a world without jobs calls them. */
static const struct payment_ops wechat = {.name = "wechat"}, alipay = {.name = "alipay"};

static const char *nobody(void *arg, const char *key)
{
    (void)arg;
    return strstr(key, "_url") ? "http://127.0.0.1:1/" : "none";
}

static void configure(struct world *w)
{
    struct provider_env env = {.setting = nobody};
    assert_ok(http_open(NULL, &w->providers.http, &w->t.fault));
    env.http = w->providers.http;
    assert_ok(identity_open("tencent", &env, &w->providers.identity[0], &w->t.fault));
    w->providers.n_identity = 1;
    w->providers.payment[0].ops = &wechat;
    w->providers.payment[1].ops = &alipay;
    w->providers.n_payment = 2;
    w->app.providers = &w->providers;
}

int world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    if (test_server_start(NULL) != 0)
        return -1;
    test_schema_make(&w->schema);
    w->app = (struct app){.state_dir = test_folder(),
                          .db = w->schema.options,
                          .keys = (struct keyring *)(uintptr_t)test_keys()};
    test_ctx_open(&w->t, &w->schema);
    w->c = &w->t.c;
    w->c->app = &w->app;
    configure(w);
    w->c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    enum err e = tx_run(w->c, import, NULL);
    if (e != OK)
        for (size_t i = 0; i < w->t.fault.n_violations; i++)
            print_message("# %s: %s\n", w->t.fault.violations[i].field, w->t.fault.violations[i].text);
    assert_ok(e);
    learn(w);
    w->c->caller = (struct caller){.kind = CALLER_ACCOUNT, .id = "acc_test", .session = "ses_test"};
    memcpy(w->c->caller.channel, w->channel, sizeof w->channel);
    return 0;
}

int world_close(struct world *w)
{
    w->providers.identity[0].ops->close(w->providers.identity[0].self);
    http_close(w->providers.http);
    test_ctx_close(&w->t);
    test_schema_drop(&w->schema);
    return test_server_stop(NULL);
}

void world_ctx(struct world *w, struct test_ctx *t, const char *account)
{
    test_ctx_open(t, &w->schema);
    t->c.app = &w->app;
    t->c.now_ms = w->c->now_ms;
    t->c.caller = w->c->caller;
    snprintf(t->c.caller.id, sizeof t->c.caller.id, "%s", account);
}

void world_next(struct world *w, int64_t ms)
{
    test_ctx_reset(&w->t);
    w->c->keep = w->c->wrote = w->c->queued = false;
    w->c->fail_at = 0;
    w->c->now_ms += ms;
}

/* -- calls --------------------------------------------------------------------------------------------------
 */

struct call {
    const struct rpc_row *row;
    const void *in;
    void *out;
    int fail_at;
};

static const struct rpc_row *find_row(const char *method)
{
    static const struct rpc_table *const tables[] = {&order_rpc, &identity_rpc, &payment_rpc, &account_rpc};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t k = 0; k < tables[i]->n; k++)
            if (strcmp(tables[i]->rows[k].method, method) == 0)
                return &tables[i]->rows[k];
    world_fail("no row for %s", method);
    return NULL;
}

static enum err handle(struct ctx *c, void *arg)
{
    const struct call *k = arg;
    return k->row->handler(c, k->in, k->out);
}

enum err call_failing(struct ctx *c, const char *method, const void *in, void *out, int k)
{
    struct call call = {find_row(method), in, out, k};
    fault_clear(c->fault);
    c->keep = false;
    c->fail_at = k;
    return call.row->mode == MODE_WRITE ? tx_run(c, handle, &call) : handle(c, &call);
}

struct undone {
    tx_body *body;
    void *arg;
    enum err answer;
};

static enum err and_undo(struct ctx *c, void *arg)
{
    struct undone *u = arg;
    u->answer = u->body(c, u->arg);
    c->keep = false;
    return fail(NULL, ERR_CANCELLED, NULL);
}

enum err world_undone(struct ctx *c, tx_body *body, void *arg)
{
    struct undone u = {body, arg, OK};
    fault_clear(c->fault);
    assert_err(tx_run(c, and_undo, &u), ERR_CANCELLED);
    return u.answer;
}

enum err call_undone(struct ctx *c, const char *method, const void *in, void *out)
{
    return world_undone(c, handle, &(struct call){find_row(method), in, out, 0});
}

enum err call(struct ctx *c, const char *method, const void *in, void *out)
{
    return call_failing(c, method, in, out, 0);
}

PB(Order) * get_order(struct ctx *c, const char *id)
{
    PB(GetOrderRequest) in = CERTDESK__V1__GET_ORDER_REQUEST__INIT;
    PB(GetOrderResponse) out = CERTDESK__V1__GET_ORDER_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)id;
    assert_ok(call(c, "GetOrder", &in, &out));
    return out.order;
}

bool has_action(const PB(Order) * o, const char *verb)
{
    for (size_t i = 0; i < o->n_actions; i++)
        if (strcmp(o->actions[i], verb) == 0)
            return true;
    return false;
}

void assert_state(struct world *w, const char *id, enum order_state want)
{
    PB(Order) *o = get_order(w->c, id);
    assert_string_equal(order_state_name((int)o->state), order_state_name((int)want));
}

/* -- providers and phones
 * ------------------------------------------------------------------------------------- */

struct answering {
    const char *verification, *check;
    bool match;
};

static enum err answer(struct ctx *c, void *arg)
{
    const struct answering *g = arg;
    struct check_answer a = {.check = g->check,
                             .provider = "test",
                             .outcome = g->match ? "MATCH" : "MISMATCH",
                             .code = "0",
                             .request_id = "r-1",
                             .billed = true,
                             .match = g->match,
                             .mismatched = g->match ? "" : "legal_rep_name",
                             .checked_ms = c->now_ms};
    return identity_record(c, g->verification, &a);
}

static void as_system(struct world *w, tx_body *body, void *arg)
{
    struct caller caller = w->c->caller;
    w->c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(w->c, body, arg));
    w->c->caller = caller;
}

void world_verified(struct world *w, const char *order, bool match)
{
    struct order o;
    struct check_task task;
    assert_ok(order_load(w->c, order, &o));
    for (;;) {
        assert_ok(identity_task(w->c, o.verification, &task));
        if (!task.check || task.v.state != VERIFICATION_PENDING)
            return;
        as_system(w, answer, &(struct answering){o.verification, task.check, match});
    }
}

const char *world_code(struct world *w, const char *phone)
{
    struct rows r;
    assert_ok(
        db_query(w->c, &r, SQL("SELECT id, payload FROM outbox WHERE kind = 'sms.send' ORDER BY id DESC")));
    for (size_t i = 0; i < r.n; i++) {
        const char *text, *place = arena_printf(w->c->arena, "outbox.payload:%s", row_text(&r, i, 0));
        size_t n;
        assert_ok(crypt_open(w->c->keys, w->c->arena, place, row_text(&r, i, 1), row_cell(&r, i, 1)->n, &text,
                             &n, w->c->fault));
        json_t *j = json_loads(text, 0, NULL), *params = json_object_get(j, "params");
        const char *to = json_string_value(json_object_get(j, "phone"));
        const char *last = json_string_value(json_array_get(params, json_array_size(params) - 1));
        const char *found = strcmp(to, phone) == 0 ? arena_strdup(w->c->arena, last) : NULL;
        json_decref(j);
        if (found)
            return found;
    }
    world_fail("no SMS went to %s", phone);
    return NULL;
}

int64_t world_number(struct world *w, struct sql q)
{
    struct rows r;
    assert_ok(db_query_(w->c, &r, q, NULL, 0));
    assert_int_equal(r.n, 1);
    return row_int(&r, 0, 0);
}

static void dump_table(struct world *w, struct buf *b, struct sql q)
{
    struct rows r;
    assert_ok(db_query_(w->c, &r, q, NULL, 0));
    for (size_t i = 0; i < r.n * r.columns; i++) {
        const struct cell *cell = &r.cells[i];
        for (size_t k = 0; cell->text && k < cell->n; k++)
            buf_add(b, cell->text[k] ? &cell->text[k] : "\\0", cell->text[k] ? 1 : 2);
        buf_printf(b, "|%lld\n", (long long)cell->number);
    }
    buf_printf(b, "-- %zu\n", r.n);
}

const char *world_dump(struct world *w, struct arena *a)
{
    struct buf b = BUF(a);
    dump_table(w, &b, SQL("SELECT * FROM orders ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM order_signature ORDER BY order_id, version"));
    dump_table(w, &b, SQL("SELECT * FROM verification ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM verification_evidence ORDER BY verification_id, name"));
    dump_table(w, &b, SQL("SELECT * FROM face_session ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM deposit ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM remittance_batch ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM payment ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM payment_capture ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM payment_settlement ORDER BY order_id"));
    dump_table(w, &b, SQL("SELECT * FROM payment_refund ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM consent ORDER BY object_id, purpose, agreement_id"));
    dump_table(w, &b, SQL("SELECT * FROM sms_code ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM sms_allowance ORDER BY phone_digest, purpose"));
    dump_table(w, &b, SQL("SELECT * FROM outbox ORDER BY id"));
    dump_table(w, &b, SQL("SELECT * FROM audit ORDER BY writer, seq"));
    return buf_text(&b);
}

/* -- steps
 * ---------------------------------------------------------------------------------------------------- */

static PB(Consent) * *consents(struct world *w, struct ctx *c)
{
    PB(Consent) **list = ARENA_ARRAY(c->arena, PB(Consent) *, w->n_consents + 1);
    for (size_t i = 0; i < w->n_consents; i++) {
        list[i] = ARENA_NEW(c->arena, PB(Consent));
        PB_INIT(consent, list[i]);
        list[i]->agreement_id = arena_strdup(c->arena, w->consents[i].agreement_id);
        list[i]->agreement_version = w->consents[i].version;
    }
    return list;
}

void make_order(struct world *w, struct ctx *c, char order[static ID_SIZE])
{
    make_order_by(w, c, SUBJECT_ORGANIZATION, METHOD_PHONE_THREE_FACTOR, order);
}

void make_order_by(struct world *w, struct ctx *c, enum subject_kind kind, enum method m,
                   char order[static ID_SIZE])
{
    PB(CreateOrderRequest) in = CERTDESK__V1__CREATE_ORDER_REQUEST__INIT;
    PB(CreateOrderResponse) out = CERTDESK__V1__CREATE_ORDER_RESPONSE__INIT;
    in.channel = (char *)"test";
    in.kind = CERTDESK__V1__ORDER_KIND__ORDER_KIND_NEW;
    in.subject_kind = (PB(SubjectKind))kind;
    in.medium = CERTDESK__V1__MEDIUM__MEDIUM_UKEY;
    in.method = (PB(VerificationMethod))m;
    in.consents = consents(w, c);
    in.n_consents = w->n_consents;
    assert_ok(call(c, "CreateOrder", &in, &out));
    snprintf(order, ID_SIZE, "%s", out.order->id);
}

enum err submit_organization(struct ctx *c, const char *order, const char *uscc, const char *legal_rep_phone)
{
    PB(SubmitOrganizationRequest) in = CERTDESK__V1__SUBMIT_ORGANIZATION_REQUEST__INIT;
    PB(SubmitOrganizationResponse) out = CERTDESK__V1__SUBMIT_ORGANIZATION_RESPONSE__INIT;
    PB(Organization) org = CERTDESK__V1__ORGANIZATION__INIT;
    in.order_id = arena_strdup(c->arena, order);
    in.organization = &org;
    org.name = (char *)"杭州测试有限公司";
    org.uscc = arena_strdup(c->arena, uscc);
    org.legal_rep_name = (char *)"张三";
    org.legal_rep_id_number = (char *)"11010519491231002x";
    org.legal_rep_phone = arena_strdup(c->arena, legal_rep_phone);
    return call(c, "SubmitOrganization", &in, &out);
}

static PB(BankAccount) * account(struct ctx *c)
{
    PB(BankAccount) *a = ARENA_NEW(c->arena, PB(BankAccount));
    PB_INIT(bank_account, a);
    a->number = (char *)"33050161823500001234";
    a->bank = (char *)"中国建设银行";
    a->branch = (char *)"杭州西湖支行";
    a->cnaps_code = (char *)"105331000019";
    return a;
}

static const char CARD[] = "6222020200000000006";

enum err submit_company(struct ctx *c, const char *order, const char *name, const char *uscc)
{
    PB(SubmitOrganizationRequest) in = CERTDESK__V1__SUBMIT_ORGANIZATION_REQUEST__INIT;
    PB(SubmitOrganizationResponse) out = CERTDESK__V1__SUBMIT_ORGANIZATION_RESPONSE__INIT;
    PB(Organization) org = CERTDESK__V1__ORGANIZATION__INIT;
    in.order_id = arena_strdup(c->arena, order);
    in.organization = &org;
    org.name = arena_strdup(c->arena, name);
    org.uscc = arena_strdup(c->arena, uscc);
    org.legal_rep_name = (char *)"张三";
    org.legal_rep_id_number = (char *)"110101199003070134";
    org.legal_rep_phone = arena_strdup(c->arena, LEGAL_REP_PHONE);
    org.legal_rep_card_number = (char *)(uintptr_t)CARD;
    org.account = account(c);
    return call(c, "SubmitOrganization", &in, &out);
}

enum err submit_person(struct ctx *c, const char *order, const char *name, const char *id_number)
{
    PB(SubmitPersonRequest) in = CERTDESK__V1__SUBMIT_PERSON_REQUEST__INIT;
    PB(SubmitPersonResponse) out = CERTDESK__V1__SUBMIT_PERSON_RESPONSE__INIT;
    PB(Person) p = CERTDESK__V1__PERSON__INIT;
    in.order_id = arena_strdup(c->arena, order);
    in.person = &p;
    p.name = arena_strdup(c->arena, name);
    p.document_type = CERTDESK__V1__DOCUMENT_TYPE__DOCUMENT_TYPE_RESIDENT_ID;
    p.id_number = arena_strdup(c->arena, id_number);
    p.phone = arena_strdup(c->arena, LEGAL_REP_PHONE);
    p.card_number = (char *)(uintptr_t)CARD;
    p.account = account(c);
    return call(c, "SubmitPerson", &in, &out);
}

enum err submit_agent_by(struct ctx *c, const char *order, enum method m)
{
    PB(SubmitAgentRequest) in = CERTDESK__V1__SUBMIT_AGENT_REQUEST__INIT;
    PB(SubmitAgentResponse) out = CERTDESK__V1__SUBMIT_AGENT_RESPONSE__INIT;
    PB(Agent) g = CERTDESK__V1__AGENT__INIT;
    in.order_id = arena_strdup(c->arena, order);
    in.agent = &g;
    g.method = (PB(VerificationMethod))m;
    g.name = (char *)"李四";
    g.id_number = (char *)"11010519491231002X";
    g.email = (char *)"agent@example.com";
    g.phone = arena_strdup(c->arena, AGENT_PHONE);
    g.card_number = (char *)(uintptr_t)CARD;
    return call(c, "SubmitAgent", &in, &out);
}

enum err confirm_code(struct ctx *c, const char *order, const char *code)
{
    struct order o;
    PB(ConfirmVerificationRequest) in = CERTDESK__V1__CONFIRM_VERIFICATION_REQUEST__INIT;
    PB(ConfirmVerificationResponse) out = CERTDESK__V1__CONFIRM_VERIFICATION_RESPONSE__INIT;
    assert_ok(order_load(c, order, &o));
    in.verification_id = o.verification;
    in.code = arena_strdup(c->arena, code);
    return call(c, "ConfirmVerification", &in, &out);
}

enum err start_face(struct ctx *c, const char *order, bool by_sms, const char **url)
{
    struct order o;
    PB(StartFaceRequest) in = CERTDESK__V1__START_FACE_REQUEST__INIT;
    PB(StartFaceResponse) out = CERTDESK__V1__START_FACE_RESPONSE__INIT;
    assert_ok(order_load(c, order, &o));
    in.verification_id = o.verification;
    in.by_sms = by_sms;
    enum err e = call(c, "StartFace", &in, &out);
    *url = out.url;
    return e;
}

static void confirm(struct world *w, const char *order, const char *phone)
{
    struct order o;
    PB(ConfirmVerificationRequest) in = CERTDESK__V1__CONFIRM_VERIFICATION_REQUEST__INIT;
    PB(ConfirmVerificationResponse) out = CERTDESK__V1__CONFIRM_VERIFICATION_RESPONSE__INIT;
    assert_ok(order_load(w->c, order, &o));
    in.verification_id = o.verification;
    in.code = (char *)(uintptr_t)world_code(w, phone);
    assert_ok(call(w->c, "ConfirmVerification", &in, &out));
}

void pass_organization(struct world *w, const char *order)
{
    assert_ok(submit_organization(w->c, order, USCC, LEGAL_REP_PHONE));
    world_verified(w, order, true);
    confirm(w, order, LEGAL_REP_PHONE);
}

void pass_agent(struct world *w, const char *order)
{
    PB(SubmitAgentRequest) in = CERTDESK__V1__SUBMIT_AGENT_REQUEST__INIT;
    PB(SubmitAgentResponse) out = CERTDESK__V1__SUBMIT_AGENT_RESPONSE__INIT;
    PB(Agent) agent = CERTDESK__V1__AGENT__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.agent = &agent;
    agent.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    agent.name = (char *)"李四";
    agent.id_number = (char *)"110101199003070134";
    agent.email = (char *)"li@example.com";
    agent.phone = (char *)(uintptr_t)AGENT_PHONE;
    assert_ok(call(w->c, "SubmitAgent", &in, &out));
    world_verified(w, order, true);
    confirm(w, order, AGENT_PHONE);
}

void set_purchase(struct world *w, const char *order)
{
    PB(SetPurchaseRequest) in = CERTDESK__V1__SET_PURCHASE_REQUEST__INIT;
    PB(SetPurchaseResponse) out = CERTDESK__V1__SET_PURCHASE_RESPONSE__INIT;
    PB(Purchase) p = CERTDESK__V1__PURCHASE__INIT;
    PB(InvoiceData) invoice = CERTDESK__V1__INVOICE_DATA__INIT;
    PB(Address) to = CERTDESK__V1__ADDRESS__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.purchase = &p;
    p.product_id = w->product;
    p.term_months = 12;
    p.invoice = &invoice;
    invoice.wanted = true;
    invoice.title = (char *)"别的公司";
    p.delivery = &to;
    to.province = (char *)"浙江省";
    to.city = (char *)"杭州市";
    to.street = (char *)"文三路1号";
    assert_ok(call(w->c, "SetPurchase", &in, &out));
}

void confirm_purchase(struct world *w, const char *order)
{
    PB(ConfirmPurchaseRequest) in = CERTDESK__V1__CONFIRM_PURCHASE_REQUEST__INIT;
    PB(ConfirmPurchaseResponse) out = CERTDESK__V1__CONFIRM_PURCHASE_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.total_fen = 28000;
    assert_ok(call(w->c, "ConfirmPurchase", &in, &out));
}

void add_material(struct world *w, const char *order)
{
    static const unsigned char digest[32] = "digest of a business licence";
    char id[ID_SIZE];
    id_new("mat", id);
    const void *name;
    size_t n;
    assert_ok(crypt_seal(w->c->keys, w->c->arena, arena_printf(w->c->arena, "material.file_name:%s", id),
                         "licence.png", 11, &name, &n));
    assert_ok(db_exec(w->c, NULL,
                      SQL("INSERT INTO material (id, order_id, kind, title, file_name, content_type, size, "
                          "digest, created_ms) VALUES (?, ?, 'business_license', '营业执照', ?, "
                          "'image/png', 100, ?, 1)"),
                      TEXT(id), TEXT(order), BYTES(name, n), BYTES(digest, 32)));
}

void sign(struct world *w, const char *order)
{
    PB(RequestApplicationSignatureRequest) in = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_REQUEST__INIT;
    PB(RequestApplicationSignatureResponse) out = CERTDESK__V1__REQUEST_APPLICATION_SIGNATURE_RESPONSE__INIT;
    PB(SignApplicationRequest) sign_in = CERTDESK__V1__SIGN_APPLICATION_REQUEST__INIT;
    PB(SignApplicationResponse) sign_out = CERTDESK__V1__SIGN_APPLICATION_RESPONSE__INIT;
    in.order_id = sign_in.order_id = (char *)(uintptr_t)order;
    assert_ok(call(w->c, "RequestApplicationSignature", &in, &out));
    assert_string_equal(out.sent_to, "139****4321");
    sign_in.code = (char *)(uintptr_t)world_code(w, AGENT_PHONE);
    sign_in.consents = consents(w, w->c);
    sign_in.n_consents = w->n_consents;
    assert_ok(call(w->c, "SignApplication", &sign_in, &sign_out));
}

void order_to_payment(struct world *w, char order[static ID_SIZE])
{
    make_order(w, w->c, order);
    pass_organization(w, order);
    pass_agent(w, order);
    set_purchase(w, order);
    confirm_purchase(w, order);
    add_material(w, order);
    sign(w, order);
}

static enum err placed(struct ctx *c, void *arg)
{
    struct payment p;
    TRY(payment_load(c, arg, &p));
    return payment_move(c, &p, PAY_EV_PLACED, "weixin://wxpay/bizpayurl?pr=test", 0);
}

void wait_for_payment(struct world *w, const char *order, char payment[static ID_SIZE])
{
    PB(CreatePaymentRequest) in = CERTDESK__V1__CREATE_PAYMENT_REQUEST__INIT;
    PB(CreatePaymentResponse) out = CERTDESK__V1__CREATE_PAYMENT_RESPONSE__INIT;
    in.order_id = (char *)(uintptr_t)order;
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    assert_ok(call(w->c, "CreatePayment", &in, &out));
    snprintf(payment, ID_SIZE, "%s", out.payment->id);
    as_system(w, placed, payment);
}
