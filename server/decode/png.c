/* PNG by libpng, row by row; strict: every CRC, every byte of image data, nothing behind the end. */
#include "decode/picture.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct input *in;
    size_t at;
    struct decode_result *r;
    bool animated;
};

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    struct reading *s = png_get_io_ptr(png);
    if (n > s->in->n - s->at) {
        s->r->verdict = DECODE_TRUNCATED;
        png_error(png, "the end");
    }
    memcpy(to, s->in->bytes + s->at, n);
    s->at += n;
}

static void on_error(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* APNG: other pictures than the first would be seen by some and not by others. */
static int on_unknown(png_structp png, png_unknown_chunkp chunk)
{
    struct reading *s = png_get_user_chunk_ptr(png);
    s->animated = s->animated || memcmp(chunk->name, "acTL", 4) == 0;
    return 1;
}

/* Compressed texts and profiles are for nobody here; their lengths and CRCs are still checked. */
static void skip_words(png_structp png)
{
    static const png_byte words[] = "tEXt\0zTXt\0iTXt\0iCCP\0eXIf\0sPLT\0hIST";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, words, (int)(sizeof words / 5));
}

static void as_rgba(png_structp png, png_infop info)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

/* Interlaced pictures need their rows several times: the whole of it is in memory, which the limit of pixels
 * allows for. */
static void read_rows(png_structp png, png_infop info, const struct input *in, struct picture *p)
{
    int width = (int)png_get_image_width(png, info), height = (int)png_get_image_height(png, info);
    size_t line = png_get_rowbytes(png, info);
    bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    picture_begin(p, in, width, height);
    uint8_t *rows = png_malloc(png, interlaced ? line * (size_t)height : line);
    for (int pass = 0; pass < (interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1); pass++)
        for (int y = 0; y < height; y++) {
            uint8_t *row = rows + (interlaced ? line * (size_t)y : 0);
            png_read_row(png, row, NULL);
            if (!interlaced)
                picture_row(p, row, 4);
        }
    for (int y = 0; interlaced && y < height; y++)
        picture_row(p, rows + line * (size_t)y, 4);
    png_free(png, rows);
}

static void read_whole(png_structp png, png_infop info, struct reading *s, struct picture *p)
{
    png_read_info(png, info);
    s->r->verdict = (int)picture_size(s->r, png_get_image_width(png, info), png_get_image_height(png, info));
    if (s->r->verdict != DECODE_OK)
        return;
    as_rgba(png, info);
    s->r->verdict = DECODE_DAMAGED; /* unless it is found whole, or cut off */
    read_rows(png, info, s->in, p);
    png_read_end(png, NULL);
    s->r->verdict = DECODE_OK;
    if (s->animated)
        s->r->verdict = DECODE_ANIMATED;
    else if (!edges_padding(s->in->bytes + s->at, s->in->n - s->at))
        s->r->verdict = DECODE_TRAILING;
}

bool decode_png(const struct input *in, struct picture *p, struct decode_result *r)
{
    struct reading *s = calloc(1, sizeof *s); /* survives the jump */
    if (!s)
        abort();
    *s = (struct reading){.in = in, .r = r};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info)
        abort();
    r->verdict = DECODE_DAMAGED;
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_read_fn(png, s, read_bytes);
        png_set_read_user_chunk_fn(png, s, on_unknown);
        png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF); /* the size is refused by us, with the numbers */
        png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        skip_words(png);
        read_whole(png, info, s, p);
    }
    return r->verdict == DECODE_OK; /* the process ends: nothing is given back */
}
