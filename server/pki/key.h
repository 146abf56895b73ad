/* key.h - public keys and signatures as plain bytes.
 *
 * The algorithms that a certificate here may have, how each signs, and the check of a signature that a UKEY
 * made. SM2 is always SM2-with-SM3 under the signer id "1234567812345678" (GM/T 0009 10): OpenSSL would use
 * an empty id unless told, and nothing else would accept the result.
 *
 * Nothing in server/pki's public headers shows an OpenSSL type. Bytes that a function returns live in the
 * arena that it was given.
 */
#ifndef CERTDESK_PKI_KEY_H
#define CERTDESK_PKI_KEY_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* DER (or any bytes), owned by whoever made them. */
struct pki_der {
    const unsigned char *p;
    size_t n;
};

enum pki_alg {
    PKI_ALG_NONE,
    PKI_SM2,  /* curve 1.2.156.10197.1.301, SM2-with-SM3 (1.2.156.10197.1.501) */
    PKI_P256, /* ECDSA on P-256 with SHA-256 */
    PKI_RSA,  /* 2048 to 8192 bits, PKCS #1 v1.5 with SHA-256 */
    PKI_ALG_COUNT
};

enum {
    PKI_SHA256_SIZE = 32
};

/* "sm2", "p256", "rsa"; "none". Static storage. */
const char *pki_alg_name(enum pki_alg alg);
/* PKI_ALG_NONE for an unknown name. */
enum pki_alg pki_alg_by_name(const char *name);

/* What kind of key a SubjectPublicKeyInfo holds. ERR_CSR_BAD, with the reason, for anything but a key of the
 * table above in its one strict form: named curve, uncompressed point on the curve, DER, nothing behind it.
 */
enum err pki_spki_alg(struct pki_der spki, enum pki_alg *alg, struct fault *f);

/* SHA-256 of the DER: how orders, intents and cards name a key. */
void pki_spki_sha256(struct pki_der spki, unsigned char out[static PKI_SHA256_SIZE]);

/* Checks a signature over a message, e.g. a login challenge signed on a UKEY (S3) or the PIN's proof of
 * possession (S22). SM2 and ECDSA signatures are the DER SEQUENCE of r and s. ERR_SIGNATURE_BAD when it does
 * not verify; ERR_CSR_BAD when the key is not acceptable. */
enum err pki_verify_signature(struct pki_der spki, struct pki_der message, struct pki_der signature,
                              struct fault *f);

/* True when both have the same bytes. Not for secrets. */
bool pki_der_equal(struct pki_der a, struct pki_der b);

#endif
