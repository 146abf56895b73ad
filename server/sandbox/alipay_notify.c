/* alipay_notify.c - notifications to the merchant: a form, signed without sign_type (providers.md 2.4). The
 * id stays the same over all attempts.
 *
 * Faults of action "callback":
 *
 *   never             no notification at all; only a query finds out
 *   twice             the same a second time, at once
 *   late              after `ms` (60 000) by the sandbox's clock
 *   wrong_amount      properly signed, but for 0.01, and never corrected
 *   wrong_app         properly signed, for another application
 *   wrong_seller      properly signed, for another account
 *   gbk               in GBK, signed over GBK
 *   extra             with fields that nobody has heard of, signed over
 *   forged_signature  signed by a stranger first; then the true one
 *   unsigned          without `sign` first; then the true one
 *   other_charset     in GBK, but signed over UTF-8, first; then the true one
 */
#include "base/clock.h"
#include "sandbox/alipay.h"
#include "sandbox/call.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/push.h"
#include "sandbox/zip.h"

#include <curl/curl.h>
#include <string.h>

static const int schedule_s[] = {240, 600, 600, 3600, 7200, 21600, 54000, 0};

static bool is(const char *kind, const char *want)
{
    return strcmp(kind, want) == 0;
}

static json_t *trade_fields(struct sandbox *sb, struct arena *a, const json_t *t)
{
    const struct keys *k = sb->keys;
    const char *total = ali_yuan(a, member_int(t, "total")), *now = beijing_plain(a, clock_now_ms());
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "notify_time", now, "notify_type",
        "trade_status_sync", "notify_id", arena_printf(a, "2026112801222%s", draw_digits(sb, a, 21)),
        "app_id", k->alipay_app_id, "auth_app_id", k->alipay_app_id, "charset", "utf-8", "version", "1.0",
        "sign_type", "RSA2", "trade_no", member(t, "trade_no"), "out_trade_no", member(t, "out_trade_no"),
        "buyer_id", member(t, "buyer_id"), "seller_id", k->alipay_seller_id, "trade_status",
        member(t, "state"), "subject", member(t, "subject"));
    json_t *amounts =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "total_amount", total, "receipt_amount", total,
                  "invoice_amount", total, "buyer_pay_amount", total, "point_amount", "0.00", "gmt_create",
                  beijing_plain(a, member_int(t, "scanned_ms")), "gmt_payment",
                  beijing_plain(a, member_int(t, "paid_ms")), "fund_bill_list",
                  arena_printf(a, "[{\"amount\":\"%s\",\"fundChannel\":\"ALIPAYACCOUNT\"}]", total));
    json_object_update(o, amounts);
    json_decref(amounts);
    return o;
}

static void add_refund(struct sandbox *sb, struct arena *a, json_t *o, const json_t *refund)
{
    const char *sum = ali_yuan(a, ali_refunded(sb, member(refund, "out_trade_no")));
    json_object_set_new(o, "refund_fee", json_string(sum));
    json_object_set_new(o, "out_biz_no", json_string(member(refund, "out_request_no")));
    json_object_set_new(
        o, "gmt_refund",
        json_string(arena_printf(a, "%s.000", beijing_plain(a, member_int(refund, "done_ms")))));
}

/* What is wrong with the fields, when the plan says so, is signed like the rest. */
static void spoil(const char *kind, json_t *o)
{
    static const struct {
        const char *kind, *field, *value;
    } changes[] = {
        {"wrong_amount", "total_amount", "0.01"},          {"wrong_app", "app_id", "2021000000000000"},
        {"wrong_seller", "seller_id", "2088000000000000"}, {"gbk", "charset", "GBK"},
        {"extra", "aaa_new_field", "新=字段&更多"},        {"extra", "zzz_new_field", "100%+1"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (is(kind, changes[i].kind))
            json_object_set_new(o, changes[i].field, json_string(changes[i].value));
}

void ali_notify(struct sandbox *sb, const json_t *trade, const json_t *refund, int64_t delay_ms)
{
    struct plan plan = fault_take(sb, "alipay", "callback");
    const char *url = member(trade, "notify_url"), *kind = plan.kind;
    if (!*url || is(kind, "never")) {
        if (*url)
            call_log(sb, "alipay", "callback", "", "not sent", kind, NULL);
        return;
    }
    struct arena a;
    arena_init(&a, 0);
    json_t *fields = trade_fields(sb, &a, trade);
    if (refund)
        add_refund(sb, &a, fields, refund);
    spoil(kind, fields);
    json_t *event = json_pack("{s:s,s:o}", "id", member(fields, "notify_id"), "fields", fields);
    if (is(kind, "late"))
        delay_ms += plan.ms >= 0 ? plan.ms : 60000;
    if (is(kind, "forged_signature") || is(kind, "unsigned") || is(kind, "other_charset"))
        deliver_queue(sb, &alipay_caller, url, json_incref(event), kind, delay_ms);
    if (is(kind, "twice"))
        deliver_queue(sb, &alipay_caller, url, json_incref(event), "", delay_ms);
    deliver_queue(sb, &alipay_caller, url, event, "", delay_ms);
    arena_free(&a);
}

/* -- one attempt ----------------------------------------------------------------------------------------- */

static size_t to_params(const json_t *fields, struct param out[static ALI_PARAMS])
{
    size_t n = 0;
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)fields, key, v) if (n < ALI_PARAMS - 1) out[n++] =
        (struct param){key, json_string_value(v)};
    return n;
}

static void to_gbk(struct arena *a, struct param *params, size_t n)
{
    for (size_t i = 0; i < n; i++)
        params[i].value = gbk_text(a, params[i].value);
}

static const char *encoded(struct arena *a, const struct param *params, size_t n)
{
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++) {
        char *v = curl_easy_escape(NULL, params[i].value, (int)strlen(params[i].value));
        buf_printf(&b, "%s%s=%s", i ? "&" : "", params[i].name, v);
        curl_free(v);
    }
    return buf_text(&b);
}

static void build(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out)
{
    struct param params[ALI_PARAMS];
    size_t n = to_params(json_object_get(event, "fields"), params);
    bool gbk = is(member(json_object_get(event, "fields"), "charset"), "GBK");
    if (gbk)
        to_gbk(a, params, n);
    const struct keys *k = sb->keys;
    const char *sign = rsa_sign(a, is(trick, "forged_signature") ? k->forger_key : k->alipay_key,
                                ali_text(a, params, n, false));
    if (is(trick, "other_charset"))
        to_gbk(a, params, n);
    if (!is(trick, "unsigned"))
        params[n++] = (struct param){"sign", sign};
    out->type =
        arena_printf(a, "application/x-www-form-urlencoded; text/html; charset=%s", gbk ? "GBK" : "utf-8");
    out->body = encoded(a, params, n);
    out->headers[out->n_headers++] = "User-Agent: Mozilla/4.0";
}

/* Seven letters, and nothing else. */
static bool accepted(long status, const char *body)
{
    return status == 200 && strcmp(body, "success") == 0;
}

const struct caller alipay_caller = {"alipay", "callback", schedule_s, accepted, build};
