#include "base/str.h"
#include "pki/asn1.h"
#include "pki/ca.h"
#include "pki/ca_files.h"
#include "pki/ca_priv.h"
#include "pki/cert.h"
#include "pki/ext.h"
#include "pki/issue.h"
#include "pki/lint.h"
#include "pki/name.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum {
    KDF_ITERATIONS = 600000,
    KDF_ITERATIONS_MIN = 1000,
    PASSPHRASE_MIN = 8
};

/* -- making a CA ---------------------------------------------------------------------------------------- */

struct maker {
    const struct pki_ca_plan *plan;
    struct arena *a;
    EVP_PKEY *root_key, *issuing_key;
    X509 *root, *issuing;
};

static enum err check_plan(const struct pki_ca_plan *p, struct fault *f)
{
    const struct {
        const char *field, *text;
    } names[] = {
        {"organization", p->organization}, {"root_name", p->root_name}, {"issuing_name", p->issuing_name}};
    if (p->alg != PKI_SM2 && p->alg != PKI_P256)
        return fail(f, ERR_INVALID, "a CA's key is SM2 or P-256");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!names[i].text || name_problem(names[i].text, strlen(names[i].text)) != NAME_FINE)
            return fail(f, ERR_INVALID, "%s cannot stand in a certificate", names[i].field);
    if (strcmp(p->root_name, p->issuing_name) == 0)
        return fail(f, ERR_INVALID, "root and issuing CA need names of their own");
    if (p->issuing_days < 1 || p->root_days < p->issuing_days || p->root_days > 100 * 366)
        return fail(f, ERR_INVALID, "the root must live at least as long as the issuing CA");
    if (!p->passphrase || strlen(p->passphrase) < PASSPHRASE_MIN)
        return fail(f, ERR_INVALID, "the passphrase needs at least %d characters", PASSPHRASE_MIN);
    if (p->kdf_iterations && p->kdf_iterations < KDF_ITERATIONS_MIN)
        return fail(f, ERR_INVALID, "at least %d iterations", KDF_ITERATIONS_MIN);
    return OK;
}

static EVP_PKEY *new_key(enum pki_alg alg)
{
    return alg == PKI_SM2 ? EVP_PKEY_Q_keygen(NULL, NULL, "SM2")
                          : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static X509_NAME *ca_name(const struct pki_ca_plan *p, const char *cn)
{
    struct pki_subject s = {.name = cn};
    X509_NAME *n = name_build(PKI_INDIVIDUAL, &s);
    /* O stands between C and CN */
    if (n && X509_NAME_add_entry_by_NID(n, NID_organizationName, V_ASN1_UTF8STRING,
                                        (const unsigned char *)p->organization, -1, 1, 0))
        return n;
    X509_NAME_free(n);
    return NULL;
}

/* issuer NULL: a root, which issues itself. */
static struct pki_der authority_tbs(const struct maker *m, X509 *issuer, EVP_PKEY *key, const char *cn,
                                    int days)
{
    struct pki_request r = {.serial = pki_serial_new(), .spki = OSSL_DER(m->a, PUBKEY, key)};
    pki_validity_days(&r, m->plan->not_before_ms, days);
    CLEANUP(drop_TBS)
    TBS *t = TBS_new();
    CLEANUP(drop_X509_NAME)
    X509_NAME *name = ca_name(m->plan, cn);
    const X509_NAME *issuer_name = issuer ? X509_get_subject_name(issuer) : name;
    struct asn1_body body = {r.serial.hex, m->plan->alg,    OSSL_DER(m->a, X509_NAME, issuer_name),
                             r.spki,       r.not_before_ms, r.not_after_ms};
    bool good = t && name && asn1_fill(t, &body) && X509_NAME_set(&t->subject, name) &&
                (t->extensions = ext_authority(r.spki, issuer ? 0 : -1,
                                               issuer ? X509_get0_subject_key_id(issuer) : NULL));
    return good ? OSSL_DER(m->a, TBS, t) : (struct pki_der){0};
}

static enum err make_cert(const struct maker *m, struct pki_der tbs, EVP_PKEY *signer, X509 **out,
                          struct fault *f)
{
    struct pki_der sig;
    if (!tbs.n)
        return ossl_fail(f, ERR_INTERNAL, "the CA's certificate cannot be built");
    TRY(ossl_sign(signer, m->plan->alg, tbs, m->a, &sig, f));
    *out = ossl_x509(asn1_wrap(m->a, tbs, m->plan->alg, sig));
    return *out ? OK : fail(f, ERR_INTERNAL, "the CA's certificate cannot be encoded");
}

static enum err make(struct maker *m, struct fault *f)
{
    const struct pki_ca_plan *p = m->plan;
    m->root_key = new_key(p->alg);
    m->issuing_key = new_key(p->alg);
    if (!m->root_key || !m->issuing_key)
        return ossl_fail(f, ERR_INTERNAL, "no key can be made");
    TRY(make_cert(m, authority_tbs(m, NULL, m->root_key, p->root_name, p->root_days), m->root_key, &m->root,
                  f));
    TRY(make_cert(m, authority_tbs(m, m->root, m->issuing_key, p->issuing_name, p->issuing_days), m->root_key,
                  &m->issuing, f));
    return OK;
}

static enum err write_all(const struct maker *m, const char *folder, struct fault *f)
{
    const struct pki_ca_plan *p = m->plan;
    int iterations = p->kdf_iterations ? p->kdf_iterations : KDF_ITERATIONS;
    TRY(ca_write_cert(folder, "root.crt", m->root, f));
    TRY(ca_write_cert(folder, "issuing.crt", m->issuing, f));
    TRY(ca_write_key(folder, "root.key", m->root_key, p->passphrase, iterations, f));
    TRY(ca_write_key(folder, "issuing.key", m->issuing_key, p->passphrase, iterations, f));
    return OK;
}

enum err pki_ca_create(const char *dir, const struct pki_ca_plan *plan, struct fault *f)
{
    char folder[CA_PATH_MAX];
    struct arena a;
    TRY(check_plan(plan, f));
    TRY(ca_folder_begin(dir, pki_alg_name(plan->alg), folder, f));
    arena_init(&a, 0);
    struct maker m = {.plan = plan, .a = &a};
    enum err e = make(&m, f);
    if (e == OK)
        e = write_all(&m, folder, f);
    if (e == OK)
        e = ca_folder_finish(dir, pki_alg_name(plan->alg), folder, f);
    if (e != OK)
        ca_folder_drop(folder);
    X509_free(m.root);
    X509_free(m.issuing);
    EVP_PKEY_free(m.root_key);
    EVP_PKEY_free(m.issuing_key);
    arena_free(&a);
    return e;
}

/* -- the back end --------------------------------------------------------------------------------------- */

static enum err local_prepare(const struct pki_ca *ca, const struct pki_request *r, struct arena *a,
                              struct pki_der *intent, struct fault *f)
{
    struct pki_findings findings;
    TRY(pki_tbs_build(ca, r, a, intent, f));
    return pki_lint_tbs(ca, r, *intent, &findings, f);
}

static enum err local_sign(const struct pki_ca *ca, struct pki_der intent, struct arena *a,
                           struct pki_der *certificate, struct fault *f)
{
    TRY(pki_sign(ca, intent, a, certificate, f));
    if (!pki_same_tbs(intent, *certificate))
        return fail(f, ERR_INTERNAL, "the certificate is not what was asked for");
    return OK;
}

static void local_close(struct pki_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->issuing);
    X509_free(ca->root);
    arena_free(&ca->mem);
    free(ca);
}

static const struct ca_ops local_ops = {
    .name = "local",
    .prepare = local_prepare,
    .sign = local_sign,
    .agrees = pki_same_tbs,
    .close = local_close,
};

static enum err read_files(struct pki_ca *ca, const char *folder, const char *passphrase, struct fault *f)
{
    TRY(ca_read_cert(folder, "root.crt", &ca->root, f));
    TRY(ca_read_cert(folder, "issuing.crt", &ca->issuing, f));
    TRY(ca_read_key(folder, "issuing.key", passphrase, &ca->key, f));
    ca->root_der = OSSL_DER(&ca->mem, X509, ca->root);
    ca->issuing_der = OSSL_DER(&ca->mem, X509, ca->issuing);
    ca->subject_der = OSSL_DER(&ca->mem, X509_NAME, X509_get_subject_name(ca->issuing));
    return OK;
}

static enum err check_files(const struct pki_ca *ca, struct fault *f)
{
    int64_t begin_ms;
    struct pki_cert c;
    struct arena a;
    if (ossl_key_alg(ca->key) != ca->alg || X509_check_private_key(ca->issuing, ca->key) != 1)
        return ossl_fail(f, ERR_DATA_LOSS, "the CA's key does not belong to its certificate");
    if (!X509_get0_subject_key_id(ca->issuing))
        return fail(f, ERR_DATA_LOSS, "the CA's certificate has no key id");
    arena_init(&a, 0);
    enum err e = pki_cert_parse(ca->issuing_der, &a, &c, f);
    begin_ms = c.not_before_ms;
    arena_free(&a);
    TRY(e);
    /* At its first moment: that the CA has not expired is the lint's to say, certificate by certificate. */
    struct fault why;
    fault_clear(&why);
    if (pki_verify_chain(ca->issuing_der, ca->issuing_der, ca->root_der, begin_ms, &why) != OK)
        return fail(f, ERR_DATA_LOSS, "the CA's certificates do not fit one another: %s", fault_text(&why));
    return OK;
}

enum err pki_ca_open(const char *dir, enum pki_alg alg, const char *passphrase, struct pki_ca **out,
                     struct fault *f)
{
    struct arena a;
    *out = NULL;
    struct pki_ca *ca = calloc(1, sizeof *ca);
    if (!ca)
        return fail(f, ERR_INTERNAL, "no memory");
    ca->ops = &local_ops;
    ca->alg = alg;
    arena_init(&ca->mem, 0);
    arena_init(&a, 0);
    enum err e = read_files(ca, arena_printf(&a, "%s/%s", dir, pki_alg_name(alg)), passphrase, f);
    if (e == OK)
        e = check_files(ca, f);
    arena_free(&a);
    if (e != OK) {
        pki_ca_close(ca);
        return e;
    }
    *out = ca;
    return OK;
}
