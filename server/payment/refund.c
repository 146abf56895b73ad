#include "payment/refund.h"

#include "base/fi.h"
#include "base/log.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "order/order_tell.h"
#include "payment/payment_steps.h"
#include "payment/refund_store.h"
#include "payment/resolve.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

static const int64_t SECOND_MS = 1000, GRACE_MS = 60000, QUIET_MS = 120000,
                     WEEK_MS = INT64_C(7) * 24 * 3600000;

const char *refund_number(struct ctx *c, const struct refund *r)
{
    return r->number <= 1 ? r->id : arena_printf(c->arena, "%s_%d", r->id, r->number);
}

const char *refund_id(struct ctx *c, const char *out_refund_no)
{
    return arena_printf(c->arena, "%.*s", (int)(ID_SIZE - 3), out_refund_no);
}

/* -- looks ----------------------------------------------------------------------------------------------- */

/* 5 s, 30 s, 1 min, 5 min, 15 min, then every hour for ever; what a person must see to every 6 h. */
static int64_t pause_of(const struct refund *r, int n)
{
    static const int64_t pauses[] = {5, 30, 60, 300, 900};
    if (r->state == REFUND_IS_ABNORMAL)
        return 6 * 3600 * SECOND_MS;
    return ((size_t)n < sizeof pauses / sizeof *pauses ? pauses[n] : 3600) * SECOND_MS;
}

/* Payload: "rfd_… version n"; version 0 is a hint's. A look at a version that is past does nothing. */
static enum err look_at(struct ctx *c, const struct refund *r, int n, int64_t at_ms)
{
    const char *payload = arena_printf(c->arena, "%s %lld %d", r->id, (long long)r->version, n);
    return outbox_add(c, "payment.refund",
                      arena_printf(c->arena, "payment.refund:%s:%lld:%d", r->id, (long long)r->version, n),
                      *r->order ? r->order : r->id, payload, strlen(payload), at_ms, NULL);
}

enum err refund_look_back(struct ctx *c, const struct refund *r)
{
    return look_at(c, r, 0, c->now_ms + WEEK_MS);
}

int64_t refund_quiet_ms(const struct refund *r)
{
    return r->sent_ms + QUIET_MS;
}

enum err refund_look_later(struct ctx *c, const struct refund *r, int n)
{
    int64_t at_ms = c->now_ms + pause_of(r, n);
    if (r->state == REFUND_IS_DONE || r->state == REFUND_IS_CLOSED)
        return OK;
    if (r->state == REFUND_IS_STOPPING && at_ms < refund_quiet_ms(r))
        at_ms = refund_quiet_ms(r);
    return look_at(c, r, n, at_ms);
}

enum err refund_hinted(struct ctx *c, int provider, const char *out_refund_no, const char *what)
{
    struct refund r;
    enum err e = refund_read(c, refund_id(c, out_refund_no), &r);
    if (e == ERR_NOT_FOUND || (e == OK && r.provider != provider)) {
        fault_clear(c->fault);
        LOG(ERROR, "refund.unknown", KV_S("number", out_refund_no), KV_S("told_by", what));
        return OK;
    }
    TRY(e);
    if (r.state == REFUND_IS_DONE && !r.by_hand)
        return OK;
    const char *payload = arena_printf(c->arena, "%s 0 0", r.id);
    return outbox_add(c, "payment.refund", arena_printf(c->arena, "payment.refund:%s:%s", r.id, what),
                      *r.order ? r.order : r.id, payload, strlen(payload), 0, NULL);
}

/* -- asking ---------------------------------------------------------------------------------------------- */

static bool can_be_refunded(const struct capture *cap)
{
    return cap->amount_fen > 0 && strcmp(cap->currency, "CNY") == 0;
}

struct refund refund_new(struct ctx *c, const struct capture *cap, const char *reason, const char *note,
                         int64_t due_ms)
{
    struct refund r = {.order = cap->order_id ? cap->order_id : "",
                       .provider = cap->provider,
                       .payment_id = cap->payment_id,
                       .amount_fen = cap->amount_fen,
                       .number = 1,
                       .state = REFUND_IS_REQUESTED,
                       .reason = reason,
                       .note = note,
                       .asked_by = c->caller.id,
                       .error = "",
                       .provider_no = "",
                       .reference = "",
                       .due_ms = due_ms ? due_ms : c->now_ms,
                       .created_ms = c->now_ms,
                       .version = 1};
    id_new("rfd", r.id);
    snprintf(r.capture, sizeof r.capture, "%s", cap->id);
    return r;
}

enum err refund_request(struct ctx *c, const struct capture *cap, const char *reason, const char *note,
                        int64_t due_ms, struct refund *out)
{
    enum err e = refund_of_capture(c, cap->id, out);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    *out = refund_new(c, cap, reason, note, due_ms);
    e = refund_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* somebody asked at the same moment: look again, and see theirs */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    const char *detail = arena_printf(c->arena, "{\"capture\":\"%s\",\"reason\":\"%s\",\"amount_fen\":%lld}",
                                      cap->id, reason, (long long)out->amount_fen);
    TRY(audit_add(c, &(struct audit_entry){
                         .action = "refund.requested", .object = out->id, .version = 1, .detail = detail}));
    return look_at(c, out, 0, out->due_ms);
}

enum err refund_returned(struct ctx *c, const struct capture *cap, struct refund *out)
{
    *out = refund_new(c, cap, cap->reason, NULL, 0);
    enum err e = refund_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* somebody asked for it at the same moment: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    return refund_learn(c, out, &(struct refund_answer){.event = REFUND_EV_DONE});
}

enum err refund_held(struct ctx *c, const struct capture *cap)
{
    struct refund r;
    if (!cap->order_id || !can_be_refunded(cap))
        return OK; /* a person sees to it */
    if (strcmp(cap->reason, "RETURNED") ==
        0) /* Alipay closes a trade when all of it went back, so that it is
            * known how much; elsewhere the bill says it, or a person looks */
        return cap->provider == PROVIDER_ALIPAY ? refund_returned(c, cap, &r) : OK;
    return refund_request(c, cap, cap->reason, NULL, c->now_ms + GRACE_MS, &r);
}

/* -- what became of it -------------------------------------------------------------------------------------
 */

static enum err tell(struct ctx *c, const struct order *o, enum order_news what, int64_t fen, const char *key)
{
    const char *amount = yuan_of(c->arena, fen);
    return order_tell(c, o, what, (const char *[]){o->id, amount}, &amount, key);
}

/* The provider will not give back the whole of what its own desk gave a part of: the rest goes by hand. */
static enum err tell_given_up(struct ctx *c, const struct order *o, const char *capture_id)
{
    struct returned one;
    TRY(capture_whole(c, capture_id, &one));
    int64_t fen = one.capture.amount_fen,
            back = one.partial_fen > one.returned_fen ? one.partial_fen : one.returned_fen;
    bool rest = back > 0 && back < fen;
    return tell(c, o, rest ? NEWS_CANCELLED_REST : NEWS_CANCELLED, rest ? fen - back : fen,
                arena_printf(c->arena, "%s:%s", rest ? "cancelled_rest" : "cancelled", o->id));
}

enum err payment_give_up_paid(struct ctx *c, struct order *o, const char *reason, const char *note)
{
    struct capture cap;
    struct refund r;
    TRY(order_move(c, o, EV_CANCELLED_PAID, NULL, NULL));
    TRY(payment_order_cancelled(c, o->id));
    enum err e = capture_settled(c, o->id, &cap);
    if (e == ERR_NOT_FOUND) { /* nothing was ever taken for it */
        fault_clear(c->fault);
        return order_move(c, o, EV_REFUNDED, NULL, NULL);
    }
    TRY(e);
    TRY(refund_request(c, &cap, reason, note, 0, &r));
    return tell_given_up(c, o, cap.id);
}

/* The payment shows what becomes of the money that counts for it: all that it took when it was held, else
 * what settled its order. */
static enum err payment_follows(struct ctx *c, const struct refund *r, const struct capture *cap)
{
    struct payment p;
    struct returned *all;
    size_t n;
    if (!cap->order_id)
        return OK;
    TRY(payment_read(c, cap->payment_id, &p));
    if (p.state == PAY_HELD || (p.state == PAY_PAID && cap->state == CAPTURE_SETTLED))
        TRY(payment_move(c, &p, PAY_EV_REFUNDING, NULL, 0));
    if (p.state != PAY_REFUNDING || r->state != REFUND_IS_DONE)
        return OK;
    TRY(captures_of_payment(c, p.id, &all, &n));
    for (size_t i = 0; i < n; i++)
        if (can_be_refunded(&all[i].capture) && !(all[i].asked && all[i].refund.state == REFUND_IS_DONE))
            return OK;
    return payment_move(c, &p, PAY_EV_REFUNDED, NULL, 0);
}

static enum err order_follows(struct ctx *c, const struct refund *r, const struct capture *cap)
{
    struct order o;
    if (!cap->order_id)
        return OK;
    TRY(order_load(c, cap->order_id, &o));
    if (o.state == ORDER_REFUNDING && cap->state == CAPTURE_SETTLED)
        TRY(order_move(c, &o, EV_REFUNDED, NULL, NULL));
    return tell(c, &o, r->by_hand ? NEWS_REFUNDED_BY_HAND : NEWS_REFUNDED, r->amount_fen,
                arena_printf(c->arena, "refunded:%s", r->id));
}

enum err refund_is_over(struct ctx *c, const struct refund *r, const struct capture *cap)
{
    TRY(payment_follows(c, r, cap));
    return order_follows(c, r, cap);
}

enum err refund_learn(struct ctx *c, struct refund *r, const struct refund_answer *a)
{
    struct capture cap;
    const struct refund_change ch = {.error = a->error, .provider_no = a->provider_no};
    TRY(refund_move(c, r, a->event, &ch));
    TRY(capture_read(c, r->capture, &cap));
    FI("payment.refunded");
    if (r->state == REFUND_IS_DONE)
        return refund_is_over(c, r, &cap);
    if (r->state != REFUND_IS_CLOSED || r->accepted_ms)
        TRY(payment_follows(c, r, &cap));
    if (r->state == REFUND_IS_ABNORMAL || r->state == REFUND_IS_CLOSED)
        LOG(ERROR, "refund.needs_a_person", KV_S("refund", r->id),
            KV_S("state", refund_state_name((int)r->state)), KV_S("error", r->error));
    return refund_look_later(c, r, 0);
}

/* -- a person's decision --------------------------------------------------------------------------------- */

enum err refund_refused(struct ctx *c, const char *en, const char *zh)
{
    enum err e = fail(c->fault, ERR_PAYMENT_STATE, "%s", en);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "%s", zh);
    return e;
}

/* The only capture of the payment that has not gone back, unless one is named. */
static enum err choose(struct ctx *c, const char *payment_id, const char *capture_id, struct capture *out)
{
    struct returned *all;
    size_t n, left = 0;
    if (*capture_id) {
        TRY(capture_read(c, capture_id, out));
        return !*payment_id || strcmp(payment_id, out->payment_id) == 0 ? OK
                                                                        : fail(c->fault, ERR_NOT_FOUND, NULL);
    }
    struct payment p;
    TRY(payment_load(c, payment_id, &p));
    TRY(captures_of_payment(c, p.id, &all, &n));
    for (size_t i = 0; i < n; i++)
        if (!all[i].asked || all[i].refund.state != REFUND_IS_DONE) {
            *out = all[i].capture;
            left++;
        }
    if (left == 1)
        return OK;
    if (left == 0)
        return refund_refused(c, "nothing of this payment is left to be given back", "该支付没有可退的款项");
    fault_field(c->fault, "capture_id", "REQUIRED", "the payment took money more than once: say which",
                "该支付有多笔款项，请指明其中一笔");
    return fault_fields(c->fault);
}

static enum err try_again(struct ctx *c, struct refund *r, const char *why)
{
    if (r->state == REFUND_IS_DONE)
        return refund_refused(c, "this money was given back", "该款项已退回");
    if (r->state == REFUND_IS_REQUESTED || r->state == REFUND_IS_PROCESSING)
        return OK; /* it is on its way */
    TRY(refund_move(c, r, REFUND_EV_RETRIED,
                    &(struct refund_change){.error = "", .note = why, .asked_by = c->caller.id}));
    return look_at(c, r, 0, 0);
}

enum err refund_by_staff(struct ctx *c, const char *payment_id, const char *capture_id, const char *why,
                         struct capture *cap, struct refund *out)
{
    struct order o;
    reason_check(c->fault, "reason", why);
    if (!*payment_id && !*capture_id)
        fault_field(c->fault, "payment_id", "REQUIRED", "say which payment or which capture",
                    "请指明支付或款项");
    TRY(fault_fields(c->fault));
    TRY(choose(c, payment_id, capture_id, cap));
    if (!can_be_refunded(cap))
        return refund_refused(c, "the provider cannot give this capture back", "该款项不能原路退回");
    enum err e = refund_of_capture(c, cap->id, out);
    if (e == OK)
        return try_again(c, out, why);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    if (cap->state == CAPTURE_SETTLED) {
        TRY(order_load(c, cap->order_id, &o));
        TRY(payment_give_up_paid(c, &o, "STAFF", why));
        return refund_of_capture(c, cap->id, out);
    }
    return refund_request(c, cap, "STAFF", why, 0, out);
}
