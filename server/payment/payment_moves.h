/* payment_moves.h - the states of a payment. */
#ifndef CERTDESK_PAYMENT_PAYMENT_MOVES_H
#define CERTDESK_PAYMENT_PAYMENT_MOVES_H

#include "core/machine.h"
#include "payment/payment.h"

enum pay_event {
    PAY_EV_PLACED = 1, /* the provider has the order; there is something to scan, or it has to be asked */
    PAY_EV_REFUSED,    /* the provider will not have it */
    PAY_EV_SETTLED,    /* its capture pays for the order */
    PAY_EV_HELD,       /* its capture cannot pay for the order */
    PAY_EV_CLOSED,     /* nobody can pay it any more */
    PAY_EV_REPLACED,   /* another way to pay was chosen */
    PAY_EV_KEPT,       /* the provider cannot take its code back while nobody has scanned it */
    PAY_EV_REFUNDING,  /* the provider is giving back what it took */
    PAY_EV_REFUNDED,
    PAY_EV_LAST = PAY_EV_REFUNDED,
};

extern const struct machine payment_machine;
const char *pay_state_name(int state); /* "WAITING" */

/* Moves p by event with its audit row. code_url NULL and paid_ms 0 leave those as they are. */
enum err payment_move(struct ctx *c, struct payment *p, enum pay_event event, const char *code_url,
                      int64_t paid_ms);

#endif
