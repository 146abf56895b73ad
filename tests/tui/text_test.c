/* text_test.c - what of text from outside may reach a terminal, and how wide it is. */
#include "lib/check.h"

#include "ui/text.h"

#include <string.h>

static struct arena a;

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    return text_locale() ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static void controls_are_seen_not_obeyed(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"红头文件", "红头文件"},
        {"\x1B[2J\x1B]0;title\x07", BAD "[2J" BAD "]0;title" BAD},
        {"a\tb\nc\r\nd", "a b c  d"},
        {"\xC2\x9B"
         "31m",
         BAD "31m"}, /* C1: CSI in one character */
        {"x\xE2\x80\xAE"
         "fdp.exe",
         "x" BAD "fdp.exe"}, /* right-to-left override */
        {"\xE2\x81\xA6"
         "x\xE2\x81\xA9",
         BAD "x" BAD}, /* isolates */
        {"ab\xE2\x80\x8B"
         "cd",
         "ab" BAD "cd"}, /* zero width space */
        {"\xEF\xBB\xBF"
         "bom",
         BAD "bom"},
        {"a\xE2\x80\xA8"
         "b",
         "a b"}, /* line separator */
        {"\xFF\xFE", BAD BAD},
        {"\xC0\xAF", BAD BAD},         /* overlong */
        {"\xED\xA0\x80", BAD BAD BAD}, /* surrogate */
        {"\xE4\xB8", BAD BAD},         /* cut */
        {"\x7F", BAD},
        {"\xF3\xA0\x81\x81", BAD}, /* tag character */
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(text_clean(&a, rows[i].in), rows[i].out);
    assert_string_equal(text_clean(&a, NULL), "");
}

/* Whatever the bytes, what comes out holds no byte that a terminal obeys, and cleaning again changes nothing.
 */
static void every_pair_of_bytes_is_harmless(void **state)
{
    (void)state;
    for (unsigned hi = 1; hi < 256; hi++) {
        for (unsigned lo = 1; lo < 256; lo++) {
            char in[4] = {'a', (char)hi, (char)lo, 0};
            char *out = text_clean(&a, in);
            for (const char *p = out; *p; p++)
                assert_true((unsigned char)*p >= 0x20 && *p != 0x7F);
            assert_string_equal(text_clean(&a, out), out);
        }
        arena_free(&a);
    }
}

static void no_character_class_escapes(void **state)
{
    (void)state;
    for (wchar_t c = 0; c <= 0x10FFFF; c++) {
        enum text_class k = text_classify(c);
        if (k == TEXT_PLAIN)
            assert_true(wcwidth(c) == 1 || wcwidth(c) == 2);
        if ((c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E)) && k != TEXT_BREAK)
            assert_int_equal(k, TEXT_HARMFUL);
    }
}

static void marks_stay_with_their_base(void **state)
{
    (void)state;
    assert_int_equal(text_width("e\xCC\x81"), 1);
    assert_string_equal(text_clean(&a, "\xCC\x81x"), BAD "x"); /* no base to sit on */
    /* a tower of marks would paint over the lines above */
    assert_string_equal(text_clean(&a, "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81"),
                        "e\xCC\x81\xCC\x81\xCC\x81");
}

static void widths(void **state)
{
    (void)state;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("证书"), 4);
    assert_int_equal(text_width("ＵＫＥＹ"), 8);
    assert_int_equal(text_width("𠮷野家"), 6); /* outside the BMP */
}

static void cuts_never_split(void **state)
{
    static const struct {
        const char *in;
        int columns;
        const char *out;
    } rows[] = {
        {"证书证书", 8, "证书证书"}, {"证书证书", 7, "证书证…"}, {"证书证书", 6, "证书…"},
        {"证书证书", 2, "…"},        {"证书证书", 1, "…"},       {"证书", 0, ""},
        {"abcdef", 4, "abc…"},       {"abcdef", 6, "abcdef"},    {"ab证", 4, "ab证"},
        {"ab证", 3, "ab…"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *out = text_fit(&a, rows[i].in, rows[i].columns);
        assert_string_equal(out, rows[i].out);
        assert_true(text_width(out) <= rows[i].columns);
    }
    assert_int_equal(text_cut("e\xCC\x81x", 1), 3); /* the mark goes with its base */
}

static void wraps(void **state)
{
    char **line;
    (void)state;
    assert_int_equal(text_wrap(&a, "the quick brown fox", 10, &line), 2);
    assert_string_equal(line[0], "the quick ");
    assert_string_equal(line[1], "brown fox");
    assert_int_equal(text_wrap(&a, "证书申请，资料审核", 8, &line), 3);
    assert_string_equal(line[0], "证书申");
    assert_string_equal(line[1], "请，资料"); /* a comma does not begin a line */
    assert_int_equal(text_wrap(&a, "a\n\nb\n", 10, &line), 3);
    assert_string_equal(line[1], "");
    assert_int_equal(text_wrap(&a, "", 10, &line), 1);
    assert_int_equal(text_wrap(&a, "abcdefghijkl", 5, &line), 3);
}

/* Every width, every text: nothing is lost, nothing is too wide. */
static void wraps_lose_nothing(void **state)
{
    const char *text = "统一社会信用代码 91350100M000100Y43，a b  c 王建国（法定代表人）x";
    (void)state;
    for (int columns = 2; columns < 80; columns++) {
        char **line, all[400] = "", want[400] = "";
        size_t n = text_wrap(&a, text, columns, &line);
        for (size_t i = 0; i < n; i++) {
            assert_true(text_width(line[i]) <= columns);
            strcat(all, line[i]);
        }
        char *p = all, *q = want;
        for (const char *s = all; *s; s++)
            if (*s != ' ')
                *p++ = *s;
        *p = 0;
        for (const char *s = text; *s; s++)
            if (*s != ' ')
                *q++ = *s;
        assert_string_equal(all, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(controls_are_seen_not_obeyed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_pair_of_bytes_is_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(no_character_class_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(marks_stay_with_their_base, setup, teardown),
        cmocka_unit_test_setup_teardown(widths, setup, teardown),
        cmocka_unit_test_setup_teardown(cuts_never_split, setup, teardown),
        cmocka_unit_test_setup_teardown(wraps, setup, teardown),
        cmocka_unit_test_setup_teardown(wraps_lose_nothing, setup, teardown),
    };
    return CHECK_MAIN(tests);
}
