#include "issue/issue_rpc.h"

#include "app.h"
#include "catalog/catalog.h"
#include "convert/convert.h"
#include "core/page.h"
#include "identity/fields.h"
#include "issue/issue.h"
#include "order/order_wire.h"
#include "pki/ca.h"

#include <certdesk/v1/issuance_service.pb-c.h>
#include <certdesk/v1/stock_service.pb-c.h>

#include <string.h>

enum {
    QUEUE_MAX = 100,
    REGISTER_MAX = 1000,
    MODEL_MAX = 80
};

static int limit_of(int asked)
{
    return asked <= 0 || asked > QUEUE_MAX ? QUEUE_MAX : asked;
}

static ProtobufCBinaryData to_bytes(struct ctx *c, const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, arena_memdup(c->arena, p, n)};
}

static void chain_of(struct ctx *c, int alg, size_t *n, ProtobufCBinaryData **out)
{
    const struct pki_ca *ca = alg == PKI_SM2 ? c->app->ca_sm2 : c->app->ca_p256;
    struct pki_der der[] = {pki_ca_issuing(ca), pki_ca_root(ca)};
    *n = 2;
    *out = ARENA_ARRAY(c->arena, ProtobufCBinaryData, 2);
    for (size_t i = 0; i < 2; i++)
        (*out)[i] = to_bytes(c, der[i].p, der[i].n);
}

static enum err fill_item(struct ctx *c, const struct issue_item *from, PB(IssueItem) * out)
{
    struct order o;
    struct channel ch;
    struct quote q = {.product_name = ""};
    PB_INIT(issue_item, out);
    TRY(order_load(c, from->order_id, &o));
    TRY(catalog_channel(c, o.channel, &ch));
    if (*o.quote_json)
        TRY(catalog_quote_parse(c, o.quote_json, &q));
    out->order_id = to_text(c->arena, o.id);
    out->subject_name = to_text(c->arena, o.subject.name);
    out->channel_name = to_text(c->arena, ch.name);
    out->product_name = to_text(c->arena, q.product_name);
    out->term_months = o.purchase.term_months;
    out->approve_time = to_timestamp(c->arena, from->approved_ms);
    out->due_time = to_timestamp(c->arena, o.due_ms);
    out->medium_number = to_text(c->arena, from->medium_number);
    out->quantity = order_quantity(&o);
    out->written = from->written;
    return OK;
}

RPC_HANDLER(list_issues, ListIssuesRequest, ListIssuesResponse)
{
    struct issue_item *list;
    int64_t total, after_ms;
    const char *after_id;
    int limit = limit_of(in->page_size);
    TRY(page_key_at(c, "issues", in->page_token, &after_ms, &after_id));
    TRY(issue_queue(c, after_ms, after_id, limit, &list, &out->n_items, &total));
    out->total = (int32_t)total;
    out->items = ARENA_ARRAY(c->arena, PB(IssueItem) *, out->n_items + 1);
    for (size_t i = 0; i < out->n_items; i++) {
        out->items[i] = ARENA_NEW(c->arena, PB(IssueItem));
        TRY(fill_item(c, &list[i], out->items[i]));
    }
    if (out->n_items == (size_t)limit)
        out->next_page_token = to_text(
            c->arena, page_token_at(c, "issues", list[limit - 1].submitted_ms, list[limit - 1].order_id));
    return OK;
}

RPC_HANDLER(begin_personalisation, BeginPersonalisationRequest, BeginPersonalisationResponse)
{
    struct personalisation p;
    struct order o;
    struct certificate cert;
    enum key_algorithm *algs = ARENA_ARRAY(c->arena, enum key_algorithm, in->n_algorithms + 1);
    for (size_t i = 0; i < in->n_algorithms; i++)
        algs[i] = (enum key_algorithm)in->algorithms[i];
    TRY(issue_begin(c, in->order_id, in->medium_number, algs, in->n_algorithms, &p));
    TRY(order_load(c, p.order, &o));
    PB(Personalisation) *m = out->personalisation = ARENA_NEW(c->arena, PB(Personalisation));
    PB_INIT(personalisation, m);
    m->id = to_text(c->arena, p.id);
    m->order_id = to_text(c->arena, p.order);
    m->medium_number = to_text(c->arena, p.medium_number);
    m->copy = p.copy;
    m->quantity = order_quantity(&o);
    m->step = (PB(PersonalisationStep))p.step;
    m->algorithm = (PB(KeyAlgorithm))p.algorithm;
    m->management_key = to_bytes(c, p.secrets.management_key, sizeof p.secrets.management_key);
    m->puk = to_text(c->arena, p.secrets.puk);
    m->pin = to_text(c->arena, p.secrets.pin);
    m->detail = to_bytes(c, p.detail, p.detail_n);
    wipe(&p.secrets, sizeof p.secrets);
    enum err e = issue_found(c, p.id, &cert);
    if (e == OK)
        m->certificate_der = to_bytes(c, cert.der, cert.der_n);
    else
        fault_clear(c->fault);
    return e == ERR_NOT_FOUND ? OK : e;
}

RPC_HANDLER(record_step, RecordStepRequest, RecordStepResponse)
{
    (void)out;
    return issue_record(c, in->personalisation_id, (int)in->step,
                        in->detail.len ? in->detail.data : (const uint8_t *)"", in->detail.len);
}

RPC_HANDLER(prepare_certificate, IssueCertificateRequest, IssueCertificateResponse)
{
    struct personalisation p;
    (void)out;
    TRY(issue_load(c, in->personalisation_id, &p));
    TRY(issue_of_desk(c, &p));
    return issue_prepare(c, in->personalisation_id, in->csr_der.data, in->csr_der.len);
}

RPC_HANDLER(issue_certificate, IssueCertificateRequest, IssueCertificateResponse)
{
    struct certificate cert;
    TRY(issue_sign(c, in->personalisation_id, &cert));
    out->certificate_id = to_text(c->arena, cert.id);
    out->certificate_der = to_bytes(c, cert.der, cert.der_n);
    chain_of(c, cert.algorithm, &out->n_chain_der, &out->chain_der);
    return OK;
}

RPC_HANDLER(finish_personalisation, FinishPersonalisationRequest, FinishPersonalisationResponse)
{
    struct order o;
    TRY(issue_finish(c, in->personalisation_id, in->certificate_der.data, in->certificate_der.len,
                     in->signature.data, in->signature.len, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(quarantine_token, QuarantineTokenRequest, QuarantineTokenResponse)
{
    struct order o;
    TRY(issue_quarantine(c, in->personalisation_id, in->reason, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(prepare_download, DownloadCertificateRequest, DownloadCertificateResponse)
{
    (void)out;
    return issue_download_prepare(c, in->order_id, in->medium_number, in->csr_der.data, in->csr_der.len);
}

RPC_HANDLER(download_certificate, DownloadCertificateRequest, DownloadCertificateResponse)
{
    struct certificate cert;
    TRY(issue_download(c, in->order_id, &cert));
    out->certificate_id = to_text(c->arena, cert.id);
    out->certificate_der = to_bytes(c, cert.der, cert.der_n);
    chain_of(c, cert.algorithm, &out->n_chain_der, &out->chain_der);
    return OK;
}

/* -- stock ---- */

static PB(Token) * to_token(struct ctx *c, const struct token *t)
{
    PB(Token) *out = ARENA_NEW(c->arena, PB(Token));
    PB_INIT(token, out);
    out->medium_number = to_text(c->arena, t->medium_number);
    out->state = (PB(TokenState))t->state;
    out->model = to_text(c->arena, t->model);
    out->order_id = to_text(c->arena, t->order);
    out->reason = to_text(c->arena, t->reason);
    out->update_time = to_timestamp(c->arena, t->updated_ms);
    return out;
}

static void check_numbers(struct ctx *c, char *const *numbers, size_t n)
{
    if (n == 0 || n > REGISTER_MAX)
        fault_field(c->fault, "medium_numbers", "RANGE", "between 1 and 1000 numbers",
                    "一次登记1至1000个介质号");
    for (size_t i = 0; i < n; i++)
        if (!medium_number_ok(numbers[i]))
            fault_field(c->fault, arena_printf(c->arena, "medium_numbers[%zu]", i), "FORMAT",
                        "a medium number has 1 to 64 letters, digits or -", "介质号格式有误");
}

RPC_HANDLER(register_tokens, RegisterTokensRequest, RegisterTokensResponse)
{
    const char **known;
    check_numbers(c, in->medium_numbers, in->n_medium_numbers);
    if (*in->model)
        field_problem(c->fault, "", "model", "model", "型号", text_problem(in->model, 1, MODEL_MAX));
    TRY(fault_fields(c->fault));
    TRY(stock_register(c, in->medium_numbers, in->n_medium_numbers, in->model, &known,
                       &out->n_known_already));
    out->added = (int32_t)(in->n_medium_numbers - out->n_known_already);
    out->known_already = ARENA_ARRAY(c->arena, char *, out->n_known_already + 1);
    for (size_t i = 0; i < out->n_known_already; i++)
        out->known_already[i] = to_text(c->arena, known[i]);
    return OK;
}

RPC_HANDLER(get_token, GetTokenRequest, GetTokenResponse)
{
    struct token t;
    TRY(stock_token(c, in->medium_number, &t));
    out->token = to_token(c, &t);
    return OK;
}

RPC_HANDLER(list_tokens, ListTokensRequest, ListTokensResponse)
{
    struct token *list;
    int limit = limit_of(in->page_size);
    /* A medium number is no secret and its order never changes: it is the page token as it is. */
    TRY(stock_list(c, (int)in->state, in->page_token, limit, &list, &out->n_tokens));
    out->tokens = ARENA_ARRAY(c->arena, PB(Token) *, out->n_tokens + 1);
    for (size_t i = 0; i < out->n_tokens; i++)
        out->tokens[i] = to_token(c, &list[i]);
    if (out->n_tokens == (size_t)limit)
        out->next_page_token = to_text(c->arena, list[limit - 1].medium_number);
    return OK;
}

#define ROW(svc, m, how, ...)                                                                                \
    {                                                                                                        \
        .service = PB_SERVICE(svc), .method = (m), .access = ACCESS_STAFF, .roles = ROLE_OPERATOR,           \
        .mode = (how), __VA_ARGS__                                                                           \
    }

static const struct rpc_row rows[] = {
    ROW(issuance_service, "ListIssues", MODE_READ, .handler = list_issues),
    ROW(issuance_service, "BeginPersonalisation", MODE_WRITE, .handler = begin_personalisation),
    ROW(issuance_service, "RecordStep", MODE_WRITE, .handler = record_step),
    ROW(issuance_service, "IssueCertificate", MODE_WRITE, .prepare = prepare_certificate,
        .handler = issue_certificate),
    ROW(issuance_service, "FinishPersonalisation", MODE_WRITE, .handler = finish_personalisation),
    ROW(issuance_service, "QuarantineToken", MODE_WRITE, .handler = quarantine_token),
    {.service = PB_SERVICE(issuance_service),
     .method = "DownloadCertificate",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .prepare = prepare_download,
     .handler = download_certificate},
    ROW(stock_service, "RegisterTokens", MODE_WRITE, .handler = register_tokens),
    ROW(stock_service, "GetToken", MODE_READ, .handler = get_token),
    ROW(stock_service, "ListTokens", MODE_READ, .handler = list_tokens),
};

const struct rpc_table issue_rpc = {rows, sizeof rows / sizeof *rows};
