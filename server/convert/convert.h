/* convert.h - what every x_rpc.c needs to fill protobuf-c messages from plain values, all in the arena. */
#ifndef CERTDESK_CONVERT_H
#define CERTDESK_CONVERT_H

#include "core/ctx.h"

#include <google/protobuf/timestamp.pb-c.h>

/* NULL for 0: the field stays absent. */
Google__Protobuf__Timestamp *to_timestamp(struct arena *a, int64_t ms);
/* protobuf-c wants char * that it does not write to; "" for NULL. */
char *to_text(struct arena *a, const char *s);

#endif
