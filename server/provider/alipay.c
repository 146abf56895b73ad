#include "provider/alipay.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/when.h"

#include <stdlib.h>
#include <string.h>

/* -- keys ------------------------------------------------------------------------------------------------ */

static enum err read_certificates(struct alipay *p, const char *app, const char *alipay, const char *roots,
                                  struct fault *f)
{
    if (!app || !alipay || !roots)
        return fail(f, ERR_INVALID,
                    "settings app_certificate, alipay_certificate and alipay_root_certificates go "
                    "together");
    TRY(cert_sn(app, &p->arena, &p->app_cert_sn, f));
    TRY(cert_root_sn(roots, &p->arena, &p->root_cert_sn, f));
    TRY(cert_sn(alipay, &p->arena, &p->alipay_cert_sn, f));
    return rsa_public(alipay, &p->arena, &p->alipay_key, NULL, f);
}

static enum err read_keys(struct alipay *p, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = alipay_settings;
    const char *key = settings_get(env, rows, "alipay_public_key", &p->arena);
    const char *app = settings_get(env, rows, "app_certificate", &p->arena);
    const char *alipay = settings_get(env, rows, "alipay_certificate", &p->arena);
    const char *roots = settings_get(env, rows, "alipay_root_certificates", &p->arena);
    TRY(rsa_private(settings_get(env, rows, "app_key", &p->arena), &p->app_key, f));
    bool certificates = app || alipay || roots;
    if (certificates == (key != NULL))
        return fail(f, ERR_INVALID, "settings are wanted: alipay_public_key, or the three certificates");
    return certificates ? read_certificates(p, app, alipay, roots, f)
                        : rsa_public(key, &p->arena, &p->alipay_key, NULL, f);
}

enum err alipay_init(struct alipay *p, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = alipay_settings;
    *p = (struct alipay){.http = env->http, .now_ms = settings_clock(env)};
    p->url = settings_get(env, rows, "base_url", &p->arena);
    p->app_id = settings_get(env, rows, "app_id", &p->arena);
    p->seller_id = settings_get(env, rows, "seller_id", &p->arena);
    return read_keys(p, env, f);
}

void alipay_free(struct alipay *p)
{
    rsa_free(p->app_key);
    rsa_free(p->alipay_key);
    arena_free(&p->arena);
}

/* -- signatures ------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct provider_pair *const *)a)->name,
                  (*(const struct provider_pair *const *)b)->name);
}

const char *alipay_signed_text(const struct provider_pair *pairs, size_t n, bool with_type, struct arena *a)
{
    const struct provider_pair **sorted = ARENA_ARRAY(a, const struct provider_pair *, n + 1);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (pairs[i].value && *pairs[i].value && strcmp(pairs[i].name, "sign") != 0 &&
            (with_type || strcmp(pairs[i].name, "sign_type") != 0))
            sorted[k++] = &pairs[i];
    qsort(sorted, k, sizeof *sorted, by_name);
    struct buf b = BUF(a);
    for (size_t i = 0; i < k; i++)
        buf_printf(&b, "%s%s=%s", i ? "&" : "", sorted[i]->name, sorted[i]->value);
    return buf_text(&b);
}

bool alipay_number_ok(const char *s, size_t min, size_t max)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t n = s ? strlen(s) : 0;
    return n >= min && n <= max && strspn(s, letters) == n;
}

/* -- calls ----------------------------------------------------------------------------------------------- */

enum {
    MAX_PARAMS = 16
};

/* Common parameters and signature into pairs (which has room for MAX_PARAMS); pairs[0] is biz_content. */
static enum err make_params(const struct alipay *p, const struct alipay_call *call, const char *content,
                            struct arena *a, struct provider_pair *pairs, size_t *n, struct fault *f)
{
    char *when = arena_alloc(a, WHEN_SIZE), *signature = NULL;
    when_beijing(p->now_ms(), when);
    const struct provider_pair all[] = {
        {"biz_content", content},
        {"app_id", p->app_id},
        {"method", call->method},
        {"format", "JSON"},
        {"charset", "utf-8"},
        {"sign_type", "RSA2"},
        {"timestamp", when},
        {"version", "1.0"},
        {"notify_url", call->notify_url},
        {"app_cert_sn", p->app_cert_sn},
        {"alipay_root_cert_sn", p->root_cert_sn},
    };
    *n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value)
            pairs[(*n)++] = all[i];
    const char *text = alipay_signed_text(pairs, *n, true, a);
    TRY(rsa_sha256_sign(p->app_key, text, strlen(text), a, &signature, f));
    pairs[(*n)++] = (struct provider_pair){"sign", signature};
    return OK;
}

enum err alipay_send(const struct alipay *p, const struct alipay_call *call, json_t *content, struct arena *a,
                     json_t **answer, struct provider_trace *trace, struct fault *f)
{
    struct provider_pair pairs[MAX_PARAMS];
    size_t n = 0;
    const char *text = js_write(a, content);
    if (!text)
        return fail(f, ERR_INVALID, "a text is not UTF-8");
    TRY(make_params(p, call, text, a, pairs, &n, f));
    /* as Alipay's own client: the content in the body, all else in the query */
    const char *body = form_encode(a, pairs, 1), *query = form_encode(a, pairs + 1, n - 1);
    struct provider_pair type = {"Content-Type", "application/x-www-form-urlencoded;charset=utf-8"};
    struct http_request req = {.point = "payment",
                               .method = "POST",
                               .url = arena_printf(a, "%s?%s", p->url, query),
                               .headers = &type,
                               .n_headers = 1,
                               .body = body,
                               .n_body = strlen(body)};
    struct http_response resp;
    TRY(http_send(p->http, &req, a, &resp, f));
    trace->http_status = resp.status;
    text_copy(trace->request_id, sizeof trace->request_id,
              http_header(resp.headers, resp.n_headers, "trace_id"));
    if (resp.status != 200) /* Alipay's own answers are all 200: this is somebody between */
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: status %d", resp.status);
    return alipay_read(p, call, resp.body, resp.n_body, answer, trace, f);
}
