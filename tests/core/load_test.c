/* Acknowledged means kept: mutating calls from many threads while mariadbd is killed and frozen. Afterwards
 * every call that was told OK is there once with the answer it was told, every other at most once, and the
 * audit trail is whole. */
#include "lib/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/db_tx.h"
#include "core/outbox.h"
#include "core/tx.h"
#include "lib/mariadb.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    THREADS = 8,
    CALLS_MAX = 4000,
    WISHED_MS = 4500, /* one timeout, one attempt to connect */
    BOUND_MS = 20000  /* on a machine that does much else */
};

static struct test_schema schema;
static atomic_bool stop;
static _Atomic int acknowledged;

struct client {
    pthread_t thread;
    int number, n;
    bool ok[CALLS_MAX];
    int64_t slowest_ms;
    enum err strange; /* an error that no caller should see */
};

static const unsigned char digest[32] = "the request";

static enum err body_call(struct ctx *c, void *arg)
{
    const char *id = arg;
    const void *stored;
    size_t n;
    TRY(idem_claim(c, id, digest, &stored, &n));
    if (stored)
        return n == strlen(id) && memcmp(stored, id, n) == 0 ? OK : ERR_INTERNAL;
    TRY(db_exec_one(c, SQL("INSERT INTO made (request_id) VALUES (?)"), TEXT(id)));
    TRY(audit_add(c, &(struct audit_entry){"thing.make", id, 1, NULL}));
    TRY(outbox_add(c, "sms.send", NULL, id, "x", 1, 0, NULL));
    return idem_store(c, id, id, strlen(id));
}

static void *client(void *arg)
{
    struct client *x = arg;
    struct test_ctx own;
    test_ctx_open(&own, &schema);
    while (!stop && x->n < CALLS_MAX) {
        char id[32];
        snprintf(id, sizeof id, "c%d-%04d", x->number, x->n);
        int64_t began = clock_mono_ms();
        own.c.now_ms = clock_now_ms();
        own.c.deadline_ms = began + 2500;
        enum err e = tx_run(&own.c, body_call, id);
        int64_t took = clock_mono_ms() - began;
        x->slowest_ms = took > x->slowest_ms ? took : x->slowest_ms;
        x->ok[x->n++] = e == OK;
        if (e == OK)
            acknowledged++;
        else if (e != ERR_UNAVAILABLE && e != ERR_UNKNOWN_OUTCOME)
            x->strange = e;
        test_ctx_reset(&own);
    }
    test_ctx_close(&own);
    return NULL;
}

static bool more_by_then(void *arg)
{
    return acknowledged >= *(int *)arg;
}

static void wait_for_more(int n)
{
    int target = acknowledged + n;
    assert_true(test_until(more_by_then, &target, 20000));
}

static void nemesis(void)
{
    for (int i = 0; i < 4; i++) {
        wait_for_more(200);
        pid_t pid = test_server_pid();
        assert_true(pid > 0);
        if (i % 2 == 0) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            continue;
        }
        assert_int_equal(kill(pid, SIGSTOP), 0);
        int64_t until = clock_mono_ms() + 1500;
        while (clock_mono_ms() < until)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); /* frozen for so long is the fault */
        assert_int_equal(kill(pid, SIGCONT), 0);
    }
    wait_for_more(200);
}

static int64_t count(struct test_ctx *t, const char *id)
{
    struct rows r;
    assert_ok(db_query(&t->c, &r, SQL("SELECT COUNT(*) FROM made WHERE request_id = ?"), TEXT(id)));
    return row_int(&r, 0, 0);
}

static void check_client(struct test_ctx *t, const struct client *x)
{
    for (int i = 0; i < x->n; i++) {
        char id[32];
        snprintf(id, sizeof id, "c%d-%04d", x->number, i);
        int64_t n = count(t, id);
        assert_true(x->ok[i] ? n == 1 : n <= 1);
        test_ctx_reset(t);
    }
    assert_ok(x->strange);
    assert_true(x->slowest_ms < BOUND_MS);
}

static void nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    static struct client clients[THREADS];
    log_threshold(LOG_ERROR);
    test_schema_core(&schema);
    struct test_ctx t;
    test_ctx_open(&t, &schema);
    static const char create[] = "CREATE TABLE made (id BIGINT AUTO_INCREMENT PRIMARY KEY,"
                                 " request_id VARCHAR(32) NOT NULL, KEY (request_id))";
    assert_ok(db_run_text(t.c.db, create, sizeof create - 1, &t.fault));
    test_ctx_close(&t);
    for (int i = 0; i < THREADS; i++) {
        clients[i].number = i;
        pthread_create(&clients[i].thread, NULL, client, &clients[i]);
    }
    nemesis();
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(clients[i].thread, NULL);
    test_ctx_open(&t, &schema);
    int64_t slowest_ms = 0;
    for (int i = 0; i < THREADS; i++) {
        check_client(&t, &clients[i]);
        slowest_ms = clients[i].slowest_ms > slowest_ms ? clients[i].slowest_ms : slowest_ms;
    }
    print_message("# the slowest call: %lld ms, wished for %d\n", (long long)slowest_ms, WISHED_MS);
    struct rows r;
    assert_ok(db_query(&t.c, &r,
                       SQL("SELECT (SELECT COUNT(*) FROM made), (SELECT COUNT(*) FROM audit),"
                           " (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM idempotency)")));
    assert_true(row_int(&r, 0, 0) >= acknowledged);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(row_int(&r, 0, i), row_int(&r, 0, 0));
    struct audit_report report;
    assert_ok(audit_seal(&t.c));
    if (audit_verify(&t.c, crypt_seal_public(test_keys()), &report) != OK)
        assert_string_equal(report.first_bad, "");
    assert_int_equal(report.rows, row_int(&r, 0, 0));
    test_ctx_close(&t);
    test_schema_drop(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};
    return CHECK_MAIN_WITH_SERVER(tests);
}
