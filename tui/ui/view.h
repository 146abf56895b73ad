/* view.h - the terminal: cells, keys, size. The only users of ncurses are view.c and picture.c.
 *
 * A frame is view_begin(), any number of view_put() and the like, view_end(): the screen is composed anew and
 * ncurses sends what differs, once, so nothing flickers. All text goes through text_clean() here.
 * There is one terminal per process because ncurses has one; struct view says what is known of it.
 */
#ifndef CERTDESK_UI_VIEW_H
#define CERTDESK_UI_VIEW_H

#include "base/arena.h"
#include "ui/keys.h"
#include "ui/theme.h"

#include <stdbool.h>
#include <wchar.h>

struct view {
    int rows, cols;
    int colors;           /* 0: mono or NO_COLOR (no-color.org); else what the terminal has */
    void *screen, *pad;   /* ncurses' own */
    struct arena scratch; /* emptied with each frame */
    int cursor_y, cursor_x;
};

enum {
    VIEW_MIN_ROWS = 10,
    VIEW_MIN_COLS = 40,
};

/* Takes the terminal over (standard input and output). False, with a sentence in *why, when it cannot be
 * used: no terminal, unknown TERM. */
bool view_open(struct view *v, const char **why);
/* Gives it back as it was. Safe when not open. */
void view_close(struct view *v);
/* Asks the terminal for its size; for SIGWINCH. */
void view_resized(struct view *v);

void view_begin(struct view *v);
void view_end(struct view *v);

/* Text in at most `columns` columns from (y, x), cut with an ellipsis. Returns the columns used. Outside of
 * the screen nothing is drawn. */
int view_put(struct view *v, int y, int x, int columns, enum style s, const char *text);
/* The same, padded with spaces to exactly `columns`; `right` aligns numbers. */
void view_pad(struct view *v, int y, int x, int columns, enum style s, const char *text, bool right);
void view_fill(struct view *v, int y, int x, int columns, enum style s);
/* An empty box with a title in its top line. */
void view_box(struct view *v, int y, int x, int rows, int columns, const char *title);
/* Where the cursor stands after this frame; hidden when not called. */
void view_cursor(struct view *v, int y, int x);
/* One cell of a picture: colours are indexes of the terminal's palette, -1 for the default. */
void view_cell(struct view *v, int y, int x, wchar_t c, int fg, int bg);

/* The next key that was typed, K_NONE when there is none. Never waits (but for the rest of an escape
 * sequence). */
ui_key view_key(struct view *v);

#endif
