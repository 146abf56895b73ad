/* registry.h - which suppliers there are, and what each wants to be told.
 *
 * A supplier is one file and one row here. Opening goes by its name; the rows list the settings with their
 * meaning, for `certdeskd config` and for a complaint that names the missing one.
 */
#ifndef CERTDESK_PROVIDER_REGISTRY_H
#define CERTDESK_PROVIDER_REGISTRY_H

#include "provider/courier.h"
#include "provider/identity.h"
#include "provider/invoice.h"
#include "provider/mail.h"
#include "provider/payment.h"
#include "provider/sms.h"

struct provider_setting {
    const char *key;
    const char *meaning;
    bool required;
    bool secret;          /* the value is a secret: the caller reads it from a file of mode 0600 */
    const char *fallback; /* value when not set; NULL: none */
};

struct provider_row {
    const char *port; /* "identity", "sms", "mail", "payment", "courier", "invoice" */
    const char *supplier;
    const char *section;                     /* of the settings file: "identity.tencent" */
    const struct provider_setting *settings; /* ends with key NULL */
};

/* The rows in order; NULL past the end. */
const struct provider_row *provider_row(size_t i);

/* Opens a port of the named supplier. ERR_INVALID names an unknown supplier or a missing or wrong setting.
 * Close with port->ops->close(port->self). */
enum err identity_open(const char *supplier, const struct provider_env *env, struct identity_port *out,
                       struct fault *f);
enum err sms_open(const char *supplier, const struct provider_env *env, struct sms_port *out,
                  struct fault *f);
enum err mail_open(const char *supplier, const struct provider_env *env, struct mail_port *out,
                   struct fault *f);
enum err payment_open(const char *supplier, const struct provider_env *env, struct payment_port *out,
                      struct fault *f);
enum err courier_open(const char *supplier, const struct provider_env *env, struct courier_port *out,
                      struct fault *f);
enum err invoice_open(const char *supplier, const struct provider_env *env, struct invoice_port *out,
                      struct fault *f);

#endif
