#include "shipment/shipment_rpc.h"

#include "convert/convert.h"
#include "core/page.h"
#include "order/order_paper.h"
#include "order/order_wire.h"
#include "shipment/shipment_desk.h"
#include "shipment/shipment_store.h"

#include <certdesk/v1/shipment_service.pb-c.h>

#include <string.h>

enum {
    PAGE_MAX = 100
};

static int limit_of(int asked)
{
    return asked <= 0 || asked > PAGE_MAX ? PAGE_MAX : asked;
}

static PB(Address) * to_address(struct ctx *c, const struct address *a)
{
    PB(Address) *out = ARENA_NEW(c->arena, PB(Address));
    PB_INIT(address, out);
    out->recipient = to_text(c->arena, a->recipient);
    out->phone = to_text(c->arena, a->phone);
    out->province = to_text(c->arena, a->province);
    out->city = to_text(c->arena, a->city);
    out->district = to_text(c->arena, a->district);
    out->street = to_text(c->arena, a->street);
    out->postal_code = to_text(c->arena, a->postal_code);
    return out;
}

static char **to_media(struct ctx *c, const char *media, size_t *n)
{
    char *rest = to_text(c->arena, media), *one, **out = ARENA_ARRAY(c->arena, char *, strlen(media) / 2 + 1);
    *n = 0;
    while ((one = strsep(&rest, " ")))
        if (*one)
            out[(*n)++] = one;
    return out;
}

static enum err to_shipment(struct ctx *c, const struct shipment *s, PB(Shipment) * *result)
{
    struct shipment_event *events;
    PB(Shipment) *out = *result = ARENA_NEW(c->arena, PB(Shipment));
    PB_INIT(shipment, out);
    out->id = to_text(c->arena, s->id);
    out->order_id = to_text(c->arena, s->order);
    out->courier = to_text(c->arena, s->courier);
    out->tracking_number = to_text(c->arena, s->tracking_number);
    out->state = (PB(ShipmentState))s->state;
    out->delivery = to_address(c, &s->delivery);
    out->medium_numbers = to_media(c, s->media, &out->n_medium_numbers);
    out->create_time = to_timestamp(c->arena, s->created_ms);
    out->update_time = to_timestamp(c->arena, s->updated_ms);
    TRY(shipment_events(c, s->id, &events, &out->n_events));
    out->events = ARENA_ARRAY(c->arena, PB(ShipmentEvent) *, out->n_events + 1);
    for (size_t i = 0; i < out->n_events; i++) {
        out->events[i] = ARENA_NEW(c->arena, PB(ShipmentEvent));
        PB_INIT(shipment_event, out->events[i]);
        out->events[i]->event_time = to_timestamp(c->arena, events[i].event_ms);
        out->events[i]->text = to_text(c->arena, events[i].text);
        out->events[i]->place = to_text(c->arena, events[i].place);
    }
    return OK;
}

RPC_HANDLER(list_ships, ListShipsRequest, ListShipsResponse)
{
    struct ship_item *list;
    int64_t total, after_ms;
    const char *after_id;
    int limit = limit_of(in->page_size);
    TRY(page_key_at(c, "ships", in->page_token, &after_ms, &after_id));
    TRY(ship_queue(c, after_ms, after_id, limit, &list, &out->n_items, &total));
    out->total = (int32_t)total;
    out->items = ARENA_ARRAY(c->arena, PB(ShipItem) *, out->n_items + 1);
    for (size_t i = 0; i < out->n_items; i++) {
        struct order o;
        PB(ShipItem) *item = out->items[i] = ARENA_NEW(c->arena, PB(ShipItem));
        PB_INIT(ship_item, item);
        TRY(order_load(c, list[i].order_id, &o));
        item->order_id = to_text(c->arena, o.id);
        item->subject_name = to_text(c->arena, o.subject.name);
        item->medium_numbers = to_media(c, list[i].media, &item->n_medium_numbers);
        item->delivery = to_address(c, &o.purchase.delivery);
        item->ready_time = to_timestamp(c->arena, list[i].ready_ms);
        item->due_time = to_timestamp(c->arena, o.due_ms);
    }
    if (out->n_items == (size_t)limit)
        out->next_page_token =
            to_text(c->arena, page_token_at(c, "ships", list[limit - 1].ready_ms, list[limit - 1].order_id));
    return OK;
}

RPC_HANDLER(create_shipment, CreateShipmentRequest, CreateShipmentResponse)
{
    struct shipment s;
    TRY(shipment_create(c, in->order_id, in->medium_numbers, in->n_medium_numbers, in->courier,
                        in->tracking_number, &s));
    return to_shipment(c, &s, &out->shipment);
}

RPC_HANDLER(get_shipment, GetShipmentRequest, GetShipmentResponse)
{
    struct shipment s;
    TRY(shipment_load(c, in->order_id, &s));
    return to_shipment(c, &s, &out->shipment);
}

RPC_HANDLER(list_shipments, ListShipmentsRequest, ListShipmentsResponse)
{
    struct shipment *list;
    int limit = limit_of(in->page_size);
    if (*in->page_token && !id_valid("shp", in->page_token))
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    TRY(shipment_list(c, (int)in->state, in->page_token, limit, &list, &out->n_shipments));
    out->shipments = ARENA_ARRAY(c->arena, PB(Shipment) *, out->n_shipments + 1);
    for (size_t i = 0; i < out->n_shipments; i++)
        TRY(to_shipment(c, &list[i], &out->shipments[i]));
    if (out->n_shipments == (size_t)limit)
        out->next_page_token = to_text(c->arena, list[limit - 1].id);
    return OK;
}

RPC_HANDLER(resolve_shipment, ResolveShipmentRequest, ResolveShipmentResponse)
{
    struct shipment s;
    TRY(shipment_resolve(c, in->shipment_id, in->post_again, in->reason, &s));
    return to_shipment(c, &s, &out->shipment);
}

RPC_HANDLER(record_paper_arrival, RecordPaperArrivalRequest, RecordPaperArrivalResponse)
{
    struct order o;
    TRY(order_papers_arrived(c, in->order_id, &o));
    return wire_order(c, &o, &out->order);
}

#define ROW(m, who, how, fn)                                                                                 \
    {                                                                                                        \
        .service = PB_SERVICE(shipment_service), .method = (m), .access = (who), .roles = ROLE_SHIPPER,      \
        .mode = (how), .handler = (fn)                                                                       \
    }

static const struct rpc_row rows[] = {
    ROW("ListShips", ACCESS_STAFF, MODE_READ, list_ships),
    ROW("CreateShipment", ACCESS_STAFF, MODE_WRITE, create_shipment),
    ROW("GetShipment", ACCESS_ANY, MODE_READ, get_shipment),
    ROW("ListShipments", ACCESS_STAFF, MODE_READ, list_shipments),
    ROW("ResolveShipment", ACCESS_STAFF, MODE_WRITE, resolve_shipment),
    ROW("RecordPaperArrival", ACCESS_STAFF, MODE_WRITE, record_paper_arrival),
};

const struct rpc_table shipment_rpc = {rows, sizeof rows / sizeof *rows};
