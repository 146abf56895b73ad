/* Any bytes as a bill of Alipay's. First octet 't': the rest is a table (GBK), put into an archive; else it
 * is the archive itself. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/alipay.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

static void need(int truth)
{
    if (!truth)
        abort();
}

static la_ssize_t on_write(struct archive *z, void *arg, const void *p, size_t n)
{
    (void)z;
    buf_add(arg, p, n);
    return (la_ssize_t)n;
}

static struct buf wrap(const void *p, size_t n, struct arena *a)
{
    struct buf b = BUF(a);
    struct archive *z = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    need(archive_write_set_format_zip(z) == ARCHIVE_OK &&
         archive_write_open(z, &b, NULL, on_write, NULL) == ARCHIVE_OK);
    archive_entry_set_pathname(e, "bill.csv");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)n);
    need(archive_write_header(z, e) == ARCHIVE_OK && archive_write_data(z, p, n) == (la_ssize_t)n);
    archive_entry_free(e);
    need(archive_write_free(z) == ARCHIVE_OK);
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct payment_bill bill = {0};
    if (!size)
        return 0;
    arena_init(&a, 0);
    struct buf zip = {.p = (char *)(uintptr_t)data + 1, .n = size - 1};
    if (data[0] == 't')
        zip = wrap(data + 1, size - 1, &a);
    enum err e = alipay_read_bill(zip.p, zip.n, &a, &bill, NULL);
    need(e == OK || e == ERR_INVALID);
    for (size_t i = 0; e == OK && i < bill.n; i++)
        need(bill.rows[i].out_trade_no[0] && bill.rows[i].transaction_id[0] && bill.rows[i].amount_fen >= 0);
    need(e == OK || bill.n == 0);
    arena_free(&a);
    return 0;
}

FUZZ_TEST
