/* What is told: every template of SMS and mail names exactly the parameters that it says it has. Pure. */
#include "lib/check.h"

#include "base/str.h"
#include "notice/notice.h"

#include <string.h>

/* The places {1} … {9} of a text as bits; another brace is a mistake. */
static unsigned places(const char *text)
{
    unsigned bits = 0;
    for (const char *p = text; (p = strchr(p, '{')); p++) {
        assert_true(p[1] >= '1' && p[1] <= '9' && p[2] == '}');
        bits |= 1u << (p[1] - '1');
    }
    return bits;
}

static void every_template_has_its_parameters(void **state)
{
    (void)state;
#define X(name, version, text, n)                                                                            \
    assert_true((version) >= 1);                                                                             \
    assert_int_equal(places(text), (1u << (n)) - 1);
    SMS_TABLE(X)
    SMS_OLD_TABLE(X)
#undef X
#define X(name, version, subject, text, n)                                                                   \
    assert_true((version) >= 1 && *(subject));                                                               \
    assert_int_equal(places(text), (1u << (n)) - 1);
    MAIL_TABLE(X)
#undef X
}

/* What was queued by words of an earlier version goes out by them: they stay registered, under a name of
 * their own. */
static void every_version_is_registered_once(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const char *name, *other, *text, *said;
    size_t n, m;
    for (size_t i = 0; (name = notice_template(i, &text, &n)); i++)
        for (size_t k = 0; (other = notice_template(k, &said, &m)); k++)
            assert_true(i == k || (strcmp(name, other) != 0 && strcmp(text, said) != 0));
#define X(t, version, words, n_params)                                                                       \
    for (size_t i = 0, found = 0; !found; i++) {                                                             \
        name = notice_template(i, &text, &n);                                                                \
        assert_non_null(name);                                                                               \
        found = strcmp(name, notice_registered(&a, #t, version)) == 0;                                       \
        assert_true(!found || (strcmp(text, words) == 0 && n == (n_params)));                                \
    }
    SMS_TABLE(X)
    SMS_OLD_TABLE(X)
#undef X
    assert_string_equal(notice_registered(&a, "ORDER_PAID", 1), "ORDER_PAID");
    assert_string_equal(notice_registered(&a, "ORDER_PAID", 2), "ORDER_PAID_2");
    arena_free(&a);
}

/* What a person wrote goes into an SMS as one line that ends. */
static void words_of_people_fit_into_a_parameter(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct buf b = BUF(&a);
    for (int i = 0; i < NOTICE_WORDS; i++)
        buf_str(&b, "章");
    const char *fits = buf_text(&b);
    assert_string_equal(notice_words(&a, fits), fits);
    assert_string_equal(notice_words(&a, ""), "");
    assert_string_equal(notice_words(&a, "未盖章\n不清晰"), "未盖章 不清晰");
    const char *cut = notice_words(&a, arena_printf(&a, "%s章", fits));
    assert_int_equal(utf8_length(cut), NOTICE_WORDS);
    assert_true(utf8_valid(cut, strlen(cut)));
    assert_string_equal(cut + strlen(cut) - strlen("…"), "…");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_template_has_its_parameters),
                                       cmocka_unit_test(every_version_is_registered_once),
                                       cmocka_unit_test(words_of_people_fit_into_a_parameter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
