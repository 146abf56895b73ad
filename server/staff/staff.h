/* staff.h - people of the desk: login by password and TOTP, roles, what waits in the queues (S27, S28). */
#ifndef CERTDESK_STAFF_STAFF_H
#define CERTDESK_STAFF_STAFF_H

#include "core/ctx.h"

struct staff {
    char id[ID_SIZE];
    const char *login, *name;
    unsigned roles; /* enum role */
};

/* LOGIN_FAILED whichever of the three is wrong, RATE_LIMITED after too many of them (login_tries.h). A TOTP
 * code (RFC 6238, 30 s, one step of drift) is good once. */
enum err staff_login(struct ctx *c, const char *login, const char *password, const char *totp,
                     struct staff *out, char token[static 44], int64_t *expires_ms);
enum err staff_self(struct ctx *c, struct staff *out);
/* Command line: adds a person, or gives a known one a new password, secret and roles, and all tries again.
 * The base32 secret comes back in c->arena, to be shown once. In a transaction. */
enum err staff_put(struct ctx *c, const char *login, const char *name, const char *password, unsigned roles,
                   const char **totp_base32, bool *replaced);
/* "reviewer,operator" to bits; INVALID names the unknown word. */
enum err staff_roles(const char *words, unsigned *out, struct fault *f);

struct queues {
    int64_t review, issue, ship, in_transit, exhausted_jobs;
    int64_t captures, reconciliations, remittances, invoices; /* 0 for those who may not see to them */
    int64_t mark; /* differs whenever something in a queue changed */
};
enum err staff_queues(struct ctx *c, struct queues *out);

/* Orders by id, USCC or ID number (keyed digest), or medium number; newest first. */
struct found_order {
    const char *id, *subject_name;
    int state;
    int64_t created_ms;
};
enum err staff_find(struct ctx *c, const char *query, struct found_order **out, size_t *n);

#endif
