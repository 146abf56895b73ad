/* providers.h - the adapters as this server is configured to use them. Made by main.c; jobs take them from
 * app. */
#ifndef CERTDESK_PROVIDERS_H
#define CERTDESK_PROVIDERS_H

#include "provider/courier.h"
#include "provider/http.h"
#include "provider/identity.h"
#include "provider/mail.h"
#include "provider/payment.h"
#include "provider/sms.h"

struct config;

/* What a port's settings are looked up with, for as long as the port lives. */
struct provider_asking {
    const struct config *config;
    const char *port;
};

struct providers {
    struct http *http;
    struct identity_port identity;
    struct sms_port sms;
    struct mail_port mail;
    struct payment_port wechat;
    struct courier_port courier;
    const char *public_url; /* where providers reach our callbacks, "http://127.0.0.1:8081" */
    char made_url[256];     /* public_url when the settings name none */
    struct provider_asking asking_identity, asking_sms, asking_mail, asking_wechat, asking_courier;
    bool simulator; /* some base URL is loopback: say so on every screen */
};

#endif
