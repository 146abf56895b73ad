/* nuonuo.h - Nuonuo's open platform between its parts: the door, invoices, their files, callbacks.
 *
 * providers.md 7. An invoice is issuing (20) for half of `nuonuo_ms` (2000; POST /sim/config), sealing (21)
 * for the other half, then done (2). Sections of the state: nuonuo_tokens by token, nuonuo_invoices by order
 * number.
 *
 * Faults of action "result" decide what becomes of the next invoice that is accepted:
 *   refused   it fails (22), until reInvoice tries again
 *   unsealed  it is issued, but sealing fails (24), until reInvoice tries again
 *   slow      it takes `ms` (60 000) instead
 * of action "callback": never, twice, late (`ms`), forged (one about another number first, then the true
 * one). token_expired (any service): the token is refused, as it is after a day.
 */
#ifndef CERTDESK_SANDBOX_NUONUO_H
#define CERTDESK_SANDBOX_NUONUO_H

#include "sandbox/sandbox.h"

/* One call whose token and signature were good. */
struct nn_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const json_t *in;   /* private parameters */
    const char *seller; /* userTax */
};

/* {"code","describe","result"}; takes result over, NULL for none. */
void nn_say(struct nn_call *c, const char *code, const char *describe, json_t *result);

/* Services (nuonuo_invoice.c, nuonuo_red.c). */
void nn_billing(struct nn_call *c);
void nn_query(struct nn_call *c);
void nn_again(struct nn_call *c);
void nn_fast_red(struct nn_call *c);
/* requestBillingNew with invoiceType 2. */
void nn_older_red(struct nn_call *c, const json_t *order);

/* Accepts an invoice: number, serial, fate, callback; answers. Takes over. */
void nn_accept(struct nn_call *c, json_t *invoice, const char *callback_url);
/* False, and answered, when the number cannot be an order's or was used. */
bool nn_number_free(struct nn_call *c, const char *order_no);
/* Whole fen of "280.00"; false for more than two decimals or anything else. */
bool nn_fen(const char *yuan, int64_t *out);
/* The arithmetic that the supplier checks; *total and *tax are the sums. NULL when it holds. */
const char *nn_lines_wrong(const json_t *lines, bool red, int64_t *total, int64_t *tax);
const char *nn_yuan(struct arena *a, int64_t fen);

/* "20", "21", "2", "22", "24", "3": now. */
const char *nn_status(const json_t *invoice);
/* By serial; NULL. */
json_t *nn_by_serial(struct sandbox *sb, const char *serial);
/* A red invoice takes the blue one back when it is done; NULL when there is none. */
json_t *nn_red_of(struct sandbox *sb, const char *blue_order_no);

/* Files (nuonuo_file.c). */
const char *nn_link(struct sandbox *sb, struct arena *a, const json_t *invoice, const char *suffix);
void nn_file(struct sandbox *sb, struct request *r, struct reply *p);

/* Tells the seller (nuonuo_notify.c), after delay_ms by the sandbox's clock. Lock held. */
void nn_notify(struct sandbox *sb, const json_t *invoice, const char *url, int64_t delay_ms);

/* /sim/nuonuo/…: invoices as they are; everything given out so far expires (what: "tokens", "links");
 * somebody voids an invoice there. NULL when done, else why not. Lock held. */
json_t *nuonuo_invoices(struct sandbox *sb);
const char *nuonuo_expire(struct sandbox *sb, const char *what);
const char *nuonuo_void(struct sandbox *sb, const char *order_no);

#endif
