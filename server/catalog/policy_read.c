/* policy_read.c - the keys of a channel's file that are decided by and not looked up: out of the file when it
 * is imported, out of the channel's row ever after. */
#include "catalog/channel_file.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ATTEMPTS = 5,
    ATTEMPTS_DEPOSIT = 3,
    ATTEMPTS_MAX = 100,
    ACCOUNT_CHECKS = 50,
    SUPPLIERS_MAX = 2,
    NAME_MAX_CHARS = 40,
    POSTING_DAYS_MAX = 60,
    COUNT_MAX = 1000000, /* as good as unlimited */
    DATES_MAX = 200,
    HOURS_MAX = 4,
    DAY_MINUTES = 24 * 60,
    PAY_BY_WECHAT = 1U << 1, /* proto PaymentProvider */
    ALL_WEEK = 0xFE,
};

const char *const method_words[] = {"",  "micro_deposit", "phone_three_factor", "bank_four_factor", "face",
                                    NULL};

/* Those of provider/registry.c that check identities (a test holds them together), and for the money of
 * deposits the desk's own bank. */
static const char *const supplier_words[] = {"", "tencent", "esign", "http", NULL},
                         *const sender_words[] = {"", "remittance", "tencent", "esign", "http", NULL};

static void read_suppliers(struct node n, struct policy *out)
{
    node_keys(n, "micro_deposit phone_three_factor bank_four_factor face");
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++) {
        const char *const *words = m == METHOD_MICRO_DEPOSIT ? sender_words : supplier_words;
        struct node list = node_get(n, method_words[m]);
        size_t count = node_list(list, SUPPLIERS_MAX);
        if (node_there(list) && !count)
            node_fault(list, "names one or two suppliers");
        for (size_t i = 0; i < count; i++)
            out->suppliers[m][i] = words[node_word(node_at(list, i), words)];
        if (count == 2 && *out->suppliers[m][0] && strcmp(out->suppliers[m][0], out->suppliers[m][1]) == 0)
            node_fault(node_at(list, 1), "is the first choice already");
        out->n_suppliers[m] = count;
    }
}

static void read_attempts(struct node n, struct policy *out)
{
    node_keys(n, "micro_deposit phone_three_factor bank_four_factor face");
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++)
        out->attempts[m] = (int)node_number(node_get(n, method_words[m]), 1, ATTEMPTS_MAX,
                                            m == METHOD_MICRO_DEPOSIT ? ATTEMPTS_DEPOSIT : ATTEMPTS);
}

static void read_payments(struct node n, struct policy *out)
{
    static const char *const providers[] = {"", "wechat", "alipay", NULL};
    out->payments = node_there(n) ? node_words(n, providers) : PAY_BY_WECHAT;
    if (!out->payments && json_array_size(n.j) == 0)
        node_fault(n, "names nobody who takes the money");
}

/* A bare yes or no has nothing to write on invoices with; it is what old files say. */
static void read_invoice(struct node n, struct invoice_rules *out)
{
    *out = (struct invoice_rules){false, "", "", "", "", "", "", "", "", ""};
    if (!node_there(n) || json_is_boolean(n.j)) {
        out->offered = json_is_true(n.j);
        return;
    }
    if (!node_keys(n, "seller_tax_number seller_name seller_address seller_phone clerk goods_name goods_code "
                      "tax_rate invoice_line"))
        return;
    static const char *const lines[] = {"", "p", "c", "s", "b", "pc", "bs", NULL};
    *out = (struct invoice_rules){.offered = true,
                                  .seller_tax_number = node_line(node_need(n, "seller_tax_number"), 20),
                                  .seller_name = node_line(node_get(n, "seller_name"), 100),
                                  .seller_address = node_line(node_need(n, "seller_address"), 100),
                                  .seller_phone = node_line(node_need(n, "seller_phone"), 40),
                                  .clerk = node_line(node_need(n, "clerk"), 20),
                                  .goods_name = node_line(node_need(n, "goods_name"), 90),
                                  .goods_code = node_line(node_need(n, "goods_code"), 19),
                                  .tax_rate = node_line(node_need(n, "tax_rate"), 6),
                                  .invoice_line = lines[node_word(node_need(n, "invoice_line"), lines)]};
    if (*out->goods_code && strspn(out->goods_code, "0123456789") != strlen(out->goods_code))
        node_fault(node_get(n, "goods_code"), "is digits");
    char *end;
    double rate = strtod(out->tax_rate, &end);
    if (*out->tax_rate &&
        (*end || strspn(out->tax_rate, "0123456789.") != strlen(out->tax_rate) || rate >= 1))
        node_fault(node_get(n, "tax_rate"), "is a rate such as 0.06");
}

static void read_posting(struct node n, struct delivery_rules *out)
{
    node_keys(n, "address fee_fen days");
    out->address_asked = node_bool(node_get(n, "address"), true);
    out->fee_fen = node_number(node_get(n, "fee_fen"), 0, COUNT_MAX, 0);
    out->days = (int)node_number(node_get(n, "days"), 1, POSTING_DAYS_MAX, 5);
    if (!out->address_asked && out->fee_fen)
        node_fault(node_get(n, "fee_fen"), "is for posting, and no address is asked for");
}

static void read_limits(struct node n, struct sms_limits *out)
{
    node_keys(n, "phone_minute phone_hour phone_day address_hour channel_day");
    *out = (struct sms_limits){(int)node_number(node_get(n, "phone_minute"), 1, COUNT_MAX, 1),
                               (int)node_number(node_get(n, "phone_hour"), 1, COUNT_MAX, 5),
                               (int)node_number(node_get(n, "phone_day"), 1, COUNT_MAX, 10),
                               (int)node_number(node_get(n, "address_hour"), 1, COUNT_MAX, COUNT_MAX),
                               (int)node_number(node_get(n, "channel_day"), 1, COUNT_MAX, COUNT_MAX)};
}

static void read_windows(struct node n, struct windows *out)
{
    node_keys(n, "renew_days_before renew_days_after unlock_hours");
    out->renew_days_before = (int)node_number(node_get(n, "renew_days_before"), 0, 3650, 90);
    out->renew_days_after = (int)node_number(node_get(n, "renew_days_after"), 0, 3650, 0);
    out->unlock_hours = (int)node_number(node_get(n, "unlock_hours"), 1, 720, 24);
}

/* -- calendar ----------------------------------------------------------------------------------------------
 */

static int by_day(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static const int *read_days(struct node n, size_t *out_n)
{
    size_t count = node_list(n, DATES_MAX), k = 0;
    int *days = ARENA_ARRAY(n.r->arena, int, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct node one = node_at(n, i);
        int day;
        bool known = false;
        const char *text = node_line(one, 10);
        if (!*text)
            continue;
        if (!calendar_day(text, &day)) {
            node_fault(one, "is a date such as 2026-10-01");
            continue;
        }
        for (size_t j = 0; j < k; j++)
            known = known || days[j] == day;
        if (known)
            node_fault(one, "is there twice");
        else
            days[k++] = day;
    }
    qsort(days, k, sizeof *days, by_day);
    *out_n = k;
    return days;
}

static int read_minute(struct node n)
{
    struct tm tm = {0};
    const char *text = node_line(n, 5), *end = strlen(text) == 5 ? strptime(text, "%H:%M", &tm) : NULL;
    if (*text && (!end || *end))
        node_fault(n, "is a time such as \"09:00\"");
    return tm.tm_hour * 60 + tm.tm_min;
}

static void read_hours(struct node n, struct calendar *out)
{
    out->n_hours = node_list(n, HOURS_MAX);
    struct office_hours *list = ARENA_ARRAY(n.r->arena, struct office_hours, out->n_hours + 1);
    int before = 0;
    for (size_t i = 0; i < out->n_hours; i++) {
        struct node one = node_at(n, i);
        node_keys(one, "from to");
        list[i] =
            (struct office_hours){read_minute(node_need(one, "from")), read_minute(node_need(one, "to"))};
        if (list[i].from < before || list[i].to <= list[i].from)
            node_fault(one, "ends before it begins, or begins before the one above it ends");
        before = list[i].to;
    }
    out->hours = list;
}

static void read_calendar(struct node n, struct calendar *out)
{
    static const char *const days[] = {"",         "sunday", "monday",   "tuesday", "wednesday",
                                       "thursday", "friday", "saturday", NULL};
    node_keys(n, "weekend holidays working_days office_hours");
    struct node weekend = node_get(n, "weekend"), working = node_get(n, "working_days");
    unsigned bits = node_there(weekend) ? node_words(weekend, days) : 1U << 1 | 1U << 7;
    if (bits == ALL_WEEK) {
        node_fault(weekend, "leaves no day to work on");
        bits = 0;
    }
    for (unsigned i = 0; i < 7; i++)
        out->weekend[i] = bits & 1U << (i + 1);
    out->holidays = read_days(node_get(n, "holidays"), &out->n_holidays);
    out->working = read_days(working, &out->n_working);
    for (size_t i = 0; i < out->n_working; i++)
        if (bsearch(&out->working[i], out->holidays, out->n_holidays, sizeof(int), by_day))
            node_fault(working, "%s is a holiday too", calendar_text(n.r->arena, out->working[i]));
    read_hours(node_get(n, "office_hours"), out);
}

void policy_read(struct node file, struct policy *out)
{
    *out = (struct policy){0};
    for (int m = 0; m <= METHOD_FACE; m++)
        out->suppliers[m][0] = out->suppliers[m][1] = "";
    read_suppliers(node_get(file, "suppliers"), out);
    read_attempts(node_get(file, "attempts"), out);
    out->account_checks = (int)node_number(node_get(file, "account_checks"), 1, COUNT_MAX, ACCOUNT_CHECKS);
    read_payments(node_get(file, "payments"), out);
    read_invoice(node_get(file, "invoice"), &out->invoice);
    read_posting(node_get(file, "posting"), &out->posting);
    read_limits(node_get(file, "sms_limits"), &out->sms);
    read_calendar(node_get(file, "calendar"), &out->calendar);
    read_windows(node_get(file, "windows"), &out->windows);
}
