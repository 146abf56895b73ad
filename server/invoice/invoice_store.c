#include "invoice/invoice_store.h"

#include "core/crypt.h"
#include "core/sealed.h"
#include "order/order_json.h"

#include <stdio.h>
#include <string.h>

#define INVOICE_COLUMNS                                                                                      \
    "v.id, v.order_id, v.state, v.version, v.amount_fen, v.attempt, v.order_no, v.serial, v.code, "          \
    "v.number, "                                                                                             \
    "v.tax_fen, v.issued_ms, v.mailed_ms, v.red_attempt, COALESCE(v.red_order_no, ''), v.red_serial, "       \
    "v.red_code, v.red_number, v.red_tax_fen, v.red_issued_ms, v.red_mailed_ms, v.data, v.cause, "           \
    "v.callback_key, v.paid_ms, v.refunded_ms, v.resent_ms, v.resent_day_ms, v.resent_count, v.created_ms, " \
    "v.itemised, v.terms"

enum {
    COLUMNS_N = 32
};

static enum err seal_data(struct ctx *c, const struct invoice *v, struct arg *data, struct arg *cause)
{
    const char *text = order_json_text(c->arena, order_json_purchase(&v->data));
    TRY(sealed_arg(c, "invoice.data", v->id, text, data));
    return sealed_arg(c, "invoice.cause", v->id, v->cause, cause);
}

static void read_paper(const struct rows *r, size_t i, size_t first, struct inv_paper *out)
{
    *out = (struct inv_paper){.attempt = (int)row_int(r, i, first),
                              .serial = row_text(r, i, first + 2),
                              .code = row_text(r, i, first + 3),
                              .number = row_text(r, i, first + 4),
                              .tax_fen = row_int(r, i, first + 5),
                              .issued_ms = row_int(r, i, first + 6),
                              .mailed_ms = row_int(r, i, first + 7)};
    snprintf(out->order_no, sizeof out->order_no, "%s", row_text(r, i, first + 1));
}

static enum err read_row(struct ctx *c, const struct rows *r, size_t i, struct invoice *out)
{
    const char *data;
    *out = (struct invoice){.state = (enum inv_state)row_int(r, i, 2),
                            .version = row_int(r, i, 3),
                            .amount_fen = row_int(r, i, 4),
                            .callback_key = row_text(r, i, 23),
                            .paid_ms = row_int(r, i, 24),
                            .refunded_ms = row_int(r, i, 25),
                            .resent_ms = row_int(r, i, 26),
                            .resent_day_ms = row_int(r, i, 27),
                            .resent_count = (int)row_int(r, i, 28),
                            .created_ms = row_int(r, i, 29),
                            .itemised = row_int(r, i, 30) != 0,
                            .terms = row_cell(r, i, 31)->null ? "" : row_text(r, i, 31)};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, i, 0));
    snprintf(out->order, sizeof out->order, "%s", row_text(r, i, 1));
    read_paper(r, i, 5, &out->blue);
    read_paper(r, i, 13, &out->red);
    TRY(sealed_text(c, "invoice.data", out->id, row_cell(r, i, 21), "", &data));
    TRY(sealed_text(c, "invoice.cause", out->id, row_cell(r, i, 22), "", &out->cause));
    return order_json_read_purchase(c->arena, data, &out->data, c->fault);
}

static enum err read_one(struct ctx *c, const struct rows *r, struct invoice *out)
{
    return r->n ? read_row(c, r, 0, out) : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err invoice_insert(struct ctx *c, const struct invoice *v)
{
    struct arg data, cause;
    TRY(seal_data(c, v, &data, &cause));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO invoice (id, order_id, state, version, amount_fen, attempt, order_no, data, "
            "cause, callback_key, paid_ms, created_ms, updated_ms, itemised) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, ?)"),
        TEXT(v->id), TEXT(v->order), INT(v->state), INT(v->version), INT(v->amount_fen), INT(v->blue.attempt),
        TEXT(v->blue.order_no), data, cause, TEXT(v->callback_key), INT(v->paid_ms), INT(v->created_ms),
        INT(v->created_ms), INT(v->itemised));
}

enum err invoice_read(struct ctx *c, const char *id, struct invoice *out)
{
    struct rows r;
    if (!id_valid("inv", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL("SELECT " INVOICE_COLUMNS " FROM invoice v WHERE v.id = ?"), TEXT(id)));
    return read_one(c, &r, out);
}

enum err invoice_read_order(struct ctx *c, const char *order_id, struct invoice *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT " INVOICE_COLUMNS " FROM invoice v WHERE v.order_id = ?"),
                 TEXT(order_id)));
    return r.n ? read_row(c, &r, 0, out)
               : fail_both(c->fault, ERR_NOT_FOUND, "this order has no invoice", "该订单没有发票");
}

enum err invoice_read_callback(struct ctx *c, const char *key, struct invoice *out)
{
    struct rows r;
    if (strlen(key) > 64)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL("SELECT " INVOICE_COLUMNS " FROM invoice v WHERE v.callback_key = ?"),
                 TEXT(key)));
    return read_one(c, &r, out);
}

enum err invoice_update(struct ctx *c, struct invoice *v, enum inv_state to)
{
    struct arg data, cause;
    const struct inv_paper *b = &v->blue, *r = &v->red;
    TRY(seal_data(c, v, &data, &cause));
    TRY(db_exec_one(
        c,
        SQL("UPDATE invoice SET state = ?, version = version + 1, attempt = ?, order_no = ?, serial = ?, "
            "code = ?, "
            "number = ?, tax_fen = ?, issued_ms = ?, mailed_ms = ?, red_attempt = ?, red_order_no = ?, "
            "red_serial = ?, red_code = ?, red_number = ?, red_tax_fen = ?, red_issued_ms = ?, red_mailed_ms "
            "= ?, "
            "data = ?, cause = ?, refunded_ms = ?, resent_ms = ?, resent_day_ms = ?, resent_count = ?, "
            "terms = ?, updated_ms = ? WHERE id = ? AND state = ? AND version = ?"),
        INT(to), INT(b->attempt), TEXT(b->order_no), TEXT(b->serial), TEXT(b->code), TEXT(b->number),
        INT(b->tax_fen), INT(b->issued_ms), INT(b->mailed_ms), INT(r->attempt),
        TEXT(*r->order_no ? r->order_no : NULL), TEXT(r->serial), TEXT(r->code), TEXT(r->number),
        INT(r->tax_fen), INT(r->issued_ms), INT(r->mailed_ms), data, cause, INT(v->refunded_ms),
        INT(v->resent_ms), INT(v->resent_day_ms), INT(v->resent_count), TEXT(*v->terms ? v->terms : NULL),
        INT(c->now_ms), TEXT(v->id), INT(v->state), INT(v->version)));
    v->state = to;
    v->version++;
    return OK;
}

enum err invoice_file_insert(struct ctx *c, const char *id, bool red, const struct inv_file *f)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO invoice_file (invoice_id, red, kind, digest, size, created_ms) VALUES (?, ?, ?, "
            "?, ?, ?) ON DUPLICATE KEY UPDATE kind = kind"),
        TEXT(id), INT(red), INT(f->kind), BYTES(f->digest, 32), INT(f->size), INT(c->now_ms));
}

enum err invoice_files(struct ctx *c, const char *id, bool red, struct inv_file out[static INV_FILES],
                       size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT kind, digest, size FROM invoice_file WHERE invoice_id = ? AND red = ? ORDER BY kind"),
        TEXT(id), INT(red)));
    *n = r.n < INV_FILES ? r.n : INV_FILES;
    for (size_t i = 0; i < *n; i++) {
        out[i] =
            (struct inv_file){.kind = (enum invoice_file_kind)row_int(&r, i, 0), .size = row_int(&r, i, 2)};
        memcpy(out[i].digest, row_text(&r, i, 1), 32);
    }
    return OK;
}

/* Whose order it is of decides whether its title is a person's name. */
#define LISTED "SELECT " INVOICE_COLUMNS ", o.subject_kind FROM invoice v JOIN orders o ON o.id = v.order_id "

/* Both ways go by a key: state and id, or id. */
enum err invoice_list(struct ctx *c, bool attention, const char *before, int limit,
                      struct invoice_listed **out, size_t *n)
{
    struct rows r;
    const char *below = *before ? before : "~";
    if (attention)
        TRY(db_query(c, &r,
                     SQL(LISTED "WHERE v.state IN (3, 7) AND v.id < ? "
                                "ORDER BY v.id DESC LIMIT ?"),
                     TEXT(below), INT(limit)));
    else
        TRY(db_query(c, &r, SQL(LISTED "WHERE v.id < ? ORDER BY v.id DESC LIMIT ?"), TEXT(below),
                     INT(limit)));
    *out = ARENA_ARRAY(c->arena, struct invoice_listed, r.n + 1);
    *n = r.n;
    for (size_t i = 0; i < r.n; i++) {
        (*out)[i].of_person = row_int(&r, i, COLUMNS_N) == SUBJECT_INDIVIDUAL;
        TRY(read_row(c, &r, i, &(*out)[i].invoice));
    }
    return OK;
}

/* The mark is of what can still change: by the key of states, few rows; and of the newest invoice. */
enum err invoices_waiting(struct ctx *c, int64_t *n, int64_t *mark)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT CAST(COALESCE(SUM(state IN (3, 7)), 0) AS SIGNED), COUNT(*) + "
                     "CAST(COALESCE(SUM(version), 0) AS SIGNED) * 65537 + "
                     "CAST(CRC32(COALESCE((SELECT MAX(id) FROM invoice), '')) AS SIGNED) FROM invoice "
                     "WHERE state IN (1, 3, 5, 6, 7)")));
    *n = row_int(&r, 0, 0);
    *mark = row_int(&r, 0, 1);
    return OK;
}
