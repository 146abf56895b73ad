/* shipment.h - posting UKEYs and following the parcel to its receipt (S29). */
#ifndef CERTDESK_SHIPMENT_SHIPMENT_H
#define CERTDESK_SHIPMENT_SHIPMENT_H

#include "core/ctx.h"
#include "core/outbox.h"
#include "provider/provider.h"

/* Courier and number of the order's newest shipment for summaries; NOT_FOUND when nothing was posted. */
struct shipment_summary {
    char id[ID_SIZE];
    const char *courier, *number;
    int state; /* proto ShipmentState */
};
enum err shipment_of_order(struct ctx *c, const char *order_id, struct shipment_summary *out);

/* A push of kuaidi100 came in over HTTP; `key` is the last part of the callback's path, which names the
 * shipment. Verified by the shipment's salt, stored, the order moved on receipt. Runs its own transaction. */
enum err shipment_courier_push(struct ctx *c, const char *key, const struct provider_pair *form, size_t n);

extern const struct job_kind *const shipment_jobs[];
extern const size_t shipment_jobs_n;

#endif
