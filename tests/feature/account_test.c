/* Codes, captchas, challenges and passwords against the database: limits by the clock, tries that are counted
 * whatever fails, and rows that are deleted when they have served (S2-S4). */
#include "world.h"

#include "account/account_prune.h"
#include "account/allowance.h"
#include "account/captcha.h"
#include "account/code.h"
#include "config.h"
#include "core/crypt.h"
#include "core/password.h"
#include "core/prune.h"
#include "material/partial.h"
#include "core/tx.h"
#include "identity/identity_prune.h"
#include "payment/payment_prune.h"

#include <certdesk/v1/account_service.pb-c.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct config *config;

enum {
    MINUTE = 60 * 1000,
    HOUR = 60 * MINUTE,
};
static const int64_t DAY = INT64_C(24) * HOUR;
static const char PHONE[] = "13600000077";

static int setup(void **state)
{
    (void)state;
    struct fault f;
    fault_clear(&f);
    setenv("CERTDESK_ACCOUNT_CAPTCHA_FIXED", "abcd", 1);
    if (world_open(&w) != 0 || config_open(NULL, &config, &f) != OK)
        return -1;
    w.app.config = config;
    w.c->caller = (struct caller){.kind = CALLER_NONE};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    config_close(config);
    return world_close(&w);
}

/* -- codes ---- */

struct sending {
    const char *phone;
    enum code_purpose purpose;
};

static enum err send_it(struct ctx *c, void *arg)
{
    const struct sending *s = arg;
    return code_send_for(c, w.channel, s->phone, s->purpose, "x", SMS_LOGIN_CODE, NULL, NULL);
}

static enum err send_code(const char *phone, enum code_purpose purpose)
{
    fault_clear(w.c->fault);
    return tx_run(w.c, send_it, &(struct sending){phone, purpose});
}

static void a_phone_gets_one_code_a_minute_five_an_hour_ten_a_day(void **s)
{
    (void)s;
    enum {
        PURPOSES = 2
    };
    static const enum code_purpose purposes[PURPOSES] = {CODE_LOGIN, CODE_CHANGE_PASSWORD};
    int64_t began = w.c->now_ms, sent = 0;
    assert_ok(send_code(PHONE, CODE_LOGIN));
    assert_err(send_code(PHONE, CODE_LOGIN), ERR_RATE_LIMITED);
    assert_int_equal(w.t.fault.retry_ms, MINUTE);
    assert_ok(send_code(PHONE, CODE_CHANGE_PASSWORD)); /* the minute is of each purpose */
    for (sent = 2; w.c->now_ms - began < HOUR; world_next(&w, MINUTE)) {
        sent += send_code(PHONE, CODE_LOGIN) == OK;
        if (sent == 5) /* the hour is of both: nobody needs a session for them */
            for (size_t i = 0; i < PURPOSES; i++) {
                assert_err(send_code(PHONE, purposes[i]), ERR_RATE_LIMITED);
                assert_int_equal(w.t.fault.retry_ms, began + HOUR - w.c->now_ms);
            }
    }
    assert_int_equal(sent, 5);
    for (; w.c->now_ms - began < DAY; world_next(&w, 10 * MINUTE))
        sent += send_code(PHONE, purposes[(w.c->now_ms - began) / MINUTE % PURPOSES]) == OK;
    assert_int_equal(sent, 10);
    assert_ok(send_code(PHONE, CODE_LOGIN));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'sms.send'")), 11);
    assert_int_equal(world_number(&w, SQL("SELECT day_count FROM sms_allowance WHERE purpose = 0")), 1);
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM sms_allowance")));
}

/* Who knows a phone can use up its codes for logging in, and no others; and the other way round. */
static void codes_with_a_session_have_a_budget_of_their_own(void **s)
{
    (void)s;
    static const enum code_purpose without[] = {CODE_LOGIN, CODE_CHANGE_PASSWORD};
    static const enum code_purpose with[] = {CODE_OLD_PHONE, CODE_NEW_PHONE, CODE_VERIFY, CODE_SIGN};
    static const struct {
        const enum code_purpose *first, *then;
        size_t n_first, n_then;
    } ways[] = {{without, with, 2, 4}, {with, without, 4, 2}};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < 5; i++, world_next(&w, MINUTE))
            assert_ok(send_code(PHONE, ways[k].first[i % ways[k].n_first]));
        for (size_t i = 0; i < ways[k].n_first; i++)
            assert_err(send_code(PHONE, ways[k].first[i]), ERR_RATE_LIMITED);
        for (size_t i = 0; i < 5; i++, world_next(&w, MINUTE))
            assert_ok(send_code(PHONE, ways[k].then[i % ways[k].n_then]));
        for (size_t i = 0; i < ways[k].n_then; i++)
            assert_err(send_code(PHONE, ways[k].then[i]), ERR_RATE_LIMITED);
        assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM sms_allowance")));
    }
}

static void an_address_gets_sixty_an_hour_and_what_is_refused_is_not_counted(void **s)
{
    (void)s;
    int ok = 0;
    snprintf(w.c->address, sizeof w.c->address, "203.0.113.9");
    for (int i = 0; i < 100; i++) {
        enum err e = send_code(arena_printf(w.c->arena, "137%08d", i), CODE_LOGIN);
        assert_true(e == OK || e == ERR_RATE_LIMITED);
        ok += e == OK;
    }
    assert_int_equal(ok, 60);
    assert_int_equal(w.t.fault.retry_ms, HOUR);
    assert_int_equal(world_number(&w, SQL("SELECT taken FROM allowance WHERE kind = 1")), 60);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM sms_allowance")), 2 * 60);
    world_next(&w, HOUR);
    assert_ok(send_code("13800000000", CODE_LOGIN));
    assert_int_equal(world_number(&w, SQL("SELECT taken FROM allowance WHERE kind = 1")), 1);
    w.c->address[0] = '\0';
}

static void a_code_that_could_not_be_sent_takes_nothing_away(void **s)
{
    (void)s;
    snprintf(w.c->address, sizeof w.c->address, "203.0.113.10");
    int64_t codes = world_number(&w, SQL("SELECT COUNT(*) FROM sms_code"));
    int k = 1;
    for (; k < 50; k++) {
        w.c->fail_at = k;
        if (send_code("13800000001", CODE_LOGIN) == OK)
            break;
        w.c->fail_at = 0;
        assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM sms_code")), codes);
        assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM allowance WHERE kind = 1")), 1);
    }
    w.c->fail_at = 0;
    assert_in_range(k, 8, 49);
    w.c->address[0] = '\0';
}

static enum err log_in(const char *phone, const char *code, int k)
{
    PB(LoginBySmsRequest) in = CERTDESK__V1__LOGIN_BY_SMS_REQUEST__INIT;
    PB(LoginBySmsResponse) out = CERTDESK__V1__LOGIN_BY_SMS_RESPONSE__INIT;
    in.channel = (char *)"test";
    in.phone = (char *)(uintptr_t)phone;
    in.code = (char *)(uintptr_t)code;
    return call_failing(w.c, "LoginBySms", &in, &out, k);
}

static enum err send_login(struct ctx *c, void *arg)
{
    return code_send_for(c, w.channel, arg, CODE_LOGIN, w.channel, SMS_LOGIN_CODE, NULL, NULL);
}

static const char *login_code(const char *phone)
{
    assert_ok(tx_run(w.c, send_login, (void *)(uintptr_t)phone));
    return world_code(&w, phone);
}

static int64_t tries(void)
{
    return world_number(
        &w, SQL("SELECT tries FROM sms_code WHERE created_ms = (SELECT MAX(created_ms) FROM sms_code)"));
}

static void a_try_is_counted_or_not_answered_whatever_statement_fails(void **s)
{
    (void)s;
    world_next(&w, DAY);
    const char *right = login_code("13900000001"), *wrong = strcmp(right, "000000") ? "000000" : "000001";
    int64_t counted = 0;
    bool passed = false;
    for (int k = 1; !passed && k < 30; k++) {
        enum err e = log_in("13900000001", wrong, k);
        w.c->fail_at = 0;
        passed = e == ERR_CODE_WRONG;
        assert_true(passed || e == ERR_UNAVAILABLE);
        counted += passed;
        assert_int_equal(tries(), counted);
    }
    assert_true(passed);
    for (; counted < 5; counted++)
        assert_err(log_in("13900000001", wrong, 0), ERR_CODE_WRONG);
    assert_err(log_in("13900000001", right, 0), ERR_CODE_EXPIRED);
    assert_int_equal(tries(), 5);
}

/* -- many at once, on connections of their own ---- */

enum {
    GUESSERS = 8,
    GUESSES = 40,
};
struct guesser {
    pthread_t thread;
    struct test_ctx t;
    int number, wrong, right;
};

static enum err guess(struct ctx *c, void *arg)
{
    return code_check(c, "13900000002", CODE_LOGIN, w.channel, arg);
}

static void *guess_on(void *arg)
{
    struct guesser *g = arg;
    for (int i = 0; i < GUESSES; i++) {
        char code[16];
        snprintf(code, sizeof code, "x%d-%d", g->number, i);
        g->t.c.keep = false;
        fault_clear(g->t.c.fault);
        enum err e = tx_run(&g->t.c, guess, code);
        g->wrong += e == ERR_CODE_WRONG;
        g->right += e == OK;
    }
    return NULL;
}

static void guesses_at_once_are_five_in_all(void **s)
{
    (void)s;
    static struct guesser all[GUESSERS];
    world_next(&w, DAY);
    (void)login_code("13900000002");
    int wrong = 0;
    for (int i = 0; i < GUESSERS; i++) {
        world_ctx(&w, &all[i].t, "");
        all[i].number = i;
        assert_int_equal(pthread_create(&all[i].thread, NULL, guess_on, &all[i]), 0);
    }
    for (int i = 0; i < GUESSERS; i++) {
        pthread_join(all[i].thread, NULL);
        wrong += all[i].wrong;
        assert_int_equal(all[i].right, 0);
        test_ctx_close(&all[i].t);
    }
    assert_int_equal(wrong, 5);
    assert_int_equal(tries(), 5);
}

static void *check_one(void *arg)
{
    struct test_ctx *t = arg;
    bool right = true;
    enum err e = password_check(&t->c, PASSWORD_OF_ACCOUNT, NULL, "nobody's", &right);
    return (void *)(intptr_t)(e == OK && right ? ERR_INTERNAL : e);
}

static void passwords_are_checked_four_at_a_time(void **s)
{
    (void)s;
    static struct test_ctx t[GUESSERS];
    pthread_t threads[GUESSERS];
    int turned = 0;
    for (int i = 0; i < GUESSERS; i++)
        world_ctx(&w, &t[i], "");
    for (int i = 0; i < GUESSERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_one, &t[i]), 0);
    for (int i = 0; i < GUESSERS; i++) {
        void *e;
        pthread_join(threads[i], &e);
        assert_true((intptr_t)e == OK || (intptr_t)e == ERR_EXHAUSTED);
        if ((intptr_t)e == ERR_EXHAUSTED) {
            turned++;
            assert_true(t[i].fault.retry_ms > 0);
        }
        test_ctx_close(&t[i]);
    }
    assert_in_range(turned, 1, GUESSERS - PASSWORDS_AT_ONCE);
    const char *hash;
    assert_ok(password_hash(w.c, PASSWORD_OF_ACCOUNT, "all places are free again", &hash));
}

static void an_initial_password_is_of_its_account(void **s)
{
    (void)s;
    const char *one = password_initial(w.c, "acc_1", "111111");
    assert_true(password_is_initial(one));
    assert_null(strstr(one, "111111"));
    assert_string_equal(one, password_initial(w.c, "acc_1", "111111"));
    assert_string_not_equal(one, password_initial(w.c, "acc_2", "111111"));
    assert_string_not_equal(one, password_initial(w.c, "acc_1", "111112"));
    bool right = true;
    assert_ok(password_check(w.c, PASSWORD_OF_STAFF, one, "111111", &right));
    assert_false(right);
}

/* -- rows that have served ---- */

static uint64_t prune(int64_t ms)
{
    const struct prune_rules all[] = {core_prune, account_prune, identity_prune, payment_prune};
    uint64_t n;
    world_next(&w, ms);
    assert_ok(prune_run(w.c, all, 4, &n));
    return n;
}

static void rows_stay_as_long_as_they_serve(void **s)
{
    (void)s;
    prune(400 * DAY);
    static const struct {
        struct sql put, count;
        int64_t days;
    } tables[] = {
        {SQL("INSERT INTO idempotency (caller, method, request_id, digest, created_ms) VALUES "
             "('x', 'm', ?, REPEAT('d', 32), ?)"),
         SQL("SELECT COUNT(*) FROM idempotency"), 7},
        {SQL("INSERT INTO captcha (id, answer, expires_ms) VALUES (?, REPEAT('a', 32), ?)"),
         SQL("SELECT COUNT(*) FROM captcha"), 1},
        {SQL("INSERT INTO sms_code (id, phone_digest, purpose, scope, code, created_ms, expires_ms) VALUES "
             "(?, REPEAT('p', 32), 1, '', REPEAT('c', 32), ?, 0)"),
         SQL("SELECT COUNT(*) FROM sms_code"), 1},
        {SQL("INSERT INTO challenge (id, purpose, channel_id, account_id, text, created_ms, expires_ms) "
             "VALUES (?, 1, '', '', '', ?, 0)"),
         SQL("SELECT COUNT(*) FROM challenge"), 1},
        {SQL("INSERT INTO phone_ticket (ticket, account_id, session_id, created_ms, expires_ms) VALUES "
             "(RPAD(?, 32, ' '), '', '', ?, 0)"),
         SQL("SELECT COUNT(*) FROM phone_ticket"), 1},
        {SQL("INSERT INTO session (token_digest, id, caller_kind, owner_id, channel_id, roles, created_ms, "
             "expires_ms) VALUES (RPAD(?, 32, ' '), 'ses', 1, '', '', 0, 0, ?)"),
         SQL("SELECT COUNT(*) FROM session"), 30},
        {SQL("INSERT INTO allowance (kind, who, start_ms, taken) VALUES (1, RPAD(?, 32, ' '), ?, 1)"),
         SQL("SELECT COUNT(*) FROM allowance"), 2},
        {SQL("INSERT INTO identity_event (provider, event_key, object_id, body, received_ms) VALUES "
             "('tencent', "
             "RPAD(?, 32, ' '), '', '', ?)"),
         SQL("SELECT COUNT(*) FROM identity_event"), 30},
        {SQL("INSERT INTO payment_event (provider, event_id, type, body, received_ms) VALUES (1, ?, 'PAID', "
             "'', "
             "?)"),
         SQL("SELECT COUNT(*) FROM payment_event"), 183},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        int64_t had = world_number(&w, tables[i].count);
        assert_ok(db_exec(w.c, NULL, tables[i].put, TEXT("old"), INT(w.c->now_ms - tables[i].days * DAY)));
        assert_ok(
            db_exec(w.c, NULL, tables[i].put, TEXT("young"), INT(w.c->now_ms - tables[i].days * DAY + 1000)));
        assert_int_equal(prune(1), 1);
        assert_int_equal(world_number(&w, tables[i].count), had + 1);
        assert_int_equal(prune(1000), 1);
        assert_int_equal(world_number(&w, tables[i].count), had);
    }
}

static void many_rows_go_in_batches(void **s)
{
    (void)s;
    assert_ok(db_exec(w.c, NULL,
                      SQL("INSERT INTO captcha (id, answer, expires_ms) SELECT CONCAT('b', seq), "
                          "REPEAT('a', 32), 1 FROM seq_1_to_1700")));
    assert_int_equal(prune(1), 1700);
    assert_int_equal(prune(1), 0);
}

/* All that expired goes in one round, however much it is: with its bytes, and nothing else. */
static void expired_uploads_go_all_of_them(void **s)
{
    (void)s;
    world_next(&w, 1000);
    assert_ok(db_exec(w.c, NULL,
                      SQL("INSERT INTO material_upload (id, account_id, order_id, kind, file_name, size, "
                          "digest, created_ms, expires_ms) SELECT CONCAT('upl_', seq), CONCAT('acc_', seq), "
                          "CONCAT('ord_', seq), 'id_front', '', 4, REPEAT('d', 32), 1, IF(seq > 100, ?, ?) "
                          "FROM seq_1_to_103"),
                      INT(w.c->now_ms + 1), INT(w.c->now_ms)));
    assert_ok(db_exec(w.c, NULL,
                      SQL("INSERT INTO material_chunk (upload_id, position, size, bytes) SELECT id, 2 * seq, "
                          "2, 'xy' FROM material_upload JOIN seq_0_to_1")));
    assert_ok(partial_sweep(w.c));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM material_upload")), 3);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM material_chunk")), 6);
    world_next(&w, 1000);
    assert_ok(partial_sweep(w.c));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM material_chunk")), 0);
}

static void a_captcha_is_known_by_its_name(void **s)
{
    (void)s;
    char id[ID_SIZE];
    const void *png;
    size_t n;
    world_next(&w, 1000);
    assert_ok(captcha_new(w.c, id, &png, &n));
    assert_true(id_valid("cpt", id)); /* "cap" is a capture */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phone_gets_one_code_a_minute_five_an_hour_ten_a_day),
        cmocka_unit_test(codes_with_a_session_have_a_budget_of_their_own),
        cmocka_unit_test(an_address_gets_sixty_an_hour_and_what_is_refused_is_not_counted),
        cmocka_unit_test(a_code_that_could_not_be_sent_takes_nothing_away),
        cmocka_unit_test(a_try_is_counted_or_not_answered_whatever_statement_fails),
        cmocka_unit_test(guesses_at_once_are_five_in_all),
        cmocka_unit_test(passwords_are_checked_four_at_a_time),
        cmocka_unit_test(an_initial_password_is_of_its_account),
        cmocka_unit_test(rows_stay_as_long_as_they_serve),
        cmocka_unit_test(many_rows_go_in_batches),
        cmocka_unit_test(expired_uploads_go_all_of_them),
        cmocka_unit_test(a_captcha_is_known_by_its_name),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
