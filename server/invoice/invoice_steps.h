/* invoice_steps.h - what handlers, jobs and callbacks ask of this folder's rules, inside a transaction. */
#ifndef CERTDESK_INVOICE_INVOICE_STEPS_H
#define CERTDESK_INVOICE_INVOICE_STEPS_H

#include "invoice/invoice_moves.h"
#include "invoice/invoice_store.h"

/* One whose order the caller may see; NOT_FOUND otherwise. */
enum err invoice_load(struct ctx *c, const char *id, struct invoice *out);

static inline struct inv_paper *invoice_paper(struct invoice *v, bool red)
{
    return red ? &v->red : &v->blue;
}

/* What the supplier says became of the paper: moves, and queues what follows. n counts the looks. */
enum err invoice_found(struct ctx *c, struct invoice *v, bool red, const struct invoice_status *s, int n);
/* The next look at what nobody told us about. */
enum err invoice_poll_later(struct ctx *c, const struct invoice *v, bool red, int n);
/* The job that sends; n: the look that found it missing there, 0 the first time. */
enum err invoice_send_job(struct ctx *c, const struct invoice *v, bool red, int n);
/* It was not sent and will not be, without a doubt: back, or dropped when the money went back meanwhile. */
enum err invoice_unsent(struct ctx *c, struct invoice *v);
/* It failed, for this cause; or dropped, as above. */
enum err invoice_failed(struct ctx *c, struct invoice *v, const char *cause);

/* Files are stored: rows, and the one mail. */
enum err invoice_archived(struct ctx *c, struct invoice *v, bool red, const struct inv_file *files, size_t n);
/* Queues a mail; `dedupe` is what makes it one. */
enum err invoice_mail(struct ctx *c, const struct invoice *v, bool red, const char *to, const char *dedupe);

/* S12: the title stays, the rest may be corrected; NULL: as before. From FAILED under the next number; a red
 * one that failed is asked for again as it is. INVALID with every bad field; PRECONDITION. */
enum err invoice_retry(struct ctx *c, const char *id, const struct purchase *correction, struct invoice *out);
/* To this address, or ("") to the invoice's own; one a minute, five a day: RATE_LIMITED. */
enum err invoice_resend(struct ctx *c, const char *id, const char *email);
/* A file's bytes, digest checked; kind 0: the PDF. NOT_FOUND. */
enum err invoice_bytes(struct ctx *c, const char *id, bool red, int kind, struct inv_file *file,
                       const void **bytes, size_t *n);

/* True when it should have been mailed and was not. */
bool invoice_is_late(const struct invoice *v);

#endif
