/* Batches of deposits for the desk's bank. */
#include "core/db.h"
#include "identity/choice.h"
#include "identity/remittance.h"

#include <string.h>

static enum err ids(struct ctx *c, const struct rows *r, const char *const **out, size_t *n)
{
    const char **list = ARENA_ARRAY(c->arena, const char *, r->n + 1);
    for (size_t i = 0; i < r->n; i++)
        list[i] = row_text(r, i, 0);
    *out = list;
    *n = r->n;
    return OK;
}

enum err remittance_waiting(struct ctx *c, const char *const **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id FROM deposit WHERE state = 1 AND provider = ? ORDER BY id "
                     "LIMIT 4000"), /* as many lines as an answer may have */
                 TEXT(REMITTANCE)));
    return ids(c, &r, out, n);
}

enum err remittance_unanswered(struct ctx *c, int64_t batch, const char *const **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT id FROM deposit WHERE batch = ? AND state = 2 ORDER BY id"), INT(batch)));
    return ids(c, &r, out, n);
}

enum err batch_insert(struct ctx *c, int n, int64_t *id)
{
    struct rows r;
    TRY(db_exec(c, NULL, SQL("INSERT INTO remittance_batch (n, created_ms, answered_ms) VALUES (?, ?, 0)"),
                INT(n), INT(c->now_ms)));
    TRY(db_query(c, &r, SQL("SELECT LAST_INSERT_ID()")));
    *id = row_int(&r, 0, 0);
    return OK;
}

enum err batch_exists(struct ctx *c, int64_t id, bool *found)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM remittance_batch WHERE id = ?"), INT(id)));
    *found = r.n > 0;
    return OK;
}

enum err batch_answered(struct ctx *c, int64_t id)
{
    return db_exec(c, NULL,
                   SQL("UPDATE remittance_batch SET answered_ms = ? WHERE id = ? AND answered_ms = 0"),
                   INT(c->now_ms), INT(id));
}

enum err remittance_stuck(struct ctx *c, const struct deposit_row **out, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, order_id, provider, state, purpose, updated_ms FROM deposit WHERE state = 7 OR "
            "(state = 4 AND purpose = 2) ORDER BY id")));
    struct deposit_row *list = ARENA_ARRAY(c->arena, struct deposit_row, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        list[i] = (struct deposit_row){.id = row_text(&r, i, 0),
                                       .order = row_text(&r, i, 1),
                                       .provider = row_text(&r, i, 2),
                                       .state = (int)row_int(&r, i, 3),
                                       .purpose = (int)row_int(&r, i, 4),
                                       .updated_ms = row_int(&r, i, 5)};
    *out = list;
    *n = r.n;
    return OK;
}

enum err remittances_waiting(struct ctx *c, int64_t *n, int64_t *mark)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT (SELECT COUNT(*) FROM deposit WHERE state = 1 AND provider = ?) + (SELECT COUNT(*) "
            "FROM deposit WHERE state = 7 OR (state = 4 AND purpose = 2)), (SELECT MAX(updated_ms) FROM "
            "deposit)"),
        TEXT(REMITTANCE)));
    *n = row_int(&r, 0, 0);
    *mark = row_int(&r, 0, 1);
    return OK;
}

#define WAS "was:"

enum err deposit_step_aside(struct ctx *c, const struct deposit *d)
{
    return db_exec_one(c,
                       SQL("UPDATE deposit SET purpose_key = CONCAT('" WAS "', id), version = version + 1, "
                           "secret = NULL, payee = "
                           "NULL, state = 6, updated_ms = ? WHERE id = ? AND state = ? AND version = ?"),
                       INT(c->now_ms), TEXT(d->id), INT(d->state), INT(d->version));
}

bool deposit_stood_aside(const struct deposit *d)
{
    return strncmp(d->key, WAS, sizeof WAS - 1) == 0;
}

enum err remittance_list(struct ctx *c, const struct batch_row **out, size_t *n, int *waiting)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT COUNT(*) FROM deposit WHERE state = 1 AND provider = ?"),
                 TEXT(REMITTANCE)));
    *waiting = (int)row_int(&r, 0, 0);
    TRY(db_query(c, &r,
                 SQL("SELECT b.id, b.created_ms, b.n, SUM(d.sent_ms > 0), SUM(d.state = 4), SUM(d.state = 2) "
                     "FROM remittance_batch b LEFT JOIN deposit d ON d.batch = b.id GROUP BY b.id ORDER BY "
                     "b.id DESC LIMIT 100")));
    struct batch_row *list = ARENA_ARRAY(c->arena, struct batch_row, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        list[i] = (struct batch_row){.id = row_int(&r, i, 0),
                                     .created_ms = row_int(&r, i, 1),
                                     .n = (int)row_int(&r, i, 2),
                                     .sent = (int)row_int(&r, i, 3),
                                     .failed = (int)row_int(&r, i, 4),
                                     .open = (int)row_int(&r, i, 5)};
    *out = list;
    *n = r.n;
    return OK;
}
