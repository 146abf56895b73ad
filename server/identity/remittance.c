#include "identity/remittance.h"

#include "base/log.h"
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
    TRY(deposit_tell_expired(c, &w, d));
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
    return audit_add(c, &(struct audit_entry){.action = "remittance.file",
                                              .object = arena_printf(c->arena, "%" PRId64, batch),
                                              .detail = arena_printf(c->arena, "{\"lines\":%zu}", n)});
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
    struct arena *a;
    struct line_problem *problems;
    size_t n, cap;
    int bad; /* of them, those for which the file is refused */
};

/* Columns of an answer. */
enum {
    WHOLE_LINE,
    OF_BATCH,
    OF_NUMBER,
    OF_RESULT,
    OF_REFERENCE,
    OF_REASON
};

static void add(struct reading *r, const struct result_line *l, int column, const char *en, const char *zh)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct line_problem *more = ARENA_ARRAY(r->a, struct line_problem, cap);
        if (r->n)
            memcpy(more, r->problems, r->n * sizeof *more);
        r->problems = more;
        r->cap = cap;
    }
    r->problems[r->n++] = (struct line_problem){l->line, column, en, zh};
}

static void bad(struct reading *r, const struct result_line *l, int column, const char *en, const char *zh)
{
    add(r, l, column, en, zh);
    r->bad++;
}

static bool says(const char *cell, const char *zh, const char *en)
{
    return strcmp(cell, zh) == 0 || strcasecmp(cell, en) == 0;
}

struct answer {
    const struct result_line *line;
    struct deposit d;
    bool sent, known, refused;
};

static void contradicts(struct reading *r, struct answer *x, const char *en, const char *zh)
{
    add(r, x->line, OF_RESULT, en, zh);
    x->refused = true;
}

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
        bad(r, x->line, OF_NUMBER, "this deposit was given to no bank", "该笔打款尚未提交银行");
    else if (x->sent && failed)
        contradicts(r, x, "this deposit failed before", "该笔打款此前已登记为失败");
    else if (!x->sent && d->state == DEPOSIT_USED)
        contradicts(r, x, "the code of this deposit was read already", "该笔打款的附言已被正确填写");
    /* dropped since it was given to the bank: the money moved, and the row should say so; nothing else does
     */
}

static enum err read_line(struct ctx *c, struct reading *r, const struct result_line *l, struct answer *x)
{
    *x = (struct answer){.line = l, .sent = says(l->cell[2], "成功", "ok")};
    if (l->n != RESULT_COLUMNS) {
        bad(r, l, WHOLE_LINE, "a line has five cells", "每行应有五列");
        return OK;
    }
    if (!x->sent && !says(l->cell[2], "失败", "failed")) {
        bad(r, l, OF_RESULT, "the result is ok or failed", "结果应为“成功”或“失败”");
        return OK;
    }
    bool reference = strlen(l->cell[3]) > REFERENCE_MAX;
    if (reference || utf8_length(l->cell[4]) > REASON_MAX) {
        bad(r, l, reference ? OF_REFERENCE : OF_REASON, "the bank's reference or reason is too long",
            "银行流水号或原因过长");
        return OK;
    }
    enum err e = id_valid("dep", l->cell[1]) ? deposit_read(c, l->cell[1], &x->d) : ERR_NOT_FOUND;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        bad(r, l, OF_NUMBER, "there is no deposit of this number", "没有该编号的打款");
    } else if (strcmp(arena_printf(c->arena, "%" PRId64, x->d.batch), l->cell[0]) != 0) {
        bad(r, l, OF_BATCH, "the deposit is not of this batch", "该笔打款不属于该批次");
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
                bad(r, list[i].line, OF_NUMBER, "the deposit was answered in a line before",
                    "该编号在前面已出现");
                break;
            }
}

static enum err apply(struct ctx *c, struct answer *x, struct remittance_counts *out)
{
    const char *reference = x->line->cell[3], *reason = x->line->cell[4];
    if (x->refused)
        LOG(ERROR, "remittance.contradicted", KV_S("deposit", x->d.id), KV_I("line", x->line->line),
            KV_S("bank", x->sent ? "ok" : "failed"));
    if (x->refused || x->known) {
        out->known += x->known;
        return OK;
    }
    if (x->sent) {
        out->sent++;
        return deposit_sent(c, &x->d, reference);
    }
    out->failed++;
    return deposit_bounced(c, &x->d, reference, reason);
}

static enum err read_lines(struct ctx *c, const char *text, size_t size, const struct result_line **lines,
                           size_t *n)
{
    TRY(csv_read(c->arena, text, size, lines, n, c->fault));
    for (size_t i = 0; i < RESULT_COLUMNS; i++)
        if (*n == 0 || (*lines)[0].n != RESULT_COLUMNS || strcmp((*lines)[0].cell[i], in_titles[i]) != 0) {
            enum err e =
                fail(c->fault, ERR_INVALID,
                     "line 1, column %zu: the titles have to be 批次,编号,结果,银行流水号,原因", i + 1);
            snprintf(c->fault->text_zh, sizeof c->fault->text_zh,
                     "第1行第%zu列：标题应为 批次,编号,结果,银行流水号,原因", i + 1);
            return e;
        }
    return OK;
}

static enum err refuse_file(struct ctx *c, int n)
{
    enum err e = fail(c->fault, ERR_INVALID, "%d lines are bad; nothing was imported", n);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "有%d行错误，文件未导入", n);
    return e;
}

static enum err write_down(struct ctx *c, const struct answer *list, const struct remittance_counts *n)
{
    const char *detail =
        arena_printf(c->arena, "{\"lines\":%d,\"sent\":%d,\"failed\":%d,\"known\":%d,\"refused\":%zu}",
                     n->lines, n->sent, n->failed, n->known, n->n_problems);
    return audit_add(c, &(struct audit_entry){.action = "remittance.import",
                                              .object = n->lines ? list[0].line->cell[0] : "",
                                              .detail = detail});
}

enum err remittance_import(struct ctx *c, const char *text, size_t size, struct remittance_counts *out)
{
    const struct result_line *lines;
    size_t n;
    *out = (struct remittance_counts){0};
    TRY(read_lines(c, text, size, &lines, &n));
    struct answer *list = ARENA_ARRAY(c->arena, struct answer, n);
    struct reading r = {.a = c->arena};
    for (size_t i = 1; i < n; i++)
        TRY(read_line(c, &r, &lines[i], &list[i - 1]));
    check_twice(&r, list, n - 1);
    out->problems = r.problems;
    out->n_problems = r.n;
    if (r.bad)
        return refuse_file(c, r.bad);
    for (size_t i = 0; i + 1 < n; i++) {
        TRY(apply(c, &list[i], out));
        TRY(batch_answered(c, list[i].d.batch));
    }
    out->lines = (int)n - 1;
    return write_down(c, list, out);
}
