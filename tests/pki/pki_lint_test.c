/* The lint: for every rule at least one certificate that breaks it and nothing else. */
#include "fixture.h"
#include "pki/ca_priv.h"

static struct fixture x;

/* What a row may spoil: the bytes to be signed, what the order says, and what stands outside. */
struct spoil {
    TBS *t;
    struct pki_request r;
    struct pki_policy policy;
    enum pki_alg outside; /* algorithm in the certificate's outer part; NONE: the inner one */
    bool trailing;
    const char *find, *put; /* octets replaced in the encoded bytes */
};

/* -- tools ---------------------------------------------------------------------------------------------- */

static int find_ext(const TBS *t, int nid)
{
    return X509v3_get_ext_by_NID(t->extensions, nid, -1);
}

static void drop_ext(TBS *t, int nid)
{
    assert_true(find_ext(t, nid) >= 0);
    X509_EXTENSION_free(X509v3_delete_ext(t->extensions, find_ext(t, nid)));
}

static void push_ext(TBS *t, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_true(sk_X509_EXTENSION_push(t->extensions, e) > 0);
}

static void swap_ext(TBS *t, int nid, const char *value)
{
    drop_ext(t, nid);
    push_ext(t, nid, value);
}

static void set_subject(struct spoil *s, int nid, int type, const char *text)
{
    X509_NAME_ENTRY *e =
        X509_NAME_delete_entry(s->t->subject, X509_NAME_get_index_by_NID(s->t->subject, nid, -1));
    X509_NAME_ENTRY_free(e);
    assert_true(X509_NAME_add_entry_by_NID(s->t->subject, nid, type, (const unsigned char *)text, -1, -1, 0));
}

static void set_time(ASN1_TIME *t, int64_t ms)
{
    assert_non_null(ASN1_TIME_set(t, (time_t)(ms / 1000)));
}

/* Both in the certificate and in the order. */
static void set_serial(struct spoil *s, const char *hex)
{
    BIGNUM *bn = NULL;
    assert_true(BN_hex2bn(&bn, hex) > 0);
    assert_non_null(BN_to_ASN1_INTEGER(bn, s->t->serial));
    snprintf(s->r.serial.hex, sizeof s->r.serial.hex, "%s", hex);
    BN_free(bn);
}

/* The whole again for another key or another order, as the builder makes it. */
static void rebuild(struct spoil *s)
{
    struct pki_der tbs;
    assert_ok(pki_tbs_build(x.ca[s->r.profile->alg], &s->r, &x.a, &tbs, &x.f));
    TBS_free(s->t);
    s->t = asn1_tbs(tbs);
    assert_non_null(s->t);
}

static void for_key(struct spoil *s, EVP_PKEY *k)
{
    assert_non_null(k);
    s->r.spki = spki_of(&x, k);
    EVP_PKEY_free(k);
    rebuild(s);
}

/* -- one function a way to be wrong --------------------------------------------------------------------- */

static void trailing_byte(struct spoil *s)
{
    s->trailing = true;
}

static void boolean_of_one(struct spoil *s)
{
    s->find = "\x01\x01\xFF"; /* the key usage's critical */
    s->put = "\x01\x01\x01";
}

static void version_2(struct spoil *s)
{
    ASN1_INTEGER_set(s->t->version, 1);
}

static void serial_negative(struct spoil *s)
{
    set_serial(s, "-5237641a07b1436fa8aa0b6a3f0f8a11");
}

static void serial_of_63_bits(struct spoil *s)
{
    set_serial(s, "7fffffffffffffff");
}

static void serial_of_21_octets(struct spoil *s)
{
    set_serial(s, "f037641a07b1436fa8aa0b6a3f0f8a1112345678");
}

static void serial_of_another(struct spoil *s)
{
    s->r.serial = pki_serial_new();
}

static void algorithm_differs_outside(struct spoil *s)
{
    s->outside = s->r.profile->alg == PKI_SM2 ? PKI_P256 : PKI_SM2;
}

static void algorithm_of_another_kind(struct spoil *s)
{
    X509_ALGOR_set0(s->t->alg, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL);
    s->outside = PKI_RSA;
}

static void issuer_is_the_root(struct spoil *s)
{
    const struct pki_ca *ca = x.ca[s->r.profile->alg];
    struct pki_der name = OSSL_DER(&x.a, X509_NAME, X509_get_subject_name(ca->root));
    const unsigned char *p = name.p;
    assert_non_null(d2i_ASN1_TYPE(&s->t->issuer, &p, (long)name.n));
}

static void ends_before_it_begins(struct spoil *s)
{
    set_time(s->t->validity->notAfter, x.now - 7200000);
}

static void longer_than_the_channel_allows(struct spoil *s)
{
    s->policy.max_days = 364;
}

static void longer_than_the_profile_allows(struct spoil *s)
{
    pki_validity_days(&s->r, x.now, s->r.profile->max_days + 1);
    rebuild(s);
}

static void older_than_the_issuer(struct spoil *s)
{
    set_time(s->t->validity->notBefore, x.now - 2ll * 86400000);
    set_time(s->t->validity->notAfter, x.now);
}

static void outlives_the_issuer(struct spoil *s)
{
    pki_validity_days(&s->r, x.now + 3600ll * 86400000, 365);
    rebuild(s);
}

static void generalized_before_2050(struct spoil *s)
{
    assert_non_null(ASN1_GENERALIZEDTIME_set(s->t->validity->notBefore, (time_t)(x.now / 1000)));
}

static void time_with_an_offset(struct spoil *s)
{
    char text[24];
    time_t now = (time_t)(x.now / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%y%m%d%H%M%S+0000", &tm);
    assert_true(ASN1_STRING_set(s->t->validity->notBefore, text, -1));
}

static void one_attribute_more(struct spoil *s)
{
    assert_true(X509_NAME_add_entry_by_NID(s->t->subject, NID_title, V_ASN1_UTF8STRING,
                                           (const unsigned char *)"CEO", -1, -1, 0));
}

static void two_common_names(struct spoil *s)
{
    assert_true(X509_NAME_add_entry_by_NID(s->t->subject, NID_commonName, V_ASN1_UTF8STRING,
                                           (const unsigned char *)"x", -1, -1, 0));
}

static void no_subject_at_all(struct spoil *s)
{
    while (X509_NAME_entry_count(s->t->subject))
        X509_NAME_ENTRY_free(X509_NAME_delete_entry(s->t->subject, 0));
}

static void name_of_another_type(struct spoil *s)
{
    set_subject(s, NID_commonName, V_ASN1_PRINTABLESTRING, "Example");
}

static void name_with_a_control_character(struct spoil *s)
{
    set_subject(s, NID_commonName, V_ASN1_UTF8STRING, "a\nb");
}

static void name_that_is_not_utf8(struct spoil *s)
{
    set_subject(s, NID_commonName, V_ASN1_UTF8STRING, "a12b"); /* OpenSSL would not encode it */
    s->find = "a12b";
    s->put = "a\xC0\x80"
             "b";
}

static void name_of_65_characters(struct spoil *s)
{
    char text[65 * 3 + 1] = "";
    for (int i = 0; i < 65; i++)
        strcat(text, "司");
    set_subject(s, NID_commonName, V_ASN1_UTF8STRING, text);
}

static void name_of_another(struct spoil *s)
{
    s->r.subject.name = "厦门示例有限公司";
}

static void key_on_p384(struct spoil *s)
{
    for_key(s, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
}

static void key_of_the_other_kind(struct spoil *s)
{
    for_key(s, new_card_key(s->r.profile->alg == PKI_SM2 ? PKI_P256 : PKI_SM2));
}

static void key_off_the_curve(struct spoil *s)
{
    unsigned char *p = copy(&x, s->r.spki);
    p[s->r.spki.n - 1] ^= 1;
    s->r.spki.p = p;
    rebuild(s);
}

static void key_of_another_card(struct spoil *s)
{
    EVP_PKEY *k = new_card_key(s->r.profile->alg);
    s->r.spki = spki_of(&x, k);
    EVP_PKEY_free(k);
}

static void unique_id(struct spoil *s)
{
    s->t->subject_uid = ASN1_BIT_STRING_new();
    assert_true(ASN1_BIT_STRING_set_bit(s->t->subject_uid, 0, 1));
}

static void eku_twice(struct spoil *s)
{
    push_ext(s->t, NID_ext_key_usage, "clientAuth,emailProtection");
}

static void an_alternative_name(struct spoil *s)
{
    push_ext(s->t, NID_subject_alt_name, "email:x@example.com");
}

static void eku_critical(struct spoil *s)
{
    swap_ext(s->t, NID_ext_key_usage, "critical,clientAuth,emailProtection");
}

static void unknown_and_critical(struct spoil *s)
{
    ASN1_OBJECT *o = OBJ_txt2obj("1.2.3.4.5", 1);
    ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(v, (const unsigned char *)"\x05\x00", 2);
    sk_X509_EXTENSION_push(s->t->extensions, X509_EXTENSION_create_by_OBJ(NULL, o, 1, v));
    ASN1_OBJECT_free(o);
    ASN1_OCTET_STRING_free(v);
}

static void a_ca(struct spoil *s)
{
    push_ext(s->t, NID_basic_constraints, "critical,CA:TRUE");
}

static void usage_not_critical(struct spoil *s)
{
    swap_ext(s->t, NID_key_usage, "digitalSignature,nonRepudiation");
}

static void usage_signs_certificates(struct spoil *s)
{
    swap_ext(s->t, NID_key_usage, "critical,digitalSignature,nonRepudiation,keyCertSign");
}

static void usage_missing(struct spoil *s)
{
    drop_ext(s->t, NID_key_usage);
}

static void eku_missing(struct spoil *s)
{
    drop_ext(s->t, NID_ext_key_usage);
}

static void eku_of_a_server(struct spoil *s)
{
    swap_ext(s->t, NID_ext_key_usage, "clientAuth,emailProtection,serverAuth");
}

static void ski_of_another(struct spoil *s)
{
    swap_ext(s->t, NID_subject_key_identifier, "00112233445566778899aabbccddeeff00112233");
}

static void ski_missing(struct spoil *s)
{
    drop_ext(s->t, NID_subject_key_identifier);
}

static void aki_missing(struct spoil *s)
{
    drop_ext(s->t, NID_authority_key_identifier);
}

static void aki_of_the_root(struct spoil *s)
{
    const struct pki_ca *ca = x.ca[s->r.profile->alg];
    AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
    aki->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(ca->root));
    assert_int_equal(
        X509V3_add1_i2d(&s->t->extensions, NID_authority_key_identifier, aki, 0, X509V3_ADD_REPLACE), 1);
    AUTHORITY_KEYID_free(aki);
}

static void identity_of_another(struct spoil *s)
{
    s->r.subject.identity = "91110000100010310K";
}

static void identity_missing(struct spoil *s)
{
    X509_EXTENSION_free(sk_X509_EXTENSION_pop(s->t->extensions));
}

static void policy_of_another(struct spoil *s)
{
    s->policy.policy_oid = "1.2.156.10197.999.2";
}

static void policy_unwanted(struct spoil *s)
{
    s->policy.policy_oid = NULL;
}

static void crl_elsewhere(struct spoil *s)
{
    s->policy.crl_url = "http://ca.example/other.crl";
}

static void crl_missing(struct spoil *s)
{
    drop_ext(s->t, NID_crl_distribution_points);
}

static void ocsp_elsewhere(struct spoil *s)
{
    s->policy.ocsp_url = "http://ca.example/other";
}

static void access_missing(struct spoil *s)
{
    drop_ext(s->t, NID_info_access);
}

static const struct row {
    enum pki_rule rule;
    void (*spoil)(struct spoil *s);
} rows[] = {
    {PKI_RULE_DER, trailing_byte},
    {PKI_RULE_DER, boolean_of_one},
    {PKI_RULE_DER, name_that_is_not_utf8},
    {PKI_RULE_VERSION, version_2},
    {PKI_RULE_SERIAL_POSITIVE, serial_negative},
    {PKI_RULE_SERIAL_LENGTH, serial_of_63_bits},
    {PKI_RULE_SERIAL_LENGTH, serial_of_21_octets},
    {PKI_RULE_SERIAL_ORDER, serial_of_another},
    {PKI_RULE_ALGORITHMS_EQUAL, algorithm_differs_outside},
    {PKI_RULE_ALGORITHM, algorithm_of_another_kind},
    {PKI_RULE_ISSUER, issuer_is_the_root},
    {PKI_RULE_VALIDITY_ORDER, ends_before_it_begins},
    {PKI_RULE_VALIDITY_MAX, longer_than_the_channel_allows},
    {PKI_RULE_VALIDITY_MAX, longer_than_the_profile_allows},
    {PKI_RULE_VALIDITY_ISSUER, older_than_the_issuer},
    {PKI_RULE_VALIDITY_ISSUER, outlives_the_issuer},
    {PKI_RULE_VALIDITY_FORM, generalized_before_2050},
    {PKI_RULE_VALIDITY_FORM, time_with_an_offset},
    {PKI_RULE_SUBJECT_FIELDS, one_attribute_more},
    {PKI_RULE_SUBJECT_FIELDS, two_common_names},
    {PKI_RULE_SUBJECT_FIELDS, no_subject_at_all},
    {PKI_RULE_SUBJECT_TEXT, name_of_another_type},
    {PKI_RULE_SUBJECT_TEXT, name_with_a_control_character},
    {PKI_RULE_SUBJECT_LENGTH, name_of_65_characters},
    {PKI_RULE_SUBJECT_ORDER, name_of_another},
    {PKI_RULE_KEY_KIND, key_on_p384},
    {PKI_RULE_KEY_KIND, key_of_the_other_kind},
    {PKI_RULE_KEY_KIND, key_off_the_curve},
    {PKI_RULE_KEY_ORDER, key_of_another_card},
    {PKI_RULE_UNIQUE_IDS, unique_id},
    {PKI_RULE_EXTENSION_TWICE, eku_twice},
    {PKI_RULE_EXTENSION_UNKNOWN, an_alternative_name},
    {PKI_RULE_EXTENSION_UNKNOWN, eku_critical},
    {PKI_RULE_EXTENSION_UNKNOWN, unknown_and_critical},
    {PKI_RULE_NOT_A_CA, a_ca},
    {PKI_RULE_KEY_USAGE, usage_not_critical},
    {PKI_RULE_KEY_USAGE, usage_signs_certificates},
    {PKI_RULE_KEY_USAGE, usage_missing},
    {PKI_RULE_EXTENDED_KEY_USAGE, eku_missing},
    {PKI_RULE_EXTENDED_KEY_USAGE, eku_of_a_server},
    {PKI_RULE_SUBJECT_KEY_ID, ski_of_another},
    {PKI_RULE_SUBJECT_KEY_ID, ski_missing},
    {PKI_RULE_AUTHORITY_KEY_ID, aki_missing},
    {PKI_RULE_AUTHORITY_KEY_ID, aki_of_the_root},
    {PKI_RULE_IDENTITY, identity_of_another},
    {PKI_RULE_IDENTITY, identity_missing},
    {PKI_RULE_POLICY, policy_of_another},
    {PKI_RULE_POLICY, policy_unwanted},
    {PKI_RULE_CRL_URL, crl_elsewhere},
    {PKI_RULE_CRL_URL, crl_missing},
    {PKI_RULE_ACCESS_URLS, ocsp_elsewhere},
    {PKI_RULE_ACCESS_URLS, access_missing},
};

/* -- running them --------------------------------------------------------------------------------------- */

static struct pki_der bytes_of(const struct spoil *s)
{
    struct pki_der tbs = OSSL_DER(&x.a, TBS, s->t);
    assert_true(tbs.n > 0);
    unsigned char *p = arena_alloc(&x.a, tbs.n + 1);
    memcpy(p, tbs.p, tbs.n);
    if (s->find) {
        unsigned char *at = memmem(p, tbs.n, s->find, strlen(s->find));
        assert_non_null(at);
        memcpy(at, s->put, strlen(s->find));
    }
    return (struct pki_der){p, tbs.n};
}

/* A certificate of the spoilt bytes, signed by nobody. */
static struct pki_der certificate_of(const struct spoil *s, struct pki_der tbs)
{
    static const unsigned char signature[8] = {0x30, 0x06, 2, 1, 1, 2, 1, 1};
    enum pki_alg alg = s->outside != PKI_ALG_NONE ? s->outside : s->r.profile->alg;
    struct pki_der c = asn1_wrap(&x.a, tbs, alg, (struct pki_der){signature, sizeof signature});
    assert_true(c.n > 0);
    unsigned char *p = arena_alloc(&x.a, c.n + 1);
    memcpy(p, c.p, c.n);
    return (struct pki_der){p, c.n + (s->trailing ? 1 : 0)};
}

static void expect_only(const char *what, const struct pki_findings *fs, enum pki_rule rule)
{
    for (size_t i = 0; i < fs->n; i++)
        if (fs->n != 1 || fs->at[0].rule != rule)
            print_message("# %s: %s: %s\n", what, pki_rule_name(fs->at[i].rule), fs->at[i].text);
    if (fs->n == 0)
        print_message("# %s: nothing found\n", what);
    assert_int_equal(fs->n, 1);
    assert_string_equal(pki_rule_name(fs->at[0].rule), pki_rule_name(rule));
    assert_true(fs->at[0].text[0] != '\0');
}

static void start(struct spoil *s, enum pki_alg alg, EVP_PKEY *card)
{
    *s = (struct spoil){.policy = policy_2023()};
    s->r = order(&x, PKI_ORGANIZATION, alg, &s->policy, spki_of(&x, card));
    rebuild(s);
}

static void run(const struct row *row, enum pki_alg alg, EVP_PKEY *card)
{
    struct spoil s;
    struct pki_findings fs;
    start(&s, alg, card);
    row->spoil(&s);
    struct pki_der tbs = bytes_of(&s), c = certificate_of(&s, tbs);
    char *what = arena_printf(&x.a, "%s, row %zu", pki_alg_name(alg), (size_t)(row - rows));
    enum err e = pki_lint_cert(x.ca[alg], &s.r, c, &fs, &x.f);
    expect_only(what, &fs, row->rule);
    assert_err(e, ERR_LINT);
    if (s.outside == PKI_ALG_NONE && !s.trailing) {
        e = pki_lint_tbs(x.ca[alg], &s.r, tbs, &fs, &x.f);
        expect_only(what, &fs, row->rule);
        assert_err(e, ERR_LINT);
    }
    TBS_free(s.t);
}

static void every_way_to_be_wrong_breaks_exactly_its_rule(void **state)
{
    (void)state;
    for (enum pki_alg alg = PKI_SM2; alg <= PKI_P256; alg++) {
        EVP_PKEY *card = new_card_key(alg);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            run(&rows[i], alg, card);
        EVP_PKEY_free(card);
    }
}

static void every_rule_has_a_certificate_that_breaks_it(void **state)
{
    (void)state;
    bool seen[PKI_RULE_COUNT] = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seen[rows[i].rule] = true;
    for (unsigned r = 0; r < PKI_RULE_COUNT; r++) {
        if (!seen[r])
            print_message("# no row breaks %s\n", pki_rule_name((enum pki_rule)r));
        assert_true(seen[r]);
        assert_true(strlen(pki_rule_source((enum pki_rule)r)) > 10);
    }
}

static void several_faults_are_all_found(void **state)
{
    (void)state;
    struct spoil s;
    struct pki_findings fs;
    EVP_PKEY *card = new_card_key(PKI_SM2);
    start(&s, PKI_SM2, card);
    a_ca(&s);
    usage_missing(&s);
    crl_elsewhere(&s);
    assert_err(pki_lint_tbs(x.ca[PKI_SM2], &s.r, bytes_of(&s), &fs, &x.f), ERR_LINT);
    assert_int_equal(fs.n, 3);
    assert_true(pki_findings_has(&fs, PKI_RULE_NOT_A_CA) && pki_findings_has(&fs, PKI_RULE_KEY_USAGE) &&
                pki_findings_has(&fs, PKI_RULE_CRL_URL));
    assert_string_equal(fault_text(&x.f), "NOT_A_CA: the certificate would be a CA (and more)");
    TBS_free(s.t);
    EVP_PKEY_free(card);
}

static void the_lint_stands_between_building_and_signing(void **state)
{
    (void)state;
    struct pki_policy policy = policy_2023();
    policy.max_days = 100;
    EVP_PKEY *card = new_card_key(PKI_SM2);
    struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_SM2, &policy, spki_of(&x, card));
    struct pki_der intent;
    assert_err(pki_ca_ops(x.ca[PKI_SM2])->prepare(x.ca[PKI_SM2], &r, &x.a, &intent, &x.f), ERR_LINT);
    EVP_PKEY_free(card);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_a_certificate_that_breaks_it),
        cmocka_unit_test(every_way_to_be_wrong_breaks_exactly_its_rule),
        cmocka_unit_test(several_faults_are_all_found),
        cmocka_unit_test(the_lint_stands_between_building_and_signing),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
