#include "payment/payment_rpc.h"

#include "convert/convert.h"
#include "core/page.h"
#include "payment/partial.h"
#include "payment/payment_steps.h"
#include "payment/payment_wire.h"
#include "payment/reconcile_store.h"
#include "payment/resolve.h"
#include "provider/when.h"

#include <string.h>

static enum err show(struct ctx *c, const struct payment *p, PB(Payment) * *out)
{
    struct returned *all;
    size_t n;
    TRY(captures_of_payment(c, p->id, &all, &n));
    *out = wire_payment(c, p, all, n);
    return OK;
}

RPC_HANDLER(create_payment, CreatePaymentRequest, CreatePaymentResponse)
{
    struct payment p;
    TRY(payment_create(c, in->order_id, (int)in->provider, &p));
    return show(c, &p, &out->payment);
}

RPC_HANDLER(get_payment, GetPaymentRequest, GetPaymentResponse)
{
    struct payment p;
    TRY(payment_load(c, in->payment_id, &p));
    return show(c, &p, &out->payment);
}

RPC_HANDLER(list_payments, ListPaymentsRequest, ListPaymentsResponse)
{
    struct order o;
    struct payment *list;
    struct returned *all;
    size_t n, n_captures;
    TRY(order_load(c, in->order_id, &o));
    TRY(payment_list(c, o.id, false, &list, &n));
    TRY(captures_of_order(c, o.id, &all, &n_captures));
    out->n_payments = n;
    out->payments = ARENA_ARRAY(c->arena, PB(Payment) *, n + 1);
    for (size_t i = 0; i < n; i++)
        out->payments[i] = wire_payment(c, &list[i], all, n_captures);
    return OK;
}

/* -- the desk -------------------------------------------------------------------------------------------- */

RPC_HANDLER(refund_payment, RefundPaymentRequest, RefundPaymentResponse)
{
    struct payment p;
    struct capture cap;
    struct refund r;
    struct returned one;
    TRY(refund_by_staff(c, in->payment_id, in->capture_id, in->reason, &cap, &r));
    TRY(capture_whole(c, cap.id, &one));
    out->capture = wire_capture(c, &one);
    if (!one.capture.order_id)
        return OK;
    TRY(payment_load(c, one.capture.payment_id, &p));
    return show(c, &p, &out->payment);
}

RPC_HANDLER(stop_refund, StopRefundRequest, StopRefundResponse)
{
    struct capture cap;
    struct refund r;
    struct returned one;
    TRY(refund_stop(c, in->capture_id, in->reason, &cap, &r));
    TRY(capture_whole(c, cap.id, &one));
    out->capture = wire_capture(c, &one);
    return OK;
}

RPC_HANDLER(record_refund, RecordRefundRequest, RecordRefundResponse)
{
    struct returned one = {.asked = true};
    const struct by_hand h = {.capture = in->capture_id,
                              .reference = in->reference,
                              .why = in->reason,
                              .hand_fen = in->amount_fen,
                              .provider_fen = in->provider_fen};
    TRY(refund_record(c, &h, &one.capture, &one.refund));
    TRY(returned_by_bills(c, one.capture.provider, one.capture.txn_no, &one.returned_fen));
    out->capture = wire_capture(c, &one);
    return OK;
}

RPC_HANDLER(record_partial, RecordPartialRefundRequest, RecordPartialRefundResponse)
{
    struct returned one;
    TRY(partial_record(c, in->capture_id, in->provider_fen, in->reason, &one));
    out->capture = wire_capture(c, &one);
    return OK;
}

RPC_HANDLER(resolve, ResolveCaptureRequest, ResolveCaptureResponse)
{
    struct returned one;
    TRY(resolve_capture(c, in->capture_id, in->reason, &one));
    out->capture = wire_capture(c, &one);
    return OK;
}

RPC_HANDLER(get_capture, GetCaptureRequest, GetCaptureResponse)
{
    struct payment p;
    struct returned one;
    struct happening *list;
    TRY(capture_whole(c, in->capture_id, &one));
    out->capture = wire_capture(c, &one);
    TRY(capture_history(c, &one, &list, &out->n_events));
    out->events = wire_history(c, list, out->n_events);
    if (!one.capture.order_id)
        return OK;
    TRY(payment_load(c, one.capture.payment_id, &p));
    return show(c, &p, &out->payment);
}

RPC_HANDLER(reconcile_day_again, ReconcileDayRequest, ReconcileDayResponse)
{
    struct reconciliation r;
    TRY(reconcile_again(c, (int)in->provider, in->date, &r));
    out->reconciliation = wire_reconciliation(c, &r);
    return OK;
}

RPC_HANDLER(list_captures, ListCapturesRequest, ListCapturesResponse)
{
    const char *before, *scope = in->attention ? "captures:attention" : "captures";
    struct returned *all;
    size_t n, limit = (size_t)page_size(in->page_size);
    TRY(page_key(c, scope, in->page_token, &before));
    TRY(captures_list(c, in->attention, before, (int)limit + 1, &all, &n));
    out->n_captures = n > limit ? limit : n;
    out->captures = ARENA_ARRAY(c->arena, PB(Capture) *, limit + 1);
    for (size_t i = 0; i < out->n_captures; i++)
        out->captures[i] = wire_capture(c, &all[i]);
    if (n > limit)
        out->next_page_token = to_text(c->arena, page_token(c, scope, all[limit - 1].capture.id));
    return OK;
}

RPC_HANDLER(list_reconciliations, ListReconciliationsRequest, ListReconciliationsResponse)
{
    const char *before, *scope = arena_printf(c->arena, "reconciliations:%d:%s", (int)in->provider, in->date);
    struct reconciliation *all;
    size_t n, limit = (size_t)page_size(in->page_size);
    if (*in->date && !when_read_day(in->date, &(int64_t){0}))
        fault_field(c->fault, "date", "FORMAT", "a day is written 2026-11-21", "日期格式如2026-11-21");
    TRY(fault_fields(c->fault));
    TRY(page_key(c, scope, in->page_token, &before));
    TRY(reconciliation_list(c, (int)in->provider, in->date, before, (int)limit + 1, &all, &n));
    out->n_reconciliations = n > limit ? limit : n;
    out->reconciliations = ARENA_ARRAY(c->arena, PB(Reconciliation) *, limit + 1);
    for (size_t i = 0; i < out->n_reconciliations; i++)
        out->reconciliations[i] = wire_reconciliation(c, &all[i]);
    if (n > limit) {
        const char *key = arena_printf(c->arena, "%s %d", all[limit - 1].date, all[limit - 1].provider);
        out->next_page_token = to_text(c->arena, page_token(c, scope, key));
    }
    return OK;
}

#define MONEY (ROLE_ADMIN | ROLE_FINANCE)
#define ROW(m, who, which, how, fn)                                                                          \
    {                                                                                                        \
        .service = PB_SERVICE(payment_service), .method = (m), .access = (who), .roles = (which),            \
        .mode = (how), .handler = (fn)                                                                       \
    }

static const struct rpc_row rows[] = {
    ROW("CreatePayment", ACCESS_ACCOUNT, 0, MODE_WRITE, create_payment),
    ROW("GetPayment", ACCESS_ANY, ROLE_ANY, MODE_READ, get_payment),
    ROW("ListPayments", ACCESS_ANY, ROLE_ANY, MODE_READ, list_payments),
    ROW("RefundPayment", ACCESS_STAFF, MONEY, MODE_WRITE, refund_payment),
    ROW("StopRefund", ACCESS_STAFF, MONEY, MODE_WRITE, stop_refund),
    ROW("RecordRefund", ACCESS_STAFF, MONEY, MODE_WRITE, record_refund),
    ROW("RecordPartialRefund", ACCESS_STAFF, MONEY, MODE_WRITE, record_partial),
    ROW("ResolveCapture", ACCESS_STAFF, MONEY, MODE_WRITE, resolve),
    ROW("GetCapture", ACCESS_STAFF, MONEY | ROLE_AUDITOR, MODE_READ, get_capture),
    ROW("ListCaptures", ACCESS_STAFF, MONEY | ROLE_AUDITOR, MODE_READ, list_captures),
    ROW("ListReconciliations", ACCESS_STAFF, MONEY | ROLE_AUDITOR, MODE_READ, list_reconciliations),
    ROW("ReconcileDay", ACCESS_STAFF, MONEY, MODE_WRITE, reconcile_day_again),
};

const struct rpc_table payment_rpc = {rows, sizeof rows / sizeof *rows};
