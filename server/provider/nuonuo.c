#include "provider/nuonuo.h"

#include "base/log.h"
#include "base/str.h"
#include "provider/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    REFRESH_MS = 10 * 60 * 1000, /* a token with less than this is replaced */
    SENID_BYTES = 16,
    NONCE_DIGITS = 8,
};

/* -- settings -------------------------------------------------------------------------------------------- */

enum err nuonuo_init(struct nuonuo *n, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = nuonuo_settings;
    *n = (struct nuonuo){.http = env->http, .now_ms = settings_clock(env)};
    pthread_mutex_init(&n->lock, NULL);
#define GET(key) settings_get(env, rows, key, &n->arena)
    n->url = GET("base_url");
    n->token_url = GET("token_url");
    n->app_key = GET("app_key");
    n->app_secret = GET("app_secret");
    n->terms = (struct invoice_terms){.seller_tax_number = GET("seller_tax_number"),
                                      .seller_address = GET("seller_address"),
                                      .seller_phone = GET("seller_phone"),
                                      .clerk = GET("clerk"),
                                      .goods_name = GET("goods_name"),
                                      .goods_code = GET("goods_code"),
                                      .invoice_line = GET("invoice_line"),
                                      .tax_rate = GET("tax_rate")};
    const char *family = GET("methods");
#undef GET
    n->older = strcmp(family, "ElectronInvoice") == 0;
    n->simulator = provider_is_simulator(n->url);
    n->token_name = arena_printf(&n->arena, "nuonuo:%s", n->app_key);
    if (!n->older && strcmp(family, "OpeMplatform") != 0)
        return fail(f, ERR_INVALID, "setting methods is neither OpeMplatform nor ElectronInvoice");
    if (!invoice_read_rate(n->terms.tax_rate, &n->tax_rate))
        return fail(f, ERR_INVALID, "setting tax_rate is not a rate such as 0.06");
    return OK;
}

void nuonuo_free(struct nuonuo *n)
{
    pthread_mutex_destroy(&n->lock);
    wipe(&n->token, sizeof n->token);
    arena_free(&n->arena);
}

/* -- the token ------------------------------------------------------------------------------------------- */

static bool usable(const struct nuonuo *n, const struct provider_token *t, const char *bad)
{
    return *t->text && strcmp(t->text, bad) != 0 && t->expires_ms - REFRESH_MS > n->now_ms();
}

/* Takes one of the fifty. Whatever goes wrong, the call that wanted it was not made. */
static enum err take(struct nuonuo *n, struct arena *a, struct provider_token *out, struct fault *f)
{
    struct provider_pair form[] = {
        {"client_id", n->app_key}, {"client_secret", n->app_secret}, {"grant_type", "client_credentials"}};
    struct provider_pair type = {"Content-Type", "application/x-www-form-urlencoded;charset=UTF-8"};
    const char *body = form_encode(a, form, 3);
    struct http_request req = {.point = "invoice",
                               .method = "POST",
                               .url = n->token_url,
                               .headers = &type,
                               .n_headers = 1,
                               .body = body,
                               .n_body = strlen(body)};
    struct http_response resp;
    enum err e = http_send(n->http, &req, a, &resp, f);
    if (e == ERR_PROVIDER_UNKNOWN)
        return fail(f, ERR_PROVIDER_BUSY, "nuonuo: no answer about a token");
    if (e != OK)
        return e;
    CLEANUP(js_free)
    json_t *j = js_parse(resp.body, resp.n_body);
    int64_t seconds = 0;
    char digits[16];
    if (js_code(j, "expires_in", digits, sizeof digits)) /* a number, or its digits */
        sscanf(digits, "%" SCNd64, &seconds);
    if (js_copy(j, "access_token", out->text, sizeof out->text) && *out->text && seconds > 0) {
        out->expires_ms = n->now_ms() + seconds * 1000;
        return OK;
    }
    char code[32] = "";
    if (!js_code(j, "code", code, sizeof code))
        js_code(j, "error", code, sizeof code);
    if (strcmp(code, "070306") == 0 || resp.status == 429)
        return fail(f, ERR_RATE_LIMITED, "nuonuo: no more tokens for now (%.31s)", code);
    if (!*code || resp.status >= 500)
        return fail(f, ERR_PROVIDER_BUSY, "nuonuo: status %d instead of a token", resp.status);
    return fail(f, ERR_PROVIDER_CONFIG, "nuonuo: no token for our key: %.31s", code);
}

/* From the store, or taken by us alone among all processes. Lock held. */
static enum err renew(struct nuonuo *n, const char *bad, struct arena *a, struct fault *f)
{
    struct provider_token t = {0};
    const struct provider_tokens *store = n->tokens;
    if (store) {
        TRY(store->load(store->arg, n->token_name, &t, f));
        if (usable(n, &t, bad)) {
            n->token = t;
            return OK;
        }
        enum err e = store->claim(store->arg, n->token_name, t.version, f);
        if (e == ERR_CONFLICT)
            return fail(f, ERR_PROVIDER_BUSY, "nuonuo: a token is being taken elsewhere");
        if (e != OK)
            return e;
    }
    TRY(take(n, a, &t, f));
    n->token = t;
    enum err e = store ? store->save(store->arg, n->token_name, &t, f) : OK;
    if (e != OK) { /* it is good all the same, here and as long as we live */
        LOG(WARN, "nuonuo.token_not_saved", KV_S("error", err_name(e)));
        fault_clear(f);
    }
    return OK;
}

enum err nuonuo_token(struct nuonuo *n, const char *bad,
                      char out[static sizeof(((struct provider_token *)0)->text)], struct fault *f)
{
    enum err e = OK;
    pthread_mutex_lock(&n->lock);
    if (!usable(n, &n->token, bad)) {
        struct arena scratch;
        arena_init(&scratch, 0);
        e = renew(n, bad, &scratch, f);
        arena_free(&scratch); /* wipes the secret, too */
    }
    if (e == OK)
        memcpy(out, n->token.text, sizeof n->token.text);
    pthread_mutex_unlock(&n->lock);
    return e;
}

/* -- the signature --------------------------------------------------------------------------------------- */

/* The path's last three segments, last first: a, l and p of what is signed. */
static void segments(const char *url, struct arena *a, const char *out[static 3])
{
    const char *host = strstr(url, "://");
    const char *slash = strchr(host ? host + 3 : url, '/');
    char *path = arena_strndup(a, slash ? slash : "", slash ? strcspn(slash, "?") : 0);
    for (size_t i = 0; i < 3; i++) {
        char *last = strrchr(path, '/');
        out[i] = last ? last + 1 : "";
        if (last)
            *last = '\0';
    }
}

const char *nuonuo_sign(const char *url, const char *app_key, const char *app_secret, const char *senid,
                        const char *nonce, int64_t seconds, const char *body, struct arena *a)
{
    const char *s[3];
    segments(url, a, s);
    const char *text = arena_printf(a, "a=%s&l=%s&p=%s&k=%s&i=%s&n=%s&t=%" PRId64 "&f=%s", s[0], s[1], s[2],
                                    app_key, senid, nonce, seconds, body);
    unsigned char mac[SHA1_SIZE];
    hmac_sha1(app_secret, strlen(app_secret), text, strlen(text), mac);
    return base64_encode(a, mac, sizeof mac);
}

/* -- calls ----------------------------------------------------------------------------------------------- */

/* The codes of the gateway are those that public clients of it act on. [K] for which of 0703xx says that a
 * token is over: all that are not known to mean something else are taken for that, at the price of a token.
 */
static bool token_is_over(const struct provider_trace *t)
{
    return strcmp(t->code, "070301") == 0 || strcmp(t->code, "070302") == 0 ||
           strcmp(t->code, "070303") == 0 || t->http_status == 401;
}

static enum err translate(const char *code)
{
    static const struct {
        const char *code;
        enum err e;
    } table[] = {
        {"E9106", ERR_EXISTS},          /* the order number was used */
        {"E9500", ERR_NOT_FOUND},       /* no such invoice */
        {"E9613", ERR_RATE_LIMITED},    /* retried too often today */
        {"E9301", ERR_PROVIDER_CONFIG}, /* the seller's tax number */
        {"E9302", ERR_PROVIDER_CONFIG},  {"070306", ERR_RATE_LIMITED},
        {"E9999", ERR_PROVIDER_UNKNOWN}, /* broken in the middle: it may have happened */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(code, table[i].code) == 0)
            return table[i].e;
    return strncmp(code, "07", 2) == 0 ? ERR_PROVIDER_CONFIG : ERR_PROVIDER_REFUSED;
}

enum err nuonuo_read(int status, const void *body, size_t n, json_t **answer, struct provider_trace *trace,
                     struct fault *f)
{
    CLEANUP(js_free)
    json_t *j = js_parse(body, n);
    trace->http_status = status;
    js_code(j, "code", trace->code, sizeof trace->code);
    text_copy(trace->message, sizeof trace->message, js_str(j, "describe"));
    if (status == 429)
        return fail(f, ERR_RATE_LIMITED, "nuonuo: too often");
    if (status == 503)
        return fail(f, ERR_PROVIDER_BUSY, "nuonuo: busy");
    if (!*trace->code || status >= 500)
        return fail(f, ERR_PROVIDER_UNKNOWN, "nuonuo: status %d without a code", status);
    if (strcmp(trace->code, "E0000") != 0)
        return fail(f, translate(trace->code), "nuonuo: %.31s", trace->code);
    *answer = json_incref(j);
    return OK;
}

static enum err send_once(struct nuonuo *n, const char *token, const char *method, const char *seller,
                          const char *body, struct arena *a, json_t **answer, struct provider_trace *trace,
                          struct fault *f)
{
    unsigned char raw[SENID_BYTES];
    char senid[2 * SENID_BYTES + 1], nonce[NONCE_DIGITS + 1];
    uint32_t draw;
    random_bytes(raw, sizeof raw);
    random_bytes(&draw, sizeof draw);
    hex_encode(raw, sizeof raw, senid);
    snprintf(nonce, sizeof nonce, "%08u", (unsigned)(10000000 + draw % 90000000));
    int64_t seconds = n->now_ms() / 1000;
    const char *sign = nuonuo_sign(n->url, n->app_key, n->app_secret, senid, nonce, seconds, body, a);
    struct provider_pair headers[] = {{"Content-Type", "application/json"},
                                      {"X-Nuonuo-Sign", sign},
                                      {"accessToken", token},
                                      {"userTax", seller},
                                      {"method", method},
                                      {"sdkVer", "1.0.5"}};
    struct http_request req = {.point = "invoice",
                               .method = "POST",
                               .url = arena_printf(a, "%s?senid=%s&nonce=%s&timestamp=%" PRId64 "&appkey=%s",
                                                   n->url, senid, nonce, seconds, url_escape(a, n->app_key)),
                               .headers = headers,
                               .n_headers = sizeof headers / sizeof *headers,
                               .body = body,
                               .n_body = strlen(body)};
    struct http_response resp;
    *trace = (struct provider_trace){0};
    text_copy(trace->request_id, sizeof trace->request_id, senid);
    TRY(http_send(n->http, &req, a, &resp, f));
    return nuonuo_read(resp.status, resp.body, resp.n_body, answer, trace, f);
}

enum err nuonuo_send(struct nuonuo *n, const char *method, const char *seller, json_t *params,
                     struct arena *a, json_t **answer, struct provider_trace *trace, struct fault *f)
{
    char token[sizeof n->token.text] = "";
    const char *body = js_write(a, params);
    *answer = NULL;
    *trace = (struct provider_trace){0};
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    enum err e = nuonuo_token(n, "", token, f);
    if (e == OK)
        e = send_once(n, token, method, seller, body, a, answer, trace, f);
    if (e != OK && token_is_over(trace)) { /* turned away at the door: nothing was done */
        fault_clear(f);
        e = nuonuo_token(n, arena_strdup(a, token), token, f);
        if (e == OK)
            e = send_once(n, token, method, seller, body, a, answer, trace, f);
        if (e != OK && token_is_over(trace))
            e = fail(f, ERR_PROVIDER_CONFIG, "nuonuo: a fresh token is refused (%.31s)", trace->code);
    }
    wipe(token, sizeof token);
    return e;
}
