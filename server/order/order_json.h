/* order_json.h - subject, agent and purchase as JSON objects, and back. Pure.
 *
 * Members with empty text are left out, so that the same data always give the same bytes: the digests of
 * verifications and of the application signature rest on that.
 */
#ifndef CERTDESK_ORDER_ORDER_JSON_H
#define CERTDESK_ORDER_ORDER_JSON_H

#include "order/order.h"

#include <jansson.h>

/* New references. */
json_t *order_json_subject(const struct subject *s);
json_t *order_json_agent(const struct agent *a);
json_t *order_json_purchase(const struct purchase *p);

/* Compact text with sorted keys in the arena; drops the reference and wipes what jansson made. */
const char *order_json_text(struct arena *a, json_t *j);

/* DATA_LOSS when it is not such an object. Absent members become "" and 0; so does everything
 * when text is NULL. */
enum err order_json_read_subject(struct arena *a, const char *text, struct subject *out, struct fault *f);
enum err order_json_read_agent(struct arena *a, const char *text, struct agent *out, struct fault *f);
enum err order_json_read_purchase(struct arena *a, const char *text, struct purchase *out, struct fault *f);

/* Nothing submitted yet: every text of subject, agent and purchase is "". */
void order_json_blank(struct order *o);

#endif
