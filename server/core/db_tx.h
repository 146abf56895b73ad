/* db_tx.h - the parts of a connection that only core itself uses: transactions, repair, raw steps.
 *
 * Features and dispatch go through tx_run(); a BEGIN or COMMIT anywhere else is a mistake. The session is in
 * one of three conditions: idle (autocommit), in a transaction, or poisoned (in a transaction that an error
 * has made worthless: every statement answers that error until db_rollback()).
 */
#ifndef CERTDESK_CORE_DB_TX_H
#define CERTDESK_CORE_DB_TX_H

#include "core/db.h"

enum isolation {
    TX_SNAPSHOT,  /* the session's REPEATABLE READ with snapshot isolation */
    TX_COMMITTED, /* READ COMMITTED, for claiming queue rows: takes no gap locks, so it never delays inserts;
                     and for ctx->latest */
    TX_READ,      /* a snapshot too, for reads alone */
};

enum err db_begin(struct ctx *c, enum isolation level);
/* OK: durable. DB_RETRY: certainly not committed. UNKNOWN_OUTCOME: the answer was lost; the connection is
 * closed. The poison of a poisoned transaction is returned without sending anything. */
enum err db_commit(struct ctx *c);
/* Ends the transaction whatever its condition; does nothing outside one. */
void db_rollback(struct db *db);
bool db_in_tx(const struct db *db);
/* Closes and opens again with the same options. */
enum err db_reconnect(struct db *db, struct fault *f);

/* The schema's name, "" without one. */
const char *db_schema(const struct db *db);

/* The server's number of the last error (1213, 1205, ...); 0 after a success. */
unsigned db_last_errno(const struct db *db);

/* What must follow the fate of the transactions of one connection (the audit chain). One set per connection.
 * Exactly one of the first three runs per transaction that was begun; closed runs once, in db_close(). */
struct tx_hooks {
    void (*committed)(void *p);
    void (*rolled_back)(void *p);
    void (*unknown)(void *p);
    void (*closed)(void *p);
};
void db_set_hooks(struct db *db, const struct tx_hooks *hooks, void *p);
void *db_hooked(const struct db *db); /* p of db_set_hooks, NULL before */

/* Idempotency claims made and settled in the running transaction: equal, or the commit is refused. */
struct tx_claims {
    unsigned claimed, settled;
};
struct tx_claims *db_claims(struct db *db);

/* One statement that is not a literal: migration steps and schema names, nothing else. */
enum err db_run_text(struct db *db, const char *sql, size_t n, struct fault *f);

#endif
