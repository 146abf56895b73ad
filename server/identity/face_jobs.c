/* Opening face sessions, and asking how they went. */
#include "app.h"
#include "base/log.h"
#include "identity/choice.h"
#include "identity/face.h"
#include "identity/identity_calls.h"
#include "providers.h"

#include <stdlib.h>
#include <string.h>

const char *identity_look(struct ctx *c, const struct job *j, int *n)
{
    char *text = arena_strndup(c->arena, j->payload, j->payload_n), *space = strchr(text, ' ');
    *n = space ? atoi(space + 1) : -1;
    if (space)
        *space = '\0';
    return text;
}

/* -- opening -----------------------------------------------------------------------------------------------
 */

static enum err open_session(struct ctx *c, const struct identity_port *p, const struct face_session *f,
                             const struct check_task *who, struct face_opened **out)
{
    struct identity_face *s = ARENA_NEW(c->arena, struct identity_face);
    struct identity_person person = identity_person_of(who);
    struct identity_face_order o = {.our_no = f->id,
                                    .notify_url = arena_printf(c->arena, "%s/callback/identity/%s",
                                                               c->app->providers->public_url, p->ops->name)};
    TRY(p->ops->face_start(p->self, &person, &o, c->arena, s, c->fault));
    *out = ARENA_NEW(c->arena, struct face_opened);
    **out = (struct face_opened){p->ops->name, s->token, s->url, s->expires_ms};
    return OK;
}

/* Repeating after a lost answer opens another session; the lost one was shown to nobody and runs out. */
static enum err start_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct face_session f;
    struct waited w;
    struct choices who;
    struct face_opened *opened = NULL;
    TRY(face_read(c, identity_payload(c, j), &f));
    TRY(identity_waited(c, f.verification, &w));
    if (f.state != FACE_OPENING || !w.current)
        return OK;
    TRY(choose_suppliers(c, w.o.channel, w.v.method, CHECK_FACE, &who));
    enum err e = fail(c->fault, ERR_PROVIDER_CONFIG, "no supplier is configured for faces");
    for (size_t i = 0; i < who.n; i++) {
        fault_clear(c->fault);
        e = open_session(c, who.ports[i], &f, &w.who, &opened);
        r->value = opened;
        if (e == OK || !identity_elsewhere(j, e))
            return e;
    }
    return e;
}

static enum err start_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const char *id = identity_payload(c, j);
    return r->value ? face_opened(c, id, r->value) : face_failed(c, id);
}

static enum err start_failed(struct ctx *c, const struct job *j, enum err why)
{
    (void)why;
    return face_failed(c, identity_payload(c, j));
}

/* -- asking ------------------------------------------------------------------------------------------------
 */

struct look {
    bool abandoned;
    struct check_answer *answer;
};

static enum err poll_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct face_session f;
    struct waited w;
    struct identity_result result = {0};
    int n;
    TRY(face_read(c, identity_look(c, j, &n), &f));
    if (f.state != FACE_OPEN)
        return OK;
    TRY(identity_waited(c, f.verification, &w));
    const struct identity_port *p = providers_identity(c->app->providers, f.provider);
    if (!p || !p->ops->face_query)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "the supplier of this session is not configured any more");
    TRY(p->ops->face_query(p->self, f.token, c->arena, &result, c->fault));
    struct look *l = ARENA_NEW(c->arena, struct look);
    r->value = l;
    if (result.verdict == IDENTITY_BUSY)
        return fail(c->fault, ERR_PROVIDER_BUSY, NULL);
    if (result.verdict == IDENTITY_PENDING || result.verdict == IDENTITY_RATE_LIMITED ||
        result.verdict == IDENTITY_CONFIG_ERROR)
        return OK; /* later */
    w.who.kind = CHECK_FACE;
    w.who.check = check_name(CHECK_FACE);
    if (result.verdict == IDENTITY_MISMATCH && result.fields == 0)
        result.fields = IDENTITY_FACE;
    l->answer = identity_answer(c, &w.who, f.provider, &result);
    l->abandoned = result.verdict == IDENTITY_ABANDONED;
    if (l->abandoned)
        l->answer->mismatched = "";
    return OK;
}

static enum err poll_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct look *l = r->value;
    int n;
    const char *id = identity_look(c, j, &n);
    return l ? face_looked(c, id, l->answer, l->abandoned, n) : OK;
}

/* Whatever happened to this look, the next one is made. */
static enum err poll_failed(struct ctx *c, const struct job *j, enum err why)
{
    int n;
    const char *id = identity_look(c, j, &n);
    LOG(WARN, "identity.face_poll_failed", KV_S("session", id), KV_S("error", err_name(why)),
        KV_I("look", n));
    return face_looked(c, id, NULL, false, n);
}

const struct job_kind face_start_job = {
    .name = "identity.face",
    .max_attempts = 6,
    .lease_ms = 120000,
    .backoff_ms = 1000,
    .call = start_call,
    .done = start_done,
    .failed = start_failed,
};
const struct job_kind face_poll_job = {
    .name = "identity.face_poll",
    .max_attempts = 5,
    .lease_ms = 60000,
    .backoff_ms = 2000,
    .call = poll_call,
    .done = poll_done,
    .failed = poll_failed,
};
