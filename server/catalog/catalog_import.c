#include "catalog/catalog_import.h"

#include "catalog/catalog_store.h"
#include "core/audit.h"
#include "core/crypt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of the file for the numbers of the contract. */
static const char *const subjects[] = {"", "organization", "individual", NULL};
static const char *const media[] = {"", "ukey", "cloud", NULL};
static const char *const methods[] = {"",  "micro_deposit", "phone_three_factor", "bank_four_factor", "face",
                                      NULL};

static void bad(struct ctx *c, const char *where, const char *why)
{
    fault_field(c->fault, where, "FILE", why, why);
}

static int word(struct ctx *c, const json_t *j, const char *key, const char *const *words)
{
    const char *s = json_string_value(json_object_get(j, key));
    for (int i = 1; s && words[i]; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    bad(c, key, "is not a word that is known here");
    return 0;
}

static const char *text(struct ctx *c, const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    if (!s || !*s)
        bad(c, key, "is missing");
    return s ? s : "";
}

static int64_t number(struct ctx *c, const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        bad(c, key, "is not a whole number");
    return json_integer_value(v);
}

static unsigned method_bits(struct ctx *c, const json_t *j, const char *key)
{
    unsigned bits = 0;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(j, key), i, v)
    {
        json_t *one = json_pack("{s:O}", key, v);
        bits |= 1u << word(c, one, key, methods);
        json_decref(one);
    }
    return bits & ~1u;
}

static enum err put_materials(struct ctx *c, const char *channel, const struct offered *o, const json_t *list)
{
    size_t i, k;
    json_t *m, *t;
    json_array_foreach(list, i, m)
    {
        struct buf types = BUF(c->arena);
        json_array_foreach(json_object_get(m, "content_types"), k, t)
            buf_printf(&types, "%s%s", k ? " " : "", json_is_string(t) ? json_string_value(t) : "");
        struct material_rule rule = {text(c, m, "kind"), text(c, m, "title"),
                                     json_is_true(json_object_get(m, "required")), buf_text(&types),
                                     number(c, m, "max_bytes")};
        TRY(fault_fields(c->fault));
        TRY(material_rule_put(c, channel, o, (int)i, &rule));
    }
    return OK;
}

static enum err put_offers(struct ctx *c, const char *channel, const json_t *list)
{
    size_t i;
    json_t *j;
    TRY(material_rules_clear(c, channel));
    json_array_foreach(list, i, j)
    {
        struct offered o = {ORDER_NEW,
                            (enum subject_kind)word(c, j, "subject", subjects),
                            (enum medium)word(c, j, "medium", media),
                            {method_bits(c, j, "methods"), method_bits(c, j, "agent_methods"),
                             json_is_true(json_object_get(j, "paper_route")), true, DELIVERY_DESK}};
        TRY(fault_fields(c->fault));
        TRY(offer_put(c, channel, &o));
        TRY(put_materials(c, channel, &o, json_object_get(j, "materials")));
    }
    return OK;
}

static enum err put_products(struct ctx *c, const char *channel, const json_t *list)
{
    size_t i, k;
    json_t *j, *v;
    TRY(products_retire(c, channel));
    json_array_foreach(list, i, j)
    {
        const json_t *prices = json_object_get(j, "prices");
        struct product p = {.name = text(c, j, "name"),
                            .subject = (enum subject_kind)word(c, j, "subject", subjects),
                            .medium = (enum medium)word(c, j, "medium", media),
                            .n_prices = json_array_size(prices),
                            .prices = ARENA_ARRAY(c->arena, struct price, json_array_size(prices) + 1)};
        json_array_foreach(prices, k, v) p.prices[k] =
            (struct price){(int)number(c, v, "term_months"), json_is_true(json_object_get(v, "seal")),
                           number(c, v, "price_fen")};
        if (!p.n_prices)
            bad(c, "prices", "a product without a price cannot be sold");
        const char *code = text(c, j, "code");
        TRY(fault_fields(c->fault));
        TRY(product_put(c, channel, code, &p));
    }
    return OK;
}

static enum err put_agreements(struct ctx *c, const char *channel, const json_t *list)
{
    size_t i;
    json_t *j;
    TRY(agreements_retire(c, channel));
    json_array_foreach(list, i, j)
    {
        const char *code = text(c, j, "code"), *title = text(c, j, "title"), *words = text(c, j, "text");
        TRY(fault_fields(c->fault));
        TRY(agreement_put(c, channel, code, title, words));
    }
    return OK;
}

static enum err put_channel(struct ctx *c, const json_t *j, const unsigned char digest[static 32],
                            char id[static ID_SIZE])
{
    struct channel known, ch = {.code = text(c, j, "code"),
                                .name = text(c, j, "name"),
                                .invoice_offered = json_is_true(json_object_get(j, "invoice")),
                                .initial_password = text(c, j, "initial_password"),
                                .review_days = (int)number(c, j, "review_days"),
                                .payment_minutes = number(c, j, "payment_minutes"),
                                .profile = text(c, j, "profile")};
    char *page = json_dumps(json_object_get(j, "page"), JSON_COMPACT);
    if (!page)
        bad(c, "page", "is missing");
    ch.page_json = arena_strdup(c->arena, page ? page : "{}");
    free(page);
    TRY(fault_fields(c->fault));
    enum err e = catalog_channel(c, ch.code, &known);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    if (e == OK)
        memcpy(ch.id, known.id, ID_SIZE);
    else
        id_new("chn", ch.id);
    memcpy(id, ch.id, ID_SIZE);
    return channel_put(c, &ch, digest);
}

static enum err store(struct ctx *c, const json_t *j, const unsigned char digest[static 32])
{
    char id[ID_SIZE];
    TRY(put_channel(c, j, digest, id));
    TRY(put_offers(c, id, json_object_get(j, "offers")));
    TRY(put_products(c, id, json_object_get(j, "products")));
    TRY(put_agreements(c, id, json_object_get(j, "agreements")));
    return audit_add(c, &(struct audit_entry){"channel.import", id, 0, NULL});
}

enum err catalog_import(struct ctx *c, const char *json, size_t n)
{
    json_error_t at;
    json_t *j = json_loadb(json, n, JSON_REJECT_DUPLICATES, &at);
    if (!j)
        return fail(c->fault, ERR_INVALID, "line %d: %s", at.line, at.text);
    unsigned char digest[32];
    crypt_sha256(json, n, digest);
    enum err e = store(c, j, digest);
    json_decref(j);
    return e;
}
