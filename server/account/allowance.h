/* allowance.h - how much of something somebody may have in a while, counted in the database.
 *
 * One row per kind and somebody; the window begins with the first of it. Look first, write what is allowed,
 * take last: the count is moved by one conditional statement in the transaction of what it allows, so any
 * number of servers on one database together never give more, and what was rolled back was not counted. With
 * ctx->latest those who come at the same moment wait for each other's commit; else some begin again.
 */
#ifndef CERTDESK_ACCOUNT_ALLOWANCE_H
#define CERTDESK_ACCOUNT_ALLOWANCE_H

#include "core/ctx.h"

enum allowance_kind {
    ALLOW_CODE_ADDRESS = 1, /* codes by SMS that one address asked for */
    ALLOW_CODE_CHANNEL,     /* codes by SMS of a channel */
    ALLOW_CAPTCHA,          /* captchas made for one address */
    ALLOW_CAPTCHA_WRONG,    /* captchas that one address read wrong */
    ALLOW_CHALLENGE,        /* challenges made for one address */
    ALLOW_LOGIN_HERE,       /* wrong passwords for a name from one address */
    ALLOW_LOGIN_EVERYWHERE, /* the same from all of them */
    ALLOW_LOGIN_STAFF,      /* failed logins of a name at the desk */
    ALLOW_CHECKS,           /* paid checks of identities that an account began, and what counts like one */
    ALLOW_NUMBER,           /* corrections by paper to an identity number of a channel */
    ALLOW_STAFF_HERE,       /* failed logins at the desk from an address that is the person's */
    ALLOW_STAFF_HOME = 12,  /* that a person of the desk logged in from an address */
};

struct allowance {
    enum allowance_kind kind;
    unsigned char who[32];
    int64_t window_ms;
    int limit;
    bool found;
};

/* RATE_LIMITED with retry_ms when the window is full. Nobody ("") and a limit of 0 are not limited. */
enum err allowance_look(struct ctx *c, enum allowance_kind kind, const char *who, int limit,
                        int64_t window_ms, struct allowance *out);
/* One of what allowance_look() allowed. DB_RETRY when somebody else took the last one meanwhile. */
enum err allowance_take(struct ctx *c, const struct allowance *a);
/* Whether the first of a window was taken and the window runs. Nobody never has. */
enum err allowance_runs(struct ctx *c, enum allowance_kind kind, const char *who, int64_t window_ms,
                        bool *out);
/* What was looked at is forgotten; DB_RETRY when it was used up meanwhile. */
enum err allowance_renew(struct ctx *c, const struct allowance *a);
/* Whatever of it was used is forgotten. */
enum err allowance_forget(struct ctx *c, enum allowance_kind kind, const char *who);
/* Both. */
enum err allowance_use(struct ctx *c, enum allowance_kind kind, const char *who, int limit,
                       int64_t window_ms);

#endif
