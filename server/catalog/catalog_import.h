/* catalog_import.h - a channel's file into the database, and its history: `certdeskd channel …`. */
#ifndef CERTDESK_CATALOG_CATALOG_IMPORT_H
#define CERTDESK_CATALOG_CATALOG_IMPORT_H

#include "catalog/yaml_tree.h"
#include "core/ctx.h"

struct import {
    const char *text; /* YAML, or JSON, which is YAML */
    size_t n;
    const char *by; /* who asked: user of the command line */
    bool apply;     /* false: only say what would change */

    /* what came of it, in the ctx's arena */
    struct file_faults faults; /* every fault of the file, by line; INVALID when there is one */
    const char *code;
    int version;    /* in force before; 0: the channel is new */
    int stored;     /* the version that this file is or would be; as before when the text is the same */
    bool same_text; /* byte for byte what is in force: nothing is stored */
    struct change *changes;
    size_t n_changes;
};
/* What is in force and what the file says: one of them is NULL for what is added or goes. */
struct change {
    const char *path, *from, *to;
};
/* In the caller's transaction: a file that is applied is in force at its commit, in every server. The first
 * faults are in the ctx's fault too. CONFLICT when somebody else imports the channel at this moment. */
enum err catalog_import_file(struct ctx *c, struct import *i);
/* The same for who only wants it in. */
enum err catalog_import(struct ctx *c, const char *text, size_t n);

/* One file that was imported. */
struct channel_version {
    const char *code, *name; /* of the channel */
    int version;
    int64_t imported_ms;
    const char *by;   /* "" before this was kept, as the text */
    const char *text; /* only from channel_version_load() */
    size_t n;         /* bytes of the text */
    unsigned char digest[32];
};
/* What is in force of every channel; every version of one, newest first; one version (0: in force) with its
 * text. NOT_FOUND. */
enum err channel_heads(struct ctx *c, struct channel_version **out, size_t *n);
enum err channel_history(struct ctx *c, const char *code, struct channel_version **out, size_t *n);
enum err channel_version_load(struct ctx *c, const char *code, int version, struct channel_version *out);

#endif
