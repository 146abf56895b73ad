#include "material/partial_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

static const char *name_place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "material_upload.file_name:%s", id);
}

static const char *bytes_place(struct ctx *c, const char *id, int64_t position)
{
    return arena_printf(c->arena, "material_chunk.bytes:%s %lld", id, (long long)position);
}

enum err partial_insert(struct ctx *c, const struct partial *p)
{
    const void *name;
    size_t n;
    TRY(crypt_seal(c->keys, c->arena, name_place(c, p->id), p->file_name, strlen(p->file_name), &name, &n));
    return db_exec(c, NULL,
                   SQL("INSERT INTO material_upload (id, account_id, order_id, kind, file_name, size, "
                       "digest, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                   TEXT(p->id), TEXT(p->account), TEXT(p->order), TEXT(p->kind), BYTES(name, n), INT(p->size),
                   BYTES(p->digest, 32), INT(p->created_ms), INT(p->expires_ms));
}

enum err partial_by_id(struct ctx *c, const char *id, struct partial *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id, account_id, order_id, kind, file_name, size, digest, received, "
                     "material_id, created_ms, expires_ms FROM material_upload WHERE id = ? AND account_id = "
                     "? AND expires_ms > ?"),
                 TEXT(id), TEXT(c->caller.id), INT(c->now_ms)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct partial){.kind = row_text(&r, 0, 3),
                            .size = row_int(&r, 0, 5),
                            .received = row_int(&r, 0, 7),
                            .created_ms = row_int(&r, 0, 9),
                            .expires_ms = row_int(&r, 0, 10)};
    strncpy(out->id, row_text(&r, 0, 0), ID_SIZE - 1);
    strncpy(out->account, row_text(&r, 0, 1), ID_SIZE - 1);
    strncpy(out->order, row_text(&r, 0, 2), ID_SIZE - 1);
    strncpy(out->material, row_text(&r, 0, 8), ID_SIZE - 1);
    memcpy(out->digest, row_text(&r, 0, 6), 32);
    size_t n;
    return crypt_open(c->keys, c->arena, name_place(c, out->id), row_text(&r, 0, 4), row_cell(&r, 0, 4)->n,
                      &out->file_name, &n, c->fault);
}

enum err partial_count(struct ctx *c, int64_t *count, int64_t *bytes)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS SIGNED) FROM material_upload WHERE "
                     "account_id = ? AND unfinished = 1 FOR UPDATE"),
                 TEXT(c->caller.id)));
    *count = row_int(&r, 0, 0);
    *bytes = row_int(&r, 0, 1);
    return OK;
}

enum err partial_advance(struct ctx *c, const struct partial *p, int64_t n)
{
    return db_exec_one(c,
                       SQL("UPDATE material_upload SET received = received + ? WHERE id = ? AND received = ? "
                           "AND material_id IS NULL"),
                       INT(n), TEXT(p->id), INT(p->received));
}

enum err partial_insert_chunk(struct ctx *c, const char *id, int64_t position, const void *bytes, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    TRY(crypt_seal(c->keys, c->arena, bytes_place(c, id, position), bytes, n, &sealed, &sealed_n));
    return db_exec(c, NULL,
                   SQL("INSERT INTO material_chunk (upload_id, position, size, bytes) VALUES (?, ?, ?, ?)"),
                   TEXT(id), INT(position), INT(n), BYTES(sealed, sealed_n));
}

enum err partial_chunk(struct ctx *c, const char *id, int64_t offset, int64_t *at, const char **bytes,
                       int64_t *n)
{
    struct rows r;
    size_t size;
    TRY(db_query(c, &r,
                 SQL("SELECT position, size, bytes FROM material_chunk WHERE upload_id = ? AND position <= ? "
                     "ORDER BY position DESC LIMIT 1"),
                 TEXT(id), INT(offset)));
    if (r.n != 1 || row_int(&r, 0, 0) + row_int(&r, 0, 1) <= offset)
        return fail(c->fault, ERR_DATA_LOSS, "a chunk of an upload is not there");
    *at = row_int(&r, 0, 0);
    TRY(crypt_open(c->keys, c->arena, bytes_place(c, id, *at), row_text(&r, 0, 2), row_cell(&r, 0, 2)->n,
                   bytes, &size, c->fault));
    *n = (int64_t)size;
    return size ? OK : fail(c->fault, ERR_DATA_LOSS, "a chunk of an upload is empty");
}

enum err partial_set_material(struct ctx *c, const char *id, const char *material)
{
    return db_exec_one(c,
                       SQL("UPDATE material_upload SET material_id = ? WHERE id = ? AND material_id IS NULL"),
                       TEXT(material), TEXT(id));
}

enum err partial_remove_chunks(struct ctx *c, const char *id)
{
    return db_exec(c, NULL, SQL("DELETE FROM material_chunk WHERE upload_id = ?"), TEXT(id));
}

enum err partial_remove(struct ctx *c, const char *id)
{
    TRY(partial_remove_chunks(c, id));
    return db_exec(c, NULL, SQL("DELETE FROM material_upload WHERE id = ?"), TEXT(id));
}

static enum err remove_all(struct ctx *c, const struct rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        TRY(partial_remove(c, row_text(r, i, 0)));
    return OK;
}

enum err partial_remove_kind(struct ctx *c, const char *order_id, const char *kind)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id FROM material_upload WHERE order_id = ? AND kind = ? AND unfinished = 1"),
                 TEXT(order_id), TEXT(kind)));
    return remove_all(c, &r);
}

enum err partial_remove_own_expired(struct ctx *c)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id FROM material_upload WHERE account_id = ? AND unfinished = 1 AND expires_ms "
                     "<= ?"),
                 TEXT(c->caller.id), INT(c->now_ms)));
    return remove_all(c, &r);
}

enum err partial_remove_expired(struct ctx *c, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT id FROM material_upload WHERE expires_ms <= ? LIMIT ?"), INT(c->now_ms),
                 INT(PARTIAL_BATCH)));
    *n = r.n;
    return remove_all(c, &r);
}
