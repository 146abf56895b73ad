/* picture.c - an uploaded scan in the terminal (S27), page by page, with zoom and pan. What comes is a
 * preview that the server has drawn, never the stranger's own bytes; it is decoded in a process of its own
 * all the same. What cannot be shown is said, with the way to save it. */
#include "screen/screens.h"
#include "screen/words.h"

#include "ui/picture.h"

#include <certdesk/v1/material_service.pb-c.h>
#include <string.h>

enum {
    PREVIEW_SIDE = 2048
};

enum phase {
    LOADING,
    DECODING,
    SHOWN,
    NO_PICTURE,
};

struct state {
    enum phase phase;
    int page, pages; /* of a document; pages 0: a picture */
    int full_width, full_height;
    struct decode decode;
    struct picture picture;
};

static void give_up(struct page *p)
{
    struct state *s = p->state;
    if (s->phase == DECODING) {
        loop_remove(&p->desk->loop, s->decode.child);
        decode_kill(&s->decode);
    }
    if (s->phase == SHOWN)
        picture_free(&s->picture);
    s->phase = LOADING;
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

static void on_preview(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    const Certdesk__V1__GetMaterialPreviewResponse *r = (const void *)response;
    (void)e;
    (void)f;
    give_up(p);
    s->pages = r->page_count;
    s->full_width = r->full_width;
    s->full_height = r->full_height;
    s->phase = NO_PICTURE;
    if (r->image.len && decode_start(&s->decode, r->image.data, r->image.len)) {
        s->phase = DECODING;
        loop_add(&p->desk->loop, s->decode.child, on_decoded, p);
        loop_after(&p->desk->loop, DECODE_DEADLINE_MS, too_slow, p);
    }
}

static void load(struct page *p)
{
    struct state *s = p->state;
    Certdesk__V1__GetMaterialPreviewRequest q = CERTDESK__V1__GET_MATERIAL_PREVIEW_REQUEST__INIT;
    q.material_id = p->id;
    q.max_side = PREVIEW_SIDE;
    q.page = s->page ? s->page : 1;
    page_get(p, (struct rpc_method)METHOD(material_service, "GetMaterialPreview"), &q.base, on_preview);
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
    if (p->failed && p->fault.code == ERR_MATERIAL_BAD) {
        *style = STYLE_WARN;
        return arena_printf(a, _("%s\n\nIt can be saved, not shown: certdesk material save %s FILE"),
                            fault_words(&p->fault, a), p->id);
    }
    if (p->failed) {
        *style = STYLE_BAD;
        return arena_printf(a, "%s %s", fault_words(&p->fault, a), _("F5 tries again."));
    }
    if (s->phase == NO_PICTURE) {
        *style = STYLE_WARN;
        return _("The preview cannot be decoded.");
    }
    return s->phase == DECODING ? _("Decoding...") : _("Loading...");
}

static const char *measures(const struct page *p, struct arena *a)
{
    const struct state *s = p->state;
    int zoom = (int)(s->picture.zoom * 100 + 0.5);
    if (s->pages)
        return arena_printf(a, _("Page %d of %d  %d%%"), s->page ? s->page : 1, s->pages, zoom);
    return arena_printf(a, "%d x %d  %d%%", s->full_width, s->full_height, zoom);
}

static void draw(struct page *p, int y, int rows)
{
    struct state *s = p->state;
    struct view *v = &p->desk->view;
    if (s->phase == SHOWN) {
        picture_draw(&s->picture, v, y, rows);
        view_put(v, v->rows - 2, 1, v->cols - 2, STYLE_DIM, measures(p, &v->scratch));
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

static bool paged(const struct page *p)
{
    return ((const struct state *)p->state)->pages > 1;
}

static void turn(struct page *p, int by)
{
    struct state *s = p->state;
    int to = (s->page ? s->page : 1) + by;
    if (to < 1 || to > s->pages || p->calls)
        return;
    give_up(p);
    s->page = to;
    load(p);
}

static void next(struct page *p)
{
    turn(p, 1);
}

static void previous(struct page *p)
{
    turn(p, -1);
}

static const struct action actions[] = {
    {'n', N_("Next page"), N_("Show the document's next page"), paged, next},
    {'p', N_("Page before"), N_("Show the document's page before"), paged, previous},
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
