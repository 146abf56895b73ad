#include "account/ukey_store.h"

#include "core/db.h"

#include <string.h>

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

enum err challenge_insert(struct ctx *c, const struct challenge *ch)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO challenge (id, purpose, channel_id, account_id, text, created_ms, "
                       "expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"),
                   TEXT(ch->id), INT(ch->purpose), TEXT(ch->channel), TEXT(ch->account), TEXT(ch->text),
                   INT(c->now_ms), INT(ch->expires_ms));
}

enum err challenge_use(struct ctx *c, const char *id, enum challenge_purpose purpose, const char *account,
                       struct challenge *out)
{
    uint64_t first;
    struct rows r;
    TRY(db_exec(
        c, &first,
        SQL("UPDATE challenge SET used = 1 WHERE id = ? AND purpose = ? AND account_id = ? AND used = "
            "0 AND expires_ms > ?"),
        TEXT(id), INT(purpose), TEXT(account), INT(c->now_ms)));
    if (first != 1)
        return fail(c->fault, ERR_CHALLENGE_EXPIRED, NULL);
    TRY(db_query(c, &r, SQL("SELECT channel_id, account_id, text, expires_ms FROM challenge WHERE id = ?"),
                 TEXT(id)));
    *out =
        (struct challenge){.purpose = purpose, .text = row_text(&r, 0, 2), .expires_ms = row_int(&r, 0, 3)};
    copy_id(out->id, id);
    copy_id(out->channel, row_text(&r, 0, 0));
    copy_id(out->account, row_text(&r, 0, 1));
    return OK;
}

enum err binding_insert(struct ctx *c, const char *channel, const struct binding *b)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO binding (channel_id, certificate_id, account_id, created_ms) VALUES (?, ?, ?, ?)"),
        TEXT(channel), TEXT(b->certificate), TEXT(b->account), INT(b->created_ms));
}

enum err binding_find(struct ctx *c, const char *channel, const char *certificate, struct binding *out)
{
    struct rows r;
    TRY(db_query(
        c, &r, SQL("SELECT account_id, created_ms FROM binding WHERE channel_id = ? AND certificate_id = ?"),
        TEXT(channel), TEXT(certificate)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct binding){.medium_number = "", .created_ms = row_int(&r, 0, 1)};
    copy_id(out->certificate, certificate);
    copy_id(out->account, row_text(&r, 0, 0));
    return OK;
}

enum err binding_delete(struct ctx *c, const char *account, const char *certificate)
{
    uint64_t n;
    TRY(db_exec(c, &n,
                SQL("DELETE FROM binding WHERE channel_id = ? AND certificate_id = ? AND account_id = ?"),
                TEXT(c->caller.channel), TEXT(certificate), TEXT(account)));
    return n == 1 ? OK : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err binding_list(struct ctx *c, const char *account, int64_t after_ms, const char *after_id, int limit,
                      struct binding **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT b.certificate_id, b.account_id, t.medium_number, b.created_ms FROM binding b "
                     "JOIN certificate t ON t.id = b.certificate_id WHERE b.account_id = ? AND (? = '' OR "
                     "b.created_ms < ? OR (b.created_ms = ? AND b.certificate_id < ?)) "
                     "ORDER BY b.created_ms DESC, b.certificate_id DESC LIMIT ?"),
                 TEXT(account), TEXT(after_id), INT(after_ms), INT(after_ms), TEXT(after_id), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct binding, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        struct binding *b = &(*out)[i];
        *b = (struct binding){.medium_number = row_text(&r, i, 2), .created_ms = row_int(&r, i, 3)};
        copy_id(b->certificate, row_text(&r, i, 0));
        copy_id(b->account, row_text(&r, i, 1));
    }
    return OK;
}
