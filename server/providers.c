#include "providers.h"

#include "base/clock.h"
#include "config.h"
#include "provider/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct identity_port *providers_identity(const struct providers *p, const char *supplier)
{
    for (size_t i = 0; i < p->n_identity; i++)
        if (strcmp(p->identity[i].ops->name, supplier) == 0)
            return &p->identity[i];
    return NULL;
}

const struct payment_port *providers_payment(const struct providers *p, const char *supplier)
{
    for (size_t i = 0; i < p->n_payment; i++)
        if (strcmp(p->payment[i].ops->name, supplier) == 0)
            return &p->payment[i];
    return NULL;
}

static const char *setting(void *arg, const char *key)
{
    const struct provider_asking *a = arg;
    return config_provider(a->config, a->section, key);
}

static enum err only_one(const struct provider_row *r, bool there, struct fault *f)
{
    return there ? fail(f, ERR_INVALID, "[%s]: one supplier is enough for %s", r->section, r->port) : OK;
}

/* SEVERAL: suppliers side by side. SINGLE: one at most. */
#define SEVERAL(name)                                                                                        \
    if (strcmp(r->port, #name) == 0) {                                                                       \
        struct name##_port *port = &p->name[p->n_##name];                                                    \
        TRY(name##_open(r->supplier, env, port, f));                                                         \
        p->n_##name++;                                                                                       \
        p->simulator = p->simulator || port->simulator;                                                      \
        return OK;                                                                                           \
    }
#define SINGLE(name)                                                                                         \
    if (strcmp(r->port, #name) == 0) {                                                                       \
        TRY(only_one(r, p->name.ops != NULL, f));                                                            \
        TRY(name##_open(r->supplier, env, &p->name, f));                                                     \
        p->simulator = p->simulator || p->name.simulator;                                                    \
        return OK;                                                                                           \
    }

static enum err open_row(struct providers *p, const struct provider_row *r, const struct provider_env *env,
                         struct fault *f)
{
    SEVERAL(identity)
    SEVERAL(payment)
    SINGLE(sms)
    SINGLE(mail)
    SINGLE(courier)
    SINGLE(invoice)
    return fail(f, ERR_INTERNAL, "nobody opens the port %s", r->port);
}

enum err providers_open(struct providers *p, const struct config *c, struct fault *f)
{
    const struct provider_row *r;
    for (size_t i = 0; (r = provider_row(i)) && i < SUPPLIERS_MAX; i++) {
        if (!config_has_provider(c, r->section))
            continue;
        p->asking[i] = (struct provider_asking){c, r->section};
        struct provider_env env = {
            .http = p->http, .setting = setting, .arg = &p->asking[i], .now_ms = clock_now_ms};
        TRY(open_row(p, r, &env, f));
    }
    if (p->invoice.ops && p->tokens)
        p->invoice.ops->use_tokens(p->invoice.self, p->tokens);
    const char *url = config_text(c, CONFIG_PUBLIC_URL);
    if (!*url) {
        snprintf(p->made_url, sizeof p->made_url, "http://%s", config_text(c, CONFIG_CALLBACK_LISTEN));
        url = p->made_url;
    }
    p->public_url = url;
    return OK;
}

void providers_close(struct providers *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_identity; i++)
        p->identity[i].ops->close(p->identity[i].self);
    for (size_t i = 0; i < p->n_payment; i++)
        p->payment[i].ops->close(p->payment[i].self);
#define CLOSE(name)                                                                                          \
    if (p->name.ops)                                                                                         \
    p->name.ops->close(p->name.self)
    CLOSE(sms);
    CLOSE(mail);
    CLOSE(courier);
    CLOSE(invoice);
#undef CLOSE
    if (p->http)
        http_close(p->http);
    free(p);
}
