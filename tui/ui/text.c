#include "ui/text.h"

#include "base/str.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wctype.h>

enum {
    REPLACEMENT = 0xFFFD,
    MAX_MARKS = 3,
};

bool text_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return true;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

/* Invisible or direction-changing characters: two names that differ only in these would look the same, or
 * one would be shown in another order than it is stored (Unicode TR 36). */
static const struct {
    wchar_t from, to;
} harmful[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},    {0x061C, 0x061C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180E, 0x180E},   {0x200B, 0x200F},    {0x202A, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xD800, 0xDFFF},   {0xFEFF, 0xFEFF},    {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1D173, 0x1D17A}, {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF},
};

static bool is_harmful(wchar_t c)
{
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++)
        if (c >= harmful[i].from && c <= harmful[i].to)
            return true;
    return false;
}

enum text_class text_classify(wchar_t c)
{
    if ((c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029)
        return TEXT_BREAK;
    if ((c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x180B && c <= 0x180D) || (c >= 0xE0100 && c <= 0xE01EF))
        return TEXT_DROPPED;
    if (is_harmful(c))
        return TEXT_HARMFUL;
    int w = wcwidth(c);
    if (w < 0)
        return TEXT_HARMFUL;
    return w == 0 ? TEXT_MARK : TEXT_PLAIN;
}

wchar_t text_next(const char **s)
{
    const char *p = *s;
    if (!*p)
        return 0;
    mbstate_t st = {0};
    wchar_t c;
    size_t n = mbrtowc(&c, p, strlen(p) < 6 ? strlen(p) : 6, &st);
    if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
        *s = p + 1;
        return REPLACEMENT;
    }
    *s = p + n;
    return c;
}

static void add(struct buf *b, wchar_t c)
{
    char out[16];
    mbstate_t st = {0};
    size_t n = wcrtomb(out, c, &st);
    if (n != (size_t)-1)
        buf_add(b, out, n);
}

char *text_utf8(struct arena *a, const wchar_t *w, size_t n)
{
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++)
        add(&b, w[i]);
    return b.n ? b.p : arena_strdup(a, "");
}

char *text_clean(struct arena *a, const char *s)
{
    struct buf b = BUF(a);
    int marks = MAX_MARKS; /* a mark before any base would land on what is left of the text */
    for (wchar_t c; s && (c = text_next(&s));) {
        switch (text_classify(c)) {
        case TEXT_PLAIN:
            add(&b, c);
            marks = 0;
            break;
        case TEXT_MARK:
            if (marks++ < MAX_MARKS)
                add(&b, c);
            else if (b.n == 0)
                add(&b, REPLACEMENT);
            break;
        case TEXT_BREAK:
            add(&b, ' ');
            marks = 0;
            break;
        case TEXT_DROPPED:
            break;
        case TEXT_HARMFUL:
            add(&b, REPLACEMENT);
            marks = 0;
            break;
        }
    }
    return b.n ? b.p : arena_strdup(a, "");
}

int text_width(const char *s)
{
    int columns = 0;
    for (wchar_t c; (c = text_next(&s));) {
        int w = wcwidth(c);
        columns += w > 0 ? w : 0;
    }
    return columns;
}

size_t text_cut(const char *s, int columns)
{
    const char *p = s;
    int used = 0;
    for (;;) {
        const char *next = p;
        wchar_t c = text_next(&next);
        int w = c ? wcwidth(c) : 0;
        if (!c || used + (w > 0 ? w : 0) > columns)
            return (size_t)(p - s);
        used += w > 0 ? w : 0;
        p = next;
    }
}

char *text_fit(struct arena *a, const char *s, int columns)
{
    char *t = text_clean(a, s);
    if (columns <= 0)
        return arena_strdup(a, "");
    if (text_width(t) <= columns)
        return t;
    size_t n = text_cut(t, columns - 1);
    return arena_printf(a, "%.*s…", (int)n, t);
}

/* Closing punctuation does not begin a line (GB/T 15834). */
static bool no_line_start(wchar_t c)
{
    return c && wcschr(L"，。、；：！？）】》”’％", c) != NULL;
}

/* How many of n fitting bytes stay on this line. */
static size_t break_at(const char *s, size_t n)
{
    if (!s[n])
        return n;
    const char *next = s + n;
    wchar_t c = text_next(&next);
    size_t back = n;
    if (c < 0x80 && c != ' ') {
        while (back > 0 && (unsigned char)s[back - 1] < 0x80 && s[back - 1] != ' ')
            back--;
    } else if (no_line_start(c)) {
        do
            back--;
        while (back > 0 && ((unsigned char)s[back] & 0xC0) == 0x80);
    }
    return back > 0 ? back : n;
}

static void wrap_line(struct arena *a, const char *s, int columns, struct buf *lines)
{
    do {
        size_t n = break_at(s, text_cut(s, columns));
        if (n == 0 && *s)
            n = strlen(s); /* wider than the line: the view cuts it */
        char *line = arena_strndup(a, s, n);
        buf_add(lines, &line, sizeof line);
        s += n;
        while (*s == ' ')
            s++;
    } while (*s);
}

size_t text_wrap(struct arena *a, const char *s, int columns, char ***lines)
{
    struct buf b = BUF(a);
    if (columns < 2)
        columns = 2;
    for (const char *p = s ? s : "";;) {
        size_t n = strcspn(p, "\n");
        wrap_line(a, text_clean(a, arena_strndup(a, p, n)), columns, &b);
        if (!p[n] || !p[n + 1])
            break;
        p += n + 1;
    }
    size_t n = b.n / sizeof(char *);
    *lines = arena_memdup(a, b.p, b.n);
    return n;
}
