#include "csr.h"

#include "pub.h"
#include "pub_evp.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <string.h>

static void free_req(X509_REQ **p)
{
    X509_REQ_free(*p);
}

static void free_bytes(unsigned char **p)
{
    OPENSSL_free(*p);
}

static void free_algor(X509_ALGOR **p)
{
    X509_ALGOR_free(*p);
}

static X509_REQ *unsigned_request(const struct ukey_pub *pub, const char *common_name)
{
    X509_REQ *r = X509_REQ_new();
    CLEANUP(pub_free_pkey)
    EVP_PKEY *k = pub_pkey(pub);
    X509_NAME *name = r ? X509_REQ_get_subject_name(r) : NULL;
    bool ok = name && k && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
              X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                         (const unsigned char *)common_name, -1, -1, 0) == 1 &&
              X509_REQ_set_pubkey(r, k) == 1;
    if (ok)
        return r;
    X509_REQ_free(r);
    return NULL;
}

/* Both algorithms are written without parameters (RFC 5758 3.2; GM/T 0015 appendix). */
static bool set_signature(X509_REQ *r, enum ukey_alg alg, const uint8_t *sig, size_t n)
{
    CLEANUP(free_algor)
    X509_ALGOR *id = X509_ALGOR_new();
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    int nid = alg == UKEY_SM2 ? NID_SM2_with_SM3 : NID_ecdsa_with_SHA256;
    bool ok = id && bits && X509_ALGOR_set0(id, OBJ_nid2obj(nid), V_ASN1_UNDEF, NULL) == 1 &&
              X509_REQ_set1_signature_algo(r, id) == 1 &&
              ASN1_BIT_STRING_set(bits, (unsigned char *)(uintptr_t)sig, (int)n) == 1;
    if (!ok) {
        ASN1_BIT_STRING_free(bits);
        return false;
    }
    bits->flags = ASN1_STRING_FLAG_BITS_LEFT; /* no unused bits */
    X509_REQ_set0_signature(r, bits);
    return true;
}

enum err csr_make(struct ukey *u, enum ukey_slot slot, const struct ukey_pub *pub, const char *common_name,
                  struct arena *a, uint8_t **der, size_t *n, struct fault *f)
{
    CLEANUP(free_req)
    X509_REQ *r = unsigned_request(pub, common_name);
    CLEANUP(free_bytes)
    unsigned char *tbs = NULL;
    int len = r ? i2d_re_X509_REQ_tbs(r, &tbs) : -1;
    if (len <= 0) {
        ERR_clear_error();
        return fail_in_both(f, ERR_INTERNAL, "the certificate request could not be written",
                            "无法生成证书请求");
    }
    uint8_t digest[UKEY_DIGEST], sig[UKEY_SIG_MAX];
    size_t ns = 0;
    TRY(pub_digest(pub, tbs, (size_t)len, digest, f));
    TRY(u->ops->sign(u, slot, pub->alg, digest, sig, &ns, f));
    if (pub_verify(pub, digest, sig, ns, f) != OK)
        return fail_in_both(f, ERR_CARD_DOUBTFUL,
                            "the UKEY signs with another key than the one it was asked to make",
                            "UKEY签名所用密钥不是刚生成的密钥");
    if (!set_signature(r, pub->alg, sig, ns) || (len = i2d_X509_REQ(r, NULL)) <= 0) {
        ERR_clear_error();
        return fail_in_both(f, ERR_INTERNAL, "the certificate request could not be written",
                            "无法生成证书请求");
    }
    *der = arena_alloc(a, (size_t)len);
    unsigned char *p = *der;
    *n = (size_t)i2d_X509_REQ(r, &p);
    return OK;
}

static void free_bio(BIO **p)
{
    BIO_free(*p);
}

enum err csr_of_file(const uint8_t *text, size_t n, struct arena *a, uint8_t **der, size_t *der_n,
                     struct fault *f)
{
    static const char begin[] = "-----BEGIN";
    if (n < sizeof begin || memcmp(text, begin, sizeof begin - 1) != 0) {
        *der = arena_memdup(a, text, n);
        *der_n = n;
        return OK;
    }
    CLEANUP(free_bio)
    BIO *in = BIO_new_mem_buf(text, (int)n);
    CLEANUP(free_req)
    X509_REQ *r = in ? PEM_read_bio_X509_REQ(in, NULL, NULL, NULL) : NULL;
    int len = r ? i2d_X509_REQ(r, NULL) : -1;
    if (len <= 0) {
        ERR_clear_error();
        return fail_in_both(f, ERR_INVALID, "the file holds no certificate request", "文件中没有证书请求");
    }
    *der = arena_alloc(a, (size_t)len);
    unsigned char *p = *der;
    *der_n = (size_t)i2d_X509_REQ(r, &p);
    return OK;
}
