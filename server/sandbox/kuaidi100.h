/* kuaidi100.h - parcels of any courier: what the control interface can make of them (providers.md 6.1). */
#ifndef CERTDESK_SANDBOX_KUAIDI100_H
#define CERTDESK_SANDBOX_KUAIDI100_H

#include "sandbox/sandbox.h"

/* The courier scans a parcel: one event more, newest first, and a push to its subscriber. state: the codes of
 * providers.md 6.1 ("0" in transit … "3" signed … "14" refused). False when state or number is malformed.
 * Lock held. */
bool kuaidi100_advance(struct sandbox *sb, const char *company, const char *number, const char *state,
                       const char *context, const char *location);
/* The sentence for a state, "" when there is no such state. Static. */
const char *kuaidi100_state_text(const char *state);

#endif
