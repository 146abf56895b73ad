/* partial.h - uploads in single calls, until they are whole (S13).
 *
 * The bytes are rows: sealed, in the transaction that counts them as received, and so on every server of the
 * database and after any crash. They live for a day at most. An upload is its account's; of anybody else's
 * there is no such upload.
 */
#ifndef CERTDESK_MATERIAL_PARTIAL_H
#define CERTDESK_MATERIAL_PARTIAL_H

#include "material/material_upload.h"

struct partial {
    char id[ID_SIZE], account[ID_SIZE], order[ID_SIZE], material[ID_SIZE]; /* material "": unfinished */
    const char *kind, *file_name;
    int64_t size, received, created_ms, expires_ms;
    unsigned char digest[32];
};

enum {
    PARTIAL_CHUNK = 256 << 10,
    PARTIAL_MOST = 10,     /* unfinished ones of an account ... */
    PARTIAL_MOST_MIB = 64, /* ... and what they announce together */
    PARTIAL_LIFE_MS = 86400000,
    PARTIAL_BATCH = 8, /* are deleted in one transaction */
};

/* In a transaction. in is as announced: no bytes. Drops an unfinished one of the same order and kind. */
enum err partial_start(struct ctx *c, const struct incoming *in, struct partial *out);
/* NOT_FOUND, also when it has expired. */
enum err partial_load(struct ctx *c, const char *id, struct partial *out);
/* In a transaction: the chunk at offset; p->received is moved on. */
enum err partial_add(struct ctx *c, struct partial *p, int64_t offset, const void *bytes, size_t n);
/* As it would be taken in: PRECONDITION when bytes are missing. in->bytes are its beginning only. */
enum err partial_incoming(struct ctx *c, const struct partial *p, struct incoming *in);
/* All of it, to fd's start; a chunk at a time in memory. */
enum err partial_write(struct ctx *c, const struct partial *p, int fd);
/* In a transaction: it became this material, or nothing (NULL). Its bytes go. */
enum err partial_done(struct ctx *c, const struct partial *p, const char *material);
/* Opens its own transactions, a few uploads each: all that have expired go, whosever they are. */
enum err partial_sweep(struct ctx *c);

#endif
