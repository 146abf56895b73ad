/* identity_moves.h - the states of a verification. */
#ifndef CERTDESK_IDENTITY_IDENTITY_MOVES_H
#define CERTDESK_IDENTITY_IDENTITY_MOVES_H

#include "core/machine.h"
#include "identity/identity.h"

enum verification_event {
    VERIFIED_MATCHED = 1, /* every provider check matched; the code is sent */
    VERIFIED_MISMATCHED,
    VERIFIED_GIVEN_UP, /* the provider could not be asked, a newer verification took the place, or time or
                          tries are over */
    VERIFIED_RESENT,
    VERIFIED_CONFIRMED,       /* the code, the face or the deposit's secret was right */
    VERIFIED_FACE_AWAITED,    /* every check before the face matched */
    VERIFIED_FACE_NEWS,       /* a session was asked for, opened or ended */
    VERIFIED_DEPOSIT_AWAITED, /* every check before the deposit matched; or a wrong amount was entered */
    VERIFIED_DEPOSIT_NEWS,    /* it was sent, or a wrong code was entered */
    VERIFIED_ENTERED,         /* the amount is with the supplier */
    VERIFIED_HELD,            /* every provider check matched; the code may not go out yet */
    VERIFIED_RELEASED,        /* now it did */
    VERIFIED_LAST = VERIFIED_RELEASED,
};

extern const struct machine verification_machine;

/* Moves v by event with its audit row. NULL texts stay as they are. */
enum err verification_move(struct ctx *c, struct verification *v, enum verification_event event,
                           const char *mismatched, const char *sent_to);

#endif
