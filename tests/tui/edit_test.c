/* edit_test.c - the line editor and the question box, without a terminal. */
#include "lib/check.h"

#include "ui/doc.h"
#include "ui/edit.h"
#include "ui/form.h"
#include "ui/list.h"
#include "ui/text.h"

#include <string.h>

static struct arena a;
static struct edit e;

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    memset(&e, 0, sizeof e);
    return text_locale() ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

static void type(const char *s)
{
    for (wchar_t c; (c = text_next(&s));)
        edit_key(&e, (ui_key)c);
}

static void keys(const ui_key *k)
{
    for (; *k; k++)
        edit_key(&e, *k);
}
#define KEYS(...) keys((const ui_key[]){__VA_ARGS__, 0})

static void types_and_moves(void **state)
{
    (void)state;
    type("王建国");
    KEYS(K_LEFT, K_LEFT);
    type("a");
    assert_string_equal(edit_text(&e, &a), "王a建国");
    KEYS(K_BACKSPACE, K_DELETE);
    assert_string_equal(edit_text(&e, &a), "王国");
    KEYS(K_HOME);
    type("老");
    KEYS(K_END);
    type("。");
    assert_string_equal(edit_text(&e, &a), "老王国。");
    KEYS(K_CTRL('a'), K_RIGHT, K_CTRL('k'));
    assert_string_equal(edit_text(&e, &a), "老");
    KEYS(K_BACKSPACE, K_BACKSPACE, K_LEFT, K_DELETE);
    assert_string_equal(edit_text(&e, &a), "");
}

static void words_and_spaces(void **state)
{
    (void)state;
    type("  one two  ");
    assert_string_equal(edit_text(&e, &a), "one two");
    KEYS(K_CTRL('w'));
    assert_string_equal(edit_text(&e, &a), "one");
    KEYS(K_CTRL('u'));
    assert_int_equal(e.n, 0);
}

static void a_base_keeps_its_marks(void **state)
{
    (void)state;
    type("xe\xCC\x81y");
    KEYS(K_LEFT, K_BACKSPACE);
    assert_string_equal(edit_text(&e, &a), "xy");
    KEYS(K_HOME);
    type("\xCC\x81"); /* nothing to sit on */
    assert_string_equal(edit_text(&e, &a), "xy");
}

static void nothing_harmful_goes_in(void **state)
{
    (void)state;
    for (ui_key k = 1; k < 32; k++) {
        if (k == K_CTRL('a') || k == K_CTRL('e') || k == K_CTRL('u') || k == K_CTRL('k') || k == K_CTRL('w'))
            continue;
        assert_false(edit_key(&e, k));
    }
    edit_key(&e, 0x202E);
    edit_key(&e, 0x200B);
    edit_set(&e, "a\x1B[31m\tb");
    assert_string_equal(edit_text(&e, &a), "a[31mb");
}

static void length_is_limited(void **state)
{
    (void)state;
    e.max = 6;
    type("1234567890");
    assert_string_equal(edit_text(&e, &a), "123456");
    e.max = 0;
    for (int i = 0; i < 2 * EDIT_MAX; i++)
        type("证");
    assert_int_equal(e.n, EDIT_MAX);
}

/* At every width and cursor the shown part fits and the cursor stands inside it. */
static void scrolls(void **state)
{
    int cursor;
    (void)state;
    type("浙江省能源集团abc供应链e\xCC\x81管理公司");
    for (int columns = 2; columns < 40; columns++) {
        KEYS(K_END);
        for (size_t i = 0; i <= e.n; i++) {
            char *s = edit_shown(&e, &a, columns, &cursor);
            assert_true(text_width(s) <= columns);
            assert_true(cursor >= 0 && cursor < columns);
            KEYS(K_LEFT);
        }
        assert_int_equal(e.at, 0);
    }
}

static void secrets_are_stars_and_wiped(void **state)
{
    int cursor;
    (void)state;
    e.secret = true;
    type(" 密码x ");
    assert_string_equal(edit_shown(&e, &a, 20, &cursor), "*****");
    assert_int_equal(cursor, 5);
    assert_string_equal(edit_text(&e, &a), " 密码x ");
    edit_wipe(&e);
    for (size_t i = 0; i < EDIT_MAX; i++)
        assert_int_equal(e.text[i], 0);
}

static void a_question_wants_its_answer(void **state)
{
    static struct form f;
    (void)state;
    form_init(&f, FORM_CONFIRM, "t");
    assert_int_equal(form_key(&f, K_ENTER), FORM_STAYS); /* irreversible: not by a key too many */
    assert_int_equal(form_key(&f, ' '), FORM_STAYS);
    assert_int_equal(form_key(&f, 'n'), FORM_LEFT);
    assert_int_equal(form_key(&f, 0xFF59), FORM_SUBMITTED); /* full-width y of an input method */
    assert_int_equal(form_key(&f, K_ESC), FORM_LEFT);
    f.locked = true;
    assert_int_equal(form_key(&f, K_ESC), FORM_STAYS);
    form_free(&f);
}

static void a_form_is_filled_in(void **state)
{
    static struct form f;
    (void)state;
    form_init(&f, FORM_ASK, "t");
    form_field(&f, FIELD_TEXT, "medium_number", "l");
    struct field *c = form_field(&f, FIELD_CHOICE, "courier", "l");
    c->choices = (const char *const[]){"a", "b", "c"};
    c->n_choices = 3;
    assert_int_equal(form_key(&f, '7'), FORM_STAYS);
    assert_int_equal(form_key(&f, K_ENTER), FORM_STAYS);
    form_key(&f, K_LEFT);
    assert_int_equal(form_chosen(&f, "courier"), 2);
    assert_true(form_error(&f, "shipment.medium_number", "wrong"));
    assert_false(form_error(&f, "xmedium_number", "wrong"));
    assert_string_equal(f.fields[0].error, "wrong");
    assert_int_equal(form_key(&f, K_ENTER), FORM_SUBMITTED);
    f.busy = true;
    assert_int_equal(form_key(&f, K_ENTER), FORM_STAYS); /* not twice */
    assert_string_equal(form_value(&f, "medium_number", &a), "7");
    form_free(&f);
}

static void lists_stay_inside(void **state)
{
    struct list l = {.height = 10};
    (void)state;
    list_key(&l, K_UP);
    list_key(&l, K_END);
    assert_int_equal(l.at, 0);
    list_resize(&l, 25);
    list_key(&l, K_PGDN);
    assert_int_equal(l.at, 9);
    list_key(&l, K_END);
    assert_int_equal(l.at, 24);
    list_key(&l, K_DOWN);
    assert_int_equal(l.at, 24);
    list_resize(&l, 3);
    assert_int_equal(l.at, 2);
    list_resize(&l, 0);
    assert_int_equal(l.at, 0);
}

static void tab_goes_round_the_items(void **state)
{
    struct doc d;
    (void)state;
    doc_init(&d);
    doc_key(&d, K_TAB); /* nothing there */
    doc_value(&d, "l", "t");
    doc_item(&d, 5, STYLE_NORMAL, "l", "t");
    doc_item(&d, 9, STYLE_NORMAL, "l", "t");
    assert_int_equal(d.chosen, 5);
    doc_key(&d, K_TAB);
    assert_int_equal(d.chosen, 9);
    doc_key(&d, K_TAB);
    assert_int_equal(d.chosen, 5);
    doc_key(&d, K_BACKTAB);
    assert_int_equal(d.chosen, 9);
    doc_free(&d);
}

/* as if drawn with a window of 10 lines, one wrapped line each */
static void arrows_choose_what_is_in_sight(void **state)
{
    struct doc d;
    (void)state;
    doc_init(&d);
    doc_item(&d, 5, STYLE_NORMAL, "l", "t");
    doc_item(&d, 6, STYLE_NORMAL, "l", "t");
    for (int i = 0; i < 12; i++)
        doc_value(&d, "l", "t");
    doc_item(&d, 7, STYLE_NORMAL, "l", "t");
    for (size_t i = 0; i < d.n; i++)
        d.lines[i].at = i;
    d.wrapped = d.n;
    d.height = 10;
    doc_key(&d, K_UP); /* nothing above */
    assert_int_equal(d.chosen, 5);
    doc_key(&d, K_DOWN);
    assert_int_equal(d.chosen, 6);
    assert_int_equal(d.first, 0);
    for (size_t i = 1; i <= 5; i++) {
        doc_key(&d, K_DOWN);
        assert_int_equal(d.chosen, 6);
        assert_int_equal(d.first, i);
    }
    doc_key(&d, K_DOWN);
    assert_int_equal(d.chosen, 7);
    doc_key(&d, K_UP); /* 6 is out of sight */
    assert_int_equal(d.chosen, 7);
    assert_int_equal(d.first, 4);
    doc_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types_and_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(words_and_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(a_base_keeps_its_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_harmful_goes_in, setup, teardown),
        cmocka_unit_test_setup_teardown(length_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(scrolls, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_stars_and_wiped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_question_wants_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_form_is_filled_in, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_stay_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(tab_goes_round_the_items, setup, teardown),
        cmocka_unit_test_setup_teardown(arrows_choose_what_is_in_sight, setup, teardown),
    };
    return CHECK_MAIN(tests);
}
