#include "base/str.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void reserve(struct buf *b, size_t more)
{
    if (b->cap - b->n > more)
        return;
    size_t cap = (b->n + more + 1) * 2;
    char *p = arena_alloc(b->arena, cap);
    if (b->n)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    reserve(b, n);
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t room = b->cap - b->n;
    int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n >= room) {
        reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
    }
    if (n > 0)
        b->n += (size_t)n;
    va_end(again);
}

const char *buf_text(const struct buf *b)
{
    return b->p ? b->p : "";
}

/* Length of the well-formed sequence at s, 0 when there is none (Unicode 15, table 3-7). */
static size_t utf8_step(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] ? 1 : 0;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        return n > 1 && (s[1] & 0xC0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        unsigned char lo = s[0] == 0xE0 ? 0xA0 : 0x80, hi = s[0] == 0xED ? 0x9F : 0xBF;
        return n > 2 && s[1] >= lo && s[1] <= hi && (s[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        unsigned char lo = s[0] == 0xF0 ? 0x90 : 0x80, hi = s[0] == 0xF4 ? 0x8F : 0xBF;
        return n > 3 && s[1] >= lo && s[1] <= hi && (s[2] & 0xC0) == 0x80 && (s[3] & 0xC0) == 0x80 ? 4 : 0;
    }
    return 0;
}

bool utf8_valid(const void *p, size_t n)
{
    for (const unsigned char *s = p; n;) {
        size_t k = utf8_step(s, n);
        if (!k)
            return false;
        s += k;
        n -= k;
    }
    return true;
}

size_t utf8_length(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

void hex_encode(const void *p, size_t n, char *out)
{
    const unsigned char *s = p;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[s[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[s[i] & 15];
    }
    out[2 * n] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *hex, void *out, size_t n)
{
    unsigned char *o = out;
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(hex[2 * i]);
        int lo = hi < 0 ? -1 : nibble(hex[2 * i + 1]);
        if (lo < 0)
            return false;
        o[i] = (unsigned char)(hi << 4 | lo);
    }
    return hex[2 * n] == '\0';
}

bool same_bytes(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char d = 0;
    for (size_t i = 0; i < n; i++)
        d |= (unsigned char)(x[i] ^ y[i]);
    return d == 0;
}

void random_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n) {
        ssize_t k = getrandom(p, n, 0);
        if (k <= 0) {
            perror("certdesk: getrandom");
            abort();
        }
        p += k;
        n -= (size_t)k;
    }
}

void wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
enum {
    ID_DIGITS = 26,
    ID_PREFIX_MAX = 5
};

void id_new(const char *prefix, char out[static ID_SIZE])
{
    unsigned char b[16]; /* 48 bits of time, 80 of chance; two leading zero bits make 26 digits of 5 */
    uint64_t ms = (uint64_t)clock_now_ms();
    for (int i = 5; i >= 0; i--, ms >>= 8)
        b[i] = (unsigned char)ms;
    random_bytes(b + 6, 10);
    size_t n = strnlen(prefix, ID_PREFIX_MAX);
    memcpy(out, prefix, n);
    out[n++] = '_';
    unsigned bits = 0, have = ID_DIGITS * 5 - 8 * sizeof b; /* not written yet, and how many they are */
    for (size_t i = 0; i < sizeof b; i++)
        for (bits = bits << 8 | b[i], have += 8; have >= 5; have -= 5)
            out[n++] = alphabet[bits >> (have - 5) & 31];
    out[n] = '\0';
}

bool id_valid(const char *prefix, const char *s)
{
    size_t n = strlen(prefix);
    if (strncmp(s, prefix, n) != 0 || s[n] != '_')
        return false;
    s += n + 1;
    return strspn(s, alphabet) == ID_DIGITS && s[ID_DIGITS] == '\0';
}
