/* What certdesk-ukey says, in the language of the environment. */
#include "ukey/ukey.h"

#include "base/end.h"

#include <stdarg.h>
#include <string.h>

enum {
    LABEL_WIDTH = 18,
};

char *clean(struct arena *a, const char *text)
{
    char *out = arena_strdup(a, text), *to = out;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0; /* controls of two bytes */
        *to++ = *p < ' ' || *p == 127 || c1 ? '?' : (char)*p;
        p += c1;
    }
    *to = '\0';
    return out;
}

int complain(const struct fault *f)
{
    bool zh = tr_chinese();
    struct arena a;
    arena_init(&a, 0);
    fprintf(stderr, "certdesk-ukey: %s", clean(&a, zh ? fault_text_zh(f) : fault_text(f)));
    if (zh && !f->text_zh[0] && f->text[0]) /* another program's words, beside the code's sentence */
        fprintf(stderr, "：%s", clean(&a, f->text));
    fputc('\n', stderr);
    for (size_t i = 0; i < f->n_violations; i++)
        fprintf(stderr, "%s\n", clean(&a, zh ? f->violations[i].text_zh : f->violations[i].text));
    arena_free(&a);
    return (int)end_of(f->code);
}

enum err refuse(struct fault *f, enum err code, const char *msgid, ...)
{
    char text[sizeof f->text], words[sizeof f->text_zh];
    va_list ap, again;
    va_start(ap, msgid);
    va_copy(again, ap);
    vsnprintf(text, sizeof text, msgid, ap);
    vsnprintf(words, sizeof words, tr(msgid), again);
    va_end(again);
    va_end(ap);
    return fail_both(f, code, text, words);
}

/* Columns of words in English or Chinese: what has three bytes is two wide. */
static int columns_of(const char *text)
{
    int n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        n += *p < 0x80 ? 1 : *p >= 0xE0 ? 2 : 0;
    return n;
}

void print_row(const char *label, const char *fmt, ...)
{
    va_list ap;
    int n = columns_of(label);
    printf("%s%*s", label, n < LABEL_WIDTH ? LABEL_WIDTH - n : 1, "");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}
