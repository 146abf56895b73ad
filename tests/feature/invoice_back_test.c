/* Invoices when the money goes back, at every moment; when they are late; and the supplier's token in the
 * database (S15). */
#include "invoice_rig.h"

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

static enum err do_give_back(struct ctx *c, void *arg)
{
    struct order o;
    TRY(order_load(c, arg, &o));
    TRY(order_move(c, &o, EV_CANCELLED_PAID, NULL, NULL));
    return order_move(c, &o, EV_REFUNDED, NULL, NULL);
}

/* Whoever completes a refund moves the order; the invoice follows by itself. */
static void an_order_that_is_refunded_takes_its_invoice_along(void **s)
{
    (void)s;
    char order[ID_SIZE];
    paid(order);
    goes_to(order, INV_ISSUED, true);
    assert_ok(as_system(do_give_back, order));
    assert_int_equal(of(order).state, INV_REVERSING);
    goes_to(order, INV_RED, true);
    assert_int_equal(there(order), 2);
}

/* What is said to the supplier, looked at on its way. */
static size_t red_lines;

static enum err red_seen(void *self, const struct invoice_reversal *v, struct arena *a,
                         char serial[static 64], struct provider_trace *trace, struct fault *f)
{
    red_lines = v->blue.n_lines;
    return r.invoice.ops->red(self, v, a, serial, trace, f);
}

/* The red one has its blue one's lines: one of before the quote's lines were on it has one for the whole. */
static void a_red_one_is_itemised_as_its_blue_one_was(void **s)
{
    (void)s;
    struct invoice_ops watched = *r.invoice.ops;
    watched.red = red_seen;
    outbox_stop(outbox);
    providers.invoice.ops = &watched;
    assert_int_equal(start_outbox(), 0);
    for (int old = 0; old < 2; old++) {
        char order[ID_SIZE];
        paid(order);
        goes_to(order, INV_ISSUED, true);
        assert_true(of(order).itemised);
        if (old)
            assert_ok(db_exec(w.c, NULL, SQL("UPDATE invoice SET itemised = DEFAULT WHERE order_id = ?"),
                              TEXT(order)));
        red_lines = 99;
        refund(order);
        goes_to(order, INV_RED, true);
        assert_int_equal(red_lines, old ? 0 : 1);
    }
    outbox_stop(outbox);
    providers.invoice.ops = r.invoice.ops;
    assert_int_equal(start_outbox(), 0);
}

static struct invoice_terms blue_terms, red_terms;

static void keep(struct invoice_terms *t)
{
    const char **const texts[] = {&t->seller_address, &t->seller_phone, &t->clerk,
                                  &t->goods_name,     &t->goods_code,   &t->tax_rate};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_strdup(&r.a, *texts[i]);
}

static enum err watch_issue(void *self, const struct invoice_order *o, struct arena *a,
                            char serial[static 64], struct provider_trace *trace, struct fault *f)
{
    blue_terms = r.invoice.ops->complete(self, &o->terms);
    enum err e = r.invoice.ops->issue(self, o, a, serial, trace, f);
    keep(&blue_terms);
    return e;
}

static enum err watch_red(void *self, const struct invoice_reversal *v, struct arena *a,
                          char serial[static 64], struct provider_trace *trace, struct fault *f)
{
    red_terms = r.invoice.ops->complete(self, &v->blue.terms);
    enum err e = r.invoice.ops->red(self, v, a, serial, trace, f);
    keep(&red_terms);
    return e;
}

/* Its seller stays: the sandbox knows one. word "": as the supplier's settings say. */
static void channel_says(const char *word, const char *rate)
{
    test_ctx_reset(&w.t);
    const char *line =
        arena_printf(w.c->arena,
                     "{\"seller_tax_number\":\"339901999999142\",\"seller_address\":\"%s路\","
                     "\"seller_phone\":\"010-%s\",\"clerk\":\"%s\",\"goods_name\":\"%s服务\","
                     "\"goods_code\":\"304020300000000000%s\",\"tax_rate\":\"%s\",\"invoice_line\":\"pc\"}",
                     word, word, word, word, *word == 'A' ? "1" : "2", rate);
    assert_ok(db_exec(w.c, NULL,
                      SQL("UPDATE channel SET policy = JSON_SET(policy, '$.invoice', JSON_EXTRACT(?, '$'))"),
                      TEXT(*word ? line : "true")));
}

static void says(const struct invoice_terms *t, const char *word, const char *rate)
{
    assert_string_equal(t->goods_name, arena_printf(&r.a, "%s服务", word));
    assert_string_equal(t->goods_code, *word == 'A' ? "3040203000000000001" : "3040203000000000002");
    assert_string_equal(t->tax_rate, rate);
    assert_string_equal(t->clerk, word);
    assert_string_equal(t->seller_address, arena_printf(&r.a, "%s路", word));
    assert_string_equal(t->seller_phone, arena_printf(&r.a, "010-%s", word));
}

/* What the channel says of goods and tax may change; one of before this was kept has only that. */
static void a_red_one_says_what_its_blue_one_said(void **s)
{
    (void)s;
    struct invoice_ops watched = *r.invoice.ops;
    watched.issue = watch_issue;
    watched.red = watch_red;
    outbox_stop(outbox);
    providers.invoice.ops = &watched;
    assert_int_equal(start_outbox(), 0);
    for (int old = 0; old < 2; old++) {
        char order[ID_SIZE];
        channel_says("A", "0.03");
        paid(order);
        goes_to(order, INV_ISSUED, true);
        says(&blue_terms, "A", "0.03");
        channel_says("B", "0.13");
        if (old)
            assert_ok(
                db_exec(w.c, NULL, SQL("UPDATE invoice SET terms = NULL WHERE order_id = ?"), TEXT(order)));
        refund(order);
        goes_to(order, INV_RED, true);
        says(&red_terms, old ? "B" : "A", old ? "0.13" : "0.03");
    }
    /* One that is asked for again says what the channel says then; and so does its red one, twice. */
    char order[ID_SIZE];
    channel_says("A", "0.03");
    rig_fault(&r, "nuonuo", "result", "refused");
    paid(order);
    goes_to(order, INV_FAILED, false);
    channel_says("B", "0.13");
    assert_ok(retry(w.c, of(order).id, NULL));
    goes_to(order, INV_ISSUED, true);
    says(&blue_terms, "B", "0.13");
    channel_says("A", "0.03");
    rig_fault(&r, "nuonuo", "result", "refused");
    refund(order);
    goes_to(order, INV_RED_FAILED, false);
    says(&red_terms, "B", "0.13");
    red_terms = (struct invoice_terms){0};
    assert_ok(retry(w.c, of(order).id, NULL));
    goes_to(order, INV_RED, true);
    says(&red_terms, "B", "0.13");
    /* A channel that says nothing leaves it to the supplier's settings: they are kept as well. */
    channel_says("", "");
    paid(order);
    goes_to(order, INV_ISSUED, true);
    struct invoice_terms settings = blue_terms;
    channel_says("B", "0.13");
    refund(order);
    goes_to(order, INV_RED, true);
    assert_string_equal(red_terms.goods_name, settings.goods_name);
    assert_string_equal(red_terms.tax_rate, settings.tax_rate);
    channel_says("", "");
    outbox_stop(outbox);
    providers.invoice.ops = r.invoice.ops;
    assert_int_equal(start_outbox(), 0);
}

static const char *title_for(const char *order, unsigned roles, bool list)
{
    struct test_ctx t;
    const char *title = NULL;
    PB(GetInvoiceRequest) in = CERTDESK__V1__GET_INVOICE_REQUEST__INIT;
    PB(GetInvoiceResponse) one = CERTDESK__V1__GET_INVOICE_RESPONSE__INIT;
    PB(ListInvoicesRequest) all = CERTDESK__V1__LIST_INVOICES_REQUEST__INIT;
    PB(ListInvoicesResponse) out = CERTDESK__V1__LIST_INVOICES_RESPONSE__INIT;
    world_ctx(&w, &t, "stf_test");
    t.c.caller = (struct caller){.kind = CALLER_STAFF, .id = "stf_test", .roles = roles};
    in.order_id = (char *)(uintptr_t)order;
    if (list)
        assert_ok(invoice_call(&t.c, "ListInvoices", &all, &out));
    else
        assert_ok(invoice_call(&t.c, "GetInvoice", &in, &one));
    for (size_t i = 0; i < out.n_invoices; i++) {
        assert_null(out.invoices[i]->data);
        assert_string_equal(out.invoices[i]->email, "");
        if (strcmp(out.invoices[i]->order_id, order) == 0)
            title = out.invoices[i]->title;
    }
    title = arena_strdup(&r.a, list ? title : one.invoice->title);
    test_ctx_close(&t);
    return title;
}

static void a_persons_name_is_for_who_may_correct_it(void **s)
{
    (void)s;
    char order[ID_SIZE];
    paid(order);
    goes_to(order, INV_ISSUED, true);
    const char *title = arena_strdup(&r.a, of(order).data.invoice_title);
    assert_string_equal(title_for(order, ROLE_FINANCE, true), title); /* an organization's */
    assert_string_equal(title_for(order, ROLE_SHIPPER, false), title);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET subject_kind = ? WHERE id = ?"),
                      INT(SUBJECT_INDIVIDUAL), TEXT(order)));
    const char *masked = arena_strdup(&r.a, mask_name(&r.a, title));
    assert_string_equal(title_for(order, ROLE_FINANCE, true), masked);
    assert_string_equal(title_for(order, ROLE_FINANCE, false), title);
    assert_string_equal(title_for(order, ROLE_SHIPPER, false), masked);
    assert_string_equal(title_for(order, ROLE_AUDITOR, false), masked);
}

static void what_is_under_way_is_finished_first(void **s)
{
    (void)s;
    char order[ID_SIZE];
    rig_do(&r, "/sim/config", "{\"nuonuo_ms\":600000}");
    paid(order);
    wait_accepted(order);
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
    wait_accepted(order);
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
    assert_true(test_until(mailed_to_other, &five, PATIENCE_MS));
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
    wait_accepted(order);
    let_pass(20 * 3600000 - 60000);
    assert_false(test_until(late_is_seen, order, 300));
    let_pass(61000);
    assert_true(test_until(late_is_seen, order, PATIENCE_MS));
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
    assert_true(test_until(unsent_is_shown, order, PATIENCE_MS));
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
        t.version = u.version;
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
    snprintf(u.text, sizeof u.text, "the newer one");
    u.expires_ms = clock_now_ms() + 86400000;
    assert_ok(store->save(store->arg, "test:x", &u, &f));
    t.version = u.version - 1; /* of the one who died: it lives after all, and comes late */
    assert_err(store->save(store->arg, "test:x", &t, &f), ERR_CONFLICT);
    assert_ok(store->load(store->arg, "test:x", &u, &f));
    assert_string_equal(u.text, "the newer one");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_after_the_money_went_back),
        cmocka_unit_test(an_order_that_is_refunded_takes_its_invoice_along),
        cmocka_unit_test(a_red_one_is_itemised_as_its_blue_one_was),
        cmocka_unit_test(a_red_one_says_what_its_blue_one_said),
        cmocka_unit_test(a_persons_name_is_for_who_may_correct_it),
        cmocka_unit_test(what_is_under_way_is_finished_first),
        cmocka_unit_test(what_was_refused_meanwhile_is_dropped),
        cmocka_unit_test(a_red_one_that_fails_is_asked_for_again),
        cmocka_unit_test(it_is_mailed_again_a_few_times_a_day),
        cmocka_unit_test(one_that_is_late_is_shown_to_the_desk),
        cmocka_unit_test(without_a_supplier_it_waits_for_a_hand),
        cmocka_unit_test(the_token_is_sealed_and_few_are_taken),
    };
    return CHECK_MAIN_WORLD(tests, invoice_rig_setup, invoice_rig_teardown);
}
