/* kuaidi100: subscribe, query, push. providers.md 6.1 */
#include "provider/courier.h"

#include "provider/http.h"
#include "provider/kuaidi100.h"
#include "provider/settings.h"
#include "provider/sign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SALT_MAX = 64
};

struct kuaidi100 {
    struct arena arena;
    struct http *http;
    const char *url, *key, *customer;
};

const struct provider_setting kuaidi100_settings[] = {
    {"base_url", "address of kuaidi100", true, false, "https://poll.kuaidi100.com"},
    {"key", "authorization key", true, true, NULL},
    {"customer", "customer number", true, false, NULL},
    {0},
};

const char *kuaidi100_query_sign(const char *param, const char *key, const char *customer, struct arena *a)
{
    char *out = arena_alloc(a, 2 * MD5_SIZE + 1);
    const char *text = arena_printf(a, "%s%s%s", param, key, customer);
    md5_upper_hex(text, strlen(text), out);
    return out;
}

/* The answer's object whatever it says; ERR_PROVIDER_UNKNOWN when there is none. */
static enum err post(const struct kuaidi100 *k, const char *path, const struct provider_pair *form, size_t n,
                     struct arena *a, json_t **answer, struct provider_trace *trace, struct fault *f)
{
    const char *body = form_encode(a, form, n);
    struct provider_pair type = {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"};
    struct http_request req = {.point = "courier",
                               .method = "POST",
                               .url = arena_printf(a, "%s%s", k->url, path),
                               .headers = &type,
                               .n_headers = 1,
                               .body = body,
                               .n_body = strlen(body)};
    struct http_response resp;
    TRY(http_send(k->http, &req, a, &resp, f));
    trace->http_status = resp.status;
    *answer = resp.status == 200 ? js_parse(resp.body, resp.n_body) : NULL;
    if (!*answer)
        return fail(f, ERR_PROVIDER_UNKNOWN, "kuaidi100: status %d without an object", resp.status);
    if (!js_code(*answer, "returnCode", trace->code, sizeof trace->code))
        js_code(*answer, "status", trace->code, sizeof trace->code);
    text_copy(trace->message, sizeof trace->message, js_str(*answer, "message"));
    return OK;
}

static enum err refusal(const char *code, bool subscribing, struct fault *f)
{
    static const struct {
        const char *code;
        enum err query, subscribe;
    } table[] = {
        {"201", ERR_NOT_FOUND, ERR_PROVIDER_REFUSED},
        {"500", ERR_NOT_FOUND, ERR_PROVIDER_BUSY},
        {"501", ERR_PROVIDER_BUSY, ERR_EXISTS},
        {"502", ERR_PROVIDER_BUSY, ERR_PROVIDER_BUSY},
        {"503", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"600", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
        {"601", ERR_PROVIDER_CONFIG, ERR_PROVIDER_CONFIG},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(code, table[i].code) == 0)
            return fail(f, subscribing ? table[i].subscribe : table[i].query, "kuaidi100: code %s", code);
    if (!code[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "kuaidi100: an answer without code");
    return fail(f, ERR_PROVIDER_REFUSED, "kuaidi100: code %s", code);
}

/* "No" comes as result:false with a returnCode, or as a status that is not 200. */
static bool said_no(const json_t *answer, const char *code)
{
    const json_t *result = json_object_get(answer, "result");
    const char *text = json_string_value(result);
    return json_is_false(result) || (text && strcmp(text, "false") == 0) ||
           (code[0] && strcmp(code, "200") != 0);
}

static enum err check_parcel(const struct courier_parcel *p, struct fault *f)
{
    if (!p->company || !*p->company || !p->number || !*p->number)
        return fail(f, ERR_INVALID, "courier and number are wanted");
    return OK;
}

/* -- subscribe ------------------------------------------------------------------------------------------- */

static json_t *subscribe_param(const struct kuaidi100 *k, const struct courier_parcel *p,
                               const char *callback_url, const char *salt)
{
    return json_pack("{s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "company", p->company, "number", p->number, "key",
                     k->key, "parameters", "callbackurl", callback_url, "salt", salt, "resultv2", "4",
                     "phone", p->phone ? p->phone : "");
}

static enum err subscribe(void *self, const struct courier_parcel *p, const char *callback_url,
                          const char *salt, struct arena *a, struct provider_trace *trace, struct fault *f)
{
    const struct kuaidi100 *k = self;
    *trace = (struct provider_trace){0};
    TRY(check_parcel(p, f));
    size_t n_salt = salt ? strlen(salt) : 0;
    if (!callback_url || n_salt == 0 || n_salt > SALT_MAX)
        return fail(f, ERR_INVALID, "callback_url and a salt of 1-%d bytes are wanted", SALT_MAX);
    const char *param = js_write(a, subscribe_param(k, p, callback_url, salt));
    if (!param)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    struct provider_pair form[] = {{"schema", "json"}, {"param", param}};
    CLEANUP(js_free)
    json_t *answer = NULL;
    TRY(post(k, "/poll", form, 2, a, &answer, trace, f));
    if (json_is_true(json_object_get(answer, "result")))
        return OK;
    enum err e = refusal(trace->code, true, f);
    return e == ERR_EXISTS ? OK : e;
}

/* -- query ----------------------------------------------------------------------------------------------- */

static enum err query(void *self, const struct courier_parcel *p, struct arena *a, struct courier_track *out,
                      struct fault *f)
{
    const struct kuaidi100 *k = self;
    *out = (struct courier_track){.company = "", .number = ""};
    TRY(check_parcel(p, f));
    const char *param =
        js_write(a, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "com", p->company, "num", p->number, "phone",
                              p->phone ? p->phone : "", "resultv2", "4", "show", "0", "order", "desc"));
    if (!param)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    struct provider_pair form[] = {{"customer", k->customer},
                                   {"sign", kuaidi100_query_sign(param, k->key, k->customer, a)},
                                   {"param", param}};
    CLEANUP(js_free)
    json_t *answer = NULL;
    TRY(post(k, "/poll/query.do", form, 3, a, &answer, &out->trace, f));
    if (said_no(answer, out->trace.code)) {
        enum err e = refusal(out->trace.code, false, f);
        return e == ERR_NOT_FOUND ? OK : e; /* no record yet */
    }
    TRY(kuaidi100_read_track(answer, a, out, f));
    if (strcasecmp(out->number, p->number) != 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "kuaidi100: answered about another parcel");
    return OK;
}

/* -- the port -------------------------------------------------------------------------------------------- */

static void kuaidi100_close(void *self)
{
    struct kuaidi100 *k = self;
    arena_free(&k->arena);
    free(k);
}

static const struct courier_ops ops = {"kuaidi100", subscribe, query, kuaidi100_push_verify, kuaidi100_close};

enum err kuaidi100_open(const struct provider_env *env, struct courier_port *out, struct fault *f)
{
    struct kuaidi100 *k = calloc(1, sizeof *k);
    if (!k)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    k->http = env->http;
    k->url = settings_get(env, kuaidi100_settings, "base_url", &k->arena);
    k->key = settings_get(env, kuaidi100_settings, "key", &k->arena);
    k->customer = settings_get(env, kuaidi100_settings, "customer", &k->arena);
    size_t n = strlen(k->url);
    if (n && k->url[n - 1] == '/')
        k->url = arena_strndup(&k->arena, k->url, n - 1);
    *out = (struct courier_port){.ops = &ops, .self = k, .simulator = provider_is_simulator(k->url)};
    return OK;
}
