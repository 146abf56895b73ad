#include "catalog/catalog_rpc.h"

#include "catalog/catalog_wire.h"
#include "core/page.h"

RPC_HANDLER(get_channel, GetChannelRequest, GetChannelResponse)
{
    struct whole whole;
    TRY(channel_whole(c, in->channel, &whole));
    out->channel = wire_channel(c, &whole.channel, &whole.policy);
    wire_offers(c, &whole, out->channel);
    return OK;
}

RPC_HANDLER(list_channels, ListChannelsRequest, ListChannelsResponse)
{
    const char *after;
    struct channel *list;
    size_t n, limit = (size_t)page_size(in->page_size);
    const char *scope = arena_printf(c->arena, "channels:%s", c->caller.channel);
    TRY(page_key(c, scope, in->page_token, &after));
    TRY(channel_list(c, after, (int)limit + 1, &list, &n));
    out->n_channels = n > limit ? limit : n;
    out->channels = WIRE_LIST(c, PB(Channel), out->n_channels);
    for (size_t i = 0; i < out->n_channels; i++) {
        struct policy policy;
        TRY(channel_policy_parse(c, list[i].policy_json, &policy));
        out->channels[i] = wire_channel(c, &list[i], &policy);
    }
    if (n > limit)
        out->next_page_token = to_text(c->arena, page_token(c, scope, list[limit - 1].code));
    return OK;
}

RPC_HANDLER(list_products, ListProductsRequest, ListProductsResponse)
{
    struct channel ch;
    struct product *list;
    TRY(catalog_channel(c, in->channel, &ch));
    TRY(product_list(c, ch.id, (int)in->subject_kind, (int)in->medium, &list, &out->n_products));
    out->products = WIRE_LIST(c, PB(Product), out->n_products);
    for (size_t i = 0; i < out->n_products; i++) {
        PB(Product) *p = out->products[i] = ARENA_NEW(c->arena, PB(Product));
        PB_INIT(product, p);
        p->id = to_text(c->arena, list[i].id);
        p->name = to_text(c->arena, list[i].name);
        p->subject_kind = (PB(SubjectKind))list[i].subject;
        p->medium = (PB(Medium))list[i].medium;
        p->max_quantity = list[i].max_quantity;
        p->n_options = list[i].n_prices;
        p->options = WIRE_LIST(c, PB(PriceOption), p->n_options);
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
    out->agreements = WIRE_LIST(c, PB(Agreement), out->n_agreements);
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

RPC_HANDLER(quote_price, QuotePriceRequest, QuotePriceResponse)
{
    struct product p;
    struct quote q;
    char channel[ID_SIZE];
    TRY(product_load(c, in->product_id, channel, &p));
    TRY(catalog_quote(c, channel, in->kind ? (enum order_kind)in->kind : ORDER_NEW, p.subject, p.medium,
                      (enum delivery)0, p.id, in->term_months, in->seal, in->quantity, &q));
    out->quote = wire_quote(c, &q);
    return OK;
}

#define ROW(m, fn)                                                                                           \
    {                                                                                                        \
        .service = PB_SERVICE(channel_service), .method = (m), .access = ACCESS_PUBLIC, .mode = MODE_READ,   \
        .handler = (fn)                                                                                      \
    }

static const struct rpc_row rows[] = {
    ROW("GetChannel", get_channel),     ROW("ListChannels", list_channels),
    ROW("ListProducts", list_products), ROW("ListAgreements", list_agreements),
    ROW("QuotePrice", quote_price),
};

const struct rpc_table catalog_rpc = {rows, sizeof rows / sizeof *rows};
