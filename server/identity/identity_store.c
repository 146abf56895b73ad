#include "identity/identity_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>
#include <string.h>

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "verification.sent_to:%s", id);
}

enum err verification_insert(struct ctx *c, const struct verification *v, const char *channel,
                             const unsigned char number_digest[static 32],
                             const unsigned char input_digest[static 32])
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO verification (id, order_id, of_agent, method, state, version, "
                       "input_digest, mismatched, attempts_left, created_ms, updated_ms, channel_id, "
                       "number_digest) VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)"),
                   TEXT(v->id), TEXT(v->order), INT(v->of_agent), INT(v->method), INT(v->state),
                   INT(v->version), BYTES(input_digest, 32), INT(v->attempts_left), INT(v->updated_ms),
                   INT(v->updated_ms), TEXT(channel), BYTES(number_digest, 32));
}

enum err verification_read(struct ctx *c, const char *id, struct verification *out,
                           unsigned char input_digest[static 32])
{
    struct rows r;
    if (!id_valid("ver", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r,
                 SQL("SELECT id, order_id, of_agent, method, state, version, input_digest, mismatched, "
                     "attempts_left, sent_to, updated_ms, code_ms FROM verification WHERE id = ?"),
                 TEXT(id)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    *out = (struct verification){.of_agent = row_int(&r, 0, 2) != 0,
                                 .method = (enum method)row_int(&r, 0, 3),
                                 .state = (enum verification_state)row_int(&r, 0, 4),
                                 .version = row_int(&r, 0, 5),
                                 .mismatched = row_text(&r, 0, 7),
                                 .attempts_left = (int)row_int(&r, 0, 8),
                                 .sent_to = "",
                                 .updated_ms = row_int(&r, 0, 10),
                                 .code_ms = row_int(&r, 0, 11)};
    snprintf(out->id, sizeof out->id, "%s", row_text(&r, 0, 0));
    snprintf(out->order, sizeof out->order, "%s", row_text(&r, 0, 1));
    if (row_cell(&r, 0, 6)->n != 32)
        return fail(c->fault, ERR_DATA_LOSS, "the digest of verification %s is damaged", id);
    memcpy(input_digest, row_text(&r, 0, 6), 32);
    const struct cell *sent = row_cell(&r, 0, 9);
    size_t n;
    return sent->null ? OK
                      : crypt_open(c->keys, c->arena, place(c, out->id), sent->text, sent->n, &out->sent_to,
                                   &n, c->fault);
}

enum err verification_update(struct ctx *c, struct verification *v, enum verification_state to,
                             const char *mismatched, const char *sent_to)
{
    struct arg sealed = SQLNULL;
    if (sent_to && *sent_to) {
        const void *p;
        size_t n;
        TRY(crypt_seal(c->keys, c->arena, place(c, v->id), sent_to, strlen(sent_to), &p, &n));
        sealed = BYTES(p, n);
        v->sent_to = sent_to;
    }
    TRY(db_exec_one(
        c,
        SQL("UPDATE verification SET state = ?, version = version + 1, updated_ms = ?, mismatched "
            "= COALESCE(?, mismatched), sent_to = COALESCE(?, sent_to), code_ms = ? WHERE id = ? AND state = "
            "? "
            "AND version = ?"),
        INT(to), INT(c->now_ms), TEXT(mismatched), sealed, INT(v->code_ms), TEXT(v->id), INT(v->state),
        INT(v->version)));
    v->state = to;
    v->version++;
    v->updated_ms = c->now_ms;
    if (mismatched)
        v->mismatched = mismatched;
    return OK;
}

enum err verification_count(struct ctx *c, const char *order_id, bool of_agent, int64_t since_ms, int *count,
                            int64_t *oldest_ms)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), COALESCE(MIN(v.created_ms), 0) FROM verification v WHERE v.order_id = ? "
            "AND v.of_agent = ? AND v.created_ms > ? AND (v.state <> 5 OR EXISTS (SELECT 1 FROM "
            "verification_evidence e WHERE e.verification_id = v.id))"),
        TEXT(order_id), INT(of_agent), INT(since_ms)));
    *count = (int)row_int(&r, 0, 0);
    *oldest_ms = row_int(&r, 0, 1);
    return OK;
}

enum err verification_count_number(struct ctx *c, const char *channel,
                                   const unsigned char number_digest[static 32], int64_t since_ms, int *count,
                                   int64_t *oldest_ms)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT COUNT(*), COALESCE(MIN(v.created_ms), 0) FROM verification v WHERE v.channel_id = ? AND "
            "v.number_digest = ? AND v.created_ms > ? AND v.state <> 3 AND (v.state <> 5 OR EXISTS (SELECT 1 "
            "FROM verification_evidence e WHERE e.verification_id = v.id))"),
        TEXT(channel), BYTES(number_digest, 32), INT(since_ms)));
    *count = (int)row_int(&r, 0, 0);
    *oldest_ms = row_int(&r, 0, 1);
    return OK;
}

enum err evidence_insert(struct ctx *c, const struct verification *v, const struct check_answer *a,
                         const unsigned char input_digest[static 32])
{
    enum err e = db_exec(
        c, NULL,
        SQL("INSERT INTO verification_evidence (verification_id, name, order_id, provider, outcome, "
            "provider_code, provider_request, billed, input_digest, checked_ms) VALUES (?, ?, ?, ?, ?, ?, ?, "
            "?, ?, ?)"),
        TEXT(v->id), TEXT(a->check), TEXT(v->order), TEXT(a->provider), TEXT(a->outcome), TEXT(a->code),
        TEXT(a->request_id), INT(a->billed), BYTES(input_digest, 32), INT(a->checked_ms));
    if (e != ERR_DB_DUPLICATE)
        return e;
    fault_clear(c->fault);
    return OK;
}

enum err evidence_exists(struct ctx *c, const char *verification_id, const char *check, bool *found)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM verification_evidence WHERE verification_id = ? AND name = ?"),
                 TEXT(verification_id), TEXT(check)));
    *found = r.n > 0;
    return OK;
}

enum err evidence_list(struct ctx *c, const char *order_id, const unsigned char subject[static 32],
                       const unsigned char agent[static 32], const struct evidence **out, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT e.provider, e.name, e.outcome, e.provider_request, e.checked_ms, e.input_digest <> "
            "IF(v.of_agent, ?, ?) FROM verification_evidence e JOIN verification v ON v.id = "
            "e.verification_id WHERE e.order_id = ? ORDER BY e.checked_ms, e.name"),
        BYTES(agent, 32), BYTES(subject, 32), TEXT(order_id)));
    struct evidence *e = ARENA_ARRAY(c->arena, struct evidence, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        e[i] = (struct evidence){.provider = row_text(&r, i, 0),
                                 .check = row_text(&r, i, 1),
                                 .outcome = row_text(&r, i, 2),
                                 .request_id = row_text(&r, i, 3),
                                 .checked_ms = row_int(&r, i, 4),
                                 .of_earlier_data = row_int(&r, i, 5) != 0};
    *out = e;
    *n = r.n;
    return OK;
}

enum err identity_event_insert(struct ctx *c, const char *provider, const unsigned char key[static 32],
                               const char *object, const void *body, size_t n)
{
    const void *sealed;
    size_t sealed_n;
    char hex[65];
    hex_encode(key, 32, hex);
    const char *where = arena_printf(c->arena, "identity_event.body:%s:%s", provider, hex);
    TRY(crypt_seal(c->keys, c->arena, where, body, n, &sealed, &sealed_n));
    return db_exec(
        c, NULL,
        SQL("INSERT INTO identity_event (provider, event_key, object_id, body, received_ms) VALUES "
            "(?, ?, ?, ?, ?)"),
        TEXT(provider), BYTES(key, 32), TEXT(object), BYTES(sealed, sealed_n), INT(c->now_ms));
}

enum err identity_costs(struct ctx *c, int64_t from_ms, int64_t to_ms, const struct identity_cost **out,
                        size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT ch.code, e.provider, e.name, COUNT(*), SUM(e.billed), SUM(e.outcome = 'MATCH') "
                     "FROM verification_evidence e JOIN orders o ON o.id = e.order_id JOIN channel ch ON "
                     "ch.id = o.channel_id WHERE e.checked_ms >= ? AND e.checked_ms < ? GROUP BY ch.code, "
                     "e.provider, e.name ORDER BY ch.code, e.provider, e.name"),
                 INT(from_ms), INT(to_ms)));
    struct identity_cost *list = ARENA_ARRAY(c->arena, struct identity_cost, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        list[i] = (struct identity_cost){.channel = row_text(&r, i, 0),
                                         .provider = row_text(&r, i, 1),
                                         .check = row_text(&r, i, 2),
                                         .asked = row_int(&r, i, 3),
                                         .billed = row_int(&r, i, 4),
                                         .matched = row_int(&r, i, 5)};
    *out = list;
    *n = r.n;
    return OK;
}
