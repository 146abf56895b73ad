#include "material/material_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "material.file_name:%s", id);
}

enum err material_insert(struct ctx *c, const struct material *m)
{
    const void *name;
    size_t n;
    TRY(crypt_seal(c->keys, c->arena, place(c, m->id), m->file_name, strlen(m->file_name), &name, &n));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO material (id, order_id, kind, title, file_name, content_type, size, digest, "
            "created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(m->id), TEXT(m->order), TEXT(m->kind), TEXT(m->title), BYTES(name, n), TEXT(m->content_type),
        INT(m->size), BYTES(m->digest, 32), INT(m->created_ms));
}

enum err material_retire(struct ctx *c, const char *order_id, const char *kind)
{
    return db_exec(c, NULL,
                   SQL("UPDATE material SET in_use = NULL WHERE order_id = ? AND kind = ? AND in_use = 1"),
                   TEXT(order_id), TEXT(kind));
}

#define MATERIAL_SELECT                                                                                      \
    "SELECT id, order_id, kind, title, file_name, content_type, size, digest, verdict, reason, created_ms "  \
    "FROM material WHERE "

static enum err read(struct ctx *c, const struct rows *r, size_t i, struct material *out)
{
    *out = (struct material){.kind = row_text(r, i, 2),
                             .title = row_text(r, i, 3),
                             .content_type = row_text(r, i, 5),
                             .size = row_int(r, i, 6),
                             .verdict = (enum material_verdict)row_int(r, i, 8),
                             .reason = row_text(r, i, 9),
                             .created_ms = row_int(r, i, 10)};
    strncpy(out->id, row_text(r, i, 0), ID_SIZE - 1);
    strncpy(out->order, row_text(r, i, 1), ID_SIZE - 1);
    memcpy(out->digest, row_text(r, i, 7), 32);
    size_t n;
    return crypt_open(c->keys, c->arena, place(c, out->id), row_text(r, i, 4), row_cell(r, i, 4)->n,
                      &out->file_name, &n, c->fault);
}

enum err material_list(struct ctx *c, const char *order_id, const struct material **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(MATERIAL_SELECT "order_id = ? AND in_use = 1 ORDER BY kind"), TEXT(order_id)));
    struct material *list = ARENA_ARRAY(c->arena, struct material, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        TRY(read(c, &r, i, &list[i]));
    *out = list;
    *n = r.n;
    return OK;
}

/* Of the same account, channel and identity number, newest first. */
enum err material_of_earlier_orders(struct ctx *c, const char *order_id, const struct material **out,
                                    size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT m.id, m.order_id, m.kind, m.title, m.file_name, m.content_type, m.size, "
                     "m.digest, m.verdict, m.reason, m.created_ms FROM orders mine JOIN orders o ON "
                     "o.account_id = mine.account_id AND o.ended = 1 AND o.channel_id = mine.channel_id AND "
                     "o.subject_kind = mine.subject_kind AND o.subject_key = mine.subject_key JOIN material "
                     "m ON m.order_id = o.id AND m.in_use = 1 AND m.verdict <> ? WHERE mine.id = ? AND o.id "
                     "<> mine.id ORDER BY m.created_ms DESC, m.id DESC LIMIT 200"),
                 INT(VERDICT_REFUSED), TEXT(order_id)));
    struct material *list = ARENA_ARRAY(c->arena, struct material, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        TRY(read(c, &r, i, &list[i]));
    *out = list;
    *n = r.n;
    return OK;
}

enum err material_by_id(struct ctx *c, const char *id, struct material *out)
{
    struct rows r;
    if (!id_valid("mat", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL(MATERIAL_SELECT "id = ?"), TEXT(id)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    return read(c, &r, 0, out);
}

enum err material_set_verdict(struct ctx *c, const char *order_id, const char *id, enum material_verdict v,
                              const char *reason)
{
    return db_exec_one(
        c, SQL("UPDATE material SET verdict = ?, reason = ? WHERE id = ? AND order_id = ? AND in_use = 1"),
        INT(v), TEXT(reason), TEXT(id), TEXT(order_id));
}
