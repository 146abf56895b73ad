/* YAML into a tree: what is read, what is refused, and where. */
#include "lib/check.h"

#include "catalog/yaml_tree.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
    struct arena arena;
    struct file_faults faults;
    struct yaml_tree tree;
};

static bool load_n(struct loaded *l, const char *text, size_t n)
{
    arena_init(&l->arena, 0);
    l->faults = (struct file_faults){.arena = &l->arena};
    return yaml_tree(text, n, &l->tree, &l->faults);
}

static bool load(struct loaded *l, const char *text)
{
    return load_n(l, text, strlen(text));
}

static void unload(struct loaded *l)
{
    yaml_tree_free(&l->tree);
    arena_free(&l->arena);
}

/* The text is refused (there is no tree) or is read with a fault; exactly one, with these words and line. */
static void check_fault_n(const char *text, size_t n, bool tree, int line, const char *words)
{
    struct loaded l;
    assert_int_equal(load_n(&l, text, n), tree);
    if (l.faults.n != 1 || l.faults.list[0].line != line || !strstr(l.faults.list[0].text, words)) {
        for (size_t i = 0; i < l.faults.n; i++)
            print_error("line %d %s: %s\n", l.faults.list[i].line, l.faults.list[i].path,
                        l.faults.list[i].text);
        print_error("wanted line %d: %s\n", line, words);
        assert_true(false);
    }
    unload(&l);
}

static void check_fault(const char *text, bool tree, int line, const char *words)
{
    check_fault_n(text, strlen(text), tree, line, words);
}

static void check_reads(const char *text, const char *json)
{
    struct loaded l;
    assert_true(load(&l, text));
    assert_int_equal(l.faults.n, 0);
    char *got = json_dumps(l.tree.root, JSON_COMPACT);
    assert_string_equal(got, json);
    free(got);
    unload(&l);
}

static void plain_scalars_have_the_types_of_the_core_schema(void **s)
{
    (void)s;
    check_reads(
        "a: null\nb: ~\nc:\nd: true\ne: FALSE\nf: 12\ng: -3\nh: +4\ni: 0012\n",
        "{\"a\":null,\"b\":null,\"c\":null,\"d\":true,\"e\":false,\"f\":12,\"g\":-3,\"h\":4,\"i\":12}");
    check_reads(
        "a: yes\nb: 0.06\nc: 0x10\nd: 2026-10-01\ne: 09:00\nf: 1e3\ng: .nan\n",
        "{\"a\":\"yes\",\"b\":\"0.06\",\"c\":\"0x10\",\"d\":\"2026-10-01\",\"e\":\"09:00\",\"f\":\"1e3\","
        "\"g\":\".nan\"}");
    check_reads("a: \"12\"\nb: 'true'\nc: \"\"\nd: |\n  12\n",
                "{\"a\":\"12\",\"b\":\"true\",\"c\":\"\",\"d\":\"12\\n\"}");
}

static void texts_fold_and_keep_lines_as_yaml_says(void **s)
{
    (void)s;
    check_reads("a: >-\n  一\n  二\nb: |-\n  一\n  二\nc: \"\\u4e00\\n\"\n",
                "{\"a\":\"一 二\",\"b\":\"一\\n二\",\"c\":\"一\\n\"}");
}

static void json_is_read(void **s)
{
    (void)s;
    check_reads("{\"a\":1,\"b\":[true,null,\"\\/x\"],\n\t\"c\": {\"d\":\"\\u4e00\"}}",
                "{\"a\":1,\"b\":[true,null,\"/x\"],\"c\":{\"d\":\"一\"}}");
    check_reads("\xEF\xBB\xBF{\"a\": []}", "{\"a\":[]}");
    check_reads("# nothing but a remark in front\n--- \na: {}\n...\n", "{\"a\":{}}");
}

static void every_value_has_its_line(void **s)
{
    (void)s;
    struct loaded l;
    assert_true(load(&l, "# a remark\na: 1\nb:\n  - x\n  - c: |\n      long\n      text\n    d: 4\n"));
    assert_int_equal(yaml_tree_line(&l.tree, ""), 2);
    assert_int_equal(yaml_tree_line(&l.tree, "a"), 2);
    assert_int_equal(yaml_tree_line(&l.tree, "b[0]"), 4);
    assert_int_equal(yaml_tree_line(&l.tree, "b[1].c"), 5);
    assert_int_equal(yaml_tree_line(&l.tree, "b[1].d"), 8);
    assert_int_equal(yaml_tree_line(&l.tree, "e"), 0);
    unload(&l);
}

static void what_stands_twice_is_a_fault(void **s)
{
    (void)s;
    check_fault("a: 1\nb: 2\na: 3\n", true, 3, "twice");
    check_fault("{\"a\": {\"b\": 1, \"b\": 1}}", true, 1, "twice");
    check_fault("a: 1\n\"a\": 1\n", true, 2, "twice");
}

static void what_surprises_is_refused(void **s)
{
    (void)s;
    check_fault("a: &x 1\n", true, 1, "anchors");
    check_fault("a: !!str 1\n", true, 1, "tags");
    check_fault("a: !secret {}\n", true, 1, "tags");
    check_fault("a: 1\nb: *x\n", false, 2, "aliases");
    check_fault("a: 1\n---\nb: 1\n", false, 2, "second document");
    check_fault("? [a]\n: 1\n", false, 1, "a key is a word");
    check_fault("&k a: 1\n", false, 1, "anchors or tags");
    check_fault("a: \"x\\0y\"\n", true, 1, "NUL");
    check_fault("a: 99999999999999999999\n", true, 1, "too large");
}

static void what_is_no_mapping_is_refused(void **s)
{
    (void)s;
    check_fault("", false, 1, "no document");
    check_fault("# nothing\n", false, 2, "no document");
    check_fault("- a\n- b\n", false, 1, "is a mapping");
    check_fault("just words\n", false, 1, "is a mapping");
    check_fault("null\n", false, 1, "is a mapping");
}

static void broken_text_is_refused_where_it_breaks(void **s)
{
    (void)s;
    check_fault("a: [1, 2\nb: 3\n", false, 2, "flow sequence");
    check_fault("a:\n\tb: 1\n", false, 2, "cannot start any token");
    check_fault("a: \"open\n", false, 2, "quoted scalar");
    check_fault("a: 1\n b: 2\n", false, 2, "mapping values are not allowed");
    check_fault("a: \xC0\xAF\n", false, 0, "byte 3");     /* overlong */
    check_fault("a: \xED\xA0\x80\n", false, 0, "byte 3"); /* a surrogate */
    check_fault("a: \"\xE4\xB8", false, 0, "incomplete UTF-8");
    check_fault("a: \x01\n", false, 0, "control characters");
    check_fault("\xFF\xFE"
                "a\0:\0",
                false, 0, "byte 0");
}

/* -- bombs -------------------------------------------------------------------------------------------------
 */

static void a_bomb_of_aliases_does_not_go_off(void **s)
{
    (void)s;
    struct loaded l;
    assert_false(load(&l, "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
                          "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n"));
    assert_true(l.arena.used < 200000); /* most of it the list of faults */
    unload(&l);
}

static char *repeated(const char *head, const char *one, size_t n, size_t *size)
{
    size_t h = strlen(head), m = strlen(one);
    char *out = malloc(h + n * m + 1);
    assert_non_null(out);
    memcpy(out, head, h + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(out + h + i * m, one, m + 1);
    *size = h + n * m;
    return out;
}

static void check_bomb(const char *head, const char *one, size_t n, int line, const char *words)
{
    size_t size;
    char *text = repeated(head, one, n, &size);
    check_fault_n(text, size, false, line, words);
    free(text);
}

static void depth_number_and_size_are_bounded(void **s)
{
    (void)s;
    check_bomb("a: ", "[", 100000, 1, "too deep");
    check_bomb("a: ", "{a: ", 100000, 1, "too deep");
    check_bomb("a:\n", "- - - - - - - - - - ", 100, 2, "too deep");
    check_bomb("a: [", "1,", 100000, 1, "too many values");
    check_bomb("# ", "x", YAML_BYTES_MAX, 0, "larger than");
    check_bomb("", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 2, 1, "is a mapping");
    check_bomb("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ": 1", 1, 1,
               "1 to 64");
}

/* Whatever the bytes are: an answer, no crash, and a tree or a fault. Sanitizers watch. */
static void any_cut_and_any_flipped_byte_is_survived(void **s)
{
    (void)s;
    static const char text[] = "code: x\npage: {notices: [{title: \"一\", text: 'a'}]}\nlist:\n  - a: 1\n"
                               "    b: |\n      long\n  - [1, true, ~]\n";
    size_t n = sizeof text - 1;
    char copy[sizeof text];
    for (size_t i = 0; i < n; i++) {
        struct loaded l;
        load_n(&l, text, i);
        assert_true(l.tree.root || l.faults.n);
        unload(&l);
        for (int flip = 1; flip < 256; flip += 13) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)(copy[i] ^ flip);
            assert_true(load_n(&l, copy, n) || l.faults.n);
            unload(&l);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_have_the_types_of_the_core_schema),
        cmocka_unit_test(texts_fold_and_keep_lines_as_yaml_says),
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(every_value_has_its_line),
        cmocka_unit_test(what_stands_twice_is_a_fault),
        cmocka_unit_test(what_surprises_is_refused),
        cmocka_unit_test(what_is_no_mapping_is_refused),
        cmocka_unit_test(broken_text_is_refused_where_it_breaks),
        cmocka_unit_test(a_bomb_of_aliases_does_not_go_off),
        cmocka_unit_test(depth_number_and_size_are_bounded),
        cmocka_unit_test(any_cut_and_any_flipped_byte_is_survived),
    };
    return CHECK_MAIN(tests);
}
