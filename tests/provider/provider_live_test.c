/* Every adapter against certdesk-sandbox, which was written from the suppliers' texts apart from the adapters
 * and is itself accepted by the suppliers' own SDKs. */
#include "sandbox_rig.h"

/* What kuaidi100 wants to hear. */
static const char PUSH_TAKEN[] = "{\"result\":true,\"returnCode\":\"200\",\"message\":\"成功\"}";

static struct rig r;
static struct fault f;

/* -- identity -------------------------------------------------------------------------------------------- */

static const char id[] = "110101199003070134", uscc[] = "91310000MA1K35XY7T";

static struct identity_result phone3(const char *name, const char *number, const char *phone, enum err want)
{
    struct identity_result out;
    struct identity_person who = {.name = name, .id_number = number, .phone = phone};
    assert_err(r.identity.ops->phone3(r.identity.self, &who, &r.a, &out, &f), want);
    return out;
}

static void assert_verdict(struct identity_result got, enum identity_verdict want)
{
    assert_string_equal(identity_verdict_name(got.verdict), identity_verdict_name(want));
    assert_string_not_equal(got.trace.request_id, "");
}

static void a_person_is_looked_up(void **state)
{
    (void)state;
    assert_verdict(phone3("张三", id, "13800001234", OK), IDENTITY_MATCH);
    struct identity_result m = phone3("李不一致", id, "13800001234", OK);
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_true(m.billed);
    assert_verdict(phone3("王查无", id, "13800001234", OK), IDENTITY_NOT_FOUND);
    assert_verdict(phone3("张三", "110101199003070135", "13800001234", OK), IDENTITY_INVALID_INPUT);
    rig_do(&r, "/sim/people",
           "{\"name\":\"赵六\",\"id_number\":\"310101198501011236\",\"phone\":\"13900005678\"}");
    assert_verdict(phone3("赵六", "310101198501011236", "13900005678", OK), IDENTITY_MATCH);
    m = phone3("赵六", "310101198501011236", "13900005679", OK);
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_int_not_equal(m.fields, 0);
}

static void a_look_up_that_goes_wrong_says_how(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum identity_verdict verdict;
    } cases[] = {{"busy", IDENTITY_BUSY},
                 {"fail", IDENTITY_BUSY},
                 {"rate_limited", IDENTITY_RATE_LIMITED},
                 {"daily_limit", IDENTITY_RATE_LIMITED},
                 {"arrears", IDENTITY_CONFIG_ERROR},
                 {"bad_signature", IDENTITY_CONFIG_ERROR}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "tencent", "PhoneVerification", cases[i].kind);
        struct identity_result m = phone3("张三", id, "13800001234", OK);
        assert_verdict(m, cases[i].verdict);
        assert_false(m.billed);
    }
    static const char *const lost[] = {"lose_request", "lose_answer", "garbage"};
    for (size_t i = 0; i < 3; i++) {
        rig_fault(&r, "tencent", "PhoneVerification", lost[i]);
        phone3("张三", id, "13800001234", ERR_PROVIDER_UNKNOWN);
    }
    assert_verdict(phone3("张三", id, "13800001234", OK), IDENTITY_MATCH);
}

static void a_wrong_secret_is_a_wrong_configuration(void **state)
{
    (void)state;
    struct identity_port other;
    const char *good = pair_setting(r.settings, "secret_key");
    rig_set(&r, "secret_key", "wrong");
    assert_ok(identity_open("tencent", &r.env, &other, &f));
    rig_set(&r, "secret_key", good);
    struct identity_result out;
    struct identity_person who = {.name = "张三", .id_number = id, .phone = "13800001234"};
    assert_ok(other.ops->phone3(other.self, &who, &r.a, &out, &f));
    assert_verdict(out, IDENTITY_CONFIG_ERROR);
    assert_string_equal(out.trace.code, "AuthFailure.SignatureFailure");
    other.ops->close(other.self);
}

static struct identity_result enterprise4(const char *name, const char *legal_rep)
{
    struct identity_result out;
    struct identity_enterprise who = {name, uscc, legal_rep, id};
    assert_ok(r.identity.ops->enterprise4(r.identity.self, &who, &r.a, &out, &f));
    return out;
}

static void a_company_is_looked_up(void **state)
{
    (void)state;
    struct identity_result m = enterprise4("测试科技有限公司", "张三");
    assert_verdict(m, IDENTITY_MATCH);
    assert_int_equal(m.operating, OPERATING_NORMAL);
    assert_false(m.operating_refused);
    m = enterprise4("测试科技有限公司", "张不一致");
    assert_verdict(m, IDENTITY_MISMATCH);
    assert_true(m.fields & (IDENTITY_LEGAL_REP_NAME | IDENTITY_LEGAL_REP_ID));
    m = enterprise4("测试注销有限公司", "张三");
    assert_int_equal(m.operating, OPERATING_CANCELLED);
    assert_true(m.operating_refused);
    m = enterprise4("测试吊销有限公司", "张三");
    assert_int_equal(m.operating, OPERATING_LICENCE_REVOKED);
    assert_true(m.operating_refused);
    rig_fault(&r, "tencent", "VerifyBizLicenseEnterprise4", "busy");
    assert_verdict(enterprise4("测试科技有限公司", "张三"), IDENTITY_BUSY);
}

/* -- SMS ------------------------------------------------------------------------------------------------- */

static enum err sms(const char *message_id, const char *phone)
{
    static const char *const params[] = {"123456", "5"};
    struct sms_message m = {message_id, phone, "login_code", params, 2};
    struct sms_receipt out;
    return r.sms.ops->send(r.sms.self, &m, &r.a, &out, &f);
}

static size_t received(const char *phone)
{
    json_t *j = rig_control(&r, arena_printf(&r.a, "/sim/sms?phone=%s", phone), NULL);
    size_t n = json_array_size(json_object_get(j, "sms"));
    json_decref(j);
    return n;
}

static enum sms_fate fate(const struct sms_port *port, const char *phone, const char *message_id)
{
    struct sms_settled out;
    assert_ok(port->ops->settle(port->self, phone, message_id, clock_now_ms() - 1000, &r.a, &out, &f));
    return out.fate;
}

static void a_message_reaches_the_phone(void **state)
{
    (void)state;
    assert_ok(sms("obx_s1", "13700000001"));
    assert_int_equal(received("13700000001"), 1);
    assert_int_equal(fate(&r.sms, "13700000001", "obx_s1"), SMS_SENT);
    rig_fault(&r, "tencent", "SendSms", "number_limit");
    assert_err(sms("obx_s2", "13700000001"), ERR_RATE_LIMITED);
    rig_fault(&r, "tencent", "SendSms", "no_balance");
    assert_err(sms("obx_s2", "13700000001"), ERR_PROVIDER_CONFIG);
    rig_fault(&r, "tencent", "SendSms", "rate_limited");
    assert_err(sms("obx_s2", "13700000001"), ERR_RATE_LIMITED);
    assert_int_equal(received("13700000001"), 1);
}

static void a_lost_answer_is_settled_not_repeated(void **state)
{
    (void)state;
    struct sms_port hasty; /* believes at once that what is not reported was not sent */
    rig_set(&r, "sms_settle_ms", "0");
    assert_ok(sms_open("tencent", &r.env, &hasty, &f));

    rig_fault(&r, "tencent", "SendSms", "lose_answer");
    assert_err(sms("obx_l1", "13700000002"), ERR_PROVIDER_UNKNOWN);
    assert_int_equal(fate(&r.sms, "13700000002", "obx_l1"), SMS_SENT);
    assert_int_equal(received("13700000002"), 1);

    rig_fault(&r, "tencent", "SendSms", "garbage");
    assert_err(sms("obx_l2", "13700000003"), ERR_PROVIDER_UNKNOWN);
    assert_int_equal(fate(&hasty, "13700000003", "obx_l2"), SMS_SENT);

    rig_fault(&r, "tencent", "SendSms", "lose_request");
    assert_err(sms("obx_l3", "13700000004"), ERR_PROVIDER_UNKNOWN);
    assert_int_equal(fate(&r.sms, "13700000004", "obx_l3"), SMS_UNKNOWN);
    assert_int_equal(fate(&hasty, "13700000004", "obx_l3"), SMS_NOT_SENT);
    assert_int_equal(received("13700000004"), 0);

    rig_fault(&r, "tencent", "SendSms", "fail");
    assert_err(sms("obx_l4", "13700000005"), ERR_PROVIDER_UNKNOWN);
    assert_int_equal(fate(&hasty, "13700000005", "obx_l4"), SMS_NOT_SENT);
    hasty.ops->close(hasty.self);
}

/* -- payment --------------------------------------------------------------------------------------------- */

static enum err place(const char *number, int64_t fen, struct payment_code *out)
{
    struct payment_order o = {number, fen, "单位证书 UKEY 一年",
                              clock_now_ms() / 86400000 * 86400000 + 2 * 86400000,
                              arena_printf(&r.a, "http://127.0.0.1:%d/wechat", r.inbox.port)};
    return r.pay.ops->place(r.pay.self, &o, &r.a, out, &f);
}

static struct payment_status query(const char *number)
{
    struct payment_status out;
    assert_ok(r.pay.ops->query(r.pay.self, number, &r.a, &out, &f));
    return out;
}

static void pay(const char *number)
{
    rig_do(&r, "/sim/wechat/pay", arena_printf(&r.a, "{\"out_trade_no\":\"%s\"}", number));
}

static const char *const callback_headers[] = {"Wechatpay-Timestamp", "Wechatpay-Nonce",
                                               "Wechatpay-Signature", "Wechatpay-Serial",
                                               "Wechatpay-Signature-Type"};

/* Verifies the k-th callback that came. */
static enum err callback(int k, struct payment_event *e)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct provider_pair headers[5];
    size_t n = 0;
    for (size_t i = 0; i < 5; i++)
        if (in.seen[i][0])
            headers[n++] = (struct provider_pair){callback_headers[i], in.seen[i]};
    struct payment_callback c = {headers, n, in.body, strlen(in.body)};
    return r.pay.ops->callback_verify(r.pay.self, &c, clock_now_ms(), &r.a, e, &f);
}

static int callbacks(void)
{
    return rig_callbacks(&r);
}

static void an_order_is_placed_paid_and_told(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e;
    int before = callbacks();
    assert_int_equal(query("live_order_1").state, PAYMENT_ABSENT);
    assert_ok(place("live_order_1", 28000, &c));
    assert_int_equal(strncmp(c.code_url, "weixin://", 9), 0);
    assert_int_equal(query("live_order_1").state, PAYMENT_NOTPAY);
    assert_ok(place("live_order_1", 28000, &c)); /* the same again is the same */
    assert_err(place("live_order_1", 28001, &c), ERR_PROVIDER_REFUSED);
    pay("live_order_1");
    assert_ok(callback(before, &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_PAID);
    assert_string_equal(e.payment.out_trade_no, "live_order_1");
    assert_int_equal(e.payment.amount_fen, 28000);
    struct payment_status s = query("live_order_1");
    assert_int_equal(s.state, PAYMENT_SUCCESS);
    assert_string_equal(s.transaction_id, e.payment.transaction_id);
    assert_int_equal(s.success_ms, e.payment.success_ms);
    assert_true(s.success_ms > clock_now_ms() - 60000 && s.success_ms <= clock_now_ms());
    assert_err(place("live_order_1", 28000, &c), ERR_PAYMENT_STATE);
    struct provider_trace t;
    assert_err(r.pay.ops->close_order(r.pay.self, "live_order_1", &r.a, &t, &f), ERR_PAYMENT_STATE);
    assert_string_equal(t.code, "ORDERPAID");
}

static void an_order_is_closed(void **state)
{
    (void)state;
    struct payment_code c;
    struct provider_trace t;
    assert_ok(place("live_order_2", 100, &c));
    assert_ok(r.pay.ops->close_order(r.pay.self, "live_order_2", &r.a, &t, &f));
    assert_int_equal(t.http_status, 204);
    assert_int_equal(query("live_order_2").state, PAYMENT_CLOSED);
}

static void a_lost_answer_is_repeated_under_the_same_number(void **state)
{
    (void)state;
    struct payment_code c;
    static const char *const lost[] = {"lose_answer", "lose_request", "garbage"};
    static const enum err want[] = {ERR_PROVIDER_UNKNOWN, ERR_PROVIDER_UNKNOWN, ERR_SIGNATURE_BAD};
    for (size_t i = 0; i < 3; i++) {
        const char *number = arena_printf(&r.a, "live_lost_%zu", i);
        rig_fault(&r, "wechat", "order", lost[i]);
        assert_err(place(number, 100, &c), want[i]);
        assert_ok(place(number, 100, &c));
    }
}

static void an_answer_that_is_not_wechats_is_not_believed(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_status s;
    rig_fault(&r, "wechat", "order", "bad_signature");
    assert_err(place("live_bad_1", 100, &c), ERR_SIGNATURE_BAD);
    assert_ok(place("live_bad_1", 100, &c));
    rig_fault(&r, "wechat", "query", "bad_signature");
    assert_err(r.pay.ops->query(r.pay.self, "live_bad_1", &r.a, &s, &f), ERR_SIGNATURE_BAD);
    rig_fault(&r, "wechat", "query", "busy");
    assert_err(r.pay.ops->query(r.pay.self, "live_bad_1", &r.a, &s, &f), ERR_PROVIDER_BUSY);
    rig_fault(&r, "wechat", "query", "rate_limited");
    assert_err(r.pay.ops->query(r.pay.self, "live_bad_1", &r.a, &s, &f), ERR_RATE_LIMITED);
}

static void both_ways_of_naming_the_key_work(void **state)
{
    (void)state;
    struct payment_event e;
    struct payment_code c;
    struct payment_port old; /* a merchant that never moved to the public key */
    const char *public_key = pair_setting(r.settings, "public_key");
    const char *key_id = pair_setting(r.settings, "public_key_id");
    int before = callbacks();
    rig_do(&r, "/sim/config", "{\"wechat_serial\":\"certificate\"}");
    rig_set(&r, "public_key", NULL);
    rig_set(&r, "public_key_id", NULL);
    assert_ok(payment_open("wechat", &r.env, &old, &f));
    rig_set(&r, "public_key", public_key);
    rig_set(&r, "public_key_id", key_id);
    struct payment_order o = {"live_cert_1", 100, "x", 0, "https://x.example/n"};
    assert_ok(old.ops->place(old.self, &o, &r.a, &c, &f));
    old.ops->close(old.self);
    assert_ok(place("live_cert_2", 100, &c));
    pay("live_cert_2");
    assert_ok(callback(before, &e));
    rig_do(&r, "/sim/config", "{\"wechat_serial\":\"public_key\"}");
}

static void callbacks_that_lie_are_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum err first;
    } cases[] = {{"forged_signature", ERR_SIGNATURE_BAD},
                 {"signtest", ERR_SIGNATURE_BAD},
                 {"wrong_mchid", ERR_INVALID}};
    for (size_t i = 0; i < 3; i++) {
        struct payment_code c;
        struct payment_event e;
        const char *number = arena_printf(&r.a, "live_lie_%zu", i);
        int before = callbacks();
        assert_ok(place(number, 500, &c));
        rig_fault(&r, "wechat", "callback", cases[i].kind);
        pay(number);
        assert_err(callback(before, &e), cases[i].first);
        if (cases[i].first == ERR_SIGNATURE_BAD) { /* then comes the true one */
            assert_ok(callback(before + 1, &e));
            assert_string_equal(e.payment.out_trade_no, number);
        }
    }
}

static void a_wrong_amount_and_a_repeat_are_for_the_caller_to_see(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e, again;
    int before = callbacks();
    assert_ok(place("live_amount", 500, &c));
    rig_fault(&r, "wechat", "callback", "wrong_amount");
    pay("live_amount");
    assert_ok(callback(before, &e));
    assert_int_not_equal(e.payment.amount_fen, 500);
    assert_int_equal(query("live_amount").amount_fen, 500);

    before = callbacks();
    assert_ok(place("live_twice", 500, &c));
    rig_fault(&r, "wechat", "callback", "twice");
    pay("live_twice");
    assert_ok(callback(before, &e));
    assert_ok(callback(before + 1, &again));
    assert_string_equal(e.id, again.id);
    assert_string_equal(e.payment.transaction_id, again.payment.transaction_id);
}

static void money_goes_back(void **state)
{
    (void)state;
    struct payment_code c;
    struct payment_event e;
    struct payment_refund_status s;
    int before = callbacks();
    assert_ok(place("live_refund", 500, &c));
    pay("live_refund");
    assert_ok(callback(before, &e));
    struct payment_refund_order o = {
        "live_refund", "live_refund_r1",
        "重复支付",    arena_printf(&r.a, "http://127.0.0.1:%d/wechat", r.inbox.port),
        500,           500};
    rig_fault(&r, "wechat", "refund", "lose_answer");
    assert_err(r.pay.ops->refund(r.pay.self, &o, &r.a, &s, &f), ERR_PROVIDER_UNKNOWN);
    assert_ok(r.pay.ops->refund(r.pay.self, &o, &r.a, &s, &f)); /* the same number: the same refund */
    assert_int_equal(s.refund_fen, 500);
    assert_ok(callback(before + 1, &e));
    assert_int_equal(e.kind, PAYMENT_EVENT_REFUND);
    assert_int_equal(e.refund.state, REFUND_SUCCESS);
    assert_string_equal(e.refund.out_refund_no, "live_refund_r1");
    assert_ok(r.pay.ops->refund_query(r.pay.self, "live_refund", "live_refund_r1", &r.a, &s, &f));
    assert_int_equal(s.state, REFUND_SUCCESS);
    assert_int_equal(query("live_refund").state, PAYMENT_REFUND);
    assert_ok(r.pay.ops->refund_query(r.pay.self, "live_refund", "live_refund_r2", &r.a, &s, &f));
    assert_int_equal(s.state, REFUND_ABSENT);
}

/* -- courier --------------------------------------------------------------------------------------------- */

static const char salt[] = "saltsaltsaltsalt";

static enum err subscribe(const char *number)
{
    struct courier_parcel p = {"shunfeng", number, "13800001234"};
    struct provider_trace t;
    return r.courier.ops->subscribe(
        r.courier.self, &p, arena_printf(&r.a, "http://127.0.0.1:%d/k", r.inbox.port), salt, &r.a, &t, &f);
}

static enum err push(int k, struct courier_push *out)
{
    struct peer_request in = peer_take(&r.inbox, k, &r.a);
    struct provider_pair *form;
    size_t n;
    assert_ok(form_decode(&r.a, in.body, strlen(in.body), &form, &n));
    return r.courier.ops->push_verify(r.courier.self, form, n, salt, &r.a, out, &f);
}

static void advance(const char *number, const char *code, const char *text)
{
    rig_do(&r, "/sim/kuaidi100/advance",
           arena_printf(&r.a,
                        "{\"company\":\"shunfeng\",\"number\":\"%s\",\"state\":\"%s\",\"context\":\"%s\"}",
                        number, code, text));
}

static void a_parcel_is_followed_to_its_receipt(void **state)
{
    (void)state;
    struct courier_push p;
    struct courier_track t;
    struct courier_parcel parcel = {"shunfeng", "SF1000000000001", "13800001234"};
    r.inbox.body = PUSH_TAKEN;
    assert_ok(subscribe(parcel.number));
    assert_ok(subscribe(parcel.number)); /* again is no error */
    assert_ok(r.courier.ops->query(r.courier.self, &parcel, &r.a, &t, &f));
    assert_int_equal(t.n_events, 0);
    static const struct {
        const char *code, *text;
        enum courier_state state;
    } way[] = {{"1", "已揽收", COURIER_PICKED_UP},
               {"0", "运输中", COURIER_IN_TRANSIT},
               {"5", "派件中", COURIER_DELIVERING},
               {"3", "已签收", COURIER_SIGNED}};
    for (size_t i = 0; i < 4; i++) {
        int before = callbacks();
        advance(parcel.number, way[i].code, way[i].text);
        assert_ok(push(before, &p));
        assert_string_equal(courier_state_name(p.track.state), courier_state_name(way[i].state));
        assert_string_equal(p.track.number, parcel.number);
        assert_int_equal(p.track.n_events, i + 1);
        assert_string_equal(p.track.events[0].text, way[i].text);
        assert_true(p.track.events[0].time_ms > clock_now_ms() - 60000);
    }
    assert_int_equal(p.watch, COURIER_WATCH_SHUTDOWN);
    assert_true(p.track.receipt_checked);
    assert_ok(r.courier.ops->query(r.courier.self, &parcel, &r.a, &t, &f));
    assert_int_equal(t.state, COURIER_SIGNED);
    assert_int_equal(t.n_events, 4);
    r.inbox.body = NULL;
}

static void forged_pushes_are_found_out(void **state)
{
    (void)state;
    static const char *const lies[] = {"forged", "unsigned"};
    r.inbox.body = PUSH_TAKEN;
    for (size_t i = 0; i < 2; i++) {
        struct courier_push p;
        const char *number = arena_printf(&r.a, "SF200000000000%zu", i);
        assert_ok(subscribe(number));
        int before = callbacks();
        rig_fault(&r, "kuaidi100", "push", lies[i]);
        advance(number, "1", "已揽收");
        assert_err(push(before, &p), ERR_SIGNATURE_BAD);
        assert_ok(push(before + 1, &p));
    }
    r.inbox.body = NULL;
}

static void a_courier_that_is_busy_or_silent(void **state)
{
    (void)state;
    struct courier_track t;
    struct courier_parcel parcel = {"shunfeng", "SF3000000000001", "13800001234"};
    static const struct {
        const char *kind;
        enum err e;
    } cases[] = {{"bad_signature", ERR_PROVIDER_CONFIG},
                 {"lose_answer", ERR_PROVIDER_UNKNOWN},
                 {"garbage", ERR_PROVIDER_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_fault(&r, "kuaidi100", "query", cases[i].kind);
        assert_err(r.courier.ops->query(r.courier.self, &parcel, &r.a, &t, &f), cases[i].e);
    }
    rig_fault(&r, "kuaidi100", "subscribe", "busy");
    assert_err(subscribe(parcel.number), ERR_PROVIDER_BUSY);
    rig_fault(&r, "kuaidi100", "subscribe", "lose_answer");
    assert_err(subscribe(parcel.number), ERR_PROVIDER_UNKNOWN);
    assert_ok(subscribe(parcel.number));
}

/* -- mail ------------------------------------------------------------------------------------------------ */

static enum err mail_to(const char *message_id, const char *to)
{
    struct mail_receipt out;
    struct mail_attachment file = {"申请表.pdf", "application/pdf", "%PDF-1.7", 8};
    struct mail_message m = {.id = message_id,
                             .to = to,
                             .subject = "证书审核通过通知",
                             .text = "您好\n",
                             .html = "<p>您好</p>",
                             .attachments = &file,
                             .n_attachments = 1};
    return r.mail.ops->send(r.mail.self, &m, &r.a, &out, &f);
}

static json_t *mails(const char *to)
{
    json_t *j = rig_control(&r, arena_printf(&r.a, "/sim/mails?to=%s", to), NULL);
    json_t *list = json_incref(json_object_get(j, "mails"));
    json_decref(j);
    return list;
}

static void a_mail_arrives_and_refusals_are_told_apart(void **state)
{
    (void)state;
    assert_ok(mail_to("obx_m1", "zhang@example.com"));
    json_t *list = mails("zhang@example.com");
    assert_int_equal(json_array_size(list), 1);
    const json_t *one = json_array_get(list, 0);
    assert_string_equal(js_str(one, "subject"), "证书审核通过通知");
    assert_string_equal(js_str(one, "message_id"), "<obx_m1@certdesk.example>");
    assert_string_equal(json_string_value(json_array_get(json_object_get(one, "attachments"), 0)),
                        "申请表.pdf");
    json_decref(list);
    static const struct {
        const char *action, *kind;
        enum err e;
        size_t kept;
    } cases[] = {
        {"RCPT", "busy", ERR_PROVIDER_BUSY, 0},
        {"RCPT", "fail", ERR_PROVIDER_REFUSED, 0},
        {"RCPT", "lose_answer", ERR_UNAVAILABLE, 0}, /* no message was handed over */
        {"DATA", "busy", ERR_PROVIDER_BUSY, 0},
        {"DATA", "fail", ERR_PROVIDER_REFUSED, 0},
        {"DATA", "lose_request", ERR_PROVIDER_UNKNOWN, 0},
        {"DATA", "lose_answer", ERR_PROVIDER_UNKNOWN, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *to = arena_printf(&r.a, "m%zu@example.com", i);
        rig_fault(&r, "smtp", cases[i].action, cases[i].kind);
        assert_err(mail_to("obx_m2", to), cases[i].e);
        list = mails(to);
        assert_int_equal(json_array_size(list), cases[i].kept);
        json_decref(list);
    }
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    for (size_t i = 0; i < 5; i++)
        r.inbox.watch[i] = callback_headers[i];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_looked_up),
        cmocka_unit_test(a_look_up_that_goes_wrong_says_how),
        cmocka_unit_test(a_wrong_secret_is_a_wrong_configuration),
        cmocka_unit_test(a_company_is_looked_up),
        cmocka_unit_test(a_message_reaches_the_phone),
        cmocka_unit_test(a_lost_answer_is_settled_not_repeated),
        cmocka_unit_test(an_order_is_placed_paid_and_told),
        cmocka_unit_test(an_order_is_closed),
        cmocka_unit_test(a_lost_answer_is_repeated_under_the_same_number),
        cmocka_unit_test(an_answer_that_is_not_wechats_is_not_believed),
        cmocka_unit_test(both_ways_of_naming_the_key_work),
        cmocka_unit_test(callbacks_that_lie_are_found_out),
        cmocka_unit_test(a_wrong_amount_and_a_repeat_are_for_the_caller_to_see),
        cmocka_unit_test(money_goes_back),
        cmocka_unit_test(a_parcel_is_followed_to_its_receipt),
        cmocka_unit_test(forged_pushes_are_found_out),
        cmocka_unit_test(a_courier_that_is_busy_or_silent),
        cmocka_unit_test(a_mail_arrives_and_refusals_are_told_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
