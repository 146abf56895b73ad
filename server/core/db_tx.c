#include "core/db_tx.h"

#include "base/fi.h"
#include "base/log.h"
#include "core/db_error.h"
#include "core/db_session.h"

#include <string.h>

static enum err text(struct db *db, const char *sql, struct fault *f)
{
    return mysql_real_query(db->my, sql, strlen(sql)) == 0
               ? OK
               : db_report(db, f, mysql_errno(db->my), mysql_error(db->my), sql);
}

enum err db_begin(struct ctx *c, enum isolation level)
{
    struct db *db = c->db;
    if (db->in_tx) {
        LOG(ERROR, "db.nested", KV_S("method", c->method));
        return fail(c->fault, ERR_INTERNAL, NULL);
    }
    TRY(db_admit(c, "BEGIN"));
    if (level == TX_COMMITTED)
        TRY(text(db, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED", c->fault));
    TRY(text(db, level == TX_READ ? "START TRANSACTION READ ONLY" : "BEGIN", c->fault));
    db->in_tx = true;
    db->claims = (struct tx_claims){0};
    return OK;
}

static void ended(struct db *db, void (*hook)(void *))
{
    db->in_tx = false;
    db->poison = OK;
    if (hook)
        hook(db->hooked);
}

enum err db_commit(struct ctx *c)
{
    struct db *db = c->db;
    if (db->claims.claimed != db->claims.settled && db->poison == OK) {
        LOG(ERROR, "db.claim_without_response", KV_S("method", c->method));
        db->poison = ERR_INTERNAL;
    }
    TRY(db_admit(c, "COMMIT"));
    FI("db.commit.before");
    enum err e = text(db, "COMMIT", c->fault);
    FI("db.commit.after");
    if (e == OK) {
        ended(db, db->hooks ? db->hooks->committed : NULL);
        return OK;
    }
    if (e == ERR_DB_RETRY)
        return e;
    /* anything else leaves it open whether the rows are there */
    db->broken = true;
    ended(db, db->hooks ? db->hooks->unknown : NULL);
    return fail(c->fault, ERR_UNKNOWN_OUTCOME, NULL);
}

void db_rollback(struct db *db)
{
    if (!db->in_tx)
        return;
    unsigned number = db->last_errno;
    if (db_usable(db))
        (void)!text(db, "ROLLBACK", NULL);
    db->last_errno = number;
    ended(db, db->hooks ? db->hooks->rolled_back : NULL);
}

bool db_in_tx(const struct db *db)
{
    return db->in_tx;
}

void db_set_hooks(struct db *db, const struct tx_hooks *hooks, void *p)
{
    db->hooks = hooks;
    db->hooked = p;
}

void *db_hooked(const struct db *db)
{
    return db->hooked;
}

struct tx_claims *db_claims(struct db *db)
{
    return &db->claims;
}

enum err db_run_text(struct db *db, const char *sql, size_t n, struct fault *f)
{
    if (!db_usable(db))
        return db_report(db, f, E_GONE, "not connected", "(migration)");
    if (mysql_real_query(db->my, sql, (unsigned long)n) == 0)
        return OK;
    return db_report(db, f, mysql_errno(db->my), mysql_error(db->my), sql);
}
