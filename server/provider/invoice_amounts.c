/* Money and names of invoices: pure. */
#include "provider/invoice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

enum {
    WHOLE = 10000, /* a rate of 1 */
    DIGITS_MAX = 13,
};

const char *invoice_stage_name(enum invoice_stage s)
{
    static const char *const names[] = {
        [INVOICE_ABSENT] = "ABSENT", [INVOICE_ISSUING] = "ISSUING", [INVOICE_SEALING] = "SEALING",
        [INVOICE_ISSUED] = "ISSUED", [INVOICE_FAILED] = "FAILED",   [INVOICE_UNSEALED] = "UNSEALED",
        [INVOICE_VOID] = "VOID",
    };
    return (size_t)s < N(names) ? names[s] : "UNKNOWN";
}

const char *invoice_file_type(enum invoice_file_kind kind)
{
    static const char *const types[] = {[INVOICE_PDF] = "application/pdf",
                                        [INVOICE_OFD] = "application/ofd",
                                        [INVOICE_XML] = "application/xml"};
    return (size_t)kind < N(types) ? types[kind] : NULL;
}

const char *invoice_file_suffix(enum invoice_file_kind kind)
{
    const char *type = invoice_file_type(kind);
    return type ? strchr(type, '/') + 1 : NULL;
}

void invoice_yuan(int64_t fen, char out[static INVOICE_YUAN_SIZE])
{
    uint64_t all = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
    snprintf(out, INVOICE_YUAN_SIZE, "%s%" PRIu64 ".%02u", fen < 0 ? "-" : "", all / 100,
             (unsigned)(all % 100));
}

/* Digits, perhaps a point and at most `decimals` digits, as a whole number of the smallest unit. */
static bool read_decimal(const char *s, size_t decimals, int64_t *out)
{
    size_t whole = s ? strspn(s, "0123456789") : 0;
    if (whole == 0 || whole > DIGITS_MAX)
        return false;
    const char *rest = s + whole;
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    if (*rest == '.' ? fraction == 0 || rest[1 + fraction] : *rest)
        return false;
    for (; fraction > decimals; fraction--) /* "280.0000" */
        if (rest[fraction] != '0')
            return false;
    int64_t n = strtoll(s, NULL, 10);
    for (size_t i = 0; i < decimals; i++)
        n = n * 10 + (i < fraction ? rest[1 + i] - '0' : 0);
    *out = n;
    return true;
}

bool invoice_read_yuan(const char *yuan, int64_t *fen)
{
    bool minus = yuan && *yuan == '-';
    if (!read_decimal(minus ? yuan + 1 : yuan, 2, fen))
        return false;
    *fen = minus ? -*fen : *fen;
    return true;
}

bool invoice_read_rate(const char *rate, int64_t *out)
{
    return read_decimal(rate, 4, out) && *out < WHOLE;
}

bool invoice_adds_up(const struct invoice_line *lines, size_t n, int64_t total_fen)
{
    int64_t sum = 0, amount;
    for (size_t i = 0; i < n; i++)
        if (lines[i].quantity < 1 || lines[i].unit_fen < 1 ||
            __builtin_mul_overflow(lines[i].unit_fen, (int64_t)lines[i].quantity, &amount) ||
            __builtin_add_overflow(sum, amount, &sum))
            return false;
    return n == 0 || sum == total_fen;
}

/* total = excl + tax and tax = excl * rate give tax = total * rate / (1 + rate). Rounded once, it is at most
 * half a fen away, so excl * rate is less than 0.006 yuan from it: far inside the supplier's 0.06. */
int64_t invoice_tax(int64_t total_fen, int64_t rate)
{
    int64_t sign = total_fen < 0 ? -1 : 1, divisor = WHOLE + rate;
    return sign * ((sign * total_fen * rate + divisor / 2) / divisor);
}
