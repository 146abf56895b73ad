/* order_store.h - every statement about orders. Callers are the rules and the mover of this folder. */
#ifndef CERTDESK_ORDER_ORDER_STORE_H
#define CERTDESK_ORDER_ORDER_STORE_H

#include "order/order.h"

enum err order_store_insert(struct ctx *c, const struct order *o);
/* One UPDATE that must match o's state and version; on OK *o is as stored. ORDER_OPEN when the subject's
 * number has another open order (S10). */
enum err order_store_update(struct ctx *c, struct order *o, enum order_state to,
                            const struct order_change *ch);

enum {
    ORDER_GROUP = 32
};
/* Up to ORDER_GROUP orders of several callers in one SELECT: errs[i] is OK with outs[i] filled, or NOT_FOUND
 * when cs[i]'s caller may not see ids[i]. Texts are in cs[i]'s arena; signed_text is not read. */
enum err order_store_group(size_t n, struct ctx *const *cs, const char *const *ids, struct order *outs,
                           enum err *errs);
/* Orders of the ctx's account, newest first, with ids below `before` ("" for the first page). */
enum err order_store_mine(struct ctx *c, bool ended, const char *before, int limit, struct order **out,
                          size_t *n);

#endif
