#include "sandbox/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct state {
    json_t *root;
    char *path;
    int fd;
    int64_t lines;
};

/* One line: {"s":section,"k":key,"v":value}; no "v": the key is gone; no "k" either: the section is. */
static void apply(json_t *root, json_t *line)
{
    const char *section = json_string_value(json_object_get(line, "s"));
    const char *key = json_string_value(json_object_get(line, "k"));
    json_t *value = json_object_get(line, "v");
    if (!section)
        return;
    if (!key) {
        json_object_del(root, section);
        return;
    }
    json_t *o = json_object_get(root, section);
    if (!o)
        json_object_set_new(root, section, o = json_object());
    if (value)
        json_object_set(o, key, value);
    else
        json_object_del(o, key);
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            perror("certdesk-sandbox: journal");
            abort(); /* going on would answer for things that are not kept */
        }
        p += k;
        n -= (size_t)k;
    }
}

static void append(struct state *s, const char *section, const char *key, json_t *value)
{
    json_t *line = json_object();
    json_object_set_new(line, "s", json_string(section));
    if (key)
        json_object_set_new(line, "k", json_string(key));
    if (value)
        json_object_set(line, "v", value);
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the NUL: one write a line */
    write_all(s->fd, text, n + 1);
    free(text);
}

static void load(struct state *s)
{
    FILE *f = fopen(s->path, "re");
    if (!f)
        return;
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, f) > 0) {
        json_t *j = json_loads(line, 0, NULL);
        if (j) {
            apply(s->root, j);
            s->lines++;
        }
        json_decref(j);
    }
    free(line);
    fclose(f);
}

/* Writes the present as a new journal and puts it in the old one's place. */
static int compact(struct state *s)
{
    char *fresh = NULL;
    if (asprintf(&fresh, "%s.new", s->path) < 0)
        abort();
    s->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    int bad = s->fd < 0;
    const char *section, *key;
    json_t *o, *v;
    if (!bad) {
        json_object_foreach(s->root, section, o)
        {
            json_object_foreach(o, key, v) append(s, section, key, v);
        }
        bad = rename(fresh, s->path) != 0;
    }
    if (bad)
        fprintf(stderr, "certdesk-sandbox: %s: %s\n", fresh, strerror(errno));
    free(fresh);
    return bad ? -1 : 0;
}

struct state *state_open(const char *dir)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s || asprintf(&s->path, "%s/journal.jsonl", dir) < 0)
        abort();
    s->root = json_object();
    s->fd = -1;
    load(s);
    if (compact(s)) {
        state_close(s);
        return NULL;
    }
    return s;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    json_decref(s->root);
    free(s->path);
    free(s);
}

json_t *state_section(struct state *s, const char *section)
{
    json_t *o = json_object_get(s->root, section);
    if (!o)
        json_object_set_new(s->root, section, o = json_object());
    return o;
}

json_t *state_get(struct state *s, const char *section, const char *key)
{
    return json_object_get(state_section(s, section), key);
}

void state_put(struct state *s, const char *section, const char *key, json_t *value)
{
    json_t *o = state_section(s, section);
    if (json_object_set_new(o, key, value))
        abort(); /* a key that is not UTF-8: callers check first */
    append(s, section, key, value);
}

void state_touch(struct state *s, const char *section, const char *key)
{
    append(s, section, key, state_get(s, section, key));
}

void state_delete(struct state *s, const char *section, const char *key)
{
    if (!state_get(s, section, key))
        return;
    append(s, section, key, NULL); /* first: the key may be the object's own copy of it */
    json_object_del(state_section(s, section), key);
}

void state_clear(struct state *s, const char *section)
{
    json_object_del(s->root, section);
    append(s, section, NULL, NULL);
}

int64_t state_next(struct state *s, const char *name, char key[static 24])
{
    int64_t n = json_integer_value(state_get(s, "counters", name)) + 1;
    state_put(s, "counters", name, json_integer(n));
    snprintf(key, 24, "%012" PRId64, n);
    return n;
}

int64_t state_age(const struct state *s)
{
    return s->lines;
}
