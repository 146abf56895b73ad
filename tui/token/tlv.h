/* tlv.h - BER-TLV as PIV uses it (SP 800-73-4 part 1, 3.4), read and written with OpenSSL. */
#ifndef CERTDESK_TOKEN_TLV_H
#define CERTDESK_TOKEN_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of the first element with this tag (0x53, 0x7F49) among the elements of p; NULL when it is not
 * there, or something before it is damaged. *len: its length, at least 0. */
const uint8_t *tlv_find(const uint8_t *p, size_t n, uint32_t tag, size_t *len);

/* Writes tag, length and value at out + *at and moves *at; false when cap is too small. `value` may be NULL:
 * only tag and length are written. */
bool tlv_put(uint8_t *out, size_t cap, size_t *at, uint32_t tag, const void *value, size_t n);

#endif
