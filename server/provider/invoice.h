/* invoice.h - electronic invoices: blue after a payment, red when money goes back. (S15, S12)
 *
 * Amounts are fen, tax included; the tax is taken out of the total here, in integers. Our order number is
 * what makes a repeat harmless: the supplier refuses a number that it has seen (ERR_EXISTS). After an unknown
 * outcome query by it; never make a new number.
 *
 * An invoice exists from the moment when the tax platform gave it a number; its files come a little later,
 * and the links to them expire: what is to last is fetched at once.
 */
#ifndef CERTDESK_PROVIDER_INVOICE_H
#define CERTDESK_PROVIDER_INVOICE_H

#include "provider/provider.h"

enum {
    INVOICE_ORDER_NO_MAX = 20,
    INVOICE_FILE_MAX = 3 << 20, /* bytes of one file */
    INVOICE_YUAN_SIZE = 24,
};

/* Who buys. Absent fields are NULL or "". */
struct invoice_buyer {
    const char *name; /* the title */
    const char *tax_number, *address, *phone, *account /* bank and number */;
};

/* Who sells, and what. NULL or "" members: as the supplier's settings say. */
struct invoice_terms {
    const char *seller_tax_number, *seller_address, *seller_phone, *clerk;
    const char *goods_name, *goods_code; /* 19 digits: the tax classification */
    const char *invoice_line;            /* "pc", "bs", "p" */
    const char *tax_rate;                /* "0.06" */
};

/* So many of one thing at one price, tax included. */
struct invoice_line {
    const char *name; /* NULL or "": the terms' goods_name */
    int quantity;
    int64_t unit_fen;
};

struct invoice_order {
    const char *order_no; /* ours: at most 20 letters and digits, unique per seller */
    int64_t ordered_ms;
    int64_t total_fen;                /* > 0, tax included */
    const struct invoice_line *lines; /* that add up to it; none: one line for the whole */
    size_t n_lines;
    struct invoice_buyer buyer;
    struct invoice_terms terms;
    const char *remark;       /* may be NULL */
    const char *callback_url; /* may be NULL */
};

/* A whole invoice taken back. */
struct invoice_reversal {
    const char *order_no; /* of the red one: another number under the same rule */
    int64_t ordered_ms;
    struct invoice_order blue; /* as it was issued */
    const char *blue_serial, *blue_code, *blue_number;
    const char *callback_url;
};

/* Where an invoice is at the supplier. */
enum invoice_stage {
    INVOICE_ABSENT,   /* it does not know the number */
    INVOICE_ISSUING,  /* accepted, on its way to the tax platform */
    INVOICE_SEALING,  /* issued, the files are being sealed */
    INVOICE_ISSUED,   /* final: number and files are there */
    INVOICE_FAILED,   /* final: it was not issued; retry, or another number with better data */
    INVOICE_UNSEALED, /* issued, but sealing failed: retry */
    INVOICE_VOID,     /* somebody took it back there, or is about to */
};

struct invoice_status {
    enum invoice_stage stage;
    char order_no[INVOICE_ORDER_NO_MAX + 1];
    char serial[64];            /* the supplier's */
    char code[16], number[32];  /* invoices of before 2023 have a code; today's number has 20 digits */
    int64_t issued_ms;          /* 0 when not told */
    int64_t total_fen, tax_fen; /* of a red one they are negative; 0 when not told */
    const char *pdf_url, *ofd_url, *xml_url; /* in the arena; "" when there is none */
    char cause[192];                         /* why it failed */
    struct provider_trace trace;
};

enum invoice_file_kind {
    INVOICE_PDF = 1,
    INVOICE_OFD, /* where there is one, this or the XML is the legal original, and the PDF its picture */
    INVOICE_XML,
};

/* What a callback says. It is not signed: a hint to query, no more. */
struct invoice_event {
    char order_no[INVOICE_ORDER_NO_MAX + 1];
    char serial[64];
    char state[8]; /* the supplier's */
};

struct invoice_ops {
    const char *name; /* "nuonuo" */
    /* Where its access tokens are kept: borrowed, given once, before any call. Without it they live as long
     * as the port. */
    void (*use_tokens)(void *self, const struct provider_tokens *t);
    /* No network: what it would put on an invoice of such terms, where they say nothing too. Lives as long as
     * the port and `own`. */
    struct invoice_terms (*complete)(void *self, const struct invoice_terms *own);
    /* OK: accepted, which is not issued: query. ERR_EXISTS: the number is known: query. */
    enum err (*issue)(void *self, const struct invoice_order *o, struct arena *a, char serial[static 64],
                      struct provider_trace *trace, struct fault *f);
    enum err (*red)(void *self, const struct invoice_reversal *r, struct arena *a, char serial[static 64],
                    struct provider_trace *trace, struct fault *f);
    /* Tries again what failed, under its number; RATE_LIMITED when it was tried too often today. */
    enum err (*retry)(void *self, const char *seller, const char *order_no, const char *serial,
                      struct arena *a, struct provider_trace *trace, struct fault *f);
    /* OK with INVOICE_ABSENT when the supplier does not know the number. seller: the tax number that the
     * order names; NULL or "": the settings' own. */
    enum err (*query)(void *self, const char *seller, const char *order_no, struct arena *a,
                      struct invoice_status *out, struct fault *f);
    /* The bytes behind a link of a status, of the kind that was promised. NOT_FOUND: the link has expired;
     * query for another. ERR_INVALID: the link leads where we do not go. */
    enum err (*fetch)(void *self, enum invoice_file_kind kind, const char *url, struct arena *a,
                      const void **bytes, size_t *n, struct fault *f);
    /* No network. ERR_INVALID for what is no callback of this supplier's. */
    enum err (*callback_read)(void *self, const char *body, size_t n, struct arena *a,
                              struct invoice_event *out, struct fault *f);
    void (*close)(void *self);
};

struct invoice_port {
    const struct invoice_ops *ops;
    void *self;
    bool simulator;
};

/* "ISSUED". Static storage. */
const char *invoice_stage_name(enum invoice_stage s);
/* "application/pdf". Static storage; NULL for a kind that is none. */
const char *invoice_file_type(enum invoice_file_kind kind);
const char *invoice_file_suffix(enum invoice_file_kind kind); /* "pdf" */

/* "280.00", "-0.01" */
void invoice_yuan(int64_t fen, char out[static INVOICE_YUAN_SIZE]);
/* The other way: digits, at most two decimals. */
bool invoice_read_yuan(const char *yuan, int64_t *fen);
/* "0.06" as ten-thousandths, 600; at most four decimals, less than 1. */
bool invoice_read_rate(const char *rate, int64_t *out);
/* Whether the lines, each at least one of something that costs something, make the total; none do, too. */
bool invoice_adds_up(const struct invoice_line *lines, size_t n, int64_t total_fen);
/* Tax contained in a total at a rate of ten-thousandths, to the nearest fen. */
int64_t invoice_tax(int64_t total_fen, int64_t rate);

#endif
