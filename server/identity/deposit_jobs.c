/* Micro-deposits by a supplier: sending, looking, judging; and the end of any deposit. */
#include "app.h"
#include "base/log.h"
#include "identity/choice.h"
#include "identity/deposit.h"
#include "identity/identity_calls.h"
#include "providers.h"

#include <string.h>

static enum err sender_of(struct ctx *c, const struct deposit *d, const struct identity_port **out)
{
    *out = providers_identity(c->app->providers, d->provider);
    return *out && check_done_by(CHECK_TRANSFER, (*out)->ops)
               ? OK
               : fail(c->fault, ERR_PROVIDER_CONFIG,
                      "the supplier of this deposit is not configured any more");
}

static struct check_answer *answer(struct ctx *c, struct deposit_task *t, const struct identity_result *r)
{
    t->w.who.kind = CHECK_TRANSFER;
    t->w.who.check = check_name(CHECK_TRANSFER);
    struct check_answer *a = identity_answer(c, &t->w.who, t->d.provider, r);
    if (!a->match && !*a->mismatched)
        a->mismatched = "account.number";
    return a;
}

/* -- sending -----------------------------------------------------------------------------------------------
 *
 * Money is never sent on a guess. First a flow is opened, which moves nothing, and its number is stored; then
 * the money is ordered in that flow. When the answer to the order was lost, also by the death of this
 * process, the flow is asked about; what nothing names is doubtful, and the desk's.
 */

enum {
    SETTLE_MS = 60000, /* "nothing was sent" is believed this long after the call */
};

struct started {
    bool refused, doubtful;
    struct identity_transfer *transfer;
    struct check_answer *answer;
};

static struct identity_transfer_order order_of(struct ctx *c, const struct deposit_task *t)
{
    const struct check_task *who = &t->w.who;
    return (struct identity_transfer_order){
        .our_no = t->d.id,
        .notify_url =
            arena_printf(c->arena, "%s/callback/identity/%s", c->app->providers->public_url, t->d.provider),
        .name = who->organization ? who->company : who->name,
        .uscc = who->organization ? who->uscc : NULL,
        .legal_rep_name = who->name,
        .legal_rep_id = who->id_number,
        .account_number = who->account.number,
        .bank = who->account.bank,
        .branch = who->account.branch,
        .cnaps_code = *who->account.cnaps_code ? who->account.cnaps_code : NULL,
        .flow = *t->d.flow ? t->d.flow : NULL};
}

/* Verdicts that are no answer about the data: nothing was sent. */
static enum err trouble(struct ctx *c, enum identity_verdict v)
{
    if (v == IDENTITY_BUSY || v == IDENTITY_RATE_LIMITED)
        return fail(c->fault, ERR_PROVIDER_BUSY, NULL);
    return v == IDENTITY_CONFIG_ERROR ? fail(c->fault, ERR_PROVIDER_CONFIG, NULL) : OK;
}

static enum err answered(struct ctx *c, struct deposit_task *t, const struct identity_result *result,
                         struct started *s)
{
    TRY(trouble(c, result->verdict));
    s->refused = result->verdict != IDENTITY_MATCH;
    if (s->refused)
        s->answer = answer(c, t, result);
    return OK;
}

/* May be repeated: what was opened and lost costs its price, and moves nothing. */
static enum err open_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct deposit_task t;
    const struct identity_port *p;
    struct identity_result result = {0};
    TRY(deposit_task(c, identity_payload(c, j), &t));
    if (t.d.state != DEPOSIT_WAITING || !t.wanted || *t.d.flow)
        return OK;
    struct started *s = ARENA_NEW(c->arena, struct started);
    s->transfer = ARENA_NEW(c->arena, struct identity_transfer);
    r->value = s;
    TRY(sender_of(c, &t.d, &p));
    if (!p->ops->transfer_open) /* this supplier does it all in one */
        return OK;
    struct identity_transfer_order o = order_of(c, &t);
    TRY(p->ops->transfer_open(p->self, &o, c->arena, s->transfer, &result, c->fault));
    return answered(c, &t, &result, s);
}

static enum err open_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct started *s = r->value;
    const char *id = identity_payload(c, j);
    if (!s)
        return deposit_unsent(c, id, UNSENT_UNWANTED);
    return s->refused ? deposit_refused(c, id, s->answer) : deposit_opened(c, id, s->transfer->flow);
}

static enum err open_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    return deposit_unsent(c, identity_payload(c, j), UNSENT_REFUSED);
}

/* What became of an order whose answer was lost. */
static enum err settle(struct ctx *c, const struct job *j, struct deposit_task *t,
                       const struct identity_port *p, struct started *s, bool *undone)
{
    s->doubtful = !*t->d.flow;
    if (s->doubtful)
        return OK;
    enum err e = p->ops->transfer_query(p->self, t->d.flow, c->arena, s->transfer, c->fault);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        *undone = c->now_ms - j->called_ms >= SETTLE_MS;
        return *undone ? OK : fail(c->fault, ERR_PROVIDER_UNKNOWN, NULL);
    }
    TRY(e == ERR_SIGNATURE_BAD ? fail(c->fault, ERR_PROVIDER_UNKNOWN, NULL) : e);
    s->refused = s->transfer->state == TRANSFER_FAILED;
    if (s->refused)
        s->answer = answer(c, t, &(struct identity_result){.verdict = IDENTITY_MISMATCH, .fields = 0});
    return OK;
}

static enum err start_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct deposit_task t;
    const struct identity_port *p;
    struct identity_result result = {0};
    TRY(deposit_task(c, identity_payload(c, j), &t));
    if (t.d.state != DEPOSIT_WAITING || (!t.wanted && !j->doubtful))
        return OK;
    struct started *s = ARENA_NEW(c->arena, struct started);
    s->transfer = ARENA_NEW(c->arena, struct identity_transfer);
    r->value = s;
    TRY(sender_of(c, &t.d, &p));
    if (j->doubtful)
        return settle(c, j, &t, p, s, &r->undone);
    struct identity_transfer_order o = order_of(c, &t);
    enum err e = p->ops->transfer_start(p->self, &o, c->arena, s->transfer, &result, c->fault);
    TRY(e == ERR_SIGNATURE_BAD ? fail(c->fault, ERR_PROVIDER_UNKNOWN, NULL) : e);
    return answered(c, &t, &result, s);
}

static enum err start_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct started *s = r->value;
    const char *id = identity_payload(c, j);
    if (!s || s->doubtful)
        return deposit_unsent(c, id, s ? UNSENT_DOUBTFUL : UNSENT_UNWANTED);
    if (s->refused)
        return deposit_refused(c, id, s->answer);
    return deposit_ordered(c, id, s->transfer->flow, s->transfer->expires_ms, s->transfer->attempts_left);
}

static enum err start_failed(struct ctx *c, const struct job *j, enum err why)
{
    bool doubtful = j->doubtful || why == ERR_PROVIDER_UNKNOWN;
    return deposit_unsent(c, identity_payload(c, j), doubtful ? UNSENT_DOUBTFUL : UNSENT_REFUSED);
}

/* -- looking -----------------------------------------------------------------------------------------------
 */

static enum err poll_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct deposit d;
    const struct identity_port *p;
    int n;
    TRY(deposit_read(c, identity_look(c, j, &n), &d));
    if ((d.state != DEPOSIT_ORDERED && d.state != DEPOSIT_SENT) || !*d.flow)
        return OK;
    TRY(sender_of(c, &d, &p));
    struct identity_transfer *t = ARENA_NEW(c->arena, struct identity_transfer);
    TRY(p->ops->transfer_query(p->self, d.flow, c->arena, t, c->fault));
    r->value = t;
    return OK;
}

static enum err poll_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct identity_transfer *t = r->value;
    int n;
    const char *id = identity_look(c, j, &n);
    return t ? deposit_looked(c, id, t->state, t->attempts_left, n) : OK;
}

static enum err poll_failed(struct ctx *c, const struct job *j, enum err why)
{
    int n;
    const char *id = identity_look(c, j, &n);
    LOG(WARN, "identity.transfer_poll_failed", KV_S("deposit", id), KV_S("error", err_name(why)));
    return deposit_looked(c, id, TRANSFER_PENDING, -1, n);
}

/* -- judging -----------------------------------------------------------------------------------------------
 */

struct judged {
    struct check_answer *answer;
    int tries_left;
};

static enum err confirm_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct deposit_task t;
    const struct identity_port *p;
    struct identity_transfer transfer = {.attempts_left = -1};
    struct identity_result result = {0};
    TRY(deposit_task(c, identity_payload(c, j), &t));
    if (t.w.v.state != VERIFICATION_PENDING || t.d.entered_fen == 0)
        return OK;
    TRY(sender_of(c, &t.d, &p));
    TRY(p->ops->transfer_confirm(p->self, t.d.flow, t.d.entered_fen, c->arena, &transfer, &result, c->fault));
    TRY(trouble(c, result.verdict));
    struct judged *x = ARENA_NEW(c->arena, struct judged);
    x->answer = answer(c, &t, &result);
    x->tries_left = result.verdict == IDENTITY_ABANDONED ? 0 : transfer.attempts_left;
    r->value = x;
    return OK;
}

static enum err confirm_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct judged *x = r->value;
    return x ? deposit_judged(c, identity_payload(c, j), x->answer, x->tries_left) : OK;
}

static enum err confirm_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    return deposit_unjudged(c, identity_payload(c, j));
}

/* -- the end -----------------------------------------------------------------------------------------------
 */

static enum err end_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)c;
    (void)j;
    (void)r;
    return OK;
}

static enum err end_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)r;
    return deposit_expire(c, identity_payload(c, j));
}

const struct job_kind transfer_open_job = {
    .name = "identity.transfer_open",
    .max_attempts = 6,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = open_call,
    .done = open_done,
    .failed = open_failed,
};
const struct job_kind transfer_start_job = {
    .name = "identity.transfer",
    .max_attempts = 10, /* an order in doubt is asked about for a quarter of an hour */
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = start_call,
    .done = start_done,
    .failed = start_failed,
};
const struct job_kind transfer_poll_job = {
    .name = "identity.transfer_poll",
    .max_attempts = 5,
    .lease_ms = 60000,
    .backoff_ms = 5000,
    .call = poll_call,
    .done = poll_done,
    .failed = poll_failed,
};
const struct job_kind transfer_confirm_job = {
    .name = "identity.transfer_confirm",
    .max_attempts = 4,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = confirm_call,
    .done = confirm_done,
    .failed = confirm_failed,
};
const struct job_kind deposit_end_job = {
    .name = "identity.deposit_end",
    .max_attempts = 3,
    .lease_ms = 60000,
    .backoff_ms = 5000,
    .call = end_call,
    .done = end_done,
};
