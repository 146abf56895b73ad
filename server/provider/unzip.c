#include "provider/unzip.h"

#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>

static void drop(struct archive **z)
{
    archive_read_free(*z);
}

/* Reads the entry's octets until its end; false when the archive is damaged or there are too many. */
static bool read_entry(struct archive *z, size_t max, struct buf *b)
{
    char part[16384];
    for (;;) {
        la_ssize_t n = archive_read_data(z, part, sizeof part);
        if (n == 0)
            return true;
        if (n < 0 || b->n + (size_t)n > max)
            return false;
        buf_add(b, part, (size_t)n);
    }
}

enum err unzip(const void *p, size_t n, size_t max, struct arena *a,
               struct unzipped out[static UNZIP_FILES_MAX], size_t *n_out, struct fault *f)
{
    CLEANUP(drop)
    struct archive *z = archive_read_new();
    struct archive_entry *entry;
    *n_out = 0;
    if (!z || archive_read_support_format_zip(z) != ARCHIVE_OK ||
        archive_read_open_memory(z, p ? p : "", n) != ARCHIVE_OK)
        return fail(f, ERR_INVALID, "not a ZIP archive");
    int got;
    /* ARCHIVE_WARN: a name in no charset of ours */
    while ((got = archive_read_next_header(z, &entry)) == ARCHIVE_OK || got == ARCHIVE_WARN) {
        if (archive_entry_filetype(entry) != AE_IFREG)
            continue;
        struct buf b = BUF(a);
        if (*n_out == UNZIP_FILES_MAX || !read_entry(z, max, &b))
            return fail(f, ERR_INVALID, "the ZIP archive is damaged or too large");
        max -= b.n;
        out[(*n_out)++] = (struct unzipped){buf_text(&b), b.n};
    }
    return got == ARCHIVE_EOF ? OK : fail(f, ERR_INVALID, "the ZIP archive is damaged");
}
