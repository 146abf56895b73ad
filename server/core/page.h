/* page.h - page tokens (AIP-158): where a list goes on, in a form that a caller cannot make up.
 *
 * A token is base64url of: one byte of version, the sort key's text, 16 bytes of HMAC-SHA-256 over version,
 * scope and text with a key of the keyring. The scope names the list and its filters, so a token of one list
 * is refused by another. It is not secret: the sort key must be something the caller may see.
 */
#ifndef CERTDESK_CORE_PAGE_H
#define CERTDESK_CORE_PAGE_H

#include "core/ctx.h"

/* How many a page has for who asks for so many: 20 when nothing is said, never more than 100. */
int page_size(int32_t asked);

/* In c->arena. scope: "orders.list:chn_…:state=3". */
const char *page_token(struct ctx *c, const char *scope, const char *key);
/* *key is "" for an empty or absent token: the first page. ERR_PAGE_TOKEN for anything that page_token() did
 * not make for this scope. */
enum err page_key(struct ctx *c, const char *scope, const char *token, const char **key);

/* The same for a list that goes by a time and then by id; 0 and "" for the first page. */
const char *page_token_at(struct ctx *c, const char *scope, int64_t ms, const char *id);
enum err page_key_at(struct ctx *c, const char *scope, const char *token, int64_t *ms, const char **id);

#endif
