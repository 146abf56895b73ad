/* outbox_rig.h - a world whose jobs run against certdesk-sandbox through the real adapters, on a clock that
 * the test sets. */
#ifndef CERTDESK_TESTS_FEATURE_OUTBOX_RIG_H
#define CERTDESK_TESTS_FEATURE_OUTBOX_RIG_H

#include "provider/sandbox_rig.h"
#include "lib/hands.h"
#include "world.h"

struct outbox_rig {
    struct world w;
    struct rig r;
    struct providers providers;
    struct outbox *outbox;
    const struct job_kind *kinds[16];
    struct hands hands;
};

/* Moves the clock of this program and the sandbox. */
static inline void rig_let_pass(struct outbox_rig *x, int64_t ms)
{
    hands_set(&x->hands, x->hands.offset_ms + ms);
    test_ctx_reset(&x->w.t);
    x->w.c->now_ms = clock_now_ms();
    outbox_wake(x->outbox);
}

static inline int rig_outbox_start(struct outbox_rig *x)
{
    struct outbox_options o = {
        .app = &x->w.app, .db = &x->w.schema.options, .keys = test_keys(), .kinds = x->kinds, .threads = 2};
    for (size_t i = 0; i < identity_jobs_n; i++)
        x->kinds[o.n_kinds++] = identity_jobs[i];
    return outbox_start(&o, &x->outbox, &x->w.t.fault) == OK ? 0 : -1;
}

static inline int rig_world_open(struct outbox_rig *x)
{
    if (hands_open(&x->hands) != 0 || world_open(&x->w) != 0)
        return -1;
    rig_start(&x->r);
    x->r.inbox.status = 200;
    x->r.inbox.body = "";
    x->providers = (struct providers){.http = x->r.http, .identity = {x->r.identity}, .n_identity = 1};
    x->providers.public_url = arena_printf(&x->r.a, "http://127.0.0.1:%d", x->r.inbox.port);
    x->w.app.providers = &x->providers;
    return rig_outbox_start(x);
}

static inline int rig_world_close(struct outbox_rig *x)
{
    outbox_stop(x->outbox);
    int gone = rig_stop(&x->r);
    hands_close(&x->hands);
    return world_close(&x->w) || gone;
}

struct rig_awaited {
    struct outbox_rig *x;
    const char *id;
    int state;
    bool of_order;
};

static inline bool rig_is(void *arg)
{
    const struct rig_awaited *a = arg;
    struct order o;
    struct verification v;
    test_ctx_reset(&a->x->w.t);
    struct ctx *c = a->x->w.c;
    c->now_ms = clock_now_ms();
    if (order_load(c, a->id, &o) != OK)
        return false;
    if (a->of_order)
        return (int)o.state == a->state;
    return *o.verification && identity_load(c, o.verification, &v) == OK && (int)v.state == a->state;
}

/* The newest verification of the order becomes this. */
static inline void rig_wait(struct outbox_rig *x, const char *order, enum verification_state s)
{
    outbox_wake(x->outbox);
    if (!test_until(rig_is, &(struct rig_awaited){x, order, (int)s, false}, PATIENCE_MS))
        world_fail("the verification did not become %d\n", (int)s);
}

static inline void rig_wait_order(struct outbox_rig *x, const char *order, enum order_state s)
{
    outbox_wake(x->outbox);
    if (!test_until(rig_is, &(struct rig_awaited){x, order, (int)s, true}, PATIENCE_MS))
        world_fail("the order did not become %s\n", order_state_name((int)s));
}

/* How often the sandbox was asked: "tencent.PhoneVerification". */
static inline int64_t rig_calls(struct outbox_rig *x, const char *action)
{
    int64_t n = 0;
    json_t *log = rig_control(&x->r, "/sim/log", NULL);
    js_int(json_object_get(log, "counts"), action, &n);
    json_decref(log);
    return n;
}

#endif
