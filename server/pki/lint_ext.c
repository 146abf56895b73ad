#include "pki/ca_priv.h"
#include "pki/ext.h"
#include "pki/lint_rules.h"

#include <openssl/err.h>
#include <string.h>

/* The extensions that a holder's certificate may have besides the identity, and whether they are critical. */
static const struct {
    int nid;
    int critical;
} known[] = {
    {NID_subject_key_identifier, 0},
    {NID_authority_key_identifier, 0},
    {NID_key_usage, 1},
    {NID_ext_key_usage, 0},
    {NID_certificate_policies, 0},
    {NID_crl_distribution_points, 0},
    {NID_info_access, 0},
};

static bool is_identity(const struct lint *l, const ASN1_OBJECT *oid)
{
    char text[64];
    OBJ_obj2txt(text, sizeof text, oid, 1);
    return strcmp(text, ext_identity_oid(l->r->policy->series, l->r->profile->kind)) == 0;
}

static bool allowed(const struct lint *l, X509_EXTENSION *e)
{
    const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
    int nid = OBJ_obj2nid(oid), critical = X509_EXTENSION_get_critical(e);
    /* NOT_A_CA and KEY_USAGE speak for themselves */
    if (nid == NID_basic_constraints || nid == NID_key_usage)
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].nid == nid)
            return critical == known[i].critical;
    return is_identity(l, oid) && !critical;
}

/* OpenSSL keeps the octet of a BOOLEAN as it came; DER has only 00 and FF. */
static bool encoded_well(const struct lint *l, X509_EXTENSION *e)
{
    X509_EXTENSION *again = X509_EXTENSION_create_by_OBJ(
        NULL, X509_EXTENSION_get_object(e), X509_EXTENSION_get_critical(e), X509_EXTENSION_get_data(e));
    bool same = pki_der_equal(OSSL_DER(l->a, X509_EXTENSION, again), OSSL_DER(l->a, X509_EXTENSION, e));
    X509_EXTENSION_free(again);
    return same;
}

static void each_once_and_known(struct lint *l)
{
    for (int i = 0; i < X509_get_ext_count(l->x); i++) {
        X509_EXTENSION *e = X509_get_ext(l->x, i);
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(e), 0);
        if (!encoded_well(l, e))
            lint_say(l, PKI_RULE_DER, "%s is not in DER", oid);
        if (X509_get_ext_by_OBJ(l->x, X509_EXTENSION_get_object(e), i) >= 0)
            lint_say(l, PKI_RULE_EXTENSION_TWICE, "%s", oid);
        if (!allowed(l, e))
            lint_say(l, PKI_RULE_EXTENSION_UNKNOWN, "%s%s", oid,
                     X509_EXTENSION_get_critical(e) ? ", critical" : "");
    }
}

/* The value of the first extension of this kind, decoded; NULL when absent or unreadable. */
static void *first(const struct lint *l, int nid, int *critical)
{
    int at = X509_get_ext_by_NID(l->x, nid, -1);
    X509_EXTENSION *e = at < 0 ? NULL : X509_get_ext(l->x, at);
    if (critical)
        *critical = e ? X509_EXTENSION_get_critical(e) : 0;
    return e ? X509V3_EXT_d2i(e) : NULL;
}

static void usages(struct lint *l)
{
    int critical;
    CLEANUP(drop_BASIC_CONSTRAINTS)
    BASIC_CONSTRAINTS *bc = first(l, NID_basic_constraints, NULL);
    if (X509_get_ext_by_NID(l->x, NID_basic_constraints, -1) >= 0 && (!bc || bc->ca || bc->pathlen))
        lint_say(l, PKI_RULE_NOT_A_CA, "the certificate would be a CA");
    CLEANUP(drop_ASN1_BIT_STRING)
    ASN1_BIT_STRING *bits = first(l, NID_key_usage, &critical);
    unsigned usage = 0;
    for (int i = 0; bits && i < 9; i++)
        usage |= ASN1_BIT_STRING_get_bit(bits, i) ? 1u << i : 0;
    if (!bits || !critical || usage != l->r->profile->usage)
        lint_say(l, PKI_RULE_KEY_USAGE, "bits %03x%s", usage, critical ? "" : ", not critical");
}

static void purposes(struct lint *l)
{
    CLEANUP(drop_EXTENDED_KEY_USAGE)
    EXTENDED_KEY_USAGE *eku = first(l, NID_ext_key_usage, NULL);
    const char *const *want = l->r->profile->eku;
    int n = eku ? sk_ASN1_OBJECT_num(eku) : 0, i = 0;
    bool same = true;
    for (; i < n && want[i]; i++) {
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(eku, i), 1);
        same = same && strcmp(oid, want[i]) == 0;
    }
    if (!same || i < n || want[i])
        lint_say(l, PKI_RULE_EXTENDED_KEY_USAGE, "%d purposes, not the profile's", n);
}

static bool string_is(const ASN1_OCTET_STRING *s, const unsigned char *p, size_t n)
{
    return s && pki_der_equal((struct pki_der){ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)},
                              (struct pki_der){p, n});
}

static void key_ids(struct lint *l)
{
    unsigned char id[OSSL_KEY_ID_SIZE];
    CLEANUP(drop_ASN1_OCTET_STRING)
    ASN1_OCTET_STRING *own = first(l, NID_subject_key_identifier, NULL);
    CLEANUP(drop_AUTHORITY_KEYID)
    AUTHORITY_KEYID *aki = first(l, NID_authority_key_identifier, NULL);
    const ASN1_OCTET_STRING *ca = X509_get0_subject_key_id(l->ca->issuing);
    ossl_key_id(X509_get0_pubkey_bitstr(l->x), id);
    if (!string_is(own, id, sizeof id))
        lint_say(l, PKI_RULE_SUBJECT_KEY_ID, "not this key's");
    if (!aki || aki->issuer || aki->serial || !aki->keyid || !ca ||
        ASN1_OCTET_STRING_cmp(aki->keyid, ca) != 0)
        lint_say(l, PKI_RULE_AUTHORITY_KEY_ID, "not this CA's");
}

static void identity(struct lint *l)
{
    char seen[EXT_IDENTITY_MAX] = "";
    for (int i = 0; i < X509_get_ext_count(l->x); i++) {
        X509_EXTENSION *e = X509_get_ext(l->x, i);
        if (is_identity(l, X509_EXTENSION_get_object(e))) {
            ext_identity_read(X509_EXTENSION_get_data(e), seen);
            break;
        }
    }
    if (!l->r->subject.identity || strcmp(seen, l->r->subject.identity) != 0)
        lint_say(l, PKI_RULE_IDENTITY, seen[0] ? "another number than the order's" : "it is missing");
}

static void policy(struct lint *l)
{
    CLEANUP(drop_CERTIFICATEPOLICIES)
    CERTIFICATEPOLICIES *p = first(l, NID_certificate_policies, NULL);
    char oid[64] = "";
    const char *want = l->r->policy->policy_oid;
    int n = p ? sk_POLICYINFO_num(p) : 0;
    if (n == 1)
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(p, 0)->policyid, 1);
    if (want ? strcmp(oid, want) != 0 : X509_get_ext_by_NID(l->x, NID_certificate_policies, -1) >= 0)
        lint_say(l, PKI_RULE_POLICY, "%d policies%s%s", n, n == 1 ? ", " : "", oid);
}

/* True when the name is this address; NULL wants no name. */
static bool url_is(const GENERAL_NAME *g, const char *want)
{
    if (!g || !want)
        return !g && !want;
    return g->type == GEN_URI &&
           string_is(g->d.uniformResourceIdentifier, (const unsigned char *)want, strlen(want));
}

static void crl_url(struct lint *l)
{
    CLEANUP(drop_CRL_DIST_POINTS)
    CRL_DIST_POINTS *points = first(l, NID_crl_distribution_points, NULL);
    const DIST_POINT *d = points && sk_DIST_POINT_num(points) == 1 ? sk_DIST_POINT_value(points, 0) : NULL;
    const GENERAL_NAME *g = NULL;
    if (d && d->distpoint && d->distpoint->type == 0 && sk_GENERAL_NAME_num(d->distpoint->name.fullname) == 1)
        g = sk_GENERAL_NAME_value(d->distpoint->name.fullname, 0);
    bool present = X509_get_ext_by_NID(l->x, NID_crl_distribution_points, -1) >= 0;
    if (present != (l->r->policy->crl_url != NULL) || !url_is(g, l->r->policy->crl_url))
        lint_say(l, PKI_RULE_CRL_URL, "not the channel's address");
}

static void access_urls(struct lint *l)
{
    CLEANUP(drop_AUTHORITY_INFO_ACCESS)
    AUTHORITY_INFO_ACCESS *aia = first(l, NID_info_access, NULL);
    const GENERAL_NAME *ocsp = NULL, *issuers = NULL;
    int n = aia ? sk_ACCESS_DESCRIPTION_num(aia) : 0, others = 0;
    for (int i = 0; i < n; i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
        int method = OBJ_obj2nid(d->method);
        if (method == NID_ad_OCSP && !ocsp)
            ocsp = d->location;
        else if (method == NID_ad_ca_issuers && !issuers)
            issuers = d->location;
        else
            others++;
    }
    const struct pki_policy *p = l->r->policy;
    bool present = X509_get_ext_by_NID(l->x, NID_info_access, -1) >= 0;
    if (others || !url_is(ocsp, p->ocsp_url) || !url_is(issuers, p->ca_issuers_url) ||
        present != (p->ocsp_url || p->ca_issuers_url))
        lint_say(l, PKI_RULE_ACCESS_URLS, "not the channel's addresses");
}

void lint_extensions(struct lint *l)
{
    each_once_and_known(l);
    usages(l);
    purposes(l);
    key_ids(l);
    identity(l);
    policy(l);
    crl_url(l);
    access_urls(l);
}
