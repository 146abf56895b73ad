/* chrome.c - what every screen has: title line, banner, body, notice, footer; and the help, from the same
 * rows as the footer. */
#include "screen/chrome.h"

#include "base/str.h"
#include "screen/words.h"
#include "ui/text.h"

#include <stdio.h>
#include <string.h>

static const char *spinner(const struct desk *d)
{
    static const char *const turn[] = {"|", "/", "-", "\\"};
    return turn[d->spin % 4];
}

bool desk_busy(const struct desk *d)
{
    return d->top && d->top->calls;
}

static void draw_title(struct desk *d)
{
    struct view *v = &d->view;
    const struct page *p = d->top;
    struct arena *a = &v->scratch;
    const char *state = d->away              ? _("no answer from the server")
                        : !*d->session.token ? _("not logged in")
                        : d->queues.known    ? _("connected")
                                             : _("connecting");
    const char *right = arena_printf(a, "%s  %s  %s %s ", text_clean(a, d->session.name), word_zone(a),
                                     desk_busy(d) ? spinner(d) : " ", state);
    int w = text_width(right);
    view_fill(v, 0, 0, v->cols, STYLE_BAR);
    const char *left = arena_printf(a, " %s", tr(p->screen->title));
    if (*p->subtitle)
        left = arena_printf(a, "%s - %s", left, p->subtitle);
    view_put(v, 0, 0, v->cols - w - 1, STYLE_BAR, left);
    view_put(v, 0, v->cols - w, w, d->away ? STYLE_BANNER : STYLE_BAR, right);
}

static int draw_banner(struct desk *d)
{
    struct view *v = &d->view;
    if (!d->session.simulator)
        return 1;
    view_pad(v, 1, 0, v->cols, STYLE_BANNER,
             _(" SIMULATION: payments, identity checks and messages are not real"), false);
    return 2;
}

/* Columns of "Esc Back". */
static int action_width(const struct action *row)
{
    char name[8];
    return text_width(key_label(row->key, name)) + 1 + text_width(tr(row->label));
}

static int draw_action(struct view *v, int x, const struct action *row)
{
    char name[8];
    int y = v->rows - 1;
    int w = view_put(v, y, x, v->cols, STYLE_BAR_KEY, key_label(row->key, name));
    view_put(v, y, x + w + 1, v->cols, STYLE_BAR, tr(row->label));
    return action_width(row);
}

/* The way back and the help always have their place at the right. */
static bool at_right(const struct action *row)
{
    return row->key == K_ESC || row->key == '?';
}

static void draw_footer(struct desk *d)
{
    struct view *v = &d->view;
    const struct action *row;
    int right = v->cols, x = 1;
    view_fill(v, v->rows - 1, 0, v->cols, STYLE_BAR);
    for (size_t i = 0; (row = page_action(d->top, i)); i++)
        if (at_right(row) && (!row->when || row->when(d->top)))
            right -= action_width(row) + 2;
    for (size_t i = 0; (row = page_action(d->top, i)); i++) {
        if (at_right(row) || (row->when && !row->when(d->top)) || x + action_width(row) + 2 > right)
            continue;
        x += draw_action(v, x, row) + 2;
    }
    for (size_t i = 0; (row = page_action(d->top, i)); i++)
        if (at_right(row) && (!row->when || row->when(d->top)))
            right += draw_action(v, right, row) + 2;
}

struct cells {
    const struct page *page;
    struct arena *arena;
};

static const char *cell(void *arg, size_t row, size_t column, enum style *s)
{
    const struct cells *c = arg;
    return c->page->screen->cell(c->page, c->page->rows[row], column, s, c->arena);
}

static void draw_rows(struct page *p, int y, int rows)
{
    struct view *v = &p->desk->view;
    struct cells c = {p, &v->scratch};
    list_draw(&p->list, v, y, rows, p->screen->columns, p->screen->n_columns, cell, &c);
    const char *empty = p->screen->none ? p->screen->none(p) : p->screen->empty;
    if (p->n_rows == 0 && empty)
        view_put(v, y + 2, 2, v->cols - 4, STYLE_DIM, tr(empty));
    if (p->n_rows && p->next_page && p->list.at + 5 >= p->n_rows && !p->calls && !p->failed)
        listing_load(p, true);
}

static void draw_failed(struct page *p, int y)
{
    struct view *v = &p->desk->view;
    char **line;
    const char *why =
        arena_printf(&v->scratch, "%s\n\n%s", fault_words(&p->fault, &v->scratch), _("F5 tries again."));
    size_t n = text_wrap(&v->scratch, why, v->cols - 4, &line);
    for (size_t i = 0; i < n; i++)
        view_put(v, y + 1 + (int)i, 2, v->cols - 4, STYLE_BAD, line[i]);
}

static bool shows_something(const struct page *p)
{
    return p->n_rows || p->kept || (!p->screen->load && !p->screen->list.name);
}

static void draw_body(struct page *p, int y, int rows)
{
    struct view *v = &p->desk->view;
    if (p->screen->draw)
        p->screen->draw(p, y, rows);
    else if (p->failed && !shows_something(p))
        draw_failed(p, y);
    else if (p->loading)
        view_put(v, y + 1, 2, v->cols - 4, STYLE_DIM, _("Loading..."));
    else if (p->screen->columns)
        draw_rows(p, y, rows);
    else
        doc_draw(&p->doc, v, y, 0, rows, v->cols - 1);
}

static void draw_notice(struct desk *d)
{
    struct view *v = &d->view;
    const struct page *p = d->top;
    const char *text = d->notice;
    enum style s = d->notice_style;
    if (!*text && p->failed && shows_something(p)) {
        text =
            arena_printf(&v->scratch, _("This may be out of date: %s"), fault_words(&p->fault, &v->scratch));
        s = STYLE_WARN;
    }
    view_put(v, v->rows - 2, 1, v->cols - 2, s, text);
    if (!*text && p->screen->columns && p->n_rows && p->screen->list.name) {
        const char *n =
            arena_printf(&v->scratch, "%zu/%zu%s", p->list.at + 1, p->n_rows, p->next_page ? "+" : "");
        view_pad(v, v->rows - 2, v->cols - 20, 19, STYLE_DIM, n, true);
    }
}

void desk_draw(struct desk *d)
{
    struct view *v = &d->view;
    view_begin(v);
    if (v->rows < VIEW_MIN_ROWS || v->cols < VIEW_MIN_COLS) {
        view_put(v, 0, 0, v->cols, STYLE_WARN, _("The window is too small."));
    } else {
        draw_title(d);
        int y = draw_banner(d);
        draw_body(d->top, y, v->rows - y - 2);
        draw_notice(d);
        draw_footer(d);
        if (d->asking)
            form_draw(&d->form, v);
    }
    view_end(v);
}

void desk_help(struct page *p)
{
    struct desk *d = p->desk;
    struct arena a;
    arena_init(&a, 0);
    struct buf b = BUF(&a);
    const struct action *row;
    for (size_t i = 0; (row = page_action(p, i)); i++) {
        char name[8];
        if (row->when && !row->when(p))
            continue;
        const char *key = key_label(row->key, name);
        buf_printf(&b, "%s%*s%s\n", key, 8 - (int)strlen(key), "", tr(row->help ? row->help : row->label));
    }
    if (p->screen->columns)
        buf_printf(&b, "%s\n", _("Up Down PgUp PgDn Home End: choose a row"));
    else if (!p->screen->draw)
        buf_printf(&b, "%s\n", _("Up Down PgUp PgDn Home End: scroll and choose a line"));
    desk_tell(d, STYLE_NORMAL, _("Help"), buf_text(&b));
    arena_free(&a);
}
