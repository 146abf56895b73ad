/* A download onto the holder's own token, on the simulated card: the happy path, every misfortune at every
 * command of it, and what is never touched. */
#include "lib/check.h"

#include "lab.h"
#include "sim_channel.h"
#include "token/download.h"
#include "token/piv.h"
#include "token/pub.h"

#include "base/str.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static const char PIN[] = "830516";

/* The desk: one certificate for one key, and what the holder's machine remembers. */
static struct bench {
    struct card card;
    struct lab lab;
    struct download_memory memory;
    uint8_t key[256]; /* of the request that was taken */
    size_t key_n;
    bool key_used; /* the first key has another order's certificate */
    bool forgets;
    unsigned calls, lose_before, lose_after;
    struct download_result result;
    struct fault fault;
    struct download_plan plan;
} B;

static enum err pin(void *arg, struct ukey *u, char out[static UKEY_SECRET_MAX + 1], struct fault *f)
{
    int left;
    const char *text = arg ? PIN : "";
    TRY(u->ops->verify_pin(u, text, &left, f));
    snprintf(out, UKEY_SECRET_MAX + 1, "%s", text);
    return OK;
}

static enum err remember(void *arg, const struct download_memory *m, struct fault *f)
{
    (void)arg, (void)f;
    char line[DOWNLOAD_LINE];
    download_memory_write(m, line);
    assert_true(download_memory_read(&B.memory, line));
    assert_int_equal(B.memory.slot, m->slot);
    return OK;
}

static enum err issue(void *arg, const char *medium, const uint8_t *csr, size_t n,
                      uint8_t cert[UKEY_CERT_MAX], size_t *cert_n, struct fault *f)
{
    (void)arg;
    uint8_t key[256], *p = key;
    const uint8_t *in = csr;
    assert_true(*medium);
    if (++B.calls == B.lose_before)
        return fail(f, ERR_UNAVAILABLE, NULL);
    X509_REQ *r = d2i_X509_REQ(NULL, &in, (long)n);
    assert_non_null(r);
    int key_n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(r), &p);
    X509_REQ_free(r);
    assert_true(key_n > 0 && (size_t)key_n <= sizeof key);
    if (B.key_used) {
        B.key_used = false;
        return fail(f, ERR_KEY_USED, NULL);
    }
    if (B.key_n && (B.key_n != (size_t)key_n || memcmp(B.key, key, B.key_n) != 0))
        return fail(f, ERR_PRECONDITION, "the order's certificate is for another key");
    memcpy(B.key, key, (size_t)key_n);
    B.key_n = (size_t)key_n;
    TRY(B.lab.plan.issue(&B.lab, csr, n, cert, cert_n, f));
    return B.calls == B.lose_after ? fail(f, ERR_UNAVAILABLE, NULL) : OK;
}

static void set_up(char style, struct card_options options)
{
    memset(&B, 0, sizeof B);
    assert_true(card_open(&B.card, NULL, style, 10000001));
    B.card.options = options;
    memcpy(B.card.pin.value, "830516\xFF\xFF", 8);
    B.card.pin.is_default = false;
    lab_init(&B.lab, UKEY_P256);
    B.plan = (struct download_plan){
        .common_name = "order 1", .arg = &B, .pin = pin, .remember = remember, .issue = issue};
    B.plan.slot_given = options.no_metadata; /* it does not tell its keys: nothing is taken unasked */
}

static void tear_down(void)
{
    card_close(&B.card);
    lab_free(&B.lab);
}

/* As a new process would: with what is remembered, and with the certificate when the order has it. */
static enum err run(const char *trouble, bool *fired)
{
    struct sim_channel ch;
    struct download_memory none = {0};
    sim_channel_init(&ch, &B.card);
    if (trouble)
        assert_true(trouble_parse(trouble, &ch.trouble));
    B.plan.cert = B.lab.cert;
    B.plan.cert_n = B.lab.cert_n;
    fault_clear(&B.fault);
    enum err e = download_run(&ch.base, &B.plan, B.forgets ? &none : &B.memory, &B.result, &B.fault);
    if (fired)
        *fired = ch.trouble.kind == TROUBLE_NONE;
    return e;
}

static struct ukey session(struct sim_channel *ch)
{
    struct ukey u = {.ops = &PIV, .ch = &ch->base};
    sim_channel_init(ch, &B.card);
    assert_ok(PIV.select(&u, &B.fault));
    return u;
}

static bool factory_admin_fits(struct ukey *u)
{
    struct ukey_admin_key k = piv_factory_admin(UKEY_3DES);
    bool ok = PIV.admin_auth(u, &k, &B.fault) == OK;
    k = piv_factory_admin(UKEY_AES192);
    return ok || PIV.admin_auth(u, &k, &B.fault) == OK;
}

/* The one certificate is in the slot, with its key; the holder's secrets are as they were. */
static void judge(void)
{
    struct sim_channel ch;
    struct ukey u = session(&ch);
    uint8_t der[UKEY_CERT_MAX], digest[UKEY_DIGEST], sig[UKEY_SIG_MAX];
    size_t n = 0, ns = 0;
    struct ukey_pub pub;
    assert_false(B.lab.second_key);
    assert_int_equal(B.card.pin.left, 3);
    assert_int_equal(B.card.puk.left, 3);
    assert_true(factory_admin_fits(&u));
    assert_ok(PIV.read_cert(&u, B.result.slot, der, sizeof der, &n, &B.fault));
    assert_int_equal(n, B.lab.cert_n);
    assert_memory_equal(der, B.lab.cert, n);
    assert_ok(pub_of_cert(der, n, &pub, &B.fault));
    random_bytes(digest, sizeof digest);
    assert_ok(PIV.verify_pin(&u, PIN, NULL, &B.fault));
    assert_ok(PIV.sign(&u, B.result.slot, pub.alg, digest, sig, &ns, &B.fault));
    assert_ok(pub_verify(&pub, digest, sig, ns, &B.fault));
}

static const struct {
    char style;
    struct card_options options;
} TOKENS[] = {{'a', {0}},
              {'a', {.no_metadata = true}},
              {'b', {0}},
              {'b', {.no_serial = true, .exact_le = true}},
              {'b', {.no_metadata = true, .no_serial = true}}};
#define N(a) (sizeof(a) / sizeof *(a))

static void every_kind_of_token_is_written(void **s)
{
    (void)s;
    for (size_t i = 0; i < N(TOKENS); i++) {
        set_up(TOKENS[i].style, TOKENS[i].options);
        assert_ok(run(NULL, NULL));
        assert_int_equal(B.result.slot, UKEY_SIGN_A);
        assert_false(B.result.was_there);
        assert_int_equal(strlen(B.result.medium_number), TOKENS[i].options.no_serial ? 32 : 8);
        judge();
        assert_ok(run(NULL, NULL)); /* once more: it is there, and nothing is asked for */
        assert_true(B.result.was_there);
        assert_int_equal(B.calls, 1);
        judge();
        tear_down();
    }
}

/* ---- every command, every misfortune ---- */

static bool trouble_at(const char *spec, unsigned k, size_t token, bool forgets)
{
    char text[64];
    bool fired;
    snprintf(text, sizeof text, "%s:*:%u", spec, k);
    set_up(TOKENS[token].style, TOKENS[token].options);
    B.forgets = forgets;
    enum err e = run(text, &fired);
    assert_true(fired ? e == OK || e == ERR_CARD_GONE || e == ERR_CARD_DOUBTFUL : e == OK);
    e = run(NULL, NULL);
    if (e != OK)
        print_error("%s, token %zu, then again: %s: %s\n", text, token, err_name(e), fault_text(&B.fault));
    assert_ok(e);
    judge();
    tear_down();
    return fired;
}

static void at_every_command(const char *spec, unsigned tokens, bool forgets)
{
    for (size_t t = 0; t < N(TOKENS); t++) {
        unsigned k = 1;
        if (!(tokens & 1u << t))
            continue;
        while (trouble_at(spec, k, t, forgets))
            assert_true(++k < 400);
        assert_true(k > 50);
    }
}

static void pulled_at_any_command(void **s)
{
    (void)s;
    at_every_command("pull-before", 1 << 1 | 1 << 2, false);
    at_every_command("pull-after", 1 << 0 | 1 << 1 | 1 << 4, false);
}

static void hangs_at_any_command(void **s)
{
    (void)s;
    at_every_command("hang-after", 1 << 1 | 1 << 3, false);
}

static void any_answer_is_lost_or_rubbish(void **s)
{
    (void)s;
    at_every_command("lose", 1 << 2, false);
    at_every_command("garbage=9", 1 << 0, false);
}

/* Another machine, or one whose memory was wiped: the token and the order say enough. */
static void pulled_at_any_command_and_nothing_is_remembered(void **s)
{
    (void)s;
    at_every_command("pull-after", 1 << 0 | 1 << 1 | 1 << 2, true);
}

static void the_server_loses_its_answer(void **s)
{
    (void)s;
    for (size_t t = 0; t < N(TOKENS); t++)
        for (int after = 0; after < 2; after++) {
            set_up(TOKENS[t].style, TOKENS[t].options);
            *(after ? &B.lose_after : &B.lose_before) = 1;
            assert_err(run(NULL, NULL), ERR_UNAVAILABLE);
            assert_ok(run(NULL, NULL));
            assert_int_equal(B.calls, 2);
            assert_int_equal(B.result.slot, UKEY_SIGN_A);
            judge();
            tear_down();
        }
}

static struct ukey_pub key_in(enum ukey_slot slot)
{
    struct sim_channel ch;
    struct ukey u = session(&ch);
    struct ukey_pub pub = {0};
    assert_ok(PIV.get_pub(&u, slot, &pub, &B.fault));
    return pub;
}

/* The key was made, and nobody was told: it is taken as it is, and the other slot stays free. */
static void a_key_that_was_just_made_is_used(void **s)
{
    (void)s;
    for (size_t t = 0; t < N(TOKENS); t++) {
        bool fired;
        set_up(TOKENS[t].style, TOKENS[t].options);
        /* style b is asked for SM2 first, which it does not have */
        assert_err(run(TOKENS[t].style == 'a' ? "pull-after:47:1" : "pull-after:47:2", &fired),
                   ERR_CARD_GONE);
        assert_true(fired && B.memory.there && !B.memory.key.pub.alg);
        struct ukey_pub made = TOKENS[t].options.no_metadata ? (struct ukey_pub){0} : key_in(UKEY_SIGN_A);
        assert_ok(run(NULL, NULL));
        assert_true(!made.alg || pub_same(&made, &B.lab.issued_for));
        assert_int_equal(B.result.slot, UKEY_SIGN_A);
        assert_null(card_key(&B.card, 0x9C, false));
        judge();
        tear_down();
    }
}

/* The desk has the request, and does not yet say for which key: the memory is lost, the other slot is tried
 * first, refused, and the key of before is found. */
static void a_key_that_was_asked_for_is_found_without_a_memory(void **s)
{
    (void)s;
    set_up('a', (struct card_options){0});
    B.lose_after = 1;
    assert_err(run(NULL, NULL), ERR_UNAVAILABLE);
    struct lab issued = B.lab;
    B.lab.cert_n = 0;
    B.forgets = true;
    assert_err(run("pull-before:*:1", NULL), ERR_CARD_GONE);
    B.lab = issued;
    B.plan.cert_n = 0;
    struct sim_channel ch;
    struct download_memory none = {0};
    sim_channel_init(&ch, &B.card);
    B.plan.cert_n = 0;
    assert_ok(download_run(&ch.base, &B.plan, &none, &B.result, &B.fault));
    assert_int_equal(B.result.slot, UKEY_SIGN_A);
    judge();
    tear_down();
}

/* ---- what is never touched ---- */

/* Another order's certificate comes beside the first; a third has no room, and changes nothing. */
static void a_live_slot_is_left_alone(void **s)
{
    (void)s;
    set_up('a', (struct card_options){0});
    assert_ok(run(NULL, NULL));
    struct ukey_pub first = key_in(UKEY_SIGN_A);
    for (int order = 2; order <= 3; order++) {
        B.lab.cert_n = B.key_n = 0;
        B.lab.issued_for = (struct ukey_pub){0};
        B.memory = (struct download_memory){0};
        struct ukey_pub second = order == 3 ? key_in(UKEY_SIGN_B) : (struct ukey_pub){0};
        enum err e = run(NULL, NULL);
        if (order == 2) {
            assert_ok(e);
            assert_int_equal(B.result.slot, UKEY_SIGN_B);
            judge();
        } else {
            assert_err(e, ERR_PRECONDITION);
            assert_non_null(strstr(B.fault.text_zh, "没有空闲"));
            struct ukey_pub now = key_in(UKEY_SIGN_B);
            assert_true(pub_same(&second, &now));
        }
        struct ukey_pub now = key_in(UKEY_SIGN_A);
        assert_true(pub_same(&first, &now));
    }
    tear_down();
}

/* A key without a certificate may be somebody's: the empty slot is taken, and it is not replaced. */
static void a_key_without_a_certificate_is_not_replaced(void **s)
{
    (void)s;
    struct ukey_pub pub, other;
    set_up('a', (struct card_options){0});
    struct sim_channel ch;
    struct ukey u = session(&ch);
    B.card.admin_ok = true;
    assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &B.fault));
    assert_ok(run(NULL, NULL));
    assert_int_equal(B.result.slot, UKEY_SIGN_B);
    other = key_in(UKEY_SIGN_A);
    assert_true(pub_same(&pub, &other));
    tear_down();
    /* with the other slot taken it is used as it is */
    set_up('a', (struct card_options){0});
    u = session(&ch);
    B.card.admin_ok = true;
    assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &B.fault));
    assert_ok(run(NULL, NULL));
    B.lab.cert_n = B.key_n = 0;
    B.lab.issued_for = (struct ukey_pub){0};
    B.memory = (struct download_memory){0};
    assert_ok(run(NULL, NULL));
    assert_int_equal(B.result.slot, UKEY_SIGN_A);
    assert_true(pub_same(&pub, &B.lab.issued_for));
    tear_down();
}

static void a_key_of_another_order_is_passed_over(void **s)
{
    (void)s;
    struct ukey_pub pub;
    struct sim_channel ch;
    set_up('a', (struct card_options){0});
    struct ukey u = session(&ch);
    B.card.admin_ok = true;
    for (int slot = UKEY_SIGN_A; slot <= UKEY_SIGN_B; slot++)
        assert_ok(PIV.gen_key(&u, (enum ukey_slot)slot, UKEY_P256, &pub, &B.fault));
    B.key_used = true;
    assert_ok(run(NULL, NULL));
    assert_int_equal(B.result.slot, UKEY_SIGN_B);
    assert_int_equal(B.calls, 2);
    tear_down();
}

static void only_the_slot_that_was_named(void **s)
{
    (void)s;
    set_up('b', (struct card_options){0});
    B.plan.slot_given = true;
    B.plan.slot = UKEY_SIGN_B;
    assert_ok(run(NULL, NULL));
    assert_int_equal(B.result.slot, UKEY_SIGN_B);
    judge();
    tear_down();
}

/* ---- refusals, before anything is made ---- */

static void nothing_was_made(void)
{
    assert_null(card_key(&B.card, 0x9A, false));
    assert_null(card_key(&B.card, 0x9C, false));
    assert_int_equal(B.calls, 0);
    assert_false(B.memory.there);
}

static void a_wrong_pin_makes_nothing(void **s)
{
    (void)s;
    set_up('a', (struct card_options){0});
    memcpy(B.card.pin.value, "999999\xFF\xFF", 8);
    assert_err(run(NULL, NULL), ERR_PIN_WRONG);
    assert_int_equal(B.card.pin.left, 2);
    nothing_was_made();
    tear_down();
}

static void a_management_key_of_ones_own_is_asked_for(void **s)
{
    (void)s;
    struct ukey_admin_key own = {.key = {9, 8, 7}};
    for (size_t t = 0; t < N(TOKENS); t++) {
        set_up(TOKENS[t].style, TOKENS[t].options);
        memcpy(B.card.admin_key, own.key, 24);
        assert_err(run(NULL, NULL), ERR_PRECONDITION);
        assert_non_null(strstr(B.fault.text, "--management-key-fd"));
        nothing_was_made();
        struct ukey_admin_key wrong = {.key = {1}};
        B.plan.admin = &wrong;
        assert_err(run(NULL, NULL), ERR_PRECONDITION);
        assert_null(strstr(B.fault.text, "--management-key-fd"));
        nothing_was_made();
        B.plan.admin = &own;
        assert_ok(run(NULL, NULL));
        tear_down();
    }
}

static void another_ukey_is_told_from_the_orders(void **s)
{
    (void)s;
    set_up('a', (struct card_options){0});
    assert_ok(run(NULL, NULL));
    struct lab issued = B.lab;
    struct card first = B.card;
    assert_true(card_open(&B.card, NULL, 'a', 10000002));
    memcpy(B.card.pin.value, "830516\xFF\xFF", 8);
    B.lab = issued;
    assert_err(run(NULL, NULL), ERR_PRECONDITION);
    assert_non_null(strstr(B.fault.text_zh, "请插入原UKEY"));
    assert_null(card_key(&B.card, 0x9A, false));
    card_close(&B.card);
    B.card = first;
    tear_down();
}

/* Another UKEY is in the reader; the desk and the memory are as they were. */
static void exchange(struct card *other)
{
    struct card was = B.card;
    B.card = *other;
    *other = was;
}

static void another_ukey_does_not_take_the_place_of_the_one_it_was_begun_with(void **s)
{
    (void)s;
    for (size_t t = 0; t < N(TOKENS); t++) {
        struct card other;
        set_up(TOKENS[t].style, TOKENS[t].options);
        B.lose_before = 1;
        assert_err(run(NULL, NULL), ERR_UNAVAILABLE); /* the key is made, perhaps asked for */
        B.plan.slot_given = false;
        struct download_memory was = B.memory;
        assert_true(was.there && was.key.pub.alg);
        assert_true(card_open(&other, NULL, TOKENS[t].style, 10000002));
        other.options = TOKENS[t].options;
        exchange(&other);
        B.plan.arg = NULL; /* the wrong PIN, if it were asked for */
        assert_err(run(NULL, NULL), ERR_PRECONDITION);
        assert_non_null(strstr(B.fault.text, TOKENS[t].options.no_serial ? "begun with UKEY " : "10000001"));
        assert_non_null(strstr(B.fault.text_zh, "请插入该UKEY"));
        assert_null(card_key(&B.card, 0x9A, false));
        assert_null(card_key(&B.card, 0x9C, false));
        assert_memory_equal(&was, &B.memory, sizeof was);
        B.plan.arg = &B;
        exchange(&other);
        assert_ok(run(NULL, NULL)); /* with the first it goes on */
        judge();
        card_close(&other);
        tear_down();
    }
}

/* --slot says that this UKEY is meant. When the desk refuses, the memory of the right key is still there. */
static void a_slot_that_was_named_is_on_this_ukey(void **s)
{
    (void)s;
    struct card other;
    for (int asked = 0; asked < 2; asked++) {
        set_up('b', (struct card_options){.no_metadata = true});
        *(asked ? &B.lose_after : &B.lose_before) = 1;
        assert_err(run(NULL, NULL), ERR_UNAVAILABLE);
        struct download_memory was = B.memory;
        struct lab issued = B.lab;
        B.lab.cert_n = 0; /* not yet, as far as the order tells */
        assert_true(card_open(&other, NULL, 'b', 10000002));
        memcpy(other.pin.value, "830516\xFF\xFF", 8);
        exchange(&other);
        enum err e = run(NULL, NULL);
        if (!asked) {
            assert_ok(e);
            assert_string_equal(B.result.medium_number, "10000002");
        } else {
            assert_err(e, ERR_PRECONDITION);
            assert_memory_equal(&was, &B.memory, sizeof was);
            exchange(&other);
            B.lab = issued;
            B.plan.slot_given = false;
            assert_ok(run(NULL, NULL));
            judge();
        }
        card_close(&other);
        tear_down();
    }
}

/* A slot without a certificate may have a key, of which this token does not tell. */
static void what_is_not_told_is_not_replaced(void **s)
{
    (void)s;
    struct ukey_pub pub;
    struct sim_channel ch;
    set_up('a', (struct card_options){.no_metadata = true});
    struct ukey u = session(&ch);
    B.card.admin_ok = true;
    assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &B.fault));
    const void *key = card_key(&B.card, 0x9A, false);
    uint8_t was[sizeof(struct card_key)];
    memcpy(was, key, sizeof was);
    B.plan.slot_given = false;
    assert_err(run(NULL, NULL), ERR_PRECONDITION);
    assert_non_null(strstr(B.fault.text, "--slot a|b"));
    assert_non_null(strstr(B.fault.text_zh, "--slot a|b"));
    assert_memory_equal(was, card_key(&B.card, 0x9A, false), sizeof was);
    assert_null(card_key(&B.card, 0x9C, false));
    assert_int_equal(B.calls, 0);
    assert_false(B.memory.there);
    B.plan.slot_given = true;
    B.plan.slot = UKEY_SIGN_B;
    assert_err(run("pull-after:47:1", NULL), ERR_CARD_GONE);
    assert_true(B.memory.there && !B.memory.key.pub.alg);
    B.plan.slot_given = false; /* the memory says which slot was meant */
    assert_ok(run(NULL, NULL));
    assert_int_equal(B.result.slot, UKEY_SIGN_B);
    assert_memory_equal(was, card_key(&B.card, 0x9A, false), sizeof was);
    judge();
    tear_down();
}

/* The order's request is for a key that is elsewhere: one that is made now would be for nothing. */
static void after_a_refusal_no_new_key_is_made(void **s)
{
    (void)s;
    struct sim_channel ch;
    struct ukey_pub pub;
    set_up('a', (struct card_options){0});
    struct ukey u = session(&ch);
    B.card.admin_ok = true;
    assert_ok(PIV.gen_key(&u, UKEY_SIGN_A, UKEY_P256, &pub, &B.fault));
    struct ukey_info info;
    assert_ok(PIV.info(&u, &info, &B.fault));
    B.memory = (struct download_memory){true, UKEY_SIGN_A, {.has_serial = info.has_serial, .pub = pub}};
    B.memory.key.serial = info.serial;
    B.memory.key.has_guid = info.has_guid;
    memcpy(B.memory.key.guid, info.guid, UKEY_GUID);
    B.key_n = 1; /* of none of these */
    assert_err(run(NULL, NULL), ERR_PRECONDITION);
    assert_int_equal(B.calls, 1);
    assert_null(card_key(&B.card, 0x9C, false));
    assert_true(B.memory.slot == UKEY_SIGN_A && pub_same(&B.memory.key.pub, &pub));
    tear_down();
}

static void a_memory_is_a_line(void **s)
{
    (void)s;
    struct download_memory m = {true, UKEY_SIGN_B, {.has_serial = true, .serial = 7}}, back;
    char line[DOWNLOAD_LINE];
    download_memory_write(&m, line);
    assert_true(download_memory_read(&back, line));
    assert_true(back.there && back.slot == UKEY_SIGN_B && back.key.serial == 7 && !back.key.pub.alg);
    static const char *const bad[] = {"", "a", "c 8004", "a ", "a zz", "a 8004000000", "a 81"};
    for (size_t i = 0; i < N(bad); i++)
        assert_false(download_memory_read(&back, bad[i]) || back.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_token_is_written),
        cmocka_unit_test(pulled_at_any_command),
        cmocka_unit_test(hangs_at_any_command),
        cmocka_unit_test(any_answer_is_lost_or_rubbish),
        cmocka_unit_test(pulled_at_any_command_and_nothing_is_remembered),
        cmocka_unit_test(the_server_loses_its_answer),
        cmocka_unit_test(a_key_that_was_just_made_is_used),
        cmocka_unit_test(a_key_that_was_asked_for_is_found_without_a_memory),
        cmocka_unit_test(a_live_slot_is_left_alone),
        cmocka_unit_test(a_key_without_a_certificate_is_not_replaced),
        cmocka_unit_test(a_key_of_another_order_is_passed_over),
        cmocka_unit_test(only_the_slot_that_was_named),
        cmocka_unit_test(a_wrong_pin_makes_nothing),
        cmocka_unit_test(a_management_key_of_ones_own_is_asked_for),
        cmocka_unit_test(another_ukey_is_told_from_the_orders),
        cmocka_unit_test(another_ukey_does_not_take_the_place_of_the_one_it_was_begun_with),
        cmocka_unit_test(a_slot_that_was_named_is_on_this_ukey),
        cmocka_unit_test(what_is_not_told_is_not_replaced),
        cmocka_unit_test(after_a_refusal_no_new_key_is_made),
        cmocka_unit_test(a_memory_is_a_line),
    };
    return CHECK_MAIN(tests);
}
