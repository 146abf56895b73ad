/* issue.h - writing one UKEY for one order, in a process that may be killed.
 *
 * Glue between tui/token (the card, the saga) and IssuanceService (the journal, the certificate). It blocks,
 * so the console runs it as a child: `certdesk issue ORDER --progress`. What it says on standard output is
 * for a program: one line an event, a word and then fields apart by tabs, nothing secret.
 *
 *   waiting  TEXT  TEXT_ZH       no UKEY in a reader, or no reader
 *   medium   NUMBER              the UKEY that will be written
 *   begun    PERSONALISATION  COPY  QUANTITY   the server has tied it to the order, as one of its UKEYs
 *   step     N                   step N (PersonalisationStep) begins
 *   done     N                   step N is recorded at the server
 *   retry    TEXT  TEXT_ZH       the server does not answer; trying again
 *   error    NAME  TEXT  TEXT_ZH the end: enum err and its sentences
 *   finished                     the end: written, read back, proved
 *
 * Killed at any moment, it is started again with the same order and UKEY and goes on.
 */
#ifndef CERTDESK_COMMAND_ISSUE_H
#define CERTDESK_COMMAND_ISSUE_H

#include "base/err.h"
#include "rpc/client.h"

#include <stdbool.h>

struct issue_options {
    const char *order_id;
    const char *reader; /* NULL: the first one that holds a card */
    const char *medium; /* NULL: whatever UKEY it is; else it must be this one */
    int64_t wait_ms;    /* for a card */
    bool progress;      /* lines for a program; else sentences for a person */
};

enum err issue_run(struct rpc_channel *ch, const struct issue_options *o, struct fault *f);

/* Says which UKEYs are in the readers, whenever that changes, until it is killed:
 *   none   [TEXT  TEXT_ZH]         no UKEY; why, when it is not for want of plugging one in
 *   ukey   READER  MEDIUM
 *   bad    READER  TEXT  TEXT_ZH   a card that is no UKEY of ours, or does not answer
 * Each change begins with a line "look". Exit status. */
int ukey_watch(void);

#endif
