/* hands.h - a clock that a test sets: for its own program, and for certdesk-sandbox, which inherits it
 * (base/clock.h). It is opened before anything asks for the time.
 */
#ifndef CERTDESK_TESTS_HANDS_H
#define CERTDESK_TESTS_HANDS_H

#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hands {
    char path[96];
    int64_t offset_ms; /* from the real time */
};

static inline int hands_open(struct hands *h)
{
    h->offset_ms = 0;
    snprintf(h->path, sizeof h->path, "/tmp/certdesk-clock-%d", (int)getpid());
    FILE *f = fopen(h->path, "w");
    if (!f || fwrite(&h->offset_ms, sizeof h->offset_ms, 1, f) != 1 || fclose(f) != 0)
        return -1;
    return setenv("CERTDESK_CLOCK", h->path, 1);
}

static inline void hands_set(struct hands *h, int64_t offset_ms)
{
    h->offset_ms = offset_ms;
    FILE *f = fopen(h->path, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite(&h->offset_ms, sizeof h->offset_ms, 1, f), 1);
    fclose(f);
}

static inline void hands_close(struct hands *h)
{
    remove(h->path);
}

#endif
