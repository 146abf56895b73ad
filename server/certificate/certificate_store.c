#include "certificate/certificate.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

static const char *place(struct ctx *c, const char *field, const char *id)
{
    return arena_printf(c->arena, "certificate.%s:%s", field, id);
}

enum err certificate_insert(struct ctx *c, const struct certificate *cert)
{
    const void *name, *der;
    size_t name_n, der_n;
    TRY(crypt_seal(c->keys, c->arena, place(c, "subject_name", cert->id), cert->subject_name,
                   strlen(cert->subject_name), &name, &name_n));
    TRY(crypt_seal(c->keys, c->arena, place(c, "der", cert->id), cert->der, cert->der_n, &der, &der_n));
    return db_exec(c, NULL,
                   SQL("INSERT INTO certificate (id, order_id, copy, account_id, channel_id, serial, "
                       "subject_kind, subject_name, algorithm, medium, medium_number, spki_digest, der, "
                       "not_before_ms, not_after_ms, created_ms) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                   TEXT(cert->id), TEXT(cert->order), INT(cert->copy), TEXT(cert->account),
                   TEXT(cert->channel), TEXT(cert->serial_hex), INT(cert->subject_kind), BYTES(name, name_n),
                   INT(cert->algorithm), INT(cert->medium), TEXT(cert->medium_number),
                   BYTES(cert->spki_digest, 32), BYTES(der, der_n), INT(cert->not_before_ms),
                   INT(cert->not_after_ms), INT(c->now_ms));
}

#define CERTIFICATE_SELECT                                                                                   \
    "SELECT id, order_id, account_id, channel_id, serial, subject_kind, subject_name, algorithm, medium, "   \
    "medium_number, spki_digest, der, not_before_ms, not_after_ms, revoked_ms, created_ms, copy "            \
    "FROM certificate WHERE "

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

static enum err read(struct ctx *c, const struct rows *r, size_t i, struct certificate *out)
{
    *out = (struct certificate){.serial_hex = row_text(r, i, 4),
                                .subject_kind = (enum subject_kind)row_int(r, i, 5),
                                .algorithm = (int)row_int(r, i, 7),
                                .medium = (enum medium)row_int(r, i, 8),
                                .medium_number = row_text(r, i, 9),
                                .not_before_ms = row_int(r, i, 12),
                                .not_after_ms = row_int(r, i, 13),
                                .revoked_ms = row_int(r, i, 14),
                                .created_ms = row_int(r, i, 15),
                                .copy = (int)row_int(r, i, 16)};
    copy_id(out->id, row_text(r, i, 0));
    copy_id(out->order, row_text(r, i, 1));
    copy_id(out->account, row_text(r, i, 2));
    copy_id(out->channel, row_text(r, i, 3));
    memcpy(out->spki_digest, row_text(r, i, 10), 32);
    size_t n;
    const char *der;
    TRY(crypt_open(c->keys, c->arena, place(c, "subject_name", out->id), row_text(r, i, 6),
                   row_cell(r, i, 6)->n, &out->subject_name, &n, c->fault));
    TRY(crypt_open(c->keys, c->arena, place(c, "der", out->id), row_text(r, i, 11), row_cell(r, i, 11)->n,
                   &der, &out->der_n, c->fault));
    out->der = der;
    return OK;
}

static enum err one(struct ctx *c, const struct rows *r, struct certificate *out)
{
    return r->n == 1 ? read(c, r, 0, out) : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err certificate_by_serial(struct ctx *c, const char *serial_hex, struct certificate *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(CERTIFICATE_SELECT "serial = ?"), TEXT(serial_hex)));
    return one(c, &r, out);
}

enum err certificates_of_order(struct ctx *c, const char *order_id, struct certificate_summary **out,
                               size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id, serial, medium_number, not_before_ms, not_after_ms FROM certificate "
                     "WHERE order_id = ? AND valid_copy IS NOT NULL ORDER BY valid_copy"),
                 TEXT(order_id)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct certificate_summary, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        struct certificate_summary *s = &(*out)[i];
        *s = (struct certificate_summary){.serial_hex = row_text(&r, i, 1),
                                          .medium_number = row_text(&r, i, 2),
                                          .not_before_ms = row_int(&r, i, 3),
                                          .not_after_ms = row_int(&r, i, 4)};
        copy_id(s->id, row_text(&r, i, 0));
    }
    return OK;
}

enum err certificate_of_key(struct ctx *c, const char *channel_id, const unsigned char spki_digest[static 32],
                            struct certificate *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(CERTIFICATE_SELECT "spki_digest = ? AND channel_id = ?"), BYTES(spki_digest, 32),
                 TEXT(channel_id)));
    return one(c, &r, out);
}

enum err certificate_key_known(struct ctx *c, const unsigned char spki_digest[static 32], bool *known)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM certificate WHERE spki_digest = ?"), BYTES(spki_digest, 32)));
    *known = r.n > 0;
    return OK;
}

enum err certificate_medium_of_others(struct ctx *c, const char *medium_number, const char *account,
                                      bool *found)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT 1 FROM certificate WHERE medium_number = ? AND account_id <> ? AND "
                     "revoked_ms = 0 AND not_after_ms > ? LIMIT 1"),
                 TEXT(medium_number), TEXT(account), INT(c->now_ms)));
    *found = r.n > 0;
    return OK;
}

enum err certificate_load(struct ctx *c, const char *id, struct certificate *out)
{
    struct rows r;
    if (!id_valid("crt", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    bool all = c->caller.kind == CALLER_STAFF || c->caller.kind == CALLER_SYSTEM;
    TRY(db_query(c, &r, SQL(CERTIFICATE_SELECT "id = ? AND (? = 1 OR (account_id = ? AND channel_id = ?))"),
                 TEXT(id), INT(all), TEXT(c->caller.id), TEXT(c->caller.channel)));
    return one(c, &r, out);
}

enum err certificate_list(struct ctx *c, int medium, const char *after, int limit, struct certificate **out,
                          size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL(CERTIFICATE_SELECT "account_id = ? AND channel_id = ? AND (? = 0 OR medium = ?) AND "
                                        "(? = '' OR id < ?) ORDER BY id DESC LIMIT ?"),
                 TEXT(c->caller.id), TEXT(c->caller.channel), INT(medium), INT(medium), TEXT(after),
                 TEXT(after), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct certificate, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        TRY(read(c, &r, i, &(*out)[i]));
    return OK;
}

enum err certificate_revoke(struct ctx *c, const char *id, const char *reason)
{
    return db_exec_one(
        c, SQL("UPDATE certificate SET revoked_ms = ?, revoked_reason = ? WHERE id = ? AND revoked_ms = 0"),
        INT(c->now_ms), TEXT(reason), TEXT(id));
}
