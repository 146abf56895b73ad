#include "ui/view.h"

#include "ui/text.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct {
    attr_t attr;  /* always */
    attr_t mono;  /* besides, without colours */
    short fg, bg; /* with colours; -1: the terminal's own */
} looks[STYLE_COUNT] = {
    [STYLE_NORMAL] = {0, 0, -1, -1},
    [STYLE_BAR] = {0, A_REVERSE, COLOR_WHITE, COLOR_BLUE},
    [STYLE_BAR_KEY] = {A_BOLD, A_REVERSE, COLOR_YELLOW, COLOR_BLUE},
    [STYLE_BANNER] = {A_BOLD, A_REVERSE, COLOR_BLACK, COLOR_YELLOW},
    [STYLE_HEAD] = {A_BOLD, A_UNDERLINE, COLOR_CYAN, -1},
    [STYLE_LABEL] = {0, 0, COLOR_CYAN, -1},
    [STYLE_DIM] = {A_DIM, 0, -1, -1},
    [STYLE_STRONG] = {A_BOLD, 0, -1, -1},
    [STYLE_SELECTED] = {0, A_REVERSE, COLOR_BLACK, COLOR_CYAN},
    [STYLE_GOOD] = {0, 0, COLOR_GREEN, -1},
    [STYLE_WARN] = {A_BOLD, 0, COLOR_YELLOW, -1},
    [STYLE_BAD] = {A_BOLD, 0, COLOR_RED, -1},
    [STYLE_FIELD] = {A_UNDERLINE, 0, -1, -1},
    [STYLE_FIELD_ON] = {A_UNDERLINE, A_BOLD, COLOR_YELLOW, -1},
};

static void start_colors(struct view *v)
{
    const char *no = getenv("NO_COLOR");
    v->colors = 0;
    if ((no && *no) || !has_colors() || start_color() == ERR)
        return;
    use_default_colors();
    v->colors = COLORS;
    for (int s = 0; s < STYLE_COUNT; s++)
        init_extended_pair(s + 1, looks[s].fg, looks[s].bg);
}

bool view_open(struct view *v, const char **why)
{
    *v = (struct view){.cursor_y = -1};
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        *why = "standard input and output must be a terminal";
        return false;
    }
    v->screen = newterm(NULL, stdout, stdin);
    if (!v->screen) {
        *why = "this terminal is unknown (TERM)";
        return false;
    }
    raw(); /* Ctrl-C is a key: a half-done action is not to be killed by habit */
    noecho();
    nonl();
    set_escdelay(50);
    curs_set(0);
    start_colors(v);
    /* wgetch() refreshes its window; a pad is never refreshed, so that only view_end() draws. */
    v->pad = newpad(1, 1);
    keypad(v->pad, TRUE);
    nodelay(v->pad, TRUE);
    getmaxyx(stdscr, v->rows, v->cols);
    arena_init(&v->scratch, 0);
    return true;
}

void view_close(struct view *v)
{
    if (!v->screen)
        return;
    delwin(v->pad);
    erase();
    refresh();
    endwin();
    delscreen(v->screen);
    arena_free(&v->scratch);
    v->screen = NULL;
}

void view_resized(struct view *v)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0)
        resizeterm(w.ws_row, w.ws_col);
    getmaxyx(stdscr, v->rows, v->cols);
    clearok(curscr, TRUE); /* the terminal has moved the old lines about as it likes */
}

void view_begin(struct view *v)
{
    erase();
    v->cursor_y = -1;
}

void view_end(struct view *v)
{
    if (v->cursor_y >= 0)
        move(v->cursor_y, v->cursor_x);
    curs_set(v->cursor_y >= 0);
    wnoutrefresh(stdscr);
    doupdate();
    arena_free(&v->scratch);
}

static void look(const struct view *v, enum style s)
{
    if (v->colors) {
        int pair = (int)s + 1;
        attr_set(looks[s].attr, 0, &pair);
    } else {
        attr_set(looks[s].attr | looks[s].mono, 0, NULL);
    }
}

static void put_wide(const char *clean)
{
    for (wchar_t c; (c = text_next(&clean));)
        addnwstr(&c, 1);
}

int view_put(struct view *v, int y, int x, int columns, enum style s, const char *text)
{
    if (y < 0 || y >= v->rows || x < 0 || x >= v->cols)
        return 0;
    if (columns > v->cols - x)
        columns = v->cols - x;
    char *t = text_fit(&v->scratch, text, columns);
    look(v, s);
    move(y, x);
    put_wide(t);
    return text_width(t);
}

void view_pad(struct view *v, int y, int x, int columns, enum style s, const char *text, bool right)
{
    view_fill(v, y, x, columns, s);
    int shift = 0;
    if (right) {
        int w = text_width(text_fit(&v->scratch, text, columns));
        shift = columns - w;
    }
    view_put(v, y, x + shift, columns - shift, s, text);
}

void view_fill(struct view *v, int y, int x, int columns, enum style s)
{
    if (y < 0 || y >= v->rows || x < 0 || x >= v->cols)
        return;
    if (columns > v->cols - x)
        columns = v->cols - x;
    look(v, s);
    for (int i = 0; i < columns; i++)
        mvaddch(y, x + i, ' ');
}

void view_box(struct view *v, int y, int x, int rows, int columns, const char *title)
{
    for (int i = 0; i < rows; i++)
        view_fill(v, y + i, x, columns, STYLE_NORMAL);
    look(v, STYLE_LABEL);
    mvaddch(y, x, ACS_ULCORNER);
    mvaddch(y, x + columns - 1, ACS_URCORNER);
    mvaddch(y + rows - 1, x, ACS_LLCORNER);
    mvaddch(y + rows - 1, x + columns - 1, ACS_LRCORNER);
    mvhline(y, x + 1, ACS_HLINE, columns - 2);
    mvhline(y + rows - 1, x + 1, ACS_HLINE, columns - 2);
    mvvline(y + 1, x, ACS_VLINE, rows - 2);
    mvvline(y + 1, x + columns - 1, ACS_VLINE, rows - 2);
    if (title && *title && columns > 6)
        view_put(v, y, x + 2, columns - 4, STYLE_HEAD, title);
}

void view_cursor(struct view *v, int y, int x)
{
    if (y < v->rows && x < v->cols) {
        v->cursor_y = y;
        v->cursor_x = x;
    }
}

void view_cell(struct view *v, int y, int x, wchar_t c, int fg, int bg)
{
    if (y < 0 || y >= v->rows || x < 0 || x >= v->cols)
        return;
    if (text_classify(c) != TEXT_PLAIN || wcwidth(c) != 1)
        c = ' ';
    int pair = v->colors > 0 ? alloc_pair(fg < v->colors ? fg : -1, bg < v->colors ? bg : -1) : 0;
    attr_set(A_NORMAL, 0, pair > 0 ? &pair : NULL);
    mvaddnwstr(y, x, &c, 1);
}

static ui_key function_key(wint_t code)
{
    static const struct {
        wint_t code;
        ui_key key;
    } keys[] = {
        {KEY_UP, K_UP},        {KEY_DOWN, K_DOWN}, {KEY_LEFT, K_LEFT},           {KEY_RIGHT, K_RIGHT},
        {KEY_HOME, K_HOME},    {KEY_END, K_END},   {KEY_PPAGE, K_PGUP},          {KEY_NPAGE, K_PGDN},
        {KEY_BTAB, K_BACKTAB}, {KEY_DC, K_DELETE}, {KEY_BACKSPACE, K_BACKSPACE}, {KEY_ENTER, K_ENTER},
        {KEY_F(1), K_F1},      {KEY_F(5), K_F5},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code)
            return keys[i].key;
    return K_OTHER;
}

ui_key view_key(struct view *v)
{
    wint_t c;
    int got = wget_wch(v->pad, &c);
    if (got == ERR)
        return K_NONE;
    if (got == KEY_CODE_YES)
        return function_key(c);
    if (c == 127 || c == 8)
        return K_BACKSPACE;
    if (c == '\n' || c == '\r')
        return K_ENTER;
    return c ? (ui_key)c : K_OTHER;
}
