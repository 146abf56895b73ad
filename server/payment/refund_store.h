/* refund_store.h - every statement about refunds, and about captures as what may be given back. */
#ifndef CERTDESK_PAYMENT_REFUND_STORE_H
#define CERTDESK_PAYMENT_REFUND_STORE_H

#include "payment/refund.h"

/* ERR_DB_DUPLICATE when the capture has one. */
enum err refund_insert(struct ctx *c, const struct refund *r);
enum err refund_read(struct ctx *c, const char *id, struct refund *out);
/* NOT_FOUND when the capture has none. */
enum err refund_of_capture(struct ctx *c, const char *capture_id, struct refund *out);
/* Must match r's state and version; next_number: the one it has is used up. */
enum err refund_update(struct ctx *c, struct refund *r, enum refund_state to, bool next_number,
                       const struct refund_change *ch);
/* It is about to be sent. Must match r's state and version: CONFLICT when it moved since, and then nothing
 * may be sent. */
enum err refund_mark_sent(struct ctx *c, const struct refund *r, int64_t at_ms);
/* What went wrong with a look that led to no move; nothing when r moved since it was read. */
enum err refund_note_error(struct ctx *c, const struct refund *r, const char *error);

/* error: PAID_TWICE. *first: it was not so before. */
enum err refund_mark_twice(struct ctx *c, const struct refund *r, bool *first);

/* That a person has seen to it (resolve.h). at_ms 0: nobody did. */
struct resolved {
    const char *by, *note; /* stf_…; in his words, for staff only */
    int64_t at_ms;
};
/* A capture with the refund that it has. */
struct returned {
    struct capture capture;
    int64_t returned_fen; /* what the bills say was given back of it */
    int64_t partial_fen;  /* what a person says of that while it goes on paying for its order (partial.h) */
    bool asked;           /* refund is there */
    struct refund refund; /* without its note and reference */
    struct resolved resolved; /* of what it would need a person for; without its note */
};
/* What the audit trail has about a capture, its refund and its payment; oldest first. */
struct happening {
    int64_t at_ms;
    const char *action, *who, *name; /* name: of staff, else "" */
};
enum {
    HAPPENINGS_MAX = 100
};
enum err capture_history(struct ctx *c, const struct returned *one, struct happening **out, size_t *n);

/* By id; NOT_FOUND. */
enum err capture_read(struct ctx *c, const char *id, struct capture *out);
/* The capture that settled the order; NOT_FOUND. */
enum err capture_settled(struct ctx *c, const char *order_id, struct capture *out);
/* All captures of an order, or of a number of ours as the provider has it; oldest first. */
enum err captures_of_order(struct ctx *c, const char *order_id, struct returned **out, size_t *n);
enum err captures_of_payment(struct ctx *c, const char *payment_id, struct returned **out, size_t *n);
/* How many wait for a person. The mark differs when a capture came or a refund that is not done moved. */
enum err captures_waiting(struct ctx *c, int64_t *n, int64_t *mark);
/* Newest first, ids below `before` ("": the first page). attention: only those that a person must see to:
 * held and not on its way back, or a refund that is abnormal, closed, in trouble or paid twice; but for what
 * one has seen to. */
enum err captures_list(struct ctx *c, bool attention, const char *before, int limit, struct returned **out,
                       size_t *n);

#endif
