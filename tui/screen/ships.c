/* ships.c - written UKEYs that wait to be posted, oldest first, and handing one over (S29). */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/shipment_service.pb-c.h>
#include <string.h>

static const struct column columns[] = {
    {N_("Recipient"), 12, 0, false}, {N_("Subject"), 0, 0, false},   {N_("Medium number"), 16, 0, false},
    {N_("Ready"), 16, 0, false},     {N_("Address"), 0, 110, false}, {N_("Order number"), 30, 160, false},
};

static char *address(struct arena *a, const Certdesk__V1__Address *d)
{
    return arena_printf(a, "%s%s%s%s", d->province, d->city, d->district, d->street);
}

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__ShipItem *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->delivery ? r->delivery->recipient : "";
    case 1:
        return r->subject_name;
    case 2:
        return r->medium_number;
    case 3:
        return word_time(a, r->ready_time);
    case 4:
        return r->delivery ? address(a, r->delivery) : "";
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void on_shipped(struct page *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    (void)r, (void)f;
    if (e != OK)
        return;
    desk_notice(p->desk, STYLE_GOOD, _("Handed to the courier; it is tracked from now on."));
    page_reload(p);
}

/* The parcel must hold this order's UKEY and no other: what is scanned is compared here at once and again by
 * the server. */
static void submit(struct page *p, struct form *f)
{
    const Certdesk__V1__ShipItem *r = page_row(p);
    struct arena a;
    Certdesk__V1__CreateShipmentRequest q = CERTDESK__V1__CREATE_SHIPMENT_REQUEST__INIT;
    arena_init(&a, 0);
    form_clear_errors(f);
    q.medium_number = form_value(f, "medium_number", &a);
    q.tracking_number = form_value(f, "tracking_number", &a);
    q.courier = (char *)(uintptr_t)couriers[form_chosen(f, "courier")].code;
    if (!r) {
        form_text(f, STYLE_BAD, _("The order is no longer in the queue."));
    } else if (strcmp(q.medium_number, r->medium_number) != 0) {
        form_error(f, "medium_number",
                   *q.medium_number ? _("This is not the UKEY of this order.")
                                    : _("Scan the number on the UKEY."));
        f->at = 0;
    } else if (!*q.tracking_number) {
        form_error(f, "tracking_number", _("The number on the waybill is needed."));
    } else {
        q.order_id = r->order_id;
        page_act(p, (struct rpc_method)METHOD(shipment_service, "CreateShipment"), &q.base, on_shipped);
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
    form_field(&d->form, FIELD_TEXT, "medium_number", _("Medium number (scan)"))->edit.max = 64;
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
    {K_ENTER, N_("Ship"), N_("Hand the UKEY to a courier"), has_row, ship},
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
