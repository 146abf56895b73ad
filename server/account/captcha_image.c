/* The captcha's picture, by cairo. */
#include "account/captcha.h"

#include "base/str.h"

#include <cairo.h>
#include <string.h>

enum {
    WIDTH = 160,
    HEIGHT = 56
};

/* 0 … 1 */
static double chance(void)
{
    uint32_t r;
    random_bytes(&r, sizeof r);
    return r / 4294967295.0;
}

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned int n)
{
    buf_add(closure, data, n);
    return CAIRO_STATUS_SUCCESS;
}

static void ink(cairo_t *cr, double alpha)
{
    cairo_set_source_rgba(cr, chance() * 0.5, chance() * 0.5, chance() * 0.6, alpha);
}

static void letter(cairo_t *cr, char ch, double x)
{
    char text[2] = {ch, '\0'};
    cairo_save(cr);
    cairo_translate(cr, x, HEIGHT * 0.68 + (chance() - 0.5) * 12);
    cairo_rotate(cr, (chance() - 0.5) * 0.8);
    cairo_set_font_size(cr, 30 + chance() * 10);
    ink(cr, 1);
    cairo_show_text(cr, text);
    cairo_restore(cr);
}

void captcha_draw(struct arena *a, const char *text, const void **png, size_t *n)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(surface);
    cairo_set_source_rgb(cr, 0.96, 0.97, 0.98);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    size_t letters = strlen(text);
    for (size_t i = 0; i < letters; i++)
        letter(cr, text[i], 16 + (double)i * ((WIDTH - 32.0) / (double)letters) + chance() * 6);
    for (int i = 0; i < 5; i++) {
        ink(cr, 0.6);
        cairo_set_line_width(cr, 1 + chance());
        cairo_move_to(cr, chance() * WIDTH, chance() * HEIGHT);
        cairo_curve_to(cr, chance() * WIDTH, chance() * HEIGHT, chance() * WIDTH, chance() * HEIGHT,
                       chance() * WIDTH, chance() * HEIGHT);
        cairo_stroke(cr);
    }
    for (int i = 0; i < 60; i++) {
        ink(cr, 0.7);
        cairo_rectangle(cr, chance() * WIDTH, chance() * HEIGHT, 1.5, 1.5);
        cairo_fill(cr);
    }
    struct buf out = BUF(a);
    cairo_surface_write_to_png_stream(surface, collect, &out);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    *png = out.p;
    *n = out.n;
}
