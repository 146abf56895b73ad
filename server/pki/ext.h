/* ext.h - the extensions of a certificate. Private to this folder.
 *
 * RFC 5280 4.2 and the identity extensions of GM/T 0015 / GB/T 20518.
 */
#ifndef CERTDESK_PKI_EXT_H
#define CERTDESK_PKI_EXT_H

#include "pki/ossl.h"
#include "pki/profile.h"

/* All extensions of a holder's certificate, in the order in which they are written. authority_key_id is the
 * issuer's SKI. NULL when something cannot be encoded. The caller frees with ext_free(). */
X509_EXTENSIONS *ext_holder(const struct pki_request *r, const ASN1_OCTET_STRING *authority_key_id);

/* Those of a CA: path_length -1 for none; authority_key_id NULL for a root. */
X509_EXTENSIONS *ext_authority(struct pki_der spki, int path_length,
                               const ASN1_OCTET_STRING *authority_key_id);

void ext_free(X509_EXTENSIONS *sk);

/* The identity extension's OID under this series, dotted. */
const char *ext_identity_oid(enum pki_series series, enum pki_kind kind);

/* The identity number in an extension's value, whichever of the forms it is written in; "" when it is in
 * none. */
enum {
    EXT_IDENTITY_MAX = 64
};
void ext_identity_read(const ASN1_OCTET_STRING *value, char out[static EXT_IDENTITY_MAX]);

/* The identity number of a certificate under any of the known OIDs, newest series first; "" when it has none.
 */
void ext_identity_of(const X509 *x, char out[static EXT_IDENTITY_MAX]);

#endif
