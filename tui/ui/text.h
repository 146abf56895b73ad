/* text.h - text from outside, made harmless and measured in terminal columns.
 *
 * Names, reasons and error sentences come from applicants and other machines. text_clean() is the one place
 * that decides what of them may reach a terminal; view_put() calls it on everything, so no screen can forget.
 * Widths are those of wcwidth() in a UTF-8 locale: CJK counts two, combining marks none.
 */
#ifndef CERTDESK_UI_TEXT_H
#define CERTDESK_UI_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* Sets LC_CTYPE to a UTF-8 locale: the user's, or C.UTF-8 when that is something else. False when the system
 * has none. Everything below needs it. */
bool text_locale(void);

/* What a character does in one line of a terminal. */
enum text_class {
    TEXT_PLAIN,   /* takes one or two columns */
    TEXT_MARK,    /* combines with the one before */
    TEXT_BREAK,   /* tab, newline and their like: shown as a space */
    TEXT_DROPPED, /* variation selectors: they choose a glyph, widths differ between terminals */
    TEXT_HARMFUL, /* control, escape, direction mark, invisible: shown as U+FFFD so that it is seen */
};
enum text_class text_classify(wchar_t c);

/* One line of harmless UTF-8: bad bytes and harmful characters become U+FFFD, breaks become spaces, at most
 * three marks stay on a base. NULL gives "". */
char *text_clean(struct arena *a, const char *s);

/* Columns of clean text. */
int text_width(const char *s);

/* Bytes of the longest part from the start of clean text that fits; never cuts a character or its marks. */
size_t text_cut(const char *s, int columns);

/* Clean text in at most `columns`: itself, or cut with an ellipsis. */
char *text_fit(struct arena *a, const char *s, int columns);

/* Breaks text into clean lines of at most `columns` (at least 2), at newlines, then spaces, then anywhere as
 * CJK allows. At least one line. */
size_t text_wrap(struct arena *a, const char *s, int columns, char ***lines);

/* The next character of UTF-8 text; U+FFFD for a bad byte; 0 at the end. */
wchar_t text_next(const char **s);

/* UTF-8 of n wide characters. */
char *text_utf8(struct arena *a, const wchar_t *w, size_t n);

#endif
