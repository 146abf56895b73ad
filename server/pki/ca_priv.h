/* ca_priv.h - what an open CA holds. Private to this folder and its tests. */
#ifndef CERTDESK_PKI_CA_PRIV_H
#define CERTDESK_PKI_CA_PRIV_H

#include "pki/ca.h"
#include "pki/ossl.h"

struct pki_ca {
    const struct ca_ops *ops;
    enum pki_alg alg;
    X509 *issuing, *root;
    struct pki_der issuing_der, root_der, subject_der; /* of the issuing CA, in mem */
    EVP_PKEY *key;                                     /* local: the private key */
    struct arena mem;
};

#endif
