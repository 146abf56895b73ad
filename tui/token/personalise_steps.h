/* personalise_steps.h - the single steps; for personalise.c only. Each runs with the token selected, inside a
 * transaction, and changes the record in memory alone. */
#ifndef CERTDESK_TOKEN_PERSONALISE_STEPS_H
#define CERTDESK_TOKEN_PERSONALISE_STEPS_H

#include "token/personalise.h"

#include "base/arena.h"

struct saga {
    struct ukey u;
    const struct personalise_plan *plan;
    struct personalise_record *r;
    struct ukey_info info; /* read at the beginning of the step */
    bool resumed;          /* the step may have been begun, or even done, before */
    bool pin_verified;
    struct arena arena;
    uint8_t *csr;
    size_t csr_n;
    uint8_t proof[UKEY_SIG_MAX];
    size_t proof_n;
};

enum err step_identify(struct saga *s, struct fault *f);
enum err step_admin(struct saga *s, struct fault *f);
enum err step_pin(struct saga *s, struct fault *f);
enum err step_puk(struct saga *s, struct fault *f);
enum err step_key(struct saga *s, struct fault *f);
enum err step_request(struct saga *s, struct fault *f);
enum err step_write(struct saga *s, struct fault *f);
enum err step_read_back(struct saga *s, struct fault *f);
enum err step_admin_key(struct saga *s, struct fault *f);
enum err step_prove(struct saga *s, struct fault *f);
/* Away from the token: no transaction is open. */
enum err step_issue(struct saga *s, struct fault *f);
enum err step_finish(struct saga *s, struct fault *f);

#endif
