#include "ui/list.h"

#include "tr/tr.h"

bool list_key(struct list *l, ui_key k)
{
    size_t page = l->height > 1 ? l->height - 1 : 1;
    size_t last = l->n ? l->n - 1 : 0;
    switch (k) {
    case K_UP:
        l->at -= l->at > 0;
        return true;
    case K_DOWN:
        l->at += l->at < last;
        return true;
    case K_PGUP:
        l->at = l->at > page ? l->at - page : 0;
        return true;
    case K_PGDN:
        l->at = l->at + page < last ? l->at + page : last;
        return true;
    case K_HOME:
        l->at = 0;
        return true;
    case K_END:
        l->at = last;
        return true;
    default:
        return false;
    }
}

void list_resize(struct list *l, size_t n)
{
    l->n = n;
    if (l->at >= n)
        l->at = n ? n - 1 : 0;
}

static bool shown(const struct column *c, const struct view *v)
{
    return v->cols >= c->wide;
}

/* Width of the columns that share what the fixed ones leave; one space between columns, one at the edges. */
static int shared_width(const struct view *v, const struct column *c, size_t n)
{
    int left = v->cols - 1, sharing = 0;
    for (size_t i = 0; i < n; i++) {
        if (!shown(&c[i], v))
            continue;
        left -= c[i].width + 1;
        sharing += c[i].width == 0;
    }
    int w = sharing ? left / sharing : 0;
    return w > 4 ? w : 4;
}

static void draw_row(struct view *v, int y, const struct column *c, size_t n, int shared, size_t row,
                     list_cell *cell, void *arg, bool selected)
{
    int x = 1;
    if (selected)
        view_fill(v, y, 0, v->cols, STYLE_SELECTED);
    for (size_t i = 0; i < n; i++) {
        if (!shown(&c[i], v))
            continue;
        int w = c[i].width ? c[i].width : shared;
        enum style s = STYLE_NORMAL;
        const char *text = cell(arg, row, i, &s);
        view_pad(v, y, x, w, selected ? STYLE_SELECTED : s, text, c[i].right);
        x += w + 1;
    }
}

static const char *title_cell(void *arg, size_t row, size_t column, enum style *s)
{
    (void)row;
    *s = STYLE_HEAD;
    return tr(((const struct column *)arg)[column].title);
}

void list_draw(struct list *l, struct view *v, int y, int rows, const struct column *c, size_t n_columns,
               list_cell *cell, void *arg)
{
    int shared = shared_width(v, c, n_columns);
    draw_row(v, y, c, n_columns, shared, 0, title_cell, (void *)(uintptr_t)c, false);
    l->height = rows > 2 ? (size_t)rows - 1 : 1;
    if (l->at < l->first)
        l->first = l->at;
    if (l->at >= l->first + l->height)
        l->first = l->at - l->height + 1;
    for (size_t i = 0; i < l->height && l->first + i < l->n; i++)
        draw_row(v, y + 1 + (int)i, c, n_columns, shared, l->first + i, cell, arg, l->first + i == l->at);
}
