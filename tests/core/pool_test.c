/* Workers, their queue and their connections (core/pool.h), and the probe (core/probe.h), while the database
 * is killed and frozen. */
#include "lib/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"
#include "core/pool.h"
#include "core/probe.h"
#include "lib/mariadb.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_schema schema;
static struct pool *pool;

struct item {
    struct pool_work work; /* first: cast back */
    _Atomic int ran, dropped, order, list, ok;
};

static _Atomic int order;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static bool ask(struct db *db)
{
    struct arena a;
    arena_init(&a, 0);
    struct ctx c = {.db = db, .arena = &a};
    struct rows r;
    bool ok = db_query(&c, &r, SQL("SELECT 1")) == OK;
    arena_free(&a);
    return ok;
}

static void run(struct pool_work *const *list, size_t n, struct db *db)
{
    bool ok = ask(db);
    for (size_t i = 0; i < n; i++) {
        struct item *x = (struct item *)list[i];
        x->order = ++order;
        x->list = (int)n;
        x->ok = ok;
        x->ran++;
    }
}

static void run_gated(struct pool_work *const *list, size_t n, struct db *db)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    run(list, n, db);
}

static void drop(struct pool_work *w, enum err why)
{
    ((struct item *)w)->dropped = (int)why;
}

static struct item item(const void *key)
{
    return (struct item){
        .work = {.key = key, .deadline_ms = clock_mono_ms() + 20000, .run = run, .drop = drop}};
}

static bool has_ended(void *arg)
{
    struct item *x = arg;
    return x->ran || x->dropped;
}

static bool serves(void *arg)
{
    (void)arg;
    struct item x = item(NULL);
    if (pool_submit(pool, &x.work) != OK)
        return false;
    return test_until(has_ended, &x, PATIENCE_MS) && x.ok;
}

static void open_pool(int workers, size_t queue)
{
    struct pool_options o = {.db = schema.options, .workers = workers, .queue = queue};
    assert_ok(pool_open(&o, &pool, NULL));
    assert_true(test_until(serves, NULL, PATIENCE_MS));
}

static int setup(void **state)
{
    (void)state;
    log_threshold(LOG_ERROR);
    order = 0;
    test_schema_core(&schema);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pool_close(pool);
    pool = NULL;
    test_schema_drop(&schema);
    return 0;
}

static bool queue_is_empty(void *arg)
{
    (void)arg;
    return pool_waiting(pool) == 0;
}

/* Occupies the only worker until the gate opens. */
static void hold(struct item *x)
{
    pthread_mutex_lock(&gate);
    *x = item(NULL);
    x->work.run = run_gated;
    assert_ok(pool_submit(pool, &x->work));
    assert_true(test_until(queue_is_empty, NULL, PATIENCE_MS));
}

static void first_in_first_out_and_like_with_like(void **state)
{
    (void)state;
    open_pool(1, 100);
    struct item first, x[50];
    hold(&first);
    static const char key_a[] = "a", key_b[] = "b";
    for (int i = 0; i < 50; i++) {
        x[i] = item(i % 5 == 4 ? NULL : i % 2 ? (const void *)key_a : (const void *)key_b);
        assert_ok(pool_submit(pool, &x[i].work));
    }
    assert_int_equal(pool_waiting(pool), 50);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 50; i++)
        assert_true(test_until(has_ended, &x[i], PATIENCE_MS));
    for (int i = 0; i < 50; i++) {
        assert_int_equal(x[i].ran, 1);
        assert_true(x[i].ok);
        assert_int_equal(x[i].list, i % 5 == 4 ? 1 : 20);
        for (int k = 0; k < i; k++) /* within a key, in the order of arrival */
            if (x[k].work.key == x[i].work.key)
                assert_true(x[k].order < x[i].order);
    }
    assert_true(x[0].order < x[1].order && x[1].order < x[4].order);
}

static void a_list_has_32_at_most(void **state)
{
    (void)state;
    open_pool(1, 100);
    struct item first, x[70];
    hold(&first);
    for (int i = 0; i < 70; i++) {
        x[i] = item(&schema);
        assert_ok(pool_submit(pool, &x[i].work));
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 70; i++) {
        assert_true(test_until(has_ended, &x[i], PATIENCE_MS));
        assert_int_equal(x[i].list, i < 64 ? 32 : 6);
    }
}

static void a_list_has_what_its_first_work_asks_at_most(void **state)
{
    (void)state;
    open_pool(1, 100);
    struct item first, x[20];
    hold(&first);
    for (int i = 0; i < 20; i++) {
        x[i] = item(&schema);
        x[i].work.most = 8;
        assert_ok(pool_submit(pool, &x[i].work));
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 20; i++) {
        assert_true(test_until(has_ended, &x[i], PATIENCE_MS));
        assert_int_equal(x[i].list, i < 16 ? 8 : 4);
    }
}

/* Two of a key at a time; what comes meanwhile is one list, and other keys do not wait for it. */
static void lists_of_a_key_are_limited(void **state)
{
    (void)state;
    open_pool(6, 100);
    struct item held[2], x[20], other[3];
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 2; i++) {
        held[i] = item(&schema);
        held[i].work.run = run_gated;
        held[i].work.lists = 2;
        assert_ok(pool_submit(pool, &held[i].work));
        assert_true(test_until(queue_is_empty, NULL, PATIENCE_MS));
    }
    for (int i = 0; i < 20; i++) {
        x[i] = item(&schema);
        x[i].work.lists = 2;
        assert_ok(pool_submit(pool, &x[i].work));
    }
    for (int i = 0; i < 3; i++) {
        other[i] = item(i ? &pool : NULL);
        other[i].work.lists = 2;
        assert_ok(pool_submit(pool, &other[i].work));
    }
    for (int i = 0; i < 3; i++)
        assert_true(test_until(has_ended, &other[i], PATIENCE_MS));
    assert_int_equal(pool_waiting(pool), 20);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 20; i++) {
        assert_true(test_until(has_ended, &x[i], PATIENCE_MS));
        assert_int_equal(x[i].list, 20);
    }
    for (int i = 0; i < 2; i++)
        assert_true(test_until(has_ended, &held[i], PATIENCE_MS));
}

/* Workers that wait because of a key's limit end with the pool. */
static void closing_drains_what_is_limited(void **state)
{
    (void)state;
    open_pool(6, 100);
    struct item held, x[40];
    pthread_mutex_lock(&gate);
    held = item(&schema);
    held.work.run = run_gated;
    held.work.lists = 1;
    assert_ok(pool_submit(pool, &held.work));
    assert_true(test_until(queue_is_empty, NULL, PATIENCE_MS));
    for (int i = 0; i < 40; i++) {
        x[i] = item(&schema);
        x[i].work.lists = 1;
        assert_ok(pool_submit(pool, &x[i].work));
    }
    pthread_mutex_unlock(&gate);
    pool_close(pool);
    pool = NULL;
    for (int i = 0; i < 40; i++)
        assert_int_equal(x[i].ran, 1);
}

static void a_full_queue_says_so(void **state)
{
    (void)state;
    open_pool(1, 3);
    struct item first, x[4];
    hold(&first);
    for (int i = 0; i < 4; i++) {
        x[i] = item(NULL);
        assert_err(pool_submit(pool, &x[i].work), i < 3 ? OK : ERR_EXHAUSTED);
    }
    pthread_mutex_unlock(&gate);
    assert_true(test_until(has_ended, &x[2], PATIENCE_MS));
    assert_int_equal(x[3].ran + x[3].dropped, 0);
    assert_ok(pool_submit(pool, &x[3].work));
    assert_true(test_until(has_ended, &x[3], PATIENCE_MS));
}

static void late_work_is_dropped_and_shed_work_too(void **state)
{
    (void)state;
    open_pool(1, 10);
    struct item first, late = item(NULL), good = item(NULL), shed = item(NULL);
    hold(&first);
    late.work.deadline_ms = clock_mono_ms();
    assert_ok(pool_submit(pool, &late.work));
    assert_ok(pool_submit(pool, &good.work));
    pthread_mutex_unlock(&gate);
    assert_true(test_until(has_ended, &good, PATIENCE_MS));
    assert_int_equal(late.dropped, ERR_DEADLINE);
    assert_int_equal(late.ran, 0);
    assert_int_equal(good.ran, 1);
    hold(&first);
    assert_ok(pool_submit(pool, &shed.work));
    pool_shed(pool);
    assert_int_equal(shed.dropped, ERR_UNAVAILABLE);
    pthread_mutex_unlock(&gate);
    assert_true(test_until(has_ended, &first, PATIENCE_MS));
}

static void closing_drains(void **state)
{
    (void)state;
    open_pool(2, 100);
    struct item x[60];
    for (int i = 0; i < 60; i++) {
        x[i] = item(i % 2 ? &schema : NULL);
        assert_ok(pool_submit(pool, &x[i].work));
    }
    pool_close(pool);
    pool = NULL;
    for (int i = 0; i < 60; i++)
        assert_int_equal(x[i].ran, 1);
}

/* Idle connections that the server closed are replaced before they take work: nobody sees an error. */
static void dead_connections_take_no_work(void **state)
{
    (void)state;
    open_pool(4, 100);
    struct test_ctx root;
    test_ctx_open(&root, &schema);
    for (int round = 0; round < 5; round++) {
        struct rows r;
        assert_ok(db_query(&root.c, &r,
                           SQL("SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
                               " AND id <> CONNECTION_ID()")));
        assert_true(r.n >= 1);
        for (size_t i = 0; i < r.n; i++) {
            char kill_it[40];
            int n = snprintf(kill_it, sizeof kill_it, "KILL %lld", (long long)row_int(&r, i, 0));
            assert_ok(db_run_text(root.c.db, kill_it, (size_t)n, NULL));
        }
        /* the kill is asynchronous: its connections leave the list when they have closed */
        do
            assert_ok(db_query(&root.c, &r,
                               SQL("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
                                   " AND info IS NULL AND command = 'Killed'")));
        while (row_int(&r, 0, 0) != 0);
        struct item x[16];
        for (int i = 0; i < 16; i++) {
            x[i] = item(NULL);
            assert_ok(pool_submit(pool, &x[i].work));
        }
        for (int i = 0; i < 16; i++) {
            assert_true(test_until(has_ended, &x[i], PATIENCE_MS));
            assert_true(x[i].ok);
        }
    }
    test_ctx_close(&root);
}

static bool refuses(void *arg)
{
    (void)arg;
    struct item x = item(NULL);
    enum err e = pool_submit(pool, &x.work);
    return e == ERR_UNAVAILABLE || (test_until(has_ended, &x, PATIENCE_MS) && x.dropped == ERR_UNAVAILABLE);
}

static void a_frozen_database_is_refused_and_found_again(void **state)
{
    (void)state;
    open_pool(2, 100);
    pid_t pid = test_server_pid();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    bool refused = test_until(refuses, NULL, PATIENCE_MS);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_true(refused);
    assert_true(test_until(serves, NULL, PATIENCE_MS));
}

static void a_killed_database_is_found_again(void **state)
{
    (void)state;
    open_pool(4, 100);
    int64_t began = clock_mono_ms();
    assert_int_equal(kill(test_server_pid(), SIGKILL), 0);
    assert_true(test_until(serves, NULL, PATIENCE_MS));
    test_took("to find a killed database again", began, 3000, 15000);
}

/* -- the probe ------------------------------------------------------------------------------------------ */

static _Atomic int ups, downs;

static void changed(bool up, void *arg)
{
    (void)arg;
    ++*(up ? &ups : &downs);
}

static bool probe_is_up(void *arg)
{
    return probe_up(arg);
}

static bool probe_is_down(void *arg)
{
    return !probe_up(arg);
}

static bool serves_again(void *arg)
{
    (void)arg;
    struct db *db;
    if (db_open(&schema.options, &db, NULL) != OK)
        return false;
    db_close(db);
    return true;
}

static void the_probe_tells_frozen_dead_and_back(void **state)
{
    (void)state;
    struct probe *p;
    ups = downs = 0;
    assert_ok(probe_start(&schema.options, changed, NULL, &p, NULL));
    assert_true(probe_up(p)); /* known as soon as it is started: a ready server refuses nobody */
    for (int i = 0; i < 3; i++) {
        pid_t pid = test_server_pid();
        int64_t began = clock_mono_ms();
        assert_int_equal(kill(pid, SIGSTOP), 0);
        bool down = test_until(probe_is_down, p, PATIENCE_MS);
        assert_int_equal(kill(pid, SIGCONT), 0);
        assert_true(down);
        test_took("to tell a frozen database", began, 2000, 20000);
        assert_true(test_until(probe_is_up, p, PATIENCE_MS));
    }
    assert_int_equal(downs, 3);
    assert_int_equal(ups, 4);
    /* killed: it may be back before the next look; what counts is that it is known to be up soon after */
    assert_int_equal(kill(test_server_pid(), SIGKILL), 0);
    assert_true(test_until(serves_again, NULL, PATIENCE_MS));
    assert_true(test_until(probe_is_up, p, PATIENCE_MS));
    probe_stop(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_in_first_out_and_like_with_like),
        TEST(a_list_has_32_at_most),
        TEST(a_list_has_what_its_first_work_asks_at_most),
        TEST(lists_of_a_key_are_limited),
        TEST(closing_drains_what_is_limited),
        TEST(a_full_queue_says_so),
        TEST(late_work_is_dropped_and_shed_work_too),
        TEST(closing_drains),
        TEST(dead_connections_take_no_work),
        TEST(a_frozen_database_is_refused_and_found_again),
        TEST(a_killed_database_is_found_again),
        TEST(the_probe_tells_frozen_dead_and_back),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
