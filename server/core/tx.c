#include "core/tx.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_error.h"
#include "core/db_tx.h"

#include <time.h>

enum {
    TRIES = 5,           /* of the whole transaction after 1213 or 1020 */
    LOCK_WAIT_TRIES = 2, /* after 1205: each has waited for seconds already */
    PAUSE_MS = 20,       /* doubles, with full jitter */
    PATIENCE_MS = 3000,  /* how long a lost connection is tried for, when the deadline is later */
};

struct run {
    struct ctx *c;
    tx_body *body;
    void *arg;
    struct arena_mark mark;
    int64_t until_ms; /* clock_mono_ms() */
    int tries, lock_waits, lost;
    bool unknown; /* a COMMIT was sent whose answer never came */
};

/* Full jitter: evenly between nothing and the doubled pause, so that two who met do not meet again. False
 * when the time is up. */
static bool pause_before(struct run *r, int nth)
{
    unsigned cap = (unsigned)PAUSE_MS << (nth < 6 ? nth : 6), chance;
    random_bytes(&chance, sizeof chance);
    int64_t ms = chance % (cap + 1), left = r->until_ms - clock_mono_ms();
    if (left <= ms)
        return false;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
    return true;
}

static enum err once(struct run *r)
{
    struct ctx *c = r->c;
    TRY(db_begin(c, c->latest ? TX_COMMITTED : TX_SNAPSHOT));
    enum err e = r->body(c, r->arg);
    bool claimed = db_claims(c->db)->claimed > 0;
    /* a counted try stays, and the caller still gets the body's error */
    enum err kept = e == OK || (c->keep && e != ERR_DB_RETRY) ? db_commit(c) : OK;
    if (kept != OK)
        e = kept;
    db_rollback(c->db);
    /* Without a claim a second run cannot tell the first one's effects from somebody else's. */
    if (r->unknown && !claimed && e != OK && e != ERR_DB_RETRY && db_usable(c->db))
        return fail(c->fault, ERR_UNKNOWN_OUTCOME, NULL);
    return e;
}

/* What is to be done after an error: true to run again. */
static bool again(struct run *r, enum err e)
{
    struct ctx *c = r->c;
    if (e == ERR_UNKNOWN_OUTCOME && db_usable(c->db))
        return false; /* the second run's verdict */
    if (e == ERR_UNKNOWN_OUTCOME)
        r->unknown = true;
    /* A compare-and-set that lost where nothing said 1020: with the latest always, in a snapshot when it
     * waited for the row that the other one then changed. Read again, the rules say why it cannot be, or it
     * can. */
    bool lost = e == ERR_CONFLICT && (c->latest || c->lost) && !c->keep && db_usable(c->db);
    if (e == ERR_DB_RETRY || lost) {
        bool waited = db_last_errno(c->db) == E_LOCK_WAIT;
        if (++r->tries >= TRIES || (waited && ++r->lock_waits > LOCK_WAIT_TRIES))
            return false;
        return pause_before(r, r->tries);
    }
    if (db_usable(c->db))
        return false; /* the body's own error, or one that trying again would not change */
    do {
        if (!pause_before(r, r->lost++))
            return false;
    } while (db_reconnect(c->db, c->fault) != OK);
    return true;
}

static enum err verdict(struct run *r, enum err e)
{
    struct ctx *c = r->c;
    if (e == OK)
        return OK;
    if (r->unknown && (e == ERR_DB_RETRY || e == ERR_UNAVAILABLE || e == ERR_UNKNOWN_OUTCOME)) {
        e = fail(c->fault, ERR_UNKNOWN_OUTCOME, NULL);
    } else if (e == ERR_DB_RETRY) {
        LOG(WARN, "tx.gave_up", KV_S("method", c->method), KV_I("tries", r->tries));
        e = fail(c->fault, ERR_UNAVAILABLE, NULL);
    } else if (e == ERR_DB_DUPLICATE) {
        e = fail(c->fault, ERR_EXISTS, NULL);
    }
    if (c->fault && (e == ERR_UNAVAILABLE || e == ERR_UNKNOWN_OUTCOME) && c->fault->retry_ms == 0)
        c->fault->retry_ms = 1000;
    return e;
}

enum err tx_run(struct ctx *c, tx_body *body, void *arg)
{
    struct run r = {.c = c, .body = body, .arg = arg, .mark = arena_mark(c->arena)};
    r.until_ms = clock_mono_ms() + PATIENCE_MS;
    c->lost = false;
    if (c->deadline_ms > 0 && c->deadline_ms < r.until_ms)
        r.until_ms = c->deadline_ms;
    enum err e;
    if (db_usable(c->db) || db_reconnect(c->db, c->fault) == OK)
        e = once(&r);
    else
        return verdict(&r, ERR_UNAVAILABLE);
    while (e != OK && again(&r, e)) {
        arena_release(c->arena, r.mark);
        if (c->fault)
            fault_clear(c->fault);
        c->wrote = c->queued = c->keep = c->lost = false;
        e = once(&r);
    }
    if (e != OK && !c->keep)
        c->wrote = c->queued = false;
    return verdict(&r, e);
}

enum err tx_read(struct ctx *c, tx_body *body, void *arg)
{
    uint64_t before = db_statements(c->db);
    c->reading = true;
    enum err e = body(c, arg);
    c->reading = false;
    if (db_statements(c->db) - before <= 1)
        return e; /* the common case: two statements less than a snapshot */
    if (c->fault)
        fault_clear(c->fault);
    TRY(db_begin(c, TX_READ));
    e = body(c, arg);
    db_rollback(c->db);
    return e;
}
