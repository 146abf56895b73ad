/* channel_read.c - a channel's file into structs, with every fault in it. */
#include "catalog/channel_file.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CODE_MAX = 32,
    ITEM_CODE_MAX = 40,
    NAME_MAX_CHARS = 120,
    TITLE_MAX = 80,
    NOTICE_MAX = 4000,
    AGREEMENT_MAX = 60000,
    URL_MAX = 500,
    PAGE_ITEMS = 50,
    OFFERS_MAX = 40,
    MATERIALS_MAX = 30,
    PRODUCTS_MAX = 200,
    PRICES_MAX = 40,
    AGREEMENTS_MAX = 20,
    REVIEW_DAYS_MAX = 60,
    KINDS = 5,
    MAX_MB = 50,
    MB = 1 << 20,
};

static const char *const kinds[] = {"", "new", "renew", "change", "reissue", "unlock", NULL};
static const char *const subjects[] = {"", "organization", "individual", NULL};
static const char *const media[] = {"", "ukey", "cloud", NULL};
static const char *const deliveries[] = {"", "desk", "download", NULL};
static const char *const types[] = {"", "image/jpeg", "image/png", "application/pdf", NULL};

/* -- page --------------------------------------------------------------------------------------------------
 */

static void read_url(struct node n)
{
    const char *s = node_line(n, URL_MAX);
    if (*s && strncmp(s, "https://", 8) != 0 && strncmp(s, "http://", 7) != 0)
        node_fault(n, "is an address that begins with https:// or http://");
}

static void read_titled(struct node list, bool urls)
{
    size_t count = node_list(list, PAGE_ITEMS);
    for (size_t i = 0; i < count; i++) {
        struct node one = node_at(list, i);
        node_keys(one, urls ? "title url" : "title text");
        node_line(node_need(one, "title"), TITLE_MAX);
        if (urls)
            read_url(node_need(one, "url"));
        else
            node_text(node_need(one, "text"), NOTICE_MAX);
    }
}

static void read_contact(struct node n)
{
    node_keys(n, "name phone office_hours");
    if (!node_there(n))
        return;
    node_line(node_need(n, "name"), 60);
    node_line(node_need(n, "phone"), 40);
    node_line(node_need(n, "office_hours"), 200);
}

static void read_paper_address(struct node n)
{
    static const char *const needed[] = {"recipient", "phone", "province", "city", "street", NULL};
    node_keys(n, "recipient phone province city district street postal_code");
    for (size_t i = 0; node_there(n) && needed[i]; i++)
        node_line(node_need(n, needed[i]), NAME_MAX_CHARS);
    node_line(node_get(n, "district"), NAME_MAX_CHARS);
    node_line(node_get(n, "postal_code"), 10);
}

/* Kept as it is: nothing in it is decided by. */
static const char *read_page(struct node n)
{
    node_keys(n, "notices downloads contact paper_address");
    read_titled(node_get(n, "notices"), false);
    read_titled(node_get(n, "downloads"), true);
    read_contact(node_get(n, "contact"));
    read_paper_address(node_get(n, "paper_address"));
    char *text = json_dumps(n.j, JSON_COMPACT);
    const char *kept = text ? arena_strdup(n.r->arena, text) : "{}";
    free(text);
    return kept;
}

/* -- offers ------------------------------------------------------------------------------------------------
 */

static struct material_rule read_material(struct node n)
{
    node_keys(n, "kind title required content_types max_bytes of_agent");
    struct node list = node_need(n, "content_types");
    unsigned bits = node_words(list, types);
    struct buf b = BUF(n.r->arena);
    for (unsigned i = 1; types[i]; i++)
        if (bits & 1U << i)
            buf_printf(&b, "%s%s", b.n ? " " : "", types[i]);
    if (json_is_array(list.j) && !json_array_size(list.j))
        node_fault(list, "accepts nothing");
    return (struct material_rule){node_code(node_need(n, "kind"), ITEM_CODE_MAX),
                                  node_line(node_need(n, "title"), TITLE_MAX),
                                  node_bool(node_get(n, "required"), false),
                                  buf_text(&b),
                                  node_number(node_need(n, "max_bytes"), 1, MAX_MB * MB, MB),
                                  node_bool(node_get(n, "of_agent"), false)};
}

static void read_materials(struct node list, struct file_offer *out)
{
    size_t count = node_list(list, MATERIALS_MAX);
    struct material_rule *rules = ARENA_ARRAY(list.r->arena, struct material_rule, count + 1);
    for (size_t i = 0; i < count; i++) {
        rules[i] = read_material(node_at(list, i));
        for (size_t k = 0; k < i; k++)
            if (*rules[i].kind && strcmp(rules[k].kind, rules[i].kind) == 0)
                node_fault(node_get(node_at(list, i), "kind"), "is asked for already");
    }
    out->materials = rules;
    out->n_materials = count;
}

/* Who signs has a phone that was proved (S11): where the subject's method may prove none, an agent signs. An
 * unlocking is not signed. */
static void check_agents(struct node offer, enum subject_kind subject, unsigned order_kinds,
                         const struct offer *o)
{
    const unsigned prove_none = 1U << METHOD_MICRO_DEPOSIT | 1U << METHOD_FACE;
    struct node agents = node_get(offer, "agent_methods");
    bool some = json_is_array(agents.j) && json_array_size(agents.j);
    if (subject == SUBJECT_INDIVIDUAL && some)
        node_fault(agents, "is for organizations: an individual has no agent");
    else if (o->agent_methods & 1U << METHOD_MICRO_DEPOSIT)
        node_fault(agents, "has no micro_deposit, which goes to the account of the subject: an agent is "
                           "verified by phone_three_factor, bank_four_factor or face");
    if (subject == SUBJECT_ORGANIZATION && order_kinds & ~(1U << ORDER_UNLOCK) && o->methods & prove_none &&
        !some)
        node_fault(node_get(offer, "methods"),
                   "has micro_deposit or face, which prove no phone that the legal representative could sign "
                   "with: agent_methods are needed");
}

/* One entry is an offer for each of its order kinds. */
static struct file_offer read_offer(struct node n, unsigned *order_kinds)
{
    node_keys(n, "subject medium kinds methods agent_methods paper_route review delivery materials");
    struct node k = node_get(n, "kinds"), m = node_need(n, "methods"), agents = node_get(n, "agent_methods");
    *order_kinds = node_there(k) ? node_words(k, kinds) : 1U << ORDER_NEW;
    if (json_is_array(k.j) && !json_array_size(k.j))
        node_fault(k, "names no kind of order");
    struct offer offer = {node_words(m, method_words),
                          node_words(agents, method_words),
                          node_bool(node_get(n, "paper_route"), false),
                          node_bool(node_get(n, "review"), true),
                          DELIVERY_DESK,
                          0};
    struct node way = node_get(n, "delivery");
    int delivery = node_word(way, deliveries);
    offer.delivery = delivery ? (enum delivery)delivery : DELIVERY_DESK;
    if (json_is_array(m.j) && !json_array_size(m.j))
        node_fault(m, "names no method: nobody could order");
    struct file_offer out = {{ORDER_NEW, (enum subject_kind)node_word(node_need(n, "subject"), subjects),
                              (enum medium)node_word(node_need(n, "medium"), media), offer},
                             NULL,
                             0};
    check_agents(n, out.offered.subject, *order_kinds, &offer);
    if (out.offered.medium == MEDIUM_CLOUD && delivery == DELIVERY_DESK)
        node_fault(way, "is of UKEYs: nothing is written or posted for a cloud certificate");
    read_materials(node_get(n, "materials"), &out);
    return out;
}

static void add_offer(struct node n, struct channel_file *f, const struct file_offer *o, enum order_kind kind)
{
    for (size_t i = 0; i < f->n_offers; i++) {
        const struct offered *other = &f->offers[i].offered;
        if (other->kind == kind && other->subject == o->offered.subject &&
            other->medium == o->offered.medium && other->subject && other->medium)
            node_fault(n, "%s for this subject and medium is offered above already", kinds[kind]);
    }
    f->offers[f->n_offers] = *o;
    f->offers[f->n_offers++].offered.kind = kind;
}

static void read_offers(struct node list, struct channel_file *f)
{
    size_t count = node_list(list, OFFERS_MAX);
    f->offers = ARENA_ARRAY(list.r->arena, struct file_offer, KINDS * count + 1);
    if (json_is_array(list.j) && !count)
        node_fault(list, "offers nothing");
    for (size_t i = 0; i < count; i++) {
        unsigned order_kinds;
        struct node one = node_at(list, i);
        struct file_offer o = read_offer(one, &order_kinds);
        for (unsigned k = ORDER_NEW; k <= ORDER_UNLOCK; k++)
            if (order_kinds & 1U << k)
                add_offer(one, f, &o, (enum order_kind)k);
    }
}

/* -- products ----------------------------------------------------------------------------------------------
 */

static void read_prices(struct node list, struct product *p)
{
    p->n_prices = node_list(list, PRICES_MAX);
    p->prices = ARENA_ARRAY(list.r->arena, struct price, p->n_prices + 1);
    if (json_is_array(list.j) && !p->n_prices)
        node_fault(list, "has none: a product without a price cannot be sold");
    for (size_t i = 0; i < p->n_prices; i++) {
        struct node one = node_at(list, i);
        node_keys(one, "term_months seal price_fen");
        p->prices[i] = (struct price){(int)node_number(node_need(one, "term_months"), 1, 120, 0),
                                      node_bool(node_get(one, "seal"), false),
                                      node_number(node_need(one, "price_fen"), 1, 100000000, 1)};
        for (size_t k = 0; k < i; k++)
            if (p->prices[i].term_months && p->prices[k].term_months == p->prices[i].term_months &&
                p->prices[k].seal == p->prices[i].seal)
                node_fault(one, "has the term and seal of prices[%zu]", k);
    }
}

static void read_products(struct node list, struct channel_file *f)
{
    f->n_products = node_list(list, PRODUCTS_MAX);
    f->products = ARENA_ARRAY(list.r->arena, struct file_product, f->n_products + 1);
    for (size_t i = 0; i < f->n_products; i++) {
        struct node one = node_at(list, i);
        struct file_product *p = &f->products[i];
        node_keys(one, "code name subject medium max_quantity prices");
        p->code = node_code(node_need(one, "code"), ITEM_CODE_MAX);
        p->product = (struct product){
            .name = node_line(node_need(one, "name"), NAME_MAX_CHARS),
            .subject = (enum subject_kind)node_word(node_need(one, "subject"), subjects),
            .medium = (enum medium)node_word(node_need(one, "medium"), media),
            .max_quantity = (int)node_number(node_get(one, "max_quantity"), 1, PRODUCT_QUANTITY_MAX, 1)};
        read_prices(node_need(one, "prices"), &p->product);
        for (size_t k = 0; k < i; k++)
            if (*p->code && strcmp(f->products[k].code, p->code) == 0)
                node_fault(node_get(one, "code"), "is the code of products[%zu]", k);
    }
}

/* -- agreements --------------------------------------------------------------------------------------------
 */

static void read_agreements(struct node list, struct channel_file *f)
{
    f->n_agreements = node_list(list, AGREEMENTS_MAX);
    f->agreements = ARENA_ARRAY(list.r->arena, struct file_agreement, f->n_agreements + 1);
    for (size_t i = 0; i < f->n_agreements; i++) {
        struct node one = node_at(list, i);
        struct file_agreement *a = &f->agreements[i];
        node_keys(one, "code title text");
        *a = (struct file_agreement){node_code(node_need(one, "code"), ITEM_CODE_MAX),
                                     node_line(node_need(one, "title"), NAME_MAX_CHARS),
                                     node_text(node_need(one, "text"), AGREEMENT_MAX)};
        for (size_t k = 0; k < i; k++)
            if (*a->code && strcmp(f->agreements[k].code, a->code) == 0)
                node_fault(node_get(one, "code"), "is the code of agreements[%zu]", k);
    }
}

/* -- the whole ---------------------------------------------------------------------------------------------
 */

/* The fixed password, "" for a random one. initial_password is the old key, for a fixed one only. */
static const char *read_password(struct node root)
{
    struct node old = node_get(root, "initial_password");
    struct node n = node_there(old) ? old : node_need(root, "first_password");
    if (node_there(old) && json_object_get(root.j, "first_password"))
        node_fault(old, "is the old name of first_password, which is there too");
    const char *s = node_line(n, 64);
    if (!node_there(old) && strcmp(s, "random") == 0)
        return "";
    if (*s && utf8_length(s) < 4)
        node_fault(n, "has at least 4 characters");
    return s;
}

/* "3-5", or a number: working days. */
static void read_review_days(struct node n, struct channel *out)
{
    int from, to, end = 0;
    if (!json_is_string(n.j)) {
        out->review_days = (int)node_number(n, 1, REVIEW_DAYS_MAX, 1);
        return;
    }
    const char *s = node_line(n, 5);
    bool two =
        strspn(s, "0123456789-") == strlen(s) && sscanf(s, "%2d-%2d%n", &from, &to, &end) == 2 && !s[end];
    if (!two || from < 1 || to <= from || to > REVIEW_DAYS_MAX) {
        node_fault(n, "is a number of working days, or two such as 3-5, from 1 to %d", REVIEW_DAYS_MAX);
        from = to = 1;
    }
    out->review_from = from;
    out->review_days = to;
}

static const char *policy_text(struct node root)
{
    json_t *j = json_object(), *v;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)root.j, key, v)
    {
        if (strstr(" " POLICY_KEYS " ", arena_printf(root.r->arena, " %s ", key)))
            json_object_set(j, key, v);
    }
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    const char *kept = arena_strdup(root.r->arena, text ? text : "{}");
    free(text);
    json_decref(j);
    return kept;
}

static bool sells(const struct channel_file *f, const struct offered *o)
{
    for (size_t i = 0; i < f->n_products; i++)
        if (f->products[i].product.subject == o->subject && f->products[i].product.medium == o->medium)
            return true;
    return false;
}

static bool offers(const struct channel_file *f, const struct product *p)
{
    for (size_t i = 0; i < f->n_offers; i++)
        if (f->offers[i].offered.subject == p->subject && f->offers[i].offered.medium == p->medium)
            return true;
    return false;
}

/* The desk writes UKEYs by the dozen; what the holder's own machine writes is one certificate an order. */
static bool desk_writes(const struct channel_file *f, const struct product *p)
{
    for (size_t i = 0; i < f->n_offers; i++) {
        const struct offered *o = &f->offers[i].offered;
        if (o->kind == ORDER_NEW && o->subject == p->subject && o->medium == p->medium)
            return p->medium == MEDIUM_UKEY && o->offer.delivery == DELIVERY_DESK;
    }
    return false;
}

/* What each part allows and the whole does not. */
static void check_whole(struct node root, const struct channel_file *f)
{
    struct node page = node_get(root, "page"), products = node_get(root, "products");
    bool papers = false;
    for (size_t i = 0; i < f->n_offers; i++) {
        const struct offered *o = &f->offers[i].offered;
        papers = papers || o->offer.paper_route;
        if (o->kind == ORDER_NEW && o->subject && o->medium && !sells(f, o))
            node_fault(products, "has nothing for %s on %s, which is offered", subjects[o->subject],
                       media[o->medium]);
    }
    for (size_t i = 0; i < f->n_products; i++) {
        const struct product *p = &f->products[i].product;
        if (p->subject && p->medium && !offers(f, p))
            node_fault(node_at(products, i), "is for %s on %s, which is not offered", subjects[p->subject],
                       media[p->medium]);
        else if (p->subject && p->medium && p->max_quantity > 1 && !desk_writes(f, p))
            node_fault(node_get(node_at(products, i), "max_quantity"),
                       "is 1 for what the desk does not write on UKEYs");
    }
    if (papers && json_is_object(page.j) && !json_object_get(page.j, "paper_address"))
        node_fault(page, "needs a paper_address: an offer has the paper route");
}

void channel_file_read(struct arena *a, const struct yaml_tree *tree, struct channel_file *out,
                       struct file_faults *faults)
{
    struct reader r = {a, tree, faults};
    struct node root = node_root(&r, tree->root);
    struct policy policy;
    static const char *const profiles[] = {"", "2012", "2023", NULL};
    *out = (struct channel_file){0};
    node_keys(root,
              "code name profile review_days payment_minutes first_password initial_password page offers "
              "products agreements " POLICY_KEYS);
    policy_read(root, &policy);
    out->channel = (struct channel){
        .code = node_code(node_need(root, "code"), CODE_MAX),
        .name = node_line(node_need(root, "name"), NAME_MAX_CHARS),
        .page_json = read_page(node_need(root, "page")),
        .policy_json = policy_text(root),
        .invoice_offered = policy.invoice.offered,
        .initial_password = read_password(root),
        .payment_minutes = node_number(node_need(root, "payment_minutes"), 5, 7 * 24 * 60, 5),
        .profile = profiles[node_word(node_need(root, "profile"), profiles)],
    };
    read_review_days(node_need(root, "review_days"), &out->channel);
    read_offers(node_need(root, "offers"), out);
    read_products(node_need(root, "products"), out);
    read_agreements(node_need(root, "agreements"), out);
    check_whole(root, out);
}
