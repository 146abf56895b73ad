/* order_today.c - what its channel offers an order today, for the list of its actions (S20). Asked for with
 * every order that is shown, and the same until the channel's file changes: kept by the version of that. */
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "order/order_steps.h"
#include "payment/payment.h"

#include <pthread.h>
#include <string.h>

enum {
    KEPT = 64 /* kinds of orders; the eldest goes */
};

struct kind {
    char channel[ID_SIZE];
    int version;
    enum order_kind kind;
    enum subject_kind subject;
    enum medium medium;
};
struct today {
    struct kind of;
    unsigned methods, facts;
};

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct today kept[KEPT];
static unsigned eldest;

static bool same(const struct kind *a, const struct kind *b)
{
    return a->version == b->version && a->kind == b->kind && a->subject == b->subject &&
           a->medium == b->medium && strcmp(a->channel, b->channel) == 0;
}

static bool recall(const struct kind *of, struct today *out)
{
    bool found = false;
    pthread_mutex_lock(&mu);
    for (size_t i = 0; i < KEPT && !found; i++)
        if (same(&kept[i].of, of)) {
            *out = kept[i];
            found = true;
        }
    pthread_mutex_unlock(&mu);
    return found;
}

static void keep(const struct today *t)
{
    pthread_mutex_lock(&mu);
    kept[eldest++ % KEPT] = *t;
    pthread_mutex_unlock(&mu);
}

static enum err ask_methods(struct ctx *c, const struct order *o, struct today *out)
{
    struct offer offer;
    bool any, any_agent;
    enum err e = catalog_offer(c, o->channel, o->kind, o->subject_kind, o->medium, &offer);
    if (e == ERR_METHOD_NOT_OFFERED) {
        fault_clear(c->fault);
        return OK;
    }
    TRY(e);
    struct method_choice ch = {
        .channel = o->channel, .subject_kind = o->subject_kind, .methods = offer.methods};
    TRY(method_any_served(c, &ch, &any));
    ch.of_agent = true;
    ch.methods = offer.agent_methods;
    TRY(method_any_served(c, &ch, &any_agent));
    out->methods = offer.methods;
    out->facts |= (any ? METHODS_SERVED : 0U) | (any_agent ? AGENT_POSSIBLE : 0U);
    return OK;
}

static enum err ask(struct ctx *c, const struct order *o, struct today *out)
{
    const struct material_rule *rules;
    size_t n;
    bool some;
    TRY(ask_methods(c, o, out));
    TRY(catalog_sold(c, o->channel, o->kind, o->subject_kind, o->medium, &some));
    out->facts |= some ? SOLD : 0U;
    TRY(payment_possible(c, o, &some));
    out->facts |= some ? PAYABLE : 0U;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n));
    out->facts |= n ? MATERIALS_ASKED : 0U;
    return OK;
}

enum err order_today(struct ctx *c, const struct order *o, unsigned *facts)
{
    struct today t = {
        .of = {
            .version = o->channel_version, .kind = o->kind, .subject = o->subject_kind, .medium = o->medium}};
    memcpy(t.of.channel, o->channel, sizeof t.of.channel);
    if (!t.of.version || !recall(&t.of, &t)) {
        TRY(ask(c, o, &t));
        if (t.of.version)
            keep(&t);
    }
    *facts |= t.facts | (t.methods & 1U << o->method ? METHOD_OFFERED : 0U) |
              (identity_phone_proved(o->subject_kind, o->method) ? AGENT_POSSIBLE : 0U);
    return OK;
}
