/* tx_rig.h - two connections to a schema with a table of things, for tests of transactions. */
#ifndef CERTDESK_TESTS_CORE_TX_RIG_H
#define CERTDESK_TESTS_CORE_TX_RIG_H

#include "lib/check.h"

#include "core/db_tx.h"
#include "core/tx.h"
#include "lib/mariadb.h"

#include <string.h>

static struct test_schema schema;
static struct test_ctx t, other;

static inline void run_text(struct test_ctx *x, const char *sql)
{
    assert_ok(db_run_text(x->c.db, sql, strlen(sql), &x->fault));
}

static inline int setup(void **state)
{
    (void)state;
    test_schema_core(&schema);
    test_ctx_open(&t, &schema);
    test_ctx_open(&other, &schema);
    run_text(&t,
             "CREATE TABLE thing (id INT PRIMARY KEY, n BIGINT NOT NULL, version INT NOT NULL DEFAULT 1)");
    run_text(&t, "CREATE TABLE made (id BIGINT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40))");
    run_text(&t, "INSERT INTO thing (id, n) VALUES (1, 0), (2, 0)");
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    test_ctx_close(&t);
    test_ctx_close(&other);
    test_schema_drop(&schema);
    return 0;
}

static inline int64_t number(struct sql q)
{
    struct rows r;
    assert_ok(db_query(&other.c, &r, q));
    return row_int(&r, 0, 0);
}

static inline int64_t made(void)
{
    return number(SQL("SELECT COUNT(*) FROM made"));
}

static inline int64_t n_of_1(void)
{
    return number(SQL("SELECT n FROM thing WHERE id = 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
