/* shipments.c - posted UKEYs that are under way (S29). */
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/shipment_service.pb-c.h>

static const struct column columns[] = {
    {N_("State"), 12, 0, false},           {N_("Courier"), 12, 0, false},
    {N_("Tracking number"), 20, 0, false}, {N_("Recipient"), 0, 0, false},
    {N_("Changed"), 16, 0, false},         {N_("Medium number"), 16, 100, false},
    {N_("Order number"), 30, 150, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Shipment *r = row;
    switch (column) {
    case 0:
        *s = style_shipment((int)r->state);
        return word_shipment((int)r->state);
    case 1:
        return word_courier(r->courier);
    case 2:
        return r->tracking_number;
    case 3:
        return r->delivery ? r->delivery->recipient : "";
    case 4:
        return word_time(a, r->update_time);
    case 5:
        return p->desk ? word_media_short(a, r->medium_numbers, r->n_medium_numbers) /* a command says all */
                       : word_media(a, r->medium_numbers, r->n_medium_numbers);
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void enter(struct page *p)
{
    const Certdesk__V1__Shipment *r = page_row(p);
    desk_open(p->desk, &tracking_screen, r->order_id, r->tracking_number);
}

static const struct action actions[] = {
    {K_ENTER, N_("Track"), N_("What the courier says about this parcel"), has_row, enter},
};

const struct screen shipments_screen = {
    .title = N_("In transit"),
    .empty = N_("Nothing is under way."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(shipment_service, "ListShipments"),
    .row_id = "id",
    .cell = cell,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
