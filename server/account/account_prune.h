/* account_prune.h - when the feature's rows have served (core/prune.h). */
#ifndef CERTDESK_ACCOUNT_ACCOUNT_PRUNE_H
#define CERTDESK_ACCOUNT_ACCOUNT_PRUNE_H

#include "core/prune.h"

extern const struct prune_rules account_prune;

#endif
