/* crypto.h - the suppliers' side of their signatures, on OpenSSL; the only file here that includes it. */
#ifndef CERTDESK_SANDBOX_CRYPTO_H
#define CERTDESK_SANDBOX_CRYPTO_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SHA256_SIZE = 32
};

void sha256(const void *p, size_t n, unsigned char out[static SHA256_SIZE]);
/* Lower-case hex, in the arena. */
const char *sha256_hex(struct arena *a, const void *p, size_t n);
const char *sha1_hex(struct arena *a, const void *p, size_t n);
/* Upper-case hex of MD5, as kuaidi100 signs. */
const char *md5_upper(struct arena *a, const char *text);
/* Base64 of MD5, as e签宝 wants bodies. */
const char *md5_base64(struct arena *a, const void *p, size_t n);
void hmac_sha256(const void *key, size_t n_key, const char *text, unsigned char out[static SHA256_SIZE]);
/* base64 of HMAC-SHA-1, as Nuonuo signs. */
const char *hmac_sha1_base64(struct arena *a, const char *key, const char *text);

const char *base64(struct arena *a, const void *p, size_t n);
/* NULL when it is not base64. */
unsigned char *unbase64(struct arena *a, const char *text, size_t *n_out);

/* Signs or verifies RSASSA-PKCS1-v1_5 with SHA-256; base64 text. The signer's PEM is a private key, the
 * verifier's may be a public key or a certificate. NULL, or false, when anything is wrong. */
const char *rsa_sign(struct arena *a, const char *pem, const char *text);
bool rsa_verify(const char *pem, const char *text, const char *signature);
/* A new RSA-2048 key: PKCS#8 and SubjectPublicKeyInfo PEM in the arena. */
void rsa_new(struct arena *a, const char **private_pem, const char **public_pem);
/* A self-signed certificate of that key, PEM, with this serial number (40 hex digits) and these validity
 * bounds in seconds. */
const char *rsa_certificate(struct arena *a, const char *private_pem, const char *serial, const char *name,
                            long from, long to);

/* crypto_cert.c: certificates whose names are C=CN, O, OU and CN, PEM. Keys are private PEM; the serial is
 * hex. */
struct validity {
    long from, to; /* seconds */
};
const char *certificate_issue(struct arena *a, const char *subject_key, const char *subject,
                              const char *issuer_key, const char *issuer, const char *serial,
                              struct validity v);
/* Self-signed by a key on P-256 that nobody keeps. */
const char *certificate_ec_root(struct arena *a, const char *name, const char *serial, struct validity v);
/* Alipay's number of a certificate that this issuer gave out (providers.md 2.1). */
const char *certificate_sn(struct arena *a, const char *issuer, const char *serial);

/* AES-256-GCM, base64 of ciphertext and 16-byte tag; the nonce has 12 bytes. */
const char *aead_seal(struct arena *a, const char key[static 32], const char *nonce, const char *aad,
                      const char *text);

#endif
