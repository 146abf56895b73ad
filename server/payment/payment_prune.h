/* payment_prune.h - when the feature's rows have served (core/prune.h). */
#ifndef CERTDESK_PAYMENT_PAYMENT_PRUNE_H
#define CERTDESK_PAYMENT_PAYMENT_PRUNE_H

#include "core/prune.h"

extern const struct prune_rules payment_prune;

#endif
