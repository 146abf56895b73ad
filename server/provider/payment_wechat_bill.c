/* WeChat Pay's daily bill: a signed answer with an address and a SHA-1; then the table itself, unsigned.
 * providers.md 1.5
 *
 *   交易时间,公众账号ID,…            the head
 *   `2026-11-21 12:00:00,`wx…,…      the trades: every field begins with a backtick
 *   总交易单数,…                     the second head
 *   `2,`280.00,…                     what it adds up to
 */
#include "provider/wechat.h"

#include "base/str.h"
#include "provider/bill.h"
#include "provider/http.h"
#include "provider/when.h"
#include "provider/yuan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column {
    PAID_AT,
    TRANSACTION,
    OUT_TRADE_NO,
    STATE,
    OUT_REFUND_NO,
    REFUND_STATE,
    TOTAL,
    REFUND,
    N_COLUMNS
};

static const char *const heads[N_COLUMNS] = {
    [PAID_AT] = "交易时间", [TRANSACTION] = "微信订单号",     [OUT_TRADE_NO] = "商户订单号",
    [STATE] = "交易状态",   [OUT_REFUND_NO] = "商户退款单号", [REFUND_STATE] = "退款状态",
    [TOTAL] = "订单金额",   [REFUND] = "申请退款金额",
};

struct table {
    struct bill_rows rows;
    int column[N_COLUMNS];
    int sum_count, sum_total, sum_refund; /* columns of the second head; -1: not there */
    bool begun, summing, summed, wrong;
    int64_t total, refund;
};

static bool is_head(const char *field, const char *name)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* some files begin with a byte order mark */
    return strcmp(strncmp(field, mark, 3) == 0 ? field + 3 : field, name) == 0;
}

static enum err head(struct table *t, const char *const *fields, size_t n)
{
    t->begun = true;
    t->column[PAID_AT] = 0;
    return bill_columns(fields, n, &heads[PAID_AT + 1], N_COLUMNS - PAID_AT - 1, &t->column[PAID_AT + 1]);
}

static enum err sum_head(struct table *t, const char *const *fields, size_t n)
{
    t->summing = true;
    t->sum_count = 0;
    t->sum_total = bill_column(fields, n, "订单总金额");
    t->sum_refund = bill_column(fields, n, "申请退款总金额");
    return t->sum_total < 0 || t->sum_refund < 0 ? ERR_INVALID : OK;
}

/* The fields without their backticks. A comma in somebody's words ends a field too early: what does not begin
 * with a backtick belongs to the field before it. */
static size_t plain(const char *const *fields, size_t n, const char *out[static BILL_FIELDS_MAX])
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (fields[i][0] == '`')
            out[k++] = fields[i] + 1;
    return k;
}

static enum err trade(struct table *t, const char *const *fields, size_t n)
{
    const char *v[N_COLUMNS];
    TRY(bill_cells(fields, n, t->column, N_COLUMNS, v));
    bool back = strcmp(v[STATE], "REFUND") == 0;
    if (!back && strcmp(v[STATE], "SUCCESS") != 0)
        return OK; /* REVOKED: code-pay only */
    struct payment_bill_row row = {.out_trade_no = v[OUT_TRADE_NO],
                                   .transaction_id = v[TRANSACTION],
                                   .out_refund_no = back ? v[OUT_REFUND_NO] : "",
                                   .success = !back || strcmp(v[REFUND_STATE], "SUCCESS") == 0};
    if (!*row.out_trade_no || !*row.transaction_id || !yuan_read(v[back ? REFUND : TOTAL], &row.amount_fen) ||
        !when_read_beijing(v[PAID_AT], &row.at_ms))
        return ERR_INVALID;
    bill_add(&t->rows, &row);
    *(back ? &t->refund : &t->total) += row.amount_fen;
    return OK;
}

static enum err sums(struct table *t, const char *const *fields, size_t n)
{
    int64_t total = 0, refund = 0;
    t->summed = true;
    if (n <= (size_t)t->sum_total || n <= (size_t)t->sum_refund || !yuan_read(fields[t->sum_total], &total) ||
        !yuan_read(fields[t->sum_refund], &refund))
        return ERR_INVALID;
    t->wrong =
        strtoull(fields[t->sum_count], NULL, 10) != t->rows.n || total != t->total || refund != t->refund;
    return OK;
}

static enum err line(void *arg, const char *const *fields, size_t n)
{
    struct table *t = arg;
    if (n == 0)
        return OK;
    if (!t->begun)
        return is_head(fields[0], heads[PAID_AT]) ? head(t, fields, n) : ERR_INVALID;
    if (fields[0][0] != '`')
        return is_head(fields[0], "总交易单数") ? sum_head(t, fields, n) : ERR_INVALID;
    const char *v[BILL_FIELDS_MAX];
    size_t k = plain(fields, n, v);
    return t->summing ? sums(t, v, k) : trade(t, v, k);
}

enum err wechat_read_bill(const char *text, size_t n, struct arena *a, struct payment_bill *out,
                          struct fault *f)
{
    struct table t = {.rows = {.arena = a}};
    if (bill_csv(text, n, line, &t, f) != OK || !t.summed || t.wrong)
        return fail(f, ERR_INVALID, "the bill is not whole, or does not add up");
    out->rows = t.rows.rows;
    out->n = t.rows.n;
    return OK;
}

/* -- getting it ------------------------------------------------------------------------------------------ */

static enum err download(const struct wechat *w, const json_t *told, struct arena *a,
                         struct payment_bill *out, struct fault *f)
{
    const char *url = js_str(told, "download_url"), *type = js_str(told, "hash_type");
    const char *body = NULL;
    size_t n = 0;
    char hash[2 * SHA1_SIZE + 1];
    if (!url || !type || strcmp(type, "SHA1") != 0 ||
        !js_copy(told, "hash_value", out->hash, sizeof out->hash) || !out->hash[0])
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: a bill without address or SHA-1");
    TRY(wechat_fetch(w, url, BILL_FILE_MAX, a, &body, &n, &out->trace, f));
    sha1_hex(body, n, hash);
    if (strcasecmp(hash, out->hash) != 0)
        return fail(f, ERR_SIGNATURE_BAD, "wechat: the bill is not the one that was signed for");
    if (wechat_read_bill(body, n, a, out, f) != OK)
        return fail(f, ERR_PROVIDER_UNKNOWN, "wechat: the bill is not understood");
    return OK;
}

enum err wechat_bill(void *self, const char *date, struct arena *a, struct payment_bill *out, struct fault *f)
{
    struct wechat *w = self;
    int64_t from = 0;
    *out = (struct payment_bill){0};
    TRY(bill_day(date, &from, f));
    CLEANUP(js_free)
    json_t *r = NULL;
    const char *path = arena_printf(a, "/v3/bill/tradebill?bill_date=%s&bill_type=ALL", date);
    enum err e = wechat_send(w, "GET", path, NULL, a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND && strcmp(out->trace.code, "NO_STATEMENT_EXIST") == 0 &&
        bill_is_ready(from, w->now_ms())) {
        fault_clear(f);
        return OK; /* a day without trades has no bill */
    }
    return e == OK ? download(w, r, a, out, f) : e;
}
