#include "lib/mariadb.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/db_tx.h"
#include "core/embedded.h"
#include "core/migrate.h"
#include "lib/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    START_MS = 60000,
    POLL_MS = 5
};

static struct embedded server;
static struct db_options options;
static struct keyring *keys;
static char folder[64];
static int schemas;

bool test_until(bool (*ok)(void *arg), void *arg, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    while (!ok(arg)) {
        if (clock_mono_ms() > until)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    return true;
}

void test_took(const char *what, int64_t began, int64_t wished_ms, int64_t limit_ms)
{
    int64_t ms = clock_mono_ms() - began;
    print_message("# %s: %lld ms, wished for %lld\n", what, (long long)ms, (long long)wished_ms);
    assert_in_range(ms, 0, limit_ms);
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

int test_server_start(void **state)
{
    (void)state;
    log_threshold(LOG_ERROR); /* until it is up, refused connections are no news */
    const char *base = getenv("TMPDIR");
    if (!base || strlen(base) > 30)
        base = "/tmp";
    snprintf(folder, sizeof folder, "%s/certdesk-test-XXXXXX", base);
    struct fault f = {0};
    char keydir[80];
    if (!mkdtemp(folder) || embedded_start(folder, &server, &f) != OK) {
        fprintf(stderr, "%s\n", fault_text(&f));
        return -1;
    }
    options = (struct db_options){.socket = server.socket, .user = "root", .password = ""};
    snprintf(keydir, sizeof keydir, "%s/keys", folder);
    if (keyring_open(keydir, true, &keys, &f) != OK) {
        fprintf(stderr, "%s\n", fault_text(&f));
        return -1;
    }
    bool up = test_until(answers, NULL, START_MS);
    if (getenv("CERTDESK_TEST_LOG"))
        log_threshold(LOG_DEBUG);
    return up ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
    (void)st, (void)kind, (void)w;
    return remove(path);
}

int test_server_stop(void **state)
{
    (void)state;
    embedded_stop(&server);
    keyring_close(keys);
    keys = NULL;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const struct db_options *test_server(void)
{
    return &options;
}

const char *test_folder(void)
{
    return folder;
}

const struct keyring *test_keys(void)
{
    return keys;
}

pid_t test_server_pid(void)
{
    char path[96], text[32] = "";
    snprintf(path, sizeof path, "%s/mariadbd.pid", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? (pid_t)atoi(text) : 0;
}

void test_schema_empty(struct test_schema *s)
{
    snprintf(s->name, sizeof s->name, "t%d_%d", (int)getpid(), ++schemas);
    s->options = options;
    s->options.schema = s->name;
}

static void migrated(struct test_schema *s, size_t n)
{
    test_schema_empty(s);
    struct fault f = {0};
    int applied;
    if (migrate_run_files(&s->options, certdesk_migrations, n, &applied, &f) != OK)
        assert_string_equal(fault_text(&f), "");
}

void test_schema_make(struct test_schema *s)
{
    migrated(s, certdesk_migrations_n);
}

void test_schema_core(struct test_schema *s)
{
    size_t n = 0;
    while (n < certdesk_migrations_n && strcmp(certdesk_migrations[n].name, "0010") < 0)
        n++;
    migrated(s, n);
}

void test_schema_drop(struct test_schema *s)
{
    struct db *db;
    assert_ok(db_open(&options, &db, NULL));
    char sql[80];
    int n = snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS `%s`", s->name);
    assert_ok(db_run_text(db, sql, (size_t)n, NULL));
    db_close(db);
}

void test_ctx_open(struct test_ctx *t, const struct test_schema *s)
{
    memset(t, 0, sizeof *t);
    arena_init(&t->arena, 0);
    t->c = (struct ctx){.arena = &t->arena,
                        .fault = &t->fault,
                        .keys = keys,
                        .caller = {.kind = CALLER_ACCOUNT, .id = "acc_test", .session = "ses_test"},
                        .now_ms = clock_now_ms(),
                        .request = "req_test",
                        .method = "/test.Service/Method"};
    assert_ok(db_open(&s->options, &t->c.db, &t->fault));
}

void test_ctx_close(struct test_ctx *t)
{
    db_close(t->c.db);
    arena_free(&t->arena);
}

void test_ctx_reset(struct test_ctx *t)
{
    arena_free(&t->arena);
    fault_clear(&t->fault);
}
