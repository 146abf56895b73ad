/* when.h - the suppliers' ways to write a time. Chinese suppliers mean UTC+8 when they say nothing.
 */
#ifndef CERTDESK_PROVIDER_WHEN_H
#define CERTDESK_PROVIDER_WHEN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WHEN_SIZE = 40
};

/* "2026-11-22T21:00:00+08:00" */
void when_rfc3339_beijing(int64_t ms, char out[static WHEN_SIZE]);
/* RFC 3339 to the second, with offset or Z. False when it is none. */
bool when_read_rfc3339(const char *s, int64_t *ms);
/* "2026-11-22 21:00:00", Beijing time: written, and read. */
void when_beijing(int64_t ms, char out[static WHEN_SIZE]);
bool when_read_beijing(const char *s, int64_t *ms);
/* "2026-11-22 21:00", for people. */
void when_beijing_minute(int64_t ms, char out[static WHEN_SIZE]);
/* Beijing's midnight of "2026-11-22". False when that is no day, or written otherwise. */
bool when_read_day(const char *s, int64_t *ms);
/* "Sun, 22 Nov 2026 13:00:00 +0000" (RFC 5322 3.3), whatever the locale. */
void when_rfc5322(int64_t ms, char out[static WHEN_SIZE]);

#endif
