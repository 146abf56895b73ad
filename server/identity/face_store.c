/* Sessions: every statement about them. */
#include "core/crypt.h"
#include "core/sealed.h"
#include "identity/face.h"

#include <stdio.h>
#include <string.h>

#define FACE_COLUMNS "id, verification_id, order_id, state, ways, provider, token, url, expires_ms, version"

static enum err read_row(struct ctx *c, const struct rows *r, struct face_session *out)
{
    if (r->n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct face_session){.state = (enum face_state)row_int(r, 0, 3),
                                 .ways = (unsigned)row_int(r, 0, 4),
                                 .provider = row_text(r, 0, 5),
                                 .expires_ms = row_int(r, 0, 8),
                                 .version = row_int(r, 0, 9)};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, 0, 0));
    snprintf(out->verification, sizeof out->verification, "%s", row_text(r, 0, 1));
    snprintf(out->order, sizeof out->order, "%s", row_text(r, 0, 2));
    TRY(sealed_text(c, "face_session.token", out->id, row_cell(r, 0, 6), "", &out->token));
    return sealed_text(c, "face_session.url", out->id, row_cell(r, 0, 7), "", &out->url);
}

enum err face_insert(struct ctx *c, const struct face_session *f)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO face_session (id, verification_id, order_id, state, version, ways, "
            "provider, expires_ms, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, '', 0, ?, ?)"),
        TEXT(f->id), TEXT(f->verification), TEXT(f->order), INT(f->state), INT(f->version), INT(f->ways),
        INT(c->now_ms), INT(c->now_ms));
}

enum err face_read(struct ctx *c, const char *id, struct face_session *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT " FACE_COLUMNS " FROM face_session WHERE id = ?"), TEXT(id)));
    return read_row(c, &r, out);
}

enum err face_newest(struct ctx *c, const char *verification_id, struct face_session *out, int *count)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT " FACE_COLUMNS " FROM face_session WHERE verification_id = ? ORDER BY id DESC"),
                 TEXT(verification_id)));
    *count = (int)r.n;
    return read_row(c, &r, out);
}

static void token_digest(struct ctx *c, const char *token, unsigned char out[static 32])
{
    crypt_lookup(c->keys, "face_session.token", token, out);
}

enum err face_by_token(struct ctx *c, const char *provider, const char *token, struct face_session *out)
{
    struct rows r;
    unsigned char digest[32];
    token_digest(c, token, digest);
    TRY(db_query(c, &r,
                 SQL("SELECT " FACE_COLUMNS " FROM face_session WHERE provider = ? AND token_digest = ?"),
                 TEXT(provider), BYTES(digest, 32)));
    return read_row(c, &r, out);
}

enum err face_update(struct ctx *c, struct face_session *f, enum face_state to, unsigned ways,
                     const struct face_opened *o)
{
    struct arg token, url, digest = SQLNULL;
    unsigned char bytes[32];
    TRY(sealed_arg(c, "face_session.token", f->id, o ? o->token : NULL, &token));
    TRY(sealed_arg(c, "face_session.url", f->id, o ? o->url : NULL, &url));
    if (o) {
        token_digest(c, o->token, bytes);
        digest = BYTES(bytes, sizeof bytes);
    }
    TRY(db_exec_one(
        c,
        SQL("UPDATE face_session SET state = ?, version = version + 1, ways = ?, provider = COALESCE(?, "
            "provider), token = COALESCE(?, token), token_digest = COALESCE(?, token_digest), url = IF(? = "
            "2, "
            "COALESCE(?, url), NULL), expires_ms = COALESCE(?, expires_ms), updated_ms = ? WHERE id = ? AND "
            "state = ? AND version = ?"),
        INT(to), INT(ways), TEXT(o ? o->provider : NULL), token, digest, INT(to), url,
        o ? INT(o->expires_ms) : SQLNULL, INT(c->now_ms), TEXT(f->id), INT(f->state), INT(f->version)));
    f->state = to;
    f->ways = ways;
    f->version++;
    if (o) {
        f->provider = o->provider;
        f->token = o->token;
        f->url = o->url;
        f->expires_ms = o->expires_ms;
    }
    return OK;
}
