/* zip.h - writes a small ZIP archive, by libarchive; and GBK, which its readers expect. */
#ifndef CERTDESK_SANDBOX_ZIP_H
#define CERTDESK_SANDBOX_ZIP_H

#include "base/arena.h"

struct zip_file {
    const char *name, *text; /* UTF-8; both are written as GBK */
};

/* The archive's octets in the arena. */
const char *zip_write(struct arena *a, const struct zip_file *files, size_t n, size_t *n_out);

/* GBK of UTF-8 text, NUL-terminated; a character that GBK has not becomes "?". */
const char *gbk_text(struct arena *a, const char *text);

#endif
