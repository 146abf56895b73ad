/* Numbers of people and companies: GB 32100, GB 11643, Luhn, phones, e-mail. Pure. */
#include "lib/check.h"

#include "base/clock.h"
#include "base/str.h"
#include "identity/fields.h"
#include "identity/identity.h"

#include <string.h>

static const int64_t TODAY = INT64_C(1795305600000); /* 2026-11-22, midnight UTC */

static void uscc_goes_by_gb_32100(void **s)
{
    (void)s;
    /* the standard's own example; real ones; one whose weighted sum divides by 31, so that the check is 0 */
    static const char *const good[] = {"91350100M000100Y43", "91110000100010310K", "914403001922038216",
                                       "91310000775785552L", "91330000MA27U00030"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(uscc_problem(good[i]), PROBLEM_NONE);
    assert_int_equal(uscc_problem("91350100M000100Y4"), PROBLEM_LENGTH_18);
    assert_int_equal(uscc_problem("91350100M000100Y433"), PROBLEM_LENGTH_18);
    assert_int_equal(uscc_problem(""), PROBLEM_LENGTH_18);
    assert_int_equal(uscc_problem("91350100M000100Y44"), PROBLEM_CHECK_DIGIT);
    assert_int_equal(uscc_problem("91330000MA27U0003Y"), PROBLEM_CHECK_DIGIT);
    assert_int_equal(uscc_problem("91350100I000100Y43"), PROBLEM_FORMAT); /* no I O S V Z */
    assert_int_equal(uscc_problem("91350100m000100y43"), PROBLEM_FORMAT); /* normalise first */
    assert_int_equal(uscc_problem("91A50100M000100Y43"), PROBLEM_FORMAT);
}

/* Every single changed character and every swap of neighbours is found: that is what the weights are for. */
static void uscc_finds_every_slip(void **s)
{
    (void)s;
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY", good[] = "91350100M000100Y43";
    for (size_t i = 0; i < 18; i++) {
        char bad[19];
        for (const char *ch = alphabet; *ch; ch++) {
            strcpy(bad, good);
            bad[i] = *ch;
            assert_true(uscc_valid(bad) == (strcmp(bad, good) == 0));
        }
        strcpy(bad, good);
        if (i < 17 && bad[i] != bad[i + 1]) {
            bad[i] = good[i + 1];
            bad[i + 1] = good[i];
            assert_false(uscc_valid(bad));
        }
    }
}

static void resident_id_goes_by_gb_11643(void **s)
{
    (void)s;
    assert_int_equal(resident_id_problem("11010519491231002X", TODAY), PROBLEM_NONE);
    assert_int_equal(resident_id_problem("110101199003070134", TODAY), PROBLEM_NONE);
    assert_int_equal(resident_id_problem("11010519491231002x", TODAY), PROBLEM_FORMAT);
    assert_int_equal(resident_id_problem("110105194912310021", TODAY), PROBLEM_CHECK_DIGIT);
    assert_int_equal(resident_id_problem("1101051949123100", TODAY), PROBLEM_LENGTH_18);
    assert_int_equal(resident_id_problem("11010519490231002X", TODAY), PROBLEM_DATE);
    assert_int_equal(resident_id_problem("11010519491301002X", TODAY), PROBLEM_DATE);
    assert_int_equal(resident_id_problem("11010520301231002X", TODAY), PROBLEM_DATE); /* not born yet */
    assert_int_equal(resident_id_problem("X1010519491231002X", TODAY), PROBLEM_FORMAT);
    char bad[19];
    for (size_t i = 0; i < 17; i++)
        for (char d = '0'; d <= '9'; d++) {
            strcpy(bad, "11010519491231002X");
            if (bad[i] == d)
                continue;
            bad[i] = d;
            assert_false(resident_id_valid(bad, TODAY));
        }
}

static void birthdays_are_days(void **s)
{
    (void)s;
    /* 29 February: 2000 had one, 1900 had none; the check digits are right */
    assert_int_equal(resident_id_problem("110101200002290018", TODAY), PROBLEM_NONE);
    assert_int_equal(resident_id_problem("110101190002290011", TODAY), PROBLEM_DATE);
    /* born today in China is not the future, though it is still yesterday in Greenwich */
    int64_t early =
        INT64_C(1795305600000) - 7 * 3600000; /* 2026-11-21 17:00 UTC, 01:00 of the 22nd in China */
    assert_int_equal(resident_id_problem("110101202611220014", early), PROBLEM_NONE);
    assert_int_equal(resident_id_problem("11010120261123001X", early), PROBLEM_DATE);
}

static void other_documents(void **s)
{
    (void)s;
    assert_int_equal(residence_permit_problem("11010519491231002X", TODAY), PROBLEM_OTHER_DOCUMENT);
    assert_int_equal(permanent_resident_problem("ABC123456789012"), PROBLEM_NONE);
    assert_int_equal(permanent_resident_problem("ABC12345678901X"), PROBLEM_OTHER_DOCUMENT);
    assert_int_equal(permanent_resident_problem("911124198108030024"), PROBLEM_NONE);
    assert_int_equal(permanent_resident_problem("811124198108030024"), PROBLEM_OTHER_DOCUMENT);
    assert_int_equal(permanent_resident_problem("9111"), PROBLEM_LENGTH);
    assert_int_equal(passport_problem("E12345678"), PROBLEM_NONE);
    assert_int_equal(passport_problem("E1"), PROBLEM_LENGTH);
    assert_int_equal(passport_problem("E1234;678"), PROBLEM_FORMAT);
}

static void cards_go_by_luhn(void **s)
{
    (void)s;
    assert_int_equal(card_problem("4111111111111111"), PROBLEM_NONE);
    assert_int_equal(card_problem("4111111111111112"), PROBLEM_CHECK_DIGIT);
    assert_int_equal(card_problem("411111111111"), PROBLEM_LENGTH_CARD);
    assert_int_equal(card_problem("41111111111111111111"), PROBLEM_LENGTH_CARD);
    assert_int_equal(card_problem("411111111111111a"), PROBLEM_NOT_DIGITS);
    int good = 0;
    for (char d = '0'; d <= '9'; d++) {
        char card[] = "622202100111624570?";
        card[18] = d;
        good += card_valid(card);
    }
    assert_int_equal(good, 1);
}

static void phones(void **s)
{
    (void)s;
    assert_true(phone_valid("13812345678") && phone_valid("19912345678"));
    assert_int_equal(phone_problem("12812345678"), PROBLEM_NOT_PHONE);
    assert_int_equal(phone_problem("1381234567"), PROBLEM_LENGTH_11);
    assert_int_equal(phone_problem("1381234567a"), PROBLEM_NOT_DIGITS);
}

static void addresses_of_mail(void **s)
{
    (void)s;
    static const char *const good[] = {"a@b.cn", "first.last+tag@mail.example.com", "x_y-z@1a.co"};
    static const char *const bad[] = {"",       "a",        "a@",      "@b.cn",     "a@b",      "a b@c.cn",
                                      "a@b..c", ".a@b.cn",  "a.@b.cn", "a..b@c.cn", "a@-b.cn",  "a@b.cn\n",
                                      "a@b.1",  "a@b@c.cn", "张@b.cn", "a@b.c",     "a\"b@c.cn"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(email_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(email_valid(bad[i]));
    char longest[300];
    memset(longest, 'a', sizeof longest);
    strcpy(longest + 65, "@b.cn");
    assert_false(email_valid(longest));
}

static void text_that_plays_with_screens_is_refused(void **s)
{
    (void)s;
    assert_int_equal(text_problem("杭州（测试）有限公司 A&B", 2, 100), PROBLEM_NONE);
    static const char *const bad[] = {"a\x1b[2J",       "a\nb",          "a\x7f",         "a\xc2\x9b\x32",
                                      "x\xe2\x80\xaez", "a\xe2\x81\xa6", "a\xe2\x80\xa8", "\xff\xfe"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(text_problem(bad[i], 1, 100), PROBLEM_FORMAT);
    assert_int_equal(text_problem("张", 2, 100), PROBLEM_LENGTH);
    assert_int_equal(text_problem("“引号”—…", 1, 100),
                     PROBLEM_NONE); /* U+2014, U+201C: neighbours of the bad */
}

static void what_people_type_is_made_even(void **s)
{
    (void)s;
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(field_number(&a, " １１０１０５ 1949-1231002ｘ\t"), "11010519491231002X");
    assert_string_equal(field_number(&a, "张1"), "张1");
    assert_string_equal(field_number(&a, NULL), "");
    assert_string_equal(field_phone(&a, "+86 138-1234-5678"), "13812345678");
    assert_string_equal(field_phone(&a, "008613812345678"), "13812345678");
    assert_string_equal(field_text(&a, " \u3000张 三\u3000\n"), "张 三");
    assert_string_equal(field_text(&a, "\u3000"), "");
    assert_string_equal(field_ascii(&a, " ａ＠b．cn "), "a@b.cn");
    arena_free(&a);
}

static void masks_show_little(void **s)
{
    (void)s;
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(mask_phone(&a, "13812345678"), "138****5678");
    assert_string_equal(mask_name(&a, "张三丰"), "张**");
    assert_null(strstr(mask_number(&a, "11010519491231002X"), "194912"));
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(uscc_goes_by_gb_32100),
        cmocka_unit_test(uscc_finds_every_slip),
        cmocka_unit_test(resident_id_goes_by_gb_11643),
        cmocka_unit_test(birthdays_are_days),
        cmocka_unit_test(other_documents),
        cmocka_unit_test(cards_go_by_luhn),
        cmocka_unit_test(phones),
        cmocka_unit_test(addresses_of_mail),
        cmocka_unit_test(text_that_plays_with_screens_is_refused),
        cmocka_unit_test(what_people_type_is_made_even),
        cmocka_unit_test(masks_show_little),
    };
    return CHECK_MAIN(tests);
}
