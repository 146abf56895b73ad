/* reason.h - why staff did something, in their own words: checked, and put down in the audit trail. */
#ifndef CERTDESK_CONVERT_REASON_H
#define CERTDESK_CONVERT_REASON_H

#include "core/ctx.h"

enum {
    REASON_MAX = 200 /* characters; the columns hold 400 */
};

/* A violation of `field` unless the reason has 1 to 200 characters that show. */
void reason_check(struct fault *f, const char *field, const char *reason);
/* {"key":"value","reason":"…"} for an audit row; key may be NULL. */
const char *reason_detail(struct arena *a, const char *key, const char *value, const char *reason);

#endif
