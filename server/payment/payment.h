/* payment.h - money in: payments, captures, settlement (S15).
 *
 * A payment asks a provider for a QR code. A capture is money that the provider says it took (unique by its
 * transaction number); it settles exactly one order or is held and given back. Callbacks are hints: verified,
 * stored, then acted on; a poller asks for what no callback told.
 */
#ifndef CERTDESK_PAYMENT_PAYMENT_H
#define CERTDESK_PAYMENT_PAYMENT_H

#include "callback_route.h"
#include "core/ctx.h"
#include "core/outbox.h"
#include "order/order.h"
#include "provider/provider.h"

/* proto PaymentState. (The adapters' own states, provider/payment.h, are what a provider says.) */
enum pay_state {
    PAY_CREATING = 1,
    PAY_WAITING,
    PAY_PAID,
    PAY_CLOSED,
    PAY_HELD,
    PAY_REFUNDING,
    PAY_REFUNDED,
    PAY_FAILED,
    PAY_CLOSING,
};

struct payment {
    char id[ID_SIZE], order[ID_SIZE];
    int provider; /* proto PaymentProvider */
    enum pay_state state;
    int64_t amount_fen;
    const char *code_url; /* "" until WAITING */
    int64_t expires_ms, paid_ms, created_ms, version;
};

enum err payment_load(struct ctx *c, const char *id, struct payment *out);
/* The payment that settled the order, or the newest; NOT_FOUND when there is none. */
enum err payment_of_order(struct ctx *c, const char *order_id, struct payment *out);

/* Whether any provider that the channel offers is configured. */
enum err payment_possible(struct ctx *c, const struct order *o, bool *possible);
/* Inside the transaction that cancels the order: what could still be paid for it is closed as soon as may be.
 */
enum err payment_order_cancelled(struct ctx *c, const char *order_id);
/* Inside the transaction that takes the order back to its purchase: the same, and until it is closed no other
 * code is made (PAYMENT_STATE). Money that comes nevertheless settles the order only when it waits for this
 * amount again. */
enum err payment_order_reopened(struct ctx *c, const char *order_id);
/* A paid order is given up: to REFUNDING, with its money on the way back, and from there to CANCELLED when it
 * is back; at once when nothing was ever taken for it. reason: "ORDER_CANCELLED", "STAFF"; note: in words, or
 * NULL. ORDER_STATE when it is too late. */
enum err payment_give_up_paid(struct ctx *c, struct order *o, const char *reason, const char *note);

/* A supplier's callback came in over HTTP: verified against its key, stored once (by event id), then settled.
 * Called outside a transaction (it runs its own through tx_run). OK: answer success. Errors: answer failure,
 * it comes again. */
enum err payment_callback(struct ctx *c, int provider, const struct provider_pair *headers, size_t n_headers,
                          const char *body, size_t n_body);
extern const struct callback_table payment_callbacks;

extern const struct job_kind *const payment_jobs[];
extern const size_t payment_jobs_n;

#endif
