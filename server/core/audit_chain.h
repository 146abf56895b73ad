/* audit_chain.h - what writing and verifying the audit trail have in common: the bytes that are hashed.
 *
 * A row's hash is SHA-256 over the previous row's hash and the row's fields in the order below, each text
 * with its length before it, so that no two rows have the same bytes. The first row of a writer follows 32
 * zero bytes. A seal's content is the text of audit_seal_content().
 */
#ifndef CERTDESK_CORE_AUDIT_CHAIN_H
#define CERTDESK_CORE_AUDIT_CHAIN_H

#include "core/audit.h"

enum {
    HASH = 32
};

struct audit_row {
    const char *writer;
    int64_t seq, at_ms, caller_kind;
    const char *caller, *session, *request, *method, *action, *object;
    int64_t version;
    const char *detail; /* NULL and "" are different */
};

void audit_hash(struct arena *a, const struct audit_row *row, const unsigned char prev[static HASH],
                unsigned char out[static HASH]);

/* heads: lines "writer seq hash\n". */
const char *audit_seal_content(struct arena *a, int64_t number, int64_t at_ms,
                               const unsigned char prev[static HASH], const char *heads);

#endif
