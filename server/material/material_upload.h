/* material_upload.h - taking a file in (S13), for the handlers. */
#ifndef CERTDESK_MATERIAL_MATERIAL_UPLOAD_H
#define CERTDESK_MATERIAL_MATERIAL_UPLOAD_H

#include "material/material.h"

struct decode_result;

struct incoming {
    const char *order_id, *kind, *file_name;
    int64_t size;       /* as announced; 0: not announced */
    const char *digest; /* hex as announced; "" when not */
    const void *bytes;  /* of which material_look() needs the first MATERIAL_HEAD; NULL: not there yet */
    size_t n;           /* 0: not known yet */
    unsigned char actual[32];
    const struct decode_result *said; /* what the decoder says of it; NULL: it was not asked */
};
enum {
    MATERIAL_HEAD = 16
};

/* Whether it would be taken, as far as that can be told without its digest and without looking into it: the
 * order's state, the channel's rule for the kind, type by content, size. Changes nothing. */
enum err material_look(struct ctx *c, const struct incoming *in);
/* The same and the rest; stores bytes and row; replaces the current one of the kind. In a transaction. Every
 * MATERIAL_BAD comes before anything is changed. */
enum err material_take(struct ctx *c, const struct incoming *in, struct material *out);
/* What orders that are over have for this one (see ListMaterials in the proto). */
enum err material_carried(struct ctx *c, const struct order *o, const struct material **out, size_t *n);
/* NOT_FOUND for what is not among them. In a transaction. */
enum err material_take_over(struct ctx *c, const char *order_id, const char *material_id,
                            struct material *out);
/* May the kind be uploaded or dropped now? */
enum err material_may_change(struct ctx *c, const struct order *o, const char *kind);
/* Is there a kind of the channel's that may? The order takes materials. */
enum err material_asked(struct ctx *c, const struct order *o, bool *asked);
/* Before a change: a signature that was asked for is for what was there before. */
enum err material_reopen(struct ctx *c, struct order *o);
/* The last part of a path, control characters out: it is shown to people. */
const char *material_clean_name(struct arena *a, const char *name);
/* Takes a material out of use while that is allowed. */
enum err material_drop(struct ctx *c, const char *id);
/* A material that the caller may see: through its order. */
enum err material_load(struct ctx *c, const char *id, struct material *out);
/* Kinds that are required and not there. */
enum err material_missing(struct ctx *c, const struct order *o, const char ***kinds, size_t *n);

#endif
