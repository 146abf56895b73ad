/* app.h - what the whole server process has: settings, keys, connections, providers. Made by main.c,
 * read-only after. */
#ifndef CERTDESK_APP_H
#define CERTDESK_APP_H

#include "core/crypt.h"
#include "core/db.h"
#include "core/outbox.h"

struct config;
struct ca;
struct providers;

struct app {
    const struct config *config; /* server/config.h */
    struct db_options db;
    struct keyring *keys;
    struct outbox *outbox;
    struct ca *ca;               /* pki */
    struct providers *providers; /* server/providers.h: adapters as configured */
};

#endif
