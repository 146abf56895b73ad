/* mariadb.h - a private MariaDB for a test program, and a schema for each test.
 *
 *     static int start(void **state) { return test_server_start(); }
 *     static int stop(void **state) { return test_server_stop(); }
 *     … struct test_schema s; test_schema_make(&s); … test_schema_drop(&s);
 *     return CHECK_MAIN_WITH_SERVER(tests);
 *
 * One server a program, in a folder of its own under $TMPDIR or /tmp, kept by core/embedded.h as in
 * production; it is gone when the program ends, however it ends.
 */
#ifndef CERTDESK_TESTS_MARIADB_H
#define CERTDESK_TESTS_MARIADB_H

#include "core/crypt.h"
#include "core/db.h"

#include <sys/types.h>

/* Starts the program's server and waits until it answers; 0, as cmocka's group functions want it. From the
 * main thread, before other threads. */
int test_server_start(void **state);
int test_server_stop(void **state);
/* Options for the whole server, without a schema. */
const struct db_options *test_server(void);
/* The folder, for what else a test wants to put there; removed at the end. */
const char *test_folder(void);
/* The running mariadbd, from its pid file; 0 while there is none. */
pid_t test_server_pid(void);
/* The program's keyring, made in test_folder()/keys. */
const struct keyring *test_keys(void);

struct test_schema {
    char name[40];
    struct db_options options;
};
/* A new schema with every migration applied; with those of server/core only (0001 to 0009), which is quicker;
 * and a name without a schema, for tests of migration itself. */
void test_schema_make(struct test_schema *s);
void test_schema_core(struct test_schema *s);
void test_schema_empty(struct test_schema *s);
void test_schema_drop(struct test_schema *s);

/* A ctx with a connection of its own, the program's keys, and caller acc_test. */
struct test_ctx {
    struct ctx c;
    struct arena arena;
    struct fault fault;
};
void test_ctx_open(struct test_ctx *t, const struct test_schema *s);
void test_ctx_close(struct test_ctx *t);
/* Throws memory and fault away, as between two calls. */
void test_ctx_reset(struct test_ctx *t);

/* For what must come, however much else the machine does: to wait for it costs nothing when it comes. */
enum {
    PATIENCE_MS = 60000
};

/* Polls until ok(arg) or the deadline; false when it passed. The only waiting in tests. */
bool test_until(bool (*ok)(void *arg), void *arg, int64_t ms);

/* Prints how long it took since `began` (clock_mono_ms()), against what is wished; fails only past limit_ms.
 */
void test_took(const char *what, int64_t began, int64_t wished_ms, int64_t limit_ms);

#define CHECK_MAIN_WITH_SERVER(tests)                                                                        \
    (cmocka_set_message_output(CM_OUTPUT_TAP),                                                               \
     cmocka_run_group_tests_name(__FILE__, tests, test_server_start, test_server_stop))

#endif
