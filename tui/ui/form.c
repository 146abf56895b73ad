#include "ui/form.h"

#include "base/str.h"
#include "ui/text.h"
#include "tr/tr.h"

#include <stdio.h>
#include <string.h>

void form_init(struct form *f, enum form_kind kind, const char *title)
{
    *f = (struct form){.kind = kind};
    arena_init(&f->arena, 0);
    f->title = arena_strdup(&f->arena, title);
    f->text = "";
}

void form_text(struct form *f, enum style s, const char *text)
{
    f->text = arena_strdup(&f->arena, text);
    f->text_style = s;
    f->scroll = 0;
}

struct field *form_field(struct form *f, enum field_kind kind, const char *name, const char *label)
{
    struct field *d = &f->fields[f->n < FORM_FIELDS ? f->n++ : FORM_FIELDS - 1];
    d->kind = kind;
    d->name = name;
    d->label = label;
    d->edit.secret = kind == FIELD_SECRET;
    return d;
}

static const struct field *find(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->fields[i].name, name) == 0)
            return &f->fields[i];
    return NULL;
}

char *form_value(const struct form *f, const char *name, struct arena *a)
{
    const struct field *d = find(f, name);
    return d ? edit_text(&d->edit, a) : arena_strdup(a, "");
}

size_t form_chosen(const struct form *f, const char *name)
{
    const struct field *d = find(f, name);
    return d ? d->chosen : 0;
}

bool form_error(struct form *f, const char *path, const char *text)
{
    for (size_t i = 0; i < f->n; i++) {
        struct field *d = &f->fields[i];
        size_t n = strlen(path), m = strlen(d->name);
        if (m > n || strcmp(path + n - m, d->name) != 0 || (m < n && path[n - m - 1] != '.'))
            continue;
        snprintf(d->error, sizeof d->error, "%s", text);
        return true;
    }
    return false;
}

void form_clear_errors(struct form *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->fields[i].error[0] = 0;
}

void form_free(struct form *f)
{
    for (size_t i = 0; i < f->n; i++)
        edit_wipe(&f->fields[i].edit);
    arena_free(&f->arena);
    f->n = 0;
}

static enum form_result ask_key(struct form *f, ui_key k)
{
    struct field *d = &f->fields[f->at];
    switch (k) {
    case K_TAB:
    case K_DOWN:
        f->at = (f->at + 1) % f->n;
        return FORM_STAYS;
    case K_BACKTAB:
    case K_UP:
        f->at = (f->at + f->n - 1) % f->n;
        return FORM_STAYS;
    case K_ENTER:
        if (d->entered && !d->entered(f, d->arg))
            return FORM_STAYS;
        if (f->at + 1 < f->n) {
            f->at++;
            return FORM_STAYS;
        }
        return FORM_SUBMITTED;
    case K_CTRL('s'):
        return FORM_SUBMITTED;
    default:
        break;
    }
    if (d->kind == FIELD_CHOICE && d->n_choices) {
        if (k == K_RIGHT || k == ' ')
            d->chosen = (d->chosen + 1) % d->n_choices;
        else if (k == K_LEFT)
            d->chosen = (d->chosen + d->n_choices - 1) % d->n_choices;
    } else if (edit_key(&d->edit, k)) {
        d->error[0] = 0;
    }
    return FORM_STAYS;
}

enum form_result form_key(struct form *f, ui_key k)
{
    if (k == K_ESC || k == K_CTRL('c'))
        return f->locked ? FORM_STAYS : FORM_LEFT;
    if (f->busy)
        return FORM_STAYS;
    if (f->kind == FORM_ASK && f->n)
        return ask_key(f, k);
    if (k == K_DOWN || k == K_PGDN)
        f->scroll++;
    else if ((k == K_UP || k == K_PGUP) && f->scroll)
        f->scroll--;
    k = key_command(k);
    if (f->kind == FORM_CONFIRM)
        return k == 'y' || k == 'Y' ? FORM_SUBMITTED : k == 'n' || k == 'N' ? FORM_LEFT : FORM_STAYS;
    return k == K_ENTER || k == ' ' ? FORM_LEFT : FORM_STAYS;
}

static const char *hint(const struct form *f)
{
    if (f->busy)
        return _("Please wait...");
    switch (f->kind) {
    case FORM_CONFIRM:
        return _("y Yes   n No");
    case FORM_TELL:
        return _("Enter Close");
    default:
        return f->locked ? _("Enter Next/confirm   Tab Switch   Ctrl-C Quit")
                         : _("Enter Next/confirm   Tab Switch   Esc Leave");
    }
}

static void draw_field(struct form *f, struct view *v, size_t i, int y, int x, int labels, int columns)
{
    struct field *d = &f->fields[i];
    bool on = i == f->at && !f->busy;
    view_put(v, y, x, labels, on ? STYLE_STRONG : STYLE_LABEL, d->label);
    int fx = x + labels + 1, fw = columns - labels - 1;
    if (d->kind == FIELD_CHOICE) {
        const char *word = d->n_choices ? d->choices[d->chosen] : "";
        view_pad(v, y, fx, fw, on ? STYLE_FIELD_ON : STYLE_FIELD, arena_printf(&v->scratch, "< %s >", word),
                 false);
    } else {
        int cursor = 0;
        char *shown = edit_shown(&d->edit, &v->scratch, fw, &cursor);
        view_pad(v, y, fx, fw, on ? STYLE_FIELD_ON : STYLE_FIELD, shown, false);
        if (on)
            view_cursor(v, y, fx + cursor);
    }
    view_put(v, y + 1, fx, fw, STYLE_BAD, d->error);
}

static int label_columns(const struct form *f)
{
    int w = 0;
    for (size_t i = 0; i < f->n; i++) {
        int l = text_width(f->fields[i].label);
        w = l > w ? l : w;
    }
    return w;
}

/* The text in at most `rows` lines; says when there is more. */
static int draw_text(struct form *f, struct view *v, int y, int x, int columns, int rows, char **line,
                     size_t n)
{
    size_t shown = n < (size_t)rows ? n : (size_t)rows;
    if (f->scroll > n - shown)
        f->scroll = n - shown;
    for (size_t i = 0; i < shown; i++)
        view_put(v, y + (int)i, x, columns, f->text_style, line[f->scroll + i]);
    if (f->scroll + shown < n)
        view_put(v, y + rows - 1, x + columns - 1, 1, STYLE_DIM, "v");
    return (int)shown;
}

void form_draw(struct form *f, struct view *v)
{
    int columns = v->cols - 4 < 68 ? v->cols - 4 : 68;
    char **line = NULL;
    size_t n = *f->text ? text_wrap(&v->scratch, f->text, columns - 4, &line) : 0;
    int fields = (int)f->n * 2, most = v->rows - fields - 7;
    int text_rows = (int)n < most ? (int)n : most > 1 ? most : 1;
    if (n == 0)
        text_rows = 0;
    int rows = text_rows + fields + 4 + (text_rows && fields ? 1 : 0);
    int y = (v->rows - rows) / 2, x = (v->cols - columns) / 2;
    y = y > 0 ? y : 0;
    /* Whole lines: a box over half of a wide character leaves ncurses and the terminal at odds. */
    for (int i = 0; i < rows; i++)
        view_fill(v, y + i, 0, v->cols, STYLE_NORMAL);
    view_box(v, y, x, rows, columns, f->title);
    int at = y + 1;
    if (text_rows) {
        at += draw_text(f, v, at, x + 2, columns - 4, text_rows, line, n);
        at += fields ? 1 : 0;
    }
    int labels = label_columns(f);
    for (size_t i = 0; i < f->n; i++, at += 2)
        draw_field(f, v, i, at, x + 2, labels, columns - 4);
    view_put(v, y + rows - 2, x + 2, columns - 4, STYLE_DIM, hint(f));
}
