/* shipment_desk.h - what the desk does with parcels (S29), for the handlers. */
#ifndef CERTDESK_SHIPMENT_SHIPMENT_DESK_H
#define CERTDESK_SHIPMENT_SHIPMENT_DESK_H

#include "order/order.h"
#include "provider/courier.h"
#include "shipment/shipment.h"

enum shipment_state { /* numbers of proto ShipmentState */
    SHIPMENT_POSTED = 1,
    SHIPMENT_IN_TRANSIT,
    SHIPMENT_OUT_FOR_DELIVERY,
    SHIPMENT_RECEIVED,
    SHIPMENT_PROBLEM,
    SHIPMENT_RETURNED,
    SHIPMENT_LOST,
    SHIPMENT_LAST = SHIPMENT_LOST,
};

struct shipment_event {
    int64_t event_ms;
    const char *text, *place;
};

struct shipment {
    char id[ID_SIZE], order[ID_SIZE];
    const char *media; /* medium numbers of the order's UKEYs, a blank between two */
    const char *courier, *tracking_number;
    const char *salt, *push_key;
    enum shipment_state state;
    struct address delivery;
    bool in_work;
    int64_t version, created_ms, updated_ms;
};

struct ship_item {
    const char *order_id, *media; /* as above */
    int64_t ready_ms;
};

/* Hands the order's UKEYs to a courier in one parcel: scanned is what was packed, each of the order's own and
 * no other; missing and foreign ones are named. The order is SHIPPED, the applicant is told, the courier is
 * asked to report. */
enum err shipment_create(struct ctx *c, const char *order_id, char *const *scanned, size_t n,
                         const char *courier, const char *tracking_number, struct shipment *out);
/* The newest shipment of an order that the caller may see. */
enum err shipment_load(struct ctx *c, const char *order_id, struct shipment *out);
/* Stores what the courier says; on receipt the order is finished. Repeats and old news change nothing. */
enum err shipment_track(struct ctx *c, struct shipment *s, const struct courier_track *t);
/* A returned or lost parcel: post again, or mark it lost with the reason. */
enum err shipment_resolve(struct ctx *c, const char *id, bool post_again, const char *reason,
                          struct shipment *out);

#endif
