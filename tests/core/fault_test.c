/* Every statement of a mutating call fails once (design 9): after each failure the database is as before,
 * byte for byte, and the caller got an error; the call that meets no failure is the only one with effects. */
#include "lib/check.h"

#include "base/log.h"
#include "core/audit.h"
#include "core/db_tx.h"
#include "core/outbox.h"
#include "core/tx.h"
#include "lib/mariadb.h"

#include <string.h>

static struct test_schema schema;
static struct test_ctx t, eye;

static int setup(void **state)
{
    (void)state;
    test_schema_core(&schema);
    test_ctx_open(&t, &schema);
    test_ctx_open(&eye, &schema);
    static const char create[] =
        "CREATE TABLE thing (id INT PRIMARY KEY, state INT NOT NULL, version INT NOT NULL)";
    assert_ok(db_run_text(t.c.db, create, sizeof create - 1, &t.fault));
    assert_ok(db_exec(&t.c, NULL, SQL("INSERT INTO thing VALUES (1, 1, 1)")));
    log_threshold(LOG_ERROR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_close(&t);
    test_ctx_close(&eye);
    test_schema_drop(&schema);
    return 0;
}

static void add_table(struct buf *b, const struct rows *r)
{
    for (size_t i = 0; i < r->n * r->columns; i++) {
        const struct cell *cell = &r->cells[i];
        buf_printf(b, "%d %lld %zu:", cell->null, (long long)cell->number, cell->n);
        buf_add(b, cell->text, cell->n);
        buf_str(b, (i + 1) % r->columns ? "," : "\n");
    }
    buf_str(b, "--\n");
}

/* Every row of every table that a call could touch. */
static struct buf dump(void)
{
    struct buf b = BUF(&eye.arena);
    struct rows r;
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM thing ORDER BY id")));
    add_table(&b, &r);
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM idempotency ORDER BY caller, method, request_id")));
    add_table(&b, &r);
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM audit ORDER BY writer, seq")));
    add_table(&b, &r);
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM audit_writer ORDER BY writer")));
    add_table(&b, &r);
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM audit_seal ORDER BY number")));
    add_table(&b, &r);
    assert_ok(db_query(&eye.c, &r, SQL("SELECT * FROM outbox ORDER BY id")));
    add_table(&b, &r);
    return b;
}

static const unsigned char digest[32] = "the request";

/* What an ordinary mutating call does. */
static enum err body_call(struct ctx *c, void *arg)
{
    const char *request_id = arg;
    const void *stored;
    size_t n;
    TRY(idem_claim(c, request_id, digest, &stored, &n));
    if (stored)
        return n == 4 && memcmp(stored, "done", 4) == 0 ? OK : ERR_INTERNAL;
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT state, version FROM thing WHERE id = 1")));
    TRY(db_exec_one(
        c, SQL("UPDATE thing SET state = state + 1, version = version + 1 WHERE id = 1 AND version = ?"),
        INT(row_int(&r, 0, 1))));
    TRY(audit_add(c, &(struct audit_entry){"thing.move", "thing_1", row_int(&r, 0, 1) + 1, NULL}));
    TRY(audit_add(c, &(struct audit_entry){"thing.notice", "thing_1", 0, "{}"}));
    TRY(outbox_add(c, "sms.send", request_id, "thing_1", "hello", 5, 0, NULL));
    return idem_store(c, request_id, "done", 4);
}

static int fail_each(tx_body *body, void *arg)
{
    for (int k = 1;; k++) {
        struct arena_mark mark = arena_mark(&eye.arena);
        struct buf before = dump();
        t.c.fail_at = k;
        enum err e = tx_run(&t.c, body, arg);
        if (e == OK) {
            assert_true(t.c.fail_at > 0); /* nothing failed any more */
            t.c.fail_at = 0;
            return k - 1;
        }
        assert_err(e, ERR_UNAVAILABLE);
        assert_int_equal(t.c.fail_at, 0);
        assert_false(db_in_tx(t.c.db));
        assert_false(t.c.wrote || t.c.queued);
        assert_true(t.fault.retry_ms > 0);
        struct buf after = dump();
        assert_int_equal(before.n, after.n);
        assert_memory_equal(before.p, after.p, after.n);
        test_ctx_reset(&t);
        arena_release(&eye.arena, mark);
    }
}

static void every_statement_fails_once(void **state)
{
    (void)state;
    char id[] = "request-1";
    /* BEGIN, claim, SELECT, UPDATE, audit_writer, audit twice, outbox, response, COMMIT */
    assert_int_equal(fail_each(body_call, id), 10);
    struct rows r;
    assert_ok(db_query(&eye.c, &r,
                       SQL("SELECT (SELECT state FROM thing), (SELECT COUNT(*) FROM idempotency),"
                           " (SELECT COUNT(*) FROM audit), (SELECT COUNT(*) FROM outbox)")));
    assert_int_equal(row_int(&r, 0, 0), 2);
    assert_int_equal(row_int(&r, 0, 1), 1);
    assert_int_equal(row_int(&r, 0, 2), 2);
    assert_int_equal(row_int(&r, 0, 3), 1);
    /* the repeat: BEGIN, claim, SELECT, COMMIT, and no change at all */
    struct buf before = dump();
    assert_int_equal(fail_each(body_call, id), 4);
    struct buf after = dump();
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, after.n);
    /* and the trail is whole after all these failures */
    struct audit_report report;
    assert_ok(audit_seal(&eye.c));
    assert_ok(audit_verify(&eye.c, crypt_seal_public(test_keys()), &report));
    assert_int_equal(report.rows, 2);
}

static enum err body_rows(struct ctx *c, void *arg)
{
    (void)arg;
    struct arg rows[] = {INT(10), INT(1), INT(1), INT(11), INT(1), INT(1)};
    TRY(db_exec_rows(c, SQL("INSERT INTO thing (id, state, version) VALUES (?, ?, ?)"), rows, 2, 3));
    return outbox_retry(c, "job_00000000000000000000000000") == ERR_NOT_FOUND ? OK : ERR_UNAVAILABLE;
}

static void arrays_fail_too(void **state)
{
    (void)state;
    assert_int_equal(fail_each(body_rows, NULL), 5);
}

static void sealing_fails_whole(void **state)
{
    (void)state;
    char id[] = "request-1";
    assert_ok(tx_run(&t.c, body_call, id));
    for (int k = 1;; k++) {
        struct buf before = dump();
        t.c.fail_at = k;
        enum err e = audit_seal(&t.c);
        if (e == OK)
            break;
        assert_err(e, ERR_UNAVAILABLE);
        struct buf after = dump();
        assert_int_equal(before.n, after.n);
        assert_memory_equal(before.p, after.p, after.n);
    }
    t.c.fail_at = 0;
    struct audit_report report;
    assert_ok(audit_verify(&eye.c, crypt_seal_public(test_keys()), &report));
    assert_int_equal(report.seals, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_statement_fails_once),
        TEST(arrays_fail_too),
        TEST(sealing_fails_whole),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
