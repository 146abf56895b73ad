/* Alipay's notifications: a form, signed over whatever fields came. providers.md 2.4
 *
 * The signature is over the decoded octets in the charset of the sender, so GBK is verified as it came. Of
 * the fields only those are read that are ASCII in every charset: numbers, amounts, times, states.
 */
#include "provider/payment.h"

#include "provider/alipay.h"
#include "provider/http.h"
#include "provider/when.h"
#include "provider/yuan.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_BODY = 1 << 20
};

struct form {
    struct provider_pair *pairs;
    size_t n;
};

static const char *field(const struct form *form, const char *name)
{
    return form_value(form->pairs, form->n, name);
}

/* A field that is there, fits and is printable ASCII. */
static bool copy(const struct form *form, const char *name, char *out, size_t size)
{
    const char *s = field(form, name);
    size_t n = s ? strlen(s) : 0;
    out[0] = '\0';
    if (n == 0 || n >= size)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return false;
    memcpy(out, s, n + 1);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct provider_pair *)a)->name, ((const struct provider_pair *)b)->name);
}

/* With a name twice it is open which value was meant. Sorts the fields. */
static bool names_twice(struct form *form)
{
    qsort(form->pairs, form->n, sizeof *form->pairs, by_name);
    for (size_t i = 1; i < form->n; i++)
        if (strcmp(form->pairs[i - 1].name, form->pairs[i].name) == 0)
            return true;
    return false;
}

/* Most software of theirs signs without sign_type, some with it. */
static enum err verify(const struct alipay *p, struct form *form, struct arena *a, struct fault *f)
{
    const char *sign = field(form, "sign"), *type = field(form, "sign_type");
    if (!sign || !type || names_twice(form))
        return fail(f, ERR_SIGNATURE_BAD, "alipay: not signed");
    if (strcmp(type, "RSA2") != 0)
        return fail(f, ERR_SIGNATURE_BAD, "alipay: signed in a way that we do not know");
    for (int with_type = 0; with_type < 2; with_type++) {
        const char *text = alipay_signed_text(form->pairs, form->n, with_type, a);
        if (rsa_sha256_verify(p->alipay_key, text, strlen(text), sign))
            return OK;
    }
    return fail(f, ERR_SIGNATURE_BAD, "alipay: the signature does not verify");
}

static enum err check_ours(const struct alipay *p, const struct form *form, struct fault *f)
{
    const char *app_id = field(form, "app_id"), *seller_id = field(form, "seller_id");
    if (!app_id || strcmp(app_id, p->app_id) != 0 || !seller_id || strcmp(seller_id, p->seller_id) != 0)
        return fail(f, ERR_INVALID, "alipay: told of another application's or seller's trade");
    return OK;
}

/* -- events ---------------------------------------------------------------------------------------------- */

static bool read_paid(const struct form *form, struct payment_status *out)
{
    const char *paid_at = field(form, "gmt_payment"), *payer = field(form, "buyer_pay_amount");
    out->state = PAYMENT_SUCCESS;
    text_copy(out->currency, sizeof out->currency, "CNY");
    if (!copy(form, "out_trade_no", out->out_trade_no, sizeof out->out_trade_no) ||
        !copy(form, "trade_no", out->transaction_id, sizeof out->transaction_id) ||
        !yuan_read(field(form, "total_amount"), &out->amount_fen) ||
        !when_read_beijing(paid_at, &out->success_ms))
        return false;
    if (!yuan_read(payer, &out->payer_fen))
        out->payer_fen = out->amount_fen;
    return true;
}

/* refund_fee is the sum of all refunds of the trade, so this says that something was given back and under
 * which number it was asked for; how much and whether it is done, the query tells. */
static bool read_refund(const struct form *form, struct payment_refund_status *out)
{
    out->state = REFUND_PROCESSING;
    const char *request = field(form, "out_biz_no");
    bool numbered =
        !request || !*request || copy(form, "out_biz_no", out->out_refund_no, sizeof out->out_refund_no);
    return numbered && copy(form, "out_trade_no", out->out_trade_no, sizeof out->out_trade_no) &&
           copy(form, "trade_no", out->transaction_id, sizeof out->transaction_id) &&
           yuan_read(field(form, "total_amount"), &out->total_fen);
}

static bool read_event(const struct form *form, struct payment_event *out)
{
    int64_t refunded = 0;
    const char *fee = field(form, "refund_fee");
    if (!copy(form, "notify_id", out->id, sizeof out->id) ||
        !copy(form, "trade_status", out->type, sizeof out->type) ||
        (fee && *fee && !yuan_read(fee, &refunded)))
        return false;
    if (!when_read_beijing(field(form, "notify_time"), &out->create_ms))
        out->create_ms = 0;
    if (refunded > 0) {
        out->kind = PAYMENT_EVENT_REFUND;
        return read_refund(form, &out->refund);
    }
    if (strcmp(out->type, "TRADE_SUCCESS") != 0 && strcmp(out->type, "TRADE_FINISHED") != 0)
        return true; /* PAYMENT_EVENT_OTHER */
    out->kind = PAYMENT_EVENT_PAID;
    return read_paid(form, &out->payment);
}

enum err alipay_callback_verify(void *self, const struct payment_callback *in, int64_t now_ms,
                                struct arena *a, struct payment_event *out, struct fault *f)
{
    (void)now_ms; /* a repeat of yesterday's event is no replay: it has yesterday's id */
    const struct alipay *p = self;
    struct form form = {0};
    *out = (struct payment_event){0};
    if (in->n_body > MAX_BODY || form_decode(a, in->body, in->n_body, &form.pairs, &form.n) != OK)
        return fail(f, ERR_INVALID, "alipay: a notification that is no form");
    TRY(verify(p, &form, a, f));
    TRY(check_ours(p, &form, f));
    if (read_event(&form, out))
        return OK;
    *out = (struct payment_event){0};
    return fail(f, ERR_INVALID, "alipay: a notification without its fields");
}
