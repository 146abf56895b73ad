#include "order/form_pdf.h"

#include "base/str.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <qrencode.h>

/* Points; A4 is 595.28 by 841.89. */
static const double WIDTH = 595.28, HEIGHT = 841.89, MARGIN = 46, LABEL = 92, PAD = 5, QR = 74, GAP = 9;
/* A TrueType font first: cairo 1.16 spoils single glyphs of CFF fonts when it embeds a subset (如 of Noto
 * Sans CJK is a blank in every reader). */
#define FONT "WenQuanYi Micro Hei, Droid Sans Fallback, WenQuanYi Zen Hei, sans-serif"

struct page {
    cairo_t *cr;
    PangoLayout *layout; /* one for all texts; belongs to cr's font map */
    const struct form *form;
    double y;
    int number;
};

static double bottom(void)
{
    return HEIGHT - MARGIN - 22;
}

/* -- text --------------------------------------------------------------------------------------------------
 */

struct style {
    double size;
    bool bold;
    double grey; /* 0 is black */
    PangoAlignment align;
};
static const struct style TITLE = {20, true, 0, PANGO_ALIGN_LEFT},
                          SUBTITLE = {10, false, 0.3, PANGO_ALIGN_LEFT},
                          SECTION = {10.5, true, 0, PANGO_ALIGN_LEFT},
                          NAME = {9, false, 0.35, PANGO_ALIGN_LEFT},
                          VALUE = {9.5, false, 0, PANGO_ALIGN_LEFT}, BODY = {9, false, 0, PANGO_ALIGN_LEFT},
                          SMALL = {7, false, 0.4, PANGO_ALIGN_LEFT},
                          UNDER_QR = {6.5, false, 0.3, PANGO_ALIGN_RIGHT};

static void lay_out(struct page *p, const struct style *s, const char *text, double width)
{
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, s->size * PANGO_SCALE);
    pango_font_description_set_weight(font, s->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(p->layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(p->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(p->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(p->layout, s->align);
    pango_layout_set_spacing(p->layout, (int)(s->size * 0.25 * PANGO_SCALE));
    pango_layout_set_text(p->layout, text, -1);
}

static double height_of(struct page *p, const struct style *s, const char *text, double width)
{
    int h;
    lay_out(p, s, text, width);
    pango_layout_get_size(p->layout, NULL, &h);
    return (double)h / PANGO_SCALE;
}

/* Its height. */
static double put(struct page *p, const struct style *s, const char *text, double x, double y, double width)
{
    double h = height_of(p, s, text, width);
    cairo_set_source_rgb(p->cr, s->grey, s->grey, s->grey);
    cairo_move_to(p->cr, x, y);
    pango_cairo_show_layout(p->cr, p->layout);
    return h;
}

static void line(struct page *p, double x, double y, double to_x, double to_y, double width)
{
    cairo_set_source_rgb(p->cr, 0.55, 0.55, 0.55);
    cairo_set_line_width(p->cr, width);
    cairo_move_to(p->cr, x, y);
    cairo_line_to(p->cr, to_x, to_y);
    cairo_stroke(p->cr);
}

/* -- pages -------------------------------------------------------------------------------------------------
 */

static void footer(struct page *p)
{
    char number[16];
    double y = HEIGHT - MARGIN - 8;
    line(p, MARGIN, y - 4, WIDTH - MARGIN, y - 4, 0.4);
    put(p, &SMALL, p->form->footer, MARGIN, y, WIDTH - 2 * MARGIN - 40);
    snprintf(number, sizeof number, "- %d -", p->number);
    put(p, &SMALL, number, WIDTH - MARGIN - 30, y, 30);
}

/* Another page unless so much still fits on this one. */
static void room(struct page *p, double height)
{
    if (p->y + height <= bottom())
        return;
    footer(p);
    cairo_show_page(p->cr);
    p->number++;
    p->y = MARGIN;
}

/* Modules as rectangles: sharp at any size. */
static enum err qr_code(struct page *p, const char *text, double x, double y, struct fault *f)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code)
        return fail(f, ERR_INTERNAL, "the QR code cannot be made");
    double module = QR / code->width;
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    for (int i = 0; i < code->width * code->width; i++)
        if (code->data[i] & 1)
            cairo_rectangle(p->cr, x + i % code->width * module, y + (double)(i / code->width) * module,
                            module, module);
    cairo_fill(p->cr);
    QRcode_free(code);
    return OK;
}

static enum err head(struct page *p, struct fault *f)
{
    double right = WIDTH - MARGIN - QR;
    TRY(qr_code(p, p->form->number, right, MARGIN, f));
    put(p, &UNDER_QR, p->form->number, right - 60, MARGIN + QR + 3, QR + 60);
    double y = MARGIN + 12;
    y += put(p, &TITLE, p->form->title, MARGIN, y, right - MARGIN - 20) + 8;
    put(p, &SUBTITLE, p->form->subtitle, MARGIN, y, right - MARGIN - 20);
    p->y = MARGIN + QR + 20;
    return OK;
}

/* -- sections ----------------------------------------------------------------------------------------------
 */

static void section_title(struct page *p, const char *title)
{
    double h = height_of(p, &SECTION, title, WIDTH) + 2 * 3;
    room(p, h + 40);
    cairo_set_source_rgb(p->cr, 0.92, 0.93, 0.95);
    cairo_rectangle(p->cr, MARGIN, p->y, WIDTH - 2 * MARGIN, h);
    cairo_fill(p->cr);
    put(p, &SECTION, title, MARGIN + PAD, p->y + 3, WIDTH - 2 * MARGIN);
    p->y += h;
}

static void cell(struct page *p, const struct form_row *r, double x, double width, double height)
{
    put(p, &NAME, r->label, x + PAD, p->y + PAD, LABEL - 2 * PAD);
    put(p, &VALUE, r->value, x + LABEL, p->y + PAD, width - LABEL - PAD);
    line(p, x, p->y + height, x + width, p->y + height, 0.4);
}

static double cell_height(struct page *p, const struct form_row *r, double width)
{
    double label = height_of(p, &NAME, r->label, LABEL - 2 * PAD);
    double value = height_of(p, &VALUE, r->value, width - LABEL - PAD);
    return (label > value ? label : value) + 2 * PAD;
}

static const struct form_row *next_row(const struct form_section *s, size_t *i)
{
    while (*i < s->n && !*s->rows[*i].value)
        ++*i;
    return *i < s->n ? &s->rows[(*i)++] : NULL;
}

static void section(struct page *p, const struct form_section *s)
{
    const double whole = WIDTH - 2 * MARGIN, half = whole / 2;
    size_t i = 0;
    const struct form_row *left = next_row(s, &i);
    if (!left)
        return;
    section_title(p, s->title);
    while (left) {
        size_t ahead = i;
        const struct form_row *right = left->wide ? NULL : next_row(s, &ahead);
        if (right && !right->wide)
            i = ahead;
        else
            right = NULL;
        double width = right ? half : whole, h = cell_height(p, left, width);
        double other = right ? cell_height(p, right, half) : 0;
        h = h > other ? h : other;
        room(p, h);
        cell(p, left, MARGIN, width, h);
        if (right)
            cell(p, right, MARGIN + half, half, h);
        p->y += h;
        left = next_row(s, &i);
    }
    p->y += GAP;
}

/* -- below the sections ------------------------------------------------------------------------------------
 */

static void signs(struct page *p)
{
    const double whole = WIDTH - 2 * MARGIN, box = 76;
    size_t n = p->form->n_signs;
    double h = height_of(p, &BODY, p->form->declaration, whole - 2 * PAD);
    room(p, h + box + 3 * PAD);
    put(p, &BODY, p->form->declaration, MARGIN + PAD, p->y, whole - 2 * PAD);
    p->y += h + 2 * PAD;
    for (size_t i = 0; i < n; i++) {
        double width = whole / (double)n, x = MARGIN + (double)i * width;
        cairo_set_source_rgb(p->cr, 0.55, 0.55, 0.55);
        cairo_set_line_width(p->cr, 0.6);
        cairo_rectangle(p->cr, x, p->y, width, box);
        cairo_stroke(p->cr);
        put(p, &NAME, p->form->signs[i], x + PAD, p->y + PAD, width - 2 * PAD);
        put(p, &NAME, "日期：　　　　年　　月　　日", x + PAD, p->y + box - 18, width - 2 * PAD);
    }
    p->y += box + GAP;
}

static void notes(struct page *p, struct arena *a)
{
    const double whole = WIDTH - 2 * MARGIN;
    for (size_t i = 0; i < p->form->n_notes; i++) {
        const char *text = arena_printf(a, "%zu. %s", i + 1, p->form->notes[i]);
        double h = height_of(p, &BODY, text, whole - 2 * PAD);
        room(p, h);
        put(p, &BODY, text, MARGIN + PAD, p->y, whole - 2 * PAD);
        p->y += h + 3;
    }
}

static enum err draw(struct page *p, struct arena *a, struct fault *f)
{
    TRY(head(p, f));
    for (size_t i = 0; i < p->form->n_sections; i++)
        section(p, &p->form->sections[i]);
    signs(p);
    notes(p, a);
    footer(p);
    return OK;
}

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned int n)
{
    buf_add(closure, data, n);
    return CAIRO_STATUS_SUCCESS;
}

enum err form_pdf(struct arena *a, const struct form *form, const void **pdf, size_t *n, struct fault *f)
{
    struct buf out = BUF(a);
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(collect, &out, WIDTH, HEIGHT);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, form->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, form->number);
    cairo_t *cr = cairo_create(surface);
    /* A font map of its own: the default one belongs to the thread and would never be given back. */
    PangoFontMap *fonts = pango_cairo_font_map_new();
    PangoContext *context = pango_font_map_create_context(fonts);
    pango_cairo_update_context(cr, context);
    pango_context_set_language(context, pango_language_from_string("zh-cn"));
    struct page p = {.cr = cr, .layout = pango_layout_new(context), .form = form, .number = 1};
    enum err e = draw(&p, a, f);
    g_object_unref(p.layout);
    g_object_unref(context);
    g_object_unref(fonts);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (e == OK && cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        e = fail(f, ERR_INTERNAL, "the form cannot be drawn: %s",
                 cairo_status_to_string(cairo_surface_status(surface)));
    cairo_surface_destroy(surface);
    *pdf = buf_text(&out);
    *n = out.n;
    return e;
}
