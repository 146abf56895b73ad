/* The private MariaDB (core/embedded.h): it outlives its own death, and does not outlive ours. */
#include "lib/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"
#include "core/embedded.h"
#include "core/migrate.h"
#include "lib/mariadb.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_MS = 30000,
    BOUND_MS = 15000 /* of what takes a second or two, on a machine that does much else */
};

static char dir[64];
static struct embedded server;
static struct db_options options;
static struct fault f;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
    (void)st, (void)kind, (void)w;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    log_threshold(LOG_ERROR);
    snprintf(dir, sizeof dir, "/tmp/certdesk-embedded-XXXXXX");
    assert_non_null(mkdtemp(dir));
    fault_clear(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    embedded_stop(&server);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static pid_t pid_of_server(void)
{
    char path[96], text[32] = "";
    snprintf(path, sizeof path, "%s/mariadbd.pid", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 ? (pid_t)atoi(text) : 0;
}

static bool answers(void *arg)
{
    (void)arg;
    struct db *db;
    if (db_open(&options, &db, NULL) != OK)
        return false;
    db_close(db);
    return true;
}

static void start(void)
{
    if (embedded_start(dir, &server, &f) != OK)
        assert_string_equal(fault_text(&f), "");
    options = (struct db_options){.socket = server.socket, .user = "root", .password = ""};
}

static bool gone(void *pid)
{
    return kill(*(pid_t *)pid, 0) != 0 && errno == ESRCH;
}

static void sql(const char *text)
{
    struct db *db;
    assert_ok(db_open(&options, &db, &f));
    assert_ok(db_run_text(db, text, strlen(text), &f));
    db_close(db);
}

static int64_t rows_kept(void)
{
    struct arena a;
    arena_init(&a, 0);
    struct ctx c = {.arena = &a, .fault = &f};
    struct rows r;
    assert_ok(db_open(&options, &c.db, &f));
    assert_ok(db_query(&c, &r, SQL("SELECT COUNT(*) FROM keep.thing")));
    int64_t n = row_int(&r, 0, 0);
    db_close(c.db);
    arena_free(&a);
    return n;
}

static void make_rows(void)
{
    sql("CREATE DATABASE keep");
    sql("CREATE TABLE keep.thing (id INT PRIMARY KEY) ENGINE=InnoDB");
    sql("INSERT INTO keep.thing SELECT seq FROM keep.seq_1_to_100");
}

static void it_starts_keeps_and_stops(void **state)
{
    (void)state;
    start();
    assert_true(test_until(answers, NULL, READY_MS));
    struct stat st;
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_ok(db_check_settings(&options, &f));
    make_rows();
    pid_t pid = pid_of_server();
    embedded_stop(&server);
    assert_true(gone(&pid));
    start();
    int64_t began = clock_mono_ms();
    assert_true(test_until(answers, NULL, READY_MS));
    test_took("a start of what is there", began, 3000, BOUND_MS);
    assert_int_equal(rows_kept(), 100);
}

static void a_killed_server_is_back(void **state)
{
    (void)state;
    start();
    assert_true(test_until(answers, NULL, READY_MS));
    make_rows();
    for (int i = 0; i < 3; i++) {
        pid_t pid = pid_of_server();
        assert_true(pid > 0);
        int64_t began = clock_mono_ms();
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(test_until(gone, &pid, BOUND_MS));
        assert_true(test_until(answers, NULL, READY_MS));
        test_took("a start after kill -9", began, 3000, BOUND_MS);
        assert_int_equal(rows_kept(), 100);
    }
}

static void it_goes_with_a_killed_parent_and_the_next_start_works(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t parent = fork();
    if (parent == 0) {
        start();
        bool up = test_until(answers, NULL, READY_MS);
        (void)!write(ready[1], up ? "y" : "n", 1);
        for (;;)
            pause();
    }
    char up = 0;
    assert_int_equal(read(ready[0], &up, 1), 1);
    assert_int_equal(up, 'y');
    close(ready[0]);
    close(ready[1]);
    pid_t old = pid_of_server();
    assert_true(old > 0 && !gone(&old));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    start(); /* at once: it waits for the old server by itself */
    assert_true(test_until(gone, &old, 10000));
    assert_true(test_until(answers, NULL, READY_MS));
    assert_true(pid_of_server() != old);
}

static bool is_there(void *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static void a_first_start_cut_off_is_made_good(void **state)
{
    (void)state;
    pid_t parent = fork();
    if (parent == 0) {
        start();
        for (;;)
            pause();
    }
    /* while mariadb-install-db is at work */
    char fresh[96];
    snprintf(fresh, sizeof fresh, "%s/data.new", dir);
    assert_true(test_until(is_there, fresh, 30000));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    start();
    assert_true(test_until(answers, NULL, READY_MS));
    sql("CREATE DATABASE works");
}

static void a_frozen_server_can_be_stopped(void **state)
{
    (void)state;
    start();
    assert_true(test_until(answers, NULL, READY_MS));
    pid_t pid = pid_of_server();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    int64_t began = clock_mono_ms();
    embedded_stop(&server);
    assert_true(gone(&pid));
    test_took("to stop a frozen one", began, 5000, BOUND_MS);
}

static void bad_folders_are_refused(void **state)
{
    (void)state;
    struct embedded e;
    assert_int_equal(chmod(dir, 0755), 0);
    assert_err(embedded_start(dir, &e, &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "0700"));
    assert_int_equal(chmod(dir, 0700), 0);
    char deep[200];
    snprintf(deep, sizeof deep, "%s/%0100d", dir, 1);
    assert_err(embedded_start(deep, &e, &f), ERR_PRECONDITION);
    assert_non_null(strstr(fault_text(&f), "too long"));
    assert_err(embedded_start("/nonexistent/folder", &e, &f), ERR_PRECONDITION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_starts_keeps_and_stops),
        TEST(a_killed_server_is_back),
        TEST(it_goes_with_a_killed_parent_and_the_next_start_works),
        TEST(a_first_start_cut_off_is_made_good),
        TEST(a_frozen_server_can_be_stopped),
        TEST(bad_folders_are_refused),
    };
    return CHECK_MAIN(tests);
}
