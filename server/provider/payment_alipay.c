/* Alipay, face to face by QR code: place, query, close. providers.md 2.3 */
#include "provider/payment.h"

#include "base/str.h"
#include "provider/alipay.h"
#include "provider/when.h"
#include "provider/yuan.h"

#include <stdlib.h>
#include <string.h>

enum {
    DESCRIPTION_MAX = 127
};

const struct provider_setting alipay_settings[] = {
    {"base_url", "address of Alipay's gateway", true, false, "https://openapi.alipay.com/gateway.do"},
    {"app_id", "number of our application", true, false, NULL},
    {"seller_id", "number of the account that gets the money, 2088…", true, false, NULL},
    {"app_key", "the application's private key, PEM", true, true, NULL},
    {"alipay_public_key", "Alipay's public key, PEM; or the three certificates", false, false, NULL},
    {"app_certificate", "the application's certificate, PEM", false, false, NULL},
    {"alipay_certificate", "Alipay's certificate, PEM", false, false, NULL},
    {"alipay_root_certificates", "Alipay's root certificates, PEM, as they are given out", false, false,
     NULL},
    {0},
};

static enum err check_trade_no(const char *s, struct fault *f)
{
    if (!alipay_number_ok(s, ALIPAY_TRADE_NO_MIN, ALIPAY_TRADE_NO_MAX))
        return fail(f, ERR_INVALID, "out_trade_no is not %d-%d of [0-9A-Za-z_]", ALIPAY_TRADE_NO_MIN,
                    ALIPAY_TRADE_NO_MAX);
    return OK;
}

/* The answer must be about what was asked. */
static enum err check_about(const json_t *j, const char *out_trade_no, struct fault *f)
{
    const char *no = js_str(j, "out_trade_no");
    if (!no || strcmp(no, out_trade_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: answered about another trade");
    return OK;
}

/* -- place ----------------------------------------------------------------------------------------------- */

/* Alipay refuses "/", "=" and "&" in a subject. */
static const char *subject(struct arena *a, const char *description)
{
    char *s = arena_strdup(a, description);
    for (char *p = s; (p = strpbrk(p, "/=&")); p++)
        *p = ' ';
    return s;
}

static json_t *place_content(const struct alipay *p, const struct payment_order *o, struct arena *a)
{
    char amount[YUAN_SIZE], when[WHEN_SIZE];
    yuan_text(o->amount_fen, amount);
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s}", "out_trade_no", o->out_trade_no, "total_amount", amount,
                          "subject", subject(a, o->description), "product_code", "FACE_TO_FACE_PAYMENT",
                          "seller_id", p->seller_id);
    if (j && o->time_expire_ms) {
        when_beijing(o->time_expire_ms, when);
        json_object_set_new(j, "time_expire", json_string(when));
    }
    return j;
}

static enum err place(void *self, const struct payment_order *o, struct arena *a, struct payment_code *out,
                      struct fault *f)
{
    const struct alipay *p = self;
    *out = (struct payment_code){0};
    TRY(check_trade_no(o->out_trade_no, f));
    if (o->amount_fen <= 0 || !o->description || !*o->description ||
        strlen(o->description) > DESCRIPTION_MAX || !o->notify_url)
        return fail(f, ERR_INVALID, "amount, description and notify_url are wanted");
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.precreate", o->notify_url, true};
    TRY(alipay_send(p, &call, place_content(p, o, a), a, &r, &out->trace, f));
    TRY(check_about(r, o->out_trade_no, f));
    if (!js_copy(r, "qr_code", out->code_url, sizeof out->code_url) || !out->code_url[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: placed, but no qr_code came");
    return OK;
}

/* -- query ----------------------------------------------------------------------------------------------- */

/* TRADE_CLOSED is both: never paid in time, and paid and given back whole. */
static enum payment_state state_of(const char *s, bool was_paid)
{
    if (strcmp(s, "WAIT_BUYER_PAY") == 0)
        return PAYMENT_NOTPAY;
    if (strcmp(s, "TRADE_SUCCESS") == 0 || strcmp(s, "TRADE_FINISHED") == 0)
        return PAYMENT_SUCCESS;
    if (strcmp(s, "TRADE_CLOSED") == 0)
        return was_paid ? PAYMENT_REFUND : PAYMENT_CLOSED;
    return PAYMENT_OTHER;
}

static enum err read_trade(const json_t *j, struct payment_status *out, struct fault *f)
{
    const char *status = js_str(j, "trade_status"), *paid_at = js_str(j, "send_pay_date");
    const char *payer = js_str(j, "buyer_pay_amount");
    bool was_paid = paid_at && *paid_at;
    if (!status || !yuan_read(js_str(j, "total_amount"), &out->amount_fen) ||
        (was_paid && !when_read_beijing(paid_at, &out->success_ms)))
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: a trade without its fields");
    out->state = state_of(status, was_paid);
    if (out->state != PAYMENT_SUCCESS && out->state != PAYMENT_REFUND)
        return OK;
    if (!js_copy(j, "trade_no", out->transaction_id, sizeof out->transaction_id) || !out->transaction_id[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: a capture without its number");
    if (!yuan_read(payer, &out->payer_fen))
        out->payer_fen = out->amount_fen;
    text_copy(out->currency, sizeof out->currency, "CNY"); /* the product knows no other */
    return OK;
}

static enum err query(void *self, const char *out_trade_no, struct arena *a, struct payment_status *out,
                      struct fault *f)
{
    *out = (struct payment_status){0};
    TRY(check_trade_no(out_trade_no, f));
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.query", NULL, false};
    enum err e =
        alipay_send(self, &call, json_pack("{s:s}", "out_trade_no", out_trade_no), a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND) { /* nobody has scanned the code, or there is none */
        fault_clear(f);
        out->state = PAYMENT_ABSENT;
        return OK;
    }
    if (e != OK)
        return e;
    TRY(check_about(r, out_trade_no, f));
    text_copy(out->out_trade_no, sizeof out->out_trade_no, out_trade_no);
    return read_trade(r, out, f);
}

/* -- close ----------------------------------------------------------------------------------------------- */

/* A code that nobody has scanned is no trade yet, so there is nothing to close. alipay.trade.cancel is the
 * one call for trades of unknown state: it says what it did, or nothing when there was no trade; then the
 * code lives on. It gives back what was paid between the two calls, which is what would have to happen
 * anyway. */
static enum err cancel(const struct alipay *p, const char *out_trade_no, struct arena *a,
                       struct provider_trace *trace, struct fault *f)
{
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.cancel", NULL, true};
    enum err e = alipay_send(p, &call, json_pack("{s:s}", "out_trade_no", out_trade_no), a, &r, trace, f);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    const char *action = e == OK ? js_str(r, "action") : NULL;
    if (action && strcmp(action, "close") == 0)
        return OK;
    if (action && *action)
        return fail(f, ERR_PAYMENT_STATE, "alipay: it was paid, and given back");
    return fail(f, ERR_PROVIDER_BUSY, "alipay: nobody has scanned the code; it lives until its time");
}

static enum err close_order(void *self, const char *out_trade_no, struct arena *a,
                            struct provider_trace *trace, struct fault *f)
{
    *trace = (struct provider_trace){0};
    TRY(check_trade_no(out_trade_no, f));
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.close", NULL, true};
    enum err e = alipay_send(self, &call, json_pack("{s:s}", "out_trade_no", out_trade_no), a, &r, trace, f);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(f);
    return cancel(self, out_trade_no, a, trace, f);
}

/* -- the port -------------------------------------------------------------------------------------------- */

static void alipay_close(void *self)
{
    alipay_free(self);
    free(self);
}

static const struct payment_ops ops = {
    .name = "alipay",
    .place = place,
    .query = query,
    .close_order = close_order,
    .refund = alipay_refund,
    .refund_query = alipay_refund_query,
    .bill = alipay_bill,
    .callback_verify = alipay_callback_verify,
    .close = alipay_close,
};

enum err alipay_payment_open(const struct provider_env *env, struct payment_port *out, struct fault *f)
{
    struct alipay *p = calloc(1, sizeof *p);
    if (!p)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err e = alipay_init(p, env, f);
    if (e != OK) {
        alipay_close(p);
        return e;
    }
    *out = (struct payment_port){.ops = &ops, .self = p, .simulator = provider_is_simulator(p->url)};
    return OK;
}
