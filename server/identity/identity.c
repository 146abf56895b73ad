#include "identity/identity.h"

#include "account/allowance.h"
#include "account/code.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "identity/deposit.h"
#include "identity/face.h"
#include "identity/identity_steps.h"

#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

static enum method method_of(const struct order *o, bool of_agent)
{
    return of_agent ? (enum method)o->agent.method : o->method;
}

static const struct plan *plan_for(const struct order *o, bool of_agent)
{
    return plan_of(o->subject_kind, of_agent, method_of(o, of_agent));
}

/* Who is checked, in clear. */
static void fill_person(const struct order *o, bool of_agent, struct check_task *t)
{
    const struct subject *s = &o->subject;
    bool organization = o->subject_kind == SUBJECT_ORGANIZATION;
    t->organization = organization && !of_agent;
    snprintf(t->channel, sizeof t->channel, "%s", o->channel);
    t->company = s->name;
    t->uscc = s->uscc;
    t->legal_rep = s->legal_rep_name;
    t->name = of_agent ? o->agent.name : organization ? s->legal_rep_name : s->name;
    t->id_number = of_agent ? o->agent.id_number : s->id_number;
    t->phone = of_agent ? o->agent.phone : s->phone;
    t->card_number = of_agent ? o->agent.card_number : s->card_number;
    t->account = s->account;
}

/* One number for all that a verification rests on: an answer about other data proves nothing. */
static void input_digest(struct ctx *c, const struct order *o, bool of_agent, unsigned char out[static 32])
{
    struct check_task t;
    fill_person(o, of_agent, &t);
    enum method m = method_of(o, of_agent);
    const char *all = arena_printf(c->arena, "%d\n%s\n%s\n%s\n%s\n%s", (int)m, of_agent ? "" : t.company,
                                   of_agent ? "" : t.uscc, t.name, t.id_number, t.phone);
    if (m == METHOD_BANK_FOUR_FACTOR)
        all = arena_printf(c->arena, "%s\n%s", all, t.card_number);
    if (m == METHOD_MICRO_DEPOSIT)
        all = arena_printf(c->arena, "%s\n%s\n%s\n%s\n%s", all, t.account.number, t.account.bank,
                           t.account.branch, t.account.cnaps_code);
    crypt_lookup(c->keys, "verification", all, out);
}

bool identity_phone_proved(enum subject_kind kind, enum method m)
{
    return plan_proves_phone(plan_of(kind, false, m));
}

bool identity_agent_phone_proved(enum method m)
{
    return plan_proves_phone(plan_of(SUBJECT_ORGANIZATION, true, m));
}

const char *identity_method_text(enum subject_kind kind, enum method m, bool zh)
{
    static const char *const texts[][2] = {
        [METHOD_MICRO_DEPOSIT] = {"micro-deposit", "对公打款"},
        [METHOD_PHONE_THREE_FACTOR] = {"phone three-factor", "手机实名三要素"},
        [METHOD_BANK_FOUR_FACTOR] = {"bank four-factor", "银行卡四要素"},
        [METHOD_FACE] = {"face", "刷脸"}};
    if (zh && kind == SUBJECT_INDIVIDUAL && m == METHOD_MICRO_DEPOSIT)
        return "银行卡打款";
    return m >= METHOD_MICRO_DEPOSIT && m <= METHOD_FACE ? texts[m][zh] : "";
}

/* -- attempts ----------------------------------------------------------------------------------------------
 */

/* Attempts a day, by order and by identity number: each may cost money, and micro-deposits move it. */
static enum err attempts_allowed(struct ctx *c, const struct order *o, enum method m, int *out)
{
    TRY(catalog_attempts(c, o->channel, m, out));
    if (*out <= 0)
        *out = m == METHOD_MICRO_DEPOSIT ? 3 : 5;
    return OK;
}

static enum err no_more(struct ctx *c, int allowed, int64_t oldest_ms)
{
    enum err e =
        fail(c->fault, ERR_RATE_LIMITED, "%d verifications in a day are allowed; try again later", allowed);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "每天最多可核验%d次，请稍后再试", allowed);
    c->fault->retry_ms = oldest_ms + DAY_MS - c->now_ms;
    return e;
}

static enum err look_attempts(struct ctx *c, const struct order *o, bool of_agent,
                              const unsigned char number[static 32], int *left)
{
    int of_order, of_number, allowed;
    int64_t oldest_ms;
    TRY(attempts_allowed(c, o, method_of(o, of_agent), &allowed));
    TRY(verification_count(c, o->id, of_agent, c->now_ms - DAY_MS, &of_order, &oldest_ms));
    if (of_order >= allowed)
        return no_more(c, allowed, oldest_ms);
    TRY(verification_count_number(c, o->channel, number, c->now_ms - DAY_MS, &of_number, &oldest_ms));
    if (of_number >= allowed)
        return no_more(c, allowed, oldest_ms);
    *left = allowed - (of_order > of_number ? of_order : of_number) - 1;
    return OK;
}

static enum err look_check(struct ctx *c, const struct order *o, struct allowance *out)
{
    int allowed;
    TRY(catalog_account_checks(c, o->channel, &allowed));
    enum err e = allowance_look(c, ALLOW_CHECKS, o->account, allowed, DAY_MS, out);
    return e == ERR_RATE_LIMITED ? no_more(c, allowed, c->now_ms + c->fault->retry_ms - DAY_MS) : e;
}

enum err identity_spend_check(struct ctx *c, const struct order *o)
{
    struct allowance a;
    TRY(look_check(c, o, &a));
    return allowance_take(c, &a);
}

/* The number that S10 is about, and the agent's own. */
static void number_digest(struct ctx *c, const struct order *o, bool of_agent, unsigned char out[static 32])
{
    struct check_task t;
    fill_person(o, of_agent, &t);
    const char *which = of_agent ? "agent" : t.organization ? "organization" : "person";
    crypt_lookup(c->keys, "verification.number",
                 arena_printf(c->arena, "%s\n%s", which, t.organization ? t.uscc : t.id_number), out);
}

enum err identity_spend_number(struct ctx *c, const struct order *o)
{
    unsigned char number[32];
    char hex[65];
    int allowed, checked;
    int64_t oldest_ms;
    number_digest(c, o, false, number);
    hex_encode(number, sizeof number, hex);
    TRY(attempts_allowed(c, o, o->method, &allowed));
    TRY(verification_count_number(c, o->channel, number, c->now_ms - DAY_MS, &checked, &oldest_ms));
    if (checked >= allowed)
        return no_more(c, allowed, oldest_ms);
    enum err e = allowance_use(c, ALLOW_NUMBER, arena_printf(c->arena, "%s %s", o->channel, hex),
                               allowed - checked, DAY_MS);
    if (e == ERR_RATE_LIMITED)
        return no_more(c, allowed, c->now_ms + c->fault->retry_ms - DAY_MS);
    TRY(e);
    return identity_spend_check(c, o);
}

/* -- checks in their order --------------------------------------------------------------------------------
 */

static enum err next_check(struct ctx *c, const struct order *o, const struct verification *v,
                           enum check *out)
{
    const struct plan *p = plan_for(o, v->of_agent);
    for (size_t i = 0; p && i < PLAN_CHECKS && p->checks[i]; i++) {
        bool done;
        TRY(evidence_exists(c, v->id, check_name(p->checks[i]), &done));
        if (!done) {
            *out = p->checks[i];
            return OK;
        }
    }
    *out = 0;
    return OK;
}

static enum err add_job(struct ctx *c, const struct verification *v, enum check check)
{
    return outbox_add(c, "identity.check",
                      arena_printf(c->arena, "identity.check:%s:%s", v->id, check_name(check)), v->order,
                      v->id, strlen(v->id), 0, NULL);
}

enum err identity_may_start(struct ctx *c, const struct order *o, bool of_agent, int *left)
{
    unsigned char number[32];
    struct allowance a;
    number_digest(c, o, of_agent, number);
    TRY(look_attempts(c, o, of_agent, number, left));
    return look_check(c, o, &a);
}

enum err identity_start(struct ctx *c, const struct order *o, bool of_agent, int left)
{
    const struct plan *p = plan_for(o, of_agent);
    if (!p)
        return fail(c->fault, ERR_METHOD_NOT_OFFERED, NULL);
    /* a face without a check before it waits for the person at once */
    bool checked = p->checks[0] != 0;
    struct verification v = {.state = checked ? VERIFICATION_PENDING : VERIFICATION_FACE,
                             .method = method_of(o, of_agent),
                             .of_agent = of_agent,
                             .mismatched = "",
                             .sent_to = "",
                             .version = 1,
                             .updated_ms = c->now_ms};
    unsigned char digest[32], number[32];
    number_digest(c, o, of_agent, number);
    v.attempts_left = left;
    memcpy(v.id, o->verification, sizeof v.id);
    memcpy(v.order, o->id, sizeof v.order);
    input_digest(c, o, of_agent, digest);
    TRY(verification_insert(c, &v, o->channel, number, digest));
    TRY(audit_add(c, &(struct audit_entry){.action = "verification.started", .object = v.id, .version = 1}));
    if (!checked)
        return OK;
    TRY(identity_spend_check(c, o));
    return add_job(c, &v, p->checks[0]);
}

static enum err add_waiting(struct ctx *c, struct verification *v)
{
    if (v->method == METHOD_FACE)
        TRY(face_waiting(c, v, &v->waiting));
    if (v->method == METHOD_MICRO_DEPOSIT)
        TRY(deposit_waiting(c, v, &v->waiting));
    return OK;
}

enum err identity_load(struct ctx *c, const char *id, struct verification *out)
{
    unsigned char digest[32];
    struct order o;
    TRY(verification_read(c, id, out, digest));
    TRY(order_load(c, out->order, &o)); /* NOT_FOUND for those who may not see the order */
    return add_waiting(c, out);
}

enum err identity_evidence(struct ctx *c, const char *order_id, const struct evidence **out, size_t *n)
{
    unsigned char subject[32], agent[32];
    struct order o;
    TRY(order_load(c, order_id, &o));
    input_digest(c, &o, false, subject);
    input_digest(c, &o, true, agent);
    return evidence_list(c, order_id, subject, agent, out, n);
}

enum err identity_newest(struct ctx *c, const struct order *o, struct verification *out, bool *found)
{
    unsigned char digest[32];
    *found = o->state <= ORDER_AGENT_VERIFYING && *o->verification;
    if (!*found)
        return OK;
    TRY(verification_read(c, o->verification, out, digest));
    *found = out->of_agent == (o->state == ORDER_AGENT || o->state == ORDER_AGENT_VERIFYING);
    return *found ? add_waiting(c, out) : OK;
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

enum err identity_waited(struct ctx *c, const char *verification_id, struct waited *out)
{
    TRY(verification_read(c, verification_id, &out->v, out->digest));
    TRY(order_load(c, out->v.order, &out->o));
    out->current = is_current(c, &out->o, &out->v, out->digest);
    out->who = (struct check_task){0};
    fill_person(&out->o, out->v.of_agent, &out->who);
    return OK;
}

enum err identity_task(struct ctx *c, const char *verification_id, struct check_task *out)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    *out = w.who;
    out->v = w.v;
    if (w.v.state != VERIFICATION_PENDING || !w.current)
        return OK;
    TRY(next_check(c, &w.o, &w.v, &out->kind));
    out->check = out->kind ? check_name(out->kind) : NULL;
    return OK;
}

/* A code to the person of *w, within the limits of the order's channel. */
static enum err send_code(struct ctx *c, const struct waited *w)
{
    return code_send_for(c, w->o.channel, w->who.phone, CODE_VERIFY, w->v.id, SMS_VERIFY_CODE,
                         mask_name(c->arena, w->who.name), NULL);
}

enum err identity_news(struct ctx *c, struct waited *w, enum verification_event event, const char *sent_to,
                       const char *action)
{
    TRY(verification_move(c, &w->v, event, NULL, sent_to));
    return order_store(c, &w->o, action, NULL);
}

/* Where the code goes to is told when one is out. */
static enum err code_went_out(struct ctx *c, struct waited *w, enum verification_event event)
{
    w->v.code_ms = 0;
    return identity_news(c, w, event, w->who.phone, "order.code_sent");
}

/* The limits count other uses of the phone, and everybody's of the channel: then the code waits. The job's
 * key is its time: each that holds back again is later. */
static enum err send_or_hold(struct ctx *c, struct waited *w, enum verification_event sent)
{
    enum err e = send_code(c, w);
    if (e == OK)
        return code_went_out(c, w, sent);
    if (e != ERR_RATE_LIMITED)
        return e;
    w->v.code_ms = c->now_ms + (c->fault->retry_ms > 0 ? c->fault->retry_ms : 1);
    fault_clear(c->fault);
    TRY(identity_news(c, w, VERIFIED_HELD, NULL, "order.code_held"));
    return outbox_add(c, "identity.code",
                      arena_printf(c->arena, "identity.code:%s:%lld", w->v.id, (long long)w->v.code_ms),
                      w->v.order, w->v.id, strlen(w->v.id), w->v.code_ms, NULL);
}

enum err identity_release(struct ctx *c, const char *verification_id)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    return w.v.state == VERIFICATION_HELD && w.current ? send_or_hold(c, &w, VERIFIED_RELEASED) : OK;
}

static enum err matched(struct ctx *c, struct waited *w)
{
    enum check check;
    TRY(next_check(c, &w->o, &w->v, &check));
    if (check)
        return add_job(c, &w->v, check);
    switch (plan_for(&w->o, w->v.of_agent)->proof) {
    case PROOF_FACE:
        return identity_news(c, w, VERIFIED_FACE_AWAITED, NULL, "order.face_awaited");
    case PROOF_DEPOSIT:
        TRY(deposit_make(c, w));
        return identity_news(c, w, VERIFIED_DEPOSIT_AWAITED, NULL, "order.deposit_awaited");
    case PROOF_CODE:
        break;
    }
    return send_or_hold(c, w, VERIFIED_MATCHED);
}

static enum order_event back_event(const struct verification *v)
{
    return v->of_agent ? EV_AGENT_MISMATCH : EV_SUBJECT_MISMATCH;
}

enum err identity_refused(struct ctx *c, struct waited *w, enum verification_event why,
                          const char *mismatched, const char *outcome)
{
    TRY(verification_move(c, &w->v, why, mismatched, NULL));
    if (!w->current)
        return OK;
    const char *detail =
        outcome ? arena_printf(c->arena, "{\"verification\":\"%s\",\"outcome\":\"%s\"}", w->v.id, outcome)
                : NULL;
    return order_move(c, &w->o, back_event(&w->v), NULL, detail);
}

enum err identity_passed(struct ctx *c, struct waited *w)
{
    TRY(verification_move(c, &w->v, VERIFIED_CONFIRMED, NULL, NULL));
    return order_move(c, &w->o, w->v.of_agent ? EV_AGENT_PASSED : EV_SUBJECT_PASSED, NULL, NULL);
}

enum err identity_record(struct ctx *c, const char *verification_id, const struct check_answer *a)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    TRY(evidence_insert(c, &w.v, a, w.digest));
    if (w.v.state != VERIFICATION_PENDING)
        return OK;
    if (!w.current)
        return verification_move(c, &w.v, VERIFIED_GIVEN_UP, NULL, NULL);
    if (a->match)
        return matched(c, &w);
    return identity_refused(c, &w, VERIFIED_MISMATCHED, a->mismatched, a->outcome);
}

enum err identity_give_up(struct ctx *c, const char *verification_id)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    if (w.v.state != VERIFICATION_PENDING && w.v.state != VERIFICATION_FACE &&
        w.v.state != VERIFICATION_DEPOSIT)
        return OK;
    return identity_refused(c, &w, VERIFIED_GIVEN_UP, NULL, NULL);
}

/* -- for handlers ------------------------------------------------------------------------------------------
 */

enum err identity_waiting(struct ctx *c, const char *verification_id, enum verification_state s,
                          struct waited *out)
{
    TRY(identity_waited(c, verification_id, out));
    if (out->v.state == VERIFICATION_HELD && s == VERIFICATION_CODE_SENT) {
        enum err e =
            fail(c->fault, ERR_PRECONDITION, "no code is out yet; it is sent by itself when it may go");
        snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "验证码尚未发送，到时将自动发送");
        return e;
    }
    if (out->v.state != s)
        return s == VERIFICATION_FACE
                   ? fail_both(c->fault, ERR_PRECONDITION, "no face is awaited for this verification",
                               "该核验当前无需刷脸")
                   : fail_both(c->fault, ERR_PRECONDITION, "no code is awaited for this verification",
                               "该核验当前无需验证码");
    return out->current
               ? OK
               : fail_both(c->fault, ERR_PRECONDITION, "a newer verification took the place of this one",
                           "该核验已被新的核验取代");
}

enum err identity_confirm(struct ctx *c, const char *verification_id, const char *code, struct order *out)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    if (w.v.state == VERIFICATION_DEPOSIT && w.current) {
        enum err e = deposit_confirm(c, &w, code);
        *out = w.o;
        return e;
    }
    TRY(identity_waiting(c, verification_id, VERIFICATION_CODE_SENT, &w));
    TRY(code_check(c, w.who.phone, CODE_VERIFY, w.v.id,
                   code)); /* before any write: a wrong try is committed */
    TRY(identity_passed(c, &w));
    *out = w.o;
    return OK;
}

enum err identity_resend(struct ctx *c, const char *verification_id, struct verification *out)
{
    struct waited w;
    TRY(identity_waited(c, verification_id, &w));
    bool held = w.v.state == VERIFICATION_HELD;
    TRY(identity_waiting(c, verification_id, held ? VERIFICATION_HELD : VERIFICATION_CODE_SENT, &w));
    TRY(send_code(c, &w));
    TRY(code_went_out(c, &w, held ? VERIFIED_RELEASED : VERIFIED_RESENT));
    *out = w.v;
    return OK;
}
