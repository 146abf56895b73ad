/* Invoices of paid orders, by the real jobs, adapter, sandbox and database: how it goes, and everything that
 * goes wrong (S15, S12). */
#include "invoice_rig.h"

#include "order/order_tell.h"

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
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET policy = JSON_REMOVE(policy, '$.invoice')")));
    fault_clear(w.c->fault);
    enum err e = invoice_order_paid(w.c, &o);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel SET policy = JSON_SET(policy, '$.invoice', TRUE)")));
    assert_ok(e);
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
    wait_accepted(order);
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

static int64_t told(const char *like, const char *order)
{
    struct rows rows;
    test_ctx_reset(&w.t);
    assert_ok(db_query(w.c, &rows, SQL("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE ? AND object = ?"),
                       TEXT(like), TEXT(order)));
    return row_int(&rows, 0, 0);
}

static void of_a_failed_one_hears_who_can_correct_it(void **s)
{
    (void)s;
    for (int given_back = 0; given_back < 2; given_back++) {
        char order[ID_SIZE];
        rig_fault(&r, "nuonuo", "result", "refused");
        paid(order);
        if (given_back)
            assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = ? WHERE id = ?"),
                              INT(ORDER_REFUNDING), TEXT(order)));
        goes_to(order, INV_FAILED, false);
        assert_int_equal(told("sms:invoice_failed:%", order), !given_back);
        assert_int_equal(told("mail:invoice_failed:%", order), !given_back);
        assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = ? WHERE id = ?"), INT(ORDER_CANCELLED),
                          TEXT(order)));
    }
}

static enum err tell_without_email(struct ctx *c, void *order)
{
    struct order o;
    const char *number = "1A";
    TRY(order_load(c, order, &o));
    o.agent.email = "";
    TRY(order_tell(c, &o, NEWS_DOWNLOADED, (const char *[]){o.id, number}, &number, "its own"));
    return order_tell_else(c, &o, NEWS_INVOICE_FAILED, "books@example.com", (const char *[]){o.id}, &number,
                           "of the invoice");
}

/* Where the invoice goes may be somebody else's mailbox. */
static void an_invoices_mailbox_hears_of_the_invoice_alone(void **s)
{
    (void)s;
    char order[ID_SIZE];
    paid(order);
    assert_ok(as_system(tell_without_email, order));
    assert_int_equal(told("sms:its own", order), 1);
    assert_int_equal(told("mail:its own", order), 0);
    assert_int_equal(told("sms:of the invoice", order), 1);
    assert_int_equal(told("mail:of the invoice", order), 1);
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
        cmocka_unit_test(of_a_failed_one_hears_who_can_correct_it),
        cmocka_unit_test(an_invoices_mailbox_hears_of_the_invoice_alone),
        cmocka_unit_test(what_is_not_sealed_is_sealed_again),
        cmocka_unit_test(files_that_do_not_come_are_fetched_later),
    };
    return CHECK_MAIN_WORLD(tests, invoice_rig_setup, invoice_rig_teardown);
}
