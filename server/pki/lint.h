/* lint.h - what must hold for a certificate before and after it is signed.
 *
 * The rules read the bytes with OpenSSL's certificate parser, not with the code that built them, and compare
 * them with the order, so that a fault in building shows. A rule that finds something says so once.
 */
#ifndef CERTDESK_PKI_LINT_H
#define CERTDESK_PKI_LINT_H

#include "pki/ca.h"
#include "pki/profile.h"

/* X(name, where it comes from) */
#define PKI_RULES(X)                                                                                         \
    X(DER, "X.690 10: one certificate in DER, nothing behind it")                                            \
    X(VERSION, "RFC 5280 4.1.2.1: v3")                                                                       \
    X(SERIAL_POSITIVE, "RFC 5280 4.1.2.2: a positive number")                                                \
    X(SERIAL_LENGTH, "RFC 5280 4.1.2.2: at most 20 octets; at least 64 bits")                                \
    X(SERIAL_ORDER, "the serial is the reserved one")                                                        \
    X(ALGORITHMS_EQUAL, "RFC 5280 4.1.1.2: the same AlgorithmIdentifier inside and outside")                 \
    X(ALGORITHM, "RFC 5758 3.2, GM/T 0015: the issuer's algorithm, without parameters")                      \
    X(ISSUER, "RFC 5280 4.1.2.4: the issuing CA's subject, byte for byte")                                   \
    X(VALIDITY_ORDER, "RFC 5280 4.1.2.5: it begins before it ends")                                          \
    X(VALIDITY_MAX, "no longer than profile and channel allow")                                              \
    X(VALIDITY_ISSUER, "within the issuing CA's validity")                                                   \
    X(VALIDITY_FORM, "RFC 5280 4.1.2.5: UTCTime to 2049, then GeneralizedTime, to the second, Z")            \
    X(SUBJECT_FIELDS, "the profile's attributes, each once")                                                 \
    X(SUBJECT_TEXT, "RFC 5280 4.1.2.6: UTF8String, printable, no control characters")                        \
    X(SUBJECT_LENGTH, "RFC 5280 appendix A.1: at most 64 characters")                                        \
    X(SUBJECT_ORDER, "the subject is the verified order's")                                                  \
    X(KEY_KIND, "GM/T 0015, RFC 5480: the profile's algorithm, named curve, point on it")                    \
    X(KEY_ORDER, "the key is the card's")                                                                    \
    X(UNIQUE_IDS, "RFC 5280 4.1.2.8: none")                                                                  \
    X(EXTENSION_TWICE, "RFC 5280 4.2: no extension twice")                                                   \
    X(EXTENSION_UNKNOWN, "only the profile's extensions; critical only where it says so")                    \
    X(NOT_A_CA, "RFC 5280 4.2.1.9: cA is not set")                                                           \
    X(KEY_USAGE, "RFC 5280 4.2.1.3: present, critical, the profile's bits exactly")                          \
    X(EXTENDED_KEY_USAGE, "RFC 5280 4.2.1.12: the profile's purposes exactly")                               \
    X(SUBJECT_KEY_ID, "RFC 7093 2: derived from the key")                                                    \
    X(AUTHORITY_KEY_ID, "RFC 5280 4.2.1.1: the issuing CA's SKI")                                            \
    X(IDENTITY, "GM/T 0015: the order's number under the channel's OID")                                     \
    X(POLICY, "RFC 5280 4.2.1.4: the channel's policy")                                                      \
    X(CRL_URL, "RFC 5280 4.2.1.13: the channel's CRL address")                                               \
    X(ACCESS_URLS, "RFC 5280 4.2.2.1: the channel's OCSP and issuer addresses")

enum pki_rule {
#define X(name, source) PKI_RULE_##name,
    PKI_RULES(X)
#undef X
    PKI_RULE_COUNT
};

const char *pki_rule_name(enum pki_rule r);
const char *pki_rule_source(enum pki_rule r);

struct pki_finding {
    enum pki_rule rule;
    char text[120]; /* what was seen */
};

struct pki_findings {
    size_t n;
    struct pki_finding at[PKI_RULE_COUNT];
};

/* Checks bytes that are to be signed. OK with n == 0, else ERR_LINT with the first finding in the fault; all
 * are in out. */
enum err pki_lint_tbs(const struct pki_ca *ca, const struct pki_request *r, struct pki_der tbs,
                      struct pki_findings *out, struct fault *f);
/* Checks a certificate in the same way. The signature is pki_verify_chain()'s to verify. */
enum err pki_lint_cert(const struct pki_ca *ca, const struct pki_request *r, struct pki_der certificate,
                       struct pki_findings *out, struct fault *f);

/* True when the rule is among them. */
bool pki_findings_has(const struct pki_findings *fs, enum pki_rule rule);

#endif
