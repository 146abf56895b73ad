#include "account/allowance.h"

#include "app.h"
#include "core/crypt.h"

#include <stdio.h>

static enum err full(struct ctx *c, int64_t left_ms)
{
    int minutes = (int)(left_ms / 60000 + 1);
    enum err e = fail(c->fault, ERR_RATE_LIMITED, "too many requests; try again in %d minutes", minutes);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "操作过于频繁，请%d分钟后再试", minutes);
    c->fault->retry_ms = left_ms;
    return e;
}

enum err allowance_look(struct ctx *c, enum allowance_kind kind, const char *who, int limit,
                        int64_t window_ms, struct allowance *out)
{
    *out = (struct allowance){.kind = kind, .limit = *who ? limit : 0, .window_ms = window_ms};
    if (out->limit <= 0)
        return OK;
    struct rows r;
    crypt_lookup(c->app->keys, "allowance", who, out->who);
    TRY(db_query(c, &r, SQL("SELECT start_ms, taken FROM allowance WHERE kind = ? AND who = ?"), INT(kind),
                 BYTES(out->who, 32)));
    out->found = r.n == 1;
    if (!out->found)
        return OK;
    int64_t left = row_int(&r, 0, 0) + window_ms - c->now_ms;
    return left <= 0 || row_int(&r, 0, 1) < limit ? OK : full(c, left);
}

enum err allowance_runs(struct ctx *c, enum allowance_kind kind, const char *who, int64_t window_ms,
                        bool *out)
{
    struct allowance a;
    enum err e = allowance_look(c, kind, who, 1, window_ms, &a);
    *out = e == ERR_RATE_LIMITED;
    if (!*out)
        return e;
    fault_clear(c->fault);
    return OK;
}

/* A window that began before `over` is over: this is the first of a new one. */
static enum err another(struct ctx *c, const struct allowance *a, int64_t over)
{
    return db_exec_one(c,
                       SQL("UPDATE allowance SET taken = IF(start_ms <= ?, 1, taken + 1), start_ms = "
                           "IF(start_ms <= ?, ?, start_ms) WHERE kind = ? AND who = ? AND (start_ms <= ? OR "
                           "taken < ?)"),
                       INT(over), INT(over), INT(c->now_ms), INT(a->kind), BYTES(a->who, 32), INT(over),
                       INT(a->limit));
}

/* Nobody had one when it was looked at. Somebody who had it meanwhile is no reason to begin again, only one
 * too many is. */
static enum err first(struct ctx *c, const struct allowance *a, int64_t over)
{
    uint64_t rows; /* 1: inserted */
    struct rows r;
    TRY(db_exec(c, &rows,
                SQL("INSERT INTO allowance (kind, who, start_ms, taken) VALUES (?, ?, ?, 1) ON DUPLICATE KEY "
                    "UPDATE taken = IF(start_ms <= ?, 1, taken + 1), start_ms = IF(start_ms <= ?, "
                    "VALUES(start_ms), start_ms)"),
                INT(a->kind), BYTES(a->who, 32), INT(c->now_ms), INT(over), INT(over)));
    if (rows == 1)
        return OK;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM allowance WHERE kind = ? AND who = ? AND taken <= ?"),
                 INT(a->kind), BYTES(a->who, 32), INT(a->limit)));
    return r.n == 1 ? OK : ERR_CONFLICT;
}

enum err allowance_take(struct ctx *c, const struct allowance *a)
{
    if (a->limit <= 0)
        return OK;
    int64_t over = c->now_ms - a->window_ms;
    enum err e = a->found ? another(c, a, over) : first(c, a, over);
    return e == ERR_CONFLICT ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

enum err allowance_renew(struct ctx *c, const struct allowance *a)
{
    uint64_t gone;
    struct rows r;
    if (a->limit <= 0)
        return OK;
    TRY(db_exec(c, &gone,
                SQL("DELETE FROM allowance WHERE kind = ? AND who = ? AND (start_ms <= ? OR taken < ?)"),
                INT(a->kind), BYTES(a->who, 32), INT(c->now_ms - a->window_ms), INT(a->limit)));
    if (gone)
        return OK;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM allowance WHERE kind = ? AND who = ?"), INT(a->kind),
                 BYTES(a->who, 32)));
    return r.n ? fail(c->fault, ERR_DB_RETRY, NULL) : OK;
}

enum err allowance_forget(struct ctx *c, enum allowance_kind kind, const char *who)
{
    unsigned char digest[32];
    crypt_lookup(c->app->keys, "allowance", who, digest);
    return db_exec(c, NULL, SQL("DELETE FROM allowance WHERE kind = ? AND who = ?"), INT(kind),
                   BYTES(digest, 32));
}

enum err allowance_use(struct ctx *c, enum allowance_kind kind, const char *who, int limit, int64_t window_ms)
{
    struct allowance a;
    TRY(allowance_look(c, kind, who, limit, window_ms, &a));
    return allowance_take(c, &a);
}
