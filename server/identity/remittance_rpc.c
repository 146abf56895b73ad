/* RemittanceService: files for the desk's bank and its answers, over the wire (S6). */
#include "convert/convert.h"
#include "core/page.h"
#include "identity/identity_rpc.h"
#include "identity/remittance.h"

#include <certdesk/v1/remittance_service.pb-c.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 4 << 20
};

static PB(RemittanceBatch) * to_batch(struct ctx *c, const struct batch_row *b)
{
    PB(RemittanceBatch) *out = ARENA_NEW(c->arena, PB(RemittanceBatch));
    PB_INIT(remittance_batch, out);
    out->number = b->id;
    out->create_time = to_timestamp(c->arena, b->created_ms);
    out->deposits = b->n;
    out->sent = b->sent;
    out->failed = b->failed;
    out->open = b->open;
    return out;
}

static PB(StuckDeposit) * to_stuck(struct ctx *c, const struct deposit_row *d)
{
    PB(StuckDeposit) *out = ARENA_NEW(c->arena, PB(StuckDeposit));
    PB_INIT(stuck_deposit, out);
    out->id = to_text(c->arena, d->id);
    out->order_id = to_text(c->arena, d->order);
    out->cause = to_text(c->arena, d->purpose == DEPOSIT_PIN ? "PIN" : "DOUBTFUL");
    out->supplier = to_text(c->arena, d->provider);
    out->update_time = to_timestamp(c->arena, d->updated_ms);
    return out;
}

RPC_HANDLER(list_remittances, ListRemittancesRequest, ListRemittancesResponse)
{
    (void)in;
    const struct batch_row *batches;
    const struct deposit_row *stuck;
    int waiting;
    TRY(remittance_list(c, &batches, &out->n_batches, &waiting));
    TRY(remittance_stuck(c, &stuck, &out->n_stuck));
    out->waiting = waiting;
    out->batches = ARENA_ARRAY(c->arena, PB(RemittanceBatch) *, out->n_batches + 1);
    for (size_t i = 0; i < out->n_batches; i++)
        out->batches[i] = to_batch(c, &batches[i]);
    out->stuck = ARENA_ARRAY(c->arena, PB(StuckDeposit) *, out->n_stuck + 1);
    for (size_t i = 0; i < out->n_stuck; i++)
        out->stuck[i] = to_stuck(c, &stuck[i]);
    return OK;
}

static enum err file_of(struct ctx *c, int64_t batch, ProtobufCBinaryData *out)
{
    const char *text;
    TRY(remittance_file(c, batch, &text, &out->len));
    out->data = arena_memdup(c->arena, text, out->len);
    return OK;
}

RPC_HANDLER(export_remittance, ExportRemittanceRequest, ExportRemittanceResponse)
{
    (void)in;
    int n;
    TRY(remittance_batch(c, &out->number, &n));
    out->deposits = n;
    if (n > 0)
        return file_of(c, out->number, &out->file);
    enum err e = fail(c->fault, ERR_PRECONDITION, "no deposit waits for the bank");
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "没有待提交银行的打款");
    c->keep = true; /* those that nobody waits for any more were dropped */
    return e;
}

RPC_HANDLER(download_remittance, DownloadRemittanceRequest, DownloadRemittanceResponse)
{
    return file_of(c, in->number, &out->file);
}

/* As many as a fault has room for; the sentence has their number. */
static void as_violations(struct ctx *c, const struct remittance_counts *n)
{
    for (size_t i = 0; i < n->n_problems; i++) {
        const struct line_problem *p = &n->problems[i];
        const char *at = p->column ? arena_printf(c->arena, "line %d, column %d", p->line, p->column)
                                   : arena_printf(c->arena, "line %d", p->line);
        const char *zh = p->column ? arena_printf(c->arena, "第%d行第%d列", p->line, p->column)
                                   : arena_printf(c->arena, "第%d行", p->line);
        fault_field(c->fault, "file", "LINE", arena_printf(c->arena, "%s: %s", at, p->text),
                    arena_printf(c->arena, "%s：%s", zh, p->text_zh));
    }
}

static PB(RemittanceProblem) * to_problem(struct ctx *c, const struct line_problem *p)
{
    PB(RemittanceProblem) *out = ARENA_NEW(c->arena, PB(RemittanceProblem));
    PB_INIT(remittance_problem, out);
    out->line = p->line;
    out->column = p->column;
    out->text = to_text(c->arena, p->text);
    out->text_zh = to_text(c->arena, p->text_zh);
    return out;
}

RPC_HANDLER(import_remittance, ImportRemittanceRequest, ImportRemittanceResponse)
{
    struct remittance_counts n;
    enum err e = remittance_import(c, (const char *)in->file.data, in->file.len, &n);
    if (e == ERR_INVALID)
        as_violations(c, &n);
    TRY(e);
    out->lines = n.lines;
    out->sent = n.sent;
    out->failed = n.failed;
    out->known = n.known;
    out->n_problems = n.n_problems;
    out->problems = ARENA_ARRAY(c->arena, PB(RemittanceProblem) *, n.n_problems + 1);
    for (size_t i = 0; i < n.n_problems; i++)
        out->problems[i] = to_problem(c, &n.problems[i]);
    return OK;
}

RPC_HANDLER(repeat_deposit, RepeatDepositRequest, RepeatDepositResponse)
{
    struct deposit d;
    TRY(remittance_again(c, in->deposit_id, &d));
    out->deposit_id = to_text(c->arena, d.id);
    return OK;
}

#define MONEY (ROLE_ADMIN | ROLE_FINANCE)
#define ROW(m, who, how, fn, ...)                                                                            \
    {                                                                                                        \
        .service = PB_SERVICE(remittance_service), .method = (m), .access = ACCESS_STAFF, .roles = (who),    \
        .mode = (how), .handler = (fn), __VA_ARGS__                                                          \
    }

static const struct rpc_row rows[] = {
    ROW("ListRemittances", MONEY | ROLE_AUDITOR, MODE_READ, list_remittances),
    ROW("ExportRemittance", MONEY, MODE_WRITE, export_remittance),
    ROW("DownloadRemittance", MONEY, MODE_WRITE, download_remittance),
    ROW("ImportRemittance", MONEY, MODE_WRITE, import_remittance, .max_request = FILE_MAX + 1024),
    ROW("RepeatDeposit", MONEY, MODE_WRITE, repeat_deposit),
};

const struct rpc_table remittance_rpc = {rows, sizeof rows / sizeof *rows};
