#include "account/picture_store.h"

#include "core/crypt.h"
#include "core/db.h"

static const char *place(struct ctx *c)
{
    return arena_printf(c->arena, "account_picture.picture:%s", c->caller.id);
}

enum err picture_store(struct ctx *c, const void *jpeg, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    TRY(crypt_seal(c->keys, c->arena, place(c), jpeg, n, &sealed, &sealed_n));
    return db_exec(c, NULL,
                   SQL("INSERT INTO account_picture (account_id, picture, updated_ms) VALUES (?, ?, ?) ON "
                       "DUPLICATE KEY UPDATE picture = VALUES(picture), updated_ms = VALUES(updated_ms)"),
                   TEXT(c->caller.id), BYTES(sealed, sealed_n), INT(c->now_ms));
}

enum err picture_remove(struct ctx *c, bool *was_there)
{
    uint64_t n;
    TRY(db_exec(c, &n, SQL("DELETE FROM account_picture WHERE account_id = ?"), TEXT(c->caller.id)));
    *was_there = n > 0;
    return OK;
}

enum err picture_load(struct ctx *c, const void **jpeg, size_t *n)
{
    struct rows r;
    const char *clear;
    TRY(db_query(c, &r, SQL("SELECT picture FROM account_picture WHERE account_id = ?"), TEXT(c->caller.id)));
    if (r.n != 1)
        return fail_both(c->fault, ERR_NOT_FOUND, "this account has no picture", "该账号尚未设置头像");
    TRY(crypt_open(c->keys, c->arena, place(c), row_text(&r, 0, 0), row_cell(&r, 0, 0)->n, &clear, n,
                   c->fault));
    *jpeg = clear;
    return OK;
}
