/* cert.h - certificates as plain structs, PEM, and chains.
 *
 * To judge an SM2 chain with the openssl command of OpenSSL 3.0, go link by link, because its signer id
 * reaches only the certificate that is asked about: openssl verify -vfyopt distid:1234567812345678 -CAfile
 * root.crt issuing.crt openssl verify -vfyopt distid:1234567812345678 -partial_chain -CAfile issuing.crt
 * holder.crt
 */
#ifndef CERTDESK_PKI_CERT_H
#define CERTDESK_PKI_CERT_H

#include "pki/key.h"

#include <stdint.h>

enum {
    PKI_CERT_MAX = 16384 /* bytes; more is refused unread */
};

/* What a certificate says. Texts are UTF-8 in the arena, "" when absent. */
struct pki_cert {
    char serial[41];              /* lower-case hex of the octets, no leading zero octet */
    const char *subject, *issuer; /* whole names, RFC 2253 order, UTF-8 */
    const char *subject_cn, *subject_o, *subject_ou, *subject_number;
    const char *issuer_cn;
    const char *identity; /* USCC or resident ID, from any of the known extensions */
    int64_t not_before_ms, not_after_ms;
    enum pki_alg alg; /* of the key; PKI_ALG_NONE when it is none of ours */
    struct pki_der spki;
    unsigned char spki_sha256[PKI_SHA256_SIZE];
    unsigned char sha256[PKI_SHA256_SIZE]; /* of the whole certificate */
    bool is_ca;
};

/* Reads a certificate in DER. ERR_INVALID when it is none. Says nothing about its being genuine. */
enum err pki_cert_parse(struct pki_der der, struct arena *a, struct pki_cert *out, struct fault *f);

/* PEM of one certificate, in the arena. */
char *pki_cert_pem(struct pki_der der, struct arena *a);
/* The first certificate in a PEM text. ERR_INVALID when there is none. */
enum err pki_cert_from_pem(const char *pem, struct arena *a, struct pki_der *out, struct fault *f);

/* Checks a certificate up to the root at a moment: signatures (SM2 under the standard signer id), validity,
 * CA flags, path length, key usage. The root is trusted because the caller says so. ERR_SIGNATURE_BAD, with
 * the reason, when it does not hold. */
enum err pki_verify_chain(struct pki_der certificate, struct pki_der issuing, struct pki_der root,
                          int64_t at_ms, struct fault *f);

#endif
