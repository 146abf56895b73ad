/* asn1.h - the two outer shapes of RFC 5280 and RFC 2986 as OpenSSL templates. Private to this folder and its
 * tests.
 *
 * OpenSSL's own X509 re-encodes what it signs and keeps its inner algorithm to itself. Here the bytes to be
 * signed are stored before they are signed, so they are made first (TBS) and then wrapped untouched (SIGNED).
 */
#ifndef CERTDESK_PKI_ASN1_H
#define CERTDESK_PKI_ASN1_H

#include "pki/ossl.h"

#include <openssl/asn1t.h>

/* Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }   RFC 5280 4.1
 * CertificationRequest has the same shape (RFC 2986 4.2). The first member is kept byte for byte. */
typedef struct {
    ASN1_TYPE *body;
    X509_ALGOR *alg;
    ASN1_BIT_STRING *signature;
} SIGNED;
DECLARE_ASN1_FUNCTIONS(SIGNED)
OSSL_DROP(SIGNED, SIGNED_free)

/* SubjectPublicKeyInfo, RFC 5280 4.1, without OpenSSL's reading of the key inside, which is slow. */
typedef struct {
    X509_ALGOR *alg;
    ASN1_BIT_STRING *bits;
} SPKI;
DECLARE_ASN1_FUNCTIONS(SPKI)
OSSL_DROP(SPKI, SPKI_free)

/* TBSCertificate, RFC 5280 4.1. Issuer and key go in as the bytes that they are elsewhere. */
typedef struct {
    ASN1_INTEGER *version;
    ASN1_INTEGER *serial;
    X509_ALGOR *alg;
    ASN1_TYPE *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    ASN1_TYPE *spki;
    ASN1_BIT_STRING *issuer_uid;
    ASN1_BIT_STRING *subject_uid;
    X509_EXTENSIONS *extensions;
} TBS;
DECLARE_ASN1_FUNCTIONS(TBS)
OSSL_DROP(TBS, TBS_free)

/* Reads exactly the bytes given, the signature in whole octets; NULL for anything else. The caller frees it.
 */
SIGNED *asn1_signed(struct pki_der der);
TBS *asn1_tbs(struct pki_der der);
SPKI *asn1_spki(struct pki_der der);

/* The first member with its tag and length, as it stood; points into s. */
struct pki_der asn1_body(const SIGNED *s);

/* Wraps a body with an algorithm and a signature; n is 0 when the body is no SEQUENCE. The
 * AlgorithmIdentifier of ECDSA and SM2 has no parameters (RFC 5758 3.2, GM/T 0015 5.2.3). */
struct pki_der asn1_wrap(struct arena *a, struct pki_der body, enum pki_alg alg, struct pki_der signature);

/* The mandatory parts of a v3 TBSCertificate but its subject. serial is hex of a positive number. */
struct asn1_body {
    const char *serial;
    enum pki_alg alg;
    struct pki_der issuer, spki;
    int64_t not_before_ms, not_after_ms;
};
bool asn1_fill(TBS *t, const struct asn1_body *b);

/* Sets an AlgorithmIdentifier to what certificates signed with alg carry. */
bool asn1_set_alg(X509_ALGOR *out, enum pki_alg alg);

#endif
