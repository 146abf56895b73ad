/* channel.h - the way bytes reach a card.
 *
 * A channel carries one command APDU at a time to one card and brings the answer back, or says what is known
 * when it cannot. Implementations: the card in a PC/SC reader (reader.h) and the simulated card of the tests.
 *
 * Errors: ERR_CARD_GONE - the card went away; whether the command ran is unknown. ERR_CARD_DOUBTFUL - it
 * hangs or answers what no card answers. ERR_UNAVAILABLE - no PC/SC service, or another program holds the
 * card. After any of them the channel is of no more use than to be closed.
 */
#ifndef CERTDESK_TOKEN_CHANNEL_H
#define CERTDESK_TOKEN_CHANNEL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct channel;

struct channel_ops {
    /* Takes the card for this program alone. Whatever was selected or verified before may be gone. */
    enum err (*begin)(struct channel *ch, struct fault *f);
    /* Sends tx; OK means that *nrx >= 2 bytes of answer stand in rx. timeout_ms: the card is given up then.
     */
    enum err (*transmit)(struct channel *ch, const uint8_t *tx, size_t ntx, uint8_t *rx, size_t cap,
                         size_t *nrx, int64_t timeout_ms, struct fault *f);
    /* Lets others at the card; with `reset` what was authenticated is forgotten. Never fails. */
    void (*end)(struct channel *ch, bool reset);
    /* Ends and frees the channel. */
    void (*close)(struct channel *ch);
};

struct channel {
    const struct channel_ops *ops;
    bool t0;             /* T=0: no Le byte behind data (ISO 7816-3) */
    int64_t patience_ms; /* for one command */
    int64_t generate_ms; /* for making a key: seconds on real tokens */
};

enum {
    CHANNEL_PATIENCE_MS = 10000,
    CHANNEL_GENERATE_MS = 60000,
};

#endif
