/* login_tries.h - wrong passwords, counted by the name that was typed, whether somebody has it or not (S3).
 *
 * So nobody learns from a lock that there is an account. Five from one network address in a quarter of an
 * hour, twenty from all of them in an hour; a right password from an address makes its five anew. Who guesses
 * at somebody's name from elsewhere leaves the holder his own five; who guesses from everywhere keeps
 * passwords out for an hour at most, and the holder logs in by SMS or UKEY, or changes the password, which
 * forgets the tries.
 *
 * Of staff, five in a quarter of an hour from wherever, whatever of name, password and TOTP was wrong; a
 * login makes those that it was counted by anew, and so does who gives the person a new one (certdeskd staff
 * add). An address from which the person logged in within the last month has five of its own: who guesses at
 * names from elsewhere does not close the desk.
 */
#ifndef CERTDESK_ACCOUNT_LOGIN_TRIES_H
#define CERTDESK_ACCOUNT_LOGIN_TRIES_H

#include "account/account.h"
#include "account/allowance.h"

struct login_tries {
    struct allowance here, everywhere;
    const char *home; /* of staff: the address as theirs; "" when nobody can tell */
};

/* A name as it is compared and counted: a UTF-8 text without blanks at its end, which the database does not
 * compare, and with small letters. Nothing else than these is the same name. */
const char *login_name(struct arena *a, const char *typed);

/* Before the password is looked at: RATE_LIMITED with retry_ms. */
enum err login_tries_look(struct ctx *c, const char *channel, const char *login, struct login_tries *out);
/* It was wrong: counts that, for a failed call that is kept. DB_RETRY when others were wrong meanwhile and
 * this is one too many. */
enum err login_tries_wrong(struct ctx *c, const struct login_tries *t);
/* It was right: DB_RETRY when others were wrong meanwhile and it came too late. */
enum err login_tries_right(struct ctx *c, const struct login_tries *t);
/* A new password, proved by the phone: the account's names have all their tries again. */
enum err login_tries_forget(struct ctx *c, const struct account *a);

/* The same for a login of staff; what was wrong is counted by login_tries_wrong(). of: what is the
 * person's alone and changes with each new login that they are given. */
enum err login_tries_look_staff(struct ctx *c, const char *login, const char *of, struct login_tries *out);
enum err login_tries_right_staff(struct ctx *c, const struct login_tries *t);
enum err login_tries_forget_staff(struct ctx *c, const char *login);

#endif
