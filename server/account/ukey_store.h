/* ukey_store.h - rows of `challenge` and `binding`, for ukey.c alone. */
#ifndef CERTDESK_ACCOUNT_UKEY_STORE_H
#define CERTDESK_ACCOUNT_UKEY_STORE_H

#include "account/ukey.h"

enum err challenge_insert(struct ctx *c, const struct challenge *ch);
/* Uses it up by compare-and-set, for this purpose and account. CHALLENGE_EXPIRED when it is not there for
 * them, used, or too old. */
enum err challenge_use(struct ctx *c, const char *id, enum challenge_purpose purpose, const char *account,
                       struct challenge *out);

/* DB_DUPLICATE when the certificate is bound. */
enum err binding_insert(struct ctx *c, const char *channel, const struct binding *b);
/* NOT_FOUND. The medium number is not filled in. */
enum err binding_find(struct ctx *c, const char *channel, const char *certificate, struct binding *out);
/* NOT_FOUND when it is not this account's. */
enum err binding_delete(struct ctx *c, const char *account, const char *certificate);
enum err binding_list(struct ctx *c, const char *account, int64_t after_ms, const char *after_id, int limit,
                      struct binding **out, size_t *n);

#endif
