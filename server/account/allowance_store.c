#include "account/allowance.h"

#include "app.h"
#include "core/crypt.h"

#include <stdio.h>

static enum err full(struct ctx *c, const struct allowance *a)
{
    int64_t left = a->start_ms + a->window_ms - c->now_ms;
    int minutes = (int)(left / 60000 + 1);
    enum err e = fail(c->fault, ERR_RATE_LIMITED, "too many requests; try again in %d minutes", minutes);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "操作过于频繁，请%d分钟后再试", minutes);
    c->fault->retry_ms = left;
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
    out->start_ms = row_int(&r, 0, 0);
    out->taken = (int)row_int(&r, 0, 1);
    bool over = c->now_ms - out->start_ms >= window_ms;
    return over || out->taken < limit ? OK : full(c, out);
}

enum err allowance_take(struct ctx *c, const struct allowance *a)
{
    if (a->limit <= 0)
        return OK;
    bool anew = !a->found || c->now_ms - a->start_ms >= a->window_ms;
    enum err e =
        a->found
            ? db_exec_one(c,
                          SQL("UPDATE allowance SET start_ms = ?, taken = ? WHERE kind = ? AND who = ? "
                              "AND start_ms = ? AND taken = ?"),
                          INT(anew ? c->now_ms : a->start_ms), INT(anew ? 1 : a->taken + 1), INT(a->kind),
                          BYTES(a->who, 32), INT(a->start_ms), INT(a->taken))
            : db_exec(c, NULL, SQL("INSERT INTO allowance (kind, who, start_ms, taken) VALUES (?, ?, ?, 1)"),
                      INT(a->kind), BYTES(a->who, 32), INT(c->now_ms));
    /* somebody took one meanwhile: look again */
    return e == ERR_CONFLICT || e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL) : e;
}

enum err allowance_use(struct ctx *c, enum allowance_kind kind, const char *who, int limit, int64_t window_ms)
{
    struct allowance a;
    TRY(allowance_look(c, kind, who, limit, window_ms, &a));
    return allowance_take(c, &a);
}
