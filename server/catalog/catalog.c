#include "catalog/catalog.h"

#include "catalog/catalog_store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One agreement as the caller accepted it: not at all, in another version, or as it is in force. */
static enum acceptance {
    NOT_ACCEPTED,
    OTHER_VERSION,
    ACCEPTED
} accepted(const struct agreement *a, const struct consent *given, size_t n)
{
    enum acceptance best = NOT_ACCEPTED;
    for (size_t i = 0; i < n && best != ACCEPTED; i++)
        if (strcmp(given[i].agreement_id, a->id) == 0)
            best = given[i].version == a->version ? ACCEPTED : OTHER_VERSION;
    return best;
}

static void name_missing(struct ctx *c, const struct agreement *a, enum acceptance how)
{
    bool old = how == OTHER_VERSION;
    fault_field(
        c->fault, a->id, old ? "VERSION" : "REQUIRED",
        arena_printf(c->arena,
                     old ? "version %d of this agreement is in force now; read and accept it"
                         : "version %d of this agreement was not accepted",
                     a->version),
        arena_printf(c->arena, old ? "《%s》已更新，请重新阅读并同意" : "请先阅读并同意《%s》", a->title));
}

enum err catalog_consent(struct ctx *c, const char *channel_id, const char *object, const char *purpose,
                         const struct consent *given, size_t n)
{
    const struct agreement *list;
    size_t want, missing = 0;
    TRY(agreement_heads(c, channel_id, &list, &want));
    for (size_t i = 0; i < want; i++) {
        enum acceptance how = accepted(&list[i], given, n);
        if (how == ACCEPTED)
            continue;
        missing++;
        name_missing(c, &list[i], how);
    }
    return missing ? fail(c->fault, ERR_CONSENT_MISSING, NULL)
                   : consent_insert(c, object, purpose, list, want);
}

const char *catalog_review_days(struct arena *a, const struct channel *ch)
{
    return ch->review_from ? arena_printf(a, "%d-%d", ch->review_from, ch->review_days)
                           : arena_printf(a, "%d", ch->review_days);
}

static const struct price *find_price(const struct product *p, int term_months, bool seal)
{
    for (size_t i = 0; i < p->n_prices; i++)
        if (p->prices[i].term_months == term_months && p->prices[i].seal == seal)
            return &p->prices[i];
    return NULL;
}

/* The certificates, and their posting once. */
static void quote_lines(struct arena *a, const struct product *p, const struct price *price, int quantity,
                        int64_t fee_fen, struct quote *out)
{
    struct quote_line *lines = ARENA_ARRAY(a, struct quote_line, 2);
    lines[0] = (struct quote_line){p->name, quantity, price->price_fen, price->price_fen * quantity};
    lines[1] = (struct quote_line){"邮寄费", 1, fee_fen, fee_fen};
    out->lines = lines;
    out->n_lines = fee_fen ? 2 : 1;
    out->total_fen = lines[0].amount_fen + fee_fen;
}

/* Renewing, changing and the like are about the one UKEY that there is; what is downloaded is one certificate
 * an order (DownloadCertificate). */
static void check_quantity(struct ctx *c, enum order_kind k, enum delivery way, int most, int quantity)
{
    most = k == ORDER_NEW && way != DELIVERY_DOWNLOAD ? most : 1;
    if (quantity < 1 || quantity > most)
        fault_field(c->fault, "quantity", "RANGE",
                    arena_printf(c->arena, "an order is for at most %d of these", most),
                    arena_printf(c->arena, "一个订单最多办理%d张证书", most));
}

enum err catalog_on_sale(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m,
                         const char *between, const char **out)
{
    struct product *list;
    size_t n;
    struct buf b = BUF(c->arena);
    TRY(product_list(c, channel_id, (int)s, (int)m, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (list[i].n_prices)
            buf_printf(&b, "%s%s", b.n ? between : "", list[i].name);
    *out = buf_text(&b);
    return OK;
}

static enum err not_on_sale(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m)
{
    const char *en, *zh;
    TRY(catalog_on_sale(c, channel_id, s, m, ", ", &en));
    TRY(catalog_on_sale(c, channel_id, s, m, "、", &zh));
    fault_field(c->fault, "product_id", "NOT_OFFERED",
                *en ? arena_printf(c->arena, "this product is not on offer here; choose one of: %s", en)
                    : "this product is not on offer here, and nothing else is",
                *zh ? arena_printf(c->arena, "该商品不在售，可选：%s", zh)
                    : "该商品不在售，且暂无其他在售商品");
    return fault_fields(c->fault);
}

enum err catalog_quote(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                       enum medium m, enum delivery way, const char *product_id, int term_months, bool seal,
                       int quantity, struct quote *out)
{
    struct product p;
    char channel[ID_SIZE];
    struct delivery_rules posting = {.way = way};
    if (quantity == 0)
        quantity = 1;
    enum err e = product_load(c, product_id, channel, &p);
    if (e == ERR_NOT_FOUND ||
        (e == OK && (strcmp(channel, channel_id) != 0 || p.subject != s || p.medium != m))) {
        check_quantity(c, k, way, PRODUCT_QUANTITY_MAX, quantity);
        return not_on_sale(c, channel_id, s, m);
    }
    TRY(e);
    const struct price *price = find_price(&p, term_months, seal);
    if (!price)
        fault_field(c->fault, "term_months", "NOT_OFFERED", "there is no price for this term and seal",
                    "该期限与签章组合不在售");
    e = catalog_posting(c, channel_id, k, s, m, way, &posting);
    if (e == ERR_METHOD_NOT_OFFERED) {
        c->fault->text[0] = c->fault->text_zh[0] = '\0'; /* the field says it */
        fault_field(c->fault, "product_id", "NOT_OFFERED", "this kind of order is not on offer for it",
                    "该商品暂不支持此类业务");
    } else {
        TRY(e);
    }
    check_quantity(c, k, posting.way, p.max_quantity, quantity);
    TRY(fault_fields(c->fault));
    *out = (struct quote){.product_id = p.id,
                          .product_name = p.name,
                          .term_months = term_months,
                          .medium = m,
                          .seal = seal,
                          .quantity = quantity};
    quote_lines(c->arena, &p, price, quantity, posting.fee_fen, out);
    return OK;
}

const char *catalog_quote_json(struct arena *a, const struct quote *q)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < q->n_lines; i++)
        json_array_append_new(lines,
                              json_pack("{s:s, s:i, s:I, s:I}", "title", q->lines[i].title, "quantity",
                                        q->lines[i].quantity, "unit_fen", (json_int_t)q->lines[i].unit_fen,
                                        "amount_fen", (json_int_t)q->lines[i].amount_fen));
    json_t *j =
        json_pack("{s:s, s:s, s:i, s:i, s:b, s:i, s:o, s:I}", "product_id", q->product_id, "product_name",
                  q->product_name, "term_months", q->term_months, "medium", (int)q->medium, "seal", q->seal,
                  "quantity", q->quantity, "lines", lines, "total_fen", (json_int_t)q->total_fen);
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    char *kept = arena_strdup(a, text);
    free(text);
    json_decref(j);
    return kept;
}

static const char *text_of(struct arena *a, const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return arena_strdup(a, s ? s : "");
}

enum err catalog_quote_parse(struct ctx *c, const char *json, struct quote *out)
{
    json_t *j = json_loads(json, 0, NULL);
    if (!j)
        return fail(c->fault, ERR_DATA_LOSS, "a stored quote cannot be read");
    const json_t *lines = json_object_get(j, "lines");
    size_t n = json_array_size(lines);
    struct quote_line *list = ARENA_ARRAY(c->arena, struct quote_line, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *l = json_array_get(lines, i);
        list[i] = (struct quote_line){text_of(c->arena, l, "title"),
                                      (int)json_integer_value(json_object_get(l, "quantity")),
                                      json_integer_value(json_object_get(l, "unit_fen")),
                                      json_integer_value(json_object_get(l, "amount_fen"))};
    }
    *out = (struct quote){.product_id = text_of(c->arena, j, "product_id"),
                          .product_name = text_of(c->arena, j, "product_name"),
                          .term_months = (int)json_integer_value(json_object_get(j, "term_months")),
                          .medium = (enum medium)json_integer_value(json_object_get(j, "medium")),
                          .seal = json_is_true(json_object_get(j, "seal")),
                          .quantity = (int)json_integer_value(json_object_get(j, "quantity")),
                          .lines = list,
                          .n_lines = n,
                          .total_fen = json_integer_value(json_object_get(j, "total_fen"))};
    json_decref(j);
    return OK;
}

void catalog_paper_address(struct arena *a, const struct channel *ch, struct address *out)
{
    json_t *page = json_loads(ch->page_json, 0, NULL);
    const json_t *j = json_object_get(page, "paper_address");
    const struct {
        const char *key, **to;
    } members[] = {{"recipient", &out->recipient},    {"phone", &out->phone},
                   {"province", &out->province},      {"city", &out->city},
                   {"district", &out->district},      {"street", &out->street},
                   {"postal_code", &out->postal_code}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *s = json_string_value(json_object_get(j, members[i].key));
        *members[i].to = arena_strdup(a, s ? s : "");
    }
    json_decref(page);
}
