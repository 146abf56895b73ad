/* bill.h - what the suppliers' daily bills have in common: a Beijing day, and a table in CSV (libcsv). */
#ifndef CERTDESK_PROVIDER_BILL_H
#define CERTDESK_PROVIDER_BILL_H

#include "provider/payment.h"

enum {
    BILL_FILE_MAX = 32 << 20,
    BILL_FIELDS_MAX = 64,
};

/* Midnight of a date, "2026-11-21". ERR_INVALID when it is none. */
enum err bill_day(const char *date, int64_t *from_ms, struct fault *f);
/* At and after 10:00 of the next day a supplier that knows no bill says that nothing happened. */
bool bill_is_ready(int64_t from_ms, int64_t now_ms);

/* Calls `row` for each line with its fields: without white space at their ends, NUL-terminated, good for the
 * call. Stops at the first error that it returns. ERR_INVALID: no CSV, or a line of too many fields. */
enum err bill_csv(const char *text, size_t n,
                  enum err (*row)(void *arg, const char *const *fields, size_t n_fields), void *arg,
                  struct fault *f);

/* Column of a name in a head line, -1 when it is not there. */
int bill_column(const char *const *fields, size_t n, const char *name);
/* The columns of n_heads names; ERR_INVALID when one is not there. */
enum err bill_columns(const char *const *fields, size_t n, const char *const *heads, size_t n_heads,
                      int *columns);
/* A line's fields in those columns; ERR_INVALID when it is too short for one. */
enum err bill_cells(const char *const *fields, size_t n, const int *columns, size_t n_columns,
                    const char **out);

/* Rows that grow in an arena. */
struct bill_rows {
    struct arena *arena;
    struct payment_bill_row *rows;
    size_t n, cap;
};
/* Takes a copy of the row and of its texts. */
void bill_add(struct bill_rows *b, const struct payment_bill_row *row);

#endif
