/* wechat_bill.c - the day's bill for reconciliation, and the platform's certificate (providers.md 1.5).
 *
 * A bill is ready from 10:00 of the next day, Beijing time. Its amounts are yuan.
 */
#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/wechat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const int64_t day_ms = 24 * 3600 * 1000LL;

static const char head[] =
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n";
static const char foot[] = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,"
                           "申请退款总金额\r\n";

static const char *yuan(struct arena *a, int64_t fen)
{
    return arena_printf(a, "%" PRId64 ".%02d", fen / 100, (int)(fen % 100));
}

/* A field of the payer's or merchant's own words must not end the column. */
static const char *plain(struct arena *a, const char *text)
{
    char *out = arena_strdup(a, text);
    for (char *p = out; (p = strpbrk(p, ",\r\n`")); p++)
        *p = ' ';
    return out;
}

static void row(struct buf *b, struct arena *a, const json_t *o, const json_t *refund)
{
    const char *total = yuan(a, member_int(o, "total")), *zero = "0.00";
    const char *back = refund ? yuan(a, member_int(refund, "refund")) : zero;
    const char *at = beijing_plain(a, member_int(refund ? refund : o, refund ? "created_ms" : "success_ms"));
    const char *settled = refund ? zero : total;
    buf_printf(b, "`%s,`%s,`%s,`0,`,`%s,`%s,`%s,`NATIVE,`%s,`OTHERS,`CNY,`%s,`0.00,", at, member(o, "appid"),
               member(o, "mchid"), member(o, "transaction_id"), member(o, "out_trade_no"),
               member(o, "openid"), refund ? "REFUND" : "SUCCESS", settled);
    buf_printf(b, "`%s,`%s,`%s,`0.00,`%s,`%s,", refund ? member(refund, "refund_id") : "0",
               refund ? member(refund, "out_refund_no") : "0", back, refund ? "ORIGINAL" : "",
               refund ? wx_refund_status(refund) : "");
    buf_printf(b, "`%s,`%s,`0.00000,`0.60%%,`%s,`%s,`\r\n", plain(a, member(o, "description")),
               plain(a, member(o, "attach")), settled, back);
}

/* The bill of the day that begins at from_ms; NULL when nothing happened. */
static const char *bill(struct sandbox *sb, struct arena *a, int64_t from_ms)
{
    struct buf b = BUF(a);
    buf_str(&b, head);
    int64_t rows = 0, paid = 0, back = 0;
    const char *key;
    json_t *o;
    json_object_foreach(state_section(sb->state, "wechat_orders"), key, o)
    {
        int64_t at = member_int(o, "success_ms");
        if (at < from_ms || at >= from_ms + day_ms)
            continue;
        row(&b, a, o, NULL);
        rows++, paid += member_int(o, "total");
    }
    json_object_foreach(state_section(sb->state, "wechat_refunds"), key, o)
    {
        int64_t at = member_int(o, "created_ms");
        if (at < from_ms || at >= from_ms + day_ms)
            continue;
        row(&b, a, wx_order(sb, member(o, "out_trade_no")), o);
        rows++, back += member_int(o, "refund");
    }
    buf_str(&b, foot);
    buf_printf(&b, "`%" PRId64 ",`%s,`%s,`0.00,`0.00000,`%s,`%s\r\n", rows, yuan(a, paid), yuan(a, back),
               yuan(a, paid), yuan(a, back));
    return rows ? buf_text(&b) : NULL;
}

/* Midnight of a Beijing date, -1 when it is none. */
static int64_t day_of(struct arena *a, const char *date)
{
    if (!date || strlen(date) != 10)
        return -1;
    return rfc3339_ms(arena_printf(a, "%sT00:00:00+08:00", date));
}

void wx_bill(struct wx_call *c)
{
    struct arena *a = &c->r->a;
    const char *date = request_query(c->r, "bill_date"), *type = request_query(c->r, "bill_type");
    int64_t from = day_of(a, date);
    c->p->inputs = json_pack("{s:s}", "bill_date", from < 0 ? "" : date);
    if (from < 0 || (type && strcmp(type, "ALL") != 0)) {
        wx_error(c, 400, "PARAM_ERROR", "bill_date", "账单日期或账单类型不正确");
        return;
    }
    if (clock_now_ms() < from + day_ms + 10 * 3600 * 1000LL) {
        wx_error(c, 400, "STATEMENT_CREATING", NULL, "账单生成中");
        return;
    }
    const char *text = bill(c->sb, a, from);
    if (!text) {
        wx_error(c, 400, "NO_STATEMENT_EXIST", NULL, "账单文件不存在");
        return;
    }
    const char *token = draw_letters(c->sb, a, 32);
    state_put(c->sb->state, "wechat_bills", token, json_integer(from));
    const char *base = strstr(c->r->target, c->r->path); /* behind the prefix, if there was one */
    int prefix = base ? (int)(base - c->r->target) : 0;
    wx_ok(c, json_pack("{s:s,s:s,s:s}", "hash_type", "SHA1", "hash_value", sha1_hex(a, text, strlen(text)),
                       "download_url",
                       arena_printf(a, "http://%s%.*s/v3/billdownload/file?token=%s", c->r->host, prefix,
                                    c->r->target, token)));
}

void wx_bill_file(struct wx_call *c)
{
    const char *token = request_query(c->r, "token");
    const json_t *from = token ? state_get(c->sb->state, "wechat_bills", token) : NULL;
    const char *text = from ? bill(c->sb, &c->r->a, json_integer_value(from)) : NULL;
    if (text)
        reply_text(c->p, 200, "text/plain; charset=utf-8", text); /* not signed: its SHA-1 was */
    else
        wx_error(c, 400, "NO_STATEMENT_EXIST", NULL, "账单文件不存在");
}

void wx_certificates(struct wx_call *c)
{
    struct arena *a = &c->r->a;
    const struct keys *k = c->sb->keys;
    const char *nonce = draw_letters(c->sb, a, 12);
    int64_t now = clock_now_ms();
    json_t *sealed = json_pack("{s:s,s:s,s:s,s:s}", "algorithm", "AEAD_AES_256_GCM", "nonce", nonce,
                               "associated_data", "certificate", "ciphertext",
                               aead_seal(a, k->apiv3_key, nonce, "certificate", k->platform_certificate));
    wx_ok(c, json_pack("{s:[{s:s,s:s,s:s,s:o}]}", "data", "serial_no", k->platform_serial, "effective_time",
                       beijing_rfc3339(a, now - day_ms), "expire_time",
                       beijing_rfc3339(a, now + 1825 * day_ms), "encrypt_certificate", sealed));
}
