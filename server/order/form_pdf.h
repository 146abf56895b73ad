/* form_pdf.h - a printed form on A4: sections of labelled values, lines to sign on, a QR code (S16). Pure:
 * plain text in, PDF bytes out; by cairo and pango, so that any script wraps and shows as it should.
 */
#ifndef CERTDESK_ORDER_FORM_PDF_H
#define CERTDESK_ORDER_FORM_PDF_H

#include "base/arena.h"
#include "base/err.h"

struct form_row {
    const char *label, *value; /* a value that is "" leaves its row out */
    bool wide;                 /* over the whole width; else two such rows share a line */
};

struct form_section {
    const char *title;
    const struct form_row *rows;
    size_t n;
};

struct form {
    const char *title, *subtitle;
    const char *number; /* under the QR code, and what it reads as */
    const struct form_section *sections;
    size_t n_sections;
    const char *declaration;  /* above the lines to sign on */
    const char *const *signs; /* what each line to sign on is for */
    size_t n_signs;
    const char *const *notes; /* numbered, below: what to enclose, where to post it */
    size_t n_notes;
    const char *footer; /* small, on every page */
};

/* ERR_INTERNAL when nothing can be drawn (no font, no memory). The bytes are in the arena. */
enum err form_pdf(struct arena *a, const struct form *form, const void **pdf, size_t *n, struct fault *f);

#endif
