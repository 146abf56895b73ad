/* password.h - passwords of people, a few at a time.
 *
 * A check is scrypt: a tenth of a second of a processor and 32 MB, on a worker's thread. So that many logins
 * at once take neither all workers nor all memory, only so many are checked at the same time in a process,
 * and the desk's staff have places of their own: a flood of customers' logins does not keep them out. Whoever
 * finds no place gets EXHAUSTED with retry_ms at once; nothing is queued here.
 */
#ifndef CERTDESK_CORE_PASSWORD_H
#define CERTDESK_CORE_PASSWORD_H

#include "core/ctx.h"

enum password_of {
    PASSWORD_OF_ACCOUNT,
    PASSWORD_OF_STAFF,
    PASSWORD_OWNERS,
};
enum {
    PASSWORDS_AT_ONCE = 4, /* of each; `server.workers` are 10 */
};

/* hash NULL: nobody's password, which takes as long to be wrong. */
enum err password_check(struct ctx *c, enum password_of who, const char *hash, const char *password,
                        bool *right);
/* As crypt_password_hash(). */
enum err password_hash(struct ctx *c, enum password_of who, const char *password, const char **out);

/* An initial password (S2) is known to everybody who read the manual, opens nothing, and is made with every
 * registration: it is kept as a keyed digest of id and password, which costs nothing. */
const char *password_initial(struct ctx *c, const char *id, const char *password);
bool password_is_initial(const char *hash);

#endif
