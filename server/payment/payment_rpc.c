#include "payment/payment_rpc.h"

#include "convert/convert.h"
#include "payment/payment_steps.h"

#include <certdesk/v1/payment_service.pb-c.h>

static PB(Payment) * to_payment(struct ctx *c, const struct payment *p)
{
    PB(Payment) *out = ARENA_NEW(c->arena, PB(Payment));
    PB_INIT(payment, out);
    out->id = to_text(c->arena, p->id);
    out->order_id = to_text(c->arena, p->order);
    out->provider = (PB(PaymentProvider))p->provider;
    out->state = (PB(PaymentState))p->state;
    out->amount_fen = p->amount_fen;
    out->code_url = to_text(c->arena, p->state == PAY_WAITING ? p->code_url : "");
    out->expire_time = to_timestamp(c->arena, p->expires_ms);
    out->pay_time = to_timestamp(c->arena, p->paid_ms);
    out->create_time = to_timestamp(c->arena, p->created_ms);
    return out;
}

RPC_HANDLER(create_payment, CreatePaymentRequest, CreatePaymentResponse)
{
    struct payment p;
    TRY(payment_create(c, in->order_id, (int)in->provider, &p));
    out->payment = to_payment(c, &p);
    return OK;
}

RPC_HANDLER(get_payment, GetPaymentRequest, GetPaymentResponse)
{
    struct payment p;
    TRY(payment_load(c, in->payment_id, &p));
    out->payment = to_payment(c, &p);
    return OK;
}

RPC_HANDLER(list_payments, ListPaymentsRequest, ListPaymentsResponse)
{
    struct order o;
    struct payment *list;
    size_t n;
    TRY(order_load(c, in->order_id, &o));
    TRY(payment_list(c, o.id, false, &list, &n));
    out->n_payments = n;
    out->payments = ARENA_ARRAY(c->arena, PB(Payment) *, n + 1);
    for (size_t i = 0; i < n; i++)
        out->payments[i] = to_payment(c, &list[i]);
    return OK;
}

#define EVERY_ROLE (ROLE_REVIEWER | ROLE_OPERATOR | ROLE_SHIPPER | ROLE_ADMIN | ROLE_AUDITOR)

static const struct rpc_row rows[] = {
    {.service = PB_SERVICE(payment_service),
     .method = "CreatePayment",
     .access = ACCESS_ACCOUNT,
     .mode = MODE_WRITE,
     .handler = create_payment},
    {.service = PB_SERVICE(payment_service),
     .method = "GetPayment",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .handler = get_payment},
    {.service = PB_SERVICE(payment_service),
     .method = "ListPayments",
     .access = ACCESS_ANY,
     .roles = EVERY_ROLE,
     .mode = MODE_READ,
     .handler = list_payments},
};

const struct rpc_table payment_rpc = {rows, sizeof rows / sizeof *rows};
