#include "tr/tr.h"

#include <stdlib.h>
#include <string.h>

struct message {
    const char *id, *text;
};

/* made from po/zh_CN.po */
static const struct message zh_cn[] = {
#include "po/zh_CN.inc"
};

/* Chosen once, before the first word is shown, and only read afterwards. */
static bool chinese;

void tr_choose(const char *language)
{
    chinese = strncmp(language, "zh", 2) == 0;
}

static bool names_a_language(const char *v)
{
    return v && *v && strcmp(v, "POSIX") != 0 && !(v[0] == 'C' && (!v[1] || v[1] == '.'));
}

void tr_init(void)
{
    static const char *const names[] = {"CERTDESK_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (names_a_language(v)) {
            tr_choose(v);
            return;
        }
    }
    chinese = false;
}

bool tr_chinese(void)
{
    return chinese;
}

/* A frame looks up some fifty of a few hundred words; most comparisons end at the first letter. */
const char *tr(const char *msgid)
{
    if (!chinese || !msgid || !*msgid)
        return msgid;
    for (size_t i = 0; i < sizeof zh_cn / sizeof *zh_cn; i++)
        if (strcmp(zh_cn[i].id, msgid) == 0)
            return zh_cn[i].text;
    return msgid;
}
