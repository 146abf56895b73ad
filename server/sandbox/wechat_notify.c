/* wechat_notify.c - callbacks to the merchant: sealed once, signed anew for every attempt (providers.md 1.6).
 *
 * Faults of action "callback":
 *
 *   never             no callback at all; only a query finds out
 *   twice             the same event a second time, at once
 *   late              after `ms` (60 000) by the sandbox's clock
 *   wrong_amount      properly signed, but the amount is 0 (refund: 1 more) and never corrected
 *   wrong_mchid       properly signed, for another merchant
 *   forged_signature  a stranger's event first, signed by a key that is not the platform's; then the true one
 *   signtest          the platform's own probe first (WECHATPAY/SIGNTEST/…), then the true one
 */
#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/crypto.h"
#include "sandbox/keys.h"
#include "sandbox/push.h"
#include "sandbox/wechat.h"

#include <stdlib.h>
#include <string.h>

static const int schedule_s[] = {15,   15,   30,    180,   600,   1200,  1800,  1800,
                                 1800, 3600, 10800, 10800, 10800, 21600, 21600, 0};

/* The event as it travels: the resource is sealed with the merchant's APIv3 key. */
static json_t *seal(struct sandbox *sb, struct arena *a, const char *type, const char *summary,
                    const char *original, const json_t *resource)
{
    char *text = json_dumps(resource, JSON_COMPACT);
    const char *nonce = draw_letters(sb, a, 12);
    const char *sealed = aead_seal(a, sb->keys->apiv3_key, nonce, original, text);
    free(text);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s}}", "id",
                     arena_printf(a, "EV-2%s", draw_digits(sb, a, 28)), "create_time",
                     beijing_rfc3339(a, clock_now_ms()), "resource_type", "encrypt-resource", "event_type",
                     type, "summary", summary, "resource", "original_type", original, "algorithm",
                     "AEAD_AES_256_GCM", "ciphertext", sealed, "associated_data", original, "nonce", nonce);
}

/* Spoils the object before it is sealed, when the plan says so. */
static void spoil(const struct plan *plan, json_t *resource)
{
    json_t *amount = json_object_get(resource, "amount");
    if (strcmp(plan->kind, "wrong_amount") == 0) {
        bool refund = json_object_get(amount, "refund") != NULL;
        const char *field = refund ? "refund" : "total";
        json_object_set_new(amount, field, json_integer(refund ? member_int(amount, field) + 1 : 0));
        json_object_set_new(amount, refund ? "payer_refund" : "payer_total",
                            json_copy(json_object_get(amount, field)));
    }
    if (strcmp(plan->kind, "wrong_mchid") == 0)
        json_object_set_new(resource, "mchid", json_string("1900009999"));
}

void wx_notify(struct sandbox *sb, const char *type, const char *summary, const char *original,
               const char *url, json_t *resource, int64_t delay_ms)
{
    struct plan plan = fault_take(sb, "wechat", "callback");
    if (!*url || strcmp(plan.kind, "never") == 0) {
        if (*url)
            call_log(sb, "wechat", "callback", "", "not sent", plan.kind, NULL);
        json_decref(resource);
        return;
    }
    struct arena a;
    arena_init(&a, 0);
    spoil(&plan, resource);
    json_t *event = seal(sb, &a, type, summary, original, resource);
    json_decref(resource);
    if (strcmp(plan.kind, "late") == 0)
        delay_ms += plan.ms >= 0 ? plan.ms : 60000;
    bool trick_first = strcmp(plan.kind, "forged_signature") == 0 || strcmp(plan.kind, "signtest") == 0;
    if (trick_first)
        deliver_queue(sb, &wechat_caller, url, json_incref(event), plan.kind, delay_ms);
    if (strcmp(plan.kind, "twice") == 0)
        deliver_queue(sb, &wechat_caller, url, json_incref(event), "", delay_ms);
    deliver_queue(sb, &wechat_caller, url, event, "", delay_ms);
    arena_free(&a);
}

static void build(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out)
{
    char *text = json_dumps(event, JSON_COMPACT);
    out->type = "application/json";
    out->body = arena_strdup(a, text);
    free(text);
    struct wx_signature s = wx_sign(sb, a, out->body, wx_serial(sb), strcmp(trick, "forged_signature") == 0);
    if (strcmp(trick, "signtest") == 0)
        s.signature = arena_printf(a, "WECHATPAY/SIGNTEST/%s", s.signature);
    out->headers[out->n_headers++] = arena_printf(a, "Wechatpay-Timestamp: %s", s.timestamp);
    out->headers[out->n_headers++] = arena_printf(a, "Wechatpay-Nonce: %s", s.nonce);
    out->headers[out->n_headers++] = arena_printf(a, "Wechatpay-Serial: %s", s.serial);
    out->headers[out->n_headers++] = arena_printf(a, "Wechatpay-Signature: %s", s.signature);
    out->headers[out->n_headers++] = "Wechatpay-Signature-Type: WECHATPAY2-SHA256-RSA2048";
    out->headers[out->n_headers++] = "User-Agent: Mozilla/4.0";
    out->headers[out->n_headers++] = arena_printf(a, "Request-ID: %s", draw_uuid(sb, a));
}

static bool accepted(long status, const char *body)
{
    (void)body;
    return status == 200 || status == 204;
}

const struct caller wechat_caller = {"wechat", "callback", schedule_s, accepted, build};
