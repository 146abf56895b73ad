/* nuonuo.h - Nuonuo's open platform: the access token, the signature, one call. (providers.md 7)
 */
#ifndef CERTDESK_PROVIDER_NUONUO_H
#define CERTDESK_PROVIDER_NUONUO_H

#include "provider/invoice.h"
#include "provider/js.h"
#include "provider/settings.h"
#include "provider/sign.h"

#include <pthread.h>

enum {
    NUONUO_SERIAL_SIZE = 64,
};

struct nuonuo {
    struct arena arena;
    struct http *http;
    const char *url, *token_url, *app_key, *app_secret;
    struct invoice_terms terms; /* what an order does not say */
    int64_t tax_rate;           /* of terms.tax_rate, ten-thousandths */
    bool older;                 /* the methods of before the fully digital invoices */
    bool simulator;
    int64_t (*now_ms)(void);
    const struct provider_tokens *tokens;
    const char *token_name; /* "nuonuo:<app key>" */
    pthread_mutex_t lock;   /* held while a token is taken: the others wait for it */
    struct provider_token token;
};

/* Takes everything out of the settings. */
enum err nuonuo_init(struct nuonuo *n, const struct provider_env *env, struct fault *f);
void nuonuo_free(struct nuonuo *n);

/* X-Nuonuo-Sign of a body sent to this URL. */
const char *nuonuo_sign(const char *url, const char *app_key, const char *app_secret, const char *senid,
                        const char *nonce, int64_t seconds, const char *body, struct arena *a);

/* Sends `params` (its reference is taken) to a method, in the name of a seller, and gives the answer's whole
 * object when its code is E0000, owned by the caller; else the code translated, and left in trace->code. */
enum err nuonuo_send(struct nuonuo *n, const char *method, const char *seller, json_t *params,
                     struct arena *a, json_t **answer, struct provider_trace *trace, struct fault *f);

/* What nuonuo_send() makes of an answer. */
enum err nuonuo_read(int status, const void *body, size_t n, json_t **answer, struct provider_trace *trace,
                     struct fault *f);

/* A token that is good: from memory, from the store, or from the supplier. `bad` ("" for none) is one that
 * the supplier refused. Nothing that matters was sent when this fails: never ERR_PROVIDER_UNKNOWN. */
enum err nuonuo_token(struct nuonuo *n, const char *bad,
                      char out[static sizeof(((struct provider_token *)0)->text)], struct fault *f);

/* Readers of a query's answer and of a callback. */
enum err nuonuo_read_status(const json_t *answer, const char *order_no, struct arena *a,
                            struct invoice_status *out, struct fault *f);
enum err nuonuo_callback_read(void *self, const char *body, size_t n, struct arena *a,
                              struct invoice_event *out, struct fault *f);

#endif
