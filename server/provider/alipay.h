/* alipay.h - Alipay's v2 gateway: signing what we send, verifying what we get. (providers.md 2.1-2.4)
 *
 * Two modes, told by the settings: with Alipay's public key, or with certificates (then the numbers of ours
 * and of the roots go with every request, and the number of Alipay's comes with every answer and must be the
 * one we hold).
 */
#ifndef CERTDESK_PROVIDER_ALIPAY_H
#define CERTDESK_PROVIDER_ALIPAY_H

#include "provider/js.h"
#include "provider/payment.h"
#include "provider/settings.h"
#include "provider/sign.h"

enum {
    ALIPAY_TRADE_NO_MIN = 6,
    ALIPAY_TRADE_NO_MAX = 32,
    ALIPAY_REFUND_NO_MAX = 64,
};

struct alipay {
    struct arena arena;
    struct http *http;
    const char *url, *app_id, *seller_id;
    struct rsa_key *app_key, *alipay_key;
    const char *app_cert_sn, *root_cert_sn, *alipay_cert_sn; /* NULL: public-key mode */
    int64_t (*now_ms)(void);
};

/* Takes everything out of the settings. ERR_INVALID for keys and certificates that are none. */
enum err alipay_init(struct alipay *p, const struct provider_env *env, struct fault *f);
void alipay_free(struct alipay *p);

/* What is signed: name=value of every pair with a value, sorted by name, joined with "&"; never `sign`.
 * Requests sign their sign_type, notifications do not. */
const char *alipay_signed_text(const struct provider_pair *pairs, size_t n, bool with_type, struct arena *a);

struct alipay_call {
    const char *method;     /* "alipay.trade.query" */
    const char *notify_url; /* NULL: none */
    bool changes;           /* something: "system error" then leaves its outcome open */
};

/* Sends a signed request (content is given up), and gives the verified inner object, which the caller owns.
 * An error of Alipay's is translated, its sub_code in trace->code. */
enum err alipay_send(const struct alipay *p, const struct alipay_call *call, json_t *content, struct arena *a,
                     json_t **answer, struct provider_trace *trace, struct fault *f);

/* The part of alipay_send() behind the network: any octets as the answer to a call. */
enum err alipay_read(const struct alipay *p, const struct alipay_call *call, const char *body, size_t n,
                     json_t **answer, struct provider_trace *trace, struct fault *f);

/* The literal octets of one member's value in a JSON object: what Alipay signs. False when the text is no
 * object or has no such member. */
bool json_cut(const char *text, size_t n, const char *key, const char **value, size_t *n_value);

/* Digits, letters and "_" only. */
bool alipay_number_ok(const char *s, size_t min, size_t max);

/* Parts of payment_ops: payment_alipay_refund.c, payment_alipay_bill.c, payment_alipay_event.c. */
enum err alipay_refund(void *self, const struct payment_refund_order *o, struct arena *a,
                       struct payment_refund_status *out, struct fault *f);
enum err alipay_refund_query(void *self, const char *out_trade_no, const char *out_refund_no, struct arena *a,
                             struct payment_refund_status *out, struct fault *f);
enum err alipay_bill(void *self, const char *date, struct arena *a, struct payment_bill *out,
                     struct fault *f);
enum err alipay_callback_verify(void *self, const struct payment_callback *in, int64_t now_ms,
                                struct arena *a, struct payment_event *out, struct fault *f);

/* Any octets as the ZIP archive of a bill. */
enum err alipay_read_bill(const void *p, size_t n, struct arena *a, struct payment_bill *out,
                          struct fault *f);

#endif
