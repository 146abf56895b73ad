/* clock.h - the one place that asks what time it is.
 *
 * With the environment variable CERTDESK_CLOCK naming a file of 8 bytes (native int64, milliseconds), every
 * program adds that offset to the wall clock and sees changes at once: tests move server, sandbox and console
 * together, without sleeping. The file is mapped: write it in place, never cut it. The monotonic clock is
 * never moved.
 */
#ifndef CERTDESK_BASE_CLOCK_H
#define CERTDESK_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_now_ms(void);
/* Milliseconds on a clock that never jumps. */
int64_t clock_mono_ms(void);
/* "2026-11-22T07:21:00.123Z"; RFC 3339, UTC. */
enum {
    CLOCK_TEXT_SIZE = 32
};
void clock_rfc3339(int64_t ms, char out[static CLOCK_TEXT_SIZE]);

#endif
