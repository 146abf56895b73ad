/* outbox_store.h - the statements of the outbox, for its workers.
 *
 * States and columns are in migrations/0001_core.sql. A claim is a short READ COMMITTED transaction with SKIP
 * LOCKED: it takes no gap locks, so it never delays the transactions that add jobs. Whoever finishes a job
 * names the fence of his claim; a later claim has raised it.
 */
#ifndef CERTDESK_CORE_OUTBOX_STORE_H
#define CERTDESK_CORE_OUTBOX_STORE_H

#include "core/outbox.h"

struct claimed {
    struct job job;
    const void *sealed; /* the payload as stored */
    size_t sealed_n;
    const char *kind; /* of job.kind, in the arena */
};

/* OK with *found false when nothing is due. kinds: comma-separated names this process knows. On
 * UNKNOWN_OUTCOME out->job.id and fence say what may have been claimed. Manages its own transaction. */
enum err outbox_claim(struct ctx *c, const char *owner, const char *kinds,
                      int64_t (*lease_of)(const char *kind, void *arg), void *arg, struct claimed *out,
                      bool *found);
/* Gives a claim back that may or may not have been made, as if it had not. Autocommit. */
enum err outbox_unclaim(struct ctx *c, const char *id, int64_t fence);

/* Inside a transaction: *stale when another claim has been made since, or the job is not running. */
enum err outbox_finish(struct ctx *c, const char *id, int64_t fence, enum job_state state, enum err why,
                       bool doubtful, int64_t run_at_ms, bool *stale);

/* Registers this process and frees what dead ones of this machine hold. owner gets the new id. */
enum err outbox_register(struct ctx *c, char owner[static ID_SIZE]);
enum err outbox_unregister(struct ctx *c, const char *owner);

#endif
