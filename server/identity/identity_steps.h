/* identity_steps.h - what handlers and jobs ask of this folder's rules. Inside a transaction, all of it, but
 * identity_task(). */
#ifndef CERTDESK_IDENTITY_IDENTITY_STEPS_H
#define CERTDESK_IDENTITY_IDENTITY_STEPS_H

#include "identity/identity_moves.h"
#include "identity/identity_store.h"
#include "identity/plan.h"

/* The code that the person got by SMS or reads in the deposit's remark, or the deposit's amount ("0.37"
 * yuan). PASSED moves the order on; *out is the order after it. An amount that a supplier has to judge leaves
 * the verification PENDING until it did. */
enum err identity_confirm(struct ctx *c, const char *verification_id, const char *code, struct order *out);
/* Another code to the same phone, or the first one that was held back, within the limits of codes. */
enum err identity_resend(struct ctx *c, const char *verification_id, struct verification *out);

/* What a job has to ask next, and about whom. */
struct check_task {
    enum check kind;   /* 0: nothing, the verification is decided or another took its place */
    const char *check; /* its name; NULL with kind 0 */
    struct verification v;
    char channel[ID_SIZE];
    bool organization;                                  /* the company's legal representative */
    const char *company, *uscc, *legal_rep;             /* enterprise4 */
    const char *name, *id_number, *phone, *card_number; /* of the person: legal representative, applicant or
                                                           agent */
    struct bank_account account;                        /* of a deposit */
};
enum err identity_task(struct ctx *c, const char *verification_id, struct check_task *out);
/* Stores the answer and acts on it: next check, proof, or back to the step. */
enum err identity_record(struct ctx *c, const char *verification_id, const struct check_answer *a);
/* The time has come of a code that was held back: sends it, or holds it back again; nothing when it went
 * otherwise, or the verification moved on. */
enum err identity_release(struct ctx *c, const char *verification_id);
/* The provider could not be asked, or time or tries are over: FAILED, and the step may be submitted again. */
enum err identity_give_up(struct ctx *c, const char *verification_id);

/* -- for the proofs (face.c, deposit.c) ---------------------------------------------------------------------
 */

/* A verification with its order, and whether the order still waits for it with the same data. */
struct waited {
    struct verification v;
    struct order o;
    struct check_task who;
    unsigned char digest[32];
    bool current;
};
enum err identity_waited(struct ctx *c, const char *verification_id, struct waited *out);
/* The same for a handler: PRECONDITION unless the verification is the newest and in this state. */
enum err identity_waiting(struct ctx *c, const char *verification_id, enum verification_state s,
                          struct waited *out);
/* The proof was given or refused: moves verification and order. mismatched: as in the verification. */
enum err identity_passed(struct ctx *c, struct waited *w);
enum err identity_refused(struct ctx *c, struct waited *w, enum verification_event why,
                          const char *mismatched, const char *outcome);
/* Something that a watcher of the order should see. sent_to: where something went; NULL: nowhere. */
enum err identity_news(struct ctx *c, struct waited *w, enum verification_event event, const char *sent_to,
                       const char *action);

#endif
