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
        world_verified(&w, id, true);
        assert_ok(identity_load(w.c, o.verification, &v));
        assert_int_equal(v.state, VERIFICATION_CODE_SENT);
    }
}

/* The phone had a code for something else a moment ago: the match stands, and the code is asked for later. */
static void a_code_that_may_not_go_out_yet_can_be_asked_for(void **s)
{
    (void)s;
    char first[ID_SIZE], second[ID_SIZE];
    struct order o;
    struct verification v;
    world_next(&w, 24 * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 5")));
    make_order(&w, w.c, first);
    make_order(&w, w.c, second);
    assert_ok(submit_organization(w.c, first, OTHER_USCC, "13700000005"));
    world_verified(&w, first, true);
    assert_ok(submit_organization(w.c, second, "914403001922038216", "13700000005"));
    world_verified(&w, second, true);
    assert_ok(order_load(w.c, second, &o));
    assert_ok(identity_load(w.c, o.verification, &v));
    assert_int_equal(v.state, VERIFICATION_CODE_SENT);
    assert_string_equal(v.sent_to, "");
    world_next(&w, 61000);
    assert_ok(order_load(w.c, second, &o));
    PB(ResendVerificationCodeRequest) again = CERTDESK__V1__RESEND_VERIFICATION_CODE_REQUEST__INIT;
    PB(ResendVerificationCodeResponse) sent = CERTDESK__V1__RESEND_VERIFICATION_CODE_RESPONSE__INIT;
    again.verification_id = o.verification;
    assert_ok(call(w.c, "ResendVerificationCode", &again, &sent));
    assert_string_equal(sent.verification->sent_to, "137****0005");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mismatch_goes_back_and_may_be_corrected),
        cmocka_unit_test(a_wrong_code_is_counted_and_a_late_answer_ignored),
        cmocka_unit_test(an_answer_about_older_data_moves_nothing),
        cmocka_unit_test(a_code_that_may_not_go_out_yet_can_be_asked_for),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
