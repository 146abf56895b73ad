/* Statements of the import: what the channel's file says takes the place of what was there. */
#include "catalog/catalog_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

enum err channel_put(struct ctx *c, const struct channel *ch, const unsigned char digest[static 32])
{
    return db_exec(
        c, NULL,
        SQL("INSERT INTO channel (id, code, name, page, invoice_offered, initial_password, review_days, "
            "payment_minutes, profile, version, digest, imported_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, "
            "?, ?) "
            "ON DUPLICATE KEY UPDATE name = VALUES(name), page = VALUES(page), "
            "invoice_offered = VALUES(invoice_offered), initial_password = VALUES(initial_password), "
            "review_days = VALUES(review_days), payment_minutes = VALUES(payment_minutes), "
            "profile = VALUES(profile), version = version + 1, digest = VALUES(digest), "
            "imported_ms = VALUES(imported_ms)"),
        TEXT(ch->id), TEXT(ch->code), TEXT(ch->name), TEXT(ch->page_json), INT(ch->invoice_offered),
        TEXT(ch->initial_password), INT(ch->review_days), INT(ch->payment_minutes), TEXT(ch->profile),
        BYTES(digest, 32), INT(c->now_ms));
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
            "title, required, content_types, max_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(channel_id), INT(o->kind), INT(o->subject), INT(o->medium), TEXT(m->kind), INT(position),
        TEXT(m->title), INT(m->required), TEXT(m->content_types), INT(m->max_bytes));
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
    TRY(db_exec(c, NULL,
                SQL("INSERT INTO product (id, channel_id, code, name, subject_kind, medium, in_force) "
                    "VALUES (?, ?, ?, ?, ?, ?, 1) ON DUPLICATE KEY UPDATE name = VALUES(name), "
                    "subject_kind = VALUES(subject_kind), medium = VALUES(medium), in_force = 1"),
                TEXT(id), TEXT(channel_id), TEXT(code), TEXT(p->name), INT(p->subject), INT(p->medium)));
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

/* A text that did not change keeps its version; a new text is a new version of the same agreement. */
enum err agreement_put(struct ctx *c, const char *channel_id, const char *code, const char *title,
                       const char *text)
{
    unsigned char digest[32];
    struct rows r;
    char id[ID_SIZE];
    crypt_sha256(text, strlen(text), digest);
    TRY(db_query(c, &r,
                 SQL("SELECT id, version, digest FROM agreement WHERE channel_id = ? AND code = ? "
                     "ORDER BY version DESC LIMIT 1"),
                 TEXT(channel_id), TEXT(code)));
    if (r.n && memcmp(row_text(&r, 0, 2), digest, sizeof digest) == 0)
        return db_exec(c, NULL,
                       SQL("UPDATE agreement SET in_force = 1, title = ? WHERE id = ? AND version = ?"),
                       TEXT(title), TEXT(row_text(&r, 0, 0)), INT(row_int(&r, 0, 1)));
    id_new("agr", id);
    return db_exec(c, NULL,
                   SQL("INSERT INTO agreement (id, version, channel_id, code, title, text, digest, in_force) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, 1)"),
                   TEXT(r.n ? row_text(&r, 0, 0) : id), INT(r.n ? row_int(&r, 0, 1) + 1 : 1),
                   TEXT(channel_id), TEXT(code), TEXT(title), TEXT(text), BYTES(digest, sizeof digest));
}
