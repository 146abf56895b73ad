/* A channel's file: the two that we have, every fault of a bad one at once, and the calendar. */
#include "lib/check.h"

#include "catalog/channel_file.h"
#include "provider/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct read {
    struct arena arena;
    struct file_faults faults;
    struct yaml_tree tree;
    struct channel_file file;
    struct policy policy;
};

static void read_text(struct read *r, const char *text, size_t n)
{
    arena_init(&r->arena, 0);
    r->faults = (struct file_faults){.arena = &r->arena};
    r->file = (struct channel_file){0};
    if (!yaml_tree(text, n, &r->tree, &r->faults))
        return;
    channel_file_read(&r->arena, &r->tree, &r->file, &r->faults);
    policy_read(node_root(&(struct reader){.arena = &r->arena}, r->tree.root), &r->policy);
}

static void done(struct read *r)
{
    yaml_tree_free(&r->tree);
    arena_free(&r->arena);
}

/* By its path from tests/, where the runner starts us. */
static void read_file(struct read *r, const char *path)
{
    static char text[1 << 16];
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    read_text(r, text, n);
    for (size_t i = 0; i < r->faults.n; i++)
        print_error("%s:%d: %s %s\n", path, r->faults.list[i].line, r->faults.list[i].path,
                    r->faults.list[i].text);
    assert_int_equal(r->faults.n, 0);
}

static const struct file_offer *offer_of(const struct channel_file *f, int kind, int subject, int medium)
{
    for (size_t i = 0; i < f->n_offers; i++) {
        const struct offered *o = &f->offers[i].offered;
        if ((int)o->kind == kind && (int)o->subject == subject && (int)o->medium == medium)
            return &f->offers[i];
    }
    return NULL;
}

static void the_manuals_channel_is_whole(void **s)
{
    (void)s;
    struct read r;
    read_file(&r, "../server/catalog/zheneng.yaml");
    for (int kind = ORDER_NEW; kind <= ORDER_UNLOCK; kind++)
        for (int subject = SUBJECT_ORGANIZATION; subject <= SUBJECT_INDIVIDUAL; subject++)
            assert_int_equal(offer_of(&r.file, kind, subject, MEDIUM_UKEY)->offered.offer.methods, 0x1E);
    const struct file_offer *new = offer_of(&r.file, ORDER_NEW, SUBJECT_ORGANIZATION, MEDIUM_UKEY);
    assert_int_equal(new->offered.offer.agent_methods, 0x1C);
    assert_true(new->offered.offer.paper_route &&new->offered.offer.review);
    assert_int_equal(new->offered.offer.delivery, DELIVERY_DESK);
    assert_int_equal(new->n_materials, 4);
    assert_string_equal(new->materials[0].content_types, "image/jpeg image/png application/pdf");
    assert_false(new->materials[3].required);
    assert_null(offer_of(&r.file, ORDER_NEW, SUBJECT_INDIVIDUAL, MEDIUM_CLOUD));
    assert_int_equal(r.file.n_products, 2);
    assert_int_equal(r.file.products[0].product.n_prices, 4);
    assert_string_equal(r.file.channel.initial_password, "111111");
    assert_true(r.file.channel.invoice_offered);
    assert_int_equal(r.policy.payments, 1 << 1 | 1 << 2);
    assert_int_equal(r.policy.n_suppliers[METHOD_PHONE_THREE_FACTOR], 2);
    assert_string_equal(r.policy.suppliers[METHOD_PHONE_THREE_FACTOR][1], "esign");
    assert_string_equal(r.policy.invoice.tax_rate, "0.06");
    assert_int_equal(r.policy.calendar.n_hours, 2);
    assert_int_equal(r.policy.calendar.hours[1].to, 17 * 60 + 30);
    done(&r);
}

static void the_second_channel_is_another(void **s)
{
    (void)s;
    struct read r;
    read_file(&r, "flow/channels/yunqi.yaml");
    assert_int_equal(r.file.n_offers, 3);
    const struct file_offer *cloud = offer_of(&r.file, ORDER_NEW, SUBJECT_INDIVIDUAL, MEDIUM_CLOUD);
    assert_false(cloud->offered.offer.review);
    assert_int_equal(cloud->offered.offer.delivery, DELIVERY_DOWNLOAD);
    assert_int_equal(cloud->n_materials, 0);
    assert_string_equal(r.file.channel.initial_password, "");
    assert_false(r.file.channel.invoice_offered || r.policy.posting.address_asked);
    assert_int_equal(r.policy.payments, 1 << 2);
    assert_int_equal(r.policy.attempts[METHOD_FACE], 2);
    assert_int_equal(r.policy.attempts[METHOD_MICRO_DEPOSIT], 3);
    assert_int_equal(r.policy.sms.address_hour, 20);
    done(&r);
}

/* The fuzzer's seed reaches what is behind the faults. */
static void the_seed_of_the_fuzzer_is_good(void **s)
{
    (void)s;
    struct read r;
    read_file(&r, "fuzz/corpus/channel/small.yaml");
    assert_int_equal(r.file.n_offers, 1);
    done(&r);
}

static void what_is_not_said_has_its_default(void **s)
{
    (void)s;
    struct read r;
    read_text(&r, "{}", 2);
    assert_int_equal(r.policy.payments, 1 << 1);
    assert_int_equal(r.policy.attempts[METHOD_FACE], 5);
    assert_int_equal(r.policy.attempts[METHOD_MICRO_DEPOSIT], 3);
    assert_int_equal(r.policy.account_checks, 50);
    assert_int_equal(r.policy.n_suppliers[METHOD_FACE], 0);
    assert_string_equal(r.policy.suppliers[METHOD_FACE][0], "");
    assert_int_equal(r.policy.sms.phone_minute, 1);
    assert_int_equal(r.policy.sms.phone_hour, 5);
    assert_int_equal(r.policy.sms.phone_day, 10);
    assert_int_equal(r.policy.sms.channel_day, 1000000);
    assert_true(r.policy.posting.address_asked);
    assert_int_equal(r.policy.posting.days, 5);
    assert_false(r.policy.invoice.offered);
    assert_true(r.policy.calendar.weekend[0] && r.policy.calendar.weekend[6] &&
                !r.policy.calendar.weekend[5]);
    done(&r);
}

/* -- faults ------------------------------------------------------------------------------------------------
 */

static const char bad[] =
    "code: Zhe Neng\n"                                                                             /* 1 */
    "nmae: 浙能\n"                                                                                 /* 2 */
    "profile: 2023\n"                                                                              /* 3 */
    "review_days: 0\n"                                                                             /* 4 */
    "payment_minutes: soon\n"                                                                      /* 5 */
    "initial_password: \"111111\"\n"                                                               /* 6 */
    "first_password: random\n"                                                                     /* 7 */
    "page:\n"                                                                                      /* 8 */
    "  notices: [{title: \"\"}]\n"                                                                 /* 9 */
    "  downloads: [{title: a, url: \"javascript:x\"}]\n"                                           /* 10 */
    "  contact: {name: a, phone: 01000000000, office_hours: b}\n"                                  /* 11 */
    "offers:\n"                                                                                    /* 12 */
    "  - {subject: company, medium: ukey, methods: [fax, face, face], paper_route: true}\n"        /* 13 */
    "  - subject: individual\n"                                                                    /* 14 */
    "    medium: ukey\n"                                                                           /* 15 */
    "    methods: []\n"                                                                            /* 16 */
    "    agent_methods: [face]\n"                                                                  /* 17 */
    "    paper_route: yes\n"                                                                       /* 18 */
    "    delivery: pigeon\n"                                                                       /* 19 */
    "    materials:\n"                                                                             /* 20 */
    "      - {kind: a, title: b, content_types: [text/html], max_bytes: 1}\n"                      /* 21 */
    "      - {kind: a, title: b, content_types: [image/png], max_bytes: 0}\n"                      /* 22 */
    "  - {subject: individual, medium: ukey, methods: [face], kinds: [new]}\n"                     /* 23 */
    "products:\n"                                                                                  /* 24 */
    "  - {code: p, name: n, subject: organization, medium: cloud, prices: [], max_quantity: 21}\n" /* 25 */
    "  - code: p\n"                                                                                /* 26 */
    "    name: n\n"                                                                                /* 27 */
    "    subject: organization\n"                                                                  /* 28 */
    "    medium: ukey\n"                                                                           /* 29 */
    "    prices: [{term_months: 12, price_fen: 280.00}, {term_months: 12}]\n"                      /* 30 */
    "agreements: {code: a}\n"                                                                      /* 31 */
    "payments: []\n"                                                                               /* 32 */
    "suppliers: {face: [tencent, tencent], sms: [x], bank_four_factor: [remittance]}\n"            /* 33 */
    "invoice: {seller_tax_number: \"1\", tax_rate: \"6%\"}\n"                                      /* 34 */
    "posting: {address: false, fee_fen: 100, days: 0}\n"                                           /* 35 */
    "calendar:\n"                                                                                  /* 36 */
    "  weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n"                /* 37 */
    "  holidays: [2026-02-30, 2026-10-01, 2026-10-01]\n"                                           /* 38 */
    "  working_days: [2026-10-01]\n"                                                               /* 39 */
    "  office_hours: [{from: \"9:00\", to: \"12:00\"}, {from: \"11:00\", to: \"10:00\"}]\n"
    "attempts:\n"          /* 41 */
    "account_checks: 0\n"; /* 42 */

static const char *fault_of(const struct read *r, const char *path)
{
    for (size_t i = 0; i < r->faults.n; i++)
        if (strcmp(r->faults.list[i].path, path) == 0)
            return r->faults.list[i].text;
    return "";
}

static void review_days_are_one_number_or_two(void **s)
{
    (void)s;
    static const struct {
        const char *text;
        int from, days;
    } good[] = {{"review_days: 3", 0, 3}, {"review_days: 3-5", 3, 5}, {"review_days: 10-60", 10, 60}};
    static const char *const wrong[] = {"review_days: 0",    "review_days: 61",    "review_days: 5-3",
                                        "review_days: 3-3",  "review_days: 0-5",   "review_days: 3-61",
                                        "review_days: 3-5d", "review_days: 3--5",  "review_days: \"5\"",
                                        "review_days: soon", "review_days: [3, 5]"};
    struct read r;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        read_text(&r, good[i].text, strlen(good[i].text));
        assert_int_equal(r.file.channel.review_from, good[i].from);
        assert_int_equal(r.file.channel.review_days, good[i].days);
        assert_string_equal(fault_of(&r, "review_days"), "");
        done(&r);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        read_text(&r, wrong[i], strlen(wrong[i]));
        assert_true(*fault_of(&r, "review_days"));
        done(&r);
    }
}

static void who_signs_has_a_way_to_prove_a_phone(void **s)
{
    (void)s;
    static const struct {
        const char *methods, *of, *words;
    } each[] = {
        {"methods: [phone_three_factor, bank_four_factor]", "", ""},
        {"methods: [phone_three_factor, bank_four_factor], agent_methods: []", "", ""},
        {"methods: [micro_deposit, face], agent_methods: [face]", "", ""},
        {"methods: [micro_deposit, face], kinds: [unlock]", "", ""},
        {"methods: [phone_three_factor, micro_deposit]", "methods", "agent_methods are needed"},
        {"methods: [face], agent_methods: []", "methods", "agent_methods are needed"},
        {"methods: [face], kinds: [renew, unlock]", "methods", "agent_methods are needed"},
        {"methods: [bank_four_factor], agent_methods: [face, micro_deposit]", "agent_methods",
         "has no micro_deposit"},
    };
    struct read r;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        char text[300];
        snprintf(text, sizeof text, "offers:\n  - {subject: organization, medium: ukey, %s}\n",
                 each[i].methods);
        read_text(&r, text, strlen(text));
        const char *by_methods = fault_of(&r, "offers[0].methods"),
                   *by_agents = fault_of(&r, "offers[0].agent_methods");
        assert_true(strcmp(each[i].of, "methods") == 0 ? strstr(by_methods, each[i].words) != NULL
                                                       : !*by_methods);
        assert_true(strcmp(each[i].of, "agent_methods") == 0 ? strstr(by_agents, each[i].words) != NULL
                                                             : !*by_agents);
        done(&r);
    }
}

static void every_fault_is_named_at_once_with_its_line(void **s)
{
    (void)s;
    static const struct {
        int line;
        const char *path, *words;
    } want[] = {
        {1, "code", "begins with a letter"},
        {1, "name", "is missing"},
        {2, "nmae", "not a key that is known"},
        {3, "profile", "put it in quotes"},
        {4, "review_days", "from 1 to 60"},
        {5, "payment_minutes", "whole number"},
        {6, "initial_password", "old name of first_password"},
        {8, "page", "needs a paper_address"},
        {9, "page.notices[0].title", "is empty"},
        {9, "page.notices[0].text", "is missing"},
        {10, "page.downloads[0].url", "https://"},
        {11, "page.contact.phone", "put it in quotes"},
        {13, "offers[0].subject", "one of organization, individual"},
        {13, "offers[0].methods[0]", "one of micro_deposit"},
        {13, "offers[0].methods[2]", "there twice"},
        {16, "offers[1].methods", "nobody could order"},
        {17, "offers[1].agent_methods", "no agent"},
        {18, "offers[1].paper_route", "true or false"},
        {19, "offers[1].delivery", "one of desk, download"},
        {21, "offers[1].materials[0].content_types[0]", "one of image/jpeg"},
        {22, "offers[1].materials[1].kind", "asked for already"},
        {22, "offers[1].materials[1].max_bytes", "it goes from 1"},
        {23, "offers[2]", "offered above already"},
        {25, "products[0].prices", "cannot be sold"},
        {25, "products[0].max_quantity", "it goes from 1 to 20"},
        {25, "products[0]", "which is not offered"},
        {26, "products[1].code", "code of products[0]"},
        {30, "products[1].prices[0].price_fen", "whole number"},
        {30, "products[1].prices[1].price_fen", "is missing"},
        {30, "products[1].prices[1]", "has the term and seal of prices[0]"},
        {31, "agreements", "is a list"},
        {32, "payments", "nobody who takes the money"},
        {33, "suppliers.face[1]", "first choice already"},
        {33, "suppliers.sms", "not a key that is known"},
        {33, "suppliers.bank_four_factor[0]", "one of tencent, esign"},
        {34, "invoice.seller_address", "is missing"},
        {34, "invoice.tax_rate", "such as 0.06"},
        {35, "posting.fee_fen", "no address is asked for"},
        {35, "posting.days", "from 1 to 60"},
        {37, "calendar.weekend", "no day to work on"},
        {38, "calendar.holidays[0]", "is a date"},
        {38, "calendar.holidays[2]", "there twice"},
        {39, "calendar.working_days", "2026-10-01 is a holiday too"},
        {40, "calendar.office_hours[0].from", "such as \"09:00\""},
        {40, "calendar.office_hours[1]", "ends before it begins"},
        {41, "attempts", "has no value"},
        {42, "account_checks", "from 1 to 1000000"},
    };
    struct read r;
    read_text(&r, bad, sizeof bad - 1);
    size_t missed = 0;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bool found = false;
        for (size_t k = 0; k < r.faults.n; k++)
            found = found || (r.faults.list[k].line == want[i].line &&
                              strcmp(r.faults.list[k].path, want[i].path) == 0 &&
                              strstr(r.faults.list[k].text, want[i].words));
        if (!found)
            print_error("not there: line %d %s %s\n", want[i].line, want[i].path, want[i].words);
        missed += !found;
    }
    for (size_t k = 0; missed && k < r.faults.n; k++)
        print_error("there: line %d %s %s\n", r.faults.list[k].line, r.faults.list[k].path,
                    r.faults.list[k].text);
    assert_int_equal(missed, 0);
    done(&r);
}

static void every_supplier_of_identities_can_be_chosen(void **s)
{
    (void)s;
    size_t n = 0;
    for (size_t i = 0; provider_row(i); i++) {
        if (strcmp(provider_row(i)->port, "identity") != 0)
            continue;
        struct read r;
        char text[80];
        int size = snprintf(text, sizeof text, "suppliers: {face: [%s]}\n", provider_row(i)->supplier);
        read_text(&r, text, (size_t)size);
        assert_string_equal(r.policy.suppliers[METHOD_FACE][0], provider_row(i)->supplier);
        done(&r);
        n++;
    }
    assert_true(n >= 3);
}

/* -- the calendar ------------------------------------------------------------------------------------------
 */

static int64_t at(const char *day, int hour)
{
    int n;
    assert_true(calendar_day(day, &n));
    return (int64_t)n * 86400000 + (hour - 8) * INT64_C(3600000); /* Beijing's hour */
}

static void check_after(const struct calendar *c, const char *from, int n, const char *to)
{
    for (int hour = 0; hour < 24; hour += 7) { /* the same time of day, also where UTC has another date */
        int64_t got = calendar_after(c, at(from, hour), n), want = at(to, hour);
        if (got != want)
            print_error("%s and %d working days at %d is %lld, not %lld\n", from, n, hour, (long long)got,
                        (long long)want);
        assert_true(got == want);
    }
}

static void working_days_go_over_the_national_day_of_2026(void **s)
{
    (void)s;
    struct read r;
    read_file(&r, "../server/catalog/zheneng.yaml");
    const struct calendar *c = &r.policy.calendar;
    check_after(c, "2026-09-30", 0, "2026-09-30");
    check_after(c, "2026-09-30", 1, "2026-10-08"); /* a Thursday: the 1st to the 7th are off */
    check_after(c, "2026-09-30", 2, "2026-10-09");
    check_after(c, "2026-09-30", 3, "2026-10-10"); /* a Saturday that makes up */
    check_after(c, "2026-09-30", 4, "2026-10-12");
    check_after(c, "2026-09-18", 1, "2026-09-20"); /* Friday; the Sunday makes up, the Saturday does not */
    check_after(c, "2026-09-18", 5, "2026-09-24");
    check_after(c, "2026-09-18", 6, "2026-09-28"); /* after the Mid-Autumn days, Friday to Sunday */
    check_after(c, "2026-10-03", 1, "2026-10-08"); /* from within the holiday */
    check_after(c, "2026-02-13", 1,
                "2026-02-14"); /* the Spring Festival, with a Saturday before and behind */
    check_after(c, "2026-02-13", 2, "2026-02-24");
    check_after(c, "2026-02-13", 6, "2026-02-28");
    check_after(c, "2026-02-13", 7, "2026-03-02");
    check_after(c, "2026-11-27", 1, "2026-11-30"); /* a common weekend */
    done(&r);
}

static void a_channel_that_works_on_saturdays_does(void **s)
{
    (void)s;
    struct read r;
    read_file(&r, "flow/channels/yunqi.yaml");
    const struct calendar *c = &r.policy.calendar;
    check_after(c, "2026-11-27", 1, "2026-11-28");
    check_after(c, "2026-11-27", 2, "2026-11-30");
    check_after(c, "2026-09-30", 1, "2026-10-05"); /* holidays Thursday to Saturday, then a Sunday */
    check_after(c, "2026-10-10", 1, "2026-10-11"); /* a Sunday that makes up */
    done(&r);
}

static void days_are_dates_that_exist(void **s)
{
    (void)s;
    int day;
    struct arena a;
    arena_init(&a, 0);
    assert_true(calendar_day("1970-01-01", &day) && day == 0);
    assert_true(calendar_day("2028-02-29", &day));
    assert_string_equal(calendar_text(&a, day), "2028-02-29");
    static const char *const none[] = {
        "",          "2026-2-01",   "2026-02-29", "2026-13-01",  "26-01-01",
        "2026-01-1", "2026-01-011", "2026/01/01", " 2026-01-01", "2026-01-01 "};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(calendar_day(none[i], &day));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manuals_channel_is_whole),
        cmocka_unit_test(the_second_channel_is_another),
        cmocka_unit_test(the_seed_of_the_fuzzer_is_good),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(review_days_are_one_number_or_two),
        cmocka_unit_test(who_signs_has_a_way_to_prove_a_phone),
        cmocka_unit_test(every_fault_is_named_at_once_with_its_line),
        cmocka_unit_test(every_supplier_of_identities_can_be_chosen),
        cmocka_unit_test(working_days_go_over_the_national_day_of_2026),
        cmocka_unit_test(a_channel_that_works_on_saturdays_does),
        cmocka_unit_test(days_are_dates_that_exist),
    };
    return CHECK_MAIN(tests);
}
