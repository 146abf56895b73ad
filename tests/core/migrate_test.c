/* The schema's history (core/migrate.h) and the check of the server's settings. */
#include "lib/check.h"

#include "base/clock.h"
#include "core/db_tx.h"
#include "core/migrate.h"
#include "lib/mariadb.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct test_schema schema;
static struct fault f;
static int applied;

static int setup(void **state)
{
    (void)state;
    fault_clear(&f);
    test_schema_empty(&schema);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_schema_drop(&schema);
    return 0;
}

static struct migration file(const char *name, const char *text)
{
    return (struct migration){name, text, strlen(text)};
}

static int64_t number(struct sql q)
{
    struct test_ctx t;
    struct rows r;
    test_ctx_open(&t, &schema);
    assert_ok(db_query(&t.c, &r, q));
    int64_t n = row_int(&r, 0, 0);
    test_ctx_close(&t);
    return n;
}

static enum err run(const struct migration *files, size_t n)
{
    return migrate_run_files(&schema.options, files, n, &applied, &f);
}

static void ours_apply_once(void **state)
{
    (void)state;
    assert_err(migrate_check(&schema.options, &f), ERR_PRECONDITION);
    assert_ok(migrate_run(&schema.options, &applied, &f));
    assert_true(applied >= 1);
    assert_int_equal(applied, certdesk_migrations_n);
    assert_string_equal(certdesk_migrations[0].name, "0001_core");
    assert_ok(migrate_check(&schema.options, &f));
    assert_ok(migrate_run(&schema.options, &applied, &f));
    assert_int_equal(applied, 0);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM outbox")), 0);
}

static const char first[] = "-- a comment; with a semicolon\n"
                            "CREATE TABLE IF NOT EXISTS a (id INT PRIMARY KEY,\n"
                            "  s VARCHAR(10) DEFAULT ';');\n"
                            "\n-- another\nINSERT INTO a (id) VALUES (1);\n"
                            "INSERT INTO a VALUES (2, 'x;y');\n-- the end\n";

static void statements_end_at_the_line(void **state)
{
    (void)state;
    struct migration m[] = {file("0001_a", first)};
    assert_ok(run(m, 1));
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM a")), 2);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM schema_step")), 3);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM a WHERE s = 'x;y'")), 1);
}

static void a_failed_step_resumes_behind_what_was_done(void **state)
{
    (void)state;
    struct migration broken[] = {file("0001_a", first),
                                 file("0002_b", "CREATE TABLE IF NOT EXISTS b (id INT PRIMARY KEY);\n"
                                                "INSERT INTO b VALUES (1);\n"
                                                "INSERT INTO no_such_table VALUES (1);\n")};
    assert_err(run(broken, 2), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0002_b, step 3"));
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM schema_history")), 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM b")), 1);
    /* the last step, which was never applied, may be mended; the first two are not run again */
    struct migration mended[] = {broken[0],
                                 file("0002_b", "CREATE TABLE IF NOT EXISTS b (id INT PRIMARY KEY);\n"
                                                "INSERT INTO b VALUES (1);\n"
                                                "INSERT INTO b VALUES (2);\n")};
    assert_ok(run(mended, 2));
    assert_int_equal(applied, 1);
    assert_int_equal(number(SQL("SELECT COUNT(*) FROM b")), 2);
    assert_ok(migrate_check_files(&schema.options, mended, 2, &f));
}

static void a_changed_step_is_refused(void **state)
{
    (void)state;
    struct migration broken[] = {file("0001_a", "CREATE TABLE IF NOT EXISTS a (id INT);\nNONSENSE;\n")};
    assert_err(run(broken, 1), ERR_PRECONDITION);
    struct migration changed[] = {file("0001_a", "CREATE TABLE IF NOT EXISTS a (id BIGINT);\n")};
    assert_err(run(changed, 1), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "migration 0001_a was changed"));
}

static void a_changed_file_is_refused_by_name(void **state)
{
    (void)state;
    struct migration m[] = {file("0001_a", first), file("0002_b", "CREATE TABLE b (id INT);\n")};
    assert_ok(run(m, 2));
    struct migration changed[] = {m[0], file("0002_b", "CREATE TABLE b (id INT); \n")};
    assert_err(run(changed, 2), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0002_b"));
    assert_err(migrate_check_files(&schema.options, changed, 2, &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0002_b"));
}

static void a_newer_schema_is_refused_by_name(void **state)
{
    (void)state;
    struct migration m[] = {file("0001_a", first), file("0099_later", "CREATE TABLE b (id INT);\n")};
    assert_ok(run(m, 2));
    assert_err(run(m, 1), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0099_later"));
    assert_err(migrate_check_files(&schema.options, m, 1, &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0099_later"));
    struct migration more[] = {m[0], file("0002_between", "CREATE TABLE c (id INT);\n"), m[1]};
    assert_err(migrate_check_files(&schema.options, more, 3, &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0002_between is not applied"));
}

static void *start_one(void *arg)
{
    int *count = arg;
    struct fault own = {0};
    if (migrate_run(&schema.options, count, &own) != OK) {
        print_error("%s\n", fault_text(&own));
        *count = -1000;
    }
    return NULL;
}

static void four_servers_at_once(void **state)
{
    (void)state;
    pthread_t id[4];
    int count[4] = {0}, sum = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&id[i], NULL, start_one, &count[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(id[i], NULL);
        sum += count[i];
    }
    assert_int_equal(sum, certdesk_migrations_n);
    assert_ok(migrate_check(&schema.options, &f));
}

/* A server that died while migrating holds a lease; nobody waits for it, also when the database was started
 * anew and its session's number is somebody else's by now. */
static void a_dead_migrator_is_not_waited_for(void **state)
{
    (void)state;
    assert_ok(run(NULL, 0));
    struct test_ctx t;
    test_ctx_open(&t, &schema);
    assert_ok(db_exec(&t.c, NULL,
                      SQL("UPDATE schema_lock SET session = CONNECTION_ID(), lease_until_ms ="
                          " CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + 3600000")));
    struct migration m[] = {file("0001_a", first)};
    int64_t began = clock_mono_ms();
    assert_ok(run(m, 1));
    assert_true(clock_mono_ms() - began < 30000);
    test_ctx_close(&t);
}

static void odd_schema_names_are_refused(void **state)
{
    (void)state;
    struct db_options o = schema.options;
    const char *bad[] = {"", "a`b", "a b", "a;b", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.schema = bad[i];
        assert_err(migrate_run(&o, &applied, &f), ERR_PRECONDITION);
    }
    assert_ok(migrate_run(&schema.options, &applied, &f));
}

static void set(const char *text)
{
    struct db *db;
    assert_ok(db_open(test_server(), &db, &f));
    assert_ok(db_run_text(db, text, strlen(text), &f));
    db_close(db);
}

static void wrong_settings_are_named_all_at_once(void **state)
{
    (void)state;
    if (db_check_settings(test_server(), &f) != OK)
        assert_string_equal(fault_text(&f), "");
    set("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    set("SET GLOBAL innodb_snapshot_isolation = OFF");
    set("SET GLOBAL sql_mode = ''");
    set("SET GLOBAL character_set_server = 'latin1'");
    assert_err(db_check_settings(test_server(), &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "innodb_flush_log_at_trx_commit is 2, must be 1"));
    assert_non_null(strstr(fault_text(&f), "innodb_snapshot_isolation is OFF, must be ON"));
    assert_non_null(strstr(fault_text(&f), "sql_mode must contain STRICT_"));
    assert_non_null(strstr(fault_text(&f), "character_set_server is latin1, must be utf8mb4"));
    assert_null(strstr(fault_text(&f), "rollback_on_timeout"));
    set("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    set("SET GLOBAL innodb_snapshot_isolation = ON");
    set("SET GLOBAL sql_mode = 'STRICT_ALL_TABLES'");
    set("SET GLOBAL character_set_server = 'utf8mb4'");
    assert_ok(db_check_settings(test_server(), &f));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ours_apply_once),
        TEST(statements_end_at_the_line),
        TEST(a_failed_step_resumes_behind_what_was_done),
        TEST(a_changed_step_is_refused),
        TEST(a_changed_file_is_refused_by_name),
        TEST(a_newer_schema_is_refused_by_name),
        TEST(four_servers_at_once),
        TEST(a_dead_migrator_is_not_waited_for),
        TEST(odd_schema_names_are_refused),
        TEST(wrong_settings_are_named_all_at_once),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
