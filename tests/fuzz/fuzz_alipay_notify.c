/* Any bytes as a notification of Alipay's. First octet 's': the rest is a form without signature, to which
 * the true one is added; else it is the whole body. */
#include "fuzz.h"

#include "alipay_keys.h"
#include "provider/http.h"

static const char *sign_form(const char *body, struct arena *a)
{
    struct provider_pair *pairs;
    size_t n = 0;
    if (form_decode(a, body, strlen(body), &pairs, &n) != OK)
        return body;
    const char *text = alipay_signed_text(pairs, n, false, a);
    return arena_printf(a, "%s&sign_type=RSA2&sign=%s", body,
                        url_escape(a, signature(text, strlen(text), a)));
}

static void check(enum err e, const struct payment_event *out)
{
    need(e == OK || e == ERR_INVALID || e == ERR_SIGNATURE_BAD);
    need((e == OK) == (out->id[0] != '\0'));
    if (e == OK && out->kind == PAYMENT_EVENT_PAID)
        need(out->payment.transaction_id[0] && out->payment.out_trade_no[0] && out->payment.amount_fen >= 0);
    if (e == OK && out->kind == PAYMENT_EVENT_REFUND)
        need(out->refund.transaction_id[0] && out->refund.state == REFUND_PROCESSING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct payment_event out;
    if (!size)
        return 0;
    if (!rig.key)
        set_up();
    arena_init(&a, 0);
    const char *body = arena_strndup(&a, (const char *)data + 1, size - 1);
    size_t n = size - 1;
    if (data[0] == 's') {
        body = sign_form(body, &a);
        n = strlen(body);
    }
    struct payment_callback in = {NULL, 0, body, n};
    check(rig.port.ops->callback_verify(rig.port.self, &in, 0, &a, &out, NULL), &out);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
