#include "core/machine.h"

enum err machine_next(const struct machine *m, int from, int event, enum err refused, int *to,
                      struct fault *f)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->moves[i].from == from && m->moves[i].event == event) {
            *to = m->moves[i].to;
            return OK;
        }
    }
    return fail(f, refused, "%s: %s is not possible in state %s", m->name, m->event_name(event),
                m->state_name(from));
}

uint64_t machine_events(const struct machine *m, int from)
{
    uint64_t events = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->moves[i].from == from)
            events |= UINT64_C(1) << m->moves[i].event;
    return events;
}
