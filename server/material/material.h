/* material.h - uploaded documents and photos of an order (S13), and what reviewers say of each (S18).
 *
 * Bytes are content-addressed, encrypted, in a directory: written and fsynced before the row. Type is told by
 * content.
 */
#ifndef CERTDESK_MATERIAL_MATERIAL_H
#define CERTDESK_MATERIAL_MATERIAL_H

#include "core/ctx.h"
#include "order/order.h"

enum material_verdict {
    VERDICT_NONE,
    VERDICT_APPROVED,
    VERDICT_REFUSED,
};

struct material {
    char id[ID_SIZE], order[ID_SIZE];
    const char *kind, *title, *file_name, *content_type;
    int64_t size;
    unsigned char digest[32];
    enum material_verdict verdict;
    const char *reason;
    int64_t created_ms;
};

/* Current materials of an order (replaced ones are kept but not listed), ordered by kind: the order of the
 * text that is signed, whatever the channel says later. */
enum err material_list(struct ctx *c, const char *order_id, const struct material **out, size_t *n);
/* The same in the channel's order, for people; last what the channel does not ask for any more. */
enum err material_shown(struct ctx *c, const struct order *o, const struct material **out, size_t *n);
/* OK when every required kind of the channel is there and none is refused; MATERIAL_MISSING with one
 * violation per missing or refused kind otherwise. */
enum err material_complete(struct ctx *c, const struct order *o);
/* The agent is somebody else: what was uploaded of the one before (material_rule.of_agent) is kept as
 * replaced and not in use any more. Inside a transaction. */
enum err material_of_former_agent(struct ctx *c, const struct order *o);
/* Sets the verdicts of a review decision; inside a transaction. INVALID (with fields
 * decisions[i].material_id) for a material that is not current for this order, or a refusal without a reason.
 */
enum err material_decide(struct ctx *c, const struct order *o, size_t n, const char *const *ids,
                         const enum material_verdict *verdicts, const char *const *reasons);
/* The bytes, digest checked, in c->arena. DATA_LOSS when the store and the row disagree. */
enum err material_bytes(struct ctx *c, const struct material *m, const void **bytes, size_t *n);

#endif
