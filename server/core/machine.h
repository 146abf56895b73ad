/* machine.h - a state table and the question it answers.
 *
 * A feature keeps its table in x_moves.c with a picture above it; the table is const data, so tests walk
 * every state x event. Moving is a compare-and-set in the store plus an audit row; nothing else changes a
 * state.
 */
#ifndef CERTDESK_CORE_MACHINE_H
#define CERTDESK_CORE_MACHINE_H

#include "base/err.h"

#include <stdint.h>

struct move {
    int from, event, to;
};

/* How a person is told where it stands, after "it is …": what to do about it, if anything. */
struct now {
    const char *en, *zh;
};

struct machine {
    const char *name; /* "order" */
    const struct move *moves;
    size_t n;
    const char *(*state_name)(int state);
    const char *(*event_name)(int event);
    const char *en, *zh;   /* "the payment", "该支付单"; NULL: nobody is told */
    const struct now *now; /* by state, up to the last */
    size_t n_now;
};

/* The state after event in state `from`; refused when the table has no row: the code, in words for people,
 * with the state's name in fault.state. Without words both names are in the sentence. */
enum err machine_next(const struct machine *m, int from, int event, enum err refused, int *to,
                      struct fault *f);

/* The events that the table has from this state, bit by bit: all below 64. */
uint64_t machine_events(const struct machine *m, int from);

#endif
