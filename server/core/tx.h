/* tx.h - the one transaction wrapper, and idempotency of mutating calls.
 *
 * tx_run: BEGIN, body, COMMIT. DB_RETRY (1213, 1020, 1205) rolls back, throws away what the failed try put
 * into the arena, and runs the body again (5 tries, 2 after a lock wait; 20 ms * 2^n with full jitter, never
 * past ctx->deadline_ms nor, with or without one, 3 s). CONFLICT is run again as well, with ctx->latest and
 * after a compare-and-set that lost (db_exec_one()), and is the outcome when it stays. A connection lost
 * before COMMIT reconnects and retries. A connection lost at COMMIT is unknown: the body runs again under the
 * same idempotency key on a new connection, which either finds the stored response or does the work; if that
 * cannot be decided in time the error is UNKNOWN_OUTCOME.
 * So a body has no effect outside the database, keeps no pointer into the arena from one run to the next, and
 * begins with idem_claim(); one without a claim that fails when it is run again after a lost COMMIT ends as
 * UNKNOWN_OUTCOME too, because it may have met its own effect.
 *
 * What leaves tx_run is for the wire: DB_RETRY has become UNAVAILABLE with a hint when to try again, and a
 * DB_DUPLICATE that the body let through EXISTS.
 */
#ifndef CERTDESK_CORE_TX_H
#define CERTDESK_CORE_TX_H

#include "core/ctx.h"

/* Does the work inside the transaction. Errors roll back. arg is the body's own. */
typedef enum err tx_body(struct ctx *c, void *arg);

enum err tx_run(struct ctx *c, tx_body *body, void *arg);

/* Reads of one moment: whatever the body reads fits together. One statement does by itself; when the body
 * sent more, it runs a second time inside a snapshot, which alone counts. It writes nothing, and begins its
 * results anew. */
enum err tx_read(struct ctx *c, tx_body *body, void *arg);

/* Inside a transaction, first statement of a mutating call: claims (caller, method, request_id).
 * OK with *stored NULL: go on, and call idem_store() at the end. OK with *stored set: this is a repeat; those
 * n bytes are the packed response of the first time. ERR_REQUEST_ID_REUSED: same id, other request.
 * Concurrent repeats wait for the first one. digest is SHA-256 over the request's bytes. */
enum err idem_claim(struct ctx *c, const char *request_id, const unsigned char digest[static 32],
                    const void **stored, size_t *n);
/* Takes the claim back: the call failed but its transaction is kept (ctx->keep), and may be repeated as new.
 */
enum err idem_release(struct ctx *c, const char *request_id);
enum err idem_store(struct ctx *c, const char *request_id, const void *response, size_t n);

#endif
