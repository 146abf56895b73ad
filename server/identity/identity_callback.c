/* identity_callback.c - a supplier tells that a face session or a transfer has news: verified, stored once,
 * and then the supplier is asked at once. What it says is believed by nobody. */
#include "app.h"
#include "core/crypt.h"
#include "core/tx.h"
#include "identity/deposit.h"
#include "identity/face.h"
#include "provider/identity.h"
#include "providers.h"

#include <string.h>

/* Nothing here lives in the ctx's arena: a retry of the transaction throws that away. */
struct told {
    const char *provider;
    struct identity_event event;
    const char *body;
    size_t n_body;
};

/* A look of its own beside the row of looks, once an event. */
static enum err look_now(struct ctx *c, const char *kind, const char *id, const char *order,
                         const unsigned char key[static 32])
{
    char hex[17];
    hex_encode(key, 8, hex);
    return outbox_add(c, kind, arena_printf(c->arena, "%s:%s:%s", kind, id, hex), order, id, strlen(id), 0,
                      NULL);
}

/* "" for what is nobody's: it is kept, and nothing is asked. */
static enum err hasten(struct ctx *c, const struct told *t, const unsigned char key[static 32],
                       const char **object)
{
    struct face_session f;
    struct deposit d;
    *object = "";
    enum err e = face_by_token(c, t->provider, t->event.flow, &f);
    if (e == OK) {
        *object = arena_strdup(c->arena, f.id);
        return f.state == FACE_OPEN ? look_now(c, "identity.face_poll", f.id, f.order, key) : OK;
    }
    if (e == ERR_NOT_FOUND)
        e = deposit_by_flow(c, t->provider, t->event.flow, &d);
    if (e == ERR_NOT_FOUND && id_valid("dep", t->event.our_no))
        e = deposit_read(c, t->event.our_no, &d);
    if (e == OK) {
        *object = arena_strdup(c->arena, d.id);
        bool looked_after = d.state == DEPOSIT_ORDERED || d.state == DEPOSIT_SENT;
        return looked_after ? look_now(c, "identity.transfer_poll", d.id, d.order, key) : OK;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    return OK;
}

static enum err book(struct ctx *c, void *arg)
{
    const struct told *t = arg;
    unsigned char key[32];
    const char *object;
    if (t->event.id[0])
        crypt_sha256(t->event.id, strlen(t->event.id), key);
    else
        crypt_sha256(t->body, t->n_body, key);
    TRY(hasten(c, t, key, &object));
    enum err e = identity_event_insert(c, t->provider, key, object, t->body, t->n_body);
    if (e != ERR_DB_DUPLICATE)
        return e;
    fault_clear(c->fault); /* booked with its first coming */
    return OK;
}

static enum err told(struct ctx *c, const struct callback_request *r)
{
    enum {
        BODY_MAX = 8000
    };
    const struct identity_port *p = providers_identity(c->app->providers, r->rest);
    struct identity_callback in = {r->headers, r->query, r->n_headers, r->n_query, r->body, r->n_body};
    struct told t = {.body = r->body, .n_body = r->n_body};
    if (!p || !p->ops->callback_verify)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    t.provider = p->ops->name;
    TRY(p->ops->callback_verify(p->self, &in, c->now_ms, c->arena, &t.event, c->fault));
    if (t.n_body > BODY_MAX)
        t.n_body = BODY_MAX;
    return tx_run(c, book, &t);
}

static struct callback_answer answer(enum err e)
{
    int status = e == OK                  ? 200
                 : e == ERR_SIGNATURE_BAD ? 401
                 : e == ERR_NOT_FOUND     ? 404
                 : e == ERR_INVALID       ? 400
                                          : 500;
    return (struct callback_answer){status, "application/json", e == OK ? "{\"code\":0}" : "{\"code\":1}"};
}

static const struct callback_route routes[] = {
    {"identity", "/callback/identity/", told, answer},
};
const struct callback_table identity_callbacks = {routes, sizeof routes / sizeof *routes};
