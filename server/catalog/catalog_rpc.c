#include "catalog/catalog_rpc.h"

#include "catalog/catalog.h"
#include "catalog/catalog_store.h"
#include "convert/convert.h"

#include <certdesk/v1/channel_service.pb-c.h>

#include <jansson.h>
#include <string.h>

/* An array of message pointers with its count, as protobuf-c wants it. */
#define LIST(c, T, n) ARENA_ARRAY((c)->arena, T *, (n) + 1)

static char *json_text(struct ctx *c, const json_t *j, const char *key)
{
    return to_text(c->arena, json_string_value(json_object_get(j, key)));
}

static void fill_notices(struct ctx *c, const json_t *list, PB(Channel) * out)
{
    out->n_notices = json_array_size(list);
    out->notices = LIST(c, PB(Notice), out->n_notices);
    for (size_t i = 0; i < out->n_notices; i++) {
        out->notices[i] = ARENA_NEW(c->arena, PB(Notice));
        PB_INIT(notice, out->notices[i]);
        out->notices[i]->title = json_text(c, json_array_get(list, i), "title");
        out->notices[i]->text = json_text(c, json_array_get(list, i), "text");
    }
}

static void fill_downloads(struct ctx *c, const json_t *list, PB(Channel) * out)
{
    out->n_downloads = json_array_size(list);
    out->downloads = LIST(c, PB(Download), out->n_downloads);
    for (size_t i = 0; i < out->n_downloads; i++) {
        out->downloads[i] = ARENA_NEW(c->arena, PB(Download));
        PB_INIT(download, out->downloads[i]);
        out->downloads[i]->title = json_text(c, json_array_get(list, i), "title");
        out->downloads[i]->url = json_text(c, json_array_get(list, i), "url");
    }
}

static void fill_page(struct ctx *c, const char *page, PB(Channel) * out)
{
    json_t *j = json_loads(page, 0, NULL);
    fill_notices(c, json_object_get(j, "notices"), out);
    fill_downloads(c, json_object_get(j, "downloads"), out);
    const json_t *contact = json_object_get(j, "contact"), *paper = json_object_get(j, "paper_address");
    if (contact) {
        out->contact = ARENA_NEW(c->arena, PB(Contact));
        PB_INIT(contact, out->contact);
        out->contact->name = json_text(c, contact, "name");
        out->contact->phone = json_text(c, contact, "phone");
        out->contact->office_hours = json_text(c, contact, "office_hours");
    }
    if (paper) {
        PB(Address) *a = out->paper_address = ARENA_NEW(c->arena, PB(Address));
        PB_INIT(address, a);
        a->recipient = json_text(c, paper, "recipient");
        a->phone = json_text(c, paper, "phone");
        a->province = json_text(c, paper, "province");
        a->city = json_text(c, paper, "city");
        a->district = json_text(c, paper, "district");
        a->street = json_text(c, paper, "street");
        a->postal_code = json_text(c, paper, "postal_code");
    }
    json_decref(j);
}

static size_t to_methods(struct ctx *c, unsigned bits, PB(VerificationMethod) * *out)
{
    size_t n = 0;
    *out = ARENA_ARRAY(c->arena, PB(VerificationMethod), 8);
    for (unsigned m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++)
        if (bits & (1u << m))
            (*out)[n++] = (PB(VerificationMethod))m;
    return n;
}

static PB(MaterialRule) * to_rule(struct ctx *c, const struct material_rule *m)
{
    PB(MaterialRule) *out = ARENA_NEW(c->arena, PB(MaterialRule));
    PB_INIT(material_rule, out);
    out->kind = to_text(c->arena, m->kind);
    out->title = to_text(c->arena, m->title);
    out->required = m->required;
    out->max_bytes = m->max_bytes;
    out->content_types = ARENA_ARRAY(c->arena, char *, strlen(m->content_types) + 1);
    char *rest = to_text(c->arena, m->content_types), *one;
    while ((one = strsep(&rest, " ")))
        if (*one)
            out->content_types[out->n_content_types++] = one;
    return out;
}

static enum err fill_offers(struct ctx *c, const char *channel, PB(Channel) * out)
{
    struct offered *list;
    TRY(offer_list(c, channel, &list, &out->n_offers));
    out->offers = LIST(c, PB(Offer), out->n_offers);
    for (size_t i = 0; i < out->n_offers; i++) {
        PB(Offer) *o = out->offers[i] = ARENA_NEW(c->arena, PB(Offer));
        PB_INIT(offer, o);
        o->subject_kind = (PB(SubjectKind))list[i].subject;
        o->medium = (PB(Medium))list[i].medium;
        o->n_methods = to_methods(c, list[i].offer.methods, &o->methods);
        o->n_agent_methods = to_methods(c, list[i].offer.agent_methods, &o->agent_methods);
        o->paper_route = list[i].offer.paper_route;
        const struct material_rule *rules;
        TRY(catalog_materials(c, channel, list[i].kind, list[i].subject, list[i].medium, &rules,
                              &o->n_materials));
        o->materials = LIST(c, PB(MaterialRule), o->n_materials);
        for (size_t k = 0; k < o->n_materials; k++)
            o->materials[k] = to_rule(c, &rules[k]);
    }
    return OK;
}

static enum err to_channel(struct ctx *c, const char *id_or_code, PB(Channel) * *out)
{
    struct channel ch;
    TRY(catalog_channel(c, id_or_code, &ch));
    *out = ARENA_NEW(c->arena, PB(Channel));
    PB_INIT(channel, *out);
    (*out)->id = to_text(c->arena, ch.id);
    (*out)->code = to_text(c->arena, ch.code);
    (*out)->name = to_text(c->arena, ch.name);
    (*out)->invoice_offered = ch.invoice_offered;
    fill_page(c, ch.page_json, *out);
    return fill_offers(c, ch.id, *out);
}

RPC_HANDLER(get_channel, GetChannelRequest, GetChannelResponse)
{
    return to_channel(c, in->channel, &out->channel);
}

RPC_HANDLER(list_products, ListProductsRequest, ListProductsResponse)
{
    struct channel ch;
    struct product *list;
    TRY(catalog_channel(c, in->channel, &ch));
    TRY(product_list(c, ch.id, (int)in->subject_kind, (int)in->medium, &list, &out->n_products));
    out->products = LIST(c, PB(Product), out->n_products);
    for (size_t i = 0; i < out->n_products; i++) {
        PB(Product) *p = out->products[i] = ARENA_NEW(c->arena, PB(Product));
        PB_INIT(product, p);
        p->id = to_text(c->arena, list[i].id);
        p->name = to_text(c->arena, list[i].name);
        p->subject_kind = (PB(SubjectKind))list[i].subject;
        p->medium = (PB(Medium))list[i].medium;
        p->n_options = list[i].n_prices;
        p->options = LIST(c, PB(PriceOption), p->n_options);
        for (size_t k = 0; k < p->n_options; k++) {
            p->options[k] = ARENA_NEW(c->arena, PB(PriceOption));
            PB_INIT(price_option, p->options[k]);
            p->options[k]->term_months = list[i].prices[k].term_months;
            p->options[k]->seal = list[i].prices[k].seal;
            p->options[k]->price_fen = list[i].prices[k].price_fen;
        }
    }
    return OK;
}

RPC_HANDLER(list_agreements, ListAgreementsRequest, ListAgreementsResponse)
{
    struct channel ch;
    const struct agreement *list;
    TRY(catalog_channel(c, in->channel, &ch));
    TRY(agreement_list(c, ch.id, &list, &out->n_agreements));
    out->agreements = LIST(c, PB(Agreement), out->n_agreements);
    for (size_t i = 0; i < out->n_agreements; i++) {
        PB(Agreement) *a = out->agreements[i] = ARENA_NEW(c->arena, PB(Agreement));
        PB_INIT(agreement, a);
        a->id = to_text(c->arena, list[i].id);
        a->version = list[i].version;
        a->title = to_text(c->arena, list[i].title);
        a->text = to_text(c->arena, list[i].text);
        a->digest = arena_alloc(c->arena, 65);
        hex_encode(list[i].digest, 32, a->digest);
    }
    return OK;
}

static PB(Quote) * to_quote(struct ctx *c, const struct quote *q)
{
    PB(Quote) *out = ARENA_NEW(c->arena, PB(Quote));
    PB_INIT(quote, out);
    out->product_id = to_text(c->arena, q->product_id);
    out->product_name = to_text(c->arena, q->product_name);
    out->term_months = q->term_months;
    out->medium = (PB(Medium))q->medium;
    out->seal = q->seal;
    out->quantity = q->quantity;
    out->total_fen = q->total_fen;
    out->n_lines = q->n_lines;
    out->lines = LIST(c, PB(QuoteLine), q->n_lines);
    for (size_t i = 0; i < q->n_lines; i++) {
        out->lines[i] = ARENA_NEW(c->arena, PB(QuoteLine));
        PB_INIT(quote_line, out->lines[i]);
        out->lines[i]->title = to_text(c->arena, q->lines[i].title);
        out->lines[i]->quantity = q->lines[i].quantity;
        out->lines[i]->unit_fen = q->lines[i].unit_fen;
        out->lines[i]->amount_fen = q->lines[i].amount_fen;
    }
    return out;
}

RPC_HANDLER(quote_price, QuotePriceRequest, QuotePriceResponse)
{
    struct product p;
    struct quote q;
    char channel[ID_SIZE];
    TRY(product_load(c, in->product_id, channel, &p));
    TRY(catalog_quote(c, channel, ORDER_NEW, p.subject, p.medium, p.id, in->term_months, in->seal,
                      in->quantity, &q));
    out->quote = to_quote(c, &q);
    return OK;
}

#define ROW(m, fn)                                                                                           \
    {                                                                                                        \
        .service = PB_SERVICE(channel_service), .method = (m), .access = ACCESS_PUBLIC, .mode = MODE_READ,   \
        .handler = (fn)                                                                                      \
    }

static const struct rpc_row rows[] = {
    ROW("GetChannel", get_channel),
    ROW("ListProducts", list_products),
    ROW("ListAgreements", list_agreements),
    ROW("QuotePrice", quote_price),
};

const struct rpc_table catalog_rpc = {rows, sizeof rows / sizeof *rows};
