#include "account/session.h"

#include "app.h"
#include "core/crypt.h"

#include <string.h>

static enum err start(struct ctx *c, const struct caller *who, enum session_how how, const char *certificate,
                      int hours, char token[static 44], int64_t *expires_ms)
{
    unsigned char digest[32];
    char id[ID_SIZE];
    crypt_token(token);
    crypt_sha256(token, strlen(token), digest);
    id_new("ses", id);
    *expires_ms = c->now_ms + hours * INT64_C(3600000);
    return db_exec(
        c, NULL,
        SQL("INSERT INTO session (token_digest, id, caller_kind, owner_id, channel_id, roles, how, "
            "certificate_id, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        BYTES(digest, sizeof digest), TEXT(id), INT(who->kind), TEXT(who->id), TEXT(who->channel),
        INT(who->roles), INT(how), TEXT(certificate), INT(c->now_ms), INT(*expires_ms));
}

enum err session_start(struct ctx *c, enum caller_kind kind, const char *owner, const char *channel,
                       unsigned roles, char token[static 44], int64_t *expires_ms)
{
    struct caller who = {.kind = kind, .roles = roles};
    strncpy(who.id, owner, ID_SIZE - 1);
    strncpy(who.channel, channel, ID_SIZE - 1);
    return start(c, &who, SESSION_HOW_NONE, "",
                 kind == CALLER_STAFF ? SESSION_HOURS_STAFF : SESSION_HOURS_ACCOUNT, token, expires_ms);
}

enum err session_start_person(struct ctx *c, const char *account, const char *channel, enum session_how how,
                              const char *certificate, char token[static 44], int64_t *expires_ms)
{
    struct caller who = {.kind = CALLER_ACCOUNT};
    strncpy(who.id, account, ID_SIZE - 1);
    strncpy(who.channel, channel, ID_SIZE - 1);
    return start(c, &who, how, certificate, SESSION_HOURS_ACCOUNT, token, expires_ms);
}

/* What opens with a password that must be changed first opens nothing (S2): it holds for every call, because
 * no call knows its caller otherwise. */
#define SESSION_GOOD                                                                                         \
    "AND ended_ms = 0 AND expires_ms > ? AND (how <> 2 OR NOT EXISTS (SELECT 1 FROM account a WHERE a.id = " \
    "session.owner_id AND a.initial_password <> 0))"
#define SESSION_SELECT                                                                                       \
    "SELECT token_digest, id, caller_kind, owner_id, channel_id, roles FROM session WHERE token_digest IN "

enum err session_find(struct ctx *c, size_t n, const char *const *tokens, struct caller *out)
{
    unsigned char digests[SESSION_BATCH][32];
    struct arg args[SESSION_BATCH + 1];
    size_t asked = 0, index[SESSION_BATCH];
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct caller){.kind = CALLER_NONE};
        if (!tokens[i])
            continue;
        crypt_sha256(tokens[i], strlen(tokens[i]), digests[asked]);
        args[asked] = BYTES(digests[asked], 32);
        index[asked++] = i;
    }
    if (!asked)
        return OK;
    struct rows r;
    if (asked == 1) {
        args[1] = INT(c->now_ms);
        TRY(db_query_(c, &r, SQL(SESSION_SELECT "(?) " SESSION_GOOD), args, 2));
    } else {
        /* One text for every group size: the rest of the list repeats the last digest. */
        for (size_t i = asked; i < SESSION_BATCH; i++)
            args[i] = args[asked - 1];
        args[SESSION_BATCH] = INT(c->now_ms);
        TRY(db_query_(c, &r,
                      SQL(SESSION_SELECT
                          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) " SESSION_GOOD),
                      args, SESSION_BATCH + 1));
    }
    for (size_t k = 0; k < r.n; k++)
        for (size_t a = 0; a < asked; a++)
            if (memcmp(row_text(&r, k, 0), digests[a], 32) == 0) {
                struct caller *who = &out[index[a]];
                who->kind = (enum caller_kind)row_int(&r, k, 2);
                strncpy(who->session, row_text(&r, k, 1), ID_SIZE - 1);
                strncpy(who->id, row_text(&r, k, 3), ID_SIZE - 1);
                strncpy(who->channel, row_text(&r, k, 4), ID_SIZE - 1);
                who->roles = (unsigned)row_int(&r, k, 5);
            }
    return OK;
}

enum err session_end(struct ctx *c)
{
    return db_exec(c, NULL,
                   SQL("UPDATE session SET ended_ms = ? WHERE id = ? AND owner_id = ? AND ended_ms = 0"),
                   INT(c->now_ms), TEXT(c->caller.session), TEXT(c->caller.id));
}

enum err session_end_all(struct ctx *c, const char *owner)
{
    return db_exec(c, NULL, SQL("UPDATE session SET ended_ms = ? WHERE owner_id = ? AND ended_ms = 0"),
                   INT(c->now_ms), TEXT(owner));
}

enum err session_end_others(struct ctx *c, const char *owner)
{
    return db_exec(c, NULL,
                   SQL("UPDATE session SET ended_ms = ? WHERE owner_id = ? AND id <> ? AND ended_ms = 0"),
                   INT(c->now_ms), TEXT(owner), TEXT(c->caller.session));
}

enum err session_end_of_ukey(struct ctx *c, const char *owner, const char *certificate)
{
    return db_exec(
        c, NULL,
        SQL("UPDATE session SET ended_ms = ? WHERE owner_id = ? AND certificate_id = ? AND ended_ms = 0"),
        INT(c->now_ms), TEXT(owner), TEXT(certificate));
}
