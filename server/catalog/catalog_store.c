#include "catalog/catalog_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <string.h>

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

static enum err not_sold(struct ctx *c)
{
    return fail(c->fault, ERR_METHOD_NOT_OFFERED, "the channel does not sell this kind of certificate");
}

/* Five columns from `at`. */
static struct offer read_offer(const struct rows *r, size_t row, size_t at)
{
    return (struct offer){(unsigned)row_int(r, row, at), (unsigned)row_int(r, row, at + 1),
                          row_int(r, row, at + 2) != 0, row_int(r, row, at + 3) != 0,
                          (enum delivery)row_int(r, row, at + 4)};
}

enum err catalog_channel(struct ctx *c, const char *id_or_code, struct channel *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, code, name, page, invoice_offered, initial_password, review_days, payment_minutes, "
            "profile FROM channel WHERE id = ? OR code = ?"),
        TEXT(id_or_code), TEXT(id_or_code)));
    if (r.n != 1 || (*c->caller.channel && strcmp(c->caller.channel, row_text(&r, 0, 0)) != 0))
        return fail(c->fault, ERR_NOT_FOUND, "there is no such channel");
    *out = (struct channel){.code = row_text(&r, 0, 1),
                            .name = row_text(&r, 0, 2),
                            .page_json = row_text(&r, 0, 3),
                            .invoice_offered = row_int(&r, 0, 4) != 0,
                            .initial_password = row_text(&r, 0, 5),
                            .review_days = (int)row_int(&r, 0, 6),
                            .payment_minutes = row_int(&r, 0, 7),
                            .profile = row_text(&r, 0, 8)};
    copy_id(out->id, row_text(&r, 0, 0));
    return OK;
}

enum err catalog_offer(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                       enum medium m, struct offer *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT methods, agent_methods, paper_route, review, delivery FROM channel_offer WHERE "
                     "channel_id = ? AND order_kind = ? AND subject_kind = ? AND medium = ?"),
                 TEXT(channel_id), INT(k), INT(s), INT(m)));
    if (r.n != 1)
        return not_sold(c);
    *out = read_offer(&r, 0, 0);
    return OK;
}

enum err catalog_offered(struct ctx *c, const char *id_or_code, enum order_kind k, enum subject_kind s,
                         enum medium m, char channel_id[static ID_SIZE], struct offer *out)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT c.id, o.methods, o.agent_methods, o.paper_route, o.review, o.delivery FROM "
                     "channel c LEFT JOIN channel_offer o ON o.channel_id = c.id AND o.order_kind = ? AND "
                     "o.subject_kind = ? AND o.medium = ? WHERE c.id = ? OR c.code = ?"),
                 INT(k), INT(s), INT(m), TEXT(id_or_code), TEXT(id_or_code)));
    if (r.n != 1 || (*c->caller.channel && strcmp(c->caller.channel, row_text(&r, 0, 0)) != 0))
        return fail(c->fault, ERR_NOT_FOUND, "there is no such channel");
    if (row_cell(&r, 0, 1)->null)
        return not_sold(c);
    copy_id(channel_id, row_text(&r, 0, 0));
    *out = read_offer(&r, 0, 1);
    return OK;
}

enum err offer_list(struct ctx *c, const char *channel_id, struct offered **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT order_kind, subject_kind, medium, methods, agent_methods, paper_route, review, "
                     "delivery FROM channel_offer WHERE channel_id = ? ORDER BY subject_kind, medium, "
                     "order_kind"),
                 TEXT(channel_id)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct offered, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct offered){(enum order_kind)row_int(&r, i, 0), (enum subject_kind)row_int(&r, i, 1),
                                     (enum medium)row_int(&r, i, 2), read_offer(&r, i, 3)};
    return OK;
}

enum err catalog_materials(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                           enum medium m, const struct material_rule **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT kind, title, required, content_types, max_bytes FROM channel_material WHERE "
                     "channel_id = ? AND order_kind = ? AND subject_kind = ? AND medium = ? ORDER BY "
                     "position"),
                 TEXT(channel_id), INT(k), INT(s), INT(m)));
    struct material_rule *rules = ARENA_ARRAY(c->arena, struct material_rule, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        rules[i] = (struct material_rule){row_text(&r, i, 0), row_text(&r, i, 1), row_int(&r, i, 2) != 0,
                                          row_text(&r, i, 3), row_int(&r, i, 4)};
    *out = rules;
    *n = r.n;
    return OK;
}

enum err agreement_list(struct ctx *c, const char *channel_id, const struct agreement **out, size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, version, title, text, digest FROM agreement WHERE channel_id = ? AND in_force = 1 "
            "ORDER BY code"),
        TEXT(channel_id)));
    struct agreement *list = ARENA_ARRAY(c->arena, struct agreement, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        list[i] = (struct agreement){.id = row_text(&r, i, 0),
                                     .version = (int)row_int(&r, i, 1),
                                     .title = row_text(&r, i, 2),
                                     .text = row_text(&r, i, 3)};
        memcpy(list[i].digest, row_text(&r, i, 4), 32);
    }
    *out = list;
    *n = r.n;
    return OK;
}

enum err agreement_heads(struct ctx *c, const char *channel_id, const struct agreement **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT id, version, title, digest FROM agreement WHERE channel_id = ? AND in_force = 1 "
                     "ORDER BY code"),
                 TEXT(channel_id)));
    struct agreement *list = ARENA_ARRAY(c->arena, struct agreement, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        list[i] = (struct agreement){.id = row_text(&r, i, 0),
                                     .version = (int)row_int(&r, i, 1),
                                     .title = row_text(&r, i, 2),
                                     .text = ""};
        memcpy(list[i].digest, row_text(&r, i, 3), 32);
    }
    *out = list;
    *n = r.n;
    return OK;
}

enum err consent_insert(struct ctx *c, const char *object, const char *purpose, const struct agreement *list,
                        size_t n)
{
    enum {
        COLUMNS = 7
    };
    struct arg *args = ARENA_ARRAY(c->arena, struct arg, COLUMNS * n + 1);
    for (size_t i = 0; i < n; i++) {
        struct arg *row = args + COLUMNS * i;
        row[0] = TEXT(object);
        row[1] = TEXT(purpose);
        row[2] = TEXT(list[i].id);
        row[3] = INT(list[i].version);
        row[4] = BYTES(list[i].digest, 32);
        row[5] = TEXT(c->caller.id);
        row[6] = INT(c->now_ms);
    }
    return db_exec_rows(
        c,
        SQL("INSERT INTO consent (object_id, purpose, agreement_id, agreement_version, digest, account_id, "
            "given_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE given_ms = VALUES(given_ms)"),
        args, n, COLUMNS);
}

static enum err read_prices(struct ctx *c, struct product *p)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT term_months, seal, price_fen FROM product_price WHERE product_id = ? "
                     "ORDER BY term_months, seal"),
                 TEXT(p->id)));
    p->n_prices = r.n;
    p->prices = ARENA_ARRAY(c->arena, struct price, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        p->prices[i] = (struct price){(int)row_int(&r, i, 0), row_int(&r, i, 1) != 0, row_int(&r, i, 2)};
    return OK;
}

enum err product_list(struct ctx *c, const char *channel_id, int subject, int medium, struct product **out,
                      size_t *n)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, name, subject_kind, medium FROM product WHERE channel_id = ? AND in_force = 1 AND "
            "(? = 0 OR subject_kind = ?) AND (? = 0 OR medium = ?) ORDER BY code"),
        TEXT(channel_id), INT(subject), INT(subject), INT(medium), INT(medium)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct product, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        (*out)[i] = (struct product){.id = row_text(&r, i, 0),
                                     .name = row_text(&r, i, 1),
                                     .subject = (enum subject_kind)row_int(&r, i, 2),
                                     .medium = (enum medium)row_int(&r, i, 3)};
        TRY(read_prices(c, &(*out)[i]));
    }
    return OK;
}

enum err product_load(struct ctx *c, const char *id, char channel[static ID_SIZE], struct product *out)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT id, name, subject_kind, medium, channel_id FROM product WHERE id = ? AND in_force = 1"),
        TEXT(id)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, "there is no such product");
    *out = (struct product){.id = row_text(&r, 0, 0),
                            .name = row_text(&r, 0, 1),
                            .subject = (enum subject_kind)row_int(&r, 0, 2),
                            .medium = (enum medium)row_int(&r, 0, 3)};
    copy_id(channel, row_text(&r, 0, 4));
    return read_prices(c, out);
}
