#include "provider/sign.h"

#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct rsa_key {
    EVP_PKEY *pkey;
};

enum {
    RSA_MIN_BITS = 2048,
    GCM_TAG = 16,
    GCM_NONCE = 12
};

static void bio_free(BIO **b)
{
    BIO_free(*b);
}

static void md_ctx_free(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void cipher_ctx_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static void digest(const EVP_MD *md, const void *p, size_t n, unsigned char *out)
{
    if (EVP_Digest(p, n, out, NULL, md, NULL) != 1)
        abort();
}

void sha256(const void *p, size_t n, unsigned char out[static SHA256_SIZE])
{
    digest(EVP_sha256(), p, n, out);
}

void sha256_hex(const void *p, size_t n, char out[static 2 * SHA256_SIZE + 1])
{
    unsigned char d[SHA256_SIZE];
    sha256(p, n, d);
    hex_encode(d, sizeof d, out);
}

void sha1_hex(const void *p, size_t n, char out[static 2 * SHA1_SIZE + 1])
{
    unsigned char d[SHA1_SIZE];
    digest(EVP_sha1(), p, n, d);
    hex_encode(d, sizeof d, out);
}

void md5(const void *p, size_t n, unsigned char out[static MD5_SIZE])
{
    digest(EVP_md5(), p, n, out);
}

void md5_upper_hex(const void *p, size_t n, char out[static 2 * MD5_SIZE + 1])
{
    unsigned char d[MD5_SIZE];
    md5(p, n, d);
    hex_encode(d, sizeof d, out);
    for (char *c = out; *c; c++)
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
}

static void mac(const EVP_MD *md, const void *key, size_t n_key, const void *p, size_t n, unsigned char *out)
{
    if (!HMAC(md, n_key ? key : "", (int)n_key, p, n, out, NULL))
        abort();
}

void hmac_sha256(const void *key, size_t n_key, const void *p, size_t n,
                 unsigned char out[static SHA256_SIZE])
{
    mac(EVP_sha256(), key, n_key, p, n, out);
}

void hmac_sha1(const void *key, size_t n_key, const void *p, size_t n, unsigned char out[static SHA1_SIZE])
{
    mac(EVP_sha1(), key, n_key, p, n, out);
}

char *base64_encode(struct arena *a, const void *p, size_t n)
{
    char *out = arena_alloc(a, (n + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, p, (int)n);
    return out;
}

unsigned char *base64_decode(struct arena *a, const char *text, size_t *n_out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);
    size_t body = strspn(text, alphabet);
    size_t pad = n - body;
    /* EVP_DecodeBlock takes white space and padding anywhere, and counts padding as data */
    if (n % 4 != 0 || pad > 2 || strspn(text + body, "=") != pad || n > INT32_MAX)
        return NULL;
    unsigned char *out = arena_alloc(a, n / 4 * 3 + 1);
    int got = n ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) : 0;
    if (got < 0)
        return NULL;
    *n_out = (size_t)got - pad;
    out[*n_out] = '\0';
    return out;
}

void nonce_text(char *out, size_t n)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < n;) {
        unsigned char c;
        random_bytes(&c, 1);
        if (c < 4 * (sizeof letters - 1)) /* no letter likelier than another */
            out[i++] = letters[c % (sizeof letters - 1)];
    }
    out[n] = '\0';
}

static enum err keep(EVP_PKEY *pkey, struct rsa_key **out, struct fault *f)
{
    if (pkey && EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= RSA_MIN_BITS) {
        *out = malloc(sizeof **out);
        if (*out) {
            (*out)->pkey = pkey;
            return OK;
        }
    }
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return fail(f, ERR_INVALID, "not an RSA key of %d bits or more", RSA_MIN_BITS);
}

/* A key with a passphrase is refused, not asked for on the terminal. */
static int no_passphrase(char *buf, int size, int rw, void *arg)
{
    (void)buf, (void)size, (void)rw, (void)arg;
    return -1;
}

enum err rsa_private(const char *pem, struct rsa_key **out, struct fault *f)
{
    CLEANUP(bio_free)
    BIO *b = BIO_new_mem_buf(pem, -1);
    return keep(b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL, out, f);
}

static const char *serial_text(X509 *x, struct arena *a)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *hex = n ? BN_bn2hex(n) : NULL;
    const char *text = arena_strdup(a, hex ? hex : "");
    OPENSSL_free(hex);
    BN_free(n);
    return text;
}

enum err rsa_public(const char *pem, struct arena *a, struct rsa_key **out, const char **serial,
                    struct fault *f)
{
    CLEANUP(bio_free)
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (serial)
        *serial = NULL;
    if (!b || !strstr(pem, "BEGIN CERTIFICATE"))
        return keep(b ? PEM_read_bio_PUBKEY(b, NULL, no_passphrase, NULL) : NULL, out, f);
    X509 *x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);
    enum err e = keep(x ? X509_get_pubkey(x) : NULL, out, f);
    if (e == OK && serial)
        *serial = serial_text(x, a);
    X509_free(x);
    return e;
}

void rsa_free(struct rsa_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

enum err rsa_sha256_sign(struct rsa_key *k, const void *p, size_t n, struct arena *a, char **out,
                         struct fault *f)
{
    CLEANUP(md_ctx_free)
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    unsigned char sig[1024]; /* RSA of up to 8192 bits */
    size_t len = sizeof sig;
    if (!c || EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->pkey) != 1 ||
        EVP_DigestSign(c, sig, &len, p, n) != 1) {
        ERR_clear_error();
        return fail(f, ERR_PROVIDER_CONFIG, "our key cannot sign");
    }
    *out = base64_encode(a, sig, len);
    return OK;
}

bool rsa_sha256_verify(struct rsa_key *k, const void *p, size_t n, const char *signature)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    size_t n_sig = 0;
    const unsigned char *sig = base64_decode(&scratch, signature, &n_sig);
    CLEANUP(md_ctx_free)
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = sig && c && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
                EVP_DigestVerify(c, sig, n_sig, p, n) == 1;
    ERR_clear_error();
    arena_free(&scratch);
    return good;
}

unsigned char *aes256gcm_open(struct arena *a, const unsigned char key[static 32], const char *nonce,
                              const void *aad, size_t n_aad, const void *sealed, size_t n, size_t *n_out)
{
    if (n < GCM_TAG || n > INT32_MAX || n_aad > INT32_MAX || strlen(nonce) != GCM_NONCE)
        return NULL;
    size_t n_text = n - GCM_TAG;
    unsigned char *out = arena_alloc(a, n_text + 1);
    unsigned char tag[GCM_TAG];
    memcpy(tag, (const unsigned char *)sealed + n_text, GCM_TAG);
    CLEANUP(cipher_ctx_free)
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int got = 0, tail = 0;
    bool good = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, (const unsigned char *)nonce) == 1 &&
                (n_aad == 0 || EVP_DecryptUpdate(c, NULL, &got, aad, (int)n_aad) == 1) &&
                EVP_DecryptUpdate(c, out, &got, sealed, (int)n_text) == 1 &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag) == 1 &&
                EVP_DecryptFinal_ex(c, out + got, &tail) == 1;
    if (!good) {
        wipe(out, n_text);
        ERR_clear_error();
        return NULL;
    }
    *n_out = n_text;
    return out;
}
