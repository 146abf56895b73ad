#include "ui/picture.h"

#include <chafa.h>

enum {
    CELL_ASPECT = 2 /* a cell is about twice as high as wide */
};

void picture_init(struct picture *p, struct pixels pixels)
{
    *p = (struct picture){pixels, 1, 0.5, 0.5};
}

void picture_free(struct picture *p)
{
    pixels_free(&p->pixels);
}

static double within(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

bool picture_key(struct picture *p, ui_key k)
{
    double step = 0.25 / p->zoom, half = 0.5 / p->zoom;
    switch (k) {
    case '+':
    case '=':
        p->zoom = within(p->zoom * 1.5, 1, 40);
        break;
    case '-':
    case '_':
        p->zoom = within(p->zoom / 1.5, 1, 40);
        break;
    case '0':
        p->zoom = 1;
        break;
    case K_LEFT:
        p->cx -= step;
        break;
    case K_RIGHT:
        p->cx += step;
        break;
    case K_UP:
        p->cy -= step;
        break;
    case K_DOWN:
        p->cy += step;
        break;
    default:
        return false;
    }
    half = 0.5 / p->zoom;
    p->cx = within(p->cx, half, 1 - half);
    p->cy = within(p->cy, half, 1 - half);
    return true;
}

/* The part of the picture that is seen, in pixels, and the cells that show it in its true shape. */
struct window {
    int x, y, w, h;
    int cols, rows;
};

static struct window window_of(const struct picture *p, int cols, int rows)
{
    const struct pixels *px = &p->pixels;
    double w = px->width, h = px->height;
    /* how many pixels one column shows when all fits, divided by the zoom */
    double per = w / cols > h / (rows * CELL_ASPECT) ? w / cols : h / (rows * CELL_ASPECT);
    per /= p->zoom;
    double seen_w = within(per * cols, 1, w), seen_h = within(per * rows * CELL_ASPECT, 1, h);
    struct window s = {.w = (int)seen_w, .h = (int)seen_h};
    s.x = (int)within(p->cx * w - seen_w / 2, 0, w - s.w);
    s.y = (int)within(p->cy * h - seen_h / 2, 0, h - s.h);
    s.cols = (int)within(seen_w / per + 0.5, 1, cols);
    s.rows = (int)within(seen_h / per / CELL_ASPECT + 0.5, 1, rows);
    return s;
}

static ChafaCanvasMode mode_of(const struct view *v)
{
    if (v->colors >= 256)
        return CHAFA_CANVAS_MODE_INDEXED_240;
    return v->colors >= 8 ? CHAFA_CANVAS_MODE_INDEXED_8 : CHAFA_CANVAS_MODE_FGBG;
}

static ChafaCanvas *canvas_of(const struct view *v, const struct window *s)
{
    ChafaCanvasConfig *c = chafa_canvas_config_new();
    ChafaSymbolMap *map = chafa_symbol_map_new();
    ChafaSymbolTags tags = CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_SPACE;
    if (v->colors < 8)
        tags |= CHAFA_SYMBOL_TAG_ASCII;
    chafa_symbol_map_add_by_tags(map, tags);
    chafa_canvas_config_set_geometry(c, s->cols, s->rows);
    chafa_canvas_config_set_canvas_mode(c, mode_of(v));
    chafa_canvas_config_set_symbol_map(c, map);
    chafa_canvas_config_set_work_factor(c, 0.3f);
    ChafaCanvas *canvas = chafa_canvas_new(c);
    chafa_canvas_config_unref(c);
    chafa_symbol_map_unref(map);
    return canvas;
}

void picture_draw(struct picture *p, struct view *v, int y, int rows)
{
    if (!p->pixels.rgb || rows < 1)
        return;
    struct window s = window_of(p, v->cols, rows);
    ChafaCanvas *canvas = canvas_of(v, &s);
    size_t stride = (size_t)p->pixels.width * 3;
    chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8,
                                 p->pixels.rgb + (size_t)s.y * stride + (size_t)s.x * 3, s.w, s.h,
                                 (int)stride);
    int left = (v->cols - s.cols) / 2, top = y + (rows - s.rows) / 2;
    for (int row = 0; row < s.rows; row++) {
        for (int col = 0; col < s.cols; col++) {
            int fg = -1, bg = -1;
            if (v->colors)
                chafa_canvas_get_raw_colors_at(canvas, col, row, &fg, &bg);
            view_cell(v, top + row, left + col, (wchar_t)chafa_canvas_get_char_at(canvas, col, row), fg, bg);
        }
    }
    chafa_canvas_unref(canvas);
}
