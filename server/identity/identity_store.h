/* identity_store.h - every statement about verifications and their evidence. */
#ifndef CERTDESK_IDENTITY_IDENTITY_STORE_H
#define CERTDESK_IDENTITY_IDENTITY_STORE_H

#include "identity/identity.h"

/* What one check of a verification gave. */
struct check_answer {
    const char *check; /* "enterprise4", "phone3" */
    const char *provider, *outcome, *code, *request_id;
    bool billed, match;
    const char *mismatched; /* as verification.mismatched */
    int64_t checked_ms;
};

enum err verification_insert(struct ctx *c, const struct verification *v,
                             const unsigned char input_digest[static 32]);
/* Whoever asks; NOT_FOUND. */
enum err verification_read(struct ctx *c, const char *id, struct verification *out,
                           unsigned char input_digest[static 32]);
/* Must match v's state and version; NULL texts stay. */
enum err verification_update(struct ctx *c, struct verification *v, enum verification_state to,
                             const char *mismatched, const char *sent_to);
/* Attempts since a time that a provider was or will be asked for: not those that failed before any answer. */
enum err verification_count(struct ctx *c, const char *order_id, bool of_agent, int64_t since_ms, int *count,
                            int64_t *oldest_ms);

/* OK also when the same check of the same verification is recorded already: the first answer stays. */
enum err evidence_insert(struct ctx *c, const struct verification *v, const struct check_answer *a,
                         const unsigned char input_digest[static 32]);
enum err evidence_exists(struct ctx *c, const char *verification_id, const char *check, bool *found);

#endif
