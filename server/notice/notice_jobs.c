/* Sending what was queued. An SMS whose answer was lost is asked after before anything is sent again (I-11).
 */
#include "notice/notice.h"

#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "providers.h"

#include <jansson.h>

enum {
    SMS_PARAMS_MAX = 4
};

static enum err parse(struct ctx *c, const struct job *j, json_t **out)
{
    *out = json_loadb(j->payload, j->payload_n, JSON_REJECT_DUPLICATES, NULL);
    return *out ? OK : fail(c->fault, ERR_DATA_LOSS, "job %s has a payload that cannot be read", j->id);
}

static void drop(json_t **j)
{
    json_decref(*j);
}

/* Which words went out, and about what; not to whom. */
static void say(const struct job *j, const char *by, const json_t *p)
{
    const char *template = json_string_value(json_object_get(p, "template"));
    LOG(INFO, "notice.sent", KV_S("by", by), KV_S("template", template ? template : ""),
        KV_I("version", (int64_t)json_integer_value(json_object_get(p, "version"))),
        KV_S("object", j->object), KV_S("job", j->id));
}

/* What became of the attempt whose answer was lost. *undone: nothing, so the job starts anew. */
static enum err settle(struct ctx *c, const struct job *j, const struct sms_port *sms, const char *phone,
                       bool *undone)
{
    struct sms_settled s;
    TRY(sms->ops->settle(sms->self, phone, j->id, j->called_ms, c->arena, &s, c->fault));
    *undone = s.fate == SMS_NOT_SENT;
    return s.fate == SMS_UNKNOWN ? fail(c->fault, ERR_PROVIDER_UNKNOWN, NULL) : OK;
}

static enum err sms_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    const struct sms_port *sms = &c->app->providers->sms;
    if (!sms->ops)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "no SMS provider is configured");
    CLEANUP(drop)
    json_t *p = NULL;
    TRY(parse(c, j, &p));
    const char *phone = json_string_value(json_object_get(p, "phone"));
    const char *name = json_string_value(json_object_get(p, "template"));
    const char *template =
        notice_registered(c->arena, name, (int)json_integer_value(json_object_get(p, "version")));
    const char *params[SMS_PARAMS_MAX];
    size_t i, n = 0;
    json_t *v;
    json_array_foreach(json_object_get(p, "params"), i, v) if (n < SMS_PARAMS_MAX) params[n++] =
        json_string_value(v);
    if (j->doubtful)
        return settle(c, j, sms, phone, &r->undone);
    struct sms_receipt receipt;
    TRY(sms->ops->send(sms->self, &(struct sms_message){j->id, phone, template, params, n}, c->arena,
                       &receipt, c->fault));
    say(j, "sms", p);
    return OK;
}

static enum err mail_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)r;
    const struct mail_port *mail = &c->app->providers->mail;
    if (!mail->ops)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "no mail server is configured");
    CLEANUP(drop)
    json_t *p = NULL;
    TRY(parse(c, j, &p));
    struct mail_message m = {.id = j->id,
                             .to = json_string_value(json_object_get(p, "to")),
                             .subject = json_string_value(json_object_get(p, "subject")),
                             .text = json_string_value(json_object_get(p, "text"))};
    struct mail_receipt receipt;
    TRY(mail->ops->send(mail->self, &m, c->arena, &receipt, c->fault));
    say(j, "mail", p);
    return OK;
}

/* The job's own row says DONE: nothing else has to be stored. */
static enum err nothing_more(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)c;
    (void)j;
    (void)r;
    return OK;
}

static const struct job_kind sms_send = {"sms.send", 12, 60000, 1000, sms_call, nothing_more, NULL};
static const struct job_kind mail_send = {"mail.send", 12, 60000, 2000, mail_call, nothing_more, NULL};

const struct job_kind *const notice_jobs[] = {&sms_send, &mail_send};
const size_t notice_jobs_n = sizeof notice_jobs / sizeof *notice_jobs;
