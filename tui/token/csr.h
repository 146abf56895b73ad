/* csr.h - a certificate request (PKCS #10, RFC 2986) signed inside the token: proof of possession. */
#ifndef CERTDESK_TOKEN_CSR_H
#define CERTDESK_TOKEN_CSR_H

#include "token/ukey.h"

#include "base/arena.h"

/* The public key and a CN (UTF-8, at most 64 characters; the CA takes the subject from the order, not from
 * here), signed in `slot`: ecdsa-with-SHA256 or SM2-with-SM3. The transaction is open and the PIN verified.
 * *der is in the arena. ERR_CARD_DOUBTFUL when the slot's key is not `pub`: the signature is checked. */
enum err csr_make(struct ukey *u, enum ukey_slot slot, const struct ukey_pub *pub, const char *common_name,
                  struct arena *a, uint8_t **der, size_t *n, struct fault *f);

/* A request out of a file, PEM or DER; what is not PEM is given as it is. *der is in the arena. ERR_INVALID.
 */
enum err csr_of_file(const uint8_t *text, size_t n, struct arena *a, uint8_t **der, size_t *der_n,
                     struct fault *f);

#endif
