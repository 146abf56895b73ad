/* start.h - making the parts of the process that serve, the command line and tests share. */
#ifndef CERTDESK_START_H
#define CERTDESK_START_H

#include "app.h"
#include "core/embedded.h"

/* What of a state folder there must be. Only two commands make one: a wrong --state is said, not filled. */
enum start_state {
    START_NEEDS,   /* it must be there */
    START_SERVES,  /* made when missing; this process has the folder for itself */
    START_MAKES,   /* made when missing */
    START_KEYLESS, /* nothing sealed is touched: with a database of somebody else's, no folder is wanted */
};

/* Settings, keys, a database that answers (a private one when none is configured), and its options in app. */
struct started {
    struct app app;
    struct embedded embedded; /* keeper 0: not kept by this process */
    bool own_database;        /* the private one of the state folder */
    int serving, commanding;  /* locks on the state folder; 0: none */
    const char *db_password;
};

/* Loads settings and keys and finds the database. Waits for it as long as the settings say; to serve for
 * ever, with a line in the log now and then, until SIGTERM or SIGINT (CANCELLED). Must run before other
 * threads exist (it may fork the keeper). */
enum err start_app(const char *config_file, enum start_state state, struct started *out, struct fault *f);
/* Opens the providers alone: for a command that asks one. */
enum err start_providers(struct started *s, struct fault *f);
/* Opens the CA (makes it on first use) and the providers. */
enum err start_issuing(struct started *s, struct fault *f);
void start_close(struct started *s);

/* A ctx of the system itself on a connection of its own; the arena and fault are the caller's. */
void start_ctx(struct started *s, struct db *db, struct arena *a, struct fault *f, const char *method,
               struct ctx *out);

#endif
