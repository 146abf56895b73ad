/* resolve.h - what a person has seen to although its money moves no more (S15).
 *
 * Held money that nobody asked back may be somebody else's on the same account, or none at all; of a refund
 * that was paid twice the payer has too much. Neither can be put right here: a person says what became of it,
 * once for each, and it needs nobody any more.
 */
#ifndef CERTDESK_PAYMENT_RESOLVE_H
#define CERTDESK_PAYMENT_RESOLVE_H

#include "payment/refund_store.h"

enum resolved_what {
    RESOLVED_NONE,
    RESOLVED_HELD,
    RESOLVED_TWICE,
};
/* What of it could be seen to; refund: NULL when nobody asked it back. */
enum resolved_what resolve_what(const struct capture *cap, const struct refund *r);

/* A capture with all that is known of it, notes too. NOT_FOUND. */
enum err capture_whole(struct ctx *c, const char *id, struct returned *out);

/* A person's word, with its audit row. *out: as it is then. INVALID: no note. PAYMENT_STATE: it needs nobody,
 * was seen to, or another verb ends it. */
enum err resolve_capture(struct ctx *c, const char *capture_id, const char *note, struct returned *out);

/* ERR_DB_DUPLICATE when it was seen to. */
enum err resolved_insert(struct ctx *c, const char *capture_id, enum resolved_what what, const char *note);
/* With the note. NOT_FOUND. */
enum err resolved_read(struct ctx *c, const char *capture_id, enum resolved_what what, struct resolved *out);

#endif
