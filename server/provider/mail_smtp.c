/* SMTP by libcurl: submission with TLS, one message a connection. providers.md 8 */
#include "provider/mail.h"

#include "base/clock.h"
#include "base/log.h"
#include "provider/mime.h"
#include "provider/settings.h"
#include "provider/transport.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAIL_TIMEOUT_MS = 20000,
    NAME_MAX_BYTES = 255
};

struct smtp {
    struct arena arena;
    struct http *http;
    const char *url, *user, *password, *from, *from_name;
    int64_t (*now_ms)(void);
};

const struct provider_setting smtp_settings[] = {
    {"url", "smtps://host:465, or smtp://host:587 with STARTTLS; plain smtp on loopback alone", true, false,
     NULL},
    {"user", "login; none: no login", false, false, NULL},
    {"password", "password of the login", false, true, NULL},
    {"from", "sender's address", true, false, NULL},
    {"from_name", "sender's name", false, false, NULL},
    {0},
};

static void mime_free(curl_mime **m)
{
    curl_mime_free(*m);
}

static void slist_free(struct curl_slist **l)
{
    curl_slist_free_all(*l);
}

static bool add_text(curl_mime *m, const char *text, const char *type)
{
    curl_mimepart *p = curl_mime_addpart(m);
    return p && curl_mime_data(p, text, CURL_ZERO_TERMINATED) == CURLE_OK &&
           curl_mime_type(p, type) == CURLE_OK && curl_mime_encoder(p, "base64") == CURLE_OK;
}

static bool add_attachment(curl_mime *m, const struct mail_attachment *file, struct arena *a)
{
    curl_mimepart *p = curl_mime_addpart(m);
    struct curl_slist *headers = curl_slist_append(NULL, mime_disposition(a, file->name));
    return p && curl_mime_data(p, file->data, file->n) == CURLE_OK &&
           curl_mime_type(p, file->type) == CURLE_OK && curl_mime_encoder(p, "base64") == CURLE_OK &&
           curl_mime_headers(p, headers, 1) == CURLE_OK; /* the part owns the list */
}

/* mixed[ alternative[ text, html ], attachments ] */
static curl_mime *build(CURL *c, const struct mail_message *m, struct arena *a)
{
    curl_mime *mixed = curl_mime_init(c), *alternative = curl_mime_init(c);
    curl_mimepart *body = curl_mime_addpart(mixed);
    bool good = add_text(alternative, m->text, "text/plain; charset=utf-8") &&
                (!m->html || add_text(alternative, m->html, "text/html; charset=utf-8")) &&
                curl_mime_subparts(body, alternative) == CURLE_OK &&
                curl_mime_type(body, "multipart/alternative") == CURLE_OK;
    for (size_t i = 0; good && i < m->n_attachments; i++)
        good = add_attachment(mixed, &m->attachments[i], a);
    if (good)
        return mixed;
    curl_mime_free(mixed);
    return NULL;
}

static struct curl_slist *headers(const struct smtp *s, const struct mail_message *m, struct arena *a)
{
    char date[WHEN_SIZE];
    when_rfc5322(s->now_ms(), date);
    const char *lines[] = {
        arena_printf(a, "Date: %s", date),
        arena_printf(a, "From: %s", mime_mailbox(a, s->from_name, s->from)),
        arena_printf(a, "To: %s", mime_mailbox(a, m->to_name, m->to)),
        arena_printf(a, "Subject: %s", mime_encoded_words(a, m->subject)),
        arena_printf(a, "Message-ID: <%s@%s>", m->id, strrchr(s->from, '@') + 1),
        "Auto-Submitted: auto-generated",
    };
    struct curl_slist *l = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        l = curl_slist_append(l, lines[i]);
    return l;
}

static enum err check(const struct mail_message *m, struct fault *f)
{
    static const char id_letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-.";
    if (!m->id || !*m->id || strspn(m->id, id_letters) != strlen(m->id))
        return fail(f, ERR_INVALID, "the id cannot be a Message-ID");
    if (!mime_address_ok(m->to))
        return fail(f, ERR_INVALID, "the recipient is not an address");
    if (!m->subject || !m->text || !mime_text_ok(m->subject) || (m->to_name && !mime_text_ok(m->to_name)))
        return fail(f, ERR_INVALID, "subject and text are wanted, on one line and in UTF-8");
    for (size_t i = 0; i < m->n_attachments; i++)
        if (!m->attachments[i].name || !mime_text_ok(m->attachments[i].name) ||
            strlen(m->attachments[i].name) > NAME_MAX_BYTES || !m->attachments[i].type)
            return fail(f, ERR_INVALID, "an attachment has no name or type");
    return OK;
}

/* Once the final dot may have gone out, only the server's word closes the matter (RFC 5321 4.5.3.2.6). */
static enum err outcome(const struct transport *t, CURLcode code, struct provider_trace *trace,
                        struct fault *f)
{
    long reply = 0;
    curl_off_t uploaded = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &reply);
    curl_easy_getinfo(t->curl, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    trace->http_status = (int)reply;
    if (code == CURLE_OK)
        return OK;
    if (code == CURLE_LOGIN_DENIED)
        return fail(f, ERR_PROVIDER_CONFIG, "mail: the server refused our login (%ld)", reply);
    if (reply >= 400 && reply < 500)
        return fail(f, ERR_PROVIDER_BUSY, "mail: refused for now (%ld)", reply);
    if (reply >= 500 && reply < 600)
        return fail(f, ERR_PROVIDER_REFUSED, "mail: refused (%ld)", reply);
    if (uploaded > 0)
        return fail(f, ERR_PROVIDER_UNKNOWN, "mail: handed over, but %s", curl_easy_strerror(code));
    return fail(f, ERR_UNAVAILABLE, "mail: not sent: %s", curl_easy_strerror(code));
}

static void set_envelope(const struct smtp *s, const struct transport *t, curl_mime *mime,
                         struct curl_slist *rcpt, struct curl_slist *head)
{
    CURL *c = t->curl;
    /* smtp:// beyond this machine does nothing before STARTTLS succeeded */
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(t->loopback ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (s->user) {
        curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, s->password ? s->password : "");
    }
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, s->from);
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(c, CURLOPT_MIMEPOST, mime);
}

static enum err send_mail(void *self, const struct mail_message *m, struct arena *a, struct mail_receipt *out,
                          struct fault *f)
{
    const struct smtp *s = self;
    *out = (struct mail_receipt){0};
    TRY(check(m, f));
    CLEANUP(transport_close)
    struct transport t = {0};
    struct transport_schemes schemes = {"smtps", "smtp", true};
    TRY(transport_open(s->http, s->url, schemes, MAIL_TIMEOUT_MS, &t, f));
    CLEANUP(mime_free)
    curl_mime *mime = build(t.curl, m, a);
    CLEANUP(slist_free)
    struct curl_slist *rcpt = curl_slist_append(NULL, m->to);
    CLEANUP(slist_free)
    struct curl_slist *head = headers(s, m, a);
    if (!mime || !rcpt || !head)
        return fail(f, ERR_UNAVAILABLE, "mail: no memory");
    set_envelope(s, &t, mime, rcpt, head);
    int64_t start = clock_mono_ms();
    transport_point("mail", "before");
    CURLcode code = curl_easy_perform(t.curl);
    transport_point("mail", "after");
    enum err e = outcome(&t, code, &out->trace, f);
    LOG(DEBUG, "provider.mail", KV_I("curl", code), KV_I("status", out->trace.http_status),
        KV_I("ms", clock_mono_ms() - start));
    return e;
}

static void smtp_close(void *self)
{
    struct smtp *s = self;
    arena_free(&s->arena);
    free(s);
}

static const struct mail_ops ops = {"smtp", send_mail, smtp_close};

enum err smtp_open(const struct provider_env *env, struct mail_port *out, struct fault *f)
{
    struct smtp *s = calloc(1, sizeof *s);
    if (!s)
        return fail(f, ERR_UNAVAILABLE, "no memory");
    s->http = env->http;
    s->now_ms = settings_clock(env);
    s->url = settings_get(env, smtp_settings, "url", &s->arena);
    s->user = settings_get(env, smtp_settings, "user", &s->arena);
    s->password = settings_get(env, smtp_settings, "password", &s->arena);
    s->from = settings_get(env, smtp_settings, "from", &s->arena);
    s->from_name = settings_get(env, smtp_settings, "from_name", &s->arena);
    if (!mime_address_ok(s->from)) {
        smtp_close(s);
        return fail(f, ERR_INVALID, "setting from is not an address");
    }
    *out = (struct mail_port){.ops = &ops, .self = s, .simulator = provider_is_simulator(s->url)};
    return OK;
}
