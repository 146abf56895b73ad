/* commands_identity.c - what the finance desk does with micro-deposits, and what checks cost. */
#include "base/clock.h"
#include "base/fi.h"
#include "commands.h"
#include "core/tx.h"
#include "identity/identity_store.h"
#include "identity/remittance.h"
#include "provider/when.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 8 << 20
};

/* -- remittance --------------------------------------------------------------------------------------------
 */

static enum err put_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t k = write(fd, text, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return ERR_INTERNAL;
        text += k;
        n -= (size_t)k;
    }
    return OK;
}

/* Beside its place under a name that nobody else has, for nobody else's eyes, and on the disk. */
static enum err write_beside(struct ctx *c, char *part, const char *text, size_t n)
{
    int fd = mkostemp(part, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return fail(c->fault, ERR_INTERNAL, "%s cannot be written: %s", part, strerror(errno));
    enum err e = put_all(fd, text, n);
    int why = errno;
    if (e == OK && fsync(fd) != 0) {
        why = errno;
        e = ERR_INTERNAL;
    }
    close(fd);
    return e == OK ? OK : fail(c->fault, ERR_INTERNAL, "%s cannot be written: %s", part, strerror(why));
}

static void sync_folder_of(struct ctx *c, const char *path)
{
    char *dir = arena_strdup(c->arena, path), *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
}

static enum err is_there(struct ctx *c, const char *path)
{
    return fail(c->fault, ERR_EXISTS, "%s is there already; --force writes over it", path);
}

/* NULL: standard output. */
struct target {
    const char *path;
    bool force;
};

/* Whole or not at all. What is there stays, whoever put it there meanwhile. */
static enum err write_file(struct ctx *c, const struct target *to, const char *text, size_t n)
{
    if (!to->path)
        return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0
                   ? OK
                   : fail(c->fault, ERR_INTERNAL, "standard output takes nothing");
    char *part = arena_printf(c->arena, "%s.XXXXXX", to->path);
    enum err e = write_beside(c, part, text, n);
    if (e == OK && (to->force ? rename(part, to->path) : link(part, to->path)) != 0)
        e = errno == EEXIST
                ? is_there(c, to->path)
                : fail(c->fault, ERR_INTERNAL, "%s cannot be written: %s", to->path, strerror(errno));
    if (e != OK || !to->force)
        unlink(part);
    sync_folder_of(c, to->path);
    return e;
}

struct batching {
    int64_t id;
    int n;
};

static enum err batch_body(struct ctx *c, void *arg)
{
    struct batching *b = arg;
    return remittance_batch(c, &b->id, &b->n);
}

struct filing {
    int64_t id;
    const char *text;
    size_t n;
};

static enum err file_body(struct ctx *c, void *arg)
{
    struct filing *f = arg;
    return remittance_file(c, f->id, &f->text, &f->n);
}

static enum err write_batch(struct ctx *c, int64_t id, const struct target *to)
{
    struct filing f = {.id = id};
    TRY(tx_run(c, file_body, &f));
    return write_file(c, to, f.text, f.n);
}

/* The batch is committed before its file is there: after a crash `batch N` writes it. */
static enum err export_batch(struct ctx *c, const struct target *to, enum end *end)
{
    struct batching b = {0};
    if (to->path && !to->force && access(to->path, F_OK) == 0)
        return is_there(c, to->path);
    TRY(tx_run(c, batch_body, &b));
    if (b.id == 0) {
        fprintf(stderr, "no deposit waits\n");
        *end = END_NOT_YET;
        return OK;
    }
    fprintf(stderr, "batch %" PRId64 ": %d deposits\n", b.id, b.n);
    FI("remittance.batched");
    return write_batch(c, b.id, to);
}

struct importing {
    const char *text;
    size_t n;
    struct remittance_counts counts;
};

static enum err import_body(struct ctx *c, void *arg)
{
    struct importing *i = arg;
    return remittance_import(c, i->text, i->n, &i->counts);
}

static void print_problems(FILE *to, const struct remittance_counts *n)
{
    for (size_t i = 0; i < n->n_problems; i++) {
        const struct line_problem *p = &n->problems[i];
        if (p->column)
            fprintf(to, "  line %d, column %d: %s\n", p->line, p->column, p->text);
        else
            fprintf(to, "  line %d: %s\n", p->line, p->text);
    }
}

/* END_DIFFERS: lines that were refused, beside what was taken. */
static enum err import(struct ctx *c, const char *path, enum end *end)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(c->fault, ERR_INVALID, "%s cannot be read: %s", path, strerror(errno));
    char *text = malloc(FILE_LIMIT); /* not in the arena: a retry of the transaction empties that */
    struct importing i = {.text = text};
    if (text)
        i.n = fread(text, 1, FILE_LIMIT, file);
    fclose(file);
    enum err e = !text               ? fail(c->fault, ERR_UNAVAILABLE, "no memory")
                 : i.n == FILE_LIMIT ? fail(c->fault, ERR_INVALID, "%s is larger than 8 MiB", path)
                                     : tx_run(c, import_body, &i);
    if (e == OK)
        printf("%d lines: %d sent, %d failed, %d known before, %zu refused\n", i.counts.lines, i.counts.sent,
               i.counts.failed, i.counts.known, i.counts.n_problems);
    print_problems(stderr, &i.counts);
    if (e == OK && i.counts.n_problems)
        *end = END_DIFFERS;
    free(text);
    return e;
}

static const char *when(struct ctx *c, int64_t ms)
{
    char *out = arena_alloc(c->arena, WHEN_SIZE);
    when_beijing_minute(ms, out);
    return out;
}

static enum err list(struct ctx *c)
{
    const struct batch_row *rows;
    size_t n;
    int waiting;
    TRY(remittance_list(c, &rows, &n, &waiting));
    printf("%d deposits wait for a batch\n", waiting);
    for (size_t i = 0; i < n; i++)
        printf("batch %" PRId64 "  %s  %d deposits: %d sent, %d failed, %d unanswered\n", rows[i].id,
               when(c, rows[i].created_ms), rows[i].n, rows[i].sent, rows[i].failed, rows[i].open);
    const struct deposit_row *stuck;
    TRY(remittance_stuck(c, &stuck, &n));
    for (size_t i = 0; i < n; i++)
        printf("%s  %s  order %s: %s\n", stuck[i].id, when(c, stuck[i].updated_ms), stuck[i].order,
               stuck[i].purpose == DEPOSIT_PIN
                   ? "the PIN came back; `remittance again` puts it into the next batch"
                   : arena_printf(c->arena, "%s may or may not have sent it; ask there", stuck[i].provider));
    return OK;
}

static enum err again_body(struct ctx *c, void *arg)
{
    struct deposit d;
    return remittance_again(c, arg, &d);
}

static int64_t batch_number(const char *text)
{
    char *end;
    errno = 0;
    int64_t n = strtoll(text, &end, 10);
    return errno || *end || n < 1 ? 0 : n;
}

enum verb {
    VERB_NONE,
    VERB_LIST,
    VERB_EXPORT,
    VERB_BATCH,
    VERB_IMPORT,
    VERB_AGAIN
};

/* What is asked for; `to` has the file. */
static enum verb remittance_verb(struct args *a, struct target *to)
{
    *to = (struct target){.force = args_option(a, "--force", false) != NULL};
    const char *verb = a->n ? a->v[0] : "";
    if (strcmp(verb, "export") == 0 && a->n <= 2) {
        to->path = a->n == 2 ? a->v[1] : NULL;
        return to->force && !to->path ? VERB_NONE : VERB_EXPORT;
    }
    if (strcmp(verb, "batch") == 0 && (a->n == 2 || a->n == 3) && batch_number(a->v[1])) {
        to->path = a->n == 3 ? a->v[2] : NULL;
        return to->force && !to->path ? VERB_NONE : VERB_BATCH;
    }
    if (to->force)
        return VERB_NONE;
    return strcmp(verb, "list") == 0 && a->n == 1     ? VERB_LIST
           : strcmp(verb, "import") == 0 && a->n == 2 ? VERB_IMPORT
           : strcmp(verb, "again") == 0 && a->n == 2  ? VERB_AGAIN
                                                      : VERB_NONE;
}

enum err remittance_words(struct args a, struct fault *f)
{
    (void)f;
    struct target to;
    return remittance_verb(&a, &to) ? OK : ERR_INVALID;
}

enum err remittance_command(struct ctx *c, struct args *a)
{
    struct target to;
    switch (remittance_verb(a, &to)) {
    case VERB_LIST:
        return list(c);
    case VERB_EXPORT:
        return export_batch(c, &to, &a->end);
    case VERB_BATCH:
        return write_batch(c, batch_number(a->v[1]), &to);
    case VERB_IMPORT:
        return import(c, a->v[1], &a->end);
    case VERB_AGAIN:
        return tx_run(c, again_body, a->v[1]);
    case VERB_NONE:
        break;
    }
    return ERR_INVALID;
}

/* -- identity ----------------------------------------------------------------------------------------------
 */

enum err identity_words(struct args a, struct fault *f)
{
    int64_t ms;
    if (a.n < 1 || a.n > 2 || strcmp(a.v[0], "costs") != 0)
        return ERR_INVALID;
    return a.n == 1 || when_read_day(a.v[1], &ms) ? OK : fail(f, ERR_INVALID, "a day is written 2026-01-31");
}

enum err identity_command(struct ctx *c, struct args *a)
{
    const struct identity_cost *list_of;
    size_t n;
    int64_t from = 0;
    char today[WHEN_SIZE]; /* in Beijing */
    when_beijing(clock_now_ms(), today);
    today[sizeof "2026-01-31" - 1] = '\0';
    if (!when_read_day(a->n > 1 ? a->v[1] : today, &from))
        return ERR_INVALID;
    TRY(identity_costs(c, from, from + INT64_C(86400000), &list_of, &n));
    printf("channel\tsupplier\tcheck\tanswers\tbilled\tmatched\n");
    for (size_t i = 0; i < n; i++)
        printf("%s\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", list_of[i].channel, list_of[i].provider,
               list_of[i].check, list_of[i].asked, list_of[i].billed, list_of[i].matched);
    return OK;
}
