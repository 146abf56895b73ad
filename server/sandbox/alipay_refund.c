/* alipay_refund.c - money back (providers.md 2.3): at once, or POST /sim/config {"alipay_refund_ms"} later.
 */
#include "sandbox/alipay.h"

#include "base/clock.h"
#include "sandbox/state.h"

#include <string.h>

static const char *key_of(struct arena *a, const char *out_trade_no, const char *request_no)
{
    return arena_printf(a, "%s/%s", out_trade_no, request_no);
}

int64_t ali_refunded(struct sandbox *sb, const char *out_trade_no)
{
    int64_t sum = 0;
    const char *key;
    json_t *r;
    json_object_foreach(state_section(sb->state, "alipay_refunds"), key,
                        r) if (strcmp(member(r, "out_trade_no"), out_trade_no) == 0) sum +=
        member_int(r, "refund");
    return sum;
}

bool ali_refund_done(const json_t *refund)
{
    return clock_now_ms() >= member_int(refund, "done_ms");
}

void ali_give_back(struct sandbox *sb, json_t *trade, const char *request_no, int64_t fen, int64_t wait_ms)
{
    struct arena a;
    arena_init(&a, 0);
    const char *no = member(trade, "out_trade_no");
    int64_t now = clock_now_ms();
    json_t *r =
        json_pack("{s:s,s:s,s:I,s:I,s:I}", "out_trade_no", no, "out_request_no", request_no, "refund",
                  (json_int_t)fen, "created_ms", (json_int_t)now, "done_ms", (json_int_t)(now + wait_ms));
    state_put(sb->state, "alipay_refunds", key_of(&a, no, request_no), r);
    if (ali_refunded(sb, no) == member_int(trade, "total"))
        ali_move(sb, trade, "TRADE_CLOSED");
    ali_notify(sb, trade, r, wait_ms);
    arena_free(&a);
}

static void answer(struct ali_call *c, const json_t *trade, const json_t *refund, bool moved)
{
    struct arena *a = &c->r->a;
    const char *sum = ali_yuan(a, ali_refunded(c->sb, member(trade, "out_trade_no")));
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "trade_no", member(trade, "trade_no"), "out_trade_no",
                          member(trade, "out_trade_no"), "buyer_logon_id", "158****1562", "fund_change",
                          moved ? "Y" : "N", "refund_fee", sum, "buyer_user_id", member(trade, "buyer_id"));
    if (refund && ali_refund_done(refund))
        json_object_set_new(o, "gmt_refund_pay",
                            json_string(beijing_plain(a, member_int(refund, "done_ms"))));
    ali_ok(c, o);
}

static void refuse(struct ali_call *c, const char *sub_code, const char *text)
{
    ali_error(c, "40004", sub_code, text);
}

/* A number that was used is the same refund, or a mistake. */
static void again(struct ali_call *c, const json_t *trade, const json_t *known, int64_t fen)
{
    if (member_int(known, "refund") != fen)
        refuse(c, "ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致");
    else
        answer(c, trade, known, false);
}

static void first(struct ali_call *c, json_t *trade, const char *number, int64_t fen)
{
    const char *no = member(trade, "out_trade_no");
    if (!ali_is(trade, "TRADE_SUCCESS")) {
        refuse(c, "ACQ.TRADE_STATUS_ERROR", "交易状态不合法");
        return;
    }
    if (ali_refunded(c->sb, no) + fen > member_int(trade, "total")) {
        refuse(c, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限");
        return;
    }
    if (strcmp(c->plan->kind, "closed") == 0) {
        answer(c, trade, NULL, false);
        return;
    }
    int64_t wait_ms = json_integer_value(state_get(c->sb->state, "config", "alipay_refund_ms"));
    ali_give_back(c->sb, trade, number, fen, wait_ms);
    answer(c, trade, state_get(c->sb->state, "alipay_refunds", key_of(&c->r->a, no, number)), wait_ms == 0);
}

void ali_refund(struct ali_call *c)
{
    json_t *trade = ali_named(c);
    int64_t fen = ali_fen(member(c->in, "refund_amount"));
    const char *no = member(trade, "out_trade_no"), *number = member(c->in, "out_request_no");
    c->p->inputs = json_pack("{s:s,s:s,s:s}", "out_trade_no", member(c->in, "out_trade_no"), "out_request_no",
                             number, "refund_amount", member(c->in, "refund_amount"));
    if (fen < 1 || strlen(number) > 64) {
        refuse(c, "ACQ.INVALID_PARAMETER", "参数无效");
        return;
    }
    if (!trade) {
        refuse(c, "ACQ.TRADE_NOT_EXIST", "交易不存在");
        return;
    }
    if (!*number && fen != member_int(trade, "total")) {
        refuse(c, "ACQ.INVALID_PARAMETER", "部分退款必须传out_request_no");
        return;
    }
    number = *number ? number : no;
    const json_t *known = state_get(c->sb->state, "alipay_refunds", key_of(&c->r->a, no, number));
    if (known)
        again(c, trade, known, fen);
    else
        first(c, trade, number, fen);
}

static bool asked_for(const json_t *in, const char *option)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(in, "query_options"), i,
                       one) if (json_is_string(one) &&
                                strcmp(json_string_value(one), option) == 0) return true;
    return false;
}

/* Of a refund that it does not know it says nothing, successfully. */
void ali_refund_query(struct ali_call *c)
{
    struct arena *a = &c->r->a;
    const json_t *trade = ali_named(c);
    const char *number = member(c->in, "out_request_no");
    c->p->inputs =
        json_pack("{s:s,s:s}", "out_trade_no", member(c->in, "out_trade_no"), "out_request_no", number);
    if (!trade) {
        refuse(c, "ACQ.TRADE_NOT_EXIST", "交易不存在");
        return;
    }
    const json_t *r =
        *number ? state_get(c->sb->state, "alipay_refunds", key_of(a, member(trade, "out_trade_no"), number))
                : NULL;
    if (!r) {
        ali_ok(c, NULL);
        return;
    }
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "trade_no", member(trade, "trade_no"), "out_trade_no",
                          member(trade, "out_trade_no"), "out_request_no", number, "total_amount",
                          ali_yuan(a, member_int(trade, "total")), "refund_amount",
                          ali_yuan(a, member_int(r, "refund")));
    if (ali_refund_done(r)) {
        json_object_set_new(o, "refund_status", json_string("REFUND_SUCCESS"));
        if (asked_for(c->in, "gmt_refund_pay"))
            json_object_set_new(o, "gmt_refund_pay", json_string(beijing_plain(a, member_int(r, "done_ms"))));
    }
    ali_ok(c, o);
}
