/* list.h - rows in columns, with one of them selected. Knows no data: cells come from a function. */
#ifndef CERTDESK_UI_LIST_H
#define CERTDESK_UI_LIST_H

#include "ui/view.h"

#include <stddef.h>

struct column {
    const char *title; /* msgid */
    int width;         /* columns; 0: shares what is left */
    int wide;          /* shown only on screens of at least so many columns */
    bool right;        /* numbers */
};

struct list {
    size_t n, at, first;
    size_t height; /* rows shown last time, for PgUp and PgDn */
};

/* True when the key moved the selection or could have. */
bool list_key(struct list *l, ui_key k);
/* Another number of rows; keeps the selection inside. */
void list_resize(struct list *l, size_t n);

/* Text of a cell, and optionally its style. Lives until the frame ends. */
typedef const char *list_cell(void *arg, size_t row, size_t column, enum style *s);

/* Draws titles and rows into the area. */
void list_draw(struct list *l, struct view *v, int y, int rows, const struct column *c, size_t n_columns,
               list_cell *cell, void *arg);

#endif
