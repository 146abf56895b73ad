/* crypt.h - keys of the server at rest, and what is done with them.
 *
 * One master key file per key id (32 random bytes, mode 0600); every use has its own key by HKDF-SHA-256 with
 * the purpose as info. Fields are AES-256-GCM with the place (table.column:row id) as additional data, so a
 * value cannot be moved to another row. Look-ups of encrypted values go by HMAC-SHA-256 (keyed digest).
 */
#ifndef CERTDESK_CORE_CRYPT_H
#define CERTDESK_CORE_CRYPT_H

#include "core/ctx.h"

struct keyring;

/* Loads dir/master.<id>.key files (id 1..255, 32 bytes) and the audit seal's key dir/seal.key.pem; makes the
 * first of each when there is none and create is true, and always writes dir/seal.pub.pem for the auditor.
 * The highest id encrypts, all decrypt; look-ups, tokens and derived keys are of the lowest, so they survive
 * a new master key. Refuses key files that group or others can read, or that belong to another user
 * (ERR_PRECONDITION). The keyring is read-only afterwards: any thread. */
enum err keyring_open(const char *dir, bool create, struct keyring **out, struct fault *f);
void keyring_close(struct keyring *k);

/* place: "orders.legal_rep_name:ord_…". *out = key id (1 byte) | nonce | ciphertext | tag, in a. */
enum err crypt_seal(const struct keyring *k, struct arena *a, const char *place, const void *p, size_t n,
                    const void **out, size_t *out_n);
/* NUL-terminated for convenience. ERR_DATA_LOSS when it does not authenticate. */
enum err crypt_open(const struct keyring *k, struct arena *a, const char *place, const void *sealed, size_t n,
                    const char **out, size_t *out_n, struct fault *f);
/* Keyed digest for unique keys and look-ups; domain separates uses: "uscc", "resident_id", "phone",
 * "sms_code:…". */
void crypt_lookup(const struct keyring *k, const char *domain, const char *text,
                  unsigned char out[static 32]);
/* A 32-byte key for one purpose, e.g. "audit.seal". */
void crypt_derive(const struct keyring *k, const char *purpose, unsigned char out[static 32]);

void crypt_sha256(const void *p, size_t n, unsigned char out[static 32]);
/* scrypt (RFC 7914, N=2^15 r=8 p=1) in a text form that carries its parameters and salt. */
enum err crypt_password_hash(struct arena *a, const char *password, const char **out, struct fault *f);
/* Constant time; false for a wrong password or a malformed hash. */
bool crypt_password_matches(const char *hash, const char *password);
/* HMAC-SHA-256 with crypt_derive(purpose)'s key, for tokens that come back to us. */
void crypt_mac(const struct keyring *k, const char *purpose, const void *p, size_t n,
               unsigned char out[static 32]);

/* The audit seal: ECDSA P-256 with SHA-256, DER. sig has room for 128 bytes. */
enum err crypt_sign(const struct keyring *k, const void *p, size_t n, unsigned char sig[static 128],
                    size_t *sig_n, struct fault *f);
/* ERR_SIGNATURE_BAD when it does not verify, ERR_INVALID when the PEM is not a public key. */
enum err crypt_verify(const char *public_pem, const void *p, size_t n, const void *sig, size_t sig_n,
                      struct fault *f);
/* OK when crypt_verify() could use it, else ERR_INVALID. */
enum err crypt_verifies(const char *public_pem, struct fault *f);
/* PEM of the seal's public key. Lives as long as the keyring. */
const char *crypt_seal_public(const struct keyring *k);

/* base64url without padding (RFC 4648 5), in a; decode gives NULL for anything else. */
char *crypt_base64url(struct arena *a, const void *p, size_t n);
unsigned char *crypt_base64url_read(struct arena *a, const char *text, size_t *n);

/* n random decimal digits and a NUL (SMS codes, PINs). Without modulo bias. */
void crypt_digits(char *out, size_t n);
/* 256 random bits, base64url without padding: session tokens. out holds 44 bytes. */
void crypt_token(char out[static 44]);

#endif
