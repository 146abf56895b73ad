#include "catalog/yaml_tree.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

void file_fault(struct file_faults *f, const char *path, int line, const char *fmt, ...)
{
    if (!f->list)
        f->list = ARENA_ARRAY(f->arena, struct file_fault, FILE_FAULTS_MAX);
    if (f->n < FILE_FAULTS_MAX) {
        va_list ap;
        va_start(ap, fmt);
        f->list[f->n] =
            (struct file_fault){arena_strdup(f->arena, path), line, arena_vprintf(f->arena, fmt, ap)};
        va_end(ap);
    }
    f->n++;
}

struct loader {
    yaml_parser_t parser;
    json_t *lines;
    struct file_faults *faults;
    int values;
    bool stopped; /* nothing more can be made of the text */
};

static int line_of(const yaml_event_t *e)
{
    return (int)e->start_mark.line + 1;
}

static json_t *stop(struct loader *l, const char *path, int line, const char *why)
{
    file_fault(l->faults, path, line, "%s", why);
    l->stopped = true;
    return NULL;
}

/* The next event, or stopped. */
static bool next(struct loader *l, yaml_event_t *e)
{
    if (l->stopped)
        return false;
    if (yaml_parser_parse(&l->parser, e))
        return true;
    const yaml_parser_t *p = &l->parser;
    /* A byte that is no text is reported by its place in the file, not by line. */
    bool reader = p->error == YAML_READER_ERROR;
    file_fault(l->faults, "", reader ? 0 : (int)p->problem_mark.line + 1, "%s%s%s%s",
               p->context ? p->context : "", p->context ? ": " : "",
               p->problem ? p->problem : "out of memory",
               reader ? arena_printf(l->faults->arena, " (byte %zu)", p->problem_offset) : "");
    l->stopped = true;
    return false;
}

static bool is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(s, *words) == 0)
            return true;
    return false;
}

static bool is_number(const char *s)
{
    s += *s == '-' || *s == '+';
    return *s && strspn(s, "0123456789") == strlen(s);
}

static json_t *plain(struct loader *l, const char *path, int line, const char *s, size_t n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(s, nulls))
        return json_null();
    if (is_one_of(s, trues))
        return json_true();
    if (is_one_of(s, falses))
        return json_false();
    if (!is_number(s))
        return json_stringn(s, n);
    errno = 0;
    long long v = strtoll(s, NULL, 10);
    if (errno)
        file_fault(l->faults, path, line, "is too large a number");
    return json_integer(errno ? 0 : v);
}

static json_t *scalar(struct loader *l, const char *path, int line, const yaml_event_t *e)
{
    const char *s = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;
    if (memchr(s, '\0', n)) {
        file_fault(l->faults, path, line, "has a NUL in it");
        n = strlen(s);
    }
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain(l, path, line, s, n);
    return json_stringn(s, n);
}

static json_t *value(struct loader *l, const char *path, int line, int depth, const yaml_event_t *e);

static json_t *sequence(struct loader *l, const char *path, int depth)
{
    json_t *list = json_array();
    yaml_event_t e;
    for (size_t i = 0; next(l, &e); i++) {
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        if (!end)
            json_array_append_new(list, value(l, arena_printf(l->faults->arena, "%s[%zu]", path, i),
                                              line_of(&e), depth + 1, &e));
        yaml_event_delete(&e);
        if (end)
            break;
    }
    return list;
}

/* A key as it stands, or NULL. */
static const char *key_of(struct loader *l, const char *path, const yaml_event_t *e)
{
    const char *s = e->type == YAML_SCALAR_EVENT ? (const char *)e->data.scalar.value : NULL;
    if (!s)
        stop(l, path, line_of(e), "a key is a word");
    else if (strlen(s) != e->data.scalar.length || strlen(s) > YAML_KEY_MAX || !*s)
        stop(l, path, line_of(e), "a key has 1 to 64 bytes");
    else if (e->data.scalar.anchor || e->data.scalar.tag)
        stop(l, path, line_of(e), "keys with anchors or tags are not read");
    return l->stopped ? NULL : arena_strdup(l->faults->arena, s);
}

static json_t *mapping(struct loader *l, const char *path, int depth)
{
    json_t *map = json_object();
    yaml_event_t e;
    while (next(l, &e)) {
        bool end = e.type == YAML_MAPPING_END_EVENT;
        const char *key = end ? NULL : key_of(l, path, &e);
        int line = line_of(&e);
        yaml_event_delete(&e);
        if (end || !key || !next(l, &e))
            break;
        const char *at = *path ? arena_printf(l->faults->arena, "%s.%s", path, key) : key;
        json_t *v = value(l, at, line, depth + 1, &e);
        yaml_event_delete(&e);
        if (json_object_get(map, key)) {
            file_fault(l->faults, at, line, "stands here twice");
            json_decref(v);
        } else {
            json_object_set_new(map, key, v);
        }
    }
    return map;
}

/* Refuses what would be read twice or as something else than it looks. */
static void check_extras(struct loader *l, const char *path, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT)
        anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
    else if (e->type == YAML_SEQUENCE_START_EVENT)
        anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
    else if (e->type == YAML_MAPPING_START_EVENT)
        anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
    if (anchor)
        file_fault(l->faults, path, line_of(e), "anchors are not read; write the value where it belongs");
    if (tag)
        file_fault(l->faults, path, line_of(e), "tags are not read");
}

/* line: of its key, where it has one. */
static json_t *value(struct loader *l, const char *path, int line, int depth, const yaml_event_t *e)
{
    if (++l->values > YAML_VALUES_MAX)
        return stop(l, path, line, "the file has too many values");
    if (depth > YAML_DEPTH_MAX)
        return stop(l, path, line, "is nested too deep");
    json_object_set_new(l->lines, path, json_integer(line));
    check_extras(l, path, e);
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return scalar(l, path, line, e);
    case YAML_SEQUENCE_START_EVENT:
        return sequence(l, path, depth);
    case YAML_MAPPING_START_EVENT:
        return mapping(l, path, depth);
    case YAML_ALIAS_EVENT:
        return stop(l, path, line, "aliases are not read; write the value where it belongs");
    default:
        return stop(l, path, line, "this is no value");
    }
}

/* Goes on until the event that a document begins or ends with. */
static bool expect(struct loader *l, yaml_event_type_t type)
{
    yaml_event_t e;
    if (!next(l, &e))
        return false;
    bool ok = e.type == type;
    if (!ok)
        stop(l, "", line_of(&e),
             type == YAML_STREAM_END_EVENT ? "a second document is not read"
                                           : "the file has no document in it");
    yaml_event_delete(&e);
    return ok;
}

static json_t *document(struct loader *l)
{
    yaml_event_t e;
    if (!expect(l, YAML_STREAM_START_EVENT) || !expect(l, YAML_DOCUMENT_START_EVENT) || !next(l, &e))
        return NULL;
    json_t *root = value(l, "", line_of(&e), 0, &e);
    int line = line_of(&e);
    yaml_event_delete(&e);
    if (expect(l, YAML_DOCUMENT_END_EVENT) && expect(l, YAML_STREAM_END_EVENT) && !json_is_object(root))
        stop(l, "", line, "the file is a mapping: lines of \"key: value\"");
    return root;
}

bool yaml_tree(const char *text, size_t n, struct yaml_tree *out, struct file_faults *f)
{
    *out = (struct yaml_tree){.lines = json_object()};
    struct loader l = {.lines = out->lines, .faults = f};
    if (n > YAML_BYTES_MAX) {
        file_fault(f, "", 0, "the file is larger than %d bytes", YAML_BYTES_MAX);
        return false;
    }
    if (!yaml_parser_initialize(&l.parser)) {
        file_fault(f, "", 0, "out of memory");
        return false;
    }
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)text, n);
    out->root = document(&l);
    yaml_parser_delete(&l.parser);
    if (l.stopped) {
        json_decref(out->root);
        out->root = NULL;
    }
    return out->root != NULL;
}

void yaml_tree_free(struct yaml_tree *t)
{
    json_decref(t->root);
    json_decref(t->lines);
    *t = (struct yaml_tree){0};
}

int yaml_tree_line(const struct yaml_tree *t, const char *path)
{
    return (int)json_integer_value(json_object_get(t->lines, path));
}
