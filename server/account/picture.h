/* picture.h - the picture of an account (S4): drawn anew from what was sent, so that nothing of a stranger's
 * file is kept or shown.
 */
#ifndef CERTDESK_ACCOUNT_PICTURE_H
#define CERTDESK_ACCOUNT_PICTURE_H

#include "core/ctx.h"

enum {
    PICTURE_SIDE = 256,
    PICTURE_MAX_BYTES = 5 << 20,
};

/* INVALID with the field `image` for what is too large. */
enum err picture_check(struct ctx *c, size_t n);
/* In a transaction: the caller's picture is this JPEG; n 0: none. */
enum err picture_set(struct ctx *c, const void *jpeg, size_t n);
/* The caller's own; NOT_FOUND. */
enum err picture_get(struct ctx *c, const void **jpeg, size_t *n);

#endif
