/* picture_store.h - rows of `account_picture`: the caller's. */
#ifndef CERTDESK_ACCOUNT_PICTURE_STORE_H
#define CERTDESK_ACCOUNT_PICTURE_STORE_H

#include "core/ctx.h"

enum err picture_store(struct ctx *c, const void *jpeg, size_t n);
enum err picture_remove(struct ctx *c, bool *was_there);
enum err picture_load(struct ctx *c, const void **jpeg, size_t *n);

#endif
