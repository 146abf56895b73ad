/* pub_evp.h - OpenSSL's view of a public key; for files of this folder only. */
#ifndef CERTDESK_TOKEN_PUB_EVP_H
#define CERTDESK_TOKEN_PUB_EVP_H

#include "token/ukey.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* NULL when the point is not on the curve. The caller frees it. */
EVP_PKEY *pub_pkey(const struct ukey_pub *pub);
void pub_free_pkey(EVP_PKEY **p);

#endif
