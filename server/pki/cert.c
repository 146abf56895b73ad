#include "pki/cert.h"
#include "base/str.h"
#include "pki/ext.h"
#include "pki/ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <string.h>

/* -- reading -------------------------------------------------------------------------------------------- */

/* UTF-8 text of the first attribute of this kind; "" when there is none or it holds a NUL. */
static const char *attribute(const X509_NAME *name, int nid, struct arena *a)
{
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0)
        return "";
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    const char *out = n > 0 && utf8_valid(text, (size_t)n) ? arena_strndup(a, (char *)text, (size_t)n) : "";
    OPENSSL_free(text);
    return out;
}

static const char *whole_name(const X509_NAME *name, struct arena *a)
{
    CLEANUP(drop_BIO)
    BIO *b = BIO_new(BIO_s_mem());
    char *text;
    if (!b || X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return "";
    long n = BIO_get_mem_data(b, &text);
    return n > 0 && utf8_valid(text, (size_t)n) ? arena_strndup(a, text, (size_t)n) : "";
}

static bool serial_hex(const ASN1_INTEGER *s, char out[static 41])
{
    int n = ASN1_STRING_length(s);
    if (n < 1 || n > 20 || ASN1_STRING_type(s) == V_ASN1_NEG_INTEGER)
        return false;
    hex_encode(ASN1_STRING_get0_data(s), (size_t)n, out);
    return true;
}

static void read_names(const X509 *x, struct arena *a, struct pki_cert *out)
{
    const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
    char identity[EXT_IDENTITY_MAX];
    out->subject = whole_name(subject, a);
    out->issuer = whole_name(issuer, a);
    out->subject_cn = attribute(subject, NID_commonName, a);
    out->subject_o = attribute(subject, NID_organizationName, a);
    out->subject_ou = attribute(subject, NID_organizationalUnitName, a);
    out->subject_number = attribute(subject, NID_serialNumber, a);
    out->issuer_cn = attribute(issuer, NID_commonName, a);
    ext_identity_of(x, identity);
    out->identity = arena_strdup(a, identity);
}

enum err pki_cert_parse(struct pki_der der, struct arena *a, struct pki_cert *out, struct fault *f)
{
    *out = (struct pki_cert){0};
    if (!der.p || der.n == 0 || der.n > PKI_CERT_MAX)
        return fail(f, ERR_INVALID, "a certificate has 1 to %d bytes", PKI_CERT_MAX);
    CLEANUP(drop_X509)
    X509 *x = ossl_x509(der);
    if (!x)
        return fail(f, ERR_INVALID, "this is not one certificate in DER");
    if (!serial_hex(X509_get0_serialNumber(x), out->serial) ||
        !ossl_time_ms(X509_get0_notBefore(x), &out->not_before_ms) ||
        !ossl_time_ms(X509_get0_notAfter(x), &out->not_after_ms))
        return ossl_fail(f, ERR_INVALID, "the certificate's serial or validity cannot be read");
    read_names(x, a, out);
    out->spki = OSSL_DER(a, X509_PUBKEY, X509_get_X509_PUBKEY(x));
    pki_spki_sha256(out->spki, out->spki_sha256);
    SHA256(der.p, der.n, out->sha256);
    out->is_ca = X509_check_ca(x) > 0;
    EVP_PKEY *key = X509_get0_pubkey(x);
    out->alg = key ? ossl_key_alg(key) : PKI_ALG_NONE;
    ERR_clear_error();
    return OK;
}

/* -- PEM ------------------------------------------------------------------------------------------------ */

char *pki_cert_pem(struct pki_der der, struct arena *a)
{
    CLEANUP(drop_BIO)
    BIO *b = BIO_new(BIO_s_mem());
    char *text;
    if (!b || !PEM_write_bio(b, PEM_STRING_X509, "", der.p, (long)der.n))
        return arena_strdup(a, "");
    long n = BIO_get_mem_data(b, &text);
    return arena_strndup(a, text, (size_t)n);
}

enum err pki_cert_from_pem(const char *pem, struct arena *a, struct pki_der *out, struct fault *f)
{
    CLEANUP(drop_BIO)
    BIO *b = BIO_new_mem_buf(pem, -1);
    CLEANUP(drop_X509)
    X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, (void *)(uintptr_t) "") : NULL;
    if (!x)
        return ossl_fail(f, ERR_INVALID, "there is no certificate in this text");
    *out = OSSL_DER(a, X509, x);
    return OK;
}

/* -- chains --------------------------------------------------------------------------------------------- */

/* Without this OpenSSL verifies SM2 signatures under an empty signer id; with it, it fails on any other. */
static bool set_id(X509 *x)
{
    if (X509_get_signature_nid(x) != NID_SM2_with_SM3)
        return true;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    if (!id || !ASN1_OCTET_STRING_set(id, (const unsigned char *)OSSL_SM2_ID, (int)strlen(OSSL_SM2_ID))) {
        ASN1_OCTET_STRING_free(id);
        return false;
    }
    X509_set0_distinguishing_id(x, id);
    return true;
}

static enum err run(X509_STORE *store, X509 *leaf, STACK_OF(X509) * between, int64_t at_ms, struct fault *f)
{
    CLEANUP(drop_X509_STORE_CTX)
    X509_STORE_CTX *c = X509_STORE_CTX_new();
    if (!c || X509_STORE_CTX_init(c, store, leaf, between) != 1)
        return ossl_fail(f, ERR_INTERNAL, "the chain cannot be checked");
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(c);
    X509_VERIFY_PARAM_set_time(p, (time_t)(at_ms / 1000));
    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_CHECK_SS_SIGNATURE | X509_V_FLAG_X509_STRICT);
    int good = X509_verify_cert(c);
    ERR_clear_error();
    if (good == 1)
        return OK;
    return fail(f, ERR_SIGNATURE_BAD, "the chain does not hold: %s",
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(c)));
}

enum err pki_verify_chain(struct pki_der certificate, struct pki_der issuing, struct pki_der root,
                          int64_t at_ms, struct fault *f)
{
    CLEANUP(drop_X509)
    X509 *leaf = ossl_x509(certificate);
    CLEANUP(drop_X509)
    X509 *middle = ossl_x509(issuing);
    CLEANUP(drop_X509)
    X509 *top = ossl_x509(root);
    CLEANUP(drop_X509_STORE)
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    enum err e;
    if (!leaf || !middle || !top)
        e = fail(f, ERR_SIGNATURE_BAD, "the chain does not hold: a certificate cannot be read");
    else if (!store || !between || !set_id(leaf) || !set_id(middle) || !set_id(top) ||
             !X509_STORE_add_cert(store, top) || !sk_X509_push(between, middle))
        e = ossl_fail(f, ERR_INTERNAL, "the chain cannot be checked");
    else
        e = run(store, leaf, between, at_ms, f);
    sk_X509_free(between);
    return e;
}
