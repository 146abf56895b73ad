/* reconcile_jobs.c - the provider's bill of a day, fetched and compared. */
#include "app.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/tx.h"
#include "payment/payment_steps.h"
#include "payment/reconcile_store.h"
#include "provider/payment.h"
#include "provider/when.h"
#include "providers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t DAY_MS = 24 * 3600000, AGAIN_MS = 30 * 60000, AGAIN_MAX_MS = 12 * 3600000;

/* Payload: "wechat 2026-11-21 n"; n below 0: a person asked for this day, and no other job follows. */
struct day {
    int provider;
    const char *date;
    int n;
};

int payment_provider_of(const char *supplier)
{
    for (int p = PROVIDER_WECHAT; p <= PROVIDER_ALIPAY; p++)
        if (strcmp(payment_supplier(p), supplier) == 0)
            return p;
    return 0;
}

static struct day read_day(struct ctx *c, const struct job *j)
{
    char *rest = arena_strndup(c->arena, j->payload, j->payload_n), *supplier = strsep(&rest, " ");
    struct day d = {.provider = payment_provider_of(supplier), .date = ""};
    const char *date = strsep(&rest, " ");
    if (date)
        d.date = date;
    d.n = rest ? atoi(rest) : 0;
    return d;
}

static void date_of(int64_t ms, char out[static WHEN_SIZE])
{
    when_rfc3339_beijing(ms, out);
    out[10] = '\0';
}

static enum err fetch(struct ctx *c, int provider, const char *date, struct payment_bill *out)
{
    const struct payment_port *port;
    TRY(payment_port_of(c, provider, &port));
    if (!port->ops->bill)
        return fail(c->fault, ERR_UNIMPLEMENTED, "the bills of this provider cannot be read");
    return port->ops->bill(port->self, date, c->arena, out, c->fault);
}

struct fetched {
    struct payment_bill bill;
    const enum booked_as *booked;
};

static enum err reconcile_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct day d = read_day(c, j);
    struct fetched *got = ARENA_NEW(c->arena, struct fetched);
    enum err e = fetch(c, d.provider, d.date, &got->bill);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return OK;
    }
    if (e == ERR_SIGNATURE_BAD)
        return ERR_PROVIDER_UNKNOWN;
    TRY(e);
    TRY(reconcile_book(c, d.provider, &got->bill, &got->booked));
    r->value = got;
    return OK;
}

/* The day after has a bill, too, whatever becomes of this one. */
static enum err plan_next(struct ctx *c, const struct day *d)
{
    int64_t from_ms;
    char next[WHEN_SIZE];
    TRY(reconcile_day(c, d->date, &from_ms));
    date_of(from_ms + DAY_MS, next);
    return reconcile_plan(c, d->provider, next);
}

/* Half an hour, then doubling up to half a day, for ever: a bill that does not come is seen as WAITING. */
static enum err again_later(struct ctx *c, const struct day *d)
{
    int64_t pause = AGAIN_MS;
    for (int i = 0; i < d->n && pause < AGAIN_MAX_MS; i++)
        pause *= 2;
    if (pause > AGAIN_MAX_MS)
        pause = AGAIN_MAX_MS;
    const char *supplier = payment_supplier(d->provider);
    const char *payload = arena_printf(c->arena, "%s %s %d", supplier, d->date, d->n + 1);
    if (d->n < 8)
        LOG(WARN, "reconcile.no_bill", KV_S("provider", supplier), KV_S("date", d->date),
            KV_I("looks", d->n + 1));
    else
        LOG(ERROR, "reconcile.no_bill", KV_S("provider", supplier), KV_S("date", d->date),
            KV_I("looks", d->n + 1));
    return outbox_add(c, "payment.reconcile",
                      arena_printf(c->arena, "payment.reconcile:%s:%s:%d", supplier, d->date, d->n + 1),
                      arena_printf(c->arena, "%s/%s", supplier, d->date), payload, strlen(payload),
                      c->now_ms + pause, NULL);
}

static enum err reconcile_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    struct day d = read_day(c, j);
    struct reconciliation out;
    if (d.n >= 0)
        TRY(plan_next(c, &d));
    const struct fetched *got = r->value;
    if (got)
        return reconcile_with(c, d.provider, d.date, &got->bill, got->booked, &out);
    TRY(reconcile_waits(c, d.provider, d.date));
    return d.n >= 0 ? again_later(c, &d) : OK;
}

static enum err reconcile_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct day d = read_day(c, j);
    LOG(ERROR, "reconcile.failed", KV_S("date", d.date), KV_S("error", err_name(why)));
    TRY(reconcile_waits(c, d.provider, d.date));
    if (d.n < 0)
        return OK;
    TRY(plan_next(c, &d));
    return again_later(c, &d);
}

const struct job_kind reconcile_job = {
    .name = "payment.reconcile",
    .max_attempts = 5,
    .lease_ms = 180000,
    .backoff_ms = 10000,
    .call = reconcile_call,
    .done = reconcile_done,
    .failed = reconcile_failed,
};

/* -- by hand, and when the server starts -------------------------------------------------------------------
 */

struct asked_for {
    int provider;
    const char *date;
    const struct fetched *got;
    struct reconciliation *out;
};

static enum err compare_body(struct ctx *c, void *arg)
{
    const struct asked_for *h = arg;
    return reconcile_with(c, h->provider, h->date, &h->got->bill, h->got->booked, h->out);
}

enum err reconcile_now(struct ctx *c, const char *supplier, const char *date, struct reconciliation *out)
{
    int64_t from_ms;
    struct fetched got = {0};
    int provider = payment_provider_of(supplier);
    if (!provider)
        return fail(c->fault, ERR_INVALID, "there is no provider %s", supplier);
    TRY(reconcile_day(c, date, &from_ms));
    enum err e = fetch(c, provider, date, &got.bill);
    if (e == ERR_NOT_FOUND)
        return fail(c->fault, ERR_NOT_FOUND, "%s has no bill of %s yet", supplier, date);
    TRY(e);
    TRY(reconcile_book(c, provider, &got.bill, &got.booked));
    return tx_run(c, compare_body, &(struct asked_for){provider, date, &got, out});
}

static enum err no_such_day(struct ctx *c, const char *field, const char *en, const char *zh)
{
    fault_field(c->fault, field, "VALUE", en, zh);
    return fault_fields(c->fault);
}

enum err reconcile_again(struct ctx *c, int provider, const char *date, struct reconciliation *out)
{
    int64_t from_ms;
    const struct payment_port *port;
    const char *supplier = payment_supplier(provider);
    if (!supplier || payment_port_of(c, provider, &port) != OK || !port->ops->bill) {
        fault_clear(c->fault);
        return no_such_day(c, "provider", "no provider of whom bills can be had", "该支付机构没有账单");
    }
    if (!when_read_day(date, &from_ms) || from_ms + DAY_MS > c->now_ms)
        return no_such_day(c, "date", "a day that is over, like 2026-11-21",
                           "请填写已结束的日期，如2026-11-21");
    TRY(reconciliation_read(c, provider, date, out));
    const char *payload = arena_printf(c->arena, "%s %s -1", supplier, date);
    /* a second press in the same minute is the same wish */
    const char *dedupe = arena_printf(c->arena, "payment.reconcile:%s:%s:again:%lld", supplier, date,
                                      (long long)(c->now_ms / 60000));
    TRY(outbox_add(c, "payment.reconcile", dedupe, arena_printf(c->arena, "%s/%s", supplier, date), payload,
                   strlen(payload), 0, NULL));
    return audit_add(c,
                     &(struct audit_entry){.action = "payment.reconcile_asked",
                                           .object = arena_printf(c->arena, "%s/%s", supplier, out->date)});
}

struct planned {
    int provider;
    const char *date;
};

static enum err plan_body(struct ctx *c, void *arg)
{
    const struct planned *p = arg;
    return reconcile_plan(c, p->provider, p->date);
}

/* Nothing is written when the day is planned: most starts of a server change nothing. */
static enum err begin(struct ctx *c, int provider, const char *date)
{
    struct job_row *there;
    size_t n;
    struct job_filter f = {.object = arena_printf(c->arena, "%s/%s", payment_supplier(provider), date),
                           .limit = 1};
    TRY(outbox_list(c, &f, &there, &n));
    return n ? OK : tx_run(c, plan_body, &(struct planned){provider, date});
}

enum err reconcile_begin(struct ctx *c)
{
    char today[WHEN_SIZE];
    date_of(c->now_ms, today);
    for (int p = PROVIDER_WECHAT; p <= PROVIDER_ALIPAY; p++) {
        const struct payment_port *port = providers_payment(c->app->providers, payment_supplier(p));
        if (port && port->ops->bill)
            TRY(begin(c, p, today));
    }
    return OK;
}
