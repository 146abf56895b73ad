#include "commands.h"

#include "catalog/catalog_import.h"
#include "core/tx.h"
#include "provider/when.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static enum err import(struct ctx *c, struct args *w)
{
    struct import i = {.by = who(c->arena), .apply = args_option(w, "--apply", false) != NULL};
    TRY(read_file(c, w->v[0], &i));
    enum err e = tx_run(c, import_body, &i);
    if (i.faults.n) { /* all of them are told here, with their lines */
        print_faults(w->v[0], &i.faults);
        c->fault->n_violations = 0;
    }
    TRY(e);
    print_changes(&i);
    print_outcome(&i);
    w->end = i.apply || i.same_text ? END_DONE : END_DIFFERS;
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

static enum err list(struct ctx *c, struct args *w)
{
    struct channel_version *all;
    size_t n;
    (void)w;
    TRY(channel_heads(c, &all, &n));
    for (size_t i = 0; i < n; i++)
        print_version(c, &all[i], all[i].name);
    return OK;
}

static enum err history(struct ctx *c, struct args *w)
{
    struct channel_version *all;
    size_t n;
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

static enum err show(struct ctx *c, struct args *w)
{
    struct channel_version v;
    const char *number = args_option(w, "--version", true);
    bool json = args_option(w, "--json", false);
    TRY(channel_version_load(c, w->v[0], number ? (int)strtol(number, NULL, 10) : 0, &v));
    if (json)
        return print_json(c, &v);
    fwrite(v.text, 1, v.n, stdout);
    return OK;
}

static bool version_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return end != text && !*end && n >= 1 && n <= 1000000;
}

static const struct {
    const char *name;
    int words;
    enum err (*run)(struct ctx *c, struct args *w);
} verbs[] = {{"import", 1, import}, {"list", 0, list}, {"show", 1, show}, {"history", 1, history}};

enum {
    VERBS = sizeof verbs / sizeof *verbs
};

static size_t find_verb(const struct args *a)
{
    size_t i = 0;
    while (i < VERBS && (a->n == 0 || strcmp(verbs[i].name, a->v[0]) != 0))
        i++;
    return i;
}

enum err channel_words(struct args a, struct fault *f)
{
    (void)f;
    size_t verb = find_verb(&a);
    if (verb == VERBS)
        return ERR_INVALID;
    if (verbs[verb].run == import)
        args_option(&a, "--apply", false);
    if (verbs[verb].run == show) {
        const char *number = args_option(&a, "--version", true);
        args_option(&a, "--json", false);
        if (number && !version_number(number))
            return ERR_INVALID;
    }
    return a.n == 1 + verbs[verb].words ? OK : ERR_INVALID;
}

enum err channel_command(struct ctx *c, struct args *a)
{
    struct args rest = {a->n - 1, a->v + 1, END_DONE};
    enum err e = verbs[find_verb(a)].run(c, &rest);
    a->end = rest.end;
    return e;
}
