/* listing.c - pages of a List… method, one after the other as the selection comes near the end.
 *
 * A reload reads from the beginning as many rows as are shown, and finds the selected row again by its id: a
 * queue that moves must not make a key act on another order than the one under the eye.
 */
#include "screen/desk.h"
#include "screen/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 50,
    PAGE_MOST = 500,
};

static void add_row(struct page *p, const void *row)
{
    if (p->n_rows == p->cap_rows) {
        p->cap_rows = p->cap_rows ? p->cap_rows * 2 : 64;
        p->rows = reallocarray(p->rows, p->cap_rows, sizeof *p->rows);
        if (!p->rows)
            abort();
    }
    p->rows[p->n_rows++] = row;
}

static void take(struct page *p, const ProtobufCMessage *response)
{
    const ProtobufCMessage *kept = page_keep(p, response);
    ProtobufCMessage **rows;
    size_t n = msg_rows(kept, &rows);
    for (size_t i = 0; i < n; i++)
        add_row(p, rows[i]);
    const char *next = msg_text(kept, "next_page_token");
    free(p->next_page);
    p->next_page = *next ? strdup(next) : NULL;
}

static void on_first(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    char id[80] = "";
    size_t at = p->list.at;
    (void)e;
    (void)f;
    if (page_row(p))
        snprintf(id, sizeof id, "%s", msg_text(page_row(p), p->screen->row_id));
    page_forget(p);
    take(p, response);
    for (size_t i = 0; *id && i < p->n_rows; i++)
        if (strcmp(msg_text(p->rows[i], p->screen->row_id), id) == 0)
            at = i;
    p->list.at = at;
    list_resize(&p->list, p->n_rows);
}

static void on_more(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    (void)e;
    (void)f;
    take(p, response);
    list_resize(&p->list, p->n_rows);
}

void listing_load(struct page *p, bool more)
{
    if (more && !p->next_page)
        return;
    ProtobufCMessage *request = page_request(p->screen->list);
    size_t want = more || p->n_rows < PAGE ? PAGE : p->n_rows < PAGE_MOST ? p->n_rows : PAGE_MOST;
    msg_set_int(request, "page_size", (int32_t)want);
    if (more)
        msg_set_text(request, "page_token", p->next_page);
    if (p->screen->prepare)
        p->screen->prepare(p, request);
    page_get(p, p->screen->list, request, more ? on_more : on_first);
    free(request);
}

bool listing_some(const struct page *p)
{
    return !((const struct listing *)p->state)->all;
}

bool listing_all(const struct page *p)
{
    return !listing_some(p);
}

void listing_open(struct page *p)
{
    snprintf(p->subtitle, sizeof p->subtitle, "%s", listing_all(p) ? _("all") : _("needs a person"));
}

void listing_filter(struct page *p)
{
    struct listing *s = p->state;
    s->all = !s->all;
    listing_open(p);
    p->list.at = 0;
    p->n_rows = 0;
    page_reload(p);
}
