#include "sandbox/crypto.h"

#include "base/err.h"
#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
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

static const char *digest_hex(struct arena *a, const EVP_MD *md, const void *p, size_t n)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    need(EVP_Digest(p, n, raw, &size, md, NULL) == 1);
    char *out = arena_alloc(a, 2 * (size_t)size + 1);
    hex_encode(raw, size, out);
    return out;
}

void sha256(const void *p, size_t n, unsigned char out[static SHA256_SIZE])
{
    need(EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1);
}

const char *sha256_hex(struct arena *a, const void *p, size_t n)
{
    return digest_hex(a, EVP_sha256(), p, n);
}

const char *sha1_hex(struct arena *a, const void *p, size_t n)
{
    return digest_hex(a, EVP_sha1(), p, n);
}

const char *md5_upper(struct arena *a, const char *text)
{
    char *hex = arena_strdup(a, digest_hex(a, EVP_md5(), text, strlen(text)));
    for (char *p = hex; *p; p++)
        if (*p >= 'a')
            *p = (char)(*p - 'a' + 'A');
    return hex;
}

const char *md5_base64(struct arena *a, const void *p, size_t n)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    need(EVP_Digest(p, n, raw, &size, EVP_md5(), NULL) == 1);
    return base64(a, raw, size);
}

void hmac_sha256(const void *key, size_t n_key, const char *text, unsigned char out[static SHA256_SIZE])
{
    need(HMAC(EVP_sha256(), key, (int)n_key, (const unsigned char *)text, strlen(text), out, NULL) != NULL);
}

const char *base64(struct arena *a, const void *p, size_t n)
{
    char *out = arena_alloc(a, (n + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, p, (int)n);
    return out;
}

const char *hmac_sha1_base64(struct arena *a, const char *key, const char *text)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    need(HMAC(EVP_sha1(), key, (int)strlen(key), (const unsigned char *)text, strlen(text), mac, &n) != NULL);
    return base64(a, mac, n);
}

unsigned char *unbase64(struct arena *a, const char *text, size_t *n_out)
{
    size_t n = strlen(text);
    if (n == 0 || n % 4)
        return NULL;
    unsigned char *out = arena_alloc(a, n);
    int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (got < 0)
        return NULL;
    size_t pad = (size_t)(text[n - 1] == '=') + (size_t)(text[n - 2] == '=');
    *n_out = (size_t)got - pad;
    return out;
}

static void drop_key(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

static void drop_ctx(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void drop_bio(BIO **b)
{
    BIO_free(*b);
}

static void drop_x509(X509 **x)
{
    X509_free(*x);
}

static EVP_PKEY *read_private(const char *pem)
{
    CLEANUP(drop_bio)
    BIO *b = BIO_new_mem_buf(pem, -1);
    return PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
}

static EVP_PKEY *read_public(const char *pem)
{
    CLEANUP(drop_bio)
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (!strstr(pem, "BEGIN CERTIFICATE"))
        return PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
    CLEANUP(drop_x509)
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    return x ? X509_get_pubkey(x) : NULL;
}

const char *rsa_sign(struct arena *a, const char *pem, const char *text)
{
    CLEANUP(drop_key)
    EVP_PKEY *k = read_private(pem);
    CLEANUP(drop_ctx)
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char raw[512];
    size_t n = sizeof raw;
    if (!k || EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k) != 1 ||
        EVP_DigestSign(c, raw, &n, (const unsigned char *)text, strlen(text)) != 1)
        return NULL;
    return base64(a, raw, n);
}

bool rsa_verify(const char *pem, const char *text, const char *signature)
{
    struct arena a;
    arena_init(&a, 0);
    size_t n = 0;
    unsigned char *raw = unbase64(&a, signature, &n);
    CLEANUP(drop_key)
    EVP_PKEY *k = read_public(pem);
    CLEANUP(drop_ctx)
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = raw && k && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, k) == 1 &&
              EVP_DigestVerify(c, raw, n, (const unsigned char *)text, strlen(text)) == 1;
    arena_free(&a);
    return ok;
}

static const char *bio_text(struct arena *a, BIO *b)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    return arena_strndup(a, p, (size_t)n);
}

void rsa_new(struct arena *a, const char **private_pem, const char **public_pem)
{
    CLEANUP(drop_key)
    EVP_PKEY *k = EVP_RSA_gen(2048);
    CLEANUP(drop_bio)
    BIO *priv = BIO_new(BIO_s_mem());
    CLEANUP(drop_bio)
    BIO *pub = BIO_new(BIO_s_mem());
    need(k && PEM_write_bio_PKCS8PrivateKey(priv, k, NULL, NULL, 0, NULL, NULL) == 1);
    need(PEM_write_bio_PUBKEY(pub, k) == 1);
    *private_pem = bio_text(a, priv);
    *public_pem = bio_text(a, pub);
}

static void set_serial(X509 *x, const char *hex)
{
    BIGNUM *bn = NULL;
    need(BN_hex2bn(&bn, hex) > 0 && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
    BN_free(bn);
}

const char *rsa_certificate(struct arena *a, const char *private_pem, const char *serial, const char *name,
                            long from, long to)
{
    CLEANUP(drop_key)
    EVP_PKEY *k = read_private(private_pem);
    CLEANUP(drop_x509)
    X509 *x = X509_new();
    CLEANUP(drop_bio)
    BIO *out = BIO_new(BIO_s_mem());
    need(k && x && X509_set_version(x, X509_VERSION_3) == 1);
    set_serial(x, serial);
    X509_NAME *subject = X509_get_subject_name(x);
    need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) ==
         1);
    need(X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, k) == 1);
    need(ASN1_TIME_set(X509_getm_notBefore(x), from) && ASN1_TIME_set(X509_getm_notAfter(x), to));
    need(X509_sign(x, k, EVP_sha256()) > 0 && PEM_write_bio_X509(out, x) == 1);
    return bio_text(a, out);
}

const char *aead_seal(struct arena *a, const char key[static 32], const char *nonce, const char *aad,
                      const char *text)
{
    int n = (int)strlen(text), k = 0;
    unsigned char *out = arena_alloc(a, (size_t)n + 16);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    need(strlen(nonce) == 12 && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, (const unsigned char *)key,
                                                   (const unsigned char *)nonce) == 1);
    need(EVP_EncryptUpdate(c, NULL, &k, (const unsigned char *)aad, (int)strlen(aad)) == 1);
    need(EVP_EncryptUpdate(c, out, &k, (const unsigned char *)text, n) == 1);
    need(EVP_EncryptFinal_ex(c, out + k, &k) == 1);
    need(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + n) == 1);
    EVP_CIPHER_CTX_free(c);
    return base64(a, out, (size_t)n + 16);
}
