/* reconcile_store.h - every statement about reconciliations, and the books of a day. */
#ifndef CERTDESK_PAYMENT_RECONCILE_STORE_H
#define CERTDESK_PAYMENT_RECONCILE_STORE_H

#include "payment/reconcile.h"
#include "payment/refund.h"

/* The row of a day, made when it is not there. */
enum err reconciliation_read(struct ctx *c, int provider, const char *date, struct reconciliation *out);
/* Must match r's version; report: JSON. */
enum err reconciliation_update(struct ctx *c, struct reconciliation *r, const char *report);

/* Number and sum of what was captured on a day, by transaction number. */
struct booked {
    const char *number;
    int64_t fen;
    bool billed; /* filled in by the comparison */
};
enum err captures_of_day(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                         size_t *n);
/* Refunds that were done in this time and that no bill has had. */
enum err refunds_unbilled(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                          size_t *n);
/* Those that the bill of the day has had. */
enum err refunds_of_bill(struct ctx *c, int provider, const char *date, struct sum *out);
/* The refund that the provider made by itself of this capture; NOT_FOUND. */
enum err refund_returned(struct ctx *c, int provider, const char *txn_no, struct refund *out);
enum err refund_billed(struct ctx *c, const char *id, const char *date);
/* The amount of a capture; *found false for none. */
enum err capture_amount(struct ctx *c, int provider, const char *txn_no, int64_t *fen, bool *found);

#endif
