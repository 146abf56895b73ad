/* unzip.h - the files of a small ZIP archive in memory, by libarchive. Names are not looked at: suppliers
 * write them in charsets of their own, and nothing is written to a disk. */
#ifndef CERTDESK_PROVIDER_UNZIP_H
#define CERTDESK_PROVIDER_UNZIP_H

#include "base/arena.h"
#include "base/err.h"

struct unzipped {
    const char *p; /* in the arena, a NUL follows */
    size_t n;
};

enum {
    UNZIP_FILES_MAX = 8
};

/* The regular files in their order. ERR_INVALID: no ZIP archive, one that is damaged, more than
 * UNZIP_FILES_MAX files or more than `max` octets in all. */
enum err unzip(const void *p, size_t n, size_t max, struct arena *a,
               struct unzipped out[static UNZIP_FILES_MAX], size_t *n_out, struct fault *f);

#endif
