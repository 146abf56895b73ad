/* JPEG by libjpeg; strict: to the end of the picture, and nothing behind it but further pictures. */
#include "decode/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>
#include <libexif/exif-data.h>

enum {
    SCANS_MAX = 100,  /* of a progressive picture: more are made to take long */
    PICTURES_MAX = 8, /* in one file: CIPA DC-007, a camera's preview behind the picture */
    EIGHTHS = 8,
};

struct reading {
    struct jpeg_decompress_struct z;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    struct decode_result *r;
};

static void on_error(j_common_ptr z)
{
    struct reading *s = z->client_data;
    if (z->err->msg_code == JERR_IMAGE_TOO_BIG)
        s->r->verdict = (int)picture_size(s->r, s->z.image_width, s->z.image_height);
    longjmp(s->out, 1);
}

/* Warnings are what a lenient reader goes on after. Bytes between segments are common and harmless; others
 * mean that something of the picture is not there. */
static void on_message(j_common_ptr z, int level)
{
    struct reading *s = z->client_data;
    int code = z->err->msg_code;
    if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR)
        return;
    s->r->verdict = code == JWRN_JPEG_EOF ? DECODE_TRUNCATED : DECODE_DAMAGED;
    longjmp(s->out, 1);
}

static void on_text(j_common_ptr z)
{
    (void)z;
}

static void on_progress(j_common_ptr z)
{
    if (((j_decompress_ptr)z)->input_scan_number > SCANS_MAX)
        on_error(z);
}

/* How a camera was held. */
static int orientation(j_decompress_ptr z)
{
    int found = 1;
    for (jpeg_saved_marker_ptr m = z->marker_list; m; m = m->next) {
        ExifData *data = exif_data_new_from_data(m->data, m->data_length);
        ExifEntry *e = data ? exif_data_get_entry(data, EXIF_TAG_ORIENTATION) : NULL;
        if (e && e->format == EXIF_FORMAT_SHORT && e->size >= 2)
            found = exif_get_short(e->data, exif_data_get_byte_order(data));
        if (data)
            exif_data_unref(data);
        if (e)
            break;
    }
    return found;
}

/* CMYK as Adobe writes it, inverted; without a profile that is as good as it gets. */
static void cmyk_to_rgb(uint8_t *row, int width, bool inverted)
{
    for (int x = 0; x < width; x++) {
        uint8_t *in = row + x * 4, *to = row + x * 3;
        unsigned k = inverted ? in[3] : 255U - in[3];
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)((inverted ? in[c] : 255U - in[c]) * k / 255);
    }
}

/* The transform can leave out what would be averaged away; the entropy-coded data are read whole all the
 * same. */
static void scale_down(j_decompress_ptr z, const struct input *in)
{
    int wanted = picture_wants(in, (int)z->image_width, (int)z->image_height);
    JDIMENSION from = in->want == DECODE_SQUARE
                          ? (z->image_width < z->image_height ? z->image_width : z->image_height)
                          : (z->image_width > z->image_height ? z->image_width : z->image_height);
    z->scale_denom = EIGHTHS;
    for (z->scale_num = 1; z->scale_num < EIGHTHS; z->scale_num *= 2)
        if (from * z->scale_num / EIGHTHS >= (JDIMENSION)wanted)
            break;
}

static void read_rows(struct reading *s, const struct input *in, struct picture *p)
{
    j_decompress_ptr z = &s->z;
    bool cmyk = z->num_components == 4;
    z->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    scale_down(z, in);
    jpeg_start_decompress(z);
    picture_begin(p, in, (int)z->output_width, (int)z->output_height);
    size_t line = (size_t)z->output_width * (size_t)z->output_components;
    JSAMPROW row = z->mem->alloc_large((j_common_ptr)z, JPOOL_IMAGE, line);
    while (z->output_scanline < z->output_height) {
        jpeg_read_scanlines(z, &row, 1);
        if (cmyk)
            cmyk_to_rgb(row, (int)z->output_width, z->saw_Adobe_marker);
        picture_row(p, row, 3);
    }
    jpeg_finish_decompress(z);
}

/* One picture that begins at the input's start; *used is where it ends. */
static bool read_one(const struct input *in, struct picture *p, struct decode_result *r, size_t *used)
{
    struct reading *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->r = r;
    s->z.client_data = s;
    s->z.err = jpeg_std_error(&s->errors);
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_message;
    s->errors.output_message = on_text;
    s->progress.progress_monitor = on_progress;
    r->verdict = DECODE_DAMAGED;
    if (setjmp(s->out) != 0)
        return false;
    jpeg_create_decompress(&s->z);
    s->z.client_data = s;
    s->z.progress = &s->progress;
    jpeg_mem_src(&s->z, in->bytes, in->n);
    jpeg_save_markers(&s->z, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&s->z, TRUE);
    r->verdict = (int)picture_size(r, s->z.image_width, s->z.image_height);
    if (r->verdict != DECODE_OK)
        return false;
    r->verdict = DECODE_DAMAGED;
    p->orientation = orientation(&s->z);
    read_rows(s, in, p);
    *used = in->n - s->z.src->bytes_in_buffer;
    jpeg_destroy_decompress(&s->z);
    free(s);
    r->verdict = DECODE_OK;
    return true;
}

/* Where the next picture may begin: behind padding. */
static size_t skip_padding(const struct input *in, size_t at)
{
    while (at < in->n && edges_padding(in->bytes + at, 1) &&
           !(in->n - at > 2 && memcmp(in->bytes + at, "\xFF\xD8\xFF", 3) == 0))
        at++;
    return at;
}

bool decode_jpeg(const struct input *in, struct picture *p, struct decode_result *r)
{
    size_t at = 0;
    if (!read_one(in, p, r, &at))
        return false;
    struct decode_result first = *r;
    for (int more = 1; (at = skip_padding(in, at)) < in->n; more++) {
        struct input rest = {in->bytes + at, in->n - at, DECODE_CHECK, 0, 0};
        struct picture unseen = {0};
        size_t used = 0;
        bool picture = rest.n > 2 && memcmp(rest.bytes, "\xFF\xD8\xFF", 3) == 0 && more < PICTURES_MAX;
        if (!picture || !read_one(&rest, &unseen, r, &used)) {
            *r = first;
            r->verdict = DECODE_TRAILING;
            return false;
        }
        at += used;
    }
    *r = first;
    return true;
}
