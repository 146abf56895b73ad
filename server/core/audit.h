/* audit.h - who did what, in a form that cannot be altered unseen (S30).
 *
 * One hash chain per writer (one writer per connection, named by process start and number), because a single
 * chain would serialise all commits: row hash = SHA-256(previous hash, canonical row). The head is held in
 * memory and advances at commit; after a COMMIT of unknown outcome the connection starts a new writer. A seal
 * job signs all heads every minute and at shutdown (ECDSA P-256 key of its own); the verifier recomputes
 * every chain and names the first bad row, gaps, and rows missing at the tail against the seals.
 */
#ifndef CERTDESK_CORE_AUDIT_H
#define CERTDESK_CORE_AUDIT_H

#include "core/ctx.h"

struct audit_entry {
    const char *action; /* "order.approve", "staff.login" */
    const char *object; /* id of what it happened to */
    int64_t version;    /* the object's version after it; 0 when it has none */
    const char *detail; /* JSON object without personal data, or NULL */
};

/* Inside a transaction: adds one row to this connection's chain. Who, when, method and request come from the
 * ctx. */
enum err audit_add(struct ctx *c, const struct audit_entry *e);

/* Signs the heads of all writers of this process and stores the seal, in a transaction of its own; nothing is
 * stored when no row was added since. The first seal of a process also covers what dead processes left in the
 * last day. Run by the server every minute and at stop. Key: seal.key.pem of the keyring; the auditor's copy
 * is seal.pub.pem. */
enum err audit_seal(struct ctx *c);

struct audit_report {
    uint64_t rows, writers, seals;
    bool intact;
    char first_bad[200]; /* "writer w_… row 17: hash does not follow"; empty when intact */
};
/* Reads everything and checks it. ERR_DATA_LOSS when not intact. public_key_pem: the auditor's copy of the
 * seal key. */
enum err audit_verify(struct ctx *c, const char *public_key_pem, struct audit_report *out);

#endif
