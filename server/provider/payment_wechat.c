/* WeChat Pay APIv3, Native: place, query, close, refund. providers.md 1.4, 1.5 */
#include "provider/payment.h"

#include "provider/http.h"
#include "provider/wechat.h"
#include "provider/when.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRADE_NO_MIN = 6,
    TRADE_NO_MAX = 32,
    REFUND_NO_MAX = 64,
    DESCRIPTION_MAX = 127
};

const struct provider_setting wechat_settings[] = {
    {"base_url", "address of WeChat Pay", true, false, "https://api.mch.weixin.qq.com"},
    {"mchid", "merchant number", true, false, NULL},
    {"appid", "application bound to the merchant", true, false, NULL},
    {"merchant_serial", "serial number of the merchant's certificate, hex", true, false, NULL},
    {"merchant_key", "the merchant's private key, PEM", true, true, NULL},
    {"apiv3_key", "the APIv3 key, 32 characters", true, true, NULL},
    {"public_key_id", "id of WeChat's public key, PUB_KEY_ID_…", false, false, NULL},
    {"public_key", "WeChat's public key, PEM", false, false, NULL},
    {"platform_certificate", "WeChat's platform certificates, PEM, one or more", false, false, NULL},
    {0},
};

static bool number_ok(const char *s, size_t min, size_t max)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*";
    size_t n = s ? strlen(s) : 0;
    return n >= min && n <= max && strspn(s, letters) == n;
}

static enum err check_trade_no(const char *s, struct fault *f)
{
    if (!number_ok(s, TRADE_NO_MIN, TRADE_NO_MAX))
        return fail(f, ERR_INVALID, "out_trade_no is not 6-32 of [0-9A-Za-z_|*-]");
    return OK;
}

/* -- place ----------------------------------------------------------------------------------------------- */

static json_t *place_body(const struct wechat *w, const struct payment_order *o)
{
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:I,s:s}}", "appid", w->appid, "mchid", w->mchid,
                          "description", o->description, "out_trade_no", o->out_trade_no, "notify_url",
                          o->notify_url, "amount", "total", (json_int_t)o->amount_fen, "currency", "CNY");
    if (j && o->time_expire_ms) {
        char when[WHEN_SIZE];
        when_rfc3339_beijing(o->time_expire_ms, when);
        json_object_set_new(j, "time_expire", json_string(when));
    }
    return j;
}

static enum err place(void *self, const struct payment_order *o, struct arena *a, struct payment_code *out,
                      struct fault *f)
{
    struct wechat *w = self;
    *out = (struct payment_code){0};
    TRY(check_trade_no(o->out_trade_no, f));
    if (o->amount_fen <= 0 || !o->description || !*o->description ||
        strlen(o->description) > DESCRIPTION_MAX || !o->notify_url)
        return fail(f, ERR_INVALID, "amount, description and notify_url are wanted");
    json_t *body = place_body(w, o);
    if (!body)
        return fail(f, ERR_INVALID, "the description is not UTF-8");
    CLEANUP(js_free)
    json_t *r = NULL;
    TRY(wechat_send(w, "POST", "/v3/pay/transactions/native", body, a, &r, &out->trace, f));
    if (!js_copy(r, "code_url", out->code_url, sizeof out->code_url) || !out->code_url[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: placed, but no code_url came");
    return OK;
}

/* -- query, close ---------------------------------------------------------------------------------------- */

static enum payment_state state_of(const char *s)
{
    static const enum payment_state all[] = {PAYMENT_NOTPAY, PAYMENT_SUCCESS, PAYMENT_REFUND, PAYMENT_CLOSED};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(s, payment_state_name(all[i])) == 0)
            return all[i];
    return PAYMENT_OTHER;
}

/* A capture says how much, in what, when and under which number; without these it is not one. */
static bool read_capture(const json_t *j, const json_t *amount, struct payment_status *out)
{
    if (!js_int(amount, "total", &out->amount_fen) || out->amount_fen < 0)
        return false;
    if (!js_int(amount, "payer_total", &out->payer_fen))
        out->payer_fen = out->amount_fen;
    if (!js_copy(amount, "currency", out->currency, sizeof out->currency))
        return false;
    return js_copy(j, "transaction_id", out->transaction_id, sizeof out->transaction_id) &&
           out->transaction_id[0] && when_read_rfc3339(js_str(j, "success_time"), &out->success_ms);
}

enum err wechat_read_transaction(const struct wechat *w, const json_t *j, struct payment_status *out,
                                 struct fault *f)
{
    const char *mchid = js_str(j, "mchid"), *appid = js_str(j, "appid"), *state = js_str(j, "trade_state");
    if (!mchid || !appid || !state ||
        !js_copy(j, "out_trade_no", out->out_trade_no, sizeof out->out_trade_no))
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: a transaction without its fields");
    if (strcmp(mchid, w->mchid) != 0 || strcmp(appid, w->appid) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: a transaction of another merchant");
    out->state = state_of(state);
    const json_t *amount = json_object_get(j, "amount");
    bool captured = out->state == PAYMENT_SUCCESS || out->state == PAYMENT_REFUND;
    if (captured && !read_capture(j, amount, out))
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: a capture without its fields");
    if (!captured && !js_int(amount, "total", &out->amount_fen))
        out->amount_fen = 0;
    return OK;
}

static enum err query(void *self, const char *out_trade_no, struct arena *a, struct payment_status *out,
                      struct fault *f)
{
    struct wechat *w = self;
    *out = (struct payment_status){0};
    TRY(check_trade_no(out_trade_no, f));
    const char *path = arena_printf(a, "/v3/pay/transactions/out-trade-no/%s?mchid=%s",
                                    url_escape(a, out_trade_no), url_escape(a, w->mchid));
    CLEANUP(js_free)
    json_t *r = NULL;
    enum err e = wechat_send(w, "GET", path, NULL, a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND) {
        out->state = PAYMENT_ABSENT;
        return OK;
    }
    if (e != OK)
        return e;
    TRY(wechat_read_transaction(w, r, out, f));
    if (strcmp(out->out_trade_no, out_trade_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: answered about another order");
    return OK;
}

static enum err close_order(void *self, const char *out_trade_no, struct arena *a,
                            struct provider_trace *trace, struct fault *f)
{
    struct wechat *w = self;
    *trace = (struct provider_trace){0};
    TRY(check_trade_no(out_trade_no, f));
    const char *path =
        arena_printf(a, "/v3/pay/transactions/out-trade-no/%s/close", url_escape(a, out_trade_no));
    CLEANUP(js_free)
    json_t *r = NULL;
    return wechat_send(w, "POST", path, json_pack("{s:s}", "mchid", w->mchid), a, &r, trace, f);
}

/* -- refunds --------------------------------------------------------------------------------------------- */

static bool refund_state_of(const char *s, enum payment_refund_state *out)
{
    static const enum payment_refund_state all[] = {REFUND_PROCESSING, REFUND_SUCCESS, REFUND_CLOSED,
                                                    REFUND_ABNORMAL};
    for (size_t i = 0; s && i < sizeof all / sizeof *all; i++)
        if (strcmp(s, payment_refund_state_name(all[i])) == 0) {
            *out = all[i];
            return true;
        }
    return false;
}

enum err wechat_read_refund(const json_t *j, const char *state_key, struct payment_refund_status *out,
                            struct fault *f)
{
    const json_t *amount = json_object_get(j, "amount");
    const char *when = js_str(j, "success_time");
    if (!refund_state_of(js_str(j, state_key), &out->state) || !js_int(amount, "refund", &out->refund_fen) ||
        !js_int(amount, "total", &out->total_fen) ||
        !js_copy(j, "out_refund_no", out->out_refund_no, sizeof out->out_refund_no) ||
        !js_copy(j, "out_trade_no", out->out_trade_no, sizeof out->out_trade_no) ||
        !js_copy(j, "refund_id", out->refund_id, sizeof out->refund_id) ||
        !js_copy(j, "transaction_id", out->transaction_id, sizeof out->transaction_id) ||
        (when && *when && !when_read_rfc3339(when, &out->success_ms)))
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: a refund without its fields");
    return OK;
}

static enum err read_our_refund(const json_t *j, const char *out_refund_no, struct payment_refund_status *out,
                                struct fault *f)
{
    TRY(wechat_read_refund(j, "status", out, f));
    if (strcmp(out->out_refund_no, out_refund_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: answered about another refund");
    return OK;
}

static json_t *refund_body(const struct payment_refund_order *o)
{
    json_t *j = json_pack("{s:s,s:s,s:{s:I,s:I,s:s}}", "out_trade_no", o->out_trade_no, "out_refund_no",
                          o->out_refund_no, "amount", "refund", (json_int_t)o->refund_fen, "total",
                          (json_int_t)o->total_fen, "currency", "CNY");
    if (j && ((o->reason && json_object_set_new(j, "reason", json_string(o->reason)) != 0) ||
              (o->notify_url && json_object_set_new(j, "notify_url", json_string(o->notify_url)) != 0))) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static enum err refund(void *self, const struct payment_refund_order *o, struct arena *a,
                       struct payment_refund_status *out, struct fault *f)
{
    *out = (struct payment_refund_status){0};
    TRY(check_trade_no(o->out_trade_no, f));
    if (!number_ok(o->out_refund_no, 1, REFUND_NO_MAX) || o->refund_fen <= 0 || o->refund_fen > o->total_fen)
        return fail(f, ERR_INVALID, "out_refund_no and a refund within the total are wanted");
    json_t *body = refund_body(o);
    if (!body)
        return fail(f, ERR_INVALID, "the reason is not UTF-8");
    CLEANUP(js_free)
    json_t *r = NULL;
    TRY(wechat_send(self, "POST", "/v3/refund/domestic/refunds", body, a, &r, &out->trace, f));
    return read_our_refund(r, o->out_refund_no, out, f);
}

static enum err refund_query(void *self, const char *out_trade_no, const char *out_refund_no, struct arena *a,
                             struct payment_refund_status *out, struct fault *f)
{
    (void)out_trade_no; /* the refund's own number is enough */
    *out = (struct payment_refund_status){0};
    if (!number_ok(out_refund_no, 1, REFUND_NO_MAX))
        return fail(f, ERR_INVALID, "out_refund_no is wanted");
    const char *path = arena_printf(a, "/v3/refund/domestic/refunds/%s", url_escape(a, out_refund_no));
    CLEANUP(js_free)
    json_t *r = NULL;
    enum err e = wechat_send(self, "GET", path, NULL, a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND) {
        out->state = REFUND_ABSENT;
        return OK;
    }
    if (e != OK)
        return e;
    return read_our_refund(r, out_refund_no, out, f);
}

/* -- the port -------------------------------------------------------------------------------------------- */

static void wechat_close(void *self)
{
    wechat_free(self);
    free(self);
}

static const struct payment_ops ops = {
    .name = "wechat",
    .place = place,
    .query = query,
    .close_order = close_order,
    .refund = refund,
    .refund_query = refund_query,
    .bill = wechat_bill,
    .callback_verify = wechat_callback_verify,
    .close = wechat_close,
};

enum err wechat_payment_open(const struct provider_env *env, struct payment_port *out, struct fault *f)
{
    struct wechat *w = calloc(1, sizeof *w);
    if (!w)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err e = wechat_init(w, env, f);
    if (e != OK) {
        wechat_close(w);
        return e;
    }
    *out = (struct payment_port){.ops = &ops, .self = w, .simulator = provider_is_simulator(w->url)};
    return OK;
}
