/* Money on invoices, and what is made of Nuonuo's answers; no network. */
#include "lib/check.h"

#include "base/str.h"
#include "provider/nuonuo.h"

#include <stdlib.h>
#include <string.h>

static struct arena a;
static struct fault f;

static void fen_are_written_as_yuan(void **state)
{
    (void)state;
    static const struct {
        int64_t fen;
        const char *yuan;
    } cases[] = {{28000, "280.00"}, {1, "0.01"},         {10, "0.10"},  {0, "0.00"},
                 {-1, "-0.01"},     {-38050, "-380.50"}, {105, "1.05"}, {INT64_MAX, "92233720368547758.07"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[INVOICE_YUAN_SIZE];
        int64_t back = 0;
        invoice_yuan(cases[i].fen, out);
        assert_string_equal(out, cases[i].yuan);
        if (cases[i].fen == INT64_MAX)
            continue;
        assert_true(invoice_read_yuan(out, &back));
        assert_int_equal(back, cases[i].fen);
    }
    static const char *const bad[] = {"",    "-",  ".5", "1.",  "1.234",          "1,00",
                                      "1e3", " 1", "1 ", "--1", "99999999999999", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t n;
        assert_false(invoice_read_yuan(bad[i], &n));
    }
    int64_t n = 0;
    assert_true(invoice_read_yuan("280.5000", &n) && n == 28050);
}

static void rates_are_read(void **state)
{
    (void)state;
    int64_t r = 0;
    assert_true(invoice_read_rate("0.06", &r) && r == 600);
    assert_true(invoice_read_rate("0.13", &r) && r == 1300);
    assert_true(invoice_read_rate("0.015", &r) && r == 150);
    assert_true(invoice_read_rate("0", &r) && r == 0);
    static const char *const bad[] = {"1", "6", "0.00001", "6%", "", "-0.06", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(invoice_read_rate(bad[i], &r));
}

/* For every amount up to 5000 yuan and every rate that there is: the two parts are the whole, and the
 * supplier's |excl * rate - tax| <= 0.06 holds with ten times to spare. In integers: ten-thousandths of a
 * fen. */
static void tax_is_within_a_fen(void **state)
{
    (void)state;
    static const int64_t rates[] = {0, 50, 100, 150, 300, 500, 600, 900, 1300};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++)
        for (int64_t total = 1; total <= 500000; total++) {
            int64_t tax = invoice_tax(total, rates[k]), excl = total - tax;
            int64_t off = excl * rates[k] - tax * 10000;
            if (tax < 0 || excl < 0 || off > 6000 || off < -6000)
                assert_int_equal(total, -1); /* shows it */
        }
    assert_int_equal(invoice_tax(28000, 600), 1585);
    assert_int_equal(invoice_tax(-28000, 600), -1585);
    assert_int_equal(invoice_tax(38000, 1300), 4372);
}

static void lines_add_up_or_not(void **state)
{
    (void)state;
    const struct invoice_line lines[] = {{"", 3, 28000}, {"邮寄费", 1, 1500}}, none[] = {{"", 0, 28000}},
                              huge[] = {{"", 20, INT64_MAX / 10}}, free_of_charge[] = {{"", 1, 0}};
    assert_true(invoice_adds_up(lines, 2, 85500));
    assert_false(invoice_adds_up(lines, 2, 85501));
    assert_false(invoice_adds_up(lines, 1, 85500));
    assert_true(invoice_adds_up(NULL, 0, 85500));
    assert_false(invoice_adds_up(none, 1, 0));
    assert_false(invoice_adds_up(huge, 1, 1));
    assert_false(invoice_adds_up(free_of_charge, 1, 0));
}

static struct invoice_status status_of(const char *result, enum err want)
{
    struct invoice_status s = {0};
    const char *text = arena_printf(&a, "{\"code\":\"E0000\",\"result\":%s}", result);
    CLEANUP(js_free)
    json_t *j = js_parse(text, strlen(text));
    assert_non_null(j);
    assert_err(nuonuo_read_status(j, "N1", &a, &s, &f), want);
    return s;
}

static void states_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        enum invoice_stage want;
    } cases[] = {{"2", INVOICE_ISSUED},  {"20", INVOICE_ISSUING},  {"21", INVOICE_SEALING},
                 {"22", INVOICE_FAILED}, {"24", INVOICE_UNSEALED}, {"3", INVOICE_VOID},
                 {"31", INVOICE_VOID}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct invoice_status s =
            status_of(arena_printf(&a,
                                   "[{\"orderNo\":\"N1\",\"serialNo\":\"S\",\"status\":\"%s\","
                                   "\"orderAmount\":\"280.00\",\"taxAmount\":\"15.85\","
                                   "\"allElectronicInvoiceNumber\":\"26000000000000000001\",\"invoiceTime\":"
                                   "1764000000000,\"pdfUrl\":\"u\"}]",
                                   cases[i].status),
                      OK);
        assert_string_equal(invoice_stage_name(s.stage), invoice_stage_name(cases[i].want));
        assert_int_equal(s.total_fen, 28000);
        assert_int_equal(s.tax_fen, 1585);
        assert_string_equal(s.number, "26000000000000000001");
    }
    assert_int_equal(status_of("[]", OK).stage, INVOICE_ABSENT);
    static const char *const bad[] = {
        "{}",
        "null",
        "[1]",
        "[{}]",
        "[{\"orderNo\":\"N2\",\"status\":\"2\"}]",
        "[{\"orderNo\":\"N1\",\"status\":\"99\"}]",
        "[{\"orderNo\":\"N1\"}]",
        "[{\"orderNo\":\"N1\",\"status\":\"2\"}]" /* done, and no number */,
        "[{\"orderNo\":\"N1\",\"status\":\"20\",\"orderAmount\":\"1.234\"}]",
        "[{\"orderNo\":\"N1\",\"status\":\"20\"},{\"orderNo\":\"N1\",\"status\":\"20\"}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        status_of(bad[i], ERR_PROVIDER_UNKNOWN);
}

static void answers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err want;
    } cases[] = {{200, "{\"code\":\"E0000\"}", OK},
                 {200, "{\"code\":\"E9106\"}", ERR_EXISTS},
                 {200, "{\"code\":\"E9500\"}", ERR_NOT_FOUND},
                 {200, "{\"code\":\"E9301\"}", ERR_PROVIDER_CONFIG},
                 {200, "{\"code\":\"E9302\"}", ERR_PROVIDER_CONFIG},
                 {200, "{\"code\":\"070101\"}", ERR_PROVIDER_CONFIG},
                 {200, "{\"code\":\"070306\"}", ERR_RATE_LIMITED},
                 {200, "{\"code\":\"E9613\"}", ERR_RATE_LIMITED},
                 {200, "{\"code\":\"E9104\"}", ERR_PROVIDER_REFUSED},
                 {200, "{\"code\":\"E9999\"}", ERR_PROVIDER_UNKNOWN},
                 {200, "<html>", ERR_PROVIDER_UNKNOWN},
                 {200, "{}", ERR_PROVIDER_UNKNOWN},
                 {502, "{\"code\":\"E0000\"}", ERR_PROVIDER_UNKNOWN},
                 {503, "busy", ERR_PROVIDER_BUSY},
                 {429, "", ERR_RATE_LIMITED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct provider_trace t = {0};
        CLEANUP(js_free)
        json_t *answer = NULL;
        assert_err(nuonuo_read(cases[i].status, cases[i].body, strlen(cases[i].body), &answer, &t, &f),
                   cases[i].want);
        assert_int_equal(answer != NULL, cases[i].want == OK);
    }
}

static void callbacks_are_read_strictly(void **state)
{
    (void)state;
    struct invoice_event e;
    static const char good[] =
        "operater=callback&orderno=N1&content=%7B%22c_orderno%22%3A%22N1%22%2C%22c_fpqqlsh%22%3A%22S1%22%2C"
        "%22c_status%22%3A%221%22%7D";
    assert_ok(nuonuo_callback_read(NULL, good, sizeof good - 1, &a, &e, &f));
    assert_string_equal(e.order_no, "N1");
    assert_string_equal(e.serial, "S1");
    assert_string_equal(e.state, "1");
    static const char *const bad[] = {
        "",
        "x",
        "operater=callback",
        "operater=callback&orderno=N1",
        "operater=callback&orderno=N1&content=%7B%7D",
        "operater=callback&orderno=N1&content=nonsense",
        "operater=x&orderno=N1&content=%7B%22c_status%22%3A%221%22%7D",
        "operater=callback&orderno=123456789012345678901&content=%7B%22c_status%22%3A%221%22%7D",
        "operater=callback&orderno=N1'--&content=%7B%22c_status%22%3A%221%22%7D",
        "operater=callback&orderno=N1&orderno=N2&content=%7B%22c_status%22%3A%221%22%7D",
        "operater=callback&orderno=N1&content=%7B%22c_orderno%22%3A%22N2%22%2C%22c_status%22%3A%221%22%7D"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(nuonuo_callback_read(NULL, bad[i], strlen(bad[i]), &a, &e, &f), ERR_INVALID);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fen_are_written_as_yuan),
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(tax_is_within_a_fen),
        cmocka_unit_test(lines_add_up_or_not),
        cmocka_unit_test(states_are_read),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(callbacks_are_read_strictly),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
