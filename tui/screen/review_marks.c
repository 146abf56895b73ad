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

struct kept_marks {
    struct kept_marks *next;
    char who[80], order[80];
    struct marks marks;
};

bool marks_again(struct kept_marks **all, const char *who, const char *order, struct marks *out)
{
    for (struct kept_marks **at = all; *at; at = &(*at)->next) {
        struct kept_marks *k = *at;
        if (strcmp(k->who, who) != 0 || strcmp(k->order, order) != 0)
            continue;
        *out = k->marks;
        *at = k->next;
        free(k);
        return true;
    }
    return false;
}

void marks_keep(struct kept_marks **all, const char *who, const char *order, const struct marks *m)
{
    struct kept_marks *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    snprintf(k->who, sizeof k->who, "%s", who);
    snprintf(k->order, sizeof k->order, "%s", order);
    k->marks = *m;
    k->next = *all;
    *all = k;
}

void marks_forget(struct kept_marks **all)
{
    while (*all) {
        struct kept_marks *k = *all;
        *all = k->next;
        free(k);
    }
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
