#include "sandbox/control.h"

#include "base/clock.h"
#include "sandbox/alipay.h"
#include "sandbox/esign.h"
#include "sandbox/face.h"
#include "sandbox/kuaidi100.h"
#include "sandbox/nuonuo.h"
#include "sandbox/register.h"
#include "sandbox/smtp.h"
#include "sandbox/state.h"
#include "sandbox/wechat.h"

#include <stdlib.h>
#include <string.h>

/* One call of the control interface; `in` is NULL for a GET. */
struct control {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    json_t *in;
};

static void no(struct control *c, unsigned status, const char *why)
{
    reply_json(c->p, status, json_pack("{s:s}", "error", why));
}

static void done(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:b}", "ok", 1));
}

/* True when the row's field is what the query argument of that name asks for, or nobody asks. */
static bool wanted(const struct control *c, const json_t *row, const char *field)
{
    const char *want = request_query(c->r, field);
    return !want || !*want || strcmp(member(row, field), want) == 0;
}

static bool after(const struct control *c, const json_t *row)
{
    const char *seq = request_query(c->r, "after");
    return !seq || member_int(row, "seq") > strtoll(seq, NULL, 10);
}

static json_t *rows_of(struct control *c, const char *section,
                       bool (*keep)(const struct control *, const json_t *))
{
    json_t *rows = json_array(), *row;
    const char *key;
    json_object_foreach(state_section(c->sb->state, section), key, row) if (!keep || keep(c, row))
        json_array_append(rows, row);
    return rows;
}

static void health(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:b,s:I}", "ok", 1, "now_ms", (json_int_t)clock_now_ms()));
}

static bool keep_sms(const struct control *c, const json_t *row)
{
    const char *phone = request_query(c->r, "phone");
    size_t n = phone ? strlen(phone) : 0;
    bool same = n < 11 || strcmp(member(row, "phone") + 3, phone + n - 11) == 0;
    return same && after(c, row);
}

static void sms(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "sms", rows_of(c, "sms", keep_sms)));
}

static void sms_templates(struct control *c)
{
    const char *id;
    json_t *text, *all = json_object_get(c->in, "templates");
    json_object_foreach(all, id, text) if (!json_is_string(text))
    {
        no(c, 400, "templates: {id: text}");
        return;
    }
    json_object_foreach(all, id, text) state_put(c->sb->state, "sms_templates", id, json_incref(text));
    done(c);
}

static void define(struct control *c, bool (*add)(struct sandbox *, const json_t *), const char *need)
{
    bool ok = true;
    size_t i;
    json_t *one;
    if (json_is_array(c->in)) {
        json_array_foreach(c->in, i, one) ok = ok && add(c->sb, one);
    } else {
        ok = add(c->sb, c->in);
    }
    if (ok)
        done(c);
    else
        no(c, 400, need);
}

static void people(struct control *c)
{
    if (c->in)
        define(c, register_add_person, "name, a valid id_number and a mobile phone are needed");
    else
        reply_json(c->p, 200, json_pack("{s:o}", "people", rows_of(c, "people", NULL)));
}

static void companies(struct control *c)
{
    if (c->in)
        define(c, register_add_company, "name and a valid credit_code are needed");
    else
        reply_json(c->p, 200, json_pack("{s:o}", "companies", rows_of(c, "companies", NULL)));
}

static void cards(struct control *c)
{
    if (c->in)
        define(c, register_add_card, "a valid card_number, name, id_number and phone are needed");
    else
        reply_json(c->p, 200, json_pack("{s:o}", "cards", rows_of(c, "cards", NULL)));
}

static bool keep_face(const struct control *c, const json_t *row)
{
    return wanted(c, row, "token") && wanted(c, row, "name") && wanted(c, row, "our_no");
}

static void faces(struct control *c)
{
    if (!c->in) {
        reply_json(c->p, 200, json_pack("{s:o}", "faces", rows_of(c, "faces", keep_face)));
        return;
    }
    const char *token = member(c->in, "token");
    if (!*token)
        token = face_of(c->sb, member(c->in, "name"));
    const char *why = token ? face_act(c->sb, token, member(c->in, "outcome")) : "there is no such session";
    if (why)
        no(c, 409, why);
    else
        done(c);
}

static bool keep_transfer(const struct control *c, const json_t *row)
{
    return wanted(c, row, "flow") && wanted(c, row, "our_no");
}

static void transfers(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "transfers", rows_of(c, "esign_flows", keep_transfer)));
}

static void bank(struct control *c)
{
    const char *why =
        es_bank(c->sb, member(c->in, "flow"), member(c->in, "our_no"), member(c->in, "outcome"));
    if (why)
        no(c, 409, why);
    else
        done(c);
}

static void orders(struct control *c)
{
    const char *key;
    json_t *o, *rows = json_array();
    json_object_foreach(state_section(c->sb->state, "wechat_orders"), key,
                        o) if (wanted(c, o, "out_trade_no")) json_array_append(rows, wx_order(c->sb, key));
    reply_json(c->p, 200, json_pack("{s:o}", "orders", rows));
}

static void refunds(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "refunds", rows_of(c, "wechat_refunds", NULL)));
}

static void pay(struct control *c)
{
    const char *number = member(c->in, "out_trade_no"), *why = wx_pay(c->sb, number);
    if (why)
        no(c, 409, why);
    else
        reply_json(c->p, 200, json_incref(wx_order(c->sb, number)));
}

static void payout(struct control *c)
{
    const char *why = wx_payout(c->sb, member(c->in, "out_refund_no"));
    if (why)
        no(c, 409, why);
    else
        done(c);
}

static void alipay_orders(struct control *c)
{
    const char *key;
    json_t *t, *rows = json_array();
    json_object_foreach(state_section(c->sb->state, "alipay_trades"), key,
                        t) if (wanted(c, t, "out_trade_no")) json_array_append(rows, ali_trade(c->sb, key));
    reply_json(c->p, 200, json_pack("{s:o}", "orders", rows));
}

static void alipay_refunds(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "refunds", rows_of(c, "alipay_refunds", NULL)));
}

static void alipay_act(struct control *c, const char *(*what)(struct sandbox *, const char *))
{
    const char *number = member(c->in, "out_trade_no"), *why = what(c->sb, number);
    if (why)
        no(c, 409, why);
    else
        reply_json(c->p, 200, json_incref(ali_trade(c->sb, number)));
}

static void alipay_scan(struct control *c)
{
    alipay_act(c, ali_scan);
}

static void alipay_pay(struct control *c)
{
    alipay_act(c, ali_pay);
}

static void parcels(struct control *c)
{
    const char *key;
    json_t *o, *all = json_object(), *subs = state_section(c->sb->state, "subscriptions");
    json_object_foreach(state_section(c->sb->state, "parcels"), key, o) json_object_set(all, key, o);
    reply_json(c->p, 200, json_pack("{s:o,s:O}", "parcels", all, "subscriptions", subs));
}

static void advance(struct control *c)
{
    if (kuaidi100_advance(c->sb, member(c->in, "company"), member(c->in, "number"), member(c->in, "state"),
                          member(c->in, "context"), member(c->in, "location")))
        done(c);
    else
        no(c, 400, "number and one of the supplier's states are needed");
}

static void invoices(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "invoices", nuonuo_invoices(c->sb)));
}

static void done_or(struct control *c, const char *why)
{
    if (why)
        no(c, 409, why);
    else
        done(c);
}

static void expire(struct control *c)
{
    done_or(c, nuonuo_expire(c->sb, member(c->in, "what")));
}

static void void_invoice(struct control *c)
{
    done_or(c, nuonuo_void(c->sb, member(c->in, "order_no")));
}

static bool keep_mail(const struct control *c, const json_t *row)
{
    const char *to = request_query(c->r, "to");
    bool same = !to;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(row, "to"), i, one) same =
        same || strcmp(json_string_value(one), to) == 0;
    return same && after(c, row);
}

static void mails(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "mails", rows_of(c, "mails", keep_mail)));
}

static void smtp_step(struct control *c)
{
    reply_json(c->p, 200, smtp_verdict(c->sb, c->in));
}

static bool keep_log(const struct control *c, const json_t *row)
{
    return wanted(c, row, "provider") && wanted(c, row, "action") && after(c, row);
}

static void log_of_calls(struct control *c)
{
    json_t *rows = rows_of(c, "log", keep_log), *counts = json_object(), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        const char *name = arena_printf(&c->r->a, "%s.%s", member(row, "provider"), member(row, "action"));
        json_object_set_new(counts, name, json_integer(member_int(counts, name) + 1));
    }
    reply_json(c->p, 200, json_pack("{s:o,s:o}", "calls", rows, "counts", counts));
}

static void deliveries(struct control *c)
{
    reply_json(c->p, 200, json_pack("{s:o}", "deliveries", rows_of(c, "deliveries", NULL)));
}

static bool is_supplier(const char *name)
{
    static const char *const names[] = {"tencent", "wechat", "alipay", "kuaidi100",
                                        "esign",   "http",   "smtp",   "nuonuo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* A misspelt kind would be used up without a trace. */
static bool is_kind(const char *kind)
{
    static const char *const kinds[] = {"lose_request",  "lose_answer",
                                        "timeout",       "slow",
                                        "garbage",       "fail",
                                        "busy",          "rate_limited",
                                        "bad_signature", "daily_limit",
                                        "upgrading",     "arrears",
                                        "number_limit",  "no_balance",
                                        "undelivered",   "never",
                                        "twice",         "late",
                                        "wrong_amount",  "wrong_mchid",
                                        "signtest",      "forged_signature",
                                        "forged",        "unsigned",
                                        "abnormal",      "closed",
                                        "full",          "doubtful",
                                        "reserialised",  "paid_first",
                                        "wrong_app",     "wrong_seller",
                                        "gbk",           "extra",
                                        "other_charset", "stale",
                                        "refused",       "unsealed",
                                        "token_expired"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static void fault(struct control *c)
{
    if (!c->in) {
        reply_json(c->p, 200, json_pack("{s:o}", "faults", rows_of(c, "faults", NULL)));
        return;
    }
    if (!is_supplier(member(c->in, "provider")) || !is_kind(member(c->in, "kind"))) {
        no(c, 400,
           "provider (tencent, wechat, alipay, kuaidi100, esign, http, smtp, nuonuo) and a known kind are "
           "needed");
        return;
    }
    char key[24];
    json_t *f = json_deep_copy(c->in);
    if (!json_object_get(f, "count"))
        json_object_set_new(f, "count", json_integer(1));
    state_next(c->sb->state, "faults", key);
    state_put(c->sb->state, "faults", key, f);
    done(c);
}

static void config(struct control *c)
{
    const char *key;
    json_t *v;
    json_object_foreach(c->in, key, v) state_put(c->sb->state, "config", key, json_incref(v));
    reply_json(c->p, 200, json_incref(state_section(c->sb->state, "config")));
}

static void reset(struct control *c)
{
    static const char *const sections[] = {
        "sms",          "sms_templates", "people",          "companies", "wechat_orders", "wechat_refunds",
        "wechat_bills", "wechat_nonces", "tc3_used",        "parcels",   "subscriptions", "mails",
        "log",          "deliveries",    "faults",          "config",    "alipay_trades", "alipay_refunds",
        "alipay_bills", "nuonuo_tokens", "nuonuo_invoices", "cards",     "faces",         "esign_flows",
        "esign_orders", "generic_nonces"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        state_clear(c->sb->state, sections[i]);
    done(c);
}

static void page(struct control *c)
{
    page_serve(c->sb, c->r, c->p);
}

static const struct {
    const char *path;
    bool get, post;
    void (*serve)(struct control *c);
} table[] = {
    {"/", true, false, page},
    {"/sim/health", true, false, health},
    {"/sim/sms", true, false, sms},
    {"/sim/sms/templates", false, true, sms_templates},
    {"/sim/people", true, true, people},
    {"/sim/companies", true, true, companies},
    {"/sim/cards", true, true, cards},
    {"/sim/face", true, true, faces},
    {"/sim/esign/transfers", true, false, transfers},
    {"/sim/esign/transfer", false, true, bank},
    {"/sim/wechat/orders", true, false, orders},
    {"/sim/wechat/refunds", true, false, refunds},
    {"/sim/wechat/pay", false, true, pay},
    {"/sim/alipay/orders", true, false, alipay_orders},
    {"/sim/alipay/refunds", true, false, alipay_refunds},
    {"/sim/alipay/scan", false, true, alipay_scan},
    {"/sim/alipay/pay", false, true, alipay_pay},
    {"/sim/wechat/payout", false, true, payout},
    {"/sim/kuaidi100/parcels", true, false, parcels},
    {"/sim/kuaidi100/advance", false, true, advance},
    {"/sim/nuonuo/invoices", true, false, invoices},
    {"/sim/nuonuo/expire", false, true, expire},
    {"/sim/nuonuo/void", false, true, void_invoice},
    {"/sim/mails", true, false, mails},
    {"/sim/smtp/step", false, true, smtp_step},
    {"/sim/log", true, false, log_of_calls},
    {"/sim/deliveries", true, false, deliveries},
    {"/sim/fault", true, true, fault},
    {"/sim/config", false, true, config},
    {"/sim/reset", false, true, reset},
};

/* The page's buttons send forms: their fields as an object. */
static json_t *form_input(struct request *r)
{
    static const char *const fields[] = {"out_trade_no", "number", "state", "context", "company", "location"};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *v = request_form(r, fields[i]);
        if (v)
            json_object_set_new(o, fields[i], json_string(v));
    }
    return o;
}

static bool is_form(const struct request *r)
{
    const char *type = request_header(r, "Content-Type");
    return type && strncmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

/* Another site's page in a local browser may send forms here; its Origin betrays it. */
static bool is_foreign(const struct request *r)
{
    const char *origin = request_header(r, "Origin");
    return origin &&
           strcmp(origin, arena_printf((struct arena *)(uintptr_t)&r->a, "http://%s", r->host)) != 0;
}

static void act(struct control *c, void (*serve)(struct control *c))
{
    pthread_mutex_lock(&c->sb->lock);
    serve(c);
    pthread_mutex_unlock(&c->sb->lock);
    if (c->in && is_form(c->r) && c->p->status == 200) { /* back to the page */
        reply_text(c->p, 303, "text/plain", "done\n");
        reply_header(c->p, "Location", "/");
    }
}

void control_serve(struct sandbox *sb, struct request *r, struct reply *p)
{
    struct control c = {.sb = sb, .r = r, .p = p};
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    if (strncmp(r->path, "/face/", 6) == 0 && (get || post)) {
        if (post && is_foreign(r))
            no(&c, 403, "not from another site");
        else
            face_page(sb, r, p);
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].path, r->path) != 0)
            continue;
        if (!(get && table[i].get) && !(post && table[i].post)) {
            no(&c, 405, "not this method");
        } else if (post && is_foreign(r)) {
            no(&c, 403, "not from another site");
        } else if (post && !(c.in = is_form(r) ? form_input(r)
                                               : json_loadb(r->n_body ? r->body : "{}",
                                                            r->n_body ? r->n_body : 2, 0, NULL))) {
            no(&c, 400, "the body is not JSON");
        } else {
            act(&c, table[i].serve);
        }
        json_decref(c.in);
        return;
    }
    no(&c, 404, "there is nothing here");
}
