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
    size_t count; /* offset in struct queues; 0: none */
};

static const struct queue queues[] = {
    {'1', N_("To review"), N_("Paid orders that wait for a decision"), &reviews_screen,
     offsetof(struct queues, review)},
    {'2', N_("To issue"), N_("Approved orders that wait for their UKEY"), &issues_screen,
     offsetof(struct queues, issue)},
    {'3', N_("To ship"), N_("Written UKEYs that wait to be posted"), &ships_screen,
     offsetof(struct queues, ship)},
    {'4', N_("In transit"), N_("Posted UKEYs, and what the couriers say"), &shipments_screen,
     offsetof(struct queues, in_transit)},
    {'5', N_("Jobs that need a hand"), N_("Calls to other services that were given up"), &jobs_screen,
     offsetof(struct queues, exhausted_jobs)},
    {'6', N_("UKEY stock"), N_("UKEYs by medium number"), &stock_screen, 0},
};

static const struct column columns[] = {
    {"", 2, 0, true},
    {N_("Queue"), 22, 0, false},
    {N_("Count"), 8, 0, true},
    {N_("What it is"), 0, 0, false},
};

static int32_t waiting(const struct page *p, const struct queue *q)
{
    if (!q->count || !p->desk->queues.known)
        return NO_COUNT;
    int32_t n;
    memcpy(&n, (const char *)&p->desk->queues + q->count, sizeof n);
    return n;
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
        *s = n > 0 ? (q->screen == &jobs_screen ? STYLE_BAD : STYLE_STRONG) : STYLE_DIM;
        return n == NO_COUNT ? "" : arena_printf(a, "%d", n);
    default:
        *s = STYLE_DIM;
        return tr(q->about);
    }
}

static void open_home(struct page *p)
{
    size_t n = sizeof queues / sizeof *queues;
    p->rows = calloc(n, sizeof *p->rows);
    if (!p->rows)
        abort();
    for (size_t i = 0; i < n; i++)
        p->rows[i] = &queues[i];
    p->n_rows = n;
    list_resize(&p->list, n);
}

static bool key(struct page *p, ui_key k)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        if (queues[i].key == k) {
            p->list.at = i;
            desk_open(p->desk, queues[i].screen, NULL, NULL);
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
    d->queues.known = false;
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
