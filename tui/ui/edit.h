/* edit.h - a line that one types: UTF-8, cursor, secrets. Knows no terminal.
 *
 * (ncurses' own form library loses the second column of wide characters.)
 */
#ifndef CERTDESK_UI_EDIT_H
#define CERTDESK_UI_EDIT_H

#include "base/arena.h"
#include "ui/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum {
    EDIT_MAX = 1400 /* twenty medium numbers of the longest kind */
};

struct edit {
    wchar_t text[EDIT_MAX];
    size_t n;    /* characters */
    size_t at;   /* cursor: before this character, never inside a base and its marks */
    size_t from; /* first character shown */
    size_t max;  /* 0: EDIT_MAX */
    bool secret; /* shown as stars */
};

void edit_set(struct edit *e, const char *utf8);
/* True when the key was one for the line. Harmful characters are not taken in. */
bool edit_key(struct edit *e, ui_key k);
/* What was typed, without spaces around it unless secret. */
char *edit_text(const struct edit *e, struct arena *a);
/* Forgets the text, also in memory. */
void edit_wipe(struct edit *e);

/* What to show in `columns` and in which of them the cursor stands. The text scrolls to keep the cursor
 * visible. */
char *edit_shown(struct edit *e, struct arena *a, int columns, int *cursor);

#endif
