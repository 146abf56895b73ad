/* yaml_tree.h - one YAML document as a tree of jansson values, with the line of every value.
 *
 * YAML 1.2's core schema for plain scalars: null, true, false and whole numbers; everything else, and
 * whatever is quoted, is text. JSON is YAML. A file of people is read, so what can surprise is refused:
 * duplicate keys, anchors and aliases, tags, several documents, NUL in text; and size, depth and number of
 * values are bounded.
 */
#ifndef CERTDESK_CATALOG_YAML_TREE_H
#define CERTDESK_CATALOG_YAML_TREE_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_BYTES_MAX = 1 << 20,
    YAML_DEPTH_MAX = 16,
    YAML_VALUES_MAX = 20000,
    YAML_KEY_MAX = 64,
    FILE_FAULTS_MAX = 500
};

/* What is wrong in a file; all of it. */
struct file_fault {
    const char *path; /* "offers[1].methods[0]"; "" for the file */
    int line;         /* from 1; 0 when it has none */
    const char *text;
};
struct file_faults {
    struct arena *arena;
    size_t n; /* the first FILE_FAULTS_MAX are kept */
    struct file_fault *list;
};
void file_fault(struct file_faults *f, const char *path, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

struct yaml_tree {
    json_t *root;  /* a mapping; NULL when the text is no document that can be looked at */
    json_t *lines; /* by path, "" the root's: line from 1 */
};
/* Adds to f; false when there is no root. A tree may come with faults. Free it in any case. */
bool yaml_tree(const char *text, size_t n, struct yaml_tree *out, struct file_faults *f);
void yaml_tree_free(struct yaml_tree *t);
/* 0 when unknown. */
int yaml_tree_line(const struct yaml_tree *t, const char *path);

#endif
