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

static enum err first(struct ctx *c, const struct allowance *a)
{
    return db_exec(c, NULL, SQL("INSERT INTO allowance (kind, who, start_ms, taken) VALUES (?, ?, ?, 1)"),
                   INT(a->kind), BYTES(a->who, 32), INT(c->now_ms));
}

/* A window that began before `over` is over: this is the first of a new one. */
static enum err another(struct ctx *c, const struct allowance *a)
{
    int64_t over = c->now_ms - a->window_ms;
    return db_exec_one(c,
                       SQL("UPDATE allowance SET taken = IF(start_ms <= ?, 1, taken + 1), start_ms = "
                           "IF(start_ms <= ?, ?, start_ms) WHERE kind = ? AND who = ? AND (start_ms <= ? OR "
                           "taken < ?)"),
                       INT(over), INT(over), INT(c->now_ms), INT(a->kind), BYTES(a->who, 32), INT(over),
                       INT(a->limit));
}

enum err allowance_take(struct ctx *c, const struct allowance *a)
{
    if (a->limit <= 0)
        return OK;
    enum err e = a->found ? another(c, a) : first(c, a);
    return e == ERR_CONFLICT || e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

enum err allowance_use(struct ctx *c, enum allowance_kind kind, const char *who, int limit, int64_t window_ms)
{
    struct allowance a;
    TRY(allowance_look(c, kind, who, limit, window_ms, &a));
    return allowance_take(c, &a);
}
