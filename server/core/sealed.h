/* sealed.h - a text in a column of bytes, sealed for its place (core/crypt.h): what stores do with personal
 * data.
 */
#ifndef CERTDESK_CORE_SEALED_H
#define CERTDESK_CORE_SEALED_H

#include "core/db.h"

/* place: "orders.subject", id: the row's. A text that is NULL becomes SQL NULL. */
enum err sealed_arg(struct ctx *c, const char *place, const char *id, const char *text, struct arg *out);
/* The other way; SQL NULL gives `absent`. DATA_LOSS when it does not authenticate. */
enum err sealed_text(struct ctx *c, const char *place, const char *id, const struct cell *cell,
                     const char *absent, const char **out);

#endif
