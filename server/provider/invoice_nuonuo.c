/* Nuonuo: issue, query, retry, red, files, callback. providers.md 7
 *
 * Two families of methods do the same: nuonuo.OpeMplatform.… for fully digital invoices (数电), which is what
 * new contracts get, and nuonuo.ElectronInvoice.… of before; the setting `methods` chooses. [K] marks what no
 * text of the supplier's own that we have seen proves.
 */
#include "provider/nuonuo.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct provider_setting nuonuo_settings[] = {
    {"base_url", "address of the services", true, false, "https://sdk.nuonuo.com/open/v1/services"},
    {"token_url", "where access tokens are taken", true, false, "https://open.nuonuo.com/accessToken"},
    {"app_key", "appKey of the application", true, false, NULL},
    {"app_secret", "appSecret of the application", true, true, NULL},
    {"methods", "family of methods: OpeMplatform (fully digital invoices) or ElectronInvoice (older)", true,
     false, "OpeMplatform"},
    {"seller_tax_number", "the seller's tax number", true, false, NULL},
    {"seller_address", "the seller's address", true, false, NULL},
    {"seller_phone", "the seller's phone", true, false, NULL},
    {"clerk", "who issues (开票员)", true, false, NULL},
    {"goods_name", "what is sold, as on the invoice", true, false, "*信息技术服务*数字证书服务费"},
    {"goods_code", "its tax classification, 19 digits", true, false, "3040203000000000000"},
    {"tax_rate", "its tax rate", true, false, "0.06"},
    {"invoice_line", "kind of invoice: pc, bs, p", true, false, "pc"},
    {0},
};

static const char *method(const struct nuonuo *n, struct arena *a, const char *verb)
{
    return arena_printf(a, "nuonuo.%s.%s", n->older ? "ElectronInvoice" : "OpeMplatform", verb);
}

/* -- what an order says ---------------------------------------------------------------------------------- */

/* The order's own words, the settings' where it has none. */
static struct invoice_terms complete(void *self, const struct invoice_terms *own)
{
    const struct nuonuo *n = self;
    struct invoice_terms out;
#define PICK(m) out.m = own->m && *own->m ? own->m : n->terms.m
    PICK(seller_tax_number);
    PICK(seller_address);
    PICK(seller_phone);
    PICK(clerk);
    PICK(goods_name);
    PICK(goods_code);
    PICK(invoice_line);
    PICK(tax_rate);
#undef PICK
    return out;
}

static enum err terms_of(struct nuonuo *n, const struct invoice_terms *own, struct invoice_terms *out,
                         int64_t *rate, struct fault *f)
{
    *out = complete(n, own);
    return invoice_read_rate(out->tax_rate, rate) ? OK : fail(f, ERR_INVALID, "the tax rate is none");
}

static bool number_ok(const char *s)
{
    size_t k = s ? strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") : 0;
    return k > 0 && k <= INVOICE_ORDER_NO_MAX && !s[k];
}

static enum err check_order(const struct invoice_order *o, const char *order_no, struct fault *f)
{
    if (!number_ok(order_no))
        return fail(f, ERR_INVALID, "an order number has 1 to 20 letters and digits");
    if (o->total_fen <= 0 || !o->buyer.name || !*o->buyer.name)
        return fail(f, ERR_INVALID, "an amount and a title are wanted");
    if (!invoice_adds_up(o->lines, o->n_lines, o->total_fen))
        return fail(f, ERR_INVALID, "the lines do not add up to the amount");
    return OK;
}

static void put(json_t *j, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(j, key, json_string(value));
}

/* The price contains the tax. red: a positive price, a negative number. What is charged beside the
 * certificates (postage) is taxed as they are, so it has their classification (增值税暂行条例实施细则 12:
 * 价外费用). */
static json_t *line(const struct invoice_terms *r, const struct invoice_line *l, bool red, int64_t rate)
{
    char price[INVOICE_YUAN_SIZE], total[INVOICE_YUAN_SIZE], tax[INVOICE_YUAN_SIZE],
        without[INVOICE_YUAN_SIZE], number[16];
    int quantity = red ? -l->quantity : l->quantity;
    int64_t total_fen = l->unit_fen * quantity, tax_fen = invoice_tax(total_fen, rate);
    invoice_yuan(l->unit_fen, price);
    invoice_yuan(total_fen, total);
    invoice_yuan(tax_fen, tax);
    invoice_yuan(total_fen - tax_fen, without);
    snprintf(number, sizeof number, "%d", quantity);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "goodsName",
                     l->name && *l->name ? l->name : r->goods_name, "goodsCode", r->goods_code, "withTaxFlag",
                     "1", "price", price, "num", number, "taxRate", r->tax_rate, "tax", tax,
                     "taxExcludedAmount", without, "taxIncludedAmount", total, "invoiceLineProperty", "0",
                     "favouredPolicyFlag", "0");
}

static json_t *detail(const struct invoice_order *o, const struct invoice_terms *r, bool red, int64_t rate)
{
    const struct invoice_line whole = {.quantity = 1, .unit_fen = o->total_fen};
    json_t *list = json_array();
    for (size_t i = 0; i < (o->n_lines ? o->n_lines : 1); i++)
        json_array_append_new(list, line(r, o->n_lines ? &o->lines[i] : &whole, red, rate));
    return list;
}

/* We mail the files ourselves (pushMode -1): what we have archived is what the buyer gets. */
static json_t *billing(const struct invoice_order *o, const struct invoice_terms *r, int64_t rate, bool red)
{
    char date[WHEN_SIZE];
    when_beijing(o->ordered_ms, date);
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "buyerName", o->buyer.name,
                          "salerTaxNum", r->seller_tax_number, "salerTel", r->seller_phone, "salerAddress",
                          r->seller_address, "orderNo", o->order_no, "invoiceDate", date, "clerk", r->clerk,
                          "pushMode", "-1", "invoiceType", red ? "2" : "1", "invoiceLine", r->invoice_line,
                          "invoiceDetail", detail(o, r, red, rate));
    if (!j)
        return NULL;
    put(j, "buyerTaxNum", o->buyer.tax_number);
    put(j, "buyerTel", o->buyer.phone);
    put(j, "buyerAddress", o->buyer.address);
    put(j, "buyerAccount", o->buyer.account);
    put(j, "remark", o->remark);
    put(j, "callBackUrl", o->callback_url);
    return j;
}

static enum err read_serial(const json_t *answer, char serial[static NUONUO_SERIAL_SIZE], struct fault *f)
{
    const json_t *r = json_object_get(answer, "result");
    if (js_code(r, "invoiceSerialNum", serial, NUONUO_SERIAL_SIZE) && *serial)
        return OK;
    return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: accepted without a serial number");
}

static enum err issue(void *self, const struct invoice_order *o, struct arena *a,
                      char serial[static NUONUO_SERIAL_SIZE], struct provider_trace *trace, struct fault *f)
{
    struct nuonuo *n = self;
    struct invoice_terms r;
    int64_t rate;
    *serial = '\0';
    *trace = (struct provider_trace){0};
    TRY(check_order(o, o->order_no, f));
    TRY(terms_of(n, &o->terms, &r, &rate, f));
    CLEANUP(js_free)
    json_t *answer = NULL;
    TRY(nuonuo_send(n, method(n, a, "requestBillingNew"), r.seller_tax_number,
                    json_pack("{s:o}", "order", billing(o, &r, rate, false)), a, &answer, trace, f));
    return read_serial(answer, serial, f);
}

/* -- red ------------------------------------------------------------------------------------------------- */

/* 快捷冲红: the whole of a fully digital invoice. [K] The tax platform wants a red confirmation first; the
 * method's public clients either leave that to it (what is sent here: the seller asks, the buyer has not
 * booked it) or send the billNo and billUuid of one that they had made by saveInvoiceRedConfirm. Names of the
 * members are those that several clients agree on. */
static json_t *fast_red(const struct invoice_reversal *v, const struct invoice_terms *r)
{
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "orderNo", v->order_no, "taxNum", r->seller_tax_number,
                  "invoiceId", v->blue_serial, "elecInvoiceNumber", v->blue_number, "invoiceLine",
                  r->invoice_line, "applySource", "0", "redReason", "1" /* 销货退回 */);
    if (j)
        put(j, "callBackUrl", v->callback_url);
    return j;
}

/* The older form: requestBillingNew of type 2, which names the blue one's code and number and has its amounts
 * with a minus. */
static json_t *older_red(struct arena *a, const struct invoice_reversal *v, const struct invoice_terms *r,
                         int64_t rate)
{
    struct invoice_order o = v->blue;
    o.order_no = v->order_no;
    o.ordered_ms = v->ordered_ms;
    o.callback_url = v->callback_url;
    o.remark = arena_printf(a, "对应正数发票代码:%s号码:%s", v->blue_code, v->blue_number);
    json_t *order = billing(&o, r, rate, true);
    if (!order)
        return NULL;
    put(order, "invoiceCode", v->blue_code);
    put(order, "invoiceNum", v->blue_number);
    put(order, "redReason", "2"); /* 销货退回 */
    return json_pack("{s:o}", "order", order);
}

static enum err red(void *self, const struct invoice_reversal *v, struct arena *a,
                    char serial[static NUONUO_SERIAL_SIZE], struct provider_trace *trace, struct fault *f)
{
    struct nuonuo *n = self;
    struct invoice_terms r;
    int64_t rate;
    *serial = '\0';
    *trace = (struct provider_trace){0};
    TRY(check_order(&v->blue, v->order_no, f));
    TRY(terms_of(n, &v->blue.terms, &r, &rate, f));
    json_t *params = n->older ? older_red(a, v, &r, rate) : fast_red(v, &r);
    CLEANUP(js_free)
    json_t *answer = NULL;
    TRY(nuonuo_send(n, method(n, a, n->older ? "requestBillingNew" : "fastInvoiceRed"), r.seller_tax_number,
                    params, a, &answer, trace, f));
    return read_serial(answer, serial, f);
}

/* -- what became of it ----------------------------------------------------------------------------------- */

static const char *seller_of(const struct nuonuo *n, const char *seller)
{
    return seller && *seller ? seller : n->terms.seller_tax_number;
}

static enum err retry(void *self, const char *seller, const char *order_no, const char *serial,
                      struct arena *a, struct provider_trace *trace, struct fault *f)
{
    struct nuonuo *n = self;
    CLEANUP(js_free)
    json_t *answer = NULL;
    return nuonuo_send(n, method(n, a, "reInvoice"), seller_of(n, seller),
                       json_pack("{s:s,s:s}", "fpqqlsh", serial, "orderno", order_no), a, &answer, trace, f);
}

static bool stage_of(const char *status, enum invoice_stage *out)
{
    static const struct {
        const char *status;
        enum invoice_stage stage;
    } table[] = {{"2", INVOICE_ISSUED},  {"20", INVOICE_ISSUING},  {"21", INVOICE_SEALING},
                 {"22", INVOICE_FAILED}, {"24", INVOICE_UNSEALED}, {"3", INVOICE_VOID},
                 {"31", INVOICE_VOID}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].status, status) == 0) {
            *out = table[i].stage;
            return true;
        }
    return false;
}

static const char *link_of(const json_t *one, const char *key, struct arena *a)
{
    const char *s = js_str(one, key);
    return s ? arena_strdup(a, s) : "";
}

static enum err read_amounts(const json_t *one, struct invoice_status *out, struct fault *f)
{
    char total[INVOICE_YUAN_SIZE] = "", tax[INVOICE_YUAN_SIZE] = "";
    js_copy(one, "orderAmount", total, sizeof total);
    js_copy(one, "taxAmount", tax, sizeof tax);
    if ((*total && !invoice_read_yuan(total, &out->total_fen)) ||
        (*tax && !invoice_read_yuan(tax, &out->tax_fen)))
        return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: an amount that is none");
    return OK;
}

enum err nuonuo_read_status(const json_t *answer, const char *order_no, struct arena *a,
                            struct invoice_status *out, struct fault *f)
{
    const json_t *list = json_object_get(answer, "result"), *one = json_array_get(list, 0);
    char status[8] = "";
    if (json_array_size(list) == 0 && json_is_array(list)) {
        out->stage = INVOICE_ABSENT;
        return OK;
    }
    if (json_array_size(list) != 1 || !js_copy(one, "orderNo", out->order_no, sizeof out->order_no) ||
        strcmp(out->order_no, order_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: an answer that does not speak of our number");
    if (!js_code(one, "status", status, sizeof status) || !stage_of(status, &out->stage))
        return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: a state that we do not know");
    js_code(one, "serialNo", out->serial, sizeof out->serial);
    js_code(one, "invoiceCode", out->code, sizeof out->code);
    if (!js_code(one, "allElectronicInvoiceNumber", out->number, sizeof out->number) || !*out->number)
        js_code(one, "invoiceNo", out->number, sizeof out->number);
    if (!js_int(one, "invoiceTime", &out->issued_ms))
        out->issued_ms = 0;
    text_copy(out->cause, sizeof out->cause, js_str(one, "failCause"));
    out->pdf_url = link_of(one, "pdfUrl", a);
    out->ofd_url = link_of(one, "ofdUrl", a);
    out->xml_url = link_of(one, "xmlUrl", a);
    TRY(read_amounts(one, out, f));
    if (out->stage == INVOICE_ISSUED && !*out->number)
        return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: an invoice without a number");
    return OK;
}

static enum err query(void *self, const char *seller, const char *order_no, struct arena *a,
                      struct invoice_status *out, struct fault *f)
{
    struct nuonuo *n = self;
    *out = (struct invoice_status){.pdf_url = "", .ofd_url = "", .xml_url = ""};
    if (!number_ok(order_no))
        return fail(f, ERR_INVALID, "an order number has 1 to 20 letters and digits");
    CLEANUP(js_free)
    json_t *answer = NULL;
    enum err e = nuonuo_send(n, method(n, a, "queryInvoiceResult"), seller_of(n, seller),
                             json_pack("{s:[s],s:s}", "orderNos", order_no, "isOfferInvoiceDetail", "0"), a,
                             &answer, &out->trace, f);
    if (e == ERR_NOT_FOUND) {
        fault_clear(f);
        return OK;
    }
    if (e != OK)
        return e;
    return nuonuo_read_status(answer, order_no, a, out, f);
}

/* -- files ----------------------------------------------------------------------------------------------- */

/* By content: an error page has a link's address, too. OFD is a zip archive. */
static bool looks_like(enum invoice_file_kind kind, const char *p, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
    } begins[] = {
        [INVOICE_PDF] = {"%PDF-", 5}, [INVOICE_OFD] = {"PK\x03\x04", 4}, [INVOICE_XML] = {"<?xml", 5}};
    size_t skip = kind == INVOICE_XML && n > 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return n > skip + begins[kind].n && memcmp(p + skip, begins[kind].magic, begins[kind].n) == 0;
}

static enum err fetch(void *self, enum invoice_file_kind kind, const char *url, struct arena *a,
                      const void **bytes, size_t *len, struct fault *f)
{
    const struct nuonuo *n = self;
    if (!invoice_file_type(kind))
        return fail(f, ERR_INVALID, "there is no such kind of file");
    struct http_request req = {.point = "invoice",
                               .method = "GET",
                               .url = url,
                               .told_by = n->url,
                               .timeout_ms = 20000,
                               .max_answer = INVOICE_FILE_MAX};
    struct http_response resp;
    TRY(http_send(n->http, &req, a, &resp, f));
    if (resp.status == 403 || resp.status == 404 || resp.status == 410)
        return fail(f, ERR_NOT_FOUND, "nuonuo: the link of a file has expired");
    if (resp.status != 200 || !looks_like(kind, resp.body, resp.n_body))
        return fail(f, ERR_PROVIDER_BUSY, "nuonuo: status %d and no %s", resp.status,
                    invoice_file_suffix(kind));
    *bytes = resp.body;
    *len = resp.n_body;
    return OK;
}

/* -- callback -------------------------------------------------------------------------------------------- */

enum err nuonuo_callback_read(void *self, const char *body, size_t len, struct arena *a,
                              struct invoice_event *out, struct fault *f)
{
    (void)self;
    struct provider_pair *form;
    size_t n_form;
    *out = (struct invoice_event){0};
    TRY(form_decode(a, body, len, &form, &n_form));
    const char *operater = form_value(form, n_form, "operater"),
               *content = form_value(form, n_form, "content");
    const char *order_no = form_value(form, n_form, "orderno");
    CLEANUP(js_free)
    json_t *j = content ? js_parse(content, strlen(content)) : NULL;
    if (!operater || strcmp(operater, "callback") != 0 || !number_ok(order_no) || !j ||
        !js_code(j, "c_status", out->state, sizeof out->state))
        return fail(f, ERR_INVALID, "nuonuo: not a callback");
    text_copy(out->order_no, sizeof out->order_no, order_no);
    js_code(j, "c_fpqqlsh", out->serial, sizeof out->serial);
    const char *inner = js_str(j, "c_orderno");
    if (inner && strcmp(inner, out->order_no) != 0)
        return fail(f, ERR_INVALID, "nuonuo: a callback about two numbers");
    return OK;
}

static void use_tokens(void *self, const struct provider_tokens *t)
{
    ((struct nuonuo *)self)->tokens = t;
}

static void nuonuo_close(void *self)
{
    nuonuo_free(self);
    free(self);
}

static const struct invoice_ops ops = {
    .name = "nuonuo",
    .use_tokens = use_tokens,
    .complete = complete,
    .issue = issue,
    .red = red,
    .retry = retry,
    .query = query,
    .fetch = fetch,
    .callback_read = nuonuo_callback_read,
    .close = nuonuo_close,
};

enum err nuonuo_open(const struct provider_env *env, struct invoice_port *out, struct fault *f)
{
    struct nuonuo *n = calloc(1, sizeof *n);
    if (!n)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err e = nuonuo_init(n, env, f);
    if (e != OK) {
        nuonuo_close(n);
        return e;
    }
    *out = (struct invoice_port){.ops = &ops, .self = n, .simulator = n->simulator};
    return OK;
}
