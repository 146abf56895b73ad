/* WeChat Pay callbacks: verify, decrypt, only then parse. providers.md 1.6 */
#include "provider/payment.h"

#include "provider/wechat.h"
#include "provider/when.h"

#include <string.h>

enum {
    MAX_BODY = 1 << 20
};

/* The object inside the encrypted resource; NULL when it does not authenticate or is none. */
static json_t *open_resource(const struct wechat *w, const json_t *resource, struct arena *a)
{
    const char *algorithm = js_str(resource, "algorithm"), *nonce = js_str(resource, "nonce");
    const char *ciphertext = js_str(resource, "ciphertext"), *aad = js_str(resource, "associated_data");
    if (!algorithm || strcmp(algorithm, "AEAD_AES_256_GCM") != 0 || !nonce || !ciphertext)
        return NULL;
    size_t n_sealed = 0, n_text = 0;
    const unsigned char *sealed = base64_decode(a, ciphertext, &n_sealed);
    if (!sealed)
        return NULL;
    const unsigned char *text =
        aes256gcm_open(a, w->apiv3_key, nonce, aad, aad ? strlen(aad) : 0, sealed, n_sealed, &n_text);
    return text ? js_parse(text, n_text) : NULL;
}

static enum err read_refund_event(const struct wechat *w, const json_t *j, struct payment_event *out,
                                  struct fault *f)
{
    const char *mchid = js_str(j, "mchid");
    if (!mchid || strcmp(mchid, w->mchid) != 0)
        return fail(f, ERR_INVALID, "wechat: a refund of another merchant");
    out->kind = PAYMENT_EVENT_REFUND;
    return wechat_read_refund(j, "refund_status", &out->refund, f);
}

static enum err read_paid_event(const struct wechat *w, const json_t *j, struct payment_event *out,
                                struct fault *f)
{
    out->kind = PAYMENT_EVENT_PAID;
    TRY(wechat_read_transaction(w, j, &out->payment, f));
    if (out->payment.state != PAYMENT_SUCCESS && out->payment.state != PAYMENT_REFUND)
        return fail(f, ERR_INVALID, "wechat: told of a capture that is none");
    return OK;
}

static enum err read_event(const struct wechat *w, const json_t *root, struct arena *a,
                           struct payment_event *out, struct fault *f)
{
    if (!js_copy(root, "id", out->id, sizeof out->id) || !out->id[0] ||
        !js_copy(root, "event_type", out->type, sizeof out->type))
        return fail(f, ERR_INVALID, "wechat: an event without id or type");
    if (!when_read_rfc3339(js_str(root, "create_time"), &out->create_ms))
        out->create_ms = 0;
    bool paid = strcmp(out->type, "TRANSACTION.SUCCESS") == 0;
    bool refund = strncmp(out->type, "REFUND.", strlen("REFUND.")) == 0;
    if (!paid && !refund)
        return OK; /* PAYMENT_EVENT_OTHER */
    CLEANUP(js_free)
    json_t *j = open_resource(w, json_object_get(root, "resource"), a);
    if (!j)
        return fail(f, ERR_INVALID, "wechat: the resource cannot be decrypted");
    enum err e = paid ? read_paid_event(w, j, out, f) : read_refund_event(w, j, out, f);
    /* nothing was sent, so nothing is unknown: the callback is not understood */
    return e == ERR_PROVIDER_UNKNOWN ? fail(f, ERR_INVALID, "wechat: an event that is not ours or not whole")
                                     : e;
}

enum err wechat_callback_verify(void *self, const struct payment_callback *in, int64_t now_ms,
                                struct arena *a, struct payment_event *out, struct fault *f)
{
    const struct wechat *w = self;
    *out = (struct payment_event){0};
    if (in->n_body > MAX_BODY)
        return fail(f, ERR_INVALID, "wechat: a callback of more than 1 MiB");
    TRY(wechat_verify(w, in->headers, in->n_headers, in->body, in->n_body, now_ms, f));
    CLEANUP(js_free)
    json_t *root = js_parse(in->body, in->n_body);
    if (!root)
        return fail(f, ERR_INVALID, "wechat: the callback is not JSON");
    enum err e = read_event(w, root, a, out, f);
    if (e != OK)
        *out = (struct payment_event){0};
    return e;
}
