/* order_wire.h - orders and verifications as messages: personal numbers are masked for everybody. */
#ifndef CERTDESK_ORDER_ORDER_WIRE_H
#define CERTDESK_ORDER_ORDER_WIRE_H

#include "dispatch.h"
#include "identity/identity.h"
#include "order/order.h"

#include <certdesk/v1/order_service.pb-c.h>

/* With its quote, verification, payment, certificate, shipment, reasons and actions as far as its state has
 * them. */
enum err wire_order(struct ctx *c, const struct order *o, PB(Order) * *out);
PB(Verification) * wire_verification(struct ctx *c, const struct verification *v);

/* Invoice data as the ctx's caller may see it: in clear for the account, and for staff who help it with an
 * invoice (RetryInvoice); for who only looks or posts, enough to see that something is there. The bank
 * account is masked for everybody. */
enum {
    INVOICE_HELPERS = ROLE_REVIEWER | ROLE_OPERATOR | ROLE_ADMIN | ROLE_FINANCE,
};
bool wire_invoice_clear(const struct caller *k);
struct purchase wire_invoice_data(struct ctx *c, const struct purchase *p);

/* The other way: what a request says, as plain structs over the message's own texts. */
void wire_read_organization(const PB(Organization) * in, struct subject *out);
void wire_read_person(const PB(Person) * in, struct subject *out);
void wire_read_agent(const PB(Agent) * in, struct agent *out);
void wire_read_purchase(const PB(Purchase) * in, struct purchase *out);

#endif
