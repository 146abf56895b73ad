/* payment_store.h - every statement about payments, events, captures and settlements. */
#ifndef CERTDESK_PAYMENT_PAYMENT_STORE_H
#define CERTDESK_PAYMENT_PAYMENT_STORE_H

#include "payment/payment.h"

/* ERR_DB_DUPLICATE when the order has a payment of this provider that can still be paid. */
enum err payment_insert(struct ctx *c, const struct payment *p);
/* Whoever asks; NOT_FOUND. */
enum err payment_read(struct ctx *c, const char *id, struct payment *out);
/* The one that can still be paid; NOT_FOUND. */
enum err payment_read_open(struct ctx *c, const char *order_id, int provider, struct payment *out);
/* All of an order, newest first; open_only: those that can still be paid. */
enum err payment_list(struct ctx *c, const char *order_id, bool open_only, struct payment **out, size_t *n);
/* Must match p's state and version. */
enum err payment_update(struct ctx *c, struct payment *p, enum pay_state to, const char *code_url,
                        int64_t paid_ms);

/* A verified event as it came; ERR_DB_DUPLICATE when it was stored before. */
enum err payment_event_insert(struct ctx *c, int provider, const char *event_id, const char *type,
                              const void *body, size_t n);

enum capture_state {
    CAPTURE_SETTLED = 1,
    CAPTURE_HELD,
};
struct capture {
    char id[ID_SIZE];
    int provider;
    const char *txn_no, *payment_id, *currency;
    const char *order_id; /* NULL: of no payment of ours */
    int64_t amount_fen, captured_ms;
    enum capture_state state;
    const char *reason; /* why it is held, "" */
};
/* ERR_DB_DUPLICATE when the transaction number is known. */
enum err capture_insert(struct ctx *c, const struct capture *cap);
enum err capture_exists(struct ctx *c, int provider, const char *txn_no, bool *found);

/* ERR_DB_DUPLICATE when the order is settled. */
enum err settlement_insert(struct ctx *c, const struct capture *cap);
enum err settlement_exists(struct ctx *c, const char *order_id, bool *found);

#endif
