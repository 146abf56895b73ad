/* name.h - subject names: what text may stand in one, and how it is encoded. Private to this folder.
 *
 * One set of rules serves the check of an order, the building and the lint.
 */
#ifndef CERTDESK_PKI_NAME_H
#define CERTDESK_PKI_NAME_H

#include "pki/ossl.h"
#include "pki/profile.h"

/* Why text cannot stand in a name; NAME_FINE when it can. */
enum name_problem {
    NAME_FINE,
    NAME_EMPTY,
    NAME_ENCODING, /* not UTF-8 */
    NAME_CONTROL,  /* control, bidirectional or invisible characters: what is shown must be what is signed */
    NAME_SPACES,   /* white space around it */
    NAME_LONG      /* over 64 characters */
};
enum name_problem name_problem(const void *text, size_t n);

/* True for 18 characters of the right alphabet; the check digit is the order's business (S7). */
bool name_identity_form(enum pki_kind kind, const char *number);

/* The subject of a checked order; NULL when OpenSSL fails. The caller frees it. */
X509_NAME *name_build(enum pki_kind kind, const struct pki_subject *s);

#endif
