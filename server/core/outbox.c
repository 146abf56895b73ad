#include "core/outbox.h"

#include "base/clock.h"
#include "base/fi.h"
#include "base/log.h"
#include "core/crypt.h"
#include "core/db.h"
#include "core/db_tx.h"
#include "core/outbox_store.h"
#include "core/tx.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    POLL_MS = 250,      /* one thread looks this often when nobody wakes it */
    REST_MS = 2000,     /* the others */
    RECONNECT_MS = 100, /* doubles up to RECONNECT_MAX_MS */
    RECONNECT_MAX_MS = 1000,
    BACKOFF_MAX_MS = 3600 * 1000,
    CONFLICT_TRIES = 8,
    STOP_PATIENCE_MS = 5000, /* for storing an outcome while the process wants to stop */
};

struct worker {
    struct outbox *box;
    pthread_t thread;
    int number;
    struct db *db;
    char unclaim[ID_SIZE]; /* a claim of unknown outcome, to be given back */
    int64_t unclaim_fence;
};

struct outbox {
    struct outbox_options o;
    struct db_options db;
    char *kinds; /* "a,b,c" */
    pthread_mutex_t lock;
    pthread_mutex_t registering; /* apart: it is held over statements, and outbox_wake() must not wait */
    pthread_cond_t wake;
    uint64_t wakes;
    bool stop, registered;
    char owner[ID_SIZE];
    int n;
    struct worker workers[];
};

/* -- waiting -------------------------------------------------------------------------------------------- */

static bool stopping(struct outbox *b)
{
    pthread_mutex_lock(&b->lock);
    bool s = b->stop;
    pthread_mutex_unlock(&b->lock);
    return s;
}

/* Until somebody wakes the box after *seen, it stops, or ms are over. */
static void rest(struct outbox *b, uint64_t *seen, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&b->lock);
    while (!b->stop && b->wakes == *seen)
        if (pthread_cond_timedwait(&b->wake, &b->lock, &t) == ETIMEDOUT)
            break;
    *seen = b->wakes;
    pthread_mutex_unlock(&b->lock);
}

void outbox_wake(struct outbox *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->wakes++;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
}

/* -- one job -------------------------------------------------------------------------------------------- */

static const struct job_kind *kind_of(struct outbox *b, const char *name)
{
    for (size_t i = 0; i < b->o.n_kinds; i++)
        if (strcmp(b->o.kinds[i]->name, name) == 0)
            return b->o.kinds[i];
    return NULL;
}

static int64_t lease_of(const char *kind, void *arg)
{
    const struct job_kind *k = kind_of(arg, kind);
    return k ? k->lease_ms : 60000;
}

static bool tried_again(enum err e)
{
    return e == ERR_PROVIDER_UNKNOWN || e == ERR_PROVIDER_BUSY || e == ERR_UNAVAILABLE ||
           e == ERR_RATE_LIMITED || e == ERR_DEADLINE || e == ERR_UNKNOWN_OUTCOME || e == ERR_DB_RETRY ||
           e == ERR_EXHAUSTED;
}

/* Doubling from the kind's first pause, between half and all of it. */
static int64_t next_try(const struct job_kind *k, int attempt)
{
    int64_t pause = k->backoff_ms > 0 ? k->backoff_ms : 1000;
    for (int i = 1; i < attempt && pause < BACKOFF_MAX_MS; i++)
        pause *= 2;
    if (pause > BACKOFF_MAX_MS)
        pause = BACKOFF_MAX_MS;
    uint32_t chance;
    random_bytes(&chance, sizeof chance);
    return clock_now_ms() + pause / 2 + (int64_t)chance % (pause / 2 + 1);
}

/* How a job ends this time. */
struct ending {
    const struct job_kind *kind;
    const struct job *job;
    const struct job_result *result;
    enum job_state state;
    enum err why;
    bool doubtful;
    bool quiet; /* the kind's `failed` itself fails: record the state without it */
    int64_t run_at_ms;
    bool stale;
};

static enum err body_end(struct ctx *c, void *arg)
{
    struct ending *x = arg;
    TRY(outbox_finish(c, x->job->id, x->job->fence, x->state, x->why, x->doubtful, x->run_at_ms, &x->stale));
    if (x->stale)
        return OK;
    if (x->state == JOB_DONE)
        return x->kind->done(c, x->job, x->result);
    if ((x->state == JOB_FAILED || x->state == JOB_EXHAUSTED) && x->kind->failed && !x->quiet)
        return x->kind->failed(c, x->job, x->why);
    return OK;
}

static bool database_trouble(enum err e)
{
    return e == ERR_UNAVAILABLE || e == ERR_UNKNOWN_OUTCOME;
}

/* Stores an ending however long the database needs, but for a process that has to stop: then the lease tells
 * the next one, and doubt tells him to ask the provider first. */
static enum err store(struct worker *w, struct ctx *c, struct ending *x)
{
    int64_t give_up = 0;
    int conflicts = 0;
    uint64_t seen = 0;
    for (;;) {
        fault_clear(c->fault);
        c->now_ms = clock_now_ms();
        c->deadline_ms = 0;
        enum err e = tx_run(c, body_end, x);
        bool again = database_trouble(e) || (e == ERR_CONFLICT && ++conflicts < CONFLICT_TRIES);
        if (!again)
            return e;
        if (stopping(w->box)) {
            if (give_up == 0)
                give_up = clock_mono_ms() + STOP_PATIENCE_MS;
            if (clock_mono_ms() > give_up)
                return e;
            nanosleep(&(struct timespec){.tv_nsec = RECONNECT_MS * 1000000L}, NULL);
        } else {
            rest(w->box, &seen, RECONNECT_MS);
        }
    }
}

static void log_end(const struct ending *x)
{
    if (x->stale)
        LOG(WARN, "outbox.stale", KV_S("job", x->job->id), KV_S("kind", x->job->kind));
    else if (x->state == JOB_DONE)
        LOG(INFO, "outbox.done", KV_S("job", x->job->id), KV_S("kind", x->job->kind),
            KV_I("attempt", x->job->attempt));
    else
        LOG(WARN, "outbox.not_done", KV_S("job", x->job->id), KV_S("kind", x->job->kind),
            KV_S("state", job_state_name((int)x->state)), KV_S("error", err_name(x->why)),
            KV_I("attempt", x->job->attempt));
}

static void end_job(struct worker *w, struct ctx *c, struct ending *x)
{
    enum err e = store(w, c, x);
    if (e != OK && x->state == JOB_DONE && !database_trouble(e)) {
        /* the call has taken effect and its outcome cannot be stored: somebody has to look */
        *x = (struct ending){.kind = x->kind, .job = x->job, .state = JOB_FAILED, .why = e, .doubtful = true};
        e = store(w, c, x);
    }
    if (e != OK && x->state != JOB_WAITING && x->state != JOB_DONE && !database_trouble(e)) {
        LOG(ERROR, "outbox.failed_hook", KV_S("job", x->job->id), KV_S("error", err_name(e)));
        x->quiet = true;
        e = store(w, c, x);
    }
    if (e != OK) {
        LOG(ERROR, "outbox.not_stored", KV_S("job", x->job->id), KV_S("error", err_name(e)));
        return;
    }
    FI("outbox.done");
    log_end(x);
    if (c->queued)
        outbox_wake(w->box);
    if (w->box->o.committed)
        w->box->o.committed(w->box->o.arg);
}

static void call_job(struct worker *w, struct ctx *c, struct claimed *it)
{
    struct job *j = &it->job;
    const struct job_kind *k = kind_of(w->box, j->kind);
    struct job_result result = {0};
    struct ending x = {.kind = k, .job = j, .result = &result, .doubtful = j->doubtful};
    const char *payload;
    enum err e = crypt_open(c->keys, c->arena, arena_printf(c->arena, "outbox.payload:%s", j->id), it->sealed,
                            it->sealed_n, &payload, &j->payload_n, c->fault);
    if (e == OK) {
        j->payload = payload;
        /* claimed again and again without an ending: whoever calls it dies of it */
        e = j->attempt > k->max_attempts ? ERR_PROVIDER_UNKNOWN : k->call(c, j, &result);
    }
    FI("outbox.called");
    x.why = e;
    x.doubtful |= e == ERR_PROVIDER_UNKNOWN;
    if (e == OK && result.undone) {
        x.state = j->attempt < k->max_attempts ? JOB_WAITING : JOB_EXHAUSTED;
        x.doubtful = false;
        x.run_at_ms = clock_now_ms();
    } else if (e == OK) {
        x.state = JOB_DONE;
        x.doubtful = false;
    } else if (!tried_again(e)) {
        x.state = JOB_FAILED;
    } else if (j->attempt >= k->max_attempts) {
        x.state = JOB_EXHAUSTED;
    } else {
        x.state = JOB_WAITING;
        x.run_at_ms = next_try(k, j->attempt);
    }
    end_job(w, c, &x);
}

static void fill_ctx(struct worker *w, struct ctx *c, struct arena *a, struct fault *f)
{
    *c = (struct ctx){.app = w->box->o.app,
                      .db = w->db,
                      .keys = w->box->o.keys,
                      .arena = a,
                      .fault = f,
                      .caller = {.kind = CALLER_SYSTEM, .id = "system"},
                      .now_ms = clock_now_ms(),
                      .method = "job"};
    fault_clear(f);
}

/* Claims and runs one job. False when there was none. */
static bool one_job(struct worker *w, struct arena *a, struct fault *f)
{
    struct ctx c;
    struct claimed it;
    bool found;
    fill_ctx(w, &c, a, f);
    enum err e = outbox_claim(&c, w->box->owner, w->box->kinds, lease_of, w->box, &it, &found);
    if (e == ERR_UNKNOWN_OUTCOME && it.job.id[0]) {
        memcpy(w->unclaim, it.job.id, ID_SIZE);
        w->unclaim_fence = it.job.fence;
    }
    if (e != OK || !found)
        return false;
    FI("outbox.claimed");
    outbox_wake(w->box); /* perhaps there is more: the next thread looks while this one works */
    memcpy(c.request, it.job.id, ID_SIZE);
    c.method = arena_printf(a, "job:%s", it.job.kind);
    c.deadline_ms = clock_mono_ms() + lease_of(it.job.kind, w->box);
    call_job(w, &c, &it);
    return true;
}

/* -- threads -------------------------------------------------------------------------------------------- */

/* A new connection, this process's name in the table (once), and what an unknown COMMIT left. */
static bool ready(struct worker *w, struct arena *a, struct fault *f)
{
    struct outbox *b = w->box;
    if (!w->db && db_open(&b->db, &w->db, f) != OK) {
        w->db = NULL;
        return false;
    }
    if (!db_usable(w->db) && db_reconnect(w->db, f) != OK)
        return false;
    struct ctx c;
    fill_ctx(w, &c, a, f);
    pthread_mutex_lock(&b->registering);
    if (!b->registered)
        b->registered = outbox_register(&c, b->owner) == OK;
    bool ok = b->registered;
    pthread_mutex_unlock(&b->registering);
    if (ok && w->unclaim[0]) {
        ok = outbox_unclaim(&c, w->unclaim, w->unclaim_fence) == OK;
        if (ok)
            w->unclaim[0] = '\0';
    }
    return ok;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct outbox *b = w->box;
    struct arena a;
    struct fault *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    arena_init(&a, 0);
    uint64_t seen = 0;
    int64_t pause = RECONNECT_MS;
    while (!stopping(b)) {
        if (!ready(w, &a, f)) {
            rest(b, &seen, pause);
            pause = pause * 2 > RECONNECT_MAX_MS ? RECONNECT_MAX_MS : pause * 2;
        } else {
            pause = RECONNECT_MS;
            if (!one_job(w, &a, f) && db_usable(w->db))
                rest(b, &seen, w->number == 0 ? POLL_MS : REST_MS);
        }
        arena_free(&a);
    }
    db_close(w->db);
    free(f);
    return NULL;
}

static char *join_names(const struct outbox_options *o)
{
    struct arena a;
    arena_init(&a, 0);
    struct buf b = BUF(&a);
    for (size_t i = 0; i < o->n_kinds; i++)
        buf_printf(&b, "%s%s", i ? "," : "", o->kinds[i]->name);
    char *s = strdup(buf_text(&b));
    arena_free(&a);
    if (!s)
        abort();
    return s;
}

enum err outbox_start(const struct outbox_options *o, struct outbox **out, struct fault *f)
{
    int n = o->threads > 0 ? o->threads : 1;
    struct outbox *b = calloc(1, sizeof *b + (size_t)n * sizeof b->workers[0]);
    if (!b)
        abort();
    b->o = *o;
    b->db = *o->db;
    b->kinds = join_names(o);
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&b->wake, &mono);
    pthread_condattr_destroy(&mono);
    pthread_mutex_init(&b->lock, NULL);
    pthread_mutex_init(&b->registering, NULL);
    for (; b->n < n; b->n++) {
        b->workers[b->n] = (struct worker){.box = b, .number = b->n};
        if (pthread_create(&b->workers[b->n].thread, NULL, work, &b->workers[b->n]) != 0) {
            outbox_stop(b);
            return fail(f, ERR_EXHAUSTED, "the threads of the outbox cannot be started");
        }
    }
    *out = b;
    return OK;
}

/* The owner's row goes with the process: a clean stop leaves nothing running. */
static void sign_off(struct outbox *b)
{
    struct db *db;
    struct arena a;
    if (!b->registered || db_open(&b->db, &db, NULL) != OK)
        return;
    arena_init(&a, 0);
    struct ctx c = {.db = db, .arena = &a, .method = "outbox", .now_ms = clock_now_ms()};
    struct rows r;
    if (db_query(&c, &r, SQL("SELECT 1 FROM outbox WHERE state = 2 AND owner = ? LIMIT 1"), TEXT(b->owner)) ==
            OK &&
        r.n == 0)
        (void)!outbox_unregister(&c, b->owner);
    db_close(db);
    arena_free(&a);
}

void outbox_stop(struct outbox *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_cond_broadcast(&b->wake);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->n; i++)
        pthread_join(b->workers[i].thread, NULL);
    sign_off(b);
    pthread_cond_destroy(&b->wake);
    pthread_mutex_destroy(&b->lock);
    pthread_mutex_destroy(&b->registering);
    free(b->kinds);
    free(b);
}
