/* db_session.h - a connection from inside: what db.c and db_tx.c, and nobody else, know of it. */
#ifndef CERTDESK_CORE_DB_SESSION_H
#define CERTDESK_CORE_DB_SESSION_H

#include "core/db_tx.h"

#include <mysql.h>

struct db {
    char *socket, *host, *user, *password, *schema;
    unsigned port, read_timeout_s;
    MYSQL *my; /* NULL or broken: not usable */
    bool broken, in_tx;
    enum err poison;
    unsigned last_errno;
    uint64_t sent;
    struct stmt **table; /* open addressing by address; capacity is a power of two, at most half full */
    size_t capacity, used;
    const struct tx_hooks *hooks;
    void *hooked;
    struct tx_claims claims;
};

/* Logs and words an error of the database, and marks the session as it leaves it (db_error.h). f may be NULL.
 */
enum err db_report(struct db *db, struct fault *f, unsigned number, const char *message, const char *sql);
/* Before each statement: whether one may be sent now; counts it. */
enum err db_admit(struct ctx *c, const char *sql);

#endif
