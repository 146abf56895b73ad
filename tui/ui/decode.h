/* decode.h - pictures from strangers, decoded where they can do no harm.
 *
 * An uploaded scan may be made to break its decoder. So it is decoded by another process (this program again,
 * with DECODE_ARGUMENT) under limits of memory and time, without files to open, that reads bytes from one
 * memory file and writes plain pixels to another. Only JPEG and PNG are tried: not the many formats that
 * gdk-pixbuf has loaders for.
 */
#ifndef CERTDESK_UI_DECODE_H
#define CERTDESK_UI_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DECODE_ARGUMENT "--decode-picture"

enum {
    DECODE_MAX_BYTES = 32 << 20,
    DECODE_MAX_SIDE = 30000,      /* refused above this */
    DECODE_MAX_PIXELS = 12 << 20, /* scaled down to this: enough to read an A4 scan of 300 dpi */
    DECODE_DEADLINE_MS = 10000,
};

struct pixels {
    int width, height;           /* of what is here */
    int full_width, full_height; /* of the file */
    const uint8_t *rgb;          /* 3 bytes a pixel, no padding */
    void *map;
    size_t map_size;
};

struct decode {
    pid_t pid;
    int child; /* pidfd: readable when the child has ended; for the loop */
    int out;
};

/* Starts the child with these bytes. False when it cannot be started. */
bool decode_start(struct decode *d, const void *bytes, size_t n);
/* After `child` became readable: takes the pixels. False when the picture cannot be decoded. Either way the
 * child is over. */
bool decode_finish(struct decode *d, struct pixels *out);
/* Kills the child. */
void decode_kill(struct decode *d);
void pixels_free(struct pixels *p);

/* What the child does; main() calls it before anything else for DECODE_ARGUMENT. Exit status. */
int decode_main(void);

#endif
