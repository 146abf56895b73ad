/* The saga on the simulated card: the happy path, and every misfortune at every command of it. */
#include "lib/check.h"

#include "lab.h"
#include "sim_channel.h"
#include "token/piv.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

struct bench {
    struct card card;
    struct lab lab;
    struct sim_channel ch;
};

static struct bench B;

static void set_up(char style, enum ukey_alg alg)
{
    assert_true(card_open(&B.card, NULL, style, 10000001));
    lab_init(&B.lab, alg);
    sim_channel_init(&B.ch, &B.card);
}

static void tear_down(void)
{
    card_close(&B.card);
    lab_free(&B.lab);
}

static enum err run_again(struct fault *f)
{
    struct sim_channel ch;
    sim_channel_init(&ch, &B.card);
    return lab_run(&B.lab, &ch.base, f);
}

static void judge(void)
{
    struct sim_channel ch;
    sim_channel_init(&ch, &B.card);
    lab_judge(&B.lab, &ch.base);
}

static void happy(char style, enum ukey_alg alg, struct card_options options)
{
    struct fault f;
    set_up(style, alg);
    B.card.options = options;
    assert_ok(lab_run(&B.lab, &B.ch.base, &f));
    assert_int_equal(B.lab.issue_calls, 1);
    assert_int_equal(B.lab.finish_calls, 1);
    assert_int_equal(B.lab.journal_calls, 10);
    judge();
    tear_down();
}

static void every_kind_of_token_is_written(void **s)
{
    (void)s;
    static const struct card_options options[] = {{0},
                                                  {.no_metadata = true},
                                                  {.no_serial = true},
                                                  {.exact_le = true},
                                                  {.no_metadata = true, .no_serial = true, .exact_le = true}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        happy('a', UKEY_P256, options[i]);
        happy('a', UKEY_SM2, options[i]);
        happy('b', UKEY_P256, options[i]);
    }
}

static void a_token_over_t0_gets_no_le_behind_data(void **s)
{
    (void)s;
    struct fault f;
    set_up('b', UKEY_P256);
    B.ch.base.t0 = true;
    assert_ok(lab_run(&B.lab, &B.ch.base, &f));
    judge();
    tear_down();
}

static void sm2_where_the_token_lacks_it(void **s)
{
    (void)s;
    struct fault f;
    set_up('b', UKEY_SM2);
    assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_UNIMPLEMENTED);
    B.lab.plan.otherwise = UKEY_P256;
    assert_ok(run_again(&f));
    assert_int_equal(B.lab.journal.pub.alg, UKEY_P256);
    judge();
    tear_down();
}

/* ---- every command, every misfortune ---- */

static bool may_be(enum err e)
{
    return e == ERR_CARD_GONE || e == ERR_CARD_DOUBTFUL;
}

/* One trouble at command k, then resumed with a good card; false when the saga ended before command k. */
static bool trouble_at(const char *spec, unsigned k, char style, enum ukey_alg alg,
                       struct card_options options, unsigned times)
{
    struct fault f;
    char text[64];
    snprintf(text, sizeof text, "%s:*:%u", spec, k);
    set_up(style, alg);
    B.card.options = options;
    bool reached = true, fired = true;
    for (unsigned i = 0; i < times && fired; i++) {
        struct sim_channel ch;
        sim_channel_init(&ch, &B.card);
        assert_true(trouble_parse(text, &ch.trouble));
        enum err e = lab_run(&B.lab, &ch.base, &f);
        fired = ch.trouble.kind == TROUBLE_NONE;
        reached = i ? reached : fired;
        if (fired && e != OK && !may_be(e))
            print_error("%s, style %c: %s: %s\n", text, style, err_name(e), fault_text(&f));
        assert_true(fired ? e == OK || may_be(e) : e == OK);
    }
    enum err e = run_again(&f);
    if (e != OK)
        print_error("%s, style %c, then resumed: %s: %s\n", text, style, err_name(e), fault_text(&f));
    assert_ok(e);
    judge();
    tear_down();
    return reached;
}

enum {           /* which tokens */
    TELLING = 1, /* style a with metadata, SM2 */
    SILENT = 2,  /* style a without metadata: what a secret is must be tried */
    LIKE_B = 4,
    SPELLING = 8, /* style b without serial, wants the exact Le: the longest saga */
    ALL = 15,
};

static void at_every_command(const char *spec, unsigned times, unsigned which)
{
    static const struct {
        char style;
        enum ukey_alg alg;
        struct card_options options;
    } tokens[] = {{'a', UKEY_SM2, {0}},
                  {'a', UKEY_P256, {.no_metadata = true}},
                  {'b', UKEY_P256, {0}},
                  {'b', UKEY_P256, {.no_serial = true, .exact_le = true}}};
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
        unsigned k = 1;
        if (!(which & 1u << t))
            continue;
        while (trouble_at(spec, k, tokens[t].style, tokens[t].alg, tokens[t].options, times))
            assert_true(++k < 400);
        assert_true(k > 100); /* the saga was not skipped */
    }
}

static void pulled_before_any_command(void **s)
{
    (void)s;
    at_every_command("pull-before", 1, ALL);
}

static void pulled_after_any_command(void **s)
{
    (void)s;
    at_every_command("pull-after", 1, ALL);
}

static void hangs_before_any_command(void **s)
{
    (void)s;
    at_every_command("hang-before", 1, SILENT | LIKE_B);
}

/* The same as a kill of the console: the card stays powered and keeps what it did. */
static void hangs_after_any_command(void **s)
{
    (void)s;
    at_every_command("hang-after", 1, TELLING | SILENT | LIKE_B);
}

static void any_answer_is_lost(void **s)
{
    (void)s;
    at_every_command("lose", 1, SILENT | LIKE_B);
}

static void any_answer_is_rubbish(void **s)
{
    (void)s;
    at_every_command("garbage=9", 1, TELLING | LIKE_B);
    at_every_command("garbage=65535", 1, SILENT);
}

static void the_same_command_fails_three_times(void **s)
{
    (void)s;
    at_every_command("pull-before", 3, TELLING | LIKE_B);
    at_every_command("pull-after", 3, TELLING | LIKE_B);
}

/* ---- misfortunes at the server ---- */

static void the_server_loses_any_call(void **s)
{
    (void)s;
    struct fault f;
    for (unsigned k = 1; k <= 10; k++)
        for (int after = 0; after < 2; after++) {
            set_up('b', UKEY_P256);
            *(after ? &B.lab.lose_journal_after : &B.lab.lose_journal_before) = k;
            assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_UNAVAILABLE);
            assert_ok(run_again(&f));
            judge();
            tear_down();
        }
    for (int after = 0; after < 2; after++) {
        set_up('a', UKEY_SM2);
        *(after ? &B.lab.lose_issue_after : &B.lab.lose_issue_before) = 1;
        assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_UNAVAILABLE);
        assert_ok(run_again(&f));
        assert_int_equal(B.lab.issue_calls, 2);
        judge();
        tear_down();
    }
}

/* A journal that gives back step and certificate, nothing else: the token tells the rest, or the saga says
 * so. */
static void a_bare_journal_is_enough_for_a_token_that_tells_its_keys(void **s)
{
    (void)s;
    struct fault f;
    for (unsigned k = 1; k <= 10; k++) {
        set_up('b', UKEY_P256);
        B.lab.bare = true;
        B.lab.lose_journal_after = k;
        assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_UNAVAILABLE);
        assert_ok(run_again(&f));
        judge();
        tear_down();
    }
    set_up('a', UKEY_P256);
    B.lab.bare = true;
    B.card.options.no_metadata = true;
    B.lab.lose_journal_after = PERSONALISE_KEY_GENERATED - 1;
    assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_UNAVAILABLE);
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
    assert_int_equal(B.lab.issue_calls, 0);
    tear_down();
}

/* ---- refusals and doubts ---- */

static struct ukey session(void)
{
    sim_channel_init(&B.ch, &B.card);
    struct fault f;
    struct ukey u = {.ops = &PIV, .ch = &B.ch.base};
    assert_ok(PIV.select(&u, &f));
    return u;
}

static void a_live_slot_is_never_generated_over(void **s)
{
    (void)s;
    struct fault f;
    struct ukey_pub before, now;
    set_up('a', UKEY_P256);
    assert_ok(lab_run(&B.lab, &B.ch.base, &f));
    struct ukey u = session();
    assert_ok(PIV.get_pub(&u, UKEY_SIGN_A, &before, &f));
    B.lab.plan.old = B.lab.plan.fresh;
    B.lab.journal = (struct personalise_record){0};
    assert_err(run_again(&f), ERR_PRECONDITION);
    u = session();
    assert_ok(PIV.get_pub(&u, UKEY_SIGN_A, &now, &f));
    assert_memory_equal(before.point, now.point, UKEY_POINT);
    B.lab.plan.slot = UKEY_SIGN_B; /* the other slot is free */
    B.lab.cert_n = 0;
    B.lab.issued_for = (struct ukey_pub){0};
    assert_ok(run_again(&f));
    u = session();
    assert_ok(PIV.get_pub(&u, UKEY_SIGN_A, &now, &f));
    assert_memory_equal(before.point, now.point, UKEY_POINT);
    tear_down();
}

/* Runs until `step` is journalled, by a server that is lost right after. */
static void run_until(enum personalise_step step)
{
    struct fault f;
    B.lab.lose_journal_after = (unsigned)step - 1;
    assert_err(run_again(&f), ERR_UNAVAILABLE);
    assert_int_equal(B.lab.journal.step, step);
}

static void another_token_is_refused(void **s)
{
    (void)s;
    struct fault f;
    set_up('a', UKEY_P256);
    run_until(PERSONALISE_KEY_GENERATED);
    B.card.serial++;
    assert_err(run_again(&f), ERR_PRECONDITION);
    tear_down();
}

static void a_key_that_was_replaced_is_a_doubt_and_no_second_certificate(void **s)
{
    (void)s;
    const enum personalise_step steps[] = {PERSONALISE_KEY_GENERATED, PERSONALISE_ISSUED,
                                           PERSONALISE_CERTIFICATE_WRITTEN, PERSONALISE_READ_BACK,
                                           PERSONALISE_ADMIN_KEY_SET};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fault f;
        struct ukey_pub pub;
        set_up('a', UKEY_P256);
        run_until(steps[i]);
        struct ukey u = session();
        B.card.admin_ok = true;
        assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &f));
        unsigned calls = B.lab.issue_calls;
        assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
        assert_int_equal(B.lab.issue_calls, calls);
        assert_false(B.lab.second_key);
        tear_down();
    }
}

static void a_certificate_that_changed_is_a_doubt(void **s)
{
    (void)s;
    struct fault f;
    set_up('a', UKEY_P256);
    run_until(PERSONALISE_CERTIFICATE_WRITTEN);
    struct card_object *o = card_object(&B.card, 0x5FC105, false);
    assert_non_null(o);
    o->data[200] ^= 1;
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
    tear_down();
}

static void tries_are_never_spent_to_the_last(void **s)
{
    (void)s;
    struct fault f;
    set_up('a', UKEY_P256);
    run_until(PERSONALISE_READ_BACK);
    memcpy(B.card.pin.value, "999999\xFF\xFF", 8); /* somebody changed it */
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
    assert_int_equal(B.card.pin.left, 2);
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
    assert_int_equal(B.card.pin.left, 1);
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL); /* not asked any more */
    assert_int_equal(B.card.pin.left, 1);
    tear_down();
}

static void a_pin_short_of_tries_is_set_by_the_puk(void **s)
{
    (void)s;
    struct fault f;
    for (uint8_t left = 0; left < 2; left++) {
        set_up(left ? 'a' : 'b', UKEY_P256);
        B.card.pin.left = left;
        assert_ok(lab_run(&B.lab, &B.ch.base, &f));
        judge();
        tear_down();
    }
    set_up('a', UKEY_P256);
    B.card.pin.left = 0;
    B.card.puk.left = 1;
    assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_CARD_DOUBTFUL);
    assert_int_equal(B.card.puk.left, 1);
    tear_down();
}

static void a_foreign_management_key_changes_nothing(void **s)
{
    (void)s;
    struct fault f;
    set_up('b', UKEY_P256);
    B.card.admin_key[3] ^= 0x40;
    assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_CARD_DOUBTFUL);
    assert_true(B.card.pin.is_default);
    assert_true(B.card.puk.is_default);
    assert_null(card_key(&B.card, 0x9A, false));
    tear_down();
}

static void a_bad_plan_never_reaches_the_token(void **s)
{
    (void)s;
    static const char *const pins[] = {"", "12345", "123456789", "123456"};
    struct fault f;
    set_up('a', UKEY_P256);
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
        snprintf(B.lab.plan.fresh.pin, sizeof B.lab.plan.fresh.pin, "%.8s", pins[i]);
        if (strlen(pins[i]) > 8)
            continue;
        assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_INVALID);
    }
    strcpy(B.lab.plan.fresh.pin, "830516");
    B.lab.plan.fresh.admin = piv_factory_admin(UKEY_AES192);
    assert_err(lab_run(&B.lab, &B.ch.base, &f), ERR_INVALID);
    assert_int_equal(B.ch.commands, 0);
    tear_down();
}

static void a_certificate_too_long_is_refused_before_the_first_byte(void **s)
{
    (void)s;
    struct fault f;
    uint8_t der[UKEY_CERT_MAX + 1] = {0x30};
    set_up('a', UKEY_P256);
    struct ukey u = session();
    unsigned before = B.ch.commands;
    assert_err(PIV.write_cert(&u, UKEY_SIGN_A, der, sizeof der, &f), ERR_INVALID);
    assert_int_equal(B.ch.commands, before);
    B.lab.pad = 1900;
    assert_err(run_again(&f), ERR_INTERNAL);
    assert_null(card_object(&B.card, 0x5FC105, false));
    tear_down();
}

/* Without metadata a PUK that may have been changed can only be tried; two tries out of three may go, and the
 * right one brings them back. */
static void a_puk_that_may_have_been_changed_is_asked_for_carefully(void **s)
{
    (void)s;
    struct fault f;
    for (int changed = 0; changed < 2; changed++) {
        set_up('a', UKEY_P256);
        B.card.options.no_metadata = true;
        run_until(PERSONALISE_PIN_SET);
        if (changed)
            memcpy(B.card.puk.value, B.lab.plan.fresh.puk, 8);
        assert_ok(run_again(&f));
        judge();
        tear_down();
    }
    set_up('a', UKEY_P256);
    B.card.options.no_metadata = true;
    run_until(PERSONALISE_PIN_SET);
    memcpy(B.card.puk.value, "00000000", 8);
    assert_err(run_again(&f), ERR_CARD_DOUBTFUL);
    assert_int_equal(B.card.puk.left, 1);
    tear_down();
}

static void detail_survives_the_wire(void **s)
{
    (void)s;
    struct personalise_record r = {.has_serial = true, .serial = 0xFEDCBA98u, .pub = {.alg = UKEY_SM2}},
                              back = {0};
    uint8_t b[PERSONALISE_DETAIL_MAX];
    memset(r.pub.point, 7, UKEY_POINT);
    size_t n = personalise_detail(&r, b);
    assert_true(n > 0 && personalise_detail_read(&back, b, n));
    assert_int_equal(back.serial, r.serial);
    assert_int_equal(back.pub.alg, UKEY_SM2);
    assert_memory_equal(back.pub.point, r.pub.point, UKEY_POINT);
    assert_false(back.has_guid);
    for (size_t cut = 1; cut < n; cut++) { /* a cut detail is never taken for a whole one */
        struct personalise_record half = {0};
        bool read = personalise_detail_read(&half, b, cut);
        assert_true(!read || !half.pub.alg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_token_is_written),
        cmocka_unit_test(a_token_over_t0_gets_no_le_behind_data),
        cmocka_unit_test(sm2_where_the_token_lacks_it),
        cmocka_unit_test(pulled_before_any_command),
        cmocka_unit_test(pulled_after_any_command),
        cmocka_unit_test(hangs_before_any_command),
        cmocka_unit_test(hangs_after_any_command),
        cmocka_unit_test(any_answer_is_lost),
        cmocka_unit_test(any_answer_is_rubbish),
        cmocka_unit_test(the_same_command_fails_three_times),
        cmocka_unit_test(the_server_loses_any_call),
        cmocka_unit_test(a_bare_journal_is_enough_for_a_token_that_tells_its_keys),
        cmocka_unit_test(a_live_slot_is_never_generated_over),
        cmocka_unit_test(another_token_is_refused),
        cmocka_unit_test(a_key_that_was_replaced_is_a_doubt_and_no_second_certificate),
        cmocka_unit_test(a_certificate_that_changed_is_a_doubt),
        cmocka_unit_test(tries_are_never_spent_to_the_last),
        cmocka_unit_test(a_pin_short_of_tries_is_set_by_the_puk),
        cmocka_unit_test(a_foreign_management_key_changes_nothing),
        cmocka_unit_test(a_bad_plan_never_reaches_the_token),
        cmocka_unit_test(a_certificate_too_long_is_refused_before_the_first_byte),
        cmocka_unit_test(a_puk_that_may_have_been_changed_is_asked_for_carefully),
        cmocka_unit_test(detail_survives_the_wire),
    };
    return CHECK_MAIN(tests);
}
