/* alipay_trade.c - a trade from its code to its end (providers.md 2.3).
 *
 *          scans                  pays                     all given back
 *   CODE ────────► WAIT_BUYER_PAY ─────► TRADE_SUCCESS ──────────────────► TRADE_CLOSED
 *                        │                                                      ▲
 *                        └── close, cancel, time_expire ────────────────────────┘
 *
 * A code that nobody scans is never a trade: ACQ.TRADE_NOT_EXIST to everybody who asks, closes or cancels,
 * and it can be scanned all the same until its time.
 */
#include "sandbox/alipay.h"

#include "base/clock.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t minute_ms = 60 * 1000, hour_ms = 3600 * 1000;

bool ali_is(const json_t *trade, const char *state)
{
    return strcmp(member(trade, "state"), state) == 0;
}

void ali_move(struct sandbox *sb, json_t *trade, const char *state)
{
    json_object_set_new(trade, "state", json_string(state));
    state_touch(sb->state, "alipay_trades", member(trade, "out_trade_no"));
}

json_t *ali_trade(struct sandbox *sb, const char *out_trade_no)
{
    json_t *t = state_get(sb->state, "alipay_trades", out_trade_no);
    if (t && ali_is(t, "WAIT_BUYER_PAY") && clock_now_ms() >= member_int(t, "expire_ms"))
        ali_move(sb, t, "TRADE_CLOSED");
    return t;
}

json_t *ali_named(struct ali_call *c)
{
    const char *no = member(c->in, "out_trade_no"), *id = member(c->in, "trade_no"), *key;
    json_t *t, *found = *no ? ali_trade(c->sb, no) : NULL;
    if (*id) /* it wins */
        json_object_foreach(state_section(c->sb->state, "alipay_trades"), key,
                            t) if (strcmp(member(t, "trade_no"), id) == 0) found = ali_trade(c->sb, key);
    return found && !ali_is(found, "CODE") ? found : NULL;
}

static void no_trade(struct ali_call *c)
{
    ali_error(c, "40004", "ACQ.TRADE_NOT_EXIST", "交易不存在");
}

/* -- precreate ------------------------------------------------------------------------------------------- */

static bool number_ok(const char *no)
{
    size_t n = strlen(no);
    return n >= 1 && n <= 64 &&
           strspn(no, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == n;
}

static bool bad(struct ali_call *c, const char *text)
{
    ali_error(c, "40004", "ACQ.INVALID_PARAMETER", text);
    return false;
}

/* "90m", "2h", "1d": 1 minute to 15 days. -1 when it is none. */
static int64_t express_ms(const char *text)
{
    int n = 0, end = 0;
    char unit = 0;
    if (sscanf(text, "%5d%c%n", &n, &unit, &end) != 2 || text[end] || n < 1)
        return -1;
    int64_t ms = n * (unit == 'm' ? minute_ms : unit == 'h' ? hour_ms : unit == 'd' ? 24 * hour_ms : -1);
    return ms >= minute_ms && ms <= 15 * 24 * hour_ms ? ms : -1;
}

static bool expiry(struct ali_call *c, int64_t *expire_ms)
{
    const char *at = member(c->in, "time_expire"), *express = member(c->in, "timeout_express");
    int64_t now = clock_now_ms();
    *expire_ms = now + 3 * hour_ms;
    if (*at) {
        *expire_ms =
            strlen(at) == 19 ? rfc3339_ms(arena_printf(&c->r->a, "%.10sT%s+08:00", at, at + 11)) : -1;
        return *expire_ms > now || bad(c, "time_expire格式不正确或早于当前时间");
    }
    if (!*express)
        return true;
    int64_t ms = express_ms(express);
    *expire_ms = now + ms;
    return ms > 0 || bad(c, "timeout_express应为1m～15d");
}

static bool check_place(struct ali_call *c, int64_t *fen)
{
    const char *subject = member(c->in, "subject"), *seller = member(c->in, "seller_id");
    *fen = ali_fen(member(c->in, "total_amount"));
    if (!number_ok(member(c->in, "out_trade_no")))
        return bad(c, "out_trade_no应为1-64位字母、数字、下划线");
    if (*fen < 1 || *fen > 10000000000)
        return bad(c, "total_amount应为0.01～100000000，最多两位小数");
    if (!*subject || utf8_length(subject) > 256 || strpbrk(subject, "/=&"))
        return bad(c, "subject不能为空，不能含有/=&");
    if (*seller && strcmp(seller, c->sb->keys->alipay_seller_id) != 0)
        return bad(c, "seller_id与应用不匹配");
    return true;
}

/* What became of the number before: true when a code may be given out. */
static bool check_known(struct ali_call *c, const json_t *t, int64_t fen)
{
    if (!t || ali_is(t, "CODE"))
        return true; /* no trade: nothing is held against it */
    if (ali_is(t, "TRADE_CLOSED"))
        ali_error(c, "40004", "ACQ.TRADE_HAS_CLOSE", "交易已经关闭");
    else if (!ali_is(t, "WAIT_BUYER_PAY"))
        ali_error(c, "40004", "ACQ.TRADE_HAS_SUCCESS", "交易已被支付");
    else if (member_int(t, "total") != fen)
        ali_error(c, "40004", "ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改");
    else
        return true;
    return false;
}

static json_t *new_trade(struct ali_call *c, int64_t fen, int64_t expire_ms)
{
    int64_t now = clock_now_ms();
    return json_pack("{s:s,s:s,s:s,s:I,s:s,s:I,s:I}", "out_trade_no", member(c->in, "out_trade_no"),
                     "subject", member(c->in, "subject"), "notify_url", ali_param(c, "notify_url"), "total",
                     (json_int_t)fen, "state", "CODE", "created_ms", (json_int_t)now, "expire_ms",
                     (json_int_t)expire_ms);
}

void ali_precreate(struct ali_call *c)
{
    const char *no = member(c->in, "out_trade_no");
    int64_t fen = 0, expire_ms = 0;
    c->p->inputs = json_pack("{s:s,s:s}", "out_trade_no", number_ok(no) ? no : "", "total_amount",
                             member(c->in, "total_amount"));
    if (!check_place(c, &fen) || !expiry(c, &expire_ms))
        return;
    json_t *t = ali_trade(c->sb, no);
    if (!check_known(c, t, fen))
        return;
    t = t && !ali_is(t, "CODE") ? json_incref(t) : new_trade(c, fen, expire_ms);
    const char *code = arena_printf(&c->r->a, "https://qr.alipay.com/bax%s", draw_lower(c->sb, &c->r->a, 17));
    json_object_set_new(t, "qr_code", json_string(code));
    json_object_set_new(t, "code_expire_ms", json_integer(clock_now_ms() + 2 * hour_ms));
    state_put(c->sb->state, "alipay_trades", no, t);
    if (strcmp(c->plan->kind, "paid_first") == 0) {
        ali_pay(c->sb, no);
        c->p->delay_ms = c->plan->ms >= 0 ? c->plan->ms : 1000;
    }
    ali_ok(c, json_pack("{s:s,s:s}", "out_trade_no", no, "qr_code", code));
}

/* -- query, close, cancel -------------------------------------------------------------------------------- */

void ali_query(struct ali_call *c)
{
    struct arena *a = &c->r->a;
    const json_t *t = ali_named(c);
    c->p->inputs = json_pack("{s:s}", "out_trade_no", member(c->in, "out_trade_no"));
    if (!t) {
        no_trade(c);
        return;
    }
    const char *total = ali_yuan(a, member_int(t, "total")), *none = "0.00";
    int64_t paid_ms = member_int(t, "paid_ms");
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "trade_no", member(t, "trade_no"),
                  "out_trade_no", member(t, "out_trade_no"), "buyer_logon_id", "158****1562", "trade_status",
                  member(t, "state"), "total_amount", total, "receipt_amount", paid_ms ? total : none,
                  "buyer_pay_amount", paid_ms ? total : none, "point_amount", none, "invoice_amount",
                  paid_ms ? total : none, "buyer_user_id", member(t, "buyer_id"));
    if (paid_ms)
        json_object_set_new(o, "send_pay_date", json_string(beijing_plain(a, paid_ms)));
    c->p->outcome = arena_strdup(a, member(t, "state"));
    ali_ok(c, o);
}

static json_t *two_numbers(const json_t *t)
{
    return json_pack("{s:s,s:s}", "out_trade_no", member(t, "out_trade_no"), "trade_no",
                     member(t, "trade_no"));
}

void ali_close(struct ali_call *c)
{
    json_t *t = ali_named(c);
    c->p->inputs = json_pack("{s:s}", "out_trade_no", member(c->in, "out_trade_no"));
    if (!t) {
        no_trade(c);
    } else if (!ali_is(t, "WAIT_BUYER_PAY")) {
        ali_error(c, "40004", "ACQ.TRADE_STATUS_ERROR", "交易状态不合法");
    } else {
        ali_move(c->sb, t, "TRADE_CLOSED");
        ali_ok(c, two_numbers(t));
    }
}

/* Success in any case; `action` says whether there was a trade and what became of it. */
void ali_cancel(struct ali_call *c)
{
    json_t *t = ali_named(c);
    c->p->inputs = json_pack("{s:s}", "out_trade_no", member(c->in, "out_trade_no"));
    json_t *o = json_pack("{s:s,s:s}", "out_trade_no", member(c->in, "out_trade_no"), "retry_flag", "N");
    if (t)
        json_object_set_new(o, "trade_no", json_string(member(t, "trade_no")));
    if (t && ali_is(t, "WAIT_BUYER_PAY")) {
        ali_move(c->sb, t, "TRADE_CLOSED");
        json_object_set_new(o, "action", json_string("close"));
    } else if (t && ali_is(t, "TRADE_SUCCESS")) {
        int64_t rest = member_int(t, "total") - ali_refunded(c->sb, member(t, "out_trade_no"));
        ali_give_back(c->sb, t, arena_printf(&c->r->a, "cancel_%s", draw_digits(c->sb, &c->r->a, 16)), rest,
                      0);
        json_object_set_new(o, "action", json_string("refund"));
    }
    ali_ok(c, o);
}

/* -- the payer ------------------------------------------------------------------------------------------- */

const char *ali_scan(struct sandbox *sb, const char *out_trade_no)
{
    json_t *t = ali_trade(sb, out_trade_no);
    int64_t now = clock_now_ms();
    if (!t)
        return "没有这个二维码";
    if (!ali_is(t, "CODE") && !ali_is(t, "WAIT_BUYER_PAY"))
        return ali_is(t, "TRADE_CLOSED") ? "交易已关闭" : "交易已支付";
    if (now >= member_int(t, "code_expire_ms") || now >= member_int(t, "expire_ms"))
        return "二维码已过期";
    if (ali_is(t, "WAIT_BUYER_PAY"))
        return NULL;
    struct arena a;
    arena_init(&a, 0);
    json_object_set_new(t, "trade_no",
                        json_string(arena_printf(&a, "2026112822001%s", draw_digits(sb, &a, 15))));
    json_object_set_new(t, "buyer_id", json_string(arena_printf(&a, "2088%s", draw_digits(sb, &a, 12))));
    json_object_set_new(t, "scanned_ms", json_integer(now));
    ali_move(sb, t, "WAIT_BUYER_PAY");
    arena_free(&a);
    return NULL;
}

const char *ali_pay(struct sandbox *sb, const char *out_trade_no)
{
    const char *why = ali_scan(sb, out_trade_no);
    if (why)
        return why;
    json_t *t = ali_trade(sb, out_trade_no);
    json_object_set_new(t, "paid_ms", json_integer(clock_now_ms()));
    ali_move(sb, t, "TRADE_SUCCESS");
    ali_notify(sb, t, NULL, 0);
    return NULL;
}
