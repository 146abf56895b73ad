#include "identity/identity.h"

#include "account/code.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "identity/identity_moves.h"
#include "identity/identity_steps.h"

#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

/* Attempts a day, order and step: each may cost money, and micro-deposits move it. */
static int attempts_allowed(enum method m)
{
    return m == METHOD_MICRO_DEPOSIT ? 3 : 5;
}

bool identity_method_served(enum method m)
{
    return m == METHOD_PHONE_THREE_FACTOR;
}

static enum method method_of(const struct order *o, bool of_agent)
{
    return of_agent ? (enum method)o->agent.method : o->method;
}

/* Who is checked, in clear. */
static void fill_person(const struct order *o, bool of_agent, struct check_task *t)
{
    bool organization = o->subject_kind == SUBJECT_ORGANIZATION;
    t->company = o->subject.name;
    t->uscc = o->subject.uscc;
    t->legal_rep = o->subject.legal_rep_name;
    t->name = of_agent ? o->agent.name : organization ? o->subject.legal_rep_name : o->subject.name;
    t->id_number = of_agent ? o->agent.id_number : o->subject.id_number;
    t->phone = of_agent ? o->agent.phone : o->subject.phone;
}

/* One number for all that a verification rests on: an answer about other data proves nothing. */
static void input_digest(struct ctx *c, const struct order *o, bool of_agent, unsigned char out[static 32])
{
    struct check_task t;
    fill_person(o, of_agent, &t);
    const char *all =
        arena_printf(c->arena, "%d\n%s\n%s\n%s\n%s\n%s", (int)method_of(o, of_agent),
                     of_agent ? "" : t.company, of_agent ? "" : t.uscc, t.name, t.id_number, t.phone);
    crypt_lookup(c->keys, "verification", all, out);
}

/* -- checks in their order --------------------------------------------------------------------------------
 */

/* The company first: it is the cheaper to be wrong about, and refuses most attempts. */
static const char *const organization_checks[] = {"enterprise4", "phone3", NULL};
static const char *const person_checks[] = {"phone3", NULL};

static const char *const *checks_of(const struct order *o, bool of_agent)
{
    return !of_agent && o->subject_kind == SUBJECT_ORGANIZATION ? organization_checks : person_checks;
}

static enum err next_check(struct ctx *c, const struct order *o, const struct verification *v,
                           const char **out)
{
    for (const char *const *check = checks_of(o, v->of_agent); *check; check++) {
        bool done;
        TRY(evidence_exists(c, v->id, *check, &done));
        if (!done) {
            *out = *check;
            return OK;
        }
    }
    *out = NULL;
    return OK;
}

static enum err add_job(struct ctx *c, const struct verification *v, const char *check)
{
    return outbox_add(c, "identity.check", arena_printf(c->arena, "identity.check:%s:%s", v->id, check),
                      v->order, v->id, strlen(v->id), 0, NULL);
}

static enum err spend_attempt(struct ctx *c, const struct order *o, bool of_agent, int *left)
{
    int used, allowed = attempts_allowed(method_of(o, of_agent));
    int64_t oldest_ms;
    TRY(verification_count(c, o->id, of_agent, c->now_ms - DAY_MS, &used, &oldest_ms));
    if (used < allowed) {
        *left = allowed - used - 1;
        return OK;
    }
    enum err e =
        fail(c->fault, ERR_RATE_LIMITED, "%d verifications in a day are allowed; try again later", allowed);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "每天最多可核验%d次，请稍后再试", allowed);
    c->fault->retry_ms = oldest_ms + DAY_MS - c->now_ms;
    return e;
}

enum err identity_start(struct ctx *c, const struct order *o, bool of_agent, struct verification *out)
{
    enum method m = method_of(o, of_agent);
    if (!identity_method_served(m))
        return fail(c->fault, ERR_METHOD_NOT_OFFERED, NULL);
    *out = (struct verification){.state = VERIFICATION_PENDING,
                                 .method = m,
                                 .of_agent = of_agent,
                                 .mismatched = "",
                                 .sent_to = "",
                                 .version = 1,
                                 .updated_ms = c->now_ms};
    TRY(spend_attempt(c, o, of_agent, &out->attempts_left));
    id_new("ver", out->id);
    snprintf(out->order, sizeof out->order, "%s", o->id);
    unsigned char digest[32];
    input_digest(c, o, of_agent, digest);
    TRY(verification_insert(c, out, digest));
    TRY(audit_add(c,
                  &(struct audit_entry){.action = "verification.started", .object = out->id, .version = 1}));
    return add_job(c, out, checks_of(o, of_agent)[0]);
}

enum err identity_load(struct ctx *c, const char *id, struct verification *out)
{
    unsigned char digest[32];
    struct order o;
    TRY(verification_read(c, id, out, digest));
    return order_load(c, out->order, &o); /* NOT_FOUND for those who may not see the order */
}

/* -- for jobs ----------------------------------------------------------------------------------------------
 */

/* True while the order waits for this very verification and still says what was submitted with it. */
static bool is_current(struct ctx *c, const struct order *o, const struct verification *v,
                       const unsigned char digest[static 32])
{
    unsigned char now[32];
    input_digest(c, o, v->of_agent, now);
    return o->state == (v->of_agent ? ORDER_AGENT_VERIFYING : ORDER_SUBJECT_VERIFYING) &&
           strcmp(o->verification, v->id) == 0 && same_bytes(now, digest, sizeof now);
}

enum err identity_task(struct ctx *c, const char *verification_id, struct check_task *out)
{
    unsigned char digest[32];
    struct order o;
    *out = (struct check_task){0};
    TRY(verification_read(c, verification_id, &out->v, digest));
    TRY(order_load(c, out->v.order, &o));
    if (out->v.state != VERIFICATION_PENDING || !is_current(c, &o, &out->v, digest))
        return OK;
    fill_person(&o, out->v.of_agent, out);
    return next_check(c, &o, &out->v, &out->check);
}

/* The limit on codes counts against other uses of the phone: then the person asks for the code later
 * (ResendVerificationCode), and sent_to stays empty until one is out. */
static enum err send_code(struct ctx *c, const char *phone, const char *name, const char *verification_id,
                          bool *sent)
{
    enum err e =
        code_send(c, phone, CODE_VERIFY, verification_id, SMS_VERIFY_CODE, mask_name(c->arena, name), NULL);
    *sent = e == OK;
    if (e != ERR_RATE_LIMITED)
        return e;
    fault_clear(c->fault);
    return OK;
}

static enum err matched(struct ctx *c, struct order *o, struct verification *v)
{
    const char *check;
    TRY(next_check(c, o, v, &check));
    if (check)
        return add_job(c, v, check);
    struct check_task t;
    bool sent;
    fill_person(o, v->of_agent, &t);
    TRY(send_code(c, t.phone, t.name, v->id, &sent));
    TRY(verification_move(c, v, VERIFIED_MATCHED, NULL, sent ? t.phone : NULL));
    return order_store(c, o, "order.code_sent", NULL);
}

static enum order_event back_event(const struct verification *v)
{
    return v->of_agent ? EV_AGENT_MISMATCH : EV_SUBJECT_MISMATCH;
}

enum err identity_record(struct ctx *c, const char *verification_id, const struct check_answer *a)
{
    unsigned char digest[32];
    struct verification v;
    struct order o;
    TRY(verification_read(c, verification_id, &v, digest));
    TRY(evidence_insert(c, &v, a, digest));
    if (v.state != VERIFICATION_PENDING)
        return OK;
    TRY(order_load(c, v.order, &o));
    if (!is_current(c, &o, &v, digest))
        return verification_move(c, &v, VERIFIED_GIVEN_UP, NULL, NULL);
    if (a->match)
        return matched(c, &o, &v);
    TRY(verification_move(c, &v, VERIFIED_MISMATCHED, a->mismatched, NULL));
    const char *detail =
        arena_printf(c->arena, "{\"verification\":\"%s\",\"outcome\":\"%s\"}", v.id, a->outcome);
    return order_move(c, &o, back_event(&v), NULL, detail);
}

enum err identity_give_up(struct ctx *c, const char *verification_id)
{
    unsigned char digest[32];
    struct verification v;
    struct order o;
    TRY(verification_read(c, verification_id, &v, digest));
    if (v.state != VERIFICATION_PENDING)
        return OK;
    TRY(verification_move(c, &v, VERIFIED_GIVEN_UP, NULL, NULL));
    TRY(order_load(c, v.order, &o));
    return is_current(c, &o, &v, digest) ? order_move(c, &o, back_event(&v), NULL, NULL) : OK;
}

/* -- for handlers ------------------------------------------------------------------------------------------
 */

/* A verification that waits for its code and is the one its order waits for. */
static enum err load_waiting(struct ctx *c, const char *id, struct verification *v, struct order *o,
                             struct check_task *t)
{
    unsigned char digest[32];
    TRY(verification_read(c, id, v, digest));
    TRY(order_load(c, v->order, o));
    if (v->state != VERIFICATION_CODE_SENT)
        return fail(c->fault, ERR_PRECONDITION, "no code is awaited for this verification");
    if (!is_current(c, o, v, digest))
        return fail(c->fault, ERR_PRECONDITION, "a newer verification took the place of this one");
    fill_person(o, v->of_agent, t);
    return OK;
}

enum err identity_confirm(struct ctx *c, const char *verification_id, const char *code, struct order *out)
{
    struct verification v;
    struct check_task t;
    TRY(load_waiting(c, verification_id, &v, out, &t));
    TRY(code_check(c, t.phone, CODE_VERIFY, v.id, code)); /* before any write: a wrong try is committed */
    TRY(verification_move(c, &v, VERIFIED_CONFIRMED, NULL, NULL));
    return order_move(c, out, v.of_agent ? EV_AGENT_PASSED : EV_SUBJECT_PASSED, NULL, NULL);
}

enum err identity_resend(struct ctx *c, const char *verification_id, struct verification *out)
{
    struct order o;
    struct check_task t;
    TRY(load_waiting(c, verification_id, out, &o, &t));
    TRY(code_send(c, t.phone, CODE_VERIFY, out->id, SMS_VERIFY_CODE, mask_name(c->arena, t.name), NULL));
    TRY(verification_move(c, out, VERIFIED_RESENT, NULL, t.phone));
    return order_store(c, &o, "order.code_sent", NULL);
}
