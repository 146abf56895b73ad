/* PDF by poppler. A document may be rebuilt by a lenient reader out of anything, so its ends are looked at,
 * too. Fonts that are not embedded are not shown: there is nothing to open in here. */
#include "decode/picture.h"

#include <cairo.h>
#include <math.h>
#include <poppler.h>
#include <stdlib.h>
#include <string.h>

enum {
    END_WITHIN = 1024, /* "%%EOF": ISO 32000-1 7.5.5, and what readers allow */
    CHECK_SIDE = 256,
};

/* Where "%%EOF" ends for the last time; 0: not near the end. */
static size_t end_of(const struct input *in)
{
    size_t from = in->n > END_WITHIN ? in->n - END_WITHIN : 0;
    for (size_t i = in->n; i >= from + 5; i--)
        if (memcmp(in->bytes + i - 5, "%%EOF", 5) == 0)
            return i;
    return 0;
}

static enum decode_verdict check_ends(const struct input *in)
{
    size_t end = end_of(in);
    if (!end)
        return memmem(in->bytes, in->n, "%%EOF", 5) ? DECODE_TRAILING : DECODE_TRUNCATED;
    return edges_padding(in->bytes + end, in->n - end) ? DECODE_OK : DECODE_TRAILING;
}

static PopplerDocument *open_document(const struct input *in, struct decode_result *r)
{
    GError *error = NULL;
    GBytes *bytes = g_bytes_new_static(in->bytes, in->n);
    PopplerDocument *d = poppler_document_new_from_bytes(bytes, NULL, &error);
    if (!d)
        r->verdict = error && error->domain == POPPLER_ERROR && error->code == POPPLER_ERROR_ENCRYPTED
                         ? DECODE_ENCRYPTED
                         : DECODE_DAMAGED;
    return d;
}

static enum decode_verdict check_document(PopplerDocument *d, struct decode_result *r)
{
    r->pages = poppler_document_get_n_pages(d);
    if (r->pages < 1 || r->pages > DECODE_MAX_PAGES)
        return DECODE_PAGES;
    if (poppler_document_has_attachments(d))
        return DECODE_ATTACHMENT;
    return poppler_document_has_javascript(d) ? DECODE_SCRIPT : DECODE_OK;
}

static bool draw(PopplerPage *page, const struct input *in, struct picture *p)
{
    double w = 0, h = 0;
    poppler_page_get_size(page, &w, &h);
    if (!isfinite(w) || !isfinite(h) || w < 1 || h < 1)
        return false;
    double side = in->want == DECODE_CHECK ? CHECK_SIDE : in->side, f = side / (w > h ? w : h);
    int width = (int)(w * f), height = (int)(h * f);
    width += !width;
    height += !height;
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *c = cairo_create(s);
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_scale(c, f, f);
    poppler_page_render(page, c);
    bool ok = cairo_status(c) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(c);
    cairo_surface_flush(s);
    const uint8_t *data = cairo_image_surface_get_data(s);
    size_t stride = (size_t)cairo_image_surface_get_stride(s);
    uint8_t *row = calloc((size_t)width, 3);
    ok = ok && data && row;
    if (ok)
        picture_begin(p, in, width, height);
    for (int y = 0; ok && y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + (size_t)y * stride + (size_t)x * 4, 4);
            for (int k = 0; k < 3; k++)
                row[x * 3 + k] = (uint8_t)(pixel >> (16 - 8 * k));
        }
        picture_row(p, row, 3);
    }
    free(row);
    return ok;
}

bool decode_pdf(const struct input *in, struct picture *p, struct decode_result *r)
{
    if (in->want == DECODE_SQUARE) {
        r->verdict = DECODE_TYPE;
        return false;
    }
    r->verdict = (int)check_ends(in);
    PopplerDocument *d = r->verdict == DECODE_OK ? open_document(in, r) : NULL;
    if (!d)
        return false;
    r->verdict = (int)check_document(d, r);
    if (r->verdict != DECODE_OK)
        return false;
    int page = in->want == DECODE_PREVIEW ? in->page : 1;
    if (page < 1 || page > r->pages) {
        r->verdict = DECODE_NO_PAGE;
        return false;
    }
    PopplerPage *first = poppler_document_get_page(d, page - 1);
    r->verdict = first && draw(first, in, p) ? DECODE_OK : DECODE_DAMAGED;
    return r->verdict == DECODE_OK;
}
