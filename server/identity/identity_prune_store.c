#include "identity/identity_prune.h"

/* What a supplier told is a hint that made the next look be at once; what counts is what the look found, and
 * that stays (verification_evidence: who was asked what, when, under which number there, and the answer),
 * because authentication information is kept for five years after the certificate's end (Electronic Signature
 * Law, article 24). The hint's own text holds names and numbers, and has the shortest life that serves
 * (Personal Information Protection Law, article 19): a supplier's repeats are over within days, and for a
 * month somebody who asks why a session did not move on can be told what came. */
static const struct prune_rule rules[] = {
    {"identity_event", 30 * PRUNE_DAY_MS, SQL("DELETE FROM identity_event WHERE received_ms < ? LIMIT ?")},
};

const struct prune_rules identity_prune = {rules, sizeof rules / sizeof *rules};
