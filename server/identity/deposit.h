/* deposit.h - micro-deposits (S6, S17): 0.01 yuan with a secret in the remark, by a file for the desk's bank;
 * or a supplier's random amount, which is the secret itself.
 *
 *   WAITING -ordered (in a batch, or at the supplier)-> ORDERED -> SENT -> USED
 *      |                                                  |         +-> FAILED (came back)
 *      +-> DROPPED (nobody waits for it)                  +-> FAILED, DOUBTFUL, USED (read before we heard)
 *
 * Remark secrets are stored as keyed digest, and sealed as long as the file may have to be written again. A
 * deposit is in one batch at most; a batch can be written again by its number (remittance.h).
 */
#ifndef CERTDESK_IDENTITY_DEPOSIT_H
#define CERTDESK_IDENTITY_DEPOSIT_H

#include "identity/identity_steps.h"

enum deposit_state {
    DEPOSIT_WAITING = 1,
    DEPOSIT_ORDERED,
    DEPOSIT_SENT,
    DEPOSIT_FAILED,
    DEPOSIT_USED,
    DEPOSIT_DROPPED,
    DEPOSIT_DOUBTFUL, /* the supplier was asked to send and nobody knows whether it did */
    DEPOSIT_LAST = DEPOSIT_DOUBTFUL,
};

enum deposit_purpose {
    DEPOSIT_VERIFICATION = 1,
    DEPOSIT_PIN,
};

struct payee {
    const char *name, *account, *bank, *branch, *cnaps;
};

struct deposit {
    char id[ID_SIZE], order[ID_SIZE], verification[ID_SIZE] /* "" for a PIN */;
    enum deposit_purpose purpose;
    const char *key;    /* what it is for: unique */
    const char *medium; /* the UKEY whose PIN it carries; "" */
    enum deposit_state state;
    const char *provider; /* REMITTANCE (choice.h), or who sends a random amount */
    int64_t batch;        /* 0: none yet */
    const char *flow;     /* the supplier's number; "" */
    const char *secret;   /* of the remark, in clear; "" when it is not needed any more */
    bool has_digest;
    unsigned char digest[32];
    struct payee payee; /* "" texts when there is none */
    int tries_left, entered_fen;
    int64_t sent_ms, expires_ms, version;
};

/* -- for the rules of verification -- */
/* The checks before it matched: one deposit for the verification, and what has to happen for it. */
enum err deposit_make(struct ctx *c, struct waited *w);
enum err deposit_waiting(struct ctx *c, const struct verification *v, struct waiting *out);
/* The secret as entered. CODE_WRONG counts durably; with the last try the verification is over. */
enum err deposit_confirm(struct ctx *c, struct waited *w, const char *entered);

/* -- news of the money, from a bank's file or a supplier -- */
enum err deposit_sent(struct ctx *c, struct deposit *d, const char *reference);
enum err deposit_bounced(struct ctx *c, struct deposit *d, const char *reference, const char *reason);
/* Its time was over before a bank had it: says so to who waits for it. Before the verification ends. */
enum err deposit_tell_expired(struct ctx *c, const struct waited *w, const struct deposit *d);

/* -- for jobs (deposit_jobs.c) -- */
struct deposit_task {
    struct deposit d;
    struct waited w;
    bool wanted; /* the order still waits for it */
};
enum err deposit_task(struct ctx *c, const char *id, struct deposit_task *out);
/* The supplier opened a flow under this number ("": it gives none before the money is ordered), took the
 * order, or refused the data. */
enum err deposit_opened(struct ctx *c, const char *id, const char *flow);
enum err deposit_ordered(struct ctx *c, const char *id, const char *flow, int64_t expires_ms, int tries_left);
enum err deposit_refused(struct ctx *c, const char *id, const struct check_answer *a);
enum unsent {
    UNSENT_UNWANTED, /* nobody waits for it */
    UNSENT_REFUSED,  /* the supplier cannot do it: by remittance, where the channel allows that */
    UNSENT_DOUBTFUL, /* it may have been sent */
};
enum err deposit_unsent(struct ctx *c, const char *id, enum unsent why);
/* What a look at the supplier gave: state as it is there. n: how many looks there were. */
enum err deposit_looked(struct ctx *c, const char *id, enum identity_transfer_state s, int tries_left, int n);
enum err deposit_poll_later(struct ctx *c, const struct deposit *d, int n);
/* The supplier judged the entered amount. */
enum err deposit_judged(struct ctx *c, const char *id, const struct check_answer *a, int tries_left);
/* Nobody could be asked: the amount may be entered again. */
enum err deposit_unjudged(struct ctx *c, const char *id);
enum err deposit_expire(struct ctx *c, const char *id);

/* -- store (deposit_store.c) -- */
enum err deposit_insert(struct ctx *c, const struct deposit *d, const char *purpose_key);
enum err deposit_read(struct ctx *c, const char *id, struct deposit *out);
enum err deposit_of_verification(struct ctx *c, const char *verification_id, struct deposit *out);
/* The order's deposit for a verification that passed was the desk's, with a code in the remark. */
enum err deposit_used_by_remark(struct ctx *c, const char *order, bool *out);
enum err deposit_by_flow(struct ctx *c, const char *provider, const char *flow, struct deposit *out);
/* What changes with a state. NULL and 0: stays. */
struct deposit_change {
    const char *provider, *flow, *reference, *reason;
    int64_t batch, sent_ms, expires_ms;
    const int *tries_left, *entered_fen;
    bool forget; /* the secret, and with it the payee: neither is written again */
};
#define DEPOSIT_CHANGE(...) (&(struct deposit_change){__VA_ARGS__})
/* A WAITING one of a supplier becomes one with this code in its remark. */
enum err deposit_to_remark(struct ctx *c, struct deposit *d, const char *code);
/* Must match d's state and version; with an audit row "deposit." and the state. */
enum err deposit_update(struct ctx *c, struct deposit *d, enum deposit_state to,
                        const struct deposit_change *ch);
void deposit_digest(struct ctx *c, const char *id, const char *secret, unsigned char out[static 32]);

#endif
