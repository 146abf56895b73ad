#include "core/migrate.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/crypt.h"
#include "core/db_tx.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    STEP_READ_TIMEOUT_S = 600, /* DDL over a full table takes its time */
    LEASE_MS = 60000,
    WAIT_MS = 120000, /* for another server's migration */
    POLL_MS = 50,
};

static const char history_tables[][512] = {
    "CREATE TABLE IF NOT EXISTS schema_history ("
    " file VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,"
    " sha256 BINARY(32) NOT NULL, applied_ms BIGINT NOT NULL) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS schema_step ("
    " file VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, step INT NOT NULL,"
    " sha256 BINARY(32) NOT NULL, PRIMARY KEY (file, step)) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS schema_lock ("
    " id INT NOT NULL PRIMARY KEY, session BIGINT NOT NULL, epoch BIGINT NOT NULL,"
    " lease_until_ms BIGINT NOT NULL) ENGINE=InnoDB",
    "INSERT IGNORE INTO schema_lock VALUES (1, 0, 0, 0)",
};

struct migrator {
    struct ctx c;
    struct arena arena;
    int64_t epoch;
};

/* -- the schema itself ---------------------------------------------------------------------------------- */

static bool plain_name(const char *s)
{
    size_t n = s ? strlen(s) : 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    return n > 0 && n <= 64;
}

static enum err make_schema(const struct db_options *o, struct fault *f)
{
    if (!plain_name(o->schema))
        return fail(f, ERR_PRECONDITION, "the schema's name must be letters, digits and underscores");
    struct db_options bare = *o;
    bare.schema = NULL;
    struct db *db;
    TRY(db_open(&bare, &db, f));
    char sql[200];
    int n =
        snprintf(sql, sizeof sql,
                 "CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", o->schema);
    enum err e = db_run_text(db, sql, (size_t)n, f);
    db_close(db);
    return e;
}

static enum err open_migrator(const struct db_options *o, struct migrator *m, struct fault *f)
{
    arena_init(&m->arena, 0);
    m->c = (struct ctx){.arena = &m->arena, .fault = f, .method = "migrate", .now_ms = clock_now_ms()};
    struct db_options slow = *o;
    slow.read_timeout_s = STEP_READ_TIMEOUT_S;
    TRY(db_open(&slow, &m->c.db, f));
    static const char patient[] = "SET SESSION max_statement_time=0, lock_wait_timeout=30";
    return db_run_text(m->c.db, patient, sizeof patient - 1, f);
}

static void close_migrator(struct migrator *m)
{
    db_close(m->c.db);
    arena_free(&m->arena);
}

/* -- one at a time -------------------------------------------------------------------------------------- */

/* Who holds an epoch of the lock holds a lock of this name in the database server, too, which goes with the
 * session: a session's number would be somebody else's after the database was started anew. */
#define HOLDER "CONCAT(MD5(DATABASE()), ' migrates ', "

static enum err is_one(struct ctx *c, struct sql q, int64_t epoch, bool *one)
{
    struct rows r;
    TRY(db_query(c, &r, q, INT(epoch)));
    *one = r.n == 1 && !row_cell(&r, 0, 0)->null && row_int(&r, 0, 0) == 1;
    return OK;
}

/* Ours when nobody's lease runs, or when the session that took it is gone (its server program died and its
 * last statement has ended). The lease is on the database's clock. */
static enum err try_lock(struct migrator *m, bool *mine)
{
    uint64_t won = 0;
    struct rows r;
    bool gone, first;
    *mine = false;
    TRY(db_query(&m->c, &r, SQL("SELECT epoch FROM schema_lock WHERE id = 1")));
    int64_t epoch = row_int(&r, 0, 0);
    TRY(is_one(&m->c, SQL("SELECT IS_FREE_LOCK(" HOLDER "?))"), epoch, &gone));
    TRY(is_one(&m->c, SQL("SELECT GET_LOCK(" HOLDER "?), 0)"), epoch + 1, &first));
    if (!first)
        return OK;
    enum err e = db_exec(&m->c, &won,
                         SQL("UPDATE schema_lock SET session = CONNECTION_ID(), epoch = epoch + 1,"
                             " lease_until_ms = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?"
                             " WHERE id = 1 AND epoch = ? AND (? OR"
                             " lease_until_ms < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))"),
                         INT(LEASE_MS), INT(epoch), INT(gone));
    m->epoch = epoch + 1;
    *mine = e == OK && won == 1;
    if (!*mine && (e == OK || e == ERR_DB_RETRY)) /* somebody holds it, or was at the row */
        return is_one(&m->c, SQL("SELECT RELEASE_LOCK(" HOLDER "?))"), epoch + 1, &first);
    return e;
}

static enum err lock(struct migrator *m)
{
    int64_t until = clock_mono_ms() + WAIT_MS;
    for (bool mine = false;;) {
        TRY(try_lock(m, &mine));
        if (mine)
            return OK;
        if (clock_mono_ms() > until)
            return fail(m->c.fault, ERR_UNAVAILABLE, "another server has been migrating for two minutes");
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
}

static enum err renew(struct migrator *m)
{
    enum err e = db_exec_one(&m->c,
                             SQL("UPDATE schema_lock SET"
                                 " lease_until_ms = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?"
                                 " WHERE id = 1 AND epoch = ?"),
                             INT(LEASE_MS), INT(m->epoch));
    return e == ERR_CONFLICT ? fail(m->c.fault, ERR_UNAVAILABLE, "another server took the migration over")
                             : e;
}

static enum err unlock(struct migrator *m)
{
    return db_exec(&m->c, NULL, SQL("UPDATE schema_lock SET lease_until_ms = 0 WHERE id = 1 AND epoch = ?"),
                   INT(m->epoch));
}

/* -- files and steps ------------------------------------------------------------------------------------ */

/* The next statement at *at, without comment lines before it and without its ";". False at the end. */
static bool next_statement(const char **at, const char *end, const char **sql, size_t *n)
{
    const char *p = *at;
    while (p < end && (isspace((unsigned char)*p) || (end - p > 1 && p[0] == '-' && p[1] == '-'))) {
        if (isspace((unsigned char)*p))
            p++;
        else
            while (p < end && *p != '\n')
                p++;
    }
    *sql = p;
    for (; p < end; p++) {
        if (*p == ';' && (p + 1 == end || p[1] == '\n' || p[1] == '\r')) {
            *n = (size_t)(p - *sql);
            *at = p + 1;
            return true;
        }
    }
    *n = (size_t)(end - *sql);
    *at = end;
    return *n > 0;
}

static enum err changed(struct ctx *c, const char *file)
{
    return fail(c->fault, ERR_PRECONDITION, "migration %s was changed after it was applied", file);
}

/* Done already: *done. Done with another text: refused. */
static enum err step_done(struct ctx *c, const char *file, int step, const unsigned char sum[static 32],
                          bool *done)
{
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT sha256 FROM schema_step WHERE file = ? AND step = ?"), TEXT(file),
                 INT(step)));
    *done = r.n == 1;
    if (r.n == 1 && memcmp(row_text(&r, 0, 0), sum, 32) != 0)
        return changed(c, file);
    return OK;
}

/* Statement and record in one transaction, for those that change rows; DDL commits by itself before. */
static enum err run_step(struct migrator *m, const char *file, int step, const char *sql, size_t n)
{
    unsigned char sum[32];
    bool done;
    crypt_sha256(sql, n, sum);
    TRY(step_done(&m->c, file, step, sum, &done));
    if (done)
        return OK;
    TRY(renew(m));
    TRY(db_begin(&m->c, TX_SNAPSHOT));
    enum err e = db_run_text(m->c.db, sql, n, m->c.fault);
    if (e == OK)
        e = db_exec(&m->c, NULL, SQL("INSERT INTO schema_step (file, step, sha256) VALUES (?, ?, ?)"),
                    TEXT(file), INT(step), BYTES(sum, 32));
    if (e == OK)
        e = db_commit(&m->c);
    db_rollback(m->c.db);
    if (e != OK)
        return fail(m->c.fault, ERR_PRECONDITION, "migration %s, step %d failed (%u)", file, step,
                    db_last_errno(m->c.db));
    return OK;
}

static enum err run_file(struct migrator *m, const struct migration *file, int *applied)
{
    unsigned char sum[32];
    crypt_sha256(file->text, file->n, sum);
    struct rows r;
    TRY(db_query(&m->c, &r, SQL("SELECT sha256 FROM schema_history WHERE file = ?"), TEXT(file->name)));
    if (r.n == 1)
        return memcmp(row_text(&r, 0, 0), sum, 32) == 0 ? OK : changed(&m->c, file->name);
    const char *at = file->text, *end = file->text + file->n, *sql;
    size_t n;
    for (int step = 1; next_statement(&at, end, &sql, &n); step++)
        TRY(run_step(m, file->name, step, sql, n));
    TRY(db_exec(&m->c, NULL, SQL("INSERT INTO schema_history (file, sha256, applied_ms) VALUES (?, ?, ?)"),
                TEXT(file->name), BYTES(sum, 32), INT(m->c.now_ms)));
    LOG(INFO, "migrate.applied", KV_S("file", file->name));
    ++*applied;
    return OK;
}

/* A file in the history that this program does not have: it is older than the schema. */
static enum err refuse_unknown(struct ctx *c, const struct migration *files, size_t n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT file FROM schema_history UNION SELECT file FROM schema_step ORDER BY 1")));
    for (size_t i = 0; i < r.n; i++) {
        size_t j = 0;
        while (j < n && strcmp(files[j].name, row_text(&r, i, 0)) != 0)
            j++;
        if (j == n)
            return fail(c->fault, ERR_PRECONDITION,
                        "the schema has migration %s, which this program does not know", row_text(&r, i, 0));
    }
    return OK;
}

static enum err run_all(struct migrator *m, const struct migration *files, size_t n, int *applied)
{
    for (size_t i = 0; i < sizeof history_tables / sizeof *history_tables; i++)
        TRY(db_run_text(m->c.db, history_tables[i], strlen(history_tables[i]), m->c.fault));
    TRY(lock(m));
    enum err e = refuse_unknown(&m->c, files, n);
    for (size_t i = 0; e == OK && i < n; i++)
        e = run_file(m, &files[i], applied);
    if (e != OK) {
        struct fault *f = m->c.fault;
        m->c.fault = NULL; /* keeps the reason */
        (void)!unlock(m);
        m->c.fault = f;
        return e;
    }
    return unlock(m);
}

enum err migrate_run_files(const struct db_options *o, const struct migration *files, size_t n, int *applied,
                           struct fault *f)
{
    *applied = 0;
    TRY(make_schema(o, f));
    struct migrator m;
    enum err e = open_migrator(o, &m, f);
    if (e == OK)
        e = run_all(&m, files, n, applied);
    close_migrator(&m);
    return e;
}

enum err migrate_run(const struct db_options *o, int *applied, struct fault *f)
{
    return migrate_run_files(o, certdesk_migrations, certdesk_migrations_n, applied, f);
}

/* -- looking only --------------------------------------------------------------------------------------- */

static enum err check_file(struct ctx *c, const struct migration *file)
{
    unsigned char sum[32];
    crypt_sha256(file->text, file->n, sum);
    struct rows r;
    TRY(db_query(c, &r, SQL("SELECT sha256 FROM schema_history WHERE file = ?"), TEXT(file->name)));
    if (r.n == 0)
        return fail(c->fault, ERR_PRECONDITION, "migration %s is not applied; run certdeskd migrate",
                    file->name);
    return memcmp(row_text(&r, 0, 0), sum, 32) == 0 ? OK : changed(c, file->name);
}

static enum err check_all(struct ctx *c, const struct migration *files, size_t n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
                     " AND table_name IN ('schema_history', 'schema_step', 'schema_lock')")));
    if (row_int(&r, 0, 0) != 3)
        return fail(c->fault, ERR_PRECONDITION, "the schema has no history; run certdeskd migrate");
    TRY(refuse_unknown(c, files, n));
    for (size_t i = 0; i < n; i++)
        TRY(check_file(c, &files[i]));
    return OK;
}

enum err migrate_check_files(const struct db_options *o, const struct migration *files, size_t n,
                             struct fault *f)
{
    struct arena a;
    arena_init(&a, 0);
    struct ctx c = {.arena = &a, .fault = f, .method = "migrate", .now_ms = clock_now_ms()};
    enum err e = db_open(o, &c.db, f);
    if (e == OK) {
        e = check_all(&c, files, n);
        db_close(c.db);
    }
    arena_free(&a);
    return e;
}

enum err migrate_check(const struct db_options *o, struct fault *f)
{
    return migrate_check_files(o, certdesk_migrations, certdesk_migrations_n, f);
}
