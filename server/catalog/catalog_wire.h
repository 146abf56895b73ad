/* catalog_wire.h - channels and quotes as messages. */
#ifndef CERTDESK_CATALOG_CATALOG_WIRE_H
#define CERTDESK_CATALOG_CATALOG_WIRE_H

#include "catalog/channel_file.h"
#include "convert/convert.h"
#include "dispatch.h"

#include <certdesk/v1/channel_service.pb-c.h>

/* An array of message pointers with its count, as protobuf-c wants it. */
#define WIRE_LIST(c, T, n) ARENA_ARRAY((c)->arena, T *, (n) + 1)

/* Without offers, which come with the whole channel. */
PB(Channel) * wire_channel(struct ctx *c, const struct channel *ch, const struct policy *p);
void wire_offers(struct ctx *c, const struct whole *w, PB(Channel) * out);
PB(Quote) * wire_quote(struct ctx *c, const struct quote *q);

#endif
