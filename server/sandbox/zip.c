#include "sandbox/zip.h"

#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

static la_ssize_t on_write(struct archive *z, void *arg, const void *p, size_t n)
{
    (void)z;
    buf_add(arg, p, n);
    return (la_ssize_t)n;
}

static void need(bool ok)
{
    if (!ok)
        abort(); /* nothing but memory can fail here */
}

const char *zip_write(struct arena *a, const struct zip_file *files, size_t n, size_t *n_out)
{
    struct buf b = BUF(a);
    struct archive *z = archive_write_new();
    need(z && archive_write_set_format_zip(z) == ARCHIVE_OK &&
         archive_write_set_bytes_per_block(z, 0) == ARCHIVE_OK &&
         archive_write_open(z, &b, NULL, on_write, NULL) == ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        const char *text = gbk_text(a, files[i].text);
        size_t size = strlen(text);
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, gbk_text(a, files[i].name));
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (la_int64_t)size);
        need(archive_write_header(z, e) >= ARCHIVE_WARN); /* the name is in no charset that it knows */
        need(archive_write_data(z, text, size) == (la_ssize_t)size);
        archive_entry_free(e);
    }
    need(archive_write_free(z) == ARCHIVE_OK);
    *n_out = b.n;
    return b.p;
}

const char *gbk_text(struct arena *a, const char *text)
{
    iconv_t c = iconv_open("GBK", "UTF-8");
    need(c != (iconv_t)-1);
    size_t n = strlen(text), room = n;
    char *from = arena_strdup(a, text), *out = arena_alloc(a, room + 1), *to = out;
    while (n && iconv(c, &from, &n, &to, &room) == (size_t)-1) {
        *to++ = '?';
        room--;
        for (from++, n--; n && ((unsigned char)*from & 0xC0) == 0x80; from++, n--)
            ;
    }
    iconv_close(c);
    return out;
}
