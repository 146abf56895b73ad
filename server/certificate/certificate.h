/* certificate.h - certificates that were issued (S21). */
#ifndef CERTDESK_CERTIFICATE_CERTIFICATE_H
#define CERTDESK_CERTIFICATE_CERTIFICATE_H

#include "core/ctx.h"

struct certificate_summary {
    char id[ID_SIZE];
    const char *serial_hex, *medium_number;
    int64_t not_before_ms, not_after_ms;
};
/* NOT_FOUND when the order has none yet. */
enum err certificate_of_order(struct ctx *c, const char *order_id, struct certificate_summary *out);

#endif
