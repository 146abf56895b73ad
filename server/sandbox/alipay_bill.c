/* alipay_bill.c - the day's bill: two GBK tables in a ZIP archive, at an address that lives 30 s
 * (providers.md 2.3).
 *
 * Ready from 10:00 of the next day, Beijing time. Fields are filled up with a tab, so that spreadsheets leave
 * the numbers alone; refunds are negative.
 */
#include "sandbox/alipay.h"

#include "base/clock.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/zip.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const int64_t day_ms = 24 * 3600 * 1000LL, address_ms = 30 * 1000;

static const char columns[] =
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n";

struct day {
    struct sandbox *sb;
    struct arena *a;
    int64_t from_ms;
    long trades, refunds;
    int64_t paid, back;
};

/* As libcsv quotes it: somebody's words may hold commas. */
static const char *quoted(struct arena *a, const char *text)
{
    size_t n = strlen(text), size = 2 * n + 3;
    char *out = arena_alloc(a, size);
    csv_write(out, size, text, n);
    return out;
}

static bool within(const struct day *d, int64_t ms)
{
    return ms >= d->from_ms && ms < d->from_ms + day_ms;
}

static void row(struct buf *b, const struct day *d, const json_t *t, const json_t *refund)
{
    struct arena *a = d->a;
    const char *sign = refund ? "-" : "";
    const char *amount = ali_yuan(a, member_int(refund ? refund : t, refund ? "refund" : "total"));
    int64_t done_ms = refund ? member_int(refund, "done_ms") : member_int(t, "paid_ms");
    buf_printf(b, "%s\t,%s\t,%s\t,%s,%s\t,%s\t,\t,\t,\t,\t,158****1562\t,", member(t, "trade_no"),
               member(t, "out_trade_no"), refund ? "退款" : "交易", quoted(a, member(t, "subject")),
               beijing_plain(a, member_int(t, "created_ms")), beijing_plain(a, done_ms));
    buf_printf(b, "%s%s\t,%s%s\t,0.00\t,0.00\t,0.00\t,0.00\t,0.00\t,\t,0.00\t,0.00\t,%s\t,%s\t,0.00\t,\t\r\n",
               sign, amount, sign, amount, refund ? member(refund, "out_request_no") : "",
               refund ? "0.00" : "-0.01");
}

static const char *details(struct day *d)
{
    struct buf b = BUF(d->a);
    const char *key;
    json_t *o;
    buf_printf(&b, "#支付宝业务明细查询\r\n#账号：[%s0156]\r\n#起始日期：[%s]   终止日期：[%s]\r\n",
               d->sb->keys->alipay_seller_id, beijing_plain(d->a, d->from_ms),
               beijing_plain(d->a, d->from_ms + day_ms));
    buf_str(
        &b,
        "#-----------------------------------------业务明细列表----------------------------------------\r\n");
    buf_str(&b, columns);
    json_object_foreach(state_section(d->sb->state, "alipay_trades"), key, o)
    {
        if (!member_int(o, "paid_ms") || !within(d, member_int(o, "paid_ms")))
            continue;
        row(&b, d, o, NULL);
        d->trades++, d->paid += member_int(o, "total");
    }
    json_object_foreach(state_section(d->sb->state, "alipay_refunds"), key, o)
    {
        if (!within(d, member_int(o, "done_ms")))
            continue;
        row(&b, d, ali_trade(d->sb, member(o, "out_trade_no")), o);
        d->refunds++, d->back += member_int(o, "refund");
    }
    buf_str(
        &b,
        "#-----------------------------------------业务明细列表结束------------------------------------\r\n");
    buf_printf(&b, "#交易合计：%ld笔，商家实收共%s元，商家优惠共0.00元\r\n", d->trades,
               ali_yuan(d->a, d->paid));
    buf_printf(&b, "#退款合计：%ld笔，商家实收退款共-%s元，商家优惠退款共0.00元\r\n", d->refunds,
               ali_yuan(d->a, d->back));
    buf_printf(&b, "#导出时间：[%s]\r\n", beijing_plain(d->a, clock_now_ms()));
    return buf_text(&b);
}

static const char *summary(const struct day *d)
{
    return arena_printf(
        d->a,
        "#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,"
        "商家实收（元）\r\n合计\t,\t,%ld\t,%ld\t,%s\t,%s\t\r\n"
        "#----------------------------------------业务汇总列表结束----------------------------------\r\n",
        d->trades, d->refunds, ali_yuan(d->a, d->paid), ali_yuan(d->a, d->paid - d->back));
}

/* The archive; NULL when nothing happened on that day. */
static const char *archive(struct sandbox *sb, struct arena *a, int64_t from_ms, size_t *n)
{
    struct day d = {.sb = sb, .a = a, .from_ms = from_ms};
    const char *table = details(&d);
    const char *seller = sb->keys->alipay_seller_id, *day = beijing_plain(a, from_ms);
    const char *stem = arena_printf(a, "%s0156_%.4s%.2s%.2s_业务明细", seller, day, day + 5, day + 8);
    const struct zip_file files[] = {{arena_printf(a, "%s(汇总).csv", stem), summary(&d)},
                                     {arena_printf(a, "%s.csv", stem), table}};
    return d.trades + d.refunds ? zip_write(a, files, 2, n) : NULL;
}

void ali_bill(struct ali_call *c)
{
    struct arena *a = &c->r->a;
    const char *date = member(c->in, "bill_date"), *type = member(c->in, "bill_type");
    int64_t from = strlen(date) == 10 ? rfc3339_ms(arena_printf(a, "%sT00:00:00+08:00", date)) : -1;
    size_t n = 0;
    c->p->inputs = json_pack("{s:s}", "bill_date", from < 0 ? "" : date);
    if (from < 0 || strcmp(type, "trade") != 0) {
        ali_error(c, "40002", "isv.invalid-arguments", "账单日期或账单类型不正确");
        return;
    }
    if (clock_now_ms() < from + day_ms + 10 * 3600 * 1000LL || !archive(c->sb, a, from, &n)) {
        ali_error(c, "40004", "isp.bill_not_exist", "账单不存在");
        return;
    }
    const char *token = draw_letters(c->sb, a, 32);
    state_put(c->sb->state, "alipay_bills", token,
              json_pack("{s:I,s:I}", "from_ms", (json_int_t)from, "until_ms",
                        (json_int_t)(clock_now_ms() + address_ms)));
    const char *prefix = strncmp(c->r->target, "/alipay/", 8) == 0 ? "/alipay" : "";
    ali_ok(c, json_pack("{s:s}", "bill_download_url",
                        arena_printf(a, "http://%s%s/downloadBillFile.resource?bizType=trade&fileId=%s",
                                     c->r->host, prefix, token)));
}

void ali_bill_file(struct sandbox *sb, struct request *r, struct reply *p)
{
    const char *token = request_query(r, "fileId");
    const json_t *known = token ? state_get(sb->state, "alipay_bills", token) : NULL;
    size_t n = 0;
    bool lives = known && clock_now_ms() < member_int(known, "until_ms");
    const char *body = lives ? archive(sb, &r->a, member_int(known, "from_ms"), &n) : NULL;
    if (body) {
        reply_bytes(p, 200, "application/octet-stream", body, n);
        return;
    }
    p->outcome = "expired";
    reply_text(p, 403, "text/html", "expired\n");
}
