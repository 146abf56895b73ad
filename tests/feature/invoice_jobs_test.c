/* Invoices of paid orders, by the real jobs, adapter, sandbox and database: how it goes, everything that goes
 * wrong, and money that goes back at every moment (S15, S12). */
#include "provider/sandbox_rig.h"
#include "world.h"

#include "core/tx.h"
#include "invoice/invoice_rpc.h"
#include "invoice/invoice_steps.h"
#include "invoice/token_store.h"
#include "notice/notice.h"
#include "providers.h"

#include <certdesk/v1/invoice_service.pb-c.h>

static struct world w;
static struct rig r;
static struct providers providers;
static struct outbox *outbox;
static const struct job_kind *kinds[16];
static char clock_path[96];

static void set_clock(int64_t offset)
{
    FILE *f = fopen(clock_path, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite(&offset, sizeof offset, 1, f), 1);
    fclose(f);
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
}

/* Moves the clock of this program and the sandbox. */
static void let_pass(int64_t ms)
{
    static int64_t offset;
    set_clock(offset += ms);
    outbox_wake(outbox);
}

static int start_outbox(void)
{
    struct outbox_options o = {
        .app = &w.app, .db = &w.schema.options, .keys = test_keys(), .kinds = kinds, .threads = 2};
    for (size_t i = 0; i < invoice_jobs_n; i++)
        kinds[o.n_kinds++] = invoice_jobs[i];
    return outbox_start(&o, &outbox, &w.t.fault) == OK ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    int64_t none = 0;
    snprintf(clock_path, sizeof clock_path, "/tmp/certdesk-clock-%d", (int)getpid());
    FILE *f = fopen(clock_path, "w");
    if (!f || fwrite(&none, sizeof none, 1, f) != 1 || fclose(f) != 0)
        return -1;
    setenv("CERTDESK_CLOCK", clock_path, 1);
    if (world_open(&w) != 0)
        return -1;
    rig_start(&r);
    r.inbox.status = 200;
    r.inbox.body = "{\"status\":\"0000\",\"message\":\"同步成功\"}";
    r.invoice.ops->use_tokens(r.invoice.self, token_store(&w.app));
    providers = (struct providers){.http = r.http, .mail = r.mail, .invoice = r.invoice};
    providers.public_url = arena_printf(&r.a, "http://127.0.0.1:%d", r.inbox.port);
    w.app.providers = &providers;
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    return start_outbox();
}

static int teardown(void **state)
{
    (void)state;
    outbox_stop(outbox);
    int gone = rig_stop(&r);
    remove(clock_path);
    return world_close(&w) || gone;
}

/* -- steps ----------------------------------------------------------------------------------------------- */

static enum err as_system(tx_body *body, void *arg)
{
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    w.c->now_ms = clock_now_ms();
    enum err e = tx_run(w.c, body, arg);
    w.c->caller = caller;
    outbox_wake(outbox);
    return e;
}

static enum err do_pay(struct ctx *c, void *arg)
{
    struct receipt receipt = {PROVIDER_WECHAT, arena_printf(c->arena, "T-%s", (char *)arg), arg, "CNY", 28000,
                              c->now_ms};
    return payment_settle(c, &receipt);
}

static enum err do_refund(struct ctx *c, void *arg)
{
    return invoice_order_refunded(c, arg);
}

/* An order in PAYMENT. */
static void prepare(char order[static ID_SIZE], char payment[static ID_SIZE])
{
    let_pass(25 * 3600000); /* limits of codes are per day */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19 WHERE state < 18")));
    order_to_payment(&w, order);
    wait_for_payment(&w, order, payment);
}

static void paid(char order[static ID_SIZE])
{
    char payment[ID_SIZE];
    prepare(order, payment);
    assert_ok(as_system(do_pay, payment));
}

static void refund(const char *order)
{
    assert_ok(as_system(do_refund, (void *)(uintptr_t)order));
}

static struct invoice of(const char *order)
{
    struct invoice v;
    test_ctx_reset(&w.t);
    assert_ok(invoice_of_order(w.c, order, &v));
    return v;
}

struct awaited {
    const char *order;
    enum inv_state state;
    bool mailed;
};

static bool is(void *arg)
{
    const struct awaited *a = arg;
    struct invoice v = of(a->order);
    const struct inv_paper *p = a->state == INV_RED ? &v.red : &v.blue;
    return v.state == a->state && (!a->mailed || p->mailed_ms);
}

static void wait_for(const char *order, enum inv_state state, bool mailed)
{
    outbox_wake(outbox);
    if (!test_until(is, &(struct awaited){order, state, mailed}, 15000))
        world_fail("the invoice did not become %s, it is %s\n", inv_state_name((int)state),
                   inv_state_name((int)of(order).state));
}

/* When the order's next job is due, but for the look at the clock itself; -1 while one runs, 0 when there is
 * none. */
static int64_t next_due(const char *order)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(
        w.c, &rows,
        SQL("SELECT SUM(state = 2), COALESCE(MIN(IF(state = 1, run_at_ms, NULL)), 0) FROM outbox WHERE "
            "object = ? AND kind LIKE 'invoice.%' AND kind <> 'invoice.due'"),
        TEXT(order)));
    return row_int(&rows, 0, 0) ? -1 : row_int(&rows, 0, 1);
}

static bool rested(void *arg)
{
    int64_t due = next_due(arg);
    return due >= 0 && (due == 0 || due > clock_now_ms());
}

/* Time goes on from job to job. Nobody's callback is told to us here: what is asked is what there is. */
static void goes_to(const char *order, enum inv_state state, bool mailed)
{
    struct awaited a = {order, state, mailed};
    for (int i = 0; i < 60 && !is(&a); i++) {
        outbox_wake(outbox);
        assert_true(test_until(rested, (void *)(uintptr_t)order, 15000));
        int64_t due = next_due(order);
        if (due > 0)
            let_pass(due - clock_now_ms() + 1);
        else if (due == 0)
            break;
    }
    wait_for(order, state, mailed);
}

static int64_t calls(const char *action)
{
    int64_t n = 0;
    json_t *log = rig_control(&r, "/sim/log", NULL);
    js_int(json_object_get(log, "counts"), action, &n);
    json_decref(log);
    return n;
}

static size_t there(const char *order)
{
    json_t *all = rig_control(&r, "/sim/nuonuo/invoices", NULL), *one;
    const char *id = of(order).id + 4;
    size_t i, n = 0;
    json_array_foreach(json_object_get(all, "invoices"), i, one) n +=
        strncmp(js_str(one, "orderNo"), id, 18) == 0;
    json_decref(all);
    return n;
}

static int64_t count_mails(const char *subject)
{
    json_t *all = rig_control(&r, "/sim/mails", NULL), *one;
    size_t i;
    int64_t n = 0;
    json_array_foreach(json_object_get(all, "mails"), i, one) n +=
        strcmp(js_str(one, "subject"), subject) == 0;
    json_decref(all);
    return n;
}

static enum err invoice_call(struct ctx *c, const char *method, const void *in, void *out)
{
    for (size_t i = 0; i < invoice_rpc.n; i++)
        if (strcmp(invoice_rpc.rows[i].method, method) == 0) {
            fault_clear(c->fault);
            c->now_ms = clock_now_ms();
            return invoice_rpc.rows[i].mode == MODE_READ ? invoice_rpc.rows[i].handler(c, in, out)
                                                         : ERR_INTERNAL;
        }
    return ERR_UNIMPLEMENTED;
}

struct retrying {
    const char *id;
    const struct purchase *correction;
    struct invoice out;
};

static enum err do_retry(struct ctx *c, void *arg)
{
    struct retrying *t = arg;
    return invoice_retry(c, t->id, t->correction, &t->out);
}

static enum err retry(struct ctx *c, const char *id, const struct purchase *correction)
{
    struct retrying t = {.correction = correction};
    char kept[ID_SIZE];
    memcpy(kept, id, sizeof kept);
    t.id = kept;
    fault_clear(c->fault);
    c->now_ms = clock_now_ms();
    enum err e = tx_run(c, do_retry, &t);
    outbox_wake(outbox);
    return e;
}

/* -- the way it goes ------------------------------------------------------------------------------------- */

static void a_paid_order_gets_its_invoice_archived_and_mailed(void **s)
{
    (void)s;
    char order[ID_SIZE];
    int64_t mails = count_mails("证书订单电子发票");
    paid(order);
    goes_to(order, INV_ISSUED, true);
    struct invoice v = of(order);
    assert_int_equal(strlen(v.blue.order_no), 20);
    assert_int_equal(strlen(v.blue.number), 20);
    assert_int_equal(v.amount_fen, 28000);
    assert_int_equal(v.blue.tax_fen, 1585);
    assert_string_equal(v.data.invoice_title, "杭州测试有限公司");
    assert_string_equal(v.data.tax_number, USCC);
    assert_int_equal(there(order), 1);
    assert_int_equal(count_mails("证书订单电子发票"), mails + 1);
    for (int kind = INVOICE_PDF; kind <= INVOICE_XML; kind++) {
        struct inv_file f;
        const void *bytes;
        size_t n;
        assert_ok(invoice_bytes(w.c, v.id, false, kind, &f, &bytes, &n));
        assert_int_equal(n, f.size);
    }
    /* told twice by the payment's supplier: nothing more */
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM invoice")), 1);
    refund(order);
    goes_to(order, INV_RED, true);
    refund(order); /* again */
    assert_int_equal(there(order), 2);
    v = of(order);
    assert_string_not_equal(v.red.number, v.blue.number);
    assert_int_equal(v.red.tax_fen, -1585);
    assert_int_equal(count_mails("证书订单红字电子发票"), 1);
    assert_int_equal(count_mails("证书订单电子发票"), mails + 1);
}

static void who_wants_none_gets_none(void **s)
{
    (void)s;
    char order[ID_SIZE], payment[ID_SIZE];
    struct invoice v;
    prepare(order, payment);
    struct order o;
    assert_ok(order_load(w.c, order, &o));
    o.purchase.invoice_wanted = false;
    assert_ok(invoice_order_paid(w.c, &o));
    assert_err(invoice_of_order(w.c, order, &v), ERR_NOT_FOUND);
    o.purchase.invoice_wanted = true; /* wanted, but the channel gives none */
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET invoice_offered = 0")));
    fault_clear(w.c->fault);
    assert_ok(invoice_order_paid(w.c, &o));
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET invoice_offered = 1")));
    assert_err(invoice_of_order(w.c, order, &v), ERR_NOT_FOUND);
    fault_clear(w.c->fault);
    refund(order); /* nothing to take back */
}

static void only_who_sees_the_order_sees_its_invoice(void **s)
{
    (void)s;
    char order[ID_SIZE];
    paid(order);
    goes_to(order, INV_ISSUED, true);
    struct invoice v = of(order);
    PB(GetInvoiceRequest) get = CERTDESK__V1__GET_INVOICE_REQUEST__INIT;
    PB(GetInvoiceResponse) got = CERTDESK__V1__GET_INVOICE_RESPONSE__INIT;
    PB(DownloadInvoiceRequest) load = CERTDESK__V1__DOWNLOAD_INVOICE_REQUEST__INIT;
    PB(DownloadInvoiceResponse) loaded = CERTDESK__V1__DOWNLOAD_INVOICE_RESPONSE__INIT;
    get.order_id = order;
    load.invoice_id = v.id;
    assert_ok(invoice_call(w.c, "GetInvoice", &get, &got));
    assert_int_equal(got.invoice->n_files, 3);
    assert_string_equal(got.invoice->number, v.blue.number);
    assert_ok(invoice_call(w.c, "DownloadInvoice", &load, &loaded));
    assert_string_equal(loaded.content_type, "application/pdf");
    assert_string_equal(loaded.digest, got.invoice->files[0]->digest);
    load.red = true;
    assert_err(invoice_call(w.c, "DownloadInvoice", &load, &loaded), ERR_NOT_FOUND);
    load.red = false;
    struct test_ctx other;
    world_ctx(&w, &other, "acc_other");
    assert_err(invoice_call(&other.c, "GetInvoice", &get, &got), ERR_NOT_FOUND);
    assert_err(invoice_call(&other.c, "DownloadInvoice", &load, &loaded), ERR_NOT_FOUND);
    assert_err(invoice_resend(&other.c, v.id, ""), ERR_NOT_FOUND);
    assert_err(retry(&other.c, v.id, NULL), ERR_NOT_FOUND);
    test_ctx_close(&other);
}

/* -- the way it does not --------------------------------------------------------------------------------- */

static void lost_answers_make_no_second_invoice(void **s)
{
    (void)s;
    static const char *const kinds_of_loss[] = {"lose_answer",  "lose_request", "garbage",      "busy",
                                                "rate_limited", "fail",         "token_expired"};
    for (size_t i = 0; i < sizeof kinds_of_loss / sizeof *kinds_of_loss; i++) {
        char order[ID_SIZE];
        rig_fault(&r, "nuonuo", "requestBillingNew", kinds_of_loss[i]);
        paid(order);
        goes_to(order, INV_ISSUED, true);
        assert_int_equal(there(order), 1);
        assert_int_equal(of(order).blue.attempt, 1);
    }
}

static void a_callback_is_a_hint(void **s)
{
    (void)s;
    char order[ID_SIZE];
    const struct callback_route *route = &invoice_callbacks.rows[0];
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":600000}");
    paid(order);
    wait_for(order, INV_SUBMITTED, false);
    struct invoice v = of(order);
    char body[512];
    snprintf(body, sizeof body, "operater=callback&orderno=%s&content=%%7B%%22c_status%%22%%3A%%221%%22%%7D",
             v.blue.order_no);
    static const char other[] =
        "operater=callback&orderno=somebodyelses&content=%7B%22c_status%22%3A%221%22%7D";
    w.c->caller.kind = CALLER_SYSTEM;
    struct callback_request in = {.rest = v.callback_key, .body = body, .n_body = strlen(body)};
    for (int i = 0; i < 3; i++) /* it says "done", and it is not */
        assert_ok(route->serve(w.c, &in));
    struct callback_request wrong = in;
    wrong.rest = "somebody-elses-key";
    assert_err(route->serve(w.c, &wrong), ERR_NOT_FOUND);
    wrong = (struct callback_request){.rest = v.callback_key, .body = other, .n_body = sizeof other - 1};
    assert_err(route->serve(w.c, &wrong), ERR_INVALID);
    wrong.body = "nonsense";
    wrong.n_body = 8;
    assert_err(route->serve(w.c, &wrong), ERR_INVALID);
    w.c->caller.kind = CALLER_ACCOUNT;
    assert_int_equal(route->answer(OK).status, 200);
    assert_int_equal(route->answer(ERR_NOT_FOUND).status, 404);
    struct rows rows;
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE 'invoice.told:%' AND object = ?"),
                       TEXT(order)));
    assert_int_equal(row_int(&rows, 0, 0), 1);
    assert_int_equal(of(order).state, INV_SUBMITTED);
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    let_pass(600001);
    goes_to(order, INV_ISSUED, true);
}

static void a_failed_one_is_asked_for_again_with_better_data(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct invoice v;
    rig_fault(&r, "nuonuo", "result", "refused");
    paid(order);
    goes_to(order, INV_FAILED, false);
    v = of(order);
    assert_string_equal(v.cause, "购方税号校验不通过");
    struct purchase bad = {.tax_number = "1",
                           .invoice_email = "no",
                           .invoice_bank = "",
                           .invoice_bank_account = "x",
                           .invoice_address = "",
                           .invoice_phone = "",
                           .invoice_title = ""};
    assert_err(retry(w.c, v.id, &bad), ERR_INVALID);
    assert_int_equal(w.c->fault->n_violations, 3);
    assert_string_equal(w.c->fault->violations[0].field, "correction.email");
    fault_clear(w.c->fault);
    struct purchase good = {.tax_number = OTHER_USCC,
                            .invoice_email = "other@example.com",
                            .invoice_bank = "",
                            .invoice_bank_account = "",
                            .invoice_address = "",
                            .invoice_phone = "",
                            .invoice_title = "别的公司"};
    v = of(order);
    char first[INV_NUMBER_SIZE];
    memcpy(first, v.blue.order_no, sizeof first);
    assert_ok(retry(w.c, v.id, &good));
    assert_err(retry(w.c, v.id, &good), ERR_PRECONDITION);
    fault_clear(w.c->fault);
    goes_to(order, INV_ISSUED, true);
    v = of(order);
    assert_string_not_equal(v.blue.order_no, first);
    assert_string_equal(v.data.tax_number, OTHER_USCC);
    assert_string_equal(v.data.invoice_title, "杭州测试有限公司"); /* S12 */
    assert_string_equal(v.cause, "");
    assert_int_equal(there(order), 2); /* the one that failed, and this one */
}

static void what_is_not_sealed_is_sealed_again(void **s)
{
    (void)s;
    char order[ID_SIZE];
    rig_fault(&r, "nuonuo", "result", "unsealed");
    paid(order);
    goes_to(order, INV_ISSUED, true);
    assert_int_equal(there(order), 1);
}

static void files_that_do_not_come_are_fetched_later(void **s)
{
    (void)s;
    static const char *const kinds_of_loss[] = {"lose_answer", "garbage", "lose_request"};
    for (size_t i = 0; i < 3; i++) {
        char order[ID_SIZE];
        rig_fault(&r, "nuonuo", "file", kinds_of_loss[i]);
        paid(order);
        goes_to(order, INV_ISSUED, true);
    }
}

/* -- money that goes back -------------------------------------------------------------------------------- */

static void nothing_is_sent_after_the_money_went_back(void **s)
{
    (void)s;
    char order[ID_SIZE];
    outbox_stop(outbox); /* nobody works */
    outbox = NULL;
    paid(order);
    assert_int_equal(of(order).state, INV_REQUESTED);
    refund(order);
    assert_int_equal(of(order).state, INV_DROPPED);
    assert_int_equal(start_outbox(), 0);
    test_ctx_reset(&w.t);
    let_pass(60000);
    struct awaited never = {order, INV_ISSUED, false};
    assert_false(test_until(is, &never, 500));
    assert_int_equal(there(order), 0);
}

static void what_is_under_way_is_finished_first(void **s)
{
    (void)s;
    char order[ID_SIZE];
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":600000}");
    paid(order);
    wait_for(order, INV_SUBMITTED, false);
    refund(order);
    assert_int_equal(of(order).state, INV_SUBMITTED);
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    let_pass(600001);
    goes_to(order, INV_RED, true);
    assert_int_equal(there(order), 2);
}

static void what_was_refused_meanwhile_is_dropped(void **s)
{
    (void)s;
    char order[ID_SIZE];
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":600000}");
    rig_fault(&r, "nuonuo", "result", "refused");
    paid(order);
    wait_for(order, INV_SUBMITTED, false);
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    refund(order);
    let_pass(600001);
    goes_to(order, INV_DROPPED, false);
}

static void a_red_one_that_fails_is_asked_for_again(void **s)
{
    (void)s;
    char order[ID_SIZE];
    struct invoice v;
    static const char *const losses[] = {"lose_answer", "lose_request", "garbage"};
    for (size_t i = 0; i < 3; i++) {
        paid(order);
        goes_to(order, INV_ISSUED, true);
        rig_fault(&r, "nuonuo", "fastInvoiceRed", losses[i]);
        refund(order);
        goes_to(order, INV_RED, true);
        assert_int_equal(there(order), 2);
    }
    paid(order);
    goes_to(order, INV_ISSUED, true);
    rig_fault(&r, "nuonuo", "result", "refused");
    refund(order);
    goes_to(order, INV_RED_FAILED, false);
    v = of(order);
    assert_string_not_equal(v.cause, "");
    assert_ok(retry(w.c, v.id, NULL));
    goes_to(order, INV_RED, true);
}

/* -- time ------------------------------------------------------------------------------------------------ */

static enum err do_resend(struct ctx *c, void *arg)
{
    const char *const *a = arg;
    return invoice_resend(c, a[0], a[1]);
}

static enum err resend(const char *id, const char *email)
{
    const char *args[] = {id, email};
    test_ctx_reset(&w.t);
    w.c->now_ms = clock_now_ms();
    enum err e = tx_run(w.c, do_resend, args);
    outbox_wake(outbox);
    return e;
}

static bool mailed_to_other(void *arg)
{
    json_t *all = rig_control(&r, "/sim/mails?to=other%40example.org", NULL);
    bool ok = json_array_size(json_object_get(all, "mails")) >= *(const size_t *)arg;
    json_decref(all);
    return ok;
}

static void it_is_mailed_again_a_few_times_a_day(void **s)
{
    (void)s;
    char order[ID_SIZE];
    paid(order);
    goes_to(order, INV_ISSUED, true);
    struct invoice v = of(order);
    assert_err(resend(v.id, "no address"), ERR_INVALID);
    for (int i = 0; i < 5; i++) {
        assert_ok(resend(v.id, "other@example.org"));
        assert_err(resend(v.id, ""), ERR_RATE_LIMITED);
        assert_true(w.t.fault.retry_ms > 0);
        let_pass(61000);
    }
    assert_err(resend(v.id, ""), ERR_RATE_LIMITED);
    let_pass(25 * 3600000);
    assert_ok(resend(v.id, ""));
    size_t five = 5;
    assert_true(test_until(mailed_to_other, &five, 15000));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM audit WHERE detail LIKE '%example%'")), 0);
}

static bool late_is_seen(void *arg)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(
        db_query(w.c, &rows,
                 SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'invoice.due' AND state = 4 AND object = ?"),
                 TEXT(arg)));
    return row_int(&rows, 0, 0) == 1;
}

static void one_that_is_late_is_shown_to_the_desk(void **s)
{
    (void)s;
    char order[ID_SIZE];
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":90000000}");
    paid(order);
    wait_for(order, INV_SUBMITTED, false);
    let_pass(20 * 3600000 - 60000);
    assert_false(test_until(late_is_seen, order, 300));
    let_pass(61000);
    assert_true(test_until(late_is_seen, order, 15000));
    struct invoice v = of(order);
    struct rows rows;
    assert_ok(db_query(w.c, &rows,
                       SQL("SELECT COUNT(*) FROM audit WHERE action = 'invoice.late' AND object = ?"),
                       TEXT(v.id)));
    assert_int_equal(row_int(&rows, 0, 0), 1);
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":0}");
    let_pass(8 * 3600000);
    goes_to(order, INV_ISSUED, true);
}

static bool unsent_is_shown(void *arg)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(
        db_query(w.c, &rows,
                 SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'invoice.issue' AND state = 4 AND object = ?"),
                 TEXT(arg)));
    return row_int(&rows, 0, 0) == 1;
}

static enum err do_retry_job(struct ctx *c, void *arg)
{
    return outbox_retry(c, arg);
}

static void without_a_supplier_it_waits_for_a_hand(void **s)
{
    (void)s;
    char order[ID_SIZE], job[ID_SIZE];
    struct invoice_port port = providers.invoice;
    providers.invoice = (struct invoice_port){0};
    paid(order);
    assert_true(test_until(unsent_is_shown, order, 15000));
    assert_int_equal(of(order).state, INV_REQUESTED);
    providers.invoice = port;
    struct rows rows;
    assert_ok(db_query(w.c, &rows, SQL("SELECT id FROM outbox WHERE kind = 'invoice.issue' AND object = ?"),
                       TEXT(order)));
    snprintf(job, sizeof job, "%s", row_text(&rows, 0, 0));
    assert_ok(as_system(do_retry_job, job));
    goes_to(order, INV_ISSUED, true);
}

/* -- the token in the database --------------------------------------------------------------------------- */

static void the_token_is_sealed_and_few_are_taken(void **s)
{
    (void)s;
    const struct provider_tokens *store = token_store(&w.app);
    struct provider_token t, u;
    struct fault f = {0};
    assert_true(calls("nuonuo.token") < 40); /* one a day, and this test makes many days pass */
    assert_ok(store->load(store->arg, "test:x", &t, &f));
    assert_string_equal(t.text, "");
    assert_int_equal(t.version, 0);
    assert_ok(store->claim(store->arg, "test:x", 0, &f));
    assert_err(store->claim(store->arg, "test:x", 0, &f), ERR_CONFLICT);
    assert_err(store->claim(store->arg, "test:x", 1, &f), ERR_CONFLICT);
    snprintf(t.text, sizeof t.text, "secret-token-of-a-supplier");
    t.expires_ms = clock_now_ms() + 86400000;
    assert_ok(store->save(store->arg, "test:x", &t, &f));
    assert_ok(store->load(store->arg, "test:x", &u, &f));
    assert_string_equal(u.text, t.text);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM supplier_token WHERE token LIKE '%secret%'")),
                     0);
    assert_err(store->claim(store->arg, "test:x", 1, &f), ERR_CONFLICT); /* an old look */
    for (int i = 2; i <= TOKENS_A_DAY; i++) {
        assert_ok(store->load(store->arg, "test:x", &u, &f));
        assert_ok(store->claim(store->arg, "test:x", u.version, &f));
        assert_ok(store->save(store->arg, "test:x", &t, &f));
    }
    assert_ok(store->load(store->arg, "test:x", &u, &f));
    assert_err(store->claim(store->arg, "test:x", u.version, &f), ERR_RATE_LIMITED);
    let_pass(24 * 3600000 + 1000);
    assert_ok(store->claim(store->arg, "test:x", u.version, &f)); /* and whoever dies of it */
    assert_ok(store->load(store->arg, "test:x", &u, &f));
    assert_err(store->claim(store->arg, "test:x", u.version, &f), ERR_CONFLICT);
    let_pass(TOKEN_CLAIM_MS + 1);
    assert_ok(store->claim(store->arg, "test:x", u.version, &f)); /* does not hold it for ever */
}

static void every_state_has_its_moves(void **s)
{
    (void)s;
    int moves = 0;
    for (int from = INV_REQUESTED; from <= INV_DROPPED; from++)
        for (int e = 1; e <= INV_EV_LAST; e++) {
            int to = 0;
            struct fault f = {0};
            if (machine_next(&invoice_machine, from, e, ERR_PRECONDITION, &to, &f) != OK)
                continue;
            moves++;
            assert_true(to >= INV_REQUESTED && to <= INV_DROPPED && to != from);
            assert_true(from != INV_RED && from != INV_DROPPED); /* nothing comes after them */
        }
    assert_int_equal(moves, (int)invoice_machine.n);
    assert_string_equal(inv_state_name(INV_REVERSING), "REVERSING");
    assert_string_equal(inv_state_name(99), "UNKNOWN");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_moves),
        cmocka_unit_test(a_paid_order_gets_its_invoice_archived_and_mailed),
        cmocka_unit_test(who_wants_none_gets_none),
        cmocka_unit_test(only_who_sees_the_order_sees_its_invoice),
        cmocka_unit_test(lost_answers_make_no_second_invoice),
        cmocka_unit_test(a_callback_is_a_hint),
        cmocka_unit_test(a_failed_one_is_asked_for_again_with_better_data),
        cmocka_unit_test(what_is_not_sealed_is_sealed_again),
        cmocka_unit_test(files_that_do_not_come_are_fetched_later),
        cmocka_unit_test(nothing_is_sent_after_the_money_went_back),
        cmocka_unit_test(what_is_under_way_is_finished_first),
        cmocka_unit_test(what_was_refused_meanwhile_is_dropped),
        cmocka_unit_test(a_red_one_that_fails_is_asked_for_again),
        cmocka_unit_test(it_is_mailed_again_a_few_times_a_day),
        cmocka_unit_test(one_that_is_late_is_shown_to_the_desk),
        cmocka_unit_test(without_a_supplier_it_waits_for_a_hand),
        cmocka_unit_test(the_token_is_sealed_and_few_are_taken),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
