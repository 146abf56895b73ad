/* payment_callback.c - what the suppliers call to tell: verified, stored once, settled. */
#include "app.h"
#include "base/log.h"
#include "core/tx.h"
#include "payment/payment_steps.h"
#include "payment/reconcile.h"
#include "payment/refund.h"
#include "provider/payment.h"
#include "providers.h"

#include <string.h>

/* Names of the suppliers by proto PaymentProvider. */
static const char *const suppliers[] = {[PROVIDER_WECHAT] = "wechat", [PROVIDER_ALIPAY] = "alipay"};

const char *payment_supplier(int provider)
{
    return provider >= PROVIDER_WECHAT && provider <= PROVIDER_ALIPAY ? suppliers[provider] : NULL;
}

enum err payment_port_of(struct ctx *c, int provider, const struct payment_port **out)
{
    const char *supplier = payment_supplier(provider);
    *out = supplier && c->app->providers ? providers_payment(c->app->providers, supplier) : NULL;
    return *out ? OK : fail(c->fault, ERR_PROVIDER_CONFIG, "no supplier is configured for this payment");
}

struct receipt payment_receipt(struct ctx *c, int provider, const struct payment_status *s)
{
    return (struct receipt){.provider = provider,
                            .txn_no = arena_strdup(c->arena, s->transaction_id),
                            .payment_id = arena_strdup(c->arena, s->out_trade_no),
                            .currency = arena_strdup(c->arena, s->currency),
                            .amount_fen = s->amount_fen,
                            .paid_ms = s->success_ms ? s->success_ms : c->now_ms};
}

/* Nothing here lives in the ctx's arena: a retry of the transaction throws that away. */
struct told {
    int provider;
    struct payment_event event;
    const char *body;
    size_t n_body;
};

/* What was told of a payment of ours does not fit it: the provider's answer to a question counts, not this.
 */
static enum err doubt(struct ctx *c, const struct receipt *r, const char *event_id, bool *doubted)
{
    struct payment p;
    enum err e = payment_read(c, r->payment_id, &p);
    *doubted = e == OK && (r->amount_fen != p.amount_fen || strcmp(r->currency, "CNY") != 0);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return OK;
    }
    TRY(e);
    if (!*doubted)
        return OK;
    LOG(ERROR, "payment.told_otherwise", KV_S("payment", p.id), KV_I("amount_fen", r->amount_fen));
    return payment_look_now(c, &p, event_id);
}

static enum err book_event(struct ctx *c, void *arg)
{
    const struct told *t = arg;
    const struct payment_status *s = &t->event.payment;
    enum err e = payment_event_insert(c, t->provider, t->event.id, t->event.type, t->body, t->n_body);
    if (e == ERR_DB_DUPLICATE) { /* booked with its first coming */
        fault_clear(c->fault);
        return OK;
    }
    TRY(e);
    if (t->event.kind == PAYMENT_EVENT_REFUND)
        return refund_hinted(c, t->provider, t->event.refund.out_refund_no, t->event.id);
    if (t->event.kind != PAYMENT_EVENT_PAID)
        return OK;
    if (s->state != PAYMENT_SUCCESS || !*s->transaction_id)
        return fail(c->fault, ERR_INVALID, "a payment event without a payment");
    struct receipt r = payment_receipt(c, t->provider, s);
    bool doubted;
    TRY(doubt(c, &r, t->event.id, &doubted));
    return doubted ? OK : payment_settle(c, &r);
}

enum err payment_callback(struct ctx *c, int provider, const struct provider_pair *headers, size_t n_headers,
                          const char *body, size_t n_body)
{
    const struct payment_port *port;
    struct payment_callback in = {headers, n_headers, body, n_body};
    struct told t = {.provider = provider, .body = body, .n_body = n_body};
    TRY(payment_port_of(c, provider, &port));
    TRY(port->ops->callback_verify(port->self, &in, c->now_ms, c->arena, &t.event, c->fault));
    return tx_run(c, book_event, &t);
}

/* -- routes ------------------------------------------------------------------------------------------------
 */

static enum err wechat(struct ctx *c, const struct callback_request *r)
{
    return payment_callback(c, PROVIDER_WECHAT, r->headers, r->n_headers, r->body, r->n_body);
}

static struct callback_answer wechat_answer(enum err e)
{
    static const char yes[] = "{\"code\":\"SUCCESS\",\"message\":\"成功\"}",
                      no[] = "{\"code\":\"FAIL\",\"message\":\"失败\"}";
    return (struct callback_answer){e == OK                  ? 200
                                    : e == ERR_SIGNATURE_BAD ? 401
                                                             : 500,
                                    "application/json", e == OK ? yes : no};
}

static enum err alipay(struct ctx *c, const struct callback_request *r)
{
    return payment_callback(c, PROVIDER_ALIPAY, r->headers, r->n_headers, r->body, r->n_body);
}

/* Seven letters and nothing else, or it comes again. */
static struct callback_answer alipay_answer(enum err e)
{
    return (struct callback_answer){e == OK                  ? 200
                                    : e == ERR_SIGNATURE_BAD ? 401
                                                             : 500,
                                    "text/plain", e == OK ? "success" : "fail"};
}

static const struct callback_route routes[] = {
    {"wechat", "/callback/wechat", wechat, wechat_answer},
    {"alipay", "/callback/alipay", alipay, alipay_answer},
};
const struct callback_table payment_callbacks = {routes, sizeof routes / sizeof *routes};
