#include "core/outbox_store.h"

#include "base/clock.h"
#include "core/crypt.h"
#include "core/db.h"
#include "core/db_tx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Leases are on the database's clock, because the servers' clocks differ. */
#define DB_NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

const char *job_state_name(int state)
{
    static const char *const names[] = {"", "WAITING", "RUNNING", "DONE", "FAILED", "EXHAUSTED"};
    return state >= JOB_WAITING && state <= JOB_EXHAUSTED ? names[state] : "";
}

/* -- adding, looking, trying again ---------------------------------------------------------------------- */

static enum err existing_id(struct ctx *c, const char *dedupe, char *id_out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT id FROM outbox WHERE dedupe = ? LOCK IN SHARE MODE"), TEXT(dedupe)));
    if (r.n == 0)
        return fail(c->fault, ERR_DB_RETRY, NULL);
    snprintf(id_out, ID_SIZE, "%s", row_text(&r, 0, 0));
    return OK;
}

enum err outbox_add(struct ctx *c, const char *kind, const char *dedupe, const char *object,
                    const void *payload, size_t n, int64_t run_at_ms, char *id_out)
{
    char id[ID_SIZE];
    const void *sealed;
    size_t sealed_n;
    if (!db_in_tx(c->db))
        return fail(c->fault, ERR_INTERNAL, NULL); /* a job without what made it necessary */
    id_new("job", id);
    TRY(crypt_seal(c->keys, c->arena, arena_printf(c->arena, "outbox.payload:%s", id), payload, n, &sealed,
                   &sealed_n));
    enum err e =
        db_exec(c, NULL,
                SQL("INSERT INTO outbox (id, kind, dedupe, object, payload, state, attempt, doubtful, fence,"
                    " run_at_ms, lease_until_ms, created_ms) VALUES (?, ?, ?, ?, ?, 1, 0, 0, 0, ?, 0, ?)"),
                TEXT(id), TEXT(kind), TEXT(dedupe), TEXT(object ? object : ""), BYTES(sealed, sealed_n),
                INT(run_at_ms ? run_at_ms : c->now_ms), INT(c->now_ms));
    if (e == ERR_DB_DUPLICATE) {
        if (c->fault)
            fault_clear(c->fault);
        return id_out ? existing_id(c, dedupe, id_out) : OK;
    }
    TRY(e);
    c->queued = true;
    if (id_out)
        memcpy(id_out, id, ID_SIZE);
    return OK;
}

enum err outbox_list(struct ctx *c, const struct job_filter *f, struct job_row **out, size_t *n)
{
    struct rows r;
    const char *after = f->after ? f->after : "";
    if (f->object)
        TRY(db_query(
            c, &r,
            SQL("SELECT id, kind, object, state, attempt, doubtful, created_ms, run_at_ms, last_error"
                " FROM outbox WHERE object = ? AND id > ? AND (? = 0 OR state = ?)"
                " ORDER BY id LIMIT ?"),
            TEXT(f->object), TEXT(after), INT(f->state), INT(f->state), INT(f->limit)));
    else if (f->state)
        TRY(db_query(
            c, &r,
            SQL("SELECT id, kind, object, state, attempt, doubtful, created_ms, run_at_ms, last_error"
                " FROM outbox WHERE state = ? AND id > ? ORDER BY id LIMIT ?"),
            INT(f->state), TEXT(after), INT(f->limit)));
    else
        TRY(db_query(
            c, &r,
            SQL("SELECT id, kind, object, state, attempt, doubtful, created_ms, run_at_ms, last_error"
                " FROM outbox WHERE id > ? ORDER BY id LIMIT ?"),
            TEXT(after), INT(f->limit)));
    struct job_row *rows = ARENA_ARRAY(c->arena, struct job_row, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        rows[i] = (struct job_row){.id = row_text(&r, i, 0),
                                   .kind = row_text(&r, i, 1),
                                   .object = row_text(&r, i, 2),
                                   .state = (int)row_int(&r, i, 3),
                                   .attempt = (int)row_int(&r, i, 4),
                                   .doubtful = row_int(&r, i, 5) != 0,
                                   .created_ms = row_int(&r, i, 6),
                                   .run_at_ms = row_int(&r, i, 7),
                                   .last_error = row_text(&r, i, 8)};
    *out = rows;
    *n = r.n;
    return OK;
}

enum err outbox_retry(struct ctx *c, const char *id)
{
    uint64_t changed;
    if (!id_valid("job", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_exec(c, &changed,
                SQL("UPDATE outbox SET state = 1, attempt = 0, fence = fence + 1, run_at_ms = ?,"
                    " ended_ms = NULL WHERE id = ? AND state IN (4, 5)"),
                INT(c->now_ms), TEXT(id)));
    if (changed == 1) {
        c->queued = true;
        return OK;
    }
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT 1 FROM outbox WHERE id = ?"), TEXT(id)));
    return fail(c->fault, r.n ? ERR_PRECONDITION : ERR_NOT_FOUND, NULL);
}

/* DONE rows are not counted: they are nearly all of the table. */
enum err outbox_stats(struct ctx *c, struct outbox_counts *out)
{
    *out = (struct outbox_counts){0};
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT state, COUNT(*), MIN(created_ms) FROM outbox WHERE state IN (1, 2, 4, 5)"
                     " GROUP BY state")));
    for (size_t i = 0; i < r.n; i++) {
        int64_t count = row_int(&r, i, 1), age = c->now_ms - row_int(&r, i, 2);
        switch (row_int(&r, i, 0)) {
        case JOB_WAITING:
            out->waiting = count;
            break;
        case JOB_RUNNING:
            out->running = count;
            break;
        case JOB_FAILED:
            out->failed = count;
            continue;
        default:
            out->exhausted = count;
            continue;
        }
        if (age > out->oldest_ms)
            out->oldest_ms = age;
    }
    TRY(db_query(c, &r,
                 SQL("SELECT CAST(COALESCE(SUM(fence), 0) AS SIGNED) FROM outbox WHERE state IN (4, 5)")));
    out->mark = row_int(&r, 0, 0);
    return OK;
}

/* -- claiming and finishing ----------------------------------------------------------------------------- */

/* Without locks, so that looking costs nobody anything. */
static enum err anything_due(struct ctx *c, const char *kinds, bool *due)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT 1 FROM outbox WHERE state = 1 AND run_at_ms <= ? AND FIND_IN_SET(kind, ?)"
                     " LIMIT 1"),
                 INT(c->now_ms), TEXT(kinds)));
    if (r.n == 0)
        TRY(db_query(c, &r,
                     SQL("SELECT 1 FROM outbox WHERE state = 2 AND lease_until_ms <= " DB_NOW
                         " AND FIND_IN_SET(kind, ?) LIMIT 1"),
                     TEXT(kinds)));
    *due = r.n > 0;
    return OK;
}

static enum err pick(struct ctx *c, const char *kinds, struct rows *r)
{
    TRY(db_query(c, r,
                 SQL("SELECT id, kind, object, payload, attempt, doubtful, fence, created_ms, state, "
                     "called_ms FROM outbox"
                     " WHERE state = 1 AND run_at_ms <= ? AND FIND_IN_SET(kind, ?)"
                     " ORDER BY run_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED"),
                 INT(c->now_ms), TEXT(kinds)));
    if (r->n)
        return OK;
    return db_query(
        c, r,
        SQL("SELECT id, kind, object, payload, attempt, doubtful, fence, created_ms, state, called_ms"
            " FROM outbox WHERE state = 2 AND lease_until_ms <= " DB_NOW
            " AND FIND_IN_SET(kind, ?) ORDER BY run_at_ms LIMIT 1 FOR UPDATE SKIP LOCKED"),
        TEXT(kinds));
}

/* A job that was RUNNING may have been called: nobody came back to say. */
static void read_job(const struct rows *r, int64_t now_ms, struct claimed *out)
{
    struct job *j = &out->job;
    snprintf(j->id, sizeof j->id, "%s", row_text(r, 0, 0));
    j->kind = row_text(r, 0, 1);
    j->object = row_text(r, 0, 2);
    out->sealed = row_text(r, 0, 3);
    out->sealed_n = row_cell(r, 0, 3)->n;
    j->attempt = (int)row_int(r, 0, 4) + 1;
    j->doubtful = row_int(r, 0, 5) != 0 || row_int(r, 0, 8) == JOB_RUNNING;
    j->fence = row_int(r, 0, 6) + 1;
    j->created_ms = row_int(r, 0, 7);
    j->called_ms = j->doubtful ? row_int(r, 0, 9) : now_ms;
}

static enum err take(struct ctx *c, const char *owner, const struct job *j, int64_t lease_ms)
{
    return db_exec_one(
        c,
        SQL("UPDATE outbox SET state = 2, attempt = ?, doubtful = ?, fence = ?, owner = ?, called_ms = ?,"
            " lease_until_ms = " DB_NOW " + ? WHERE id = ? AND fence = ?"),
        INT(j->attempt), INT(j->doubtful), INT(j->fence), TEXT(owner), INT(j->called_ms), INT(lease_ms),
        TEXT(j->id), INT(j->fence - 1));
}

enum err outbox_claim(struct ctx *c, const char *owner, const char *kinds,
                      int64_t (*lease_of)(const char *kind, void *arg), void *arg, struct claimed *out,
                      bool *found)
{
    *out = (struct claimed){0};
    *found = false;
    TRY(anything_due(c, kinds, found));
    if (!*found)
        return OK;
    *found = false;
    TRY(db_begin(c, TX_COMMITTED));
    struct rows r;
    enum err e = pick(c, kinds, &r);
    if (e == OK && r.n) {
        read_job(&r, c->now_ms, out);
        e = take(c, owner, &out->job, lease_of(out->job.kind, arg));
    }
    if (e == OK)
        e = db_commit(c);
    db_rollback(c->db);
    *found = e == OK && r.n > 0;
    return e;
}

enum err outbox_unclaim(struct ctx *c, const char *id, int64_t fence)
{
    return db_exec(c, NULL,
                   SQL("UPDATE outbox SET state = 1, attempt = attempt - 1, fence = fence + 1"
                       " WHERE id = ? AND fence = ? AND state = 2"),
                   TEXT(id), INT(fence));
}

enum err outbox_finish(struct ctx *c, const char *id, int64_t fence, enum job_state state, enum err why,
                       bool doubtful, int64_t run_at_ms, bool *stale)
{
    uint64_t changed;
    /* what was sent is not needed any more: it holds phones and codes */
    TRY(db_exec(c, &changed,
                SQL("UPDATE outbox SET state = ?, last_error = ?, doubtful = ?, run_at_ms = ?,"
                    " ended_ms = IF(? = 1, NULL, ?), payload = IF(? = 3, '', payload)"
                    " WHERE id = ? AND fence = ? AND state = 2"),
                INT(state), TEXT(why == OK ? NULL : err_name(why)), INT(doubtful), INT(run_at_ms), INT(state),
                INT(c->now_ms), INT(state), TEXT(id), INT(fence)));
    *stale = changed != 1;
    return OK;
}

/* -- who holds what ------------------------------------------------------------------------------------- */

/* Processes can be told dead or alive only within one boot and one pid namespace. */
static void host_name(char *out, size_t size)
{
    char boot[40] = "", ns[64] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f && fgets(boot, sizeof boot, f))
        boot[strcspn(boot, "\n")] = '\0';
    if (f)
        fclose(f);
    ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns - 1);
    ns[n > 0 ? n : 0] = '\0';
    snprintf(out, size, "%s %s", boot, ns);
}

/* Start time of a process in clock ticks since boot (proc(5), stat field 22); 0 when there is none. A pid
 * that was used again has another one. */
static int64_t started(int64_t pid)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *after_name = strrchr(text, ')');
    char state = 0;
    long long ticks = 0;
    if (!after_name ||
        sscanf(after_name + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &state,
               &ticks) != 2)
        return 0;
    return state == 'Z' || state == 'X' ? 0 : ticks;
}

static enum err free_dead(struct ctx *c, const char *host)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT owner, pid, started FROM outbox_owner WHERE host = ?"), TEXT(host)));
    for (size_t i = 0; i < r.n; i++) {
        if (started(row_int(&r, i, 1)) == row_int(&r, i, 2))
            continue;
        TRY(db_exec(c, NULL, SQL("UPDATE outbox SET lease_until_ms = 0 WHERE state = 2 AND owner = ?"),
                    TEXT(row_text(&r, i, 0))));
        TRY(db_exec(c, NULL, SQL("DELETE FROM outbox_owner WHERE owner = ?"), TEXT(row_text(&r, i, 0))));
    }
    return OK;
}

enum err outbox_register(struct ctx *c, char owner[static ID_SIZE])
{
    char host[120];
    host_name(host, sizeof host);
    id_new("own", owner);
    TRY(db_exec(c, NULL, SQL("INSERT INTO outbox_owner (owner, host, pid, started) VALUES (?, ?, ?, ?)"),
                TEXT(owner), TEXT(host), INT(getpid()), INT(started(getpid()))));
    return free_dead(c, host);
}

enum err outbox_unregister(struct ctx *c, const char *owner)
{
    return db_exec(c, NULL, SQL("DELETE FROM outbox_owner WHERE owner = ?"), TEXT(owner));
}
