/* identity_prune.h - when the feature's rows have served (core/prune.h). */
#ifndef CERTDESK_IDENTITY_IDENTITY_PRUNE_H
#define CERTDESK_IDENTITY_IDENTITY_PRUNE_H

#include "core/prune.h"

extern const struct prune_rules identity_prune;

#endif
