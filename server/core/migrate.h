/* migrate.h - the schema's history: numbered files, forward only, checksummed, one DDL statement a step.
 *
 * The files are compiled in. Each is recorded with its SHA-256 in schema_history when done. A history that
 * this program does not know (newer) or whose checksum differs is refused by name. Several servers starting
 * at once: one migrates, the others wait (a row with epoch and lease, not GET_LOCK).
 */
#ifndef CERTDESK_CORE_MIGRATE_H
#define CERTDESK_CORE_MIGRATE_H

#include "core/db.h"

/* One file: statements that end with ";" at the end of a line; lines that start with "--" are comments. Each
 * statement is a step that is recorded with its SHA-256 when done, so a crash in the middle resumes behind
 * it; a crash between a DDL statement and its record runs the statement again, hence IF NOT EXISTS
 * everywhere. */
struct migration {
    const char *name; /* "0001_core" */
    const char *text;
    size_t n;
};
/* The files of migrations/, by name, as the build compiled them in. */
extern const struct migration certdesk_migrations[];
extern const size_t certdesk_migrations_n;
/* migrate_run() and migrate_check() with another table of files, for tests. */
enum err migrate_run_files(const struct db_options *o, const struct migration *files, size_t n, int *applied,
                           struct fault *f);
enum err migrate_check_files(const struct db_options *o, const struct migration *files, size_t n,
                             struct fault *f);

/* Applies what is missing. *applied is the number of files applied now. Makes the schema when it does not
 * exist. */
enum err migrate_run(const struct db_options *o, int *applied, struct fault *f);
/* OK when the schema is exactly this program's; ERR_PRECONDITION says what is missing or unknown. */
enum err migrate_check(const struct db_options *o, struct fault *f);
/* The server's variables that correctness rests on (flush at commit, snapshot isolation, strict mode,
 * utf8mb4, rollback on timeout): ERR_PRECONDITION naming every wrong one with what it should be. */
enum err db_check_settings(const struct db_options *o, struct fault *f);

#endif
