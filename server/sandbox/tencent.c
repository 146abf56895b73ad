#include "sandbox/tencent.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    CLOCK_TOLERANCE_S = 300
};

const char *tencent_action(struct request *r)
{
    const char *name = request_header(r, "X-TC-Action");
    return name ? name : "none";
}

static void answer(struct tc_call *c, json_t *fields)
{
    const char *id = draw_uuid(c->sb, &c->r->a);
    c->p->request_id = id;
    json_object_set_new(fields, "RequestId", json_string(id));
    reply_json(c->p, 200, json_pack("{s:o}", "Response", fields));
}

void tc_ok(struct tc_call *c, json_t *fields)
{
    answer(c, fields);
}

void tc_error(struct tc_call *c, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = arena_vprintf(&c->r->a, fmt, ap);
    va_end(ap);
    c->p->outcome = code;
    answer(c, json_pack("{s:{s:s,s:s}}", "Error", "Code", code, "Message", text));
}

/* Authorization: TC3-HMAC-SHA256 Credential=id/date/service/tc3_request, SignedHeaders=a;b, Signature=hex */
struct authorization {
    const char *id, *date, *service, *signed_headers, *signature;
};

static bool parse_authorization(struct arena *a, const char *text, struct authorization *out)
{
    static const char scheme[] = "TC3-HMAC-SHA256 ";
    if (!text || strncmp(text, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *credential = NULL;
    char *save = NULL;
    for (char *p = strtok_r(arena_strdup(a, text + sizeof scheme - 1), ", ", &save); p;
         p = strtok_r(NULL, ", ", &save)) {
        if (strncmp(p, "Credential=", 11) == 0)
            credential = p + 11;
        else if (strncmp(p, "SignedHeaders=", 14) == 0)
            out->signed_headers = p + 14;
        else if (strncmp(p, "Signature=", 10) == 0)
            out->signature = p + 10;
    }
    if (!credential || !out->signed_headers || !out->signature)
        return false;
    char *part = arena_strdup(a, credential);
    out->id = strtok_r(part, "/", &save);
    out->date = strtok_r(NULL, "/", &save);
    out->service = strtok_r(NULL, "/", &save);
    const char *last = strtok_r(NULL, "/", &save);
    return last && strcmp(last, "tc3_request") == 0;
}

static const char *trimmed_lower(struct arena *a, const char *text)
{
    text += strspn(text, " \t");
    char *out = arena_strdup(a, text);
    for (size_t n = strlen(out); n && strchr(" \t", out[n - 1]); n--)
        out[n - 1] = '\0';
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return out;
}

/* "name:value\n" for each signed header as it came. NULL when one is missing, the names are not in order, or
 * content-type and host are not both signed. */
static const char *canonical_headers(struct request *r, const char *signed_headers, bool port_off)
{
    struct buf b = BUF(&r->a);
    const char *previous = "";
    bool type = false, host = false;
    char *save = NULL;
    for (char *name = strtok_r(arena_strdup(&r->a, signed_headers), ";", &save); name;
         name = strtok_r(NULL, ";", &save)) {
        const char *value = request_header(r, name);
        if (!value || strcmp(name, previous) <= 0 || strcmp(name, trimmed_lower(&r->a, name)) != 0)
            return NULL;
        previous = name;
        type |= strcmp(name, "content-type") == 0;
        bool is_host = strcmp(name, "host") == 0;
        host |= is_host;
        if (is_host && port_off)
            value = arena_strndup(&r->a, value, strcspn(value, ":"));
        buf_printf(&b, "%s:%s\n", name, trimmed_lower(&r->a, value));
    }
    return type && host ? buf_text(&b) : NULL;
}

static const char *utc_date(struct arena *a, int64_t timestamp)
{
    time_t t = (time_t)timestamp;
    struct tm tm;
    gmtime_r(&t, &tm);
    char *out = arena_alloc(a, 16);
    strftime(out, 16, "%Y-%m-%d", &tm);
    return out;
}

const char *tc3_signature(struct arena *a, const char *secret_key, const char *service, int64_t timestamp,
                          const char *canonical, const char *signed_headers, const char *body, size_t n_body)
{
    const char *request =
        arena_printf(a, "POST\n/\n\n%s\n%s\n%s", canonical, signed_headers, sha256_hex(a, body, n_body));
    const char *date = utc_date(a, timestamp);
    const char *to_sign = arena_printf(a, "TC3-HMAC-SHA256\n%" PRId64 "\n%s/%s/tc3_request\n%s", timestamp,
                                       date, service, sha256_hex(a, request, strlen(request)));
    const char *key = arena_printf(a, "TC3%s", secret_key);
    unsigned char k1[SHA256_SIZE], k2[SHA256_SIZE];
    hmac_sha256(key, strlen(key), date, k1);
    hmac_sha256(k1, sizeof k1, service, k2);
    hmac_sha256(k2, sizeof k2, "tc3_request", k1);
    hmac_sha256(k1, sizeof k1, to_sign, k2);
    char *hex = arena_alloc(a, 2 * SHA256_SIZE + 1);
    hex_encode(k2, sizeof k2, hex);
    return hex;
}

/* SDKs differ in whether the Host that they sign carries the port of a local endpoint. */
static bool signature_fits(struct tc_call *c, const struct authorization *au, int64_t ts)
{
    for (int port_off = 0; port_off < 2; port_off++) {
        const char *headers = canonical_headers(c->r, au->signed_headers, port_off);
        if (!headers)
            return false;
        const char *want = tc3_signature(&c->r->a, c->sb->keys->tencent_key, au->service, ts, headers,
                                         au->signed_headers, c->r->body, c->r->n_body);
        if (strlen(au->signature) == strlen(want) && same_bytes(want, au->signature, strlen(want)))
            return true;
    }
    return false;
}

/* In the supplier's order: form, age, customer, signature. True when all is well. */
static bool authenticate(struct tc_call *c, struct authorization *au)
{
    const char *ts_text = request_header(c->r, "X-TC-Timestamp");
    char *end = NULL;
    int64_t ts = ts_text ? strtoll(ts_text, &end, 10) : 0;
    if (!ts_text || !*ts_text || *end) {
        tc_error(c, "MissingParameter", "The request is missing a required parameter `Timestamp`.");
        return false;
    }
    if (!parse_authorization(&c->r->a, request_header(c->r, "Authorization"), au)) {
        tc_error(c, "AuthFailure.InvalidAuthorization", "The header `Authorization` is not valid.");
        return false;
    }
    int64_t now = clock_now_ms() / 1000, off = now > ts ? now - ts : ts - now;
    if (off > CLOCK_TOLERANCE_S || strcmp(au->date, utc_date(&c->r->a, ts)) != 0) {
        tc_error(c, "AuthFailure.SignatureExpire",
                 "The provided signature has expired: it is more than five minutes from the server time.");
        return false;
    }
    if (strcmp(au->id, c->sb->keys->tencent_id) != 0) {
        tc_error(c, "AuthFailure.SecretIdNotFound",
                 "The SecretId is not found, please ensure that your SecretId is correct.");
        return false;
    }
    if (!signature_fits(c, au, ts)) {
        tc_error(c, "AuthFailure.SignatureFailure",
                 "The provided credentials could not be validated. Please check your signature is correct.");
        return false;
    }
    return true;
}

static const struct tc_action *find_action(const struct tc_action *t, const char *service, const char *name)
{
    for (; t->name; t++)
        if (strcmp(t->name, name) == 0 && strcmp(t->service, service) == 0)
            return t;
    return NULL;
}

static bool type_fits(const json_t *v, char type)
{
    if (type == 't') {
        size_t i;
        json_t *e;
        bool ok = json_is_array(v);
        json_array_foreach(v, i, e) ok = ok && json_is_string(e);
        return ok;
    }
    return type == 's' ? json_is_string(v) : type == 'i' ? json_is_integer(v) : json_is_object(v);
}

static bool check_params(struct tc_call *c, const struct tc_param *params)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)c->in, key, v)
    {
        const struct tc_param *t = params;
        while (t->name && strcmp(t->name, key) != 0)
            t++;
        if (!t->name) {
            tc_error(c, "UnknownParameter", "The parameter `%s` is not recognized.", key);
            return false;
        }
        if (!type_fits(v, t->type)) {
            tc_error(c, "InvalidParameter", "The value type of parameter `%s` is not valid.", key);
            return false;
        }
    }
    for (const struct tc_param *t = params; t->name; t++)
        if (t->required && !json_object_get(c->in, t->name)) {
            tc_error(c, "MissingParameter", "The request is missing a required parameter `%s`.", t->name);
            return false;
        }
    return true;
}

/* Faults that every product says in the same words. `busy` is left to the action, which may have its own. */
static bool refused_by_plan(struct tc_call *c)
{
    const char *kind = c->plan->kind;
    if (strcmp(kind, "fail") == 0)
        tc_error(c, "InternalError", "An internal error has occurred. Retry your request.");
    else if (strcmp(kind, "rate_limited") == 0)
        tc_error(c, "RequestLimitExceeded", "Your current request times exceeds the limit.");
    else if (strcmp(kind, "bad_signature") == 0)
        tc_error(c, "AuthFailure.SignatureFailure",
                 "The provided credentials could not be validated. Please check your signature is correct.");
    else if (strcmp(kind, "arrears") == 0)
        tc_error(c, "UnauthorizedOperation.Arrears", "The account is in arrears.");
    else
        return false;
    return true;
}

/* A signature is remembered when it took effect, so a call that was lost or refused can be repeated. */
static void perform_once(struct tc_call *c, const struct tc_action *t, const char *signature)
{
    if (t->once && state_get(c->sb->state, "tc3_used", signature)) {
        tc_error(c, "AuthFailure.SignatureFailure", "The signature has been used already.");
        return;
    }
    t->serve(c);
    if (t->once && strcasecmp(c->p->outcome, "ok") == 0)
        state_put(c->sb->state, "tc3_used", signature, json_integer(clock_now_ms()));
}

static void perform(struct tc_call *c, const struct authorization *au)
{
    const char *name = tencent_action(c->r), *version = request_header(c->r, "X-TC-Version");
    const struct tc_action *t = find_action(tencent_id_actions, au->service, name);
    if (!t)
        t = find_action(tencent_face_actions, au->service, name);
    if (!t)
        t = find_action(tencent_sms_actions, au->service, name);
    if (!t)
        tc_error(c, "InvalidAction", "The request action=`%s` is invalid or is not found.", name);
    else if (!version || strcmp(version, t->version) != 0)
        tc_error(c, "NoSuchVersion", "The request version=`%s` is not found.", version ? version : "");
    else if (t->region && !request_header(c->r, "X-TC-Region"))
        tc_error(c, "MissingParameter", "The request is missing a required parameter `Region`.");
    else if (check_params(c, t->params) && !refused_by_plan(c))
        perform_once(c, t, au->signature);
}

void tencent_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    struct tc_call c = {.sb = sb, .r = r, .p = p, .plan = plan};
    struct authorization au = {0};
    if (!authenticate(&c, &au))
        return;
    if (strcmp(r->door, au.service) != 0) {
        tc_error(&c, "AuthFailure.SignatureFailure", "The service of the credential scope is not this one.");
        return;
    }
    json_t *in = strcmp(r->method, "POST") == 0 ? request_json(r) : NULL;
    c.in = in;
    if (in)
        perform(&c, &au);
    else
        tc_error(&c, "InvalidRequest", "The request body is not valid JSON.");
    json_decref(in);
}
