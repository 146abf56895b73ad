#include "provider/gbk.h"

#include <iconv.h>
#include <stdint.h>

char *gbk_to_utf8(struct arena *a, const void *p, size_t n, size_t *n_out)
{
    iconv_t c = iconv_open("UTF-8", "GB18030");
    if (c == (iconv_t)-1)
        return NULL;
    size_t room = 3 * n; /* the worst case: two octets become three, one stays one */
    char *out = arena_alloc(a, room + 1), *to = out, *from = (char *)(uintptr_t)p;
    size_t bad = iconv(c, &from, &n, &to, &room);
    iconv_close(c);
    if (bad == (size_t)-1 || n)
        return NULL;
    *n_out = (size_t)(to - out);
    return out;
}
