/* outbox.h - work that must happen after a commit: the only way to a provider.
 *
 * A row is added in the transaction that makes it necessary. A worker claims it in a short transaction (lease
 * on the database's clock, fence + 1), runs `call` outside any transaction, then `done` inside one that
 * checks the fence, so that a stale worker's result has no effect. What a crash left in between is claimed
 * again when the lease ends (or at once when this process restarts): job->attempt > 1 or job->doubtful tells
 * `call` to ask the provider about the earlier attempt before it repeats anything.
 */
#ifndef CERTDESK_CORE_OUTBOX_H
#define CERTDESK_CORE_OUTBOX_H

#include "core/ctx.h"

struct job {
    char id[ID_SIZE];    /* job_…: sent to the provider as our request id */
    const char *kind;    /* "sms.send" */
    const char *object;  /* the order or other object it belongs to */
    const void *payload; /* decrypted bytes, the kind's own format (packed protobuf or JSON) */
    size_t payload_n;
    int attempt;   /* 1 the first time */
    bool doubtful; /* an earlier attempt may have taken effect: settle before repeating */
    int64_t created_ms;
    int64_t fence;
};

/* What `call` found out; `done` stores it. */
struct job_result {
    void *value; /* the kind's own, in c->arena */
};

struct job_kind {
    const char *name;
    int max_attempts;   /* then the job is EXHAUSTED: visible, and retried only by hand */
    int64_t lease_ms;   /* much longer than the call's own timeouts */
    int64_t backoff_ms; /* first pause; doubles, with jitter, up to an hour */
    /* Outside any transaction: may read through c, may call a provider. OK or an error: ERR_PROVIDER_UNKNOWN
     * marks the job doubtful; ERR_PROVIDER_BUSY, UNAVAILABLE, RATE_LIMITED are tried again; others fail the
     * job for good. */
    enum err (*call)(struct ctx *c, const struct job *j, struct job_result *r);
    /* Inside a transaction, fence checked: stores the outcome. */
    enum err (*done)(struct ctx *c, const struct job *j, const struct job_result *r);
    /* Inside a transaction when the job failed for good or is exhausted; may be NULL. */
    enum err (*failed)(struct ctx *c, const struct job *j, enum err why);
};

/* Inside a transaction. dedupe: at most one job ever with this key (unique); an equal one already there is OK
 * and adds nothing. run_at_ms 0: now. The payload is encrypted at rest. id_out may be NULL. */
enum err outbox_add(struct ctx *c, const char *kind, const char *dedupe, const char *object,
                    const void *payload, size_t n, int64_t run_at_ms, char *id_out);

/* Workers. kinds live as long as the process. */
struct outbox;
enum err outbox_start(struct app *app, const struct job_kind *const *kinds, size_t n_kinds, int threads,
                      struct outbox **out, struct fault *f);
/* Called after a commit that added jobs (dispatch does it): workers look at once instead of at their next
 * poll. */
void outbox_wake(struct outbox *o);
/* Lets running jobs end, then stops. */
void outbox_stop(struct outbox *o);

#endif
