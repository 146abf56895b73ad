#include "payment/reconcile_store.h"

#include "core/db.h"
#include "payment/refund_store.h"
#include "provider/when.h"

#include <stdio.h>
#include <string.h>

static enum err one_sum(const struct rows *r, struct sum *out)
{
    *out = (struct sum){row_int(r, 0, 0), row_int(r, 0, 1)};
    return OK;
}

/* Each from the table that says so itself, so that the sum is a proof. */
enum err money_of_day(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct money *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) FROM payment_capture WHERE "
            "provider = ? AND captured_ms >= ? AND captured_ms < ?"),
        INT(provider), INT(from_ms), INT(to_ms)));
    TRY(one_sum(&r, &out->captured));
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), CAST(COALESCE(SUM(s.amount_fen - COALESCE(p.amount_fen, 0)), 0) AS SIGNED) "
            "FROM "
            "payment_capture c JOIN payment_settlement s ON s.capture_id = c.id LEFT JOIN payment_partial p "
            "ON p.capture_id = c.id LEFT JOIN payment_refund r ON r.capture_id = c.id AND r.state = 3 WHERE "
            "c.provider = ? AND c.captured_ms >= ? AND c.captured_ms < ? AND "
            "r.id IS NULL"),
        INT(provider), INT(from_ms), INT(to_ms)));
    TRY(one_sum(&r, &out->settled));
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), CAST(COALESCE(SUM(r.amount_fen), 0) AS SIGNED) FROM payment_refund r JOIN "
            "payment_capture c ON c.id = r.capture_id WHERE c.provider = ? AND c.captured_ms >= ? AND "
            "c.captured_ms < ? AND r.state = 3"),
        INT(provider), INT(from_ms), INT(to_ms)));
    TRY(one_sum(&r, &out->refunded));
    TRY(db_query(
        c, &r,
        SQL("SELECT CAST(COALESCE(SUM(p.amount_fen), 0) AS SIGNED) FROM payment_partial p JOIN "
            "payment_capture c ON c.id = p.capture_id LEFT JOIN payment_refund r ON r.capture_id = c.id AND "
            "r.state = 3 WHERE c.provider = ? AND c.captured_ms >= ? AND c.captured_ms < ? AND r.id IS NULL"),
        INT(provider), INT(from_ms), INT(to_ms)));
    out->refunded.fen += row_int(&r, 0, 0); /* of captures that are among the settled */
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), CAST(COALESCE(SUM(c.amount_fen), 0) AS SIGNED) FROM payment_capture c LEFT "
            "JOIN payment_refund r ON r.capture_id = c.id AND r.state = 3 WHERE c.provider = ? AND "
            "c.captured_ms >= ? AND c.captured_ms < ? AND c.state = 2 AND r.id IS NULL"),
        INT(provider), INT(from_ms), INT(to_ms)));
    return one_sum(&r, &out->held);
}

static enum err booked_rows(struct ctx *c, const struct rows *r, struct booked **out, size_t *n)
{
    *out = ARENA_ARRAY(c->arena, struct booked, r->n + 1);
    *n = r->n;
    for (size_t i = 0; i < r->n; i++)
        (*out)[i] = (struct booked){row_text(r, i, 0), row_int(r, i, 1), false};
    return OK;
}

/* utf8mb4_bin sorts as strcmp() does. */
enum err captures_of_day(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                         size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT txn_no, amount_fen FROM payment_capture WHERE provider = ? AND captured_ms >= ? AND "
            "captured_ms < ? ORDER BY txn_no"),
        INT(provider), INT(from_ms), INT(to_ms)));
    return booked_rows(c, &r, out, n);
}

/* Of the capture c of refund r. */
#define BILLED                                                                                               \
    "(SELECT CAST(COALESCE(SUM(b.amount_fen), 0) AS SIGNED) FROM payment_return b WHERE b.provider = "       \
    "c.provider AND b.txn_no = c.txn_no AND b.success = 1)"

enum err refunds_unbilled(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, struct booked **out,
                          size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT r.id, r.amount_fen FROM payment_refund r JOIN payment_capture c ON c.id = r.capture_id "
            "WHERE r.provider = ? AND r.done_ms >= ? AND r.done_ms < ? AND r.reference IS NULL AND NOT "
            "EXISTS (SELECT 1 FROM payment_return b WHERE b.provider = c.provider AND b.txn_no = c.txn_no "
            "AND LEFT(b.number, CHAR_LENGTH(r.id)) = r.id) AND r.amount_fen <> " BILLED " ORDER BY r.id"),
        INT(provider), INT(from_ms), INT(to_ms)));
    return booked_rows(c, &r, out, n);
}

static void recorded_rows(struct ctx *c, const struct rows *r, struct recorded **out, size_t *n)
{
    *out = ARENA_ARRAY(c->arena, struct recorded, r->n + 1);
    *n = r->n;
    for (size_t i = 0; i < r->n; i++)
        (*out)[i] = (struct recorded){row_text(r, i, 0), row_int(r, i, 1), row_int(r, i, 2)};
}

enum err refunds_recorded(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, const char *date,
                          struct recorded **out, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT r.id, r.amount_fen - r.hand_fen, " BILLED
            " FROM payment_refund r JOIN payment_capture c ON c.id = r.capture_id WHERE r.id IN (SELECT x.id "
            "FROM payment_refund x WHERE x.provider = ? AND x.done_ms >= ? AND x.done_ms < ? AND x.reference "
            "IS NOT NULL UNION SELECT y.id FROM payment_return d JOIN payment_capture e ON e.provider = "
            "d.provider AND e.txn_no = d.txn_no JOIN payment_refund y ON y.capture_id = e.id WHERE "
            "d.provider = ? AND d.bill_date = ? AND y.reference IS NOT NULL) ORDER BY r.id"),
        INT(provider), INT(from_ms), INT(to_ms), INT(provider), TEXT(date)));
    recorded_rows(c, &r, out, n);
    return OK;
}

enum err partials_recorded(struct ctx *c, int provider, int64_t from_ms, int64_t to_ms, const char *date,
                           struct recorded **out, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT c.txn_no, p.amount_fen, " BILLED " FROM payment_partial p JOIN payment_capture c ON c.id "
            "= p.capture_id LEFT JOIN payment_refund r "
            "ON r.capture_id = c.id AND r.state = 3 WHERE r.id IS NULL AND p.amount_fen > 0 AND p.capture_id "
            "IN (SELECT x.capture_id FROM payment_partial x WHERE x.provider = ? AND x.recorded_ms >= ? AND "
            "x.recorded_ms < ? UNION SELECT e.id FROM payment_return d JOIN payment_capture e ON e.provider "
            "= "
            "d.provider AND e.txn_no = d.txn_no WHERE d.provider = ? AND d.bill_date = ?) ORDER BY c.txn_no"),
        INT(provider), INT(from_ms), INT(to_ms), INT(provider), TEXT(date)));
    recorded_rows(c, &r, out, n);
    return OK;
}

enum err refund_of_transaction(struct ctx *c, int provider, const char *txn_no, struct refund *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT r.id FROM payment_capture c JOIN payment_refund r ON r.capture_id = c.id WHERE "
                     "c.provider = ? AND c.txn_no = ?"),
                 INT(provider), TEXT(txn_no)));
    return r.n ? refund_read(c, row_text(&r, 0, 0), out) : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err capture_of_transaction(struct ctx *c, int provider, const char *txn_no, struct capture *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT id FROM payment_capture WHERE provider = ? AND txn_no = ?"),
                 INT(provider), TEXT(txn_no)));
    return r.n ? capture_read(c, row_text(&r, 0, 0), out) : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err return_put(struct ctx *c, int provider, const char *date, const struct payment_bill_row *row)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO payment_return (provider, txn_no, number, amount_fen, success, bill_date) VALUES "
            "(?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE amount_fen = VALUES(amount_fen), success = "
            "VALUES(success), bill_date = VALUES(bill_date)"),
        INT(provider), TEXT(row->transaction_id), TEXT(row->out_refund_no), INT(row->amount_fen),
        INT(row->success), TEXT(date));
}

enum err returned_by_bills(struct ctx *c, int provider, const char *txn_no, int64_t *fen)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT CAST(COALESCE(SUM(amount_fen), 0) AS SIGNED) FROM payment_return WHERE provider "
                     "= ? AND txn_no = ? AND success = 1"),
                 INT(provider), TEXT(txn_no)));
    *fen = row_int(&r, 0, 0);
    return OK;
}

enum err difference_name(struct ctx *c, int provider, const char *number, const char *payment_id,
                         struct difference *d)
{
    struct rows r;
    const char *refund = id_valid("rfd", number) ? number : "";
    TRY(db_query(c, &r,
                 SQL("SELECT c.id, c.payment_id, COALESCE(c.order_id, '') FROM payment_capture c WHERE "
                     "c.provider = ? AND c.txn_no = ? UNION SELECT e.id, e.payment_id, COALESCE(e.order_id, "
                     "'') FROM payment_refund r JOIN payment_capture e ON e.id = r.capture_id WHERE r.id = "
                     "? AND r.provider = ? UNION SELECT '', p.id, p.order_id FROM payment p WHERE p.id = ? "
                     "AND p.provider = ?"),
                 INT(provider), TEXT(number), TEXT(refund), INT(provider), TEXT(payment_id), INT(provider)));
    for (size_t i = 0; i < r.n && !*d->capture; i++) { /* the capture is the first; it knows more */
        d->capture = row_text(&r, i, 0);
        d->payment = row_text(&r, i, 1);
        d->order = row_text(&r, i, 2);
    }
    return OK;
}

enum err capture_amount(struct ctx *c, int provider, const char *txn_no, int64_t *fen, bool *found)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT amount_fen FROM payment_capture WHERE provider = ? AND txn_no = ?"),
                 INT(provider), TEXT(txn_no)));
    *found = r.n > 0;
    *fen = r.n ? row_int(&r, 0, 0) : 0;
    return OK;
}

/* -- the rows ----------------------------------------------------------------------------------------------
 */

#define COLUMNS "provider, date, state, version, runs, bill_hash, differences, report, updated_ms"

static void read_row(struct ctx *c, const struct rows *r, size_t i, struct reconciliation *out)
{
    *out = (struct reconciliation){0};
    reconcile_read_json(c, row_text(r, i, 7), out);
    out->provider = (int)row_int(r, i, 0);
    out->date = row_text(r, i, 1);
    out->state = (enum reconciliation_state)row_int(r, i, 2);
    out->version = row_int(r, i, 3);
    out->runs = row_int(r, i, 4);
    out->bill_hash = row_text(r, i, 5);
    out->n_differences = row_int(r, i, 6);
    out->updated_ms = row_int(r, i, 8);
}

enum err reconciliation_read(struct ctx *c, int provider, const char *date, struct reconciliation *out)
{
    struct rows r;
    TRY(db_exec(
        c, NULL,
        SQL("INSERT IGNORE INTO payment_reconciliation (provider, date, state, version, runs, bill_hash, "
            "differences, report, created_ms, updated_ms) VALUES (?, ?, 1, 1, 0, '', 0, '', ?, ?)"),
        INT(provider), TEXT(date), INT(c->now_ms), INT(c->now_ms)));
    TRY(db_query(
        c, &r,
        SQL("SELECT " COLUMNS " FROM payment_reconciliation WHERE provider = ? AND date = ? FOR UPDATE"),
        INT(provider), TEXT(date)));
    if (r.n == 0)
        return fail(c->fault, ERR_DB_RETRY, NULL);
    read_row(c, &r, 0, out);
    return OK;
}

enum err reconciliation_update(struct ctx *c, struct reconciliation *r, const char *report)
{
    TRY(db_exec_one(
        c,
        SQL("UPDATE payment_reconciliation SET state = ?, version = version + 1, runs = ?, bill_hash "
            "= ?, differences = ?, report = ?, updated_ms = ? WHERE provider = ? AND date = ? AND "
            "version = ?"),
        INT(r->state), INT(r->runs), TEXT(r->bill_hash), INT(r->n_differences), TEXT(report), INT(c->now_ms),
        INT(r->provider), TEXT(r->date), INT(r->version)));
    r->version++;
    r->updated_ms = c->now_ms;
    return OK;
}

enum err reconciliation_list(struct ctx *c, int provider, const char *day, const char *before, int limit,
                             struct reconciliation **out, size_t *n)
{
    struct rows r;
    int after = 0; /* providers of the day that the page before ended in */
    char date[16] = "~";
    if (*before)
        (void)sscanf(before, "%15s %d", date, &after);
    TRY(db_query(
        c, &r,
        SQL("SELECT " COLUMNS " FROM payment_reconciliation WHERE (date < ? OR (date = ? AND provider > "
            "?)) AND (? = 0 OR provider = ?) AND (? = '' OR date = ?) ORDER BY date DESC, provider LIMIT ?"),
        TEXT(date), TEXT(date), INT(after), INT(provider), INT(provider), TEXT(day), TEXT(day), INT(limit)));
    *out = ARENA_ARRAY(c->arena, struct reconciliation, r.n + 1);
    *n = r.n;
    for (size_t i = 0; i < r.n; i++)
        read_row(c, &r, i, &(*out)[i]);
    return OK;
}

enum err reconciliations_different(struct ctx *c, int64_t after_ms, int64_t *n, int64_t *mark)
{
    struct rows r;
    char after[WHEN_SIZE];
    when_rfc3339_beijing(after_ms, after);
    after[sizeof "2026-11-21" - 1] = '\0';
    TRY(db_query(c, &r,
                 SQL("SELECT COUNT(*), (SELECT MAX(updated_ms) FROM payment_reconciliation) FROM "
                     "payment_reconciliation WHERE date > ? AND state = 3"),
                 TEXT(after)));
    *n = row_int(&r, 0, 0);
    *mark = row_int(&r, 0, 1);
    return OK;
}
