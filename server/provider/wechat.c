#include "provider/wechat.h"

#include "base/str.h"
#include "provider/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NONCE_SIZE = 32
};

static const char auth_type[] = "WECHATPAY2-SHA256-RSA2048";

/* -- keys ------------------------------------------------------------------------------------------------ */

static enum err add_key(struct wechat *w, const char *id, const char *pem, struct fault *f)
{
    const char *serial = NULL;
    struct rsa_key *key = NULL;
    if (w->n_keys == WECHAT_MAX_KEYS)
        return fail(f, ERR_INVALID, "more than %d keys of WeChat's", WECHAT_MAX_KEYS);
    TRY(rsa_public(pem, &w->arena, &key, &serial, f));
    w->keys[w->n_keys++] = (struct wechat_key){id ? id : serial, key};
    if (!w->keys[w->n_keys - 1].id)
        return fail(f, ERR_INVALID, "platform_certificate holds no certificate");
    return OK;
}

/* While WeChat changes its certificate both are in use: a bundle of PEM. */
static enum err add_certificates(struct wechat *w, const char *bundle, struct fault *f)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    for (const char *p = strstr(bundle, begin); p; p = strstr(p + 1, begin))
        TRY(add_key(w, NULL, p, f));
    return OK;
}

static enum err read_keys(struct wechat *w, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = wechat_settings;
    TRY(rsa_private(settings_get(env, rows, "merchant_key", &w->arena), &w->merchant, f));
    const char *apiv3 = settings_get(env, rows, "apiv3_key", &w->arena);
    if (strlen(apiv3) != WECHAT_APIV3_KEY_SIZE)
        return fail(f, ERR_INVALID, "setting apiv3_key is not %d bytes", WECHAT_APIV3_KEY_SIZE);
    memcpy(w->apiv3_key, apiv3, WECHAT_APIV3_KEY_SIZE);
    const char *pem = settings_get(env, rows, "public_key", &w->arena);
    const char *bundle = settings_get(env, rows, "platform_certificate", &w->arena);
    if (pem && !w->public_key_id)
        return fail(f, ERR_INVALID, "setting public_key wants public_key_id");
    if (pem)
        TRY(add_key(w, w->public_key_id, pem, f));
    if (bundle)
        TRY(add_certificates(w, bundle, f));
    if (w->n_keys == 0)
        return fail(f, ERR_INVALID, "settings are missing: public_key or platform_certificate");
    return OK;
}

enum err wechat_init(struct wechat *w, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = wechat_settings;
    *w = (struct wechat){.http = env->http, .now_ms = settings_clock(env)};
    w->url = settings_get(env, rows, "base_url", &w->arena);
    w->mchid = settings_get(env, rows, "mchid", &w->arena);
    w->appid = settings_get(env, rows, "appid", &w->arena);
    w->serial = settings_get(env, rows, "merchant_serial", &w->arena);
    w->public_key_id = settings_get(env, rows, "public_key_id", &w->arena);
    size_t n = strlen(w->url);
    if (n && w->url[n - 1] == '/')
        w->url = arena_strndup(&w->arena, w->url, n - 1);
    return read_keys(w, env, f);
}

void wechat_free(struct wechat *w)
{
    rsa_free(w->merchant);
    for (size_t i = 0; i < w->n_keys; i++)
        rsa_free(w->keys[i].key);
    wipe(w->apiv3_key, sizeof w->apiv3_key);
    arena_free(&w->arena);
}

/* -- signatures ------------------------------------------------------------------------------------------ */

enum err wechat_authorization(const struct wechat *w, const char *method, const char *path_and_query,
                              int64_t seconds, const char *nonce, const char *body, struct arena *a,
                              const char **out, struct fault *f)
{
    const char *message = arena_printf(a, "%s\n%s\n%" PRId64 "\n%s\n%s\n", method, path_and_query, seconds,
                                       nonce, body ? body : "");
    char *signature = NULL;
    TRY(rsa_sha256_sign(w->merchant, message, strlen(message), a, &signature, f));
    *out = arena_printf(
        a, "%s mchid=\"%s\",nonce_str=\"%s\",timestamp=\"%" PRId64 "\",serial_no=\"%s\",signature=\"%s\"",
        auth_type, w->mchid, nonce, seconds, w->serial, signature);
    return OK;
}

static struct rsa_key *key_by_id(const struct wechat *w, const char *id)
{
    for (size_t i = 0; i < w->n_keys; i++)
        if (strcmp(w->keys[i].id, id) == 0)
            return w->keys[i].key;
    return NULL;
}

static bool fresh(const char *timestamp, int64_t now_ms)
{
    size_t n = strlen(timestamp);
    if (n == 0 || n > 12 || strspn(timestamp, "0123456789") != n)
        return false;
    int64_t apart = now_ms / 1000 - strtoll(timestamp, NULL, 10);
    return apart > -WECHAT_WINDOW_S && apart < WECHAT_WINDOW_S;
}

enum err wechat_verify(const struct wechat *w, const struct provider_pair *headers, size_t n_headers,
                       const void *body, size_t n_body, int64_t now_ms, struct fault *f)
{
    const char *timestamp = http_header(headers, n_headers, "Wechatpay-Timestamp");
    const char *nonce = http_header(headers, n_headers, "Wechatpay-Nonce");
    const char *signature = http_header(headers, n_headers, "Wechatpay-Signature");
    const char *serial = http_header(headers, n_headers, "Wechatpay-Serial");
    const char *type = http_header(headers, n_headers, "Wechatpay-Signature-Type");
    if (!timestamp || !nonce || !signature || !serial)
        return fail(f, ERR_SIGNATURE_BAD, "wechat: not signed");
    if (type && strcmp(type, auth_type) != 0)
        return fail(f, ERR_SIGNATURE_BAD, "wechat: signed in a way that we do not know");
    struct rsa_key *key = key_by_id(w, serial);
    if (!key)
        return fail(f, ERR_SIGNATURE_BAD, "wechat: signed with a key that we do not have");
    if (!fresh(timestamp, now_ms))
        return fail(f, ERR_SIGNATURE_BAD, "wechat: signed too long ago");
    struct arena scratch;
    arena_init(&scratch, 0);
    struct buf m = BUF(&scratch);
    buf_printf(&m, "%s\n%s\n", timestamp, nonce);
    buf_add(&m, body ? body : "", n_body);
    buf_str(&m, "\n");
    bool good = rsa_sha256_verify(key, m.p, m.n, signature);
    arena_free(&scratch);
    return good ? OK : fail(f, ERR_SIGNATURE_BAD, "wechat: the signature does not verify");
}

/* -- calls ----------------------------------------------------------------------------------------------- */

static enum err translate(const char *code)
{
    static const struct {
        const char *code;
        enum err e;
    } table[] = {
        {"ORDERPAID", ERR_PAYMENT_STATE},
        {"ORDER_CLOSED", ERR_PAYMENT_STATE},
        {"ORDERCLOSED", ERR_PAYMENT_STATE},
        {"TRADE_STATE_ERROR", ERR_PAYMENT_STATE},
        {"ORDER_NOT_EXIST", ERR_NOT_FOUND},
        {"RESOURCE_NOT_EXISTS", ERR_NOT_FOUND},
        {"STATEMENT_CREATING", ERR_NOT_FOUND},
        {"NO_STATEMENT_EXIST", ERR_NOT_FOUND},
        {"FREQUENCY_LIMITED", ERR_RATE_LIMITED},
        {"FREQUENCY_LIMIT_EXCEED", ERR_RATE_LIMITED},
        {"RATELIMIT_EXCEEDED", ERR_RATE_LIMITED},
        {"SYSTEM_ERROR", ERR_PROVIDER_BUSY},
        {"SYSTEMERROR", ERR_PROVIDER_BUSY},
        {"BANK_ERROR", ERR_PROVIDER_BUSY},
        {"BANKERROR", ERR_PROVIDER_BUSY},
        {"OPENID_MISMATCH", ERR_PROVIDER_CONFIG},
        {"APPID_MCHID_NOT_MATCH", ERR_PROVIDER_CONFIG},
        {"MCH_NOT_EXISTS", ERR_PROVIDER_CONFIG},
        {"SIGN_ERROR", ERR_PROVIDER_CONFIG},
        {"NO_AUTH", ERR_PROVIDER_CONFIG},
        {"NOAUTH", ERR_PROVIDER_CONFIG},
        {"NOT_ENOUGH", ERR_PROVIDER_CONFIG}, /* our balance does not cover the refund */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(code, table[i].code) == 0)
            return table[i].e;
    return ERR_PROVIDER_REFUSED;
}

/* Error bodies may be unsigned (1.3). One that says nothing leaves the outcome open. */
static enum err read_error(const struct http_response *resp, struct provider_trace *trace, struct fault *f)
{
    CLEANUP(js_free)
    json_t *j = js_parse(resp->body, resp->n_body);
    text_copy(trace->code, sizeof trace->code, js_str(j, "code"));
    text_copy(trace->message, sizeof trace->message, js_str(j, "message"));
    if (!trace->code[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: status %d without a code", resp->status);
    enum err e = translate(trace->code);
    if (e == ERR_PROVIDER_REFUSED && resp->status >= 500)
        e = ERR_PROVIDER_BUSY;
    return fail(f, e, "wechat: %s", trace->code);
}

static enum err read_answer(const struct wechat *w, const struct http_response *resp, json_t **answer,
                            struct provider_trace *trace, struct fault *f)
{
    trace->http_status = resp->status;
    text_copy(trace->request_id, sizeof trace->request_id,
              http_header(resp->headers, resp->n_headers, "Request-ID"));
    if (resp->status >= 400 && resp->status < 600)
        return read_error(resp, trace, f);
    if (resp->status < 200 || resp->status > 299)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: status %d", resp->status);
    TRY(wechat_verify(w, resp->headers, resp->n_headers, resp->body, resp->n_body, w->now_ms(), f));
    *answer = NULL;
    if (resp->status == 204)
        return OK;
    *answer = js_parse(resp->body, resp->n_body);
    return *answer ? OK : fail(f, ERR_PROVIDER_UNKNOWN, "wechat: the answer is not JSON");
}

/* What is signed is what the other side sees: behind the host, a prefix in base_url included. */
static const char *target_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    return path ? path : "/";
}

/* Signs and sends. told_by: as in struct http_request. */
static enum err send_signed(const struct wechat *w, const char *method, const char *url, const char *told_by,
                            const char *text, size_t max, struct arena *a, struct http_response *resp,
                            struct fault *f)
{
    char nonce[NONCE_SIZE + 1];
    nonce_text(nonce, NONCE_SIZE);
    const char *authorization = NULL;
    TRY(wechat_authorization(w, method, target_of(url), w->now_ms() / 1000, nonce, text, a, &authorization,
                             f));
    struct provider_pair headers[] = {
        {"Accept", "application/json"},
        {"Content-Type", "application/json"},
        {"Authorization", authorization},
        {"Wechatpay-Serial", w->public_key_id},
    };
    struct http_request req = {.point = "payment",
                               .method = method,
                               .url = url,
                               .told_by = told_by,
                               .headers = headers,
                               .n_headers = sizeof headers / sizeof *headers - (w->public_key_id ? 0 : 1),
                               .body = text,
                               .n_body = text ? strlen(text) : 0,
                               .max_answer = max};
    return http_send(w->http, &req, a, resp, f);
}

enum err wechat_send(const struct wechat *w, const char *method, const char *path, json_t *body,
                     struct arena *a, json_t **answer, struct provider_trace *trace, struct fault *f)
{
    const char *text = body ? js_write(a, body) : NULL;
    const char *url = arena_printf(a, "%s%s", w->url, path);
    struct http_response resp;
    TRY(send_signed(w, method, url, NULL, text, 0, a, &resp, f));
    return read_answer(w, &resp, answer, trace, f);
}

enum err wechat_fetch(const struct wechat *w, const char *url, size_t max, struct arena *a, const char **body,
                      size_t *n, struct provider_trace *trace, struct fault *f)
{
    struct http_response resp;
    TRY(send_signed(w, "GET", url, w->url, NULL, max, a, &resp, f));
    trace->http_status = resp.status;
    if (resp.status >= 400 && resp.status < 600)
        return read_error(&resp, trace, f);
    if (resp.status != 200)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: status %d", resp.status);
    *body = resp.body;
    *n = resp.n_body;
    return OK;
}
