/* home.c - the queues, live (S27-S29): the screen that stays open all day. */
#include "screen/screens.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NO_COUNT = -1
};

struct queue {
    char key;
    const char *label, *about;
    const struct screen *screen;
    size_t count;      /* offset in struct queues; 0: none */
    const char *field; /* of WatchQueuesResponse; NULL: none */
    unsigned roles;    /* whose it is */
};
#define COUNT(name) offsetof(struct queues, name), #name

#define MONEY (MAY(ADMIN) | MAY(FINANCE) | MAY(AUDITOR))

static const struct queue queues[] = {
    {'1', N_("To review"), N_("Paid orders that wait for a decision"), &reviews_screen, COUNT(review),
     MAY(REVIEWER)},
    {'2', N_("To issue"), N_("Approved orders that wait for their UKEY"), &issues_screen, COUNT(issue),
     MAY(OPERATOR)},
    {'3', N_("To ship"), N_("Written UKEYs that wait to be posted"), &ships_screen, COUNT(ship),
     MAY(SHIPPER)},
    {'4', N_("In transit"), N_("Posted UKEYs, and what the couriers say"), &shipments_screen,
     COUNT(in_transit), MAY(SHIPPER)},
    {'5', N_("Jobs that need a hand"), N_("Calls to other services that were given up"), &jobs_screen,
     COUNT(exhausted_jobs), MAY(ADMIN) | MAY(OPERATOR)},
    {'6', N_("UKEY stock"), N_("UKEYs by medium number"), &stock_screen, 0, NULL, MAY(OPERATOR)},
    {'7', N_("Money"), N_("Captures and refunds that need a person"), &captures_screen, COUNT(captures),
     MONEY},
    {'8', N_("Reconciliations"), N_("Our books against the providers' bills"), &reconciliations_screen,
     COUNT(reconciliations), MONEY},
    {'9', N_("Remittance"), N_("Micro-deposits: files for the bank and back"), &remittance_screen,
     COUNT(remittances), MONEY},
    {'0', N_("Invoices"), N_("Invoices that were refused"), &invoices_screen, COUNT(invoices), MONEY},
};

static const struct column columns[] = {
    {"", 2, 0, true},
    {N_("Queue"), 22, 0, false},
    {N_("Count"), 8, 0, true},
    {N_("What it is"), 0, 0, false},
};

static int32_t count_of(const struct queues *all, const struct queue *q)
{
    int32_t n;
    memcpy(&n, (const char *)all + q->count, sizeof n);
    return n;
}

size_t home_counts(const struct queues *all, struct home_count out[static HOME_COUNTS])
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof queues / sizeof *queues && n < HOME_COUNTS; i++)
        if (queues[i].count)
            out[n++] = (struct home_count){queues[i].label, queues[i].field, count_of(all, &queues[i]),
                                           queues_may(all, queues[i].roles)};
    return n;
}

static int32_t waiting(const struct page *p, const struct queue *q)
{
    return q->count && p->desk->queues.known ? count_of(&p->desk->queues, q) : NO_COUNT;
}

/* Something went wrong, not just work to do. */
static bool is_trouble(const struct queue *q)
{
    return q->screen == &jobs_screen || q->screen == &captures_screen ||
           q->screen == &reconciliations_screen || q->screen == &invoices_screen;
}

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const struct queue *q = row;
    int32_t n = waiting(p, q);
    switch (column) {
    case 0:
        *s = STYLE_DIM;
        return arena_printf(a, "%c", q->key);
    case 1:
        *s = n > 0 ? STYLE_STRONG : STYLE_NORMAL;
        return tr(q->label);
    case 2:
        *s = n > 0 ? (is_trouble(q) ? STYLE_BAD : STYLE_STRONG) : STYLE_DIM;
        return n == NO_COUNT ? "" : arena_printf(a, "%d", n);
    default:
        *s = STYLE_DIM;
        return tr(q->about);
    }
}

/* The same entry stays under the eye. */
static void choose(struct page *p)
{
    const void *at = page_row(p);
    p->n_rows = 0;
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++) {
        if (!desk_may(p->desk, queues[i].roles))
            continue;
        if (&queues[i] == at)
            p->list.at = p->n_rows;
        p->rows[p->n_rows++] = &queues[i];
    }
    list_resize(&p->list, p->n_rows);
}

void home_choose(struct desk *d)
{
    for (struct page *p = d->top; p; p = p->below)
        if (p->screen == &home_screen)
            choose(p);
}

static void open_home(struct page *p)
{
    p->rows = calloc(sizeof queues / sizeof *queues, sizeof *p->rows);
    if (!p->rows)
        abort();
    choose(p);
}

static bool key(struct page *p, ui_key k)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct queue *q = p->rows[i];
        if (q->key == k) {
            p->list.at = i;
            desk_open(p->desk, q->screen, NULL, NULL);
            return true;
        }
    }
    return false;
}

static void enter(struct page *p)
{
    const struct queue *q = page_row(p);
    desk_open(p->desk, q->screen, NULL, NULL);
}

static void on_logout(struct page *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    struct desk *d = p->desk;
    (void)e, (void)r, (void)f;
    /* whatever the server says: this console is not to act for that person any more */
    session_forget(&d->session);
    session_use(&d->session, d->channel);
    d->session.name[0] = 0;
    d->queues = (struct queues){0};
    desk_login(d, NULL);
}

static void confirmed_logout(struct page *p, struct form *f)
{
    Certdesk__V1__LogoutStaffRequest q = CERTDESK__V1__LOGOUT_STAFF_REQUEST__INIT;
    (void)f;
    page_act(p, (struct rpc_method)METHOD(staff_service, "LogoutStaff"), &q.base, on_logout);
}

static void logout(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_CONFIRM, _("Log out"));
    form_text(&d->form, STYLE_NORMAL, _("End this session? The next person must log in."));
    desk_ask(d, confirmed_logout);
}

static const struct action actions[] = {
    {K_ENTER, N_("Open"), N_("Open the queue"), NULL, enter},
    {'o', N_("Log out"), N_("End the session on this console"), NULL, logout},
    {'q', N_("Quit"), N_("Leave the console"), NULL, ask_quit},
};

const struct screen home_screen = {
    .title = N_("Certificate desk"),
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .cell = cell,
    .open = open_home,
    .key = key,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
