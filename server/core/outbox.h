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
    int64_t called_ms; /* doubtful: when the attempt began that may have taken effect; else now */
    int64_t fence;
};

/* What `call` found out; `done` stores it. */
struct job_result {
    bool undone; /* with OK: no earlier attempt took effect, so the job starts anew at once, without doubt */
    void *value; /* the kind's own, in c->arena */
};

struct job_kind {
    const char *name;
    int max_attempts;   /* then the job is EXHAUSTED: visible, and retried only by hand */
    int64_t lease_ms;   /* much longer than the call's own timeouts */
    int64_t backoff_ms; /* first pause; doubles, with jitter, up to an hour */
    /* Outside any transaction: may read through c, may call a provider. OK or an error: ERR_PROVIDER_UNKNOWN
     * marks the job doubtful; ERR_PROVIDER_BUSY, UNAVAILABLE, RATE_LIMITED, DEADLINE are tried again; others
     * fail the job for good. */
    enum err (*call)(struct ctx *c, const struct job *j, struct job_result *r);
    /* Inside a transaction, fence checked: stores the outcome. When the database fails it is run again
     * (alone, not the call) until it is stored; ERR_CONFLICT is run again a few times. Any other error fails
     * the job, doubtful, because the call has taken effect. */
    enum err (*done)(struct ctx *c, const struct job *j, const struct job_result *r);
    /* Inside a transaction when the job failed for good or is exhausted; may be NULL. */
    enum err (*failed)(struct ctx *c, const struct job *j, enum err why);
};

/* Inside a transaction. dedupe: at most one job ever with this key (unique); an equal one already there is OK
 * and adds nothing. run_at_ms 0: now. The payload is encrypted at rest. id_out may be NULL. */
enum err outbox_add(struct ctx *c, const char *kind, const char *dedupe, const char *object,
                    const void *payload, size_t n, int64_t run_at_ms, char *id_out);

/* -- for the console: what is stuck, and another try ---------------------------------------------------- */

enum job_state {
    JOB_WAITING = 1,
    JOB_RUNNING,
    JOB_DONE,
    JOB_FAILED,    /* a refusal: trying again would be refused again */
    JOB_EXHAUSTED, /* max_attempts reached */
};
const char *job_state_name(int state);

struct job_row {
    const char *id, *kind, *object;
    int state, attempt;
    bool doubtful;
    int64_t created_ms, run_at_ms;
    const char *last_error; /* "PROVIDER_REFUSED"; "" for none */
};
struct job_filter {
    int state;          /* 0: any */
    const char *object; /* NULL: any */
    const char *after;  /* id of the last row of the page before, or NULL */
    int limit;
};
/* By id, which is by age, oldest first. */
enum err outbox_list(struct ctx *c, const struct job_filter *filter, struct job_row **out, size_t *n);
/* Inside a transaction: a FAILED or EXHAUSTED job starts anew, with its attempts and its doubt (NOT_FOUND,
 * PRECONDITION). */
enum err outbox_retry(struct ctx *c, const char *id);

struct outbox_counts {
    int64_t waiting, running, failed, exhausted;
    int64_t oldest_ms; /* age of the oldest waiting or running job; 0 for none */
    int64_t mark;      /* differs when a job was given up once more */
};
enum err outbox_stats(struct ctx *c, struct outbox_counts *out);

/* -- workers -------------------------------------------------------------------------------------------- */

struct outbox;
struct outbox_options {
    struct app *app;             /* handed to jobs in their ctx */
    const struct db_options *db; /* copied by value: its strings live as long as the process */
    const struct keyring *keys;
    const struct job_kind *const *kinds; /* live as long as the process */
    size_t n_kinds;
    int threads;
    void (*committed)(void *arg); /* a job's outcome was committed (dispatch_changed); may be NULL */
    void *arg;
};
/* Each thread has a connection, opened by itself and opened again when it breaks. On start what dead
 * processes of this machine have left running is taken over at once; what others left, when its lease ends.
 */
enum err outbox_start(const struct outbox_options *options, struct outbox **out, struct fault *f);
/* Called after a commit that added jobs (dispatch does it): workers look at once instead of at their next
 * poll. */
void outbox_wake(struct outbox *o);
/* Lets running jobs end, then stops. */
void outbox_stop(struct outbox *o);

#endif
