/* Any bytes as the file of a WeChat Pay bill. */
#include "fuzz.h"

#include "provider/wechat.h"

#include <stdlib.h>

static void need(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct payment_bill bill = {0};
    arena_init(&a, 0);
    enum err e = wechat_read_bill((const char *)data, size, &a, &bill, NULL);
    need(e == OK || e == ERR_INVALID);
    for (size_t i = 0; e == OK && i < bill.n; i++)
        need(bill.rows[i].out_trade_no[0] && bill.rows[i].transaction_id[0] && bill.rows[i].amount_fen >= 0);
    need(e == OK || bill.n == 0);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
