#include "account/account_store.h"

#include "account/login_tries.h"
#include "app.h"
#include "core/crypt.h"

#include <string.h>

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "account.phone:%s", id);
}

enum err account_insert(struct ctx *c, const struct account *a)
{
    unsigned char digest[32];
    const void *sealed;
    size_t n;
    crypt_lookup(c->app->keys, "phone", a->phone, digest);
    TRY(crypt_seal(c->app->keys, c->arena, place(c, a->id), a->phone, strlen(a->phone), &sealed, &n));
    return db_exec(c, NULL,
                   SQL("INSERT INTO account (id, channel_id, user_name, phone_digest, phone, password, "
                       "initial_password, version, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)"),
                   TEXT(a->id), TEXT(a->channel), TEXT(a->user_name), BYTES(digest, sizeof digest),
                   BYTES(sealed, n), TEXT(a->password), INT(a->initial_password), INT(a->created_ms));
}

#define ACCOUNT_SELECT                                                                                       \
    "SELECT id, channel_id, user_name, phone, password, initial_password, version, "                         \
    "created_ms, EXISTS (SELECT 1 FROM account_picture p WHERE p.account_id = account.id) FROM "             \
    "account WHERE "

static enum err read(struct ctx *c, const struct rows *r, struct account *out)
{
    if (r->n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    strncpy(out->id, row_text(r, 0, 0), ID_SIZE - 1);
    strncpy(out->channel, row_text(r, 0, 1), ID_SIZE - 1);
    out->id[ID_SIZE - 1] = out->channel[ID_SIZE - 1] = '\0';
    out->user_name = row_text(r, 0, 2);
    out->password = row_text(r, 0, 4);
    out->initial_password = row_int(r, 0, 5) != 0;
    out->version = row_int(r, 0, 6);
    out->created_ms = row_int(r, 0, 7);
    out->has_picture = row_int(r, 0, 8) != 0;
    size_t n;
    return crypt_open(c->app->keys, c->arena, place(c, out->id), row_text(r, 0, 3), row_cell(r, 0, 3)->n,
                      &out->phone, &n, c->fault);
}

enum err account_by_id(struct ctx *c, const char *id, struct account *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(ACCOUNT_SELECT "id = ?"), TEXT(id)));
    return read(c, &r, out);
}

enum err account_by_phone(struct ctx *c, const char *channel, const char *phone, struct account *out)
{
    struct rows r;
    unsigned char digest[32];
    crypt_lookup(c->app->keys, "phone", phone, digest);
    TRY(db_query(c, &r, SQL(ACCOUNT_SELECT "channel_id = ? AND phone_digest = ?"), TEXT(channel),
                 BYTES(digest, sizeof digest)));
    return read(c, &r, out);
}

enum err account_by_user_name(struct ctx *c, const char *channel, const char *user_name, struct account *out)
{
    struct rows r;
    /* Made small here: the database finds small letters for signs that are none of a name's. */
    TRY(db_query(c, &r, SQL(ACCOUNT_SELECT "channel_id = ? AND user_name_key = ?"), TEXT(channel),
                 TEXT(login_name(c->arena, user_name))));
    return read(c, &r, out);
}

enum err account_keep(struct ctx *c, const struct account *a)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM account WHERE id = ? AND version = ? LOCK IN SHARE MODE"),
                 TEXT(a->id), INT(a->version)));
    return r.n == 1 ? OK : fail(c->fault, ERR_DB_RETRY, NULL);
}

enum err account_set_password(struct ctx *c, const struct account *a, const char *password)
{
    return db_exec_one(c,
                       SQL("UPDATE account SET password = ?, initial_password = 0, version = version + 1 "
                           "WHERE id = ? AND version = ?"),
                       TEXT(password), TEXT(a->id), INT(a->version));
}

enum err account_set_phone(struct ctx *c, const struct account *a, const char *phone)
{
    unsigned char digest[32];
    const void *sealed;
    size_t n;
    crypt_lookup(c->app->keys, "phone", phone, digest);
    TRY(crypt_seal(c->app->keys, c->arena, place(c, a->id), phone, strlen(phone), &sealed, &n));
    return db_exec_one(c,
                       SQL("UPDATE account SET phone_digest = ?, phone = ?, version = version + 1 "
                           "WHERE id = ? AND version = ?"),
                       BYTES(digest, sizeof digest), BYTES(sealed, n), TEXT(a->id), INT(a->version));
}

enum err account_set_user_name(struct ctx *c, const struct account *a, const char *user_name)
{
    return db_exec_one(
        c, SQL("UPDATE account SET user_name = ?, version = version + 1 WHERE id = ? AND version = ?"),
        TEXT(user_name), TEXT(a->id), INT(a->version));
}
