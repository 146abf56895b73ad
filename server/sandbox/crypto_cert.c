/* Certificates of a small hierarchy, for suppliers that name their keys by them. */
#include "sandbox/crypto.h"

#include "base/err.h"
#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool ok)
{
    if (!ok) {
        fprintf(stderr, "certdesk-sandbox: OpenSSL failed\n");
        abort();
    }
}

static void drop_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static void drop_x509(X509 **x)
{
    X509_free(*x);
}

static void drop_bio(BIO **b)
{
    BIO_free(*b);
}

static EVP_PKEY *private_key(const char *pem)
{
    CLEANUP(drop_bio)
    BIO *b = BIO_new_mem_buf(pem, -1);
    return PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
}

/* C, O, OU, CN: the order in which certificates have them. */
static void set_name(X509_NAME *n, const char *common_name)
{
    const char *const parts[][2] = {
        {"C", "CN"}, {"O", "Ant Financial Sandbox"}, {"OU", "Certification Authority"}, {"CN", common_name}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        need(X509_NAME_add_entry_by_txt(n, parts[i][0], MBSTRING_UTF8, (const unsigned char *)parts[i][1], -1,
                                        -1, 0) == 1);
}

static const char *issue(struct arena *a, EVP_PKEY *subject_key, const char *subject, EVP_PKEY *issuer_key,
                         const char *issuer, const char *serial, struct validity v)
{
    CLEANUP(drop_x509)
    X509 *x = X509_new();
    CLEANUP(drop_bio)
    BIO *out = BIO_new(BIO_s_mem());
    BIGNUM *bn = NULL;
    need(subject_key && issuer_key && x && out && X509_set_version(x, X509_VERSION_3) == 1);
    need(BN_hex2bn(&bn, serial) > 0 && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
    BN_free(bn);
    set_name(X509_get_subject_name(x), subject);
    set_name(X509_get_issuer_name(x), issuer);
    need(X509_set_pubkey(x, subject_key) == 1);
    need(ASN1_TIME_set(X509_getm_notBefore(x), v.from) && ASN1_TIME_set(X509_getm_notAfter(x), v.to));
    need(X509_sign(x, issuer_key, EVP_sha256()) > 0 && PEM_write_bio_X509(out, x) == 1);
    char *p = NULL;
    long n = BIO_get_mem_data(out, &p);
    return arena_strndup(a, p, (size_t)n);
}

const char *certificate_issue(struct arena *a, const char *subject_key, const char *subject,
                              const char *issuer_key, const char *issuer, const char *serial,
                              struct validity v)
{
    CLEANUP(drop_key)
    EVP_PKEY *s = private_key(subject_key);
    CLEANUP(drop_key)
    EVP_PKEY *i = private_key(issuer_key);
    return issue(a, s, subject, i, issuer, serial, v);
}

const char *certificate_ec_root(struct arena *a, const char *name, const char *serial, struct validity v)
{
    CLEANUP(drop_key)
    EVP_PKEY *k = EVP_EC_gen("P-256");
    return issue(a, k, name, k, name, serial, v);
}

const char *certificate_sn(struct arena *a, const char *issuer, const char *serial)
{
    BIGNUM *bn = NULL;
    need(BN_hex2bn(&bn, serial) > 0);
    char *decimal = BN_bn2dec(bn);
    const char *text =
        arena_printf(a, "CN=%s,OU=Certification Authority,O=Ant Financial Sandbox,C=CN%s", issuer, decimal);
    OPENSSL_free(decimal);
    BN_free(bn);
    unsigned char raw[16];
    need(EVP_Digest(text, strlen(text), raw, NULL, EVP_md5(), NULL) == 1);
    char *hex = arena_alloc(a, 2 * sizeof raw + 1);
    hex_encode(raw, sizeof raw, hex);
    return hex;
}
