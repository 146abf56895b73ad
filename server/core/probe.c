#include "core/probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    EVERY_MS = 200,
    PATIENCE_S = 1
};

struct probe {
    struct db_options o;
    void (*changed)(bool up, void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopping, first;
    bool stop;
    bool known;
    atomic_bool up;
};

static bool ask(struct probe *p, struct db **db)
{
    if (*db && !db_still_there(*db)) {
        db_close(*db);
        *db = NULL;
    }
    if (!*db && db_open(&p->o, db, NULL) != OK) {
        *db = NULL;
        return false;
    }
    struct arena a;
    arena_init(&a, 0);
    struct ctx c = {.db = *db, .arena = &a, .method = "probe"};
    struct rows r;
    bool up = db_query(&c, &r, SQL("SELECT 1")) == OK;
    arena_free(&a);
    return up;
}

static bool wait_a_little(struct probe *p)
{
    int64_t until = clock_mono_ms() + EVERY_MS;
    struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&p->lock);
    while (!p->stop && clock_mono_ms() < until)
        pthread_cond_timedwait(&p->stopping, &p->lock, &t);
    bool go_on = !p->stop;
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

static void tell_first(struct probe *p)
{
    pthread_mutex_lock(&p->lock);
    p->known = true;
    pthread_cond_signal(&p->first);
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg)
{
    struct probe *p = arg;
    struct db *db = NULL;
    do {
        bool up = ask(p, &db);
        if (!p->known || up != p->up) {
            p->up = up;
            if (up)
                LOG(INFO, "database.up", KV_I("up", 1));
            else
                LOG(WARN, "database.down", KV_I("up", 0));
            if (p->changed)
                p->changed(up, p->arg);
            tell_first(p);
        }
    } while (wait_a_little(p));
    db_close(db);
    return NULL;
}

enum err probe_start(const struct db_options *o, void (*changed)(bool up, void *arg), void *arg,
                     struct probe **out, struct fault *f)
{
    struct probe *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->o = *o;
    p->o.read_timeout_s = PATIENCE_S;
    p->changed = changed;
    p->arg = arg;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&p->stopping, &mono);
    pthread_cond_init(&p->first, &mono);
    pthread_condattr_destroy(&mono);
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        free(p);
        return fail(f, ERR_EXHAUSTED, "the probe's thread cannot be started");
    }
    pthread_mutex_lock(&p->lock);
    while (!p->known)
        pthread_cond_wait(&p->first, &p->lock);
    pthread_mutex_unlock(&p->lock);
    *out = p;
    return OK;
}

bool probe_up(const struct probe *p)
{
    return p->up;
}

void probe_stop(struct probe *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->stopping);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->stopping);
    pthread_cond_destroy(&p->first);
    free(p);
}
