/* session.h - who a bearer token is (S3). The token is 256 random bits; only its SHA-256 is stored. */
#ifndef CERTDESK_ACCOUNT_SESSION_H
#define CERTDESK_ACCOUNT_SESSION_H

#include "core/ctx.h"

enum {
    SESSION_HOURS_ACCOUNT = 24,
    SESSION_HOURS_STAFF = 10, /* a working day; NIST SP 800-63B would say 12 */
};

/* How a person's session was made. */
enum session_how {
    SESSION_HOW_NONE,
    SESSION_BY_SMS,
    SESSION_BY_PASSWORD,
    SESSION_BY_UKEY,
};

/* Inside a transaction: opens a session and gives its token (44 bytes with the NUL). */
enum err session_start(struct ctx *c, enum caller_kind kind, const char *owner, const char *channel,
                       unsigned roles, char token[static 44], int64_t *expires_ms);
/* The same for a person; certificate: of the UKEY that made it, else "". */
enum err session_start_person(struct ctx *c, const char *account, const char *channel, enum session_how how,
                              const char *certificate, char token[static 44], int64_t *expires_ms);

/* Who the n (at most 32) tokens are, in one statement: out[i].kind is CALLER_NONE for an unknown, ended or
 * expired one, and for NULL. */
enum {
    SESSION_BATCH = 32
};
enum err session_find(struct ctx *c, size_t n, const char *const *tokens, struct caller *out);

/* Ends the caller's session, or all sessions of an owner (staff disabled), or all but the caller's own
 * (password or phone changed), or those that a UKEY made (unbound). In a transaction. */
enum err session_end(struct ctx *c);
enum err session_end_all(struct ctx *c, const char *owner);
enum err session_end_others(struct ctx *c, const char *owner);
enum err session_end_of_ukey(struct ctx *c, const char *owner, const char *certificate);

#endif
