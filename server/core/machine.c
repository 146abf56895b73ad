#include "core/machine.h"

#include <stdio.h>

static enum err say(const struct machine *m, int state, enum err refused, struct fault *f)
{
    enum err e = fail(f, refused, "%s does not allow this now: %s", m->en, m->now[state].en);
    snprintf(f->text_zh, sizeof f->text_zh, "%s当前不能进行此操作：%s", m->zh, m->now[state].zh);
    snprintf(f->state, sizeof f->state, "%s", m->state_name(state));
    return e;
}

enum err machine_next(const struct machine *m, int from, int event, enum err refused, int *to,
                      struct fault *f)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->moves[i].from == from && m->moves[i].event == event) {
            *to = m->moves[i].to;
            return OK;
        }
    }
    if (f && from > 0 && (size_t)from < m->n_now && m->now[from].en)
        return say(m, from, refused, f);
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
