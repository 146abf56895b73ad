#include "provider/provider.h"

#include "base/str.h"

#include <string.h>

/* Bytes of the character at s. */
static size_t step(const char *s)
{
    size_t n = 1;
    while (((unsigned char)s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static const char *mask_middle(struct arena *a, const char *s, size_t keep_front, size_t keep_back)
{
    if (!s || !*s)
        return "";
    char *out = arena_strdup(a, s);
    size_t n = strlen(s);
    if (n < keep_front + keep_back + 1)
        keep_front = keep_back = 0;
    for (size_t i = keep_front; i < n - keep_back; i++)
        out[i] = '*';
    return out;
}

const char *mask_phone(struct arena *a, const char *phone)
{
    return mask_middle(a, phone ? bare_phone(phone) : NULL, 3, 4);
}

const char *mask_number(struct arena *a, const char *number)
{
    return mask_middle(a, number, 4, 4);
}

const char *mask_name(struct arena *a, const char *name)
{
    if (!name || !*name)
        return "";
    struct buf b = BUF(a);
    size_t first = step(name);
    buf_add(&b, name, first);
    for (const char *s = name + first; *s; s += step(s))
        buf_str(&b, "*");
    return buf_text(&b);
}

const char *bare_phone(const char *phone)
{
    return strncmp(phone, "+86", 3) == 0 ? phone + 3 : phone;
}

const char *upper_x(struct arena *a, const char *id_number)
{
    char *out = arena_strdup(a, id_number);
    for (char *c = out; *c; c++)
        if (*c == 'x')
            *c = 'X';
    return out;
}
