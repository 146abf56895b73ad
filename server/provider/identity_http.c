/* A supplier of checks that speaks our protocol: for one that has none of its own, or a service that a desk
 * puts in front of one.
 *
 * Each check is a POST to an address of its own (settings <check>_url; a check without address is not done),
 * with a JSON object:
 *
 *   phone3        name, id_number, phone
 *   bank4         name, id_number, phone, card_number
 *   enterprise4   name, uscc, legal_rep_name, legal_rep_id
 *   face_start    name, id_number, our_no, return_url (may be absent: where the browser goes afterwards)
 *   face_query    token
 *
 * and always "check", the name above. Phones are 11 digits, identity numbers have an upper-case X. Headers:
 *
 *   Content-Type: application/json
 *   X-Certdesk-Timestamp   seconds since 1970
 *   X-Certdesk-Nonce       32 letters and digits, new for every call: one that came before is refused
 *   X-Certdesk-Signature   lower-case hex of HMAC-SHA256(key, "request\n" timestamp "\n" nonce "\n" body)
 *
 * The answer has status 200 and is signed the same way with "answer" in place of "request": its own time
 * stamp, the nonce of the question, the body as it is sent. More than 300 s apart, it is refused. The body:
 *
 *   verdict    MATCH, MISMATCH, NOT_FOUND (no such record), INVALID (a field is malformed), BUSY, LIMIT (too
 *              often); of face_query also PENDING, ABANDONED, and NO_SESSION for a token of nobody
 *   fields     names of the fields that disagree or are malformed: NAME ID_NUMBER PHONE CARD FACE
 *              ENTERPRISE_NAME USCC LEGAL_REP_NAME LEGAL_REP_ID; absent or empty: not told
 *   id         the supplier's number of the check
 *   billed     true when it is charged
 *   message    a sentence; may be absent
 *   operating  of enterprise4: NORMAL MOVED_OUT CANCELLED LICENCE_REVOKED RESCINDED SUSPENDED
 *              REGISTRATION_RESCINDED OTHER UNKNOWN; absent: UNKNOWN
 *   operating_period   as the register has it; may be absent
 *
 * of face_start instead: token, url (to be opened on the phone), expires_ms (since 1970), id.
 *
 * Other answers need no signature: 401 our signature or clock is not accepted, 429 too fast, 503 busy;
 * nothing was done then. Everything else leaves the outcome open. There are no callbacks.
 */
#include "provider/generic.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/sign.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct generic {
    struct identity_ops ops; /* what has an address */
    struct arena arena;
    struct http *http;
    const char *key, *phone3, *bank4, *enterprise4, *face_start, *face_query;
    int64_t (*now_ms)(void);
};

const struct provider_setting http_identity_settings[] = {
    {"key", "signs questions and answers (HMAC-SHA256)", true, true, NULL},
    {"phone3_url", "address of the phone three-factor check", false, false, NULL},
    {"bank4_url", "address of the bank four-factor check", false, false, NULL},
    {"enterprise4_url", "address of the enterprise four-factor check", false, false, NULL},
    {"face_start_url", "address that opens a face session", false, false, NULL},
    {"face_query_url", "address that tells how a face session stands", false, false, NULL},
    {0},
};

/* -- signatures ------------------------------------------------------------------------------------------ */

const char *generic_signature(struct arena *a, const char *key, const char *kind, const char *timestamp,
                              const char *nonce, const void *body, size_t n)
{
    struct buf b = BUF(a);
    buf_printf(&b, "%s\n%s\n%s\n", kind, timestamp, nonce);
    buf_add(&b, body ? body : "", n);
    unsigned char d[SHA256_SIZE];
    hmac_sha256(key, strlen(key), b.p, b.n, d);
    char *hex = arena_alloc(a, 2 * sizeof d + 1);
    hex_encode(d, sizeof d, hex);
    return hex;
}

static bool fresh(const char *timestamp, int64_t now_ms)
{
    size_t n = strlen(timestamp);
    if (n == 0 || n > 12 || strspn(timestamp, "0123456789") != n)
        return false;
    int64_t apart = now_ms / 1000 - strtoll(timestamp, NULL, 10);
    return apart > -GENERIC_WINDOW_S && apart < GENERIC_WINDOW_S;
}

enum err generic_verify(const char *key, const char *nonce, const struct provider_pair *headers,
                        size_t n_headers, const void *body, size_t n, int64_t now_ms, struct arena *a,
                        struct fault *f)
{
    const char *timestamp = http_header(headers, n_headers, "X-Certdesk-Timestamp");
    const char *echo = http_header(headers, n_headers, "X-Certdesk-Nonce");
    const char *signature = http_header(headers, n_headers, "X-Certdesk-Signature");
    if (!timestamp || !echo || !signature)
        return fail(f, ERR_SIGNATURE_BAD, "identity.http: not signed");
    if (strcmp(echo, nonce) != 0)
        return fail(f, ERR_SIGNATURE_BAD, "identity.http: the answer to another question");
    if (!fresh(timestamp, now_ms))
        return fail(f, ERR_SIGNATURE_BAD, "identity.http: signed too long ago");
    const char *want = generic_signature(a, key, "answer", timestamp, nonce, body, n);
    if (strlen(signature) != strlen(want) || !same_bytes(signature, want, strlen(want)))
        return fail(f, ERR_SIGNATURE_BAD, "identity.http: the signature does not verify");
    return OK;
}

/* -- answers --------------------------------------------------------------------------------------------- */

static bool read_name(const char *name, enum identity_verdict *out)
{
    static const struct {
        const char *name;
        enum identity_verdict verdict;
    } table[] = {
        {"MATCH", IDENTITY_MATCH},         {"MISMATCH", IDENTITY_MISMATCH},
        {"NOT_FOUND", IDENTITY_NOT_FOUND}, {"INVALID", IDENTITY_INVALID_INPUT},
        {"BUSY", IDENTITY_BUSY},           {"LIMIT", IDENTITY_RATE_LIMITED},
        {"PENDING", IDENTITY_PENDING},     {"ABANDONED", IDENTITY_ABANDONED},
    };
    for (size_t i = 0; name && i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) {
            *out = table[i].verdict;
            return true;
        }
    return false;
}

static bool read_fields(const json_t *list, unsigned *out)
{
    static const struct {
        const char *name;
        unsigned field;
    } table[] = {
        {"NAME", IDENTITY_NAME},
        {"ID_NUMBER", IDENTITY_ID_NUMBER},
        {"PHONE", IDENTITY_PHONE},
        {"CARD", IDENTITY_CARD},
        {"FACE", IDENTITY_FACE},
        {"ENTERPRISE_NAME", IDENTITY_ENTERPRISE_NAME},
        {"USCC", IDENTITY_USCC},
        {"LEGAL_REP_NAME", IDENTITY_LEGAL_REP_NAME},
        {"LEGAL_REP_ID", IDENTITY_LEGAL_REP_ID},
    };
    if (list && !json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        size_t k = 0, n = sizeof table / sizeof *table;
        while (name && k < n && strcmp(table[k].name, name) != 0)
            k++;
        if (!name || k == n)
            return false;
        *out |= table[k].field;
    }
    return true;
}

static bool read_operating(const json_t *o, struct identity_result *out)
{
    const json_t *v = json_object_get(o, "operating");
    if (!v)
        return true;
    for (int s = OPERATING_UNKNOWN; s <= OPERATING_OTHER; s++)
        if (json_is_string(v) &&
            strcmp(json_string_value(v), operating_status_name((enum operating_status)s)) == 0) {
            out->operating = (enum operating_status)s;
            out->operating_refused = operating_status_refused(out->operating);
            text_copy(out->operating_period, sizeof out->operating_period, js_str(o, "operating_period"));
            return true;
        }
    return false;
}

static void read_trace(const json_t *o, const char *code, struct provider_trace *t)
{
    text_copy(t->code, sizeof t->code, code);
    text_copy(t->message, sizeof t->message, js_str(o, "message"));
    text_copy(t->request_id, sizeof t->request_id, js_str(o, "id"));
}

enum err generic_read_verdict(const void *body, size_t n, bool face, struct identity_result *out,
                              struct fault *f)
{
    CLEANUP(js_free)
    json_t *o = js_parse(body, n);
    const char *verdict = js_str(o, "verdict");
    const json_t *billed = json_object_get(o, "billed");
    read_trace(o, verdict, &out->trace);
    if (face && verdict && strcmp(verdict, "NO_SESSION") == 0)
        return fail(f, ERR_NOT_FOUND, "identity.http: no such session");
    bool good = read_name(verdict, &out->verdict) && json_is_boolean(billed) && js_str(o, "id") &&
                read_fields(json_object_get(o, "fields"), &out->fields) && read_operating(o, out);
    bool waits = out->verdict == IDENTITY_PENDING || out->verdict == IDENTITY_ABANDONED;
    if (!good || (waits && !face) || (out->verdict == IDENTITY_MATCH && out->fields))
        return fail(f, ERR_PROVIDER_UNKNOWN, "identity.http: an answer that we do not understand");
    out->billed = json_is_true(billed);
    return OK;
}

enum err generic_read_session(const void *body, size_t n, struct identity_face *out, struct fault *f)
{
    CLEANUP(js_free)
    json_t *o = js_parse(body, n);
    const char *verdict = js_str(o, "verdict");
    read_trace(o, verdict, &out->trace);
    if (verdict && strcmp(verdict, "BUSY") == 0)
        return fail(f, ERR_PROVIDER_BUSY, "identity.http: busy");
    if (verdict && strcmp(verdict, "LIMIT") == 0)
        return fail(f, ERR_RATE_LIMITED, "identity.http: too often");
    if (verdict && (strcmp(verdict, "INVALID") == 0 || strcmp(verdict, "NOT_FOUND") == 0))
        return fail(f, ERR_PROVIDER_REFUSED, "identity.http: %s", verdict);
    if (verdict || !js_copy(o, "token", out->token, sizeof out->token) || !out->token[0] ||
        !js_copy(o, "url", out->url, sizeof out->url) || !out->url[0] ||
        !js_int(o, "expires_ms", &out->expires_ms) || out->expires_ms <= 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "identity.http: no session in the answer");
    return OK;
}

/* -- calls ----------------------------------------------------------------------------------------------- */

/* The verified body of the answer. */
static enum err ask(const struct generic *g, const char *url, json_t *question, struct arena *a,
                    struct http_response *resp, struct provider_trace *trace, struct fault *f)
{
    const char *body = js_write(a, question);
    if (!body)
        return fail(f, ERR_INVALID, "a field is not UTF-8");
    char nonce[GENERIC_NONCE + 1];
    nonce_text(nonce, GENERIC_NONCE);
    const char *timestamp = arena_printf(a, "%" PRId64, g->now_ms() / 1000);
    struct provider_pair headers[] = {
        {"Content-Type", "application/json"},
        {"X-Certdesk-Timestamp", timestamp},
        {"X-Certdesk-Nonce", nonce},
        {"X-Certdesk-Signature",
         generic_signature(a, g->key, "request", timestamp, nonce, body, strlen(body))},
    };
    struct http_request req = {.point = "identity",
                               .method = "POST",
                               .url = url,
                               .headers = headers,
                               .n_headers = sizeof headers / sizeof *headers,
                               .body = body,
                               .n_body = strlen(body)};
    TRY(http_send(g->http, &req, a, resp, f));
    trace->http_status = resp->status;
    switch (resp->status) {
    case 200:
        return generic_verify(g->key, nonce, resp->headers, resp->n_headers, resp->body, resp->n_body,
                              g->now_ms(), a, f);
    case 401:
        text_copy(trace->code, sizeof trace->code, "401");
        return fail(f, ERR_PROVIDER_CONFIG, "identity.http: our signature is not accepted");
    case 429:
        text_copy(trace->code, sizeof trace->code, "429");
        return fail(f, ERR_RATE_LIMITED, "identity.http: too fast");
    case 503:
        text_copy(trace->code, sizeof trace->code, "503");
        return fail(f, ERR_PROVIDER_BUSY, "identity.http: busy");
    default:
        return fail(f, ERR_PROVIDER_UNKNOWN, "identity.http: status %d", resp->status);
    }
}

static enum err check(const struct generic *g, const char *url, json_t *question, bool face, struct arena *a,
                      struct identity_result *out, struct fault *f)
{
    struct http_response resp;
    enum err e = ask(g, url, question, a, &resp, &out->trace, f);
    switch (e) {
    case OK:
        return generic_read_verdict(resp.body, resp.n_body, face, out, f);
    case ERR_PROVIDER_CONFIG:
        out->verdict = IDENTITY_CONFIG_ERROR;
        return OK;
    case ERR_RATE_LIMITED:
        out->verdict = IDENTITY_RATE_LIMITED;
        return OK;
    case ERR_PROVIDER_BUSY:
        out->verdict = IDENTITY_BUSY;
        return OK;
    default:
        return e;
    }
}

static enum err phone3(void *self, const struct identity_person *who, struct arena *a,
                       struct identity_result *out, struct fault *f)
{
    const struct generic *g = self;
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone)
        return fail(f, ERR_INVALID, "name, identity number and phone are wanted");
    json_t *q = json_pack("{s:s,s:s,s:s,s:s}", "check", "phone3", "name", who->name, "id_number",
                          upper_x(a, who->id_number), "phone", bare_phone(who->phone));
    return check(g, g->phone3, q, false, a, out, f);
}

static enum err bank4(void *self, const struct identity_person *who, struct arena *a,
                      struct identity_result *out, struct fault *f)
{
    const struct generic *g = self;
    *out = (struct identity_result){0};
    if (!who->name || !who->id_number || !who->phone || !who->card_number)
        return fail(f, ERR_INVALID, "name, identity number, card and phone are wanted");
    json_t *q = json_pack("{s:s,s:s,s:s,s:s,s:s}", "check", "bank4", "name", who->name, "id_number",
                          upper_x(a, who->id_number), "phone", bare_phone(who->phone), "card_number",
                          who->card_number);
    return check(g, g->bank4, q, false, a, out, f);
}

static enum err enterprise4(void *self, const struct identity_enterprise *who, struct arena *a,
                            struct identity_result *out, struct fault *f)
{
    const struct generic *g = self;
    *out = (struct identity_result){0};
    if (!who->name || !who->uscc || !who->legal_rep_name || !who->legal_rep_id)
        return fail(f, ERR_INVALID, "all four factors are wanted");
    json_t *q =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "check", "enterprise4", "name", who->name, "uscc", who->uscc,
                  "legal_rep_name", who->legal_rep_name, "legal_rep_id", upper_x(a, who->legal_rep_id));
    return check(g, g->enterprise4, q, false, a, out, f);
}

static enum err face_start(void *self, const struct identity_person *who, const struct identity_face_order *o,
                           struct arena *a, struct identity_face *out, struct fault *f)
{
    const struct generic *g = self;
    *out = (struct identity_face){0};
    if (!who->name || !who->id_number || !o->our_no)
        return fail(f, ERR_INVALID, "name, identity number and our number are wanted");
    json_t *q = json_pack("{s:s,s:s,s:s,s:s,s:s*}", "check", "face_start", "name", who->name, "id_number",
                          upper_x(a, who->id_number), "our_no", o->our_no, "return_url", o->return_url);
    struct http_response resp;
    TRY(ask(g, g->face_start, q, a, &resp, &out->trace, f));
    return generic_read_session(resp.body, resp.n_body, out, f);
}

static enum err face_query(void *self, const char *token, struct arena *a, struct identity_result *out,
                           struct fault *f)
{
    const struct generic *g = self;
    *out = (struct identity_result){0};
    json_t *q = json_pack("{s:s,s:s}", "check", "face_query", "token", token);
    return check(g, g->face_query, q, true, a, out, f);
}

/* -- opening --------------------------------------------------------------------------------------------- */

static void generic_close(void *self)
{
    struct generic *g = self;
    arena_free(&g->arena);
    free(g);
}

static enum err read_settings(struct generic *g, const struct provider_env *env, struct fault *f)
{
    const struct provider_setting *rows = http_identity_settings;
    g->key = settings_get(env, rows, "key", &g->arena);
    g->phone3 = settings_get(env, rows, "phone3_url", &g->arena);
    g->bank4 = settings_get(env, rows, "bank4_url", &g->arena);
    g->enterprise4 = settings_get(env, rows, "enterprise4_url", &g->arena);
    g->face_start = settings_get(env, rows, "face_start_url", &g->arena);
    g->face_query = settings_get(env, rows, "face_query_url", &g->arena);
    if (!g->face_start != !g->face_query)
        return fail(f, ERR_INVALID, "face_start_url and face_query_url come together");
    if (!g->phone3 && !g->bank4 && !g->enterprise4 && !g->face_start)
        return fail(f, ERR_INVALID,
                    "no address is set: phone3_url, bank4_url, enterprise4_url, face_start_url");
    g->ops = (struct identity_ops){.name = "http",
                                   .phone3 = g->phone3 ? phone3 : NULL,
                                   .bank4 = g->bank4 ? bank4 : NULL,
                                   .enterprise4 = g->enterprise4 ? enterprise4 : NULL,
                                   .face_start = g->face_start ? face_start : NULL,
                                   .face_query = g->face_start ? face_query : NULL,
                                   .close = generic_close};
    return OK;
}

enum err http_identity_open(const struct provider_env *env, struct identity_port *out, struct fault *f)
{
    struct generic *g = calloc(1, sizeof *g);
    if (!g)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    g->http = env->http;
    g->now_ms = settings_clock(env);
    enum err e = read_settings(g, env, f);
    if (e != OK) {
        generic_close(g);
        return e;
    }
    bool simulator = false;
    const char *const urls[] = {g->phone3, g->bank4, g->enterprise4, g->face_start, g->face_query};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        simulator = simulator || provider_is_simulator(urls[i]);
    *out = (struct identity_port){.ops = &g->ops, .self = g, .simulator = simulator};
    return OK;
}
