/* review_store.h - rows of review_decision. */
#ifndef CERTDESK_REVIEW_REVIEW_STORE_H
#define CERTDESK_REVIEW_REVIEW_STORE_H

#include "review/review.h"

/* One a version of the order: DB_DUPLICATE for a second. */
enum err decision_insert(struct ctx *c, const struct order *o, bool approved, const char *comment);

#endif
