/* Alipay's adapter, and the bills of both suppliers, against certdesk-sandbox, which Alipay's own SDK
 * accepts. */
#include "sandbox_rig.h"

#include "provider/alipay.h"

static struct rig r;
static struct fault f;
static int64_t moved_ms; /* the adapter's clock and the sandbox's, from the wall clock */

static int64_t moved_now(void)
{
    return clock_now_ms() + moved_ms;
}

static void move_clock(int64_t ms)
{
    moved_ms = ms;
    rig_move_clock(&r, ms);
}

static const int64_t hour_ms = 3600 * 1000;
static struct payment_port pay; /* by the moved clock */

/* The settings that the rig has, but for some; NULL: left out. */
static enum err open_with(const struct provider_pair *change, size_t n, struct payment_port *out)
{
    struct provider_pair settings[sizeof r.settings / sizeof *r.settings];
    memcpy(settings, r.settings, sizeof settings);
    struct rig other = {0};
    memcpy(other.settings, settings, sizeof settings);
    rig_set(&other, "base_url", rig_say(&r, "alipay", "url"));
    for (size_t i = 0; i < n; i++)
        rig_set(&other, change[i].name, change[i].value);
    struct provider_env env = {r.http, pair_setting, other.settings, moved_now};
    return payment_open("alipay", &env, out, &f);
}

static const char *notify_url(void)
{
    return arena_printf(&r.a, "http://127.0.0.1:%d/alipay", r.inbox.port);
}

static enum err place(const char *number, int64_t fen, struct payment_code *out)
{
    struct payment_order o = {number, fen, "单位证书 UKEY 一年", moved_now() / 1000 * 1000 + hour_ms,
                              notify_url()};
    return pay.ops->place(pay.self, &o, &r.a, out, &f);
}

static struct payment_status query(const char *number)
{
    struct payment_status out;
    assert_ok(pay.ops->query(pay.self, number, &r.a, &out, &f));
    return out;
}

static enum err close_order(const char *number)
{
    struct provider_trace t;
    return pay.ops->close_order(pay.self, number, &r.a, &t, &f);
}

static void act(const char *what, const char *number)
{
    rig_do(&r, arena_printf(&r.a, "/sim/alipay/%s", what),
           arena_printf(&r.a, "{\"out_trade_no\":\"%s\"}", number));
}

static int callbacks(void)
{
    return rig_callbacks(&r);
}

static enum err callback(int k, struct payment_event *e)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct payment_callback c = {NULL, 0, in.body, strlen(in.body)};
    return pay.ops->callback_verify(pay.self, &c, moved_now(), &r.a, e, &f);
}

/* Placed, paid and told. */
static void bought(const char *number, int64_t fen)
{
    struct payment_code c;
    struct payment_event e = {0};
    int k = callbacks(); /* what is told of earlier refunds may still come */
    assert_ok(place(number, fen, &c));
    act("pay", number);
    while (strcmp(e.payment.out_trade_no, number) != 0)
        assert_ok(callback(k++, &e));
}

/* -- orders ---------------------------------------------------------------------------------------------- */

static void an_order_is_placed_scanned_paid_and_told(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e;
    int before = callbacks();
    assert_int_equal(query("live_order_1").state, PAYMENT_ABSENT);
    assert_ok(place("live_order_1", 28000, &c));
    assert_int_equal(strncmp(c.code_url, "https://qr.alipay.com/", 22), 0);
    assert_string_not_equal(c.trace.request_id, "");
    assert_int_equal(query("live_order_1").state, PAYMENT_ABSENT); /* nobody has scanned it */
    assert_ok(place("live_order_1", 28000, &c));
    act("scan", "live_order_1");
    assert_int_equal(query("live_order_1").state, PAYMENT_NOTPAY);
    assert_err(place("live_order_1", 28001, &c), ERR_PROVIDER_REFUSED);
    act("pay", "live_order_1");
    assert_ok(callback(before, &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_int_equal(e.payment.amount_fen, 28000);
    struct payment_status s = query("live_order_1");
    assert_int_equal(s.state, PAYMENT_SUCCESS);
    assert_string_equal(s.transaction_id, e.payment.transaction_id);
    assert_int_equal(s.success_ms, e.payment.success_ms);
    assert_int_equal(s.amount_fen, 28000);
    assert_err(place("live_order_1", 28000, &c), ERR_PAYMENT_STATE);
    assert_err(close_order("live_order_1"), ERR_PAYMENT_STATE);
}

static void an_order_is_closed_once_it_was_scanned(void **state)
{
    (void)state;
    struct payment_code c;
    assert_ok(place("live_close_1", 100, &c));
    assert_err(close_order("live_close_1"), ERR_PROVIDER_BUSY); /* the code lives on */
    act("scan", "live_close_1");
    assert_ok(close_order("live_close_1"));
    assert_int_equal(query("live_close_1").state, PAYMENT_CLOSED);
    assert_err(place("live_close_1", 100, &c), ERR_PAYMENT_STATE);
    assert_err(close_order("live_close_1"), ERR_PAYMENT_STATE);
}

/* What server/payment relies on: after time_expire an absent trade cannot be paid any more. */
static void a_code_is_dead_when_its_time_has_passed(void **state)
{
    (void)state;
    struct payment_code c;
    assert_ok(place("live_late_1", 100, &c));
    assert_ok(place("live_late_2", 100, &c));
    act("scan", "live_late_2");
    move_clock(hour_ms + 1000);
    assert_int_equal(query("live_late_1").state, PAYMENT_ABSENT);
    assert_int_equal(query("live_late_2").state, PAYMENT_CLOSED);
    struct provider_pair type = {"Content-Type", "application/json"};
    static const char body[] = "{\"out_trade_no\":\"live_late_1\"}";
    struct http_request req = {.point = "control",
                               .method = "POST",
                               .headers = &type,
                               .n_headers = 1,
                               .url = arena_printf(&r.a, "%s/sim/alipay/pay", r.url),
                               .body = body,
                               .n_body = sizeof body - 1};
    struct http_response resp;
    assert_ok(http_send(r.http, &req, &r.a, &resp, &f));
    assert_int_equal(resp.status, 409);
    move_clock(0);
}

static void a_lost_answer_is_repeated_under_the_same_number(void **state)
{
    (void)state;
    struct payment_code c;
    static const struct {
        const char *kind;
        enum err want;
    } lost[] = {{"lose_answer", ERR_PROVIDER_UNKNOWN}, {"lose_request", ERR_PROVIDER_UNKNOWN},
                {"garbage", ERR_PROVIDER_UNKNOWN},     {"fail", ERR_PROVIDER_UNKNOWN},
                {"busy", ERR_PROVIDER_UNKNOWN},        {"doubtful", ERR_PROVIDER_UNKNOWN},
                {"bad_signature", ERR_SIGNATURE_BAD},  {"unsigned", ERR_SIGNATURE_BAD},
                {"reserialised", ERR_SIGNATURE_BAD},   {"rate_limited", ERR_RATE_LIMITED}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        const char *number = arena_printf(&r.a, "live_lost_%zu", i);
        rig_fault(&r, "alipay", "precreate", lost[i].kind);
        assert_err(place(number, 100, &c), lost[i].want);
        assert_string_equal(c.code_url, "");
        assert_ok(place(number, 100, &c));
        assert_string_not_equal(c.code_url, "");
    }
}

static void a_question_without_an_answer_says_how(void **state)
{
    (void)state;
    struct payment_status s;
    static const struct {
        const char *kind;
        enum err want;
    } cases[] = {{"fail", ERR_PROVIDER_BUSY},
                 {"busy", ERR_PROVIDER_BUSY},
                 {"rate_limited", ERR_RATE_LIMITED},
                 {"bad_signature", ERR_SIGNATURE_BAD},
                 {"unsigned", ERR_SIGNATURE_BAD},
                 {"lose_answer", ERR_PROVIDER_UNKNOWN},
                 {"lose_request", ERR_PROVIDER_UNKNOWN},
                 {"garbage", ERR_PROVIDER_UNKNOWN}};
    bought("live_ask_1", 100);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "alipay", "query", cases[i].kind);
        assert_err(pay.ops->query(pay.self, "live_ask_1", &r.a, &s, &f), cases[i].want);
    }
    assert_int_equal(query("live_ask_1").state, PAYMENT_SUCCESS);
}

static void our_own_mistakes_are_a_wrong_configuration(void **state)
{
    (void)state;
    struct payment_port other;
    struct payment_status s;
    const struct provider_pair wrong[] = {{"app_id", "2021999999999999"},
                                          {"app_key", rig_file(&r, "wechat", "merchant_key_file")}};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(open_with(&wrong[i], 1, &other));
        assert_err(other.ops->query(other.self, "live_own_1", &r.a, &s, &f), ERR_PROVIDER_CONFIG);
        assert_string_equal(s.trace.code, i ? "isv.invalid-signature" : "isv.invalid-app-id");
        other.ops->close(other.self);
    }
    moved_ms = -16 * 60 * 1000; /* our clock alone */
    assert_err(pay.ops->query(pay.self, "live_own_1", &r.a, &s, &f), ERR_PROVIDER_CONFIG);
    assert_string_equal(s.trace.code, "isv.invalid-timestamp");
    moved_ms = 0;
}

static void certificates_work_as_the_public_key_does(void **state)
{
    (void)state;
    struct payment_port other;
    struct payment_code c;
    struct payment_status s;
    const struct provider_pair mode[] = {
        {"alipay_public_key", NULL},
        {"app_certificate", rig_file(&r, "alipay", "app_certificate_file")},
        {"alipay_certificate", rig_file(&r, "alipay", "alipay_certificate_file")},
        {"alipay_root_certificates", rig_file(&r, "alipay", "alipay_root_certificates_file")},
    };
    assert_ok(open_with(mode, 4, &other));
    struct payment_order o = {"live_cert_1", 100, "x", 0, notify_url()};
    assert_ok(other.ops->place(other.self, &o, &r.a, &c, &f));
    int before = callbacks();
    act("pay", "live_cert_1");
    assert_ok(other.ops->query(other.self, "live_cert_1", &r.a, &s, &f));
    assert_int_equal(s.state, PAYMENT_SUCCESS);
    struct payment_event e;
    assert_ok(callback(before, &e));
    other.ops->close(other.self);
    /* our own certificate in the place of Alipay's: its key is not the one that signs */
    struct provider_pair swapped[4];
    memcpy(swapped, mode, sizeof swapped);
    swapped[2].value = mode[1].value;
    assert_ok(open_with(swapped, 4, &other));
    assert_err(other.ops->query(other.self, "live_cert_1", &r.a, &s, &f), ERR_SIGNATURE_BAD);
    other.ops->close(other.self);
}

/* -- notifications --------------------------------------------------------------------------------------- */

static void a_notification_may_be_faster_than_the_code(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e;
    int before = callbacks();
    rig_do(&r, "/sim/fault",
           "{\"provider\":\"alipay\",\"action\":\"precreate\",\"kind\":\"paid_first\",\"ms\":200}");
    assert_ok(place("live_quick_1", 700, &c));
    assert_true(callbacks() > before); /* it came while the answer was under way */
    assert_ok(callback(before, &e));
    assert_int_equal(e.payment.amount_fen, 700);
}

static void notifications_that_lie_are_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum err first;
    } cases[] = {{"forged_signature", ERR_SIGNATURE_BAD},
                 {"unsigned", ERR_SIGNATURE_BAD},
                 {"other_charset", ERR_SIGNATURE_BAD},
                 {"wrong_app", ERR_INVALID},
                 {"wrong_seller", ERR_INVALID},
                 {"gbk", OK},
                 {"extra", OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct payment_code c;
        struct payment_event e;
        const char *number = arena_printf(&r.a, "live_lie_%zu", i);
        int before = callbacks();
        assert_ok(place(number, 500, &c));
        rig_fault(&r, "alipay", "callback", cases[i].kind);
        act("pay", number);
        assert_err(callback(before, &e), cases[i].first);
        if (cases[i].first == ERR_SIGNATURE_BAD) /* then comes the true one */
            assert_ok(callback(before + 1, &e));
        if (cases[i].first != ERR_INVALID)
            assert_string_equal(e.payment.out_trade_no, number);
    }
}

static void a_wrong_amount_a_repeat_and_a_late_one_are_for_the_caller_to_see(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e, again;
    int before = callbacks();
    assert_ok(place("live_amount", 500, &c));
    rig_fault(&r, "alipay", "callback", "wrong_amount");
    act("pay", "live_amount");
    assert_ok(callback(before, &e));
    assert_int_equal(e.payment.amount_fen, 1);
    assert_int_equal(query("live_amount").amount_fen, 500);

    before = callbacks();
    assert_ok(place("live_twice", 500, &c));
    rig_fault(&r, "alipay", "callback", "twice");
    act("pay", "live_twice");
    assert_ok(callback(before, &e));
    assert_ok(callback(before + 1, &again));
    assert_string_equal(e.id, again.id);
    assert_string_equal(e.payment.transaction_id, again.payment.transaction_id);

    /* late, and after a later one: out of order */
    before = callbacks();
    assert_ok(place("live_after", 500, &c));
    rig_fault(&r, "alipay", "callback", "late");
    act("pay", "live_after");
    assert_int_equal(query("live_after").state, PAYMENT_SUCCESS); /* known by asking, long before */
    bought("live_before", 500);
    move_clock(61000);
    assert_ok(callback(before + 1, &e));
    assert_string_equal(e.payment.out_trade_no, "live_after");
    move_clock(0);
}

/* -- money back ------------------------------------------------------------------------------------------ */

static enum err refund(const char *number, const char *refund_no, int64_t fen,
                       struct payment_refund_status *s)
{
    struct payment_refund_order o = {number, refund_no, "重复支付", NULL, fen, 500};
    return pay.ops->refund(pay.self, &o, &r.a, s, &f);
}

static struct payment_refund_status refund_query(const char *number, const char *refund_no)
{
    struct payment_refund_status s;
    assert_ok(pay.ops->refund_query(pay.self, number, refund_no, &r.a, &s, &f));
    return s;
}

static void money_goes_back(void **state)
{
    (void)state;
    struct payment_event e;
    struct payment_refund_status s;
    bought("live_refund", 500);
    int before = callbacks();
    assert_ok(refund("live_refund", "live_refund_r1", 200, &s));
    assert_int_equal(s.state, REFUND_SUCCESS);
    assert_ok(callback(before, &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_REFUND);
    assert_string_equal(e.refund.out_refund_no, "live_refund_r1");
    assert_int_equal(query("live_refund").state, PAYMENT_SUCCESS);
    assert_err(refund("live_refund", "live_refund_r2", 301, &s), ERR_PROVIDER_REFUSED);
    assert_err(refund("live_refund", "live_refund_r1", 201, &s), ERR_PROVIDER_REFUSED);
    assert_ok(refund("live_refund", "live_refund_r2", 300, &s));
    assert_int_equal(query("live_refund").state, PAYMENT_REFUND); /* all of it: the trade is closed */
    s = refund_query("live_refund", "live_refund_r1");
    assert_int_equal(s.state, REFUND_SUCCESS);
    assert_int_equal(s.refund_fen, 200);
    assert_int_equal(s.total_fen, 500);
    assert_true(s.success_ms > clock_now_ms() - 60000);
    assert_int_equal(refund_query("live_refund", "live_refund_r9").state, REFUND_ABSENT);
    assert_int_equal(refund_query("live_nothing", "r1").state, REFUND_ABSENT);
}

static void a_refund_is_repeated_until_it_is_known(void **state)
{
    (void)state;
    struct payment_refund_status s;
    bought("live_again", 500);
    static const struct {
        const char *kind;
        bool happened;
    } lost[] = {{"lose_request", false}, {"lose_answer", true}, {"doubtful", true}, {"busy", false}};
    for (size_t i = 0; i < 4; i++) {
        const char *no = arena_printf(&r.a, "live_again_r%zu", i);
        rig_fault(&r, "alipay", "refund", lost[i].kind);
        assert_err(refund("live_again", no, 100, &s), ERR_PROVIDER_UNKNOWN);
        assert_int_equal(refund_query("live_again", no).state,
                         lost[i].happened ? REFUND_SUCCESS : REFUND_ABSENT);
        assert_ok(refund("live_again", no, 100, &s)); /* the same number: the same refund */
        assert_int_equal(s.state, lost[i].happened ? REFUND_PROCESSING : REFUND_SUCCESS);
        assert_int_equal(refund_query("live_again", no).state, REFUND_SUCCESS);
    }
    assert_int_equal(query("live_again").state, PAYMENT_SUCCESS); /* 400 of 500 */
    /* accepted and forgotten: absent, so it is asked for again */
    rig_fault(&r, "alipay", "refund", "closed");
    assert_ok(refund("live_again", "live_again_last", 100, &s));
    assert_int_equal(s.state, REFUND_PROCESSING);
    assert_int_equal(refund_query("live_again", "live_again_last").state, REFUND_ABSENT);
    assert_ok(refund("live_again", "live_again_last", 100, &s));
    assert_int_equal(s.state, REFUND_SUCCESS);
    /* a bank that takes its time */
    bought("live_slow", 500);
    rig_do(&r, "/sim/config", "{\"alipay_refund_ms\":60000}");
    assert_ok(refund("live_slow", "live_slow_r1", 500, &s));
    assert_int_equal(s.state, REFUND_PROCESSING);
    assert_int_equal(refund_query("live_slow", "live_slow_r1").state, REFUND_PROCESSING);
    move_clock(60000);
    assert_int_equal(refund_query("live_slow", "live_slow_r1").state, REFUND_SUCCESS);
    rig_do(&r, "/sim/config", "{\"alipay_refund_ms\":0}");
    move_clock(0);
}

/* -- bills ----------------------------------------------------------------------------------------------- */

static const char *today(void)
{
    char *text = arena_alloc(&r.a, 16);
    time_t t = (time_t)(clock_now_ms() / 1000) + 8 * 3600;
    struct tm tm;
    strftime(text, 16, "%Y-%m-%d", gmtime_r(&t, &tm));
    return text;
}

static const struct payment_bill_row *row_of(const struct payment_bill *b, const char *trade,
                                             const char *refund_no)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->rows[i].out_trade_no, trade) == 0 && strcmp(b->rows[i].out_refund_no, refund_no) == 0)
            return &b->rows[i];
    return NULL;
}

static void assert_bill(const struct payment_bill *b, const char *transaction)
{
    assert_int_equal(b->n, 3);
    const struct payment_bill_row *paid = row_of(b, "bill_1", ""), *back = row_of(b, "bill_1", "bill_1_r1");
    assert_non_null(paid);
    assert_non_null(back);
    assert_non_null(row_of(b, "bill_2", ""));
    assert_int_equal(paid->amount_fen, 12305);
    assert_string_equal(paid->transaction_id, transaction);
    assert_true(paid->success && paid->at_ms > clock_now_ms() - 600000 && paid->at_ms <= clock_now_ms());
    assert_int_equal(back->amount_fen, 5);
    assert_true(back->success);
    assert_string_not_equal(b->hash, "");
}

/* The same story at either supplier; the goods' name is one that tables do not like. */
static void tell_the_story(const struct payment_port *port, const char *supplier, char transaction[static 40])
{
    struct payment_code c;
    struct payment_status s;
    struct payment_refund_status back;
    rig_do(&r, "/sim/reset", "{}");
    rig_do(&r, "/sim/config", "{\"callback_scale\":0.001,\"refund_ms\":0}");
    static const char *const numbers[] = {"bill_1", "bill_2", "bill_3"};
    for (size_t i = 0; i < 3; i++) {
        struct payment_order o = {numbers[i], i ? 100 : 12305, "证书, \"一年\" `x", 0, notify_url()};
        assert_ok(port->ops->place(port->self, &o, &r.a, &c, &f));
        if (i < 2) /* the third is never paid */
            rig_do(&r, arena_printf(&r.a, "/sim/%s/pay", supplier),
                   arena_printf(&r.a, "{\"out_trade_no\":\"%s\"}", numbers[i]));
    }
    struct payment_refund_order o = {"bill_1", "bill_1_r1", "多收", NULL, 5, 12305};
    assert_ok(port->ops->refund(port->self, &o, &r.a, &back, &f));
    assert_ok(port->ops->query(port->self, "bill_1", &r.a, &s, &f));
    memcpy(transaction, s.transaction_id, 40);
}

static void check_bills(const struct payment_port *port, const char *supplier)
{
    struct payment_bill b;
    char transaction[40];
    const char *day = today();
    tell_the_story(port, supplier, transaction);
    assert_err(port->ops->bill(port->self, day, &r.a, &b, &f), ERR_NOT_FOUND); /* not ready */
    move_clock(34 * hour_ms);
    assert_ok(port->ops->bill(port->self, day, &r.a, &b, &f));
    assert_bill(&b, transaction);
    assert_ok(port->ops->bill(port->self, "2025-01-01", &r.a, &b, &f)); /* a quiet day */
    assert_int_equal(b.n, 0);
    static const struct {
        const char *action, *kind;
        enum err want;
    } lost[] = {{"bill", "busy", ERR_PROVIDER_BUSY},
                {"bill", "bad_signature", ERR_SIGNATURE_BAD},
                {"bill", "lose_answer", ERR_PROVIDER_UNKNOWN},
                {"bill_file", "lose_answer", ERR_PROVIDER_UNKNOWN}};
    for (size_t i = 0; i < 4; i++) {
        rig_fault(&r, supplier, lost[i].action, lost[i].kind);
        assert_err(port->ops->bill(port->self, day, &r.a, &b, &f), lost[i].want);
        assert_int_equal(b.n, 0);
    }
    rig_fault(&r, supplier, "bill_file", "garbage");
    enum err e = port->ops->bill(port->self, day, &r.a, &b, &f);
    assert_true(e == ERR_PROVIDER_UNKNOWN || e == ERR_SIGNATURE_BAD);
    assert_ok(port->ops->bill(port->self, day, &r.a, &b, &f));
    assert_bill(&b, transaction);
    move_clock(0);
}

static void alipays_bill_is_read(void **state)
{
    (void)state;
    check_bills(&pay, "alipay");
}

static void wechats_bill_is_read(void **state)
{
    (void)state;
    struct payment_port wechat;
    struct provider_env env = {r.http, pair_setting, r.settings, moved_now};
    assert_ok(payment_open("wechat", &env, &wechat, &f));
    check_bills(&wechat, "wechat");
    wechat.ops->close(wechat.self);
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    r.inbox.status = 200;
    r.inbox.body = "success";
    return open_with(NULL, 0, &pay) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pay.ops->close(pay.self);
    return rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_placed_scanned_paid_and_told),
        cmocka_unit_test(an_order_is_closed_once_it_was_scanned),
        cmocka_unit_test(a_code_is_dead_when_its_time_has_passed),
        cmocka_unit_test(a_lost_answer_is_repeated_under_the_same_number),
        cmocka_unit_test(a_question_without_an_answer_says_how),
        cmocka_unit_test(our_own_mistakes_are_a_wrong_configuration),
        cmocka_unit_test(certificates_work_as_the_public_key_does),
        cmocka_unit_test(a_notification_may_be_faster_than_the_code),
        cmocka_unit_test(notifications_that_lie_are_found_out),
        cmocka_unit_test(a_wrong_amount_a_repeat_and_a_late_one_are_for_the_caller_to_see),
        cmocka_unit_test(money_goes_back),
        cmocka_unit_test(a_refund_is_repeated_until_it_is_known),
        cmocka_unit_test(alipays_bill_is_read),
        cmocka_unit_test(wechats_bill_is_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
