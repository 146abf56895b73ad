/* Nuonuo's adapter against certdesk-sandbox: what is accepted, what becomes of it, and everything that goes
 * wrong on the way, the rare token first. */
#include "sandbox_rig.h"

static struct rig r;
static struct fault f;
static int numbers;

static const char *new_number(void)
{
    return arena_printf(&r.a, "live%06d", ++numbers);
}

static struct invoice_order order_of(const char *order_no)
{
    return (struct invoice_order){.order_no = order_no,
                                  .ordered_ms = clock_now_ms(),
                                  .total_fen = 28000,
                                  .buyer = {.name = "杭州测试有限公司", .tax_number = "91350100M000100Y43"},
                                  .callback_url =
                                      arena_printf(&r.a, "http://127.0.0.1:%d/nuonuo", r.inbox.port)};
}

static enum err issue_by(const struct invoice_port *port, const char *order_no)
{
    char serial[64];
    struct provider_trace t;
    struct invoice_order o = order_of(order_no);
    fault_clear(&f);
    return port->ops->issue(port->self, &o, &r.a, serial, &t, &f);
}

static enum err issue(const char *order_no)
{
    return issue_by(&r.invoice, order_no);
}

static struct invoice_status query(const char *order_no)
{
    struct invoice_status s;
    fault_clear(&f);
    assert_ok(r.invoice.ops->query(r.invoice.self, NULL, order_no, &r.a, &s, &f));
    return s;
}

static void assert_stage(const char *order_no, enum invoice_stage want)
{
    assert_string_equal(invoice_stage_name(query(order_no).stage), invoice_stage_name(want));
}

static int64_t calls(const char *action)
{
    int64_t n = 0;
    json_t *log = rig_control(&r, "/sim/log", NULL);
    js_int(json_object_get(log, "counts"), arena_printf(&r.a, "nuonuo.%s", action), &n);
    json_decref(log);
    return n;
}

/* -- the way it goes ------------------------------------------------------------------------------------- */

/* The supplier checks price times number, and that the parts are the whole. */
static void several_lines_are_one_invoice(void **state)
{
    (void)state;
    static const struct invoice_line lines[] = {{"", 3, 28000}, {"邮寄费", 1, 1501}};
    char serial[64];
    struct provider_trace t;
    struct invoice_order o = order_of(new_number());
    o.lines = lines;
    o.n_lines = 2;
    fault_clear(&f);
    assert_err(r.invoice.ops->issue(r.invoice.self, &o, &r.a, serial, &t, &f), ERR_INVALID);
    o.total_fen = 3 * 28000 + 1501;
    fault_clear(&f);
    assert_ok(r.invoice.ops->issue(r.invoice.self, &o, &r.a, serial, &t, &f));
    struct invoice_status s = query(o.order_no);
    assert_int_equal(s.total_fen, 85501);
    assert_int_equal(s.tax_fen, 4755 + 85); /* of each line */
}

static void an_invoice_is_issued_and_its_files_are_fetched(void **state)
{
    (void)state;
    const char *number = new_number();
    assert_stage(number, INVOICE_ABSENT);
    assert_ok(issue(number));
    struct invoice_status s = query(number);
    assert_int_equal(s.stage, INVOICE_ISSUED);
    assert_int_equal(s.total_fen, 28000);
    assert_int_equal(s.tax_fen, 1585);
    assert_int_equal(strlen(s.number), 20);
    assert_true(s.issued_ms > clock_now_ms() - 60000);
    const char *urls[] = {s.pdf_url, s.ofd_url, s.xml_url};
    for (int kind = INVOICE_PDF; kind <= INVOICE_XML; kind++) {
        const void *bytes, *again;
        size_t n, m;
        enum invoice_file_kind k = (enum invoice_file_kind)kind,
                               other = k == INVOICE_XML ? INVOICE_PDF : k + 1;
        assert_ok(r.invoice.ops->fetch(r.invoice.self, k, urls[kind - 1], &r.a, &bytes, &n, &f));
        assert_ok(r.invoice.ops->fetch(r.invoice.self, k, urls[kind - 1], &r.a, &again, &m, &f));
        assert_int_equal(n, m);
        assert_memory_equal(bytes, again, n);
        assert_err(r.invoice.ops->fetch(r.invoice.self, other, urls[kind - 1], &r.a, &bytes, &n, &f),
                   ERR_PROVIDER_BUSY);
    }
    struct invoice_event e;
    struct peer_request told = peer_take(&r.inbox, r.inbox.n_inbox ? r.inbox.n_inbox - 1 : 0, &r.a);
    assert_ok(r.invoice.ops->callback_read(r.invoice.self, told.body, strlen(told.body), &r.a, &e, &f));
    assert_string_equal(e.order_no, number);
    assert_string_equal(e.serial, s.serial);
    assert_string_equal(e.state, "1");
}

static void it_takes_its_time(void **state)
{
    (void)state;
    const char *number = new_number();
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":600000}");
    assert_ok(issue(number));
    assert_stage(number, INVOICE_ISSUING);
    assert_string_equal(query(number).pdf_url, "");
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
}

static void what_fails_is_tried_again(void **state)
{
    (void)state;
    static const struct {
        const char *fate;
        enum invoice_stage stage;
    } cases[] = {{"refused", INVOICE_FAILED}, {"unsealed", INVOICE_UNSEALED}};
    for (size_t i = 0; i < 2; i++) {
        struct provider_trace t;
        const char *number = new_number();
        rig_fault(&r, "nuonuo", "result", cases[i].fate);
        assert_ok(issue(number));
        struct invoice_status s = query(number);
        assert_int_equal(s.stage, cases[i].stage);
        assert_int_equal(*s.cause != '\0', cases[i].stage == INVOICE_FAILED);
        assert_ok(r.invoice.ops->retry(r.invoice.self, NULL, number, s.serial, &r.a, &t, &f));
        assert_stage(number, INVOICE_ISSUED);
        assert_err(r.invoice.ops->retry(r.invoice.self, NULL, number, s.serial, &r.a, &t, &f),
                   ERR_PROVIDER_REFUSED);
    }
}

static enum err red(const struct invoice_port *port, const char *red_no, const char *blue_no)
{
    char serial[64];
    struct provider_trace t;
    struct invoice_status s;
    assert_ok(port->ops->query(port->self, NULL, blue_no, &r.a, &s, &f));
    struct invoice_reversal v = {.order_no = red_no,
                                 .ordered_ms = clock_now_ms(),
                                 .blue = order_of(blue_no),
                                 .blue_serial = s.serial,
                                 .blue_code = s.code,
                                 .blue_number = s.number};
    fault_clear(&f);
    return port->ops->red(port->self, &v, &r.a, serial, &t, &f);
}

static void an_invoice_is_taken_back_once(void **state)
{
    (void)state;
    const char *blue = new_number(), *number = new_number();
    assert_ok(issue(blue));
    assert_ok(red(&r.invoice, number, blue));
    struct invoice_status s = query(number);
    assert_int_equal(s.stage, INVOICE_ISSUED);
    assert_int_equal(s.total_fen, -28000);
    assert_int_equal(s.tax_fen, -1585);
    assert_err(red(&r.invoice, number, blue), ERR_EXISTS);
    assert_err(red(&r.invoice, new_number(), blue), ERR_PROVIDER_REFUSED);
}

/* The methods of before, with a code and a number of eight digits. */
static void the_older_family_works(void **state)
{
    (void)state;
    struct invoice_port older;
    rig_set(&r, "methods", "ElectronInvoice");
    rig_set(&r, "invoice_line", "p");
    rig_set(&r, "base_url", rig_say(&r, "nuonuo", "url"));
    assert_ok(invoice_open("nuonuo", &r.env, &older, &f));
    const char *blue = new_number(), *number = new_number();
    assert_ok(issue_by(&older, blue));
    struct invoice_status s;
    assert_ok(older.ops->query(older.self, NULL, blue, &r.a, &s, &f));
    assert_int_equal(strlen(s.number), 8);
    assert_int_equal(strlen(s.code), 12);
    assert_ok(red(&older, number, blue));
    assert_ok(older.ops->query(older.self, NULL, number, &r.a, &s, &f));
    assert_int_equal(s.total_fen, -28000);
    older.ops->close(older.self);
    rig_set(&r, "methods", NULL);
    rig_set(&r, "invoice_line", NULL);
    rig_set(&r, "base_url", rig_say(&r, "wechat", "url"));
}

/* -- the way it does not --------------------------------------------------------------------------------- */

static void a_number_is_used_once(void **state)
{
    (void)state;
    const char *number = new_number();
    assert_ok(issue(number));
    assert_err(issue(number), ERR_EXISTS);
    assert_err(issue(""), ERR_INVALID);
    assert_err(issue("123456789012345678901"), ERR_INVALID);
    assert_err(issue("has space"), ERR_INVALID);
}

static void trouble_has_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum err want;
        enum invoice_stage after;
    } cases[] = {{"busy", ERR_PROVIDER_BUSY, INVOICE_ABSENT},
                 {"rate_limited", ERR_RATE_LIMITED, INVOICE_ABSENT},
                 {"fail", ERR_PROVIDER_UNKNOWN, INVOICE_ABSENT},
                 {"bad_signature", ERR_PROVIDER_CONFIG, INVOICE_ABSENT},
                 {"lose_request", ERR_PROVIDER_UNKNOWN, INVOICE_ABSENT},
                 {"lose_answer", ERR_PROVIDER_UNKNOWN, INVOICE_ISSUED},
                 {"garbage", ERR_PROVIDER_UNKNOWN, INVOICE_ISSUED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *number = new_number();
        rig_fault(&r, "nuonuo", "requestBillingNew", cases[i].kind);
        assert_err(issue(number), cases[i].want);
        assert_stage(number, cases[i].after);
        assert_err(issue(number), cases[i].after == INVOICE_ABSENT ? OK : ERR_EXISTS);
    }
}

static void links_expire_and_lead_nowhere_else(void **state)
{
    (void)state;
    const void *bytes;
    size_t n;
    const char *number = new_number();
    assert_ok(issue(number));
    struct invoice_status old = query(number);
    rig_do(&r, "/sim/nuonuo/expire", "{\"what\":\"links\"}");
    assert_err(r.invoice.ops->fetch(r.invoice.self, INVOICE_PDF, old.pdf_url, &r.a, &bytes, &n, &f),
               ERR_NOT_FOUND);
    static const char *const bad[] = {"http://example.com/a.pdf", "file:///etc/passwd", "",
                                      "gopher://127.0.0.1/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(r.invoice.ops->fetch(r.invoice.self, INVOICE_PDF, bad[i], &r.a, &bytes, &n, &f),
                   ERR_INVALID);
    struct invoice_port real; /* a supplier out there must not send us into our own machine */
    rig_set(&r, "base_url", "https://sdk.nuonuo.com/open/v1/services");
    assert_ok(invoice_open("nuonuo", &r.env, &real, &f));
    assert_false(real.simulator);
    assert_err(real.ops->fetch(real.self, INVOICE_PDF, old.pdf_url, &r.a, &bytes, &n, &f), ERR_INVALID);
    real.ops->close(real.self);
    rig_set(&r, "base_url", rig_say(&r, "wechat", "url"));
}

/* -- the token ------------------------------------------------------------------------------------------- */

/* A store as the server has one, in memory. */
struct shelf {
    pthread_mutex_t lock;
    struct provider_token token;
    bool claimed;
    int claims, budget;
};

static enum err shelf_load(void *arg, const char *name, struct provider_token *out, struct fault *fault)
{
    (void)fault;
    struct shelf *s = arg;
    assert_int_equal(strncmp(name, "nuonuo:", 7), 0);
    pthread_mutex_lock(&s->lock);
    *out = s->token;
    pthread_mutex_unlock(&s->lock);
    return OK;
}

static enum err shelf_claim(void *arg, const char *name, int64_t version, struct fault *fault)
{
    (void)name;
    struct shelf *s = arg;
    pthread_mutex_lock(&s->lock);
    enum err e = s->claimed || s->token.version != version ? ERR_CONFLICT
                 : s->budget == 0                          ? ERR_RATE_LIMITED
                                                           : OK;
    if (e == OK) {
        s->claimed = true;
        s->claims++;
        s->budget--;
    }
    pthread_mutex_unlock(&s->lock);
    return e == OK ? OK : fail(fault, e, NULL);
}

static enum err shelf_save(void *arg, const char *name, const struct provider_token *t, struct fault *fault)
{
    (void)name;
    (void)fault;
    struct shelf *s = arg;
    pthread_mutex_lock(&s->lock);
    s->token = *t;
    s->token.version++;
    s->claimed = false;
    pthread_mutex_unlock(&s->lock);
    return OK;
}

static struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER, .budget = 5};
static const struct provider_tokens tokens = {&shelf, shelf_load, shelf_claim, shelf_save};

static struct invoice_port with_shelf(void)
{
    struct invoice_port port;
    rig_set(&r, "base_url", rig_say(&r, "nuonuo", "url"));
    assert_ok(invoice_open("nuonuo", &r.env, &port, &f));
    port.ops->use_tokens(port.self, &tokens);
    rig_set(&r, "base_url", rig_say(&r, "wechat", "url"));
    return port;
}

static void *ask(void *arg)
{
    const struct invoice_port *port = arg;
    struct arena mine;
    struct fault fault = {0};
    struct invoice_status s;
    arena_init(&mine, 0);
    enum err e = port->ops->query(port->self, NULL, "nobodys", &mine, &s, &fault);
    arena_free(&mine);
    return (void *)(uintptr_t)e;
}

static void sixty(struct invoice_port *port)
{
    pthread_t threads[60];
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, port), 0);
    for (size_t i = 0; i < 60; i++) {
        void *e;
        pthread_join(threads[i], &e);
        assert_ok((enum err)(uintptr_t)e);
    }
}

static void sixty_callers_take_one_token(void **state)
{
    (void)state;
    int64_t before = calls("token"), asked = calls("queryInvoiceResult");
    struct invoice_port port = with_shelf(), later;
    sixty(&port);
    assert_int_equal(calls("token"), before + 1);
    assert_int_equal(calls("queryInvoiceResult"), asked + 60);
    port.ops->close(port.self);
    later = with_shelf(); /* the process starts anew: the stored one serves */
    sixty(&later);
    assert_int_equal(calls("token"), before + 1);
    rig_do(&r, "/sim/nuonuo/expire",
           "{\"what\":\"tokens\"}"); /* and is over before its time, for all at once */
    sixty(&later);
    assert_int_equal(calls("token"), before + 2);
    assert_int_equal(shelf.claims, 2);
    later.ops->close(later.self);
}

static void a_token_that_ends_in_the_middle_is_replaced(void **state)
{
    (void)state;
    struct invoice_port port = with_shelf();
    int64_t before = calls("token");
    const char *number = new_number();
    rig_fault(&r, "nuonuo", "requestBillingNew", "token_expired");
    assert_ok(issue_by(&port, number));
    assert_int_equal(calls("token"), before + 1);
    assert_stage(number, INVOICE_ISSUED);
    port.ops->close(port.self);
}

static void nobody_takes_what_another_process_is_taking(void **state)
{
    (void)state;
    struct invoice_port port = with_shelf();
    shelf.token.expires_ms = 0;
    shelf.claimed = true;
    assert_err(issue_by(&port, new_number()), ERR_PROVIDER_BUSY);
    shelf.claimed = false;
    shelf.budget = 0; /* as many as a day may have */
    int64_t before = calls("token");
    assert_err(issue_by(&port, new_number()), ERR_RATE_LIMITED);
    assert_int_equal(calls("token"), before);
    shelf.budget = 5;
    assert_ok(issue_by(&port, new_number()));
    port.ops->close(port.self);
}

static void a_token_that_does_not_come_is_no_unknown_outcome(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        enum err want;
    } cases[] = {{"lose_answer", ERR_PROVIDER_BUSY},
                 {"garbage", ERR_PROVIDER_BUSY},
                 {"rate_limited", ERR_RATE_LIMITED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct invoice_port port;
        rig_set(&r, "base_url", rig_say(&r, "nuonuo", "url"));
        assert_ok(invoice_open("nuonuo", &r.env, &port, &f));
        rig_set(&r, "base_url", rig_say(&r, "wechat", "url"));
        rig_fault(&r, "nuonuo", "token", cases[i].kind);
        assert_err(issue_by(&port, new_number()), cases[i].want);
        port.ops->close(port.self);
    }
    const char *good = pair_setting(r.settings, "app_secret");
    struct invoice_port wrong;
    rig_set(&r, "app_secret", "wrong");
    rig_set(&r, "base_url", rig_say(&r, "nuonuo", "url"));
    assert_ok(invoice_open("nuonuo", &r.env, &wrong, &f));
    rig_set(&r, "app_secret", good);
    rig_set(&r, "base_url", rig_say(&r, "wechat", "url"));
    assert_err(issue_by(&wrong, new_number()), ERR_PROVIDER_CONFIG);
    wrong.ops->close(wrong.self);
}

/* Last: there are only fifty. */
static void the_quota_is_fifty(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct invoice_port port;
        struct invoice_status s;
        rig_set(&r, "base_url", rig_say(&r, "nuonuo", "url"));
        assert_ok(invoice_open("nuonuo", &r.env, &port, &f));
        enum err e = port.ops->query(port.self, "", "nobodys", &r.a, &s, &f);
        port.ops->close(port.self);
        if (e == OK)
            continue;
        assert_err(e, ERR_RATE_LIMITED);
        assert_true(i > 30 && i < 50);
        return;
    }
    assert_true(false);
}

static int setup(void **state)
{
    (void)state;
    rig_start(&r);
    rig_set(&r, "app_key", rig_say(&r, "nuonuo", "app_key")); /* for the ports that are opened here */
    r.inbox.status = 200;
    r.inbox.body = "{\"status\":\"0000\",\"message\":\"同步成功\"}";
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
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
        cmocka_unit_test(an_invoice_is_issued_and_its_files_are_fetched),
        cmocka_unit_test(several_lines_are_one_invoice),
        cmocka_unit_test(it_takes_its_time),
        cmocka_unit_test(what_fails_is_tried_again),
        cmocka_unit_test(an_invoice_is_taken_back_once),
        cmocka_unit_test(the_older_family_works),
        cmocka_unit_test(a_number_is_used_once),
        cmocka_unit_test(trouble_has_its_name),
        cmocka_unit_test(links_expire_and_lead_nowhere_else),
        cmocka_unit_test(sixty_callers_take_one_token),
        cmocka_unit_test(a_token_that_ends_in_the_middle_is_replaced),
        cmocka_unit_test(nobody_takes_what_another_process_is_taking),
        cmocka_unit_test(a_token_that_does_not_come_is_no_unknown_outcome),
        cmocka_unit_test(the_quota_is_fifty),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
