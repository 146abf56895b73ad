/* Micro-deposits by the desk's own bank: the file out, the bank's answer in, the code in the remark, and the
 * PIN that goes the same way (S6, S9, S17). */
#include "world.h"

#include "account/account_store.h"
#include "core/tx.h"
#include "identity/remittance.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct arena kept; /* over world_next() */

static int setup(void **state)
{
    (void)state;
    if (world_open(&w) != 0)
        return -1;
    struct account a = {.id = "acc_test", .user_name = "u", .phone = "13600000000", .password = ""};
    memcpy(a.channel, w.channel, sizeof a.channel);
    assert_ok(account_insert(w.c, &a));
    arena_init(&kept, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&kept);
    return world_close(&w);
}

/* -- as the finance desk does it ----------------------------------------------------------------------------
 */

struct doing {
    tx_body *body;
    int64_t batch;
    int n;
    const char *text;
    struct remittance_counts counts;
};

static enum err batch_body(struct ctx *c, void *arg)
{
    struct doing *d = arg;
    return remittance_batch(c, &d->batch, &d->n);
}

static enum err import_body(struct ctx *c, void *arg)
{
    struct doing *d = arg;
    return remittance_import(c, d->text, strlen(d->text), &d->counts);
}

static enum err as_desk(struct doing *d, tx_body *body)
{
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    fault_clear(w.c->fault);
    enum err e = tx_run(w.c, body, d);
    w.c->caller = caller;
    return e;
}

static int64_t export(int want)
{
    struct doing d = {0};
    assert_ok(as_desk(&d, batch_body));
    assert_int_equal(d.n, want);
    return d.batch;
}

struct filing {
    int64_t batch;
    const char *text;
    size_t n;
};

static enum err file_body(struct ctx *c, void *arg)
{
    struct filing *f = arg;
    return remittance_file(c, f->batch, &f->text, &f->n);
}

static const char *file_of(int64_t batch)
{
    const char *text;
    size_t n;
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    struct filing f = {.batch = batch};
    assert_ok(tx_run(w.c, file_body, &f));
    text = f.text;
    n = f.n;
    w.c->caller = caller;
    assert_int_equal(strlen(text), n);
    return text;
}

/* Cell k of the line that holds the order's deposit. */
static const char *cell(const char *file, const char *deposit, int k)
{
    const char *p = strstr(file, deposit);
    assert_non_null(p);
    for (int i = 1; i < k; i++)
        p = strchr(p, ',') + 1;
    assert_int_equal(*p, '"');
    return arena_strndup(w.c->arena, p + 1, strcspn(p + 1, "\""));
}

static const char titles[] = "批次,编号,结果,银行流水号,原因\r\n";

static enum err answer(int64_t batch, const char *deposit, const char *result, struct remittance_counts *out)
{
    struct doing d = {.text = arena_printf(w.c->arena, "%s%lld,%s,%s,F20261128,\r\n", titles,
                                           (long long)batch, deposit, result)};
    enum err e = as_desk(&d, import_body);
    *out = d.counts;
    return e;
}

static const char *deposit_id(const char *order)
{
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT id FROM deposit WHERE order_id = ? ORDER BY id DESC LIMIT 1"),
                       TEXT(order)));
    assert_int_equal(r.n, 1);
    return row_text(&r, 0, 0);
}

/* How often the end of this deposit was told. */
static int64_t told_over(const char *deposit)
{
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe = ?"),
                       TEXT(arena_printf(w.c->arena, "sms:deposit_over:%s", deposit))));
    return row_int(&r, 0, 0);
}

static void wait_for_deposit(enum subject_kind kind, const char *number, char order[static ID_SIZE])
{
    world_next(&w, INT64_C(25) * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    make_order_by(&w, w.c, kind, METHOD_MICRO_DEPOSIT, order);
    assert_ok(kind == SUBJECT_ORGANIZATION ? submit_company(w.c, order, "杭州测试有限公司", number)
                                           : submit_person(w.c, order, "张三", number));
    world_verified(&w, order, true);
    PB(Order) *o = get_order(w.c, order);
    assert_int_equal(o->verification->state, VERIFICATION_DEPOSIT);
    assert_int_equal(o->verification->deposit->secret,
                     CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_REMARK_CODE);
    assert_false(has_action(o, "ConfirmVerification")); /* nothing is on its way yet */
}

static void a_code_in_the_remark_passes_the_organization(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct remittance_counts n;
    const struct evidence *e;
    size_t n_e;
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    assert_err(confirm_code(w.c, order, "123456"), ERR_PRECONDITION); /* no bank has it yet */
    int64_t batch = export(1);
    const char *id = deposit_id(order), *file = file_of(batch);
    assert_string_equal(cell(file, id, 2), "杭州测试有限公司");
    assert_string_equal(cell(file, id, 3), "33050161823500001234");
    assert_string_equal(cell(file, id, 7), "0.01");
    const char *code = cell(file, id, 8);
    assert_int_equal(strlen(code), 6);
    assert_int_equal(strspn(code, "0123456789"), 6);
    code = arena_strdup(&kept, code);
    assert_ok(answer(batch, id, "成功", &n));
    assert_int_equal(n.sent, 1);
    assert_non_null(strstr(world_code(&w, "13600000000"), "附言"));
    PB(Order) *o = get_order(w.c, order);
    assert_non_null(o->verification->deposit->sent_time);
    assert_true(has_action(o, "ConfirmVerification"));
    assert_int_equal(o->verification->deposit->tries_left, 5);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM deposit WHERE state = 3 AND (secret IS NOT NULL "
                             "OR payee IS NOT NULL)")),
        0);
    assert_err(confirm_code(w.c, order, "abcdef"), ERR_CODE_WRONG);
    assert_ok(confirm_code(w.c, order, code));
    assert_state(&w, order, ORDER_AGENT);
    assert_ok(identity_evidence(w.c, order, &e, &n_e));
    for (size_t i = 0; i < n_e; i++)
        assert_false(e[i].of_earlier_data);
    assert_int_equal(n_e, 2);
    assert_string_equal(e[0].check, "deposit");
    assert_string_equal(e[0].provider, "remittance");
    assert_ok(answer(batch, id, "ok", &n)); /* the bank's file once more */
    assert_int_equal(n.known, 1);
    assert_ok(answer(batch, id, "failed", &n)); /* after it was read: a person looks */
    assert_int_equal(n.n_problems, 1);
    assert_state(&w, order, ORDER_AGENT);
}

static void an_individual_reads_it_in_a_private_account(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_INDIVIDUAL, "110101199003070134", order);
    int64_t batch = export(1);
    const char *code = cell(file_of(batch), deposit_id(order), 8);
    assert_ok(confirm_code(w.c, order, code)); /* the money may be faster than the bank's answer */
    assert_state(&w, order, ORDER_PURCHASE);
    struct remittance_counts n;
    assert_ok(answer(batch, deposit_id(order), "ok", &n));
    assert_int_equal(n.sent, 1);
    assert_state(&w, order, ORDER_PURCHASE);
}

static void the_last_wrong_try_ends_it(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    const char *code = arena_strdup(&kept, cell(file_of(export(1)), deposit_id(order), 8));
    const char *wrong = strcmp(code, "000000") == 0 ? "000001" : "000000";
    for (int left = 4; left >= 0; left--) {
        assert_err(confirm_code(w.c, order, wrong), ERR_CODE_WRONG);
        if (left)
            assert_int_equal(get_order(w.c, order)->verification->deposit->tries_left, left);
    }
    assert_state(&w, order, ORDER_SUBJECT);
    assert_int_equal(get_order(w.c, order)->verification->state, VERIFICATION_FAILED);
    assert_err(confirm_code(w.c, order, code), ERR_PRECONDITION);
}

static void a_batch_is_written_again_and_holds_nothing_twice(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct remittance_counts n;
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    int64_t batch = export(1);
    const char *first = arena_strdup(&kept, file_of(batch));
    assert_int_equal(export(0), 0);
    assert_string_equal(file_of(batch), first);
    assert_ok(answer(batch, deposit_id(order), "成功", &n));
    const char *text;
    size_t size;
    assert_err(remittance_file(w.c, batch, &text, &size), ERR_PRECONDITION);
    assert_err(remittance_file(w.c, batch + 1000, &text, &size), ERR_NOT_FOUND);
}

static void what_failed_goes_back_to_the_step(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct remittance_counts n;
    for (int after_sent = 0; after_sent <= 1; after_sent++) {
        wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
        int64_t batch = export(1);
        const char *id = arena_strdup(&kept, deposit_id(order));
        if (after_sent) /* it came back */
            assert_ok(answer(batch, id, "ok", &n));
        assert_ok(answer(batch, id, "失败", &n));
        assert_int_equal(n.failed, 1);
        assert_state(&w, order, ORDER_SUBJECT);
        PB(Verification) *v = get_order(w.c, order)->verification;
        assert_int_equal(v->state, VERIFICATION_MISMATCH);
        assert_string_equal(v->mismatched_fields[0], "account.number");
        assert_int_equal(told_over(id), 1);
        assert_ok(answer(batch, id, "失败", &n));
        assert_int_equal(n.known, 1);
        assert_ok(answer(batch, id, "成功", &n)); /* contradicts itself */
        assert_int_equal(n.sent + n.known, 0);
        assert_string_equal(n.problems[0].text, "this deposit failed before");
    }
}

static void a_file_with_a_bad_line_changes_nothing(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    long long batch = (long long)export(1);
    const char *id = arena_strdup(&kept, deposit_id(order));
    struct arena a;
    arena_init(&a, 0);
    const char *was = world_dump(&w, &a);
    const struct {
        const char *text;
        int line, column;
        const char *complaint;
    } files[] = {
        {arena_printf(&a, "%s%lld,%s,ok,F1,\r\n%lld,dep_unknown,ok,F2,\r\n", titles, batch, id, batch), 3, 2,
         "there is no deposit of this number"},
        {arena_printf(&a, "%s%lld,%s,ok,F1,\r\n", titles, batch + 1, id), 2, 1, "the deposit is not of this"},
        {arena_printf(&a, "%s%lld,%s,ok,F1,\r\n%lld,%s,ok,F1,\r\n", titles, batch, id, batch, id), 3, 2,
         "the deposit was answered in a line before"},
        {arena_printf(&a, "%s%lld,%s,maybe,F1,\r\n", titles, batch, id), 2, 3, "the result is ok or failed"},
        {arena_printf(&a, "%s%lld,%s,ok\r\n", titles, batch, id), 2, 0, "a line has five cells"},
        {arena_printf(&a, "%s\r\n\r\n%lld,%s,ok,\"F\n1\",\r\n%lld,x,ok,,\r\n", titles, batch, id, batch), 6,
         2, "there is no deposit of this number"}, /* lines as an editor counts them */
        {arena_printf(&a, "%lld,%s,ok,F1,\r\n", batch, id), 0, 0, "line 1, column 1: the titles"},
        {"批次,编号,结果,流水号,原因\r\n", 0, 0, "line 1, column 4: the titles"},
        {"", 0, 0, "the titles"},
        {arena_printf(&a, "%s%lld,%s,o\"k,F1,\r\n", titles, batch, id), 0, 0, "line 2, character 3"},
        {arena_printf(&a, "%s%lld,%s,ok,%0100d,\r\n", titles, batch, id, 1), 2, 4, "too long"},
        {"\xFF\xFF\xFF\xFF", 0, 0, "neither UTF-8 nor GB18030"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct doing d = {.text = files[i].text};
        assert_err(as_desk(&d, import_body), ERR_INVALID);
        const struct line_problem *p = d.counts.problems;
        const char *said = p ? p->text : fault_text(w.c->fault);
        if (!strstr(said, files[i].complaint) || (p ? p->line : 0) != files[i].line ||
            (p ? p->column : 0) != files[i].column)
            world_fail("file %zu: %s\n", i, said);
        assert_string_equal(world_dump(&w, &a), was);
    }
    arena_free(&a);
}

/* A code was read, and then the bank says that its deposit failed: that line waits for a person, the others
 * do not wait for it. */
static void a_contradiction_is_refused_alone(void **s)
{
    (void)s;
    char first[ID_SIZE], second[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, first);
    make_order_by(&w, w.c, SUBJECT_INDIVIDUAL, METHOD_MICRO_DEPOSIT, second);
    assert_ok(submit_person(w.c, second, "张三", "11010519491231002X"));
    world_verified(&w, second, true);
    long long batch = (long long)export(2);
    const char *read = arena_strdup(&kept, deposit_id(first)),
               *other = arena_strdup(&kept, deposit_id(second));
    const char *code = arena_strdup(&kept, cell(file_of(batch), read, 8));
    assert_ok(confirm_code(w.c, first, code));
    assert_state(&w, first, ORDER_AGENT);
    struct doing d = {.text = arena_printf(&kept, "%s%lld,%s,失败,F1,账号不存在\r\n%lld,%s,成功,F2,\r\n",
                                           titles, batch, read, batch, other)};
    for (int time = 1; time <= 2; time++) { /* the same again: the same report */
        assert_ok(as_desk(&d, import_body));
        assert_int_equal(d.counts.lines, 2);
        assert_int_equal(d.counts.sent, time == 1);
        assert_int_equal(d.counts.known, time == 2);
        assert_int_equal(d.counts.n_problems, 1);
        assert_int_equal(d.counts.problems[0].line, 2);
        assert_int_equal(d.counts.problems[0].column, 3);
        assert_string_equal(d.counts.problems[0].text_zh, "该笔打款的附言已被正确填写");
    }
    assert_state(&w, first, ORDER_AGENT);
    assert_int_equal(
        world_number(&w, SQL("SELECT COUNT(*) FROM audit WHERE action = 'remittance.import' AND "
                             "JSON_VALUE(detail, '$.refused') = 1 AND JSON_VALUE(detail, '$.lines') = 2")),
        2);
}

/* 批次,编号,结果,银行流水号,原因 and 成功, as banks write it. */
static void the_bank_may_write_gb18030(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    long long batch = (long long)export(1);
    struct doing d = {.text = arena_printf(w.c->arena,
                                           "\xC5\xFA\xB4\xCE,\xB1\xE0\xBA\xC5,\xBD\xE1\xB9\xFB,"
                                           "\xD2\xF8\xD0\xD0\xC1\xF7\xCB\xAE\xBA\xC5,\xD4\xAD\xD2\xF2\n"
                                           "%lld,%s,\xB3\xC9\xB9\xA6,F9,\n",
                                           batch, deposit_id(order))};
    assert_ok(as_desk(&d, import_body));
    assert_int_equal(d.counts.sent, 1);
}

/* Money for a verification that nobody waits for is not sent. */
static void what_is_replaced_is_not_exported(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    assert_ok(submit_company(w.c, order, "杭州测试第二有限公司", USCC));
    world_verified(&w, order, true);
    assert_int_equal(export(1) > 0, 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM deposit WHERE state = 6 AND batch IS NULL")),
                     1);
    struct rows r; /* it is of no concern any more */
    assert_ok(db_query(w.c, &r, SQL("SELECT id FROM deposit WHERE state = 6 AND batch IS NULL")));
    assert_int_equal(told_over(row_text(&r, 0, 0)), 0);

    PB(ChangeMethodRequest) in = CERTDESK__V1__CHANGE_METHOD_REQUEST__INIT;
    PB(ChangeMethodResponse) out = CERTDESK__V1__CHANGE_METHOD_RESPONSE__INIT;
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    in.order_id = order;
    in.method = CERTDESK__V1__VERIFICATION_METHOD__VERIFICATION_METHOD_PHONE_THREE_FACTOR;
    assert_ok(call(w.c, "ChangeMethod", &in, &out));
    assert_int_equal(export(0), 0);
}

static enum err expire_body(struct ctx *c, void *arg)
{
    return deposit_expire(c, arg);
}

static void ten_days_are_enough(void **s)
{
    (void)s;
    char order[ID_SIZE];
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    const char *code = arena_strdup(&kept, cell(file_of(export(1)), deposit_id(order), 8));
    char id[ID_SIZE];
    snprintf(id, sizeof id, "%s", deposit_id(order));
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    world_next(&w, INT64_C(9) * 86400000);
    assert_ok(tx_run(w.c, expire_body, id)); /* too early: nothing */
    w.c->caller = caller;
    assert_state(&w, order, ORDER_SUBJECT_VERIFYING);
    world_next(&w, INT64_C(86400000));
    assert_err(confirm_code(w.c, order, code), ERR_CODE_EXPIRED);
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_int_equal(told_over(id), 0);
    assert_ok(tx_run(w.c, expire_body, id));
    assert_ok(tx_run(w.c, expire_body, id));
    assert_int_equal(told_over(id), 1);
    w.c->caller = caller;
    assert_state(&w, order, ORDER_SUBJECT);

    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order); /* its order was given up: nobody is told */
    export(1);
    snprintf(id, sizeof id, "%s", deposit_id(order));
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE id = ?"), TEXT(order)));
    world_next(&w, INT64_C(11) * 86400000);
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(w.c, expire_body, id));
    w.c->caller = caller;
    assert_int_equal(told_over(id), 0);
}

struct pin {
    struct order o;
    bool taken;
};

static enum err pin_body(struct ctx *c, void *arg)
{
    struct pin *p = arg;
    return deposit_pin(c, &p->o, "per_1", "10000001", "密码20304050", &p->taken);
}

static void a_pin_goes_by_a_remark_once(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct pin p;
    struct remittance_counts n;
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    assert_ok(confirm_code(w.c, order, cell(file_of(export(1)), deposit_id(order), 8)));
    assert_ok(order_load(w.c, order, &p.o));
    for (int i = 0; i < 3; i++) {
        assert_ok(tx_run(w.c, pin_body, &p));
        assert_true(p.taken);
        assert_ok(order_load(w.c, order, &p.o));
    }
    int64_t batch = export(1);
    assert_string_equal(cell(file_of(batch), deposit_id(order), 8), "密码20304050");
    assert_ok(answer(batch, deposit_id(order), "ok", &n));
    assert_state(&w, order, ORDER_AGENT);

    make_order(&w, w.c, order); /* by phone: by SMS */
    assert_ok(order_load(w.c, order, &p.o));
    assert_ok(tx_run(w.c, pin_body, &p));
    assert_false(p.taken);
}

static enum err again_body(struct ctx *c, void *arg)
{
    struct deposit d;
    return remittance_again(c, arg, &d);
}

static void a_pin_that_came_back_is_sent_again_by_hand(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct pin p;
    struct remittance_counts n;
    const struct deposit_row *stuck;
    size_t n_stuck;
    wait_for_deposit(SUBJECT_ORGANIZATION, USCC, order);
    assert_ok(confirm_code(w.c, order, cell(file_of(export(1)), deposit_id(order), 8)));
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM deposit WHERE purpose = 2")));
    assert_ok(order_load(w.c, order, &p.o));
    assert_ok(tx_run(w.c, pin_body, &p));
    int64_t batch = export(1);
    char *id = arena_strdup(&kept, deposit_id(order));
    assert_err(tx_run(w.c, again_body, id), ERR_PRECONDITION);
    assert_ok(answer(batch, id, "failed", &n));
    assert_ok(remittance_stuck(w.c, &stuck, &n_stuck));
    assert_int_equal(n_stuck, 1);
    assert_string_equal(stuck[0].id, id);
    assert_ok(tx_run(w.c, again_body, id));
    assert_err(tx_run(w.c, again_body, id), ERR_PRECONDITION);
    assert_ok(answer(batch, id, "failed", &n)); /* the same file once more */
    assert_int_equal(n.known, 1);
    assert_ok(answer(batch, id, "ok", &n));
    assert_int_equal(n.n_problems, 1); /* it failed before */
    assert_ok(remittance_stuck(w.c, &stuck, &n_stuck));
    assert_int_equal(n_stuck, 0);
    assert_string_equal(cell(file_of(export(1)), deposit_id(order), 8), "密码20304050");
    assert_ok(order_load(w.c, order, &p.o));
    assert_ok(tx_run(w.c, pin_body, &p)); /* still once */
    assert_int_equal(export(0), 0);
}

static void a_formula_is_no_bank(void **s)
{
    (void)s;
    struct subject in = {.account = {.number = "33050161823500001234", .bank = "=1+1", .branch = "@杭州"}},
                   out;
    struct fault f;
    fault_clear(&f);
    identity_check_subject(&f, w.c->arena, &in, SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, "", &out);
    int found = 0;
    for (size_t i = 0; i < f.n_violations; i++)
        found += strcmp(f.violations[i].field, "account.bank") == 0 ||
                 strcmp(f.violations[i].field, "account.branch") == 0;
    assert_int_equal(found, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_in_the_remark_passes_the_organization),
        cmocka_unit_test(an_individual_reads_it_in_a_private_account),
        cmocka_unit_test(the_last_wrong_try_ends_it),
        cmocka_unit_test(a_batch_is_written_again_and_holds_nothing_twice),
        cmocka_unit_test(what_failed_goes_back_to_the_step),
        cmocka_unit_test(a_file_with_a_bad_line_changes_nothing),
        cmocka_unit_test(a_contradiction_is_refused_alone),
        cmocka_unit_test(the_bank_may_write_gb18030),
        cmocka_unit_test(what_is_replaced_is_not_exported),
        cmocka_unit_test(ten_days_are_enough),
        cmocka_unit_test(a_pin_goes_by_a_remark_once),
        cmocka_unit_test(a_pin_that_came_back_is_sent_again_by_hand),
        cmocka_unit_test(a_formula_is_no_bank),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
