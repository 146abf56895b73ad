/* Certificate requests: what is accepted, and every way in which one is not. */
#include "fixture.h"

static struct fixture x;

#define SM2_AND_P256 (1u << PKI_SM2 | 1u << PKI_P256)

/* -- making requests ------------------------------------------------------------------------------------ */

struct how {
    const char *sm2_id;     /* NULL: the standard one */
    const char *md;         /* NULL: the key's usual one */
    const char *extensions; /* configuration of a subject alternative name, or NULL */
};

/* As a card's software would, with OpenSSL's own request functions. */
static struct pki_der request(EVP_PKEY *k, struct how how)
{
    X509_REQ *req = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(req);
    assert_int_equal(X509_REQ_set_version(req, X509_REQ_VERSION_1), 1);
    assert_true(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"somebody", -1, -1, 0));
    assert_int_equal(X509_REQ_set_pubkey(req, k), 1);
    if (how.extensions) {
        X509_EXTENSIONS *sk = sk_X509_EXTENSION_new_null();
        sk_X509_EXTENSION_push(sk, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, how.extensions));
        sk_X509_EXTENSION_push(sk,
                               X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
        assert_int_equal(X509_REQ_add_extensions(req, sk), 1);
        sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
    }
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *c = NULL;
    bool sm2 = EVP_PKEY_is_a(k, "SM2");
    const char *md = how.md ? how.md : sm2 ? "SM3" : "SHA256", *id = how.sm2_id ? how.sm2_id : OSSL_SM2_ID;
    assert_int_equal(EVP_DigestSignInit_ex(m, &c, md, NULL, NULL, k, NULL), 1);
    if (sm2)
        assert_int_equal(EVP_PKEY_CTX_set1_id(c, id, (int)strlen(id)), 1);
    assert_true(X509_REQ_sign_ctx(req, m) > 0);
    struct pki_der der = OSSL_DER(&x.a, X509_REQ, req);
    EVP_MD_CTX_free(m);
    X509_REQ_free(req);
    return der;
}

static enum err parse(struct pki_der der)
{
    struct pki_csr c;
    fault_clear(&x.f);
    return pki_csr_parse(der, SM2_AND_P256, &x.a, &c, &x.f);
}

static void assert_refused(struct pki_der der, const char *why)
{
    assert_err(parse(der), ERR_CSR_BAD);
    if (!strstr(fault_text(&x.f), why))
        print_message("# \"%s\" does not say \"%s\"\n", fault_text(&x.f), why);
    assert_non_null(strstr(fault_text(&x.f), why));
}

/* A request of the same shape whose key is these bytes; unsigned, because no key fits. */
static struct pki_der with_spki(struct pki_der der, struct pki_der old, struct pki_der new)
{
    assert_int_equal(old.n, new.n);
    unsigned char *p = copy(&x, der), *at = memmem(p, der.n, old.p, old.n);
    assert_non_null(at);
    memcpy(at, new.p, new.n);
    return (struct pki_der){p, der.n};
}

/* -- accepted ------------------------------------------------------------------------------------------- */

static void a_cards_request_is_read(void **s)
{
    (void)s;
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        struct pki_csr c;
        unsigned char h[PKI_SHA256_SIZE];
        EVP_PKEY *k = new_card_key(alg);
        assert_ok(pki_csr_parse(request(k, (struct how){0}), SM2_AND_P256, &x.a, &c, &x.f));
        assert_int_equal(c.alg, alg);
        assert_true(pki_der_equal(c.spki, spki_of(&x, k)));
        pki_spki_sha256(c.spki, h);
        assert_memory_equal(c.spki_sha256, h, sizeof h);
        assert_int_equal(c.ignored_names, 1);
        assert_int_equal(c.ignored_extensions, 0);
        EVP_PKEY_free(k);
    }
}

static void the_openssl_commands_requests_are_read(void **s)
{
    (void)s;
    struct pki_csr c;
    assert_int_equal(sh(&x, NULL,
                        "openssl genpkey -algorithm SM2 -out k.pem && openssl req -new -key k.pem -sm3 "
                        "-sigopt distid:1234567812345678 -subj /CN=x -outform DER -out r.der"),
                     0);
    assert_ok(pki_csr_parse(load(&x, "r.der"), SM2_AND_P256, &x.a, &c, &x.f));
    assert_int_equal(c.alg, PKI_SM2);
    assert_int_equal(sh(&x, NULL,
                        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem "
                        "-subj / -outform DER -out r.der"),
                     0);
    assert_ok(pki_csr_parse(load(&x, "r.der"), SM2_AND_P256, &x.a, &c, &x.f));
    assert_int_equal(c.alg, PKI_P256);
    assert_int_equal(c.ignored_names, 0);
}

static void what_it_asks_for_never_reaches_the_certificate(void **s)
{
    (void)s;
    struct pki_csr c;
    struct pki_der intent;
    struct pki_policy policy = policy_2023();
    EVP_PKEY *k = new_card_key(PKI_SM2);
    struct pki_der der = request(k, (struct how){.extensions = "email:evil@example.com"});
    assert_ok(pki_csr_parse(der, SM2_AND_P256, &x.a, &c, &x.f));
    assert_int_equal(c.ignored_extensions, 2);
    struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_SM2, &policy, c.spki);
    assert_ok(pki_ca_ops(x.ca[PKI_SM2])->prepare(x.ca[PKI_SM2], &r, &x.a, &intent, &x.f));
    assert_null(memmem(intent.p, intent.n, "evil", 4));
    assert_null(memmem(intent.p, intent.n, "somebody", 8));
    assert_null(memmem(intent.p, intent.n, "\x55\x1D\x13", 3)); /* basicConstraints */
    EVP_PKEY_free(k);
}

/* -- refused -------------------------------------------------------------------------------------------- */

static void a_swapped_key_is_refused(void **s)
{
    (void)s;
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        EVP_PKEY *mine = new_card_key(alg), *yours = new_card_key(alg);
        struct pki_der der = request(mine, (struct how){0});
        assert_ok(parse(der));
        assert_refused(with_spki(der, spki_of(&x, mine), spki_of(&x, yours)), "proof of possession");
        EVP_PKEY_free(mine);
        EVP_PKEY_free(yours);
    }
}

static void every_flipped_bit_is_refused(void **s)
{
    (void)s;
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        EVP_PKEY *k = new_card_key(alg);
        struct pki_der der = request(k, (struct how){0});
        unsigned char *p = copy(&x, der);
        /* SM2 verifies slowly and twice: there one bit of each octet */
        for (size_t bit = 0; bit < der.n * 8; bit += alg == PKI_SM2 ? 9 : 1) {
            p[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (parse((struct pki_der){p, der.n}) != ERR_CSR_BAD)
                print_message("# %s: bit %zu passes\n", pki_alg_name(alg), bit);
            assert_err(parse((struct pki_der){p, der.n}), ERR_CSR_BAD);
            p[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        EVP_PKEY_free(k);
    }
}

static void other_lengths_are_refused(void **s)
{
    (void)s;
    EVP_PKEY *k = new_card_key(PKI_P256);
    struct pki_der der = request(k, (struct how){0});
    unsigned char *longer = arena_alloc(&x.a, PKI_CSR_MAX + 1);
    memcpy(longer, der.p, der.n);
    for (size_t n = 0; n < der.n; n++)
        assert_err(parse((struct pki_der){arena_memdup(&x.a, der.p, n), n}), ERR_CSR_BAD);
    assert_refused((struct pki_der){longer, der.n + 1}, "not one PKCS #10 request");
    assert_refused((struct pki_der){longer, PKI_CSR_MAX + 1}, "1 to 8192 bytes");
    assert_refused((struct pki_der){NULL, 0}, "1 to 8192 bytes");
    EVP_PKEY_free(k);
}

static void an_empty_signer_id_is_named(void **s)
{
    (void)s;
    EVP_PKEY *k = new_card_key(PKI_SM2);
    assert_refused(request(k, (struct how){.sm2_id = ""}),
                   "empty SM2 signer id; 1234567812345678 is required");
    assert_refused(request(k, (struct how){.sm2_id = "8765432187654321"}), "proof of possession");
    EVP_PKEY_free(k);
}

static void algorithms_that_do_not_fit_are_refused(void **s)
{
    (void)s;
    EVP_PKEY *k = new_card_key(PKI_P256);
    assert_refused(request(k, (struct how){.md = "SHA1"}), "signature algorithm");
    assert_refused(request(k, (struct how){.md = "SHA224"}), "signature algorithm");
    assert_ok(parse(request(k, (struct how){.md = "SHA384"})));
    EVP_PKEY_free(k);
}

static void points_off_the_curve_are_refused(void **s)
{
    (void)s;
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        EVP_PKEY *k = new_card_key(alg);
        struct pki_der der = request(k, (struct how){0}), spki = spki_of(&x, k);
        unsigned char *bad = copy(&x, spki);
        bad[spki.n - 1] ^= 1;
        assert_refused(with_spki(der, spki, (struct pki_der){bad, spki.n}), "not a point on its curve");
        memset(bad + spki.n - 64, 0, 64);
        assert_refused(with_spki(der, spki, (struct pki_der){bad, spki.n}), "not a point on its curve");
        memset(bad + spki.n - 64, 0xFF, 64);
        assert_refused(with_spki(der, spki, (struct pki_der){bad, spki.n}), "not a point on its curve");
        /* hybrid form: the same point with 06 or 07 in front */
        memcpy(bad, spki.p, spki.n);
        bad[spki.n - 65] = 6;
        assert_refused(with_spki(der, spki, (struct pki_der){bad, spki.n}), "uncompressed point");
        EVP_PKEY_free(k);
    }
}

/* A request made by the openssl command with this key, in DER. */
static struct pki_der by_command(const char *key)
{
    char *out;
    int rc = sh(&x, &out, "%s && openssl req -new -key k.pem -subj /CN=x -outform DER -out r.der", key);
    if (rc != 0)
        print_message("# %s\n", out);
    assert_int_equal(rc, 0);
    return load(&x, "r.der");
}

static void other_keys_are_refused(void **s)
{
    (void)s;
    assert_refused(by_command("openssl ecparam -name secp384r1 -genkey -noout -out k.pem"),
                   "only the curves");
    assert_refused(by_command("openssl ecparam -name secp256k1 -genkey -noout -out k.pem"),
                   "only the curves");
    assert_refused(by_command("openssl genpkey -algorithm ED25519 -out k.pem"), "only SM2, P-256 and RSA");
    assert_refused(
        by_command("openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out k.pem"),
        "by its name");
    assert_refused(
        by_command("openssl ecparam -name prime256v1 -genkey -noout | openssl ec -conv_form compressed "
                   "-out k.pem"),
        "uncompressed point");
}

static void rsa_is_refused_unless_it_is_allowed_and_long(void **s)
{
    (void)s;
    struct pki_csr c;
    struct pki_der rsa = by_command("openssl genrsa -out k.pem 2048");
    assert_refused(rsa, "keys of the kind rsa");
    assert_ok(pki_csr_parse(rsa, 1u << PKI_RSA, &x.a, &c, &x.f));
    assert_int_equal(c.alg, PKI_RSA);
    rsa = by_command("openssl genrsa -out k.pem 1024");
    assert_err(pki_csr_parse(rsa, 1u << PKI_RSA, &x.a, &c, &x.f), ERR_CSR_BAD);
    assert_non_null(strstr(fault_text(&x.f), "2048"));
    rsa = by_command("openssl genrsa -3 -out k.pem 2048");
    assert_err(pki_csr_parse(rsa, 1u << PKI_RSA, &x.a, &c, &x.f), ERR_CSR_BAD);
    assert_non_null(strstr(fault_text(&x.f), "65537"));
    EVP_PKEY *k = new_card_key(PKI_P256);
    assert_err(pki_csr_parse(request(k, (struct how){0}), 1u << PKI_RSA, &x.a, &c, &x.f), ERR_CSR_BAD);
    EVP_PKEY_free(k);
}

static void a_request_that_is_ber_is_refused(void **s)
{
    (void)s;
    EVP_PKEY *k = new_card_key(PKI_P256);
    struct pki_der der = request(k, (struct how){0});
    /* 30 81 xx: the same length written in one octet more */
    assert_int_equal(der.p[1], 0x81);
    unsigned char *p = arena_alloc(&x.a, der.n + 1);
    p[0] = 0x30;
    p[1] = 0x82;
    memcpy(p + 3, der.p + 2, der.n - 2);
    assert_refused((struct pki_der){p, der.n + 1}, "not in DER");
    EVP_PKEY_free(k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cards_request_is_read),
        cmocka_unit_test(the_openssl_commands_requests_are_read),
        cmocka_unit_test(what_it_asks_for_never_reaches_the_certificate),
        cmocka_unit_test(a_swapped_key_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(an_empty_signer_id_is_named),
        cmocka_unit_test(algorithms_that_do_not_fit_are_refused),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(rsa_is_refused_unless_it_is_allowed_and_long),
        cmocka_unit_test(a_request_that_is_ber_is_refused),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
