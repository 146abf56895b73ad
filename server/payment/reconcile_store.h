/* reconcile_store.h - every statement about reconciliations, and the books of a day. */
#ifndef CERTDESK_PAYMENT_RECONCILE_STORE_H
#define CERTDESK_PAYMENT_RECONCILE_STORE_H

#include "payment/reconcile.h"
#include "payment/refund.h"
#include "provider/payment.h"

/* The row of a day, made when it is not there. */
enum err reconciliation_read(struct ctx *c, int provider, const char *date, struct reconciliation *out);
/* Must match r's version; report: JSON. */
enum err reconciliation_update(struct ctx *c, struct reconciliation *r, const char *report);

/* Days that began after this and on which books and bill differ. The mark differs when any day was made
 * again. */
enum err reconciliations_different(struct ctx *c, int64_t after_ms, int64_t *n, int64_t *mark);

/* Number and sum of what was captured on a day, by transaction number. */
struct booked {
    const char *number;
    int64_t fen;
    bool billed; /* filled in by the comparison */
};
enum err captures_of_day(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                         size_t *n);
/* Refunds that were done in this time and that no bill has had, under our number or in parts that are the
 * whole. Those that a person recorded are not among them. */
enum err refunds_unbilled(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                          size_t *n);
/* A refund that a person recorded: what the provider gave back of it by that person's word, and by the bills.
 */
struct recorded {
    const char *number; /* the refund's, or the transaction's of a part */
    int64_t said_fen, billed_fen;
};
/* Those done in this time, and those of whose captures the bill of the day has something. */
enum err refunds_recorded(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, const char *date,
                          struct recorded **out, size_t *n);
/* The same of parts of what goes on paying for its order. */
enum err partials_recorded(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, const char *date,
                           struct recorded **out, size_t *n);
/* The capture with this transaction number, and its refund; NOT_FOUND. */
enum err capture_of_transaction(struct ctx *c, int provider, const char *txn_no, struct capture *out);
enum err refund_of_transaction(struct ctx *c, int provider, const char *txn_no, struct refund *out);

/* A refund in a bill, whoever asked for it; the newest bill that has it counts. */
enum err return_put(struct ctx *c, int provider, const char *date, const struct payment_bill_row *row);
/* What the bills say was given back of a capture. */
enum err returned_by_bills(struct ctx *c, int provider, const char *txn_no, int64_t *fen);
/* d's capture, payment and order, by the provider's transaction number or the id of a refund of ours; without
 * a capture the payment by our number, as the provider has it, "" for none. Unchanged when nothing is known.
 */
enum err difference_name(struct ctx *c, int provider, const char *number, const char *payment_id,
                         struct difference *d);
/* The amount of a capture; *found false for none. */
enum err capture_amount(struct ctx *c, int provider, const char *txn_no, int64_t *fen, bool *found);

#endif
