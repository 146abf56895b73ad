#include "screen/chrome.h"
#include "screen/screens.h"

#include "base/clock.h"
#include "base/str.h"
#include "ui/text.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- questions and messages ---- */

void desk_ask(struct desk *d, form_done *done)
{
    d->asking = true;
    d->on_form = done;
    d->form_call = NULL;
    d->notice[0] = 0;
}

void desk_unask(struct desk *d)
{
    if (d->asking)
        form_free(&d->form);
    d->asking = false;
    d->form_call = NULL;
}

void desk_tell(struct desk *d, enum style s, const char *title, const char *text)
{
    desk_unask(d);
    form_init(&d->form, FORM_TELL, title);
    form_text(&d->form, s, text);
    desk_ask(d, NULL);
}

void desk_notice(struct desk *d, enum style s, const char *text)
{
    snprintf(d->notice, sizeof d->notice, "%s", text);
    d->notice_style = s;
}

char *fault_words(const struct fault *f, struct arena *a)
{
    bool zh = tr_chinese();
    struct buf b = BUF(a);
    buf_str(&b, zh ? fault_text_zh(f) : fault_text(f));
    for (size_t i = 0; i < f->n_violations; i++) {
        const struct violation *v = &f->violations[i];
        if (zh && *v->text_zh) /* says which field in words; its path in the contract is nobody's here */
            buf_printf(&b, "\n- %s", v->text_zh);
        else
            buf_printf(&b, "\n- %s: %s", v->field, v->text);
    }
    if (*f->resource)
        buf_printf(&b, "\n%s", f->resource);
    return b.p;
}

char *act_words(const struct fault *f, struct arena *a)
{
    char *words = fault_words(f, a);
    return once_unknown(f->code)
               ? arena_printf(a, "%s\n%s", words, _("Trying again is safe: it cannot happen twice."))
               : words;
}

void desk_show_fault(struct desk *d, const struct fault *f)
{
    struct arena a;
    arena_init(&a, 0);
    desk_tell(d, STYLE_BAD, _("That did not work"), act_words(f, &a));
    arena_free(&a);
}

/* ---- keys ---- */

static void reload(struct page *p)
{
    p->desk->notice[0] = 0;
    if (p->desk->away)
        desk_watch(p->desk);
    page_reload(p);
}

static void back(struct page *p)
{
    desk_back(p->desk);
}

static bool not_home(const struct page *p)
{
    return p->below != NULL;
}

static void search(struct page *p)
{
    ask_search(p);
}

static const struct action everywhere[] = {
    {K_ESC, N_("Back"), N_("Back to the screen before"), not_home, back},
    {K_F5, N_("Refresh"), N_("Read the data again"), NULL, reload},
    {'/', N_("Search"), N_("Find an order by its number, USCC, ID number or medium number"), NULL, search},
    {'?', N_("Help"), N_("This list of keys"), NULL, desk_help},
};

const struct action *page_action(const struct page *p, size_t i)
{
    if (i < p->screen->n_actions)
        return &p->screen->actions[i];
    i -= p->screen->n_actions;
    return i < sizeof everywhere / sizeof *everywhere ? &everywhere[i] : NULL;
}

static void on_quit(struct page *p, struct form *f)
{
    (void)f;
    p->desk->quit = true;
}

void ask_quit(struct page *p)
{
    desk_unask(p->desk);
    form_init(&p->desk->form, FORM_CONFIRM, _("Quit"));
    form_text(&p->desk->form, STYLE_NORMAL, _("Leave the console?"));
    desk_ask(p->desk, on_quit);
}

static void form_keys(struct desk *d, ui_key k)
{
    if (k == K_CTRL('c') && d->form.locked) {
        d->quit = true;
        return;
    }
    switch (form_key(&d->form, k)) {
    case FORM_SUBMITTED:
        if (d->on_form)
            d->on_form(d->top, &d->form);
        break;
    case FORM_LEFT:
        desk_unask(d);
        break;
    case FORM_STAYS:
        break;
    }
}

void desk_keys(struct desk *d, ui_key k)
{
    struct page *p = d->top;
    if (k == K_CTRL('l')) {
        view_resized(&d->view); /* draws everything again */
        return;
    }
    if (d->asking) {
        form_keys(d, k);
        return;
    }
    if (k == K_CTRL('c')) {
        ask_quit(p);
        return;
    }
    k = key_command(k == K_CTRL('r') ? K_F5 : k == K_F1 ? '?' : k);
    if (p->screen->key && p->screen->key(p, k))
        return;
    const struct action *row;
    for (size_t i = 0; (row = page_action(p, i)); i++) {
        if (row->key == k && (!row->when || row->when(p))) {
            row->does(p);
            return;
        }
    }
    if (d->notice_style == STYLE_DIM) /* what the key before was told */
        d->notice[0] = 0;
    if (!(p->screen->columns ? list_key(&p->list, k) : !p->screen->draw && doc_key(&p->doc, k)))
        desk_notice(d, STYLE_DIM,
                    not_home(p) ? _("This key does nothing here. ? lists those that do; Esc goes back.")
                                : _("This key does nothing here. ? lists those that do; q leaves."));
}

static void on_stdin(void *arg)
{
    struct desk *d = arg;
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    ui_key k = view_key(&d->view);
    if (k == K_NONE && poll(&in, 1, 0) == 1 && (in.revents & (POLLHUP | POLLERR)))
        d->quit = true; /* the terminal is gone */
    /* A key that is held comes again before view_key() has waited for the rest of its sequence, so K_NONE may
     * never come: the picture and the answers have their turn all the same. */
    for (int64_t until = clock_mono_ms() + 100; k != K_NONE && !d->quit; k = view_key(&d->view)) {
        desk_keys(d, k);
        if (clock_mono_ms() >= until) {
            loop_after(&d->loop, 1, on_stdin, d); /* what view_key() has read already does not wake poll() */
            return;
        }
    }
}

/* ---- the live queues ---- */

static void retry_watch(void *arg)
{
    desk_watch(arg);
}

bool queues_may(const struct queues *q, unsigned roles)
{
    return !q->roles || q->roles & roles;
}

bool desk_may(const struct desk *d, unsigned roles)
{
    return queues_may(&d->queues, roles);
}

struct queues queues_of(const ProtobufCMessage *message)
{
    const Certdesk__V1__WatchQueuesResponse *r = (const void *)message;
    struct queues q = {.known = true,
                       .review = r->review,
                       .issue = r->issue,
                       .ship = r->ship,
                       .in_transit = r->in_transit,
                       .exhausted_jobs = r->exhausted_jobs,
                       .captures = r->captures,
                       .reconciliations = r->reconciliations,
                       .remittances = r->remittances,
                       .invoices = r->invoices,
                       .revision = r->revision};
    for (size_t i = 0; i < r->n_roles; i++)
        q.roles |= 1u << r->roles[i];
    return q;
}

static void on_queues(void *arg, const ProtobufCMessage *message)
{
    struct desk *d = arg;
    struct queues now = queues_of(message);
    bool was_away = d->away || !d->queues.known;
    bool changed = now.revision != d->queues.revision;
    d->queues = now;
    home_choose(d);
    d->away = false;
    d->backoff_ms = 0;
    if (d->top && ((changed && d->top->screen->live) || (was_away && d->top->failed)))
        page_reload(d->top);
}

static void on_watch_end(void *arg, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct desk *d = arg;
    (void)response;
    d->watch = NULL;
    if (e == ERR_UNAUTHENTICATED) {
        desk_login(d, tr_chinese() ? fault_text_zh(f) : fault_text(f));
        return;
    }
    if (e == ERR_DENIED || e == ERR_UNIMPLEMENTED) {
        desk_notice(d, STYLE_WARN, tr_chinese() ? fault_text_zh(f) : fault_text(f));
        return;
    }
    d->away = e != OK;
    d->backoff_ms = d->backoff_ms ? (d->backoff_ms < 4000 ? d->backoff_ms * 2 : 5000) : 500;
    loop_after(&d->loop, d->backoff_ms, retry_watch, d);
}

void desk_watch(struct desk *d)
{
    Certdesk__V1__WatchQueuesRequest q = CERTDESK__V1__WATCH_QUEUES_REQUEST__INIT;
    loop_forget(&d->loop, retry_watch, d);
    if (!*d->session.token)
        return;
    if (d->watch)
        rpc_cancel(d->watch);
    d->watch =
        rpc_watch(d->channel, (struct rpc_method){&certdesk__v1__staff_service__descriptor, "WatchQueues"},
                  &q.base, on_queues, on_watch_end, d);
}

/* ---- the whole ---- */

static void on_channel(void *arg)
{
    struct desk *d = arg;
    rpc_channel_dispatch(d->channel);
}

static void turn_spinner(void *arg)
{
    struct desk *d = arg;
    d->spin++;
}

static bool begin(struct desk *d, const char *server)
{
    struct rpc_channel_options o = {.target = server};
    struct fault f;
    const char *why = NULL;
    if (!loop_open(&d->loop) || !view_open(&d->view, &why)) {
        fprintf(stderr, "certdesk: %s\n", why ? why : "signals cannot be read");
        return false;
    }
    fault_clear(&f);
    if (rpc_channel_open(&o, &d->channel, &f) != OK) {
        view_close(&d->view);
        fprintf(stderr, "certdesk: %s: %s\n", server, fault_text(&f));
        return false;
    }
    loop_add(&d->loop, STDIN_FILENO, on_stdin, d);
    loop_add(&d->loop, rpc_channel_fd(d->channel), on_channel, d);
    return true;
}

static void end(struct desk *d)
{
    desk_unask(d);
    while (d->top) {
        struct page *below = d->top->below;
        d->top->below = NULL; /* nothing reloads any more */
        desk_back(d);
        d->top = below;
    }
    if (d->watch)
        rpc_cancel(d->watch);
    rpc_channel_close(d->channel);
    view_close(&d->view);
    loop_close(&d->loop);
    once_free(&d->once);
    marks_forget(&d->marks);
    wipe(&d->session, sizeof d->session);
}

int desk_run(const char *server)
{
    struct desk d = {0};
    if (!begin(&d, server))
        return 1;
    bool known = session_read(&d.session, server);
    session_use(&d.session, d.channel);
    snprintf(d.session.server, sizeof d.session.server, "%s", server);
    desk_open(&d, &home_screen, NULL, NULL);
    if (known)
        desk_watch(&d);
    else
        desk_login(&d, NULL);
    while (!d.quit && !d.loop.stopped) {
        desk_draw(&d);
        if (desk_busy(&d) || (d.asking && d.form.busy))
            loop_after(&d.loop, 150, turn_spinner, &d);
        loop_turn(&d.loop);
        if (d.loop.resized)
            view_resized(&d.view);
    }
    end(&d);
    return 0;
}
