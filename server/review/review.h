/* review.h - the reviewers' queue and their decisions (S18, S27). */
#ifndef CERTDESK_REVIEW_REVIEW_H
#define CERTDESK_REVIEW_REVIEW_H

#include "core/ctx.h"
#include "material/material.h"
#include "order/order.h"

struct review_item {
    const char *order_id;
    int64_t submitted_ms, due_ms;
};
/* Orders in REVIEW, the earliest due first; after: due_ms and id of the last one seen (0, ""). */
enum err review_queue(struct ctx *c, int64_t after_due, const char *after_id, int limit,
                      struct review_item **out, size_t *n, int64_t *total);

struct decision {
    const char *order_id;
    int64_t version; /* that the reviewer saw: CONFLICT when the order is another by now */
    bool approve;
    size_t n;
    const char *const *material_ids;
    const enum material_verdict *verdicts;
    const char *const *reasons;
    const char *comment;
};
/* Approve: every material is approved, the order goes to ISSUE or, of a download, to DOWNLOAD. Send back: at
 * least one is refused with a reason, the order goes to CORRECTION. Both are told by SMS and e-mail once. */
enum err review_decide(struct ctx *c, const struct decision *d, struct order *out);

/* The newest refusal of the order, online or by paper; decided_ms 0: there was none. */
struct review_refusal {
    const char *comment; /* "" when the reviewer said none */
    int64_t decided_ms;
};
enum err review_refusal(struct ctx *c, const char *order_id, struct review_refusal *out);

/* One field in clear, audited with the reason. INVALID for an unknown path. */
enum err review_reveal(struct ctx *c, const char *order_id, const char *field, const char *reason,
                       const char **out);

#endif
