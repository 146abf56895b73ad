/* Names and numbers of the order: what can be certified, and every violation at once. */
#include "fixture.h"

static struct fixture x;

static const char *repeat(const char *s, int n)
{
    struct buf b = BUF(&x.a);
    for (int i = 0; i < n; i++)
        buf_str(&b, s);
    return buf_text(&b);
}

/* The reason given for an organization of this name; NULL when it passes. */
static const char *reason(const char *name)
{
    static struct fault f;
    struct pki_subject s = {.name = name, .identity = USCC};
    fault_clear(&f);
    enum err e = pki_subject_check(pki_profile("organization-signing-sm2"), &s, "organization.", &f);
    if (e == OK)
        return NULL;
    assert_int_equal(f.n_violations, 1);
    assert_string_equal(f.violations[0].field, "organization.name");
    assert_true(f.violations[0].text[0] && f.violations[0].text_zh[0]);
    return f.violations[0].reason;
}

static void names_that_can_be_certified(void **s)
{
    (void)s;
    assert_null(reason("福州示例科技有限公司"));
    assert_null(reason("Example (Fuzhou) Co., Ltd."));
    assert_null(reason("𠮷野家")); /* beyond the basic plane: four octets a character */
    assert_null(reason("努尔·买买提"));
    assert_null(reason("a \"b\" + c, d=e; f<g>#\\"));
    assert_null(reason(repeat("司", 64)));
    assert_null(reason(repeat("x", 64)));
}

static void names_that_cannot(void **s)
{
    (void)s;
    assert_string_equal(reason(NULL), "REQUIRED");
    assert_string_equal(reason(""), "REQUIRED");
    assert_string_equal(reason(repeat("司", 65)), "LENGTH");
    assert_string_equal(reason(repeat("x", 65)), "LENGTH");
    assert_string_equal(reason(repeat("𠮷", 1000)), "LENGTH");
    assert_string_equal(reason("a\nb"), "CONTROL");
    assert_string_equal(reason("a\x7F"), "CONTROL");
    assert_string_equal(reason("a\xC2\x85"), "CONTROL");            /* next line, C1 */
    assert_string_equal(reason("司公\xE2\x80\xAE限有"), "CONTROL"); /* right-to-left override */
    assert_string_equal(reason("a\xE2\x80\x8B"), "CONTROL");        /* zero width space */
    assert_string_equal(reason("\xEF\xBB\xBFx"), "CONTROL");        /* byte order mark */
    assert_string_equal(reason("a\xF3\xA0\x80\x81"), "CONTROL");    /* language tag */
    assert_string_equal(reason("a\xEF\xBF\xBF"), "CONTROL");        /* noncharacter */
    assert_string_equal(reason("\xC0\x80"), "ENCODING");
    assert_string_equal(reason("\xE7\xA6"), "ENCODING");
    assert_string_equal(reason(" x"), "FORMAT");
    assert_string_equal(reason("x\xE3\x80\x80"), "FORMAT"); /* ideographic space */
}

static void long_and_wide_names_arrive_whole(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    const char *names[] = {repeat("司", 64), "a \"b\" + c, d=e; f<g>#\\", "𠮷野家"};
    EVP_PKEY *k = new_card_key(PKI_P256);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_P256, &policy, spki_of(&x, k));
        struct pki_der intent, cert;
        struct pki_cert c;
        r.subject.name = names[i];
        assert_ok(pki_ca_ops(x.ca[PKI_P256])->prepare(x.ca[PKI_P256], &r, &x.a, &intent, &x.f));
        assert_ok(pki_sign(x.ca[PKI_P256], intent, &x.a, &cert, &x.f));
        assert_ok(pki_cert_parse(cert, &x.a, &c, &x.f));
        assert_string_equal(c.subject_cn, names[i]);
        assert_string_equal(c.subject_o, names[i]);
    }
    EVP_PKEY_free(k);
}

static void all_violations_at_once(void **s)
{
    (void)s;
    struct fault f;
    struct pki_subject bad = {.name = "", .unit = "x\ty", .subject_number = "a b", .identity = "123"};
    assert_err(pki_subject_check(pki_profile("organization-signing-p256"), &bad, "", &f), ERR_INVALID);
    assert_int_equal(f.n_violations, 4);
    static const char *const fields[] = {"name", "unit", "subject_number", "identity"};
    static const char *const reasons[] = {"REQUIRED", "CONTROL", "FORMAT", "FORMAT"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f.violations[i].field, fields[i]);
        assert_string_equal(f.violations[i].reason, reasons[i]);
    }
}

static bool identity_passes(const char *profile, const char *number)
{
    struct fault f;
    struct pki_subject s = {.name = "x", .identity = number};
    return pki_subject_check(pki_profile(profile), &s, "", &f) == OK;
}

static void identity_numbers_have_their_form(void **s)
{
    (void)s;
    const char *organization = "organization-signing-sm2", *person = "individual-signing-sm2";
    assert_true(identity_passes(organization, USCC));
    assert_true(identity_passes(person, RESIDENT));
    assert_true(identity_passes(person, "110105194912310021"));
    assert_false(identity_passes(organization, "91350100M000100Y4"));
    assert_false(identity_passes(organization, "91350100M000100Y433"));
    assert_false(identity_passes(organization, "9135010OM000100Y43")); /* letter O */
    assert_false(identity_passes(organization, "91350100m000100y43"));
    assert_false(identity_passes(person, "11010519491231002x"));
    assert_false(identity_passes(person, "1101051949123100X2"));
    assert_false(identity_passes(person, USCC));
    assert_false(identity_passes(person, ""));
    assert_false(identity_passes(person, NULL));
}

static void a_person_has_no_unit_and_no_open_number(void **s)
{
    (void)s;
    struct fault f;
    struct pki_subject p = {.name = "张三", .unit = "x", .subject_number = RESIDENT, .identity = RESIDENT};
    assert_err(pki_subject_check(pki_profile("individual-signing-sm2"), &p, "", &f), ERR_INVALID);
    assert_int_equal(f.n_violations, 2);
    assert_string_equal(f.violations[0].field, "unit");
    assert_string_equal(f.violations[1].field, "subject_number");
    assert_null(pki_profile("nobody"));
    assert_null(pki_profile_for(PKI_INDIVIDUAL, PKI_RSA));
}

static void a_subject_that_fails_is_not_built(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    EVP_PKEY *k = new_card_key(PKI_P256);
    struct pki_request r = order(&x, PKI_ORGANIZATION, PKI_P256, &policy, spki_of(&x, k));
    struct pki_der tbs = {0};
    r.subject.name = repeat("司", 65);
    assert_err(pki_tbs_build(x.ca[PKI_P256], &r, &x.a, &tbs, &x.f), ERR_INVALID);
    assert_int_equal(x.f.n_violations, 1);
    assert_int_equal(tbs.n, 0);
    EVP_PKEY_free(k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_can_be_certified),
        cmocka_unit_test(names_that_cannot),
        cmocka_unit_test(long_and_wide_names_arrive_whole),
        cmocka_unit_test(all_violations_at_once),
        cmocka_unit_test(identity_numbers_have_their_form),
        cmocka_unit_test(a_person_has_no_unit_and_no_open_number),
        cmocka_unit_test(a_subject_that_fails_is_not_built),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
