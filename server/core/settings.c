#include "base/clock.h"
#include "core/migrate.h"

#include <string.h>

/* What each variable must be, and what is lost when it is not (reliability 6.1, facts measured there). The
 * SELECT below has the same order. */
static const struct {
    const char *name, *wanted;
    bool contains; /* the value is a list that must hold the wanted word */
} rules[] = {
    {"innodb_flush_log_at_trx_commit", "1", false}, /* power cut: acknowledged commits */
    {"innodb_doublewrite", "ON", false},            /* power cut: torn pages */
    {"innodb_snapshot_isolation", "ON", false},     /* lost updates */
    {"innodb_rollback_on_timeout", "ON", false},    /* half a transaction after 1205 */
    {"sql_mode", "STRICT_", true},                  /* silently cut values */
    {"character_set_server", "utf8mb4", false},     /* characters beyond U+FFFF */
};

static enum err check(struct ctx *c)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS CHAR),"
                     " CAST(@@GLOBAL.innodb_doublewrite AS CHAR),"
                     " CAST(@@GLOBAL.innodb_snapshot_isolation AS CHAR),"
                     " CAST(@@GLOBAL.innodb_rollback_on_timeout AS CHAR),"
                     " @@GLOBAL.sql_mode, @@GLOBAL.character_set_server")));
    struct buf wrong = BUF(c->arena);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *is = row_text(&r, 0, i);
        if (strcmp(rules[i].wanted, "ON") == 0 && strcmp(is, "1") == 0) /* as other versions say it */
            continue;
        if (rules[i].contains ? strstr(is, rules[i].wanted) != NULL : strcmp(is, rules[i].wanted) == 0)
            continue;
        if (rules[i].contains)
            buf_printf(&wrong, "; %s must contain %s...", rules[i].name, rules[i].wanted);
        else
            buf_printf(&wrong, "; %s is %s, must be %s", rules[i].name, is, rules[i].wanted);
    }
    return wrong.n == 0 ? OK : fail(c->fault, ERR_PRECONDITION, "database: %s", buf_text(&wrong) + 2);
}

enum err db_check_settings(const struct db_options *o, struct fault *f)
{
    struct arena a;
    arena_init(&a, 0);
    struct ctx c = {.arena = &a, .fault = f, .method = "settings", .now_ms = clock_now_ms()};
    struct db_options any = *o;
    any.schema = NULL;
    enum err e = db_open(&any, &c.db, f);
    if (e == OK) {
        e = check(&c);
        db_close(c.db);
    }
    arena_free(&a);
    return e;
}
