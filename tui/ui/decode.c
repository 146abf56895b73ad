#include "ui/decode.h"

#include "ui/child.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

/* at the start of the child's output */
struct header {
    char magic[8];
    int32_t width, height, full_width, full_height;
};
static const char magic[8] = "pixels1";

/* ---- in the child ---- */

static void set_limit(__rlimit_resource_t what, rlim_t n)
{
    struct rlimit l = {n, n};
    setrlimit(what, &l);
}

static void limit(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the picture is somebody's identity card */
    set_limit(RLIMIT_CPU, DECODE_DEADLINE_MS / 1000);
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_NPROC, 0);
    set_limit(RLIMIT_FSIZE, DECODE_MAX_PIXELS * 3 + sizeof(struct header));
    if (!SANITIZED) /* the sanitizer reserves terabytes */
        set_limit(RLIMIT_AS, 768U << 20);
}

struct size {
    int width, height;
    bool refused;
};

/* Known before the pixels are: refuse bombs, let the decoder scale the rest down while it reads. */
static void on_size(GdkPixbufLoader *loader, int width, int height, void *arg)
{
    struct size *s = arg;
    *s = (struct size){width, height,
                       width < 1 || height < 1 || width > DECODE_MAX_SIDE || height > DECODE_MAX_SIDE};
    if (s->refused) {
        gdk_pixbuf_loader_set_size(loader, 0, 0); /* only the header is looked at */
        return;
    }
    double pixels = (double)width * height;
    if (pixels > DECODE_MAX_PIXELS) {
        double f = 1;
        while (pixels / (f * f) > DECODE_MAX_PIXELS)
            f *= 1.1;
        int w = (int)(width / f), h = (int)(height / f);
        gdk_pixbuf_loader_set_size(loader, w > 0 ? w : 1, h > 0 ? h : 1);
    }
}

static bool write_all(int fd, const void *p, size_t n)
{
    for (const char *c = p; n > 0;) {
        ssize_t k = write(fd, c, n);
        if (k <= 0)
            return false;
        c += k;
        n -= (size_t)k;
    }
    return true;
}

/* One row as RGB, transparent parts on white as paper would be. */
static void flatten(const uint8_t *in, int channels, int width, uint8_t *out)
{
    for (int x = 0; x < width; x++, in += channels, out += 3) {
        int alpha = channels == 4 ? in[3] : 255;
        for (int c = 0; c < 3; c++)
            out[c] = (uint8_t)((in[c] * alpha + 255 * (255 - alpha)) / 255);
    }
}

static bool send_pixels(GdkPixbuf *raw, const struct size *full)
{
    GdkPixbuf *p = gdk_pixbuf_apply_embedded_orientation(raw);
    struct header h = {.width = gdk_pixbuf_get_width(p), .height = gdk_pixbuf_get_height(p)};
    bool turned = (h.width > h.height) != (full->width > full->height);
    memcpy(h.magic, magic, sizeof magic);
    h.full_width = turned ? full->height : full->width;
    h.full_height = turned ? full->width : full->height;
    int channels = gdk_pixbuf_get_n_channels(p), stride = gdk_pixbuf_get_rowstride(p);
    const uint8_t *in = gdk_pixbuf_read_pixels(p);
    uint8_t *row = g_malloc((size_t)h.width * 3);
    bool ok = (int64_t)h.width * h.height <= DECODE_MAX_PIXELS + DECODE_MAX_SIDE &&
              write_all(STDOUT_FILENO, &h, sizeof h);
    for (int y = 0; ok && y < h.height; y++) {
        flatten(in + (size_t)y * (size_t)stride, channels, h.width, row);
        ok = write_all(STDOUT_FILENO, row, (size_t)h.width * 3);
    }
    g_free(row);
    g_object_unref(p);
    return ok;
}

static const char *format_of(const uint8_t *b, size_t n)
{
    if (n > 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF)
        return "jpeg";
    if (n > 8 && memcmp(b, "\x89PNG\r\n\x1A\n", 8) == 0)
        return "png";
    return NULL;
}

static int decode_bytes(const uint8_t *b, size_t n)
{
    const char *format = format_of(b, n);
    if (!format)
        return 3;
    GdkPixbufLoader *loader = gdk_pixbuf_loader_new_with_type(format, NULL);
    if (!loader)
        return 4;
    struct size full = {0};
    g_signal_connect(loader, "size-prepared", G_CALLBACK(on_size), &full);
    limit();
    bool whole = gdk_pixbuf_loader_write(loader, b, n, NULL);
    whole = gdk_pixbuf_loader_close(loader, NULL) && whole;
    GdkPixbuf *p = gdk_pixbuf_loader_get_pixbuf(loader);
    bool ok = p && !full.refused && full.width > 0 && whole && send_pixels(p, &full);
    g_object_unref(loader);
    return ok ? 0 : 5;
}

int decode_main(void)
{
    struct stat st;
    if (fstat(STDIN_FILENO, &st) != 0 || st.st_size <= 0 || st.st_size > DECODE_MAX_BYTES)
        return 2;
    size_t n = (size_t)st.st_size;
    void *b = mmap(NULL, n, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (b == MAP_FAILED)
        return 2;
    int status = decode_bytes(b, n);
    munmap(b, n);
    return status;
}

/* ---- in the console ---- */

bool decode_start(struct decode *d, const void *bytes, size_t n)
{
    *d = (struct decode){.pid = -1, .child = -1, .out = -1};
    int in = memfd_create("picture", MFD_CLOEXEC);
    d->out = memfd_create("pixels", MFD_CLOEXEC);
    if (in >= 0 && d->out >= 0 && n <= DECODE_MAX_BYTES && write_all(in, bytes, n) &&
        lseek(in, 0, SEEK_SET) == 0)
        d->pid = child_spawn((const char *const[]){DECODE_ARGUMENT, NULL}, in, d->out);
    if (in >= 0)
        close(in);
    if (d->pid > 0)
        d->child = (int)syscall(SYS_pidfd_open, d->pid, 0);
    if (d->child < 0) {
        decode_kill(d);
        return false;
    }
    return true;
}

void decode_kill(struct decode *d)
{
    if (d->pid > 0) {
        kill(d->pid, SIGKILL);
        waitpid(d->pid, NULL, 0);
    }
    if (d->child >= 0)
        close(d->child);
    if (d->out >= 0)
        close(d->out);
    *d = (struct decode){.pid = -1, .child = -1, .out = -1};
}

/* What the child wrote is as hostile as what it read. */
static bool map_pixels(int fd, struct pixels *out)
{
    struct stat st;
    struct header h;
    if (fstat(fd, &st) != 0 || pread(fd, &h, sizeof h, 0) != sizeof h ||
        memcmp(h.magic, magic, sizeof magic) != 0 || h.width < 1 || h.height < 1 ||
        h.width > DECODE_MAX_SIDE || h.height > DECODE_MAX_SIDE ||
        (size_t)st.st_size != sizeof h + (size_t)h.width * (size_t)h.height * 3)
        return false;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return false;
    *out = (struct pixels){
        h.width, h.height,          h.full_width, h.full_height, (const uint8_t *)map + sizeof h,
        map,     (size_t)st.st_size};
    return true;
}

bool decode_finish(struct decode *d, struct pixels *out)
{
    int status = -1;
    bool ok = waitpid(d->pid, &status, 0) == d->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    d->pid = -1;
    ok = ok && map_pixels(d->out, out);
    decode_kill(d);
    return ok;
}

void pixels_free(struct pixels *p)
{
    if (p->map)
        munmap(p->map, p->map_size);
    *p = (struct pixels){0};
}
