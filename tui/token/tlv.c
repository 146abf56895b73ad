#include "tlv.h"

#include <openssl/asn1.h>
#include <string.h>

/* Class and number as they stand in the identifier octets (X.690 8.1.2). */
static uint32_t raw_tag(const uint8_t *p)
{
    uint32_t t = *p;
    if ((*p & 0x1F) != 0x1F)
        return t;
    do
        t = t << 8 | *++p;
    while (*p & 0x80 && t <= 0xFFFFFF);
    return t;
}

const uint8_t *tlv_find(const uint8_t *p, size_t n, uint32_t tag, size_t *len)
{
    const uint8_t *end = p + n;
    while (p < end) {
        const unsigned char *value = p;
        long l;
        int number, class;
        int r = ASN1_get_object(&value, &l, &number, &class, end - p);
        if (r & 0x81) /* error, or indefinite length, which cards do not use */
            return NULL;
        if (raw_tag(p) == tag) {
            *len = (size_t)l;
            return value;
        }
        p = value + l;
    }
    return NULL;
}

bool tlv_put(uint8_t *out, size_t cap, size_t *at, uint32_t tag, const void *value, size_t n)
{
    uint8_t head[8];
    size_t h = 0;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (tag >> shift)
            head[h++] = (uint8_t)(tag >> shift);
    if (n > 0xFFFF)
        return false;
    if (n > 0xFF) {
        head[h++] = 0x82;
        head[h++] = (uint8_t)(n >> 8);
    } else if (n > 0x7F) {
        head[h++] = 0x81;
    }
    head[h++] = (uint8_t)n;
    if (*at > cap || h > cap - *at || (value && n > cap - *at - h))
        return false;
    memcpy(out + *at, head, h);
    *at += h;
    if (value && n) {
        memcpy(out + *at, value, n);
        *at += n;
    }
    return true;
}
