/* What a channel says of review and delivery, and what an order makes of it (S19, S20, S25): kept from the
 * day it was created, approved by the system or by people, to the desk's queue or to the holder. */
#include "world.h"

#include "core/tx.h"
#include "issue/issue.h"
#include "order/form_pdf.h"
#include "order/order_paper.h"
#include "review/review.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct world w;
static int txns;

static int setup(void **state)
{
    (void)state;
    return world_open(&w);
}

static int teardown(void **state)
{
    (void)state;
    return world_close(&w);
}

/* What the channel says of organizations from now on. A number of USCC is free again. */
static void channel_says(bool review, enum delivery way)
{
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE orders SET state = 19")));
    assert_ok(
        db_exec(w.c, NULL, SQL("UPDATE channel_offer SET review = ?, delivery = ?"), INT(review), INT(way)));
    world_next(&w, 24 * 3600000);
}

static enum err do_settle(struct ctx *c, void *arg)
{
    return payment_settle(c, arg);
}

static void pay(const char *order)
{
    char payment[ID_SIZE];
    wait_for_payment(&w, order, payment);
    struct receipt r = {PROVIDER_WECHAT, arena_printf(w.c->arena, "42000000009%d", ++txns),
                        payment,         "CNY",
                        28000,           w.c->now_ms};
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(tx_run(w.c, do_settle, &r));
    w.c->caller = caller;
}

/* The template of the SMS that was queued under this word for the order. */
static const char *told(const char *word, const char *order)
{
    struct rows r;
    const char *text;
    size_t n;
    assert_ok(db_query(w.c, &r, SQL("SELECT id, payload FROM outbox WHERE dedupe = ?"),
                       TEXT(arena_printf(w.c->arena, "%s:%s", word, order))));
    assert_int_equal(r.n, 1);
    assert_ok(crypt_open(w.c->keys, w.c->arena,
                         arena_printf(w.c->arena, "outbox.payload:%s", row_text(&r, 0, 0)),
                         row_text(&r, 0, 1), row_cell(&r, 0, 1)->n, &text, &n, w.c->fault));
    json_t *j = json_loads(text, 0, NULL);
    const char *name = arena_strdup(w.c->arena, json_string_value(json_object_get(j, "template")));
    json_decref(j);
    return name;
}

static size_t in_queue(bool of_issues)
{
    struct review_item *reviews;
    struct issue_item *issues;
    size_t n;
    int64_t total;
    struct caller caller = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(of_issues ? issue_queue(w.c, 0, "", 100, &issues, &n, &total)
                        : review_queue(w.c, 0, "", 100, &reviews, &n, &total));
    w.c->caller = caller;
    assert_int_equal(n, total);
    return n;
}

static void without_review_a_paid_download_waits_for_its_holder(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(false, DELIVERY_DOWNLOAD);
    order_to_payment(&w, order);
    pay(order);
    PB(Order) *o = get_order(w.c, order);
    assert_int_equal(o->state, ORDER_DOWNLOAD);
    assert_int_equal(o->delivery, DELIVERY_DOWNLOAD);
    assert_true(has_action(o, "DownloadCertificate") && has_action(o, "CancelOrder"));
    assert_int_equal(o->n_actions, 2);
    assert_int_equal(in_queue(false), 0);
    assert_int_equal(in_queue(true), 0);
    assert_string_equal(told("sms:paid", order), "PAID_DOWNLOAD");
    assert_string_equal(told("mail:paid", order), "PAID_DOWNLOAD");
    struct rows r; /* I-9: paid, then approved, by nobody else than the system */
    assert_ok(db_query(w.c, &r,
                       SQL("SELECT action, version, caller_kind, detail FROM audit WHERE object = ? AND "
                           "version >= ? ORDER BY version"),
                       TEXT(order), INT(o->version - 1)));
    assert_int_equal(r.n, 2);
    assert_string_equal(row_text(&r, 0, 0), "order.paid");
    assert_string_equal(row_text(&r, 1, 0), "order.approved");
    assert_int_equal(row_int(&r, 1, 2), CALLER_SYSTEM);
    assert_string_equal(row_text(&r, 1, 3), "{\"review\":\"none\"}");
    struct order full;
    assert_ok(order_load(w.c, order, &full));
    assert_int_equal(full.submitted_ms, w.c->now_ms);
    assert_int_equal(full.due_ms, 0);                       /* nobody promised to look at it */
    assert_string_equal(full.purchase.delivery.street, ""); /* nothing is posted: not asked for, not kept */
}

static void without_review_the_desk_issues_what_is_paid(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(false, DELIVERY_DESK);
    order_to_payment(&w, order);
    pay(order);
    assert_state(&w, order, ORDER_ISSUE);
    assert_false(has_action(get_order(w.c, order), "DownloadCertificate"));
    assert_int_equal(in_queue(false), 0);
    assert_int_equal(in_queue(true), 1);
    struct order full; /* five working days are a week, but for holidays: none in the test's channel */
    assert_ok(order_load(w.c, order, &full));
    assert_int_equal(full.due_ms - w.c->now_ms, 7 * 24 * 3600 * 1000LL);
    assert_string_equal(told("sms:paid", order), "PAID_POST");
    assert_string_equal(told("mail:paid", order), "PAID_POST");
}

static enum err approve(struct ctx *c, void *arg)
{
    struct order o;
    TRY(order_load(c, arg, &o));
    return order_move(c, &o, EV_APPROVED, NULL, NULL);
}

static void a_reviewed_download_is_not_issued_by_the_desk(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(true, DELIVERY_DOWNLOAD);
    order_to_payment(&w, order);
    pay(order);
    assert_state(&w, order, ORDER_REVIEW);
    assert_int_equal(in_queue(false), 1);
    assert_string_equal(told("sms:paid", order), "ORDER_PAID");
    assert_ok(tx_run(w.c, approve, order));
    assert_state(&w, order, ORDER_DOWNLOAD);
    assert_int_equal(in_queue(true), 0);
}

static void an_order_keeps_what_its_channel_said_when_it_began(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(true, DELIVERY_DESK);
    make_order(&w, w.c, order);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel_offer SET review = 0, delivery = 2")));
    pass_organization(&w, order);
    pass_agent(&w, order);
    set_purchase(&w, order);
    assert_string_equal(get_order(w.c, order)->purchase->delivery->street, "文三路1号");
    confirm_purchase(&w, order);
    add_material(&w, order);
    sign(&w, order);
    pay(order);
    assert_state(&w, order, ORDER_REVIEW);
    assert_int_equal(get_order(w.c, order)->delivery, DELIVERY_DESK);
    assert_ok(tx_run(w.c, approve, order));
    assert_state(&w, order, ORDER_ISSUE);

    channel_says(false, DELIVERY_DOWNLOAD); /* and the other way */
    order_to_payment(&w, order);
    assert_ok(db_exec(w.c, NULL, SQL("UPDATE channel_offer SET review = 1, delivery = 1")));
    pay(order);
    assert_state(&w, order, ORDER_DOWNLOAD);
}

/* To PAYMENT, whose form is printed and posted. */
static void order_by_paper(char order[static ID_SIZE])
{
    make_order(&w, w.c, order);
    assert_ok(submit_organization(w.c, order, USCC, LEGAL_REP_PHONE));
    world_verified(&w, order, false);
    PB(SwitchToPaperRouteRequest) in = CERTDESK__V1__SWITCH_TO_PAPER_ROUTE_REQUEST__INIT;
    PB(SwitchToPaperRouteResponse) out = CERTDESK__V1__SWITCH_TO_PAPER_ROUTE_RESPONSE__INIT;
    in.order_id = order;
    assert_ok(call(w.c, "SwitchToPaperRoute", &in, &out));
    assert_ok(submit_agent_by(w.c, order, METHOD_PHONE_THREE_FACTOR));
    set_purchase(&w, order);
    confirm_purchase(&w, order);
}

/* S16: somebody must see the papers. */
static void by_paper_there_is_always_a_review(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(false, DELIVERY_DOWNLOAD);
    order_by_paper(order);
    pay(order);
    assert_state(&w, order, ORDER_PAPERS);
}

/* The form promises what will happen: nothing is posted to who downloads. */
static void the_form_says_how_the_certificate_comes(void **s)
{
    (void)s;
    char order[ID_SIZE];
    for (int way = DELIVERY_DESK; way <= DELIVERY_DOWNLOAD; way++) {
        struct form f;
        size_t addresses = 0;
        bool posted = way == DELIVERY_DESK;
        channel_says(true, (enum delivery)way);
        order_by_paper(order);
        assert_ok(order_application_form(w.c, order, &f));
        for (size_t i = 0; i < f.n_sections; i++)
            addresses += strcmp(f.sections[i].title, "邮寄") == 0;
        assert_int_equal(addresses, posted);
        const char *last = f.notes[f.n_notes - 1];
        assert_int_equal(strstr(last, "UKEY在5个工作日内寄出") != NULL, posted);
        assert_int_equal(strstr(last, "即可登录并下载证书") != NULL, !posted);
    }
}

static void a_download_is_for_one_certificate(void **s)
{
    (void)s;
    struct quote q;
    enum err e = catalog_quote(w.c, w.channel, ORDER_NEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY,
                               DELIVERY_DOWNLOAD, w.product, 12, false, 2, &q);
    assert_err(e, ERR_INVALID);
    assert_string_equal(w.t.fault.violations[0].field, "quantity");
    world_next(&w, 0);
}

/* S20: what waits to be downloaded may still be given up, and its money goes back. */
static void a_download_may_be_given_up(void **s)
{
    (void)s;
    char order[ID_SIZE];
    channel_says(false, DELIVERY_DOWNLOAD);
    order_to_payment(&w, order);
    pay(order);
    PB(CancelOrderRequest) in = CERTDESK__V1__CANCEL_ORDER_REQUEST__INIT;
    PB(CancelOrderResponse) out = CERTDESK__V1__CANCEL_ORDER_RESPONSE__INIT;
    in.order_id = order;
    assert_ok(call(w.c, "CancelOrder", &in, &out));
    assert_state(&w, order, ORDER_REFUNDING);
    assert_false(has_action(get_order(w.c, order), "DownloadCertificate"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_review_a_paid_download_waits_for_its_holder),
        cmocka_unit_test(without_review_the_desk_issues_what_is_paid),
        cmocka_unit_test(a_reviewed_download_is_not_issued_by_the_desk),
        cmocka_unit_test(an_order_keeps_what_its_channel_said_when_it_began),
        cmocka_unit_test(by_paper_there_is_always_a_review),
        cmocka_unit_test(the_form_says_how_the_certificate_comes),
        cmocka_unit_test(a_download_is_for_one_certificate),
        cmocka_unit_test(a_download_may_be_given_up),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
