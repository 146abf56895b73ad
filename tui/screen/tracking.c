/* tracking.c - one parcel: where it goes, what happened, and what to do when it does not arrive (S29). */
#include "screen/msg.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/shipment_service.pb-c.h>

struct state {
    const Certdesk__V1__Shipment *shipment; /* kept by the page */
};

static const Certdesk__V1__Shipment *shipment(const struct page *p)
{
    return ((const struct state *)p->state)->shipment;
}

static bool in_trouble(const struct page *p)
{
    const Certdesk__V1__Shipment *s = shipment(p);
    return s && (s->state == CERTDESK__V1__SHIPMENT_STATE__SHIPMENT_STATE_PROBLEM ||
                 s->state == CERTDESK__V1__SHIPMENT_STATE__SHIPMENT_STATE_RETURNED ||
                 s->state == CERTDESK__V1__SHIPMENT_STATE__SHIPMENT_STATE_LOST);
}

static void compose(struct page *p)
{
    const Certdesk__V1__Shipment *s = shipment(p);
    struct doc *d = &p->doc;
    struct arena a;
    if (!s)
        return;
    arena_init(&a, 0);
    doc_head(d, _("Shipment"));
    doc_styled(d, style_shipment((int)s->state), _("State"), word_shipment((int)s->state));
    doc_value(d, _("Courier"), word_courier(s->courier));
    doc_value(d, _("Tracking number"), s->tracking_number);
    doc_value(d, s->n_medium_numbers > 1 ? _("Medium numbers") : _("Medium number"),
              word_media(&a, s->medium_numbers, s->n_medium_numbers));
    doc_value(d, _("Order number"), s->order_id);
    if (s->delivery) {
        const Certdesk__V1__Address *to = s->delivery;
        doc_value(d, _("Recipient"), arena_printf(&a, "%s %s", to->recipient, to->phone));
        doc_value(d, _("Address"),
                  arena_printf(&a, "%s%s%s%s %s", to->province, to->city, to->district, to->street,
                               to->postal_code));
    }
    doc_value(d, _("Posted on"), word_time(&a, s->create_time));
    doc_head(d, _("Events"));
    for (size_t i = 0; i < s->n_events; i++)
        doc_styled(d, i ? STYLE_NORMAL : STYLE_STRONG, word_time(&a, s->events[i]->event_time),
                   *s->events[i]->place ? arena_printf(&a, "[%s] %s", s->events[i]->place, s->events[i]->text)
                                        : s->events[i]->text);
    if (!s->n_events)
        doc_value(d, "", _("The courier has not reported yet."));
    arena_free(&a);
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    const Certdesk__V1__GetShipmentResponse *r = (const void *)page_keep(p, response);
    s->shipment = r->shipment;
    page_compose(p);
}

static void load(struct page *p)
{
    Certdesk__V1__GetShipmentRequest q = CERTDESK__V1__GET_SHIPMENT_REQUEST__INIT;
    q.order_id = p->id;
    page_get(p, (struct rpc_method)METHOD(shipment_service, "GetShipment"), &q.base, on_loaded);
}

static void on_resolved(struct page *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    (void)r, (void)f;
    if (e == OK)
        page_done(p, _("Done."));
}

static void resolve(struct page *p, ProtobufCMessage *request)
{
    msg_set_text(request, "shipment_id", shipment(p)->id);
}

static void post(struct page *p, ProtobufCMessage *request)
{
    resolve(p, request);
    msg_set_bool(request, "post_again", true);
}

static const struct reasoned posting_again = {
    .method = METHOD(shipment_service, "ResolveShipment"),
    .title = N_("Post again"),
    .fill = post,
    .done = on_resolved,
};

static const struct reasoned closing = {
    .method = METHOD(shipment_service, "ResolveShipment"),
    .title = N_("Close by hand"),
    .fill = resolve,
    .done = on_resolved,
};

static void post_again(struct page *p)
{
    ask_reason(p, &posting_again, _("The UKEY goes back to the queue of those to be shipped."));
}

static void close_by_hand(struct page *p)
{
    ask_reason(p, &closing, _("The shipment ends here; it is not tracked any more."));
}

static void order(struct page *p)
{
    desk_open(p->desk, &order_screen, p->id, NULL);
}

static const struct action actions[] = {
    {'v', N_("Order"), N_("Look at the order"), NULL, order},
    {'p', N_("Post again"), N_("Returned or lost: put the UKEY back into the ship queue"), in_trouble,
     post_again},
    {'c', N_("Close"), N_("Close the shipment by hand, with the reason"), in_trouble, close_by_hand},
};

const struct screen tracking_screen = {
    .title = N_("Tracking"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
