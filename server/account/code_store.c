/* Statements about codes and their allowance. */
#include "account/code_store.h"

#include "core/db.h"

#include <string.h>

enum err code_allowance_read(struct ctx *c, const unsigned char phone[static 32], int purpose,
                             struct code_allowance *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT sent_ms, hour_start_ms, hour_count, day_start_ms, day_count FROM sms_allowance "
                     "WHERE phone_digest = ? AND purpose = ?"),
                 BYTES(phone, 32), INT(purpose)));
    *out = (struct code_allowance){.found = r.n == 1};
    if (out->found)
        *out = (struct code_allowance){.found = true,
                                       .was_sent_ms = row_int(&r, 0, 0),
                                       .was_day_count = row_int(&r, 0, 4),
                                       .sent_ms = row_int(&r, 0, 0),
                                       .hour_start_ms = row_int(&r, 0, 1),
                                       .hour_count = row_int(&r, 0, 2),
                                       .day_start_ms = row_int(&r, 0, 3),
                                       .day_count = row_int(&r, 0, 4)};
    return OK;
}

enum err code_allowance_write(struct ctx *c, const unsigned char phone[static 32], int purpose,
                              const struct code_allowance *a)
{
    if (!a->found)
        return db_exec(
            c, NULL,
            SQL("INSERT INTO sms_allowance (phone_digest, purpose, sent_ms, hour_start_ms, hour_count, "
                "day_start_ms, day_count) VALUES (?, ?, ?, ?, ?, ?, ?)"),
            BYTES(phone, 32), INT(purpose), INT(c->now_ms), INT(a->hour_start_ms), INT(a->hour_count),
            INT(a->day_start_ms), INT(a->day_count));
    return db_exec_one(
        c,
        SQL("UPDATE sms_allowance SET sent_ms = ?, hour_start_ms = ?, hour_count = ?, day_start_ms = ?, "
            "day_count = ? WHERE phone_digest = ? AND purpose = ? AND sent_ms = ? AND day_count = ?"),
        INT(c->now_ms), INT(a->hour_start_ms), INT(a->hour_count), INT(a->day_start_ms), INT(a->day_count),
        BYTES(phone, 32), INT(purpose), INT(a->was_sent_ms), INT(a->was_day_count));
}

enum err code_insert(struct ctx *c, const char *id, const unsigned char phone[static 32],
                     enum code_purpose purpose, const char *scope, const unsigned char code[static 32],
                     int64_t expires_ms)
{
    TRY(db_exec(
        c, NULL,
        SQL("UPDATE sms_code SET used = 2 WHERE phone_digest = ? AND purpose = ? AND scope = ? AND used = 0"),
        BYTES(phone, 32), INT(purpose), TEXT(scope)));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO sms_code (id, phone_digest, purpose, scope, code, created_ms, expires_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"),
        TEXT(id), BYTES(phone, 32), INT(purpose), TEXT(scope), BYTES(code, 32), INT(c->now_ms),
        INT(expires_ms));
}

enum err code_newest(struct ctx *c, const unsigned char phone[static 32], enum code_purpose purpose,
                     const char *scope, struct code_row *out, bool *found)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, code, tries, expires_ms FROM sms_code WHERE phone_digest = ? AND purpose = ? AND "
            "scope = ? AND used = 0 ORDER BY created_ms DESC LIMIT 1"),
        BYTES(phone, 32), INT(purpose), TEXT(scope)));
    *found = r.n == 1;
    if (!*found)
        return OK;
    strncpy(out->id, row_text(&r, 0, 0), ID_SIZE - 1);
    out->id[ID_SIZE - 1] = '\0';
    memcpy(out->code, row_text(&r, 0, 1), 32);
    out->tries = row_int(&r, 0, 2);
    out->expires_ms = row_int(&r, 0, 3);
    return OK;
}

enum err code_count_try(struct ctx *c, struct code_row *row)
{
    TRY(db_exec_one(c, SQL("UPDATE sms_code SET tries = tries + 1 WHERE id = ? AND tries = ? AND used = 0"),
                    TEXT(row->id), INT(row->tries)));
    row->tries++;
    return OK;
}

enum err code_spend(struct ctx *c, const struct code_row *row)
{
    return db_exec_one(c, SQL("UPDATE sms_code SET used = 1 WHERE id = ? AND tries = ? AND used = 0"),
                       TEXT(row->id), INT(row->tries));
}
