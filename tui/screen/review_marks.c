#include "screen/review_marks.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mark fresh_mark(const Certdesk__V1__Material *m)
{
    struct mark k = {.verdict = m->verdict};
    snprintf(k.id, sizeof k.id, "%s", m->id);
    snprintf(k.digest, sizeof k.digest, "%s", m->digest);
    snprintf(k.reason, sizeof k.reason, "%s", m->reason);
    return k;
}

void marks_take(struct marks *m, Certdesk__V1__Material **materials, size_t n)
{
    struct marks now = {.n = n < MARKS_MAX ? n : MARKS_MAX};
    for (size_t i = 0; i < now.n; i++) {
        const struct mark *old = marks_find(m, materials[i]->id);
        now.mark[i] = fresh_mark(materials[i]);
        if (*old->id && old->verdict && strcmp(old->digest, materials[i]->digest) == 0)
            now.mark[i] = *old;
    }
    *m = now;
}

const struct mark *marks_find(const struct marks *m, const char *id)
{
    static const struct mark none;
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->mark[i].id, id) == 0)
            return &m->mark[i];
    return &none;
}

void marks_set(struct marks *m, const char *id, Certdesk__V1__MaterialVerdict verdict, const char *reason)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->mark[i].id, id) != 0)
            continue;
        m->mark[i].verdict = verdict;
        snprintf(m->mark[i].reason, sizeof m->mark[i].reason, "%s", reason);
    }
}

size_t marks_count(const struct marks *m, Certdesk__V1__MaterialVerdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->mark[i].verdict == verdict;
    return n;
}

static void drop(char **value)
{
    if (*value)
        wipe(*value, strlen(*value));
    free(*value);
    *value = NULL;
}

void revealed_put(struct revealed *r, const char *path, const char *value)
{
    for (size_t i = 0; i < sizeof r->field / sizeof *r->field; i++) {
        if (r->field[i].path && strcmp(r->field[i].path, path) != 0)
            continue;
        drop(&r->field[i].value);
        r->field[i].path = path;
        r->field[i].value = strdup(value);
        return;
    }
}

void revealed_wipe(struct revealed *r)
{
    for (size_t i = 0; i < sizeof r->field / sizeof *r->field; i++)
        drop(&r->field[i].value);
}

const char *revealed_get(const struct revealed *r, const char *path)
{
    for (size_t i = 0; i < sizeof r->field / sizeof *r->field; i++)
        if (r->field[i].path && strcmp(r->field[i].path, path) == 0)
            return r->field[i].value;
    return NULL;
}
