#include "issue/issue_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "personalisation.secrets:%s", id);
}

enum err personalisation_insert(struct ctx *c, const struct personalisation *p)
{
    const void *sealed = NULL;
    size_t n = 0;
    if (!p->by_holder)
        TRY(crypt_seal(c->keys, c->arena, place(c, p->id), &p->secrets, sizeof p->secrets, &sealed, &n));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO personalisation (id, order_id, copy, medium_number, algorithm, step, secrets, "
            "operator_id, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(p->id), TEXT(p->order), INT(p->copy), *p->medium_number ? TEXT(p->medium_number) : SQLNULL,
        INT(p->algorithm), INT(p->step), sealed ? BYTES(sealed, n) : SQLNULL, TEXT(c->caller.id),
        INT(c->now_ms), INT(c->now_ms));
}

#define PERSONALISATION_SELECT                                                                               \
    "SELECT id, order_id, medium_number, algorithm, step, secrets, version, in_work IS NOT NULL, copy "      \
    "FROM personalisation WHERE "

static enum err read_detail(struct ctx *c, struct personalisation *p)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT detail FROM personalisation_step WHERE personalisation_id = ? ORDER BY seq DESC LIMIT 1"),
        TEXT(p->id)));
    p->detail = r.n ? row_text(&r, 0, 0) : "";
    p->detail_n = r.n ? row_cell(&r, 0, 0)->n : 0;
    return OK;
}

static enum err read(struct ctx *c, const struct rows *r, struct personalisation *out)
{
    if (r->n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct personalisation){.medium_number = row_text(r, 0, 2),
                                    .algorithm = (enum key_algorithm)row_int(r, 0, 3),
                                    .step = (int)row_int(r, 0, 4),
                                    .version = row_int(r, 0, 6),
                                    .in_work = row_int(r, 0, 7) != 0,
                                    .copy = (int)row_int(r, 0, 8)};
    copy_id(out->id, row_text(r, 0, 0));
    copy_id(out->order, row_text(r, 0, 1));
    out->by_holder = row_cell(r, 0, 5)->null;
    if (out->by_holder)
        return read_detail(c, out);
    const char *secrets;
    size_t n;
    TRY(crypt_open(c->keys, c->arena, place(c, out->id), row_text(r, 0, 5), row_cell(r, 0, 5)->n, &secrets,
                   &n, c->fault));
    if (n != sizeof out->secrets)
        return fail(c->fault, ERR_DATA_LOSS, "a token's secrets have another size");
    memcpy(&out->secrets, secrets, sizeof out->secrets);
    return read_detail(c, out);
}

enum err personalisation_in_work(struct ctx *c, const char *order_id, struct personalisation *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(PERSONALISATION_SELECT "order_id = ? AND in_work = 1"), TEXT(order_id)));
    return read(c, &r, out);
}

enum err issue_progress(struct ctx *c, const char *order_id, bool *in_work, bool *issued)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT (SELECT COUNT(*) FROM issuance i WHERE i.order_id = p.order_id AND "
                     "i.personalisation_id = p.id AND i.state = ?) FROM personalisation p "
                     "WHERE p.order_id = ? AND p.in_work = 1"),
                 INT(ISSUANCE_ISSUED), TEXT(order_id)));
    *in_work = r.n > 0;
    *issued = r.n && row_int(&r, 0, 0) > 0;
    return OK;
}

enum err personalisation_of_medium(struct ctx *c, const char *medium_number, bool *in_work)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM personalisation WHERE medium_number = ? AND in_work = 1"),
                 TEXT(medium_number)));
    *in_work = r.n > 0;
    return OK;
}

enum err personalisation_by_id(struct ctx *c, const char *id, struct personalisation *out)
{
    struct rows r;
    if (!id_valid("per", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL(PERSONALISATION_SELECT "id = ?"), TEXT(id)));
    return read(c, &r, out);
}

enum err personalisation_advance(struct ctx *c, const struct personalisation *p, int step, const void *detail,
                                 size_t n)
{
    TRY(db_exec_one(c,
                    SQL("UPDATE personalisation SET step = ?, updated_ms = ?, version = version + 1 "
                        "WHERE id = ? AND version = ? AND in_work = 1"),
                    INT(step), INT(c->now_ms), TEXT(p->id), INT(p->version)));
    return db_exec(c, NULL,
                   SQL("INSERT INTO personalisation_step (personalisation_id, seq, step, detail, done_ms) "
                       "VALUES (?, ?, ?, ?, ?)"),
                   TEXT(p->id), INT(p->version + 1), INT(step), BYTES(detail, n), INT(c->now_ms));
}

enum err personalisation_end(struct ctx *c, const struct personalisation *p, bool dropped)
{
    return db_exec_one(c,
                       SQL("UPDATE personalisation SET in_work = NULL, dropped = ?, updated_ms = ?, "
                           "version = version + 1 WHERE id = ? AND in_work = 1"),
                       INT(dropped), INT(c->now_ms), TEXT(p->id));
}

enum err personalisation_drop(struct ctx *c, const struct personalisation *p)
{
    return db_exec_one(c,
                       SQL("UPDATE personalisation SET in_work = NULL, dropped = 1, updated_ms = ?, "
                           "version = version + 1 WHERE id = ? AND version = ? AND dropped = 0"),
                       INT(c->now_ms), TEXT(p->id), INT(p->version));
}

enum err personalisations_kept(struct ctx *c, const char *order_id, const char ***out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id FROM personalisation WHERE order_id = ? AND dropped = 0 ORDER BY copy"),
                 TEXT(order_id)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, const char *, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = row_text(&r, i, 0);
    return OK;
}

enum err personalisations_written(struct ctx *c, const char *order_id, int *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*) FROM personalisation WHERE order_id = ? AND in_work IS NULL AND dropped = 0"),
        TEXT(order_id)));
    *out = (int)row_int(&r, 0, 0);
    return OK;
}

enum err serial_insert(struct ctx *c, const char *serial, const char *order_id)
{
    return db_exec(c, NULL, SQL("INSERT INTO serial_used (serial, order_id, made_ms) VALUES (?, ?, ?)"),
                   TEXT(serial), TEXT(order_id), INT(c->now_ms));
}

enum err issuance_attempts(struct ctx *c, const char *order_id, int *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT COUNT(*) FROM issuance WHERE order_id = ?"), TEXT(order_id)));
    *out = (int)row_int(&r, 0, 0);
    return OK;
}

static const char *intent_place(struct ctx *c, const char *order_id, int attempt)
{
    return arena_printf(c->arena, "issuance.intent:%s:%d", order_id, attempt);
}

enum err issuance_insert(struct ctx *c, const struct issuance *i)
{
    unsigned char digest[32];
    const void *sealed;
    size_t n;
    TRY(crypt_seal(c->keys, c->arena, intent_place(c, i->order, i->attempt), i->intent, i->intent_n, &sealed,
                   &n));
    crypt_sha256(sealed, n, digest);
    return db_exec(
        c, NULL,
        SQL("INSERT INTO issuance (order_id, attempt, copy, personalisation_id, serial, spki_digest, "
            "algorithm, intent, intent_digest, state, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(i->order), INT(i->attempt), INT(i->copy), TEXT(i->personalisation), TEXT(i->serial),
        BYTES(i->spki_digest, 32), INT(i->algorithm), BYTES(sealed, n), BYTES(digest, 32), INT(i->state),
        INT(c->now_ms));
}

#define ISSUANCE_SELECT                                                                                      \
    "SELECT order_id, personalisation_id, attempt, serial, spki_digest, algorithm, intent, intent_digest, "  \
    "state, copy FROM issuance WHERE "

static enum err read_issuance(struct ctx *c, const struct rows *r, struct issuance *out)
{
    if (r->n != 1)
        return fail_both(c->fault, ERR_NOT_FOUND, "no certificate was issued for it", "尚未签发证书");
    *out = (struct issuance){.attempt = (int)row_int(r, 0, 2),
                             .serial = row_text(r, 0, 3),
                             .algorithm = (int)row_int(r, 0, 5),
                             .state = (enum issuance_state)row_int(r, 0, 8),
                             .copy = (int)row_int(r, 0, 9)};
    copy_id(out->order, row_text(r, 0, 0));
    copy_id(out->personalisation, row_text(r, 0, 1));
    memcpy(out->spki_digest, row_text(r, 0, 4), 32);
    const struct cell *sealed = row_cell(r, 0, 6);
    unsigned char digest[32];
    const char *intent;
    crypt_sha256(sealed->text, sealed->n, digest);
    if (memcmp(digest, row_text(r, 0, 7), 32) != 0)
        return fail(c->fault, ERR_DATA_LOSS, "an intent does not have its digest; it will not be signed");
    TRY(crypt_open(c->keys, c->arena, intent_place(c, out->order, out->attempt), sealed->text, sealed->n,
                   &intent, &out->intent_n, c->fault));
    out->intent = intent;
    return OK;
}

enum err issuance_live(struct ctx *c, const char *order_id, int copy, struct issuance *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(ISSUANCE_SELECT "order_id = ? AND copy = ? AND live = 1"), TEXT(order_id),
                 INT(copy)));
    return read_issuance(c, &r, out);
}

enum err issuance_of(struct ctx *c, const char *personalisation_id, struct issuance *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(ISSUANCE_SELECT "personalisation_id = ? AND live = 1"),
                 TEXT(personalisation_id)));
    return read_issuance(c, &r, out);
}

enum err issuance_key_known(struct ctx *c, const unsigned char spki_digest[static 32], bool *known)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM issuance WHERE spki_digest = ? AND live = 1"),
                 BYTES(spki_digest, 32)));
    *known = r.n > 0;
    return OK;
}

enum err issuance_set_state(struct ctx *c, const struct issuance *i, enum issuance_state to)
{
    return db_exec_one(c,
                       SQL("UPDATE issuance SET state = ? WHERE order_id = ? AND attempt = ? AND state = ?"),
                       INT(to), TEXT(i->order), INT(i->attempt), INT(i->state));
}
