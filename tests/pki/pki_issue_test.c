/* Issuance: serials, the bytes to be signed, signing, comparing, chains. The judge is the openssl command. */
#include "fixture.h"

static struct fixture x;

static struct pki_der issue(const struct pki_request *r)
{
    struct pki_der intent, cert;
    const struct pki_ca *ca = x.ca[r->profile->alg];
    const struct ca_ops *ops = pki_ca_ops(ca);
    enum err e = ops->prepare(ca, r, &x.a, &intent, &x.f);
    if (e != OK)
        print_message("# %s\n", fault_text(&x.f));
    assert_ok(e);
    assert_ok(ops->sign(ca, intent, &x.a, &cert, &x.f));
    assert_true(ops->agrees(intent, cert));
    return cert;
}

static void save_chain(enum pki_alg alg, struct pki_der cert)
{
    char *pem = pki_cert_pem(cert, &x.a);
    save(&x, "leaf.pem", pem, strlen(pem));
    pem = pki_cert_pem(pki_ca_issuing(x.ca[alg]), &x.a);
    save(&x, "sub.pem", pem, strlen(pem));
    pem = pki_cert_pem(pki_ca_root(x.ca[alg]), &x.a);
    save(&x, "root.pem", pem, strlen(pem));
}

static int run_verify(const char *what)
{
    return sh(&x, NULL, "openssl verify -x509_strict %s", what);
}

/* The command's signer id reaches the certificate that it is asked about and no other of the chain (OpenSSL
 * 3.0), so an SM2 chain is judged link by link. */
#define ID        "-vfyopt distid:1234567812345678 "
#define WRONG_ID  "-vfyopt distid:8765432187654321 "
#define SUB_LINK  "-CAfile root.pem sub.pem"
#define LEAF_LINK "-partial_chain -CAfile sub.pem leaf.pem"
#define WHOLE     "-check_ss_sig -CAfile root.pem -untrusted sub.pem leaf.pem"

static bool openssl_accepts(enum pki_alg alg)
{
    if (alg == PKI_SM2)
        return run_verify(ID SUB_LINK) == 0 && run_verify(ID LEAF_LINK) == 0;
    return run_verify(WHOLE) == 0;
}

static void every_profile_makes_a_chain_that_openssl_accepts(void **s)
{
    (void)s;
    size_t n;
    const struct pki_profile *rows = pki_profiles(&n);
    assert_int_equal(n, 4);
    struct pki_policy policy = policy_2023();
    for (size_t i = 0; i < n; i++) {
        EVP_PKEY *k = new_card_key(rows[i].alg);
        struct pki_request r = order(&x, rows[i].kind, rows[i].alg, &policy, spki_of(&x, k));
        assert_ptr_equal(pki_profile(rows[i].name), r.profile);
        struct pki_der cert = issue(&r);
        save_chain(rows[i].alg, cert);
        assert_true(openssl_accepts(rows[i].alg));
        assert_ok(pki_verify_chain(cert, pki_ca_issuing(x.ca[rows[i].alg]), pki_ca_root(x.ca[rows[i].alg]),
                                   x.now, &x.f));
        EVP_PKEY_free(k);
    }
}

static struct pki_der one(enum pki_kind kind, enum pki_alg alg, const struct pki_policy *policy)
{
    EVP_PKEY *k = new_card_key(alg);
    struct pki_request r = order(&x, kind, alg, policy, spki_of(&x, k));
    EVP_PKEY_free(k);
    return issue(&r);
}

static void openssl_refuses_sm2_under_another_id(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    save_chain(PKI_SM2, one(PKI_ORGANIZATION, PKI_SM2, &policy));
    assert_true(openssl_accepts(PKI_SM2));
    assert_int_equal(run_verify(WRONG_ID LEAF_LINK), 2);
    assert_int_equal(run_verify(LEAF_LINK), 2);
    assert_int_equal(run_verify(WRONG_ID SUB_LINK), 2);
}

static void a_foreign_chain_does_not_hold(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    struct pki_der cert = one(PKI_ORGANIZATION, PKI_SM2, &policy);
    const struct pki_ca *sm2 = x.ca[PKI_SM2], *p256 = x.ca[PKI_P256];
    struct pki_der sub = pki_ca_issuing(sm2), root = pki_ca_root(sm2);
    assert_ok(pki_verify_chain(cert, sub, root, x.now, &x.f));
    assert_err(pki_verify_chain(cert, sub, pki_ca_root(p256), x.now, &x.f), ERR_SIGNATURE_BAD);
    assert_err(pki_verify_chain(cert, pki_ca_issuing(p256), root, x.now, &x.f), ERR_SIGNATURE_BAD);
    assert_err(pki_verify_chain(cert, cert, root, x.now, &x.f), ERR_SIGNATURE_BAD);
    assert_err(pki_verify_chain(cert, sub, root, x.now + 400ll * 86400000, &x.f), ERR_SIGNATURE_BAD);
    assert_err(pki_verify_chain(cert, sub, root, x.now - 2ll * 86400000, &x.f), ERR_SIGNATURE_BAD);
    unsigned char *bad = copy(&x, cert);
    bad[cert.n - 1] ^= 1; /* in the signature */
    assert_err(pki_verify_chain((struct pki_der){bad, cert.n}, sub, root, x.now, &x.f), ERR_SIGNATURE_BAD);
    assert_err(pki_verify_chain((struct pki_der){bad, 20}, sub, root, x.now, &x.f), ERR_SIGNATURE_BAD);
}

static void openssl_shows_the_extensions(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    char *text;
    save_chain(PKI_SM2, one(PKI_ORGANIZATION, PKI_SM2, &policy));
    assert_int_equal(sh(&x, &text, "openssl x509 -in leaf.pem -noout -text -nameopt utf8,sep_comma_plus"), 0);
    static const char *const want[] = {
        "Version: 3 (0x2)",
        "Signature Algorithm: SM2-with-SM3",
        "Subject: C=CN,O=福州示例科技有限公司,OU=投标部,CN=福州示例科技有限公司,serialNumber=H-0001",
        "ASN1 OID: SM2",
        "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation\n",
        "TLS Web Client Authentication, E-mail Protection",
        "Policy: 1.2.156.10197.999.1",
        "URI:http://ca.example/issuing.crl",
        "OCSP - URI:http://ca.example/ocsp",
        "CA Issuers - URI:http://ca.example/issuing.crt",
        "X509v3 Authority Key Identifier",
        "1.2.156.10260.4.4: \n                ..91350100M000100Y43",
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        if (!strstr(text, want[i]))
            print_message("# not found: %s\n# in: %s\n", want[i], text);
        assert_non_null(strstr(text, want[i]));
    }
    assert_null(strstr(text, "CA:TRUE"));
}

/* What asn1parse shows of the extension value under an OID: hex, or the text when there is no ASN.1 in it. */
static const char *identity_shown(const char *oid)
{
    char *out;
    const char *cmd =
        "openssl asn1parse -in leaf.pem | grep -A1 ':%s$' | sed -n '2s/.*OCTET STRING[^:]*://p'";
    assert_int_equal(sh(&x, &out, cmd, oid), 0);
    return out;
}

static void the_identity_stands_under_the_series_of_the_channel(void **s)
{
    (void)s;
    static const struct {
        enum pki_series series;
        enum pki_form form;
        enum pki_kind kind;
        const char *oid, *shown;
    } rows[] = {
        {PKI_SERIES_2023, PKI_FORM_DEFAULT, PKI_ORGANIZATION, "1.2.156.10260.4.4",
         "131239313335303130304D303030313030593433\n"},
        {PKI_SERIES_2023, PKI_FORM_DEFAULT, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1.1",
         "1312313130313035313934393132333130303258\n"},
        {PKI_SERIES_2012, PKI_FORM_DEFAULT, PKI_ORGANIZATION, "1.2.156.10260.4.1.4", "91350100M000100Y43\n"},
        {PKI_SERIES_2012, PKI_FORM_STRING, PKI_ORGANIZATION, "1.2.156.10260.4.1.4",
         "131239313335303130304D303030313030593433\n"},
        {PKI_SERIES_2012, PKI_FORM_DEFAULT, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1",
         "A0141312313130313035313934393132333130303258\n"},
        {PKI_SERIES_2012, PKI_FORM_IMPLICIT, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1",
         "8012313130313035313934393132333130303258\n"},
        {PKI_SERIES_2012, PKI_FORM_RAW, PKI_INDIVIDUAL, "1.2.156.10260.4.1.1", "11010519491231002X\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pki_policy policy = {.series = rows[i].series, .form = rows[i].form};
        struct pki_der cert = one(rows[i].kind, PKI_P256, &policy);
        save_chain(PKI_P256, cert);
        assert_string_equal(identity_shown(rows[i].oid), rows[i].shown);
        struct pki_cert c;
        assert_ok(pki_cert_parse(cert, &x.a, &c, &x.f));
        assert_string_equal(c.identity, rows[i].kind == PKI_ORGANIZATION ? USCC : RESIDENT);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void ten_thousand_serials_are_unique_and_well_formed(void **s)
{
    (void)s;
    enum {
        N = 10000
    };
    static struct pki_serial all[N];
    unsigned ones[128] = {0};
    for (int i = 0; i < N; i++) {
        unsigned char b[16];
        all[i] = pki_serial_new();
        assert_int_equal(strlen(all[i].hex), 32);
        assert_true(hex_decode(all[i].hex, b, sizeof b));
        assert_in_range(b[0], 0x40, 0x7F);
        for (unsigned bit = 0; bit < 128; bit++)
            ones[bit] += b[bit / 8] >> (7 - bit % 8) & 1;
    }
    /* each of the 126 free bits is one in half of the serials; 0.05 is ten standard deviations */
    for (unsigned bit = 2; bit < 128; bit++)
        assert_in_range(ones[bit], N / 2 - N / 20, N / 2 + N / 20);
    qsort(all, N, sizeof *all, by_text);
    for (int i = 1; i < N; i++)
        assert_string_not_equal(all[i - 1].hex, all[i].hex);
}

static void the_signed_certificate_is_the_stored_intent(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        EVP_PKEY *k = new_card_key(alg);
        struct pki_request r = order(&x, PKI_ORGANIZATION, alg, &policy, spki_of(&x, k));
        struct pki_der tbs, again, cert;
        struct pki_findings fs;
        assert_ok(pki_tbs_build(x.ca[alg], &r, &x.a, &tbs, &x.f));
        assert_ok(pki_tbs_build(x.ca[alg], &r, &x.a, &again, &x.f));
        assert_true(pki_der_equal(tbs, again));
        assert_ok(pki_sign(x.ca[alg], tbs, &x.a, &cert, &x.f));
        assert_true(pki_same_tbs(tbs, cert));
        assert_ok(pki_lint_cert(x.ca[alg], &r, cert, &fs, &x.f));
        EVP_PKEY_free(k);
    }
}

static void every_flipped_bit_of_the_intent_is_seen(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    EVP_PKEY *k = new_card_key(PKI_P256);
    struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_P256, &policy, spki_of(&x, k));
    struct pki_der tbs, cert;
    assert_ok(pki_tbs_build(x.ca[PKI_P256], &r, &x.a, &tbs, &x.f));
    assert_ok(pki_sign(x.ca[PKI_P256], tbs, &x.a, &cert, &x.f));
    unsigned char *stored = copy(&x, tbs);
    for (size_t bit = 0; bit < tbs.n * 8; bit++) {
        stored[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(pki_same_tbs((struct pki_der){stored, tbs.n}, cert));
        stored[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(pki_same_tbs((struct pki_der){stored, tbs.n}, cert));
    assert_false(pki_same_tbs((struct pki_der){stored, tbs.n - 1}, cert));
    unsigned char *issued = copy(&x, cert);
    size_t start = (size_t)((const unsigned char *)memmem(cert.p, cert.n, tbs.p, tbs.n) - cert.p);
    for (size_t bit = start * 8; bit < (start + tbs.n) * 8; bit++) {
        issued[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(pki_same_tbs(tbs, (struct pki_der){issued, cert.n}));
        issued[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    EVP_PKEY_free(k);
}

static void bytes_that_are_not_this_cas_are_not_signed(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    EVP_PKEY *k = new_card_key(PKI_P256);
    struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_P256, &policy, spki_of(&x, k));
    struct pki_der tbs, cert;
    assert_ok(pki_tbs_build(x.ca[PKI_P256], &r, &x.a, &tbs, &x.f));
    assert_err(pki_sign(x.ca[PKI_SM2], tbs, &x.a, &cert, &x.f), ERR_LINT);
    assert_err(pki_sign(x.ca[PKI_P256], (struct pki_der){tbs.p, tbs.n - 1}, &x.a, &cert, &x.f), ERR_LINT);
    assert_err(pki_sign(x.ca[PKI_P256], (struct pki_der){NULL, 0}, &x.a, &cert, &x.f), ERR_LINT);
    assert_err(pki_tbs_build(x.ca[PKI_SM2], &r, &x.a, &tbs, &x.f), ERR_INVALID);
    EVP_PKEY_free(k);
}

static void serials_and_validities_that_are_none_are_refused(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    EVP_PKEY *k = new_card_key(PKI_P256);
    const struct pki_request good = order(&x, PKI_ORGANIZATION, PKI_P256, &policy, spki_of(&x, k));
    struct pki_der tbs;
    static const char *const serials[] = {"", "f", "80", "zz", "7f00000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof serials / sizeof *serials; i++) {
        struct pki_request r = good;
        snprintf(r.serial.hex, sizeof r.serial.hex, "%s", serials[i]);
        assert_err(pki_tbs_build(x.ca[PKI_P256], &r, &x.a, &tbs, &x.f), i == 4 ? OK : ERR_INVALID);
    }
    struct pki_request r = good;
    r.not_after_ms = r.not_before_ms - 1000;
    assert_err(pki_tbs_build(x.ca[PKI_P256], &r, &x.a, &tbs, &x.f), ERR_INVALID);
    EVP_PKEY_free(k);
}

static void a_day_has_its_last_second(void **s)
{
    (void)s;
    struct pki_request r;
    pki_validity_days(&r, 1700000000999, 1);
    assert_int_equal(r.not_before_ms, 1700000000000);
    assert_int_equal(r.not_after_ms, 1700086399000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_makes_a_chain_that_openssl_accepts),
        cmocka_unit_test(openssl_refuses_sm2_under_another_id),
        cmocka_unit_test(a_foreign_chain_does_not_hold),
        cmocka_unit_test(openssl_shows_the_extensions),
        cmocka_unit_test(the_identity_stands_under_the_series_of_the_channel),
        cmocka_unit_test(ten_thousand_serials_are_unique_and_well_formed),
        cmocka_unit_test(the_signed_certificate_is_the_stored_intent),
        cmocka_unit_test(every_flipped_bit_of_the_intent_is_seen),
        cmocka_unit_test(bytes_that_are_not_this_cas_are_not_signed),
        cmocka_unit_test(serials_and_validities_that_are_none_are_refused),
        cmocka_unit_test(a_day_has_its_last_second),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
