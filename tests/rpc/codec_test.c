/* What api/rpc lets in, without a network. */
#include "lib/check.h"

#include "rpc/codec.h"
#include "rpc/status.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <google/rpc/error_details.pb-c.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <grpc/testing/messages.pb-c.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define BAD_REQUEST &google__rpc__bad_request__descriptor

static struct fault f;

static enum err unpack(const ProtobufCMessageDescriptor *d, const void *p, size_t n, size_t budget)
{
    struct arena a;
    const ProtobufCMessage *m;
    arena_init(&a, budget);
    enum err e = codec_unpack(d, p, n, &a, &m, &f);
    arena_free(&a);
    return e;
}

/* A copy of exactly n bytes, so that the sanitizer sees a read beyond them. */
static enum err unpack_tight(const ProtobufCMessageDescriptor *d, const char *bytes, size_t n)
{
    void *p = malloc(n ? n : 1);
    memcpy(p, bytes, n);
    enum err e = unpack(d, p, n, 0);
    free(p);
    return e;
}

static void nested_and_repeated_fields_are_named(void **state)
{
    (void)state;
    /* two violations; the second has a bad `field`, a bad localized_message.locale and a good reason */
    static const char bytes[] = "\x0a\x03\x0a\x01"
                                "a"
                                "\x0a\x0f\x0a\x02\xc3\x28\x1a\x02ok\x22\x05\x0a\x03z\0h";
    assert_err(unpack_tight(BAD_REQUEST, bytes, sizeof bytes - 1), ERR_INVALID);
    assert_int_equal(f.n_violations, 2);
    assert_string_equal(f.violations[0].field, "field_violations[1].field");
    assert_string_equal(f.violations[0].reason, "UTF8");
    assert_string_equal(f.violations[1].field, "field_violations[1].localized_message.locale");
    assert_string_equal(f.violations[1].reason, "NUL");
}

static void map_entries_are_checked(void **state)
{
    (void)state;
    static const char bytes[] = "\x1a\x06\x0a\x01k\x12\x01\xff"; /* metadata {"k": invalid} */
    assert_err(unpack_tight(&google__rpc__error_info__descriptor, bytes, sizeof bytes - 1), ERR_INVALID);
    assert_string_equal(f.violations[0].field, "metadata[0].value");
}

static void only_the_live_member_of_a_oneof_is_read(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *d = &grpc__reflection__v1__server_reflection_request__descriptor;
    static const char list[] = "\x3a\x02ok", bad[] = "\x3a\x02\xff\xff";
    static const char number[] =
        "\x2a\x02\x10\x05"; /* file_containing_extension: a message in the same union */
    assert_ok(unpack_tight(d, list, sizeof list - 1));
    assert_ok(unpack_tight(d, number, sizeof number - 1));
    assert_err(unpack_tight(d, bad, sizeof bad - 1), ERR_INVALID);
    assert_string_equal(f.violations[0].field, "list_services");
}

static void empty_and_absent_strings_are_fine(void **state)
{
    (void)state;
    assert_ok(unpack_tight(&google__rpc__error_info__descriptor, "", 0));
    assert_ok(unpack_tight(&google__rpc__error_info__descriptor, "\x0a\x00", 2));
    assert_ok(unpack_tight(&google__protobuf__field_options__descriptor, "", 0)); /* proto2 with defaults */
}

/* The note in front of a string is protobuf-c's own count: a NUL at any place of any length is found. */
static void nul_is_found_at_every_place(void **state)
{
    (void)state;
    for (size_t n = 1; n < 60; n++)
        for (size_t at = 0; at < n; at++) {
            char bytes[64] = {0x0a, (char)n};
            memset(bytes + 2, 'x', n);
            assert_ok(unpack_tight(&google__rpc__error_info__descriptor, bytes, n + 2));
            bytes[2 + at] = '\0';
            assert_err(unpack_tight(&google__rpc__error_info__descriptor, bytes, n + 2), ERR_INVALID);
        }
}

static void every_truncation_is_refused_or_a_message(void **state)
{
    (void)state;
    static const char whole[] = "\x0a\x07\x0a\x01"
                                "a\x12\x02"
                                "bc\x0a\x03\x0a\x01"
                                "d";
    size_t n = sizeof whole - 1;
    for (size_t i = 0; i <= n; i++) {
        enum err want = i == 0 || i == 9 || i == n ? OK : ERR_INVALID;
        assert_err(unpack_tight(BAD_REQUEST, whole, i), want);
    }
}

static void budget_is_kept(void **state)
{
    (void)state;
    static char empty[100000];
    for (size_t i = 0; i < sizeof empty; i += 2)
        empty[i] = 0x0a;
    assert_err(unpack(BAD_REQUEST, empty, sizeof empty, 500000), ERR_EXHAUSTED);
    assert_ok(unpack(BAD_REQUEST, empty, sizeof empty, 50000000));
}

static void recursive_types_are_known(void **state)
{
    (void)state;
    assert_true(codec_recursive(&google__protobuf__descriptor_proto__descriptor));
    assert_true(codec_recursive(&google__protobuf__file_descriptor_set__descriptor));
    assert_false(codec_recursive(BAD_REQUEST));
    assert_false(codec_recursive(&grpc__testing__simple_request__descriptor));
}

static void status_survives_the_wire(void **state)
{
    (void)state;
    struct fault in, out;
    struct arena a;
    arena_init(&a, 0);
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        fault_clear(&in);
        (void)fail(&in, (enum err)e, "number %u", e);
        snprintf(in.state, sizeof in.state, "%s", e % 2 ? "REVIEW" : "");
        size_t n;
        const void *p = status_pack(&in, &a, &n);
        assert_err(status_unpack((int)err_status((enum err)e), "number", p, n, &out), (enum err)e);
        assert_string_equal(out.text_zh, err_text_zh((enum err)e));
        assert_string_equal(out.state, in.state);
    }
    arena_free(&a);
}

static void cut_chinese_is_still_utf8(void **state)
{
    (void)state;
    struct fault in, out;
    struct arena a;
    char long_zh[400] = "";
    for (int i = 0; i < 100; i++)
        strcat(long_zh, "证");
    fault_clear(&in);
    fault_field(&in, "x", "FORMAT", "bad",
                long_zh); /* cut after 159 bytes: 53 characters; 158 would split one */
    fault_field(&in, "y", "FORMAT", "bad", long_zh + 1);
    arena_init(&a, 0);
    size_t n;
    const void *p = status_pack(&in, &a, &n);
    assert_err(status_unpack(RPC_INVALID_ARGUMENT, "", p, n, &out), ERR_INVALID);
    assert_int_equal(out.n_violations, 2);
    arena_free(&a);
}

static void foreign_details_do_no_harm(void **state)
{
    (void)state;
    struct fault out;
    assert_err(status_unpack(14, "x", "\xff\xff\xff", 3, &out), ERR_UNAVAILABLE);
    assert_err(status_unpack(0, "", NULL, 0, &out), ERR_INTERNAL);
    assert_err(status_unpack(99, "", NULL, 0, &out), ERR_INTERNAL);
    assert_err(status_unpack(-1, "", NULL, 0, &out), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_and_repeated_fields_are_named),
        cmocka_unit_test(map_entries_are_checked),
        cmocka_unit_test(only_the_live_member_of_a_oneof_is_read),
        cmocka_unit_test(empty_and_absent_strings_are_fine),
        cmocka_unit_test(nul_is_found_at_every_place),
        cmocka_unit_test(every_truncation_is_refused_or_a_message),
        cmocka_unit_test(budget_is_kept),
        cmocka_unit_test(recursive_types_are_known),
        cmocka_unit_test(status_survives_the_wire),
        cmocka_unit_test(cut_chinese_is_still_utf8),
        cmocka_unit_test(foreign_details_do_no_harm),
    };
    return CHECK_MAIN(tests);
}
