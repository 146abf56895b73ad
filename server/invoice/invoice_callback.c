/* invoice_callback.c - the supplier says that there is news. Nothing is signed, so nothing is believed: the
 * path is a secret of the invoice's, the number must be one of its own, and what follows is a question. */
#include "app.h"
#include "core/tx.h"
#include "invoice/invoice_steps.h"
#include "provider/invoice.h"
#include "providers.h"

#include <string.h>

struct told {
    const char *key;
    struct invoice_event event;
};

/* Once for each state that is told of each number: asked at once. */
static enum err look(struct ctx *c, const struct invoice *v, bool red, const struct invoice_event *e)
{
    const char *payload = arena_printf(c->arena, "%s %c %s 0", v->id, red ? 'r' : 'b', e->order_no);
    return outbox_add(c, "invoice.poll", arena_printf(c->arena, "invoice.told:%s:%s", e->order_no, e->state),
                      v->order, payload, strlen(payload), 0, NULL);
}

static enum err hear(struct ctx *c, void *arg)
{
    const struct told *t = arg;
    struct invoice v;
    TRY(invoice_read_callback(c, t->key, &v));
    if (strcmp(t->event.order_no, v.blue.order_no) == 0)
        return v.state == INV_SUBMITTED ? look(c, &v, false, &t->event) : OK;
    if (strcmp(t->event.order_no, v.red.order_no) == 0)
        return v.state == INV_REVERSING ? look(c, &v, true, &t->event) : OK;
    return fail(c->fault, ERR_INVALID, "a callback about another number");
}

static enum err nuonuo(struct ctx *c, const struct callback_request *r)
{
    const struct invoice_port *port = &c->app->providers->invoice;
    struct told t = {.key = r->rest};
    if (!port->ops || strcmp(port->ops->name, "nuonuo") != 0)
        return fail(c->fault, ERR_PROVIDER_CONFIG, NULL);
    TRY(port->ops->callback_read(port->self, r->body, r->n_body, c->arena, &t.event, c->fault));
    return tx_run(c, hear, &t);
}

static struct callback_answer nuonuo_answer(enum err e)
{
    static const char yes[] = "{\"status\":\"0000\",\"message\":\"同步成功\"}",
                      no[] = "{\"status\":\"9999\",\"message\":\"同步失败\"}";
    int status = e == OK ? 200 : e == ERR_NOT_FOUND ? 404 : e == ERR_INVALID ? 400 : 500;
    return (struct callback_answer){status, "application/json", e == OK ? yes : no};
}

static const struct callback_route routes[] = {
    {"nuonuo", "/callback/nuonuo/", nuonuo, nuonuo_answer},
};
const struct callback_table invoice_callbacks = {routes, sizeof routes / sizeof *routes};
