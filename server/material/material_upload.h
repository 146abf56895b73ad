/* material_upload.h - taking a file in (S13), for the handlers. */
#ifndef CERTDESK_MATERIAL_MATERIAL_UPLOAD_H
#define CERTDESK_MATERIAL_MATERIAL_UPLOAD_H

#include "material/material.h"

struct incoming {
    const char *order_id, *kind, *file_name;
    int64_t size;       /* as announced; 0: not announced */
    const char *digest; /* hex as announced; "" when not */
    const void *bytes;
    size_t n;
    unsigned char actual[32];
};

/* Checks the order's state, the channel's rule for the kind, type by content, size and digest; stores bytes
 * and row; replaces the current one of the kind. In a transaction. */
enum err material_take(struct ctx *c, const struct incoming *in, struct material *out);
/* Takes a material out of use while that is allowed. */
enum err material_drop(struct ctx *c, const char *id);
/* A material that the caller may see: through its order. */
enum err material_load(struct ctx *c, const char *id, struct material *out);
/* Kinds that are required and not there. */
enum err material_missing(struct ctx *c, const struct order *o, const char ***kinds, size_t *n);

#endif
