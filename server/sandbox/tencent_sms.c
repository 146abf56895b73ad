/* tencent_sms.c - text messages: sms 2021-01-11 (providers.md 3.4).
 *
 * A message that was accepted is on the phone at once, where GET /sim/sms reads it. Once templates are
 * defined (POST /sim/sms/templates) only they are approved; before that any template is, and its parameters
 * are the text.
 */
#include "base/clock.h"
#include "sandbox/keys.h"
#include "sandbox/register.h"
#include "sandbox/state.h"
#include "sandbox/tencent.h"

#include <stdlib.h>
#include <string.h>

enum {
    PHONES_MAX = 200,
    REPORTS_MAX = 100,
    SESSION_MAX = 512
};

static const char *in(const struct tc_call *c, const char *name)
{
    return member(c->in, name);
}

/* E.164 of a mainland mobile in any of the forms that SendSms takes; NULL for anything else. */
static const char *e164(struct arena *a, const char *phone)
{
    static const char *const prefixes[] = {"+86", "0086", "86", ""};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i]);
        if (strncmp(phone, prefixes[i], n) == 0 && mobile_ok(phone + n))
            return arena_printf(a, "+86%s", phone + n);
    }
    return NULL;
}

/* Number of the last placeholder {1}, {2}, … of a template. */
static size_t placeholders(const char *text)
{
    size_t last = 0;
    for (const char *p = text; (p = strchr(p, '{')); p++) {
        char *end = NULL;
        unsigned long k = strtoul(p + 1, &end, 10);
        if (*end == '}' && k > last)
            last = k;
    }
    return last;
}

/* The text with {k} replaced by the k-th parameter. */
static const char *render(struct arena *a, const char *text, const json_t *params)
{
    struct buf b = BUF(a);
    while (*text) {
        char *end = NULL;
        unsigned long k = *text == '{' ? strtoul(text + 1, &end, 10) : 0;
        const char *v = k && *end == '}' ? json_string_value(json_array_get(params, k - 1)) : NULL;
        if (v) {
            buf_str(&b, v);
            text = end + 1;
        } else {
            buf_add(&b, text++, 1);
        }
    }
    return buf_text(&b);
}

static const char *plain_text(struct arena *a, const char *template, const json_t *params)
{
    struct buf b = BUF(a);
    buf_printf(&b, "模板%s：", template);
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)(uintptr_t)params, i, v)
        buf_printf(&b, "%s%s", i ? "，" : "", json_string_value(v));
    return buf_text(&b);
}

/* What the phone shows, or NULL with the supplier's code and sentence for a message that is refused. */
static const char *compose(struct tc_call *c, const char **code, const char **why)
{
    struct arena *a = &c->r->a;
    const json_t *params = json_object_get(c->in, "TemplateParamSet");
    json_t *templates = state_section(c->sb->state, "sms_templates");
    const char *text, *template = in(c, "TemplateId");
    if (!*in(c, "SignName")) {
        *code = "FailedOperation.SignatureIncorrectOrUnapproved";
        *why = "signature is not approved";
        return NULL;
    }
    if (json_object_size(templates) == 0) {
        text = plain_text(a, template, params);
    } else {
        const char *shape = json_string_value(json_object_get(templates, template));
        if (!shape || placeholders(shape) != json_array_size(params)) {
            *code = shape ? "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
                          : "FailedOperation.TemplateIncorrectOrUnapproved";
            *why = shape ? "the number of parameters is not the template's" : "template is not approved";
            return NULL;
        }
        text = render(a, shape, params);
    }
    return arena_printf(a, "【%s】%s", in(c, "SignName"), text);
}

static json_t *status_row(struct tc_call *c, const char *phone, const char *serial, int64_t fee,
                          const char *code, const char *text)
{
    return json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:s}", "SerialNo", serial, "PhoneNumber", phone, "Fee",
                     (json_int_t)fee, "SessionContext", in(c, "SessionContext"), "Code", code, "Message",
                     text, "IsoCode", *serial ? "CN" : "");
}

static int64_t messages(const char *text)
{
    size_t n = utf8_length(text);
    return n <= 70 ? 1 : (int64_t)((n + 66) / 67);
}

static json_t *deliver(struct tc_call *c, const char *phone, const char *text)
{
    struct arena *a = &c->r->a;
    char key[24], now[CLOCK_TEXT_SIZE];
    int64_t ms = clock_now_ms(), seq = state_next(c->sb->state, "sms", key);
    const char *serial = arena_printf(a, "2640:%s%s", draw_digits(c->sb, a, 12), key);
    bool arrives = strcmp(c->plan->kind, "undelivered") != 0;
    clock_rfc3339(ms, now);
    state_put(c->sb->state, "sms", key,
              json_pack("{s:I,s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:O?,s:s,s:b,s:b}", "seq", (json_int_t)seq, "time",
                        now, "ms", (json_int_t)ms, "phone", phone, "text", text, "sign", in(c, "SignName"),
                        "template", in(c, "TemplateId"), "serial_no", serial, "params",
                        json_object_get(c->in, "TemplateParamSet"), "session_context",
                        in(c, "SessionContext"), "delivered", arrives, "pulled", 0));
    return status_row(c, phone, serial, messages(text), "Ok", "send success");
}

static json_t *send_one(struct tc_call *c, const char *given)
{
    const char *phone = e164(&c->r->a, given), *code = NULL, *why = NULL;
    if (!phone)
        return status_row(c, given, "", 0, "InvalidParameterValue.IncorrectPhoneNumber",
                          "incorrect phone number");
    if (strcmp(c->plan->kind, "number_limit") == 0)
        return status_row(c, phone, "", 0, "LimitExceeded.PhoneNumberThirtySecondLimit",
                          "the number of messages to this phone within 30 seconds exceeds the limit");
    if (strcmp(c->plan->kind, "no_balance") == 0)
        return status_row(c, phone, "", 0, "FailedOperation.InsufficientBalanceInSmsPackage",
                          "insufficient balance in SMS package");
    const char *text = compose(c, &code, &why);
    return text ? deliver(c, phone, text) : status_row(c, phone, "", 0, code, why);
}

static void send_sms(struct tc_call *c)
{
    json_t *phones = json_object_get(c->in, "PhoneNumberSet");
    size_t n = json_array_size(phones), i;
    json_t *v, *rows, *masked = json_array();
    json_array_foreach(phones, i, v)
        json_array_append_new(masked, json_string(mask_tail(&c->r->a, json_string_value(v))));
    c->p->inputs = json_pack("{s:o,s:s,s:s}", "phones", masked, "template", in(c, "TemplateId"),
                             "session_context", in(c, "SessionContext"));
    if (strcmp(c->plan->kind, "busy") == 0) {
        tc_error(c, "InternalError.Timeout", "internal timeout, try again later");
    } else if (n == 0 || n > PHONES_MAX) {
        tc_error(c, "InvalidParameterValue.IncorrectPhoneNumber", "1 to 200 phone numbers are needed");
    } else if (strcmp(in(c, "SmsSdkAppId"), c->sb->keys->sms_app_id) != 0) {
        tc_error(c, "UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verification failed");
    } else if (strlen(in(c, "SessionContext")) >= SESSION_MAX) {
        tc_error(c, "InvalidParameterValue.SessionContextTooLong", "SessionContext must be under 512 bytes");
    } else {
        rows = json_array();
        json_array_foreach(phones, i, v) json_array_append_new(rows, send_one(c, json_string_value(v)));
        c->p->outcome = arena_strdup(&c->r->a, member(json_array_get(rows, 0), "Code"));
        tc_ok(c, json_pack("{s:o}", "SendStatusSet", rows));
    }
}

static json_t *report(const json_t *sms)
{
    bool ok = json_is_true(json_object_get(sms, "delivered"));
    const char *phone = member(sms, "phone");
    return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "UserReceiveTime",
                     (json_int_t)(member_int(sms, "ms") / 1000), "CountryCode", "86", "SubscriberNumber",
                     phone + 3, "PhoneNumber", phone, "SerialNo", member(sms, "serial_no"), "ReportStatus",
                     ok ? "SUCCESS" : "FAIL", "Description", ok ? "DELIVRD" : "UNDELIV", "SessionContext",
                     member(sms, "session_context"));
}

/* False, and the error said, when Limit or SmsSdkAppId is wrong. */
static bool pull_allowed(struct tc_call *c)
{
    int64_t limit = member_int(c->in, "Limit");
    if (limit < 1 || limit > REPORTS_MAX)
        tc_error(c, "InvalidParameterValue", "Limit must be 1 to 100");
    else if (strcmp(in(c, "SmsSdkAppId"), c->sb->keys->sms_app_id) != 0)
        tc_error(c, "UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verification failed");
    else if (strcmp(c->plan->kind, "busy") == 0)
        tc_error(c, "InternalError.Timeout", "internal timeout, try again later");
    else
        return true;
    return false;
}

/* Each report once: the queue is drained. */
static void pull(struct tc_call *c)
{
    if (!pull_allowed(c))
        return;
    json_t *rows = json_array(), *sms;
    const char *key;
    json_object_foreach(state_section(c->sb->state, "sms"), key, sms)
    {
        if (json_is_true(json_object_get(sms, "pulled")))
            continue;
        if ((int64_t)json_array_size(rows) == member_int(c->in, "Limit"))
            break;
        json_array_append_new(rows, report(sms));
        json_object_set_new(sms, "pulled", json_true());
        state_touch(c->sb->state, "sms", key);
    }
    tc_ok(c, json_pack("{s:o}", "PullSmsSendStatusSet", rows));
}

/* The phone's own messages in a span of time, as often as one likes: how an unknown outcome is settled. */
static void pull_by_phone(struct tc_call *c)
{
    const char *phone = e164(&c->r->a, in(c, "PhoneNumber")), *key;
    int64_t from = member_int(c->in, "BeginTime"), to = member_int(c->in, "EndTime");
    c->p->inputs = json_pack("{s:s}", "phone", mask_tail(&c->r->a, in(c, "PhoneNumber")));
    if (!phone) {
        tc_error(c, "InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number");
        return;
    }
    if (!pull_allowed(c))
        return;
    json_t *rows = json_array(), *sms;
    int64_t skip = member_int(c->in, "Offset");
    json_object_foreach(state_section(c->sb->state, "sms"), key, sms)
    {
        int64_t at = member_int(sms, "ms") / 1000;
        if (strcmp(member(sms, "phone"), phone) != 0 || at < from || (to && at > to) || skip-- > 0)
            continue;
        if ((int64_t)json_array_size(rows) == member_int(c->in, "Limit"))
            break;
        json_array_append_new(rows, report(sms));
    }
    tc_ok(c, json_pack("{s:o}", "PullSmsSendStatusSet", rows));
}

static const struct tc_param send_params[] = {
    {"PhoneNumberSet", 't', true},  {"SmsSdkAppId", 's', true},       {"TemplateId", 's', true},
    {"SignName", 's', false},       {"TemplateParamSet", 't', false}, {"ExtendCode", 's', false},
    {"SessionContext", 's', false}, {"SenderId", 's', false},         {0}};
static const struct tc_param pull_params[] = {{"Limit", 'i', true}, {"SmsSdkAppId", 's', true}, {0}};
static const struct tc_param pull_phone_params[] = {{"BeginTime", 'i', true},
                                                    {"Offset", 'i', true},
                                                    {"Limit", 'i', true},
                                                    {"PhoneNumber", 's', true},
                                                    {"SmsSdkAppId", 's', true},
                                                    {"EndTime", 'i', false},
                                                    {0}};

const struct tc_action tencent_sms_actions[] = {
    {"sms", "2021-01-11", "SendSms", true, true, send_params, send_sms},
    {"sms", "2021-01-11", "PullSmsSendStatus", true, false, pull_params, pull},
    {"sms", "2021-01-11", "PullSmsSendStatusByPhoneNumber", true, false, pull_phone_params, pull_by_phone},
    {0},
};
