/* identity_moves.h - the states of a verification. */
#ifndef CERTDESK_IDENTITY_IDENTITY_MOVES_H
#define CERTDESK_IDENTITY_IDENTITY_MOVES_H

#include "core/machine.h"
#include "identity/identity.h"

enum verification_event {
    VERIFIED_MATCHED = 1, /* every provider check matched; the code is sent */
    VERIFIED_MISMATCHED,
    VERIFIED_GIVEN_UP, /* the provider could not be asked, or a newer verification took the place */
    VERIFIED_RESENT,
    VERIFIED_CONFIRMED, /* the code was right */
    VERIFIED_LAST = VERIFIED_CONFIRMED,
};

extern const struct machine verification_machine;

/* Moves v by event with its audit row. NULL texts stay as they are. */
enum err verification_move(struct ctx *c, struct verification *v, enum verification_event event,
                           const char *mismatched, const char *sent_to);

#endif
