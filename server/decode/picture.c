#include "decode/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum {
    QUALITY = 82
};

static void *need(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        abort(); /* the server takes it for a file that cannot be read */
    return p;
}

enum decode_verdict picture_size(struct decode_result *r, uint64_t width, uint64_t height)
{
    r->width = width > INT32_MAX ? INT32_MAX : (int32_t)width;
    r->height = height > INT32_MAX ? INT32_MAX : (int32_t)height;
    if (!width || !height)
        return DECODE_DAMAGED;
    return width > DECODE_MAX_SIDE || height > DECODE_MAX_SIDE || width * height > DECODE_MAX_PIXELS
               ? DECODE_PIXELS
               : DECODE_OK;
}

int picture_wants(const struct input *in, int width, int height)
{
    if (in->want == DECODE_CHECK)
        return 0;
    int from =
        in->want == DECODE_SQUARE ? (width < height ? width : height) : (width > height ? width : height);
    return from < in->side ? from : in->side;
}

void picture_begin(struct picture *p, const struct input *in, int width, int height)
{
    int side = picture_wants(in, width, height);
    int from =
        in->want == DECODE_SQUARE ? (width < height ? width : height) : (width > height ? width : height);
    p->want = in->want;
    p->side = side;
    p->in_width = width;
    p->in_height = height;
    if (!side)
        return;
    p->width = (int)((int64_t)width * side / from);
    p->height = (int)((int64_t)height * side / from);
    p->width += !p->width;
    p->height += !p->height;
    p->rgb = need((size_t)p->width * (size_t)p->height * 3);
    p->sums = need((size_t)p->width * 3 * sizeof *p->sums);
    p->counts = need((size_t)p->width * sizeof *p->counts);
    for (int x = 0; x < width; x++)
        p->counts[(int64_t)x * p->width / width]++;
}

/* The row that was added up becomes pixels. */
static void flush_row(struct picture *p)
{
    uint8_t *out = p->rgb + (size_t)p->y_out * (size_t)p->width * 3;
    for (int x = 0; x < p->width; x++)
        for (int c = 0; c < 3; c++) {
            uint32_t n = p->counts[x] * (uint32_t)p->rows;
            out[x * 3 + c] = (uint8_t)(n ? p->sums[x * 3 + c] / n : 255);
        }
    memset(p->sums, 0, (size_t)p->width * 3 * sizeof *p->sums);
    p->rows = 0;
}

void picture_row(struct picture *p, const uint8_t *row, int channels)
{
    if (!p->rgb || p->y_in >= p->in_height)
        return;
    for (int x = 0; x < p->in_width; x++, row += channels) {
        uint32_t *sum = p->sums + (int64_t)x * p->width / p->in_width * 3;
        unsigned alpha = channels == 4 ? row[3] : 255;
        for (int c = 0; c < 3; c++)
            sum[c] += (row[c] * alpha + 255 * (255 - alpha)) / 255;
    }
    p->rows++;
    p->y_in++;
    int next = (int)((int64_t)p->y_in * p->height / p->in_height);
    if (next != p->y_out || p->y_in == p->in_height) {
        flush_row(p);
        p->y_out = next;
    }
}

/* EXIF orientation: where row 0 and column 0 of the pixels are in the upright picture. */
static void upright(struct picture *p)
{
    int o = p->orientation;
    if (o < 2 || o > 8)
        return;
    int w = o >= 5 ? p->height : p->width, h = o >= 5 ? p->width : p->height;
    uint8_t *out = need((size_t)w * (size_t)h * 3);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int a = o >= 5 ? y : x, b = o >= 5 ? x : y; /* before mirroring */
            int sx = o == 2 || o == 3 || o == 7 || o == 8 ? p->width - 1 - a : a;
            int sy = o == 3 || o == 4 || o == 6 || o == 7 ? p->height - 1 - b : b;
            memcpy(out + ((size_t)y * (size_t)w + (size_t)x) * 3,
                   p->rgb + ((size_t)sy * (size_t)p->width + (size_t)sx) * 3, 3);
        }
    free(p->rgb);
    p->rgb = out;
    p->width = w;
    p->height = h;
}

static void cut_square(struct picture *p)
{
    int side = p->width < p->height ? p->width : p->height;
    size_t left = (size_t)(p->width - side) / 2, top = (size_t)(p->height - side) / 2,
           line = (size_t)side * 3;
    for (size_t y = 0; y < (size_t)side; y++)
        memmove(p->rgb + y * line, p->rgb + ((top + y) * (size_t)p->width + left) * 3, line);
    p->width = p->height = side;
}

void picture_end(struct picture *p, struct decode_result *r, uint8_t **jpeg)
{
    if (!p->rgb)
        return;
    upright(p);
    if (p->want == DECODE_SQUARE)
        cut_square(p);
    struct jpeg_compress_struct z;
    struct jpeg_error_mgr errors;
    unsigned long n = 0;
    z.err = jpeg_std_error(&errors); /* its error_exit ends the program */
    jpeg_create_compress(&z);
    jpeg_mem_dest(&z, jpeg, &n);
    z.image_width = (JDIMENSION)p->width;
    z.image_height = (JDIMENSION)p->height;
    z.input_components = 3;
    z.in_color_space = JCS_RGB;
    jpeg_set_defaults(&z);
    jpeg_set_quality(&z, QUALITY, TRUE);
    jpeg_start_compress(&z, TRUE);
    while (z.next_scanline < z.image_height) {
        JSAMPROW row = p->rgb + (size_t)z.next_scanline * (size_t)p->width * 3;
        jpeg_write_scanlines(&z, &row, 1);
    }
    jpeg_finish_compress(&z);
    jpeg_destroy_compress(&z);
    r->out_width = p->width;
    r->out_height = p->height;
    r->bytes = (uint32_t)n;
}
