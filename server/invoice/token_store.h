/* token_store.h - the suppliers' access tokens in the database (provider_tokens of provider/provider.h).
 *
 * Sealed; one row a token, taken by one process at a time, a few a day at most. Each question has a
 * connection of its own, because adapters have none: it is asked at the start of a process and when a token
 * ends.
 */
#ifndef CERTDESK_INVOICE_TOKEN_STORE_H
#define CERTDESK_INVOICE_TOKEN_STORE_H

#include "app.h"
#include "provider/provider.h"

enum {
    TOKENS_A_DAY = 6,       /* 50 in 30 days, and one of 24 h needs one a day */
    TOKEN_CLAIM_MS = 15000, /* longer than a supplier is waited for */
};

/* The store of this server; there is one. */
const struct provider_tokens *token_store(struct app *app);

#endif
