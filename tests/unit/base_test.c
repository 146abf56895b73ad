/* The base library: arena budget and alignment, UTF-8, hex, ids, faults. */
#include "lib/check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void arena_budget_binds_only_what_a_peer_chose(void **s)
{
    (void)s;
    struct arena a;
    arena_init(&a, 1000);
    assert_non_null(arena_try(&a, 900));
    assert_null(arena_try(&a, 200));
    assert_non_null(arena_alloc(&a, 5000));
    assert_null(arena_try(&a, 1));
    arena_free(&a);
    assert_non_null(arena_try(&a, 900));
    assert_null(arena_try(&a, SIZE_MAX));
    arena_free(&a);
}

static void arena_memory_is_zero_and_aligned(void **s)
{
    (void)s;
    struct arena a;
    arena_init(&a, 0);
    for (size_t n = 1; n < 3000; n = n * 3 + 1) {
        unsigned char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
    }
    arena_free(&a);
}

static void utf8_refuses_what_rfc_3629_refuses(void **s)
{
    (void)s;
    assert_true(utf8_valid("法定代表人 é \xF0\x9F\x98\x80", strlen("法定代表人 é \xF0\x9F\x98\x80")));
    static const char *const bad[] = {"\xC0\x80",         "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xF0\x8F\xBF\xBF", "\x80",         "\xE6\xB3",     "a\xFFz"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
    assert_false(utf8_valid("a\0b", 3));
    assert_int_equal(utf8_length("张三a"), 3);
}

static void hex_goes_there_and_back(void **s)
{
    (void)s;
    unsigned char b[4];
    char h[9];
    assert_true(hex_decode("00ffA1b2", b, 4));
    hex_encode(b, 4, h);
    assert_string_equal(h, "00ffa1b2");
    assert_false(hex_decode("00ffA1b", b, 4));
    assert_false(hex_decode("00ffA1b2c", b, 4));
    assert_false(hex_decode("00ffA1bg", b, 4));
}

static void ids_sort_by_time_and_carry_their_prefix(void **s)
{
    (void)s;
    char a[ID_SIZE], b[ID_SIZE];
    id_new("ord", a);
    for (int64_t t = clock_now_ms(); clock_now_ms() == t;)
        ;
    id_new("ord", b);
    assert_true(strcmp(a, b) < 0);
    assert_true(id_valid("ord", a));
    assert_false(id_valid("pay", a));
    a[10] = 'u';
    assert_false(id_valid("ord", a));
    assert_false(id_valid("ord", "ord_"));
}

/* What came out on standard error, from the event on. */
static const char *logged(const char *text, const char *bad)
{
    static char line[8192];
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    LOG(ERROR, "a.test", KV_S("text", text), KV_S("bad", bad), KV_I("n", -7));
    dup2(kept, STDERR_FILENO);
    ssize_t n = read(ends[0], line, sizeof line - 1);
    assert_true(n > 0);
    line[n] = '\0';
    close(ends[0]);
    close(ends[1]);
    close(kept);
    assert_memory_equal(line, "{\"time\":\"20", 11);
    return strstr(line, "\"event\"");
}

static void what_is_logged_cannot_break_its_line(void **s)
{
    (void)s;
    assert_string_equal(logged("plain", ""),
                        "\"event\":\"a.test\",\"text\":\"plain\",\"bad\":\"\",\"n\":-7}\n");
    assert_string_equal(
        logged("\"a\\b\n\x7f", "中文\t"),
        "\"event\":\"a.test\",\"text\":\"\\\"a\\\\b\\u000a\\u007f\",\"bad\":\"中文\\u0009\",\"n\":"
        "-7}\n");
    assert_string_equal(logged("a\xff", "\xe4\xb8"),
                        "\"event\":\"a.test\",\"text\":\"a\\u00ff\",\"bad\":\"\\u00e4\\u00b8\",\"n\":-7}\n");
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(strspn(strchr(logged(big, ""), 'x') + strlen("xt\":\""), "x"), sizeof big - 1);
}

static void meet(int64_t errno_)
{
    LOG(ERROR, "a.flood", KV_I("errno", errno_));
}

/* A disk that is full is met by every call. */
static void an_error_that_comes_again_is_counted(void **s)
{
    (void)s;
    static char all[65536];
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    for (int i = 0; i < 500; i++) {
        meet(28);
        if (i % 250 == 0)
            meet(i); /* another one */
        LOG(WARN, "a.call", KV_I("n", 1));
    }
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 50000000}, NULL);
    LOG(INFO, "a.call", KV_I("n", 2)); /* whatever comes brings the count along */
    meet(28);
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 50000000}, NULL);
    LOG(INFO, "a.call", KV_I("n", 3));
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 50000000}, NULL);
    meet(28); /* long after: as if for the first time */
    dup2(kept, STDERR_FILENO);
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(ends[0], all + n, sizeof all - 1 - n)) > 0;)
        n += (size_t)got;
    all[n] = '\0';
    close(ends[0]);
    close(kept);
    struct arena a;
    arena_init(&a, 0);
    struct buf seen = BUF(&a);
    for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, "a.flood") || !strstr(line, "\"n\":1}"))
            buf_printf(&seen, "%s\n", strstr(line, "\"event\":") + strlen("\"event\":"));
    assert_string_equal(buf_text(&seen), "\"a.flood\",\"errno\":28}\n"
                                         "\"a.flood\",\"errno\":0}\n"
                                         "\"a.flood\",\"errno\":250}\n"
                                         "\"a.flood\",\"errno\":28,\"repeated\":499}\n"
                                         "\"a.call\",\"n\":2}\n"
                                         "\"a.flood\",\"errno\":28,\"repeated\":1}\n"
                                         "\"a.call\",\"n\":3}\n"
                                         "\"a.flood\",\"errno\":28}\n");
    arena_free(&a);
}

static void a_fault_keeps_every_bad_field(void **s)
{
    (void)s;
    struct fault f;
    fault_clear(&f);
    assert_ok(fault_fields(&f));
    for (int i = 0; i < FAULT_MAX_VIOLATIONS + 3; i++)
        fault_field(&f, "organization.uscc", "CHECK_DIGIT", "bad", "错");
    assert_int_equal(f.n_violations, FAULT_MAX_VIOLATIONS);
    assert_err(fault_fields(&f), ERR_INVALID);
    assert_string_equal(fault_text(&f), err_text(ERR_INVALID));
    assert_err(fail_in_both(&f, ERR_PIN_WRONG, "%d tries of %s", "%d次（%s）", 2, "x"), ERR_PIN_WRONG);
    assert_string_equal(fault_text(&f), "2 tries of x");
    assert_string_equal(fault_text_zh(&f), "2次（x）");
    assert_err(fail_in_both(NULL, ERR_PIN_WRONG, "%d", "%d", 1), ERR_PIN_WRONG);
    assert_err(fail(&f, ERR_ORDER_OPEN, "order %s is open", "x"), ERR_ORDER_OPEN);
    assert_string_equal(fault_text(&f), "order x is open");
    assert_int_equal(err_by_name("ORDER_OPEN"), ERR_ORDER_OPEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_budget_binds_only_what_a_peer_chose),
        cmocka_unit_test(arena_memory_is_zero_and_aligned),
        cmocka_unit_test(utf8_refuses_what_rfc_3629_refuses),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(ids_sort_by_time_and_carry_their_prefix),
        cmocka_unit_test(what_is_logged_cannot_break_its_line),
        cmocka_unit_test(an_error_that_comes_again_is_counted),
        cmocka_unit_test(a_fault_keeps_every_bad_field),
    };
    return CHECK_MAIN(tests);
}
