/* mime.h - the header fields of a mail that libcurl writes as they are given.
 *
 * Everything here assumes text that mime_text_ok() and mime_address_ok() let through.
 */
#ifndef CERTDESK_PROVIDER_MIME_H
#define CERTDESK_PROVIDER_MIME_H

#include "base/arena.h"
#include "provider/when.h"

#include <stdbool.h>

/* UTF-8 without control characters: cannot begin another header field. */
bool mime_text_ok(const char *s);
/* One plain ASCII address, local@domain, that needs no quoting anywhere. */
bool mime_address_ok(const char *s);

/* The text, or its RFC 2047 encoded-words when it is not plain ASCII, folded. */
const char *mime_encoded_words(struct arena *a, const char *text);
/* "=?UTF-8?B?…?= <a@b>"; name may be NULL. */
const char *mime_mailbox(struct arena *a, const char *name, const char *address);
/* "Content-Disposition: attachment; …" with RFC 2231's filename* when the name is not plain ASCII. */
const char *mime_disposition(struct arena *a, const char *name);

#endif
