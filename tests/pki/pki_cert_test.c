/* Certificates read back, PEM, and signatures by keys that are not ours. */
#include "fixture.h"

static struct fixture x;

static struct pki_der make(enum pki_kind kind, enum pki_alg alg, struct pki_request *r)
{
    static struct pki_policy policy;
    struct pki_der intent, cert;
    policy = policy_2023();
    EVP_PKEY *k = new_card_key(alg);
    *r = order(&x, kind, alg, &policy, spki_of(&x, k));
    assert_ok(pki_ca_ops(x.ca[alg])->prepare(x.ca[alg], r, &x.a, &intent, &x.f));
    assert_ok(pki_ca_ops(x.ca[alg])->sign(x.ca[alg], intent, &x.a, &cert, &x.f));
    EVP_PKEY_free(k);
    return cert;
}

static void a_certificate_says_what_was_ordered(void **s)
{
    (void)s;
    struct pki_request r;
    struct pki_cert c;
    struct pki_der cert = make(PKI_ORGANIZATION, PKI_SM2, &r);
    assert_ok(pki_cert_parse(cert, &x.a, &c, &x.f));
    assert_string_equal(c.serial, r.serial.hex);
    assert_string_equal(c.subject, "serialNumber=H-0001,CN=福州示例科技有限公司,OU=投标部,"
                                   "O=福州示例科技有限公司,C=CN");
    assert_string_equal(c.issuer, "CN=Test Issuing SM2,O=测试认证中心,C=CN");
    assert_string_equal(c.subject_cn, r.subject.name);
    assert_string_equal(c.subject_o, r.subject.name);
    assert_string_equal(c.subject_ou, "投标部");
    assert_string_equal(c.subject_number, "H-0001");
    assert_string_equal(c.issuer_cn, "Test Issuing SM2");
    assert_string_equal(c.identity, USCC);
    assert_true(c.not_before_ms == r.not_before_ms && c.not_after_ms == r.not_after_ms);
    assert_int_equal(c.alg, PKI_SM2);
    assert_true(pki_der_equal(c.spki, r.spki));
    assert_false(c.is_ca);
    assert_ok(pki_cert_parse(pki_ca_issuing(x.ca[PKI_SM2]), &x.a, &c, &x.f));
    assert_true(c.is_ca);
    assert_string_equal(c.identity, "");
}

static void openssl_reads_the_same(void **s)
{
    (void)s;
    struct pki_request r;
    struct pki_cert c;
    struct pki_der cert = make(PKI_INDIVIDUAL, PKI_P256, &r);
    char hex[65], *out;
    save(&x, "c.der", cert.p, cert.n);
    assert_ok(pki_cert_parse(cert, &x.a, &c, &x.f));
    assert_int_equal(
        sh(&x, &out, "openssl x509 -inform DER -in c.der -noout -serial | tr A-F a-f | cut -d= -f2"), 0);
    assert_string_equal(strtok(out, "\n"), c.serial);
    hex_encode(c.sha256, sizeof c.sha256, hex);
    assert_int_equal(sh(&x, &out, "sha256sum c.der | cut -c1-64"), 0);
    assert_string_equal(strtok(out, "\n"), hex);
    hex_encode(c.spki_sha256, sizeof c.spki_sha256, hex);
    assert_int_equal(
        sh(&x, &out,
           "openssl x509 -inform DER -in c.der -noout -pubkey | openssl pkey -pubin -outform DER | "
           "sha256sum | cut -c1-64"),
        0);
    assert_string_equal(strtok(out, "\n"), hex);
    assert_int_equal(
        sh(&x, &out,
           "date -u -d \"$(openssl x509 -inform DER -in c.der -noout -enddate | cut -d= -f2)\" +%%s"),
        0);
    assert_int_equal(strtoll(out, NULL, 10) * 1000, c.not_after_ms);
}

static void pem_goes_there_and_back(void **s)
{
    (void)s;
    struct pki_request r;
    struct pki_der cert = make(PKI_ORGANIZATION, PKI_P256, &r), back;
    char *pem = pki_cert_pem(cert, &x.a), *chain = pki_ca_chain_pem(x.ca[PKI_P256], cert, &x.a), *out;
    assert_ok(pki_cert_from_pem(pem, &x.a, &back, &x.f));
    assert_true(pki_der_equal(cert, back));
    assert_ok(pki_cert_from_pem(chain, &x.a, &back, &x.f));
    assert_true(pki_der_equal(cert, back));
    save(&x, "chain.pem", chain, strlen(chain));
    assert_int_equal(sh(&x, &out, "grep -c BEGIN chain.pem"), 0);
    assert_string_equal(out, "3\n");
    assert_err(pki_cert_from_pem("nothing here", &x.a, &back, &x.f), ERR_INVALID);
    assert_err(pki_cert_from_pem("", &x.a, &back, &x.f), ERR_INVALID);
    pem[40] = '!';
    assert_err(pki_cert_from_pem(pem, &x.a, &back, &x.f), ERR_INVALID);
}

static void what_is_no_certificate_is_refused(void **s)
{
    (void)s;
    struct pki_request r;
    struct pki_cert c;
    struct pki_der cert = make(PKI_ORGANIZATION, PKI_SM2, &r);
    for (size_t n = 0; n < cert.n; n++)
        assert_err(pki_cert_parse((struct pki_der){arena_memdup(&x.a, cert.p, n), n}, &x.a, &c, &x.f),
                   ERR_INVALID);
    unsigned char *longer = arena_alloc(&x.a, PKI_CERT_MAX + 1);
    memcpy(longer, cert.p, cert.n);
    assert_err(pki_cert_parse((struct pki_der){longer, cert.n + 1}, &x.a, &c, &x.f), ERR_INVALID);
    assert_err(pki_cert_parse((struct pki_der){longer, PKI_CERT_MAX + 1}, &x.a, &c, &x.f), ERR_INVALID);
    assert_err(pki_cert_parse((struct pki_der){NULL, 0}, &x.a, &c, &x.f), ERR_INVALID);
}

/* -- signatures ----------------------------------------------------------------------------------------- */

static void a_challenge_signed_elsewhere_verifies(void **s)
{
    (void)s;
    static const struct {
        const char *key, *sign;
    } rows[] = {
        {"openssl genpkey -algorithm SM2", "-sm3 -sigopt distid:1234567812345678"},
        {"openssl ecparam -name prime256v1 -genkey -noout", "-sha256"},
        {"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-sha256"},
    };
    struct pki_der message = {(const unsigned char *)"certdesk login 42", 17};
    save(&x, "m", message.p, message.n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sh(&x, NULL,
                            "%s -out k.pem && openssl pkey -in k.pem -pubout -outform DER -out p.der && "
                            "openssl dgst %s -sign k.pem -out s m",
                            rows[i].key, rows[i].sign),
                         0);
        struct pki_der spki = load(&x, "p.der"), sig = load(&x, "s");
        assert_ok(pki_verify_signature(spki, message, sig, &x.f));
        assert_err(pki_verify_signature(spki, (struct pki_der){message.p, 16}, sig, &x.f), ERR_SIGNATURE_BAD);
        unsigned char *bad = copy(&x, sig);
        bad[sig.n - 1] ^= 1;
        assert_err(pki_verify_signature(spki, message, (struct pki_der){bad, sig.n}, &x.f),
                   ERR_SIGNATURE_BAD);
        assert_err(pki_verify_signature(spki, message, (struct pki_der){sig.p, sig.n - 1}, &x.f),
                   ERR_SIGNATURE_BAD);
        assert_err(pki_verify_signature(spki, message, (struct pki_der){sig.p, 0}, &x.f), ERR_SIGNATURE_BAD);
        assert_err(pki_verify_signature((struct pki_der){spki.p, spki.n - 1}, message, sig, &x.f),
                   ERR_CSR_BAD);
    }
}

static void sm2_under_the_empty_id_does_not_verify(void **s)
{
    (void)s;
    struct pki_der message = {(const unsigned char *)"m", 1};
    save(&x, "m", message.p, message.n);
    assert_int_equal(sh(&x, NULL,
                        "openssl genpkey -algorithm SM2 -out k.pem && openssl pkey -in k.pem -pubout "
                        "-outform DER -out p.der && openssl dgst -sm3 -sign k.pem -out s m"),
                     0);
    assert_err(pki_verify_signature(load(&x, "p.der"), message, load(&x, "s"), &x.f), ERR_SIGNATURE_BAD);
}

/* GB/T 32918.5-2017 A.2: the standard's own key, message and signature under the standard signer id. */
static void the_standards_example_verifies(void **s)
{
    (void)s;
    static const char spki_hex[] = "3059301306072a8648ce3d020106082a811ccf5501822d034200"
                                   "04"
                                   "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
                                   "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    static const char sig_hex[] = "3046022100"
                                  "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
                                  "022100"
                                  "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    unsigned char spki[sizeof spki_hex / 2], sig[sizeof sig_hex / 2];
    enum pki_alg alg;
    assert_true(hex_decode(spki_hex, spki, sizeof spki) && hex_decode(sig_hex, sig, sizeof sig));
    struct pki_der key = {spki, sizeof spki}, m = {(const unsigned char *)"message digest", 14};
    assert_ok(pki_spki_alg(key, &alg, &x.f));
    assert_int_equal(alg, PKI_SM2);
    assert_ok(pki_verify_signature(key, m, (struct pki_der){sig, sizeof sig}, &x.f));
    sig[20] ^= 1;
    assert_err(pki_verify_signature(key, m, (struct pki_der){sig, sizeof sig}, &x.f), ERR_SIGNATURE_BAD);
}

static void algorithms_have_names(void **s)
{
    (void)s;
    for (enum pki_alg alg = PKI_SM2; alg < PKI_ALG_COUNT; alg++)
        assert_int_equal(pki_alg_by_name(pki_alg_name(alg)), alg);
    assert_int_equal(pki_alg_by_name("none"), PKI_ALG_NONE);
    assert_int_equal(pki_alg_by_name("dsa"), PKI_ALG_NONE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_says_what_was_ordered),
        cmocka_unit_test(openssl_reads_the_same),
        cmocka_unit_test(pem_goes_there_and_back),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(a_challenge_signed_elsewhere_verifies),
        cmocka_unit_test(sm2_under_the_empty_id_does_not_verify),
        cmocka_unit_test(the_standards_example_verifies),
        cmocka_unit_test(algorithms_have_names),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
