/* pool.h - worker threads with a database connection each, and one bounded first-in-first-out queue before
 * them.
 *
 * Work is intrusive: submitting allocates nothing. A worker takes the oldest work and, when it has a key, up
 * to 31 more waiting ones of the same key, and runs them as one list: so handlers can read for many callers
 * at once. A worker whose connection is broken takes no work until it has another (it tries with back-off),
 * while the others go on: a broken connection must not attract calls by failing fast.
 */
#ifndef CERTDESK_CORE_POOL_H
#define CERTDESK_CORE_POOL_H

#include "core/db.h"

struct pool;

enum {
    POOL_LIST = 32
};

struct pool_work {
    struct pool_work *next; /* the pool's while submitted */
    const void *key;        /* NULL: always alone */
    size_t most;            /* in one list, this one first; 0: POOL_LIST */
    int lists;              /* of this key that run at a time; the rest waits and makes longer ones; 0: any */
    int64_t deadline_ms;    /* clock_mono_ms(); not started later. INT64_MAX: none */
    /* On a worker's thread: list[0..n-1] have the same key and the same run; each is the caller's again. */
    void (*run)(struct pool_work *const *list, size_t n, struct db *db);
    /* Not run: why is DEADLINE, or UNAVAILABLE when the pool stops, is shed, or has had no connection for a
     * second. Any thread. */
    void (*drop)(struct pool_work *w, enum err why);
};

struct pool_options {
    struct db_options db;
    int workers;
    size_t queue; /* waiting works at most */
    bool bare;    /* workers without a connection: run gets NULL */
};

/* Starts the threads; connections are made by them. */
enum err pool_open(const struct pool_options *o, struct pool **out, struct fault *f);
/* ERR_EXHAUSTED when the queue is full, ERR_UNAVAILABLE when no worker has had a connection for a second or
 * the pool stops; the work is the caller's then. Any thread, never blocks. */
enum err pool_submit(struct pool *p, struct pool_work *w);
size_t pool_waiting(const struct pool *p);
/* Drops what waits, UNAVAILABLE: the database has stopped answering (core/probe.h). Any thread. */
void pool_shed(struct pool *p);
/* Runs what waits, then stops. No submits may come any more. */
void pool_close(struct pool *p);

#endif
