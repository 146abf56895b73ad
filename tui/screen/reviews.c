/* reviews.c - orders that wait for review, oldest first (S18, S27). */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/review_service.pb-c.h>

static const struct column columns[] = {
    {N_("Subject"), 0, 0, false},    {N_("Business"), 16, 0, false}, {N_("Channel"), 16, 110, false},
    {N_("Submitted"), 16, 0, false}, {N_("Due"), 10, 0, false},      {N_("Order number"), 30, 150, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__ReviewItem *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->subject_name;
    case 1:
        return word_business(a, (int)r->subject_kind, (int)r->kind);
    case 2:
        return r->channel_name;
    case 3:
        return word_time(a, r->submit_time);
    case 4:
        *s = word_overdue(r->due_time) ? STYLE_BAD : STYLE_NORMAL;
        return word_day(a, r->due_time);
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void enter(struct page *p)
{
    const Certdesk__V1__ReviewItem *r = page_row(p);
    desk_open(p->desk, &review_screen, r->order_id, r->subject_name);
}

static const struct action actions[] = {
    {K_ENTER, N_("Review"), N_("Open the order with everything entered, verified and uploaded"), has_row,
     enter},
};

const struct screen reviews_screen = {
    .title = N_("To review"),
    .empty = N_("No order waits for review."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(review_service, "ListReviews"),
    .row_id = "order_id",
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
