/* partial_store.h - rows of `material_upload` and `material_chunk`. */
#ifndef CERTDESK_MATERIAL_PARTIAL_STORE_H
#define CERTDESK_MATERIAL_PARTIAL_STORE_H

#include "material/partial.h"

enum err partial_insert(struct ctx *c, const struct partial *p);
/* The caller's own, not expired; NOT_FOUND otherwise. */
enum err partial_by_id(struct ctx *c, const char *id, struct partial *out);
/* Unfinished ones of the caller, and the bytes they announce; nobody adds one meanwhile. */
enum err partial_count(struct ctx *c, int64_t *count, int64_t *bytes);
/* Compare-and-set: n bytes more were received. */
enum err partial_advance(struct ctx *c, const struct partial *p, int64_t n);
enum err partial_insert_chunk(struct ctx *c, const char *id, int64_t position, const void *bytes, size_t n);
/* The chunk in which the byte at offset lies; *at is where it begins. DATA_LOSS when there is none. */
enum err partial_chunk(struct ctx *c, const char *id, int64_t offset, int64_t *at, const char **bytes,
                       int64_t *n);
/* Compare-and-set: it was unfinished. */
enum err partial_set_material(struct ctx *c, const char *id, const char *material);
enum err partial_remove_chunks(struct ctx *c, const char *id);
enum err partial_remove(struct ctx *c, const char *id);
/* The unfinished one of this order and kind, if any. */
enum err partial_remove_kind(struct ctx *c, const char *order_id, const char *kind);
/* The caller's own unfinished ones that have expired: PARTIAL_MOST at most. */
enum err partial_remove_own_expired(struct ctx *c);
/* A few of those that have expired, whosever they are; *n: how many. PARTIAL_BATCH: perhaps there are more.
 */
enum err partial_remove_expired(struct ctx *c, size_t *n);

#endif
