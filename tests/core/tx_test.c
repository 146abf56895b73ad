/* The transaction wrapper and idempotency (core/tx.h) against real conflicts and real losses. */
#include "tx_rig.h"

#include "base/clock.h"
#include "base/log.h"
#include "lib/commit_proxy.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned char digest[32] = "one request", other_digest[32] = "another request";

/* -- the plain ways ------------------------------------------------------------------------------------- */

static enum err add_one(struct ctx *c)
{
    return db_exec_one(c, SQL("INSERT INTO made (what) VALUES (?)"), TEXT("x"));
}

static enum err body_outcome(struct ctx *c, void *arg)
{
    TRY(add_one(c));
    return *(enum err *)arg;
}

static void ok_commits_and_an_error_leaves_nothing(void **state)
{
    (void)state;
    enum err e = OK;
    assert_ok(tx_run(&t.c, body_outcome, &e));
    assert_true(t.c.wrote);
    assert_int_equal(made(), 1);
    e = ERR_ORDER_STATE;
    assert_err(tx_run(&t.c, body_outcome, &e), ERR_ORDER_STATE);
    assert_false(t.c.wrote);
    assert_int_equal(made(), 1);
    assert_false(db_in_tx(t.c.db));
}

static enum err body_swallows(struct ctx *c, void *arg)
{
    (void)arg;
    TRY(add_one(c));
    (void)!db_exec(c, NULL, SQL("INSERT INTO no_such_table VALUES (?)"), INT(1));
    return OK;
}

static void a_swallowed_error_cannot_commit(void **state)
{
    (void)state;
    assert_err(tx_run(&t.c, body_swallows, NULL), ERR_INTERNAL);
    assert_int_equal(made(), 0);
}

static enum err body_duplicate(struct ctx *c, void *arg)
{
    (void)arg;
    return db_exec(c, NULL, SQL("INSERT INTO thing (id, n) VALUES (?, 0)"), INT(1));
}

static void an_unhandled_duplicate_is_exists(void **state)
{
    (void)state;
    assert_err(tx_run(&t.c, body_duplicate, NULL), ERR_EXISTS);
}

/* -- conflicts ------------------------------------------------------------------------------------------ */

struct crossing {
    pthread_barrier_t *both;
    int first, second, runs;
};

static enum err bump(struct ctx *c, int id)
{
    return db_exec_one(c, SQL("UPDATE thing SET n = n + 1, version = version + 1 WHERE id = ?"), INT(id));
}

static enum err body_crossing(struct ctx *c, void *arg)
{
    struct crossing *x = arg;
    TRY(bump(c, x->first));
    if (x->runs++ == 0)
        pthread_barrier_wait(x->both);
    return bump(c, x->second);
}

struct crossing_thread {
    struct test_ctx *t;
    struct crossing x;
    enum err result;
};

static void *cross(void *arg)
{
    struct crossing_thread *w = arg;
    w->result = tx_run(&w->t->c, body_crossing, &w->x);
    return NULL;
}

static void a_deadlock_is_run_again(void **state)
{
    (void)state;
    pthread_barrier_t both;
    pthread_barrier_init(&both, NULL, 2);
    struct crossing_thread w[2] = {{.t = &t, .x = {&both, 1, 2, 0}, .result = OK},
                                   {.t = &other, .x = {&both, 2, 1, 0}, .result = OK}};
    pthread_t id[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&id[i], NULL, cross, &w[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(id[i], NULL);
    pthread_barrier_destroy(&both);
    assert_ok(w[0].result);
    assert_ok(w[1].result);
    assert_true(w[0].x.runs + w[1].x.runs >= 3); /* one of them was the victim */
    assert_int_equal(n_of_1(), 2);
    assert_int_equal(number(SQL("SELECT n FROM thing WHERE id = 2")), 2);
}

struct stale {
    int runs;
};

static enum err body_stale(struct ctx *c, void *arg)
{
    struct stale *s = arg;
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT n FROM thing WHERE id = ?"), INT(1)));
    arena_alloc(c->arena, 10000);
    if (s->runs++ == 0)
        assert_ok(bump(&other.c, 1)); /* somebody else, meanwhile */
    return db_exec_one(c, SQL("UPDATE thing SET n = ? WHERE id = ?"), INT(row_int(&r, 0, 0) + 1), INT(1));
}

static void a_row_changed_since_it_was_read_is_run_again(void **state)
{
    (void)state;
    struct stale s = {0};
    char *before = arena_strdup(&t.arena, "what the caller had in the arena");
    assert_ok(tx_run(&t.c, body_stale, &s));
    assert_int_equal(s.runs, 2);
    assert_int_equal(n_of_1(), 2); /* not a lost update */
    assert_string_equal(before, "what the caller had in the arena");
    assert_true(t.arena.used < 15000); /* the first try's memory is gone */
}

/* A compare-and-set by what an earlier statement read. */
static enum err body_compare(struct ctx *c, void *arg)
{
    struct stale *s = arg;
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT n FROM thing WHERE id = 1")));
    if (s->runs++ == 0)
        assert_ok(bump(&other.c, 1)); /* somebody else, meanwhile */
    return db_exec_one(c, SQL("UPDATE thing SET n = n + 10 WHERE id = 1 AND n = ?"), INT(row_int(&r, 0, 0)));
}

static enum err body_conflict(struct ctx *c, void *arg)
{
    ++*(int *)arg;
    TRY(add_one(c));
    return fail(c->fault, ERR_CONFLICT, NULL);
}

/* With ctx->latest nothing says 1020: what a snapshot runs again is run again all the same. */
static void the_latest_is_seen_and_a_lost_compare_and_set_is_run_again(void **state)
{
    (void)state;
    struct stale s = {0};
    int runs = 0;
    t.c.latest = true;
    assert_ok(tx_run(&t.c, body_compare, &s));
    assert_int_equal(s.runs, 2);
    assert_int_equal(n_of_1(), 11);
    assert_err(tx_run(&t.c, body_conflict, &runs), ERR_CONFLICT);
    assert_int_equal(runs, 5);
    t.c.latest = false;
    runs = 0;
    assert_err(tx_run(&t.c, body_conflict, &runs), ERR_CONFLICT);
    assert_int_equal(runs, 1); /* what the caller should know about */
    assert_int_equal(made(), 0);
}

struct waiting {
    int runs, release_at;
};

static enum err body_waiting(struct ctx *c, void *arg)
{
    struct waiting *w = arg;
    if (++w->runs == w->release_at)
        db_rollback(other.c.db);
    TRY(add_one(c));
    return bump(c, 1);
}

static void a_lock_wait_is_rolled_back_and_run_again(void **state)
{
    (void)state;
    assert_ok(db_begin(&other.c, TX_SNAPSHOT));
    assert_ok(bump(&other.c, 1));
    struct waiting w = {.release_at = 2};
    assert_ok(tx_run(&t.c, body_waiting, &w));
    assert_int_equal(w.runs, 2);
    assert_int_equal(made(), 1); /* 1205 undoes a statement only; the first half must not stay */
    assert_int_equal(n_of_1(), 1);
}

static void a_lock_that_stays_is_unavailable_in_time(void **state)
{
    (void)state;
    assert_ok(db_begin(&other.c, TX_SNAPSHOT));
    assert_ok(bump(&other.c, 1));
    struct waiting w = {0};
    t.c.deadline_ms = clock_mono_ms() + 1500;
    assert_err(tx_run(&t.c, body_waiting, &w), ERR_UNAVAILABLE);
    assert_true(t.fault.retry_ms > 0);
    assert_int_equal(w.runs, 1); /* no second try past the deadline */
    db_rollback(other.c.db);
    assert_int_equal(made(), 0);
}

static enum err body_always_deadlock(struct ctx *c, void *arg)
{
    ++*(int *)arg;
    TRY(add_one(c));
    return db_exec(c, NULL, SQL("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"));
}

static void five_tries_and_no_more(void **state)
{
    (void)state;
    int runs = 0;
    assert_err(tx_run(&t.c, body_always_deadlock, &runs), ERR_UNAVAILABLE);
    assert_int_equal(runs, 5);
    assert_int_equal(made(), 0);
}

/* -- losses --------------------------------------------------------------------------------------------- */

static enum err body_killed(struct ctx *c, void *arg)
{
    TRY(add_one(c));
    if (++*(int *)arg == 1) {
        struct rows r;
        TRY(db_query(c, &r, SQL("SELECT CONNECTION_ID()")));
        char sql[64];
        snprintf(sql, sizeof sql, "KILL %lld", (long long)row_int(&r, 0, 0));
        run_text(&other, sql);
    }
    return add_one(c);
}

static void a_connection_lost_before_commit_is_replaced(void **state)
{
    (void)state;
    int runs = 0;
    assert_ok(tx_run(&t.c, body_killed, &runs));
    assert_int_equal(runs, 2);
    assert_int_equal(made(), 2);
}

struct keyed {
    const char *request_id;
    const unsigned char *digest;
    int effects;
    char answer[64];
};

/* A mutating call: one row, and an answer that tells which run made it. */
static enum err body_keyed(struct ctx *c, void *arg)
{
    struct keyed *k = arg;
    const void *stored;
    size_t n;
    TRY(idem_claim(c, k->request_id, k->digest, &stored, &n));
    if (stored) {
        snprintf(k->answer, sizeof k->answer, "%.*s", (int)n, (const char *)stored);
        return OK;
    }
    static _Atomic int serial;
    TRY(add_one(c));
    k->effects++;
    snprintf(k->answer, sizeof k->answer, "made by run %d", ++serial);
    return idem_store(c, k->request_id, k->answer, strlen(k->answer));
}

static void lost_commit(enum commit_loss how)
{
    char path[96];
    snprintf(path, sizeof path, "%s/proxy.sock", test_folder());
    struct commit_proxy *proxy = commit_proxy_start(path, schema.options.socket);
    assert_non_null(proxy);
    struct test_schema through = schema;
    through.options.socket = path;
    struct test_ctx p;
    test_ctx_open(&p, &through);
    for (int i = 1; i <= 10; i++) {
        char id[16];
        snprintf(id, sizeof id, "lost-%d", i);
        struct keyed k = {.request_id = id, .digest = digest};
        commit_proxy_lose(proxy, how, 1);
        assert_ok(tx_run(&p.c, body_keyed, &k));
        assert_int_equal(commit_proxy_lost(proxy), i);
        assert_int_equal(made(), i);
        /* what the caller was told is what every repeat is told */
        struct keyed again = {.request_id = id, .digest = digest};
        assert_ok(tx_run(&p.c, body_keyed, &again));
        assert_int_equal(again.effects, 0);
        assert_string_equal(again.answer, k.answer);
        assert_int_equal(k.effects, how == LOSE_REQUEST ? 2 : 1);
        test_ctx_reset(&p);
    }
    test_ctx_close(&p);
    commit_proxy_stop(proxy);
}

static void a_commit_whose_answer_is_lost_is_found(void **state)
{
    (void)state;
    lost_commit(LOSE_ANSWER);
}

static void a_commit_that_never_arrived_is_repeated(void **state)
{
    (void)state;
    lost_commit(LOSE_REQUEST);
}

static enum err body_cas(struct ctx *c, void *arg)
{
    return db_exec_one(c, SQL("UPDATE thing SET n = 7, version = version + 1 WHERE id = 1 AND version = ?"),
                       INT(*(int *)arg));
}

static void without_a_key_the_outcome_stays_unknown(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof path, "%s/proxy.sock", test_folder());
    struct commit_proxy *proxy = commit_proxy_start(path, schema.options.socket);
    struct test_schema through = schema;
    through.options.socket = path;
    struct test_ctx p;
    test_ctx_open(&p, &through);
    int version = 1;
    commit_proxy_lose(proxy, LOSE_ANSWER, 1);
    /* it took effect; run again it finds "somebody else's" change, which must not be told as a conflict */
    assert_err(tx_run(&p.c, body_cas, &version), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(n_of_1(), 7);
    struct keyed k = {.request_id = "never", .digest = digest};
    commit_proxy_lose(proxy, LOSE_REQUEST, 1000);
    p.c.deadline_ms = clock_mono_ms() + 700;
    assert_err(tx_run(&p.c, body_keyed, &k), ERR_UNKNOWN_OUTCOME);
    assert_true(clock_mono_ms() < p.c.deadline_ms + 3000);
    assert_true(p.fault.retry_ms > 0);
    test_ctx_close(&p);
    commit_proxy_stop(proxy);
    assert_int_equal(made(), 0);
}

/* -- idempotency ---------------------------------------------------------------------------------------- */

static void another_request_under_the_same_id(void **state)
{
    (void)state;
    struct keyed k = {.request_id = "id-1", .digest = digest};
    assert_ok(tx_run(&t.c, body_keyed, &k));
    k.digest = other_digest;
    assert_err(tx_run(&t.c, body_keyed, &k), ERR_REQUEST_ID_REUSED);
    /* the same id of another caller, or for another method, is another request */
    snprintf(t.c.caller.id, sizeof t.c.caller.id, "acc_other");
    assert_ok(tx_run(&t.c, body_keyed, &k));
    t.c.method = "/test.Service/Other";
    assert_ok(tx_run(&t.c, body_keyed, &k));
    assert_int_equal(made(), 3);
}

static void the_stored_response_is_not_readable(void **state)
{
    (void)state;
    struct keyed k = {.request_id = "id-1", .digest = digest};
    assert_ok(tx_run(&t.c, body_keyed, &k));
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM idempotency WHERE response LIKE '%made%'")), 0);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM idempotency WHERE LENGTH(response) > 12")), 1);
    /* nor can it be moved to another row */
    run_text(&other, "UPDATE idempotency SET request_id = 'id-2'");
    k.request_id = "id-2";
    assert_err(tx_run(&t.c, body_keyed, &k), ERR_DATA_LOSS);
}

static void request_ids_are_checked(void **state)
{
    (void)state;
    const char *bad[] = {NULL, "", "with space", "中文",
                         "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keyed k = {.request_id = bad[i], .digest = digest};
        assert_err(tx_run(&t.c, body_keyed, &k), ERR_INVALID);
        assert_int_equal(t.fault.n_violations, 1);
        assert_string_equal(t.fault.violations[0].field, "request_id");
        test_ctx_reset(&t);
    }
}

static enum err body_forgets(struct ctx *c, void *arg)
{
    (void)arg;
    const void *stored;
    size_t n;
    TRY(idem_claim(c, "id-1", digest, &stored, &n));
    return add_one(c);
}

static void a_claim_without_a_response_is_refused(void **state)
{
    (void)state;
    assert_err(tx_run(&t.c, body_forgets, NULL), ERR_INTERNAL);
    assert_int_equal(made(), 0);
}

/* The server program is killed right before or after its COMMIT; its caller repeats the call to the next one.
 */
static void killed_at_commit(void **state)
{
    (void)state;
    static const char *const points[] = {"db.commit.before", "db.commit.after"};
    for (int i = 0; i < 2; i++) {
        struct keyed k = {.request_id = points[i], .digest = digest};
        pid_t pid = fork();
        if (pid == 0) {
            struct test_ctx own;
            setenv("CERTDESK_CRASH", points[i], 1);
            test_ctx_open(&own, &schema);
            _exit(tx_run(&own.c, body_keyed, &k) == OK ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_ok(tx_run(&t.c, body_keyed, &k));
        assert_int_equal(k.effects, i == 0 ? 1 : 0);
        assert_int_equal(made(), i + 1);
    }
}

struct repeat_thread {
    pthread_barrier_t *all;
    struct keyed k;
    enum err result;
};

static void *repeat(void *arg)
{
    struct repeat_thread *w = arg;
    struct test_ctx own;
    test_ctx_open(&own, &schema);
    pthread_barrier_wait(w->all);
    w->result = tx_run(&own.c, body_keyed, &w->k);
    test_ctx_close(&own);
    return NULL;
}

static void eight_repeats_at_once_have_one_effect(void **state)
{
    (void)state;
    enum {
        N = 8,
        ROUNDS = 20
    };
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_t all;
        pthread_barrier_init(&all, NULL, N);
        char id[16];
        snprintf(id, sizeof id, "round-%d", round);
        struct repeat_thread w[N];
        pthread_t tid[N];
        for (int i = 0; i < N; i++) {
            w[i] =
                (struct repeat_thread){.all = &all, .k = {.request_id = id, .digest = digest}, .result = OK};
            pthread_create(&tid[i], NULL, repeat, &w[i]);
        }
        for (int i = 0; i < N; i++)
            pthread_join(tid[i], NULL);
        pthread_barrier_destroy(&all);
        for (int i = 0; i < N; i++) {
            assert_ok(w[i].result);
            assert_string_equal(w[i].k.answer, w[0].k.answer);
        }
        assert_int_equal(made(), round + 1);
    }
}

/* -- compare and set ------------------------------------------------------------------------------------ */

static enum err body_increment(struct ctx *c, void *arg)
{
    (void)arg;
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT n, version FROM thing WHERE id = 1")));
    return db_exec_one(c, SQL("UPDATE thing SET n = ?, version = version + 1 WHERE id = 1 AND version = ?"),
                       INT(row_int(&r, 0, 0) + 1), INT(row_int(&r, 0, 1)));
}

enum {
    INCREMENTS = 25
};

static void *increment(void *arg)
{
    int *done = arg;
    struct test_ctx own;
    test_ctx_open(&own, &schema);
    for (int left = INCREMENTS; left;) {
        enum err e = tx_run(&own.c, body_increment, NULL);
        if (e == OK) {
            left--;
            ++*done;
        } else if (e != ERR_CONFLICT && e != ERR_UNAVAILABLE) {
            break;
        }
        test_ctx_reset(&own);
    }
    test_ctx_close(&own);
    return NULL;
}

static void sixteen_threads_lose_no_update(void **state)
{
    (void)state;
    enum {
        N = 16
    };
    pthread_t id[N];
    int done[N] = {0}, sum = 0;
    log_threshold(LOG_ERROR);
    for (int i = 0; i < N; i++)
        pthread_create(&id[i], NULL, increment, &done[i]);
    for (int i = 0; i < N; i++) {
        pthread_join(id[i], NULL);
        sum += done[i];
    }
    assert_int_equal(sum, N * INCREMENTS);
    assert_int_equal(n_of_1(), sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ok_commits_and_an_error_leaves_nothing),
        TEST(a_swallowed_error_cannot_commit),
        TEST(an_unhandled_duplicate_is_exists),
        TEST(a_deadlock_is_run_again),
        TEST(a_row_changed_since_it_was_read_is_run_again),
        TEST(the_latest_is_seen_and_a_lost_compare_and_set_is_run_again),
        TEST(a_lock_wait_is_rolled_back_and_run_again),
        TEST(a_lock_that_stays_is_unavailable_in_time),
        TEST(five_tries_and_no_more),
        TEST(a_connection_lost_before_commit_is_replaced),
        TEST(a_commit_whose_answer_is_lost_is_found),
        TEST(a_commit_that_never_arrived_is_repeated),
        TEST(without_a_key_the_outcome_stays_unknown),
        TEST(another_request_under_the_same_id),
        TEST(the_stored_response_is_not_readable),
        TEST(request_ids_are_checked),
        TEST(a_claim_without_a_response_is_refused),
        TEST(killed_at_commit),
        TEST(eight_repeats_at_once_have_one_effect),
        TEST(sixteen_threads_lose_no_update),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
