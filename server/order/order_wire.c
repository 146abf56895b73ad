#include "order/order_wire.h"

#include "certificate/certificate.h"
#include "convert/convert.h"
#include "issue/issue.h"
#include "material/material.h"
#include "order/order_masks.h"
#include "order/order_steps.h"
#include "payment/payment.h"
#include "review/review.h"
#include "shipment/shipment.h"

#include <certdesk/v1/shipment_service.pb-c.h>
#include <string.h>

/* A new message of type T in the arena. */
#define NEW(a, T, fn, name)                                                                                  \
    PB(T) *name = ARENA_NEW((a), PB(T));                                                                     \
    PB_INIT(fn, name)

/* -- masked people ----------------------------------------------------------------------------------------
 */

static PB(BankAccount) * to_account(struct arena *a, const struct bank_account *b)
{
    if (!*b->number)
        return NULL;
    NEW(a, BankAccount, bank_account, out);
    out->number = to_text(a, b->number);
    out->bank = to_text(a, b->bank);
    out->branch = to_text(a, b->branch);
    out->cnaps_code = to_text(a, b->cnaps_code);
    return out;
}

static PB(Organization) * to_organization(struct arena *a, const struct subject *whole)
{
    struct subject s = *whole;
    order_mask(a, MASKED_ORGANIZATION, &s);
    NEW(a, Organization, organization, out);
    out->name = to_text(a, s.name);
    out->uscc = to_text(a, s.uscc); /* public register */
    out->legal_rep_name = to_text(a, s.legal_rep_name);
    out->legal_rep_id_number = to_text(a, s.id_number);
    out->legal_rep_phone = to_text(a, s.phone);
    out->legal_rep_card_number = to_text(a, s.card_number);
    out->account = to_account(a, &s.account);
    return out;
}

static PB(Person) * to_person(struct arena *a, const struct subject *whole)
{
    struct subject s = *whole;
    order_mask(a, MASKED_PERSON, &s);
    NEW(a, Person, person, out);
    out->name = to_text(a, s.name);
    out->document_type = (PB(DocumentType))s.document_type;
    out->id_number = to_text(a, s.id_number);
    out->phone = to_text(a, s.phone);
    out->email = to_text(a, s.email);
    out->card_number = to_text(a, s.card_number);
    out->account = to_account(a, &s.account);
    return out;
}

static PB(Agent) * to_agent(struct arena *a, const struct agent *whole)
{
    if (!*whole->name)
        return NULL;
    struct agent g = *whole;
    order_mask(a, MASKED_AGENT, &g);
    NEW(a, Agent, agent, out);
    out->method = (PB(VerificationMethod))g.method;
    out->legal_rep_in_person = g.in_person;
    out->name = to_text(a, g.name);
    out->id_number = to_text(a, g.id_number);
    out->email = to_text(a, g.email);
    out->phone = to_text(a, g.phone);
    out->card_number = to_text(a, g.card_number);
    return out;
}

static PB(Address) * to_address(struct arena *a, const struct address *whole)
{
    struct address d = *whole;
    order_mask(a, MASKED_DELIVERY, &d);
    NEW(a, Address, address, out);
    out->recipient = to_text(a, d.recipient);
    out->phone = to_text(a, d.phone);
    out->province = to_text(a, d.province);
    out->city = to_text(a, d.city);
    out->district = to_text(a, d.district);
    out->street = to_text(a, d.street);
    out->postal_code = to_text(a, d.postal_code);
    return out;
}

bool wire_invoice_clear(const struct caller *k)
{
    return k->kind == CALLER_ACCOUNT || (k->kind == CALLER_STAFF && k->roles & INVOICE_HELPERS);
}

struct purchase wire_invoice_data(struct ctx *c, const struct purchase *p)
{
    struct purchase out = *p;
    order_mask(c->arena, MASKED_INVOICE, &out);
    if (!wire_invoice_clear(&c->caller))
        order_mask(c->arena, MASKED_INVOICE_LOOK, &out);
    return out;
}

static PB(InvoiceData) * to_invoice(struct ctx *c, const struct purchase *whole)
{
    struct arena *a = c->arena;
    const struct purchase p = wire_invoice_data(c, whole);
    NEW(a, InvoiceData, invoice_data, out);
    out->wanted = p.invoice_wanted;
    out->title = to_text(a, p.invoice_title);
    out->tax_number = to_text(a, p.tax_number);
    out->email = to_text(a, p.invoice_email);
    out->bank = to_text(a, p.invoice_bank);
    out->bank_account = to_text(a, p.invoice_bank_account);
    out->address = to_text(a, p.invoice_address);
    out->phone = to_text(a, p.invoice_phone);
    return out;
}

static PB(Purchase) * to_purchase(struct ctx *c, const struct purchase *p)
{
    struct arena *a = c->arena;
    if (!*p->product_id)
        return NULL;
    NEW(a, Purchase, purchase, out);
    out->product_id = to_text(a, p->product_id);
    out->term_months = p->term_months;
    out->seal = p->seal;
    out->quantity = p->quantity;
    out->invoice = to_invoice(c, p);
    out->delivery = to_address(a, &p->delivery);
    return out;
}

/* -- what stands beside the order ---------------------------------------------------------------------------
 */

static void add_waiting(struct arena *a, const struct verification *v, PB(Verification) * out)
{
    const struct waiting *w = &v->waiting;
    if (w->face_opening || w->face_open) {
        NEW(a, FaceSession, face_session, face);
        face->open = w->face_open;
        face->url = to_text(a, w->face_open ? w->face_url : "");
        face->link_sent = w->face_link_sent;
        face->expire_time = to_timestamp(a, w->expires_ms);
        out->face = face;
    }
    if (v->method == METHOD_MICRO_DEPOSIT && w->deposit_made) {
        NEW(a, Deposit, deposit, deposit);
        if (!w->deposit_asked)
            deposit->secret = w->deposit_by_amount ? CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_AMOUNT
                                                   : CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_REMARK_CODE;
        deposit->sent_time = to_timestamp(a, w->deposit_ms);
        deposit->expire_time = to_timestamp(a, w->expires_ms);
        deposit->tries_left = w->tries_left;
        out->deposit = deposit;
    }
}

PB(Verification) * wire_verification(struct ctx *c, const struct verification *v)
{
    struct arena *a = c->arena;
    NEW(a, Verification, verification, out);
    out->id = to_text(a, v->id);
    out->state = (PB(VerificationState))v->state;
    out->method = (PB(VerificationMethod))v->method;
    out->of_agent = v->of_agent;
    out->attempts_left = v->attempts_left;
    out->sent_to = to_text(a, mask_phone(a, v->sent_to));
    out->update_time = to_timestamp(a, v->updated_ms);
    out->code_available_time = to_timestamp(a, v->code_ms);
    out->mismatched_fields = ARENA_ARRAY(a, char *, strlen(v->mismatched) / 2 + 1);
    for (const char *p = v->mismatched; *p;) {
        size_t n = strcspn(p, ",");
        out->mismatched_fields[out->n_mismatched_fields++] = arena_strndup(a, p, n);
        p += n + (p[n] == ',');
    }
    add_waiting(a, v, out);
    return out;
}

/* The newest verification when it is of the step where the order stands; NULL in *out otherwise. */
static enum err add_verification(struct ctx *c, const struct order *o, PB(Order) * w,
                                 const struct verification **out)
{
    struct verification *v = ARENA_NEW(c->arena, struct verification);
    bool found;
    TRY(identity_newest(c, o, v, &found));
    *out = found ? v : NULL;
    w->verification = found ? wire_verification(c, v) : NULL;
    return OK;
}

static enum err add_quote(struct ctx *c, const struct order *o, PB(Order) * out)
{
    struct arena *a = c->arena;
    struct quote q;
    TRY(order_quote(c, o, &q));
    if (q.n_lines == 0)
        return OK;
    NEW(a, Quote, quote, w);
    w->product_id = to_text(a, q.product_id);
    w->product_name = to_text(a, q.product_name);
    w->term_months = q.term_months;
    w->medium = (PB(Medium))q.medium;
    w->seal = q.seal;
    w->quantity = q.quantity;
    w->total_fen = q.total_fen;
    w->n_lines = q.n_lines;
    w->lines = ARENA_ARRAY(a, PB(QuoteLine) *, q.n_lines);
    for (size_t i = 0; i < q.n_lines; i++) {
        NEW(a, QuoteLine, quote_line, line);
        line->title = to_text(a, q.lines[i].title);
        line->quantity = q.lines[i].quantity;
        line->unit_fen = q.lines[i].unit_fen;
        line->amount_fen = q.lines[i].amount_fen;
        w->lines[i] = line;
    }
    out->quote = w;
    return OK;
}

/* S18: what has to be done again and why, as long as it waits for that. */
static enum err add_refusal(struct ctx *c, const struct order *o, PB(Order) * out)
{
    const struct material *m;
    size_t n;
    struct review_refusal said;
    if (o->state != ORDER_CORRECTION && !(o->state == ORDER_PAPERS && o->paper_route))
        return OK;
    TRY(review_refusal(c, o->id, &said));
    if (said.decided_ms) {
        NEW(c->arena, Refusal, refusal, w);
        w->comment = to_text(c->arena, said.comment);
        w->refuse_time = to_timestamp(c->arena, said.decided_ms);
        out->refusal = w;
    }
    TRY(material_shown(c, o, &m, &n));
    out->reasons = ARENA_ARRAY(c->arena, PB(MaterialReason) *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (m[i].verdict != VERDICT_REFUSED)
            continue;
        NEW(c->arena, MaterialReason, material_reason, r);
        r->material_id = to_text(c->arena, m[i].id);
        r->kind = to_text(c->arena, m[i].kind);
        r->title = to_text(c->arena, *m[i].title ? m[i].title : m[i].kind);
        r->reason = to_text(c->arena, m[i].reason);
        out->reasons[out->n_reasons++] = r;
    }
    return OK;
}

static enum err add_payment(struct ctx *c, const struct order *o, PB(Order) * out)
{
    struct payment p;
    bool found;
    if (o->state < ORDER_PAYMENT)
        return OK;
    TRY(found_or_not(c->fault, payment_of_order(c, o->id, &p), &found));
    bool of_before = o->state == ORDER_PAYMENT && p.amount_fen != o->price_fen; /* was gone back from */
    if (!found || of_before)
        return OK;
    NEW(c->arena, PaymentSummary, payment_summary, w);
    w->payment_id = to_text(c->arena, p.id);
    w->amount_fen = p.amount_fen;
    w->paid = p.state == PAY_PAID;
    w->pay_time = to_timestamp(c->arena, p.paid_ms);
    out->payment = w;
    return OK;
}

static enum err add_token_facts(struct ctx *c, const struct order *o, unsigned *facts)
{
    bool in_work, issued;
    if (o->state != ORDER_PERSONALISING || c->caller.kind != CALLER_STAFF)
        return OK;
    TRY(issue_progress(c, o->id, &in_work, &issued));
    *facts |= (in_work ? TOKEN_IN_WORK : 0U) | (issued ? CERTIFICATE_ISSUED : 0U);
    return OK;
}

static enum err add_certificates(struct ctx *c, const struct order *o, PB(Order) * out)
{
    struct certificate_summary *list;
    size_t n;
    if (o->state < ORDER_PERSONALISING || o->state == ORDER_CANCELLED)
        return OK;
    TRY(certificates_of_order(c, o->id, &list, &n));
    out->certificates = ARENA_ARRAY(c->arena, PB(CertificateSummary) *, n + 1);
    for (size_t i = 0; i < n; i++) {
        NEW(c->arena, CertificateSummary, certificate_summary, w);
        w->certificate_id = to_text(c->arena, list[i].id);
        w->serial_number = to_text(c->arena, list[i].serial_hex);
        w->medium_number = to_text(c->arena, list[i].medium_number);
        w->not_before_time = to_timestamp(c->arena, list[i].not_before_ms);
        w->not_after_time = to_timestamp(c->arena, list[i].not_after_ms);
        out->certificates[out->n_certificates++] = w;
    }
    return OK;
}

static const char *shipment_state_name(int state)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&certdesk__v1__shipment_state__descriptor, state);
    return v && strncmp(v->name, "SHIPMENT_STATE_", 15) == 0 ? v->name + 15 : "";
}

static enum err add_shipment(struct ctx *c, const struct order *o, PB(Order) * out, unsigned *facts)
{
    struct shipment_summary s;
    bool found;
    if (o->state < ORDER_SHIP || o->state > ORDER_FINISHED)
        return OK;
    TRY(found_or_not(c->fault, shipment_of_order(c, o->id, &s), &found));
    if (!found)
        return OK;
    *facts |= s.in_work ? PARCEL_UNDER_WAY : 0U;
    NEW(c->arena, ShipmentSummary, shipment_summary, w);
    w->shipment_id = to_text(c->arena, s.id);
    w->courier = to_text(c->arena, s.courier);
    w->tracking_number = to_text(c->arena, s.number);
    w->state_text = to_text(c->arena, shipment_state_name(s.state));
    out->shipment = w;
    return OK;
}

static void add_actions(struct ctx *c, const struct order *o, unsigned facts, PB(Order) * out)
{
    const char *verbs[ORDER_ACTIONS];
    out->n_actions = order_actions(c, o, facts, verbs);
    out->actions = ARENA_ARRAY(c->arena, char *, ORDER_ACTIONS);
    for (size_t i = 0; i < out->n_actions; i++)
        out->actions[i] = to_text(c->arena, verbs[i]);
}

static void put_order(struct ctx *c, const struct order *o, PB(Order) * w)
{
    struct arena *a = c->arena;
    w->id = to_text(a, o->id);
    w->channel_id = to_text(a, o->channel);
    w->kind = (PB(OrderKind))o->kind;
    w->subject_kind = (PB(SubjectKind))o->subject_kind;
    w->state = (PB(OrderState))o->state;
    w->version = o->version;
    w->etag = arena_printf(a, "%lld", (long long)o->version);
    w->method = (PB(VerificationMethod))o->method;
    w->medium = (PB(Medium))o->medium;
    w->paper_route = o->paper_route;
    w->delivery = (PB(DeliveryWay))o->delivery;
    w->create_time = to_timestamp(a, o->created_ms);
    w->update_time = to_timestamp(a, o->updated_ms);
    if (o->subject.name && *o->subject.name) {
        if (o->subject_kind == SUBJECT_ORGANIZATION)
            w->organization = to_organization(a, &o->subject);
        else
            w->person = to_person(a, &o->subject);
    }
    w->agent = o->agent.name ? to_agent(a, &o->agent) : NULL;
    w->purchase = o->purchase.product_id ? to_purchase(c, &o->purchase) : NULL;
}

enum err wire_order(struct ctx *c, const struct order *o, PB(Order) * *out)
{
    unsigned facts = 0;
    const struct verification *v;
    NEW(c->arena, Order, order, w);
    put_order(c, o, w);
    TRY(add_verification(c, o, w, &v));
    TRY(add_quote(c, o, w));
    TRY(add_refusal(c, o, w));
    TRY(add_payment(c, o, w));
    TRY(add_certificates(c, o, w));
    TRY(add_token_facts(c, o, &facts));
    TRY(add_shipment(c, o, w, &facts));
    TRY(order_facts(c, o, v, &facts));
    facts |= w->quote ? QUOTED : 0U;
    add_actions(c, o, facts, w);
    *out = w;
    return OK;
}
