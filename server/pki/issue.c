#include "pki/issue.h"
#include "base/str.h"
#include "pki/asn1.h"
#include "pki/ca_priv.h"
#include "pki/ext.h"
#include "pki/name.h"

#include <openssl/err.h>
#include <string.h>

enum {
    SERIAL_OCTETS = 16,
    SERIAL_OCTETS_MAX = 20
};

struct pki_serial pki_serial_new(void)
{
    unsigned char b[SERIAL_OCTETS];
    struct pki_serial s;
    random_bytes(b, sizeof b);
    b[0] = (unsigned char)((b[0] & 0x3F) | 0x40);
    hex_encode(b, sizeof b, s.hex);
    return s;
}

/* -- build ---------------------------------------------------------------------------------------------- */

static enum err check_request(const struct pki_ca *ca, const struct pki_request *r, struct fault *f)
{
    unsigned char b[SERIAL_OCTETS_MAX];
    size_t n = strlen(r->serial.hex);
    TRY(pki_subject_check(r->profile, &r->subject, "", f));
    if (r->profile->alg != pki_ca_alg(ca))
        return fail(f, ERR_INVALID, "profile %s is not for this CA", r->profile->name);
    if (n < 2 || n % 2 || n / 2 > sizeof b || !hex_decode(r->serial.hex, b, n / 2) || b[0] & 0x80)
        return fail(f, ERR_INVALID, "the serial is not a positive number of at most 20 octets");
    if (r->not_before_ms < 0 || r->not_after_ms < r->not_before_ms)
        return fail(f, ERR_INVALID, "the validity ends before it begins");
    return OK;
}

enum err pki_tbs_build(const struct pki_ca *ca, const struct pki_request *r, struct arena *a,
                       struct pki_der *tbs, struct fault *f)
{
    TRY(check_request(ca, r, f));
    CLEANUP(drop_TBS)
    TBS *t = TBS_new();
    struct asn1_body body = {r->serial.hex, ca->alg,          ca->subject_der,
                             r->spki,       r->not_before_ms, r->not_after_ms};
    if (!t || !asn1_fill(t, &body))
        return ossl_fail(f, ERR_INTERNAL, "the certificate cannot be built");
    X509_NAME_free(t->subject);
    t->subject = name_build(r->profile->kind, &r->subject);
    t->extensions = ext_holder(r, X509_get0_subject_key_id(ca->issuing));
    if (!t->subject || !t->extensions)
        return ossl_fail(f, ERR_INTERNAL, "the certificate cannot be built");
    *tbs = OSSL_DER(a, TBS, t);
    return tbs->n ? OK : ossl_fail(f, ERR_INTERNAL, "the certificate cannot be encoded");
}

/* -- sign ----------------------------------------------------------------------------------------------- */

/* Refuses bytes that were not made for this CA, whoever stored them. */
static bool made_for(const struct pki_ca *ca, struct pki_der tbs)
{
    CLEANUP(drop_TBS)
    TBS *t = asn1_tbs(tbs);
    if (!t || t->issuer->type != V_ASN1_SEQUENCE)
        return false;
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, t->alg);
    const ASN1_STRING *issuer = t->issuer->value.sequence;
    struct pki_der name = {ASN1_STRING_get0_data(issuer), (size_t)ASN1_STRING_length(issuer)};
    return OBJ_obj2nid(oid) == ossl_alg(ca->alg)->signature && pki_der_equal(name, ca->subject_der);
}

enum err pki_sign(const struct pki_ca *ca, struct pki_der tbs, struct arena *a, struct pki_der *certificate,
                  struct fault *f)
{
    const struct ossl_alg *row = ossl_alg(ca->alg);
    struct pki_der sig;
    if (!made_for(ca, tbs))
        return fail(f, ERR_LINT, "the stored bytes are not a certificate of this CA");
    TRY(ossl_sign(ca->key, ca->alg, tbs, a, &sig, f));
    /* A fault in the signer must not leave the house: an ECDSA signature gone wrong can give the key away. */
    if (!ossl_verify(X509_get0_pubkey(ca->issuing), row->md, row->sm2_id, tbs, sig))
        return fail(f, ERR_INTERNAL, "the new signature does not verify");
    *certificate = asn1_wrap(a, tbs, ca->alg, sig);
    return certificate->n ? OK : ossl_fail(f, ERR_INTERNAL, "the certificate cannot be encoded");
}

bool pki_same_tbs(struct pki_der tbs, struct pki_der certificate)
{
    CLEANUP(drop_SIGNED)
    SIGNED *s = asn1_signed(certificate);
    return s && pki_der_equal(asn1_body(s), tbs);
}
