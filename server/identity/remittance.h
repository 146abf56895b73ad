/* remittance.h - micro-deposits by the desk's own bank: a file out, the bank's answer in (S6, providers.md
 * 0).
 *
 *   out   批次,编号,收款户名,收款账号,开户行,开户地址,联行号,金额,附言
 *   in    批次,编号,结果,银行流水号,原因         结果: 成功 / 失败 (or ok / failed)
 *
 * UTF-8 with a byte order mark out; UTF-8 or GB18030 in. The titles are the first line of both. What a file
 * holds is committed before it is written, so a crash in between costs nothing: the batch is written again by
 * its number, with the same lines, until the bank has answered them. A file with a line that is wrong in
 * itself (a title, a number, a batch, a result) is refused whole: perhaps it is another file. A right line
 * that contradicts what is known of its deposit (a failure after its code was read; a success after a
 * failure) is refused alone, reported and left to a person: the others must not wait for it. Taking a file
 * twice changes nothing.
 */
#ifndef CERTDESK_IDENTITY_REMITTANCE_H
#define CERTDESK_IDENTITY_REMITTANCE_H

#include "identity/deposit.h"

/* S6: the PIN of a micro-deposit's order goes by the remark of a second deposit, once per key (a
 * personalisation) of this UKEY; remark: at most 30 bytes of GBK, which every bank carries whole. *taken
 * false: by SMS, as the other methods do and identity_secret_way() says. What was verified by a remark gets
 * its PIN by one. */
enum err deposit_pin(struct ctx *c, const struct order *o, const char *key, const char *medium_number,
                     const char *remark, bool *taken);

/* Inside a transaction: puts everything that waits, and is still waited for, into a new batch. *batch 0:
 * there is nothing. */
enum err remittance_batch(struct ctx *c, int64_t *batch, int *n);
/* Inside a transaction, because it is written down that it leaves: the file of a batch, those of its deposits
 * that the bank has not answered. NOT_FOUND; PRECONDITION: it has answered all. */
enum err remittance_file(struct ctx *c, int64_t batch, const char **out, size_t *size);

struct line_problem {
    int line, column; /* from 1; column 0: the whole line */
    const char *text, *text_zh;
};
struct remittance_counts {
    int lines, sent, failed, known;      /* known: answered before */
    const struct line_problem *problems; /* on OK: lines that were refused alone; else what is bad */
    size_t n_problems;
};
/* Inside a transaction: the bank's answer. INVALID when a line is bad, or it is no such file. */
enum err remittance_import(struct ctx *c, const char *text, size_t size, struct remittance_counts *out);

struct batch_row {
    int64_t id, created_ms;
    int n, sent, failed, open;
};
/* Deposits that want a person: of a PIN that came back, or that a supplier may or may not have sent. */
struct deposit_row {
    const char *id, *order, *provider;
    int state, purpose;
    int64_t updated_ms;
};
enum err remittance_stuck(struct ctx *c, const struct deposit_row **out, size_t *n);
/* Deposits that wait for a batch or want a person. The mark differs when any deposit moved. */
enum err remittances_waiting(struct ctx *c, int64_t *n, int64_t *mark);
/* Inside a transaction: a PIN that came back waits for the next batch, under a new number. NOT_FOUND;
 * PRECONDITION for any other deposit. */
enum err remittance_again(struct ctx *c, const char *id, struct deposit *out);
/* Newest first; *waiting: deposits that are in none yet. */
enum err remittance_list(struct ctx *c, const struct batch_row **out, size_t *n, int *waiting);

/* -- store (remittance_store.c) -- */
/* Ids of the deposits that wait for a batch, or are in one and not answered, oldest first. */
enum err remittance_waiting(struct ctx *c, const char *const **out, size_t *n);
enum err remittance_unanswered(struct ctx *c, int64_t batch, const char *const **out, size_t *n);
/* Frees the purpose of a failed deposit for another one, and forgets what it held. */
enum err deposit_step_aside(struct ctx *c, const struct deposit *d);
bool deposit_stood_aside(const struct deposit *d); /* that is what became of it */
enum err batch_insert(struct ctx *c, int n, int64_t *id);
enum err batch_exists(struct ctx *c, int64_t id, bool *found);
enum err batch_answered(struct ctx *c, int64_t id);

/* -- files (remittance_csv.c); pure -- */
enum {
    RESULT_COLUMNS = 5
};
struct result_line {
    int line; /* in the file, from 1, where it begins */
    size_t n; /* cells that it has */
    const char *cell[RESULT_COLUMNS];
};
void csv_line(struct buf *b, const char *const *cells, size_t n);
/* INVALID when it is no CSV. Cells without white space around them. */
enum err csv_read(struct arena *a, const char *text, size_t size, const struct result_line **out, size_t *n,
                  struct fault *f);

#endif
