/* ossl.h - what the files of server/pki share about OpenSSL. Private to this folder and its tests.
 *
 * Handles are locals with a cleanup attribute; OpenSSL's error queue is emptied at the border (ossl_fail), so
 * that no later call reports an older failure.
 */
#ifndef CERTDESK_PKI_OSSL_H
#define CERTDESK_PKI_OSSL_H

#include "pki/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OSSL_DROP(T, fn)                                                                                     \
    static inline void drop_##T(T **p)                                                                       \
    {                                                                                                        \
        fn(*p);                                                                                              \
    }
OSSL_DROP(EVP_PKEY, EVP_PKEY_free)
OSSL_DROP(EVP_MD_CTX, EVP_MD_CTX_free)
OSSL_DROP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OSSL_DROP(X509, X509_free)
OSSL_DROP(X509_NAME, X509_NAME_free)
OSSL_DROP(X509_PUBKEY, X509_PUBKEY_free)
OSSL_DROP(X509_STORE, X509_STORE_free)
OSSL_DROP(X509_STORE_CTX, X509_STORE_CTX_free)
OSSL_DROP(X509_SIG, X509_SIG_free)
OSSL_DROP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
OSSL_DROP(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
OSSL_DROP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OSSL_DROP(ASN1_TYPE, ASN1_TYPE_free)
OSSL_DROP(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
OSSL_DROP(AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free)
OSSL_DROP(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
OSSL_DROP(CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free)
OSSL_DROP(CRL_DIST_POINTS, CRL_DIST_POINTS_free)
OSSL_DROP(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
OSSL_DROP(BIO, BIO_free_all)
OSSL_DROP(X509_REQ, X509_REQ_free)

/* The signer id of GM/T 0009 10. */
#define OSSL_SM2_ID "1234567812345678"

/* How an algorithm is written and how it signs. */
struct ossl_alg {
    const char *name;
    int curve;          /* NID, 0 for RSA */
    int signature;      /* NID of the AlgorithmIdentifier in certificates */
    const char *md;     /* digest */
    const char *sm2_id; /* NULL unless SM2 */
};
const struct ossl_alg *ossl_alg(enum pki_alg alg);

/* Sets the fault to `what` with OpenSSL's reason, and empties the error queue. */
enum err ossl_fail(struct fault *f, enum err code, const char *what);

/* The key of a SubjectPublicKeyInfo, under pki_spki_alg()'s rules. The caller frees *out. */
enum err ossl_key(struct pki_der spki, EVP_PKEY **out, enum pki_alg *alg, struct fault *f);

/* The same for a key that was parsed as part of something else, without looking at its encoding. */
enum err ossl_pubkey(const X509_PUBKEY *pub, EVP_PKEY **out, enum pki_alg *alg, struct fault *f);

/* Which of our algorithms a key is; PKI_ALG_NONE for others. */
enum pki_alg ossl_key_alg(const EVP_PKEY *key);

/* Signs as the algorithm demands; *out is in the arena. */
enum err ossl_sign(EVP_PKEY *key, enum pki_alg alg, struct pki_der message, struct arena *a,
                   struct pki_der *out, struct fault *f);

/* True when the signature verifies. sm2_id is "" for the empty id; it is ignored for other keys. */
bool ossl_verify(EVP_PKEY *key, const char *md, const char *sm2_id, struct pki_der message,
                 struct pki_der signature);

/* Moves what an i2d function allocated into the arena; n <= 0 gives no bytes. */
struct pki_der ossl_take(struct arena *a, unsigned char *allocated, int n);
/* OSSL_DER(a, X509, x): the DER of an object, in the arena; n is 0 for NULL and for what has no encoding. */
#define OSSL_DER(a, T, object)                                                                               \
    ({                                                                                                       \
        unsigned char *der_ = NULL;                                                                          \
        int der_n_ = i2d_##T((object), &der_);                                                               \
        ossl_take((a), der_, der_n_);                                                                        \
    })

/* The certificate in the DER, nothing behind it; NULL when it is none. The caller frees it. */
X509 *ossl_x509(struct pki_der der);

/* Milliseconds of a time in a certificate; false when it cannot be read. */
bool ossl_time_ms(const ASN1_TIME *t, int64_t *ms);

/* Leftmost 160 bits of the SHA-256 of the subjectPublicKey bits (RFC 7093 2, method 1): our key ids. */
enum {
    OSSL_KEY_ID_SIZE = 20
};
void ossl_key_id(const ASN1_BIT_STRING *bits, unsigned char out[static OSSL_KEY_ID_SIZE]);

#endif
