#include "catalog/catalog_wire.h"

#include "identity/identity.h"

#include <jansson.h>
#include <string.h>

static char *json_text(struct ctx *c, const json_t *j, const char *key)
{
    return to_text(c->arena, json_string_value(json_object_get(j, key)));
}

static void fill_notices(struct ctx *c, const json_t *list, PB(Channel) * out)
{
    out->n_notices = json_array_size(list);
    out->notices = WIRE_LIST(c, PB(Notice), out->n_notices);
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
    out->downloads = WIRE_LIST(c, PB(Download), out->n_downloads);
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

static PB(MethodTerms) *
    to_terms(struct ctx *c, const struct policy *p, const struct offered *of, enum method m)
{
    const char *fields[IDENTITY_FIELDS];
    bool by_desk = of->kind != ORDER_UNLOCK && of->offer.delivery == DELIVERY_DESK;
    enum secret_way way = identity_secret_way(c, p->suppliers[METHOD_MICRO_DEPOSIT],
                                              p->n_suppliers[METHOD_MICRO_DEPOSIT], of->subject, m);
    PB(MethodTerms) *out = ARENA_NEW(c->arena, PB(MethodTerms));
    PB_INIT(method_terms, out);
    out->method = (PB(VerificationMethod))m;
    out->n_fields = identity_needed_fields(of->subject, m, fields);
    out->fields = ARENA_ARRAY(c->arena, char *, out->n_fields + 1);
    for (size_t i = 0; i < out->n_fields; i++)
        out->fields[i] = to_text(c->arena, fields[i]);
    if (of->medium != MEDIUM_UKEY)
        return out;
    out->unlock_code = (PB(SecretWay))way;
    if (by_desk)
        out->pin = (PB(SecretWay))way;
    return out;
}

static PB(Offer) * to_offer(struct ctx *c, const struct whole *w, const struct offered *from)
{
    struct delivery_rules posting = posting_of(&w->policy, from->medium, from->offer.delivery);
    PB(Offer) *o = ARENA_NEW(c->arena, PB(Offer));
    PB_INIT(offer, o);
    o->kind = (PB(OrderKind))from->kind;
    o->subject_kind = (PB(SubjectKind))from->subject;
    o->medium = (PB(Medium))from->medium;
    o->n_methods = to_methods(c, from->offer.methods, &o->methods);
    o->n_agent_methods = to_methods(c, from->offer.agent_methods, &o->agent_methods);
    o->paper_route = from->offer.paper_route;
    o->review = from->offer.review;
    o->delivery = (PB(DeliveryWay))from->offer.delivery;
    o->address_asked = posting.address_asked;
    o->posting_fee_fen = posting.fee_fen;
    o->posting_days = posting.days;
    o->n_method_terms = o->n_methods;
    o->method_terms = WIRE_LIST(c, PB(MethodTerms), o->n_methods);
    for (size_t i = 0; i < o->n_methods; i++)
        o->method_terms[i] = to_terms(c, &w->policy, from, (enum method)o->methods[i]);
    o->materials = WIRE_LIST(c, PB(MaterialRule), w->n_materials);
    for (size_t k = 0; k < w->n_materials; k++) {
        const struct offered *of = &w->materials[k].of;
        if (of->kind == from->kind && of->subject == from->subject && of->medium == from->medium)
            o->materials[o->n_materials++] = to_rule(c, &w->materials[k].rule);
    }
    return o;
}

void wire_offers(struct ctx *c, const struct whole *w, PB(Channel) * out)
{
    out->n_offers = w->n_offers;
    out->offers = WIRE_LIST(c, PB(Offer), out->n_offers);
    for (size_t i = 0; i < out->n_offers; i++)
        out->offers[i] = to_offer(c, w, &w->offers[i]);
}

/* -- calendar ----------------------------------------------------------------------------------------------
 */

static char *clock_text(struct ctx *c, int minute)
{
    return arena_printf(c->arena, "%02d:%02d", minute / 60, minute % 60);
}

static char **to_dates(struct ctx *c, const int *days, size_t n)
{
    char **out = ARENA_ARRAY(c->arena, char *, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = to_text(c->arena, calendar_text(c->arena, days[i]));
    return out;
}

static PB(Calendar) * to_calendar(struct ctx *c, const struct calendar *from)
{
    PB(Calendar) *out = ARENA_NEW(c->arena, PB(Calendar));
    PB_INIT(calendar, out);
    out->n_office_hours = from->n_hours;
    out->office_hours = WIRE_LIST(c, PB(OfficeHours), from->n_hours);
    for (size_t i = 0; i < from->n_hours; i++) {
        out->office_hours[i] = ARENA_NEW(c->arena, PB(OfficeHours));
        PB_INIT(office_hours, out->office_hours[i]);
        out->office_hours[i]->from = clock_text(c, from->hours[i].from);
        out->office_hours[i]->to = clock_text(c, from->hours[i].to);
    }
    out->weekend = ARENA_ARRAY(c->arena, PB(Weekday), 7);
    for (int d = 1; d <= 7; d++)
        if (from->weekend[d % 7]) /* Sunday is 7 there and 0 here */
            out->weekend[out->n_weekend++] = (PB(Weekday))d;
    out->n_holidays = from->n_holidays;
    out->holidays = to_dates(c, from->holidays, from->n_holidays);
    out->n_working_days = from->n_working;
    out->working_days = to_dates(c, from->working, from->n_working);
    return out;
}

/* -- the channel -------------------------------------------------------------------------------------------
 */

PB(Channel) * wire_channel(struct ctx *c, const struct channel *ch, const struct policy *p)
{
    PB(Channel) *out = ARENA_NEW(c->arena, PB(Channel));
    PB_INIT(channel, out);
    out->id = to_text(c->arena, ch->id);
    out->code = to_text(c->arena, ch->code);
    out->name = to_text(c->arena, ch->name);
    out->version = ch->version;
    out->review_days = ch->review_days;
    out->review_days_from = ch->review_from;
    out->invoice_offered = ch->invoice_offered;
    out->payment_providers = ARENA_ARRAY(c->arena, PB(PaymentProvider), 32);
    for (unsigned i = 1; i < 32; i++)
        if (p->payments & 1U << i)
            out->payment_providers[out->n_payment_providers++] = (PB(PaymentProvider))i;
    out->calendar = to_calendar(c, &p->calendar);
    fill_page(c, ch->page_json, out);
    return out;
}

PB(Quote) * wire_quote(struct ctx *c, const struct quote *q)
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
    out->lines = WIRE_LIST(c, PB(QuoteLine), q->n_lines);
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
