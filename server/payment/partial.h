/* partial.h - what the provider's own desk gave back of money that goes on paying for its order (S15).
 *
 * A person says how much, in all; the bills judge it. No state moves by it: the order goes on, its invoice
 * stays. The applicant hears of each sum. Such a part counts as given back until a refund gives the whole
 * back.
 */
#ifndef CERTDESK_PAYMENT_PARTIAL_H
#define CERTDESK_PAYMENT_PARTIAL_H

#include "payment/refund_store.h"

/* What a person's word is, for who hears of it (S18, tests/feature/told_test.c). */
enum partial_word {
    PARTIAL_SUM = 1,  /* another sum than before; 0 of what was said before, too */
    PARTIAL_SAME_SUM, /* with other words */
    PARTIAL_OF_ENDED, /* its order is being given up */
    PARTIAL_WORD_LAST = PARTIAL_OF_ENDED,
};

struct partial {
    char capture[ID_SIZE];
    int provider;
    int64_t amount_fen, version; /* version 0: none is recorded */
};

/* fen of the capture in all; 0 takes back a word that was wrong. *out: the capture as it is then. INVALID: no
 * note; all of it or more; less than the bills tell of; 0 of nothing recorded. PAYMENT_STATE: it pays for no
 * order, or all of it is back. */
enum err partial_record(struct ctx *c, const char *capture_id, int64_t fen, const char *note,
                        struct returned *out);

/* amount_fen 0 when none is recorded. */
enum err partial_read(struct ctx *c, const char *capture_id, struct partial *out);
/* Must match p's version; CONFLICT when somebody else recorded meanwhile. */
enum err partial_put(struct ctx *c, const struct partial *p, const char *note);

#endif
