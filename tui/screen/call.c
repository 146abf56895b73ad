/* call.c - calls of a page: their answers arrive in the loop, and none outlives its page. */
#include "screen/call.h"

#include "screen/msg.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct call *next;
    struct page *page;
    struct rpc_pending *pending;
    call_done *done;
    const char *notice; /* of page_do() */
    bool acts, quiet;
    char request_id[ID_SIZE];
};

enum {
    READ_MS = 10000,
    ACT_MS = 20000,
};

static void unlink_call(struct call *c)
{
    for (struct call **at = &c->page->calls; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            return;
        }
    }
}

void page_cancel_calls(struct page *p)
{
    while (p->calls) {
        struct call *c = p->calls;
        p->calls = c->next;
        if (c->acts && p->desk->form_call == c)
            p->desk->form_call = NULL;
        rpc_cancel(c->pending);
        free(c);
    }
}

bool page_acting(const struct page *p)
{
    for (const struct call *c = p->calls; c; c = c->next)
        if (c->acts)
            return true;
    return false;
}

static void note_reachable(struct desk *d, enum err e)
{
    if (e == OK || (err_status(e) != RPC_UNAVAILABLE && err_status(e) != RPC_DEADLINE_EXCEEDED))
        return;
    if (d->away)
        return;
    d->away = true;
    desk_watch(d); /* it says when the server is back */
}

static void got(struct page *p, const struct call *c, enum err e, const ProtobufCMessage *r,
                const struct fault *f)
{
    if (c->quiet) {
        c->done(p, e, r, f);
        return;
    }
    p->loading = false;
    p->failed = e != OK;
    if (e == OK)
        c->done(p, OK, r, f);
    else
        p->fault = *f;
}

/* Errors that belong to a field stand under it, everything else in a box. */
static void act_failed(struct desk *d, struct call *c, const struct fault *f)
{
    size_t placed = 0;
    bool mine = d->asking && d->form_call == c;
    for (size_t i = 0; mine && i < f->n_violations; i++) {
        const struct violation *v = &f->violations[i];
        placed += form_error(&d->form, v->field, tr_chinese() && *v->text_zh ? v->text_zh : v->text);
    }
    if (mine)
        d->form.busy = false;
    if (mine && placed == f->n_violations && placed > 0)
        return;
    if (mine && d->form.kind == FORM_ASK) {
        struct arena a;
        arena_init(&a, 0);
        form_text(&d->form, STYLE_BAD, act_words(f, &a));
        arena_free(&a);
        return;
    }
    desk_show_fault(d, f);
}

static void did(struct page *p, enum err e, const char *notice)
{
    if (e == OK)
        desk_notice(p->desk, STYLE_GOOD, notice);
    page_reload(p);
}

static void acted(struct page *p, struct call *c, enum err e, const ProtobufCMessage *r,
                  const struct fault *f)
{
    struct desk *d = p->desk;
    once_settle(&d->once, c->request_id, e);
    bool mine = d->form_call == c;
    if (e == OK && mine)
        desk_unask(d);
    if (c->done)
        c->done(p, e, r, f);
    if (c->notice)
        did(p, e, c->notice);
    bool answered = mine && d->form_call != c; /* done has said something of its own */
    if (e != OK && e != ERR_UNAUTHENTICATED && !answered)
        act_failed(d, c, f);
    if (d->form_call == c)
        d->form_call = NULL;
}

static void completed(void *arg, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    struct call *c = arg;
    struct page *p = c->page;
    struct desk *d = p->desk;
    unlink_call(c);
    note_reachable(d, e);
    bool stale = p->stale && !p->calls;
    p->stale = p->stale && !stale;
    if (c->acts)
        acted(p, c, e, r, f);
    else
        got(p, c, e, r, f);
    if (stale && e == OK && d->top == p)
        page_reload(p);
    if (e == ERR_UNAUTHENTICATED)
        desk_login(d, tr_chinese() ? fault_text_zh(f) : fault_text(f));
    free(c);
}

static struct call *start(struct page *p, struct rpc_method m, const ProtobufCMessage *request, bool acts,
                          call_done *done)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    *c = (struct call){.page = p, .done = done, .acts = acts, .next = p->calls};
    p->calls = c;
    c->pending = rpc_start(p->desk->channel, m, request, acts ? ACT_MS : READ_MS, completed, c);
    return c;
}

void page_get(struct page *p, struct rpc_method m, const ProtobufCMessage *request, call_done *done)
{
    start(p, m, request, false, done);
}

void page_try(struct page *p, struct rpc_method m, const ProtobufCMessage *request, call_done *done)
{
    start(p, m, request, false, done)->quiet = true;
}

static struct call *act(struct page *p, struct rpc_method m, ProtobufCMessage *request, call_done *done)
{
    struct desk *d = p->desk;
    if (page_acting(p))
        return NULL;
    once_id(&d->once, m.name, request);
    struct call *c = start(p, m, request, true, done);
    const char *id = msg_text(request, "request_id");
    memcpy(c->request_id, id, strnlen(id, ID_SIZE - 1));
    if (d->asking) {
        d->form.busy = true;
        form_clear_errors(&d->form);
        d->form_call = c;
    }
    return c;
}

void page_act(struct page *p, struct rpc_method m, ProtobufCMessage *request, call_done *done)
{
    act(p, m, request, done);
}

void page_do(struct page *p, struct rpc_method m, ProtobufCMessage *request, const char *notice)
{
    struct call *c = act(p, m, request, NULL);
    if (c)
        c->notice = notice;
}

ProtobufCMessage *page_request(struct rpc_method m)
{
    const ProtobufCMethodDescriptor *d = protobuf_c_service_descriptor_get_method_by_name(m.service, m.name);
    ProtobufCMessage *request = calloc(1, d->input->sizeof_message);
    if (!request)
        abort();
    protobuf_c_message_init(d->input, request);
    return request;
}
