/* page.c - pages: opening, closing, what they keep. */
#include "screen/call.h"
#include "screen/msg.h"

#include <stdio.h>
#include <stdlib.h>

struct kept {
    struct kept *next;
    ProtobufCMessage *message;
};

const ProtobufCMessage *page_keep(struct page *p, const ProtobufCMessage *m)
{
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    *k = (struct kept){p->kept, msg_copy(m)};
    p->kept = k;
    return k->message;
}

void page_forget(struct page *p)
{
    while (p->kept) {
        struct kept *k = p->kept;
        p->kept = k->next;
        protobuf_c_message_free_unpacked(k->message, NULL);
        free(k);
    }
    p->n_rows = 0;
    free(p->next_page);
    p->next_page = NULL;
}

void page_compose(struct page *p)
{
    doc_clear(&p->doc);
    p->screen->compose(p);
}

const ProtobufCMessage *page_fresh(struct page *p, const ProtobufCMessage *response)
{
    page_forget(p);
    const ProtobufCMessage *kept = page_keep(p, response);
    page_compose(p);
    return kept;
}

void page_done(struct page *p, const char *notice)
{
    struct desk *d = p->desk;
    if (d->top == p)
        desk_back(d);
    desk_notice(d, STYLE_GOOD, notice);
}

static void load(struct page *p)
{
    if (p->screen->load)
        p->screen->load(p);
    else if (p->screen->list.name)
        listing_load(p, false);
}

void page_reload(struct page *p)
{
    if (p->calls) {
        p->stale = true; /* what is under way may have been read before */
        return;
    }
    load(p);
}

struct page *desk_open(struct desk *d, const struct screen *s, const char *id, const char *subtitle)
{
    struct page *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->screen = s;
    p->desk = d;
    p->below = d->top;
    p->state = calloc(1, s->state_size + 1);
    if (!p->state)
        abort();
    snprintf(p->id, sizeof p->id, "%s", id ? id : "");
    snprintf(p->subtitle, sizeof p->subtitle, "%s", subtitle ? subtitle : "");
    doc_init(&p->doc);
    d->top = p;
    d->notice[0] = 0;
    p->loading = s->load || s->list.name;
    if (s->open)
        s->open(p);
    load(p);
    return p;
}

static void close_page(struct page *p)
{
    if (p->screen->close)
        p->screen->close(p);
    page_cancel_calls(p);
    page_forget(p);
    doc_free(&p->doc);
    free(p->rows);
    free(p->state);
    free(p);
}

void desk_back(struct desk *d)
{
    struct page *p = d->top;
    if (!p)
        return;
    d->top = p->below;
    close_page(p);
    d->notice[0] = 0;
    if (d->top)
        page_reload(d->top);
}

const void *page_row(const struct page *p)
{
    return p->list.at < p->n_rows ? p->rows[p->list.at] : NULL;
}

bool has_row(const struct page *p)
{
    return page_row(p) != NULL;
}
