#include "core/crypt.h"

#include "core/keyring.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NONCE = 12,
    TAG = 16,
    SALT = 16,
    SCRYPT_LN = 15,
    SCRYPT_LN_MAX = 17, /* 128 MiB: what a stored hash may ask of us */
};

/* Looked up once: an implicit fetch takes a lock and a search each time. Never freed: they live as long as
 * the process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_CIPHER *gcm;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!sha256 || !gcm)
        abort();
}

/* What cannot fail but for want of memory or a broken library: going on would store something unprotected. */
static void must(int ok)
{
    if (ok != 1) {
        fputs("certdesk: libcrypto failed\n", stderr);
        abort();
    }
}

/* -- digests and derived keys --------------------------------------------------------------------------- */

void crypt_sha256(const void *p, size_t n, unsigned char out[static 32])
{
    pthread_once(&once, fetch);
    must(EVP_Digest(p, n, out, NULL, sha256, NULL));
}

/* RFC 5869; the salt is empty because the input is a uniformly random key. */
static void hkdf(const unsigned char key[static KEY_BYTES], const char *info,
                 unsigned char out[static KEY_BYTES])
{
    pthread_once(&once, fetch);
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t n = KEY_BYTES;
    must(x && EVP_PKEY_derive_init(x) == 1 && EVP_PKEY_CTX_set_hkdf_md(x, sha256) == 1 &&
         EVP_PKEY_CTX_set1_hkdf_key(x, key, KEY_BYTES) == 1 &&
         EVP_PKEY_CTX_add1_hkdf_info(x, (const unsigned char *)info, (int)strlen(info)) == 1 &&
         EVP_PKEY_derive(x, out, &n) == 1 && n == KEY_BYTES);
    EVP_PKEY_CTX_free(x);
}

static void hmac(const unsigned char key[static KEY_BYTES], const void *p, size_t n,
                 unsigned char out[static 32])
{
    pthread_once(&once, fetch);
    must(HMAC(sha256, key, KEY_BYTES, p, n, out, NULL) != NULL);
}

void keyring_derive(struct keyring *k)
{
    for (size_t i = 0; i < k->n; i++)
        hkdf(k->keys[i].bytes, "certdesk field", k->keys[i].field);
    hkdf(k->keys[0].bytes, "certdesk lookup", k->lookup);
}

void crypt_derive(const struct keyring *k, const char *purpose, unsigned char out[static 32])
{
    char info[160];
    int n = snprintf(info, sizeof info, "certdesk use %s", purpose);
    must(n > 0 && (size_t)n < sizeof info);
    hkdf(k->keys[0].bytes, info, out);
}

void crypt_mac(const struct keyring *k, const char *purpose, const void *p, size_t n,
               unsigned char out[static 32])
{
    unsigned char key[KEY_BYTES];
    crypt_derive(k, purpose, key);
    hmac(key, p, n, out);
    wipe(key, sizeof key);
}

/* The domain and its NUL stand before the text, so no two domains can meet. */
void crypt_lookup(const struct keyring *k, const char *domain, const char *text, unsigned char out[static 32])
{
    struct arena a;
    arena_init(&a, 0);
    struct buf b = BUF(&a);
    buf_add(&b, domain, strlen(domain) + 1);
    buf_str(&b, text);
    hmac(k->lookup, b.p, b.n, out);
    arena_free(&a);
}

/* -- fields --------------------------------------------------------------------------------------------- */

enum err crypt_seal(const struct keyring *k, struct arena *a, const char *place, const void *p, size_t n,
                    const void **out, size_t *out_n)
{
    pthread_once(&once, fetch);
    const struct master_key *m = &k->keys[k->n - 1];
    unsigned char *o = arena_alloc(a, 1 + NONCE + n + TAG);
    o[0] = m->id;
    random_bytes(o + 1, NONCE);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    int k1 = 0;
    must(x && EVP_EncryptInit_ex2(x, gcm, m->field, o + 1, NULL) == 1 &&
         EVP_EncryptUpdate(x, NULL, &k1, (const unsigned char *)place, (int)strlen(place)) == 1 &&
         EVP_EncryptUpdate(x, o + 1 + NONCE, &k1, p ? p : "", (int)n) == 1 &&
         EVP_EncryptFinal_ex(x, o + 1 + NONCE + n, &k1) == 1 &&
         EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, TAG, o + 1 + NONCE + n) == 1);
    EVP_CIPHER_CTX_free(x);
    *out = o;
    *out_n = 1 + NONCE + n + TAG;
    return OK;
}

static const struct master_key *key_of(const struct keyring *k, unsigned char id)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->keys[i].id == id)
            return &k->keys[i];
    return NULL;
}

enum err crypt_open(const struct keyring *k, struct arena *a, const char *place, const void *sealed, size_t n,
                    const char **out, size_t *out_n, struct fault *f)
{
    pthread_once(&once, fetch);
    const unsigned char *s = sealed;
    const struct master_key *m = n >= 1 + NONCE + TAG ? key_of(k, s[0]) : NULL;
    if (!m)
        return fail(f, ERR_DATA_LOSS, NULL);
    size_t len = n - 1 - NONCE - TAG;
    unsigned char *o = arena_alloc(a, len + 1), tag[TAG];
    memcpy(tag, s + 1 + NONCE + len, TAG);
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    int k1 = 0;
    must(x && EVP_DecryptInit_ex2(x, gcm, m->field, s + 1, NULL) == 1 &&
         EVP_DecryptUpdate(x, NULL, &k1, (const unsigned char *)place, (int)strlen(place)) == 1);
    bool ok = EVP_DecryptUpdate(x, o, &k1, s + 1 + NONCE, (int)len) == 1 &&
              EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
              EVP_DecryptFinal_ex(x, o + len, &k1) == 1;
    EVP_CIPHER_CTX_free(x);
    if (!ok) {
        wipe(o, len);
        return fail(f, ERR_DATA_LOSS, NULL);
    }
    *out = (const char *)o;
    if (out_n)
        *out_n = len;
    return OK;
}

/* -- passwords, codes, tokens --------------------------------------------------------------------------- */

static bool scrypt(const char *password, const unsigned char *salt, size_t salt_n, int ln,
                   unsigned char out[static 32])
{
    uint64_t n = UINT64_C(1) << ln;
    return EVP_PBE_scrypt(password, strlen(password), salt, salt_n, n, 8, 1, n * 1024 + (1u << 20), out,
                          32) == 1;
}

enum err crypt_password_hash(struct arena *a, const char *password, const char **out, struct fault *f)
{
    unsigned char salt[SALT], key[32];
    random_bytes(salt, sizeof salt);
    if (!scrypt(password, salt, sizeof salt, SCRYPT_LN, key))
        return fail(f, ERR_EXHAUSTED, NULL);
    *out = arena_printf(a, "$scrypt$ln=%d,r=8,p=1$%s$%s", SCRYPT_LN, crypt_base64url(a, salt, sizeof salt),
                        crypt_base64url(a, key, sizeof key));
    wipe(key, sizeof key);
    return OK;
}

bool crypt_password_matches(const char *hash, const char *password)
{
    int ln = 0, end = 0;
    if (!hash || sscanf(hash, "$scrypt$ln=%2d,r=8,p=1$%n", &ln, &end) != 1 || end == 0 || ln < 1 ||
        ln > SCRYPT_LN_MAX)
        return false;
    struct arena a;
    arena_init(&a, 0);
    const char *mid = hash + end, *bar = strchr(mid, '$');
    size_t salt_n = 0, want_n = 0;
    unsigned char *salt =
        bar ? crypt_base64url_read(&a, arena_strndup(&a, mid, (size_t)(bar - mid)), &salt_n) : NULL;
    unsigned char *want = bar ? crypt_base64url_read(&a, bar + 1, &want_n) : NULL, got[32];
    bool same = salt && want && want_n == sizeof got && scrypt(password, salt, salt_n, ln, got) &&
                same_bytes(got, want, sizeof got);
    wipe(got, sizeof got);
    arena_free(&a);
    return same;
}

void crypt_digits(char *out, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char b;
        random_bytes(&b, 1);
        if (b < 250) /* the largest multiple of ten in a byte */
            out[i++] = (char)('0' + b % 10);
    }
    out[n] = '\0';
}

void crypt_token(char out[static 44])
{
    unsigned char b[32];
    char text[48];
    random_bytes(b, sizeof b);
    EVP_EncodeBlock((unsigned char *)text, b, sizeof b);
    for (size_t i = 0; i < 43; i++)
        out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    out[43] = '\0';
    wipe(b, sizeof b);
    wipe(text, sizeof text);
}

char *crypt_base64url(struct arena *a, const void *p, size_t n)
{
    char *o = arena_alloc(a, (n + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)o, p, (int)n);
    o[(n * 4 + 2) / 3] = '\0';
    for (char *c = o; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return o;
}

unsigned char *crypt_base64url_read(struct arena *a, const char *text, size_t *n)
{
    size_t len = strlen(text), full = (len + 3) / 4 * 4;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (len % 4 == 1 || len > (1u << 24) || strspn(text, alphabet) != len)
        return NULL;
    char *padded = arena_alloc(a, full + 1);
    memset(padded, '=', full);
    for (size_t i = 0; i < len; i++)
        padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    unsigned char *o = arena_alloc(a, full + 1);
    if (EVP_DecodeBlock(o, (unsigned char *)padded, (int)full) < 0)
        return NULL;
    *n = len * 3 / 4;
    if (strcmp(crypt_base64url(a, o, *n), text) != 0) /* bits beyond the last byte: one text per value */
        return NULL;
    return o;
}

/* -- the audit seal's signature ------------------------------------------------------------------------- */

char *keyring_new_seal(size_t *n)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *b = BIO_new(BIO_s_mem());
    must(key && b && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1);
    char *p;
    *n = (size_t)BIO_get_mem_data(b, &p);
    char *out = malloc(*n);
    if (!out)
        abort();
    memcpy(out, p, *n);
    wipe(p, *n);
    BIO_free(b);
    EVP_PKEY_free(key);
    return out;
}

enum err keyring_load_seal(struct keyring *k, const char *pem, struct fault *f)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    BIO_free(b);
    if (!key || !EVP_PKEY_is_a(key, "EC")) {
        EVP_PKEY_free(key);
        return fail(f, ERR_PRECONDITION, "seal.key.pem is not an unencrypted EC private key");
    }
    k->seal_key = key;
    b = BIO_new(BIO_s_mem());
    must(b && PEM_write_bio_PUBKEY(b, key) == 1);
    char *p;
    long n = BIO_get_mem_data(b, &p);
    k->seal_public = strndup(p, (size_t)n);
    BIO_free(b);
    if (!k->seal_public)
        abort();
    return OK;
}

void keyring_free_seal(struct keyring *k)
{
    EVP_PKEY_free(k->seal_key);
    free(k->seal_public);
}

const char *crypt_seal_public(const struct keyring *k)
{
    return k->seal_public;
}

enum err crypt_sign(const struct keyring *k, const void *p, size_t n, unsigned char sig[static 128],
                    size_t *sig_n, struct fault *f)
{
    pthread_once(&once, fetch);
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    *sig_n = 128;
    bool ok = x && EVP_DigestSignInit(x, NULL, sha256, NULL, k->seal_key) == 1 &&
              EVP_DigestSign(x, sig, sig_n, p, n) == 1;
    EVP_MD_CTX_free(x);
    return ok ? OK : fail(f, ERR_INTERNAL, NULL);
}

static EVP_PKEY *read_public(const char *pem, struct fault *f)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
    BIO_free(b);
    if (!key)
        (void)!fail(f, ERR_INVALID, "that is not a public key in PEM");
    return key;
}

enum err crypt_verifies(const char *public_pem, struct fault *f)
{
    EVP_PKEY *key = read_public(public_pem, f);
    EVP_PKEY_free(key);
    return key ? OK : ERR_INVALID;
}

enum err crypt_verify(const char *public_pem, const void *p, size_t n, const void *sig, size_t sig_n,
                      struct fault *f)
{
    pthread_once(&once, fetch);
    EVP_PKEY *key = read_public(public_pem, f);
    if (!key)
        return ERR_INVALID;
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    bool ok = x && EVP_DigestVerifyInit(x, NULL, sha256, NULL, key) == 1 &&
              EVP_DigestVerify(x, sig, sig_n, p, n) == 1;
    EVP_MD_CTX_free(x);
    EVP_PKEY_free(key);
    return ok ? OK : fail(f, ERR_SIGNATURE_BAD, NULL);
}
