/* Channels in the database: what an import would change, what it changes, and what is kept of it; what the
 * channel decides for other parts; and an order in the middle of it (S1, S5, S12). */
#include "world.h"

#include "catalog/catalog_import.h"
#include "catalog/catalog_store.h"
#include "catalog/channel_file.h"
#include "core/tx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct world w;

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

static const char shop[] =
    "code: shop\nname: 小店\nprofile: \"2023\"\nreview_days: 3\npayment_minutes: 30\nfirst_password: random\n"
    "page: {}\n"
    "offers:\n"
    "  - {subject: organization, medium: ukey, kinds: [new, renew], methods: [phone_three_factor, face], "
    "agent_methods: [face]}\n"
    "products:\n"
    "  - code: org\n"
    "    name: 单位证书\n"
    "    subject: organization\n"
    "    medium: ukey\n"
    "    prices: [{term_months: 12, price_fen: 100}]\n"
    "agreements: [{code: terms, title: 条款, text: 一}]\n";

static enum err import_body(struct ctx *c, void *arg)
{
    return catalog_import_file(c, arg);
}

static enum err run_import(const char *text, bool apply, struct import *out)
{
    *out = (struct import){.text = text, .n = strlen(text), .by = "tester", .apply = apply};
    struct caller before = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "certdeskd"};
    enum err e = tx_run(w.c, import_body, out);
    w.c->caller = before;
    return e;
}

static void apply(const char *text)
{
    struct import i;
    assert_ok(run_import(text, true, &i));
}

/* The text with the first `from` replaced. */
static const char *with(const char *text, const char *from, const char *to)
{
    const char *p = strstr(text, from);
    assert_non_null(p);
    return arena_printf(w.c->arena, "%.*s%s%s", (int)(p - text), text, to, p + strlen(from));
}

static const char *channel_id(const char *code)
{
    struct channel ch;
    struct caller before = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(catalog_channel(w.c, code, &ch));
    w.c->caller = before;
    return arena_strdup(w.c->arena, ch.id);
}

static bool has_change(const struct import *i, const char *path, const char *from, const char *to)
{
    for (size_t k = 0; k < i->n_changes; k++) {
        const struct change *one = &i->changes[k];
        if (strcmp(one->path, path) == 0)
            return (from ? one->from && strcmp(one->from, from) == 0 : !one->from) &&
                   (to ? one->to && strcmp(one->to, to) == 0 : !one->to);
    }
    return false;
}

static void a_dry_run_changes_nothing(void **s)
{
    (void)s;
    struct import i;
    const char *before = world_dump(&w, w.c->arena);
    assert_ok(run_import(shop, false, &i));
    assert_string_equal(i.code, "shop");
    assert_int_equal(i.version, 0);
    assert_int_equal(i.stored, 1);
    assert_false(i.same_text);
    assert_true(has_change(&i, "products[org].prices[12 months].price_fen", NULL, "100"));
    assert_true(has_change(&i, "offers[new organization ukey].methods", NULL, "phone_three_factor, face"));
    assert_true(has_change(&i, "offers[renew organization ukey].methods", NULL, "phone_three_factor, face"));
    assert_true(has_change(&i, "agreements[terms].version", NULL, "1"));
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM channel WHERE code = 'shop'")), 0);
    assert_string_equal(world_dump(&w, w.c->arena), before);
}

static void each_text_is_a_version_and_the_same_text_is_none(void **s)
{
    (void)s;
    struct import i;
    assert_ok(run_import(shop, true, &i));
    assert_int_equal(i.stored, 1);
    assert_ok(run_import(shop, true, &i));
    assert_true(i.same_text);
    assert_int_equal(i.stored, 1);
    assert_int_equal(i.n_changes, 0);
    const char *remark = arena_printf(w.c->arena, "# a remark\n%s", shop);
    assert_ok(run_import(remark, false, &i));
    assert_int_equal(i.n_changes, 0);
    assert_false(i.same_text);
    assert_ok(run_import(remark, true, &i));
    assert_int_equal(i.stored, 2);

    const char *dearer = with(with(shop, "price_fen: 100", "price_fen: 120"), "text: 一", "text: 二");
    assert_ok(run_import(dearer, false, &i));
    assert_int_equal(i.n_changes, 3);
    assert_true(has_change(&i, "products[org].prices[12 months].price_fen", "100", "120"));
    assert_true(has_change(&i, "agreements[terms].text", "一", "二"));
    assert_true(has_change(&i, "agreements[terms].version", "1", "2"));
    assert_ok(run_import(dearer, true, &i));
    assert_int_equal(i.stored, 3);
    assert_ok(run_import(shop, true, &i)); /* back: an old text, a new version */
    assert_int_equal(i.stored, 4);
    assert_true(has_change(&i, "agreements[terms].version", "2", "3"));

    struct channel_version *all, one;
    size_t n;
    assert_ok(channel_history(w.c, "shop", &all, &n));
    assert_int_equal(n, 4);
    assert_int_equal(all[0].version, 4);
    assert_string_equal(all[0].by, "tester");
    assert_int_equal(all[0].imported_ms, w.c->now_ms);
    assert_ok(channel_version_load(w.c, "shop", 2, &one));
    assert_int_equal(one.n, strlen(remark));
    assert_memory_equal(one.text, remark, one.n);
    assert_ok(channel_version_load(w.c, "shop", 0, &one));
    assert_memory_equal(one.text, shop, one.n);
    assert_err(channel_version_load(w.c, "shop", 9, &one), ERR_NOT_FOUND);
    assert_err(channel_history(w.c, "nobody", &all, &n), ERR_NOT_FOUND);
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM audit a JOIN channel c ON c.id = a.object "
                                          "WHERE c.code = 'shop' AND a.action = 'channel.import'")),
                     4);
}

static void a_file_with_faults_changes_nothing(void **s)
{
    (void)s;
    struct import i;
    assert_err(run_import("code: shop\nname: 1\n", true, &i), ERR_INVALID);
    assert_true(i.faults.n > 8);
    assert_true(w.c->fault->n_violations > 8);
    assert_string_equal(w.c->fault->violations[0].field, "agreements"); /* by line, then by path */
    assert_non_null(strstr(w.c->fault->text, "faults"));
    fault_clear(w.c->fault);
    assert_err(run_import("code: [", true, &i), ERR_INVALID);
    assert_int_equal(i.faults.n, 1);
    fault_clear(w.c->fault);
    assert_int_equal(world_number(&w, SQL("SELECT version FROM channel WHERE code = 'shop'")), 4);
}

static void what_is_gone_from_the_file_is_no_longer_offered(void **s)
{
    (void)s;
    struct offer offer;
    struct product *products;
    const struct agreement *agreements;
    size_t n;
    const char *id = channel_id("shop");
    assert_ok(catalog_offer(w.c, id, ORDER_RENEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, &offer));
    assert_err(catalog_offer(w.c, id, ORDER_CHANGE, SUBJECT_ORGANIZATION, MEDIUM_UKEY, &offer),
               ERR_METHOD_NOT_OFFERED);
    const char *other = with(with(shop, "code: org\n", "code: org2\n"), "[new, renew]", "[new]");
    struct import i;
    assert_ok(run_import(with(other, "agreements: [{code: terms, title: 条款, text: 一}]", "agreements: []"),
                         true, &i));
    assert_true(has_change(&i, "products[org].name", "单位证书", NULL));
    assert_true(has_change(&i, "agreements[terms].version", "3", NULL));
    assert_err(catalog_offer(w.c, id, ORDER_RENEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, &offer),
               ERR_METHOD_NOT_OFFERED);
    fault_clear(w.c->fault);
    assert_ok(product_list(w.c, id, 0, 0, &products, &n));
    assert_int_equal(n, 1);
    assert_int_equal(products[0].n_prices, 1);
    assert_ok(agreement_heads(w.c, id, &agreements, &n));
    assert_int_equal(n, 0);
    apply(shop); /* the old product is itself again, the old text its own version */
    assert_int_equal(world_number(&w, SQL("SELECT COUNT(*) FROM product p JOIN channel c ON c.id = "
                                          "p.channel_id WHERE c.code = 'shop'")),
                     2);
    assert_int_equal(world_number(&w, SQL("SELECT a.version FROM agreement a JOIN channel c ON c.id = "
                                          "a.channel_id WHERE c.code = 'shop' AND a.in_force = 1")),
                     3);
}

/* -- what it decides ---------------------------------------------------------------------------------------
 */

static void a_channel_that_says_nothing_has_the_defaults(void **s)
{
    (void)s;
    const char *names[2], *id = channel_id("shop"), *a, *b;
    size_t n;
    int attempts;
    unsigned payments;
    struct invoice_rules invoice;
    struct delivery_rules posting;
    struct sms_limits sms;
    assert_ok(catalog_suppliers(w.c, id, METHOD_FACE, names, &n));
    assert_int_equal(n, 0);
    assert_ok(catalog_attempts(w.c, id, METHOD_MICRO_DEPOSIT, &attempts));
    assert_int_equal(attempts, 3);
    assert_ok(catalog_payments(w.c, id, &payments));
    assert_int_equal(payments, 1 << PROVIDER_WECHAT);
    assert_ok(catalog_invoice(w.c, id, &invoice));
    assert_false(invoice.offered);
    assert_string_equal(invoice.seller_name, "");
    assert_ok(
        catalog_posting(w.c, id, ORDER_NEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0, &posting));
    assert_true(posting.address_asked);
    assert_ok(catalog_sms_limits(w.c, id, &sms));
    assert_int_equal(sms.phone_hour, 5);
    struct caller before = w.c->caller;
    w.c->caller = (struct caller){.kind = CALLER_SYSTEM, .id = "system"};
    assert_ok(catalog_first_password(w.c, id, &a));
    assert_ok(catalog_first_password(w.c, id, &b));
    w.c->caller = before;
    assert_int_equal(strlen(a), 10);
    assert_string_not_equal(a, b);
    assert_err(catalog_payments(w.c, "chn_none", &payments), ERR_NOT_FOUND);
    fault_clear(w.c->fault);
}

static void what_a_channel_says_is_decided_by(void **s)
{
    (void)s;
    const char *names[2], *id = channel_id("shop");
    size_t n;
    int attempts;
    unsigned payments;
    struct invoice_rules invoice;
    struct sms_limits sms;
    int64_t due;
    apply(arena_printf(w.c->arena,
                       "%ssuppliers: {face: [esign, tencent]}\nattempts: {face: 2}\npayments: [alipay]\n"
                       "invoice: {seller_tax_number: \"91\", seller_address: a, seller_phone: b, clerk: c, "
                       "goods_name: d, goods_code: \"304\", tax_rate: \"0.06\", invoice_line: pc}\n"
                       "sms_limits: {address_hour: 7}\ncalendar: {weekend: [sunday]}\n",
                       shop));
    assert_ok(catalog_suppliers(w.c, id, METHOD_FACE, names, &n));
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "esign");
    assert_string_equal(names[1], "tencent");
    assert_ok(catalog_attempts(w.c, id, METHOD_FACE, &attempts));
    assert_int_equal(attempts, 2);
    assert_ok(catalog_payments(w.c, id, &payments));
    assert_int_equal(payments, 1 << 2);
    assert_ok(catalog_invoice(w.c, id, &invoice));
    assert_true(invoice.offered);
    assert_string_equal(invoice.invoice_line, "pc");
    assert_ok(catalog_sms_limits(w.c, id, &sms));
    assert_int_equal(sms.address_hour, 7);
    /* Friday, 2026-11-27 10:00 in Beijing: the next working day is the Saturday. */
    int64_t friday = INT64_C(1795744800000);
    assert_ok(catalog_working_days(w.c, id, friday, 1, &due));
    assert_true(due == friday + INT64_C(86400000));
    apply(shop);
    assert_ok(catalog_working_days(w.c, id, friday, 1, &due));
    assert_true(due == friday + 3 * INT64_C(86400000));
}

static void posting_is_a_line_of_the_quote(void **s)
{
    (void)s;
    struct quote q;
    struct delivery_rules posting;
    const char *id = channel_id("shop");
    struct product *list;
    size_t n;
    assert_ok(product_list(w.c, id, 0, 0, &list, &n));
    const char *product = list[0].id;
    const char *text = with(
        arena_printf(w.c->arena, "%sposting: {fee_fen: 1500}\n", shop),
        "  - {subject: organization, medium: ukey, kinds: [new, renew], methods: "
        "[phone_three_factor, face], agent_methods: [face]}\n",
        "  - {subject: organization, medium: ukey, kinds: [new], methods: [face], agent_methods: [face]}\n"
        "  - {subject: organization, medium: ukey, kinds: [renew], methods: [face], agent_methods: [face], "
        "delivery: "
        "download}\n");
    apply(text);
    assert_ok(catalog_quote(w.c, id, ORDER_NEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0, product,
                            12, false, 1, &q));
    assert_int_equal(q.n_lines, 2);
    assert_int_equal(q.total_fen, 100 + 1500);
    assert_ok(catalog_quote(w.c, id, ORDER_RENEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0,
                            product, 12, false, 1, &q));
    assert_int_equal(q.n_lines, 1);
    assert_int_equal(q.total_fen, 100);
    assert_ok(
        catalog_posting(w.c, id, ORDER_RENEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0, &posting));
    assert_false(posting.address_asked);
    assert_err(catalog_quote(w.c, id, ORDER_CHANGE, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0,
                             product, 12, false, 1, &q),
               ERR_INVALID);
    assert_string_equal(w.c->fault->violations[0].field, "product_id");
    fault_clear(w.c->fault);
    apply(shop);
}

/* As many as the channel sells at once, and one of what is about a UKEY that there is already. */
static void an_order_is_for_as_many_as_the_channel_says(void **s)
{
    (void)s;
    struct quote q;
    const char *id = channel_id("shop");
    struct product *list;
    size_t n;
    const char *three = with(shop, "    medium: ukey\n", "    medium: ukey\n    max_quantity: 3\n");
    apply(three);
    assert_ok(product_list(w.c, id, 0, 0, &list, &n));
    assert_int_equal(list[0].max_quantity, 3);
    const char *product = list[0].id;
#define QUOTE(kind, quantity)                                                                                \
    catalog_quote(w.c, id, kind, SUBJECT_ORGANIZATION, MEDIUM_UKEY, DELIVERY_DESK, product, 12, false,       \
                  quantity, &q)
    assert_ok(QUOTE(ORDER_NEW, 3));
    assert_int_equal(q.lines[0].quantity, 3);
    assert_int_equal(q.lines[0].unit_fen, 100);
    assert_int_equal(q.total_fen, 300);
    static const struct {
        enum order_kind kind;
        int quantity;
        const char *zh;
    } wrong[] = {{ORDER_NEW, 4, "一个订单最多办理3张证书"},
                 {ORDER_NEW, -1, "一个订单最多办理3张证书"},
                 {ORDER_RENEW, 2, "一个订单最多办理1张证书"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_err(QUOTE(wrong[i].kind, wrong[i].quantity), ERR_INVALID);
        assert_int_equal(w.c->fault->n_violations, 1);
        assert_string_equal(w.c->fault->violations[0].field, "quantity");
        assert_string_equal(w.c->fault->violations[0].reason, "RANGE");
        assert_string_equal(w.c->fault->violations[0].text_zh, wrong[i].zh);
        fault_clear(w.c->fault);
    }
#undef QUOTE
    apply(shop); /* what is not said any more is one again */
    assert_ok(product_list(w.c, id, 0, 0, &list, &n));
    assert_int_equal(list[0].max_quantity, 1);
    /* The holder's own machine writes one. */
    struct import i;
    assert_err(run_import(with(three, "face]}", "face], delivery: download}"), false, &i), ERR_INVALID);
    assert_string_equal(w.c->fault->violations[0].field, "products[0].max_quantity");
    fault_clear(w.c->fault);
}

/* -- an order in the middle --------------------------------------------------------------------------------
 */

/* The world's own channel as it was imported; changed, and put back. */
static const char *world_text(void)
{
    struct channel_version v;
    assert_ok(channel_version_load(w.c, "test", 1, &v));
    return arena_strndup(w.c->arena, v.text, v.n);
}

static void a_method_that_was_withdrawn_stops_the_order_that_chose_it(void **s)
{
    (void)s;
    char order[ID_SIZE];
    make_order(&w, w.c, order);
    const char *text = world_text();
    apply(with(text, "\"micro_deposit\", \"phone_three_factor\"", "\"micro_deposit\""));
    assert_err(submit_organization(w.c, order, OTHER_USCC, LEGAL_REP_PHONE), ERR_METHOD_NOT_OFFERED);
    assert_non_null(strstr(w.c->fault->text, "no longer offers this method"));
    assert_non_null(strstr(w.c->fault->text_zh, "请更换核验方式"));
    fault_clear(w.c->fault);
    assert_state(&w, order, ORDER_SUBJECT);
    apply(text);
    assert_ok(submit_organization(w.c, order, OTHER_USCC, LEGAL_REP_PHONE));
}

static void a_confirmed_quote_stays_what_it_was(void **s)
{
    (void)s;
    char order[ID_SIZE];
    world_next(&w, 61000);
    make_order(&w, w.c, order);
    pass_organization(&w, order);
    world_next(&w, 61000);
    pass_agent(&w, order);
    set_purchase(&w, order);
    confirm_purchase(&w, order);
    const char *text = world_text();
    apply(with(text, "\"price_fen\": 28000", "\"price_fen\": 99900"));
    PB(Order) *o = get_order(w.c, order);
    assert_int_equal(o->quote->total_fen, 28000);
    struct quote today;
    assert_ok(catalog_quote(w.c, w.channel, ORDER_NEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY, (enum delivery)0,
                            w.product, 12, false, 1, &today));
    assert_int_equal(today.total_fen, 99900);
    apply(text);
}

/* -- readers and writers ------------------------------------------------------------------------------------
 */

/* Two files that differ everywhere: nobody may see a mixture. */
static const char twin_a[] =
    "code: twin\nname: A\nprofile: \"2023\"\nreview_days: 1\npayment_minutes: 30\n"
    "first_password: random\npage: {}\npayments: [wechat]\noffers:\n"
    "  - {subject: organization, medium: ukey, methods: [face], agent_methods: [face], materials: [{kind: a, "
    "title: A, content_types: [image/png], max_bytes: 1}]}\n"
    "products: [{code: p, name: A, subject: organization, medium: ukey, prices: "
    "[{term_months: 1, price_fen: 1}]}]\nagreements: []\n";
static const char twin_b[] = "code: twin\nname: B\nprofile: \"2023\"\nreview_days: 2\npayment_minutes: 30\n"
                             "first_password: random\npage: {}\npayments: [alipay]\noffers:\n"
                             "  - {subject: individual, medium: ukey, methods: [face], materials: [{kind: b, "
                             "title: B, content_types: [image/png], max_bytes: 1}]}\n"
                             "products: [{code: p, name: B, subject: individual, medium: ukey, prices: "
                             "[{term_months: 2, price_fen: 2}]}]\nagreements: []\n";

enum {
    IMPORTS = 30
};

struct writer {
    struct test_ctx t;
    atomic_bool done;
    enum err result;
};

static void *write_twins(void *arg)
{
    struct writer *x = arg;
    for (int i = 0; i < IMPORTS && x->result == OK; i++) {
        const char *text = i % 2 ? twin_a : twin_b;
        struct import in = {.text = text, .n = strlen(text), .by = "twin", .apply = true};
        x->result = tx_run(&x->t.c, import_body, &in);
        arena_free(&x->t.arena);
    }
    atomic_store(&x->done, true);
    return NULL;
}

static void check_one_version(const struct whole *v)
{
    bool a = strcmp(v->channel.name, "A") == 0;
    assert_int_equal(v->channel.review_days, a ? 1 : 2);
    assert_int_equal(v->policy.payments, a ? 1 << 1 : 1 << 2);
    assert_int_equal(v->n_offers, 1);
    assert_int_equal(v->offers[0].subject, a ? SUBJECT_ORGANIZATION : SUBJECT_INDIVIDUAL);
    assert_int_equal(v->n_materials, 1);
    assert_string_equal(v->materials[0].rule.kind, a ? "a" : "b");
}

static void readers_see_one_version_whole(void **s)
{
    (void)s;
    static struct writer x;
    struct test_ctx t;
    pthread_t thread;
    int looks = 0;
    apply(twin_a);
    world_ctx(&w, &x.t, "certdeskd");
    world_ctx(&w, &t, "acc_test");
    x.t.c.caller = t.c.caller = (struct caller){.kind = CALLER_SYSTEM, .id = "certdeskd"};
    assert_int_equal(pthread_create(&thread, NULL, write_twins, &x), 0);
    for (bool last = false; !last; looks++) {
        struct whole v;
        struct product *list;
        size_t n;
        last = atomic_load(&x.done);
        enum err e = channel_whole(&t.c, "twin", &v);
        if (e == OK)
            check_one_version(&v);
        else
            assert_err(e, ERR_UNAVAILABLE);
        assert_ok(product_list(&t.c, v.channel.id, 0, 0, &list, &n));
        assert_int_equal(n, 1);
        assert_int_equal(list[0].n_prices, 1);
        assert_int_equal(list[0].prices[0].price_fen, strcmp(list[0].name, "A") == 0 ? 1 : 2);
        test_ctx_reset(&t);
    }
    pthread_join(thread, NULL);
    assert_ok(x.result);
    assert_true(looks > 1);
    print_message("# %d looks during %d imports\n", looks, IMPORTS);
    test_ctx_close(&t);
    test_ctx_close(&x.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(each_text_is_a_version_and_the_same_text_is_none),
        cmocka_unit_test(a_file_with_faults_changes_nothing),
        cmocka_unit_test(what_is_gone_from_the_file_is_no_longer_offered),
        cmocka_unit_test(a_channel_that_says_nothing_has_the_defaults),
        cmocka_unit_test(what_a_channel_says_is_decided_by),
        cmocka_unit_test(posting_is_a_line_of_the_quote),
        cmocka_unit_test(an_order_is_for_as_many_as_the_channel_says),
        cmocka_unit_test(a_method_that_was_withdrawn_stops_the_order_that_chose_it),
        cmocka_unit_test(a_confirmed_quote_stays_what_it_was),
        cmocka_unit_test(readers_see_one_version_whole),
    };
    return CHECK_MAIN_WORLD(tests, setup, teardown);
}
