/* Alipay's daily bill: a ZIP archive of GBK tables. providers.md 2.3
 *
 *   #支付宝业务明细查询 …            lines of remarks
 *   支付宝交易号,商户订单号,…        the head
 *   2026…  ,pay_…,交易,…             the trades; fields are filled up with tabs
 *   #-----业务明细列表结束-----
 *   #交易合计：2笔，…                what it should add up to
 *
 * A second table in the archive holds the sums by shop and is passed over.
 */
#include "provider/alipay.h"

#include "base/str.h"
#include "provider/bill.h"
#include "provider/gbk.h"
#include "provider/http.h"
#include "provider/unzip.h"
#include "provider/when.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

enum column {
    TRADE_NO,
    OUT_TRADE_NO,
    KIND,
    DONE_AT,
    AMOUNT,
    REQUEST_NO,
    N_COLUMNS
};

static const char *const heads[N_COLUMNS] = {
    [TRADE_NO] = "支付宝交易号", [OUT_TRADE_NO] = "商户订单号", [KIND] = "业务类型",
    [DONE_AT] = "完成时间",      [AMOUNT] = "订单金额（元）",   [REQUEST_NO] = "退款批次号/请求号",
};

struct table {
    struct bill_rows rows;
    int column[N_COLUMNS];
    bool begun, ended;
    long captures, refunds;           /* as counted */
    long said_captures, said_refunds; /* as the remarks say; -1: they do not */
};

static enum err remark(struct table *t, const char *text)
{
    if (t->begun && strstr(text, "列表结束"))
        t->ended = true;
    sscanf(text, "#交易合计：%9ld", &t->said_captures);
    sscanf(text, "#退款合计：%9ld", &t->said_refunds);
    return OK;
}

static enum err head(struct table *t, const char *const *fields, size_t n)
{
    t->begun = true;
    return bill_columns(fields, n, heads, N_COLUMNS, t->column);
}

static enum err trade(struct table *t, const char *const *fields, size_t n)
{
    const char *v[N_COLUMNS];
    TRY(bill_cells(fields, n, t->column, N_COLUMNS, v));
    bool back = strcmp(v[KIND], "退款") == 0;
    if (!back && strcmp(v[KIND], "交易") != 0)
        return OK; /* fees and the like */
    struct payment_bill_row row = {.out_trade_no = v[OUT_TRADE_NO],
                                   .transaction_id = v[TRADE_NO],
                                   .out_refund_no = back ? v[REQUEST_NO] : "",
                                   .success = true};
    const char *amount = v[AMOUNT] + (back && v[AMOUNT][0] == '-');
    if (!*row.out_trade_no || !*row.transaction_id || !yuan_read(amount, &row.amount_fen) ||
        !when_read_beijing(v[DONE_AT], &row.at_ms))
        return ERR_INVALID;
    bill_add(&t->rows, &row);
    (*(back ? &t->refunds : &t->captures))++;
    return OK;
}

static enum err line(void *arg, const char *const *fields, size_t n)
{
    struct table *t = arg;
    if (n == 0)
        return OK;
    if (fields[0][0] == '#')
        return remark(t, fields[0]);
    if (!t->begun && strcmp(fields[0], heads[TRADE_NO]) == 0)
        return head(t, fields, n);
    return t->begun && !t->ended ? trade(t, fields, n) : OK;
}

static bool adds_up(const struct table *t)
{
    return t->ended && (t->said_captures < 0 || t->said_captures == t->captures) &&
           (t->said_refunds < 0 || t->said_refunds == t->refunds);
}

static enum err read_table(struct table *t, const struct unzipped *file, struct arena *a, struct fault *f)
{
    size_t n = 0;
    const char *text = gbk_to_utf8(a, file->p, file->n, &n);
    if (!text)
        return fail(f, ERR_INVALID, "the bill is not GBK");
    TRY(bill_csv(text, n, line, t, f));
    return !t->begun || adds_up(t) ? OK : fail(f, ERR_INVALID, "the bill is not whole");
}

enum err alipay_read_bill(const void *p, size_t n, struct arena *a, struct payment_bill *out, struct fault *f)
{
    struct unzipped files[UNZIP_FILES_MAX];
    size_t n_files = 0;
    TRY(unzip(p, n, BILL_FILE_MAX, a, files, &n_files, f));
    struct table t = {.rows = {.arena = a}, .said_captures = -1, .said_refunds = -1};
    for (size_t i = 0; i < n_files && !t.begun; i++)
        TRY(read_table(&t, &files[i], a, f));
    if (!t.begun)
        return fail(f, ERR_INVALID, "there is no table of trades in the bill");
    out->rows = t.rows.rows;
    out->n = t.rows.n;
    sha256_hex(p, n, out->hash);
    return OK;
}

/* The address lives 30 s and carries its own permission. Alipay writes it with http; it answers on https. */
static const char *download_url(const json_t *j, struct arena *a)
{
    static const char plain[] = "http://";
    const char *url = js_str(j, "bill_download_url");
    if (url && strncmp(url, plain, strlen(plain)) == 0 && !provider_is_simulator(url))
        return arena_printf(a, "https://%s", url + strlen(plain));
    return url;
}

static enum err download(const struct alipay *p, const char *url, struct arena *a, struct payment_bill *out,
                         struct fault *f)
{
    struct http_request req = {.point = "payment",
                               .method = "GET",
                               .url = url,
                               .told_by = p->url,
                               .timeout_ms = 30000,
                               .max_answer = BILL_FILE_MAX};
    struct http_response resp;
    if (!url)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: a bill without its address");
    TRY(http_send(p->http, &req, a, &resp, f));
    out->trace.http_status = resp.status;
    if (resp.status != 200)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: the bill cannot be fetched, status %d", resp.status);
    if (alipay_read_bill(resp.body, resp.n_body, a, out, f) != OK)
        return fail(f, ERR_PROVIDER_UNKNOWN, "alipay: the bill is not understood");
    return OK;
}

enum err alipay_bill(void *self, const char *date, struct arena *a, struct payment_bill *out, struct fault *f)
{
    const struct alipay *p = self;
    int64_t from = 0;
    *out = (struct payment_bill){0};
    TRY(bill_day(date, &from, f));
    CLEANUP(js_free)
    json_t *r = NULL;
    const struct alipay_call call = {"alipay.data.dataservice.bill.downloadurl.query", NULL, false};
    json_t *content = json_pack("{s:s,s:s}", "bill_type", "trade", "bill_date", date);
    enum err e = alipay_send(p, &call, content, a, &r, &out->trace, f);
    if (e == ERR_NOT_FOUND && bill_is_ready(from, p->now_ms())) {
        fault_clear(f);
        return OK; /* a day without trades has no bill */
    }
    return e == OK ? download(p, download_url(r, a), a, out, f) : e;
}
