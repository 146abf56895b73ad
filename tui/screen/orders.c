/* orders.c - orders by what a caller on the phone may say (StaffService.FindOrders), and one order whole. */
#include "screen/money.h"
#include "screen/msg.h"
#include "screen/order_doc.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/order_service.pb-c.h>
#include <certdesk/v1/shipment_service.pb-c.h>
#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <string.h>

static const struct column columns[] = {
    {N_("Subject"), 0, 0, false},
    {N_("State"), 14, 0, false},
    {N_("Created"), 16, 0, false},
    {N_("Order number"), 30, 100, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__FoundOrder *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->subject_name;
    case 1:
        return word_order_state((int)r->state);
    case 2:
        return word_time(a, r->create_time);
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void prepare(struct page *p, ProtobufCMessage *request)
{
    ((Certdesk__V1__FindOrdersRequest *)(void *)request)->query = p->id;
}

static void enter(struct page *p)
{
    const Certdesk__V1__FoundOrder *r = page_row(p);
    desk_open(p->desk, &order_screen, r->order_id, r->subject_name);
}

static const struct action list_actions[] = {
    {K_ENTER, N_("Open"), N_("Look at the order"), has_row, enter},
};

const struct screen orders_screen = {
    .title = N_("Search"),
    .empty = N_("No order fits."),
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(staff_service, "FindOrders"),
    .row_id = "order_id",
    .prepare = prepare,
    .cell = cell,
    .actions = list_actions,
    .n_actions = sizeof list_actions / sizeof *list_actions,
};

static void on_search(struct page *p, struct form *f)
{
    struct desk *d = p->desk;
    struct arena a;
    arena_init(&a, 0);
    const char *query = form_value(f, "query", &a);
    if (!*query) {
        form_error(f, "query", _("What shall be found?"));
    } else {
        if (p->screen == &orders_screen && p->below) /* one search replaces the other */
            desk_back(d);
        desk_open(d, &orders_screen, query, query);
        desk_unask(d);
    }
    arena_free(&a);
}

void ask_search(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, _("Search"));
    form_text(&d->form, STYLE_NORMAL, _("Order number, USCC, ID number or medium number"));
    form_field(&d->form, FIELD_TEXT, "query", _("Search for"))->edit.max = 40;
    desk_ask(d, on_search);
}

/* ---- one order ---- */

struct state {
    const Certdesk__V1__Order *order;
    const Certdesk__V1__Invoice *invoice; /* NULL: none, or it has not come yet */
};

static void compose(struct page *p)
{
    const Certdesk__V1__Order *r = ((const struct state *)p->state)->order;
    if (!r)
        return;
    order_compose(&(struct order_doc){&p->doc, r, NULL, NULL});
    const Certdesk__V1__Invoice *v = ((const struct state *)p->state)->invoice;
    if (v)
        invoice_compose(&p->doc, v);
}

/* Not every order has one. */
static void on_invoice(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)f;
    if (e != OK)
        return;
    s->invoice = ((const Certdesk__V1__GetInvoiceResponse *)(const void *)page_keep(p, response))->invoice;
    page_compose(p);
}

static void load_invoice(struct page *p)
{
    Certdesk__V1__GetInvoiceRequest q = CERTDESK__V1__GET_INVOICE_REQUEST__INIT;
    q.order_id = p->id;
    page_try(p, (struct rpc_method)METHOD(invoice_service, "GetInvoice"), &q.base, on_invoice);
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    const Certdesk__V1__GetOrderResponse *r = (const void *)page_keep(p, response);
    s->order = r->order;
    s->invoice = NULL;
    page_compose(p);
    if (r->order && r->order->payment && r->order->payment->pay_time)
        load_invoice(p);
}

static void load(struct page *p)
{
    Certdesk__V1__GetOrderRequest q = CERTDESK__V1__GET_ORDER_REQUEST__INIT;
    q.order_id = p->id;
    page_get(p, (struct rpc_method)METHOD(order_service, "GetOrder"), &q.base, on_loaded);
}

static bool has_shipment(const struct page *p)
{
    const Certdesk__V1__Order *r = ((const struct state *)p->state)->order;
    return r && r->shipment && *r->shipment->shipment_id;
}

static void track(struct page *p)
{
    desk_open(p->desk, &tracking_screen, p->id, p->subtitle);
}

/* The server knows who may, and when. */
static bool may(const struct page *p, const char *verb)
{
    const Certdesk__V1__Order *r = ((const struct state *)p->state)->order;
    for (size_t i = 0; r && i < r->n_actions; i++)
        if (strcmp(r->actions[i], verb) == 0)
            return true;
    return false;
}

static bool awaits_papers(const struct page *p)
{
    return may(p, "RecordPaperArrival");
}

static bool closable(const struct page *p)
{
    return may(p, "CancelOrder");
}

static void confirmed_arrival(struct page *p, struct form *f)
{
    Certdesk__V1__RecordPaperArrivalRequest q = CERTDESK__V1__RECORD_PAPER_ARRIVAL_REQUEST__INIT;
    (void)f;
    q.order_id = p->id;
    page_do(p, (struct rpc_method)METHOD(shipment_service, "RecordPaperArrival"), &q.base,
            _("The papers are recorded; the order waits for review."));
}

static void papers(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_CONFIRM, _("Papers"));
    form_text(&d->form, STYLE_NORMAL,
              _("Are the application form and its papers here?\nThe days of review count from now."));
    desk_ask(d, confirmed_arrival);
}

static void this_order(struct page *p, ProtobufCMessage *request)
{
    msg_set_text(request, "order_id", p->id);
}

static const struct reasoned closing = {
    .method = METHOD(order_service, "CancelOrder"),
    .title = N_("Close the order"),
    .label = N_("Why"),
    .missing = N_("Say why; it is recorded."),
    .fill = this_order,
    .notice = N_("The order is closed; its account is told."),
};

static void ask_close(struct page *p)
{
    ask_reason(p, &closing,
               _("Nothing is paid. Its identity number becomes free;\nthe order cannot be opened again."));
}

static bool has_invoice(const struct page *p)
{
    return ((const struct state *)p->state)->invoice != NULL;
}

static void open_invoice(struct page *p)
{
    desk_open(p->desk, &invoice_screen, p->id, p->subtitle);
}

static const struct action actions[] = {
    {'i', N_("Invoice"), N_("The electronic invoice: save a file, mail it again"), has_invoice, open_invoice},
    {'p', N_("Papers"), N_("Record that the posted papers are here"), awaits_papers, papers},
    {'c', N_("Close order"), N_("Close this order, which is not paid"), closable, ask_close},
    {'t', N_("Track"), N_("What the courier says about this parcel"), has_shipment, track},
};

const struct screen order_screen = {
    .title = N_("Order"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
