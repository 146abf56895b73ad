/* refund_jobs.c - asking a provider to give money back, and what became of it. */
#include "base/clock.h"
#include "base/log.h"
#include "core/tx.h"
#include "payment/payment_steps.h"
#include "payment/refund.h"
#include "payment/refund_store.h"
#include "provider/payment.h"
#include "providers.h"

#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Payload: "rfd_… version n". */
struct look {
    char id[ID_SIZE];
    int64_t version; /* 0: a hint's */
    int n;
};

static struct look read_look(struct ctx *c, const struct job *j)
{
    struct look l = {0};
    char *text = arena_strndup(c->arena, j->payload, j->payload_n), *rest = text, *part = strsep(&rest, " ");
    snprintf(l.id, sizeof l.id, "%s", part);
    if ((part = strsep(&rest, " ")))
        l.version = strtoll(part, NULL, 10);
    if (rest)
        l.n = atoi(rest);
    return l;
}

/* The look is about how things are, and there is something to learn. */
static bool is_current(const struct look *l, const struct refund *r)
{
    if (r->state == REFUND_IS_CLOSED || (r->state == REFUND_IS_DONE && !r->by_hand))
        return false;
    return l->version == 0 ? r->state != REFUND_IS_REQUESTED : l->version == r->version;
}

static const char *const reasons[][2] = {
    {"ORDER_CANCELLED", "订单已取消"}, {"STAFF", "商户退款"},      {"ORDER_PAID", "重复支付退款"},
    {"ORDER_STATE", "订单已关闭"},     {"AMOUNT", "支付金额不符"},
};

static const char *reason_text(const char *reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i][0], reason) == 0)
            return reasons[i][1];
    return "退款";
}

/* A refusal, not trouble: the same request would be refused again. */
static bool is_refusal(enum err e)
{
    return e == ERR_PROVIDER_REFUSED || e == ERR_PAYMENT_STATE || e == ERR_NOT_FOUND || e == ERR_INVALID;
}

static struct refund_answer *answer(struct ctx *c, enum refund_event event, const char *error,
                                    const struct payment_refund_status *s)
{
    struct refund_answer *a = ARENA_NEW(c->arena, struct refund_answer);
    *a = (struct refund_answer){
        .event = event, .error = error, .provider_no = s && *s->refund_id ? s->refund_id : NULL};
    return a;
}

/* NULL: there is no such refund there. */
static struct refund_answer *read_status(struct ctx *c, const struct refund *r,
                                         const struct payment_refund_status *s)
{
    switch (s->state) {
    case REFUND_ABSENT:
        return NULL;
    case REFUND_PROCESSING:
        return answer(
            c, r->state == REFUND_IS_REQUESTED || r->state == REFUND_IS_STOPPING ? REFUND_EV_ACCEPTED : 0, "",
            s);
    case REFUND_SUCCESS:
        if (s->refund_fen && s->refund_fen != r->amount_fen)
            return answer(c, r->state == REFUND_IS_ABNORMAL ? 0 : REFUND_EV_ABNORMAL, "AMOUNT", s);
        return answer(c, REFUND_EV_DONE, "", s);
    case REFUND_CLOSED:
        return answer(c, REFUND_EV_CLOSED, "CLOSED", s);
    case REFUND_ABNORMAL:
        return answer(c, r->state == REFUND_IS_ABNORMAL ? 0 : REFUND_EV_ABNORMAL, "ABNORMAL", s);
    }
    return NULL;
}

/* Of one that a person ended only this is asked: that the provider's part is what was recorded. */
static struct refund_answer *read_part(struct ctx *c, const struct refund *r,
                                       const struct payment_refund_status *s)
{
    struct refund_answer *a = answer(c, 0, "", NULL);
    a->fen = s->refund_fen ? s->refund_fen : r->amount_fen;
    a->paid_twice = s->state == REFUND_SUCCESS && a->fen != r->amount_fen - r->hand_fen;
    return a;
}

static enum err query(struct ctx *c, const struct payment_port *port, const struct refund *r,
                      struct refund_answer **out)
{
    struct payment_refund_status *s = ARENA_NEW(c->arena, struct payment_refund_status);
    TRY(payment_outcome(
        port->ops->refund_query(port->self, r->payment_id, refund_number(c, r), c->arena, s, c->fault)));
    *out = r->state == REFUND_IS_DONE ? read_part(c, r, s) : read_status(c, r, s);
    return OK;
}

/* Alipay closes a trade when all of it went back, under whatever number: also by its own doing, when a code
 * is paid in the moment that it is closed. */
static enum err went_back(struct ctx *c, const struct payment_port *port, const struct refund *r,
                          struct refund_answer **out)
{
    struct payment_status *s = ARENA_NEW(c->arena, struct payment_status);
    if (r->provider != PROVIDER_ALIPAY)
        return OK;
    TRY(payment_outcome(port->ops->query(port->self, r->payment_id, c->arena, s, c->fault)));
    if (s->state == PAYMENT_REFUND)
        *out = answer(c, REFUND_EV_DONE, "", NULL);
    return OK;
}

struct sending {
    const struct refund *refund;
    bool may;
};

static enum err mark(struct ctx *c, void *arg)
{
    struct sending *x = arg;
    struct refund now;
    TRY(refund_read(c, x->refund->id, &now));
    x->may = now.version == x->refund->version;
    return x->may ? refund_mark_sent(c, x->refund, clock_now_ms()) : OK;
}

/* That it is sent, committed before it is: whoever stops or ends it at this moment either comes before that,
 * and nothing is sent, or knows until when something may be under way. */
static enum err may_send(struct ctx *c, const struct refund *r, bool *out)
{
    struct sending x = {.refund = r};
    TRY(tx_run(c, mark, &x));
    *out = x.may;
    return OK;
}

/* Of one that is stopped and that the provider does not have, when nothing can be under way any more. */
static enum err absent(struct ctx *c, const struct payment_port *port, const struct refund *r,
                       struct refund_answer **out)
{
    if (c->now_ms < refund_quiet_ms(r)) /* a hint's look, too early */
        *out = answer(c, 0, r->error, NULL);
    else
        TRY(went_back(c, port, r, out));
    if (!*out)
        *out = answer(c, REFUND_EV_ABSENT, "STOPPED", NULL);
    return OK;
}

/* The same number with the same data, as often as need be. What the provider will not have it must not have
 * taken, either: that is asked. */
static enum err send(struct ctx *c, const struct payment_port *port, const struct refund *r,
                     struct refund_answer **out)
{
    bool may;
    TRY(may_send(c, r, &may));
    if (!may)
        return OK;
    struct payment_refund_status *s = ARENA_NEW(c->arena, struct payment_refund_status);
    struct payment_refund_order o = {
        .out_trade_no = r->payment_id,
        .out_refund_no = refund_number(c, r),
        .reason = reason_text(r->reason),
        .notify_url =
            arena_printf(c->arena, "%s/callback/%s", c->app->providers->public_url, port->ops->name),
        .refund_fen = r->amount_fen,
        .total_fen = r->amount_fen,
    };
    enum err e = payment_outcome(port->ops->refund(port->self, &o, c->arena, s, c->fault));
    if (is_refusal(e)) {
        const char *code = *s->trace.code ? arena_strdup(c->arena, s->trace.code) : err_name(e);
        fault_clear(c->fault);
        TRY(query(c, port, r, out));
        if (!*out)
            TRY(went_back(c, port, r, out));
        if (!*out) /* r is as it was before this sending: one before it may be under way still */
            *out =
                answer(c, r->sent_ms && c->now_ms < refund_quiet_ms(r) ? 0 : REFUND_EV_REFUSED, code, NULL);
        return OK;
    }
    TRY(e);
    *out = read_status(c, r, s);
    return OK;
}

static enum err refund_call(struct ctx *c, const struct job *j, struct job_result *result)
{
    struct refund r;
    struct refund_answer *a = NULL;
    const struct payment_port *port;
    struct look l = read_look(c, j);
    TRY(refund_read(c, l.id, &r));
    if (!is_current(&l, &r))
        return OK;
    TRY(payment_port_of(c, r.provider, &port));
    if (r.state != REFUND_IS_REQUESTED)
        TRY(query(c, port, &r, &a));
    if (!a)
        TRY(r.state == REFUND_IS_STOPPING ? absent(c, port, &r, &a) : send(c, port, &r, &a));
    result->value = a ? a : answer(c, 0, "", NULL);
    return OK;
}

static enum err refund_done(struct ctx *c, const struct job *j, const struct job_result *result)
{
    const struct refund_answer *a = result->value;
    struct refund r;
    struct look l = read_look(c, j);
    TRY(refund_read(c, l.id, &r));
    if (!a || !is_current(&l, &r))
        return OK;
    if (r.state == REFUND_IS_DONE)
        return a->paid_twice ? refund_paid_twice(c, &r, a->fen) : OK;
    int to;
    bool early =
        a->event == REFUND_EV_ABSENT && c->now_ms < refund_quiet_ms(&r); /* it was stopped once more */
    if (a->event && !early &&
        machine_next(&refund_machine, (int)r.state, (int)a->event, ERR_PAYMENT_STATE, &to, NULL) == OK)
        return refund_learn(c, &r, a);
    if (*r.error && !*a->error)
        TRY(refund_note_error(c, &r, ""));
    return l.version ? refund_look_later(c, &r, l.n + 1) : OK;
}

/* Nobody gives up on money: the next look is made whatever happened to this one. */
static enum err refund_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct refund r;
    struct look l = read_look(c, j);
    TRY(refund_read(c, l.id, &r));
    LOG(ERROR, "refund.not_asked", KV_S("refund", r.id), KV_S("error", err_name(why)), KV_I("look", l.n));
    if (!is_current(&l, &r) || r.state == REFUND_IS_DONE)
        return OK;
    TRY(refund_note_error(c, &r, err_name(why)));
    return l.version ? refund_look_later(c, &r, l.n + 1) : OK;
}

const struct job_kind refund_job = {
    .name = "payment.refund",
    .max_attempts = 6,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = refund_call,
    .done = refund_done,
    .failed = refund_failed,
};
