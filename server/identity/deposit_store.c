/* Deposits: every statement about one of them. Batches are in remittance_store.c. */
#include "core/audit.h"
#include "core/crypt.h"
#include "core/sealed.h"
#include "identity/choice.h"
#include "identity/deposit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPOSIT_COLUMNS                                                                                      \
    "id, purpose, order_id, verification_id, state, version, provider, COALESCE(batch, 0), flow, secret, "   \
    "secret_digest, payee, tries_left, COALESCE(entered_fen, 0), sent_ms, expires_ms, purpose_key, "         \
    "medium_number"

static const char *or_none(const char *s)
{
    return s && *s ? s : NULL;
}

/* -- who gets it -------------------------------------------------------------------------------------------
 */

static const char *payee_text(struct ctx *c, const struct payee *p)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", p->name, "account", p->account, "bank",
                          p->bank, "branch", p->branch, "cnaps", p->cnaps);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    const char *out = text ? arena_strdup(c->arena, text) : NULL;
    json_decref(j);
    if (text)
        wipe(text, strlen(text));
    free(text);
    return out;
}

static const char *member(struct ctx *c, const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? arena_strdup(c->arena, s) : "";
}

static void read_payee(struct ctx *c, const char *text, struct payee *out)
{
    json_t *j = *text ? json_loads(text, 0, NULL) : NULL;
    *out = (struct payee){.name = member(c, j, "name"),
                          .account = member(c, j, "account"),
                          .bank = member(c, j, "bank"),
                          .branch = member(c, j, "branch"),
                          .cnaps = member(c, j, "cnaps")};
    json_decref(j);
}

/* -- rows --------------------------------------------------------------------------------------------------
 */

static enum err read_row(struct ctx *c, const struct rows *r, struct deposit *out)
{
    const char *payee;
    if (r->n == 0)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct deposit){.purpose = (enum deposit_purpose)row_int(r, 0, 1),
                            .state = (enum deposit_state)row_int(r, 0, 4),
                            .version = row_int(r, 0, 5),
                            .provider = row_text(r, 0, 6),
                            .batch = row_int(r, 0, 7),
                            .flow = row_text(r, 0, 8),
                            .tries_left = (int)row_int(r, 0, 12),
                            .entered_fen = (int)row_int(r, 0, 13),
                            .sent_ms = row_int(r, 0, 14),
                            .expires_ms = row_int(r, 0, 15),
                            .key = row_text(r, 0, 16),
                            .medium = row_text(r, 0, 17)};
    snprintf(out->id, sizeof out->id, "%s", row_text(r, 0, 0));
    snprintf(out->order, sizeof out->order, "%s", row_text(r, 0, 2));
    snprintf(out->verification, sizeof out->verification, "%s", row_text(r, 0, 3));
    const struct cell *digest = row_cell(r, 0, 10);
    out->has_digest = digest->n == sizeof out->digest;
    if (out->has_digest)
        memcpy(out->digest, digest->text, sizeof out->digest);
    TRY(sealed_text(c, "deposit.secret", out->id, row_cell(r, 0, 9), "", &out->secret));
    TRY(sealed_text(c, "deposit.payee", out->id, row_cell(r, 0, 11), "", &payee));
    read_payee(c, payee, &out->payee);
    return OK;
}

void deposit_digest(struct ctx *c, const char *id, const char *secret, unsigned char out[static 32])
{
    crypt_lookup(c->keys, "deposit.secret", arena_printf(c->arena, "%s\n%s", id, secret), out);
}

enum err deposit_insert(struct ctx *c, const struct deposit *d, const char *purpose_key)
{
    struct arg secret, payee, digest = SQLNULL;
    unsigned char bytes[32];
    TRY(sealed_arg(c, "deposit.secret", d->id, or_none(d->secret), &secret));
    TRY(sealed_arg(c, "deposit.payee", d->id, d->payee.account ? payee_text(c, &d->payee) : NULL, &payee));
    if (d->secret && *d->secret) {
        deposit_digest(c, d->id, d->secret, bytes);
        digest = BYTES(bytes, sizeof bytes);
    }
    TRY(db_exec(
        c, NULL,
        SQL("INSERT INTO deposit (id, purpose, purpose_key, medium_number, order_id, verification_id, state, "
            "version, "
            "provider, secret, secret_digest, payee, tries_left, bank_reference, reason, sent_ms, "
            "expires_ms, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, '', '', 0, "
            "?, ?, ?)"),
        TEXT(d->id), INT(d->purpose), TEXT(purpose_key), TEXT(d->medium), TEXT(d->order),
        TEXT(d->verification), INT(d->state), TEXT(d->provider), secret, digest, payee, INT(d->tries_left),
        INT(d->expires_ms), INT(c->now_ms), INT(c->now_ms)));
    return audit_add(c, &(struct audit_entry){.action = "deposit.made", .object = d->id, .version = 1});
}

enum err deposit_read(struct ctx *c, const char *id, struct deposit *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT " DEPOSIT_COLUMNS " FROM deposit WHERE id = ?"), TEXT(id)));
    return read_row(c, &r, out);
}

enum err deposit_of_verification(struct ctx *c, const char *verification_id, struct deposit *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT " DEPOSIT_COLUMNS " FROM deposit WHERE purpose_key = ?"),
                 TEXT(verification_id)));
    return read_row(c, &r, out);
}

enum err deposit_used_by_remark(struct ctx *c, const char *order, bool *out)
{
    struct rows r;
    TRY(db_query(
        c, &r, SQL("SELECT 1 FROM deposit WHERE order_id = ? AND purpose = ? AND state = ? AND provider = ?"),
        TEXT(order), INT(DEPOSIT_VERIFICATION), INT(DEPOSIT_USED), TEXT(REMITTANCE)));
    *out = r.n > 0;
    return OK;
}

enum err deposit_by_flow(struct ctx *c, const char *provider, const char *flow, struct deposit *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT " DEPOSIT_COLUMNS " FROM deposit WHERE provider = ? AND flow = ?"),
                 TEXT(provider), TEXT(flow)));
    return read_row(c, &r, out);
}

enum err deposit_to_remark(struct ctx *c, struct deposit *d, const char *code)
{
    struct arg secret;
    unsigned char digest[32];
    TRY(sealed_arg(c, "deposit.secret", d->id, or_none(code), &secret));
    deposit_digest(c, d->id, code, digest);
    TRY(db_exec_one(
        c,
        SQL("UPDATE deposit SET provider = ?, flow = NULL, secret = ?, secret_digest = ?, version = "
            "version + 1, updated_ms = ? WHERE id = ? AND state = 1 AND version = ?"),
        TEXT(REMITTANCE), secret, BYTES(digest, 32), INT(c->now_ms), TEXT(d->id), INT(d->version)));
    d->version++;
    return audit_add(
        c, &(struct audit_entry){.action = "deposit.by_remark", .object = d->id, .version = d->version});
}

static const char *state_name(enum deposit_state s)
{
    static const char *const names[] = {
        [DEPOSIT_WAITING] = "waiting",   [DEPOSIT_ORDERED] = "ordered", [DEPOSIT_SENT] = "sent",
        [DEPOSIT_FAILED] = "failed",     [DEPOSIT_USED] = "used",       [DEPOSIT_DROPPED] = "dropped",
        [DEPOSIT_DOUBTFUL] = "doubtful",
    };
    return names[s];
}

#define INT_OR_STAY(v) ((v) > 0 ? INT(v) : SQLNULL)
#define AT_OR_STAY(p)  ((p) ? INT(*(p)) : SQLNULL)

enum err deposit_update(struct ctx *c, struct deposit *d, enum deposit_state to,
                        const struct deposit_change *ch)
{
    TRY(db_exec_one(
        c,
        SQL("UPDATE deposit SET state = ?, version = version + 1, provider = COALESCE(?, provider), flow = "
            "COALESCE(?, flow), bank_reference = COALESCE(?, bank_reference), reason = COALESCE(?, reason), "
            "batch = COALESCE(?, batch), sent_ms = COALESCE(?, sent_ms), expires_ms = COALESCE(?, "
            "expires_ms), tries_left = COALESCE(?, tries_left), entered_fen = COALESCE(?, entered_fen), "
            "secret "
            "= IF(?, NULL, secret), payee = IF(?, NULL, payee), updated_ms = ? WHERE id = ? AND state = ? "
            "AND "
            "version = ?"),
        INT(to), TEXT(ch->provider), TEXT(ch->flow), TEXT(ch->reference), TEXT(ch->reason),
        INT_OR_STAY(ch->batch), INT_OR_STAY(ch->sent_ms), INT_OR_STAY(ch->expires_ms),
        AT_OR_STAY(ch->tries_left), AT_OR_STAY(ch->entered_fen), INT(ch->forget), INT(ch->forget),
        INT(c->now_ms), TEXT(d->id), INT(d->state), INT(d->version)));
    d->state = to;
    d->version++;
    if (ch->batch > 0)
        d->batch = ch->batch;
    if (ch->tries_left)
        d->tries_left = *ch->tries_left;
    const char *action = arena_printf(c->arena, "deposit.%s", state_name(to));
    return audit_add(c, &(struct audit_entry){.action = action, .object = d->id, .version = d->version});
}
