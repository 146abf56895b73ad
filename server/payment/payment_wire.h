/* payment_wire.h - payments, captures, refunds and reconciliations as messages. */
#ifndef CERTDESK_PAYMENT_PAYMENT_WIRE_H
#define CERTDESK_PAYMENT_PAYMENT_WIRE_H

#include "dispatch.h"
#include "payment/reconcile.h"
#include "payment/refund_store.h"

#include <certdesk/v1/payment_service.pb-c.h>

/* With those of the captures that are its own. */
PB(Payment) * wire_payment(struct ctx *c, const struct payment *p, const struct returned *all, size_t n);
/* The note and the provider's words are for staff. */
PB(Capture) * wire_capture(struct ctx *c, const struct returned *one);
PB(CaptureEvent) * *wire_history(struct ctx *c, const struct happening *list, size_t n);
PB(Reconciliation) * wire_reconciliation(struct ctx *c, const struct reconciliation *r);

#endif
