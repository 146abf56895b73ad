/* ticket_store.h - rows of `phone_ticket`: the old phone has said yes (S4). For account_phone.c alone. */
#ifndef CERTDESK_ACCOUNT_TICKET_STORE_H
#define CERTDESK_ACCOUNT_TICKET_STORE_H

#include "core/ctx.h"

/* For the caller's account and session. ticket: 44 bytes with the NUL; only its SHA-256 is stored. */
enum err ticket_insert(struct ctx *c, char ticket[static 44], int64_t expires_ms);
/* It is the caller's, in time and not used. */
enum err ticket_good(struct ctx *c, const char *ticket, bool *good);
/* Compare-and-set; CONFLICT when somebody did meanwhile. */
enum err ticket_use(struct ctx *c, const char *ticket);
/* All that are left of the caller's account: they spoke for the phone that was. */
enum err ticket_use_all(struct ctx *c);

#endif
