/* db.h - connections, statements and results: the only user of MariaDB Connector/C.
 *
 * SQL is a literal at the call (anything else does not compile), prepared once per connection and kept by the
 * address of its text. Arguments and results are bound by type; no text is ever pasted into SQL.
 *
 *     struct rows r;
 *     TRY(db_query(c, &r, SQL("SELECT id, state FROM orders WHERE id = ?"), TEXT(id)));
 *     uint64_t changed;
 *     TRY(db_exec(c, &changed, SQL("UPDATE orders SET state = ? WHERE id = ? AND version = ?"),
 *                 INT(to), TEXT(id), INT(version)));
 *
 * Errors of the server become enum err here and nowhere else (reliability: the error table): DB_RETRY for
 * 1213 and 1020 and 1205, DB_DUPLICATE for 1062 (ctx->fault->resource names the key), UNAVAILABLE for lost or
 * refused connections, INTERNAL for the rest. Any error inside a transaction except DB_DUPLICATE poisons the
 * connection until ROLLBACK: further statements answer the same error without being sent. Driver text goes to
 * the log, never to the caller.
 */
#ifndef CERTDESK_CORE_DB_H
#define CERTDESK_CORE_DB_H

#include "core/ctx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_options {
    const char *socket; /* Unix socket, or NULL */
    const char *host;   /* when there is no socket */
    unsigned port;
    const char *user, *password;
    const char *schema;      /* NULL: connect without choosing one */
    unsigned read_timeout_s; /* 0: 3 s; the longest a worker can hang on a frozen server */
};

/* A literal, by construction: "" text "" does not compile for anything else. */
struct sql {
    const char *text;
};
#define SQL(literal) ((struct sql){"" literal ""})

enum arg_kind {
    ARG_NULL,
    ARG_INT,
    ARG_TEXT,
    ARG_BYTES,
};
struct arg {
    enum arg_kind kind;
    int64_t number;
    const void *p;
    size_t n;
};
#define INT(v)      ((struct arg){.kind = ARG_INT, .number = (int64_t)(v)})
#define TEXT(v)     db_text_arg(v) /* NULL becomes SQL NULL */
#define BYTES(q, m) ((struct arg){.kind = ARG_BYTES, .p = (q), .n = (m)})
#define SQLNULL     ((struct arg){.kind = ARG_NULL})
struct arg db_text_arg(const char *s);

/* A result, whole, in ctx->arena. */
struct cell {
    bool null;
    int64_t number;   /* integer columns, SUM() and the like included; a bare ? in a SELECT list is text */
    const char *text; /* others: bytes, with a NUL behind them; "" for NULL */
    size_t n;
};
struct rows {
    size_t n, columns;
    const struct cell *cells; /* n * columns, row by row */
};
static inline const struct cell *row_cell(const struct rows *r, size_t row, size_t column)
{
    return &r->cells[row * r->columns + column];
}
/* Integer, text, and bytes of a cell; column order is the SELECT's. */
static inline int64_t row_int(const struct rows *r, size_t row, size_t column)
{
    return row_cell(r, row, column)->number;
}
static inline const char *row_text(const struct rows *r, size_t row, size_t column)
{
    return row_cell(r, row, column)->text;
}

/* Opens a connection and applies the session settings (READ COMMITTED is not used: REPEATABLE READ with
 * snapshot isolation, strict mode, utf8mb4, time zone UTC, short lock wait, max_statement_time). Never
 * reconnects silently. */
enum err db_open(const struct db_options *o, struct db **out, struct fault *f);
void db_close(struct db *db);
/* Alive or not, without waiting: false after an error that broke the connection. */
bool db_usable(const struct db *db);
/* Between statements: false when the server has closed the connection meanwhile, which is then broken. One
 * poll(2), no statement. */
bool db_still_there(struct db *db);

/* Statements through the ctx: c->db, c->arena, c->fault. Use the macros. */
enum err db_query_(struct ctx *c, struct rows *out, struct sql q, const struct arg *args, size_t n);
enum err db_exec_(struct ctx *c, uint64_t *changed, struct sql q, const struct arg *args, size_t n);
#define DB_ARGS_(...)                                                                                        \
    (const struct arg[]){__VA_ARGS__ __VA_OPT__(, ) SQLNULL},                                                \
        sizeof((const struct arg[]){__VA_ARGS__ __VA_OPT__(, ) SQLNULL}) / sizeof(struct arg) - 1
/* SELECT: all rows. */
#define db_query(c, rows, q, ...) db_query_((c), (rows), (q), DB_ARGS_(__VA_ARGS__))
/* INSERT, UPDATE, DELETE: number of rows matched and changed; changed may be NULL. */
#define db_exec(c, changed, q, ...) db_exec_((c), (changed), (q), DB_ARGS_(__VA_ARGS__))
/* UPDATE that must change exactly one row: ERR_CONFLICT otherwise (compare-and-set). */
#define db_exec_one(c, q, ...) db_exec_one_((c), (q), DB_ARGS_(__VA_ARGS__))
enum err db_exec_one_(struct ctx *c, struct sql q, const struct arg *args, size_t n);

/* Many rows in one statement by array binding: args holds n_rows * n_columns, row by row. */
enum err db_exec_rows(struct ctx *c, struct sql q, const struct arg *args, size_t n_rows, size_t n_columns);

/* Number of statements that this connection has sent, for benchmarks and the k-th-statement-fails tests. */
uint64_t db_statements(const struct db *db);

#endif
