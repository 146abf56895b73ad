#include "pki/ext.h"
#include "pki/asn1.h"

#include <openssl/err.h>
#include <string.h>

static const struct {
    enum pki_series series;
    enum pki_kind kind;
    const char *oid;
    enum pki_form form;
} identities[] = {
    {PKI_SERIES_2023, PKI_ORGANIZATION, "1.2.156.10260.4.4", PKI_FORM_STRING},
    {PKI_SERIES_2023, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1.1", PKI_FORM_STRING},
    {PKI_SERIES_2012, PKI_ORGANIZATION, "1.2.156.10260.4.1.4", PKI_FORM_RAW},
    {PKI_SERIES_2012, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1", PKI_FORM_EXPLICIT},
};

enum {
    N_IDENTITIES = sizeof identities / sizeof *identities
};

static size_t identity_row(enum pki_series series, enum pki_kind kind)
{
    size_t i = 0;
    while (i + 1 < N_IDENTITIES && (identities[i].series != series || identities[i].kind != kind))
        i++;
    return i;
}

const char *ext_identity_oid(enum pki_series series, enum pki_kind kind)
{
    return identities[identity_row(series, kind)].oid;
}

void ext_free(X509_EXTENSIONS *sk)
{
    sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
}

/* -- the identity extension ----------------------------------------------------------------------------- */

/* The text as PrintableString, bare or below [0]. */
static struct pki_der identity_der(struct arena *a, const char *text, enum pki_form form)
{
    struct pki_der raw = {(const unsigned char *)text, strlen(text)};
    if (form == PKI_FORM_RAW)
        return raw;
    const char *prefix = form == PKI_FORM_EXPLICIT   ? "EXPLICIT:0,PRINTABLESTRING:"
                         : form == PKI_FORM_IMPLICIT ? "IMPLICIT:0,PRINTABLESTRING:"
                                                     : "PRINTABLESTRING:";
    CLEANUP(drop_ASN1_TYPE)
    ASN1_TYPE *t = ASN1_generate_v3(arena_printf(a, "%s%s", prefix, text), NULL);
    return OSSL_DER(a, ASN1_TYPE, t);
}

static bool add_identity(X509_EXTENSIONS *sk, const struct pki_request *r)
{
    size_t row = identity_row(r->policy->series, r->profile->kind);
    enum pki_form form = r->policy->form == PKI_FORM_DEFAULT ? identities[row].form : r->policy->form;
    struct arena a;
    arena_init(&a, 0);
    struct pki_der v = identity_der(&a, r->subject.identity, form);
    ASN1_OBJECT *oid = OBJ_txt2obj(identities[row].oid, 1);
    CLEANUP(drop_ASN1_OCTET_STRING)
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *e = NULL;
    bool good = v.n && oid && value && ASN1_OCTET_STRING_set(value, v.p, (int)v.n) &&
                (e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) && sk_X509_EXTENSION_push(sk, e);
    if (!good)
        X509_EXTENSION_free(e);
    ASN1_OBJECT_free(oid);
    arena_free(&a);
    return good;
}

static bool take_text(const unsigned char *p, int n, char out[static EXT_IDENTITY_MAX])
{
    if (n < 1 || n >= EXT_IDENTITY_MAX)
        return false;
    for (int i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7E)
            return false;
    memcpy(out, p, (size_t)n);
    out[n] = '\0';
    return true;
}

/* A string, or a string inside one context tag, or characters inside an implicit one. */
static bool take_der(const unsigned char *p, long n, int depth, char out[static EXT_IDENTITY_MAX])
{
    const unsigned char *start = p;
    long len;
    int tag, cls;
    int form = ASN1_get_object(&p, &len, &tag, &cls, n);
    if (form & 0x80 || len < 1 || p + len != start + n)
        return false;
    if (cls == V_ASN1_CONTEXT_SPECIFIC && depth == 0 && form & V_ASN1_CONSTRUCTED)
        return take_der(p, len, 1, out);
    bool string = cls == V_ASN1_UNIVERSAL &&
                  (tag == V_ASN1_PRINTABLESTRING || tag == V_ASN1_UTF8STRING || tag == V_ASN1_IA5STRING);
    bool implicit = cls == V_ASN1_CONTEXT_SPECIFIC && depth == 0;
    return (string || implicit) && take_text(p, (int)len, out);
}

void ext_identity_read(const ASN1_OCTET_STRING *value, char out[static EXT_IDENTITY_MAX])
{
    const unsigned char *p = ASN1_STRING_get0_data(value);
    int n = ASN1_STRING_length(value);
    out[0] = '\0';
    if (n > 0 && !take_der(p, n, 0, out))
        take_text(p, n, out);
    ERR_clear_error();
}

void ext_identity_of(const X509 *x, char out[static EXT_IDENTITY_MAX])
{
    out[0] = '\0';
    for (size_t i = 0; i < N_IDENTITIES && !out[0]; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(identities[i].oid, 1);
        int at = oid ? X509_get_ext_by_OBJ(x, oid, -1) : -1;
        if (at >= 0)
            ext_identity_read(X509_EXTENSION_get_data(X509_get_ext(x, at)), out);
        ASN1_OBJECT_free(oid);
    }
}

/* -- the standard ones ---------------------------------------------------------------------------------- */

static bool add(X509_EXTENSIONS **sk, int nid, void *value, int critical)
{
    return value && X509V3_add1_i2d(sk, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

static bool add_usage(X509_EXTENSIONS **sk, unsigned usage)
{
    CLEANUP(drop_ASN1_BIT_STRING)
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    for (int i = 0; bits && i < 9; i++)
        if (usage & 1u << i && !ASN1_BIT_STRING_set_bit(bits, i, 1))
            return false;
    return add(sk, NID_key_usage, bits, 1);
}

static bool add_eku(X509_EXTENSIONS **sk, const char *const *oids)
{
    CLEANUP(drop_EXTENDED_KEY_USAGE)
    EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
    for (; eku && *oids; oids++) {
        ASN1_OBJECT *o = OBJ_txt2obj(*oids, 1);
        if (!o || !sk_ASN1_OBJECT_push(eku, o)) {
            ASN1_OBJECT_free(o);
            return false;
        }
    }
    return add(sk, NID_ext_key_usage, eku, 0);
}

static bool add_key_ids(X509_EXTENSIONS **sk, struct pki_der spki, const ASN1_OCTET_STRING *authority)
{
    unsigned char id[OSSL_KEY_ID_SIZE];
    CLEANUP(drop_ASN1_OCTET_STRING)
    ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
    CLEANUP(drop_SPKI)
    SPKI *key = asn1_spki(spki);
    if (!own || !key)
        return false;
    ossl_key_id(key->bits, id);
    if (!ASN1_OCTET_STRING_set(own, id, sizeof id) || !add(sk, NID_subject_key_identifier, own, 0))
        return false;
    if (!authority)
        return true;
    CLEANUP(drop_AUTHORITY_KEYID)
    AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
    return aki && (aki->keyid = ASN1_OCTET_STRING_dup(authority)) &&
           add(sk, NID_authority_key_identifier, aki, 0);
}

static GENERAL_NAME *url_name(const char *url)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    if (g && s && ASN1_STRING_set(s, url, -1)) {
        GENERAL_NAME_set0_value(g, GEN_URI, s);
        return g;
    }
    GENERAL_NAME_free(g);
    ASN1_IA5STRING_free(s);
    return NULL;
}

static bool add_crl_url(X509_EXTENSIONS **sk, const char *url)
{
    if (!url)
        return true;
    CLEANUP(drop_CRL_DIST_POINTS)
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *d = DIST_POINT_new();
    GENERAL_NAME *g = url_name(url);
    if (!points || !d || !g || !(d->distpoint = DIST_POINT_NAME_new()) ||
        !(d->distpoint->name.fullname = GENERAL_NAMES_new()) ||
        !sk_GENERAL_NAME_push(d->distpoint->name.fullname, g)) {
        GENERAL_NAME_free(g);
        DIST_POINT_free(d);
        return false;
    }
    d->distpoint->type = 0; /* fullName */
    if (!sk_DIST_POINT_push(points, d)) {
        DIST_POINT_free(d);
        return false;
    }
    return add(sk, NID_crl_distribution_points, points, 0);
}

static bool push_access(AUTHORITY_INFO_ACCESS *aia, int method, const char *url)
{
    if (!url)
        return true;
    ACCESS_DESCRIPTION *d = ACCESS_DESCRIPTION_new();
    GENERAL_NAME *g = url_name(url);
    if (!d || !g || !sk_ACCESS_DESCRIPTION_push(aia, d)) {
        ACCESS_DESCRIPTION_free(d);
        GENERAL_NAME_free(g);
        return false;
    }
    GENERAL_NAME_free(d->location);
    d->location = g;
    ASN1_OBJECT_free(d->method);
    d->method = OBJ_nid2obj(method);
    return true;
}

static bool add_access(X509_EXTENSIONS **sk, const struct pki_policy *p)
{
    if (!p->ocsp_url && !p->ca_issuers_url)
        return true;
    CLEANUP(drop_AUTHORITY_INFO_ACCESS)
    AUTHORITY_INFO_ACCESS *aia = AUTHORITY_INFO_ACCESS_new();
    return aia && push_access(aia, NID_ad_OCSP, p->ocsp_url) &&
           push_access(aia, NID_ad_ca_issuers, p->ca_issuers_url) && add(sk, NID_info_access, aia, 0);
}

static bool add_policy(X509_EXTENSIONS **sk, const char *oid)
{
    if (!oid)
        return true;
    CLEANUP(drop_CERTIFICATEPOLICIES)
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    POLICYINFO *p = POLICYINFO_new();
    ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
    if (!policies || !p || !o || !sk_POLICYINFO_push(policies, p)) {
        POLICYINFO_free(p);
        ASN1_OBJECT_free(o);
        return false;
    }
    ASN1_OBJECT_free(p->policyid);
    p->policyid = o;
    return add(sk, NID_certificate_policies, policies, 0);
}

X509_EXTENSIONS *ext_holder(const struct pki_request *r, const ASN1_OCTET_STRING *authority_key_id)
{
    X509_EXTENSIONS *sk = sk_X509_EXTENSION_new_null();
    if (sk && add_key_ids(&sk, r->spki, authority_key_id) && add_usage(&sk, r->profile->usage) &&
        add_eku(&sk, r->profile->eku) && add_policy(&sk, r->policy->policy_oid) &&
        add_crl_url(&sk, r->policy->crl_url) && add_access(&sk, r->policy) && add_identity(sk, r))
        return sk;
    ext_free(sk);
    return NULL;
}

X509_EXTENSIONS *ext_authority(struct pki_der spki, int path_length,
                               const ASN1_OCTET_STRING *authority_key_id)
{
    CLEANUP(drop_BASIC_CONSTRAINTS)
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
    X509_EXTENSIONS *sk = sk_X509_EXTENSION_new_null();
    if (bc && path_length >= 0 &&
        (!(bc->pathlen = ASN1_INTEGER_new()) || !ASN1_INTEGER_set(bc->pathlen, path_length)))
        goto failed;
    if (bc)
        bc->ca = 0xFF;
    if (sk && add_key_ids(&sk, spki, authority_key_id) && add(&sk, NID_basic_constraints, bc, 1) &&
        add_usage(&sk, 1u << 5 | 1u << 6)) /* keyCertSign, cRLSign */
        return sk;
failed:
    ext_free(sk);
    return NULL;
}
