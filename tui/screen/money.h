/* money.h - payments, captures, refunds, invoices and the books as a person reads them. */
#ifndef CERTDESK_SCREEN_MONEY_H
#define CERTDESK_SCREEN_MONEY_H

#include "base/arena.h"
#include "ui/doc.h"

#include <certdesk/v1/invoice_service.pb-c.h>
#include <certdesk/v1/payment_service.pb-c.h>
#include <stdbool.h>

const char *word_provider(int provider);
const char *word_payment(int state);
const char *word_refund(int state);
const char *word_reconciliation(int state);
const char *word_invoice(int state);
const char *word_invoice_file(int kind);
/* Why money is held, or goes back: "ORDER_PAID", "STAFF". A name that is not known stays. */
const char *word_reason(const char *name);
/* What the provider said last of a refund; its own codes stay. */
const char *word_refund_error(const char *name);
/* Kind of a difference, and what it means in a sentence. */
const char *word_difference(const char *kind);
const char *explain_difference(const char *kind);
/* An action of the audit trail, "refund.recorded". */
const char *word_happening(const char *action);
enum style style_invoice(int state);

/* "279", "279.00", with spaces or a sign of the currency around: fen. False for anything else. */
bool money_read(const char *text, int64_t *fen);
/* "279.00" for a field. */
char *money_plain(struct arena *a, int64_t fen);

/* Where the money is, in a word: of a refund, else of the capture. */
const char *word_capture(const Certdesk__V1__Capture *c, enum style *s);
/* What the provider's own desk gave back, by the bills or by a person's word; and what is left to pay by
 * hand. */
int64_t capture_back(const Certdesk__V1__Capture *c);
int64_t capture_owed(const Certdesk__V1__Capture *c);
/* Only a person's word ends it, and nobody gave it: ResolveCapture. */
bool capture_resolvable(const Certdesk__V1__Capture *c);

void capture_compose(struct doc *d, const Certdesk__V1__GetCaptureResponse *r);
void reconciliation_compose(struct doc *d, const Certdesk__V1__Reconciliation *r);
/* The files are items, from 0: those of the invoice, then those of the red one. */
void invoice_compose(struct doc *d, const Certdesk__V1__Invoice *v);

#endif
