/* code.h - codes by SMS: six digits, five minutes, five tries, one use, one purpose (S2-S4, S6, S14).
 *
 * A code is bound to phone, purpose and scope (an order, a verification, a channel for a login, an account
 * for its phones). Stored as a keyed digest; spent by compare-and-set, so of two right answers at once one
 * wins. Tries and limits are counted in the database, so they hold for all servers together.
 */
#ifndef CERTDESK_ACCOUNT_CODE_H
#define CERTDESK_ACCOUNT_CODE_H

#include "catalog/catalog.h"
#include "core/ctx.h"
#include "notice/notice.h"

/* How many codes may be sent: the channel's word (catalog.h). 0: as many as are asked for. */
enum err code_limits(struct ctx *c, const char *channel_id, struct sms_limits *out);

enum code_purpose {
    CODE_LOGIN = 1, /* numbers 1-4 are proto SmsPurpose */
    CODE_CHANGE_PASSWORD,
    CODE_OLD_PHONE,
    CODE_NEW_PHONE,
    CODE_VERIFY = 16, /* scope: verification id */
    CODE_SIGN = 17,   /* scope: order id */
    CODE_LINK = 18,   /* no code: a face link, which counts as one */
};

/* Inside a transaction: makes a code, replaces an earlier one of the same binding, and queues the SMS with
 * `t`. When before_code is not NULL it is the parameter in front of the code (VERIFY_CODE, SIGN_CODE).
 * RATE_LIMITED with retry_ms, and nothing written, beyond the limits of the caller's channel. *expires_ms may
 * be NULL. */
enum err code_send(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                   enum sms_template t, const char *before_code, int64_t *expires_ms);
/* The same for a caller who has no channel yet, or a job. */
enum err code_send_for(struct ctx *c, const char *channel_id, const char *phone, enum code_purpose purpose,
                       const char *scope, enum sms_template t, const char *before_code, int64_t *expires_ms);

/* Inside a transaction: a face link is about to go to this phone, and counts as a code that the caller asked
 * for. RATE_LIMITED as above. */
enum err code_count_link(struct ctx *c, const char *channel_id, const char *phone);

/* Tries a code. Every try is counted before it is looked at. OK spends the code inside this transaction.
 * CODE_WRONG keeps the count even though the caller's transaction fails: the caller must return the error it
 * gets unchanged (dispatch commits the count) and write nothing before. CODE_EXPIRED when the code is too
 * old, used, or was tried five times. */
enum err code_check(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                    const char *code);

/* A code of this binding is out that code_check() would take: not too old, not used, not tried too often. */
enum err code_is_out(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                     bool *out);

#endif
