/* Statements of the import: what the channel's file says takes the place of what was there. */
#include "catalog/catalog_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>
#include <string.h>

enum err channel_head(struct ctx *c, const char *code, bool lock, struct channel_head *out)
{
    struct rows r;
    *out = (struct channel_head){.text = ""};
    if (lock) /* two imports of one channel go one after the other */
        TRY(db_query(c, &r, SQL("SELECT id, version FROM channel WHERE code = ? FOR UPDATE"), TEXT(code)));
    TRY(db_query(c, &r,
                 SQL("SELECT c.id, c.version, v.text, v.digest FROM channel c LEFT JOIN channel_version v ON "
                     "v.channel_id = c.id AND v.version = c.version WHERE c.code = ?"),
                 TEXT(code)));
    if (!r.n)
        return OK;
    snprintf(out->id, sizeof out->id, "%s", row_text(&r, 0, 0));
    out->version = (int)row_int(&r, 0, 1);
    out->text = row_text(&r, 0, 2);
    out->n = row_cell(&r, 0, 2)->n;
    if (row_cell(&r, 0, 3)->n == sizeof out->digest)
        memcpy(out->digest, row_text(&r, 0, 3), sizeof out->digest);
    return OK;
}

enum err channel_put(struct ctx *c, const struct channel *ch, const unsigned char digest[static 32])
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO channel (id, code, name, page, policy, invoice_offered, initial_password, "
            "review_from, review_days, payment_minutes, profile, version, digest, imported_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON DUPLICATE KEY UPDATE name = VALUES(name), page = VALUES(page), policy = VALUES(policy), "
            "invoice_offered = VALUES(invoice_offered), initial_password = VALUES(initial_password), "
            "review_from = VALUES(review_from), review_days = VALUES(review_days), payment_minutes = "
            "VALUES(payment_minutes), "
            "profile = VALUES(profile), version = VALUES(version), digest = VALUES(digest), "
            "imported_ms = VALUES(imported_ms)"),
        TEXT(ch->id), TEXT(ch->code), TEXT(ch->name), TEXT(ch->page_json), TEXT(ch->policy_json),
        INT(ch->invoice_offered), TEXT(ch->initial_password), INT(ch->review_from), INT(ch->review_days),
        INT(ch->payment_minutes), TEXT(ch->profile), INT(ch->version), BYTES(digest, 32), INT(c->now_ms));
}

enum err channel_version_put(struct ctx *c, const char *channel_id, const struct import *i,
                             const unsigned char digest[static 32])
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO channel_version (channel_id, version, text, digest, imported_ms, "
                       "imported_by) VALUES (?, ?, ?, ?, ?, ?)"),
                   TEXT(channel_id), INT(i->stored), BYTES(i->text, i->n), BYTES(digest, 32), INT(c->now_ms),
                   TEXT(i->by));
}

enum err offer_put(struct ctx *c, const char *channel_id, const struct offered *o)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO channel_offer (channel_id, order_kind, subject_kind, medium, methods, "
                       "agent_methods, paper_route, review, delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                   TEXT(channel_id), INT(o->kind), INT(o->subject), INT(o->medium), INT(o->offer.methods),
                   INT(o->offer.agent_methods), INT(o->offer.paper_route), INT(o->offer.review),
                   INT(o->offer.delivery));
}

enum err material_rules_clear(struct ctx *c, const char *channel_id)
{
    TRY(db_exec(c, NULL, SQL("DELETE FROM channel_offer WHERE channel_id = ?"), TEXT(channel_id)));
    return db_exec(c, NULL, SQL("DELETE FROM channel_material WHERE channel_id = ?"), TEXT(channel_id));
}

enum err material_rule_put(struct ctx *c, const char *channel_id, const struct offered *o, int position,
                           const struct material_rule *m)
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO channel_material (channel_id, order_kind, subject_kind, medium, kind, position, "
            "title, required, content_types, max_bytes, of_agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(channel_id), INT(o->kind), INT(o->subject), INT(o->medium), TEXT(m->kind), INT(position),
        TEXT(m->title), INT(m->required), TEXT(m->content_types), INT(m->max_bytes), INT(m->of_agent));
}

enum err products_retire(struct ctx *c, const char *channel_id)
{
    return db_exec(c, NULL, SQL("UPDATE product SET in_force = 0 WHERE channel_id = ?"), TEXT(channel_id));
}

enum err product_put(struct ctx *c, const char *channel_id, const char *code, const struct product *p)
{
    char id[ID_SIZE];
    struct rows r;
    id_new("prd", id);
    TRY(db_exec(
        c, NULL,
        SQL("INSERT INTO product (id, channel_id, code, name, subject_kind, medium, max_quantity, in_force) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON DUPLICATE KEY UPDATE name = VALUES(name), "
            "subject_kind = VALUES(subject_kind), medium = VALUES(medium), "
            "max_quantity = VALUES(max_quantity), in_force = 1"),
        TEXT(id), TEXT(channel_id), TEXT(code), TEXT(p->name), INT(p->subject), INT(p->medium),
        INT(p->max_quantity)));
    TRY(db_query(c, &r, SQL("SELECT id FROM product WHERE channel_id = ? AND code = ?"), TEXT(channel_id),
                 TEXT(code)));
    const char *kept = row_text(&r, 0, 0);
    TRY(db_exec(c, NULL, SQL("DELETE FROM product_price WHERE product_id = ?"), TEXT(kept)));
    for (size_t i = 0; i < p->n_prices; i++)
        TRY(db_exec(
            c, NULL,
            SQL("INSERT INTO product_price (product_id, term_months, seal, price_fen) VALUES (?, ?, ?, ?)"),
            TEXT(kept), INT(p->prices[i].term_months), INT(p->prices[i].seal), INT(p->prices[i].price_fen)));
    return OK;
}

enum err agreements_retire(struct ctx *c, const char *channel_id)
{
    return db_exec(c, NULL, SQL("UPDATE agreement SET in_force = 0 WHERE channel_id = ?"), TEXT(channel_id));
}

enum err agreement_next(struct ctx *c, const char *channel_id, const char *code, const char *text,
                        struct agreement_next *out)
{
    struct rows r;
    *out = (struct agreement_next){.version = 1};
    crypt_sha256(text, strlen(text), out->digest);
    TRY(db_query(c, &r,
                 SQL("SELECT id, version, digest FROM agreement WHERE channel_id = ? AND code = ? "
                     "ORDER BY version DESC LIMIT 1"),
                 TEXT(channel_id), TEXT(code)));
    if (!r.n)
        return OK;
    snprintf(out->id, sizeof out->id, "%s", row_text(&r, 0, 0));
    out->known = memcmp(row_text(&r, 0, 2), out->digest, sizeof out->digest) == 0;
    out->version = (int)row_int(&r, 0, 1) + !out->known;
    return OK;
}

enum err agreement_put(struct ctx *c, const char *channel_id, const char *code, const char *title,
                       const char *text)
{
    struct agreement_next next;
    TRY(agreement_next(c, channel_id, code, text, &next));
    if (next.known)
        return db_exec(c, NULL,
                       SQL("UPDATE agreement SET in_force = 1, title = ? WHERE id = ? AND version = ?"),
                       TEXT(title), TEXT(next.id), INT(next.version));
    if (!*next.id)
        id_new("agr", next.id);
    return db_exec(c, NULL,
                   SQL("INSERT INTO agreement (id, version, channel_id, code, title, text, digest, in_force) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, 1)"),
                   TEXT(next.id), INT(next.version), TEXT(channel_id), TEXT(code), TEXT(title), TEXT(text),
                   BYTES(next.digest, sizeof next.digest));
}

/* -- history -----------------------------------------------------------------------------------------------
 */

/* Seven columns: code, name, version, time, who, bytes, digest. */
static void read_versions(struct ctx *c, const struct rows *r, struct channel_version **out, size_t *n)
{
    *n = r->n;
    *out = ARENA_ARRAY(c->arena, struct channel_version, r->n + 1);
    for (size_t i = 0; i < r->n; i++) {
        (*out)[i] = (struct channel_version){.code = row_text(r, i, 0),
                                             .name = row_text(r, i, 1),
                                             .version = (int)row_int(r, i, 2),
                                             .imported_ms = row_int(r, i, 3),
                                             .by = row_text(r, i, 4),
                                             .text = "",
                                             .n = (size_t)row_int(r, i, 5)};
        memcpy((*out)[i].digest, row_text(r, i, 6), sizeof(*out)[i].digest);
    }
}

enum err channel_heads(struct ctx *c, struct channel_version **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT c.code, c.name, c.version, c.imported_ms, v.imported_by, LENGTH(v.text), "
                     "c.digest FROM channel c LEFT JOIN channel_version v ON v.channel_id = c.id AND "
                     "v.version = c.version ORDER BY c.code")));
    read_versions(c, &r, out, n);
    return OK;
}

enum err channel_history(struct ctx *c, const char *code, struct channel_version **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT c.code, c.name, v.version, v.imported_ms, v.imported_by, LENGTH(v.text), "
                     "v.digest FROM channel c JOIN channel_version v ON v.channel_id = c.id WHERE c.code = ? "
                     "ORDER BY v.version DESC"),
                 TEXT(code)));
    if (!r.n)
        return fail(c->fault, ERR_NOT_FOUND, "nothing was imported for a channel \"%s\"", code);
    read_versions(c, &r, out, n);
    return OK;
}

enum err channel_version_load(struct ctx *c, const char *code, int version, struct channel_version *out)
{
    struct rows r;
    struct channel_version *one;
    size_t n;
    TRY(db_query(c, &r,
                 SQL("SELECT c.code, c.name, v.version, v.imported_ms, v.imported_by, LENGTH(v.text), "
                     "v.digest, v.text FROM channel c JOIN channel_version v ON v.channel_id = c.id AND "
                     "v.version = IF(? = 0, c.version, ?) WHERE c.code = ?"),
                 INT(version), INT(version), TEXT(code)));
    if (!r.n)
        return fail(c->fault, ERR_NOT_FOUND, "there is no such version of a channel \"%s\"", code);
    read_versions(c, &r, &one, &n);
    *out = one[0];
    out->text = row_text(&r, 0, 7);
    out->n = row_cell(&r, 0, 7)->n;
    return OK;
}
