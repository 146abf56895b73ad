/* reconcile.h - our books against a provider's bill, a Beijing day at a time (S15).
 *
 * Money is conserved: what was captured on a day is settled, refunded or held, each told by a table of its
 * own, and is what the provider's bill says. What the bill has and we do not is booked as if it had been
 * told, or held when the same bill says that it went back; a row that cannot be booked is a difference.
 */
#ifndef CERTDESK_PAYMENT_RECONCILE_H
#define CERTDESK_PAYMENT_RECONCILE_H

#include "core/ctx.h"
#include "payment/payment_store.h"

enum reconciliation_state { /* proto ReconciliationState */
    RECONCILIATION_WAITING = 1,
    RECONCILIATION_CLEAN,
    RECONCILIATION_DIFFERENT,
};

struct sum {
    int64_t n, fen;
};
/* Of the captures of a day: captured = settled + refunded + held. A part that was recorded as given back
 * (partial.h) is among refunded.fen, its capture among settled.n. */
struct money {
    struct sum captured, settled, refunded, held;
};
/* From from_ms to before to_ms. */
enum err money_of_day(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct money *out);
bool money_is_conserved(const struct money *m);

struct difference {
    const char *kind; /* proto ReconciliationDifference.kind */
    const char *number;
    int64_t ours_fen, bill_fen;
    const char *capture, *payment, *order; /* whose money it is; "" when not known */
};
enum {
    DIFFERENCES_SHOWN = 100
};
struct reconciliation {
    int provider;
    const char *date; /* "2026-11-21" */
    enum reconciliation_state state;
    int64_t version, runs, updated_ms;
    const char *bill_hash;
    struct money money;
    struct sum refunds; /* ours that the bill has */
    struct sum bill_captures, bill_refunds;
    int64_t n_differences;
    const struct difference *differences; /* the first DIFFERENCES_SHOWN */
};

struct payment_bill; /* provider/payment.h */

/* Midnight of a Beijing date; INVALID for what is none. */
enum err reconcile_day(struct ctx *c, const char *date, int64_t *from_ms);
enum booked_as { /* a capture's row of a bill */
    BOOKED_BEFORE,
    BOOKED_NOW,
    BOOKED_NOT, /* and the log says why */
};
/* Opens a transaction of its own for every capture that we do not have. out: one for each row of the bill.
 * Fails only for what passes, like a database that is away; may be called again. */
enum err reconcile_book(struct ctx *c, int provider, const struct payment_bill *bill,
                        const enum booked_as **out);
/* Inside a transaction, after reconcile_book(): compares, and stores the report. */
enum err reconcile_with(struct ctx *c, int provider, const char *date, const struct payment_bill *bill,
                        const enum booked_as *booked, struct reconciliation *out);
/* Inside a transaction: the bill is not there yet. */
enum err reconcile_waits(struct ctx *c, int provider, const char *date);
/* Inside a transaction: the job of that day, and by itself those of the days after. */
enum err reconcile_plan(struct ctx *c, int provider, const char *date);

/* Inside a transaction: the job of that day alone, once more, for a person. INVALID: no such day or provider,
 * or the day is not over. *out: as it is now. */
enum err reconcile_again(struct ctx *c, int provider, const char *date, struct reconciliation *out);

/* Now, by hand: asks the provider for its bill. Opens its own transaction. "wechat"; NOT_FOUND while the bill
 * is not there. */
enum err reconcile_now(struct ctx *c, const char *supplier, const char *date, struct reconciliation *out);
/* Opens its own transactions: plans today's for every provider whose bill can be read. Once when the server
 * starts. */
enum err reconcile_begin(struct ctx *c);

/* The report as JSON, and as a person reads it. */
const char *reconcile_json(struct ctx *c, const struct reconciliation *r);
const char *reconcile_text(struct ctx *c, const struct reconciliation *r);
/* The other way; what is not a report leaves zeros. */
void reconcile_read_json(struct ctx *c, const char *json, struct reconciliation *out);

/* Newest day first; before: "" or "date provider" of the last one seen. provider 0, day "": all. */
enum err reconciliation_list(struct ctx *c, int provider, const char *day, const char *before, int limit,
                             struct reconciliation **out, size_t *n);

const char *payment_supplier(int provider);    /* "wechat"; NULL for none */
int payment_provider_of(const char *supplier); /* the other way; 0 for none */

#endif
