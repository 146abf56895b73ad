#include "screen/order_doc.h"

#include "screen/msg.h"
#include "screen/words.h"
#include "tr/tr.h"

#include <string.h>

const struct masked order_masked[] = {
    {"organization.legal_rep_name", N_("Full name")},
    {"person.name", N_("Full name")},
    {"person.email", N_("E-mail")},
    {"agent.name", N_("Full name")},
    {"agent.email", N_("E-mail")},
    {"organization.legal_rep_id_number", N_("ID number")},
    {"organization.legal_rep_phone", N_("Phone")},
    {"organization.legal_rep_card_number", N_("Bank card")},
    {"organization.account.number", N_("Bank account")},
    {"person.id_number", N_("ID number")},
    {"person.phone", N_("Phone")},
    {"person.card_number", N_("Bank card")},
    {"person.account.number", N_("Bank account")},
    {"agent.id_number", N_("ID number")},
    {"agent.phone", N_("Phone")},
    {"agent.card_number", N_("Bank card")},
    {"signed_text", N_("Signed text")},
};
const size_t n_order_masked = sizeof order_masked / sizeof *order_masked;

/* A value that was given; what was not asked for leaves no empty line. */
static void value(const struct order_doc *o, const char *label, const char *text)
{
    if (text && *text)
        doc_value(o->doc, label, text);
}

void order_masked_line(const struct order_doc *o, const char *path, const char *text)
{
    if (!text || !*text)
        return;
    for (size_t i = 0; i < n_order_masked; i++) {
        const struct masked *m = &order_masked[i];
        if (strcmp(m->path, path) != 0)
            continue;
        const char *clear = o->clear ? o->clear(o->arg, path) : NULL;
        if (o->clear)
            doc_item(o->doc, MASKED_ITEM + (int)i, clear ? STYLE_STRONG : STYLE_NORMAL, tr(m->label),
                     clear ? clear : text);
        else
            doc_value(o->doc, tr(m->label), text);
    }
}

static void compose_head(const struct order_doc *o, struct arena *a)
{
    const Certdesk__V1__Order *r = o->order;
    doc_head(o->doc, _("Order"));
    value(o, _("Order number"), r->id);
    value(o, _("Business"),
          arena_printf(a, "%s - %s - %s", word_subject((int)r->subject_kind), word_order_kind((int)r->kind),
                       word_medium((int)r->medium)));
    doc_styled(o->doc, STYLE_STRONG, _("State"), word_order_state((int)r->state));
    value(o, _("Verification method"), word_method((int)r->method));
    value(o, _("Way of delivery"), word_delivery((int)r->delivery));
    value(o, _("Created"), word_time(a, r->create_time));
    value(o, _("Changed"), word_time(a, r->update_time));
    if (r->paper_route)
        doc_styled(o->doc, STYLE_WARN, _("Route"), _("Papers by post"));
    for (size_t i = 0; i < r->n_reasons; i++)
        doc_styled(o->doc, STYLE_WARN, i ? "" : _("Sent back"),
                   arena_printf(a, "%s: %s", r->reasons[i]->title, r->reasons[i]->reason));
    if (r->refusal && *r->refusal->comment)
        doc_styled(o->doc, STYLE_WARN, r->n_reasons ? "" : _("Sent back"), r->refusal->comment);
}

static void compose_account(const struct order_doc *o, const char *path, const Certdesk__V1__BankAccount *b)
{
    if (!b || !*b->number)
        return;
    order_masked_line(o, path, b->number);
    value(o, _("Bank"), b->bank);
    value(o, _("Branch"), b->branch);
    value(o, _("CNAPS code"), b->cnaps_code);
}

static void compose_organization(const struct order_doc *o)
{
    const Certdesk__V1__Organization *g = o->order->organization;
    if (!g || !*g->name)
        return;
    doc_head(o->doc, _("Organization"));
    value(o, _("Organization name"), g->name);
    value(o, _("USCC"), g->uscc);
    compose_account(o, "organization.account.number", g->account);
    doc_head(o->doc, _("Legal representative"));
    order_masked_line(o, "organization.legal_rep_name", g->legal_rep_name);
    order_masked_line(o, "organization.legal_rep_id_number", g->legal_rep_id_number);
    order_masked_line(o, "organization.legal_rep_phone", g->legal_rep_phone);
    order_masked_line(o, "organization.legal_rep_card_number", g->legal_rep_card_number);
}

static void compose_person(const struct order_doc *o)
{
    const Certdesk__V1__Person *g = o->order->person;
    if (!g || !*g->name)
        return;
    doc_head(o->doc, _("Applicant"));
    order_masked_line(o, "person.name", g->name);
    value(o, _("Document"), word_document((int)g->document_type));
    order_masked_line(o, "person.id_number", g->id_number);
    order_masked_line(o, "person.phone", g->phone);
    order_masked_line(o, "person.email", g->email);
    order_masked_line(o, "person.card_number", g->card_number);
    compose_account(o, "person.account.number", g->account);
}

static void compose_agent(const struct order_doc *o)
{
    const Certdesk__V1__Agent *g = o->order->agent;
    if (!g || (!*g->name && !*g->email))
        return;
    doc_head(o->doc, _("Agent"));
    if (g->legal_rep_in_person)
        doc_value(o->doc, "", _("The legal representative acts in person"));
    order_masked_line(o, "agent.name", g->name);
    order_masked_line(o, "agent.id_number", g->id_number);
    order_masked_line(o, "agent.phone", g->phone);
    order_masked_line(o, "agent.email", g->email);
    order_masked_line(o, "agent.card_number", g->card_number);
    if (g->method)
        value(o, _("Verification method"), word_method((int)g->method));
}

static char *address(struct arena *a, const Certdesk__V1__Address *d)
{
    return arena_printf(a, "%s%s%s%s %s", d->province, d->city, d->district, d->street, d->postal_code);
}

static void compose_invoice(const struct order_doc *o, const Certdesk__V1__InvoiceData *v)
{
    if (!v)
        return;
    doc_head(o->doc, _("Invoice"));
    if (!v->wanted) {
        doc_value(o->doc, "", _("No invoice wanted"));
        return;
    }
    value(o, _("Title"), v->title);
    value(o, _("Tax number"), v->tax_number);
    value(o, _("E-mail"), v->email);
    value(o, _("Bank"), v->bank);
    value(o, _("Bank account"), v->bank_account);
    value(o, _("Address"), v->address);
    value(o, _("Phone"), v->phone);
}

static void compose_lines(const struct order_doc *o, const Certdesk__V1__Quote *q, struct arena *a)
{
    for (size_t i = 0; i < q->n_lines; i++)
        value(o, i ? "" : _("Items"),
              arena_printf(a, "%s x %d  %s", q->lines[i]->title, q->lines[i]->quantity,
                           word_money(a, q->lines[i]->amount_fen)));
}

static const char *word_paid(const Certdesk__V1__PaymentSummary *p)
{
    return p->paid ? _("paid") : p->pay_time ? _("paid, and given back") : _("not paid");
}

static void compose_purchase(const struct order_doc *o, struct arena *a)
{
    const Certdesk__V1__Order *r = o->order;
    const Certdesk__V1__Purchase *p = r->purchase;
    if (!p || (!*p->product_id && !p->term_months))
        return;
    doc_head(o->doc, _("Purchase"));
    value(o, _("Product"), r->quote && *r->quote->product_name ? r->quote->product_name : p->product_id);
    if (p->term_months)
        value(o, _("Term"), word_term(a, p->term_months));
    value(o, _("Seal"), p->seal ? _("yes") : _("no"));
    if (r->quote)
        compose_lines(o, r->quote, a);
    if (p->quantity > 1)
        value(o, _("Quantity"), arena_printf(a, "%d", p->quantity));
    if (r->quote)
        value(o, _("Price"), word_money(a, r->quote->total_fen));
    if (r->payment)
        value(o, _("Payment"),
              arena_printf(a, "%s  %s  %s", word_money(a, r->payment->amount_fen), word_paid(r->payment),
                           word_time(a, r->payment->pay_time)));
    compose_invoice(o, p->invoice);
    if (p->delivery && *p->delivery->street) { /* nothing is posted of a download */
        doc_head(o->doc, _("Delivery"));
        value(o, _("Recipient"), arena_printf(a, "%s %s", p->delivery->recipient, p->delivery->phone));
        value(o, _("Address"), address(a, p->delivery));
    }
}

static void compose_outcome(const struct order_doc *o, struct arena *a)
{
    const Certdesk__V1__ShipmentSummary *s = o->order->shipment;
    size_t n = o->order->n_certificates;
    for (size_t i = 0; i < n; i++) {
        const Certdesk__V1__CertificateSummary *c = o->order->certificates[i];
        doc_head(o->doc, n > 1 ? arena_printf(a, _("Certificate %zu of %zu"), i + 1, n) : _("Certificate"));
        value(o, _("Serial number"), c->serial_number);
        value(o, _("Medium number"), c->medium_number);
        value(
            o, _("Valid"),
            arena_printf(a, _("%s to %s"), word_day(a, c->not_before_time), word_day(a, c->not_after_time)));
    }
    if (s && *s->shipment_id) {
        doc_head(o->doc, _("Shipment"));
        value(o, _("Courier"), word_courier(s->courier));
        value(o, _("Tracking number"), s->tracking_number);
        value(o, _("State"), word_shipment_named(s->state_text));
    }
}

void order_compose(const struct order_doc *o)
{
    struct arena a;
    arena_init(&a, 0);
    compose_head(o, &a);
    compose_organization(o);
    compose_person(o);
    compose_agent(o);
    compose_purchase(o, &a);
    compose_outcome(o, &a);
    arena_free(&a);
}

char *material_kind(struct arena *a, const Certdesk__V1__Material *m)
{
    static const struct {
        const char *type, *word;
    } words[] = {{"image/jpeg", "JPEG"}, {"image/png", "PNG"}, {"application/pdf", "PDF"}};
    const char *word = m->content_type;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].type, m->content_type) == 0)
            word = words[i].word;
    return arena_printf(a, "%s, %s", word, word_size(a, m->size_bytes));
}
