/* order_masks.h - which of what was entered is masked when it is shown, and how it comes back. Pure.
 *
 * One table says both: what is shown masked is taken back masked. Who sends to a step what GetOrder showed
 * changes nothing by it (S10: what was filled in is resumed; S9: one field is corrected, the others stay).
 */
#ifndef CERTDESK_ORDER_ORDER_MASKS_H
#define CERTDESK_ORDER_ORDER_MASKS_H

#include "base/arena.h"
#include "base/err.h"

/* Each is of one struct of order.h. */
enum masked_part {
    MASKED_ORGANIZATION, /* struct subject */
    MASKED_PERSON,       /* struct subject */
    MASKED_AGENT,        /* struct agent */
    MASKED_DELIVERY,     /* struct address */
    MASKED_INVOICE,      /* struct purchase: for everybody */
    MASKED_INVOICE_LOOK, /* struct purchase: besides, for who only looks or posts */
    MASKED_PARTS,
};

/* Masks the texts of a copy in place. */
void order_mask(struct arena *a, enum masked_part part, void *data);

/* What a caller gave, in place: a text that is the mask of what is held in the very same field becomes that.
 * Other texts stay; one with a star in a masked field is a violation, whatever the field would take: a mask
 * of something else, or half of one. The answer depends on the given text and on the mask alone, never on
 * what the mask hides. prefix: as of field_problem(). */
void order_unmask(struct fault *f, struct arena *a, enum masked_part part, const char *prefix,
                  const void *held, void *given);

#endif
