/* The outbox (core/outbox.h) with real workers, real deaths and a real database that goes away. */
#include "lib/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"
#include "core/outbox.h"
#include "core/tx.h"
#include "lib/mariadb.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SOON_MS = 20000 /* less than the lease of test.plain: what is taken over at once does not wait for it */
};

static struct test_schema schema;
static struct test_ctx t;

/* What the kinds of this test do and have seen; handed to them as their app. */
static struct script {
    _Atomic int calls, dones, faileds, committed;
    _Atomic int last_attempt, last_doubtful, last_why;
    _Atomic int answers[8]; /* of the n-th call; 0 is OK */
    _Atomic int done_answers[8];
    _Atomic bool hold; /* the first call waits until this is false */
    char seen[64];
} script;

static bool let_go(void *arg)
{
    (void)arg;
    return !script.hold;
}

static enum err call(struct ctx *c, const struct job *j, struct job_result *r)
{
    int n = script.calls++;
    script.last_attempt = j->attempt;
    script.last_doubtful = j->doubtful;
    if (n == 0)
        snprintf(script.seen, sizeof script.seen, "%s|%.*s", j->object, (int)j->payload_n,
                 (const char *)j->payload);
    if (n == 0 && script.hold)
        (void)test_until(let_go, NULL, 60000); /* the provider is slow */
    r->value = arena_strdup(c->arena, "answer of the provider");
    return n < 8 ? (enum err)script.answers[n] : OK;
}

static enum err done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    int n = script.dones++;
    if (strcmp(r->value, "answer of the provider") != 0)
        return ERR_INTERNAL;
    TRY(db_exec(c, NULL, SQL("INSERT INTO effect (job, attempt) VALUES (?, ?)"), TEXT(j->id),
                INT(j->attempt)));
    return n < 8 ? (enum err)script.done_answers[n] : OK;
}

static enum err failed(struct ctx *c, const struct job *j, enum err why)
{
    script.faileds++;
    script.last_why = (int)why;
    return db_exec(c, NULL, SQL("INSERT INTO effect (job, attempt) VALUES (?, -1)"), TEXT(j->id));
}

static const struct job_kind plain = {"test.plain", 4, 60000, 1, call, done, failed};
static const struct job_kind short_lease = {"test.short", 4, 300, 1, call, done, failed};
/* For where a worker may well be late more often than it may be tried. */
static const struct job_kind stubborn = {"test.stubborn", 100, 300, 1, call, done, failed};
static const struct job_kind *const kinds[] = {&plain, &short_lease, &stubborn};

static void committed(void *arg)
{
    ++*(_Atomic int *)arg;
}

static struct outbox *start(int threads)
{
    struct outbox_options o = {.app = (struct app *)(void *)&script,
                               .db = &schema.options,
                               .keys = test_keys(),
                               .kinds = kinds,
                               .n_kinds = sizeof kinds / sizeof *kinds,
                               .threads = threads,
                               .committed = committed,
                               .arg = &script.committed};
    struct outbox *b;
    assert_ok(outbox_start(&o, &b, &t.fault));
    return b;
}

static int setup(void **state)
{
    (void)state;
    memset(&script, 0, sizeof script);
    test_schema_core(&schema);
    test_ctx_open(&t, &schema);
    static const char create[] = "CREATE TABLE effect (job CHAR(30) PRIMARY KEY, attempt INT NOT NULL)";
    assert_ok(db_run_text(t.c.db, create, sizeof create - 1, &t.fault));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_close(&t);
    test_schema_drop(&schema);
    return 0;
}

struct adding {
    const char *kind, *dedupe;
    int64_t run_at_ms;
    char id[ID_SIZE];
    enum err then;
};

static enum err body_add(struct ctx *c, void *arg)
{
    struct adding *x = arg;
    TRY(outbox_add(c, x->kind, x->dedupe, "ord_1", "13800000000", 11, x->run_at_ms, x->id));
    return x->then;
}

static struct adding add(const char *kind, const char *dedupe)
{
    struct adding x = {.kind = kind, .dedupe = dedupe, .then = OK};
    t.c.now_ms = clock_now_ms();
    assert_ok(tx_run(&t.c, body_add, &x));
    return x;
}

static int64_t number(struct sql q)
{
    struct rows r;
    if (!db_usable(t.c.db) && db_reconnect(t.c.db, &t.fault) != OK)
        return -1;
    if (db_query(&t.c, &r, q) != OK)
        return -1;
    return row_int(&r, 0, 0);
}

/* More effects than *than. */
static bool more_effects(void *than)
{
    return number(SQL("SELECT COUNT(*) FROM effect")) > *(const int64_t *)than;
}

static bool reconnected(void *arg)
{
    (void)arg;
    return db_reconnect(t.c.db, &t.fault) == OK;
}

/* All jobs are in `state`. */
static bool all_in(void *arg)
{
    (void)arg;
    return number(SQL("SELECT COUNT(*) FROM outbox WHERE state IN (1, 2)")) == 0;
}

static int64_t state_of_the_job(void)
{
    assert_true(test_until(all_in, NULL, SOON_MS));
    return number(SQL("SELECT MAX(state) FROM outbox"));
}

/* -- the plain ways ------------------------------------------------------------------------------------- */

static void a_job_runs_once_after_its_commit(void **state)
{
    (void)state;
    struct adding undone = {.kind = "test.plain", .dedupe = "never", .then = ERR_ORDER_STATE};
    assert_err(tx_run(&t.c, body_add, &undone), ERR_ORDER_STATE);
    struct adding x = add("test.plain", "once");
    assert_true(t.c.queued);
    assert_true(id_valid("job", x.id));
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox WHERE payload LIKE '%138%'")), 0);
    struct outbox *b = start(4);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    outbox_stop(b);
    assert_int_equal(script.calls, 1);
    assert_int_equal(script.committed, 1);
    assert_string_equal(script.seen, "ord_1|13800000000");
    assert_int_equal(script.last_attempt, 1);
    assert_false(script.last_doubtful);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect")), 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox WHERE payload = ''")), 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox_owner")), 0);
    assert_err(outbox_add(&t.c, "test.plain", NULL, "x", "", 0, 0, NULL), ERR_INTERNAL); /* no transaction */
}

static void one_job_per_dedupe_key(void **state)
{
    (void)state;
    struct adding a = add("test.plain", "sms:ord_1:paid"), b = add("test.plain", "sms:ord_1:paid"),
                  c = add("test.plain", NULL), d = add("test.plain", NULL);
    assert_string_equal(a.id, b.id);
    assert_string_not_equal(c.id, d.id);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox")), 3);
}

static void a_woken_worker_does_not_wait_for_its_poll(void **state)
{
    (void)state;
    struct outbox *b = start(2);
    add("test.plain", "first");
    outbox_wake(b);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    int64_t began = clock_mono_ms();
    for (int i = 0; i < 20; i++) {
        add("test.plain", NULL);
        outbox_wake(b);
        assert_int_equal(state_of_the_job(), JOB_DONE);
    }
    assert_true(clock_mono_ms() - began < 20 * 250); /* less than polling would take */
    outbox_stop(b);
    assert_int_equal(script.calls, 21);
}

static void a_later_time_is_waited_for(void **state)
{
    (void)state;
    struct adding x = {.kind = "test.plain", .run_at_ms = clock_now_ms() + 600, .then = OK};
    assert_ok(tx_run(&t.c, body_add, &x));
    struct outbox *b = start(1);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    assert_true(clock_now_ms() >= x.run_at_ms);
    outbox_stop(b);
}

static void a_kind_of_another_version_is_left_alone(void **state)
{
    (void)state;
    add("kind.of.next.year", NULL);
    add("test.plain", "ours");
    struct outbox *b = start(2);
    struct rows r;
    int64_t none = 0;
    assert_true(test_until(more_effects, &none, SOON_MS));
    outbox_stop(b);
    assert_ok(db_query(&t.c, &r, SQL("SELECT state, attempt FROM outbox WHERE kind LIKE 'kind%'")));
    assert_int_equal(row_int(&r, 0, 0), JOB_WAITING);
    assert_int_equal(row_int(&r, 0, 1), 0);
    assert_int_equal(script.calls, 1);
}

/* -- failures ------------------------------------------------------------------------------------------- */

static void busy_is_tried_again_and_unknown_is_doubtful(void **state)
{
    (void)state;
    script.answers[0] = ERR_PROVIDER_BUSY;
    script.answers[1] = ERR_PROVIDER_UNKNOWN;
    struct outbox *b = start(2);
    add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    outbox_stop(b);
    assert_int_equal(script.calls, 3);
    assert_int_equal(script.last_attempt, 3);
    assert_true(script.last_doubtful);
    assert_int_equal(number(SQL("SELECT attempt FROM effect")), 3);
    assert_int_equal(number(SQL("SELECT doubtful FROM outbox")), 0);
}

static void busy_alone_is_not_doubtful(void **state)
{
    (void)state;
    script.answers[0] = ERR_PROVIDER_BUSY;
    struct outbox *b = start(1);
    add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    outbox_stop(b);
    assert_false(script.last_doubtful);
}

static void exhausted_is_visible_and_tried_by_hand(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        script.answers[i] = ERR_PROVIDER_BUSY;
    struct outbox *b = start(2);
    struct adding x = add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_EXHAUSTED);
    assert_int_equal(script.calls, 4);
    assert_int_equal(script.faileds, 1);
    assert_string_equal(err_name((enum err)script.last_why), "PROVIDER_BUSY");
    struct job_row *rows;
    size_t n;
    assert_ok(outbox_list(&t.c, &(struct job_filter){.state = JOB_EXHAUSTED, .limit = 10}, &rows, &n));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, x.id);
    assert_string_equal(rows[0].kind, "test.plain");
    assert_string_equal(rows[0].object, "ord_1");
    assert_string_equal(rows[0].last_error, "PROVIDER_BUSY");
    assert_int_equal(rows[0].attempt, 4);
    struct outbox_counts counts;
    assert_ok(outbox_stats(&t.c, &counts));
    assert_int_equal(counts.exhausted, 1);
    assert_int_equal(counts.waiting + counts.running + counts.failed, 0);
    assert_ok(db_exec(&t.c, NULL, SQL("DELETE FROM effect")));
    assert_ok(outbox_retry(&t.c, x.id));
    outbox_wake(b);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    assert_err(outbox_retry(&t.c, x.id), ERR_PRECONDITION);
    assert_err(outbox_retry(&t.c, "job_none"), ERR_NOT_FOUND);
    outbox_stop(b);
}

static void a_refusal_fails_at_once(void **state)
{
    (void)state;
    script.answers[0] = ERR_PROVIDER_REFUSED;
    struct outbox *b = start(2);
    add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_FAILED);
    outbox_stop(b);
    assert_int_equal(script.calls, 1);
    assert_int_equal(script.faileds, 1);
    assert_int_equal(number(SQL("SELECT attempt FROM effect")), -1);
}

static void pages_of_the_list(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        add(i % 2 ? "test.plain" : "test.short", NULL);
    struct job_row *rows;
    size_t n;
    char after[ID_SIZE] = "";
    int seen = 0;
    do {
        struct job_filter f = {.after = after, .limit = 2, .object = seen ? "ord_1" : NULL};
        assert_ok(outbox_list(&t.c, &f, &rows, &n));
        for (size_t i = 0; i < n; i++, seen++) {
            assert_true(strcmp(rows[i].id, after) > 0);
            snprintf(after, sizeof after, "%s", rows[i].id);
        }
    } while (n);
    assert_int_equal(seen, 5);
    t.c.now_ms = clock_now_ms() + 5000;
    struct outbox_counts counts;
    assert_ok(outbox_stats(&t.c, &counts));
    assert_int_equal(counts.waiting, 5);
    assert_in_range(counts.oldest_ms, 5000, 15000);
}

/* -- storing the outcome -------------------------------------------------------------------------------- */

static void storing_is_retried_without_calling_again(void **state)
{
    (void)state;
    script.done_answers[0] = ERR_UNAVAILABLE;
    script.done_answers[1] = ERR_DB_RETRY;
    script.done_answers[2] = ERR_CONFLICT;
    struct outbox *b = start(2);
    add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    outbox_stop(b);
    assert_int_equal(script.calls, 1);
    assert_int_equal(script.dones, 4);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect")), 1);
}

static void an_outcome_that_cannot_be_stored_fails_doubtful(void **state)
{
    (void)state;
    log_threshold(LOG_ERROR);
    script.done_answers[0] = ERR_INTERNAL;
    struct outbox *b = start(2);
    add("test.plain", NULL);
    assert_int_equal(state_of_the_job(), JOB_FAILED);
    outbox_stop(b);
    assert_int_equal(script.calls, 1);
    assert_int_equal(number(SQL("SELECT doubtful FROM outbox")), 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect WHERE attempt = -1")), 1);
}

static bool second_call_is_done(void *arg)
{
    (void)arg;
    return script.calls >= 2 && number(SQL("SELECT COUNT(*) FROM effect")) == 1;
}

static void a_stale_worker_has_no_effect(void **state)
{
    (void)state;
    script.hold = true; /* the first call outlives its lease of 300 ms */
    struct outbox *b = start(2);
    add("test.short", NULL);
    outbox_wake(b);
    assert_true(test_until(second_call_is_done, NULL, SOON_MS));
    assert_true(script.last_doubtful);
    script.hold = false;
    outbox_stop(b); /* waits for the first call's end */
    assert_int_equal(script.calls, 2);
    assert_int_equal(script.dones, 1);
    assert_int_equal(number(SQL("SELECT attempt FROM effect")), 2);
    assert_int_equal(number(SQL("SELECT state FROM outbox")), JOB_DONE);
}

static void every_job_is_called_once(void **state)
{
    (void)state;
    enum {
        JOBS = 200
    };
    for (int i = 0; i < JOBS; i++)
        add("test.plain", NULL);
    struct outbox *a = start(4), *b = start(4);
    for (int i = 0; i < 8; i++) {
        outbox_wake(a);
        outbox_wake(b);
    }
    assert_int_equal(state_of_the_job(), JOB_DONE);
    outbox_stop(a);
    outbox_stop(b);
    assert_int_equal(script.calls, JOBS);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect WHERE attempt = 1")), JOBS);
}

/* -- deaths --------------------------------------------------------------------------------------------- */

/* A server process that dies by SIGKILL at a labelled point. */
static void run_and_die(const char *point)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv("CERTDESK_CRASH", point, 1);
        start(2);
        for (;;)
            pause();
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* It has taken over from the dead: its own row alone is there. */
static bool took_over(void *arg)
{
    (void)arg;
    return number(SQL("SELECT COUNT(*) FROM outbox_owner")) == 1 &&
           number(SQL("SELECT MIN(pid) FROM outbox_owner")) == getpid();
}

static void died_before(const char *point, int expected_calls, bool doubtful)
{
    add("test.plain", "the one");
    run_and_die(point);
    int64_t began = clock_mono_ms();
    struct outbox *b = start(2);
    assert_int_equal(state_of_the_job(), JOB_DONE);
    assert_true(clock_mono_ms() - began < 30000); /* not the lease of a minute */
    assert_true(test_until(took_over, NULL, SOON_MS));
    outbox_stop(b);
    assert_int_equal(script.calls, expected_calls); /* this process's */
    if (expected_calls)
        assert_int_equal(script.last_doubtful, doubtful);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect")), 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox_owner")), 0);
}

static void killed_after_the_claim(void **state)
{
    (void)state;
    died_before("outbox.claimed", 1, true);
}

static void killed_between_call_and_done(void **state)
{
    (void)state;
    died_before("outbox.called", 1, true);
    assert_int_equal(number(SQL("SELECT attempt FROM effect")), 2);
}

static void killed_after_done(void **state)
{
    (void)state;
    died_before("outbox.done", 0, false);
}

static void killed_again_and_again_is_exhausted(void **state)
{
    (void)state;
    log_threshold(LOG_ERROR);
    add("test.plain", "deadly");
    for (int i = 0; i < 4; i++)
        run_and_die("outbox.called");
    struct outbox *b = start(1);
    assert_int_equal(state_of_the_job(), JOB_EXHAUSTED);
    outbox_stop(b);
    assert_int_equal(script.calls, 0);
    assert_int_equal(script.faileds, 1);
}

static void the_database_dies_under_load(void **state)
{
    (void)state;
    enum {
        JOBS = 150
    };
    log_threshold(LOG_ERROR);
    for (int i = 0; i < JOBS; i++)
        add("test.stubborn", NULL);
    struct outbox *b = start(4);
    for (int kill_no = 0; kill_no < 2; kill_no++) {
        int64_t some = number(SQL("SELECT COUNT(*) FROM effect")) + 9;
        assert_true(test_until(more_effects, &some, 30000));
        pid_t pid = test_server_pid();
        assert_true(pid > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(test_until(reconnected, NULL, 30000));
    }
    assert_true(test_until(all_in, NULL, PATIENCE_MS));
    outbox_stop(b);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM effect WHERE attempt > 0")), JOBS);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox WHERE state = 3")), JOBS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_runs_once_after_its_commit),
        TEST(one_job_per_dedupe_key),
        TEST(a_woken_worker_does_not_wait_for_its_poll),
        TEST(a_later_time_is_waited_for),
        TEST(a_kind_of_another_version_is_left_alone),
        TEST(busy_is_tried_again_and_unknown_is_doubtful),
        TEST(busy_alone_is_not_doubtful),
        TEST(exhausted_is_visible_and_tried_by_hand),
        TEST(a_refusal_fails_at_once),
        TEST(pages_of_the_list),
        TEST(storing_is_retried_without_calling_again),
        TEST(an_outcome_that_cannot_be_stored_fails_doubtful),
        TEST(a_stale_worker_has_no_effect),
        TEST(every_job_is_called_once),
        TEST(killed_after_the_claim),
        TEST(killed_between_call_and_done),
        TEST(killed_after_done),
        TEST(killed_again_and_again_is_exhausted),
        TEST(the_database_dies_under_load),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
