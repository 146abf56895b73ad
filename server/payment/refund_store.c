#include "payment/refund_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>
#include <string.h>

/* In the order of the readers below. */
#define REFUND_COLUMNS                                                                                       \
    "r.id, r.capture_id, r.order_id, r.provider, r.payment_id, r.amount_fen, r.number, r.state, r.version, " \
    "r.reason, r.asked_by, r.error, r.provider_no, r.due_ms, r.accepted_ms, r.done_ms, r.created_ms, "       \
    "r.hand_fen, r.reference IS NOT NULL, r.sent_ms"
#define CAPTURE_COLUMNS                                                                                      \
    "c.id, c.provider, c.txn_no, c.payment_id, c.currency, c.order_id, c.amount_fen, c.captured_ms, "        \
    "c.state, c.reason"
enum {
    CAPTURE_WIDTH = 10,
    RESOLVED_FIRST = CAPTURE_WIDTH + 2, /* after what was returned */
    REFUND_FIRST = RESOLVED_FIRST + 2
};

static void read_refund(const struct rows *r, size_t i, size_t k, struct refund *out)
{
    *out = (struct refund){.order = row_text(r, i, k + 2),
                           .provider = (int)row_int(r, i, k + 3),
                           .payment_id = row_text(r, i, k + 4),
                           .amount_fen = row_int(r, i, k + 5),
                           .number = (int)row_int(r, i, k + 6),
                           .state = (enum refund_state)row_int(r, i, k + 7),
                           .version = row_int(r, i, k + 8),
                           .reason = row_text(r, i, k + 9),
                           .note = "",
                           .asked_by = row_text(r, i, k + 10),
                           .error = row_text(r, i, k + 11),
                           .provider_no = row_text(r, i, k + 12),
                           .due_ms = row_int(r, i, k + 13),
                           .accepted_ms = row_int(r, i, k + 14),
                           .done_ms = row_int(r, i, k + 15),
                           .created_ms = row_int(r, i, k + 16),
                           .hand_fen = row_int(r, i, k + 17),
                           .by_hand = row_int(r, i, k + 18) != 0,
                           .sent_ms = row_int(r, i, k + 19),
                           .reference = ""};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, i, k));
    snprintf(out->capture, sizeof out->capture, "%s", row_text(r, i, k + 1));
}

/* column: "note", "reference". */
static const char *place(struct ctx *c, const char *column, const char *id)
{
    return arena_printf(c->arena, "payment_refund.%s:%s", column, id);
}

static enum err seal(struct ctx *c, const char *column, const char *id, const char *text, struct arg *out)
{
    const void *sealed;
    size_t n;
    *out = SQLNULL;
    if (!text || !*text)
        return OK;
    TRY(crypt_seal(c->keys, c->arena, place(c, column, id), text, strlen(text), &sealed, &n));
    *out = BYTES(sealed, n);
    return OK;
}

static enum err open_text(struct ctx *c, const char *column, const char *id, const struct cell *cell,
                          const char **out)
{
    size_t n;
    if (cell->null)
        return OK;
    return crypt_open(c->keys, c->arena, place(c, column, id), cell->text, cell->n, out, &n, c->fault);
}

static enum err read_one(struct ctx *c, const struct rows *rows, struct refund *out)
{
    if (rows->n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    read_refund(rows, 0, 2, out);
    TRY(open_text(c, "note", out->id, row_cell(rows, 0, 0), &out->note));
    return open_text(c, "reference", out->id, row_cell(rows, 0, 1), &out->reference);
}

enum err refund_insert(struct ctx *c, const struct refund *r)
{
    struct arg note;
    TRY(seal(c, "note", r->id, r->note, &note));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO payment_refund (id, capture_id, provider, payment_id, order_id, amount_fen, "
            "number, state, version, reason, note, asked_by, error, provider_no, due_ms, "
            "accepted_ms, done_ms, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, '', '', ?, 0, 0, ?, ?)"),
        TEXT(r->id), TEXT(r->capture), INT(r->provider), TEXT(r->payment_id),
        TEXT(*r->order ? r->order : NULL), INT(r->amount_fen), INT(r->number), INT(r->state), INT(r->version),
        TEXT(r->reason), note, TEXT(r->asked_by), INT(r->due_ms), INT(r->created_ms), INT(r->created_ms));
}

enum err refund_read(struct ctx *c, const char *id, struct refund *out)
{
    struct rows r;
    if (!id_valid("rfd", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r,
                 SQL("SELECT r.note, r.reference, " REFUND_COLUMNS " FROM payment_refund r WHERE r.id = ?"),
                 TEXT(id)));
    return read_one(c, &r, out);
}

enum err refund_of_capture(struct ctx *c, const char *capture_id, struct refund *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT r.note, r.reference, " REFUND_COLUMNS " FROM payment_refund r WHERE r.capture_id = ?"),
        TEXT(capture_id)));
    return read_one(c, &r, out);
}

enum err refund_update(struct ctx *c, struct refund *r, enum refund_state to, bool next_number,
                       const struct refund_change *ch)
{
    struct arg note, reference;
    TRY(seal(c, "note", r->id, ch->note, &note));
    TRY(seal(c, "reference", r->id, ch->reference, &reference));
    int64_t accepted_ms = r->accepted_ms ? r->accepted_ms : to == REFUND_IS_CLOSED ? 0 : c->now_ms;
    if (to == REFUND_IS_REQUESTED)
        accepted_ms = 0; /* another refund for the provider, on another day perhaps */
    if (to == REFUND_IS_STOPPING)
        accepted_ms = r->accepted_ms;
    int64_t done_ms = to == REFUND_IS_DONE ? c->now_ms : 0;
    TRY(db_exec_one(
        c,
        SQL("UPDATE payment_refund SET state = ?, version = version + 1, number = number + ?, error "
            "= COALESCE(?, error), provider_no = COALESCE(?, provider_no), note = COALESCE(?, note), "
            "asked_by = COALESCE(?, asked_by), reference = COALESCE(?, reference), hand_fen = ?, accepted_ms "
            "= ?, done_ms = ?, sent_ms = IF(sent_ms > 0 AND ?, ?, sent_ms), updated_ms = ? WHERE id = ? AND "
            "state = ? AND version = ?"),
        INT(to), INT(next_number), TEXT(ch->error), TEXT(ch->provider_no), note, TEXT(ch->asked_by),
        reference, INT(ch->hand_fen), INT(accepted_ms), INT(done_ms), INT(to == REFUND_IS_STOPPING),
        INT(c->now_ms), INT(c->now_ms), TEXT(r->id), INT(r->state), INT(r->version)));
    r->state = to;
    r->version++;
    r->number += next_number;
    r->accepted_ms = accepted_ms;
    r->done_ms = done_ms;
    r->sent_ms = to == REFUND_IS_STOPPING && r->sent_ms ? c->now_ms : r->sent_ms;
    r->error = ch->error ? ch->error : r->error;
    r->provider_no = ch->provider_no ? ch->provider_no : r->provider_no;
    r->note = ch->note ? ch->note : r->note;
    r->asked_by = ch->asked_by ? ch->asked_by : r->asked_by;
    r->by_hand = ch->reference != NULL;
    r->hand_fen = ch->hand_fen;
    r->reference = ch->reference ? ch->reference : r->reference;
    return OK;
}

enum err refund_mark_sent(struct ctx *c, const struct refund *r, int64_t at_ms)
{
    return db_exec_one(
        c, SQL("UPDATE payment_refund SET sent_ms = ? WHERE id = ? AND state = ? AND version = ?"),
        INT(at_ms), TEXT(r->id), INT(r->state), INT(r->version));
}

enum err refund_note_error(struct ctx *c, const struct refund *r, const char *error)
{
    return db_exec(c, NULL,
                   SQL("UPDATE payment_refund SET error = ?, updated_ms = ? WHERE id = ? AND version = ?"),
                   TEXT(error), INT(c->now_ms), TEXT(r->id), INT(r->version));
}

enum err refund_mark_twice(struct ctx *c, const struct refund *r, bool *first)
{
    uint64_t changed;
    TRY(db_exec(
        c, &changed,
        SQL("UPDATE payment_refund SET error = 'PAID_TWICE', updated_ms = ? WHERE id = ? AND version = ? "
            "AND error <> 'PAID_TWICE'"),
        INT(c->now_ms), TEXT(r->id), INT(r->version)));
    *first = changed > 0;
    return OK;
}

/* -- captures -------------------------------------------------------------------------------------------- */

static void read_capture(const struct rows *r, size_t i, struct capture *out)
{
    *out = (struct capture){.provider = (int)row_int(r, i, 1),
                            .txn_no = row_text(r, i, 2),
                            .payment_id = row_text(r, i, 3),
                            .currency = row_text(r, i, 4),
                            .order_id = row_cell(r, i, 5)->null ? NULL : row_text(r, i, 5),
                            .amount_fen = row_int(r, i, 6),
                            .captured_ms = row_int(r, i, 7),
                            .state = (enum capture_state)row_int(r, i, 8),
                            .reason = row_text(r, i, 9)};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, i, 0));
}

static enum err first_capture(struct ctx *c, const struct rows *r, struct capture *out)
{
    if (r->n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    read_capture(r, 0, out);
    return OK;
}

enum err capture_read(struct ctx *c, const char *id, struct capture *out)
{
    struct rows r;
    if (!id_valid("cap", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL("SELECT " CAPTURE_COLUMNS " FROM payment_capture c WHERE c.id = ?"), TEXT(id)));
    return first_capture(c, &r, out);
}

enum err capture_settled(struct ctx *c, const char *order_id, struct capture *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT " CAPTURE_COLUMNS " FROM payment_settlement s JOIN payment_capture c ON c.id = "
                     "s.capture_id WHERE s.order_id = ?"),
                 TEXT(order_id)));
    return first_capture(c, &r, out);
}

static void read_returned(struct ctx *c, const struct rows *r, struct returned **out, size_t *n)
{
    *out = ARENA_ARRAY(c->arena, struct returned, r->n + 1);
    *n = r->n;
    for (size_t i = 0; i < r->n; i++) {
        struct returned *one = &(*out)[i];
        *one = (struct returned){.returned_fen = row_int(r, i, CAPTURE_WIDTH),
                                 .partial_fen = row_int(r, i, CAPTURE_WIDTH + 1),
                                 .resolved = {.by = row_text(r, i, RESOLVED_FIRST),
                                              .at_ms = row_int(r, i, RESOLVED_FIRST + 1),
                                              .note = ""},
                                 .asked = !row_cell(r, i, REFUND_FIRST)->null};
        read_capture(r, i, &one->capture);
        if (one->asked)
            read_refund(r, i, REFUND_FIRST, &one->refund);
    }
}

/* Of capture c, by the bills. */
#define RETURNED_FEN                                                                                         \
    "(SELECT CAST(COALESCE(SUM(b.amount_fen), 0) AS SIGNED) FROM payment_return b WHERE b.provider = "       \
    "c.provider AND b.txn_no = c.txn_no AND b.success = 1)"
#define RETURNED                                                                                             \
    "SELECT " CAPTURE_COLUMNS ", " RETURNED_FEN ", COALESCE(q.amount_fen, 0), COALESCE(n.resolved_by, ''), " \
    "COALESCE(n.resolved_ms, 0), " REFUND_COLUMNS                                                            \
    " FROM payment_capture c LEFT JOIN payment_refund r ON r.capture_id = c.id LEFT JOIN payment_partial q " \
    "ON q.capture_id = c.id LEFT JOIN payment_resolved n ON n.capture_id = c.id AND n.what = IF(r.id IS "    \
    "NULL, 1, IF(r.error = 'PAID_TWICE', 2, 0)) "

enum err captures_of_order(struct ctx *c, const char *order_id, struct returned **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(RETURNED "WHERE c.order_id = ? ORDER BY c.id"), TEXT(order_id)));
    read_returned(c, &r, out, n);
    return OK;
}

enum err captures_of_payment(struct ctx *c, const char *payment_id, struct returned **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(RETURNED "WHERE c.payment_id = ? ORDER BY c.id"), TEXT(payment_id)));
    read_returned(c, &r, out, n);
    return OK;
}

/* Each part goes by a key of its own, and is few. */
#define NEEDS_A_PERSON                                                                                       \
    "SELECT h.id FROM payment_capture h LEFT JOIN payment_refund x ON x.capture_id = h.id LEFT JOIN "        \
    "payment_resolved k ON k.capture_id = h.id AND k.what = 1 WHERE h.state = 2 AND x.id IS NULL AND "       \
    "k.what IS NULL UNION ALL SELECT y.capture_id FROM payment_refund y WHERE y.state IN (4, 5) OR "         \
    "(y.state IN (1, 2, 6) AND y.error <> '') UNION ALL SELECT z.capture_id FROM payment_refund z LEFT "     \
    "JOIN "                                                                                                  \
    "payment_resolved l ON l.capture_id = z.capture_id AND l.what = 2 WHERE z.error = 'PAID_TWICE' AND "     \
    "l.what IS NULL"

/* The mark is of what can still change: by the key of states, few rows; of the newest capture; and of the
 * recorded parts, which are few for ever. */
enum err captures_waiting(struct ctx *c, int64_t *n, int64_t *mark)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT (SELECT COUNT(*) FROM (" NEEDS_A_PERSON ") x), COUNT(*) + "
                     "CAST(COALESCE(SUM(version), 0) AS SIGNED) * 65537 + "
                     "CAST(CRC32(COALESCE((SELECT MAX(id) FROM payment_capture), '')) AS SIGNED) + "
                     "(SELECT CAST(COALESCE(SUM(version), 0) AS SIGNED) FROM payment_partial) * 257 "
                     "FROM payment_refund WHERE state IN (1, 2, 4, 5, 6)")));
    *n = row_int(&r, 0, 0);
    *mark = row_int(&r, 0, 1);
    return OK;
}

enum err captures_list(struct ctx *c, bool attention, const char *before, int limit, struct returned **out,
                       size_t *n)
{
    struct rows r;
    const char *below = *before ? before : "~";
    if (attention)
        TRY(db_query(
            c, &r, SQL(RETURNED "WHERE c.id < ? AND c.id IN (" NEEDS_A_PERSON ") ORDER BY c.id DESC LIMIT ?"),
            TEXT(below), INT(limit)));
    else
        TRY(db_query(c, &r, SQL(RETURNED "WHERE c.id < ? ORDER BY c.id DESC LIMIT ?"), TEXT(below),
                     INT(limit)));
    read_returned(c, &r, out, n);
    return OK;
}

/* The trail belongs to core and the names to staff; both are only read. */
enum err capture_history(struct ctx *c, const struct returned *one, struct happening **out, size_t *n)
{
    struct rows r;
    const struct capture *cap = &one->capture;
    /* A payment's number is the provider's word until it is known to be ours. */
    const char *payment = cap->order_id ? cap->payment_id : cap->id;
    TRY(db_query(
        c, &r,
        SQL("SELECT a.at_ms, a.action, a.caller, COALESCE(s.name, '') FROM audit a LEFT JOIN staff s "
            "ON s.id = a.caller WHERE a.object IN (?, ?, ?) ORDER BY a.at_ms, a.version LIMIT ?"),
        TEXT(cap->id), TEXT(one->asked ? one->refund.id : cap->id), TEXT(payment), INT(HAPPENINGS_MAX)));
    *out = ARENA_ARRAY(c->arena, struct happening, r.n + 1);
    *n = r.n;
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] =
            (struct happening){row_int(&r, i, 0), row_text(&r, i, 1), row_text(&r, i, 2), row_text(&r, i, 3)};
    return OK;
}
