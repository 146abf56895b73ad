#include "provider/bill.h"

#include "provider/when.h"

#include <csv.h>
#include <string.h>

static const int64_t hour_ms = 3600 * 1000;

enum err bill_day(const char *date, int64_t *from_ms, struct fault *f)
{
    return when_read_day(date, from_ms) ? OK : fail(f, ERR_INVALID, "a bill is of a date, 2026-11-21");
}

bool bill_is_ready(int64_t from_ms, int64_t now_ms)
{
    return now_ms >= from_ms + 34 * hour_ms;
}

/* One line as it grows: libcsv tells field by field. */
struct line {
    enum err (*row)(void *arg, const char *const *fields, size_t n_fields);
    void *arg;
    struct arena arena;
    struct arena_mark empty;
    const char *fields[BILL_FIELDS_MAX];
    size_t n;
    enum err e;
};

static void on_field(void *text, size_t n, void *arg)
{
    struct line *l = arg;
    if (l->n == BILL_FIELDS_MAX)
        l->e = ERR_INVALID;
    if (l->e == OK)
        l->fields[l->n++] = arena_strndup(&l->arena, text ? text : "", text ? n : 0);
}

static void on_line(int end, void *arg)
{
    (void)end;
    struct line *l = arg;
    if (l->e == OK)
        l->e = l->row(l->arg, l->fields, l->n);
    l->n = 0;
    arena_release(&l->arena, l->empty);
}

enum err bill_csv(const char *text, size_t n,
                  enum err (*row)(void *arg, const char *const *fields, size_t n_fields), void *arg,
                  struct fault *f)
{
    struct csv_parser p;
    struct line l = {.row = row, .arg = arg};
    if (csv_init(&p, 0) != 0)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    arena_init(&l.arena, 0);
    l.empty = arena_mark(&l.arena);
    bool whole =
        csv_parse(&p, text, n, on_field, on_line, &l) == n && csv_fini(&p, on_field, on_line, &l) == 0;
    csv_free(&p);
    arena_free(&l.arena);
    if (l.e == OK && !whole)
        return fail(f, ERR_INVALID, "the bill is no CSV");
    return l.e;
}

int bill_column(const char *const *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i], name) == 0)
            return (int)i;
    return -1;
}

enum err bill_columns(const char *const *fields, size_t n, const char *const *heads, size_t n_heads,
                      int *columns)
{
    for (size_t i = 0; i < n_heads; i++) {
        columns[i] = bill_column(fields, n, heads[i]);
        if (columns[i] < 0)
            return ERR_INVALID;
    }
    return OK;
}

enum err bill_cells(const char *const *fields, size_t n, const int *columns, size_t n_columns,
                    const char **out)
{
    for (size_t i = 0; i < n_columns; i++) {
        if ((size_t)columns[i] >= n)
            return ERR_INVALID;
        out[i] = fields[columns[i]];
    }
    return OK;
}

void bill_add(struct bill_rows *b, const struct payment_bill_row *row)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 64;
        struct payment_bill_row *more = ARENA_ARRAY(b->arena, struct payment_bill_row, cap);
        if (b->n)
            memcpy(more, b->rows, b->n * sizeof *more);
        b->rows = more;
        b->cap = cap;
    }
    struct payment_bill_row *r = &b->rows[b->n++];
    *r = *row;
    r->out_trade_no = arena_strdup(b->arena, row->out_trade_no);
    r->transaction_id = arena_strdup(b->arena, row->transaction_id);
    r->out_refund_no = arena_strdup(b->arena, row->out_refund_no);
}
