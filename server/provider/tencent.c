#include "provider/tencent.h"

#include "base/str.h"
#include "provider/http.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char content_type[] = "application/json; charset=utf-8";

static const char *lower(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);
    for (char *c = out; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return out;
}

static const char *canonical_request(const struct tc3_request *r, const char *signed_headers, struct arena *a)
{
    char body[2 * SHA256_SIZE + 1];
    sha256_hex(r->body, r->n_body, body);
    struct buf b = BUF(a);
    buf_printf(&b, "POST\n/\n\ncontent-type:%s\nhost:%s\n", lower(a, r->content_type), lower(a, r->host));
    if (r->action)
        buf_printf(&b, "x-tc-action:%s\n", lower(a, r->action));
    buf_printf(&b, "\n%s\n%s", signed_headers, body);
    return buf_text(&b);
}

/* The chain of keys: day, service, fixed word. */
static void derived_signature(const struct tc3_request *r, const char *date, const char *to_sign,
                              char out[static 2 * SHA256_SIZE + 1], struct arena *a)
{
    unsigned char key[SHA256_SIZE], next[SHA256_SIZE];
    const char *first = arena_printf(a, "TC3%s", r->secret_key);
    hmac_sha256(first, strlen(first), date, strlen(date), key);
    hmac_sha256(key, sizeof key, r->service, strlen(r->service), next);
    hmac_sha256(next, sizeof next, "tc3_request", strlen("tc3_request"), key);
    hmac_sha256(key, sizeof key, to_sign, strlen(to_sign), next);
    hex_encode(next, sizeof next, out);
    wipe(key, sizeof key);
}

void tc3_sign(const struct tc3_request *r, struct arena *a, struct tc3_signed *out)
{
    const char *signed_headers = r->action ? "content-type;host;x-tc-action" : "content-type;host";
    const char *canonical = canonical_request(r, signed_headers, a);
    sha256_hex(canonical, strlen(canonical), out->canonical_sha256);

    char date[16];
    time_t at = (time_t)r->seconds;
    struct tm tm;
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&at, &tm));
    const char *scope = arena_printf(a, "%s/%s/tc3_request", date, r->service);
    const char *to_sign =
        arena_printf(a, "TC3-HMAC-SHA256\n%lld\n%s\n%s", (long long)r->seconds, scope, out->canonical_sha256);
    derived_signature(r, date, to_sign, out->signature, a);
    out->authorization = arena_printf(a, "TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                                      r->secret_id, scope, signed_headers, out->signature);
}

enum err tencent_init(struct tencent *t, const struct provider_env *env, const struct provider_setting *rows,
                      const char *url_key, struct fault *f)
{
    *t = (struct tencent){.http = env->http, .now_ms = settings_clock(env)};
    t->url = settings_get(env, rows, url_key, &t->arena);
    t->secret_id = settings_get(env, rows, "secret_id", &t->arena);
    t->secret_key = settings_get(env, rows, "secret_key", &t->arena);
    t->region = settings_get(env, rows, "region", &t->arena);
    /* the signature covers the Host header as libcurl will send it, port and all */
    const char *host = strstr(t->url, "://");
    size_t n = host ? strcspn(host + 3, "/") : 0;
    if (n == 0 || (host[3 + n] && strcmp(host + 3 + n, "/") != 0)) {
        arena_free(&t->arena);
        return fail(f, ERR_INVALID, "setting %s is not a URL without path", url_key);
    }
    t->host = arena_strndup(&t->arena, host + 3, n);
    return OK;
}

bool tencent_code_in(const char *code, const char *family)
{
    size_t n = strlen(family);
    return strncmp(code, family, n) == 0 && (code[n] == '\0' || code[n] == '.');
}

enum err tencent_translate(const char *code)
{
    static const struct {
        const char *family;
        enum err e;
    } table[] = {
        {"RequestLimitExceeded", ERR_RATE_LIMITED},
        {"LimitExceeded", ERR_RATE_LIMITED},
        {"InternalError", ERR_PROVIDER_BUSY},
        {"ServiceUnavailable", ERR_PROVIDER_BUSY},
        {"AuthFailure", ERR_PROVIDER_CONFIG},
        {"UnauthorizedOperation", ERR_PROVIDER_CONFIG},
        {"OperationDenied", ERR_PROVIDER_CONFIG},
        {"ResourceUnavailable", ERR_PROVIDER_CONFIG},
        {"ResourceInsufficient", ERR_PROVIDER_CONFIG},
        {"ResourcesSoldOut", ERR_PROVIDER_CONFIG},
        {"ResourceNotFound", ERR_PROVIDER_CONFIG},
        {"IpInBlacklist", ERR_PROVIDER_CONFIG},
        {"IpNotInWhitelist", ERR_PROVIDER_CONFIG},
        {"UnsupportedRegion", ERR_PROVIDER_CONFIG},
        {"InvalidAction", ERR_PROVIDER_CONFIG},
        {"NoSuchVersion", ERR_PROVIDER_CONFIG},
        {"NoSuchProduct", ERR_PROVIDER_CONFIG},
        {"InvalidParameterValue.RuleIdNotExist", ERR_PROVIDER_CONFIG},
        {"FailedOperation.UnOpenError", ERR_PROVIDER_CONFIG},
        {"FailedOperation.SignatureIncorrectOrUnapproved", ERR_PROVIDER_CONFIG},
        {"FailedOperation.TemplateIncorrectOrUnapproved", ERR_PROVIDER_CONFIG},
        {"FailedOperation.TemplateParamSetNotMatchApprovedTemplate", ERR_PROVIDER_CONFIG},
        {"FailedOperation.InsufficientBalanceInSmsPackage", ERR_PROVIDER_CONFIG},
        {"FailedOperation.MissingSignature", ERR_PROVIDER_CONFIG},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (tencent_code_in(code, table[i].family))
            return table[i].e;
    return ERR_PROVIDER_REFUSED;
}

enum err tencent_read(const char *action, int status, const void *body, size_t n, json_t **response,
                      struct provider_trace *trace, struct fault *f)
{
    trace->http_status = status;
    CLEANUP(js_free)
    json_t *root = js_parse(body, n);
    json_t *r = json_object_get(root, "Response");
    if (!json_is_object(r))
        return fail(f, ERR_PROVIDER_UNKNOWN, "%s: status %d without a Response object", action, status);
    text_copy(trace->request_id, sizeof trace->request_id, js_str(r, "RequestId"));
    json_t *error = json_object_get(r, "Error");
    if (!error) {
        if (status != 200)
            return fail(f, ERR_PROVIDER_UNKNOWN, "%s: status %d", action, status);
        *response = json_incref(r);
        return OK;
    }
    text_copy(trace->code, sizeof trace->code, js_str(error, "Code"));
    text_copy(trace->message, sizeof trace->message, js_str(error, "Message"));
    if (!trace->code[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "%s: an error without code", action);
    return fail(f, tencent_translate(trace->code), "%s: %s", action, trace->code);
}

enum err tencent_send(const struct tencent *t, const struct tencent_call *call, json_t *params,
                      struct arena *a, json_t **response, struct provider_trace *trace, struct fault *f)
{
    const char *body = js_write(a, params);
    if (!body)
        return fail(f, ERR_INVALID, "%s: a field is not UTF-8", call->action);
    int64_t seconds = t->now_ms() / 1000;
    struct tc3_signed s;
    tc3_sign(&(struct tc3_request){.secret_id = t->secret_id,
                                   .secret_key = t->secret_key,
                                   .service = call->service,
                                   .host = t->host,
                                   .content_type = content_type,
                                   .action = call->action,
                                   .seconds = seconds,
                                   .body = body,
                                   .n_body = strlen(body)},
             a, &s);
    struct provider_pair headers[] = {
        {"Content-Type", content_type},     {"X-TC-Action", call->action},
        {"X-TC-Version", call->version},    {"X-TC-Timestamp", arena_printf(a, "%lld", (long long)seconds)},
        {"Authorization", s.authorization}, {"X-TC-Region", t->region},
    };
    struct http_request req = {.point = call->point,
                               .method = "POST",
                               .url = t->url,
                               .headers = headers,
                               .n_headers = sizeof headers / sizeof *headers - (t->region ? 0 : 1),
                               .body = body,
                               .n_body = strlen(body),
                               .timeout_ms = call->timeout_ms};
    struct http_response resp;
    TRY(http_send(t->http, &req, a, &resp, f));
    return tencent_read(call->action, resp.status, resp.body, resp.n_body, response, trace, f);
}
