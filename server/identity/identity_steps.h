/* identity_steps.h - what handlers and jobs ask of this folder's rules. Inside a transaction, all of it, but
 * identity_task(). */
#ifndef CERTDESK_IDENTITY_IDENTITY_STEPS_H
#define CERTDESK_IDENTITY_IDENTITY_STEPS_H

#include "identity/identity_store.h"

/* The code that the person got. PASSED moves the order on; *out is the order after it. */
enum err identity_confirm(struct ctx *c, const char *verification_id, const char *code, struct order *out);
/* Another code to the same phone, within the limits of codes. */
enum err identity_resend(struct ctx *c, const char *verification_id, struct verification *out);

/* What a job has to ask next. */
struct check_task {
    const char *check; /* NULL: nothing, the verification is decided or another took its place */
    struct verification v;
    const char *company, *uscc, *legal_rep; /* enterprise4 */
    const char *name, *id_number, *phone;   /* of the person: legal representative, applicant or agent */
};
enum err identity_task(struct ctx *c, const char *verification_id, struct check_task *out);
/* Stores the answer and acts on it: next check, code, or back to the step. */
enum err identity_record(struct ctx *c, const char *verification_id, const struct check_answer *a);
/* The provider could not be asked: FAILED, and the step may be submitted again. */
enum err identity_give_up(struct ctx *c, const char *verification_id);

#endif
