#include "ui/edit.h"

#include "base/str.h"
#include "ui/text.h"

#include <string.h>

static size_t limit(const struct edit *e)
{
    return e->max && e->max < EDIT_MAX ? e->max : EDIT_MAX;
}

static bool is_mark(const struct edit *e, size_t i)
{
    return i < e->n && text_classify(e->text[i]) == TEXT_MARK;
}

/* The next place where the cursor may stand, to the left or to the right of `at`. */
static size_t left_of(const struct edit *e, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && is_mark(e, at))
        at--;
    return at;
}

static size_t right_of(const struct edit *e, size_t at)
{
    if (at < e->n)
        at++;
    while (is_mark(e, at))
        at++;
    return at;
}

static void cut(struct edit *e, size_t from, size_t to)
{
    wmemmove(e->text + from, e->text + to, e->n - to);
    size_t gone = to - from;
    wipe(e->text + e->n - gone, gone * sizeof *e->text);
    e->n -= gone;
    e->at = from;
}

static bool insert(struct edit *e, wchar_t c)
{
    enum text_class k = text_classify(c);
    if ((k != TEXT_PLAIN && k != TEXT_MARK) || (k == TEXT_MARK && e->at == 0) || e->n >= limit(e))
        return k == TEXT_PLAIN; /* a full line swallows the letter; a control character is no letter */
    wmemmove(e->text + e->at + 1, e->text + e->at, e->n - e->at);
    e->text[e->at++] = c;
    e->n++;
    return true;
}

void edit_set(struct edit *e, const char *utf8)
{
    edit_wipe(e);
    for (wchar_t c; (c = text_next(&utf8));)
        insert(e, c);
}

/* Ctrl-W: the word before the cursor. */
static size_t word_left(const struct edit *e)
{
    size_t i = e->at;
    while (i > 0 && e->text[i - 1] == ' ')
        i--;
    while (i > 0 && e->text[i - 1] != ' ')
        i--;
    return i;
}

bool edit_key(struct edit *e, ui_key k)
{
    switch (k) {
    case K_LEFT:
        e->at = left_of(e, e->at);
        return true;
    case K_RIGHT:
        e->at = right_of(e, e->at);
        return true;
    case K_HOME:
    case K_CTRL('a'):
        e->at = 0;
        return true;
    case K_END:
    case K_CTRL('e'):
        e->at = e->n;
        return true;
    case K_BACKSPACE:
        cut(e, left_of(e, e->at), e->at);
        return true;
    case K_DELETE:
        cut(e, e->at, right_of(e, e->at));
        return true;
    case K_CTRL('u'):
        cut(e, 0, e->at);
        return true;
    case K_CTRL('k'):
        cut(e, e->at, e->n);
        return true;
    case K_CTRL('w'):
        cut(e, word_left(e), e->at);
        return true;
    default:
        return k > 0 && k < K_UP && insert(e, (wchar_t)k);
    }
}

char *edit_text(const struct edit *e, struct arena *a)
{
    size_t from = 0, to = e->n;
    while (!e->secret && from < to && e->text[from] == ' ')
        from++;
    while (!e->secret && to > from && e->text[to - 1] == ' ')
        to--;
    return text_utf8(a, e->text + from, to - from);
}

void edit_wipe(struct edit *e)
{
    wipe(e->text, sizeof e->text);
    e->n = e->at = e->from = 0;
}

static int columns_of(const struct edit *e, size_t i)
{
    if (e->secret)
        return is_mark(e, i) ? 0 : 1;
    int w = wcwidth(e->text[i]);
    return w > 0 ? w : 0;
}

static int span(const struct edit *e, size_t from, size_t to)
{
    int w = 0;
    for (size_t i = from; i < to; i++)
        w += columns_of(e, i);
    return w;
}

char *edit_shown(struct edit *e, struct arena *a, int columns, int *cursor)
{
    if (e->at < e->from)
        e->from = e->at;
    while (e->from < e->at && span(e, e->from, e->at) >= columns) /* one column is the cursor's */
        e->from = right_of(e, e->from);
    struct buf b = BUF(a);
    int used = 0;
    size_t to = e->from;
    for (; to < e->n && used + columns_of(e, to) <= columns; to++) {
        used += columns_of(e, to);
        if (e->secret && columns_of(e, to))
            buf_str(&b, "*");
    }
    *cursor = span(e, e->from, e->at);
    if (!e->secret)
        return text_utf8(a, e->text + e->from, to - e->from);
    return b.n ? b.p : arena_strdup(a, "");
}
