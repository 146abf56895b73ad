/* The stock of UKEYs by medium number (S28), and the queue of orders that wait for one. */
#include "core/audit.h"
#include "core/db.h"
#include "issue/issue.h"

#include <string.h>

#define TOKEN_SELECT                                                                                         \
    "SELECT medium_number, model, order_id, reason, state, version, updated_ms FROM token WHERE "

static void read(const struct rows *r, size_t i, struct token *out)
{
    *out = (struct token){.medium_number = row_text(r, i, 0),
                          .model = row_text(r, i, 1),
                          .order = row_text(r, i, 2),
                          .reason = row_text(r, i, 3),
                          .state = (enum token_state)row_int(r, i, 4),
                          .version = row_int(r, i, 5),
                          .updated_ms = row_int(r, i, 6)};
}

/* What stands in an ASCII column can only be compared with ASCII. */
static bool number_plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || (unsigned char)*s > '~')
            return false;
    return true;
}

enum err stock_token(struct ctx *c, const char *medium_number, struct token *out)
{
    struct rows r = {0};
    if (number_plain(medium_number))
        TRY(db_query(c, &r, SQL(TOKEN_SELECT "medium_number = ?"), TEXT(medium_number)));
    if (r.n != 1)
        return fail_both(c->fault, ERR_NOT_FOUND,
                         arena_printf(c->arena, "UKEY %s is not in stock", medium_number),
                         arena_printf(c->arena, "库存中没有UKEY %s", medium_number));
    read(&r, 0, out);
    return OK;
}

enum err stock_list(struct ctx *c, int state, const char *after, int limit, struct token **out, size_t *n)
{
    struct rows r;
    if (!number_plain(after))
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    TRY(db_query(
        c, &r, SQL(TOKEN_SELECT "(? = 0 OR state = ?) AND medium_number > ? ORDER BY medium_number LIMIT ?"),
        INT(state), INT(state), TEXT(after), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct token, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        read(&r, i, &(*out)[i]);
    return OK;
}

enum err stock_move(struct ctx *c, const struct token *t, enum token_state to, const char *order,
                    const char *reason)
{
    return db_exec_one(c,
                       SQL("UPDATE token SET state = ?, order_id = ?, reason = ?, updated_ms = ?, "
                           "version = version + 1 WHERE medium_number = ? AND version = ?"),
                       INT(to), TEXT(order), TEXT(reason), INT(c->now_ms), TEXT(t->medium_number),
                       INT(t->version));
}

enum err stock_register(struct ctx *c, char *const *numbers, size_t n, const char *model, const char ***known,
                        size_t *n_known)
{
    *known = ARENA_ARRAY(c->arena, const char *, n + 1);
    *n_known = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t added;
        TRY(db_exec(
            c, &added,
            SQL("INSERT IGNORE INTO token (medium_number, state, model, updated_ms) VALUES (?, ?, ?, ?)"),
            TEXT(numbers[i]), INT(TOKEN_BLANK), TEXT(model), INT(c->now_ms)));
        if (!added)
            (*known)[(*n_known)++] = numbers[i];
    }
    return audit_add(c, &(struct audit_entry){"stock.register", "", 0,
                                              arena_printf(c->arena, "{\"added\":%zu}", n - *n_known)});
}

enum err issue_queue(struct ctx *c, int64_t after_ms, const char *after_id, int limit,
                     struct issue_item **out, size_t *n, int64_t *total)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT o.id, o.updated_ms, COALESCE(p.medium_number, ''), o.submitted_ms, "
                     "(SELECT COUNT(*) FROM personalisation w WHERE w.order_id = o.id AND w.in_work IS NULL "
                     "AND w.dropped = 0) FROM orders o LEFT JOIN personalisation p ON p.order_id = o.id AND "
                     "p.in_work = 1 WHERE o.state IN (?, ?) AND (o.submitted_ms > ? OR (o.submitted_ms = ? "
                     "AND o.id > ?)) "
                     "ORDER BY o.submitted_ms, o.id LIMIT ?"),
                 INT(ORDER_ISSUE), INT(ORDER_PERSONALISING), INT(after_ms), INT(after_ms), TEXT(after_id),
                 INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct issue_item, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct issue_item){row_text(&r, i, 0), row_text(&r, i, 2), row_int(&r, i, 1),
                                        row_int(&r, i, 3), (int)row_int(&r, i, 4)};
    TRY(db_query(c, &r, SQL("SELECT COUNT(*) FROM orders WHERE state IN (?, ?)"), INT(ORDER_ISSUE),
                 INT(ORDER_PERSONALISING)));
    *total = row_int(&r, 0, 0);
    return OK;
}
