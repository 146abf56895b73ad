/* picture.c - an uploaded scan in the terminal (S27): downloaded, decoded in a process of its own, shown with
 * zoom and pan. What is no picture is named, with its size. */
#include "screen/screens.h"
#include "screen/words.h"

#include "ui/picture.h"

#include <certdesk/v1/material_service.pb-c.h>
#include <stdlib.h>
#include <string.h>

enum phase {
    DOWNLOADING,
    DECODING,
    SHOWN,
    NO_PICTURE,
    FAILED,
};

struct state {
    enum phase phase;
    struct rpc_pending *stream;
    uint8_t *bytes;
    size_t n, cap;
    bool too_big;
    struct decode decode;
    struct picture picture;
};

static void give_up(struct page *p)
{
    struct state *s = p->state;
    if (s->stream)
        rpc_cancel(s->stream);
    s->stream = NULL;
    if (s->phase == DECODING) {
        loop_remove(&p->desk->loop, s->decode.child);
        decode_kill(&s->decode);
    }
    if (s->phase == SHOWN)
        picture_free(&s->picture);
    free(s->bytes);
    s->bytes = NULL;
    s->n = s->cap = 0;
}

static void too_slow(void *arg)
{
    struct page *p = arg;
    struct state *s = p->state;
    if (s->phase != DECODING)
        return;
    loop_remove(&p->desk->loop, s->decode.child);
    decode_kill(&s->decode);
    s->phase = NO_PICTURE;
}

static void on_decoded(void *arg)
{
    struct page *p = arg;
    struct state *s = p->state;
    struct pixels pixels;
    loop_forget(&p->desk->loop, too_slow, p);
    loop_remove(&p->desk->loop, s->decode.child);
    if (decode_finish(&s->decode, &pixels)) {
        picture_init(&s->picture, pixels);
        s->phase = SHOWN;
    } else {
        s->phase = NO_PICTURE;
    }
}

static bool is_pdf(const struct state *s)
{
    return s->n > 5 && memcmp(s->bytes, "%PDF-", 5) == 0;
}

static void on_chunk(void *arg, const ProtobufCMessage *message)
{
    struct page *p = arg;
    struct state *s = p->state;
    const Certdesk__V1__DownloadMaterialResponse *r = (const void *)message;
    if (s->n + r->chunk.len > DECODE_MAX_BYTES) {
        s->too_big = true;
        return;
    }
    if (s->n + r->chunk.len > s->cap) {
        s->cap = (s->n + r->chunk.len) * 2;
        s->bytes = realloc(s->bytes, s->cap);
        if (!s->bytes)
            abort();
    }
    if (r->chunk.len)
        memcpy(s->bytes + s->n, r->chunk.data, r->chunk.len);
    s->n += r->chunk.len;
}

static void on_end(void *arg, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct page *p = arg;
    struct state *s = p->state;
    (void)response;
    s->stream = NULL;
    if (e != OK) {
        s->phase = FAILED;
        p->fault = *f;
        if (e == ERR_UNAUTHENTICATED)
            desk_login(p->desk, NULL);
        return;
    }
    s->phase = NO_PICTURE;
    if (s->n && !s->too_big && !is_pdf(s) && decode_start(&s->decode, s->bytes, s->n)) {
        s->phase = DECODING;
        loop_add(&p->desk->loop, s->decode.child, on_decoded, p);
        loop_after(&p->desk->loop, DECODE_DEADLINE_MS, too_slow, p);
    }
}

static void load(struct page *p)
{
    struct state *s = p->state;
    Certdesk__V1__DownloadMaterialRequest q = CERTDESK__V1__DOWNLOAD_MATERIAL_REQUEST__INIT;
    give_up(p);
    memset(s, 0, sizeof *s);
    q.material_id = p->id;
    s->stream = rpc_watch(p->desk->channel, (struct rpc_method)METHOD(material_service, "DownloadMaterial"),
                          &q.base, on_chunk, on_end, p);
}

static void leave(struct page *p)
{
    loop_forget(&p->desk->loop, too_slow, p);
    give_up(p);
}

static const char *status(const struct page *p, struct arena *a, enum style *style)
{
    const struct state *s = p->state;
    *style = STYLE_DIM;
    switch (s->phase) {
    case DOWNLOADING:
        return arena_printf(a, _("Loading... %s"), word_size(a, (int64_t)s->n));
    case DECODING:
        return _("Decoding...");
    case FAILED:
        *style = STYLE_BAD;
        return arena_printf(a, "%s %s", fault_words(&p->fault, a), _("F5 tries again."));
    default:
        break;
    }
    *style = STYLE_WARN;
    if (s->too_big)
        return _("The file is too large to be shown.");
    if (s->n == 0)
        return _("The file is empty.");
    if (is_pdf(s))
        return arena_printf(a,
                            _("A PDF document of %s. It cannot be shown in a terminal; save it with: "
                              "certdesk material save %s FILE"),
                            word_size(a, (int64_t)s->n), p->id);
    return arena_printf(a, _("%s that cannot be decoded as a picture: damaged, or no JPEG or PNG."),
                        word_size(a, (int64_t)s->n));
}

static void draw(struct page *p, int y, int rows)
{
    struct state *s = p->state;
    struct view *v = &p->desk->view;
    if (s->phase == SHOWN) {
        const struct pixels *px = &s->picture.pixels;
        picture_draw(&s->picture, v, y, rows);
        view_put(v, v->rows - 2, 1, v->cols - 2, STYLE_DIM,
                 arena_printf(&v->scratch, "%d x %d  %s  %d%%", px->full_width, px->full_height,
                              word_size(&v->scratch, (int64_t)s->n), (int)(s->picture.zoom * 100 + 0.5)));
        return;
    }
    struct doc d;
    enum style style;
    const char *text = status(p, &v->scratch, &style);
    doc_init(&d);
    doc_styled(&d, style, NULL, text);
    doc_draw(&d, v, y + 1, 1, rows - 1, v->cols - 3);
    doc_free(&d);
}

static bool key(struct page *p, ui_key k)
{
    struct state *s = p->state;
    return s->phase == SHOWN && picture_key(&s->picture, k);
}

static bool shown(const struct page *p)
{
    return ((const struct state *)p->state)->phase == SHOWN;
}

/* Rows for footer and help; key() above does them. */
static void zoom_in(struct page *p)
{
    key(p, '+');
}

static void zoom_out(struct page *p)
{
    key(p, '-');
}

static void whole(struct page *p)
{
    key(p, '0');
}

static void right(struct page *p)
{
    key(p, K_RIGHT);
}

static const struct action actions[] = {
    {'+', N_("Larger"), N_("Show a smaller part, larger"), shown, zoom_in},
    {'-', N_("Smaller"), N_("Show a larger part, smaller"), shown, zoom_out},
    {'0', N_("Whole"), N_("Show the whole picture"), shown, whole},
    {K_RIGHT, N_("Move"), N_("The arrow keys move the part that is seen"), shown, right},
};

const struct screen picture_screen = {
    .title = N_("Material"),
    .state_size = sizeof(struct state),
    .load = load,
    .draw = draw,
    .key = key,
    .close = leave,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
