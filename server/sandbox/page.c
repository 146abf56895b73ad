/* page.c - the phone, the mailbox, the wallet and the parcels of everybody, on one page for people. */
#include "sandbox/control.h"

#include "base/clock.h"
#include "sandbox/alipay.h"
#include "sandbox/face.h"
#include "sandbox/html.h"
#include "sandbox/kuaidi100.h"
#include "sandbox/state.h"
#include "sandbox/wechat.h"

#include <inttypes.h>
#include <qrencode.h>
#include <string.h>

static void cell(struct buf *b, const char *text)
{
    buf_str(b, "<td>");
    html_text(b, text);
    buf_str(b, "</td>");
}

/* An SVG of one path: a square for each dark module, with the four light modules around that readers need. */
static void qr(struct buf *b, const char *text)
{
    QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!q)
        return;
    buf_printf(
        b,
        "<svg class=qr viewBox=\"0 0 %d %d\" shape-rendering=crispEdges><rect width=100%% height=100%% "
        "fill=white /><path d=\"",
        q->width + 8, q->width + 8);
    for (int y = 0; y < q->width; y++)
        for (int x = 0; x < q->width; x++)
            if (q->data[y * q->width + x] & 1)
                buf_printf(b, "M%d %dh1v1h-1z", x + 4, y + 4);
    buf_str(b, "\"/></svg>");
    QRcode_free(q);
}

static void section(struct buf *b, const char *title, const char *const *columns, size_t n, size_t rows)
{
    buf_printf(b, "<h2>%s <small>%zu</small></h2><table><tr>", title, rows);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "<th>%s</th>", columns[i]);
    buf_str(b, "</tr>");
}

#define SECTION(b, title, rows, ...)                                                                         \
    section((b), (title), (const char *const[]){__VA_ARGS__},                                                \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (rows))

enum {
    ROWS_MAX = 50
};

/* The newest rows of a section first. */
static void newest(struct buf *b, json_t *o, void (*one)(struct buf *b, const char *key, const json_t *row))
{
    json_t *keys = json_array(), *row;
    const char *key;
    json_object_foreach(o, key, row) json_array_append_new(keys, json_string(key));
    size_t n = json_array_size(keys), least = n > ROWS_MAX ? n - ROWS_MAX : 0;
    for (size_t i = n; i > least; i--) {
        key = json_string_value(json_array_get(keys, i - 1));
        buf_str(b, "<tr>");
        one(b, key, json_object_get(o, key));
        buf_str(b, "</tr>");
    }
    json_decref(keys);
    buf_str(b, "</table>");
}

static void sms_row(struct buf *b, const char *key, const json_t *o)
{
    (void)key;
    cell(b, member(o, "time"));
    cell(b, member(o, "phone"));
    cell(b, member(o, "text"));
}

static void mail_row(struct buf *b, const char *key, const json_t *o)
{
    (void)key;
    cell(b, member(o, "time"));
    cell(b, member(o, "address"));
    cell(b, member(o, "subject"));
    buf_str(b, "<td><pre>");
    html_text(b, member(o, "text"));
    buf_str(b, "</pre></td>");
}

static void button(struct buf *b, const char *path, const char *field, const char *value, const char *extra,
                   const char *label)
{
    buf_printf(b, "<form method=post action=\"%s\"><input type=hidden name=%s value=\"", path, field);
    html_text(b, value);
    buf_printf(b, "\">%s<button>%s</button></form>", extra, label);
}

static void order_row(struct buf *b, const char *key, const json_t *o)
{
    bool open = strcmp(member(o, "state"), "NOTPAY") == 0;
    cell(b, key);
    cell(b, member(o, "description"));
    buf_printf(b, "<td>%" PRId64 ".%02d</td>", member_int(o, "total") / 100,
               (int)(member_int(o, "total") % 100));
    cell(b, open                                        ? "待支付"
            : strcmp(member(o, "state"), "CLOSED") == 0 ? "已关闭"
            : strcmp(member(o, "state"), "REFUND") == 0 ? "转入退款"
                                                        : "已支付");
    buf_str(b, "<td>");
    if (open) {
        qr(b, member(o, "code_url"));
        button(b, "/sim/wechat/pay", "out_trade_no", key, "", "支付");
    }
    buf_str(b, "</td>");
}

static void alipay_row(struct buf *b, const char *key, const json_t *o)
{
    bool scanned = ali_is(o, "WAIT_BUYER_PAY"), open = scanned || ali_is(o, "CODE");
    cell(b, key);
    cell(b, member(o, "subject"));
    buf_printf(b, "<td>%" PRId64 ".%02d</td>", member_int(o, "total") / 100,
               (int)(member_int(o, "total") % 100));
    cell(b, scanned ? "已扫码，待支付" : open ? "待扫码" : ali_is(o, "TRADE_CLOSED") ? "已关闭" : "已支付");
    buf_str(b, "<td>");
    if (open) {
        qr(b, member(o, "qr_code"));
        if (!scanned)
            button(b, "/sim/alipay/scan", "out_trade_no", key, "", "扫码");
        button(b, "/sim/alipay/pay", "out_trade_no", key, "", "支付");
    }
    buf_str(b, "</td>");
}

static void parcel_row(struct buf *b, const char *key, const json_t *o)
{
    const json_t *last = json_array_get(json_object_get(o, "events"), 0);
    cell(b, key);
    cell(b, member(o, "company"));
    cell(b, *member(o, "state") ? kuaidi100_state_text(member(o, "state")) : "暂无轨迹");
    buf_str(b, "<td>");
    html_text(b, member(last, "time"));
    buf_str(b, " ");
    html_text(b, member(last, "context"));
    buf_str(b, "</td><td>");
    static const char *const next[][2] = {
        {"1", "揽收"}, {"0", "在途"}, {"5", "派件"}, {"3", "签收"}, {"6", "退回"}};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        struct arena a;
        arena_init(&a, 0);
        button(b, "/sim/kuaidi100/advance", "number", key,
               arena_printf(&a, "<input type=hidden name=state value=%s>", next[i][0]), next[i][1]);
        arena_free(&a);
    }
    buf_str(b, "</td>");
}

/* Parcels that were scanned and those that are only subscribed yet. */
static json_t *all_parcels(struct sandbox *sb)
{
    json_t *all = json_copy(state_section(sb->state, "subscriptions")), *o;
    const char *key;
    json_object_foreach(state_section(sb->state, "parcels"), key, o) json_object_set(all, key, o);
    return all;
}

static void face_row(struct buf *b, const char *key, const json_t *o)
{
    const char *outcome = face_outcome(o);
    cell(b, member(o, "supplier"));
    cell(b, member(o, "name"));
    cell(b, strcmp(outcome, "pass") == 0           ? "通过"
            : strcmp(outcome, "other_person") == 0 ? "不是本人"
            : strcmp(outcome, "not_live") == 0     ? "非活体"
            : *outcome                             ? "放弃"
            : face_expired(o)                      ? "已过期"
                                                   : "等待");
    buf_str(b, "<td><a href=\"/face/");
    html_text(b, key);
    buf_str(b, "\">打开</a></td>");
}

static void transfer_row(struct buf *b, const char *key, const json_t *o)
{
    const json_t *t = json_object_get(o, "transfer");
    cell(b, key);
    cell(b, member(o, "name"));
    cell(b, member(t, "account"));
    buf_printf(b, "<td>%" PRId64 ".%02d</td>", member_int(t, "amount_fen") / 100,
               (int)(member_int(t, "amount_fen") % 100));
    cell(b, strcmp(member(o, "status"), "SUCCESS") == 0 ? "ORGANFINISHED" : member(t, "process"));
}

static void log_row(struct buf *b, const char *key, const json_t *o)
{
    (void)key;
    cell(b, member(o, "time"));
    cell(b, member(o, "provider"));
    cell(b, member(o, "action"));
    cell(b, member(o, "outcome"));
    cell(b, member(o, "fault"));
}

static const char head[] =
    "<!doctype html><html lang=zh-CN><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
    "<meta http-equiv=refresh content=5><title>certdesk 模拟环境</title><style>"
    "body{font:15px/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:70em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.3em .5em;text-align:left;"
    "vertical-align:top}th{background:#f4f4f4}pre{margin:0;white-space:pre-wrap}form{display:inline}"
    ".qr{width:11em;display:block}small{color:#888}.note{background:#fff3cd;padding:.5em 1em}</style>"
    "<h1>certdesk 模拟环境</h1><p "
    "class=note>这里是模拟的外部世界：短信、邮件、支付、快递和身份核验都不是真的。</p>";

void page_serve(struct sandbox *sb, struct request *r, struct reply *p)
{
    struct buf b = BUF(&r->a);
    const char *key;
    json_t *o, *orders = state_section(sb->state, "wechat_orders"), *parcels = all_parcels(sb);
    json_t *trades = state_section(sb->state, "alipay_trades");
    json_t *sms = state_section(sb->state, "sms"), *mails = state_section(sb->state, "mails");
    json_t *flows = state_section(sb->state, "esign_flows");
    json_t *faces = state_section(sb->state, "faces");
    json_object_foreach(orders, key, o) wx_order(sb, key); /* their clocks */
    json_object_foreach(trades, key, o) ali_trade(sb, key);
    buf_str(&b, head);
    SECTION(&b, "短信", json_object_size(sms), "时间", "手机", "内容");
    newest(&b, sms, sms_row);
    SECTION(&b, "微信支付", json_object_size(orders), "订单号", "商品", "金额（元）", "状态", "二维码");
    newest(&b, orders, order_row);
    SECTION(&b, "支付宝", json_object_size(trades), "订单号", "商品", "金额（元）", "状态", "二维码");
    newest(&b, trades, alipay_row);
    SECTION(&b, "邮件", json_object_size(mails), "时间", "收件人", "主题", "内容");
    newest(&b, mails, mail_row);
    SECTION(&b, "快递", json_object_size(parcels), "单号", "公司", "状态", "最新", "推进");
    newest(&b, parcels, parcel_row);
    SECTION(&b, "人脸核验", json_object_size(faces), "服务", "姓名", "结果", "页面");
    newest(&b, faces, face_row);
    SECTION(&b, "对公打款", json_object_size(flows), "流程", "户名", "账号", "金额（元）", "状态");
    newest(&b, flows, transfer_row);
    SECTION(&b, "调用记录", json_object_size(state_section(sb->state, "log")), "时间", "服务", "接口", "结果",
            "故障");
    newest(&b, state_section(sb->state, "log"), log_row);
    json_decref(parcels);
    reply_text(p, 200, "text/html; charset=utf-8", buf_text(&b));
    reply_header(p, "Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'");
}
