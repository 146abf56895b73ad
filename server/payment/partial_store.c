#include "core/sealed.h"
#include "payment/partial.h"

#include <stdio.h>

enum err partial_read(struct ctx *c, const char *capture_id, struct partial *out)
{
    struct rows r;
    *out = (struct partial){0};
    snprintf(out->capture, sizeof out->capture, "%s", capture_id);
    TRY(db_query(c, &r, SQL("SELECT provider, amount_fen, version FROM payment_partial WHERE capture_id = ?"),
                 TEXT(capture_id)));
    if (r.n == 0)
        return OK;
    out->provider = (int)row_int(&r, 0, 0);
    out->amount_fen = row_int(&r, 0, 1);
    out->version = row_int(&r, 0, 2);
    return OK;
}

enum err partial_put(struct ctx *c, const struct partial *p, const char *note)
{
    struct arg sealed;
    TRY(sealed_arg(c, "payment_partial.note", p->capture, note, &sealed));
    if (p->version)
        return db_exec_one(c,
                           SQL("UPDATE payment_partial SET version = version + 1, amount_fen = ?, note = ?, "
                               "recorded_by = ?, recorded_ms = ? WHERE capture_id = ? AND version = ?"),
                           INT(p->amount_fen), sealed, TEXT(c->caller.id), INT(c->now_ms), TEXT(p->capture),
                           INT(p->version));
    enum err e = db_exec(c, NULL,
                         SQL("INSERT INTO payment_partial (capture_id, provider, version, amount_fen, note, "
                             "recorded_by, recorded_ms) VALUES (?, ?, 1, ?, ?, ?, ?)"),
                         TEXT(p->capture), INT(p->provider), INT(p->amount_fen), sealed, TEXT(c->caller.id),
                         INT(c->now_ms));
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_CONFLICT, NULL) : e;
}
