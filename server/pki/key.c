#include "pki/key.h"
#include "pki/ossl.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <string.h>

static const struct ossl_alg algs[PKI_ALG_COUNT] = {
    [PKI_ALG_NONE] = {.name = "none"},
    [PKI_SM2] = {"sm2", NID_sm2, NID_SM2_with_SM3, "SM3", OSSL_SM2_ID},
    [PKI_P256] = {"p256", NID_X9_62_prime256v1, NID_ecdsa_with_SHA256, "SHA256", NULL},
    [PKI_RSA] = {"rsa", 0, NID_sha256WithRSAEncryption, "SHA256", NULL},
};

enum {
    SPKI_MAX = 2048,
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    POINT_SIZE = 65 /* 04 X Y */
};

const struct ossl_alg *ossl_alg(enum pki_alg alg)
{
    return &algs[(unsigned)alg < PKI_ALG_COUNT ? alg : PKI_ALG_NONE];
}

const char *pki_alg_name(enum pki_alg alg)
{
    return ossl_alg(alg)->name;
}

enum pki_alg pki_alg_by_name(const char *name)
{
    for (unsigned i = 1; i < PKI_ALG_COUNT; i++)
        if (strcmp(algs[i].name, name) == 0)
            return (enum pki_alg)i;
    return PKI_ALG_NONE;
}

bool pki_der_equal(struct pki_der a, struct pki_der b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

enum err ossl_fail(struct fault *f, enum err code, const char *what)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    return reason ? fail(f, code, "%s (%s)", what, reason) : fail(f, code, "%s", what);
}

struct pki_der ossl_take(struct arena *a, unsigned char *allocated, int n)
{
    struct pki_der out = {0};
    if (n > 0)
        out = (struct pki_der){arena_memdup(a, allocated, (size_t)n), (size_t)n};
    OPENSSL_free(allocated);
    return out;
}

X509 *ossl_x509(struct pki_der der)
{
    const unsigned char *p = der.p;
    X509 *x = der.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    if (x && p != der.p + der.n) {
        X509_free(x);
        x = NULL;
    }
    if (!x)
        ERR_clear_error();
    return x;
}

bool ossl_time_ms(const ASN1_TIME *t, int64_t *ms)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

/* -- public keys ---------------------------------------------------------------------------------------- */

enum pki_alg ossl_key_alg(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "SM2"))
        return PKI_SM2;
    if (EVP_PKEY_is_a(key, "RSA"))
        return PKI_RSA;
    char group[32] = "";
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
        OBJ_sn2nid(group) == NID_X9_62_prime256v1)
        return PKI_P256;
    return PKI_ALG_NONE;
}

/* Curve by name only: explicit parameters let the sender choose the generator (CVE-2020-0601). */
static const char *ec_form_problem(X509_ALGOR *algor, const unsigned char *point, int n)
{
    int type;
    const void *param;
    X509_ALGOR_get0(NULL, &type, &param, algor);
    if (type != V_ASN1_OBJECT)
        return "the curve must be given by its name";
    int curve = OBJ_obj2nid(param);
    if (curve != NID_sm2 && curve != NID_X9_62_prime256v1)
        return "only the curves SM2 and P-256 are accepted";
    if (n != POINT_SIZE || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return "the public key must be an uncompressed point";
    return NULL;
}

static const char *rsa_problem(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return "an RSA key must have 2048 to 8192 bits";
    BIGNUM *e = NULL;
    bool weak = EVP_PKEY_get_bn_param(key, "e", &e) != 1 || !BN_is_odd(e) || BN_num_bits(e) < 17;
    BN_free(e);
    return weak ? "the RSA exponent must be odd and at least 65537" : NULL;
}

static bool encodes_back(const X509_PUBKEY *pub, struct pki_der spki)
{
    unsigned char *again = NULL;
    int n = i2d_X509_PUBKEY(pub, &again);
    bool same = n > 0 && pki_der_equal((struct pki_der){again, (size_t)n}, spki);
    OPENSSL_free(again);
    return same;
}

/* What is wrong with the key before its numbers are looked at; NULL when nothing. */
static const char *form_problem(const X509_PUBKEY *pub)
{
    ASN1_OBJECT *kind;
    const unsigned char *bits;
    int n;
    X509_ALGOR *algor;
    if (X509_PUBKEY_get0_param(&kind, &bits, &n, &algor, pub) != 1)
        return "the public key cannot be read";
    switch (OBJ_obj2nid(kind)) {
    case NID_X9_62_id_ecPublicKey:
        return ec_form_problem(algor, bits, n);
    case NID_rsaEncryption:
        return NULL;
    default:
        return "only SM2, P-256 and RSA keys are accepted";
    }
}

/* On the curve and not at infinity. Both curves have cofactor 1, so every such point is in the group and the
 * slow multiplication by the order would show nothing new (SP 800-56A 5.6.2.3.4). */
static bool numbers_hold(EVP_PKEY *key)
{
    CLEANUP(drop_EVP_PKEY_CTX)
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    return c && EVP_PKEY_public_check_quick(c) == 1;
}

enum err ossl_pubkey(const X509_PUBKEY *pub, EVP_PKEY **out, enum pki_alg *alg, struct fault *f)
{
    *out = NULL;
    *alg = PKI_ALG_NONE;
    const char *problem = form_problem(pub);
    if (problem)
        return ossl_fail(f, ERR_CSR_BAD, problem);
    CLEANUP(drop_EVP_PKEY)
    EVP_PKEY *key = X509_PUBKEY_get(pub);
    enum pki_alg kind = key ? ossl_key_alg(key) : PKI_ALG_NONE;
    if (kind == PKI_ALG_NONE || (kind != PKI_RSA && !numbers_hold(key)))
        return ossl_fail(f, ERR_CSR_BAD, "the public key is not a point on its curve");
    if (kind == PKI_RSA && (problem = rsa_problem(key)))
        return ossl_fail(f, ERR_CSR_BAD, problem);
    *alg = kind;
    *out = key;
    key = NULL;
    return OK;
}

enum err ossl_key(struct pki_der spki, EVP_PKEY **out, enum pki_alg *alg, struct fault *f)
{
    const unsigned char *p = spki.p;
    *out = NULL;
    *alg = PKI_ALG_NONE;
    if (!spki.p || spki.n > SPKI_MAX)
        return fail(f, ERR_CSR_BAD, "the public key is missing or too large");
    CLEANUP(drop_X509_PUBKEY)
    X509_PUBKEY *pub = d2i_X509_PUBKEY(NULL, &p, (long)spki.n);
    if (!pub || p != spki.p + spki.n)
        return ossl_fail(f, ERR_CSR_BAD, "the public key cannot be read");
    if (!encodes_back(pub, spki))
        return fail(f, ERR_CSR_BAD, "the public key is not in DER");
    return ossl_pubkey(pub, out, alg, f);
}

enum err pki_spki_alg(struct pki_der spki, enum pki_alg *alg, struct fault *f)
{
    CLEANUP(drop_EVP_PKEY)
    EVP_PKEY *key = NULL;
    return ossl_key(spki, &key, alg, f);
}

void pki_spki_sha256(struct pki_der spki, unsigned char out[static PKI_SHA256_SIZE])
{
    SHA256(spki.p, spki.n, out);
}

void ossl_key_id(const ASN1_BIT_STRING *bits, unsigned char out[static OSSL_KEY_ID_SIZE])
{
    unsigned char h[SHA256_DIGEST_LENGTH];
    SHA256(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), h);
    memcpy(out, h, OSSL_KEY_ID_SIZE);
}

/* -- signatures ----------------------------------------------------------------------------------------- */

/* The id must be set between init and the data: Z, which covers it, is hashed first (GM/T 0009 10.2). */
static bool set_id(EVP_PKEY_CTX *c, const EVP_PKEY *key, const char *sm2_id)
{
    return !sm2_id || !EVP_PKEY_is_a(key, "SM2") || EVP_PKEY_CTX_set1_id(c, sm2_id, (int)strlen(sm2_id)) == 1;
}

enum err ossl_sign(EVP_PKEY *key, enum pki_alg alg, struct pki_der message, struct arena *a,
                   struct pki_der *out, struct fault *f)
{
    const struct ossl_alg *row = ossl_alg(alg);
    CLEANUP(drop_EVP_MD_CTX)
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *c = NULL; /* belongs to m */
    size_t n = (size_t)EVP_PKEY_get_size(key);
    unsigned char *sig = arena_alloc(a, n);
    if (!m || EVP_DigestSignInit_ex(m, &c, row->md, NULL, NULL, key, NULL) != 1 ||
        !set_id(c, key, row->sm2_id) || EVP_DigestSign(m, sig, &n, message.p, message.n) != 1)
        return ossl_fail(f, ERR_INTERNAL, "signing failed");
    *out = (struct pki_der){sig, n};
    return OK;
}

bool ossl_verify(EVP_PKEY *key, const char *md, const char *sm2_id, struct pki_der message,
                 struct pki_der signature)
{
    CLEANUP(drop_EVP_MD_CTX)
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *c = NULL; /* belongs to m */
    bool good = m && EVP_DigestVerifyInit_ex(m, &c, md, NULL, NULL, key, NULL) == 1 &&
                set_id(c, key, sm2_id) &&
                EVP_DigestVerify(m, signature.p, signature.n, message.p, message.n) == 1;
    if (!good)
        ERR_clear_error();
    return good;
}

enum err pki_verify_signature(struct pki_der spki, struct pki_der message, struct pki_der signature,
                              struct fault *f)
{
    CLEANUP(drop_EVP_PKEY)
    EVP_PKEY *key = NULL;
    enum pki_alg alg;
    TRY(ossl_key(spki, &key, &alg, f));
    const struct ossl_alg *row = ossl_alg(alg);
    if (!ossl_verify(key, row->md, row->sm2_id, message, signature))
        return fail(f, ERR_SIGNATURE_BAD, NULL);
    return OK;
}
