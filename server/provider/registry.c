#include "provider/registry.h"

#include "provider/settings.h"

#include <string.h>

/* X(port, supplier, settings, open): a new supplier is a row here. */
#define SUPPLIERS(X)                                                                                         \
    X(identity, "tencent", tencent_identity_settings, tencent_identity_open)                                 \
    X(identity, "esign", esign_identity_settings, esign_identity_open)                                       \
    X(identity, "http", http_identity_settings, http_identity_open)                                          \
    X(sms, "tencent", tencent_sms_settings, tencent_sms_open)                                                \
    X(mail, "smtp", smtp_settings, smtp_open)                                                                \
    X(payment, "wechat", wechat_settings, wechat_payment_open)                                               \
    X(payment, "alipay", alipay_settings, alipay_payment_open)                                               \
    X(courier, "kuaidi100", kuaidi100_settings, kuaidi100_open)                                              \
    X(invoice, "nuonuo", nuonuo_settings, nuonuo_open)

/* The open functions differ in type by port: one member is set. */
static const struct supplier {
    struct provider_row row;
    enum err (*identity)(const struct provider_env *, struct identity_port *, struct fault *);
    enum err (*sms)(const struct provider_env *, struct sms_port *, struct fault *);
    enum err (*mail)(const struct provider_env *, struct mail_port *, struct fault *);
    enum err (*payment)(const struct provider_env *, struct payment_port *, struct fault *);
    enum err (*courier)(const struct provider_env *, struct courier_port *, struct fault *);
    enum err (*invoice)(const struct provider_env *, struct invoice_port *, struct fault *);
} suppliers[] = {
#define X(p, name, settings, open) {.row = {#p, name, #p "." name, settings}, .p = (open)},
    SUPPLIERS(X)
#undef X
};

static const size_t n_suppliers = sizeof suppliers / sizeof *suppliers;

const struct provider_row *provider_row(size_t i)
{
    return i < n_suppliers ? &suppliers[i].row : NULL;
}

/* The supplier's row with its required settings there. */
static enum err find(const char *port, const char *name, const struct provider_env *env,
                     const struct supplier **out, struct fault *f)
{
    for (size_t i = 0; i < n_suppliers; i++) {
        const struct supplier *s = &suppliers[i];
        if (strcmp(s->row.port, port) == 0 && strcmp(s->row.supplier, name) == 0) {
            *out = s;
            return settings_check(env, s->row.settings, f);
        }
    }
    return fail(f, ERR_INVALID, "there is no supplier \"%s\" for %s", name, port);
}

#define OPEN(port)                                                                                           \
    enum err port##_open(const char *supplier, const struct provider_env *env, struct port##_port *out,      \
                         struct fault *f)                                                                    \
    {                                                                                                        \
        const struct supplier *s = NULL;                                                                     \
        TRY(find(#port, supplier, env, &s, f));                                                              \
        return s->port(env, out, f);                                                                         \
    }
OPEN(identity)
OPEN(sms)
OPEN(mail)
OPEN(payment)
OPEN(courier)
OPEN(invoice)
