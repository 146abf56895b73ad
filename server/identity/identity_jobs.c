/* identity_jobs.c - the paid checks. One job asks one thing, so that no answer is paid for twice because a
 * later question failed. The channel's first supplier is asked; the second only when the first cannot answer,
 * never after its verdict. */
#include "app.h"
#include "identity/choice.h"
#include "identity/identity_calls.h"
#include "identity/identity_steps.h"
#include "providers.h"

enum {
    FIRST_ATTEMPTS = 3, /* of the first supplier, when there is a second */
};

const char *identity_payload(struct ctx *c, const struct job *j)
{
    return arena_strndup(c->arena, j->payload, j->payload_n);
}

/* Names of bits in the words of the form that was submitted. */
static const char *field_names(struct ctx *c, const struct check_task *t, unsigned fields)
{
    static const struct {
        unsigned bit;
        const char *of_legal_rep, *of_person;
    } names[] = {
        {IDENTITY_ENTERPRISE_NAME, "name", "name"},
        {IDENTITY_USCC, "uscc", "uscc"},
        {IDENTITY_LEGAL_REP_NAME | IDENTITY_NAME, "legal_rep_name", "name"},
        {IDENTITY_LEGAL_REP_ID | IDENTITY_ID_NUMBER, "legal_rep_id_number", "id_number"},
        {IDENTITY_PHONE, "legal_rep_phone", "phone"},
        {IDENTITY_CARD, "legal_rep_card_number", "card_number"},
        {IDENTITY_FACE, "face", "face"},
    };
    struct buf b = BUF(c->arena);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fields & names[i].bit)
            buf_printf(&b, "%s%s", b.n ? "," : "",
                       t->organization ? names[i].of_legal_rep : names[i].of_person);
    return buf_text(&b);
}

struct identity_person identity_person_of(const struct check_task *t)
{
    return (struct identity_person){
        .name = t->name, .id_number = t->id_number, .phone = t->phone, .card_number = t->card_number};
}

/* A verdict that is no answer about the data. */
static enum err trouble(struct ctx *c, enum identity_verdict v)
{
    switch (v) {
    case IDENTITY_BUSY:
        return fail(c->fault, ERR_PROVIDER_BUSY, NULL);
    case IDENTITY_RATE_LIMITED:
        return fail(c->fault, ERR_RATE_LIMITED, NULL);
    case IDENTITY_CONFIG_ERROR:
        return fail(c->fault, ERR_PROVIDER_CONFIG, NULL);
    case IDENTITY_NO_VERDICT:
        return fail(c->fault, ERR_PROVIDER_UNKNOWN, "the supplier judged nothing");
    case IDENTITY_PENDING:
    case IDENTITY_ABANDONED:
    case IDENTITY_MATCH:
    case IDENTITY_MISMATCH:
    case IDENTITY_NOT_FOUND:
    case IDENTITY_INVALID_INPUT:
        break;
    }
    return OK;
}

static enum err ask(struct ctx *c, const struct identity_port *p, const struct check_task *t,
                    struct identity_result *r)
{
    struct identity_enterprise company = {t->company, t->uscc, t->legal_rep, t->id_number};
    struct identity_person who = identity_person_of(t);
    *r = (struct identity_result){0};
    switch (t->kind) {
    case CHECK_ENTERPRISE4:
        TRY(p->ops->enterprise4(p->self, &company, c->arena, r, c->fault));
        break;
    case CHECK_PHONE3:
        TRY(p->ops->phone3(p->self, &who, c->arena, r, c->fault));
        break;
    case CHECK_BANK4:
        TRY(p->ops->bank4(p->self, &who, c->arena, r, c->fault));
        break;
    case CHECK_FACE:
    case CHECK_TRANSFER:
        return fail(c->fault, ERR_INTERNAL, "%s is no single question", t->check);
    }
    return trouble(c, r->verdict);
}

bool identity_elsewhere(const struct job *j, enum err e)
{
    if (e == ERR_PROVIDER_CONFIG || e == ERR_RATE_LIMITED)
        return true; /* asking the same again will not help */
    bool silent = e == ERR_PROVIDER_BUSY || e == ERR_UNAVAILABLE || e == ERR_PROVIDER_UNKNOWN ||
                  e == ERR_DEADLINE || e == ERR_SIGNATURE_BAD;
    return silent && j->attempt >= FIRST_ATTEMPTS;
}

struct check_answer *identity_answer(struct ctx *c, const struct check_task *t, const char *provider,
                                     const struct identity_result *r)
{
    struct check_answer *a = ARENA_NEW(c->arena, struct check_answer);
    bool match = r->verdict == IDENTITY_MATCH;
    const char *status = operating_status_name(r->operating);
    *a = (struct check_answer){.check = t->check,
                               .provider = provider,
                               .outcome = identity_verdict_name(r->verdict),
                               .code = arena_strdup(c->arena, r->trace.code),
                               .request_id = arena_strdup(c->arena, r->trace.request_id),
                               .billed = r->billed,
                               .match = match && !r->operating_refused,
                               .mismatched = match ? "" : field_names(c, t, r->fields),
                               .checked_ms = c->now_ms};
    if (match && r->operating_refused) { /* the data match a company that is no more */
        a->outcome = arena_printf(c->arena, "OPERATING_%s", status);
        a->mismatched = arena_printf(c->arena, "operating_status:%s", status);
    }
    return a;
}

/* Read-only at the provider: a doubtful attempt is simply asked again, unless its answer is stored. */
static enum err check_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct check_task t;
    struct choices who;
    struct identity_result result;
    c->latest = true; /* a code may be counted */
    TRY(identity_task(c, identity_payload(c, j), &t));
    if (!t.check)
        return OK;
    TRY(choose_suppliers(c, t.channel, t.v.method, t.kind, &who));
    enum err e = fail(c->fault, ERR_PROVIDER_CONFIG, "no supplier is configured for %s", t.check);
    for (size_t i = 0; i < who.n; i++) {
        fault_clear(c->fault);
        e = ask(c, who.ports[i], &t, &result);
        if (e == OK)
            r->value = identity_answer(c, &t, who.ports[i]->ops->name, &result);
        if (e == OK || !identity_elsewhere(j, e))
            return e;
    }
    return e;
}

static enum err check_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const char *id = identity_payload(c, j);
    return r->value ? identity_record(c, id, r->value) : identity_give_up(c, id);
}

static enum err check_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    return identity_give_up(c, identity_payload(c, j));
}

static const struct job_kind check_job = {
    .name = "identity.check",
    .max_attempts = 6,
    .lease_ms = 120000, /* two suppliers may be asked */
    .backoff_ms = 2000,
    .call = check_call,
    .done = check_done,
    .failed = check_failed,
};

/* -- a code that was held back -----------------------------------------------------------------------------
 */

static enum err code_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)j;
    (void)r;
    c->latest = true;
    return OK;
}

static enum err code_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)r;
    return identity_release(c, identity_payload(c, j));
}

static const struct job_kind code_job = {
    .name = "identity.code",
    .max_attempts = 12,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = code_call,
    .done = code_done,
};

const struct job_kind *const identity_jobs[] = {
    &code_job,           &check_job,         &face_start_job,       &face_poll_job,   &transfer_open_job,
    &transfer_start_job, &transfer_poll_job, &transfer_confirm_job, &deposit_end_job,
};
const size_t identity_jobs_n = sizeof identity_jobs / sizeof *identity_jobs;
