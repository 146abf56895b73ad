#include "payment/partial.h"

#include "convert/reason.h"
#include "core/audit.h"
#include "order/order_tell.h"
#include "payment/resolve.h"
#include "provider/yuan.h"

static void amount_fault(struct ctx *c, const char *en, const char *zh)
{
    fault_field(c->fault, "provider_fen", "VALUE", en, zh);
}

static enum err check(struct ctx *c, const struct returned *one, int64_t fen, bool recorded)
{
    struct arena *a = c->arena;
    const struct capture *cap = &one->capture;
    if (fen < 0)
        amount_fault(c, "an amount is not negative", "金额不能为负");
    else if (fen < one->returned_fen)
        amount_fault(
            c,
            arena_printf(a, "the provider's bills tell of %s yuan given back", yuan_of(a, one->returned_fen)),
            arena_printf(a, "支付机构账单显示已退%s元", yuan_of(a, one->returned_fen)));
    else if (fen >= cap->amount_fen)
        amount_fault(c, "this is all of it: give the order up instead", "已是全部款项，请改为取消订单");
    else if (fen == 0 && !recorded)
        amount_fault(c, "say how much the provider's own desk gave back", "请填写机构后台已退金额");
    return fault_fields(c->fault);
}

static enum err may_be_recorded(struct ctx *c, const struct returned *one)
{
    if (one->capture.state != CAPTURE_SETTLED)
        return refund_refused(c, "this money pays for no order: record its refund instead",
                              "该款项未用于支付订单，请改为登记人工退款");
    if (one->asked && one->refund.state == REFUND_IS_DONE)
        return refund_refused(c, "this money was given back", "该款项已退回");
    return OK;
}

/* Of a word that is recorded: p has it, was_fen is the one before. */
static enum partial_word word_of(const struct order *o, const struct partial *p, int64_t was_fen)
{
    if (o->state == ORDER_REFUNDING)
        return PARTIAL_OF_ENDED;
    return p->amount_fen == was_fen ? PARTIAL_SAME_SUM : PARTIAL_SUM;
}

static enum err tell(struct ctx *c, const char *order, const struct partial *p, int64_t was_fen)
{
    struct order o;
    TRY(order_load(c, order, &o));
    if (word_of(&o, p, was_fen) != PARTIAL_SUM)
        return OK;
    const char *sum = yuan_of(c->arena, p->amount_fen);
    return order_tell(
        c, &o, NEWS_PARTLY_REFUNDED, (const char *[]){o.id, sum}, &sum,
        arena_printf(c->arena, "partly_refunded:%s:%lld", p->capture, (long long)p->version + 1));
}

enum err partial_record(struct ctx *c, const char *capture_id, int64_t fen, const char *note,
                        struct returned *out)
{
    struct partial p;
    reason_check(c->fault, "reason", note);
    TRY(fault_fields(c->fault));
    TRY(capture_whole(c, capture_id, out));
    TRY(may_be_recorded(c, out));
    TRY(partial_read(c, out->capture.id, &p));
    TRY(check(c, out, fen, p.version > 0));
    int64_t was_fen = p.amount_fen;
    p.provider = out->capture.provider;
    p.amount_fen = out->partial_fen = fen;
    TRY(partial_put(c, &p, note));
    TRY(tell(c, out->capture.order_id, &p, was_fen));
    return audit_add(c, &(struct audit_entry){
                            .action = "capture.partly_refunded",
                            .object = out->capture.id,
                            .version = p.version + 1,
                            .detail = arena_printf(c->arena, "{\"provider_fen\":%lld}", (long long)fen)});
}
