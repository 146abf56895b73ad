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

struct machine {
    const char *name; /* "order" */
    const struct move *moves;
    size_t n;
    const char *(*state_name)(int state);
    const char *(*event_name)(int event);
};

/* The state after event in state `from`; refused (code, with both names in the sentence) when the table has
 * no row. */
enum err machine_next(const struct machine *m, int from, int event, enum err refused, int *to,
                      struct fault *f);

/* The events that the table has from this state, bit by bit: all below 64. */
uint64_t machine_events(const struct machine *m, int from);

#endif
