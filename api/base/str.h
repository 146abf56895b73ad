/* str.h - small text tools: growable buffer, UTF-8 check, hex, constant-time compare, ids. */
#ifndef CERTDESK_BASE_STR_H
#define CERTDESK_BASE_STR_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow in an arena. p is always NUL-terminated once anything was added; n excludes the NUL. */
struct buf {
    struct arena *arena;
    char *p;
    size_t n, cap;
};

#define BUF(a) ((struct buf){.arena = (a)})
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, "" when nothing was added. */
const char *buf_text(const struct buf *b);

/* True when the n bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, no > U+10FFFF)
 * without a NUL byte. protobuf-c checks neither. */
bool utf8_valid(const void *p, size_t n);
/* Number of code points of a valid UTF-8 string. */
size_t utf8_length(const char *s);

/* Lower-case hex; out gets 2n+1 bytes. */
void hex_encode(const void *p, size_t n, char *out);
/* Reads exactly 2n hex digits, either case; false on anything else. */
bool hex_decode(const char *hex, void *out, size_t n);

/* Equality whose time depends on n alone. */
bool same_bytes(const void *a, const void *b, size_t n);

/* n bytes from the kernel's generator (getrandom). Ends the process when the kernel refuses. */
void random_bytes(void *out, size_t n);

/* Overwrites memory in a way the compiler keeps. */
void wipe(void *p, size_t n);

/* An id such as "ord_01jd3x4k7m…": the prefix, '_', then 26 characters of Crockford base32, lower case: 48
 * bits of milliseconds and 80 random bits, so ids sort by time and cannot be guessed. prefix is at most 5
 * letters. */
enum {
    ID_SIZE = 33
};
void id_new(const char *prefix, char out[static ID_SIZE]);
/* True when s is an id with this prefix. */
bool id_valid(const char *prefix, const char *s);

#endif
