/* What is shown masked comes back masked (S9, S10): every part, what is refused, and that an answer tells no
 * more than the mask does. Pure. */
#include "lib/check.h"

#include "identity/identity.h"
#include "order/order.h"
#include "order/order_json.h"
#include "order/order_masks.h"

#include <string.h>

static struct fault f;
static struct arena a;

static int clear(void **s)
{
    (void)s;
    fault_clear(&f);
    arena_init(&a, 1 << 20);
    return 0;
}

static int release(void **s)
{
    (void)s;
    arena_free(&a);
    return 0;
}

static const struct subject subject = {.name = "张三",
                                       .uscc = "91350100M000100Y43",
                                       .legal_rep_name = "王建国",
                                       .id_number = "11010519491231002X",
                                       .phone = "13812345678",
                                       .card_number = "6222020200000000006",
                                       .email = "zhang@example.com",
                                       .account = {"33050161823500001234", "中国建设银行", "西湖支行", ""}};
static const struct agent agent = {.name = "李四",
                                   .id_number = "110101199003070134",
                                   .email = "li@example.com",
                                   .phone = "13987654321",
                                   .card_number = "6222020200000000006"};
static const struct purchase purchase = {
    .product_id = "prd_1",
    .invoice_title = "杭州测试有限公司",
    .tax_number = "91350100M000100Y43",
    .invoice_email = "li@example.com",
    .invoice_bank = "中国建设银行",
    .invoice_bank_account = "33050161823500001234",
    .invoice_address = "文三路1号",
    .invoice_phone = "0571-88888888",
    .delivery = {"李四", "13987654321", "浙江省", "杭州市", "", "文三路1号", ""}};

static const char *subject_text(const struct subject *s)
{
    return order_json_text(&a, order_json_subject(s));
}

static const char *purchase_text(const struct purchase *p)
{
    return order_json_text(&a, order_json_purchase(p));
}

static void what_was_shown_means_what_is_held(void **s)
{
    (void)s;
    static const enum masked_part of_subject[] = {MASKED_ORGANIZATION, MASKED_PERSON};
    for (size_t i = 0; i < 2; i++) {
        struct subject given = subject;
        order_mask(&a, of_subject[i], &given);
        assert_string_equal(given.phone, "138****5678");
        assert_string_equal(given.account.number, "3305************1234");
        assert_string_equal(i ? given.name : given.legal_rep_name, i ? "张*" : "王**");
        order_unmask(&f, &a, of_subject[i], "x.", &subject, &given);
        assert_ok(fault_fields(&f));
        assert_string_equal(subject_text(&given), subject_text(&subject));
    }
    struct agent of_agent = agent;
    order_mask(&a, MASKED_AGENT, &of_agent);
    assert_string_equal(of_agent.id_number, "1101**********0134");
    order_unmask(&f, &a, MASKED_AGENT, "x.", &agent, &of_agent);
    assert_string_equal(order_json_text(&a, order_json_agent(&of_agent)),
                        order_json_text(&a, order_json_agent(&agent)));
    struct purchase bought = purchase;
    for (enum masked_part part = MASKED_INVOICE; part <= MASKED_INVOICE_LOOK; part++)
        order_mask(&a, part, &bought);
    order_mask(&a, MASKED_DELIVERY, &bought.delivery);
    assert_string_equal(bought.delivery.recipient, "李*");
    for (enum masked_part part = MASKED_INVOICE; part <= MASKED_INVOICE_LOOK; part++)
        order_unmask(&f, &a, part, "x.", &purchase, &bought);
    order_unmask(&f, &a, MASKED_DELIVERY, "x.", &purchase.delivery, &bought.delivery);
    assert_ok(fault_fields(&f));
    assert_string_equal(purchase_text(&bought), purchase_text(&purchase));
}

static void one_changed_field_changes_that_alone(void **s)
{
    (void)s;
    struct subject given = subject, want = subject;
    order_mask(&a, MASKED_ORGANIZATION, &given);
    given.legal_rep_name = want.legal_rep_name = "王建民";
    order_unmask(&f, &a, MASKED_ORGANIZATION, "x.", &subject, &given);
    assert_ok(fault_fields(&f));
    assert_string_equal(subject_text(&given), subject_text(&want));
}

static void refused(const struct agent *held, struct agent given, const char *field)
{
    fault_clear(&f);
    order_unmask(&f, &a, MASKED_AGENT, "agent.", held, &given);
    assert_int_equal(f.n_violations, 1);
    assert_string_equal(f.violations[0].field, field);
    assert_string_equal(f.violations[0].reason, "FORMAT");
    assert_non_null(strstr(f.violations[0].text, "masked"));
    assert_non_null(strstr(f.violations[0].text_zh, "请填写完整"));
}

static void any_other_star_is_refused_with_its_field(void **s)
{
    (void)s;
    static const struct agent nothing = {
        .name = "", .id_number = "", .email = "", .phone = "", .card_number = ""};
    struct agent given = agent;
    given.name = "王*";
    refused(&agent, given, "agent.name");
    given.name = "李＊";
    refused(&agent, given, "agent.name");
    given = agent;
    given.phone = "139****4322"; /* of another order */
    refused(&agent, given, "agent.phone");
    given.phone = "139****43 21";
    refused(&agent, given, "agent.phone");
    given = nothing;
    given.name = "李*"; /* nothing is held that it could stand for */
    refused(&nothing, given, "agent.name");
}

static void a_field_has_one_problem(void **s)
{
    (void)s;
    struct agent given = agent, clean;
    given.phone = "139****0000";
    order_unmask(&f, &a, MASKED_AGENT, "agent.", &agent, &given);
    given.method = METHOD_PHONE_THREE_FACTOR;
    identity_check_agent(&f, &a, &given, false, "agent.", &clean);
    assert_int_equal(f.n_violations, 1);
    assert_non_null(strstr(f.violations[0].text, "masked"));
}

/* Two numbers under one mask: whatever is guessed, both answer the same. */
static void a_guess_tells_no_more_than_the_mask(void **s)
{
    (void)s;
    static const char *const guesses[] = {"1380000****", "138000*5678", "138****5678", "1380000567*",
                                          "138***05678", "13800005678", "13899995678", ""};
    static const char *const hidden[] = {"13800005678", "13899995678"};
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        size_t violations[2];
        bool stays[2];
        for (size_t k = 0; k < 2; k++) {
            struct agent held = agent, given = agent;
            held.phone = hidden[k];
            given.phone = guesses[i];
            fault_clear(&f);
            order_unmask(&f, &a, MASKED_AGENT, "agent.", &held, &given);
            violations[k] = f.n_violations;
            stays[k] = strcmp(given.phone, guesses[i]) == 0;
        }
        assert_int_equal(violations[0], violations[1]);
        assert_int_equal(stays[0], stays[1]);
        assert_int_equal(stays[0], strcmp(guesses[i], "138****5678") != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_shown_means_what_is_held, clear, release),
        cmocka_unit_test_setup_teardown(one_changed_field_changes_that_alone, clear, release),
        cmocka_unit_test_setup_teardown(any_other_star_is_refused_with_its_field, clear, release),
        cmocka_unit_test_setup_teardown(a_field_has_one_problem, clear, release),
        cmocka_unit_test_setup_teardown(a_guess_tells_no_more_than_the_mask, clear, release),
    };
    return CHECK_MAIN(tests);
}
