/* payment_jobs.c - placing, asking, closing at the provider. */
#include "app.h"
#include "base/log.h"
#include "payment/payment_steps.h"
#include "provider/payment.h"
#include "providers.h"

#include <stdlib.h>
#include <string.h>

/* What a call found out. */
enum finding {
    FOUND_NOTHING,
    FOUND_PLACED,
    FOUND_PAID,
    FOUND_CLOSED,
    FOUND_UNPAID, /* look again later */
    FOUND_KEPT,   /* unpaid, and cannot be closed before somebody scans it or it expires */
};
struct found {
    enum finding what;
    const char *code_url;
    struct receipt receipt;
    bool returned; /* paid, and given back before we knew */
};

static struct found *found(struct ctx *c, enum finding what)
{
    struct found *f = ARENA_NEW(c->arena, struct found);
    f->what = what;
    return f;
}

/* Payload: "pay_… n". */
static const char *payload_id(struct ctx *c, const struct job *j, int *n)
{
    char *text = arena_strndup(c->arena, j->payload, j->payload_n);
    char *space = strchr(text, ' ');
    *n = space ? atoi(space + 1) : 0;
    if (space)
        *space = '\0';
    return text;
}

static enum err load(struct ctx *c, const struct job *j, struct payment *p, struct order *o, int *n)
{
    TRY(payment_read(c, payload_id(c, j, n), p));
    return order_load(c, p->order, o);
}

/* -- placing
 * -------------------------------------------------------------------------------------------------- */

/* A repeat sends the same number with the same data, which the provider answers with the same code. */
static enum err place(struct ctx *c, const struct payment *p, struct found *f)
{
    const struct payment_port *port;
    TRY(payment_port_of(c, p->provider, &port));
    struct payment_code *code = ARENA_NEW(c->arena, struct payment_code);
    struct payment_order order = {
        .out_trade_no = p->id,
        .amount_fen = p->amount_fen,
        .description = arena_printf(c->arena, "数字证书 %s", p->order),
        .time_expire_ms = p->expires_ms,
        .notify_url =
            arena_printf(c->arena, "%s/callback/%s", c->app->providers->public_url, port->ops->name),
    };
    enum err e = port->ops->place(port->self, &order, c->arena, code, c->fault);
    f->code_url = "";
    if (e == ERR_PAYMENT_STATE) { /* paid or closed since an attempt whose answer was lost: the poll tells */
        fault_clear(c->fault);
        return OK;
    }
    TRY(payment_outcome(e));
    f->code_url = code->code_url;
    return OK;
}

static enum err create_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    if (p.state != PAY_CREATING && p.state != PAY_CLOSING)
        return OK;
    if (p.state == PAY_CLOSING && j->doubtful) { /* it may be there: then it is closed there */
        r->value = found(c, FOUND_UNPAID);
        return OK;
    }
    if (!payment_is_wanted(c, &p, &o) && !j->doubtful) {
        r->value = found(c, FOUND_CLOSED);
        return OK;
    }
    struct found *f = found(c, FOUND_PLACED);
    TRY(place(c, &p, f));
    r->value = f;
    return OK;
}

static enum err create_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct found *f = r->value;
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    if (!f || (p.state != PAY_CREATING && p.state != PAY_CLOSING)) /* a callback was faster than the answer */
        return OK;
    if (f->what == FOUND_CLOSED)
        return payment_end(c, &p, PAY_EV_CLOSED, 0);
    if (p.state == PAY_CLOSING) /* another way to pay was chosen meanwhile; nobody was shown this code */
        return payment_look_now(c, &p, "placed");
    TRY(payment_move(c, &p, PAY_EV_PLACED, f->code_url, 0));
    TRY(payment_poll_later(c, &p, 0));
    return o.state == ORDER_PAYMENT ? order_store(c, &o, "order.payment_ready", NULL) : OK;
}

/* Refused for good. After a doubtful attempt somebody could still pay it: then it is asked about instead. */
static enum err create_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    bool open = j->doubtful || why == ERR_PROVIDER_UNKNOWN;
    if (p.state == PAY_CLOSING)
        return open ? payment_look_now(c, &p, "placed") : payment_end(c, &p, PAY_EV_CLOSED, 0);
    if (p.state != PAY_CREATING)
        return OK;
    if (open) {
        TRY(payment_move(c, &p, PAY_EV_PLACED, "", 0));
        return payment_poll_later(c, &p, 0);
    }
    return payment_end(c, &p, PAY_EV_REFUSED, 0);
}

/* -- asking
 * --------------------------------------------------------------------------------------------------- */

static enum err query(struct ctx *c, const struct payment *p, struct found *f)
{
    const struct payment_port *port;
    struct payment_status s = {0};
    TRY(payment_port_of(c, p->provider, &port));
    TRY(payment_outcome(port->ops->query(port->self, p->id, c->arena, &s, c->fault)));
    switch (s.state) {
    case PAYMENT_SUCCESS:
        f->what = FOUND_PAID;
        f->receipt = payment_receipt(c, p->provider, &s);
        break;
    case PAYMENT_CLOSED:
        f->what = FOUND_CLOSED;
        break;
    case PAYMENT_ABSENT: /* it never arrived there; nobody was shown a code, or the code is no good by now; or
                            nobody has scanned it (Alipay) */
        f->what = !*p->code_url || c->now_ms >= p->expires_ms ? FOUND_CLOSED : FOUND_KEPT;
        break;
    case PAYMENT_NOTPAY:
        f->what = FOUND_UNPAID;
        break;
    case PAYMENT_REFUND: /* given back before we knew of it: by a person there, or by Alipay's way to close */
        f->what = FOUND_PAID;
        f->receipt = payment_receipt(c, p->provider, &s);
        f->returned = true;
        break;
    case PAYMENT_OTHER:
        LOG(ERROR, "payment.odd_state", KV_S("payment", p->id), KV_S("state", s.trace.code));
        f->what = FOUND_UNPAID;
        break;
    }
    return OK;
}

static enum err close_it(struct ctx *c, const struct payment *p, struct found *f)
{
    const struct payment_port *port;
    struct provider_trace trace = {0};
    TRY(payment_port_of(c, p->provider, &port));
    enum err e = port->ops->close_order(port->self, p->id, c->arena, &trace, c->fault);
    if (e == ERR_PAYMENT_STATE) { /* paid in the last moment */
        fault_clear(c->fault);
        return query(c, p, f);
    }
    if (e == ERR_PROVIDER_BUSY && f->what == FOUND_KEPT) { /* no trade yet, so nothing to close */
        fault_clear(c->fault);
        return OK;
    }
    TRY(payment_outcome(e));
    f->what = FOUND_CLOSED;
    return OK;
}

static bool can_be_paid(const struct payment *p)
{
    return p->state == PAY_WAITING || p->state == PAY_CLOSING;
}

static enum err poll_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    if (!can_be_paid(&p) && n < LOOK_NOW)
        return OK;
    struct found *f = found(c, FOUND_NOTHING);
    TRY(query(c, &p, f));
    bool unpaid = f->what == FOUND_UNPAID || f->what == FOUND_KEPT;
    if (can_be_paid(&p) && unpaid && (!payment_is_wanted(c, &p, &o) || !*p.code_url))
        TRY(close_it(c, &p, f));
    r->value = f;
    return OK;
}

static enum err poll_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct found *f = r->value;
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    if (!f)
        return OK;
    if (f->what == FOUND_PAID)
        return f->returned ? payment_hold_returned(c, &f->receipt) : payment_settle(c, &f->receipt);
    if (!can_be_paid(&p))
        return OK;
    if (f->what == FOUND_CLOSED)
        return payment_end(c, &p, PAY_EV_CLOSED, 0);
    if (f->what == FOUND_KEPT && p.state == PAY_CLOSING) {
        TRY(payment_move(c, &p, PAY_EV_KEPT, NULL, 0));
        TRY(payment_others_go_on(c, p.order));
    }
    return n < LOOK_NOW || p.state == PAY_CLOSING ? payment_poll_later(c, &p, n + 1) : OK;
}

/* Nobody gives up on money: the next look is made whatever happened to this one. */
static enum err poll_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct payment p;
    struct order o;
    int n;
    TRY(load(c, j, &p, &o, &n));
    LOG(WARN, "payment.poll_failed", KV_S("payment", p.id), KV_S("error", err_name(why)), KV_I("look", n));
    return can_be_paid(&p) ? payment_poll_later(c, &p, n + 1) : OK;
}

/* -- the kinds
 * ------------------------------------------------------------------------------------------------ */

static const struct job_kind create_job = {
    .name = "payment.create",
    .max_attempts = 8,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = create_call,
    .done = create_done,
    .failed = create_failed,
};
static const struct job_kind poll_job = {
    .name = "payment.poll",
    .max_attempts = 5,
    .lease_ms = 60000,
    .backoff_ms = 5000,
    .call = poll_call,
    .done = poll_done,
    .failed = poll_failed,
};

const struct job_kind *const payment_jobs[] = {&create_job, &poll_job, &refund_job, &reconcile_job};
const size_t payment_jobs_n = sizeof payment_jobs / sizeof *payment_jobs;
