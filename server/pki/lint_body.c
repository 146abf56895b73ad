#include "pki/ca_priv.h"
#include "pki/lint_rules.h"
#include "pki/name.h"

#include <openssl/err.h>
#include <string.h>

enum {
    SERIAL_BITS_MIN = 64,
    SERIAL_OCTETS_MAX = 20
};

static void version_and_serial(struct lint *l)
{
    const ASN1_INTEGER *s = X509_get0_serialNumber(l->x);
    BIGNUM *bn = ASN1_INTEGER_to_BN(s, NULL), *want = NULL;
    if (X509_get_version(l->x) != X509_VERSION_3)
        lint_say(l, PKI_RULE_VERSION, "version %ld", X509_get_version(l->x) + 1);
    if (!bn || BN_is_negative(bn) || BN_is_zero(bn))
        lint_say(l, PKI_RULE_SERIAL_POSITIVE, "it is zero or negative");
    /* an octet more when the first bit is set: INTEGER has a sign */
    if (bn && (BN_num_bits(bn) < SERIAL_BITS_MIN || BN_num_bits(bn) / 8 + 1 > SERIAL_OCTETS_MAX))
        lint_say(l, PKI_RULE_SERIAL_LENGTH, "%d bits", BN_num_bits(bn));
    if (!BN_hex2bn(&want, l->r->serial.hex) || !bn || BN_cmp(bn, want) != 0)
        lint_say(l, PKI_RULE_SERIAL_ORDER, "another serial than %s", l->r->serial.hex);
    BN_free(bn);
    BN_free(want);
}

static void algorithms(struct lint *l)
{
    const X509_ALGOR *inside = X509_get0_tbs_sigalg(l->x), *outside;
    X509_get0_signature(NULL, &outside, l->x);
    const ASN1_OBJECT *oid;
    int parameters;
    X509_ALGOR_get0(&oid, &parameters, NULL, inside);
    if (X509_ALGOR_cmp(inside, outside) != 0)
        lint_say(l, PKI_RULE_ALGORITHMS_EQUAL, "%s inside", OBJ_nid2sn(OBJ_obj2nid(oid)));
    if (OBJ_obj2nid(oid) != ossl_alg(l->ca->alg)->signature || parameters != V_ASN1_UNDEF)
        lint_say(l, PKI_RULE_ALGORITHM, "%s", OBJ_nid2sn(OBJ_obj2nid(oid)));
}

static bool time_form(const ASN1_TIME *t, int64_t ms)
{
    static const int64_t from_2050 = 2524608000000;
    int type = ASN1_STRING_type(t), n = ASN1_STRING_length(t);
    const unsigned char *p = ASN1_STRING_get0_data(t);
    return type == (ms < from_2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME) &&
           n == (type == V_ASN1_UTCTIME ? 13 : 15) && p[n - 1] == 'Z';
}

static int days_allowed(const struct pki_request *r)
{
    int days = r->policy->max_days;
    return days > 0 && days < r->profile->max_days ? days : r->profile->max_days;
}

static void validity(struct lint *l)
{
    int64_t from, to, ca_from, ca_to;
    const ASN1_TIME *before = X509_get0_notBefore(l->x), *after = X509_get0_notAfter(l->x);
    if (!ossl_time_ms(before, &from) || !ossl_time_ms(after, &to)) {
        lint_say(l, PKI_RULE_VALIDITY_FORM, "a time that cannot be read");
        return;
    }
    if (!time_form(before, from) || !time_form(after, to))
        lint_say(l, PKI_RULE_VALIDITY_FORM, "a time in the wrong form");
    if (to < from) {
        lint_say(l, PKI_RULE_VALIDITY_ORDER, "it ends before it begins");
        return;
    }
    /* the last second counts (RFC 5280 4.1.2.5) */
    if (to - from + 1000 > (int64_t)days_allowed(l->r) * 86400000)
        lint_say(l, PKI_RULE_VALIDITY_MAX, "longer than %d days", days_allowed(l->r));
    if (!ossl_time_ms(X509_get0_notBefore(l->ca->issuing), &ca_from) ||
        !ossl_time_ms(X509_get0_notAfter(l->ca->issuing), &ca_to) || from < ca_from || to > ca_to)
        lint_say(l, PKI_RULE_VALIDITY_ISSUER, "outside the issuing CA's validity");
}

/* -- the subject ---------------------------------------------------------------------------------------- */

static int count(const X509_NAME *name, int nid)
{
    int n = 0;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
        n++;
    return n;
}

static void subject_fields(struct lint *l, const X509_NAME *name)
{
    bool organization = l->r->profile->kind == PKI_ORGANIZATION;
    int c = count(name, NID_countryName), o = count(name, NID_organizationName),
        ou = count(name, NID_organizationalUnitName), cn = count(name, NID_commonName),
        number = count(name, NID_serialNumber);
    if (c != 1 || cn != 1 || o != (organization ? 1 : 0) || ou > (organization ? 1 : 0) || number > 1 ||
        c + o + ou + cn + number != X509_NAME_entry_count(name))
        lint_say(l, PKI_RULE_SUBJECT_FIELDS, "%d attributes, of them C %d O %d OU %d CN %d serialNumber %d",
                 X509_NAME_entry_count(name), c, o, ou, cn, number);
}

static void subject_entry(struct lint *l, const X509_NAME_ENTRY *e)
{
    const ASN1_STRING *v = X509_NAME_ENTRY_get_data(e);
    int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(e));
    bool printable = nid == NID_countryName || nid == NID_serialNumber;
    enum name_problem p = name_problem(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
    if (ASN1_STRING_type(v) != (printable ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING))
        lint_say(l, PKI_RULE_SUBJECT_TEXT, "%s is of another string type", OBJ_nid2sn(nid));
    if (p == NAME_LONG)
        lint_say(l, PKI_RULE_SUBJECT_LENGTH, "%s is too long", OBJ_nid2sn(nid));
    else if (p != NAME_FINE)
        lint_say(l, PKI_RULE_SUBJECT_TEXT, "%s is empty or holds what cannot be shown", OBJ_nid2sn(nid));
}

/* Silent where a more exact rule has spoken. */
static void subject_of_the_order(struct lint *l, const X509_NAME *name)
{
    if (pki_findings_has(l->out, PKI_RULE_SUBJECT_FIELDS) ||
        pki_findings_has(l->out, PKI_RULE_SUBJECT_TEXT) || pki_findings_has(l->out, PKI_RULE_SUBJECT_LENGTH))
        return;
    CLEANUP(drop_X509_NAME)
    X509_NAME *want = name_build(l->r->profile->kind, &l->r->subject);
    if (!want || !pki_der_equal(OSSL_DER(l->a, X509_NAME, want), OSSL_DER(l->a, X509_NAME, name)))
        lint_say(l, PKI_RULE_SUBJECT_ORDER, "another subject than the order's");
}

static void names(struct lint *l)
{
    const X509_NAME *name = X509_get_subject_name(l->x);
    struct pki_der issuer = OSSL_DER(l->a, X509_NAME, X509_get_issuer_name(l->x));
    if (!pki_der_equal(issuer, l->ca->subject_der))
        lint_say(l, PKI_RULE_ISSUER, "another issuer than this CA");
    subject_fields(l, name);
    for (int i = 0; i < X509_NAME_entry_count(name); i++)
        subject_entry(l, X509_NAME_get_entry(name, i));
    subject_of_the_order(l, name);
}

static void key(struct lint *l)
{
    enum pki_alg alg;
    struct fault why;
    CLEANUP(drop_EVP_PKEY)
    EVP_PKEY *k = NULL;
    struct pki_der spki = OSSL_DER(l->a, X509_PUBKEY, X509_get_X509_PUBKEY(l->x));
    fault_clear(&why);
    if (ossl_pubkey(X509_get_X509_PUBKEY(l->x), &k, &alg, &why) != OK)
        lint_say(l, PKI_RULE_KEY_KIND, "%s", fault_text(&why));
    else if (alg != l->r->profile->alg)
        lint_say(l, PKI_RULE_KEY_KIND, "a key of the kind %s", pki_alg_name(alg));
    if (!pki_der_equal(spki, l->r->spki))
        lint_say(l, PKI_RULE_KEY_ORDER, "another key than the card's");
}

void lint_body(struct lint *l)
{
    const ASN1_BIT_STRING *issuer_id, *subject_id;
    version_and_serial(l);
    algorithms(l);
    validity(l);
    names(l);
    key(l);
    X509_get0_uids(l->x, &issuer_id, &subject_id);
    if (issuer_id || subject_id)
        lint_say(l, PKI_RULE_UNIQUE_IDS, "a unique identifier");
}
