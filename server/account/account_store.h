/* account_store.h - rows of `account`. */
#ifndef CERTDESK_ACCOUNT_ACCOUNT_STORE_H
#define CERTDESK_ACCOUNT_ACCOUNT_STORE_H

#include "account/account.h"

enum err account_insert(struct ctx *c, const struct account *a);
/* Until the transaction's end the account stays as it was read; DB_RETRY when it did not. */
enum err account_keep(struct ctx *c, const struct account *a);
/* NOT_FOUND when there is none. */
enum err account_by_id(struct ctx *c, const char *id, struct account *out);
enum err account_by_phone(struct ctx *c, const char *channel, const char *phone, struct account *out);
enum err account_by_user_name(struct ctx *c, const char *channel, const char *user_name, struct account *out);
/* Compare-and-set on version; each adds one to it. DB_DUPLICATE for a phone or name that is taken. */
enum err account_set_password(struct ctx *c, const struct account *a, const char *password);
enum err account_set_phone(struct ctx *c, const struct account *a, const char *phone);
enum err account_set_user_name(struct ctx *c, const struct account *a, const char *user_name);

#endif
