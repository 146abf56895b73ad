/* wechat.h - WeChat Pay APIv3: signing what we send, verifying what we get. (providers.md 1.1-1.3, 1.7)
 */
#ifndef CERTDESK_PROVIDER_WECHAT_H
#define CERTDESK_PROVIDER_WECHAT_H

#include "provider/js.h"
#include "provider/payment.h"
#include "provider/settings.h"
#include "provider/sign.h"

enum {
    WECHAT_APIV3_KEY_SIZE = 32,
    WECHAT_MAX_KEYS = 8,
    WECHAT_WINDOW_S = 300,
};

/* A key of WeChat's: the public key under its PUB_KEY_ID_…, or a platform certificate under its serial. */
struct wechat_key {
    const char *id;
    struct rsa_key *key;
};

struct wechat {
    struct arena arena;
    struct http *http;
    const char *url, *mchid, *appid, *serial, *public_key_id;
    struct rsa_key *merchant;
    unsigned char apiv3_key[WECHAT_APIV3_KEY_SIZE];
    struct wechat_key keys[WECHAT_MAX_KEYS];
    size_t n_keys;
    int64_t (*now_ms)(void);
};

/* Takes everything out of the settings. ERR_INVALID for keys that are none. */
enum err wechat_init(struct wechat *w, const struct provider_env *env, struct fault *f);
void wechat_free(struct wechat *w);

/* Value of the Authorization header. */
enum err wechat_authorization(const struct wechat *w, const char *method, const char *path_and_query,
                              int64_t seconds, const char *nonce, const char *body, struct arena *a,
                              const char **out, struct fault *f);

/* True signature of WeChat over the raw body, less than five minutes from now: answers and callbacks. */
enum err wechat_verify(const struct wechat *w, const struct provider_pair *headers, size_t n_headers,
                       const void *body, size_t n_body, int64_t now_ms, struct fault *f);

/* Sends a signed request (body NULL: none), and gives the verified answer: an object owned by the caller, or
 * NULL for 204. An error of WeChat's is translated, its code in trace->code. `path` begins with "/v3/". */
enum err wechat_send(const struct wechat *w, const char *method, const char *path, json_t *body,
                     struct arena *a, json_t **answer, struct provider_trace *trace, struct fault *f);

/* Gets a file from an address that WeChat named, on any host, signed as every request; the answer is not
 * signed. */
enum err wechat_fetch(const struct wechat *w, const char *url, size_t max, struct arena *a, const char **body,
                      size_t *n, struct provider_trace *trace, struct fault *f);

/* Reads the transaction object (1.5), from a query or a callback, and checks that it is our merchant's. */
enum err wechat_read_transaction(const struct wechat *w, const json_t *j, struct payment_status *out,
                                 struct fault *f);
/* Reads a refund object; `state_key` is "status" in answers, "refund_status" in callbacks. */
enum err wechat_read_refund(const json_t *j, const char *state_key, struct payment_refund_status *out,
                            struct fault *f);

/* payment_ops.bill (payment_wechat_bill.c), and any octets as the file of a bill. */
enum err wechat_bill(void *self, const char *date, struct arena *a, struct payment_bill *out,
                     struct fault *f);
enum err wechat_read_bill(const char *text, size_t n, struct arena *a, struct payment_bill *out,
                          struct fault *f);

/* payment_ops.callback_verify */
enum err wechat_callback_verify(void *self, const struct payment_callback *in, int64_t now_ms,
                                struct arena *a, struct payment_event *out, struct fault *f);

#endif
