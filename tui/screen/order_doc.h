/* order_doc.h - an order as a document: everything entered, in the words of the manual. */
#ifndef CERTDESK_SCREEN_ORDER_DOC_H
#define CERTDESK_SCREEN_ORDER_DOC_H

#include "ui/doc.h"

#include <certdesk/v1/material_service.pb-c.h>
#include <certdesk/v1/order_service.pb-c.h>

/* Fields that the server masks and a reviewer may have shown (ReviewService.RevealField). */
enum {
    MASKED_ITEM = 1000 /* item numbers of these lines: this and the index in order_masked */
};
struct masked {
    const char *path;  /* proto path */
    const char *label; /* msgid */
};
extern const struct masked order_masked[];
extern const size_t n_order_masked;

/* What is known in clear of a masked field; NULL: nothing. */
typedef const char *order_clear(void *arg, const char *path);

struct order_doc {
    struct doc *doc;
    const Certdesk__V1__Order *order;
    order_clear *clear; /* NULL: masked fields cannot be chosen */
    void *arg;
};

/* State, people, purchase, payment, certificate, shipment. */
void order_compose(const struct order_doc *o);

/* One of order_masked: masked, or in clear when it was shown. */
void order_masked_line(const struct order_doc *o, const char *path, const char *text);

/* "PNG, 312 KB" */
char *material_kind(struct arena *a, const Certdesk__V1__Material *m);

#endif
