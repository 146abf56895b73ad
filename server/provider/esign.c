#include "provider/esign.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/sign.h"

#include <inttypes.h>
#include <string.h>

static const char content_type[] = "application/json; charset=UTF-8";

enum err esign_init(struct esign *e, const struct provider_env *env, const struct provider_setting *rows,
                    struct fault *f)
{
    *e = (struct esign){.http = env->http, .now_ms = settings_clock(env)};
    e->url = settings_get(env, rows, "base_url", &e->arena);
    e->app_id = settings_get(env, rows, "app_id", &e->arena);
    e->app_secret = settings_get(env, rows, "app_secret", &e->arena);
    e->face_mode = settings_get(env, rows, "face_mode", &e->arena);
    const char *detail = settings_get(env, rows, "detail", &e->arena);
    e->detail = strcmp(detail, "yes") == 0;
    if (!e->detail && strcmp(detail, "no") != 0) {
        arena_free(&e->arena);
        return fail(f, ERR_INVALID, "setting detail is neither yes nor no");
    }
    size_t n = strlen(e->url);
    if (n && e->url[n - 1] == '/')
        e->url = arena_strndup(&e->arena, e->url, n - 1);
    return OK;
}

/* -- signatures ------------------------------------------------------------------------------------------ */

const char *esign_content_md5(struct arena *a, const void *body, size_t n)
{
    unsigned char d[MD5_SIZE];
    md5(body, n, d);
    return base64_encode(a, d, sizeof d);
}

/* An empty line stands where a Date could; no headers of our own are signed. */
const char *esign_string_to_sign(struct arena *a, const char *method, const char *md5_text,
                                 const char *target)
{
    return arena_printf(a, "%s\n*/*\n%s\n%s\n\n%s", method, md5_text, content_type, target);
}

const char *esign_signature(struct arena *a, const char *app_secret, const char *string_to_sign)
{
    unsigned char d[SHA256_SIZE];
    hmac_sha256(app_secret, strlen(app_secret), string_to_sign, strlen(string_to_sign), d);
    return base64_encode(a, d, sizeof d);
}

/* -- one call -------------------------------------------------------------------------------------------- */

void esign_answer_free(struct esign_answer *x)
{
    json_decref(x->root);
    *x = (struct esign_answer){0};
}

/* The gateway's own refusals: {"success":false,"code":401,"message":"INVALID_TIMESTAMP"}. */
static enum err read_gateway(int status, int64_t code, struct provider_trace *trace, struct fault *f)
{
    int64_t n = code >= 400 && code < 600 ? code : status;
    if (n == 401 || n == 403)
        return fail(f, ERR_PROVIDER_CONFIG, "esign: the gateway says %s", trace->code);
    if (n == 429)
        return fail(f, ERR_RATE_LIMITED, "esign: too many calls");
    if (n >= 400 && n < 500)
        return fail(f, ERR_PROVIDER_REFUSED, "esign: status %d", status);
    return fail(f, ERR_PROVIDER_UNKNOWN, "esign: status %d", status);
}

enum err esign_read(int status, const void *body, size_t n, struct esign_answer *out,
                    struct provider_trace *trace, struct fault *f)
{
    trace->http_status = status;
    *out = (struct esign_answer){.root = js_parse(body, n)};
    bool coded = js_int(out->root, "code", &out->code);
    js_code(out->root, "code", trace->code, sizeof trace->code);
    text_copy(trace->message, sizeof trace->message, js_str(out->root, "message"));
    enum err e = OK;
    if (!coded)
        e = fail(f, ERR_PROVIDER_UNKNOWN, "esign: status %d without a code", status);
    else if (status != 200 || (out->code >= 400 && out->code < 600))
        e = read_gateway(status, out->code, trace, f);
    json_t *data = json_object_get(out->root, "data");
    if (e == OK && data && !json_is_null(data) && !json_is_object(data))
        e = fail(f, ERR_PROVIDER_UNKNOWN, "esign: data that are no object");
    if (e != OK) {
        esign_answer_free(out);
        return e;
    }
    out->data = json_is_object(data) ? data : NULL;
    const char *id = js_str(out->data, "verifyId");
    text_copy(trace->request_id, sizeof trace->request_id, id ? id : js_str(out->data, "flowId"));
    return OK;
}

enum err esign_send(const struct esign *e, const struct esign_call *call, json_t *body, struct arena *a,
                    struct esign_answer *out, struct provider_trace *trace, struct fault *f)
{
    *out = (struct esign_answer){0};
    const char *text = body ? js_write(a, body) : NULL;
    const char *md5_text = text ? esign_content_md5(a, text, strlen(text)) : "";
    const char *sent = call->path, *target = call->path;
    if (call->query_name) {
        sent = arena_printf(a, "%s?%s=%s", call->path, call->query_name, url_escape(a, call->query_value));
        target = arena_printf(a, "%s?%s=%s", call->path, call->query_name, call->query_value);
    }
    const char *signature =
        esign_signature(a, e->app_secret, esign_string_to_sign(a, call->method, md5_text, target));
    struct provider_pair headers[] = {
        {"Accept", "*/*"},
        {"Content-Type", content_type},
        {"X-Tsign-Open-App-Id", e->app_id},
        {"X-Tsign-Open-Auth-Mode", "Signature"},
        {"X-Tsign-Open-Ca-Timestamp", arena_printf(a, "%" PRId64, e->now_ms())},
        {"X-Tsign-Open-Ca-Signature", signature},
        {"Content-MD5", md5_text},
    };
    struct http_request req = {.point = "identity",
                               .method = call->method,
                               .url = arena_printf(a, "%s%s", e->url, sent),
                               .headers = headers,
                               .n_headers = sizeof headers / sizeof *headers - (text ? 0 : 1),
                               .body = text,
                               .n_body = text ? strlen(text) : 0,
                               .timeout_ms = call->timeout_ms};
    struct http_response resp;
    TRY(http_send(e->http, &req, a, &resp, f));
    return esign_read(resp.status, resp.body, resp.n_body, out, trace, f);
}

bool esign_flow_ok(const char *flow)
{
    static const char set[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    return flow && *flow && strlen(flow) < 96 && strspn(flow, set) == strlen(flow);
}
