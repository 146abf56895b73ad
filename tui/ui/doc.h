/* doc.h - a page of headings, named values and paragraphs that scrolls; some lines can be chosen.
 *
 * Wrapped to the width of the terminal when drawn, so a resize needs nothing from the screen.
 */
#ifndef CERTDESK_UI_DOC_H
#define CERTDESK_UI_DOC_H

#include "ui/view.h"

#include <stddef.h>

struct doc_line {
    enum style style;
    const char *label; /* or NULL */
    const char *text;
    int item;  /* >= 0: can be chosen; the screen's own number */
    size_t at; /* wrapped lines above it, when it was drawn last */
};

struct doc {
    struct arena arena; /* the texts */
    struct doc_line *lines;
    size_t n, cap;
    size_t first;   /* top line on the screen, in wrapped lines */
    size_t wrapped; /* how many there were last time */
    size_t height;
    int chosen;  /* item, -1: none */
    bool follow; /* bring the chosen item into view with the next frame */
};

void doc_init(struct doc *d);
/* Forgets the lines but not the place: for composing anew. */
void doc_clear(struct doc *d);
void doc_free(struct doc *d);

/* Texts are copied. Labels and headings are taken as they are, already translated. */
void doc_head(struct doc *d, const char *title);
void doc_value(struct doc *d, const char *label, const char *text);
void doc_styled(struct doc *d, enum style s, const char *label, const char *text);
void doc_item(struct doc *d, int item, enum style s, const char *label, const char *text);
void doc_gap(struct doc *d);

/* Up and Down choose the next item where it is in sight, and scroll where not; PgUp, PgDn, Home, End scroll;
 * Tab and BackTab choose the next item wherever it is. */
bool doc_key(struct doc *d, ui_key k);
void doc_draw(struct doc *d, struct view *v, int y, int x, int rows, int columns);

#endif
