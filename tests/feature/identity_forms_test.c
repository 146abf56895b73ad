/* The manual's tables 2, 3 and 5: what each method asks for, and that all that is wrong comes back at once
 * (S7). */
#include "lib/check.h"

#include "identity/identity.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct fault fault;

static int setup(void **state)
{
    (void)state;
    fault_clear(&fault);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *reason_of(const char *field)
{
    for (size_t i = 0; i < fault.n_violations; i++)
        if (strcmp(fault.violations[i].field, field) == 0)
            return fault.violations[i].reason;
    return "";
}

/* The names and reasons must be exactly these, in any order. */
static void assert_violations(const char *const (*want)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(reason_of(want[i][0]), want[i][1]);
    assert_int_equal(fault.n_violations, n);
    for (size_t i = 0; i < fault.n_violations; i++)
        assert_true(fault.violations[i].text[0] && (unsigned char)fault.violations[i].text_zh[0] >= 0x80);
}
#define ASSERT_VIOLATIONS(...)                                                                               \
    do {                                                                                                     \
        static const char *const want_[][2] = {__VA_ARGS__};                                                 \
        assert_violations(want_, sizeof want_ / sizeof *want_);                                              \
    } while (0)

static struct subject empty_subject(void)
{
    return (struct subject){.name = "",
                            .uscc = "",
                            .legal_rep_name = "",
                            .id_number = "",
                            .phone = "",
                            .card_number = "",
                            .email = "",
                            .account = {"", "", "", ""}};
}

static void check(const struct subject *in, enum subject_kind kind, enum method m, struct subject *out)
{
    identity_check_subject(&fault, &arena, in, kind, m,
                           kind == SUBJECT_ORGANIZATION ? "organization." : "person.", out);
}

static void table_2_every_field_missing(void **s)
{
    (void)s;
    struct subject in = empty_subject(), out;
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++) {
        fault_clear(&fault);
        check(&in, SUBJECT_ORGANIZATION, (enum method)m, &out);
        assert_err(fault_fields(&fault), ERR_INVALID);
        static const char *const always[] = {
            "organization.name", "organization.uscc", "organization.legal_rep_name",
            "organization.legal_rep_id_number", "organization.legal_rep_phone"};
        for (size_t i = 0; i < 5; i++)
            assert_string_equal(reason_of(always[i]), "REQUIRED");
        bool deposit = m == METHOD_MICRO_DEPOSIT, bank = m == METHOD_BANK_FOUR_FACTOR;
        assert_string_equal(reason_of("organization.legal_rep_card_number"), bank ? "REQUIRED" : "");
        assert_string_equal(reason_of("organization.account.number"), deposit ? "REQUIRED" : "");
        assert_string_equal(reason_of("organization.account.bank"), deposit ? "REQUIRED" : "");
        assert_string_equal(reason_of("organization.account.branch"), deposit ? "REQUIRED" : "");
        assert_int_equal(fault.n_violations, 5 + (deposit ? 3 : 0) + (bank ? 1 : 0));
    }
}

static void table_2_every_field_wrong(void **s)
{
    (void)s;
    struct subject out, in = {.name = "公",
                              .uscc = "91350100M000100Y44",
                              .legal_rep_name = "张\x1b[31m",
                              .id_number = "110105194912310021",
                              .phone = "1381234567",
                              .card_number = "4111111111111112",
                              .email = "",
                              .account = {"12a", "招", "\n", "123"}};
    in.account.branch = "路\x01号";
    check(&in, SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, &out);
    ASSERT_VIOLATIONS(
        {"organization.name", "LENGTH"}, {"organization.uscc", "CHECK_DIGIT"},
        {"organization.legal_rep_name", "FORMAT"}, {"organization.legal_rep_id_number", "CHECK_DIGIT"},
        {"organization.legal_rep_phone", "LENGTH"}, {"organization.legal_rep_card_number", "CHECK_DIGIT"},
        {"organization.account.number", "LENGTH"}, {"organization.account.bank", "LENGTH"},
        {"organization.account.branch", "FORMAT"}, {"organization.account.cnaps_code", "LENGTH"});
}

static void table_2_right_is_normalised(void **s)
{
    (void)s;
    struct subject out, in = empty_subject();
    in.name = " 杭州（测试）有限公司 ";
    in.uscc = "91350100 m000100y43";
    in.legal_rep_name = "张三";
    in.id_number = "11010519491231002x";
    in.phone = "+86 138 1234 5678";
    check(&in, SUBJECT_ORGANIZATION, METHOD_PHONE_THREE_FACTOR, &out);
    assert_ok(fault_fields(&fault));
    assert_string_equal(out.name, "杭州（测试）有限公司");
    assert_string_equal(out.uscc, "91350100M000100Y43");
    assert_string_equal(out.id_number, "11010519491231002X");
    assert_string_equal(out.phone, "13812345678");
    /* a corporate account is no card number: no Luhn */
    in.account = (struct bank_account){"571 9056 1431 0802", "招商银行", "杭州分行", "308331012019"};
    check(&in, SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, &out);
    assert_ok(fault_fields(&fault));
    assert_string_equal(out.account.number, "571905614310802");
}

static void table_3(void **s)
{
    (void)s;
    struct agent out, in = {.name = "", .id_number = "", .email = "", .phone = "", .card_number = ""};
    identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.method", "REQUIRED"}, {"agent.name", "REQUIRED"},
                      {"agent.id_number", "REQUIRED"}, {"agent.email", "REQUIRED"},
                      {"agent.phone", "REQUIRED"});
    static const int absurd[] = {METHOD_MICRO_DEPOSIT, 5, -1, 1 << 30};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        fault_clear(&fault);
        in.method = absurd[i];
        identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
        assert_string_equal(reason_of("agent.method"), "NOT_OFFERED");
    }
    fault_clear(&fault);
    in = (struct agent){METHOD_BANK_FOUR_FACTOR, false, "李四", "110101199003070133", "li@x", "128", ""};
    identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.id_number", "CHECK_DIGIT"}, {"agent.email", "FORMAT"},
                      {"agent.phone", "LENGTH"}, {"agent.card_number", "REQUIRED"});
}

static void by_paper_no_method_is_asked_for(void **s)
{
    (void)s;
    struct agent out, in = {0, false, "李四", "110101199003070134", "li@x.cn", "13987654321", ""};
    identity_check_agent(&fault, &arena, &in, true, "agent.", &out);
    assert_ok(fault_fields(&fault));
    assert_string_equal(out.phone, "13987654321");
    in.method = METHOD_BANK_FOUR_FACTOR; /* said all the same: neither kept nor held against its form */
    identity_check_agent(&fault, &arena, &in, true, "agent.", &out);
    assert_ok(fault_fields(&fault));
    assert_int_equal(out.method, 0);
    in.phone = "";
    identity_check_agent(&fault, &arena, &in, true, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.phone", "REQUIRED"});
}

static void in_person_asks_for_the_email_alone(void **s)
{
    (void)s;
    struct agent out, in = {METHOD_FACE, true, "x", "y", "", "z", "1"};
    identity_check_agent(&fault, &arena, &in, true, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.email", "REQUIRED"});
    assert_string_equal(out.name, ""); /* nothing but what was verified may stand there */
    assert_string_equal(out.card_number, "");
    assert_int_equal(out.method, 0);
    fault_clear(&fault);
    in.email = "ｚ＠x.cn";
    identity_check_agent(&fault, &arena, &in, true, "agent.", &out);
    assert_ok(fault_fields(&fault));
    assert_string_equal(out.email, "z@x.cn");
    assert_true(out.in_person);
}

static void in_person_is_verified_like_an_agent(void **s)
{
    (void)s;
    struct agent out, in = {METHOD_BANK_FOUR_FACTOR, true, "x", "y", "z@x.cn", "z", ""};
    identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.card_number", "REQUIRED"});
    fault_clear(&fault);
    in.method = METHOD_MICRO_DEPOSIT;
    identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
    ASSERT_VIOLATIONS({"agent.method", "NOT_OFFERED"});
    fault_clear(&fault);
    in.method = METHOD_FACE;
    identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
    assert_ok(fault_fields(&fault));
    assert_int_equal(out.method, METHOD_FACE);
    assert_string_equal(out.name, "");
    assert_string_equal(out.phone, "");
}

static void table_5(void **s)
{
    (void)s;
    struct subject out, in = empty_subject();
    check(&in, SUBJECT_INDIVIDUAL, METHOD_BANK_FOUR_FACTOR, &out);
    ASSERT_VIOLATIONS({"person.name", "REQUIRED"}, {"person.document_type", "REQUIRED"},
                      {"person.id_number", "REQUIRED"}, {"person.phone", "REQUIRED"},
                      {"person.card_number", "REQUIRED"});
    static const struct {
        int type;
        const char *number, *of_type, *of_number;
    } documents[] = {
        {1, "110101199003070134", "", ""},
        {1, "110101199003070133", "", "CHECK_DIGIT"},
        {1, "E12345678", "", "LENGTH"},
        {2, "911124198108030024", "", ""},
        {2, "110101199003070134", "", "FORMAT"},
        {3, "110101199003070134", "", "FORMAT"},
        {3, "810000199408230021", "", ""},
        {4, "e12345678", "", ""},
        {4, "E1", "", "LENGTH"},
        {5, "E12345678", "NOT_OFFERED", ""},
        {-1, "E12345678", "NOT_OFFERED", ""},
        {0, "E12345678", "REQUIRED", ""},
    };
    in.name = "王五";
    in.phone = "13812345678";
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        fault_clear(&fault);
        in.document_type = documents[i].type;
        in.id_number = documents[i].number;
        check(&in, SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, &out);
        assert_string_equal(reason_of("person.document_type"), documents[i].of_type);
        assert_string_equal(reason_of("person.id_number"), documents[i].of_number);
        assert_int_equal(fault.n_violations, (*documents[i].of_type != 0) + (*documents[i].of_number != 0));
    }
}

/* What is said is what would be right, in both languages. */
static void sentences_say_what_is_wanted(void **s)
{
    (void)s;
    static const struct {
        const char *email, *phone, *number, *en, *zh;
    } said[] = {
        {"a1@example", "", "", "the agent's e-mail address must look like name@example.com",
         "经办人电子邮箱格式应如 name@example.com"},
        {"", "", "", "the agent's e-mail address is missing", "经办人电子邮箱不能为空"},
        {"a@b.cn", "1381234567", "", "the agent's phone must have 11 digits", "经办人手机号应为11位数字"},
        {"a@b.cn", "1381234567a", "", "the agent's phone must be digits alone", "经办人手机号只能填写数字"},
        {"a@b.cn", "12812345678", "", "the agent's phone is not a mobile number of mainland China",
         "经办人手机号不是有效的手机号码"},
        {"a@b.cn", "13812345678", "11010119900307013", "the agent's identity number must have 18 characters",
         "经办人证件号应为18位"},
        {"a@b.cn", "13812345678", "110101199003070133",
         "the agent's identity number has a typing error: its check digit does not fit",
         "经办人证件号有误（校验位不符），请核对"},
        {"a@b.cn", "13812345678", "110101199013070133",
         "the agent's identity number holds a date of birth that cannot be", "经办人证件号中的出生日期无效"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct agent out, in = {METHOD_PHONE_THREE_FACTOR,
                                false,
                                "李四",
                                *said[i].number ? said[i].number : "110101199003070134",
                                said[i].email,
                                *said[i].phone ? said[i].phone : "13812345678",
                                ""};
        fault_clear(&fault);
        identity_check_agent(&fault, &arena, &in, false, "agent.", &out);
        assert_int_equal(fault.n_violations, 1);
        assert_string_equal(fault.violations[0].text, said[i].en);
        assert_string_equal(fault.violations[0].text_zh, said[i].zh);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(table_2_every_field_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(table_2_every_field_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(table_2_right_is_normalised, setup, teardown),
        cmocka_unit_test_setup_teardown(table_3, setup, teardown),
        cmocka_unit_test_setup_teardown(by_paper_no_method_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(in_person_asks_for_the_email_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(in_person_is_verified_like_an_agent, setup, teardown),
        cmocka_unit_test_setup_teardown(table_5, setup, teardown),
        cmocka_unit_test_setup_teardown(sentences_say_what_is_wanted, setup, teardown),
    };
    arena_init(&arena, 0);
    return CHECK_MAIN(tests);
}
