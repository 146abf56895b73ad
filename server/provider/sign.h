/* sign.h - the cryptography of the suppliers' protocols; only sign.c and sign_cert.c include OpenSSL.
 *
 * Digests and MACs cannot fail on valid input; when OpenSSL itself breaks, the process ends.
 */
#ifndef CERTDESK_PROVIDER_SIGN_H
#define CERTDESK_PROVIDER_SIGN_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SHA256_SIZE = 32,
    SHA1_SIZE = 20,
    MD5_SIZE = 16,
};

void sha256(const void *p, size_t n, unsigned char out[static SHA256_SIZE]);
/* Lower-case hex of SHA-256. */
void sha256_hex(const void *p, size_t n, char out[static 2 * SHA256_SIZE + 1]);
/* Lower-case hex of SHA-1, for a file that a signature vouches for by it. */
void sha1_hex(const void *p, size_t n, char out[static 2 * SHA1_SIZE + 1]);
/* For protocols that still want it; protects nothing. */
void md5(const void *p, size_t n, unsigned char out[static MD5_SIZE]);
/* Upper-case hex of MD5 (kuaidi100). */
void md5_upper_hex(const void *p, size_t n, char out[static 2 * MD5_SIZE + 1]);
void hmac_sha256(const void *key, size_t n_key, const void *p, size_t n,
                 unsigned char out[static SHA256_SIZE]);
void hmac_sha1(const void *key, size_t n_key, const void *p, size_t n, unsigned char out[static SHA1_SIZE]);

/* RFC 4648 with padding, one line. */
char *base64_encode(struct arena *a, const void *p, size_t n);
/* Strict: padding required, no white space. NULL when malformed. A NUL follows the *n_out bytes. */
unsigned char *base64_decode(struct arena *a, const char *text, size_t *n_out);

/* n letters and digits from the kernel's generator, and a NUL. */
void nonce_text(char *out, size_t n);

/* An RSA key. Freed with rsa_free(), which wipes it. */
struct rsa_key;
/* PEM, PKCS#8 or traditional, without passphrase. ERR_INVALID when it is none or under 2048 bits. */
enum err rsa_private(const char *pem, struct rsa_key **out, struct fault *f);
/* PEM of a public key, or of a certificate whose key it is; then *serial (may be NULL) is its serial number,
 * upper-case hex, in the arena; else NULL. */
enum err rsa_public(const char *pem, struct arena *a, struct rsa_key **out, const char **serial,
                    struct fault *f);
void rsa_free(struct rsa_key *k);
/* RSASSA-PKCS1-v1_5 with SHA-256; base64 text. */
enum err rsa_sha256_sign(struct rsa_key *k, const void *p, size_t n, struct arena *a, char **out,
                         struct fault *f);
/* False for a signature that is not base64, too. */
bool rsa_sha256_verify(struct rsa_key *k, const void *p, size_t n, const char *signature);

/* Alipay's number of a certificate (sign_cert.c): hex of MD5 over the issuer's name (RFC 2253:
 * "CN=…,O=…,C=…") and the serial number in decimal. Of the first certificate in the PEM; ERR_INVALID when
 * there is none. */
enum err cert_sn(const char *pem, struct arena *a, const char **out, struct fault *f);
/* The same of every certificate in the PEM that is signed with RSA, joined with "_"; others are passed over.
 */
enum err cert_root_sn(const char *pem, struct arena *a, const char **out, struct fault *f);

/* AES-256-GCM with a 16-byte tag at the end of the sealed text. NULL when it does not authenticate; else
 * *n_out bytes in the arena, a NUL follows. The nonce is 12 bytes. */
unsigned char *aes256gcm_open(struct arena *a, const unsigned char key[static 32], const char *nonce,
                              const void *aad, size_t n_aad, const void *sealed, size_t n, size_t *n_out);

#endif
