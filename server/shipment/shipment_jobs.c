/* Asking the courier: once to report by itself, and now and then because pushes get lost. */
#include "app.h"
#include "providers.h"
#include "shipment/shipment_desk.h"
#include "shipment/shipment_store.h"

enum {
    POLL_EVERY_MS = 4 * 60 * 60 * 1000
};

static const struct courier_port *port(struct ctx *c)
{
    return &c->app->providers->courier;
}

static enum err load(struct ctx *c, const struct job *j, struct shipment *s, struct courier_parcel *p)
{
    TRY(shipment_by_id(c, arena_strndup(c->arena, j->payload, j->payload_n), s));
    if (!port(c)->ops)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "no courier provider is configured");
    *p = (struct courier_parcel){s->courier, s->tracking_number, s->delivery.phone};
    return OK;
}

static enum err subscribe(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)r;
    struct shipment s;
    struct courier_parcel p;
    struct provider_trace trace;
    TRY(load(c, j, &s, &p));
    if (!s.in_work)
        return OK;
    const char *url =
        arena_printf(c->arena, "%s/callback/kuaidi100/%s", c->app->providers->public_url, s.push_key);
    return port(c)->ops->subscribe(port(c)->self, &p, url, s.salt, c->arena, &trace, c->fault);
}

static enum err subscribed(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)c;
    (void)j;
    (void)r;
    return OK;
}

static enum err poll(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct shipment s;
    struct courier_parcel p;
    TRY(load(c, j, &s, &p));
    if (!s.in_work)
        return OK;
    struct courier_track *t = ARENA_NEW(c->arena, struct courier_track);
    r->value = t;
    return port(c)->ops->query(port(c)->self, &p, c->arena, t, c->fault);
}

static enum err poll_again(struct ctx *c, const struct job *j, const struct shipment *s)
{
    const char *dedupe = arena_printf(c->arena, "poll:%s:%s", s->id, j->id);
    return outbox_add(c, "shipment.poll", dedupe, s->order, j->payload, j->payload_n,
                      c->now_ms + POLL_EVERY_MS, NULL);
}

static enum err polled(struct ctx *c, const struct job *j, const struct job_result *r)
{
    struct shipment s;
    TRY(shipment_by_id(c, arena_strndup(c->arena, j->payload, j->payload_n), &s));
    if (r->value)
        TRY(shipment_track(c, &s, r->value));
    return s.in_work ? poll_again(c, j, &s) : OK;
}

/* One poll that failed for good must not end the polling. */
static enum err poll_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    struct shipment s;
    TRY(shipment_by_id(c, arena_strndup(c->arena, j->payload, j->payload_n), &s));
    return s.in_work ? poll_again(c, j, &s) : OK;
}

static const struct job_kind subscribe_kind = {"shipment.subscribe", 10,  60000, 5000, subscribe,
                                               subscribed,           NULL};
static const struct job_kind poll_kind = {"shipment.poll", 5, 60000, 60000, poll, polled, poll_failed};

const struct job_kind *const shipment_jobs[] = {&subscribe_kind, &poll_kind};
const size_t shipment_jobs_n = sizeof shipment_jobs / sizeof *shipment_jobs;
