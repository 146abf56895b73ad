/* amount.h - what a person reads as the amount of a deposit. Pure. */
#ifndef CERTDESK_IDENTITY_AMOUNT_H
#define CERTDESK_IDENTITY_AMOUNT_H

#include <stdbool.h>

/* "0.37" yuan, ".37", "37" fen: 1 to 99 fen. Full-width digits were made narrow before. */
bool amount_fen(const char *text, int *out);

#endif
