/* account.h - people who apply: registration, login, user centre (S2-S4). */
#ifndef CERTDESK_ACCOUNT_ACCOUNT_H
#define CERTDESK_ACCOUNT_ACCOUNT_H

#include "core/ctx.h"

struct account {
    char id[ID_SIZE], channel[ID_SIZE];
    const char *user_name;
    const char *phone;    /* in clear; mask before showing */
    const char *password; /* scrypt text */
    bool initial_password, has_picture;
    int64_t version, created_ms;
};

struct login {
    struct account account;
    char token[44];
    int64_t expires_ms;
    bool registered;
};

/* Checks the captcha, then sends a code to the phone. The answer is the same for phones with and without
 * account. For the old and the new phone the caller is logged in: the codes are the account's. *retry_s:
 * until the phone may have another. */
enum err account_send_code(struct ctx *c, const char *channel, const char *phone, int purpose,
                           const char *captcha_id, const char *captcha_text, int64_t *expires_ms,
                           int *retry_s);
/* S2, S3: the right code logs in; an unknown phone gets an account with a random user name and the channel's
 * initial password, both sent by SMS. */
enum err account_login_sms(struct ctx *c, const char *channel, const char *phone, const char *code,
                           struct login *out);
/* S3. LOGIN_FAILED whether name or password is wrong, RATE_LIMITED after too many of them (login_tries.h).
 * With the initial password: MUST_CHANGE_PASSWORD and no session, so nothing can be done with it (S2). */
enum err account_login_password(struct ctx *c, const char *channel, const char *login, const char *password,
                                struct login *out);
/* The caller's own. */
enum err account_self(struct ctx *c, struct account *out);
/* S4: phone, new password twice, code (purpose CHANGE_PASSWORD). Ends all sessions but the one that asks: who
 * changes a password because somebody else knows it wants that somebody out, and knows who is asking. */
enum err account_change_password(struct ctx *c, const char *channel, const char *phone, const char *password,
                                 const char *again, const char *code);
/* S4: 4-32 letters, digits, '_' or CJK; EXISTS when taken, in whatever case. */
enum err account_rename(struct ctx *c, const char *user_name, struct account *out);

/* -- change of phone (S4), account_phone.c ---- */

/* The code that went to the old phone: a ticket for ten minutes, for the caller's session alone. */
enum err account_confirm_old_phone(struct ctx *c, const char *code, char ticket[static 44],
                                   int64_t *expires_ms);
/* Ticket and the code that went to the new phone. EXISTS when the phone has an account in the channel. Other
 * sessions and tickets end, the old phone is told. */
enum err account_change_phone(struct ctx *c, const char *ticket, const char *phone, const char *code,
                              struct account *out);

#endif
