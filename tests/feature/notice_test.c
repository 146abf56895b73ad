/* What is told: every template of SMS and mail names exactly the parameters that it says it has. Pure. */
#include "lib/check.h"

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
#undef X
#define X(name, version, subject, text, n)                                                                   \
    assert_true((version) >= 1 && *(subject));                                                               \
    assert_int_equal(places(text), (1u << (n)) - 1);
    MAIL_TABLE(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_template_has_its_parameters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
