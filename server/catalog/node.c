#include "catalog/node.h"

#include "base/str.h"

#include <stdarg.h>
#include <string.h>

struct node node_root(const struct reader *r, const json_t *root)
{
    return (struct node){r, root, ""};
}

static int line_of(struct node n)
{
    return n.r->tree ? yaml_tree_line(n.r->tree, n.path) : 0;
}

void node_fault(struct node n, const char *fmt, ...)
{
    if (!n.r->faults)
        return;
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(n.r->arena, fmt, ap);
    va_end(ap);
    file_fault(n.r->faults, n.path, line_of(n), "%s", text);
}

static const char *below(struct node n, const char *key)
{
    return *n.path ? arena_printf(n.r->arena, "%s.%s", n.path, key) : key;
}

struct node node_get(struct node n, const char *key)
{
    struct node m = {n.r, json_object_get(n.j, key), below(n, key)};
    if (!json_is_null(m.j))
        return m;
    node_fault(m, "has no value");
    m.j = NULL;
    return m;
}

struct node node_need(struct node n, const char *key)
{
    struct node m = node_get(n, key);
    if (json_is_object(n.j) && !json_object_get(n.j, key) && n.r->faults)
        file_fault(n.r->faults, m.path, line_of(n), "is missing");
    return m;
}

struct node node_at(struct node n, size_t i)
{
    struct node m = {n.r, json_array_get(n.j, i), arena_printf(n.r->arena, "%s[%zu]", n.path, i)};
    if (json_is_null(m.j)) {
        node_fault(m, "has no value");
        m.j = NULL;
    }
    return m;
}

bool node_there(struct node n)
{
    return n.j != NULL;
}

static bool among(const char *keys, const char *key)
{
    size_t n = strlen(key);
    for (const char *p = keys; (p = strstr(p, key)); p += n)
        if ((p == keys || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
            return true;
    return false;
}

bool node_keys(struct node n, const char *keys)
{
    const char *key;
    json_t *v;
    if (n.j && !json_is_object(n.j))
        node_fault(n, "is a mapping with the keys %s", keys);
    json_object_foreach((json_t *)(uintptr_t)n.j, key, v)
    {
        if (!among(keys, key))
            node_fault((struct node){n.r, v, below(n, key)}, "is not a key that is known here (%s)", keys);
    }
    return json_is_object(n.j);
}

size_t node_list(struct node n, size_t max)
{
    if (n.j && !json_is_array(n.j))
        node_fault(n, "is a list");
    size_t size = json_array_size(n.j);
    if (size > max)
        node_fault(n, "has %zu entries; at most %zu", size, max);
    return size < max ? size : max;
}

static bool has_control(const char *s, bool lines)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && !(lines && (*s == '\n' || *s == '\t'))) || *s == 0x7F)
            return true;
    return false;
}

static const char *text_of(struct node n, size_t max, bool lines)
{
    if (!n.j)
        return "";
    const char *s = json_string_value(n.j);
    if (!s)
        node_fault(n, json_is_integer(n.j) || json_is_boolean(n.j) ? "is text: put it in quotes" : "is text");
    else if (!*s)
        node_fault(n, "is empty");
    else if (utf8_length(s) > max)
        node_fault(n, "has %zu characters; at most %zu", utf8_length(s), max);
    else if (has_control(s, lines))
        node_fault(n, lines ? "has control characters in it" : "is one line of text");
    else
        return arena_strdup(n.r->arena, s);
    return "";
}

const char *node_line(struct node n, size_t max)
{
    return text_of(n, max, false);
}

const char *node_text(struct node n, size_t max)
{
    return text_of(n, max, true);
}

int64_t node_number(struct node n, int64_t low, int64_t high, int64_t otherwise)
{
    if (!n.j)
        return otherwise;
    int64_t v = json_integer_value(n.j);
    if (!json_is_integer(n.j))
        node_fault(n, "is a whole number");
    else if (v < low || v > high)
        node_fault(n, "is %lld; it goes from %lld to %lld", (long long)v, (long long)low, (long long)high);
    else
        return v;
    return otherwise;
}

bool node_bool(struct node n, bool otherwise)
{
    if (n.j && !json_is_boolean(n.j))
        node_fault(n, "is true or false");
    return json_is_boolean(n.j) ? json_is_true(n.j) : otherwise;
}

int node_word(struct node n, const char *const *words)
{
    const char *s = json_string_value(n.j);
    for (int i = 1; s && words[i]; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    if (!n.j)
        return 0;
    if (!s) {
        node_fault(n, json_is_integer(n.j) || json_is_boolean(n.j) ? "is a word: put it in quotes"
                                                                   : "is a word");
        return 0;
    }
    struct buf b = BUF(n.r->arena);
    for (int i = 1; words[i]; i++)
        buf_printf(&b, "%s%s", i > 1 ? ", " : "", words[i]);
    node_fault(n, "is one of %s", buf_text(&b));
    return 0;
}

unsigned node_words(struct node n, const char *const *words)
{
    unsigned bits = 0;
    size_t count = node_list(n, 32);
    for (size_t i = 0; i < count; i++) {
        struct node one = node_at(n, i);
        int w = node_word(one, words);
        if (w && bits & 1U << w)
            node_fault(one, "is there twice");
        bits |= w ? 1U << w : 0;
    }
    return bits;
}

const char *node_code(struct node n, size_t max)
{
    const char *s = node_line(n, max);
    bool ok = !*s || (*s >= 'a' && *s <= 'z');
    for (const char *p = s; *p; p++)
        ok = ok && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_');
    if (!ok)
        node_fault(n, "is a name of a-z, 0-9, - and _ that begins with a letter");
    return ok ? s : "";
}
