/* wechat_refund.c - money back: accepted at once, done later (providers.md 1.5).
 *
 *   PROCESSING ── POST /sim/config {"refund_ms"} later (2000) ──► SUCCESS | ABNORMAL | CLOSED
 *
 * Faults "abnormal" and "closed" of action "refund" choose the end. An ABNORMAL one is paid out at the
 * merchant's desk of the platform: POST /sim/wechat/payout {"out_refund_no"}.
 */
#include "base/clock.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"
#include "sandbox/wechat.h"

#include <string.h>

static bool bad(struct wx_call *c, const char *field, const char *message)
{
    wx_error(c, 400, "PARAM_ERROR", field, message);
    return false;
}

static int64_t refunded(struct sandbox *sb, const char *out_trade_no)
{
    int64_t sum = 0;
    const char *key;
    json_t *r;
    json_object_foreach(state_section(sb->state, "wechat_refunds"), key,
                        r) if (strcmp(member(r, "out_trade_no"), out_trade_no) == 0 &&
                               strcmp(member(r, "end"), "CLOSED") != 0) sum += member_int(r, "refund");
    return sum;
}

/* By our own number or by the platform's. */
static json_t *find_order(struct wx_call *c)
{
    const char *no = member(c->in, "out_trade_no"), *id = member(c->in, "transaction_id"), *key;
    if (*no)
        return wx_order(c->sb, no);
    json_t *o;
    json_object_foreach(state_section(c->sb->state, "wechat_orders"), key,
                        o) if (*id && strcmp(member(o, "transaction_id"), id) == 0) return o;
    return NULL;
}

static bool check(struct wx_call *c, const json_t *order)
{
    const json_t *amount = json_object_get(c->in, "amount");
    int64_t refund = member_int(amount, "refund"), total = member_int(amount, "total");
    const char *no = member(c->in, "out_refund_no");
    static const char set[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-|*@";
    if (!*no || strlen(no) > 64 || strspn(no, set) != strlen(no))
        return bad(c, "out_refund_no", "商户退款单号应为1-64位数字、字母及_-|*@");
    if (strcmp(member(amount, "currency"), "CNY") != 0)
        return bad(c, "amount/currency", "退款币种应为CNY");
    if (refund < 1)
        return bad(c, "amount/refund", "退款金额应为大于0的整数");
    if (!order) {
        wx_error(c, 404, "RESOURCE_NOT_EXISTS", NULL, "订单不存在");
        return false;
    }
    if (!*member(order, "transaction_id")) {
        wx_error(c, 400, "INVALID_REQUEST", NULL, "订单未支付，不能退款");
        return false;
    }
    if (total != member_int(order, "total"))
        return bad(c, "amount/total", "订单金额与原订单不一致");
    if (refunded(c->sb, member(order, "out_trade_no")) + refund > total) {
        wx_error(c, 400, "INVALID_REQUEST", NULL, "累计退款金额超过订单金额"); /* NOT_ENOUGH is our balance */
        return false;
    }
    return true;
}

const char *wx_refund_status(const json_t *r)
{
    return clock_now_ms() < member_int(r, "done_ms") ? "PROCESSING" : member(r, "end");
}

static json_t *amounts(const json_t *r)
{
    json_int_t total = (json_int_t)member_int(r, "total"), refund = (json_int_t)member_int(r, "refund");
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:s}", "total", total, "refund", refund, "payer_total",
                     total, "payer_refund", refund, "settlement_refund", refund, "settlement_total", total,
                     "discount_refund", 0, "currency", "CNY");
}

static json_t *shown(struct arena *a, const json_t *r)
{
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "refund_id", member(r, "refund_id"),
                  "out_refund_no", member(r, "out_refund_no"), "transaction_id", member(r, "transaction_id"),
                  "out_trade_no", member(r, "out_trade_no"), "channel", "ORIGINAL", "user_received_account",
                  "支付用户零钱", "create_time", beijing_rfc3339(a, member_int(r, "created_ms")), "status",
                  wx_refund_status(r), "funds_account", "AVAILABLE", "amount", amounts(r));
    if (strcmp(wx_refund_status(r), "SUCCESS") == 0)
        json_object_set_new(o, "success_time", json_string(beijing_rfc3339(a, member_int(r, "done_ms"))));
    return o;
}

static void tell(struct sandbox *sb, struct arena *a, const json_t *r, int64_t delay_ms)
{
    const char *end = member(r, "end");
    json_int_t total = (json_int_t)member_int(r, "total"), refund = (json_int_t)member_int(r, "refund");
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:I,s:I,s:I,s:I}}", "mchid", sb->keys->mchid,
                  "transaction_id", member(r, "transaction_id"), "out_trade_no", member(r, "out_trade_no"),
                  "refund_id", member(r, "refund_id"), "out_refund_no", member(r, "out_refund_no"),
                  "refund_status", end, "user_received_account", "支付用户零钱", "amount", "total", total,
                  "refund", refund, "payer_total", total, "payer_refund", refund);
    if (strcmp(end, "SUCCESS") == 0)
        json_object_set_new(o, "success_time", json_string(beijing_rfc3339(a, member_int(r, "done_ms"))));
    wx_notify(sb, arena_printf(a, "REFUND.%s", end), strcmp(end, "SUCCESS") == 0 ? "退款成功" : "退款未成功",
              "refund", member(r, "notify_url"), o, delay_ms);
}

static json_t *new_refund(struct wx_call *c, const json_t *order, int64_t wait_ms)
{
    const json_t *in = c->in, *amount = json_object_get(in, "amount");
    const char *kind = c->plan->kind;
    const char *end = strcmp(kind, "abnormal") == 0 ? "ABNORMAL"
                      : strcmp(kind, "closed") == 0 ? "CLOSED"
                                                    : "SUCCESS";
    int64_t now = clock_now_ms();
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:I,s:I}", "out_refund_no",
                     member(in, "out_refund_no"), "out_trade_no", member(order, "out_trade_no"),
                     "transaction_id", member(order, "transaction_id"), "refund_id",
                     arena_printf(&c->r->a, "5030%s", draw_digits(c->sb, &c->r->a, 25)), "reason",
                     member(in, "reason"), "total", (json_int_t)member_int(order, "total"), "refund",
                     (json_int_t)member_int(amount, "refund"), "end", end, "created_ms", (json_int_t)now,
                     "done_ms", (json_int_t)(now + wait_ms));
}

void wx_refund(struct wx_call *c)
{
    const char *no = member(c->in, "out_refund_no");
    const json_t *amount = json_object_get(c->in, "amount"), *known;
    json_t *order = find_order(c);
    c->p->inputs =
        json_pack("{s:s,s:s,s:I}", "out_refund_no", no, "out_trade_no", member(order, "out_trade_no"),
                  "refund", (json_int_t)member_int(amount, "refund"));
    known = *no ? state_get(c->sb->state, "wechat_refunds", no) : NULL;
    if (known) { /* the same number is the same refund, or a mistake */
        if (member_int(known, "refund") != member_int(amount, "refund") ||
            strcmp(member(known, "out_trade_no"), member(order, "out_trade_no")) != 0)
            wx_error(c, 400, "INVALID_REQUEST", NULL, "请求参数与原退款单不一致");
        else
            wx_ok(c, shown(&c->r->a, known));
        return;
    }
    if (!check(c, order))
        return;
    const json_t *wait = state_get(c->sb->state, "config", "refund_ms");
    int64_t wait_ms = wait ? json_integer_value(wait) : 2000;
    json_t *r = new_refund(c, order, wait_ms);
    state_put(c->sb->state, "wechat_refunds", no, r);
    json_object_set_new(order, "state", json_string("REFUND"));
    state_touch(c->sb->state, "wechat_orders", member(order, "out_trade_no"));
    json_object_set_new(r, "notify_url", json_string(member(c->in, "notify_url")));
    tell(c->sb, &c->r->a, r, wait_ms);
    wx_ok(c, shown(&c->r->a, r));
}

const char *wx_payout(struct sandbox *sb, const char *out_refund_no)
{
    json_t *r = state_get(sb->state, "wechat_refunds", out_refund_no);
    if (!r || strcmp(wx_refund_status(r), "ABNORMAL") != 0)
        return "没有异常的退款单";
    struct arena a;
    arena_init(&a, 0);
    json_object_set_new(r, "end", json_string("SUCCESS"));
    json_object_set_new(r, "done_ms", json_integer(clock_now_ms()));
    state_touch(sb->state, "wechat_refunds", out_refund_no);
    tell(sb, &a, r, 0);
    arena_free(&a);
    return NULL;
}

void wx_refund_query(struct wx_call *c)
{
    c->p->inputs = json_pack("{s:s}", "out_refund_no", c->argument);
    const json_t *r = state_get(c->sb->state, "wechat_refunds", c->argument);
    if (r)
        wx_ok(c, shown(&c->r->a, r));
    else
        wx_error(c, 404, "RESOURCE_NOT_EXISTS", NULL, "退款单不存在");
}
