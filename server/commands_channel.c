#include "commands.h"

#include "catalog/catalog_import.h"
#include "core/tx.h"
#include "provider/when.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: certdeskd channel import [--apply] FILE | list | show CODE [--version N] | "
    "history CODE";

struct words {
    int n;
    char **v;
};

/* Takes `--name` out of the words, with its value when one is wanted; NULL when it is not there. */
static const char *option(struct words *w, const char *name, bool valued)
{
    for (int i = 0; i < w->n; i++) {
        if (strcmp(w->v[i], name) != 0 || i + valued >= w->n)
            continue;
        const char *value = w->v[i + valued];
        for (int k = i; k + valued + 1 < w->n; k++)
            w->v[k] = w->v[k + valued + 1];
        w->n -= valued + 1;
        return value;
    }
    return NULL;
}

/* Beijing's, as the desk's clocks. */
static const char *when(struct arena *a, int64_t ms)
{
    char *text = arena_alloc(a, WHEN_SIZE);
    when_beijing_minute(ms, text);
    return text;
}

static const char *who(struct arena *a)
{
    const struct passwd *p = getpwuid(getuid());
    return p ? arena_strdup(a, p->pw_name) : arena_printf(a, "uid %u", (unsigned)getuid());
}

/* -- import ------------------------------------------------------------------------------------------------
 */

static enum err read_file(struct ctx *c, const char *path, struct import *i)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(c->fault, ERR_INVALID, "%s cannot be read", path);
    char *text = arena_alloc(c->arena, YAML_BYTES_MAX + 1); /* one more than is taken: too large is seen */
    i->n = fread(text, 1, YAML_BYTES_MAX + 1, file);
    i->text = text;
    bool bad = ferror(file);
    fclose(file);
    return bad ? fail(c->fault, ERR_INVALID, "%s cannot be read", path) : OK;
}

static enum err import_body(struct ctx *c, void *arg)
{
    return catalog_import_file(c, arg);
}

static void print_faults(const char *path, const struct file_faults *f)
{
    for (size_t i = 0; i < f->n && i < FILE_FAULTS_MAX; i++) {
        const struct file_fault *one = &f->list[i];
        fprintf(stderr, "%s:%d: %s%s%s\n", path, one->line, one->path, *one->path ? " " : "", one->text);
    }
}

static void print_changes(const struct import *i)
{
    for (size_t k = 0; k < i->n_changes; k++) {
        const struct change *one = &i->changes[k];
        if (one->from && one->to)
            printf("~ %s: %s -> %s\n", one->path, one->from, one->to);
        else
            printf("%s %s: %s\n", one->to ? "+" : "-", one->path, one->to ? one->to : one->from);
    }
}

static void print_outcome(const struct import *i)
{
    if (i->same_text)
        printf("%s: nothing changes; version %d is this file\n", i->code, i->version);
    else if (i->apply)
        printf("%s: version %d is in force\n", i->code, i->stored);
    else if (i->n_changes)
        printf("%s: %zu change%s; nothing was stored; --apply makes it version %d\n", i->code, i->n_changes,
               i->n_changes == 1 ? "" : "s", i->stored);
    else
        printf("%s: nothing changes but the file's text; --apply makes it version %d\n", i->code, i->stored);
}

static enum err import(struct ctx *c, struct words *w)
{
    struct import i = {.by = who(c->arena), .apply = option(w, "--apply", false) != NULL};
    if (w->n != 1)
        return fail(c->fault, ERR_INVALID, "%s", usage);
    TRY(read_file(c, w->v[0], &i));
    enum err e = tx_run(c, import_body, &i);
    if (i.faults.n) { /* all of them are told here, with their lines */
        print_faults(w->v[0], &i.faults);
        c->fault->n_violations = 0;
    }
    TRY(e);
    print_changes(&i);
    print_outcome(&i);
    return OK;
}

/* -- what is there -----------------------------------------------------------------------------------------
 */

static void print_version(struct ctx *c, const struct channel_version *v, const char *name)
{
    char hex[65];
    hex_encode(v->digest, sizeof v->digest, hex);
    printf("%-16s version %-4d %s  %-12s %.16s  %s\n", v->code, v->version, when(c->arena, v->imported_ms),
           *v->by ? v->by : "-", hex, name);
}

static enum err list(struct ctx *c, struct words *w)
{
    struct channel_version *all;
    size_t n;
    if (w->n)
        return fail(c->fault, ERR_INVALID, "%s", usage);
    TRY(channel_heads(c, &all, &n));
    for (size_t i = 0; i < n; i++)
        print_version(c, &all[i], all[i].name);
    return OK;
}

static enum err history(struct ctx *c, struct words *w)
{
    struct channel_version *all;
    size_t n;
    if (w->n != 1)
        return fail(c->fault, ERR_INVALID, "%s", usage);
    TRY(channel_history(c, w->v[0], &all, &n));
    for (size_t i = 0; i < n; i++)
        print_version(c, &all[i], i ? "" : "in force");
    return OK;
}

/* As programs read it: the same tree without comments. */
static enum err print_json(struct ctx *c, const struct channel_version *v)
{
    struct yaml_tree tree;
    struct file_faults ignored = {.arena = c->arena};
    yaml_tree(v->text, v->n, &tree, &ignored);
    int bad = json_dumpf(tree.root, stdout, JSON_INDENT(1));
    yaml_tree_free(&tree);
    putchar('\n');
    return bad ? fail(c->fault, ERR_DATA_LOSS, "the stored text cannot be read") : OK;
}

static enum err show(struct ctx *c, struct words *w)
{
    struct channel_version v;
    const char *number = option(w, "--version", true);
    bool json = option(w, "--json", false);
    char *end = NULL;
    long version = number ? strtol(number, &end, 10) : 0;
    if (w->n != 1 || (number && (*end || end == number || version < 1 || version > 1000000)))
        return fail(c->fault, ERR_INVALID, "%s", usage);
    TRY(channel_version_load(c, w->v[0], (int)version, &v));
    if (json)
        return print_json(c, &v);
    fwrite(v.text, 1, v.n, stdout);
    return OK;
}

enum err command_channel(struct ctx *c, struct args *a)
{
    static const struct {
        const char *name;
        enum err (*run)(struct ctx *c, struct words *w);
    } commands[] = {{"import", import}, {"list", list}, {"show", show}, {"history", history}};
    struct words rest = {a->n - 1, a->v + 1};
    for (size_t i = 0; a->n && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(a->v[0], commands[i].name) == 0)
            return commands[i].run(c, &rest);
    return fail(c->fault, ERR_INVALID, "%s", usage);
}
