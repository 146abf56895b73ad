/* providers.h - the adapters as this server is configured to use them. Jobs take them from app. */
#ifndef CERTDESK_PROVIDERS_H
#define CERTDESK_PROVIDERS_H

#include "provider/courier.h"
#include "provider/http.h"
#include "provider/identity.h"
#include "provider/invoice.h"
#include "provider/mail.h"
#include "provider/payment.h"
#include "provider/sms.h"

struct config;

enum {
    SUPPLIERS_MAX = 16
};

/* What a supplier's settings are looked up with, for as long as its port lives. */
struct provider_asking {
    const struct config *config;
    const char *section;
};

struct providers {
    struct http *http;
    /* Several may be configured side by side; which one is asked is the channel's data. */
    struct identity_port identity[SUPPLIERS_MAX];
    size_t n_identity;
    struct payment_port payment[SUPPLIERS_MAX];
    size_t n_payment;
    struct sms_port sms;
    struct mail_port mail;
    struct courier_port courier;
    struct invoice_port invoice;
    const struct provider_tokens *tokens; /* where suppliers' access tokens are kept; set before opening */
    const char *public_url;               /* where providers reach our callbacks, "http://127.0.0.1:8081" */
    char made_url[256];                   /* public_url when the settings name none */
    struct provider_asking asking[SUPPLIERS_MAX]; /* by row of the registry */
    bool simulator;                               /* some base URL is loopback: say so on every screen */
};

/* By supplier's name, "tencent"; NULL when it is not configured. */
const struct identity_port *providers_identity(const struct providers *p, const char *supplier);
const struct payment_port *providers_payment(const struct providers *p, const char *supplier);

/* Opens every supplier that the settings have a section for; http is open. ERR_INVALID names what is wrong.
 */
enum err providers_open(struct providers *p, const struct config *c, struct fault *f);
void providers_close(struct providers *p);

#endif
