#include "core/tx.h"

#include "base/log.h"
#include "core/crypt.h"
#include "core/db_tx.h"

#include <string.h>

enum {
    REQUEST_ID_MAX = 64,
    PLACE_SIZE = 320
};

static enum err check_request_id(struct ctx *c, const char *id)
{
    size_t n = id ? strnlen(id, REQUEST_ID_MAX + 1) : 0;
    bool printable = true;
    for (size_t i = 0; i < n; i++)
        printable &= id[i] > ' ' && id[i] < 127;
    if (n == 0)
        fault_field(c->fault, "request_id", "REQUIRED", "a request_id is required", "缺少 request_id");
    else if (n > REQUEST_ID_MAX || !printable)
        fault_field(c->fault, "request_id", "FORMAT", "a request_id is 1 to 64 printable ASCII characters",
                    "request_id 格式有误");
    return n == 0 || n > REQUEST_ID_MAX || !printable ? ERR_INVALID : OK;
}

/* The response cannot be moved to another caller's row. */
static const char *place(struct ctx *c, const char *request_id)
{
    return arena_printf(c->arena, "idempotency.response:%s %s %s", c->caller.id, c->method, request_id);
}

static enum err repeat(struct ctx *c, const char *request_id, const unsigned char digest[static 32],
                       const void **stored, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT digest, response FROM idempotency"
                     " WHERE caller = ? AND method = ? AND request_id = ? LOCK IN SHARE MODE"),
                 TEXT(c->caller.id), TEXT(c->method), TEXT(request_id)));
    if (r.n == 0) /* the first one rolled back between our two statements */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    const struct cell *d = row_cell(&r, 0, 0), *response = row_cell(&r, 0, 1);
    if (d->n != 32 || !same_bytes(d->text, digest, 32))
        return fail(c->fault, ERR_REQUEST_ID_REUSED, NULL);
    if (response->null)
        return fail(c->fault, ERR_DATA_LOSS, NULL);
    const char *plain;
    TRY(crypt_open(c->keys, c->arena, place(c, request_id), response->text, response->n, &plain, n,
                   c->fault));
    *stored = plain;
    db_claims(c->db)->claimed++;
    db_claims(c->db)->settled++;
    return OK;
}

enum err idem_claim(struct ctx *c, const char *request_id, const unsigned char digest[static 32],
                    const void **stored, size_t *n)
{
    *stored = NULL;
    *n = 0;
    TRY(check_request_id(c, request_id));
    enum err e =
        db_exec(c, NULL,
                SQL("INSERT INTO idempotency (caller, method, request_id, digest, created_ms)"
                    " VALUES (?, ?, ?, ?, ?)"),
                TEXT(c->caller.id), TEXT(c->method), TEXT(request_id), BYTES(digest, 32), INT(c->now_ms));
    if (e == ERR_DB_DUPLICATE) {
        if (c->fault)
            fault_clear(c->fault);
        return repeat(c, request_id, digest, stored, n);
    }
    if (e == OK)
        db_claims(c->db)->claimed++;
    return e;
}

enum err idem_store(struct ctx *c, const char *request_id, const void *response, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    TRY(crypt_seal(c->keys, c->arena, place(c, request_id), response, n, &sealed, &sealed_n));
    TRY(db_exec_one(c,
                    SQL("UPDATE idempotency SET response = ?"
                        " WHERE caller = ? AND method = ? AND request_id = ?"),
                    BYTES(sealed, sealed_n), TEXT(c->caller.id), TEXT(c->method), TEXT(request_id)));
    db_claims(c->db)->settled++;
    return OK;
}

enum err idem_release(struct ctx *c, const char *request_id)
{
    TRY(db_exec_one(c, SQL("DELETE FROM idempotency WHERE caller = ? AND method = ? AND request_id = ?"),
                    TEXT(c->caller.id), TEXT(c->method), TEXT(request_id)));
    db_claims(c->db)->settled++;
    return OK;
}
