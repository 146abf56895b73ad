/* jobs.c - calls to other services that were given up, and trying one again. */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/job_service.pb-c.h>
#include <string.h>

static const struct column columns[] = {
    {N_("Job"), 20, 0, false},       {N_("Tries"), 5, 0, true},     {N_("Begun"), 16, 0, false},
    {N_("Last error"), 0, 0, false}, {N_("State"), 12, 100, false}, {N_("About"), 32, 132, false},
};

static const struct {
    const char *kind, *word;
} kinds[] = {
    {"identity.check", N_("Identity check")},
    {"identity.code", N_("Code to the phone")},
    {"identity.deposit_end", N_("Deposit's end")},
    {"identity.face", N_("Face check")},
    {"identity.face_poll", N_("Face check's result")},
    {"identity.transfer", N_("Deposit")},
    {"identity.transfer_confirm", N_("Deposit's amount")},
    {"identity.transfer_open", N_("Deposit's begin")},
    {"identity.transfer_poll", N_("Deposit's result")},
    {"invoice.archive", N_("Invoice's files")},
    {"invoice.due", N_("Invoice is late")},
    {"invoice.issue", N_("Invoice to be issued")},
    {"invoice.mail", N_("Invoice's mail")},
    {"invoice.poll", N_("Invoice's result")},
    {"invoice.red", N_("Red invoice")},
    {"mail.send", N_("Mail")},
    {"payment.create", N_("Payment code")},
    {"payment.poll", N_("Payment's result")},
    {"payment.reconcile", N_("Reconciliation")},
    {"payment.refund", N_("Refund")},
    {"shipment.poll", N_("Parcel's way")},
    {"shipment.subscribe", N_("Parcel's tracking")},
    {"sms.send", N_("SMS")},
};

static const char *word_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return tr(kinds[i].word);
    return kind;
}

/* A job keeps the name of its error. */
static const char *word_error(const char *name)
{
    enum err e = err_by_name(name);
    if (strcmp(err_name(e), name) != 0)
        return name;
    return tr_chinese() ? err_text_zh(e) : err_text(e);
}

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Job *r = row;
    (void)p;
    switch (column) {
    case 0:
        return word_kind(r->kind);
    case 1:
        return arena_printf(a, "%d", r->attempts);
    case 2:
        return word_time(a, r->create_time);
    case 3:
        *s = STYLE_BAD;
        return word_error(r->last_error);
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
        p->desk, STYLE_NORMAL, word_kind(r->kind),
        arena_printf(
            &a,
            _("%s [%s]\n\nState: %s, %d tries\nAbout: %s\nJob: %s (%s)\n\nWhen the cause is gone, r lets the "
              "server try it again."),
            word_error(r->last_error), r->last_error, word_job((int)r->state), r->attempts, r->object_id,
            r->id, r->kind));
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
