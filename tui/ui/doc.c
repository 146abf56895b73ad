#include "ui/doc.h"

#include "ui/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    LABEL_MAX = 22
};

void doc_init(struct doc *d)
{
    *d = (struct doc){.chosen = -1};
    arena_init(&d->arena, 0);
}

void doc_clear(struct doc *d)
{
    arena_free(&d->arena);
    d->lines = NULL;
    d->n = d->cap = 0;
}

void doc_free(struct doc *d)
{
    doc_clear(d);
}

static void add(struct doc *d, struct doc_line line)
{
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 64;
        struct doc_line *more = ARENA_ARRAY(&d->arena, struct doc_line, cap);
        if (d->n)
            memcpy(more, d->lines, d->n * sizeof *more);
        d->lines = more;
        d->cap = cap;
    }
    line.label = arena_strdup(&d->arena, line.label);
    line.text = arena_strdup(&d->arena, line.text ? line.text : "");
    d->lines[d->n++] = line;
}

void doc_head(struct doc *d, const char *title)
{
    if (d->n)
        doc_gap(d);
    add(d, (struct doc_line){STYLE_HEAD, NULL, title, -1, 0});
}

void doc_value(struct doc *d, const char *label, const char *text)
{
    doc_styled(d, STYLE_NORMAL, label, text);
}

void doc_styled(struct doc *d, enum style s, const char *label, const char *text)
{
    add(d, (struct doc_line){s, label, text, -1, 0});
}

void doc_item(struct doc *d, int item, enum style s, const char *label, const char *text)
{
    add(d, (struct doc_line){s, label, text, item, 0});
    if (d->chosen < 0) {
        d->chosen = item;
    }
}

void doc_gap(struct doc *d)
{
    add(d, (struct doc_line){STYLE_NORMAL, NULL, "", -1, 0});
}

static void choose(struct doc *d, int step)
{
    int at = -1, n = (int)d->n;
    for (int i = 0; i < n; i++)
        if (d->lines[i].item >= 0 && d->lines[i].item == d->chosen)
            at = i;
    for (int i = 1; i <= n; i++) {
        int k = ((at + step * i) % n + n) % n;
        if (d->lines[k].item >= 0) {
            d->chosen = d->lines[k].item;
            d->follow = true;
            return;
        }
    }
}

/* The item after the chosen one (step 1) or before it (-1), if its first line is in sight: false when not. */
static bool choose_in_sight(struct doc *d, int step)
{
    int n = (int)d->n, at = 0;
    while (at < n && (d->lines[at].item < 0 || d->lines[at].item != d->chosen))
        at++;
    if (at == n)
        return false;
    for (int k = at + step; k >= 0 && k < n; k += step) {
        const struct doc_line *l = &d->lines[k];
        if (l->item < 0)
            continue;
        if (l->at < d->first || l->at >= d->first + d->height)
            return false;
        d->chosen = l->item;
        d->follow = true;
        return true;
    }
    return false;
}

bool doc_key(struct doc *d, ui_key k)
{
    size_t page = d->height > 1 ? d->height - 1 : 1;
    size_t end = d->wrapped > d->height ? d->wrapped - d->height : 0;
    switch (k) {
    case K_UP:
        if (!choose_in_sight(d, -1))
            d->first -= d->first > 0;
        return true;
    case K_DOWN:
        if (!choose_in_sight(d, 1))
            d->first += d->first < end;
        return true;
    case K_PGUP:
        d->first = d->first > page ? d->first - page : 0;
        return true;
    case K_PGDN:
    case ' ':
        d->first = d->first + page < end ? d->first + page : end;
        return true;
    case K_HOME:
        d->first = 0;
        return true;
    case K_END:
        d->first = end;
        return true;
    case K_TAB:
    case K_BACKTAB:
        if (d->n)
            choose(d, k == K_TAB ? 1 : -1);
        return true;
    default:
        return false;
    }
}

static int label_columns(const struct doc *d)
{
    int w = 0;
    for (size_t i = 0; i < d->n; i++) {
        int l = d->lines[i].label ? text_width(d->lines[i].label) : 0;
        w = l > w ? l : w;
    }
    return w < LABEL_MAX ? w : LABEL_MAX;
}

/* A logical line from wrapped line `at` on; returns how many wrapped lines it takes. */
static size_t draw_line(struct doc *d, struct view *v, const struct doc_line *l, size_t at, int y, int x,
                        int columns, int labels)
{
    char **part;
    int indent = l->label ? labels + 1 : l->style == STYLE_HEAD ? 0 : 1;
    indent += l->item >= 0 || l->label ? 1 : 0;
    size_t n = text_wrap(&v->scratch, l->text, columns - indent, &part);
    bool chosen = l->item >= 0 && l->item == d->chosen;
    for (size_t i = 0; i < n; i++) {
        if (at + i < d->first || at + i >= d->first + d->height)
            continue;
        int row = y + (int)(at + i - d->first);
        if (chosen)
            view_fill(v, row, x, columns, STYLE_SELECTED);
        if (i == 0 && l->label)
            view_put(v, row, x + 1, labels, chosen ? STYLE_SELECTED : STYLE_LABEL, l->label);
        view_put(v, row, x + indent, columns - indent, chosen ? STYLE_SELECTED : l->style, part[i]);
    }
    return n;
}

static size_t count(struct view *v, const struct doc_line *l, int columns, int labels)
{
    char **part;
    int indent = l->label ? labels + 1 : l->style == STYLE_HEAD ? 0 : 1;
    indent += l->item >= 0 || l->label ? 1 : 0;
    return text_wrap(&v->scratch, l->text, columns - indent, &part);
}

static void bring_into_view(struct doc *d, struct view *v, int columns, int labels)
{
    size_t at = 0;
    for (size_t i = 0; i < d->n; i++) {
        size_t n = count(v, &d->lines[i], columns, labels);
        if (d->lines[i].item >= 0 && d->lines[i].item == d->chosen) {
            if (at < d->first)
                d->first = at;
            if (at + n > d->first + d->height)
                d->first = at + n - d->height;
        }
        at += n;
    }
    d->follow = false;
}

void doc_draw(struct doc *d, struct view *v, int y, int x, int rows, int columns)
{
    int labels = label_columns(d);
    d->height = rows > 0 ? (size_t)rows : 0;
    if (d->follow)
        bring_into_view(d, v, columns, labels);
    size_t total = 0;
    for (size_t i = 0; i < d->n; i++)
        total += count(v, &d->lines[i], columns, labels);
    d->wrapped = total;
    size_t end = total > d->height ? total - d->height : 0;
    if (d->first > end)
        d->first = end;
    size_t at = 0;
    for (size_t i = 0; i < d->n; i++) {
        d->lines[i].at = at;
        at += draw_line(d, v, &d->lines[i], at, y, x, columns, labels);
    }
    if (end > 0 && rows > 2) { /* how far down */
        view_put(v, y, x + columns, 1, STYLE_DIM, d->first > 0 ? "^" : " ");
        view_put(v, y + rows - 1, x + columns, 1, STYLE_DIM, d->first < end ? "v" : " ");
    }
}
