/* payment_steps.h - what handlers, jobs and callbacks ask of this folder's rules, inside a transaction. */
#ifndef CERTDESK_PAYMENT_PAYMENT_STEPS_H
#define CERTDESK_PAYMENT_PAYMENT_STEPS_H

#include "payment/payment_moves.h"
#include "payment/payment_store.h"

enum {
    PROVIDER_WECHAT = 1, /* proto PaymentProvider */
    PROVIDER_ALIPAY,
};

/* The payment to scan: a new one, or the one that is there and still good. ORDER_STATE; METHOD_NOT_OFFERED;
 * PAYMENT_STATE while an expired one is being closed (two open codes could both be paid). A code of another
 * provider is closed first, and the new one placed when that is done. */
enum err payment_create(struct ctx *c, const char *order_id, int provider, struct payment *out);

/* Money that a provider says it took: from a callback or from asking. */
struct receipt {
    int provider;
    const char *txn_no, *payment_id, *currency;
    int64_t amount_fen, paid_ms;
};
/* Settles the order or holds the money, once per transaction number. OK either way: the money is booked. */
enum err payment_settle(struct ctx *c, const struct receipt *r);
/* The same of money that the provider has given back already, or begun to, by its own doing: it is held. */
enum err payment_hold_returned(struct ctx *c, const struct receipt *r);

struct payment_status; /* provider/payment.h */
struct payment_port;
struct receipt payment_receipt(struct ctx *c, int provider, const struct payment_status *s);
/* The adapter of a proto PaymentProvider; PROVIDER_CONFIG when none is configured. */
enum err payment_port_of(struct ctx *c, int provider, const struct payment_port **out);

/* Moves p out of the states in which it can be paid; what waited for that goes on. */
enum err payment_end(struct ctx *c, struct payment *p, enum pay_event event, int64_t paid_ms);
/* Payments that wait for another code of their order to be closed are placed now. */
enum err payment_others_go_on(struct ctx *c, const char *order_id);
/* A look at once, besides the others; word: why, for its key. */
enum err payment_look_now(struct ctx *c, const struct payment *p, const char *word);
enum {
    LOOK_NOW = 1000000 /* the n of such looks */
};

/* The next look at a payment that nobody told us about; n counts the looks. */
enum err payment_poll_later(struct ctx *c, const struct payment *p, int n);
extern const struct job_kind refund_job, reconcile_job; /* refund_jobs.c, reconcile_jobs.c */

/* Still worth keeping open: its order waits for this amount and it has not expired. */
bool payment_is_wanted(const struct ctx *c, const struct payment *p, const struct order *o);

#endif
