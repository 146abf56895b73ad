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
            return ERR_UNAVAILABLE;
        text += k;
        n -= (size_t)k;
    }
    return OK;
}

/* Whole or not at all; for nobody else's eyes. NULL: standard output. */
static enum err write_file(struct ctx *c, const char *path, const char *text, size_t n)
{
    if (!path)
        return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0
                   ? OK
                   : fail(c->fault, ERR_UNAVAILABLE, "standard output takes nothing");
    const char *part = arena_printf(c->arena, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(c->fault, ERR_INVALID, "%s cannot be written: %s", part, strerror(errno));
    enum err e = put_all(fd, text, n);
    if (fsync(fd) != 0 || close(fd) != 0)
        e = ERR_UNAVAILABLE;
    if (e == OK && rename(part, path) == 0)
        return OK;
    return fail(c->fault, ERR_UNAVAILABLE, "%s cannot be written: %s", path, strerror(errno));
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

static enum err write_batch(struct ctx *c, int64_t id, const char *path)
{
    const char *text;
    size_t n;
    TRY(remittance_file(c, id, &text, &n));
    return write_file(c, path, text, n);
}

/* The batch is committed before its file is there: after a crash `batch N` writes it. */
static enum err export_batch(struct ctx *c, const char *path)
{
    struct batching b = {0};
    TRY(tx_run(c, batch_body, &b));
    if (b.id == 0) {
        fprintf(stderr, "no deposit waits\n");
        return OK;
    }
    fprintf(stderr, "batch %" PRId64 ": %d deposits\n", b.id, b.n);
    FI("remittance.batched");
    return write_batch(c, b.id, path);
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

static enum err import(struct ctx *c, const char *path)
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
        printf("%d lines: %d sent, %d failed, %d known before\n", i.counts.lines, i.counts.sent,
               i.counts.failed, i.counts.known);
    else if (i.counts.complaints)
        fputs(i.counts.complaints, stderr);
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

enum err command_remittance(struct ctx *c, struct args *a)
{
    const char *verb = a->n ? a->v[0] : "";
    const char *second = a->n > 1 ? a->v[1] : NULL, *third = a->n > 2 ? a->v[2] : NULL;
    if (strcmp(verb, "list") == 0 && a->n == 1)
        return list(c);
    if (strcmp(verb, "export") == 0 && a->n <= 2)
        return export_batch(c, second);
    if (strcmp(verb, "batch") == 0 && second && a->n <= 3)
        return write_batch(c, strtoll(second, NULL, 10), third);
    if (strcmp(verb, "import") == 0 && a->n == 2)
        return import(c, second);
    if (strcmp(verb, "again") == 0 && a->n == 2)
        return tx_run(c, again_body, a->v[1]);
    return fail(
        c->fault, ERR_INVALID,
        "usage: certdeskd remittance list | export [FILE] | batch N [FILE] | import FILE | again NUMBER");
}

/* -- identity ----------------------------------------------------------------------------------------------
 */

/* The day in Beijing; today when there is none. */
static enum err day_of(struct ctx *c, const char *text, int64_t *from_ms)
{
    char today[WHEN_SIZE];
    when_beijing(clock_now_ms(), today);
    today[sizeof "2026-01-31" - 1] = '\0';
    if (!when_read_day(text ? text : today, from_ms))
        return fail(c->fault, ERR_INVALID, "a day is written 2026-01-31");
    return OK;
}

enum err command_identity(struct ctx *c, struct args *a)
{
    const struct identity_cost *list_of;
    size_t n;
    int64_t from = 0;
    if (a->n < 1 || a->n > 2 || strcmp(a->v[0], "costs") != 0)
        return fail(c->fault, ERR_INVALID, "usage: certdeskd identity costs [YYYY-MM-DD]");
    TRY(day_of(c, a->n > 1 ? a->v[1] : NULL, &from));
    TRY(identity_costs(c, from, from + INT64_C(86400000), &list_of, &n));
    printf("channel\tsupplier\tcheck\tanswers\tbilled\tmatched\n");
    for (size_t i = 0; i < n; i++)
        printf("%s\t%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", list_of[i].channel, list_of[i].provider,
               list_of[i].check, list_of[i].asked, list_of[i].billed, list_of[i].matched);
    return OK;
}
