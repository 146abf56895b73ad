/* identity_jobs.c - the paid checks. One job asks one thing, so that no answer is paid for twice because a
 * later question failed. */
#include "app.h"
#include "identity/identity_steps.h"
#include "provider/identity.h"
#include "providers.h"

static const struct identity_port *port_of(struct ctx *c)
{
    return &c->app->providers->identity[0];
}

static const char *payload_text(struct ctx *c, const struct job *j)
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
    };
    bool organization = *t->uscc && !t->v.of_agent;
    struct buf b = BUF(c->arena);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fields & names[i].bit)
            buf_printf(&b, "%s%s", b.n ? "," : "", organization ? names[i].of_legal_rep : names[i].of_person);
    return buf_text(&b);
}

static enum err ask(struct ctx *c, const struct check_task *t, struct identity_result *r)
{
    const struct identity_port *p = port_of(c);
    if (c->app->providers->n_identity == 0)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "no supplier is configured for identity checks");
    if (t->check[0] == 'e') {
        struct identity_enterprise who = {t->company, t->uscc, t->legal_rep, t->id_number};
        return p->ops->enterprise4(p->self, &who, c->arena, r, c->fault);
    }
    struct identity_person who = {.name = t->name, .id_number = t->id_number, .phone = t->phone};
    return p->ops->phone3(p->self, &who, c->arena, r, c->fault);
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

static struct check_answer *answer_of(struct ctx *c, const struct check_task *t,
                                      const struct identity_result *r)
{
    struct check_answer *a = ARENA_NEW(c->arena, struct check_answer);
    bool match = r->verdict == IDENTITY_MATCH;
    const char *status = operating_status_name(r->operating);
    *a = (struct check_answer){.check = t->check,
                               .provider = port_of(c)->ops->name,
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
    struct identity_result result = {0};
    TRY(identity_task(c, payload_text(c, j), &t));
    if (!t.check)
        return OK;
    TRY(ask(c, &t, &result));
    TRY(trouble(c, result.verdict));
    r->value = answer_of(c, &t, &result);
    return OK;
}

static enum err check_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const char *id = payload_text(c, j);
    return r->value ? identity_record(c, id, r->value) : identity_give_up(c, id);
}

static enum err check_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    return identity_give_up(c, payload_text(c, j));
}

static const struct job_kind check_job = {
    .name = "identity.check",
    .max_attempts = 6,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = check_call,
    .done = check_done,
    .failed = check_failed,
};

const struct job_kind *const identity_jobs[] = {&check_job};
const size_t identity_jobs_n = sizeof identity_jobs / sizeof *identity_jobs;
