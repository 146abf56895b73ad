/* channel_facts.c - what a channel's file says as sorted facts, so that two files can be compared line by
 * line whatever order they say it in. Goes by the tree alone: a key that is new in the format shows by
 * itself.
 *
 * An entry of a list is named by what makes it that entry (its code, kind, title, term and seal, subject and
 * medium and order kind), a list of plain values is one value.
 */
#include "catalog/channel_file.h"

#include "base/str.h"
#include "core/crypt.h"

#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_MAX = 60, /* characters of a text; more is shown by its digest */
};

struct facts {
    struct arena *arena;
    struct fact *list;
    size_t n, size;
};

static void add(struct facts *f, const char *path, const char *value)
{
    if (f->n == f->size) {
        size_t size = f->size ? 2 * f->size : 256;
        struct fact *more = ARENA_ARRAY(f->arena, struct fact, size);
        if (f->n)
            memcpy(more, f->list, f->n * sizeof *more);
        f->list = more;
        f->size = size;
    }
    f->list[f->n++] = (struct fact){path, value};
}

static const char *shown(struct arena *a, const char *s)
{
    unsigned char digest[32];
    char hex[65];
    if (utf8_length(s) <= SHOWN_MAX && !strchr(s, '\n'))
        return s;
    crypt_sha256(s, strlen(s), digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_printf(a, "%zu characters, sha256 %.16s", utf8_length(s), hex);
}

static const char *plain(struct arena *a, const json_t *j)
{
    if (json_is_string(j))
        return shown(a, json_string_value(j));
    if (json_is_integer(j))
        return arena_printf(a, "%lld", (long long)json_integer_value(j));
    return json_is_true(j) ? "true" : json_is_false(j) ? "false" : "";
}

static bool is_plain(const json_t *list)
{
    size_t i;
    const json_t *v;
    json_array_foreach(list, i, v)
    {
        if (json_is_object(v) || json_is_array(v))
            return false;
    }
    return true;
}

static const char *joined(struct arena *a, const json_t *list)
{
    struct buf b = BUF(a);
    size_t i;
    const json_t *v;
    json_array_foreach(list, i, v) buf_printf(&b, "%s%s", i ? ", " : "", plain(a, v));
    return b.n ? buf_text(&b) : "none";
}

/* What makes an entry that entry, or its place in the list. */
static const char *name_of(struct arena *a, const json_t *entry, size_t i)
{
    static const char *const names[] = {"code", "kind", "title", "from", NULL};
    for (size_t k = 0; names[k]; k++)
        if (json_string_value(json_object_get(entry, names[k])))
            return json_string_value(json_object_get(entry, names[k]));
    const json_t *subject = json_object_get(entry, "subject"), *term = json_object_get(entry, "term_months");
    if (subject)
        return arena_printf(a, "%s %s", plain(a, subject), plain(a, json_object_get(entry, "medium")));
    if (term)
        return arena_printf(a, "%s months%s", plain(a, term),
                            json_is_true(json_object_get(entry, "seal")) ? " with seal" : "");
    return arena_printf(a, "%zu", i);
}

static void walk(struct facts *f, const char *path, const json_t *j);

static void members(struct facts *f, const char *path, const json_t *j, const char *but)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        if (strcmp(key, but) != 0)
            walk(f, *path ? arena_printf(f->arena, "%s.%s", path, key) : key, v);
    }
}

/* One offer for each of its order kinds; of new orders when it names none. */
static void offer(struct facts *f, const char *path, const json_t *entry)
{
    size_t i;
    const json_t *v, *kinds = json_object_get(entry, "kinds");
    const char *name = name_of(f->arena, entry, 0);
    json_array_foreach(kinds, i, v)
        members(f, arena_printf(f->arena, "%s[%s %s]", path, plain(f->arena, v), name), entry, "kinds");
    if (!kinds)
        members(f, arena_printf(f->arena, "%s[new %s]", path, name), entry, "kinds");
}

static void walk(struct facts *f, const char *path, const json_t *j)
{
    size_t i;
    const json_t *v;
    if (json_is_object(j)) {
        members(f, path, j, "");
    } else if (json_is_array(j) && !is_plain(j)) {
        json_array_foreach(j, i, v)
        {
            if (strcmp(path, "offers") == 0)
                offer(f, path, v);
            else
                members(f, arena_printf(f->arena, "%s[%s]", path, name_of(f->arena, v, i)), v, "");
        }
    } else {
        add(f, arena_strdup(f->arena, path),
            arena_strdup(f->arena, json_is_array(j) ? joined(f->arena, j) : plain(f->arena, j)));
    }
}

static int by_path(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    int d = strcmp(x->path, y->path);
    return d ? d : strcmp(x->value, y->value);
}

void channel_facts(struct arena *a, const json_t *root, const struct fact *more, size_t n_more,
                   struct fact **out, size_t *n)
{
    struct facts f = {.arena = a};
    walk(&f, "", root);
    for (size_t i = 0; i < n_more; i++)
        add(&f, more[i].path, more[i].value);
    if (f.n)
        qsort(f.list, f.n, sizeof *f.list, by_path);
    *out = f.list;
    *n = f.n;
}
