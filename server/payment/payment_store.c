#include "payment/payment_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>

#define PAYMENT_COLUMNS                                                                                      \
    "p.id, p.order_id, p.provider, p.state, p.version, p.amount_fen, p.code_url, p.expires_ms, p.paid_ms, "  \
    "p.created_ms"

static void read_row(const struct rows *r, size_t i, struct payment *out)
{
    *out = (struct payment){.provider = (int)row_int(r, i, 2),
                            .state = (enum pay_state)row_int(r, i, 3),
                            .version = row_int(r, i, 4),
                            .amount_fen = row_int(r, i, 5),
                            .code_url = row_text(r, i, 6),
                            .expires_ms = row_int(r, i, 7),
                            .paid_ms = row_int(r, i, 8),
                            .created_ms = row_int(r, i, 9)};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, i, 0));
    snprintf(out->order, sizeof out->order, "%s", row_text(r, i, 1));
}

static enum err read_one(struct ctx *c, const struct rows *r, struct payment *out)
{
    if (r->n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    read_row(r, 0, out);
    return OK;
}

enum err payment_insert(struct ctx *c, const struct payment *p)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO payment (id, order_id, provider, state, version, amount_fen, code_url, "
                       "expires_ms, paid_ms, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, '', ?, 0, ?, "
                       "?)"),
                   TEXT(p->id), TEXT(p->order), INT(p->provider), INT(p->state), INT(p->version),
                   INT(p->amount_fen), INT(p->expires_ms), INT(p->created_ms), INT(p->created_ms));
}

enum err payment_read(struct ctx *c, const char *id, struct payment *out)
{
    struct rows r;
    if (!id_valid("pay", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL("SELECT " PAYMENT_COLUMNS " FROM payment p WHERE p.id = ?"), TEXT(id)));
    return read_one(c, &r, out);
}

enum err payment_read_open(struct ctx *c, const char *order_id, int provider, struct payment *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT " PAYMENT_COLUMNS " FROM payment p WHERE p.open_key = ? AND p.provider = ?"),
                 TEXT(order_id), INT(provider)));
    return read_one(c, &r, out);
}

enum err payment_of_order(struct ctx *c, const char *order_id, struct payment *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT " PAYMENT_COLUMNS
            " FROM payment p LEFT JOIN payment_settlement s ON s.order_id = p.order_id AND "
            "s.payment_id = p.id WHERE p.order_id = ? ORDER BY s.order_id IS NULL, p.id DESC LIMIT 1"),
        TEXT(order_id)));
    return read_one(c, &r, out);
}

enum err payment_list(struct ctx *c, const char *order_id, bool open_only, struct payment **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT " PAYMENT_COLUMNS
                     " FROM payment p WHERE p.order_id = ? AND (? = 0 OR p.open_key "
                     "IS NOT NULL) ORDER BY p.id DESC"),
                 TEXT(order_id), INT(open_only)));
    *out = ARENA_ARRAY(c->arena, struct payment, r.n + 1);
    *n = r.n;
    for (size_t i = 0; i < r.n; i++)
        read_row(&r, i, &(*out)[i]);
    return OK;
}

enum err payment_update(struct ctx *c, struct payment *p, enum pay_state to, const char *code_url,
                        int64_t paid_ms)
{
    TRY(db_exec_one(
        c,
        SQL("UPDATE payment SET state = ?, version = version + 1, code_url = COALESCE(?, "
            "code_url), paid_ms = IF(? > 0, ?, paid_ms), updated_ms = ? WHERE id = ? AND state = ? "
            "AND version = ?"),
        INT(to), TEXT(code_url), INT(paid_ms), INT(paid_ms), INT(c->now_ms), TEXT(p->id), INT(p->state),
        INT(p->version)));
    p->state = to;
    p->version++;
    if (code_url)
        p->code_url = code_url;
    if (paid_ms > 0)
        p->paid_ms = paid_ms;
    return OK;
}

enum err payment_event_insert(struct ctx *c, int provider, const char *event_id, const char *type,
                              const void *body, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    const char *place = arena_printf(c->arena, "payment_event.body:%d:%s", provider, event_id);
    TRY(crypt_seal(c->keys, c->arena, place, body, n, &sealed, &sealed_n));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO payment_event (provider, event_id, type, body, received_ms) VALUES (?, ?, "
            "?, ?, ?)"),
        INT(provider), TEXT(event_id), TEXT(type), BYTES(sealed, sealed_n), INT(c->now_ms));
}

enum err capture_insert(struct ctx *c, const struct capture *cap)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO payment_capture (id, provider, txn_no, payment_id, order_id, amount_fen, "
                       "currency, state, reason, captured_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
                       "?, ?)"),
                   TEXT(cap->id), INT(cap->provider), TEXT(cap->txn_no), TEXT(cap->payment_id),
                   TEXT(cap->order_id), INT(cap->amount_fen), TEXT(cap->currency), INT(cap->state),
                   TEXT(cap->reason), INT(cap->captured_ms), INT(c->now_ms));
}

enum err capture_exists(struct ctx *c, int provider, const char *txn_no, bool *found)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM payment_capture WHERE provider = ? AND txn_no = ?"), INT(provider),
                 TEXT(txn_no)));
    *found = r.n > 0;
    return OK;
}

enum err settlement_insert(struct ctx *c, const struct capture *cap)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO payment_settlement (order_id, capture_id, payment_id, amount_fen, "
                       "settled_ms) VALUES (?, ?, ?, ?, ?)"),
                   TEXT(cap->order_id), TEXT(cap->id), TEXT(cap->payment_id), INT(cap->amount_fen),
                   INT(c->now_ms));
}

enum err settlement_exists(struct ctx *c, const char *order_id, bool *found)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM payment_settlement WHERE order_id = ?"), TEXT(order_id)));
    *found = r.n > 0;
    return OK;
}
