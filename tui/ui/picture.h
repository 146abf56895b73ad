/* picture.h - pixels as characters (chafa), with zoom and pan. Works in any terminal, over ssh and in tmux,
 * because the result is ordinary cells. */
#ifndef CERTDESK_UI_PICTURE_H
#define CERTDESK_UI_PICTURE_H

#include "ui/decode.h"
#include "ui/view.h"

struct picture {
    struct pixels pixels;
    double zoom;   /* 1: the whole picture fits */
    double cx, cy; /* centre, 0…1 */
};

void picture_init(struct picture *p, struct pixels pixels);
void picture_free(struct picture *p);
/* + - 0 and the arrows. */
bool picture_key(struct picture *p, ui_key k);
void picture_draw(struct picture *p, struct view *v, int y, int rows);

#endif
