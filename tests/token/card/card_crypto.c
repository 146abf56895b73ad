/* card_crypto.c - what the token computes, by OpenSSL. */
#include "card.h"

#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <string.h>

static void free_pctx(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}

static void free_cctx(EVP_CIPHER_CTX **p)
{
    EVP_CIPHER_CTX_free(*p);
}

static void free_x509(X509 **p)
{
    X509_free(*p);
}

EVP_PKEY *card_keygen(uint8_t alg)
{
    if (alg == ALG_P256)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (alg == ALG_SM2)
        return EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
    return NULL;
}

bool card_point(EVP_PKEY *k, uint8_t out[static 65])
{
    size_t n = 0;
    return EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out, 65, &n) == 1 &&
           n == 65 && out[0] == 0x04;
}

size_t card_sign(EVP_PKEY *k, const uint8_t *digest, size_t n, uint8_t out[static 80])
{
    CLEANUP(free_pctx)
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(k, NULL);
    size_t len = 80;
    if (!x || EVP_PKEY_sign_init(x) != 1 || EVP_PKEY_sign(x, out, &len, digest, n) != 1)
        return 0;
    return len;
}

size_t card_self_cert(EVP_PKEY *k, uint8_t *out, size_t cap)
{
    CLEANUP(free_x509)
    X509 *x = X509_new();
    X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
    if (!name ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"PIV slot", -1, -1, 0))
        return 0;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_set_issuer_name(x, name);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 365);
    X509_set_pubkey(x, k);
    if (!X509_sign(x, k, EVP_sha256()) || i2d_X509(x, NULL) > (int)cap)
        return 0;
    return (size_t)i2d_X509(x, &out);
}

static const EVP_CIPHER *cipher(uint8_t alg)
{
    switch (alg) {
    case ALG_3DES:
        return EVP_des_ede3_ecb();
    case ALG_AES128:
        return EVP_aes_128_ecb();
    case ALG_AES192:
        return EVP_aes_192_ecb();
    case ALG_AES256:
        return EVP_aes_256_ecb();
    default:
        return NULL;
    }
}

size_t card_block(uint8_t alg)
{
    return cipher(alg) ? (size_t)EVP_CIPHER_get_block_size(cipher(alg)) : 0;
}

size_t card_admin_len(uint8_t alg)
{
    return cipher(alg) ? (size_t)EVP_CIPHER_get_key_length(cipher(alg)) : 0;
}

bool card_cipher(uint8_t alg, const uint8_t *key, bool encrypt, const uint8_t *in, uint8_t *out)
{
    CLEANUP(free_cctx)
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    int n = 0;
    return x && EVP_CipherInit_ex2(x, cipher(alg), key, NULL, encrypt, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(x, 0) == 1 &&
           EVP_CipherUpdate(x, out, &n, in, (int)card_block(alg)) == 1 && n == (int)card_block(alg);
}
