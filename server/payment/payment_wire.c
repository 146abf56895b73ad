#include "payment/payment_wire.h"

#include "convert/convert.h"

#include <string.h>

static PB(Refund) * to_refund(struct ctx *c, const struct refund *r)
{
    bool staff = c->caller.kind == CALLER_STAFF;
    PB(Refund) *out = ARENA_NEW(c->arena, PB(Refund));
    PB_INIT(refund, out);
    out->id = to_text(c->arena, r->id);
    out->state = (PB(RefundState))r->state;
    out->amount_fen = r->amount_fen;
    out->reason = to_text(c->arena, r->reason);
    out->note = to_text(c->arena, staff ? r->note : "");
    out->error = to_text(c->arena, staff ? r->error : "");
    out->create_time = to_timestamp(c->arena, r->created_ms);
    out->accept_time = to_timestamp(c->arena, r->accepted_ms);
    out->done_time = to_timestamp(c->arena, r->done_ms);
    out->by_hand = r->by_hand;
    out->hand_fen = r->hand_fen;
    out->reference = to_text(c->arena, staff ? r->reference : "");
    out->asked_by = to_text(c->arena, staff ? r->asked_by : "");
    return out;
}

/* A refund of the whole that is done says all of it. */
static bool partly_back(const struct returned *one)
{
    return !one->asked || one->refund.state != REFUND_IS_DONE;
}

PB(Capture) * wire_capture(struct ctx *c, const struct returned *one)
{
    const struct capture *cap = &one->capture;
    PB(Capture) *out = ARENA_NEW(c->arena, PB(Capture));
    PB_INIT(capture, out);
    out->id = to_text(c->arena, cap->id);
    out->provider = (PB(PaymentProvider))cap->provider;
    out->transaction_id = to_text(c->arena, cap->txn_no);
    out->payment_id = to_text(c->arena, cap->payment_id);
    out->order_id = to_text(c->arena, cap->order_id);
    out->amount_fen = cap->amount_fen;
    out->currency = to_text(c->arena, cap->currency);
    out->state = (PB(CaptureState))cap->state;
    out->held_reason = to_text(c->arena, cap->reason);
    out->capture_time = to_timestamp(c->arena, cap->captured_ms);
    out->refund = one->asked ? to_refund(c, &one->refund) : NULL;
    bool staff = c->caller.kind == CALLER_STAFF;
    out->resolve_time = to_timestamp(c->arena, staff ? one->resolved.at_ms : 0);
    out->resolved_by = to_text(c->arena, staff ? one->resolved.by : "");
    out->resolve_note = to_text(c->arena, staff ? one->resolved.note : "");
    out->partial_fen = partly_back(one) ? one->partial_fen : 0;
    out->billed_return_fen = staff ? one->returned_fen : 0;
    return out;
}

PB(CaptureEvent) * *wire_history(struct ctx *c, const struct happening *list, size_t n)
{
    PB(CaptureEvent) **out = ARENA_ARRAY(c->arena, PB(CaptureEvent) *, n + 1);
    for (size_t i = 0; i < n; i++) {
        out[i] = ARENA_NEW(c->arena, PB(CaptureEvent));
        PB_INIT(capture_event, out[i]);
        out[i]->event_time = to_timestamp(c->arena, list[i].at_ms);
        out[i]->action = to_text(c->arena, list[i].action);
        out[i]->actor = to_text(c->arena, list[i].who);
        out[i]->actor_name = to_text(c->arena, list[i].name);
    }
    return out;
}

PB(Payment) * wire_payment(struct ctx *c, const struct payment *p, const struct returned *all, size_t n)
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
    out->captures = ARENA_ARRAY(c->arena, PB(Capture) *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].capture.payment_id, p->id) != 0)
            continue;
        out->captures[out->n_captures++] = wire_capture(c, &all[i]);
        if (all[i].asked && all[i].refund.state == REFUND_IS_DONE)
            out->refunded_fen += all[i].refund.amount_fen;
        else
            out->refunded_fen += all[i].partial_fen;
    }
    return out;
}

PB(Reconciliation) * wire_reconciliation(struct ctx *c, const struct reconciliation *r)
{
    PB(Reconciliation) *out = ARENA_NEW(c->arena, PB(Reconciliation));
    PB_INIT(reconciliation, out);
    out->provider = (PB(PaymentProvider))r->provider;
    out->date = to_text(c->arena, r->date);
    out->state = (PB(ReconciliationState))r->state;
    out->runs = (int32_t)r->runs;
    out->captures = (int32_t)r->money.captured.n;
    out->captured_fen = r->money.captured.fen;
    out->settled_fen = r->money.settled.fen;
    out->refunded_fen = r->money.refunded.fen;
    out->held_fen = r->money.held.fen;
    out->refunds = (int32_t)r->refunds.n;
    out->refunds_fen = r->refunds.fen;
    out->bill_captures = (int32_t)r->bill_captures.n;
    out->bill_captured_fen = r->bill_captures.fen;
    out->bill_refunds = (int32_t)r->bill_refunds.n;
    out->bill_refunds_fen = r->bill_refunds.fen;
    out->difference_count = (int32_t)r->n_differences;
    out->update_time = to_timestamp(c->arena, r->updated_ms);
    size_t n = r->n_differences < DIFFERENCES_SHOWN ? (size_t)r->n_differences : DIFFERENCES_SHOWN;
    out->differences = ARENA_ARRAY(c->arena, PB(ReconciliationDifference) *, n + 1);
    for (size_t i = 0; i < n; i++) {
        PB(ReconciliationDifference) *d = ARENA_NEW(c->arena, PB(ReconciliationDifference));
        PB_INIT(reconciliation_difference, d);
        d->kind = to_text(c->arena, r->differences[i].kind);
        d->number = to_text(c->arena, r->differences[i].number);
        d->ours_fen = r->differences[i].ours_fen;
        d->bill_fen = r->differences[i].bill_fen;
        d->capture_id = to_text(c->arena, r->differences[i].capture);
        d->payment_id = to_text(c->arena, r->differences[i].payment);
        d->order_id = to_text(c->arena, r->differences[i].order);
        out->differences[out->n_differences++] = d;
    }
    return out;
}
