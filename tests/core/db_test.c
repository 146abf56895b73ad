/* Connections, statements and results against a real server (core/db.h). */
#include "lib/check.h"

#include "base/clock.h"
#include "core/db_tx.h"
#include "core/migrate.h"
#include "lib/mariadb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_schema schema;
static struct test_ctx t;

static int setup(void **state)
{
    (void)state;
    test_schema_empty(&schema);
    int applied;
    struct migration nothing = {"0001_none", "", 0};
    struct fault f = {0};
    assert_ok(migrate_run_files(&schema.options, &nothing, 1, &applied, &f));
    test_ctx_open(&t, &schema);
    static const char create[] = "CREATE TABLE thing (id INT PRIMARY KEY, name VARCHAR(20) UNIQUE,"
                                 " body LONGBLOB, n BIGINT, at DATETIME(3), price DECIMAL(10,2),"
                                 " version INT NOT NULL DEFAULT 1) ENGINE=InnoDB";
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

static void types_come_back_as_they_went(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    const char bytes[] = "a\0b\xff";
    uint64_t changed;
    assert_ok(db_exec(c, &changed,
                      SQL("INSERT INTO thing (id, name, body, n, at, price) VALUES (?, ?, ?, ?, ?, ?)"),
                      INT(1), TEXT("中文名😀"), BYTES(bytes, 4), INT(INT64_MIN),
                      TEXT("2026-11-22 01:02:03.004"), TEXT("12.50")));
    assert_int_equal(changed, 1);
    assert_true(c->wrote);
    assert_ok(db_exec(c, NULL, SQL("INSERT INTO thing (id, name, body, n) VALUES (?, ?, ?, ?)"), INT(2),
                      TEXT(NULL), SQLNULL, INT(-7)));
    for (int again = 0; again < 3; again++) {
        struct rows r;
        assert_ok(db_query(c, &r,
                           SQL("SELECT id, name, body, n, at, price, SUM(n) OVER (ORDER BY id DESC), 1.5e0"
                               " FROM thing ORDER BY id")));
        assert_int_equal(r.n, 2);
        assert_int_equal(r.columns, 8);
        assert_int_equal(row_int(&r, 0, 0), 1);
        assert_string_equal(row_text(&r, 0, 1), "中文名😀");
        assert_int_equal(row_cell(&r, 0, 2)->n, 4);
        assert_memory_equal(row_text(&r, 0, 2), bytes, 5);
        assert_true(row_int(&r, 0, 3) == INT64_MIN);
        assert_string_equal(row_text(&r, 0, 4), "2026-11-22 01:02:03.004");
        assert_string_equal(row_text(&r, 0, 5), "12.50");
        assert_string_equal(row_text(&r, 0, 7), "1.5");
        assert_true(row_cell(&r, 1, 1)->null);
        assert_string_equal(row_text(&r, 1, 1), "");
        assert_true(row_cell(&r, 1, 2)->null);
        assert_int_equal(row_int(&r, 1, 3), -7);
        assert_int_equal(row_int(&r, 1, 6), -7); /* SUM() is DECIMAL: still a number */
    }
}

static void long_and_many(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    enum {
        BIG = 3 << 20
    };
    char *big = arena_alloc(&t.arena, BIG);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * 31);
    assert_ok(db_exec(c, NULL, SQL("INSERT INTO thing (id, body) VALUES (?, ?)"), INT(1), BYTES(big, BIG)));
    struct rows r;
    assert_ok(db_query(c, &r, SQL("SELECT body FROM thing WHERE id = ?"), INT(1)));
    assert_int_equal(row_cell(&r, 0, 0)->n, BIG);
    assert_memory_equal(row_text(&r, 0, 0), big, BIG);
    assert_ok(db_query(c, &r, SQL("SELECT seq, CONCAT('n', seq) FROM seq_1_to_5000")));
    assert_int_equal(r.n, 5000);
    for (size_t i = 0; i < r.n; i++) {
        char want[32];
        snprintf(want, sizeof want, "n%zu", i + 1);
        assert_int_equal(row_int(&r, i, 0), (int64_t)i + 1);
        assert_string_equal(row_text(&r, i, 1), want);
    }
    assert_ok(db_query(c, &r, SQL("SELECT id FROM thing WHERE id = ?"), INT(99)));
    assert_int_equal(r.n, 0);
}

static void a_statement_is_prepared_once(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    struct rows r;
    int64_t before = 0;
    for (int i = 0; i < 300; i++) {
        assert_ok(db_query(c, &r, SQL("SELECT ? + ?"), INT(i), INT(1)));
        assert_int_equal(row_int(&r, 0, 0), i + 1);
        assert_ok(db_query(c, &r, SQL("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")));
        int64_t open = strtoll(row_text(&r, 0, 1), NULL, 10);
        if (i > 0)
            assert_int_equal(open, before);
        before = open;
    }
    assert_true(before >= 2);
}

static void a_duplicate_names_its_key_and_nothing_more(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    struct sql insert = SQL("INSERT INTO thing (id, name) VALUES (?, ?)");
    assert_ok(db_exec(c, NULL, insert, INT(1), TEXT("for key 'x'")));
    assert_ok(db_begin(c, TX_SNAPSHOT));
    assert_ok(db_exec(c, NULL, insert, INT(2), TEXT("b")));
    assert_err(db_exec(c, NULL, insert, INT(3), TEXT("for key 'x'")), ERR_DB_DUPLICATE);
    assert_string_equal(t.fault.resource, "name");
    assert_null(strstr(fault_text(&t.fault), "Duplicate"));
    /* the transaction is still good */
    assert_ok(db_exec(c, NULL, insert, INT(3), TEXT("c")));
    assert_ok(db_commit(c));
    struct rows r;
    assert_ok(db_query(c, &r, SQL("SELECT COUNT(*) FROM thing")));
    assert_int_equal(row_int(&r, 0, 0), 3);
}

static void an_error_poisons_the_transaction(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    assert_ok(db_begin(c, TX_SNAPSHOT));
    assert_ok(db_exec(c, NULL, SQL("INSERT INTO thing (id) VALUES (?)"), INT(1)));
    assert_err(db_exec(c, NULL, SQL("INSERT INTO thing (id, name) VALUES (?, ?)"), INT(2),
                       TEXT("longer than twenty characters")),
               ERR_INTERNAL);
    assert_string_equal(fault_text(&t.fault), err_text(ERR_INTERNAL));
    uint64_t sent = db_statements(c->db);
    assert_err(db_exec(c, NULL, SQL("INSERT INTO thing (id) VALUES (?)"), INT(3)), ERR_INTERNAL);
    assert_err(db_commit(c), ERR_INTERNAL);
    assert_int_equal(db_statements(c->db), sent);
    db_rollback(c->db);
    struct rows r;
    assert_ok(db_query(c, &r, SQL("SELECT COUNT(*) FROM thing")));
    assert_int_equal(row_int(&r, 0, 0), 0);
}

static void compare_and_set(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    struct sql move = SQL("UPDATE thing SET version = version + 1 WHERE id = ? AND version = ?");
    assert_ok(db_exec(c, NULL, SQL("INSERT INTO thing (id) VALUES (?)"), INT(1)));
    assert_ok(db_exec_one(c, move, INT(1), INT(1)));
    assert_err(db_exec_one(c, move, INT(1), INT(1)), ERR_CONFLICT);
    assert_ok(db_exec_one(c, move, INT(1), INT(2)));
    /* matched rows count, as the header says: the same value again is one row */
    uint64_t n;
    assert_ok(db_exec(c, &n, SQL("UPDATE thing SET version = 3 WHERE id = ?"), INT(1)));
    assert_int_equal(n, 1);
}

static void many_rows_in_one_statement(void **state)
{
    (void)state;
    struct ctx *c = &t.c;
    enum {
        N = 100
    };
    struct arg args[N][3];
    for (int i = 0; i < N; i++) {
        args[i][0] = INT(i);
        args[i][1] = i % 7 == 0 ? SQLNULL : TEXT(arena_printf(&t.arena, "name %d", i));
        args[i][2] = i % 5 == 0 ? SQLNULL : INT(i * 10);
    }
    struct sql insert = SQL("INSERT INTO thing (id, name, n) VALUES (?, ?, ?)");
    uint64_t sent = db_statements(c->db);
    assert_ok(db_exec_rows(c, insert, &args[0][0], N, 3));
    assert_int_equal(db_statements(c->db), sent + 1);
    struct rows r;
    assert_ok(db_query(c, &r, SQL("SELECT id, name, n FROM thing ORDER BY id")));
    assert_int_equal(r.n, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(row_cell(&r, i, 1)->null, i % 7 == 0);
        if (i % 7)
            assert_string_equal(row_text(&r, i, 1), arena_printf(&t.arena, "name %zu", i));
        assert_int_equal(row_cell(&r, i, 2)->null, i % 5 == 0);
        assert_int_equal(row_int(&r, i, 2), i % 5 ? (int64_t)i * 10 : 0);
    }
    /* and the same statement one by one afterwards */
    assert_ok(db_exec(c, NULL, insert, INT(1000), TEXT("single"), INT(1)));
    /* a duplicate in the middle leaves nothing after rollback */
    args[0][0] = INT(500);
    assert_ok(db_begin(c, TX_SNAPSHOT));
    assert_err(db_exec_rows(c, insert, &args[0][0], N, 3), ERR_DB_DUPLICATE);
    assert_err(db_commit(c), ERR_DB_DUPLICATE);
    db_rollback(c->db);
    assert_ok(db_query(c, &r, SQL("SELECT COUNT(*) FROM thing")));
    assert_int_equal(row_int(&r, 0, 0), N + 1);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    struct rows r;
    assert_err(db_query(&t.c, &r, SQL("SELECT ?"), INT(1), INT(2)), ERR_INTERNAL);
    assert_err(db_query(&t.c, &r, SQL("SELECT ?")), ERR_INTERNAL);
    assert_err(db_exec(&t.c, NULL, SQL("SELECT 1")), ERR_INTERNAL);
    assert_ok(db_query(&t.c, &r, SQL("SELECT ?"), INT(1)));
}

static void the_session_is_as_promised(void **state)
{
    (void)state;
    struct rows r;
    assert_ok(db_query(&t.c, &r,
                       SQL("SELECT @@tx_isolation, @@innodb_snapshot_isolation, @@sql_mode, @@time_zone,"
                           " @@character_set_client, @@collation_connection, @@innodb_lock_wait_timeout,"
                           " @@autocommit, CAST(@@max_statement_time AS CHAR)")));
    assert_string_equal(row_text(&r, 0, 0), "REPEATABLE-READ");
    assert_int_equal(row_int(&r, 0, 1), 1);
    assert_non_null(strstr(row_text(&r, 0, 2), "STRICT_ALL_TABLES"));
    assert_string_equal(row_text(&r, 0, 3), "+00:00");
    assert_string_equal(row_text(&r, 0, 4), "utf8mb4");
    assert_string_equal(row_text(&r, 0, 5), "utf8mb4_bin");
    assert_int_equal(row_int(&r, 0, 6), 2);
    assert_int_equal(row_int(&r, 0, 7), 1);
    assert_string_equal(row_text(&r, 0, 8), "2.500000");
}

static void a_killed_session_is_noticed(void **state)
{
    (void)state;
    struct test_ctx other;
    test_ctx_open(&other, &schema);
    struct rows r;
    assert_ok(db_query(&t.c, &r, SQL("SELECT CONNECTION_ID()")));
    char sql[64];
    int n = snprintf(sql, sizeof sql, "KILL %lld", (long long)row_int(&r, 0, 0));
    assert_ok(db_run_text(other.c.db, sql, (size_t)n, NULL));
    assert_err(db_query(&t.c, &r, SQL("SELECT 1")), ERR_UNAVAILABLE);
    assert_true(t.fault.retry_ms > 0);
    assert_string_equal(fault_text(&t.fault), err_text(ERR_UNAVAILABLE));
    assert_false(db_usable(t.c.db));
    assert_err(db_query(&t.c, &r, SQL("SELECT 1")), ERR_UNAVAILABLE);
    assert_ok(db_reconnect(t.c.db, &t.fault));
    assert_ok(db_query(&t.c, &r, SQL("SELECT 1")));
    test_ctx_close(&other);
}

static void a_slow_statement_is_stopped(void **state)
{
    (void)state;
    struct rows r;
    int64_t start = clock_mono_ms();
    assert_err(db_query(&t.c, &r, SQL("SELECT COUNT(*) FROM seq_1_to_1000000000 WHERE MD5(seq) = 'x'")),
               ERR_UNAVAILABLE);
    assert_true(clock_mono_ms() - start < 10000);
    assert_true(db_usable(t.c.db));
    assert_ok(db_query(&t.c, &r, SQL("SELECT 1")));
}

static void no_room_left_is_said(void **state)
{
    (void)state;
    static const char small[] = "SET max_heap_table_size = 16384",
                      table[] = "CREATE TABLE little (body CHAR(200)) ENGINE=MEMORY";
    assert_ok(db_run_text(t.c.db, small, sizeof small - 1, &t.fault));
    assert_ok(db_run_text(t.c.db, table, sizeof table - 1, &t.fault));
    assert_err(db_exec(&t.c, NULL, SQL("INSERT INTO little SELECT 'x' FROM seq_1_to_10000")),
               ERR_UNAVAILABLE);
    assert_string_equal(fault_text(&t.fault), "the database has no room left");
}

static void refusals_name_no_driver_text(void **state)
{
    (void)state;
    struct db_options o = *test_server();
    struct db *db;
    struct fault f = {0};
    o.user = "nobody";
    o.password = "x";
    assert_err(db_open(&o, &db, &f), ERR_PRECONDITION);
    o = *test_server();
    o.schema = "no_such_schema";
    assert_err(db_open(&o, &db, &f), ERR_PRECONDITION);
    o = *test_server();
    o.socket = "/nonexistent/db.sock";
    assert_err(db_open(&o, &db, &f), ERR_UNAVAILABLE);
    assert_null(strstr(fault_text(&f), "nonexistent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(types_come_back_as_they_went),     TEST(long_and_many),
        TEST(a_statement_is_prepared_once),     TEST(a_duplicate_names_its_key_and_nothing_more),
        TEST(an_error_poisons_the_transaction), TEST(compare_and_set),
        TEST(many_rows_in_one_statement),       TEST(wrong_arguments_are_refused),
        TEST(the_session_is_as_promised),       TEST(a_killed_session_is_noticed),
        TEST(a_slow_statement_is_stopped),      TEST(no_room_left_is_said),
        TEST(refusals_name_no_driver_text),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
