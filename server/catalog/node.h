/* node.h - reading a tree of a file strictly: every value is asked for by what it has to be, and what is not
 * that becomes a fault with its path and line; reading goes on with a value that does no harm.
 *
 * Over a tree that was checked when it was stored (the policy of a channel) the same readers run without
 * faults.
 */
#ifndef CERTDESK_CATALOG_NODE_H
#define CERTDESK_CATALOG_NODE_H

#include "catalog/yaml_tree.h"

#include <stdint.h>

struct reader {
    struct arena *arena;
    const struct yaml_tree *tree; /* for lines */
    struct file_faults *faults;   /* NULL: none are wanted */
};

/* A place in the tree. j is NULL where there is nothing; what is read there is the default. */
struct node {
    const struct reader *r;
    const json_t *j;
    const char *path;
};

struct node node_root(const struct reader *r, const json_t *root);
/* A member; a fault when it has no value. */
struct node node_get(struct node n, const char *key);
/* The same, and a fault when it is absent. */
struct node node_need(struct node n, const char *key);
/* The i-th of a list. */
struct node node_at(struct node n, size_t i);
bool node_there(struct node n);
void node_fault(struct node n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A fault unless it is a mapping with no other keys than these, separated by blanks. False when it is no
 * mapping. */
bool node_keys(struct node n, const char *keys);
/* How many are in the list, at most `max`; 0 where there is none. */
size_t node_list(struct node n, size_t max);

/* One line of text with this many characters at most; text may have lines. "" where there is nothing. */
const char *node_line(struct node n, size_t max);
const char *node_text(struct node n, size_t max);
int64_t node_number(struct node n, int64_t low, int64_t high, int64_t otherwise);
bool node_bool(struct node n, bool otherwise);
/* Position of the word in a list that ends with NULL; words[0] is nothing and cannot be said. */
int node_word(struct node n, const char *const *words);
/* Bits 1 << word of a list; a fault for a word that is there twice. */
unsigned node_words(struct node n, const char *const *words);

/* A name that programs use: a-z, 0-9, - and _, a letter first. */
const char *node_code(struct node n, size_t max);

#endif
