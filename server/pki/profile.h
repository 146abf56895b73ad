/* profile.h - what goes into a certificate: the profiles, the channel's choices, the verified order.
 *
 * A profile is a row (kind of subject, algorithm, usages, longest life). A policy is what a channel chooses
 * (where its lists and its CA certificates are published, which series of identity extension its readers
 * know). Subject, number and key come from the verified order and its card, never from a certificate request.
 *
 * The subject is C=CN, O=<organization>, OU=<unit>, CN=<organization>, serialNumber=<opaque> for an
 * organization and C=CN, CN=<person>, serialNumber=<opaque> for an individual; OU and serialNumber only when
 * given. The number of the USCC or the resident ID stands in its own extension (facts of GM/T 0015), not in
 * the name. serialNumber (X.520 5.2.9) is there to tell two holders of one name apart: RFC 5280 4.1.2.6 wants
 * a name to belong to one holder.
 */
#ifndef CERTDESK_PKI_PROFILE_H
#define CERTDESK_PKI_PROFILE_H

#include "pki/key.h"

#include <stdint.h>

enum pki_kind {
    PKI_ORGANIZATION,
    PKI_INDIVIDUAL
};

struct pki_profile {
    const char *name; /* "organization-signing-sm2" */
    enum pki_kind kind;
    enum pki_alg alg;   /* of the key, and of the CA that signs */
    unsigned usage;     /* KeyUsage bits, bit 0 = 1 << 0 (RFC 5280 4.2.1.3); always critical */
    const char *eku[4]; /* OIDs, NULL at the end */
    int max_days;
};

enum {
    PKI_USAGE_DIGITAL_SIGNATURE = 1 << 0,
    PKI_USAGE_NON_REPUDIATION = 1 << 1,
};

/* The profile of that name; NULL when there is none. Static storage. */
const struct pki_profile *pki_profile(const char *name);
/* The signing profile for a kind and an algorithm; NULL when there is none. */
const struct pki_profile *pki_profile_for(enum pki_kind kind, enum pki_alg alg);
/* All rows in order; *n is set. */
const struct pki_profile *pki_profiles(size_t *n);

/* Where the identity number goes. The series changed in 2023 and readers in the field know one or the other:
 *
 *            USCC                                resident ID
 *   2023     1.2.156.10260.4.4, PrintableString  1.2.156.10260.4.1.1.1, PrintableString
 *   2012     1.2.156.10260.4.1.4, bare text      1.2.156.10260.4.1.1, CHOICE [0] EXPLICIT PrintableString */
enum pki_series {
    PKI_SERIES_2023,
    PKI_SERIES_2012
};

/* How the number is written; the 2012 text leaves the tagging open and CAs differ. */
enum pki_form {
    PKI_FORM_DEFAULT,  /* as in the table above */
    PKI_FORM_STRING,   /* PrintableString */
    PKI_FORM_EXPLICIT, /* [0] EXPLICIT PrintableString */
    PKI_FORM_IMPLICIT, /* [0] IMPLICIT PrintableString */
    PKI_FORM_RAW       /* the characters themselves, no ASN.1 */
};

/* A channel's choices. NULL leaves the extension out. */
struct pki_policy {
    enum pki_series series;
    enum pki_form form;
    const char *policy_oid;     /* certificatePolicies, dotted */
    const char *crl_url;        /* CRL distribution point */
    const char *ca_issuers_url; /* authority information access: the issuing certificate */
    const char *ocsp_url;       /* authority information access: OCSP */
    int max_days;               /* 0: the profile's; else the smaller of both */
};

/* The verified holder. UTF-8; at most 64 characters each (RFC 5280 appendix A.1, ub-common-name). */
struct pki_subject {
    const char *name;           /* of the organization or the person */
    const char *unit;           /* OU of an organization, or NULL */
    const char *subject_number; /* serialNumber, or NULL: [A-Za-z0-9-]; must not be the identity number */
    const char *identity;       /* USCC or resident ID: 18 characters */
};

/* A serial number: lower-case hex of its octets, as it is stored and shown. */
struct pki_serial {
    char hex[41];
};

/* All of one certificate. Strings and bytes are borrowed. */
struct pki_request {
    const struct pki_profile *profile;
    const struct pki_policy *policy;
    struct pki_subject subject;
    struct pki_der spki;
    struct pki_serial serial;
    int64_t not_before_ms; /* whole seconds count; UTC */
    int64_t not_after_ms;  /* the last valid second */
};

/* Sets both ends of the validity: `days` whole days from start_ms, the last second included (RFC 5280
 * 4.1.2.5). */
void pki_validity_days(struct pki_request *r, int64_t start_ms, int days);

/* Every field of the subject that cannot be certified, as violations under prefix ("organization." or ""):
 * REQUIRED, LENGTH, ENCODING, CONTROL, FORMAT. ERR_INVALID when there was one. */
enum err pki_subject_check(const struct pki_profile *profile, const struct pki_subject *s, const char *prefix,
                           struct fault *f);

#endif
