#include "lab.h"

#include "lib/check.h"
#include "token/piv.h"
#include "token/pub.h"

#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static enum err lost(struct fault *f)
{
    return fail(f, ERR_UNAVAILABLE, "the server went away");
}

static enum err store(void *arg, const struct personalise_record *r, struct fault *f)
{
    struct lab *l = arg;
    l->journal_calls++;
    if (l->journal_calls == l->lose_journal_before)
        return lost(f);
    /* by way of the wire, as the server would */
    uint8_t detail[PERSONALISE_DETAIL_MAX];
    size_t n = personalise_detail(r, detail);
    l->journal = (struct personalise_record){.step = r->step};
    assert_true(personalise_detail_read(&l->journal, detail, n));
    if (r->step >= PERSONALISE_ISSUED) {
        memcpy(l->journal.cert, r->cert, r->cert_n);
        l->journal.cert_n = r->cert_n;
    }
    return l->journal_calls == l->lose_journal_after ? lost(f) : OK;
}

/* Proof of possession and the key of the request. */
static EVP_PKEY *checked_key(const uint8_t *csr, size_t n)
{
    const uint8_t *p = csr;
    X509_REQ *r = d2i_X509_REQ(NULL, &p, (long)n);
    assert_non_null(r);
    assert_ptr_equal(p, csr + n);
    EVP_PKEY *k = X509_REQ_get_pubkey(r);
    assert_non_null(k);
    if (EVP_PKEY_is_a(k, "SM2")) {
        ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(id, (const unsigned char *)"1234567812345678", 16);
        X509_REQ_set0_distinguishing_id(r, id);
    }
    assert_int_equal(X509_REQ_verify(r, k), 1);
    X509_REQ_free(r);
    return k;
}

static void add_padding(X509 *x, size_t n)
{
    ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
    uint8_t bytes[2048] = {0};
    ASN1_OCTET_STRING_set(o, bytes, (int)n);
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4", 1);
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, o);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(o);
}

static void make_cert(struct lab *l, EVP_PKEY *k)
{
    X509 *x = X509_new();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x1234567890ull);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"holder",
                               -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"lab CA",
                               -1, -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, k);
    add_padding(x, l->pad);
    assert_true(X509_sign(x, l->ca, EVP_sha256()) > 0);
    uint8_t *p = NULL;
    int n = i2d_X509(x, &p);
    assert_true(n > 0);
    l->cert_n = (size_t)n < sizeof l->cert ? (size_t)n : sizeof l->cert;
    memcpy(l->cert, p, l->cert_n);
    OPENSSL_free(p);
    X509_free(x);
}

static enum err issue(void *arg, const uint8_t *csr, size_t n, uint8_t cert[UKEY_CERT_MAX], size_t *cert_n,
                      struct fault *f)
{
    struct lab *l = arg;
    l->issue_calls++;
    if (l->issue_calls == l->lose_issue_before)
        return lost(f);
    EVP_PKEY *k = checked_key(csr, n);
    struct ukey_pub first = l->issued_for;
    if (!l->cert_n)
        make_cert(l, k);
    EVP_PKEY_free(k);
    if (pub_of_cert(l->cert, l->cert_n, &l->issued_for, f) != OK)
        assert_int_equal(l->cert_n, UKEY_CERT_MAX); /* one that was too long, cut */
    if (first.alg && !pub_same(&first, &l->issued_for))
        l->second_key = true;
    memcpy(cert, l->cert, l->cert_n);
    *cert_n = l->cert_n;
    return l->issue_calls == l->lose_issue_after ? lost(f) : OK;
}

static enum err finish(void *arg, const uint8_t *cert, size_t cert_n, const uint8_t *sig, size_t sig_n,
                       struct fault *f)
{
    struct lab *l = arg;
    uint8_t digest[UKEY_DIGEST];
    struct ukey_pub pub;
    l->finish_calls++;
    assert_int_equal(cert_n, l->cert_n);
    assert_memory_equal(cert, l->cert, cert_n);
    assert_ok(pub_of_cert(cert, cert_n, &pub, f));
    assert_ok(pub_digest(&pub, l->plan.proof_text, strlen(l->plan.proof_text), digest, f));
    assert_ok(pub_verify(&pub, digest, sig, sig_n, f));
    return OK;
}

void lab_init(struct lab *l, enum ukey_alg alg)
{
    *l = (struct lab){.pad = 900};
    l->ca = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_non_null(l->ca);
    l->plan = (struct personalise_plan){.slot = UKEY_SIGN_A,
                                        .alg = alg,
                                        .common_name = "order 1",
                                        .proof_text = "certdesk personalisation per_1",
                                        .arg = l,
                                        .journal = store,
                                        .issue = issue,
                                        .finish = finish};
    personalise_factory_secrets(&l->plan.old);
    strcpy(l->plan.fresh.pin, "830516");
    strcpy(l->plan.fresh.puk, "57731942");
    for (size_t i = 0; i < 24; i++)
        l->plan.fresh.admin.key[i] = (uint8_t)(0xC1 + 7 * i);
}

void lab_free(struct lab *l)
{
    EVP_PKEY_free(l->ca);
}

enum err lab_run(struct lab *l, struct channel *ch, struct fault *f)
{
    struct personalise_record r = l->journal;
    if (l->bare) {
        r.has_guid = r.has_serial = false;
        r.pub = (struct ukey_pub){0};
    }
    fault_clear(f);
    return personalise_run(ch, &l->plan, &r, f);
}

static bool admin_accepts(struct ukey *u, struct ukey_admin_key key)
{
    struct fault f;
    fault_clear(&f);
    const enum ukey_admin_alg algs[] = {UKEY_3DES, UKEY_AES192};
    for (size_t i = 0; i < 2; i++) {
        key.alg = algs[i];
        if (PIV.admin_auth(u, &key, &f) == OK)
            return true;
    }
    return false;
}

void lab_judge(const struct lab *l, struct channel *ch)
{
    struct fault f;
    struct ukey u = {.ops = &PIV, .ch = ch};
    struct ukey_info info;
    uint8_t der[UKEY_CERT_MAX + 1], digest[UKEY_DIGEST], sig[UKEY_SIG_MAX];
    size_t n = 0, ns = 0;
    struct ukey_pub pub;
    int left;
    fault_clear(&f);
    assert_false(l->second_key);
    assert_int_equal(l->journal.step, PERSONALISE_FINISHED);
    assert_ok(ch->ops->begin(ch, &f));
    assert_ok(PIV.select(&u, &f));
    assert_ok(PIV.info(&u, &info, &f));
    assert_int_equal(info.pin_left, 3);
    assert_true(info.puk_left == 3 || info.puk_left == -1);
    assert_true(info.has_guid);
    if (l->journal.has_guid)
        assert_memory_equal(info.guid, l->journal.guid, UKEY_GUID);
    assert_ok(PIV.read_cert(&u, l->plan.slot, der, sizeof der, &n, &f));
    assert_int_equal(n, l->cert_n);
    assert_memory_equal(der, l->cert, n);
    assert_ok(PIV.read_cert(&u, UKEY_SIGN_B, der + 1, 1, &n, &f));
    assert_int_equal(n, 0);
    assert_ok(pub_of_cert(l->cert, l->cert_n, &pub, &f));
    random_bytes(digest, sizeof digest);
    assert_ok(PIV.verify_pin(&u, l->plan.fresh.pin, &left, &f));
    assert_ok(PIV.sign(&u, l->plan.slot, pub.alg, digest, sig, &ns, &f));
    assert_ok(pub_verify(&pub, digest, sig, ns, &f));
    assert_ok(PIV.change_puk(&u, l->plan.fresh.puk, l->plan.fresh.puk, &left, &f));
    assert_true(admin_accepts(&u, l->plan.fresh.admin));
    assert_false(admin_accepts(&u, l->plan.old.admin));
    assert_ok(PIV.logout(&u, &f));
    ch->ops->end(ch, true);
}
