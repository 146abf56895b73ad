/* jobs.c - calls to other services that were given up, and trying one again. */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/job_service.pb-c.h>
#include <string.h>

static const struct column columns[] = {
    {N_("Job"), 20, 0, false},       {N_("Tries"), 5, 0, true},     {N_("Begun"), 16, 0, false},
    {N_("Last error"), 0, 0, false}, {N_("State"), 12, 100, false}, {N_("About"), 32, 132, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Job *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->kind;
    case 1:
        return arena_printf(a, "%d", r->attempts);
    case 2:
        return word_time(a, r->create_time);
    case 3:
        *s = STYLE_BAD;
        return r->last_error;
    case 4:
        return word_job((int)r->state);
    default:
        *s = STYLE_DIM;
        return r->object_id;
    }
}

static void retry(struct page *p)
{
    const Certdesk__V1__Job *r = page_row(p);
    Certdesk__V1__RetryJobRequest q = CERTDESK__V1__RETRY_JOB_REQUEST__INIT;
    q.job_id = r->id;
    page_do(p, (struct rpc_method)METHOD(job_service, "RetryJob"), &q.base, _("The job is tried again."));
}

static void details(struct page *p)
{
    const Certdesk__V1__Job *r = page_row(p);
    struct arena a;
    arena_init(&a, 0);
    desk_tell(
        p->desk, STYLE_NORMAL, r->kind,
        arena_printf(&a, "%s\n%s\n%s\n\n%s", r->id, r->object_id, word_job((int)r->state), r->last_error));
    arena_free(&a);
}

static bool about_order(const struct page *p)
{
    const Certdesk__V1__Job *r = page_row(p);
    return r && strncmp(r->object_id, "ord_", 4) == 0;
}

static void order(struct page *p)
{
    const Certdesk__V1__Job *r = page_row(p);
    desk_open(p->desk, &order_screen, r->object_id, NULL);
}

static const struct action actions[] = {
    {K_ENTER, N_("Details"), N_("Show the whole error"), has_row, details},
    {'r', N_("Try again"), N_("Let the server try this job again"), has_row, retry},
    {'v', N_("Order"), N_("Look at the order"), about_order, order},
};

const struct screen jobs_screen = {
    .title = N_("Jobs that need a hand"),
    .empty = N_("Nothing needs a hand."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(job_service, "ListJobs"),
    .row_id = "id",
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
