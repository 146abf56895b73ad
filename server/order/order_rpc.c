#include "order/order_rpc.h"

#include "convert/convert.h"
#include "core/page.h"
#include "order/form_pdf.h"
#include "order/order_paper.h"
#include "order/order_steps.h"
#include "order/order_store.h"
#include "order/order_wire.h"

enum {
    CONSENTS_MAX = 32,
};

static enum err read_consents(struct ctx *c, PB(Consent) *const *in, size_t n, const struct consent **out)
{
    if (n > CONSENTS_MAX) {
        fault_field(c->fault, "consents", "LENGTH", "too many agreements", "协议数量过多");
        return fault_fields(c->fault);
    }
    struct consent *list = ARENA_ARRAY(c->arena, struct consent, n + 1);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct consent){in[i]->agreement_id, in[i]->agreement_version};
    *out = list;
    return OK;
}

/* -- steps ------------------------------------------------------------------------------------------------
 */

RPC_HANDLER(create_order, CreateOrderRequest, CreateOrderResponse)
{
    struct order o;
    struct order_choice choice = {.channel = in->channel,
                                  .kind = (int)in->kind,
                                  .subject_kind = (int)in->subject_kind,
                                  .medium = (int)in->medium,
                                  .method = (int)in->method,
                                  .n_consents = in->n_consents};
    TRY(read_consents(c, in->consents, in->n_consents, &choice.consents));
    TRY(order_create(c, &choice, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(submit_organization, SubmitOrganizationRequest, SubmitOrganizationResponse)
{
    struct order o;
    struct subject s;
    wire_read_organization(in->organization, &s);
    TRY(order_submit_subject(c, in->order_id, SUBJECT_ORGANIZATION, &s, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(submit_person, SubmitPersonRequest, SubmitPersonResponse)
{
    struct order o;
    struct subject s;
    wire_read_person(in->person, &s);
    TRY(order_submit_subject(c, in->order_id, SUBJECT_INDIVIDUAL, &s, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(submit_agent, SubmitAgentRequest, SubmitAgentResponse)
{
    struct order o;
    struct agent a;
    wire_read_agent(in->agent, &a);
    TRY(order_submit_agent(c, in->order_id, &a, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(change_method, ChangeMethodRequest, ChangeMethodResponse)
{
    struct order o;
    TRY(order_change_method(c, in->order_id, (int)in->method, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(set_purchase, SetPurchaseRequest, SetPurchaseResponse)
{
    struct order o;
    struct purchase p;
    wire_read_purchase(in->purchase, &p);
    TRY(order_set_purchase(c, in->order_id, &p, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(confirm_purchase, ConfirmPurchaseRequest, ConfirmPurchaseResponse)
{
    struct order o;
    TRY(order_confirm_purchase(c, in->order_id, in->total_fen, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(return_to_purchase, ReturnToPurchaseRequest, ReturnToPurchaseResponse)
{
    struct order o;
    TRY(order_return_to_purchase(c, in->order_id, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(request_signature, RequestApplicationSignatureRequest, RequestApplicationSignatureResponse)
{
    struct order o;
    int64_t expires_ms;
    TRY(order_request_signature(c, in->order_id, &o, &expires_ms));
    out->sent_to = to_text(c->arena, mask_phone(c->arena, order_contact(&o).phone));
    out->expire_time = to_timestamp(c->arena, expires_ms);
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(sign_application, SignApplicationRequest, SignApplicationResponse)
{
    struct order o;
    const struct consent *consents;
    TRY(read_consents(c, in->consents, in->n_consents, &consents));
    TRY(order_sign(c, in->order_id, in->code, consents, in->n_consents, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(switch_to_paper_route, SwitchToPaperRouteRequest, SwitchToPaperRouteResponse)
{
    struct order o;
    TRY(order_take_paper_route(c, in->order_id, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(cancel_order, CancelOrderRequest, CancelOrderResponse)
{
    struct order o;
    TRY(order_cancel(c, in->order_id, in->reason, &o));
    return wire_order(c, &o, &out->order);
}

/* -- reads ------------------------------------------------------------------------------------------------
 */

RPC_HANDLER(get_order, GetOrderRequest, GetOrderResponse)
{
    struct order o;
    TRY(order_load(c, in->order_id, &o));
    return wire_order(c, &o, &out->order);
}

/* The form as it is read, and then drawn: neither a connection nor a transaction waits for the drawing. */
struct printed {
    struct form form;
    const void *pdf;
    size_t n;
};

static enum err look_form(struct ctx *c, const ProtobufCMessage *request, struct upload *none, void **found)
{
    (void)none;
    struct printed *p = ARENA_NEW(c->arena, struct printed);
    *found = p;
    return order_application_form(c, ((const PB(GetApplicationFormRequest) *)request)->order_id, &p->form);
}

static enum err draw_form(struct ctx *c, void *found)
{
    struct printed *p = found;
    return form_pdf(c->arena, &p->form, &p->pdf, &p->n, c->fault);
}

RPC_HANDLER(get_application_form, GetApplicationFormRequest, GetApplicationFormResponse)
{
    (void)in;
    const struct printed *p = c->found;
    out->pdf = (ProtobufCBinaryData){.len = p->n, .data = (uint8_t *)(uintptr_t)p->pdf};
    return OK;
}

static enum err get_orders(size_t n, struct ctx *const *cs, const ProtobufCMessage *const *ins,
                           ProtobufCMessage *const *outs, enum err *errs)
{
    for (size_t from = 0; from < n; from += ORDER_GROUP) {
        size_t k = n - from < ORDER_GROUP ? n - from : ORDER_GROUP;
        const char *ids[ORDER_GROUP];
        struct order *orders = ARENA_ARRAY(cs[from]->arena, struct order, k);
        for (size_t i = 0; i < k; i++)
            ids[i] = ((const PB(GetOrderRequest) *)ins[from + i])->order_id;
        TRY(order_store_group(k, cs + from, ids, orders, errs + from));
        for (size_t i = 0; i < k; i++)
            if (errs[from + i] == OK)
                errs[from + i] =
                    wire_order(cs[from + i], &orders[i], &((PB(GetOrderResponse) *)outs[from + i])->order);
    }
    return OK;
}

RPC_HANDLER(list_orders, ListOrdersRequest, ListOrdersResponse)
{
    const char *before;
    const char *scope =
        arena_printf(c->arena, "orders.%s:%s", in->finished ? "finished" : "open", c->caller.id);
    struct order *orders;
    size_t n, limit = (size_t)page_size(in->page_size);
    TRY(page_key(c, scope, in->page_token, &before));
    TRY(order_store_mine(c, in->finished, before, (int)limit + 1, &orders, &n));
    out->n_orders = n > limit ? limit : n;
    out->orders = ARENA_ARRAY(c->arena, PB(Order) *, limit + 1);
    for (size_t i = 0; i < out->n_orders; i++)
        TRY(wire_order(c, &orders[i], &out->orders[i]));
    if (n > limit)
        out->next_page_token = to_text(c->arena, page_token(c, scope, orders[limit - 1].id));
    return OK;
}

/* The cursor is the version that was sent last. */
static enum err watch_order(struct ctx *c, const ProtobufCMessage *in, int64_t *cursor, ProtobufCMessage *out,
                            bool *changed, bool *over)
{
    const PB(WatchOrderRequest) *req = (const PB(WatchOrderRequest) *)in;
    struct order o;
    if (*cursor < req->after_version)
        *cursor = req->after_version;
    TRY(order_load(c, req->order_id, &o));
    *over = o.state == ORDER_FINISHED || o.state == ORDER_CANCELLED;
    *changed = o.version > *cursor;
    if (!*changed)
        return OK;
    *cursor = o.version;
    return wire_order(c, &o, &((PB(WatchOrderResponse) *)out)->order);
}

/* -- rows -------------------------------------------------------------------------------------------------
 */

#define EVERY_ROLE ROLE_ANY
#define STEP(name, fn, ...)                                                                                  \
    {                                                                                                        \
        .service = PB_SERVICE(order_service), .method = name, .access = ACCESS_ACCOUNT, .mode = MODE_WRITE,  \
        .handler = fn, __VA_ARGS__                                                                           \
    }

static const struct rpc_row rows[] = {
    {.service = PB_SERVICE(order_service),
     .method = "CreateOrder",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .handler = create_order,
     .together = true},
    STEP("SubmitOrganization", submit_organization),
    STEP("SubmitPerson", submit_person),
    STEP("SubmitAgent", submit_agent),
    STEP("ChangeMethod", change_method),
    STEP("SetPurchase", set_purchase),
    STEP("ConfirmPurchase", confirm_purchase),
    STEP("ReturnToPurchase", return_to_purchase),
    STEP("RequestApplicationSignature", request_signature, .latest = true),
    STEP("SignApplication", sign_application),
    STEP("SwitchToPaperRoute", switch_to_paper_route),
    {.service = PB_SERVICE(order_service),
     .method = "CancelOrder",
     .access = ACCESS_ANY,
     .roles = ORDER_CLOSERS,
     .mode = MODE_WRITE,
     .handler = cancel_order},
    {.service = PB_SERVICE(order_service),
     .method = "GetApplicationForm",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .handler = get_application_form,
     .look = look_form,
     .aside = draw_form},
    {.service = PB_SERVICE(order_service),
     .method = "GetOrder",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .handler = get_order,
     .many = get_orders,
     .of_one_moment = true},
    {.service = PB_SERVICE(order_service),
     .method = "ListOrders",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_READ,
     .handler = list_orders,
     .of_one_moment = true},
    {.service = PB_SERVICE(order_service),
     .method = "WatchOrder",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .watch = watch_order,
     .of_one_moment = true},
};

const struct rpc_table order_rpc = {rows, sizeof rows / sizeof *rows};
