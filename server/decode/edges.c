/* Files that are two things at once. */
#include "decode/picture.h"

#include <string.h>

enum {
    ZIP_END = 22, /* APPNOTE 4.3.16, without its comment */
    ZIP_COMMENT_MAX = 65535,
    PDF_HEADER_WITHIN = 1024,
};

/* The record that ends an archive, with a comment that reaches exactly to the end of the file: that is how
 * archives are recognized. One that hides in the middle of a stream is no archive to anybody. */
static bool is_archive(const uint8_t *p, size_t n)
{
    size_t from = n > ZIP_END + ZIP_COMMENT_MAX ? n - ZIP_END - ZIP_COMMENT_MAX : 0;
    for (size_t i = from; i + ZIP_END <= n; i++)
        if (memcmp(p + i, "PK\5\6", 4) == 0 && i + ZIP_END + p[i + 20] + (size_t)p[i + 21] * 256 == n)
            return true;
    return false;
}

bool edges_clean(const struct input *in, enum decode_type type)
{
    size_t head = in->n < PDF_HEADER_WITHIN ? in->n : PDF_HEADER_WITHIN;
    if (type != DECODE_PDF && memmem(in->bytes, head, "%PDF-", 5))
        return false;
    return !is_archive(in->bytes, in->n);
}

bool edges_padding(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0 && p[i] != 0xFF && p[i] != ' ' && p[i] != '\n' && p[i] != '\r' && p[i] != '\t')
            return false;
    return true;
}
