#include "invoice/token_store.h"

#include "base/clock.h"
#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = 24 * 3600000;

/* What one question needs. */
struct asking {
    struct arena arena;
    struct fault fault;
    struct ctx c;
};

static void close_asking(struct asking *k)
{
    if (k->c.db)
        db_close(k->c.db);
    arena_free(&k->arena);
}

/* The caller gives the fault of the store's own: SQL errors stay here. */
static enum err open_asking(struct app *app, struct asking *k)
{
    memset(k, 0, sizeof *k);
    arena_init(&k->arena, 0);
    k->c = (struct ctx){.app = app,
                        .keys = app->keys,
                        .arena = &k->arena,
                        .fault = &k->fault,
                        .caller = {.kind = CALLER_SYSTEM, .id = "system"},
                        .now_ms = clock_now_ms(),
                        .method = "token_store"};
    return db_open(&app->db, &k->c.db, &k->fault);
}

static enum err told(struct asking *k, enum err e, struct fault *f)
{
    if (e != OK)
        e = fail(f, e, "%s", fault_text(&k->fault));
    return e;
}

static const char *place(struct ctx *c, const char *name)
{
    return arena_printf(c->arena, "supplier_token.token:%s", name);
}

static enum err read_token(struct ctx *c, const char *name, struct provider_token *out)
{
    struct rows r;
    const char *text;
    size_t n;
    *out = (struct provider_token){0};
    TRY(db_query(c, &r, SQL("SELECT token, expires_ms, version FROM supplier_token WHERE name = ?"),
                 TEXT(name)));
    if (r.n == 0)
        return OK;
    out->expires_ms = row_int(&r, 0, 1);
    out->version = row_int(&r, 0, 2);
    const struct cell *sealed = row_cell(&r, 0, 0);
    if (sealed->n == 0)
        return OK;
    TRY(crypt_open(c->keys, c->arena, place(c, name), sealed->text, sealed->n, &text, &n, c->fault));
    if (n >= sizeof out->text)
        return fail(c->fault, ERR_DATA_LOSS, "a stored token is too long");
    memcpy(out->text, text, n);
    return OK;
}

static enum err load(void *arg, const char *name, struct provider_token *out, struct fault *f)
{
    CLEANUP(close_asking)
    struct asking k;
    enum err e = open_asking(arg, &k);
    return told(&k, e == OK ? read_token(&k.c, name, out) : e, f);
}

/* One statement decides: whoever changes the row from the version that he has read, while nobody holds it and
 * the day has some left, holds it. */
static enum err take(struct ctx *c, const char *name, int64_t version)
{
    uint64_t changed;
    if (version == 0) {
        enum err e =
            db_exec(c, NULL,
                    SQL("INSERT INTO supplier_token (name, token, expires_ms, version, claimed_until_ms, "
                        "day_ms, day_count, updated_ms) VALUES (?, '', 0, 1, ?, ?, 1, ?)"),
                    TEXT(name), INT(c->now_ms + TOKEN_CLAIM_MS), INT(c->now_ms), INT(c->now_ms));
        return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_CONFLICT, NULL) : e;
    }
    TRY(db_exec(
        c, &changed,
        SQL("UPDATE supplier_token SET version = version + 1, claimed_until_ms = ?, "
            "day_count = IF(day_ms <= ?, 1, day_count + 1), day_ms = IF(day_ms <= ?, ?, day_ms), "
            "updated_ms = ? WHERE name = ? AND version = ? AND claimed_until_ms <= ? AND (day_ms <= ? OR "
            "day_count < ?)"),
        INT(c->now_ms + TOKEN_CLAIM_MS), INT(c->now_ms - DAY_MS), INT(c->now_ms - DAY_MS), INT(c->now_ms),
        INT(c->now_ms), TEXT(name), INT(version), INT(c->now_ms), INT(c->now_ms - DAY_MS),
        INT(TOKENS_A_DAY)));
    if (changed == 1)
        return OK;
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT 1 FROM supplier_token WHERE name = ? AND version = ? AND claimed_until_ms <= ?"),
                 TEXT(name), INT(version), INT(c->now_ms)));
    return r.n ? fail(c->fault, ERR_RATE_LIMITED, "enough tokens were taken today")
               : fail(c->fault, ERR_CONFLICT, NULL);
}

static enum err claim(void *arg, const char *name, int64_t version, struct fault *f)
{
    CLEANUP(close_asking)
    struct asking k;
    enum err e = open_asking(arg, &k);
    return told(&k, e == OK ? take(&k.c, name, version) : e, f);
}

/* t->version is what was loaded: claiming raised it by one. Who took longer than a claim lasts may find that
 * another one has a newer token stored, which must stay. */
static enum err write_token(struct ctx *c, const char *name, const struct provider_token *t)
{
    const void *sealed;
    size_t n;
    TRY(crypt_seal(c->keys, c->arena, place(c, name), t->text, strlen(t->text), &sealed, &n));
    return db_exec_one(c,
                       SQL("UPDATE supplier_token SET token = ?, expires_ms = ?, version = version + 1, "
                           "claimed_until_ms = 0, updated_ms = ? WHERE name = ? AND version = ?"),
                       BYTES(sealed, n), INT(t->expires_ms), INT(c->now_ms), TEXT(name), INT(t->version + 1));
}

static enum err save(void *arg, const char *name, const struct provider_token *t, struct fault *f)
{
    CLEANUP(close_asking)
    struct asking k;
    enum err e = open_asking(arg, &k);
    return told(&k, e == OK ? write_token(&k.c, name, t) : e, f);
}

const struct provider_tokens *token_store(struct app *app)
{
    static struct provider_tokens store = {NULL, load, claim, save};
    store.arg = app;
    return &store;
}
