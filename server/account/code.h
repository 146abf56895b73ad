/* code.h - codes by SMS: six digits, five minutes, five tries, one use, one purpose (S2-S4, S6, S14).
 *
 * A code is bound to phone, purpose and scope (an order, a verification, or "" for a login). Stored as a
 * keyed digest; spent by compare-and-set, so of two right answers at once one wins. Limits per phone are
 * counted in the database.
 */
#ifndef CERTDESK_ACCOUNT_CODE_H
#define CERTDESK_ACCOUNT_CODE_H

#include "core/ctx.h"
#include "notice/notice.h"

enum code_purpose {
    CODE_LOGIN = 1, /* numbers 1-4 are proto SmsPurpose */
    CODE_CHANGE_PASSWORD,
    CODE_OLD_PHONE,
    CODE_NEW_PHONE,
    CODE_VERIFY = 16, /* scope: verification id */
    CODE_SIGN = 17,   /* scope: order id */
};

/* Inside a transaction: makes a code, replaces an earlier one of the same binding, and queues the SMS with
 * `t`. When before_code is not NULL it is the parameter in front of the code (VERIFY_CODE, SIGN_CODE).
 * RATE_LIMITED with retry_ms (one a minute, five an hour, ten a day by phone). *expires_ms may be NULL. */
enum err code_send(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                   enum sms_template t, const char *before_code, int64_t *expires_ms);

/* Tries a code. OK spends it inside this transaction. CODE_WRONG counts the try durably even though the
 * caller's transaction fails: the caller must return the error it gets unchanged (dispatch commits the count;
 * see code.c). CODE_EXPIRED when it is too old, used, or tried too often. */
enum err code_check(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                    const char *code);

#endif
