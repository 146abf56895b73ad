/* Alipay: money back. providers.md 2.3
 *
 * "Success" of the call is not success of the refund: fund_change says that money moved with this call; a
 * repeat under the same number, or a bank that takes its time, says N, and then only the query tells.
 */
#include "provider/payment.h"

#include "provider/alipay.h"
#include "provider/when.h"
#include "provider/yuan.h"

#include <string.h>

static enum err check_numbers(const char *out_trade_no, const char *out_refund_no, struct fault *f)
{
    if (!alipay_number_ok(out_trade_no, ALIPAY_TRADE_NO_MIN, ALIPAY_TRADE_NO_MAX) ||
        !alipay_number_ok(out_refund_no, 1, ALIPAY_REFUND_NO_MAX))
        return fail(f, ERR_INVALID, "out_trade_no and out_refund_no of [0-9A-Za-z_] are wanted");
    return OK;
}

static bool read_when(const json_t *j, int64_t *ms)
{
    const char *when = js_str(j, "gmt_refund_pay");
    return !when || !*when || when_read_beijing(when, ms);
}

/* What both answers share. */
static enum err read_numbers(const json_t *j, const char *out_trade_no, const char *out_refund_no,
                             struct payment_refund_status *out, struct fault *f)
{
    const char *no = js_str(j, "out_trade_no");
    if (!no || strcmp(no, out_trade_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: answered about another trade");
    if (!js_copy(j, "trade_no", out->transaction_id, sizeof out->transaction_id) ||
        !read_when(j, &out->success_ms))
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: a refund without its fields");
    text_copy(out->out_trade_no, sizeof out->out_trade_no, out_trade_no);
    text_copy(out->out_refund_no, sizeof out->out_refund_no, out_refund_no);
    return OK;
}

static json_t *refund_content(const struct payment_refund_order *o)
{
    char amount[YUAN_SIZE];
    yuan_text(o->refund_fen, amount);
    json_t *j = json_pack("{s:s,s:s,s:s}", "out_trade_no", o->out_trade_no, "out_request_no",
                          o->out_refund_no, "refund_amount", amount);
    if (j && o->reason && json_object_set_new(j, "refund_reason", json_string(o->reason)) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

/* notify_url goes unused: Alipay tells of refunds where it tells of the payment. */
enum err alipay_refund(void *self, const struct payment_refund_order *o, struct arena *a,
                       struct payment_refund_status *out, struct fault *f)
{
    *out = (struct payment_refund_status){0};
    TRY(check_numbers(o->out_trade_no, o->out_refund_no, f));
    if (o->refund_fen <= 0 || o->refund_fen > o->total_fen)
        return fail(f, ERR_INVALID, "a refund within the total is wanted");
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.refund", NULL, true};
    TRY(alipay_send(self, &call, refund_content(o), a, &r, &out->trace, f));
    TRY(read_numbers(r, o->out_trade_no, o->out_refund_no, out, f));
    const char *change = js_str(r, "fund_change");
    out->state = change && strcmp(change, "Y") == 0 ? REFUND_SUCCESS : REFUND_PROCESSING;
    if (out->state != REFUND_SUCCESS)
        out->success_ms = 0;
    out->refund_fen = o->refund_fen; /* refund_fee is the sum of all refunds of the trade */
    out->total_fen = o->total_fen;
    return OK;
}

/* A refund that Alipay does not know is answered with success and no fields. */
static enum err read_refund(const json_t *j, const char *out_trade_no, const char *out_refund_no,
                            struct payment_refund_status *out, struct fault *f)
{
    const char *no = js_str(j, "out_request_no"), *status = js_str(j, "refund_status");
    if (!no)
        return OK; /* REFUND_ABSENT */
    if (strcmp(no, out_refund_no) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: answered about another refund");
    TRY(read_numbers(j, out_trade_no, out_refund_no, out, f));
    if (!yuan_read(js_str(j, "refund_amount"), &out->refund_fen) ||
        !yuan_read(js_str(j, "total_amount"), &out->total_fen))
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: a refund without its amounts");
    bool done = status && strcmp(status, "REFUND_SUCCESS") == 0;
    out->state = done ? REFUND_SUCCESS : REFUND_PROCESSING;
    return OK;
}

enum err alipay_refund_query(void *self, const char *out_trade_no, const char *out_refund_no, struct arena *a,
                             struct payment_refund_status *out, struct fault *f)
{
    *out = (struct payment_refund_status){0};
    TRY(check_numbers(out_trade_no, out_refund_no, f));
    json_t *content = json_pack("{s:s,s:s,s:[s]}", "out_trade_no", out_trade_no, "out_request_no",
                                out_refund_no, "query_options", "gmt_refund_pay");
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.trade.fastpay.refund.query", NULL, false};
    enum err e = alipay_send(self, &call, content, a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND) {
        fault_clear(f);
        return OK; /* REFUND_ABSENT */
    }
    return e == OK ? read_refund(r, out_trade_no, out_refund_no, out, f) : e;
}
