#include "core/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    LOOK_AHEAD = 256,  /* how far a worker looks for more of the same key */
    WITHOUT_MS = 1000, /* no connection anywhere for so long: work is refused */
    PAUSE_MS = 20,     /* between attempts to connect; doubles */
    PAUSE_MAX_MS = 400,
};

struct worker {
    struct pool *pool;
    pthread_t thread;
    struct db *db;
    bool connected;  /* counted in pool->connected */
    const void *key; /* of the list that runs; NULL: none, or one without a key */
    int64_t pause_ms;
};

struct pool {
    struct db_options db;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_work *first, **end; /* oldest first */
    size_t waiting, capacity;
    int idle, connected;
    int64_t without_since_ms; /* clock_mono_ms() since which connected is 0 */
    bool stop, bare;
    int n;
    struct worker workers[];
};

/* -- the queue, with the lock held ---------------------------------------------------------------------- */

static struct pool_work *unlink_at(struct pool *p, struct pool_work **at)
{
    struct pool_work *w = *at;
    *at = w->next;
    if (p->end == &w->next)
        p->end = at;
    w->next = NULL;
    p->waiting--;
    return w;
}

static bool may_run(const struct pool *p, const struct pool_work *w)
{
    int running = 0;
    for (int i = 0; w->key && w->lists && i < p->n; i++)
        running += p->workers[i].key == w->key;
    return !w->key || !w->lists || running < w->lists;
}

/* Where the oldest work stands that may run now; NULL when there is none. */
static struct pool_work **runnable(struct pool *p)
{
    const void *full = NULL; /* a key that may not: usually that of all that wait */
    for (struct pool_work **at = &p->first; *at; at = &(*at)->next) {
        if (full && (*at)->key == full)
            continue;
        if (may_run(p, *at))
            return at;
        full = (*at)->key;
    }
    return NULL;
}

/* For work that could not run, or whose signal went to a worker that cannot run it. */
static void pass_on(struct pool *p)
{
    if (p->idle && runnable(p))
        pthread_cond_signal(&p->work);
}

/* The oldest work that may run and what waits behind it with the same key and function, in order. */
static size_t take(struct pool *p, struct pool_work *list[static POOL_LIST])
{
    struct pool_work **at = runnable(p);
    if (!at)
        return 0;
    size_t n = 0;
    list[n++] = unlink_at(p, at);
    const void *key = list[0]->key;
    size_t most = list[0]->most && list[0]->most < POOL_LIST ? list[0]->most : POOL_LIST;
    for (int seen = 0; key && *at && n < most && seen < LOOK_AHEAD; seen++) {
        if ((*at)->key == key && (*at)->run == list[0]->run)
            list[n++] = unlink_at(p, at);
        else
            at = &(*at)->next;
    }
    return n;
}

/* Without the lock: what is too late is dropped, the rest stays in order. */
static size_t drop_late(struct pool_work *list[static POOL_LIST], size_t n)
{
    int64_t now = clock_mono_ms();
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i]->deadline_ms > now)
            list[kept++] = list[i];
        else
            list[i]->drop(list[i], ERR_DEADLINE);
    }
    return kept;
}

/* Nobody can run it. */
static void drop_all(struct pool *p)
{
    while (p->first) {
        struct pool_work *w = unlink_at(p, &p->first);
        pthread_mutex_unlock(&p->lock);
        w->drop(w, ERR_UNAVAILABLE);
        pthread_mutex_lock(&p->lock);
    }
}

static bool without(const struct pool *p)
{
    return !p->bare && p->connected == 0 && clock_mono_ms() - p->without_since_ms > WITHOUT_MS;
}

/* -- workers -------------------------------------------------------------------------------------------- */

static void set_connected(struct worker *w, bool connected)
{
    struct pool *p = w->pool;
    if (w->connected == connected)
        return;
    w->connected = connected;
    p->connected += connected ? 1 : -1;
    if (p->connected == 0)
        p->without_since_ms = clock_mono_ms();
}

static void back_off(struct worker *w)
{
    struct pool *p = w->pool;
    int64_t until = clock_mono_ms() + w->pause_ms;
    struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    if (!p->stop)
        pthread_cond_timedwait(&p->work, &p->lock, &t);
    pass_on(p);
    w->pause_ms = w->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : w->pause_ms * 2;
}

/* One attempt; with the lock held before and after. Meanwhile the others take the work. */
static bool connect_worker(struct worker *w)
{
    struct pool *p = w->pool;
    set_connected(w, false);
    pthread_mutex_unlock(&p->lock);
    enum err e = w->db ? db_reconnect(w->db, NULL) : db_open(&p->db, &w->db, NULL);
    pthread_mutex_lock(&p->lock);
    set_connected(w, e == OK);
    if (e == OK) {
        w->pause_ms = PAUSE_MS;
        return true;
    }
    if (without(p))
        drop_all(p);
    back_off(w);
    return false;
}

static void run_list(struct worker *w)
{
    struct pool *p = w->pool;
    struct pool_work *list[POOL_LIST];
    size_t n = take(p, list);
    w->key = n ? list[0]->key : NULL;
    pass_on(p);
    pthread_mutex_unlock(&p->lock);
    n = drop_late(list, n);
    if (n)
        list[0]->run(list, n, w->db);
    if (w->db)
        db_rollback(w->db); /* whatever a handler left open ends here */
    pthread_mutex_lock(&p->lock);
    w->key = NULL;
    if (p->stop && !p->first) /* those who waited for this key are needed no more */
        pthread_cond_broadcast(&p->work);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    pthread_mutex_lock(&p->lock);
    while (!p->stop || p->first) {
        if (!p->bare && (!w->db || !db_still_there(w->db))) {
            if (!connect_worker(w) && p->stop)
                drop_all(p);
        } else if (runnable(p)) {
            run_list(w);
        } else {
            p->idle++;
            pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
        }
    }
    set_connected(w, false);
    pthread_mutex_unlock(&p->lock);
    db_close(w->db);
    return NULL;
}

/* -- from outside --------------------------------------------------------------------------------------- */

enum err pool_open(const struct pool_options *o, struct pool **out, struct fault *f)
{
    int n = o->workers > 0 ? o->workers : 1;
    struct pool *p = calloc(1, sizeof *p + (size_t)n * sizeof p->workers[0]);
    if (!p)
        abort();
    p->db = o->db;
    p->bare = o->bare;
    p->capacity = o->queue ? o->queue : 1024;
    p->end = &p->first;
    p->without_since_ms = clock_mono_ms();
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&p->work, &mono);
    pthread_condattr_destroy(&mono);
    for (; p->n < n; p->n++) {
        p->workers[p->n] = (struct worker){.pool = p, .pause_ms = PAUSE_MS};
        if (pthread_create(&p->workers[p->n].thread, NULL, work, &p->workers[p->n]) != 0) {
            pool_close(p);
            return fail(f, ERR_EXHAUSTED, "the worker threads cannot be started");
        }
    }
    *out = p;
    return OK;
}

enum err pool_submit(struct pool *p, struct pool_work *w)
{
    enum err e = OK;
    w->next = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->stop || without(p)) {
        e = ERR_UNAVAILABLE;
    } else if (p->waiting >= p->capacity) {
        e = ERR_EXHAUSTED;
    } else {
        *p->end = w;
        p->end = &w->next;
        p->waiting++;
        if (p->idle && may_run(p, w))
            pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

size_t pool_waiting(const struct pool *p)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&p->lock; /* const for the caller, not for it */
    pthread_mutex_lock(lock);
    size_t n = p->waiting;
    pthread_mutex_unlock(lock);
    return n;
}

void pool_shed(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    drop_all(p);
    pthread_mutex_unlock(&p->lock);
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    free(p);
}
