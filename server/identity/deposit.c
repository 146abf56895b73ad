#include "identity/deposit.h"

#include "core/audit.h"
#include "core/crypt.h"
#include "identity/amount.h"
#include "identity/choice.h"
#include "identity/remittance.h"
#include "order/order_tell.h"

#include <stdio.h>
#include <string.h>

enum {
    CODE_DIGITS = 6,
    TRIES = 5,
};
static const int64_t LIFE_MS = INT64_C(10) * 24 * 60 * 60 * 1000;

static const int none = 0;

static bool by_amount(const struct deposit *d)
{
    return strcmp(d->provider, REMITTANCE) != 0;
}

/* -- making one --------------------------------------------------------------------------------------------
 */

static struct payee payee_of(const struct check_task *who)
{
    return (struct payee){.name = who->organization ? who->company : who->name,
                          .account = who->account.number,
                          .bank = who->account.bank,
                          .branch = who->account.branch,
                          .cnaps = who->account.cnaps_code};
}

static void new_deposit(struct deposit *d, const struct order *o, enum deposit_purpose purpose,
                        const struct payee *p)
{
    *d = (struct deposit){.purpose = purpose,
                          .state = DEPOSIT_WAITING,
                          .provider = REMITTANCE,
                          .medium = "",
                          .flow = "",
                          .secret = "",
                          .payee = *p,
                          .tries_left = TRIES,
                          .version = 1};
    id_new("dep", d->id);
    memcpy(d->order, o->id, ID_SIZE);
}

static enum err add_job(struct ctx *c, const char *kind, const struct deposit *d, const char *more,
                        int64_t at_ms)
{
    return outbox_add(c, kind, arena_printf(c->arena, "%s:%s%s", kind, d->id, more), d->order, d->id,
                      strlen(d->id), at_ms, NULL);
}

enum err deposit_make(struct ctx *c, struct waited *w)
{
    struct deposit d;
    struct payee to = payee_of(&w->who);
    const struct identity_port *sender;
    char code[CODE_DIGITS + 1] = "";
    new_deposit(&d, &w->o, DEPOSIT_VERIFICATION, &to);
    memcpy(d.verification, w->v.id, ID_SIZE);
    d.expires_ms = c->now_ms + LIFE_MS;
    TRY(choose_sender(c, w->o.channel, w->o.subject_kind, &sender));
    if (sender) {
        d.provider = sender->ops->name;
        TRY(add_job(c, "identity.transfer_open", &d, "", 0));
    } else {
        crypt_digits(code, CODE_DIGITS);
        d.secret = code;
    }
    enum err e = deposit_insert(c, &d, w->v.id);
    wipe(code, sizeof code);
    TRY(e);
    return add_job(c, "identity.deposit_end", &d, "", d.expires_ms);
}

/* S6: the account that the verification's deposit went to has shown that its owner reads it. */
enum err deposit_pin(struct ctx *c, const struct order *o, const char *key, const char *medium_number,
                     const char *remark, bool *taken)
{
    struct deposit d;
    enum secret_way way;
    bool came_by_remark;
    *taken = false;
    if (o->method != METHOD_MICRO_DEPOSIT || o->paper_route || !*o->subject.account.number)
        return OK;
    TRY(choose_secret_way(c, o, &way));
    TRY(deposit_used_by_remark(c, o->id, &came_by_remark));
    if (way != SECRET_BY_REMARK && !came_by_remark) /* the channel may have changed its supplier since */
        return OK;
    struct payee to = {.name = o->subject.name,
                       .account = o->subject.account.number,
                       .bank = o->subject.account.bank,
                       .branch = o->subject.account.branch,
                       .cnaps = o->subject.account.cnaps_code};
    new_deposit(&d, o, DEPOSIT_PIN, &to);
    d.secret = remark;
    d.medium = medium_number;
    d.expires_ms = 0;
    *taken = true;
    enum err e = deposit_insert(c, &d, arena_printf(c->arena, "pin:%s", key));
    if (e == ERR_DB_DUPLICATE) { /* on its way already */
        fault_clear(c->fault);
        return OK;
    }
    return e;
}

/* -- what is shown -----------------------------------------------------------------------------------------
 */

/* Its code may come at any moment, and is looked at. */
static bool awaits_code(const struct ctx *c, const struct deposit *d)
{
    return (d->state == DEPOSIT_ORDERED || d->state == DEPOSIT_SENT) && d->expires_ms > c->now_ms &&
           d->tries_left > 0;
}

enum err deposit_waiting(struct ctx *c, const struct verification *v, struct waiting *out)
{
    struct deposit d;
    bool found;
    TRY(found_or_not(c->fault, deposit_of_verification(c, v->id, &d), &found));
    if (!found || v->state == VERIFICATION_FAILED)
        return OK;
    out->deposit_made = true;
    out->deposit_code = v->state == VERIFICATION_DEPOSIT && awaits_code(c, &d);
    out->deposit_asked = by_amount(&d) && d.state == DEPOSIT_WAITING;
    out->deposit_by_amount = by_amount(&d);
    out->deposit_ms = d.sent_ms;
    out->tries_left = d.tries_left;
    if (v->state == VERIFICATION_DEPOSIT)
        out->expires_ms = d.expires_ms;
    return OK;
}

/* -- the secret --------------------------------------------------------------------------------------------
 */

/* What the deposit came to, once. */
static enum err record(struct ctx *c, const struct waited *w, const struct deposit *d, const char *outcome)
{
    bool match = strcmp(outcome, "MATCH") == 0;
    struct check_answer a = {.check = check_name(CHECK_TRANSFER),
                             .provider = d->provider,
                             .outcome = outcome,
                             .code = "",
                             .request_id = *d->flow ? d->flow : d->id,
                             .billed = d->state != DEPOSIT_WAITING,
                             .match = match,
                             .mismatched = "",
                             .checked_ms = c->now_ms};
    return evidence_insert(c, &w->v, &a, w->digest);
}

/* With the last try everything is over: the same transaction that counts it. */
static enum err wrong(struct ctx *c, struct waited *w, struct deposit *d)
{
    int left = d->tries_left - 1;
    if (left <= 0)
        TRY(record(c, w, d, "TRIES_OVER"));
    TRY(deposit_update(c, d, left > 0 ? d->state : DEPOSIT_DROPPED,
                       DEPOSIT_CHANGE(.tries_left = &left, .forget = left <= 0)));
    if (left > 0)
        TRY(identity_news(c, w, VERIFIED_DEPOSIT_NEWS, NULL, "order.deposit_wrong"));
    else
        TRY(identity_refused(c, w, VERIFIED_GIVEN_UP, NULL, "DEPOSIT_TRIES"));
    c->keep = true; /* or tries would be free */
    enum err e = fail(c->fault, ERR_CODE_WRONG, "the code is wrong; %d tries are left", left);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "验证码错误，还可尝试%d次", left);
    return e;
}

static enum err try_code(struct ctx *c, struct waited *w, struct deposit *d, const char *entered)
{
    unsigned char digest[32];
    deposit_digest(c, d->id, entered, digest);
    if (!d->has_digest || !same_bytes(digest, d->digest, sizeof digest))
        return wrong(c, w, d);
    TRY(record(c, w, d, "MATCH"));
    TRY(deposit_update(c, d, DEPOSIT_USED, DEPOSIT_CHANGE(.forget = true)));
    return identity_passed(c, w);
}

/* The supplier judges, and counts: the verification is with it until it has. */
static enum err try_amount(struct ctx *c, struct waited *w, struct deposit *d, const char *entered)
{
    int fen;
    if (!amount_fen(entered, &fen)) {
        fault_field(c->fault, "code", "FORMAT", "the amount is between 0.01 and 0.99 yuan",
                    "金额应在0.01至0.99元之间");
        return fault_fields(c->fault);
    }
    TRY(deposit_update(c, d, d->state, DEPOSIT_CHANGE(.entered_fen = &fen)));
    TRY(add_job(c, "identity.transfer_confirm", d, arena_printf(c->arena, ":%lld", (long long)d->version),
                0));
    return identity_news(c, w, VERIFIED_ENTERED, NULL, "order.deposit_entered");
}

enum err deposit_confirm(struct ctx *c, struct waited *w, const char *entered)
{
    struct deposit d;
    TRY(deposit_of_verification(c, w->v.id, &d));
    if (d.state == DEPOSIT_WAITING)
        return fail_both(c->fault, ERR_PRECONDITION, "the deposit is not on its way yet",
                         "打款尚未发出，请稍后");
    if (d.state != DEPOSIT_ORDERED && d.state != DEPOSIT_SENT)
        return fail_both(c->fault, ERR_PRECONDITION, "no code is awaited for this deposit",
                         "该笔打款无需验证");
    if (!awaits_code(c, &d))
        return fail(c->fault, ERR_CODE_EXPIRED, NULL);
    return by_amount(&d) ? try_amount(c, w, &d, entered) : try_code(c, w, &d, entered);
}

/* -- news of the money -------------------------------------------------------------------------------------
 */

static enum err tell_sent(struct ctx *c, const struct order *o, const struct deposit *d)
{
    const char *params[] = {o->id, by_amount(d) ? "到账金额" : "附言中的数字"};
    return order_tell(c, o, NEWS_DEPOSIT_SENT, params, &params[1],
                      arena_printf(c->arena, "deposit:%s", d->id));
}

/* An order that was given up needs no PIN; one that is finished does. */
static enum err tell_pin(struct ctx *c, const struct deposit *d, enum order_news what, const char *word)
{
    struct order o;
    TRY(order_load(c, d->order, &o));
    if (o.state == ORDER_CANCELLED || o.state == ORDER_REFUNDING)
        return OK;
    return order_tell(c, &o, what, &d->medium, &d->medium, arena_printf(c->arena, "%s:%s", word, d->id));
}

static bool waits(const struct waited *w)
{
    return w->current && (w->v.state == VERIFICATION_DEPOSIT || w->v.state == VERIFICATION_PENDING);
}

/* Before the verification is moved: whether anybody still waits is what it says now. */
static enum err tell_over(struct ctx *c, const struct waited *w, const struct deposit *d,
                          enum order_news what, const char *key)
{
    return waits(w) ? order_tell(c, &w->o, what, (const char *[]){w->o.id}, NULL,
                                 arena_printf(c->arena, "%s:%s", key, d->id))
                    : OK;
}

enum err deposit_tell_expired(struct ctx *c, const struct waited *w, const struct deposit *d)
{
    return tell_over(c, w, d, NEWS_DEPOSIT_EXPIRED, "deposit_over");
}

enum err deposit_sent(struct ctx *c, struct deposit *d, const char *reference)
{
    struct waited w;
    TRY(deposit_update(c, d, d->state == DEPOSIT_USED ? DEPOSIT_USED : DEPOSIT_SENT,
                       DEPOSIT_CHANGE(.reference = reference, .sent_ms = c->now_ms,
                                      .tries_left = &d->tries_left, .forget = true)));
    if (d->purpose == DEPOSIT_PIN)
        return tell_pin(c, d, NEWS_PIN_SENT, "deposit");
    TRY(identity_waited(c, d->verification, &w));
    if (d->state != DEPOSIT_SENT || !w.current || w.v.state != VERIFICATION_DEPOSIT)
        return OK;
    TRY(tell_sent(c, &w.o, d));
    return identity_news(c, &w, VERIFIED_DEPOSIT_NEWS, NULL, "order.deposit_sent");
}

enum err deposit_bounced(struct ctx *c, struct deposit *d, const char *reference, const char *reason)
{
    struct waited w;
    TRY(deposit_update(c, d, DEPOSIT_FAILED,
                       DEPOSIT_CHANGE(.reference = reference, .reason = reason,
                                      .forget = d->purpose == DEPOSIT_VERIFICATION)));
    if (d->purpose == DEPOSIT_PIN)
        return tell_pin(c, d, NEWS_PIN_BOUNCED, "bounced"); /* the desk sees it in the list, with its payee */
    TRY(identity_waited(c, d->verification, &w));
    if (w.v.state != VERIFICATION_DEPOSIT && w.v.state != VERIFICATION_PENDING)
        return OK;
    TRY(record(c, &w, d, "MISMATCH"));
    TRY(tell_over(c, &w, d, NEWS_DEPOSIT_FAILED, "deposit_over"));
    return identity_refused(c, &w, VERIFIED_MISMATCHED, "account.number", "DEPOSIT_FAILED");
}

/* -- by a supplier -----------------------------------------------------------------------------------------
 */

enum err deposit_task(struct ctx *c, const char *id, struct deposit_task *out)
{
    TRY(deposit_read(c, id, &out->d));
    TRY(identity_waited(c, out->d.verification, &out->w));
    out->wanted = waits(&out->w);
    return OK;
}

enum err deposit_poll_later(struct ctx *c, const struct deposit *d, int n)
{
    static const int64_t pauses[] = {10000, 30000, 60000, 120000, 300000};
    int64_t pause = (size_t)n < sizeof pauses / sizeof *pauses ? pauses[n] : INT64_C(1800000);
    const char *payload = arena_printf(c->arena, "%s %d", d->id, n);
    return outbox_add(c, "identity.transfer_poll",
                      arena_printf(c->arena, "identity.transfer_poll:%s:%d", d->id, n), d->order, payload,
                      strlen(payload), c->now_ms + pause, NULL);
}

enum err deposit_opened(struct ctx *c, const char *id, const char *flow)
{
    struct deposit d;
    TRY(deposit_read(c, id, &d));
    if (d.state != DEPOSIT_WAITING)
        return OK;
    if (*flow)
        TRY(deposit_update(c, &d, DEPOSIT_WAITING, DEPOSIT_CHANGE(.flow = flow)));
    return add_job(c, "identity.transfer", &d, "", 0);
}

enum err deposit_ordered(struct ctx *c, const char *id, const char *flow, int64_t expires_ms, int tries_left)
{
    struct deposit d;
    TRY(deposit_read(c, id, &d));
    if (d.state != DEPOSIT_WAITING)
        return OK;
    bool shorter = expires_ms > 0 && expires_ms < d.expires_ms;
    TRY(deposit_update(c, &d, DEPOSIT_ORDERED,
                       DEPOSIT_CHANGE(.flow = flow, .expires_ms = shorter ? expires_ms : 0,
                                      .tries_left = tries_left >= 0 ? &tries_left : NULL)));
    if (shorter)
        TRY(add_job(c, "identity.deposit_end", &d, ":supplier", expires_ms));
    return deposit_poll_later(c, &d, 0);
}

enum err deposit_refused(struct ctx *c, const char *id, const struct check_answer *a)
{
    struct deposit_task t;
    TRY(deposit_task(c, id, &t));
    if (t.d.state != DEPOSIT_WAITING)
        return OK;
    TRY(deposit_update(c, &t.d, DEPOSIT_FAILED, DEPOSIT_CHANGE(.forget = true)));
    TRY(evidence_insert(c, &t.w.v, a, t.w.digest));
    if (t.w.v.state != VERIFICATION_DEPOSIT)
        return OK;
    TRY(tell_over(c, &t.w, &t.d, NEWS_DEPOSIT_FAILED, "deposit_over"));
    return identity_refused(c, &t.w, VERIFIED_MISMATCHED, a->mismatched, a->outcome);
}

/* The channel's second choice: the desk's bank. */
static enum err by_remark_instead(struct ctx *c, struct deposit *d)
{
    char code[CODE_DIGITS + 1];
    crypt_digits(code, CODE_DIGITS);
    enum err e = deposit_to_remark(c, d, code);
    wipe(code, sizeof code);
    return e;
}

enum err deposit_unsent(struct ctx *c, const char *id, enum unsent why)
{
    struct deposit_task t;
    bool remark = false;
    TRY(deposit_task(c, id, &t));
    if (t.d.state != DEPOSIT_WAITING)
        return OK;
    if (why == UNSENT_REFUSED && t.wanted)
        TRY(choose_remark(c, t.w.o.channel, &remark));
    if (remark)
        return by_remark_instead(c, &t.d);
    TRY(deposit_update(c, &t.d, why == UNSENT_DOUBTFUL ? DEPOSIT_DOUBTFUL : DEPOSIT_DROPPED,
                       DEPOSIT_CHANGE(.forget = true)));
    TRY(tell_over(c, &t.w, &t.d, NEWS_DEPOSIT_UNDONE, "deposit_undone")); /* the account may well be right */
    return identity_give_up(c, t.d.verification);
}

enum err deposit_looked(struct ctx *c, const char *id, enum identity_transfer_state s, int tries_left, int n)
{
    struct deposit d;
    TRY(deposit_read(c, id, &d));
    if (d.state != DEPOSIT_ORDERED && d.state != DEPOSIT_SENT)
        return OK;
    if (s == TRANSFER_FAILED &&
        !d.entered_fen) /* else the amount is being judged, which may have ended the flow */
        return deposit_bounced(c, &d, NULL, NULL);
    if (s == TRANSFER_SENT && d.state == DEPOSIT_ORDERED) {
        d.tries_left = tries_left >= 0 ? tries_left : d.tries_left;
        return deposit_sent(c, &d, NULL);
    }
    if (s == TRANSFER_SENT || n < 0 || c->now_ms > d.expires_ms)
        return OK;
    return deposit_poll_later(c, &d, n + 1);
}

enum err deposit_judged(struct ctx *c, const char *id, const struct check_answer *a, int tries_left)
{
    struct deposit_task t;
    TRY(deposit_task(c, id, &t));
    if ((t.d.state != DEPOSIT_ORDERED && t.d.state != DEPOSIT_SENT) || t.w.v.state != VERIFICATION_PENDING)
        return OK;
    if (a->match) {
        TRY(deposit_update(c, &t.d, DEPOSIT_USED, DEPOSIT_CHANGE(.entered_fen = &none, .forget = true)));
        TRY(evidence_insert(c, &t.w.v, a, t.w.digest));
        return t.w.current ? identity_passed(c, &t.w)
                           : verification_move(c, &t.w.v, VERIFIED_GIVEN_UP, NULL, NULL);
    }
    int left = tries_left >= 0 ? tries_left : t.d.tries_left - 1;
    if (left <= 0)
        TRY(record(c, &t.w, &t.d, "TRIES_OVER"));
    TRY(deposit_update(c, &t.d, left > 0 ? t.d.state : DEPOSIT_DROPPED,
                       DEPOSIT_CHANGE(.tries_left = &left, .entered_fen = &none, .forget = left <= 0)));
    if (left > 0 && t.w.current)
        return identity_news(c, &t.w, VERIFIED_DEPOSIT_AWAITED, NULL, "order.deposit_wrong");
    return identity_refused(c, &t.w, VERIFIED_GIVEN_UP, NULL, "DEPOSIT_TRIES");
}

enum err deposit_unjudged(struct ctx *c, const char *id)
{
    struct deposit_task t;
    TRY(deposit_task(c, id, &t));
    if (t.w.v.state != VERIFICATION_PENDING || t.d.entered_fen == 0)
        return OK;
    TRY(deposit_update(c, &t.d, t.d.state, DEPOSIT_CHANGE(.entered_fen = &none)));
    return t.w.current ? identity_news(c, &t.w, VERIFIED_DEPOSIT_AWAITED, NULL, "order.deposit_unjudged")
                       : verification_move(c, &t.w.v, VERIFIED_GIVEN_UP, NULL, NULL);
}

enum err deposit_expire(struct ctx *c, const char *id)
{
    struct deposit d;
    struct waited w;
    TRY(deposit_read(c, id, &d));
    if (d.expires_ms > c->now_ms || d.state > DEPOSIT_SENT)
        return OK;
    TRY(identity_waited(c, d.verification, &w));
    if (d.state != DEPOSIT_WAITING)
        TRY(record(c, &w, &d, "EXPIRED"));
    TRY(deposit_update(c, &d, DEPOSIT_DROPPED, DEPOSIT_CHANGE(.forget = true)));
    TRY(deposit_tell_expired(c, &w, &d));
    return identity_give_up(c, d.verification);
}
