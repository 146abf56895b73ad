#include "review/review_store.h"

#include "core/db.h"

enum err review_queue(struct ctx *c, int64_t after_due, const char *after_id, int limit,
                      struct review_item **out, size_t *n, int64_t *total)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, submitted_ms, due_ms FROM orders WHERE state = ? AND (due_ms > ? OR (due_ms = ? AND "
            "id > ?)) ORDER BY due_ms, id LIMIT ?"),
        INT(ORDER_REVIEW), INT(after_due), INT(after_due), TEXT(after_id), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct review_item, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct review_item){row_text(&r, i, 0), row_int(&r, i, 1), row_int(&r, i, 2)};
    TRY(db_query(c, &r, SQL("SELECT COUNT(*) FROM orders WHERE state = ?"), INT(ORDER_REVIEW)));
    *total = row_int(&r, 0, 0);
    return OK;
}

enum err decision_insert(struct ctx *c, const struct order *o, bool approved, const char *comment)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO review_decision (order_id, version, reviewer_id, approved, comment, decided_ms) "
            "VALUES (?, ?, ?, ?, ?, ?)"),
        TEXT(o->id), INT(o->version), TEXT(c->caller.id), INT(approved), TEXT(comment), INT(c->now_ms));
}

enum err review_refusal(struct ctx *c, const char *order_id, struct review_refusal *out)
{
    struct rows r;
    *out = (struct review_refusal){.comment = ""};
    TRY(db_query(c, &r,
                 SQL("SELECT comment, decided_ms FROM review_decision WHERE order_id = ? AND approved = 0 "
                     "ORDER BY version DESC LIMIT 1"),
                 TEXT(order_id)));
    if (r.n)
        *out = (struct review_refusal){row_text(&r, 0, 0), row_int(&r, 0, 1)};
    return OK;
}
