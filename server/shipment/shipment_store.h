/* shipment_store.h - rows of shipment and shipment_event. */
#ifndef CERTDESK_SHIPMENT_SHIPMENT_STORE_H
#define CERTDESK_SHIPMENT_SHIPMENT_STORE_H

#include "shipment/shipment_desk.h"

enum err shipment_insert(struct ctx *c, const struct shipment *s);
enum err shipment_by_id(struct ctx *c, const char *id, struct shipment *out);
enum err shipment_by_push_key(struct ctx *c, const char *key, struct shipment *out);
/* The newest of the order. */
enum err shipment_newest(struct ctx *c, const char *order_id, struct shipment *out);
/* Compare-and-set on version; ended takes it out of work. */
enum err shipment_set_state(struct ctx *c, struct shipment *s, enum shipment_state to, bool ended);
enum err shipment_put_events(struct ctx *c, const char *id, const struct shipment_event *events, size_t n);
enum err shipment_events(struct ctx *c, const char *id, struct shipment_event **out, size_t *n);
enum err shipment_list(struct ctx *c, int state, const char *after, int limit, struct shipment **out,
                       size_t *n);
/* After that one. */
enum err ship_queue(struct ctx *c, int64_t after_ms, const char *after_id, int limit, struct ship_item **out,
                    size_t *n, int64_t *total);

#endif
