#include "pki/asn1.h"

#include <openssl/err.h>

enum {
    UNUSED_BITS = 7 /* of a BIT STRING's flags: how many of its last octet; a signature is whole octets */
};

// clang-format off
ASN1_SEQUENCE(SIGNED) = {
    ASN1_SIMPLE(SIGNED, body, ASN1_ANY),
    ASN1_SIMPLE(SIGNED, alg, X509_ALGOR),
    ASN1_SIMPLE(SIGNED, signature, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SIGNED)
IMPLEMENT_ASN1_FUNCTIONS(SIGNED)

ASN1_SEQUENCE(SPKI) = {
    ASN1_SIMPLE(SPKI, alg, X509_ALGOR),
    ASN1_SIMPLE(SPKI, bits, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SPKI)
IMPLEMENT_ASN1_FUNCTIONS(SPKI)

ASN1_SEQUENCE(TBS) = {
    ASN1_EXP_OPT(TBS, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(TBS, serial, ASN1_INTEGER),
    ASN1_SIMPLE(TBS, alg, X509_ALGOR),
    ASN1_SIMPLE(TBS, issuer, ASN1_ANY),
    ASN1_SIMPLE(TBS, validity, X509_VAL),
    ASN1_SIMPLE(TBS, subject, X509_NAME),
    ASN1_SIMPLE(TBS, spki, ASN1_ANY),
    ASN1_IMP_OPT(TBS, issuer_uid, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(TBS, subject_uid, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(TBS, extensions, X509_EXTENSION, 3),
} ASN1_SEQUENCE_END(TBS)
IMPLEMENT_ASN1_FUNCTIONS(TBS)
                    // clang-format on

                    SIGNED
                    * asn1_signed(struct pki_der der)
{
    const unsigned char *p = der.p;
    SIGNED *s = der.p && der.n <= LONG_MAX ? d2i_SIGNED(NULL, &p, (long)der.n) : NULL;
    if (s && (p != der.p + der.n || s->body->type != V_ASN1_SEQUENCE || s->signature->flags & UNUSED_BITS)) {
        SIGNED_free(s);
        s = NULL;
    }
    if (!s)
        ERR_clear_error();
    return s;
}

TBS *asn1_tbs(struct pki_der der)
{
    const unsigned char *p = der.p;
    TBS *t = der.p && der.n <= LONG_MAX ? d2i_TBS(NULL, &p, (long)der.n) : NULL;
    if (t && p != der.p + der.n) {
        TBS_free(t);
        t = NULL;
    }
    if (!t)
        ERR_clear_error();
    return t;
}

SPKI *asn1_spki(struct pki_der der)
{
    const unsigned char *p = der.p;
    SPKI *k = der.p && der.n <= LONG_MAX ? d2i_SPKI(NULL, &p, (long)der.n) : NULL;
    if (k && p != der.p + der.n) {
        SPKI_free(k);
        k = NULL;
    }
    if (!k)
        ERR_clear_error();
    return k;
}

struct pki_der asn1_body(const SIGNED *s)
{
    const ASN1_STRING *v = s->body->value.sequence;
    return (struct pki_der){ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)};
}

bool asn1_set_alg(X509_ALGOR *out, enum pki_alg alg)
{
    ASN1_OBJECT *oid = OBJ_nid2obj(ossl_alg(alg)->signature);
    return X509_ALGOR_set0(out, oid, alg == PKI_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1;
}

struct pki_der asn1_wrap(struct arena *a, struct pki_der body, enum pki_alg alg, struct pki_der signature)
{
    const unsigned char *p = body.p;
    CLEANUP(drop_SIGNED)
    SIGNED *s = SIGNED_new();
    if (!s || body.n > LONG_MAX || !d2i_ASN1_TYPE(&s->body, &p, (long)body.n) || p != body.p + body.n ||
        s->body->type != V_ASN1_SEQUENCE || !asn1_set_alg(s->alg, alg) ||
        ASN1_BIT_STRING_set(s->signature, (unsigned char *)(uintptr_t)signature.p, (int)signature.n) != 1) {
        ERR_clear_error();
        return (struct pki_der){0};
    }
    s->signature->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* whole bytes: trailing zeros are not to be cut */
    return OSSL_DER(a, SIGNED, s);
}

static bool set_serial(ASN1_INTEGER *out, const char *hex)
{
    BIGNUM *bn = NULL;
    bool good = BN_hex2bn(&bn, hex) && BN_to_ASN1_INTEGER(bn, out);
    BN_free(bn);
    return good;
}

static bool set_any(ASN1_TYPE **out, struct pki_der der)
{
    const unsigned char *p = der.p;
    return der.n && d2i_ASN1_TYPE(out, &p, (long)der.n) && p == der.p + der.n;
}

bool asn1_fill(TBS *t, const struct asn1_body *b)
{
    return (t->version = ASN1_INTEGER_new()) && ASN1_INTEGER_set(t->version, X509_VERSION_3) &&
           set_serial(t->serial, b->serial) && asn1_set_alg(t->alg, b->alg) &&
           set_any(&t->issuer, b->issuer) &&
           ASN1_TIME_set(t->validity->notBefore, (time_t)(b->not_before_ms / 1000)) &&
           ASN1_TIME_set(t->validity->notAfter, (time_t)(b->not_after_ms / 1000)) &&
           set_any(&t->spki, b->spki);
}
