#include "account/ticket_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

enum err ticket_insert(struct ctx *c, char ticket[static 44], int64_t expires_ms)
{
    unsigned char digest[32];
    crypt_token(ticket);
    crypt_sha256(ticket, strlen(ticket), digest);
    return db_exec(
        c, NULL,
        SQL("INSERT INTO phone_ticket (ticket, account_id, session_id, created_ms, expires_ms) VALUES "
            "(?, ?, ?, ?, ?)"),
        BYTES(digest, 32), TEXT(c->caller.id), TEXT(c->caller.session), INT(c->now_ms), INT(expires_ms));
}

enum err ticket_good(struct ctx *c, const char *ticket, bool *good)
{
    unsigned char digest[32];
    struct rows r;
    crypt_sha256(ticket, strlen(ticket), digest);
    TRY(db_query(
        c, &r,
        SQL("SELECT used FROM phone_ticket WHERE ticket = ? AND account_id = ? AND session_id = ? AND "
            "used = 0 AND expires_ms > ?"),
        BYTES(digest, 32), TEXT(c->caller.id), TEXT(c->caller.session), INT(c->now_ms)));
    *good = r.n == 1;
    return OK;
}

enum err ticket_use(struct ctx *c, const char *ticket)
{
    unsigned char digest[32];
    crypt_sha256(ticket, strlen(ticket), digest);
    return db_exec_one(c, SQL("UPDATE phone_ticket SET used = 1 WHERE ticket = ? AND used = 0"),
                       BYTES(digest, 32));
}

enum err ticket_use_all(struct ctx *c)
{
    return db_exec(c, NULL, SQL("UPDATE phone_ticket SET used = 1 WHERE account_id = ? AND used = 0"),
                   TEXT(c->caller.id));
}
