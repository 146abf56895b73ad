/* Verification through the handlers: mismatches and limits, codes, and answers that come too late (S6-S9). */
#include "world.h"

#include "core/tx.h"

#include <stdio.h>
#include <string.h>

static struct world w;

static int setup(void **state)
{
    (void)state;
    return world_open(&w);
}

static int teardown(void **state)
{
    (void)state;
    return world_close(&w);
}

static void a_mismatch_goes_back_and_may_be_corrected(void **s)
{
    (void)s;
    char id[ID_SIZE];
    world_next(&w, 61000);
    make_order(&w, w.c, id);
    PB(Order) * o;
    int64_t jobs = world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.check'"));
    assert_err(submit_organization(w.c, id, "91350100M000100Y44", LEGAL_REP_PHONE), ERR_INVALID);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.check'")),
                     jobs);
    for (int attempt = 1; attempt <= 5; attempt++) {
        world_next(&w, 1000);
        assert_ok(submit_organization(w.c, id, "914403001922038216", LEGAL_REP_PHONE));
        world_verified(&w, id, false);
        o = get_order(w.c, id);
        assert_int_equal(o->state, ORDER_SUBJECT);
        assert_int_equal(o->verification->state, VERIFICATION_MISMATCH);
        assert_int_equal(o->verification->attempts_left, 5 - attempt);
        assert_int_equal(o->verification->n_mismatched_fields, 1);
        assert_string_equal(o->verification->mismatched_fields[0], "legal_rep_name");
    }
    assert_err(submit_organization(w.c, id, "914403001922038216", LEGAL_REP_PHONE), ERR_RATE_LIMITED);
    assert_true(w.t.fault.retry_ms > 0);
    world_next(&w, INT64_C(24) * 3600 * 1000);
    assert_ok(submit_organization(w.c, id, "914403001922038216", LEGAL_REP_PHONE));
}

static void a_wrong_code_is_counted_and_a_late_answer_ignored(void **s)
{
    (void)s;
    char id[ID_SIZE];
    struct order o;
    PB(ConfirmVerificationRequest) in = CERTDESK__V1__CONFIRM_VERIFICATION_REQUEST__INIT;
    PB(ConfirmVerificationResponse) out = CERTDESK__V1__CONFIRM_VERIFICATION_RESPONSE__INIT;
    world_next(&w, 3600000);
    make_order(&w, w.c, id);
    assert_ok(submit_organization(w.c, id, "911101085923662400", "13700000001"));
    world_verified(&w, id, true);
    assert_ok(order_load(w.c, id, &o));
    in.verification_id = o.verification;
    in.code = (char *)"000000";
    if (strcmp(world_code(&w, "13700000001"), in.code) == 0)
        in.code = (char *)"000001";
    for (int i = 0; i < 5; i++)
        assert_err(call(w.c, "ConfirmVerification", &in, &out), ERR_CODE_WRONG);
    assert_err(call(w.c, "ConfirmVerification", &in, &out), ERR_CODE_EXPIRED);
    in.code = (char *)(uintptr_t)world_code(&w, "13700000001");
    assert_err(call(w.c, "ConfirmVerification", &in, &out), ERR_CODE_EXPIRED);
    assert_state(&w, id, ORDER_SUBJECT_VERIFYING);

    world_next(&w, 61000);
    PB(ResendVerificationCodeRequest) again = CERTDESK__V1__RESEND_VERIFICATION_CODE_REQUEST__INIT;
    PB(ResendVerificationCodeResponse) sent = CERTDESK__V1__RESEND_VERIFICATION_CODE_RESPONSE__INIT;
    assert_ok(order_load(w.c, id, &o));
    again.verification_id = o.verification;
    assert_ok(call(w.c, "ResendVerificationCode", &again, &sent));
    assert_err(call(w.c, "ResendVerificationCode", &again, &sent), ERR_RATE_LIMITED);
    char old[ID_SIZE];
    snprintf(old, sizeof old, "%s", o.verification);
    world_next(&w, 61000);
    assert_ok(submit_organization(w.c, id, "911101085923662400", "13700000001"));
    in.verification_id = old;
    in.code = (char *)(uintptr_t)world_code(&w, "13700000001");
    assert_err(call(w.c, "ConfirmVerification", &in, &out), ERR_PRECONDITION);
    assert_state(&w, id, ORDER_SUBJECT_VERIFYING);
}

struct late {
    char verification[ID_SIZE];
    bool match;
};

static enum err answer_late(struct ctx *c, void *arg)
{
    const struct late *l = arg;
    struct check_answer a = {.check = "enterprise4",
                             .provider = "test",
                             .outcome = l->match ? "MATCH" : "MISMATCH",
                             .code = "",
                             .request_id = "late",
                             .match = l->match,
                             .mismatched = "",
                             .checked_ms = c->now_ms};
    return identity_record(c, l->verification, &a);
}

/* What a provider says of data that were replaced meanwhile is kept as evidence and moves nothing. */
static void an_answer_about_older_data_moves_nothing(void **s)
{
    (void)s;
    for (int match = 0; match <= 1; match++) {
        char id[ID_SIZE];
        struct order o, after;
        struct verification v;
        const struct evidence *e;
        size_t n;
        struct late late = {.match = match};
        world_next(&w, 24 * 3600000);
        assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 5")));
        make_order(&w, w.c, id);
        assert_ok(submit_organization(w.c, id, OTHER_USCC, "13700000003"));
        assert_ok(order_load(w.c, id, &o));
        snprintf(late.verification, sizeof late.verification, "%s", o.verification);
        assert_ok(submit_organization(w.c, id, OTHER_USCC, "13700000004"));
        assert_ok(order_load(w.c, id, &o));
        w.c->caller.kind = CALLER_SYSTEM;
        assert_ok(tx_run(w.c, answer_late, &late));
        w.c->caller.kind = CALLER_ACCOUNT;
        assert_ok(order_load(w.c, id, &after));
        assert_int_equal(after.version, o.version);
        assert_string_equal(after.verification, o.verification);
        assert_ok(identity_load(w.c, late.verification, &v));
        assert_int_equal(v.state, VERIFICATION_FAILED);
        assert_ok(identity_evidence(w.c, id, &e, &n));
        assert_int_equal(n, 1);
        assert_true(e[0].of_earlier_data);
        world_verified(&w, id, true);
        assert_ok(identity_evidence(w.c, id, &e, &n));
        for (size_t i = 1; i < n; i++)
            assert_false(e[i].of_earlier_data);
        assert_ok(identity_load(w.c, o.verification, &v));
        assert_int_equal(v.state, VERIFICATION_CODE_SENT);
    }
}

static enum err its_time_came(struct ctx *c, void *arg)
{
    return identity_release(c, arg);
}

static void release(const char *verification)
{
    w.c->caller.kind = CALLER_SYSTEM;
    assert_ok(tx_run(w.c, its_time_came, (void *)(uintptr_t)verification));
    w.c->caller.kind = CALLER_ACCOUNT;
}

/* An order whose code is held back: the phone had one for another order a moment ago. */
static void hold_one(const char *phone, char order[static ID_SIZE], struct verification *v)
{
    char first[ID_SIZE];
    struct order o;
    world_next(&w, 24 * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 5")));
    make_order(&w, w.c, first);
    make_order(&w, w.c, order);
    assert_ok(submit_organization(w.c, first, OTHER_USCC, phone));
    world_verified(&w, first, true);
    world_next(&w, 10000);
    assert_ok(submit_organization(w.c, order, "914403001922038216", phone));
    world_verified(&w, order, true);
    assert_ok(order_load(w.c, order, &o));
    assert_ok(identity_load(w.c, o.verification, v));
    assert_int_equal(v->state, VERIFICATION_HELD);
    assert_string_equal(v->sent_to, "");
    assert_int_equal(v->code_ms, w.c->now_ms + 50000);
}

static int64_t jobs_waiting(void)
{
    return world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'identity.code' AND state = 1"));
}

static enum err resend(const char *verification, PB(Verification) * *out)
{
    static PB(ResendVerificationCodeResponse) sent;
    PB(ResendVerificationCodeRequest) again = CERTDESK__V1__RESEND_VERIFICATION_CODE_REQUEST__INIT;
    certdesk__v1__resend_verification_code_response__init(&sent);
    again.verification_id = (char *)(uintptr_t)verification;
    enum err e = call(w.c, "ResendVerificationCode", &again, &sent);
    *out = sent.verification;
    return e;
}

static void a_code_that_may_not_go_out_yet_goes_when_it_may(void **s)
{
    (void)s;
    char order[ID_SIZE], id[ID_SIZE];
    struct verification v;
    PB(Verification) * wire;
    hold_one("13700000005", order, &v);
    memcpy(id, v.id, ID_SIZE);
    assert_int_equal(jobs_waiting(), 1);
    assert_int_equal(world_number(&w, SQL("SELECT run_at_ms FROM outbox WHERE kind = 'identity.code'")),
                     v.code_ms);
    assert_false(has_action(get_order(w.c, order), "ConfirmVerification"));
    assert_err(confirm_code(w.c, order, "123456"), ERR_PRECONDITION);
    assert_err(resend(id, &wire), ERR_RATE_LIMITED);
    assert_true(w.t.fault.retry_ms > 0 && w.t.fault.retry_ms <= 50000);
    world_next(&w, 30000);
    release(id); /* too early: held back again, for the rest of it */
    assert_ok(identity_load(w.c, id, &v));
    assert_int_equal(v.state, VERIFICATION_HELD);
    assert_int_equal(v.code_ms, w.c->now_ms + 20000);
    assert_int_equal(jobs_waiting(), 1); /* the same time, the same job */
    world_next(&w, 20000);
    release(id);
    assert_ok(identity_load(w.c, id, &v));
    assert_int_equal(v.state, VERIFICATION_CODE_SENT);
    assert_string_equal(v.sent_to, "13700000005");
    assert_int_equal(v.code_ms, 0);
    assert_null(get_order(w.c, order)->verification->code_available_time);
    int64_t sent = world_number(&w, SQL("SELECT COUNT(*) FROM sms_code"));
    world_next(&w, 61000);
    release(id); /* a job that is late sends nothing */
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM sms_code")), sent);
    assert_ok(confirm_code(w.c, order, world_code(&w, "13700000005")));
}

/* Asked for when it may go, but before the job ran; or the person corrected the form meanwhile. */
static void a_code_that_was_held_back_is_not_sent_twice_nor_for_nothing(void **s)
{
    (void)s;
    char order[ID_SIZE], id[ID_SIZE];
    struct verification v;
    PB(Verification) * wire;
    hold_one("13700000006", order, &v);
    memcpy(id, v.id, ID_SIZE);
    world_next(&w, 50000);
    assert_ok(resend(id, &wire));
    assert_string_equal(wire->sent_to, "137****0006");
    assert_int_equal(wire->state, VERIFICATION_CODE_SENT);
    int64_t sent = world_number(&w, SQL("SELECT COUNT(*) FROM sms_code"));
    world_next(&w, 61000);
    release(id);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM sms_code")), sent);

    hold_one("13700000007", order, &v);
    memcpy(id, v.id, ID_SIZE);
    assert_ok(submit_organization(w.c, order, "914403001922038216", "13700000008"));
    sent = world_number(&w, SQL("SELECT COUNT(*) FROM sms_code"));
    world_next(&w, 61000);
    release(id);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM sms_code")), sent);
    assert_err(resend(id, &wire), ERR_PRECONDITION);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mismatch_goes_back_and_may_be_corrected),
        cmocka_unit_test(a_wrong_code_is_counted_and_a_late_answer_ignored),
        cmocka_unit_test(an_answer_about_older_data_moves_nothing),
        cmocka_unit_test(a_code_that_may_not_go_out_yet_goes_when_it_may),
        cmocka_unit_test(a_code_that_was_held_back_is_not_sent_twice_nor_for_nothing),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
