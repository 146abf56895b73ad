#include "staff/staff_store.h"

#include "app.h"
#include "core/crypt.h"
#include "order/order.h"
#include "shipment/shipment_desk.h"

#include <string.h>

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "staff.totp:%s", id);
}

#define STAFF_SELECT                                                                                         \
    "SELECT id, login, name, roles, password, totp, totp_step, version, disabled FROM staff WHERE "

static enum err read(struct ctx *c, const struct rows *r, struct staff_row *out)
{
    if (r->n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct staff_row){
        .staff = {.login = row_text(r, 0, 1), .name = row_text(r, 0, 2), .roles = (unsigned)row_int(r, 0, 3)},
        .password = row_text(r, 0, 4),
        .totp_step = row_int(r, 0, 6),
        .version = row_int(r, 0, 7),
        .disabled = row_int(r, 0, 8) != 0};
    strncpy(out->staff.id, row_text(r, 0, 0), ID_SIZE - 1);
    return crypt_open(c->app->keys, c->arena, place(c, out->staff.id), row_text(r, 0, 5),
                      row_cell(r, 0, 5)->n, &out->totp, &out->totp_n, c->fault);
}

enum err staff_by_login(struct ctx *c, const char *login, struct staff_row *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(STAFF_SELECT "login = ?"), TEXT(login)));
    return read(c, &r, out);
}

enum err staff_by_id(struct ctx *c, const char *id, struct staff_row *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(STAFF_SELECT "id = ?"), TEXT(id)));
    return read(c, &r, out);
}

enum err staff_note_login(struct ctx *c, const struct staff_row *s, int64_t totp_step)
{
    return db_exec_one(
        c, SQL("UPDATE staff SET totp_step = ?, version = version + 1 WHERE id = ? AND version = ?"),
        INT(totp_step), TEXT(s->staff.id), INT(s->version));
}

enum err staff_upsert(struct ctx *c, const struct staff *s, const char *password, const void *totp, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    TRY(crypt_seal(c->app->keys, c->arena, place(c, s->id), totp, n, &sealed, &sealed_n));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO staff (id, login, name, roles, password, totp, version, created_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON DUPLICATE KEY UPDATE name = VALUES(name), "
            "roles = VALUES(roles), password = VALUES(password), totp = VALUES(totp), totp_step = 0, "
            "disabled = 0, version = version + 1"),
        TEXT(s->id), TEXT(s->login), TEXT(s->name), INT(s->roles), TEXT(password), BYTES(sealed, sealed_n),
        INT(c->now_ms));
}

static uint64_t fnv(uint64_t mark, int64_t v)
{
    return (mark ^ (uint64_t)v) * 1099511628211u;
}

/* What the couriers said since, and the stock: both change what a screen shows without moving an order. */
static enum err mark_things(struct ctx *c, uint64_t *mark)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT COUNT(DISTINCT s.id), CAST(SUM(s.version) AS SIGNED), MAX(e.event_ms), "
                     "(SELECT MAX(updated_ms) FROM token) FROM "
                     "shipment s LEFT JOIN shipment_event e ON e.shipment_id = s.id "
                     "WHERE s.state IN (?, ?, ?, ?)"),
                 INT(SHIPMENT_POSTED), INT(SHIPMENT_IN_TRANSIT), INT(SHIPMENT_OUT_FOR_DELIVERY),
                 INT(SHIPMENT_PROBLEM)));
    for (size_t k = 0; k < 4; k++)
        *mark = fnv(*mark, row_int(&r, 0, k));
    return OK;
}

enum err staff_queue_counts(struct ctx *c, struct queues *out)
{
    struct rows r;
    *out = (struct queues){0};
    TRY(db_query(c, &r,
                 SQL("SELECT state, COUNT(*), CAST(SUM(version) AS SIGNED), MAX(updated_ms) FROM orders "
                     "WHERE state IN (?, ?, ?, ?, ?) GROUP BY state"),
                 INT(ORDER_REVIEW), INT(ORDER_ISSUE), INT(ORDER_PERSONALISING), INT(ORDER_SHIP),
                 INT(ORDER_SHIPPED)));
    uint64_t mark = 1469598103934665603u; /* FNV-1a over what was read */
    for (size_t i = 0; i < r.n; i++) {
        int64_t state = row_int(&r, i, 0), count = row_int(&r, i, 1);
        if (state == ORDER_REVIEW)
            out->review += count;
        else if (state == ORDER_ISSUE || state == ORDER_PERSONALISING)
            out->issue += count;
        else if (state == ORDER_SHIP)
            out->ship += count;
        else
            out->in_transit += count;
        for (size_t k = 0; k < 4; k++)
            mark = fnv(mark, row_int(&r, i, k));
    }
    TRY(mark_things(c, &mark));
    out->mark = (int64_t)(mark >> 1);
    return OK;
}

enum err staff_find_ids(struct ctx *c, const char *text, const unsigned char uscc[static 32],
                        const unsigned char resident[static 32], const char ***ids, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id FROM orders WHERE id = ? UNION SELECT id FROM orders WHERE subject_key IN (?, ?) "
            "UNION SELECT order_id FROM certificate WHERE medium_number = ? ORDER BY id DESC LIMIT 50"),
        TEXT(text), BYTES(uscc, 32), BYTES(resident, 32), TEXT(text)));
    *n = r.n;
    *ids = ARENA_ARRAY(c->arena, const char *, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*ids)[i] = row_text(&r, i, 0);
    return OK;
}
