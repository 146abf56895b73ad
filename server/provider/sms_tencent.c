/* Tencent Cloud SMS 2021-01-11: SendSms, PullSmsSendStatusByPhoneNumber. providers.md 3.4 */
#include "provider/sms.h"

#include "base/str.h"
#include "provider/tencent.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPORTS_MAX = 100,
    CLOCK_SLACK_S = 60,      /* their clock may be apart from ours */
    LOOK_BACK_S = 24 * 3600, /* an earlier attempt's report may be what there is */
    WEEK_S = 7 * 24 * 3600,
    ID_MAX = 64,
};

struct tencent_sms {
    struct tencent api;
    const char *app_id, *sign_name;
    int64_t settle_ms;
    const char *(*setting)(void *arg, const char *key);
    void *arg;
};

const struct provider_setting tencent_sms_settings[] = {
    {"secret_id", "Tencent Cloud SecretId", true, false, NULL},
    {"secret_key", "Tencent Cloud SecretKey", true, true, NULL},
    {"region", "region header", true, false, "ap-guangzhou"},
    {"sms_url", "address of the sms product", true, false, "https://sms.tencentcloudapi.com/"},
    {"sms_app_id", "SmsSdkAppId of the application", true, false, NULL},
    {"sms_sign_name", "the approved signature's text", true, false, NULL},
    {"sms_settle_ms", "a message that is not reported this long after it was sent, was not sent", true, false,
     "120000"},
    {"template.*", "number of the approved template for our name *; without it the name is the number", false,
     false, NULL},
    {0},
};

/* E.164 from 11 digits or from what is E.164 already; NULL for anything else. */
static const char *e164(struct arena *a, const char *phone)
{
    if (!phone)
        return NULL;
    size_t digits = strspn(phone[0] == '+' ? phone + 1 : phone, "0123456789");
    if (phone[0] == '+')
        return digits >= 8 && digits <= 15 && !phone[1 + digits] ? phone : NULL;
    return digits == 11 && !phone[11] ? arena_printf(a, "+86%s", phone) : NULL;
}

static const char *template_number(const struct tencent_sms *s, struct arena *a, const char *name)
{
    const char *number = s->setting(s->arg, arena_printf(a, "template.%s", name));
    return number && *number ? arena_strdup(a, number) : name;
}

static json_t *send_params(const struct tencent_sms *s, const struct sms_message *m, const char *phone,
                           struct arena *a)
{
    json_t *params = json_array();
    for (size_t i = 0; i < m->n_params; i++)
        if (json_array_append_new(params, json_string(m->params[i])) != 0) {
            json_decref(params);
            return NULL;
        }
    return json_pack("{s:[s],s:s,s:s,s:s,s:o,s:s}", "PhoneNumberSet", phone, "SmsSdkAppId", s->app_id,
                     "TemplateId", template_number(s, a, m->template), "SignName", s->sign_name,
                     "TemplateParamSet", params, "SessionContext", m->id);
}

/* The answer can hold a failure per number though the call went well. */
enum err tencent_read_receipt(const json_t *r, const char *id, struct sms_receipt *out, struct fault *f)
{
    const json_t *set = json_object_get(r, "SendStatusSet");
    const json_t *one = json_array_get(set, 0);
    const char *context = js_str(one, "SessionContext");
    if (json_array_size(set) != 1 || !js_copy(one, "Code", out->trace.code, sizeof out->trace.code) ||
        (context && *context && strcmp(context, id) != 0))
        return fail(f, ERR_PROVIDER_UNKNOWN, "SendSms: an answer that does not speak of our message");
    text_copy(out->trace.message, sizeof out->trace.message, js_str(one, "Message"));
    text_copy(out->serial, sizeof out->serial, js_str(one, "SerialNo"));
    if (!js_int(one, "Fee", &out->fee))
        out->fee = 0;
    if (strcmp(out->trace.code, "Ok") == 0)
        return OK;
    return fail(f, tencent_translate(out->trace.code), "SendSms: %s", out->trace.code);
}

static enum err sms_send(void *self, const struct sms_message *m, struct arena *a, struct sms_receipt *out,
                         struct fault *f)
{
    static const struct tencent_call call = {"sms", "sms", "SendSms", "2021-01-11", 0};
    const struct tencent_sms *s = self;
    *out = (struct sms_receipt){0};
    const char *phone = e164(a, m->phone);
    if (!phone || !m->id || !*m->id || strlen(m->id) > ID_MAX || !m->template)
        return fail(f, ERR_INVALID, "id, phone and template are wanted");
    CLEANUP(js_free)
    json_t *r = NULL;
    enum err e = tencent_send(&s->api, &call, send_params(s, m, phone, a), a, &r, &out->trace, f);
    if (e == OK)
        e = tencent_read_receipt(r, m->id, out, f);
    /* an internal error may have come after the message went out */
    if (e == ERR_PROVIDER_BUSY)
        return fail(f, ERR_PROVIDER_UNKNOWN, "SendSms: %s", out->trace.code);
    return e;
}

/* Looks for our id among the reports. */
enum err tencent_read_reports(const json_t *r, const char *id, struct sms_settled *out, struct fault *f)
{
    const json_t *set = json_object_get(r, "PullSmsSendStatusSet");
    if (!json_is_array(set))
        return fail(f, ERR_PROVIDER_UNKNOWN, "PullSmsSendStatusByPhoneNumber: no set");
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)set, i, one)
    {
        const char *context = js_str(one, "SessionContext");
        if (!context || strcmp(context, id) != 0)
            continue;
        const char *report = js_str(one, "ReportStatus");
        out->fate = SMS_SENT;
        out->delivered = report && strcmp(report, "SUCCESS") == 0;
        text_copy(out->trace.message, sizeof out->trace.message, js_str(one, "Description"));
        return OK;
    }
    return OK;
}

static enum err sms_settle(void *self, const char *phone, const char *id, int64_t last_sent_ms,
                           struct arena *a, struct sms_settled *out, struct fault *f)
{
    static const struct tencent_call call = {"sms", "sms", "PullSmsSendStatusByPhoneNumber", "2021-01-11", 0};
    const struct tencent_sms *s = self;
    *out = (struct sms_settled){.fate = SMS_UNKNOWN};
    const char *e = e164(a, phone);
    if (!e || !id || !*id)
        return fail(f, ERR_INVALID, "phone and id are wanted");
    int64_t now_ms = s->api.now_ms(), begin = last_sent_ms / 1000 - LOOK_BACK_S;
    int64_t oldest = now_ms / 1000 - WEEK_S + CLOCK_SLACK_S; /* as far as they look back */
    bool visible = last_sent_ms / 1000 - CLOCK_SLACK_S >= oldest;
    json_t *params =
        json_pack("{s:I,s:i,s:i,s:s,s:s}", "BeginTime", (json_int_t)(begin > oldest ? begin : oldest),
                  "Offset", 0, "Limit", REPORTS_MAX, "PhoneNumber", e, "SmsSdkAppId", s->app_id);
    CLEANUP(js_free)
    json_t *r = NULL;
    TRY(tencent_send(&s->api, &call, params, a, &r, &out->trace, f));
    TRY(tencent_read_reports(r, id, out, f));
    bool whole = visible && json_array_size(json_object_get(r, "PullSmsSendStatusSet")) < REPORTS_MAX;
    if (out->fate == SMS_UNKNOWN && whole && now_ms - last_sent_ms >= s->settle_ms)
        out->fate = SMS_NOT_SENT;
    return OK;
}

static void tencent_sms_close(void *self)
{
    struct tencent_sms *s = self;
    arena_free(&s->api.arena);
    free(s);
}

static const struct sms_ops ops = {"tencent", sms_send, sms_settle, tencent_sms_close};

enum err tencent_sms_open(const struct provider_env *env, struct sms_port *out, struct fault *f)
{
    const struct provider_setting *rows = tencent_sms_settings;
    struct tencent_sms *s = calloc(1, sizeof *s);
    if (!s)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    enum err e = tencent_init(&s->api, env, rows, "sms_url", f);
    if (e == OK)
        e = settings_number(env, rows, "sms_settle_ms", &s->api.arena, &s->settle_ms, f);
    if (e != OK) {
        tencent_sms_close(s);
        return e;
    }
    s->app_id = settings_get(env, rows, "sms_app_id", &s->api.arena);
    s->sign_name = settings_get(env, rows, "sms_sign_name", &s->api.arena);
    s->setting = env->setting;
    s->arg = env->arg;
    *out = (struct sms_port){.ops = &ops, .self = s, .simulator = provider_is_simulator(s->api.url)};
    return OK;
}
