#include "provider/mime.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/sign.h"

#include <string.h>

enum {
    WORD_BYTES = 45,   /* 60 characters of base64: an encoded-word may have 75 (RFC 2047 2) */
    ADDRESS_MAX = 254, /* RFC 5321 4.5.3.1.3 */
    PLAIN_MAX = 60,
};

bool mime_text_ok(const char *s)
{
    if (!utf8_valid(s, strlen(s)))
        return false;
    for (const char *c = s; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    return true;
}

bool mime_address_ok(const char *s)
{
    static const char local[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'*+-/=?^_`{|}~.";
    static const char domain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";
    size_t n = s ? strlen(s) : 0, at = s ? strspn(s, local) : 0;
    return n <= ADDRESS_MAX && at > 0 && s[at] == '@' && s[at + 1] &&
           strspn(s + at + 1, domain) == n - at - 1;
}

static bool plain(const char *s)
{
    if (strlen(s) > PLAIN_MAX || strstr(s, "=?"))
        return false;
    for (; *s; s++)
        if ((unsigned char)*s > 0x7E)
            return false;
    return true;
}

/* Bytes of the longest run of whole characters that fits one encoded-word. */
static size_t word_length(const char *s)
{
    size_t n = strnlen(s, WORD_BYTES + 1);
    if (n <= WORD_BYTES)
        return n;
    n = WORD_BYTES;
    while (((unsigned char)s[n] & 0xC0) == 0x80)
        n--;
    return n;
}

static const char *words(struct arena *a, const char *text)
{
    struct buf b = BUF(a);
    while (*text) {
        size_t n = word_length(text);
        buf_printf(&b, "%s=?UTF-8?B?%s?=", b.n ? "\r\n " : "", base64_encode(a, text, n));
        text += n;
    }
    return buf_text(&b);
}

const char *mime_encoded_words(struct arena *a, const char *text)
{
    return plain(text) ? text : words(a, text);
}

const char *mime_mailbox(struct arena *a, const char *name, const char *address)
{
    if (!name || !*name)
        return arena_printf(a, "<%s>", address);
    /* a phrase may hold specials only when quoted; an encoded-word needs no quotes (RFC 2047 5.3) */
    return arena_printf(a, "%s\r\n <%s>", words(a, name), address);
}

const char *mime_disposition(struct arena *a, const char *name)
{
    static const char safe[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";
    if (strspn(name, safe) == strlen(name))
        return arena_printf(a, "Content-Disposition: attachment; filename=\"%s\"", name);
    return arena_printf(a, "Content-Disposition: attachment;\r\n filename*=UTF-8''%s", url_escape(a, name));
}
