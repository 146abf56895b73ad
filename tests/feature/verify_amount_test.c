/* A supplier's random amount (S6), suppliers by the channel's choice, and what suppliers tell by themselves:
 * by the jobs, against certdesk-sandbox through the real adapters. */
#include "outbox_rig.h"

#include "account/account_store.h"
#include "core/tx.h"
#include "identity/choice.h"
#include "identity/remittance.h"

#include <string.h>

static struct outbox_rig x;
static struct identity_port esign;
#define w (x.w)

static const char PERSON[] = "110101199003070134";
static const char *const watched[] = {"X-Tsign-Open-App-Id", "X-Tsign-Open-TIMESTAMP",
                                      "X-Tsign-Open-SIGNATURE", "X-Tsign-Open-SIGNATURE-ALGORITHM"};

static int setup(void **state)
{
    (void)state;
    if (rig_world_open(&x) != 0)
        return -1;
    struct provider_pair settings[] = {{"base_url", rig_say(&x.r, "esign", "base_url")},
                                       {"app_id", rig_say(&x.r, "esign", "app_id")},
                                       {"app_secret", rig_say(&x.r, "esign", "app_secret")},
                                       {0}};
    struct provider_env env = {x.r.http, pair_setting, arena_memdup(&x.r.a, settings, sizeof settings), NULL};
    assert_ok(identity_open("esign", &env, &esign, &w.t.fault));
    for (size_t i = 0; i < 4; i++)
        x.r.inbox.watch[i] = watched[i];
    x.providers.identity[1] = esign;
    x.providers.n_identity = 2;
    struct account a = {.id = "acc_test", .user_name = "u", .phone = "13600000000", .password = ""};
    memcpy(a.channel, w.channel, sizeof a.channel);
    assert_ok(account_insert(w.c, &a));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    int gone = rig_world_close(&x);
    esign.ops->close(esign.self);
    return gone;
}

static void choose(const char *suppliers)
{
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET policy = ?"),
                      TEXT(arena_printf(w.c->arena, "{\"suppliers\":%s}", suppliers))));
}

static void new_order(enum subject_kind kind, enum method m, char order[static ID_SIZE])
{
    rig_let_pass(&x, INT64_C(25) * 3600000);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    make_order_by(&w, w.c, kind, m, order);
}

/* A number of the newest deposit of the order. */
static int64_t deposit_state(const char *order)
{
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT state FROM deposit WHERE order_id = ? ORDER BY id DESC LIMIT 1"),
                       TEXT(order)));
    return r.n ? row_int(&r, 0, 0) : 0;
}

static const char *flow_of(const char *order)
{
    struct rows r;
    assert_ok(db_query(w.c, &r, SQL("SELECT flow FROM deposit WHERE order_id = ? ORDER BY id DESC LIMIT 1"),
                       TEXT(order)));
    assert_int_equal(r.n, 1);
    return row_text(&r, 0, 0);
}

struct awaited_deposit {
    const char *order;
    int64_t state;
};

static bool deposit_is(void *arg)
{
    const struct awaited_deposit *a = arg;
    test_ctx_reset(&w.t);
    return deposit_state(a->order) == a->state;
}

/* Over the pauses of polls and repeats, and over the minute after which "nothing was sent" is believed. */
static void wait_deposit(const char *order, enum deposit_state s)
{
    struct awaited_deposit a = {order, (int64_t)s};
    for (int i = 0; i < 30; i++) {
        outbox_wake(x.outbox);
        if (test_until(deposit_is, &a, 500))
            return;
        rig_let_pass(&x, 11000);
    }
    world_fail("the deposit did not become %d, but %d\n", (int)s, (int)deposit_state(order));
}

/* What the applicant reads in the bank's app. */
static int amount(const char *order)
{
    int64_t fen = 0;
    json_t *j = rig_control(&x.r, arena_printf(&x.r.a, "/sim/esign/transfers?flow=%s", flow_of(order)), NULL);
    js_int(json_object_get(json_array_get(json_object_get(j, "transfers"), 0), "transfer"), "amount_fen",
           &fen);
    json_decref(j);
    assert_true(fen > 0);
    return (int)fen;
}

static int64_t orders_paid(const char *order)
{
    int64_t n = -1;
    json_t *j = rig_control(&x.r, arena_printf(&x.r.a, "/sim/esign/transfers?flow=%s", flow_of(order)), NULL);
    js_int(json_array_get(json_object_get(j, "transfers"), 0), "orders", &n);
    json_decref(j);
    return n;
}

static const char *yuan(int fen)
{
    return arena_printf(&x.r.a, "0.%02d", fen);
}

static PB(Verification) * newest(const char *order)
{
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    return get_order(w.c, order)->verification;
}

static void to_sent(char order[static ID_SIZE])
{
    choose("{\"micro_deposit\":[\"esign\"]}");
    new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
    assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
    rig_wait(&x, order, VERIFICATION_DEPOSIT);
    wait_deposit(order, DEPOSIT_SENT);
}

struct pin {
    const char *order;
    bool by_remark;
};

static enum err pin_body(struct ctx *c, void *arg)
{
    struct pin *p = arg;
    struct order o;
    TRY(order_load(c, p->order, &o));
    return deposit_pin(c, &o, arena_printf(c->arena, "per_%s", p->order), "10000001", "密码20304050",
                       &p->by_remark);
}

static bool pin_by_remark(const char *order)
{
    struct pin p = {.order = order};
    test_ctx_reset(&w.t);
    assert_ok(tx_run(w.c, pin_body, &p));
    return p.by_remark;
}

static void the_right_amount_passes(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const struct evidence *e;
    size_t n;
    to_sent(order);
    PB(Verification) *v = newest(order);
    assert_int_equal(v->deposit->secret, CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_AMOUNT);
    assert_non_null(v->deposit->sent_time);
    assert_int_equal(v->deposit->tries_left, 3);
    static const char *const malformed[] = {"", "1.00", "0.00", "abc", "0.370", "-1"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_err(confirm_code(w.c, order, malformed[i]), ERR_INVALID);
    int fen = amount(order);
    assert_ok(confirm_code(w.c, order, yuan(fen % 99 + 1)));
    assert_err(confirm_code(w.c, order, yuan(fen)), ERR_PRECONDITION); /* one at a time */
    rig_wait(&x, order, VERIFICATION_DEPOSIT);
    assert_int_equal(newest(order)->deposit->tries_left, 2);
    assert_ok(confirm_code(w.c, order, yuan(fen)));
    rig_wait_order(&x, order, ORDER_AGENT);
    assert_int_equal(deposit_state(order), DEPOSIT_USED);
    assert_ok(identity_evidence(w.c, order, &e, &n));
    assert_int_equal(n, 2);
    assert_string_equal(e[1].check, "deposit");
    assert_string_equal(e[1].provider, "esign");
    assert_false(pin_by_remark(order)); /* no remark: the PIN goes by SMS */
    choose("{\"micro_deposit\":[\"esign\",\"remittance\"]}");
    assert_true(pin_by_remark(order)); /* the desk's bank sends, too */
}

static void three_wrong_amounts_are_the_end(void **s)
{
    (void)s;
    char order[ID_SIZE];
    to_sent(order);
    int wrong = amount(order) % 99 + 1;
    for (int left = 2; left >= 0; left--) {
        assert_ok(confirm_code(w.c, order, yuan(wrong)));
        rig_wait(&x, order, left ? VERIFICATION_DEPOSIT : VERIFICATION_FAILED);
        if (left)
            assert_int_equal(newest(order)->deposit->tries_left, left);
    }
    rig_wait_order(&x, order, ORDER_SUBJECT);
}

/* However the order to pay is lost, one cent amount is on its way, and never two. */
static void money_is_never_sent_on_a_guess(void **s)
{
    (void)s;
    static const char *const lost[] = {"lose_answer", "lose_request", "garbage"};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        char order[ID_SIZE];
        choose("{\"micro_deposit\":[\"esign\"]}");
        new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
        rig_fault(&x.r, "esign", "transferRandomAmount", lost[i]);
        assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
        rig_wait(&x, order, VERIFICATION_DEPOSIT);
        assert_int_equal(newest(order)->deposit->secret,
                         CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_UNSPECIFIED); /* nobody knows yet */
        wait_deposit(order, DEPOSIT_SENT);
        assert_int_equal(orders_paid(order), 1);
        int fen = amount(order);
        rig_fault(&x.r, "esign", "verifyRandomAmount", lost[i]);
        assert_ok(confirm_code(w.c, order, yuan(fen)));
        rig_wait_order(&x, order, ORDER_AGENT);
    }
}

static void what_the_bank_refuses_goes_back(void **s)
{
    (void)s;
    char order[ID_SIZE];
    choose("{\"micro_deposit\":[\"esign\"]}");
    new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
    rig_fault(&x.r, "esign", "transferRandomAmount", "closed");
    assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
    rig_wait(&x, order, VERIFICATION_DEPOSIT);
    wait_deposit(order, DEPOSIT_FAILED);
    rig_wait_order(&x, order, ORDER_SUBJECT);
    assert_string_equal(newest(order)->mismatched_fields[0], "account.number");
}

static bool by_remark(void *order)
{
    struct rows r;
    test_ctx_reset(&w.t);
    assert_ok(db_query(
        w.c, &r, SQL("SELECT 1 FROM deposit WHERE order_id = ? AND provider = ? AND secret IS NOT NULL"),
        TEXT(order), TEXT(REMITTANCE)));
    return r.n == 1;
}

static void what_it_cannot_send_goes_by_the_desks_bank(void **s)
{
    (void)s;
    char order[ID_SIZE];
    choose("{\"micro_deposit\":[\"esign\",\"remittance\"]}");
    new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
    rig_fault(&x.r, "esign", "fourFactors", "arrears");
    assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
    assert_true(test_until(by_remark, order, PATIENCE_MS));
    choose("{\"micro_deposit\":[\"esign\"]}"); /* which sends to companies only */
    new_order(SUBJECT_INDIVIDUAL, METHOD_MICRO_DEPOSIT, order);
    assert_ok(submit_person(w.c, order, "张三", PERSON));
    rig_wait(&x, order, VERIFICATION_DEPOSIT);
    assert_true(by_remark(order)); /* from the start: the supplier is not asked */
    assert_int_equal(newest(order)->deposit->secret,
                     CERTDESK__V1__DEPOSIT_SECRET__DEPOSIT_SECRET_REMARK_CODE);
    assert_true(pin_by_remark(order)); /* as the deposit came */
}

static int64_t told(const char *order, const char *like)
{
    struct rows r;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &r, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE ? AND object = ?"),
                       TEXT(like), TEXT(order)));
    return row_int(&r, 0, 0);
}

/* Without another way: the applicant hears that it was not done, not that the account is wrong. */
static void what_nobody_can_send_is_told(void **s)
{
    (void)s;
    char order[ID_SIZE];
    choose("{\"micro_deposit\":[\"esign\"]}");
    new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
    rig_fault(&x.r, "esign", "fourFactors", "arrears");
    assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
    wait_deposit(order, DEPOSIT_DROPPED);
    assert_int_equal(told(order, "sms:deposit_undone:%"), 1);
    assert_int_equal(told(order, "sms:deposit_over:%"), 0);
}

/* What was promised when the order began holds when the channel has another sender by the end. */
static void a_pin_goes_as_the_deposit_came(void **s)
{
    (void)s;
    char order[ID_SIZE];
    choose("{\"micro_deposit\":[\"remittance\"]}");
    new_order(SUBJECT_ORGANIZATION, METHOD_MICRO_DEPOSIT, order);
    assert_ok(submit_company(w.c, order, "杭州测试有限公司", USCC));
    assert_true(test_until(by_remark, order, PATIENCE_MS));
    choose("{\"micro_deposit\":[\"esign\"]}");
    assert_false(pin_by_remark(order)); /* made, and proved nothing yet */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE deposit SET state = ? WHERE order_id = ?"), INT(DEPOSIT_USED),
                      TEXT(order)));
    assert_true(pin_by_remark(order));
}

static void the_channel_says_who_is_asked(void **s)
{
    (void)s;
    static const struct {
        const char *suppliers, *fault, *answered;
    } cases[] = {
        {"{\"phone_three_factor\":[\"esign\",\"tencent\"]}", NULL, "esign"},
        {"{\"phone_three_factor\":[\"tencent\",\"esign\"]}", NULL, "tencent"},
        {"{\"phone_three_factor\":[\"tencent\",\"esign\"]}", "arrears", "esign"},
        {"{\"phone_three_factor\":[\"nobody\",\"esign\"]}", NULL, "esign"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char order[ID_SIZE];
        const struct evidence *e;
        size_t n;
        choose(cases[i].suppliers);
        new_order(SUBJECT_INDIVIDUAL, METHOD_PHONE_THREE_FACTOR, order);
        if (cases[i].fault)
            rig_fault(&x.r, "tencent", "PhoneVerification", cases[i].fault);
        assert_ok(submit_person(w.c, order, "张三", PERSON));
        rig_wait(&x, order, VERIFICATION_CODE_SENT);
        assert_ok(identity_evidence(w.c, order, &e, &n));
        assert_int_equal(n, 1);
        assert_string_equal(e[0].provider, cases[i].answered);
    }
}

/* -- what suppliers tell -----------------------------------------------------------------------------------
 */

static int told_by_them(void)
{
    return rig_callbacks(&x.r);
}

/* Hands the k-th callback to the server's own door, changed by `flip` in one bit of its body. */
static enum err hand_over(int k, const char *supplier, bool flip)
{
    struct peer_request in = peer_take(&x.r.inbox, k, &x.r.a);
    struct provider_pair headers[4];
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        if (in.seen[i][0])
            headers[n++] = (struct provider_pair){watched[i], in.seen[i]};
    if (flip)
        in.body[strlen(in.body) / 2] ^= 1;
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    struct callback_request r = {
        .rest = supplier, .headers = headers, .n_headers = n, .body = in.body, .n_body = strlen(in.body)};
    enum err e = identity_callbacks.rows[0].serve(w.c, &r);
    w.c->caller = caller;
    outbox_wake(x.outbox);
    return e;
}

static bool face_is_open(void *order)
{
    PB(Verification) *v = newest(order);
    return v && v->face && v->face->open;
}

/* The clock stands: only the hint makes the server look. */
static void a_callback_hastens_the_look_and_is_believed_by_nobody(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const char *url;
    choose("{\"face\":[\"esign\"]}");
    new_order(SUBJECT_INDIVIDUAL, METHOD_FACE, order);
    assert_ok(submit_person(w.c, order, "张三", PERSON));
    assert_ok(start_face(w.c, order, false, &url));
    outbox_wake(x.outbox);
    assert_true(test_until(face_is_open, order, PATIENCE_MS));
    int k = told_by_them();
    rig_do(&x.r, "/sim/face", "{\"name\":\"张三\",\"outcome\":\"pass\"}");
    assert_err(hand_over(k, "esign", true), ERR_SIGNATURE_BAD);
    assert_err(hand_over(k, "tencent", false), ERR_NOT_FOUND); /* it tells nothing */
    assert_err(hand_over(k, "nobody", false), ERR_NOT_FOUND);
    assert_state(&w, order, ORDER_SUBJECT_VERIFYING);
    for (int i = 0; i < 3; i++)
        assert_ok(hand_over(k, "esign", false));
    rig_wait_order(&x, order, ORDER_PURCHASE);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM identity_event")), 1);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM identity_event WHERE body LIKE '%flowId%'")),
                     0);
    assert_ok(hand_over(k, "esign", false)); /* long after */
    rig_wait_order(&x, order, ORDER_PURCHASE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_amount_passes),
        cmocka_unit_test(three_wrong_amounts_are_the_end),
        cmocka_unit_test(money_is_never_sent_on_a_guess),
        cmocka_unit_test(what_the_bank_refuses_goes_back),
        cmocka_unit_test(what_it_cannot_send_goes_by_the_desks_bank),
        cmocka_unit_test(what_nobody_can_send_is_told),
        cmocka_unit_test(a_pin_goes_as_the_deposit_came),
        cmocka_unit_test(the_channel_says_who_is_asked),
        cmocka_unit_test(a_callback_hastens_the_look_and_is_believed_by_nobody),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
