/* refund_hand.c - a refund that a person ended (S15): it is not sent any more, or the payer has the money, by
 * whatever way.
 *
 * A refund stays whole: what the desk paid by another way and what the provider's own desk gave back are the
 * capture's amount, or the person is told what is missing. The bills say later whether the provider's part is
 * true (reconcile.c).
 */
#include "base/log.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "identity/fields.h"
#include "payment/partial.h"
#include "payment/reconcile_store.h"
#include "payment/refund.h"
#include "payment/refund_store.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

enum {
    REFERENCE_MAX = 100 /* characters */
};

static void both(struct ctx *c, const char *field, const char *en, const char *zh)
{
    fault_field(c->fault, field, "VALUE", en, zh);
}

static enum err check(struct ctx *c, const struct by_hand *h)
{
    enum problem p = *h->reference ? text_problem(h->reference, 1, REFERENCE_MAX) : PROBLEM_MISSING;
    reason_check(c->fault, "reason", h->why);
    field_problem(c->fault, "", "reference", "reference", "付款凭证", p);
    if (h->hand_fen < 0)
        both(c, "amount_fen", "an amount is not negative", "金额不能为负");
    if (h->provider_fen < 0)
        both(c, "provider_fen", "an amount is not negative", "金额不能为负");
    return fault_fields(c->fault);
}

/* A refund to end: the one that stuck, or one made for held money that was never asked back. */
static enum err to_end(struct ctx *c, const struct capture *cap, const char *why, struct refund *r)
{
    enum err e = refund_of_capture(c, cap->id, r);
    if (e == OK && r->state == REFUND_IS_DONE)
        return refund_refused(c, "this money was given back", "该款项已退回");
    if (e == OK && r->state == REFUND_IS_REQUESTED)
        return refund_refused(c,
                              "this refund is still asked for: stop it first, so that the provider cannot "
                              "make it as well",
                              "该退款仍在向支付机构发起，请先停止发起，以免重复退款");
    if (e == OK && r->state == REFUND_IS_STOPPING)
        return refund_refused(c,
                              "the provider is being asked whether it has this refund: wait for the answer",
                              "正在向支付机构核实是否已受理该退款，请等待答复");
    if (e == OK && r->state != REFUND_IS_ABNORMAL && r->state != REFUND_IS_CLOSED)
        return refund_refused(c,
                              "this refund is under way; only one that ended without the payer having the "
                              "money is recorded by hand",
                              "该退款正在办理中；仅异常或已关闭的退款可以登记为人工退款");
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    if (cap->state == CAPTURE_SETTLED)
        return refund_refused(c, "this money pays for its order; give the order up first",
                              "该款项已用于支付订单，请先取消订单");
    if (cap->amount_fen <= 0)
        return refund_refused(c, "nothing was taken", "该款项金额为零");
    *r = refund_new(c, cap, cap->reason, why, 0);
    r->state = REFUND_IS_CLOSED; /* nobody asked the provider, and nobody will */
    e = refund_insert(c, r);
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

/* The two parts are the whole, and no bill says otherwise. said: of the provider's part, before this. */
static enum err adds_up(struct ctx *c, const struct by_hand *h, const struct refund *r, int64_t billed,
                        int64_t said)
{
    int64_t known = billed > said ? billed : said, provider = h->provider_fen ? h->provider_fen : known;
    int64_t owed = r->amount_fen - provider;
    struct arena *a = c->arena;
    if (h->provider_fen && h->provider_fen < billed)
        both(c, "provider_fen",
             arena_printf(a, "the provider's bills tell of %s yuan given back", yuan_of(a, billed)),
             arena_printf(a, "支付机构账单显示已退%s元", yuan_of(a, billed)));
    else if (owed < 0)
        both(c, "provider_fen",
             arena_printf(a, "more than the %s yuan that were taken", yuan_of(a, r->amount_fen)),
             arena_printf(a, "超过该款项的金额%s元", yuan_of(a, r->amount_fen)));
    else if (h->hand_fen != owed)
        both(c, "amount_fen", /* short: a line under a field */
             arena_printf(a, "%s owed: %s - %s by the provider", yuan_of(a, owed), yuan_of(a, r->amount_fen),
                          yuan_of(a, provider)),
             arena_printf(a, "应退%s元（款项%s元，机构已退%s元）", yuan_of(a, owed),
                          yuan_of(a, r->amount_fen), yuan_of(a, provider)));
    return fault_fields(c->fault);
}

enum err refund_record(struct ctx *c, const struct by_hand *h, struct capture *cap, struct refund *out)
{
    int64_t billed;
    struct partial before;
    TRY(check(c, h));
    TRY(capture_read(c, h->capture, cap));
    TRY(to_end(c, cap, h->why, out));
    TRY(returned_by_bills(c, cap->provider, cap->txn_no, &billed));
    TRY(partial_read(c, cap->id, &before));
    TRY(adds_up(c, h, out, billed, before.amount_fen));
    const struct refund_change ch = {
        .error = "",
        .note = h->why,
        .asked_by = c->caller.id,
        .reference = h->reference,
        .hand_fen = h->hand_fen,
        .detail = arena_printf(c->arena, "{\"capture\":\"%s\",\"hand_fen\":%lld,\"provider_fen\":%lld}",
                               cap->id, (long long)h->hand_fen, (long long)(out->amount_fen - h->hand_fen))};
    TRY(refund_move(c, out, REFUND_EV_RECORDED, &ch));
    TRY(refund_look_back(c, out));
    return refund_is_over(c, out, cap);
}

enum err refund_stop(struct ctx *c, const char *capture_id, const char *why, struct capture *cap,
                     struct refund *out)
{
    reason_check(c->fault, "reason", why);
    TRY(fault_fields(c->fault));
    TRY(capture_read(c, capture_id, cap));
    enum err e = refund_of_capture(c, cap->id, out);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return refund_refused(c, "nobody asked this money back", "该款项未发起退款");
    }
    TRY(e);
    if (out->state == REFUND_IS_STOPPING)
        return OK;
    if (out->state == REFUND_IS_PROCESSING && !*out->error) /* else the last look found that it is not so */
        return refund_refused(c, "the provider is paying it out: wait for that", "支付机构正在退款，请等待");
    TRY(refund_move(c, out, REFUND_EV_STOPPED,
                    &(struct refund_change){.note = why, .asked_by = c->caller.id}));
    return refund_look_later(c, out, 0);
}

enum err refund_paid_twice(struct ctx *c, const struct refund *r, int64_t fen)
{
    bool first;
    int64_t said = r->amount_fen - r->hand_fen;
    TRY(refund_mark_twice(c, r, &first));
    if (!first)
        return OK;
    LOG(ERROR, "refund.paid_twice", KV_S("refund", r->id), KV_I("recorded_fen", said),
        KV_I("given_fen", fen));
    return audit_add(c, &(struct audit_entry){
                            .action = "refund.paid_twice",
                            .object = r->id,
                            .version = r->version,
                            .detail = arena_printf(c->arena, "{\"recorded_fen\":%lld,\"given_fen\":%lld}",
                                                   (long long)said, (long long)fen)});
}
