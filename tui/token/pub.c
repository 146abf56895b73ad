#include "pub.h"
#include "pub_evp.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

/* GB/T 32918.5: a, b, xG, yG of the recommended curve, in this order the middle of Z. */
static const uint8_t SM2_CURVE[] = {
    0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFC,
    0x28, 0xE9, 0xFA, 0x9E, 0x9D, 0x9F, 0x5E, 0x34, 0x4D, 0x5A, 0x9E, 0x4B, 0xCF, 0x65, 0x09, 0xA7,
    0xF3, 0x97, 0x89, 0xF5, 0x15, 0xAB, 0x8F, 0x92, 0xDD, 0xBC, 0xBD, 0x41, 0x4D, 0x94, 0x0E, 0x93,
    0x32, 0xC4, 0xAE, 0x2C, 0x1F, 0x19, 0x81, 0x19, 0x5F, 0x99, 0x04, 0x46, 0x6A, 0x39, 0xC9, 0x94,
    0x8F, 0xE3, 0x0B, 0xBF, 0xF2, 0x66, 0x0B, 0xE1, 0x71, 0x5A, 0x45, 0x89, 0x33, 0x4C, 0x74, 0xC7,
    0xBC, 0x37, 0x36, 0xA2, 0xF4, 0xF6, 0x77, 0x9C, 0x59, 0xBD, 0xCE, 0xE3, 0x6B, 0x69, 0x21, 0x53,
    0xD0, 0xA9, 0x87, 0x7C, 0xC6, 0x2A, 0x47, 0x40, 0x02, 0xDF, 0x32, 0xE5, 0x21, 0x39, 0xF0, 0xA0};
/* ENTL in bits, then the identifier. */
static const uint8_t SM2_ID[] = "\x00\x80"
                                "1234567812345678";

void pub_free_pkey(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void free_md(EVP_MD_CTX **p)
{
    EVP_MD_CTX_free(*p);
}

static void free_ctx(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}

static void free_x509(X509 **p)
{
    X509_free(*p);
}

static bool hash(const EVP_MD *md, const void *a, size_t na, const void *b, size_t nb, const void *c,
                 size_t nc, uint8_t out[UKEY_DIGEST])
{
    CLEANUP(free_md)
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    return x && EVP_DigestInit_ex2(x, md, NULL) == 1 && EVP_DigestUpdate(x, a, na) == 1 &&
           EVP_DigestUpdate(x, b, nb) == 1 && EVP_DigestUpdate(x, c, nc) == 1 &&
           EVP_DigestFinal_ex(x, out, NULL) == 1;
}

enum err pub_digest(const struct ukey_pub *pub, const void *msg, size_t n, uint8_t out[UKEY_DIGEST],
                    struct fault *f)
{
    uint8_t z[UKEY_DIGEST];
    bool ok;
    if (pub->alg == UKEY_SM2)
        ok = hash(EVP_sm3(), SM2_ID, sizeof SM2_ID - 1, SM2_CURVE, sizeof SM2_CURVE, pub->point + 1,
                  UKEY_POINT - 1, z) &&
             hash(EVP_sm3(), z, sizeof z, msg, n, "", 0, out);
    else
        ok = hash(EVP_sha256(), msg, n, "", 0, "", 0, out);
    return ok ? OK : fail_in_both(f, ERR_INTERNAL, "the digest could not be computed", "无法计算摘要");
}

EVP_PKEY *pub_pkey(const struct ukey_pub *pub)
{
    char *group = pub->alg == UKEY_SM2 ? (char[]){"SM2"} : (char[]){"P-256"};
    uint8_t point[UKEY_POINT];
    memcpy(point, pub->point, sizeof point);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    CLEANUP(free_ctx)
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, pub->alg == UKEY_SM2 ? "SM2" : "EC", NULL);
    EVP_PKEY *k = NULL;
    if (!x || EVP_PKEY_fromdata_init(x) != 1 || EVP_PKEY_fromdata(x, &k, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return k;
}

enum err pub_verify(const struct ukey_pub *pub, const uint8_t digest[UKEY_DIGEST], const uint8_t *sig,
                    size_t n, struct fault *f)
{
    CLEANUP(pub_free_pkey)
    EVP_PKEY *k = pub_pkey(pub);
    CLEANUP(free_ctx)
    EVP_PKEY_CTX *x = k ? EVP_PKEY_CTX_new(k, NULL) : NULL;
    bool ok = x && EVP_PKEY_verify_init(x) == 1 && EVP_PKEY_verify(x, sig, n, digest, UKEY_DIGEST) == 1;
    ERR_clear_error();
    return ok ? OK : fail(f, ERR_SIGNATURE_BAD, NULL);
}

static enum err take_pkey(EVP_PKEY *k, struct ukey_pub *out, struct fault *f)
{
    char group[32];
    size_t n = 0;
    *out = (struct ukey_pub){0};
    if (k && EVP_PKEY_get_group_name(k, group, sizeof group, &n) == 1) {
        if (!strcmp(group, "SM2"))
            out->alg = UKEY_SM2;
        else if (!strcmp(group, "prime256v1") || !strcmp(group, "P-256"))
            out->alg = UKEY_P256;
    }
    bool ok = out->alg &&
              EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, out->point, UKEY_POINT, &n) == 1 &&
              n == UKEY_POINT && out->point[0] == 0x04;
    ERR_clear_error();
    return ok ? OK
              : fail_in_both(f, ERR_INVALID, "the certificate's key is neither P-256 nor SM2",
                             "证书的密钥既不是P-256也不是SM2");
}

enum err pub_of_cert(const uint8_t *der, size_t n, struct ukey_pub *out, struct fault *f)
{
    const uint8_t *p = der;
    CLEANUP(free_x509)
    X509 *x = n <= UKEY_CERT_MAX * 2 ? d2i_X509(NULL, &p, (long)n) : NULL;
    if (!x || p != der + n) {
        ERR_clear_error();
        return fail_in_both(f, ERR_INVALID, "this is not a certificate", "这不是证书");
    }
    return take_pkey(X509_get0_pubkey(x), out, f);
}

bool pub_same(const struct ukey_pub *a, const struct ukey_pub *b)
{
    return a->alg == b->alg && memcmp(a->point, b->point, UKEY_POINT) == 0;
}

bool cert_self_made(const uint8_t *der, size_t n)
{
    const uint8_t *p = der;
    CLEANUP(free_x509)
    X509 *x = d2i_X509(NULL, &p, (long)n);
    bool yes = x && X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 &&
               X509_verify(x, X509_get0_pubkey(x)) == 1;
    ERR_clear_error();
    return yes;
}

bool cert_print_pem(FILE *out, const uint8_t *der, size_t n)
{
    const uint8_t *p = der;
    CLEANUP(free_x509)
    X509 *x = d2i_X509(NULL, &p, (long)n);
    bool ok = x && PEM_write_X509(out, x) == 1 && fflush(out) == 0;
    ERR_clear_error();
    return ok;
}
