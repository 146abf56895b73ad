/* lint_rules.h - what the files of the lint share. Private to this folder. */
#ifndef CERTDESK_PKI_LINT_RULES_H
#define CERTDESK_PKI_LINT_RULES_H

#include "pki/lint.h"
#include "pki/ossl.h"

/* One run: the certificate, what it should be, what was found. */
struct lint {
    const struct pki_ca *ca;
    const struct pki_request *r;
    struct pki_der der;
    X509 *x;
    struct arena *a;
    struct pki_findings *out;
};

void lint_say(struct lint *l, enum pki_rule rule, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* lint_body.c: everything but the extensions */
void lint_body(struct lint *l);
/* lint_ext.c */
void lint_extensions(struct lint *l);

#endif
