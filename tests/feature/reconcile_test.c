/* Our books against the providers' bills, fetched through the real adapters from the sandbox: a clean day,
 * and every way in which the two can differ. Money is conserved whatever happened. */
#include "money_rig.h"

#include "core/db_tx.h"
/* One order that is reviewed, one cancelled with its money back, one whose money came too late. */
static void a_days_work(int provider)
{
    char order[ID_SIZE], payment[ID_SIZE];
    paid_at(provider, order, payment);
    paid_at(provider, order, payment);
    assert_ok(cancel(order));
    hurry = true;
    wait_order(order, ORDER_CANCELLED);
    to_payment(order);
    assert_ok(new_payment_at(order, provider, payment));
    wait_payment(payment, PAY_WAITING);
    scan(payment);
    assert_ok(cancel(order));
    wait_payment(payment, PAY_REFUNDED);
    hurry = false;
}

static void a_clean_day(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11];
        struct reconciliation out;
        next_noon(date);
        a_days_work(provider);
        assert_err(reconcile(provider, date, &out), ERR_NOT_FOUND); /* not ready */
        next_noon(next);
        out = report(provider, date, 0, "");
        assert_int_equal(out.money.captured.n, 3);
        assert_int_equal(out.money.captured.fen, 3 * 28000);
        assert_int_equal(out.money.settled.fen, 28000);
        assert_int_equal(out.money.refunded.fen, 2 * 28000);
        assert_int_equal(out.money.held.fen, 0);
        assert_int_equal(out.bill_captures.fen, out.money.captured.fen);
        assert_int_equal(out.bill_refunds.fen, out.refunds.fen);
        assert_int_equal(out.bill_refunds.fen, 2 * 28000);
        assert_string_not_equal(out.bill_hash, "");
        assert_int_equal(report(provider, date, 0, "").runs, 2);
        next_noon(date);
        report(provider, next, 0, ""); /* a day on which nothing happened */
    }
}

static bool more_told(void *than)
{
    return told() > *(const int *)than;
}

/* A payment that was scanned while nobody looked: ours is closed, and only the bill knows. The callback has
 * come, and is handed to nobody: one that came later would be taken for that of the next who pays. */
static void lost(int provider, char order[static ID_SIZE], char payment[static ID_SIZE])
{
    to_payment(order);
    assert_ok(new_payment_at(order, provider, payment));
    wait_payment(payment, PAY_WAITING);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE payment SET state = 4, version = version + 1 WHERE id = ?"),
                      TEXT(payment)));
    int before = told();
    scan(payment);
    assert_true(test_until(more_told, &before, PATIENCE_MS));
}

/* Nobody told us, and nobody asked: the bill did. */
static void what_only_the_bill_knows_is_booked(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        next_noon(date);
        lost(provider, order, payment);
        next_noon(next);
        struct reconciliation out = report(provider, date, 1, "BOOKED");
        assert_int_equal(out.differences[0].bill_fen, 28000);
        assert_int_equal(out.money.settled.fen, 28000);
        assert_order(order, ORDER_REVIEW);
        report(provider, date, 0, "");
    }
}

static void a_row_that_cannot_be_booked_is_a_difference_and_the_others_are_booked(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], bad[ID_SIZE], bad_payment[ID_SIZE], good[3][ID_SIZE], payment[ID_SIZE];
        next_noon(date);
        lost(provider, good[0], payment);
        lost(provider, bad, bad_payment);
        lost(provider, good[1], payment);
        paid_at(provider, good[2], payment);
        assert_ok(
            db_exec(w.c, NULL, SQL("CREATE TABLE unbookable (payment VARCHAR(40) COLLATE utf8mb4_bin)")));
        assert_ok(db_exec(w.c, NULL, SQL("INSERT INTO unbookable VALUES (?)"), TEXT(bad_payment)));
        static const char trigger[] =
            "CREATE TRIGGER refuses BEFORE INSERT ON payment_capture FOR EACH ROW IF EXISTS (SELECT 1 FROM "
            "unbookable WHERE payment = NEW.payment_id) THEN SIGNAL SQLSTATE '45000'; END IF";
        assert_ok(db_run_text(w.c->db, trigger, strlen(trigger), w.c->fault));
        next_noon(next);
        struct reconciliation out;
        assert_ok(reconcile(provider, date, &out));
        assert_int_equal(out.n_differences, 3);
        int refused = -1, booked = 0;
        for (int i = 0; i < 3; i++)
            if (strcmp(out.differences[i].kind, "BOOKED") == 0)
                booked++;
            else
                refused = i;
        assert_int_equal(booked, 2);
        assert_string_equal(out.differences[refused].kind, "NOT_BOOKED");
        assert_int_equal(out.differences[refused].bill_fen, 28000);
        assert_string_equal(out.differences[refused].capture, ""); /* no capture yet */
        assert_string_equal(out.differences[refused].payment, bad_payment);
        assert_string_equal(out.differences[refused].order, bad);
        assert_int_equal(out.money.captured.n, 3);
        assert_int_equal(out.bill_captures.n, 4);
        assert_order(good[0], ORDER_REVIEW);
        assert_order(good[1], ORDER_REVIEW);
        assert_order(bad, ORDER_PAYMENT);
        report(provider, date, 1, "NOT_BOOKED"); /* as often as one likes */
        assert_ok(db_run_text(w.c->db, "DROP TRIGGER refuses", 20, w.c->fault));
        assert_ok(db_exec(w.c, NULL, SQL("DROP TABLE unbookable")));
        report(provider, date, 1, "BOOKED");
        assert_order(bad, ORDER_REVIEW);
        report(provider, date, 0, "");
    }
}

/* Only the bill knows that it came, and that it went back. */
static void what_went_back_pays_for_nothing(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        const struct payment_port *port = provider == PROVIDER_ALIPAY ? &r.alipay : &r.pay;
        struct payment_refund_status there;
        next_noon(date);
        lost(provider, order, payment);
        struct payment_refund_order o = {
            .out_trade_no = payment, .out_refund_no = "all_by_hand", .refund_fen = 28000, .total_fen = 28000};
        assert_ok(port->ops->refund(port->self, &o, &r.a, &there, &w.t.fault));
        next_noon(next);
        struct reconciliation out;
        assert_ok(reconcile(provider, date, &out));
        assert_string_equal(out.differences[0].kind, "BOOKED");
        assert_int_equal(out.money.settled.fen, 0);
        assert_int_equal(out.money.refunded.fen + out.money.held.fen, 28000);
        assert_true(money_is_conserved(&out.money));
        assert_order(order, ORDER_PAYMENT);
        assert_string_equal(only_capture(payment).capture.reason, "RETURNED");
    }
}

static void sums_that_differ_are_shown(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
        next_noon(date);
        paid_at(provider, order, payment);
        next_noon(next);
        assert_ok(db_exec(w.c, NULL,
                          SQL("UPDATE payment_capture SET amount_fen = 27999 WHERE payment_id = ?"),
                          TEXT(payment)));
        struct reconciliation out;
        assert_ok(reconcile(provider, date, &out));
        assert_string_equal(out.differences[0].kind, "AMOUNT");
        assert_int_equal(out.differences[0].ours_fen, 27999);
        assert_int_equal(out.differences[0].bill_fen, 28000);
        assert_string_equal(out.differences[1].kind,
                            "NOT_CONSERVED"); /* the settlement says otherwise, too */
        assert_ok(db_exec(w.c, NULL,
                          SQL("UPDATE payment_capture SET amount_fen = 28000 WHERE payment_id = ?"),
                          TEXT(payment)));
        report(provider, date, 0, "");
    }
}

static void what_only_we_know_is_shown(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    next_noon(date);
    paid(order, payment);
    assert_ok(
        db_exec(w.c, NULL,
                SQL("INSERT INTO payment_capture (id, provider, txn_no, payment_id, amount_fen, currency, "
                    "state, reason, captured_ms, created_ms) VALUES ('cap_made_up', 1, 'T-made-up', 'x', 5, "
                    "'CNY', 2, 'NO_PAYMENT', ?, 1)"),
                INT(w.c->now_ms)));
    next_noon(next);
    struct reconciliation out = report(PROVIDER_WECHAT, date, 1, "NOT_IN_BILL");
    assert_string_equal(out.differences[0].number, "T-made-up");
    assert_int_equal(out.money.held.fen, 5);
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_capture WHERE id = 'cap_made_up'")));
}

static void refunds_are_compared(void **s)
{
    (void)s;
    for (int provider = PROVIDER_WECHAT; provider <= PROVIDER_ALIPAY; provider++) {
        char date[11], next[11], order[ID_SIZE], payment[ID_SIZE], other[ID_SIZE], others[ID_SIZE];
        const struct payment_port *port = provider == PROVIDER_ALIPAY ? &r.alipay : &r.pay;
        struct payment_refund_status there;
        next_noon(date);
        paid_at(provider, others, other);
        struct payment_refund_order o = {
            .out_trade_no = other, .out_refund_no = "by_hand", .refund_fen = 100, .total_fen = 28000};
        assert_ok(
            port->ops->refund(port->self, &o, &r.a, &there, &w.t.fault)); /* at the provider's own desk */
        paid_at(provider, order, payment);
        assert_ok(cancel(order));
        hurry = true;
        wait_order(order, ORDER_CANCELLED);
        hurry = false;
        /* as if nobody had told us that it was done */
        assert_ok(db_exec(w.c, NULL,
                          SQL("UPDATE payment_refund SET state = 2, version = version + 1, done_ms = 0 WHERE "
                              "payment_id = ?"),
                          TEXT(payment)));
        next_noon(next);
        struct reconciliation out;
        assert_ok(reconcile(provider, date, &out));
        assert_int_equal(out.n_differences, 2);
        int unknown = strcmp(out.differences[0].kind, "REFUND_UNKNOWN") == 0 ? 0 : 1;
        assert_string_equal(out.differences[unknown].kind, "REFUND_UNKNOWN");
        assert_string_equal(out.differences[unknown].number, "by_hand");
        assert_string_equal(out.differences[!unknown].kind, "REFUND_STATE");
        assert_named(&out.differences[unknown], other, others);
        assert_named(&out.differences[!unknown], payment, order);
        wait_refund(payment, REFUND_IS_DONE);
        report(provider, date, 1, "REFUND_UNKNOWN");
    }
}

struct with {
    const struct payment_bill *bill;
    const char *date;
    struct reconciliation *out;
};

static enum err compare_with(struct ctx *c, void *arg)
{
    const struct with *x = arg;
    return reconcile_with(c, PROVIDER_WECHAT, x->date, x->bill, NULL, x->out);
}

static void a_refund_that_no_bill_has_is_shown(void **s)
{
    (void)s;
    char date[11], next[11], order[ID_SIZE], payment[ID_SIZE];
    next_noon(date);
    paid(order, payment);
    assert_ok(cancel(order));
    hurry = true;
    wait_order(order, ORDER_CANCELLED);
    hurry = false;
    next_noon(next);
    report(PROVIDER_WECHAT, date, 0, "");
    /* as if the provider had never made it */
    assert_ok(db_exec(w.c, NULL, SQL("DELETE FROM payment_return")));
    struct reconciliation out;
    const struct payment_bill empty = {0};
    test_ctx_reset(&w.t);
    assert_ok(tx_run(w.c, compare_with, &(struct with){&empty, date, &out}));
    assert_string_equal(out.differences[0].kind, "NOT_IN_BILL");
    assert_string_equal(out.differences[1].kind, "REFUND_NOT_IN_BILL");
    assert_string_equal(out.differences[1].number, only_capture(payment).refund.id);
    for (int i = 0; i < 2; i++)
        assert_named(&out.differences[i], payment, order);
}

struct seen {
    const char *date;
    PB(ListReconciliationsResponse) out;
};

static bool listed(void *arg)
{
    struct seen *x = arg;
    struct test_ctx staff;
    PB(ListReconciliationsRequest) in = CERTDESK__V1__LIST_RECONCILIATIONS_REQUEST__INIT;
    let_pass(1000);
    staff_ctx(&staff);
    in.provider = CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT;
    in.page_size = 1;
    certdesk__v1__list_reconciliations_response__init(&x->out);
    assert_ok(call(&staff.c, "ListReconciliations", &in, &x->out));
    bool there =
        x->out.n_reconciliations == 1 && strcmp(x->out.reconciliations[0]->date, x->date) == 0 &&
        x->out.reconciliations[0]->state == CERTDESK__V1__RECONCILIATION_STATE__RECONCILIATION_STATE_CLEAN;
    test_ctx_close(&staff);
    return there;
}

static enum err begin(void)
{
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    enum err e = reconcile_begin(w.c);
    w.c->caller = caller;
    return e;
}

static void the_days_go_on_by_themselves(void **s)
{
    (void)s;
    char date[11], next[11];
    next_noon(date);
    assert_ok(begin());
    uint64_t jobs =
        (uint64_t)world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'payment.reconcile'"));
    assert_int_equal(jobs, 2);
    assert_ok(begin()); /* another start of the server on the same day */
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM outbox WHERE kind = 'payment.reconcile'")),
                     jobs);
    rig_fault(&r, "wechat", "bill", "busy");
    next_noon(next);
    struct seen x = {.date = date};
    assert_true(test_until(listed, &x, PATIENCE_MS));
    next_noon(date); /* nobody began this one */
    x.date = next;
    assert_true(test_until(listed, &x, PATIENCE_MS));
}

static void nonsense_is_refused(void **s)
{
    (void)s;
    struct reconciliation out;
    static const char *const dates[] = {"",         "2026-02-30",  "2026-1-1",
                                        "20260101", "2026-01-01T", "tomorrow!!"};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_err(reconcile(PROVIDER_WECHAT, dates[i], &out), ERR_INVALID);
    test_ctx_reset(&w.t);
    assert_err(reconcile_now(w.c, "paypal", "2026-01-01", &out), ERR_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_day),
        cmocka_unit_test(what_only_the_bill_knows_is_booked),
        cmocka_unit_test(a_row_that_cannot_be_booked_is_a_difference_and_the_others_are_booked),
        cmocka_unit_test(what_went_back_pays_for_nothing),
        cmocka_unit_test(sums_that_differ_are_shown),
        cmocka_unit_test(what_only_we_know_is_shown),
        cmocka_unit_test(refunds_are_compared),
        cmocka_unit_test(a_refund_that_no_bill_has_is_shown),
        cmocka_unit_test(the_days_go_on_by_themselves),
        cmocka_unit_test(nonsense_is_refused),
    };
    return CHECK_MAIN_WORLD(tests, money_open, money_close);
}
