#include "identity/choice.h"

#include "app.h"
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "providers.h"

#include <string.h>

static void add(struct choices *out, const struct identity_port *p, enum check k)
{
    if (p && out->n < CHOICES && check_done_by(k, p->ops))
        out->ports[out->n++] = p;
}

/* The channel's own choice of suppliers for a method, by name. */
struct wished {
    const char *names[CHOICES];
    size_t n;
};

static struct choices among(struct ctx *c, const struct wished *w, enum check k)
{
    const struct providers *p = c->app->providers;
    struct choices out = {0};
    for (size_t i = 0; p && i < w->n; i++)
        add(&out, providers_identity(p, w->names[i]), k);
    for (size_t i = 0; p && i < p->n_identity && (w->n == 0 || out.n == 0); i++)
        add(&out, &p->identity[i], k);
    return out;
}

enum err choose_suppliers(struct ctx *c, const char *channel, enum method m, enum check k,
                          struct choices *out)
{
    struct wished w = {0};
    TRY(catalog_suppliers(c, channel, m, w.names, &w.n));
    *out = among(c, &w, k);
    return OK;
}

/* Suppliers send to companies' accounts only (provider/identity.h). */
static const struct identity_port *sender_among(const struct ctx *c, const char *const *names, size_t n,
                                                enum subject_kind kind)
{
    const struct providers *p = c->app->providers;
    if (kind != SUBJECT_ORGANIZATION)
        return NULL;
    for (size_t i = 0; p && i < n && strcmp(names[i], REMITTANCE) != 0; i++) {
        const struct identity_port *port = providers_identity(p, names[i]);
        if (port && check_done_by(CHECK_TRANSFER, port->ops))
            return port;
    }
    return NULL;
}

static bool remark_among(const char *const *names, size_t n)
{
    bool named = false;
    for (size_t i = 0; i < n; i++)
        named = named || strcmp(names[i], REMITTANCE) == 0;
    return named;
}

enum err choose_sender(struct ctx *c, const char *channel, enum subject_kind kind,
                       const struct identity_port **out)
{
    const char *names[CHOICES];
    size_t n = 0;
    *out = NULL;
    TRY(catalog_suppliers(c, channel, METHOD_MICRO_DEPOSIT, names, &n));
    *out = sender_among(c, names, n, kind);
    return OK;
}

enum err choose_remark(struct ctx *c, const char *channel, bool *out)
{
    const char *names[CHOICES];
    size_t n = 0;
    TRY(catalog_suppliers(c, channel, METHOD_MICRO_DEPOSIT, names, &n));
    *out = remark_among(names, n);
    return OK;
}

enum secret_way identity_secret_way(const struct ctx *c, const char *const *senders, size_t n,
                                    enum subject_kind kind, enum method m)
{
    if (m == METHOD_MICRO_DEPOSIT && (!sender_among(c, senders, n, kind) || remark_among(senders, n)))
        return SECRET_BY_REMARK;
    return kind == SUBJECT_INDIVIDUAL ? SECRET_TO_APPLICANT : SECRET_TO_LEGAL_REP;
}

enum err choose_secret_way(struct ctx *c, const struct order *o, enum secret_way *out)
{
    const char *names[CHOICES];
    size_t n = 0;
    TRY(catalog_suppliers(c, o->channel, METHOD_MICRO_DEPOSIT, names, &n));
    *out = identity_secret_way(c, names, n, o->subject_kind, o->method);
    return OK;
}

enum err identity_method_served(struct ctx *c, const char *channel, enum subject_kind kind, bool of_agent,
                                enum method m, bool *served)
{
    const struct plan *p = plan_of(kind, of_agent, m);
    struct wished w = {0};
    *served = p != NULL;
    if (!p)
        return OK;
    TRY(catalog_suppliers(c, channel, m, w.names, &w.n));
    for (size_t i = 0; i < PLAN_CHECKS && p->checks[i] && *served; i++)
        *served = among(c, &w, p->checks[i]).n > 0;
    *served = *served && (p->proof != PROOF_FACE || among(c, &w, CHECK_FACE).n > 0);
    return OK;
}
