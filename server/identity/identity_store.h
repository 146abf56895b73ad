/* identity_store.h - every statement about verifications and their evidence. */
#ifndef CERTDESK_IDENTITY_IDENTITY_STORE_H
#define CERTDESK_IDENTITY_IDENTITY_STORE_H

#include "identity/identity.h"

/* What one check of a verification gave. */
struct check_answer {
    const char *check; /* check_name() */
    const char *provider, *outcome, *code, *request_id;
    bool billed, match;
    const char *mismatched; /* as verification.mismatched */
    int64_t checked_ms;
};

/* number_digest: of the identity number that it is about. */
enum err verification_insert(struct ctx *c, const struct verification *v, const char *channel,
                             const unsigned char number_digest[static 32],
                             const unsigned char input_digest[static 32]);
/* Whoever asks; NOT_FOUND. */
enum err verification_read(struct ctx *c, const char *id, struct verification *out,
                           unsigned char input_digest[static 32]);
/* Must match v's state and version; NULL texts stay, code_ms is v's. */
enum err verification_update(struct ctx *c, struct verification *v, enum verification_state to,
                             const char *mismatched, const char *sent_to);
/* Attempts since a time that a provider was or will be asked for: not those that failed before any answer. */
enum err verification_count(struct ctx *c, const char *order_id, bool of_agent, int64_t since_ms, int *count,
                            int64_t *oldest_ms);
/* The same over all orders of a channel, of one identity number; those that passed do not count, for an agent
 * may act for many. */
enum err verification_count_number(struct ctx *c, const char *channel,
                                   const unsigned char number_digest[static 32], int64_t since_ms, int *count,
                                   int64_t *oldest_ms);

/* OK also when the same check of the same verification is recorded already: the first answer stays. */
enum err evidence_insert(struct ctx *c, const struct verification *v, const struct check_answer *a,
                         const unsigned char input_digest[static 32]);
/* Of the subject what has subject's digest, and of the agent what has agent's, is about what the order says
 * now. */
enum err evidence_list(struct ctx *c, const char *order_id, const unsigned char subject[static 32],
                       const unsigned char agent[static 32], const struct evidence **out, size_t *n);
enum err evidence_exists(struct ctx *c, const char *verification_id, const char *check, bool *found);

/* What a supplier told, under its key; ERR_DB_DUPLICATE when it did before. */
enum err identity_event_insert(struct ctx *c, const char *provider, const unsigned char key[static 32],
                               const char *object, const void *body, size_t n);

/* What a day's checks came to. */
struct identity_cost {
    const char *channel /* code */, *provider, *check;
    int64_t asked, billed, matched;
};
enum err identity_costs(struct ctx *c, int64_t from_ms, int64_t to_ms, const struct identity_cost **out,
                        size_t *n);

#endif
