/* calendar.c - working days of a channel, in Beijing: weekends, public holidays, and the days that make up
 * for them (调休). China has had no other offset since 1991, so days are counted by arithmetic alone. */
#include "catalog/channel_file.h"

#include <string.h>
#include <time.h>

static const int64_t DAY_MS = INT64_C(86400000), BEIJING_MS = INT64_C(8) * 3600000;

enum {
    EPOCH_WEEKDAY = 4, /* 1970-01-01 was a Thursday */
    WEEK = 7
};

bool calendar_day(const char *text, int *out)
{
    struct tm tm = {0};
    char again[11];
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (!end || *end)
        return false;
    time_t t = timegm(&tm); /* the 31st of a month without one becomes another day */
    *out = (int)(t / 86400);
    return strlen(text) == sizeof again - 1 && gmtime_r(&t, &tm) &&
           strftime(again, sizeof again, "%Y-%m-%d", &tm) && strcmp(again, text) == 0;
}

const char *calendar_text(struct arena *a, int day)
{
    char text[11];
    struct tm tm;
    time_t t = (time_t)day * 86400;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d", &tm);
    return arena_strdup(a, text);
}

static bool among(const int *days, size_t n, int day)
{
    for (size_t i = 0; i < n; i++)
        if (days[i] == day)
            return true;
    return false;
}

bool calendar_works(const struct calendar *c, int day)
{
    if (among(c->working, c->n_working, day))
        return true;
    return !c->weekend[(day + EPOCH_WEEKDAY) % WEEK] && !among(c->holidays, c->n_holidays, day);
}

int64_t calendar_after(const struct calendar *c, int64_t from_ms, int n)
{
    int64_t t = from_ms;
    while (n > 0) {
        t += DAY_MS;
        if (calendar_works(c, (int)((t + BEIJING_MS) / DAY_MS)))
            n--;
    }
    return t;
}
