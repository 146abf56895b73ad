/* A state table's one question (core/machine.h), over every state and event of a small one. */
#include "lib/check.h"

#include "core/machine.h"

#include <string.h>

enum {
    DRAFT,
    OPEN,
    CLOSED,
    STATES
};
enum {
    SUBMIT,
    FINISH,
    CANCEL,
    EVENTS
};

static const char *state_name(int s)
{
    static const char *const names[] = {"DRAFT", "OPEN", "CLOSED"};
    return names[s];
}

static const char *event_name(int e)
{
    static const char *const names[] = {"submit", "finish", "cancel"};
    return names[e];
}

static const struct move moves[] = {
    {DRAFT, SUBMIT, OPEN}, {OPEN, FINISH, CLOSED}, {DRAFT, CANCEL, CLOSED}, {OPEN, CANCEL, CLOSED}};
static const struct machine machine = {.name = "thing",
                                       .moves = moves,
                                       .n = sizeof moves / sizeof *moves,
                                       .state_name = state_name,
                                       .event_name = event_name};

static void every_state_and_event(void **state)
{
    (void)state;
    static const int expected[STATES][EVENTS] = {{OPEN, -1, CLOSED}, {-1, CLOSED, CLOSED}, {-1, -1, -1}};
    for (int s = 0; s < STATES; s++) {
        for (int e = 0; e < EVENTS; e++) {
            struct fault f = {0};
            int to = -1;
            enum err got = machine_next(&machine, s, e, ERR_ORDER_STATE, &to, &f);
            assert_err(got, expected[s][e] < 0 ? ERR_ORDER_STATE : OK);
            assert_int_equal(to, expected[s][e]);
            assert_int_equal(machine_events(&machine, s) >> e & 1, got == OK);
            if (got != OK) {
                assert_non_null(strstr(fault_text(&f), state_name(s)));
                assert_non_null(strstr(fault_text(&f), event_name(e)));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_state_and_event)};
    return CHECK_MAIN(tests);
}
