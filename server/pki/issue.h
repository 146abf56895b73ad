/* issue.h - the steps of issuance, one by one, in the order in which they are taken.
 *
 *   serial    pki_serial_new                 stored (unique) before it is used
 *   build     pki_tbs_build                  the bytes to be signed
 *   lint      pki_lint_tbs (lint.h)          before anything is signed
 *             -- the caller stores the bytes as its intent and commits --
 *   sign      pki_sign                       exactly the stored bytes
 *   compare   pki_same_tbs, pki_lint_cert, pki_verify_chain
 *             -- the caller stores the certificate and commits --
 *
 * ca.h runs build and lint, sign and compare in one call each.
 */
#ifndef CERTDESK_PKI_ISSUE_H
#define CERTDESK_PKI_ISSUE_H

#include "pki/ca.h"
#include "pki/profile.h"

/* A new serial: 16 octets from the kernel's generator, 126 of their bits random, the first octet between 0x40
 * and 0x7f. So it is positive, of constant length, and within RFC 5280's 20 octets. */
struct pki_serial pki_serial_new(void);

/* The TBSCertificate of a request in DER. The same request gives the same bytes. ERR_INVALID with violations
 * for a subject that cannot be certified, a serial that is no number, a validity that is none. */
enum err pki_tbs_build(const struct pki_ca *ca, const struct pki_request *r, struct arena *a,
                       struct pki_der *tbs, struct fault *f);

/* Signs the bytes as they are, verifies the signature, wraps both. ERR_LINT when the bytes are not a
 * TBSCertificate of this CA. */
enum err pki_sign(const struct pki_ca *ca, struct pki_der tbs, struct arena *a, struct pki_der *certificate,
                  struct fault *f);

/* True when the certificate's TBSCertificate is these bytes, every bit. */
bool pki_same_tbs(struct pki_der tbs, struct pki_der certificate);

#endif
