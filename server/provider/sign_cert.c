/* Alipay's numbers of certificates. providers.md 2.1 */
#include "provider/sign.h"

#include "base/str.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static void bio_free(BIO **b)
{
    BIO_free(*b);
}

static void x509_free(X509 **x)
{
    X509_free(*x);
}

static X509 *next_certificate(BIO *b)
{
    X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    return x;
}

/* "CN=…,OU=…,O=…,C=…" as Java's X500Principal writes it: other letters than ASCII stay what they are. */
static const char *issuer_text(X509 *x, struct arena *a)
{
    CLEANUP(bio_free)
    BIO *b = BIO_new(BIO_s_mem());
    char *p = NULL;
    if (!b || X509_NAME_print_ex(b, X509_get_issuer_name(x), 0,
                                 XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return NULL;
    long n = BIO_get_mem_data(b, &p);
    return arena_strndup(a, n > 0 ? p : "", n > 0 ? (size_t)n : 0);
}

static const char *serial_decimal(X509 *x, struct arena *a)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *text = n ? BN_bn2dec(n) : NULL;
    const char *out = arena_strdup(a, text);
    OPENSSL_free(text);
    BN_free(n);
    return out;
}

static const char *sn_of(X509 *x, struct arena *a)
{
    const char *issuer = issuer_text(x, a), *serial = serial_decimal(x, a);
    if (!issuer || !serial)
        return NULL;
    const char *text = arena_printf(a, "%s%s", issuer, serial);
    unsigned char d[MD5_SIZE];
    md5(text, strlen(text), d);
    char *hex = arena_alloc(a, 2 * sizeof d + 1);
    hex_encode(d, sizeof d, hex);
    return hex;
}

enum err cert_sn(const char *pem, struct arena *a, const char **out, struct fault *f)
{
    CLEANUP(bio_free)
    BIO *b = BIO_new_mem_buf(pem, -1);
    CLEANUP(x509_free)
    X509 *x = next_certificate(b);
    *out = x ? sn_of(x, a) : NULL;
    return *out ? OK : fail(f, ERR_INVALID, "not a certificate in PEM");
}

/* By the arc of its algorithm's OID, 1.2.840.113549.1.1: national roots signed with SM2 are in the same file.
 */
static bool is_rsa_signed(const X509 *x)
{
    static const char arc[] = "1.2.840.113549.1.1.";
    char oid[80] = "";
    OBJ_obj2txt(oid, sizeof oid, OBJ_nid2obj(X509_get_signature_nid(x)), 1);
    return strncmp(oid, arc, strlen(arc)) == 0;
}

enum err cert_root_sn(const char *pem, struct arena *a, const char **out, struct fault *f)
{
    CLEANUP(bio_free)
    BIO *b = BIO_new_mem_buf(pem, -1);
    struct buf all = BUF(a);
    for (X509 *x; (x = next_certificate(b)); X509_free(x)) {
        const char *sn = is_rsa_signed(x) ? sn_of(x, a) : NULL;
        if (sn)
            buf_printf(&all, "%s%s", all.n ? "_" : "", sn);
    }
    *out = buf_text(&all);
    return all.n ? OK : fail(f, ERR_INVALID, "no root certificate signed with RSA in the PEM");
}
