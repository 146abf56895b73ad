/* Reads of one moment (tx_read in core/tx.h): they fit together, cost what they must, and write nothing. */
#include "tx_rig.h"

static int64_t n_of(struct ctx *c, int id)
{
    struct rows r;
    assert_ok(db_query(c, &r, SQL("SELECT n FROM thing WHERE id = ?"), INT(id)));
    return row_int(&r, 0, 0);
}

struct both {
    int64_t seen[2];
    int times;
};

/* Between its two reads somebody else moves both rows. */
static enum err read_both(struct ctx *c, void *arg)
{
    struct both *b = arg;
    b->times++;
    b->seen[0] = n_of(c, 1);
    run_text(&other, "UPDATE thing SET n = n + 1");
    b->seen[1] = n_of(c, 2);
    return b->seen[0] > 1 ? fail(c->fault, ERR_NOT_FOUND, NULL) : OK;
}

static void what_is_read_together_fits_together(void **state)
{
    (void)state;
    struct both b = {0};
    assert_ok(tx_read(&t.c, read_both, &b));
    assert_int_equal(b.times, 2); /* the first saw 0 and 1 */
    assert_int_equal(b.seen[0], 1);
    assert_int_equal(b.seen[1], 1);
    assert_false(db_in_tx(t.c.db));
    assert_err(tx_read(&t.c, read_both, &b), ERR_NOT_FOUND);
    assert_int_equal(b.seen[0], 3);
    assert_int_equal(b.seen[1], 3);
    assert_false(db_in_tx(t.c.db));
    assert_int_equal(n_of(&t.c, 1), 4);
}

static enum err read_one(struct ctx *c, void *arg)
{
    struct both *b = arg;
    b->times++;
    b->seen[0] = n_of(c, 1);
    return fail(c->fault, ERR_NOT_FOUND, NULL);
}

/* An answer, or a refusal, out of one statement fits by itself. */
static void one_statement_needs_no_snapshot(void **state)
{
    (void)state;
    struct both b = {0};
    uint64_t before = db_statements(t.c.db);
    assert_err(tx_read(&t.c, read_one, &b), ERR_NOT_FOUND);
    assert_int_equal(b.times, 1);
    assert_int_equal(db_statements(t.c.db) - before, 1);
}

static enum err write_one(struct ctx *c, void *arg)
{
    (void)arg;
    return db_exec(c, NULL, SQL("UPDATE thing SET n = 100 WHERE id = 1"));
}

static void a_read_writes_nothing(void **state)
{
    (void)state;
    assert_int_not_equal(tx_read(&t.c, write_one, NULL), OK);
    assert_false(db_in_tx(t.c.db));
    assert_int_equal(n_of_1(), 0);
    assert_ok(tx_run(&t.c, write_one, NULL)); /* nobody else is held by it */
    assert_int_equal(n_of_1(), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_read_together_fits_together),
        TEST(one_statement_needs_no_snapshot),
        TEST(a_read_writes_nothing),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
