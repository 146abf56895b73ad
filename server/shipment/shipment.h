/* shipment.h - posting UKEYs and following the parcel to its receipt (S29). */
#ifndef CERTDESK_SHIPMENT_SHIPMENT_H
#define CERTDESK_SHIPMENT_SHIPMENT_H

#include "callback_route.h"
#include "core/ctx.h"
#include "core/outbox.h"

/* Courier and number of the order's newest shipment for summaries; NOT_FOUND when nothing was posted. */
struct shipment_summary {
    char id[ID_SIZE];
    const char *courier, *number;
    int state; /* proto ShipmentState */
    bool in_work;
};
enum err shipment_of_order(struct ctx *c, const char *order_id, struct shipment_summary *out);

/* /callback/kuaidi100/<key>: a push of kuaidi100; the key names the shipment. Verified by the shipment's
 * salt, stored, the order moved on receipt. */
extern const struct callback_table shipment_callbacks;

extern const struct job_kind *const shipment_jobs[];
extern const size_t shipment_jobs_n;

#endif
