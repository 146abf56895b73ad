/* account_steps.h - what the files of the feature share. */
#ifndef CERTDESK_ACCOUNT_ACCOUNT_STEPS_H
#define CERTDESK_ACCOUNT_ACCOUNT_STEPS_H

#include "account/account.h"
#include "account/session.h"

/* A failure with a sentence of its own in both languages. */
enum err account_refuse(struct ctx *c, enum err code, const char *text, const char *text_zh);
/* Adds violations of `field` that the number has. */
void account_check_phone(struct fault *f, const char *field, const char *phone);
/* A session for the account that this certificate is bound to. */
enum err account_open_by_ukey(struct ctx *c, const char *account, const char *certificate, struct login *out);

#endif
