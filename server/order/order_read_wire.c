/* order_read_wire.c - what requests say about organization, person, agent and purchase. Absent messages read
 * as empty ones, so that the rules find every missing field. */
#include "order/order_wire.h"

static struct bank_account read_account(const PB(BankAccount) * in)
{
    return in ? (struct bank_account){in->number, in->bank, in->branch, in->cnaps_code}
              : (struct bank_account){"", "", "", ""};
}

void wire_read_organization(const PB(Organization) * in, struct subject *out)
{
    static const PB(Organization) none = CERTDESK__V1__ORGANIZATION__INIT;
    in = in ? in : &none;
    *out = (struct subject){.name = in->name,
                            .uscc = in->uscc,
                            .legal_rep_name = in->legal_rep_name,
                            .id_number = in->legal_rep_id_number,
                            .phone = in->legal_rep_phone,
                            .card_number = in->legal_rep_card_number,
                            .email = "",
                            .account = read_account(in->account)};
}

void wire_read_person(const PB(Person) * in, struct subject *out)
{
    static const PB(Person) none = CERTDESK__V1__PERSON__INIT;
    in = in ? in : &none;
    *out = (struct subject){.name = in->name,
                            .uscc = "",
                            .legal_rep_name = "",
                            .document_type = (int)in->document_type,
                            .id_number = in->id_number,
                            .phone = in->phone,
                            .card_number = in->card_number,
                            .email = in->email,
                            .account = read_account(in->account)};
}

void wire_read_agent(const PB(Agent) * in, struct agent *out)
{
    static const PB(Agent) none = CERTDESK__V1__AGENT__INIT;
    in = in ? in : &none;
    *out = (struct agent){.method = (int)in->method,
                          .in_person = in->legal_rep_in_person,
                          .name = in->name,
                          .id_number = in->id_number,
                          .email = in->email,
                          .phone = in->phone,
                          .card_number = in->card_number};
}

void wire_read_purchase(const PB(Purchase) * in, struct purchase *out)
{
    static const PB(Purchase) none = CERTDESK__V1__PURCHASE__INIT;
    static const PB(InvoiceData) no_invoice = CERTDESK__V1__INVOICE_DATA__INIT;
    static const PB(Address) no_address = CERTDESK__V1__ADDRESS__INIT;
    in = in ? in : &none;
    const PB(InvoiceData) *i = in->invoice ? in->invoice : &no_invoice;
    const PB(Address) *d = in->delivery ? in->delivery : &no_address;
    *out = (struct purchase){
        .product_id = in->product_id,
        .term_months = in->term_months,
        .seal = in->seal,
        .quantity = in->quantity,
        .invoice_wanted = i->wanted,
        .invoice_title = i->title,
        .tax_number = i->tax_number,
        .invoice_email = i->email,
        .invoice_bank = i->bank,
        .invoice_bank_account = i->bank_account,
        .invoice_address = i->address,
        .invoice_phone = i->phone,
        .delivery = {d->recipient, d->phone, d->province, d->city, d->district, d->street, d->postal_code}};
}
