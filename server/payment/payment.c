#include "payment/payment.h"

#include "base/fi.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "invoice/invoice.h"
#include "order/order_paper.h"
#include "order/order_steps.h"
#include "order/order_tell.h"
#include "payment/payment_steps.h"
#include "payment/refund.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

static const int64_t MINUTE_MS = 60000;

enum err payment_load(struct ctx *c, const char *id, struct payment *out)
{
    struct order o;
    TRY(payment_read(c, id, out));
    return order_load(c, out->order, &o); /* NOT_FOUND for those who may not see the order */
}

bool payment_is_wanted(const struct ctx *c, const struct payment *p, const struct order *o)
{
    return p->state != PAY_CLOSING && o->state == ORDER_PAYMENT && p->amount_fen == o->price_fen &&
           c->now_ms < p->expires_ms;
}

/* -- asking for money ---------------------------------------------------------------------------------------
 */

static enum err reuse(struct ctx *c, const struct order *o, int provider, struct payment *out)
{
    enum err e = payment_read_open(c, o->id, provider, out);
    if (e != OK)
        return e;
    if (payment_is_wanted(c, out, o))
        return OK;
    if (out->state == PAY_WAITING && c->now_ms < out->expires_ms) { /* of another amount, and kept (Alipay) */
        e = fail_both(
            c->fault, ERR_PAYMENT_STATE,
            "the code before cannot be closed before it expires; pay another way, or try again then",
            "原支付二维码到期前无法关闭，请更换支付方式或到期后重试");
        c->fault->retry_ms = out->expires_ms - c->now_ms;
        return e;
    }
    e = fail(c->fault, ERR_PAYMENT_STATE, "the code before is being closed; try again in a moment");
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "原支付二维码正在关闭，请稍后重试");
    c->fault->retry_ms = 5000;
    return e;
}

static enum err place(struct ctx *c, const struct payment *p)
{
    return outbox_add(c, "payment.create", arena_printf(c->arena, "payment.create:%s", p->id), p->order,
                      p->id, strlen(p->id), 0, NULL);
}

enum err payment_look_now(struct ctx *c, const struct payment *p, const char *word)
{
    const char *payload = arena_printf(c->arena, "%s %d", p->id, LOOK_NOW);
    return outbox_add(c, "payment.poll", arena_printf(c->arena, "payment.poll:%s:%s", p->id, word), p->order,
                      payload, strlen(payload), 0, NULL);
}

enum err payment_others_go_on(struct ctx *c, const char *order_id)
{
    struct payment *list;
    size_t n;
    TRY(payment_list(c, order_id, true, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (list[i].state == PAY_CREATING)
            TRY(place(c, &list[i]));
    return OK;
}

enum err payment_end(struct ctx *c, struct payment *p, enum pay_event event, int64_t paid_ms)
{
    TRY(payment_move(c, p, event, NULL, paid_ms));
    return payment_others_go_on(c, p->order);
}

/* S15: one may change one's mind. The codes of other providers are closed, which their jobs do; wait says
 * that they are not yet. */
static enum err replace_others(struct ctx *c, const char *order_id, int provider, bool *wait)
{
    struct payment *list;
    size_t n;
    *wait = false;
    TRY(payment_list(c, order_id, true, &list, &n));
    for (size_t i = 0; i < n; i++) {
        struct payment *p = &list[i];
        if (p->provider == provider)
            continue;
        *wait = true;
        if (p->state == PAY_CLOSING)
            continue;
        bool placed = p->state == PAY_WAITING;
        TRY(payment_move(c, p, PAY_EV_REPLACED, NULL, 0));
        TRY(placed ? payment_look_now(c, p, arena_printf(c->arena, "replaced:%lld", (long long)p->version))
                   : place(c, p));
    }
    return OK;
}

enum err payment_order_reopened(struct ctx *c, const char *order_id)
{
    bool wait;
    return replace_others(c, order_id, 0, &wait);
}

/* By the channel, and configured; bits. */
static enum err possible(struct ctx *c, const struct order *o, unsigned *out)
{
    unsigned allowed;
    *out = 0;
    TRY(catalog_payments(c, o->channel, &allowed));
    for (int p = PROVIDER_WECHAT; p <= PROVIDER_ALIPAY; p++) {
        const struct payment_port *port;
        if (allowed & 1U << p && payment_port_of(c, p, &port) == OK)
            *out |= 1U << p;
    }
    fault_clear(c->fault); /* one that is not configured is no failure */
    return OK;
}

enum err payment_possible(struct ctx *c, const struct order *o, bool *out)
{
    unsigned all;
    TRY(possible(c, o, &all));
    *out = all != 0;
    return OK;
}

static enum err offered(struct ctx *c, const struct order *o, int provider)
{
    static const struct {
        const char *en, *zh;
    } instead[] = {{"none", "无"},
                   {"WeChat Pay", "微信支付"},
                   {"Alipay", "支付宝"},
                   {"WeChat Pay, Alipay", "微信支付、支付宝"}};
    unsigned all;
    TRY(possible(c, o, &all));
    if (provider >= PROVIDER_WECHAT && provider <= PROVIDER_ALIPAY && all & 1U << provider)
        return OK;
    size_t i = (all & 1U << PROVIDER_WECHAT ? 1 : 0) + (all & 1U << PROVIDER_ALIPAY ? 2 : 0);
    return fail_both(c->fault, ERR_METHOD_NOT_OFFERED,
                     arena_printf(c->arena, "this way to pay is not offered; choose: %s", instead[i].en),
                     arena_printf(c->arena, "当前渠道不支持该支付方式，可选：%s", instead[i].zh));
}

enum err payment_create(struct ctx *c, const char *order_id, int provider, struct payment *out)
{
    struct order o;
    struct channel channel;
    bool wait;
    TRY(order_load(c, order_id, &o));
    if (o.state != ORDER_PAYMENT)
        return order_refused(c->fault, &o);
    TRY(offered(c, &o, provider));
    enum err e = reuse(c, &o, provider, out);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    TRY(replace_others(c, o.id, provider, &wait));
    if (e == OK)
        return OK;
    fault_clear(c->fault);
    TRY(catalog_channel(c, o.channel, &channel));
    *out = (struct payment){.provider = provider,
                            .state = PAY_CREATING,
                            .amount_fen = o.price_fen,
                            .code_url = "",
                            .expires_ms = c->now_ms + channel.payment_minutes * MINUTE_MS,
                            .created_ms = c->now_ms,
                            .version = 1};
    id_new("pay", out->id);
    snprintf(out->order, sizeof out->order, "%s", o.id);
    e = payment_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* another call made one meanwhile: look again, and give that one */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    if (e != OK)
        return e;
    TRY(audit_add(c, &(struct audit_entry){.action = "payment.created", .object = out->id, .version = 1}));
    return wait ? OK : place(c, out);
}

/* 5 s, 30 s, 1 min, then every 5 min; one look at the moment it expires, then every minute until closed. */
enum err payment_poll_later(struct ctx *c, const struct payment *p, int n)
{
    static const int64_t pauses[] = {5000, 30000, 60000};
    int64_t pause = (size_t)n < sizeof pauses / sizeof *pauses ? pauses[n] : 5 * MINUTE_MS;
    int64_t at = c->now_ms + pause;
    if (c->now_ms >= p->expires_ms)
        at = c->now_ms + MINUTE_MS;
    else if (at > p->expires_ms)
        at = p->expires_ms;
    const char *payload = arena_printf(c->arena, "%s %d", p->id, n);
    return outbox_add(c, "payment.poll", arena_printf(c->arena, "payment.poll:%s:%d", p->id, n), p->order,
                      payload, strlen(payload), at, NULL);
}

enum err payment_order_cancelled(struct ctx *c, const char *order_id)
{
    struct payment *list;
    size_t n;
    TRY(payment_list(c, order_id, true, &list, &n));
    for (size_t i = 0; i < n; i++)
        TRY(list[i].state == PAY_CREATING ? place(c, &list[i]) : payment_look_now(c, &list[i], "cancelled"));
    return OK;
}

/* -- money that came
 * ------------------------------------------------------------------------------------------ */

/* Why this money cannot pay for the order; NULL when it can. p is NULL for a number that is not ours. */
static enum err reason_to_hold(struct ctx *c, const struct receipt *r, const struct payment *p,
                               const struct order *o, const char **out)
{
    bool settled = false;
    *out = NULL;
    if (!p) {
        *out = "NO_PAYMENT";
        return OK;
    }
    TRY(settlement_exists(c, p->order, &settled));
    if (settled)
        *out = "ORDER_PAID";
    else if (o->state != ORDER_PAYMENT)
        *out = "ORDER_STATE";
    else if (strcmp(r->currency, "CNY") != 0)
        *out = "CURRENCY";
    else if (r->amount_fen != p->amount_fen || r->amount_fen != o->price_fen)
        *out = "AMOUNT";
    return OK;
}

/* What comes next: the reviewers, or the certificate at once. */
static enum err tell_paid(struct ctx *c, const struct order *o, const char *days)
{
    bool download = o->delivery == DELIVERY_DOWNLOAD;
    enum order_news what = o->review ? NEWS_PAID : download ? NEWS_PAID_DOWNLOAD : NEWS_PAID_POST;
    const char *yuan = yuan_of(c->arena, o->price_fen);
    /* days are the last, and not every one says them */
    return order_tell(c, o, what, (const char *[]){o->id, yuan, days}, (const char *[]){yuan, days},
                      arena_printf(c->arena, "paid:%s", o->id));
}

/* Nobody has to look at it, and nobody will: no days of review are promised, and the approval is the system's
 * own, with the payment or not at all. */
static enum err paid_without_review(struct ctx *c, struct order *o)
{
    int days;
    TRY(order_move(c, o, EV_PAID, &(struct order_change){.submitted_ms = &c->now_ms}, NULL));
    TRY(order_approve(c, o, "{\"review\":\"none\"}", &days));
    return tell_paid(c, o, arena_printf(c->arena, "%d", days));
}

/* S18: the days promised begin to count; by paper they do when the papers are there. */
static enum err order_paid(struct ctx *c, struct order *o)
{
    struct channel channel;
    TRY(invoice_order_paid(c, o));
    if (o->paper_route)
        return order_paper_paid(c, o);
    if (!o->review)
        return paid_without_review(c, o);
    TRY(catalog_channel(c, o->channel, &channel));
    int64_t due_ms;
    TRY(catalog_working_days(c, o->channel, c->now_ms, channel.review_days, &due_ms));
    TRY(order_move(c, o, EV_PAID, &(struct order_change){.submitted_ms = &c->now_ms, .due_ms = &due_ms},
                   NULL));
    return tell_paid(c, o, catalog_review_days(c->arena, &channel));
}

static enum err hold(struct ctx *c, struct payment *p, const struct capture *cap)
{
    const char *detail = arena_printf(c->arena, "{\"reason\":\"%s\",\"amount_fen\":%lld}", cap->reason,
                                      (long long)cap->amount_fen);
    TRY(audit_add(
        c, &(struct audit_entry){.action = "payment.capture_held", .object = cap->id, .detail = detail}));
    LOG(ERROR, "payment.capture_held", KV_S("capture", cap->id), KV_S("payment", cap->payment_id),
        KV_S("reason", cap->reason), KV_I("amount_fen", cap->amount_fen));
    int to;
    if (p && machine_next(&payment_machine, (int)p->state, PAY_EV_HELD, ERR_PAYMENT_STATE, &to, NULL) == OK)
        TRY(payment_end(c, p, PAY_EV_HELD,
                        cap->captured_ms)); /* else its own story is told: this is more money */
    return refund_held(c, cap);
}

/* A unique key said that somebody booked this meanwhile: run again, and see what they did. */
static enum err again_if_taken(struct ctx *c, enum err e)
{
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

static enum err find_payment(struct ctx *c, const char *id, struct payment *p, struct order *o, bool *found)
{
    enum err e = payment_read(c, id, p);
    *found = e == OK;
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return OK;
    }
    TRY(e);
    return order_load(c, p->order, o);
}

/* What else could be paid for the order is of no use any more. */
static enum err others_are_closed(struct ctx *c, const struct payment *p)
{
    struct payment *list;
    size_t n;
    TRY(payment_list(c, p->order, true, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (list[i].state != PAY_CREATING)
            TRY(payment_look_now(c, &list[i], "paid"));
    return OK;
}

/* word: why it is held whatever else is true; NULL: as it turns out. */
static enum err book(struct ctx *c, const struct receipt *r, struct payment *p, struct order *o,
                     const char *word)
{
    const char *reason;
    TRY(reason_to_hold(c, r, p, o, &reason));
    if (word && p)
        reason = word;
    struct capture cap = {.provider = r->provider,
                          .txn_no = r->txn_no,
                          .payment_id = r->payment_id,
                          .currency = r->currency,
                          .order_id = p ? p->order : NULL,
                          .amount_fen = r->amount_fen,
                          .captured_ms = r->paid_ms,
                          .state = reason ? CAPTURE_HELD : CAPTURE_SETTLED,
                          .reason = reason ? reason : ""};
    id_new("cap", cap.id);
    TRY(again_if_taken(c, capture_insert(c, &cap)));
    if (reason)
        return hold(c, p, &cap);
    TRY(again_if_taken(c, settlement_insert(c, &cap)));
    TRY(payment_end(c, p, PAY_EV_SETTLED, r->paid_ms));
    TRY(others_are_closed(c, p));
    return order_paid(c, o);
}

static enum err told(struct ctx *c, const struct receipt *r, const char *word)
{
    struct payment p;
    struct order o;
    bool known, found;
    FI("payment.settle.before");
    TRY(capture_exists(c, r->provider, r->txn_no, &known));
    if (known)
        return OK;
    TRY(find_payment(c, r->payment_id, &p, &o, &found));
    TRY(book(c, r, found ? &p : NULL, found ? &o : NULL, word));
    FI("payment.settle.after");
    return OK;
}

enum err payment_settle(struct ctx *c, const struct receipt *r)
{
    return told(c, r, NULL);
}

enum err payment_hold_returned(struct ctx *c, const struct receipt *r)
{
    return told(c, r, "RETURNED");
}
