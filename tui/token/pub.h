/* pub.h - public keys of UKEYs: digests to sign, signatures to verify, certificates to compare.
 *
 * P-256 signs SHA-256 of the message. SM2 signs e = SM3(Z || M) (GB/T 32918.2) with the usual identifier
 * 1234567812345678 (GM/T 0009); the token gets e alone.
 */
#ifndef CERTDESK_TOKEN_PUB_H
#define CERTDESK_TOKEN_PUB_H

#include "token/ukey.h"

#include <stdio.h>

/* What the token has to sign for a message. */
enum err pub_digest(const struct ukey_pub *pub, const void *msg, size_t n, uint8_t out[UKEY_DIGEST],
                    struct fault *f);

/* ERR_SIGNATURE_BAD when sig (DER) over the digest was not made with this key. */
enum err pub_verify(const struct ukey_pub *pub, const uint8_t digest[UKEY_DIGEST], const uint8_t *sig,
                    size_t n, struct fault *f);

/* The key in a certificate; made_inside is false. ERR_INVALID: no certificate, bytes behind it, or a key of
 * another kind. */
enum err pub_of_cert(const uint8_t *der, size_t n, struct ukey_pub *out, struct fault *f);

/* Same algorithm, same point. */
bool pub_same(const struct ukey_pub *a, const struct ukey_pub *b);

/* The certificate says issuer = subject and verifies with its own key: some tokens make one themselves with
 * every key, which nobody issued. */
bool cert_self_made(const uint8_t *der, size_t n);

/* Writes a certificate as PEM; false when it is none, or the file takes no more. */
bool cert_print_pem(FILE *out, const uint8_t *der, size_t n);

#endif
