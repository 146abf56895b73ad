/* reason.c - what is done only with a reason: one question for all of it. */
#include "screen/msg.h"
#include "screen/screens.h"

#include <stdlib.h>

static void on_reason(struct page *p, struct form *f)
{
    const struct reasoned *r = p->desk->reasoned;
    struct arena a;
    arena_init(&a, 0);
    const char *reason = form_value(f, "reason", &a);
    if (!*reason) {
        form_error(f, "reason", r->missing ? tr(r->missing) : _("A reason is needed; it is recorded."));
    } else {
        ProtobufCMessage *request = page_request(r->method);
        r->fill(p, request);
        msg_set_text(request, "reason", reason);
        if (r->done)
            page_act(p, r->method, request, r->done);
        else
            page_do(p, r->method, request, tr(r->notice));
        free(request);
    }
    arena_free(&a);
}

void ask_reason(struct page *p, const struct reasoned *r, const char *text)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, tr(r->title));
    form_text(&d->form, STYLE_NORMAL, text);
    form_field(&d->form, FIELD_TEXT, "reason", r->label ? tr(r->label) : _("Reason"))->edit.max = 200;
    d->reasoned = r;
    desk_ask(d, on_reason);
}
