/* issues.c - approved orders that wait for a UKEY, oldest first (S28). */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/issuance_service.pb-c.h>

static const struct column columns[] = {
    {N_("Subject"), 0, 0, false},        {N_("Product"), 18, 100, false},      {N_("Term"), 6, 0, true},
    {N_("Post by"), 10, 0, false},       {N_("Approved"), 16, 120, false},     {N_("Written"), 7, 0, true},
    {N_("Medium number"), 14, 0, false}, {N_("Order number"), 30, 160, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__IssueItem *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->subject_name;
    case 1:
        return r->product_name;
    case 2:
        return word_term(a, r->term_months);
    case 3:
        *s = word_overdue(r->due_time) ? STYLE_BAD : STYLE_NORMAL;
        return word_day(a, r->due_time);
    case 4:
        return word_time(a, r->approve_time);
    case 5: /* how many UKEYs of those that the order is for */
        *s = r->written ? STYLE_WARN : STYLE_NORMAL;
        return arena_printf(a, "%d/%d", r->written, r->quantity);
    case 6:
        *s = STYLE_WARN; /* begun and not finished */
        return r->medium_number;
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void enter(struct page *p)
{
    const Certdesk__V1__IssueItem *r = page_row(p);
    desk_open(p->desk, &personalise_screen, r->order_id, r->subject_name);
}

static void order(struct page *p)
{
    const Certdesk__V1__IssueItem *r = page_row(p);
    desk_open(p->desk, &order_screen, r->order_id, r->subject_name);
}

static const struct action actions[] = {
    {K_ENTER, N_("Issue"), N_("Write a UKEY for this order"), has_row, enter},
    {'v', N_("Order"), N_("Look at the order"), has_row, order},
};

const struct screen issues_screen = {
    .title = N_("To issue"),
    .empty = N_("No order waits for its UKEY."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(issuance_service, "ListIssues"),
    .row_id = "order_id",
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
