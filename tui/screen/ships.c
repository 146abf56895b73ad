/* ships.c - written UKEYs that wait to be posted, oldest first, and handing one over (S29). */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/shipment_service.pb-c.h>
#include <string.h>

enum {
    SCANNED_MAX = 40
};

static const struct column columns[] = {
    {N_("Recipient"), 12, 0, false},      {N_("Subject"), 0, 0, false},  {N_("Medium number"), 16, 0, false},
    {N_("Post by"), 10, 0, false},        {N_("Ready"), 16, 100, false}, {N_("Address"), 0, 120, false},
    {N_("Order number"), 30, 170, false},
};

static char *address(struct arena *a, const Certdesk__V1__Address *d)
{
    return arena_printf(a, "%s%s%s%s", d->province, d->city, d->district, d->street);
}

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__ShipItem *r = row;
    switch (column) {
    case 0:
        return r->delivery ? r->delivery->recipient : "";
    case 1:
        return r->subject_name;
    case 2:
        return p->desk ? word_media_short(a, r->medium_numbers, r->n_medium_numbers) /* a command says all */
                       : word_media(a, r->medium_numbers, r->n_medium_numbers);
    case 3:
        *s = word_overdue(r->due_time) ? STYLE_BAD : STYLE_NORMAL;
        return word_day(a, r->due_time);
    case 4:
        return word_time(a, r->ready_time);
    case 5:
        return r->delivery ? address(a, r->delivery) : "";
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

/* Numbers apart by blanks or commas, as a scanner gives them. */
static size_t split(char *text, char *out[static SCANNED_MAX])
{
    size_t n = 0;
    char *at = NULL;
    for (char *t = strtok_r(text, " ,;", &at); t && n < SCANNED_MAX; t = strtok_r(NULL, " ,;", &at))
        out[n++] = t;
    return n;
}

static bool among(const char *number, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], number) == 0)
            return true;
    return false;
}

/* The parcel must hold the order's UKEYs and no other: what is scanned is compared here at once and again by
 * the server. NULL when all is there, else what is wrong. */
static const char *scan_problem(const Certdesk__V1__ShipItem *r, char *const *scanned, size_t n,
                                struct arena *a)
{
    char *missing[SCANNED_MAX];
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++)
        if (!among(scanned[i], r->medium_numbers, r->n_medium_numbers))
            return arena_printf(a, _("%s is not a UKEY of this order."), scanned[i]);
    if (!n && r->n_medium_numbers == 1)
        return _("Scan the number on the UKEY.");
    for (size_t i = 0; i < r->n_medium_numbers && n_missing < SCANNED_MAX; i++)
        if (!among(r->medium_numbers[i], scanned, n))
            missing[n_missing++] = r->medium_numbers[i];
    return n_missing ? arena_printf(a, _("%zu of %zu still to be scanned: %s"), n_missing,
                                    r->n_medium_numbers, word_media(a, missing, n_missing))
                     : NULL;
}

/* The order's own numbers that were scanned, once each, ready for the next one. */
static void keep_own(struct edit *e, const Certdesk__V1__ShipItem *r, char *const *scanned, size_t n,
                     struct arena *a)
{
    char *own[SCANNED_MAX];
    size_t n_own = 0;
    for (size_t i = 0; i < n; i++)
        if (among(scanned[i], r->medium_numbers, r->n_medium_numbers) && !among(scanned[i], own, n_own))
            own[n_own++] = scanned[i];
    edit_set(e, n_own ? arena_printf(a, "%s ", word_media(a, own, n_own)) : "");
}

/* A scanner ends each number with Enter: the cursor stays for the next one until all are there, and what is
 * not the order's does not stay. */
static bool on_scanned(struct form *f, void *page)
{
    const Certdesk__V1__ShipItem *r = page_row(page);
    struct arena a;
    char *numbers[SCANNED_MAX];
    arena_init(&a, 0);
    form_clear_errors(f);
    size_t n = split(form_value(f, "medium_numbers", &a), numbers);
    const char *problem = r ? scan_problem(r, numbers, n, &a) : NULL;
    if (problem) {
        keep_own(&f->fields[f->at].edit, r, numbers, n, &a);
        form_error(f, "medium_numbers", problem);
    }
    arena_free(&a);
    return !problem;
}

static void submit(struct page *p, struct form *f)
{
    const Certdesk__V1__ShipItem *r = page_row(p);
    struct arena a;
    char *numbers[SCANNED_MAX];
    const char *problem;
    Certdesk__V1__CreateShipmentRequest q = CERTDESK__V1__CREATE_SHIPMENT_REQUEST__INIT;
    arena_init(&a, 0);
    form_clear_errors(f);
    q.medium_numbers = numbers;
    q.n_medium_numbers = split(form_value(f, "medium_numbers", &a), numbers);
    q.tracking_number = form_value(f, "tracking_number", &a);
    q.courier = (char *)(uintptr_t)couriers[form_chosen(f, "courier")].code;
    if (!r) {
        form_text(f, STYLE_BAD, _("The order is no longer in the queue."));
    } else if ((problem = scan_problem(r, numbers, q.n_medium_numbers, &a))) {
        form_error(f, "medium_numbers", problem);
        f->at = 0;
    } else if (!*q.tracking_number) {
        form_error(f, "tracking_number", _("The number on the waybill is needed."));
    } else {
        q.order_id = r->order_id;
        page_do(p, (struct rpc_method)METHOD(shipment_service, "CreateShipment"), &q.base,
                _("Handed to the courier; it is tracked from now on."));
    }
    arena_free(&a);
}

static const char *const *courier_names(struct arena *a)
{
    const char **names = ARENA_ARRAY(a, const char *, n_couriers);
    for (size_t i = 0; i < n_couriers; i++)
        names[i] = tr(couriers[i].name);
    return names;
}

static void ship(struct page *p)
{
    struct desk *d = p->desk;
    const Certdesk__V1__ShipItem *r = page_row(p);
    struct arena *a = &d->form.arena;
    form_init(&d->form, FORM_ASK, _("Ship"));
    const Certdesk__V1__Address *to = r->delivery;
    form_text(&d->form, STYLE_NORMAL,
              to ? arena_printf(a, "%s\n%s %s\n%s %s", r->subject_name, to->recipient, to->phone,
                                address(a, to), to->postal_code)
                 : r->subject_name);
    if (r->n_medium_numbers > 1)
        form_text(&d->form, STYLE_NORMAL,
                  arena_printf(a, _("%s\n%zu UKEYs go into this parcel: scan each of them."), d->form.text,
                               r->n_medium_numbers));
    struct field *scan = form_field(&d->form, FIELD_TEXT, "medium_numbers", _("Medium number (scan)"));
    scan->entered = on_scanned;
    scan->arg = p;
    struct field *c = form_field(&d->form, FIELD_CHOICE, "courier", _("Courier"));
    c->choices = courier_names(a);
    c->n_choices = n_couriers;
    form_field(&d->form, FIELD_TEXT, "tracking_number", _("Tracking number"))->edit.max = 40;
    desk_ask(d, submit);
}

static void order(struct page *p)
{
    const Certdesk__V1__ShipItem *r = page_row(p);
    desk_open(p->desk, &order_screen, r->order_id, r->subject_name);
}

static const struct action actions[] = {
    {K_ENTER, N_("Ship"), N_("Hand the UKEYs to a courier"), has_row, ship},
    {'v', N_("Order"), N_("Look at the order"), has_row, order},
};

const struct screen ships_screen = {
    .title = N_("To ship"),
    .empty = N_("No UKEY waits to be posted."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(shipment_service, "ListShips"),
    .row_id = "order_id",
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
