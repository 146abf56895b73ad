/* invoice.h - electronic invoices (S15, S12): asked for when an order is paid, archived, mailed once, and
 * taken back by a red one when the money goes back.
 *
 * One invoice an order. Its number at the supplier is made from its id and the attempt: twenty characters,
 * kept unique by the database. What was perhaps sent is asked about under that number before anything is sent
 * again; a failed one may be asked for again, with better data, under the next number.
 */
#ifndef CERTDESK_INVOICE_INVOICE_H
#define CERTDESK_INVOICE_INVOICE_H

#include "callback_route.h"
#include "core/ctx.h"
#include "core/outbox.h"
#include "order/order.h"

/* proto InvoiceState */
enum inv_state {
    INV_REQUESTED = 1, /* wanted; nothing was sent */
    INV_ISSUED,
    INV_FAILED,    /* the supplier will not have it; may be asked for again */
    INV_RED,       /* taken back */
    INV_SUBMITTED, /* the supplier has it, or may have it */
    INV_REVERSING, /* issued, and being taken back */
    INV_RED_FAILED,
    INV_DROPPED, /* the money went back before there was an invoice */
};

enum {
    INV_NUMBER_SIZE = 21,
};

/* A blue or a red invoice. "" and 0: not yet. */
struct inv_paper {
    int attempt;
    char order_no[INV_NUMBER_SIZE]; /* ours, at the supplier */
    const char *serial, *code, *number;
    int64_t tax_fen, issued_ms, mailed_ms;
};

struct invoice {
    char id[ID_SIZE], order[ID_SIZE];
    enum inv_state state;
    int64_t version, amount_fen;
    struct inv_paper blue, red;
    struct purchase data; /* the invoice's members alone */
    const char *cause;    /* "" unless it failed */
    const char *callback_key;
    int64_t paid_ms, refunded_ms, resent_ms, resent_day_ms, created_ms;
    int resent_count;
    /* JSON: what the blue one says of seller and goods, and so will the red one. "": never sent, or of before
     * this was kept: as the channel says now. */
    const char *terms;
    bool itemised; /* a line for each of the quote's; else one for the whole */
};

/* Inside the transaction that settles an order's payment: asks for its invoice when it wants one and its
 * channel gives any. */
enum err invoice_order_paid(struct ctx *c, const struct order *o);
/* Inside the transaction that has given an order's money back: its invoice is taken back by a red one, once
 * there is one to take back; what was not sent is never sent. OK for an order without an invoice, and for a
 * repeat. */
enum err invoice_order_refunded(struct ctx *c, const char *order_id);

/* Of an order that the caller may see; NOT_FOUND when it has none. */
enum err invoice_of_order(struct ctx *c, const char *order_id, struct invoice *out);

/* /callback/nuonuo/<key>: a hint that there is news; the key names the invoice. */
extern const struct callback_table invoice_callbacks;

extern const struct job_kind *const invoice_jobs[];
extern const size_t invoice_jobs_n;

#endif
