/* picture.h - pixels on their way from a decoder to a small JPEG.
 *
 * Decoders hand over one row after the other, so that a picture is never in memory whole; what is wanted is
 * averaged down meanwhile.
 */
#ifndef CERTDESK_DECODE_PICTURE_H
#define CERTDESK_DECODE_PICTURE_H

#include "decode/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *bytes;
    size_t n;
    enum decode_want want;
    int side, page;
};

struct picture {
    enum decode_want want;
    int side;
    int in_width, in_height; /* of the rows that come */
    int width, height;       /* of rgb */
    uint8_t *rgb;            /* NULL: nothing is wanted but the decoding */
    uint32_t *sums, *counts; /* of the row of rgb that is being added up */
    int y_in, y_out, rows;
    int orientation; /* EXIF 2.3, 4.6.4.A: 1 to 8 */
};

/* OK, or PIXELS when the declared size is refused. Before anything of that size is allocated. */
enum decode_verdict picture_size(struct decode_result *r, uint64_t width, uint64_t height);
/* How many pixels a side are wanted of a picture of this size: the decoder may scale down to more than that.
 * 0: none. */
int picture_wants(const struct input *in, int width, int height);
/* Rows of this size will come. Ends the program without memory. */
void picture_begin(struct picture *p, const struct input *in, int width, int height);
/* The next row: 3 bytes a pixel, or 4 with alpha, which is laid on white as paper would be. */
void picture_row(struct picture *p, const uint8_t *row, int channels);
/* Turns it upright, cuts the square, makes the JPEG (malloc). */
void picture_end(struct picture *p, struct decode_result *r, uint8_t **jpeg);

/* The decoders: fill r's size and p; false with r->verdict set when the file is not whole. */
bool decode_png(const struct input *in, struct picture *p, struct decode_result *r);
bool decode_jpeg(const struct input *in, struct picture *p, struct decode_result *r);
bool decode_pdf(const struct input *in, struct picture *p, struct decode_result *r);

/* Is it another type of file, too? Readers of archives look at a file's end, readers of PDF for a header
 * within the first kilobyte: both accept a picture with something behind or inside. */
bool edges_clean(const struct input *in, enum decode_type type);
/* What follows the content is nothing: blanks, zeros or 0xFF. */
bool edges_padding(const uint8_t *p, size_t n);

#endif
