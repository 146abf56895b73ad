#include "provider/when.h"

#include <locale.h>
#include <string.h>
#include <time.h>

enum {
    BEIJING_S = 8 * 3600
};

void when_rfc3339_beijing(int64_t ms, char out[static WHEN_SIZE])
{
    time_t t = (time_t)(ms / 1000) + BEIJING_S;
    struct tm tm;
    strftime(out, WHEN_SIZE, "%Y-%m-%dT%H:%M:%S+08:00", gmtime_r(&t, &tm));
}

void when_beijing(int64_t ms, char out[static WHEN_SIZE])
{
    time_t t = (time_t)(ms / 1000) + BEIJING_S;
    struct tm tm;
    strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
}

bool when_read_rfc3339(const char *s, int64_t *ms)
{
    struct tm tm = {0};
    const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S%z", &tm) : NULL;
    if (!end || *end)
        return false;
    long offset = tm.tm_gmtoff; /* timegm() overwrites it */
    *ms = ((int64_t)timegm(&tm) - offset) * 1000;
    return true;
}

bool when_read_beijing(const char *s, int64_t *ms)
{
    struct tm tm = {0};
    const char *end = s ? strptime(s, "%Y-%m-%d %H:%M:%S", &tm) : NULL;
    if (!end || *end)
        return false;
    *ms = ((int64_t)timegm(&tm) - BEIJING_S) * 1000;
    return true;
}

void when_beijing_minute(int64_t ms, char out[static WHEN_SIZE])
{
    when_beijing(ms, out);
    out[sizeof "2026-11-22 21:00" - 1] = '\0';
}

bool when_read_day(const char *s, int64_t *ms)
{
    char again[WHEN_SIZE];
    struct tm tm = {0};
    const char *end = s ? strptime(s, "%Y-%m-%d", &tm) : NULL;
    if (!end || *end)
        return false;
    *ms = ((int64_t)timegm(&tm) - BEIJING_S) * 1000;
    when_beijing(*ms, again);
    again[sizeof "2026-11-22" - 1] = '\0';
    return strcmp(again, s) == 0; /* February has no 30th */
}

void when_rfc5322(int64_t ms, char out[static WHEN_SIZE])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    locale_t c = newlocale(LC_TIME_MASK, "C", (locale_t)0);
    strftime_l(out, WHEN_SIZE, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&t, &tm), c);
    freelocale(c);
}
