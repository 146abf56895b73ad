/* invoice_store.h - every statement about invoices and their files. */
#ifndef CERTDESK_INVOICE_INVOICE_STORE_H
#define CERTDESK_INVOICE_INVOICE_STORE_H

#include "invoice/invoice.h"
#include "provider/invoice.h"

/* ERR_DB_DUPLICATE when the order has one, or its number is taken. */
enum err invoice_insert(struct ctx *c, const struct invoice *v);
/* Whoever asks; NOT_FOUND. */
enum err invoice_read(struct ctx *c, const char *id, struct invoice *out);
enum err invoice_read_order(struct ctx *c, const char *order_id, struct invoice *out);
enum err invoice_read_callback(struct ctx *c, const char *key, struct invoice *out);
struct invoice_listed {
    struct invoice invoice;
    bool of_person; /* its title is a person's name */
};
/* Newest first, ids below `before` ("": the first page). attention: FAILED and RED_FAILED. */
enum err invoice_list(struct ctx *c, bool attention, const char *before, int limit,
                      struct invoice_listed **out, size_t *n);
/* How many wait for a person. The mark differs when one was made or one that is not settled moved. */
enum err invoices_waiting(struct ctx *c, int64_t *n, int64_t *mark);
/* Stores everything that may change; must match v's state and version. On OK *v has the new ones. */
enum err invoice_update(struct ctx *c, struct invoice *v, enum inv_state to);

struct inv_file {
    enum invoice_file_kind kind;
    unsigned char digest[32];
    int64_t size;
};
enum {
    INV_FILES = 3
};
/* What is there already stays. */
enum err invoice_file_insert(struct ctx *c, const char *id, bool red, const struct inv_file *f);
enum err invoice_files(struct ctx *c, const char *id, bool red, struct inv_file out[static INV_FILES],
                       size_t *n);

#endif
