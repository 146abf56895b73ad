/* sim_channel.h - the simulated card without a reader: a channel that calls it. */
#ifndef CERTDESK_TESTS_SIM_CHANNEL_H
#define CERTDESK_TESTS_SIM_CHANNEL_H

#include "card/card.h"
#include "card/trouble.h"
#include "token/channel.h"

struct sim_channel {
    struct channel base;
    struct card *card;
    struct trouble trouble;
    bool dead; /* nothing goes through any more */
    unsigned commands;
};

/* Ready for use; nothing to free. The card stays the caller's. */
void sim_channel_init(struct sim_channel *c, struct card *card);

#endif
