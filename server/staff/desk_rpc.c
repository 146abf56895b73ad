/* JobService: what is stuck on its way to a provider, and another try. */
#include "staff/staff_rpc.h"

#include "convert/convert.h"
#include "core/audit.h"
#include "core/outbox.h"
#include "core/page.h"

#include <certdesk/v1/job_service.pb-c.h>

enum {
    PAGE_MAX = 100,
    ADMINS = ROLE_ADMIN | ROLE_OPERATOR
};

static PB(Job) * to_job(struct ctx *c, const struct job_row *j)
{
    PB(Job) *out = ARENA_NEW(c->arena, PB(Job));
    PB_INIT(job, out);
    out->id = to_text(c->arena, j->id);
    out->kind = to_text(c->arena, j->kind);
    out->object_id = to_text(c->arena, j->object);
    out->state = (PB(JobState))j->state;
    out->attempts = j->attempt;
    out->last_error = to_text(c->arena, j->last_error);
    out->create_time = to_timestamp(c->arena, j->created_ms);
    out->run_time = to_timestamp(c->arena, j->run_at_ms);
    return out;
}

static enum err one_state(struct ctx *c, int state, const char *after, int limit, PB(Job) * *out, size_t *n)
{
    struct job_row *list;
    size_t got;
    struct job_filter f = {.state = state, .after = *after ? after : NULL, .limit = limit};
    TRY(outbox_list(c, &f, &list, &got));
    for (size_t i = 0; i < got; i++)
        out[(*n)++] = to_job(c, &list[i]);
    return OK;
}

RPC_HANDLER(list_jobs, ListJobsRequest, ListJobsResponse)
{
    int limit = in->page_size <= 0 || in->page_size > PAGE_MAX ? PAGE_MAX : in->page_size;
    const char *scope = arena_printf(c->arena, "jobs:%d", (int)in->state), *after;
    TRY(page_key(c, scope, in->page_token, &after));
    out->jobs = ARENA_ARRAY(c->arena, PB(Job) *, (size_t)limit * 2 + 1);
    if (in->state) {
        TRY(one_state(c, (int)in->state, after, limit, out->jobs, &out->n_jobs));
        if (out->n_jobs == (size_t)limit)
            out->next_page_token = to_text(c->arena, page_token(c, scope, out->jobs[limit - 1]->id));
        return OK;
    }
    TRY(one_state(c, JOB_FAILED, after, limit, out->jobs,
                  &out->n_jobs)); /* those that need a hand: one page */
    return one_state(c, JOB_EXHAUSTED, after, limit, out->jobs, &out->n_jobs);
}

RPC_HANDLER(retry_job, RetryJobRequest, RetryJobResponse)
{
    TRY(outbox_retry(c, in->job_id));
    c->queued = true;
    out->job = ARENA_NEW(c->arena, PB(Job));
    PB_INIT(job, out->job);
    out->job->id = to_text(c->arena, in->job_id);
    out->job->state = CERTDESK__V1__JOB_STATE__JOB_STATE_WAITING;
    return audit_add(c, &(struct audit_entry){"job.retry", in->job_id, 0, NULL});
}

#define ROW(m, how, fn)                                                                                      \
    {                                                                                                        \
        .service = PB_SERVICE(job_service), .method = (m), .access = ACCESS_STAFF, .roles = ADMINS,          \
        .mode = (how), .handler = (fn)                                                                       \
    }

static const struct rpc_row rows[] = {
    ROW("ListJobs", MODE_READ, list_jobs),
    ROW("RetryJob", MODE_WRITE, retry_job),
};

const struct rpc_table job_rpc = {rows, sizeof rows / sizeof *rows};
