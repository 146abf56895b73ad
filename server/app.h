/* app.h - what the whole server process has: settings, keys, database, CA, providers. Made by start.c,
 * read-only after. */
#ifndef CERTDESK_APP_H
#define CERTDESK_APP_H

#include "core/crypt.h"
#include "core/db.h"
#include "core/outbox.h"

struct config;
struct pki_ca;
struct providers;

struct app {
    const struct config *config; /* server/config.h */
    const char *state_dir;
    struct db_options db;
    struct keyring *keys;
    struct outbox *outbox;
    struct pki_ca *ca_sm2, *ca_p256; /* server/pki: by the algorithm of the token's key */
    struct providers *providers;     /* server/providers.h: adapters as configured */
};

#endif
