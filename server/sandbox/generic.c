/* generic.c - a supplier of checks that speaks the desk's own protocol (server/provider/identity_http.c says
 * what it is; this was written from that text).
 *
 * Faults: busy (503), rate_limited (429), fail (500), daily_limit (verdict LIMIT), bad_signature (the answer
 * is signed with another key), stale (the answer was signed an hour ago), forged (the answer to another
 * question).
 */
#include "sandbox/call.h"
#include "sandbox/crypto.h"
#include "sandbox/face.h"
#include "sandbox/keys.h"
#include "sandbox/register.h"
#include "sandbox/state.h"
#include "sandbox/suppliers.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_TOLERANCE_S = 300,
    LIFE_MS = 3600 * 1000
};

struct gen_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const struct plan *plan;
    const json_t *in;
    const char *nonce;
};

static const char *in(const struct gen_call *c, const char *name)
{
    return member(c->in, name);
}

static bool planned(const struct gen_call *c, const char *kind)
{
    return strcmp(c->plan->kind, kind) == 0;
}

static const char *signature(struct arena *a, const char *key, const char *kind, const char *timestamp,
                             const char *nonce, const char *body)
{
    unsigned char raw[SHA256_SIZE];
    char *hex = arena_alloc(a, 2 * sizeof raw + 1);
    hmac_sha256(key, strlen(key), arena_printf(a, "%s\n%s\n%s\n%s", kind, timestamp, nonce, body), raw);
    hex_encode(raw, sizeof raw, hex);
    return hex;
}

/* Takes the object over. */
static void answer(struct gen_call *c, json_t *o)
{
    struct arena *a = &c->r->a;
    const char *id = draw_uuid(c->sb, a), *nonce = planned(c, "forged") ? "another" : c->nonce;
    int64_t at = clock_now_ms() / 1000 - (planned(c, "stale") ? 3600 : 0);
    const char *timestamp = arena_printf(a, "%" PRId64, at);
    json_object_set_new(o, "id", json_string(id));
    c->p->request_id = id;
    reply_json(c->p, 200, o);
    const char *key = planned(c, "bad_signature") ? "another key" : c->sb->keys->generic_key;
    reply_header(c->p, "X-Certdesk-Timestamp", timestamp);
    reply_header(c->p, "X-Certdesk-Nonce", nonce);
    reply_header(c->p, "X-Certdesk-Signature", signature(a, key, "answer", timestamp, nonce, c->p->body));
}

static void verdict(struct gen_call *c, const char *name, json_t *fields, bool billed)
{
    c->p->outcome = name;
    answer(c, json_pack("{s:s,s:o,s:b}", "verdict", name, "fields", fields ? fields : json_array(), "billed",
                        billed));
}

static json_t *list(const char *name)
{
    return json_pack("[s]", name);
}

/* The one field that is malformed; NULL: none. */
static const char *bad_person(const struct gen_call *c)
{
    if (!person_name_ok(in(c, "name")))
        return "NAME";
    if (!resident_id_ok(in(c, "id_number")))
        return "ID_NUMBER";
    return NULL;
}

static void phone3(struct gen_call *c)
{
    const char *detail = "", *bad = bad_person(c);
    if (!bad && !mobile_ok(in(c, "phone")))
        bad = "PHONE";
    if (bad) {
        verdict(c, "INVALID", list(bad), false);
        return;
    }
    switch (register_phone3(c->sb, in(c, "name"), in(c, "id_number"), in(c, "phone"), &detail)) {
    case MATCH_YES:
        verdict(c, "MATCH", NULL, true);
        return;
    case MATCH_NO_RECORD:
        verdict(c, "NOT_FOUND", NULL, false);
        return;
    case MATCH_NO:
        break;
    }
    bool name = strcmp(detail, "PhoneNameMismatch") == 0 || strcmp(detail, "NameIdCardMismatch") == 0;
    bool phone = strcmp(detail, "PhoneNameIdCardMismatch") == 0;
    bool id = strcmp(detail, "PhoneIdCardMismatch") == 0;
    verdict(c, "MISMATCH", name ? list("NAME") : phone ? list("PHONE") : id ? list("ID_NUMBER") : NULL, true);
}

static void bank4(struct gen_call *c)
{
    const char *bad = bad_person(c);
    if (!bad && !card_ok(in(c, "card_number")))
        bad = "CARD";
    if (!bad && !mobile_ok(in(c, "phone")))
        bad = "PHONE";
    if (bad) {
        verdict(c, "INVALID", list(bad), false);
        return;
    }
    struct card_match m =
        register_card(c->sb, in(c, "name"), in(c, "id_number"), in(c, "card_number"), in(c, "phone"));
    json_t *fields = json_array();
    if (!m.known || *m.state)
        json_array_append_new(fields, json_string("CARD"));
    if (m.known && !m.name)
        json_array_append_new(fields, json_string("NAME"));
    if (m.known && !m.id_number)
        json_array_append_new(fields, json_string("ID_NUMBER"));
    if (m.known && !m.phone)
        json_array_append_new(fields, json_string("PHONE"));
    bool gone = !m.known || *m.state;
    verdict(c, gone ? "NOT_FOUND" : json_array_size(fields) ? "MISMATCH" : "MATCH", fields, m.known);
}

static const char *operating(const char *status)
{
    static const char *const names[] = {
        "OTHER",           "NORMAL",    "MOVED_OUT", "CANCELLED",
        "LICENCE_REVOKED", "RESCINDED", "SUSPENDED", "REGISTRATION_RESCINDED"};
    return strlen(status) == 1 && *status >= '0' && *status <= '7' ? names[*status - '0'] : "UNKNOWN";
}

static void enterprise4(struct gen_call *c)
{
    struct company_match m =
        register_company(c->sb, in(c, "uscc"), in(c, "name"), in(c, "legal_rep_name"), in(c, "legal_rep_id"));
    json_t *fields = json_array();
    if (!m.name)
        json_array_append_new(fields, json_string("ENTERPRISE_NAME"));
    if (!m.credit_code)
        json_array_append_new(fields, json_string("USCC"));
    if (!m.legal_rep)
        json_array_append_new(fields, json_string("LEGAL_REP_NAME"));
    if (!m.legal_rep_id)
        json_array_append_new(fields, json_string("LEGAL_REP_ID"));
    bool gone = !m.name && !m.credit_code, all = json_array_size(fields) == 0;
    c->p->outcome = gone ? "NOT_FOUND" : all ? "MATCH" : "MISMATCH";
    answer(c, json_pack("{s:s,s:o,s:b,s:s,s:s}", "verdict", c->p->outcome, "fields", fields, "billed", 1,
                        "operating", operating(m.status), "operating_period", m.period));
}

static void face_start(struct gen_call *c)
{
    const char *bad = bad_person(c), *token = draw_letters(c->sb, &c->r->a, 24);
    if (bad) {
        verdict(c, "INVALID", list(bad), false);
        return;
    }
    face_open(c->sb, token,
              &(struct face_order){.supplier = "http",
                                   .name = in(c, "name"),
                                   .id_number = in(c, "id_number"),
                                   .our_no = in(c, "our_no"),
                                   .return_url = in(c, "return_url"),
                                   .notify_url = "",
                                   .life_ms = LIFE_MS});
    answer(c, json_pack("{s:s,s:s,s:I}", "token", token, "url", face_url(c->sb, &c->r->a, token),
                        "expires_ms", (json_int_t)(clock_now_ms() + LIFE_MS)));
}

static void face_query(struct gen_call *c)
{
    const json_t *o = face_session(c->sb, "http", in(c, "token"));
    const char *outcome = face_outcome(o);
    if (!o)
        verdict(c, "NO_SESSION", NULL, false);
    else if (face_expired(o) || strcmp(outcome, "abandon") == 0)
        verdict(c, "ABANDONED", NULL, false);
    else if (!*outcome)
        verdict(c, "PENDING", NULL, false);
    else if (strcmp(outcome, "pass") != 0)
        verdict(c, "MISMATCH", list("FACE"), true);
    else if (register_id2(c->sb, member(o, "name"), member(o, "id_number")) == MATCH_YES)
        verdict(c, "MATCH", NULL, true);
    else
        verdict(c, "MISMATCH", json_pack("[s,s]", "NAME", "ID_NUMBER"), true);
}

static const struct {
    const char *check;
    void (*serve)(struct gen_call *c);
} checks[] = {
    {"phone3", phone3},         {"bank4", bank4},           {"enterprise4", enterprise4},
    {"face_start", face_start}, {"face_query", face_query},
};

const char *generic_action(struct request *r)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(r->path + 1, checks[i].check) == 0)
            return checks[i].check;
    return "unknown";
}

static void refuse(struct gen_call *c, unsigned status, const char *why)
{
    c->p->outcome = why;
    reply_json(c->p, status, json_pack("{s:s}", "error", why));
}

static bool authenticate(struct gen_call *c)
{
    const char *timestamp = request_header(c->r, "X-Certdesk-Timestamp");
    const char *sent = request_header(c->r, "X-Certdesk-Signature");
    c->nonce = request_header(c->r, "X-Certdesk-Nonce");
    char *end = NULL;
    int64_t at = timestamp ? strtoll(timestamp, &end, 10) : 0, now = clock_now_ms() / 1000;
    if (!timestamp || !*timestamp || *end || !sent || !c->nonce || strlen(c->nonce) != 32)
        refuse(c, 401, "not signed");
    else if (at - now > CLOCK_TOLERANCE_S || now - at > CLOCK_TOLERANCE_S)
        refuse(c, 401, "signed too long ago");
    else if (strcmp(signature(&c->r->a, c->sb->keys->generic_key, "request", timestamp, c->nonce, c->r->body),
                    sent) != 0)
        refuse(c, 401, "the signature does not verify");
    else if (state_get(c->sb->state, "generic_nonces", c->nonce))
        refuse(c, 401, "the nonce was used");
    else {
        state_put(c->sb->state, "generic_nonces", c->nonce, json_integer(at));
        return true;
    }
    return false;
}

static bool refused_by_plan(struct gen_call *c)
{
    if (planned(c, "busy"))
        refuse(c, 503, "busy");
    else if (planned(c, "rate_limited"))
        refuse(c, 429, "too fast");
    else if (planned(c, "fail"))
        refuse(c, 500, "failed");
    else if (planned(c, "daily_limit"))
        verdict(c, "LIMIT", NULL, false);
    else
        return false;
    return true;
}

void generic_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p)
{
    struct gen_call c = {.sb = sb, .r = r, .p = p, .plan = plan};
    struct arena *a = &r->a;
    if (!authenticate(&c) || refused_by_plan(&c))
        return;
    json_t *body = strcmp(r->method, "POST") == 0 ? request_json(r) : NULL;
    c.in = body;
    p->inputs = json_pack("{s:s,s:s}", "name", mask_person(a, in(&c, "name")), "number",
                          mask_tail(a, *in(&c, "uscc") ? in(&c, "uscc") : in(&c, "id_number")));
    size_t i = 0, n = sizeof checks / sizeof *checks;
    while (i < n &&
           (strcmp(r->path + 1, checks[i].check) != 0 || strcmp(in(&c, "check"), checks[i].check) != 0))
        i++;
    if (i < n)
        checks[i].serve(&c);
    else
        refuse(&c, 404, "no such check");
    json_decref(body);
}
