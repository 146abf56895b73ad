#include "notice/notice.h"

#include "base/str.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text;
    int version;
    size_t n;
} templates[SMS_TEMPLATES] = {
#define X(name, version, text, n) [SMS_##name] = {#name, text, version, n},
    SMS_TABLE(X)
#undef X
};

/* Everything that may go out: today's and earlier words, under their names at the provider. */
static const struct {
    const char *name, *text;
    size_t n;
} registered[] = {
#define X(name, version, text, n) {(version) == 1 ? #name : #name "_" #version, text, n},
    SMS_TABLE(X) SMS_OLD_TABLE(X)
#undef X
};

static const struct {
    const char *name, *subject, *text;
    int version;
    size_t n;
} letters[MAIL_TEMPLATES] = {
#define X(name, version, subject, text, n) [MAIL_##name] = {#name, subject, text, version, n},
    MAIL_TABLE(X)
#undef X
};

const char *notice_template(size_t i, const char **text, size_t *n_params)
{
    if (i >= sizeof registered / sizeof *registered)
        return NULL;
    *text = registered[i].text;
    *n_params = registered[i].n;
    return registered[i].name;
}

const char *notice_registered(struct arena *a, const char *name, int version)
{
    return version > 1 ? arena_printf(a, "%s_%d", name, version) : name;
}

size_t notice_mail_params(enum mail_template t)
{
    return letters[t].n;
}

/* The start of the n-th character, or the end. */
static const char *after(const char *s, size_t n)
{
    while (*s && n--)
        do
            s++;
        while ((*s & 0xC0) == 0x80);
    return s;
}

const char *notice_words(struct arena *a, const char *text)
{
    bool whole = utf8_length(text) <= NOTICE_WORDS;
    const char *end = after(text, whole ? NOTICE_WORDS : NOTICE_WORDS - 1);
    char *line = arena_printf(a, "%.*s%s", (int)(end - text), text, whole ? "" : "…");
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return line;
}

/* Packs, queues and wipes: the payload holds phones and codes, and is sealed by the outbox. */
static enum err queue(struct ctx *c, const char *kind, json_t *payload, const char *dedupe,
                      const char *object)
{
    char *text = payload ? json_dumps(payload, JSON_COMPACT) : NULL;
    json_decref(payload);
    if (!text)
        return fail(c->fault, ERR_INTERNAL, "a notice could not be written down");
    enum err e = outbox_add(c, kind, dedupe, object, text, strlen(text), 0, NULL);
    wipe(text, strlen(text));
    free(text);
    return e;
}

enum err notice_sms(struct ctx *c, const char *phone, enum sms_template t, const char *const *params,
                    const char *dedupe, const char *object)
{
    json_t *list = json_array();
    for (size_t i = 0; i < templates[t].n; i++)
        json_array_append_new(list, json_string(params[i]));
    return queue(c, "sms.send",
                 json_pack("{s:s, s:s, s:i, s:o}", "phone", phone, "template", templates[t].name, "version",
                           templates[t].version, "params", list),
                 arena_printf(c->arena, "sms:%s", dedupe), object);
}

/* {1} … {9} stand for the parameters; a template names none that it does not have (a test holds it to that).
 */
static const char *filled(struct arena *a, const char *text, const char *const *params, size_t n)
{
    struct buf b = BUF(a);
    for (const char *p = text; *p; p++) {
        bool place = p[0] == '{' && p[1] >= '1' && (size_t)(p[1] - '1') < n && p[2] == '}';
        if (place)
            buf_str(&b, params[p[1] - '1']);
        else
            buf_add(&b, p, 1);
        p += place ? 2 : 0;
    }
    return buf_text(&b);
}

enum err notice_mail(struct ctx *c, const char *address, enum mail_template t, const char *const *params,
                     const char *dedupe, const char *object)
{
    return queue(c, "mail.send",
                 json_pack("{s:s, s:s, s:i, s:s, s:s}", "to", address, "template", letters[t].name, "version",
                           letters[t].version, "subject", letters[t].subject, "text",
                           filled(c->arena, letters[t].text, params, letters[t].n)),
                 arena_printf(c->arena, "mail:%s", dedupe), object);
}
