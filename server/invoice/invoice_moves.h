/* invoice_moves.h - the states of an invoice. */
#ifndef CERTDESK_INVOICE_INVOICE_MOVES_H
#define CERTDESK_INVOICE_INVOICE_MOVES_H

#include "core/machine.h"
#include "invoice/invoice.h"

enum inv_event {
    INV_EV_SENT = 1, /* about to be sent: committed before it is */
    INV_EV_UNSENT,   /* it was not sent, and will not be by itself */
    INV_EV_ISSUED,
    INV_EV_FAILED,
    INV_EV_RETRIED,
    INV_EV_DROPPED,
    INV_EV_REVERSED, /* a red one is asked for */
    INV_EV_RED,
    INV_EV_RED_FAILED,
    INV_EV_LAST = INV_EV_RED_FAILED,
};

extern const struct machine invoice_machine;
const char *inv_state_name(int state); /* "ISSUED" */

/* Moves v by event, storing it as the caller has changed it, with its audit row; detail may be NULL. CONFLICT
 * when somebody else did meanwhile. */
enum err invoice_move(struct ctx *c, struct invoice *v, enum inv_event event, const char *detail);
/* The same without a move. */
enum err invoice_keep(struct ctx *c, struct invoice *v, const char *action, const char *detail);

#endif
