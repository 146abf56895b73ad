#include "catalog/catalog_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <stdio.h>
#include <string.h>

enum {
    FIRST_PASSWORD_DIGITS = 10
};

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

static enum err not_sold(struct ctx *c)
{
    enum err e = fail(c->fault, ERR_METHOD_NOT_OFFERED,
                      "the channel does not offer this kind of order for this kind of certificate");
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "当前渠道不办理此类证书的此项业务");
    return e;
}

/* Five columns from `at`. */
static struct offer read_offer(const struct rows *r, size_t row, size_t at)
{
    return (struct offer){(unsigned)row_int(r, row, at),          (unsigned)row_int(r, row, at + 1),
                          row_int(r, row, at + 2) != 0,           row_int(r, row, at + 3) != 0,
                          (enum delivery)row_int(r, row, at + 4), 0};
}

static struct channel read_channel(const struct rows *r, size_t i)
{
    struct channel out = {.code = row_text(r, i, 1),
                          .name = row_text(r, i, 2),
                          .page_json = row_text(r, i, 3),
                          .invoice_offered = row_int(r, i, 4) != 0,
                          .initial_password = row_text(r, i, 5),
                          .review_days = (int)row_int(r, i, 6),
                          .payment_minutes = row_int(r, i, 7),
                          .profile = row_text(r, i, 8),
                          .version = (int)row_int(r, i, 9),
                          .policy_json = row_text(r, i, 10),
                          .review_from = (int)row_int(r, i, 11)};
    copy_id(out.id, row_text(r, i, 0));
    return out;
}

static const char *random_password(struct arena *a)
{
    char digits[FIRST_PASSWORD_DIGITS + 1];
    crypt_digits(digits, FIRST_PASSWORD_DIGITS);
    return arena_strdup(a, digits);
}

#define CHANNEL_COLUMNS                                                                                      \
    "SELECT id, code, name, page, invoice_offered, initial_password, review_days, payment_minutes, "         \
    "profile, version, policy, review_from FROM channel "

enum err catalog_channel(struct ctx *c, const char *id_or_code, struct channel *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(CHANNEL_COLUMNS "WHERE id = ? OR code = ?"), TEXT(id_or_code), TEXT(id_or_code)));
    if (r.n != 1 || (*c->caller.channel && strcmp(c->caller.channel, row_text(&r, 0, 0)) != 0))
        return fail_both(c->fault, ERR_NOT_FOUND, "there is no such channel", "未找到该渠道");
    *out = read_channel(&r, 0);
    if (!*out->initial_password)
        out->initial_password = random_password(c->arena);
    return OK;
}

enum err channel_list(struct ctx *c, const char *after, int limit, struct channel **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(CHANNEL_COLUMNS "WHERE code > ? AND (? = '' OR id = ?) ORDER BY code LIMIT ?"),
                 TEXT(after), TEXT(c->caller.channel), TEXT(c->caller.channel), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct channel, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = read_channel(&r, i);
    return OK;
}

enum err channel_policy(struct ctx *c, const char *channel_id, const char **json)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT policy FROM channel WHERE id = ?"), TEXT(channel_id)));
    if (r.n != 1)
        return fail_both(c->fault, ERR_NOT_FOUND, "there is no such channel", "未找到该渠道");
    *json = row_text(&r, 0, 0);
    return OK;
}

enum err channel_version_now(struct ctx *c, const char *channel_id, int *version)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT version FROM channel WHERE id = ?"), TEXT(channel_id)));
    *version = r.n == 1 ? (int)row_int(&r, 0, 0) : 0;
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
    TRY(db_query(
        c, &r,
        SQL("SELECT c.id, o.methods, o.agent_methods, o.paper_route, o.review, o.delivery, c.version FROM "
            "channel c LEFT JOIN channel_offer o ON o.channel_id = c.id AND o.order_kind = ? AND "
            "o.subject_kind = ? AND o.medium = ? WHERE c.id = ? OR c.code = ?"),
        INT(k), INT(s), INT(m), TEXT(id_or_code), TEXT(id_or_code)));
    if (r.n != 1 || (*c->caller.channel && strcmp(c->caller.channel, row_text(&r, 0, 0)) != 0))
        return fail_both(c->fault, ERR_NOT_FOUND, "there is no such channel", "未找到该渠道");
    if (row_cell(&r, 0, 1)->null)
        return not_sold(c);
    copy_id(channel_id, row_text(&r, 0, 0));
    *out = read_offer(&r, 0, 1);
    out->channel_version = (int)row_int(&r, 0, 6);
    return OK;
}

enum err offer_delivery(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                        enum medium m, enum delivery *out, const char **policy_json)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT o.delivery, c.policy FROM channel_offer o JOIN channel c ON c.id = o.channel_id "
                     "WHERE o.channel_id = ? AND o.order_kind = ? AND o.subject_kind = ? AND o.medium = ?"),
                 TEXT(channel_id), INT(k), INT(s), INT(m)));
    if (r.n != 1)
        return not_sold(c);
    *out = (enum delivery)row_int(&r, 0, 0);
    *policy_json = row_text(&r, 0, 1);
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
    TRY(db_query(
        c, &r,
        SQL("SELECT kind, title, required, content_types, max_bytes, of_agent FROM channel_material WHERE "
            "channel_id = ? AND order_kind = ? AND subject_kind = ? AND medium = ? ORDER BY "
            "position"),
        TEXT(channel_id), INT(k), INT(s), INT(m)));
    struct material_rule *rules = ARENA_ARRAY(c->arena, struct material_rule, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        rules[i] = (struct material_rule){row_text(&r, i, 0), row_text(&r, i, 1), row_int(&r, i, 2) != 0,
                                          row_text(&r, i, 3), row_int(&r, i, 4),  row_int(&r, i, 5) != 0};
    *out = rules;
    *n = r.n;
    return OK;
}

enum err material_rule_list(struct ctx *c, const char *channel_id, struct offered_material **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT order_kind, subject_kind, medium, kind, title, required, content_types, "
                     "max_bytes, of_agent FROM channel_material WHERE channel_id = ? ORDER BY position"),
                 TEXT(channel_id)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct offered_material, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct offered_material){.of = {.kind = (enum order_kind)row_int(&r, i, 0),
                                                     .subject = (enum subject_kind)row_int(&r, i, 1),
                                                     .medium = (enum medium)row_int(&r, i, 2)},
                                              .rule = {row_text(&r, i, 3), row_text(&r, i, 4),
                                                       row_int(&r, i, 5) != 0, row_text(&r, i, 6),
                                                       row_int(&r, i, 7), row_int(&r, i, 8) != 0}};
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
                 SQL("SELECT id, version, title, digest, code FROM agreement WHERE channel_id = ? AND "
                     "in_force = 1 ORDER BY code"),
                 TEXT(channel_id)));
    struct agreement *list = ARENA_ARRAY(c->arena, struct agreement, r.n + 1);
    for (size_t i = 0; i < r.n; i++) {
        list[i] = (struct agreement){.id = row_text(&r, i, 0),
                                     .code = row_text(&r, i, 4),
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

/* Products with their prices in one statement, so that nobody reads half of an import: id, name, subject,
 * medium, channel, then term, seal, price, how many in an order; rows of one product follow one another. */
static void read_products(struct ctx *c, const struct rows *r, struct product **out, size_t *n)
{
    *n = 0;
    *out = ARENA_ARRAY(c->arena, struct product, r->n + 1);
    struct price *prices = ARENA_ARRAY(c->arena, struct price, r->n + 1);
    for (size_t i = 0; i < r->n; i++) {
        struct product *p = *n ? &(*out)[*n - 1] : NULL;
        if (!p || strcmp(p->id, row_text(r, i, 0)) != 0) {
            p = &(*out)[(*n)++];
            *p = (struct product){.id = row_text(r, i, 0),
                                  .name = row_text(r, i, 1),
                                  .subject = (enum subject_kind)row_int(r, i, 2),
                                  .medium = (enum medium)row_int(r, i, 3),
                                  .max_quantity = (int)row_int(r, i, 8),
                                  .prices = &prices[i]};
        }
        if (!row_cell(r, i, 5)->null)
            p->prices[p->n_prices++] =
                (struct price){(int)row_int(r, i, 5), row_int(r, i, 6) != 0, row_int(r, i, 7)};
    }
}

#define PRODUCT_COLUMNS                                                                                      \
    "SELECT p.id, p.name, p.subject_kind, p.medium, p.channel_id, q.term_months, q.seal, q.price_fen, "      \
    "p.max_quantity FROM product p LEFT JOIN product_price q ON q.product_id = p.id "

enum err product_list(struct ctx *c, const char *channel_id, int subject, int medium, struct product **out,
                      size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL(PRODUCT_COLUMNS "WHERE p.channel_id = ? AND p.in_force = 1 AND (? = 0 OR "
                                     "p.subject_kind = ?) AND (? = 0 OR p.medium = ?) ORDER BY p.code, p.id, "
                                     "q.term_months, q.seal"),
                 TEXT(channel_id), INT(subject), INT(subject), INT(medium), INT(medium)));
    read_products(c, &r, out, n);
    return OK;
}

enum err catalog_sold(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                      enum medium m, bool *sold)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT 1 FROM channel_offer o JOIN product p ON p.channel_id = o.channel_id AND "
                     "p.subject_kind = o.subject_kind AND p.medium = o.medium AND p.in_force = 1 JOIN "
                     "product_price q ON q.product_id = p.id WHERE o.channel_id = ? AND o.order_kind = ? AND "
                     "o.subject_kind = ? AND o.medium = ? LIMIT 1"),
                 TEXT(channel_id), INT(k), INT(s), INT(m)));
    *sold = r.n > 0;
    return OK;
}

enum err product_load(struct ctx *c, const char *id, char channel[static ID_SIZE], struct product *out)
{
    struct rows r;
    struct product *list;
    size_t n;
    TRY(db_query(c, &r,
                 SQL(PRODUCT_COLUMNS "WHERE p.id = ? AND p.in_force = 1 ORDER BY q.term_months, q.seal"),
                 TEXT(id)));
    read_products(c, &r, &list, &n);
    if (n != 1)
        return fail_both(c->fault, ERR_NOT_FOUND, "there is no such product", "未找到该产品");
    *out = list[0];
    copy_id(channel, row_text(&r, 0, 4));
    return OK;
}
