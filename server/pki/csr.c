#include "pki/csr.h"
#include "pki/asn1.h"

#include <openssl/err.h>

/* Signature algorithms that a request may use: X(key, NID, digest, parameters NULL or absent) */
static const struct {
    enum pki_alg key;
    int nid;
    const char *md;
    int parameters;
} signatures[] = {
    {PKI_SM2, NID_SM2_with_SM3, "SM3", V_ASN1_UNDEF},
    {PKI_P256, NID_ecdsa_with_SHA256, "SHA256", V_ASN1_UNDEF},
    {PKI_P256, NID_ecdsa_with_SHA384, "SHA384", V_ASN1_UNDEF},
    {PKI_RSA, NID_sha256WithRSAEncryption, "SHA256", V_ASN1_NULL},
    {PKI_RSA, NID_sha384WithRSAEncryption, "SHA384", V_ASN1_NULL},
};

/* The digest that the AlgorithmIdentifier stands for, NULL when it does not fit the key. */
static const char *digest_of(const X509_ALGOR *alg, enum pki_alg key)
{
    const ASN1_OBJECT *oid;
    int type;
    X509_ALGOR_get0(&oid, &type, NULL, alg);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (signatures[i].key == key && signatures[i].nid == OBJ_obj2nid(oid) &&
            signatures[i].parameters == type)
            return signatures[i].md;
    return NULL;
}

static enum err check_possession(EVP_PKEY *key, enum pki_alg alg, const SIGNED *s, struct fault *f)
{
    const char *md = digest_of(s->alg, alg);
    if (!md)
        return fail(f, ERR_CSR_BAD, "the signature algorithm does not fit the key");
    struct pki_der body = asn1_body(s);
    struct pki_der sig = {ASN1_STRING_get0_data(s->signature), (size_t)ASN1_STRING_length(s->signature)};
    if (ossl_verify(key, md, OSSL_SM2_ID, body, sig))
        return OK;
    if (alg == PKI_SM2 && ossl_verify(key, md, "", body, sig))
        return fail(f, ERR_CSR_BAD,
                    "the request is signed with an empty SM2 signer id; %s is required (GM/T 0009 10)",
                    OSSL_SM2_ID);
    return fail(f, ERR_CSR_BAD, "the proof of possession does not verify");
}

static int count_extensions(X509_REQ *req)
{
    X509_EXTENSIONS *sk = X509_REQ_get_extensions(req);
    int n = sk ? sk_X509_EXTENSION_num(sk) : 0;
    sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
    ERR_clear_error();
    return n;
}

static enum err read_key(X509_REQ *req, unsigned allowed, struct arena *a, struct pki_csr *out,
                         EVP_PKEY **key, struct fault *f)
{
    out->spki = OSSL_DER(a, X509_PUBKEY, X509_REQ_get_X509_PUBKEY(req));
    TRY(ossl_pubkey(X509_REQ_get_X509_PUBKEY(req), key, &out->alg, f));
    if (!(allowed & 1u << out->alg))
        return fail(f, ERR_CSR_BAD, "keys of the kind %s are not accepted here", pki_alg_name(out->alg));
    return OK;
}

enum err pki_csr_parse(struct pki_der der, unsigned allowed, struct arena *a, struct pki_csr *out,
                       struct fault *f)
{
    *out = (struct pki_csr){0};
    if (!der.p || der.n == 0 || der.n > PKI_CSR_MAX)
        return fail(f, ERR_CSR_BAD, "a request has 1 to %d bytes", PKI_CSR_MAX);
    const unsigned char *p = der.p;
    CLEANUP(drop_SIGNED)
    SIGNED *s = asn1_signed(der);
    CLEANUP(drop_X509_REQ)
    X509_REQ *req = s ? d2i_X509_REQ(NULL, &p, (long)der.n) : NULL;
    if (!req || p != der.p + der.n)
        return ossl_fail(f, ERR_CSR_BAD, "this is not one PKCS #10 request in DER");
    struct pki_der again = OSSL_DER(a, X509_REQ, req);
    if (!pki_der_equal(again, der))
        return fail(f, ERR_CSR_BAD, "the request is not in DER");
    if (X509_REQ_get_version(req) != X509_REQ_VERSION_1)
        return fail(f, ERR_CSR_BAD, "the request's version is not 1");
    CLEANUP(drop_EVP_PKEY)
    EVP_PKEY *key = NULL;
    TRY(read_key(req, allowed, a, out, &key, f));
    TRY(check_possession(key, out->alg, s, f));
    pki_spki_sha256(out->spki, out->spki_sha256);
    out->ignored_names = X509_NAME_entry_count(X509_REQ_get_subject_name(req));
    out->ignored_extensions = count_extensions(req);
    return OK;
}
