#include "identity/remittance.h"

#include "core/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define N(a) (sizeof(a) / sizeof *(a))

enum {
    REFERENCE_MAX = 64,
    REASON_MAX = 200
};

static const char *const out_titles[] = {"批次",     "编号",   "收款户名", "收款账号", "开户行",
                                         "开户地址", "联行号", "金额",     "附言"};
static const char *const in_titles[RESULT_COLUMNS] = {"批次", "编号", "结果", "银行流水号", "原因"};

/* -- out ---------------------------------------------------------------------------------------------------
 */

/* A deposit whose verification nobody waits for any more costs no money. */
static enum err still_wanted(struct ctx *c, struct deposit *d, bool *wanted)
{
    struct waited w;
    *wanted = true;
    if (d->purpose == DEPOSIT_PIN)
        return OK;
    TRY(identity_waited(c, d->verification, &w));
    *wanted = w.current && w.v.state == VERIFICATION_DEPOSIT && d->expires_ms > c->now_ms;
    if (*wanted)
        return OK;
    TRY(deposit_update(c, d, DEPOSIT_DROPPED, DEPOSIT_CHANGE(.forget = true)));
    return w.v.state == VERIFICATION_DEPOSIT ? identity_give_up(c, w.v.id) : OK;
}

enum err remittance_batch(struct ctx *c, int64_t *batch, int *n)
{
    const char *const *ids;
    size_t waiting;
    *batch = 0;
    *n = 0;
    TRY(remittance_waiting(c, &ids, &waiting));
    struct deposit *list = ARENA_ARRAY(c->arena, struct deposit, waiting + 1);
    for (size_t i = 0; i < waiting; i++) {
        bool wanted;
        TRY(deposit_read(c, ids[i], &list[*n]));
        TRY(still_wanted(c, &list[*n], &wanted));
        *n += wanted;
    }
    if (*n == 0)
        return OK;
    TRY(batch_insert(c, *n, batch));
    for (int i = 0; i < *n; i++)
        TRY(deposit_update(c, &list[i], DEPOSIT_ORDERED, DEPOSIT_CHANGE(.batch = *batch)));
    return audit_add(c, &(struct audit_entry){.action = "remittance.batch",
                                              .object = arena_printf(c->arena, "%" PRId64, *batch),
                                              .detail = arena_printf(c->arena, "{\"deposits\":%d}", *n)});
}

enum err remittance_file(struct ctx *c, int64_t batch, const char **out, size_t *size)
{
    const char *const *ids;
    size_t n;
    bool found;
    struct buf b = BUF(c->arena);
    TRY(batch_exists(c, batch, &found));
    if (!found)
        return fail(c->fault, ERR_NOT_FOUND, "there is no batch %" PRId64, batch);
    TRY(remittance_unanswered(c, batch, &ids, &n));
    if (n == 0)
        return fail(c->fault, ERR_PRECONDITION, "the bank has answered all of batch %" PRId64, batch);
    buf_add(&b, "\xEF\xBB\xBF", 3); /* spreadsheets take it for GBK otherwise */
    csv_line(&b, out_titles, N(out_titles));
    for (size_t i = 0; i < n; i++) {
        struct deposit d;
        TRY(deposit_read(c, ids[i], &d));
        const char *cells[] = {arena_printf(c->arena, "%" PRId64, batch),
                               d.id,
                               d.payee.name,
                               d.payee.account,
                               d.payee.bank,
                               d.payee.branch,
                               d.payee.cnaps,
                               "0.01",
                               d.secret};
        csv_line(&b, cells, N(cells));
    }
    *out = buf_text(&b);
    *size = b.n;
    return OK;
}

enum err remittance_again(struct ctx *c, const char *id, struct deposit *out)
{
    struct deposit d;
    TRY(id_valid("dep", id) ? deposit_read(c, id, &d) : fail(c->fault, ERR_NOT_FOUND, NULL));
    if (d.purpose != DEPOSIT_PIN || d.state != DEPOSIT_FAILED || !*d.secret)
        return fail(c->fault, ERR_PRECONDITION, "only a PIN that came back is sent again");
    TRY(deposit_step_aside(c, &d));
    TRY(audit_add(
        c, &(struct audit_entry){.action = "deposit.dropped", .object = d.id, .version = d.version + 1}));
    *out = d;
    id_new("dep", out->id);
    out->state = DEPOSIT_WAITING;
    return deposit_insert(c, out, d.key);
}

/* -- in ----------------------------------------------------------------------------------------------------
 */

/* What is wrong, line by line: there may be more than a fault has room for. */
struct reading {
    struct buf complaints;
    int bad;
};

static void bad(struct reading *r, const struct result_line *l, const char *what)
{
    buf_printf(&r->complaints, "  line %d: %s\n", l->line, what);
    r->bad++;
}

static bool says(const char *cell, const char *zh, const char *en)
{
    return strcmp(cell, zh) == 0 || strcasecmp(cell, en) == 0;
}

struct answer {
    const struct result_line *line;
    struct deposit d;
    bool sent, known;
};

/* Whether the deposit can take this answer; one that it has taken already is known, also when it has made
 * room for another one since. */
static void judge(struct reading *r, struct answer *x)
{
    const struct deposit *d = &x->d;
    bool was_sent = d->sent_ms > 0, failed = d->state == DEPOSIT_FAILED || deposit_stood_aside(d);
    x->known = x->sent ? was_sent && !failed : failed;
    if (x->known)
        return;
    if (d->state == DEPOSIT_WAITING)
        bad(r, x->line, "this deposit was given to no bank");
    else if (x->sent && failed)
        bad(r, x->line, "this deposit failed before");
    else if (!x->sent && d->state == DEPOSIT_USED)
        bad(r, x->line, "the code of this deposit was read already");
    /* dropped since it was given to the bank: the money moved, and the row should say so; nothing else does
     */
}

static enum err read_line(struct ctx *c, struct reading *r, const struct result_line *l, struct answer *x)
{
    *x = (struct answer){.line = l, .sent = says(l->cell[2], "成功", "ok")};
    if (l->n != RESULT_COLUMNS) {
        bad(r, l, "a line has five cells");
        return OK;
    }
    if (!x->sent && !says(l->cell[2], "失败", "failed")) {
        bad(r, l, "the result is ok or failed");
        return OK;
    }
    if (strlen(l->cell[3]) > REFERENCE_MAX || utf8_length(l->cell[4]) > REASON_MAX) {
        bad(r, l, "the bank's reference or reason is too long");
        return OK;
    }
    enum err e = id_valid("dep", l->cell[1]) ? deposit_read(c, l->cell[1], &x->d) : ERR_NOT_FOUND;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        bad(r, l, "there is no deposit of this number");
    } else if (strcmp(arena_printf(c->arena, "%" PRId64, x->d.batch), l->cell[0]) != 0) {
        bad(r, l, "the deposit is not of this batch");
    } else {
        judge(r, x);
    }
    return OK;
}

static void check_twice(struct reading *r, const struct answer *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (*list[i].d.id && strcmp(list[i].d.id, list[k].d.id) == 0) {
                bad(r, list[i].line, "the deposit was answered in a line before");
                break;
            }
}

static enum err apply(struct ctx *c, struct answer *x, struct remittance_counts *out)
{
    const char *reference = x->line->cell[3], *reason = x->line->cell[4];
    if (x->known) {
        out->known++;
        return OK;
    }
    if (x->sent) {
        out->sent++;
        return deposit_sent(c, &x->d, reference);
    }
    out->failed++;
    return deposit_bounced(c, &x->d, reference, reason);
}

enum err remittance_import(struct ctx *c, const char *text, size_t size, struct remittance_counts *out)
{
    const struct result_line *lines;
    size_t n;
    *out = (struct remittance_counts){0};
    TRY(csv_read(c->arena, text, size, &lines, &n, c->fault));
    for (size_t i = 0; i < RESULT_COLUMNS; i++)
        if (n == 0 || lines[0].n != RESULT_COLUMNS || strcmp(lines[0].cell[i], in_titles[i]) != 0)
            return fail(c->fault, ERR_INVALID,
                        "the first line has to be the titles 批次,编号,结果,银行流水号,原因");
    struct answer *list = ARENA_ARRAY(c->arena, struct answer, n);
    struct reading r = {.complaints = BUF(c->arena)};
    for (size_t i = 1; i < n; i++)
        TRY(read_line(c, &r, &lines[i], &list[i - 1]));
    check_twice(&r, list, n - 1);
    out->complaints = buf_text(&r.complaints);
    if (r.bad)
        return fail(c->fault, ERR_INVALID, "%d lines are bad; nothing was imported", r.bad);
    for (size_t i = 0; i + 1 < n; i++) {
        TRY(apply(c, &list[i], out));
        TRY(batch_answered(c, list[i].d.batch));
    }
    out->lines = (int)n - 1;
    return OK;
}
