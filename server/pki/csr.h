/* csr.h - certificate requests from cards (PKCS #10, RFC 2986).
 *
 * A request is believed in one thing only: that whoever made it has the private key. Names, extensions and
 * attributes in it are counted and thrown away; the certificate's subject is the verified order's.
 */
#ifndef CERTDESK_PKI_CSR_H
#define CERTDESK_PKI_CSR_H

#include "pki/key.h"

enum {
    PKI_CSR_MAX = 8192 /* bytes; more is refused unread */
};

struct pki_csr {
    enum pki_alg alg;
    struct pki_der spki; /* in the arena */
    unsigned char spki_sha256[PKI_SHA256_SIZE];
    int ignored_names;      /* attributes of the subject, not used */
    int ignored_extensions; /* requested extensions, not used */
};

/* Reads a DER request, checks the key and the proof of possession. allowed is a set of 1u << enum pki_alg.
 * ERR_CSR_BAD, with a sentence that says what is wrong: not DER or something behind it, version, key of
 * another kind or off its curve, signature algorithm that does not fit the key, signature that does not
 * verify, and by name an SM2 signature under the empty signer id, which software with OpenSSL's defaults
 * makes. */
enum err pki_csr_parse(struct pki_der der, unsigned allowed, struct arena *a, struct pki_csr *out,
                       struct fault *f);

#endif
