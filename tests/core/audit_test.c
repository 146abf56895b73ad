/* The audit trail (core/audit.h): whatever root does to the real tables, the verifier names the first bad
 * row. */
#include "lib/check.h"

#include "core/audit.h"
#include "core/db_tx.h"
#include "core/tx.h"
#include "lib/commit_proxy.h"
#include "lib/mariadb.h"

#include <stdio.h>
#include <string.h>

static struct test_schema schema;
static struct test_ctx t, second, root;
static struct audit_report report;

static enum err body_add(struct ctx *c, void *arg)
{
    int n = *(int *)arg;
    for (int i = 0; i < n; i++)
        TRY(audit_add(c, &(struct audit_entry){.action = "order.approve",
                                               .object = "ord_1",
                                               .version = i,
                                               .detail = i % 2 ? "{\"material\":\"licence\"}" : NULL}));
    return OK;
}

static void add(struct test_ctx *x, int n)
{
    assert_ok(tx_run(&x->c, body_add, &n));
}

static void sql(const char *text)
{
    assert_ok(db_run_text(root.c.db, text, strlen(text), &root.fault));
}

static const char *scalar(struct sql q)
{
    struct rows r;
    assert_ok(db_query(&root.c, &r, q));
    assert_int_equal(r.n, 1);
    return row_text(&r, 0, 0);
}

/* 12 rows of one writer, sealed, then 5 more and a second writer with 3, sealed, then 2 unsealed. */
static int setup(void **state)
{
    (void)state;
    test_schema_core(&schema);
    test_ctx_open(&t, &schema);
    test_ctx_open(&second, &schema);
    test_ctx_open(&root, &schema);
    add(&t, 12);
    assert_ok(audit_seal(&root.c));
    add(&t, 5);
    add(&second, 3);
    assert_ok(audit_seal(&root.c));
    add(&t, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_ctx_close(&t);
    test_ctx_close(&second);
    test_ctx_close(&root);
    test_schema_drop(&schema);
    return 0;
}

/* What somebody with every right does first. */
static void drop_triggers(void)
{
    sql("DROP TRIGGER audit_keeps_rows");
    sql("DROP TRIGGER audit_keeps_all");
    sql("DROP TRIGGER audit_seal_keeps_rows");
    sql("DROP TRIGGER audit_seal_keeps_all");
    sql("DROP TRIGGER audit_writer_keeps_rows");
    sql("DROP TRIGGER audit_writer_keeps_all");
    sql("SET @w = (SELECT writer FROM audit GROUP BY writer HAVING COUNT(*) > 10)");
}

static enum err verify(void)
{
    return audit_verify(&root.c, crypt_seal_public(test_keys()), &report);
}

static void assert_bad(const char *ending)
{
    test_ctx_reset(&root);
    assert_err(verify(), ERR_DATA_LOSS);
    assert_false(report.intact);
    if (!strstr(report.first_bad, ending))
        assert_string_equal(report.first_bad, ending);
    assert_non_null(strstr(fault_text(&root.fault), report.first_bad));
}

static void an_honest_trail_is_intact(void **state)
{
    (void)state;
    assert_ok(verify());
    assert_true(report.intact);
    assert_int_equal(report.rows, 22);
    assert_int_equal(report.writers, 2);
    assert_int_equal(report.seals, 2);
    assert_string_equal(report.first_bad, "");
    /* nothing new: no new seal, but the two rows since the last one get theirs */
    assert_ok(audit_seal(&root.c));
    assert_ok(audit_seal(&root.c));
    assert_ok(verify());
    assert_int_equal(report.seals, 3);
}

static void rows_are_guarded_by_triggers(void **state)
{
    (void)state;
    static const char *const attempts[] = {
        "UPDATE audit SET object = 'x'", "DELETE FROM audit",        "UPDATE audit_seal SET at_ms = 0",
        "DELETE FROM audit_seal",        "DELETE FROM audit_writer", "UPDATE audit_writer SET process = ''"};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        assert_err(db_run_text(root.c.db, attempts[i], strlen(attempts[i]), NULL), ERR_INTERNAL);
    assert_ok(verify());
}

static void an_edited_field(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "UPDATE audit SET at_ms = at_ms + 1 WHERE writer = @w AND seq = 7",
        "UPDATE audit SET caller = 'acc_other' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET caller_kind = 2 WHERE writer = @w AND seq = 7",
        "UPDATE audit SET session = '' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET request = 'req_x' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET method = '/x' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET action = 'order.refuse' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET object = 'ord_2' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET version = 99 WHERE writer = @w AND seq = 7",
        "UPDATE audit SET detail = '' WHERE writer = @w AND seq = 7",
        "UPDATE audit SET hash = REVERSE(hash) WHERE writer = @w AND seq = 7"};
    drop_triggers();
    sql("CREATE TABLE saved AS SELECT * FROM audit");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        sql(edits[i]);
        assert_bad("row 7: was altered");
        sql("DELETE FROM audit");
        sql("INSERT INTO audit SELECT * FROM saved");
        test_ctx_reset(&root);
        assert_ok(verify());
    }
    sql("UPDATE audit SET prev = REVERSE(prev) WHERE writer = @w AND seq = 7");
    assert_bad("row 7: does not follow");
}

static void a_row_deleted_in_the_middle(void **state)
{
    (void)state;
    drop_triggers();
    sql("DELETE FROM audit WHERE writer = @w AND seq = 5");
    assert_bad("row 5: missing");
}

static void the_tail_deleted_after_a_seal(void **state)
{
    (void)state;
    drop_triggers();
    sql("DELETE FROM audit WHERE writer = @w AND seq >= 15");
    assert_bad("row 15: missing at the tail, seal 2 has seen row 17");
}

static void two_rows_swapped(void **state)
{
    (void)state;
    drop_triggers();
    sql("UPDATE audit SET seq = 1000 WHERE writer = @w AND seq = 8");
    sql("UPDATE audit SET seq = 8 WHERE writer = @w AND seq = 9");
    sql("UPDATE audit SET seq = 9 WHERE writer = @w AND seq = 1000");
    assert_bad("row 8: does not follow");
}

/* The chain alone does not stop somebody who can compute hashes; the seals do. The rows of the second writer
 * are written anew under its name by our own code, so every hash in it fits. */
static void a_chain_computed_anew(void **state)
{
    (void)state;
    drop_triggers();
    sql("SET @v = (SELECT writer FROM audit GROUP BY writer HAVING COUNT(*) = 3)");
    struct test_ctx forger;
    test_ctx_open(&forger, &schema);
    snprintf(forger.c.caller.id, sizeof forger.c.caller.id, "acc_innocent");
    add(&forger, 2);
    sql("SET @f = (SELECT writer FROM audit WHERE caller = 'acc_innocent' LIMIT 1)");
    sql("DELETE FROM audit WHERE writer = @v");
    assert_bad("row 1: missing at the tail, seal 2 has seen row 3");
    /* the sealed row 17 replaced, with everything after it gone: numbers are complete, hashes do not agree */
    sql("DELETE FROM audit WHERE writer = @w AND seq > 16");
    assert_bad("missing at the tail");
    test_ctx_close(&forger);
}

static void a_forged_seal(void **state)
{
    (void)state;
    drop_triggers();
    sql("CREATE TABLE saved AS SELECT * FROM audit_seal");
    sql("UPDATE audit_seal SET heads = REPLACE(heads, ' 12 ', ' 11 ') WHERE number = 1");
    assert_bad("seal 1: its digest");
    /* with the digest corrected, as a forger would: the signature stays */
    sql("UPDATE audit_seal SET digest = UNHEX(SHA2(CONCAT('certdesk audit seal\\nnumber 1\\nat ', at_ms,"
        " '\\nprev ', REPEAT('0', 64), '\\n', heads), 256)) WHERE number = 1");
    assert_bad("seal 1: its signature does not verify");
    sql("DELETE FROM audit_seal");
    sql("INSERT INTO audit_seal SELECT * FROM saved");
    assert_ok(verify());
    sql("DELETE FROM audit_seal WHERE number = 1");
    assert_bad("seal 1: missing");
    /* signed, but with another key */
    sql("DELETE FROM audit_seal");
    sql("INSERT INTO audit_seal SELECT * FROM saved");
    char dir[96];
    snprintf(dir, sizeof dir, "%s/other-keys", test_folder());
    struct keyring *other;
    assert_ok(keyring_open(dir, true, &other, NULL));
    test_ctx_reset(&root);
    assert_err(audit_verify(&root.c, crypt_seal_public(other), &report), ERR_DATA_LOSS);
    assert_string_equal(report.first_bad, "seal 1: its signature does not verify");
    keyring_close(other);
}

static void a_table_emptied(void **state)
{
    (void)state;
    drop_triggers();
    sql("TRUNCATE TABLE audit");
    assert_bad("row 1: missing");
    sql("TRUNCATE TABLE audit_seal");
    assert_bad("row 1: missing, all of its rows are");
}

static void a_foreign_row_appended(void **state)
{
    (void)state;
    drop_triggers();
    sql("INSERT INTO audit SELECT writer, seq + 1, at_ms, caller_kind, caller, session, request, method,"
        " action, object, version, detail, hash, prev FROM audit WHERE writer = @w AND seq = 19");
    assert_bad("row 20: was altered");
}

static enum err body_fails(struct ctx *c, void *arg)
{
    TRY(body_add(c, arg));
    return ERR_ORDER_STATE;
}

static void a_rolled_back_row_leaves_no_gap(void **state)
{
    (void)state;
    int n = 3;
    assert_err(tx_run(&t.c, body_fails, &n), ERR_ORDER_STATE);
    add(&t, 1);
    assert_ok(verify());
    assert_int_equal(report.rows, 23);
    assert_err(audit_add(&t.c, &(struct audit_entry){.action = "x"}), ERR_INTERNAL); /* no transaction */
}

static void an_unknown_commit_begins_a_new_writer(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof path, "%s/proxy.sock", test_folder());
    struct commit_proxy *proxy = commit_proxy_start(path, schema.options.socket);
    struct test_schema through = schema;
    through.options.socket = path;
    for (int how = LOSE_REQUEST; how <= LOSE_ANSWER; how++) {
        struct test_ctx p;
        test_ctx_open(&p, &through);
        add(&p, 2);
        commit_proxy_lose(proxy, (enum commit_loss)how, 1);
        add(&p, 2);
        add(&p, 1);
        assert_ok(audit_seal(&root.c));
        test_ctx_reset(&root);
        if (verify() != OK)
            assert_string_equal(report.first_bad, "");
        test_ctx_close(&p);
    }
    assert_int_equal(report.writers, 2 + 4);
    /* nothing of the honest rows is missing: 22, and 5 twice, and the repeat of what had landed */
    assert_int_equal(report.rows, 22 + 5 + 5 + 2);
    commit_proxy_stop(proxy);
}

static void what_a_closed_connection_wrote_is_sealed(void **state)
{
    (void)state;
    struct test_ctx brief;
    test_ctx_open(&brief, &schema);
    add(&brief, 4);
    test_ctx_close(&brief);
    assert_ok(audit_seal(&root.c));
    drop_triggers();
    sql("DELETE FROM audit WHERE seq = 4 AND writer <> @w");
    assert_bad("row 4: missing at the tail, seal 3");
}

static void details_are_as_written(void **state)
{
    (void)state;
    assert_string_equal(scalar(SQL("SELECT GROUP_CONCAT(DISTINCT CONCAT_WS('|', caller_kind, caller, session,"
                                   " request, method, action, object)) FROM audit")),
                        "1|acc_test|ses_test|req_test|/test.Service/Method|order.approve|ord_1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_honest_trail_is_intact),
        TEST(rows_are_guarded_by_triggers),
        TEST(an_edited_field),
        TEST(a_row_deleted_in_the_middle),
        TEST(the_tail_deleted_after_a_seal),
        TEST(two_rows_swapped),
        TEST(a_chain_computed_anew),
        TEST(a_forged_seal),
        TEST(a_table_emptied),
        TEST(a_foreign_row_appended),
        TEST(a_rolled_back_row_leaves_no_gap),
        TEST(an_unknown_commit_begins_a_new_writer),
        TEST(what_a_closed_connection_wrote_is_sealed),
        TEST(details_are_as_written),
    };
    return CHECK_MAIN_WITH_SERVER(tests);
}
