/* apdu.h - one command and its whole answer (ISO 7816-4), over short APDUs.
 *
 * Long bodies go out in a chain (CLA bit 0x10), long answers are fetched with GET RESPONSE (61xx), a wrong
 * Le is corrected once (6Cxx). Readers and cards disagree about extended APDUs; short ones always work.
 */
#ifndef CERTDESK_TOKEN_APDU_H
#define CERTDESK_TOKEN_APDU_H

#include "token/channel.h"

enum {
    APDU_ANSWER_MAX = 4096, /* more than any PIV object (SP 800-73-4 part 1, table 9) */
    APDU_PART_MAX = 255,
};

struct apdu {
    uint8_t ins, p1, p2;
    const void *data;
    size_t n;
    bool asks;          /* data come back: Le 00 is sent */
    int64_t timeout_ms; /* 0: the channel's patience */
};

struct answer {
    uint16_t sw;
    size_t n;
    uint8_t data[APDU_ANSWER_MAX];
};

/* OK: the card answered, whatever its status word. Otherwise as channel.h. A part of a chain that is not
 * answered 9000 ends the command with that status word. */
enum err apdu_send(struct channel *ch, const struct apdu *cmd, struct answer *out, struct fault *f);

/* The one translation of status words. `what` names the command in the sentence ("VERIFY"). *left (may be
 * NULL) gets the tries left where the status word says them, else -1. */
enum err apdu_status(uint16_t sw, const char *what, int *left, struct fault *f);

#endif
