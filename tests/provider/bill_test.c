/* WeChat Pay's bill as a file: read when it adds up, refused when it does not. */
#include "lib/check.h"

#include "provider/wechat.h"

#include <string.h>

static struct arena a;
static struct fault f;
static const int64_t now = 1764000000000; /* 2025-11-25 00:00:00 in Beijing */

static const char bill_head[] = "\xEF\xBB\xBF"
                                "交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款状态,商品名称,"
                                "订单金额,申请退款金额\r\n",
                  bill_foot[] = "总交易单数,订单总金额,申请退款总金额\r\n";

static enum err read_bill(const char *rows, const char *sums, struct payment_bill *b)
{
    const char *text = arena_printf(&a, "%s%s%s%s", bill_head, rows, bill_foot, sums);
    *b = (struct payment_bill){0};
    return wechat_read_bill(text, strlen(text), &a, b, &f);
}

static void a_bill_is_read_when_it_adds_up(void **state)
{
    (void)state;
    struct payment_bill b;
    static const char rows[] =
        "`2025-11-25 00:00:01,`4200001,`ord_00001,`SUCCESS,`0,`,`证书, \"一年\", 新,`280.00,`0.00\r\n"
        "`2025-11-25 00:00:02,`4200001,`ord_00001,`REFUND,`ref_1,`SUCCESS,`x,`0.00,`10.05\r\n"
        "`2025-11-25 00:00:03,`4200001,`ord_00001,`REFUND,`ref_2,`PROCESSING,`x,`0.00,`1.00\r\n";
    assert_ok(read_bill(rows, "`3,`280.00,`11.05\r\n", &b));
    assert_int_equal(b.n, 3);
    assert_string_equal(b.rows[0].out_trade_no, "ord_00001");
    assert_string_equal(b.rows[0].out_refund_no, "");
    assert_int_equal(b.rows[0].amount_fen, 28000);
    assert_int_equal(b.rows[0].at_ms, now + 1000);
    assert_string_equal(b.rows[1].out_refund_no, "ref_1");
    assert_int_equal(b.rows[1].amount_fen, 1005);
    assert_true(b.rows[1].success);
    assert_false(b.rows[2].success);
    assert_ok(read_bill("", "`0,`0.00,`0.00\r\n", &b));
    assert_int_equal(b.n, 0);
    static const char *const sums[] = {"",
                                       "`2,`280.00,`11.05\r\n",
                                       "`3,`280.01,`11.05\r\n",
                                       "`3,`280.00,`11.04\r\n",
                                       "`3,`280.00\r\n",
                                       "`x,`280.00,`11.05\r\n"};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        assert_err(read_bill(rows, sums[i], &b), ERR_INVALID);
        assert_int_equal(b.n, 0);
    }
    static const char *const bad[] = {
        "`2025-11-25 00:00:01,`4200001,`ord_00001,`SUCCESS\r\n",
        "`yesterday,`4200001,`ord_00001,`SUCCESS,`0,`,`x,`280.00,`0.00\r\n",
        "`2025-11-25 00:00:01,`4200001,`ord_00001,`SUCCESS,`0,`,`x,`280.000,`0.00\r\n",
        "2025-11-25 00:00:01,`4200001,`ord_00001,`SUCCESS,`0,`,`x,`280.00,`0.00\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(read_bill(bad[i], "`1,`280.00,`0.00\r\n", &b), ERR_INVALID);
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
        cmocka_unit_test(a_bill_is_read_when_it_adds_up),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, teardown);
}
