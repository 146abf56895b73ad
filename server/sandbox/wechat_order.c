/* wechat_order.c - an order from its code to its end.
 *
 *            pays                refund asked
 *   NOTPAY ────────► SUCCESS ────────────────► REFUND
 *      │
 *      └── close, time_expire, 7 days ──► CLOSED
 */
#include "sandbox/wechat.h"

#include "base/clock.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/state.h"

#include <stdlib.h>
#include <string.h>

static const int64_t code_life_ms = 2 * 3600 * 1000LL, order_life_ms = 7 * 24 * 3600 * 1000LL;

static bool is(const json_t *order, const char *state)
{
    return strcmp(member(order, "state"), state) == 0;
}

static void move(struct sandbox *sb, json_t *order, const char *state)
{
    json_object_set_new(order, "state", json_string(state));
    state_touch(sb->state, "wechat_orders", member(order, "out_trade_no"));
}

json_t *wx_order(struct sandbox *sb, const char *out_trade_no)
{
    json_t *o = state_get(sb->state, "wechat_orders", out_trade_no);
    if (o && is(o, "NOTPAY") && clock_now_ms() >= member_int(o, "expire_ms"))
        move(sb, o, "CLOSED");
    return o;
}

static bool number_ok(const char *no)
{
    size_t n = strlen(no);
    return n >= 6 && n <= 32 &&
           strspn(no, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-|*") == n;
}

/* Real merchants must give https; here a server on this machine without TLS is one too. Without a query. */
static bool notify_ok(const char *url)
{
    return (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) && !strpbrk(url, "?#");
}

static bool bad_param(struct wx_call *c, const char *field, const char *message)
{
    wx_error(c, 400, "PARAM_ERROR", field, message);
    return false;
}

static bool length_ok(const char *text, size_t from, size_t to)
{
    size_t n = utf8_length(text);
    return n >= from && n <= to;
}

/* *expire_ms: 7 days when it is not told. */
static bool check_place(struct wx_call *c, int64_t *expire_ms)
{
    const json_t *in = c->in, *amount = json_object_get(in, "amount");
    const char *time_expire = member(in, "time_expire"), *currency = member(amount, "currency");
    const struct keys *k = c->sb->keys;
    *expire_ms = clock_now_ms() + order_life_ms;
    if (!number_ok(member(in, "out_trade_no")))
        return bad_param(c, "out_trade_no", "商户订单号应为6-32位数字、字母及_-|*");
    if (!length_ok(member(in, "description"), 1, 127))
        return bad_param(c, "description", "商品描述应为1-127个字符");
    if (!notify_ok(member(in, "notify_url")))
        return bad_param(c, "notify_url", "通知地址不正确，不能携带参数");
    if (!json_is_integer(json_object_get(amount, "total")) || member_int(amount, "total") < 1)
        return bad_param(c, "amount/total", "总金额应为大于0的整数，单位为分");
    if (*currency && strcmp(currency, "CNY") != 0)
        return bad_param(c, "amount/currency", "境内商户号仅支持人民币");
    if (!length_ok(member(in, "attach"), 0, 128))
        return bad_param(c, "attach", "附加数据不能超过128个字符");
    if (*time_expire && (*expire_ms = rfc3339_ms(time_expire)) <= clock_now_ms())
        return bad_param(c, "time_expire", "交易结束时间格式不正确或早于当前时间");
    if (strcmp(member(in, "mchid"), k->mchid) != 0)
        return bad_param(c, "mchid", "商户号与签名的商户号不一致");
    if (strcmp(member(in, "appid"), k->appid) != 0) {
        wx_error(c, 400, "APPID_MCHID_NOT_MATCH", NULL, "appid和mch_id不匹配");
        return false;
    }
    return true;
}

static const char *digest(struct wx_call *c)
{
    char *text = json_dumps(c->in, JSON_COMPACT | JSON_SORT_KEYS);
    const char *hex = sha256_hex(&c->r->a, text, strlen(text));
    free(text);
    return hex;
}

static json_t *new_order(struct wx_call *c, int64_t expire_ms)
{
    const json_t *in = c->in, *amount = json_object_get(in, "amount");
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I}", "out_trade_no", member(in, "out_trade_no"),
                  "appid", member(in, "appid"), "mchid", member(in, "mchid"), "description",
                  member(in, "description"), "attach", member(in, "attach"), "notify_url",
                  member(in, "notify_url"), "total", (json_int_t)member_int(amount, "total"), "state",
                  "NOTPAY", "created_ms", (json_int_t)clock_now_ms(), "expire_ms", (json_int_t)expire_ms);
    json_object_set_new(o, "digest", json_string(digest(c)));
    return o;
}

/* A repeat with the same parameters is the same order; it gets a code that lives again. */
void wx_place(struct wx_call *c)
{
    const char *no = member(c->in, "out_trade_no");
    c->p->inputs = json_pack("{s:s,s:I}", "out_trade_no", number_ok(no) ? no : "", "total",
                             (json_int_t)member_int(json_object_get(c->in, "amount"), "total"));
    int64_t expire_ms = 0;
    json_t *o = number_ok(no) ? wx_order(c->sb, no) : NULL;
    /* a number that is known is held against its first use before anything else is looked at */
    if (o && strcmp(member(o, "digest"), digest(c)) != 0) {
        wx_error(c, 400, "INVALID_REQUEST", NULL, "请求重入时，参数与首次请求时不一致");
        return;
    }
    if (o && !is(o, "NOTPAY")) {
        bool closed = is(o, "CLOSED");
        wx_error(c, 400, closed ? "ORDER_CLOSED" : "ORDERPAID", NULL,
                 closed ? "该订单已关闭" : "该订单已支付");
        return;
    }
    if (!o && !check_place(c, &expire_ms))
        return;
    if (!o)
        o = new_order(c, expire_ms);
    else
        json_incref(o);
    const char *url =
        arena_printf(&c->r->a, "weixin://wxpay/bizpayurl?pr=%szz", draw_letters(c->sb, &c->r->a, 7));
    json_object_set_new(o, "code_url", json_string(url));
    json_object_set_new(o, "code_expire_ms", json_integer(clock_now_ms() + code_life_ms));
    state_put(c->sb->state, "wechat_orders", no, o);
    wx_ok(c, json_pack("{s:s}", "code_url", url));
}

static const char *state_desc(const json_t *o)
{
    return is(o, "SUCCESS")  ? "支付成功"
           : is(o, "REFUND") ? "订单发生过退款，退款详情请查询退款单"
           : is(o, "CLOSED") ? "订单已关闭"
                             : "订单未支付";
}

json_t *wx_transaction(const json_t *o)
{
    struct arena a;
    arena_init(&a, 0);
    json_int_t total = (json_int_t)member_int(o, "total");
    json_t *t = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:[],s:{s:I,s:s}}", "appid", member(o, "appid"), "mchid",
                          member(o, "mchid"), "out_trade_no", member(o, "out_trade_no"), "attach",
                          member(o, "attach"), "trade_state", member(o, "state"), "trade_state_desc",
                          state_desc(o), "promotion_detail", "amount", "total", total, "currency", "CNY");
    if (*member(o, "transaction_id")) {
        json_t *amount = json_object_get(t, "amount");
        json_object_set_new(amount, "payer_total", json_integer(total));
        json_object_set_new(amount, "payer_currency", json_string("CNY"));
        json_object_set(t, "transaction_id", json_object_get(o, "transaction_id"));
        json_object_set_new(t, "trade_type", json_string("NATIVE"));
        json_object_set_new(t, "bank_type", json_string("OTHERS"));
        json_object_set_new(t, "success_time", json_string(beijing_rfc3339(&a, member_int(o, "success_ms"))));
        json_object_set_new(t, "payer", json_pack("{s:s}", "openid", member(o, "openid")));
    }
    arena_free(&a);
    return t;
}

/* mchid is compulsory in the query string. */
static bool mchid_asked(struct wx_call *c)
{
    const char *mchid = request_query(c->r, "mchid");
    if (mchid && strcmp(mchid, c->sb->keys->mchid) == 0)
        return true;
    return bad_param(c, "mchid", "商户号与签名的商户号不一致");
}

static void show(struct wx_call *c, json_t *o)
{
    if (!o) {
        wx_error(c, 404, "ORDER_NOT_EXIST", NULL, "订单不存在");
        return;
    }
    c->p->outcome = arena_strdup(&c->r->a, member(o, "state"));
    wx_ok(c, wx_transaction(o));
}

void wx_query(struct wx_call *c)
{
    c->p->inputs = json_pack("{s:s}", "out_trade_no", c->argument);
    if (mchid_asked(c))
        show(c, wx_order(c->sb, c->argument));
}

void wx_query_id(struct wx_call *c)
{
    c->p->inputs = json_pack("{s:s}", "transaction_id", c->argument);
    if (!mchid_asked(c))
        return;
    const char *key;
    json_t *o, *found = NULL;
    json_object_foreach(state_section(c->sb->state, "wechat_orders"), key,
                        o) if (strcmp(member(o, "transaction_id"), c->argument) == 0) found = o;
    show(c, found);
}

void wx_close(struct wx_call *c)
{
    c->p->inputs = json_pack("{s:s}", "out_trade_no", c->argument);
    json_t *o = wx_order(c->sb, c->argument);
    if (strcmp(member(c->in, "mchid"), c->sb->keys->mchid) != 0) {
        bad_param(c, "mchid", "商户号与签名的商户号不一致");
    } else if (!o) {
        wx_error(c, 404, "ORDER_NOT_EXIST", NULL, "订单不存在");
    } else if (is(o, "CLOSED")) {
        wx_error(c, 400, "ORDER_CLOSED", NULL, "该订单已关闭");
    } else if (!is(o, "NOTPAY")) {
        wx_error(c, 400, "ORDERPAID", NULL, "该订单已支付");
    } else {
        move(c->sb, o, "CLOSED");
        wx_ok(c, NULL);
    }
}

const char *wx_pay(struct sandbox *sb, const char *out_trade_no)
{
    json_t *o = wx_order(sb, out_trade_no);
    if (!o)
        return "订单不存在";
    if (!is(o, "NOTPAY"))
        return is(o, "CLOSED") ? "订单已关闭" : "订单已支付";
    if (clock_now_ms() >= member_int(o, "code_expire_ms"))
        return "二维码已过期";
    struct arena a;
    arena_init(&a, 0);
    json_object_set_new(o, "transaction_id",
                        json_string(arena_printf(&a, "4200%s", draw_digits(sb, &a, 24))));
    json_object_set_new(o, "openid", json_string(arena_printf(&a, "o%s", draw_letters(sb, &a, 27))));
    json_object_set_new(o, "success_ms", json_integer(clock_now_ms()));
    move(sb, o, "SUCCESS");
    arena_free(&a);
    wx_notify(sb, "TRANSACTION.SUCCESS", "支付成功", "transaction", member(o, "notify_url"),
              wx_transaction(o), 0);
    return NULL;
}
