/* personalise.c - writing a UKEY at the desk (S19, S28): which UKEY is in the reader, every step as it
 * happens, errors in words, going on after whatever went wrong, putting a doubtful UKEY aside.
 *
 * The work is done by two children of this program (command/issue.h), because a card may hang for ever: one
 * tells what is in the readers, the other writes. PIN, PUK and keys are in the second one only. */
#include "screen/screens.h"
#include "screen/words.h"

#include "base/str.h"
#include "ui/child.h"

#include <certdesk/v1/issuance_service.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase {
    LOOKING, /* which UKEY is in the reader; also for the next one of the order */
    WRITING,
    FAILED,
    FINISHED,
};

enum {
    STEPS = CERTDESK__V1__PERSONALISATION_STEP__PERSONALISATION_STEP_FINISHED
};

struct state {
    enum phase phase;
    struct child watch, writer;
    bool known; /* the readers were looked at */
    int ukeys;
    char reader[160], medium[80];
    char bad[320]; /* why a card in a reader is none */
    char tied[80]; /* the UKEY that this order was begun with, from the list */
    char last[80]; /* the UKEY of this order that was written before: not to be taken again */
    char personalisation[64];
    bool begun;            /* by this writer */
    int quantity, written; /* the order's UKEYs; 0: not known yet */
    int doing, done;       /* steps */
    char error_name[40], error[640];
    char reason[640]; /* of putting aside */
};

static struct state *state(const struct page *p)
{
    return p->state;
}

/* ---- lines of the children ---- */

/* Cuts a line into its fields; missing ones are "". */
static void fields(char *line, const char *out[static 4])
{
    for (int i = 0; i < 4; i++) {
        out[i] = line ? line : "";
        char *tab = line ? strchr(line, '\t') : NULL;
        if (tab)
            *tab++ = 0;
        line = tab;
    }
}

static void on_reader_line(void *arg, char *line)
{
    struct page *p = arg;
    struct state *s = state(p);
    const char *f[4];
    fields(line, f);
    if (strcmp(f[0], "look") == 0) {
        s->ukeys = 0;
        s->medium[0] = s->bad[0] = 0;
    } else if (strcmp(f[0], "ukey") == 0) {
        s->known = true;
        s->ukeys++;
        snprintf(s->reader, sizeof s->reader, "%s", f[1]);
        snprintf(s->medium, sizeof s->medium, "%s", f[2]);
    } else if (strcmp(f[0], "bad") == 0) {
        s->known = true;
        snprintf(s->bad, sizeof s->bad, "%s: %s", f[1], tr_chinese() ? f[3] : f[2]);
    } else if (strcmp(f[0], "none") == 0) {
        s->known = true;
        if (*f[1])
            snprintf(s->bad, sizeof s->bad, "%s", tr_chinese() ? f[2] : f[1]);
    }
    page_compose(p);
}

static void on_writer_line(void *arg, char *line)
{
    struct page *p = arg;
    struct state *s = state(p);
    const char *f[4];
    fields(line, f);
    if (strcmp(f[0], "begun") == 0)
        snprintf(s->personalisation, sizeof s->personalisation, "%s", f[1]);
    else if (strcmp(f[0], "step") == 0)
        s->doing = atoi(f[1]);
    else if (strcmp(f[0], "done") == 0)
        s->done = atoi(f[1]);
    else if (strcmp(f[0], "retry") == 0)
        desk_notice(p->desk, STYLE_WARN, tr_chinese() ? f[2] : f[1]);
    else if (strcmp(f[0], "finished") == 0)
        s->phase = FINISHED;
    if (strcmp(f[0], "done") == 0)
        p->desk->notice[0] = 0;
    if (strcmp(f[0], "begun") == 0) {
        s->begun = true;
        s->written = atoi(f[2]) - 1;
        s->quantity = atoi(f[3]);
        s->done = s->done > 1 ? s->done : 1;
        snprintf(s->tied, sizeof s->tied, "%s", s->medium);
    }
    if (strcmp(f[0], "error") == 0) {
        snprintf(s->error_name, sizeof s->error_name, "%s", f[1]);
        snprintf(s->error, sizeof s->error, "%s", tr_chinese() ? f[3] : f[2]);
    }
    page_compose(p);
}

static void look(struct page *p);

static void on_reader_end(void *arg, int status)
{
    struct page *p = arg;
    (void)status;
    state(p)->known = true;
    snprintf(state(p)->bad, sizeof state(p)->bad, "%s",
             _("The readers cannot be watched; press r to look again."));
    page_compose(p);
}

/* The order wants more of them: everything from the beginning, with another UKEY. */
static void next_ukey(struct page *p)
{
    struct state *s = state(p);
    struct arena a;
    arena_init(&a, 0);
    s->phase = LOOKING;
    s->written++;
    s->doing = s->done = 0;
    s->personalisation[0] = s->tied[0] = 0;
    snprintf(s->last, sizeof s->last, "%s", s->medium);
    desk_notice(p->desk, STYLE_GOOD,
                arena_printf(&a, _("UKEY %d of %d is written. Take it out and plug in the next one."),
                             s->written, s->quantity));
    look(p);
    arena_free(&a);
}

static void on_writer_end(void *arg, int status)
{
    struct page *p = arg;
    struct state *s = state(p);
    if (s->phase == FINISHED && s->written + 1 < s->quantity) {
        next_ukey(p);
    } else if (s->phase == FINISHED) {
        s->written = s->quantity;
        s->doing = s->done = STEPS;
        desk_notice(p->desk, STYLE_GOOD,
                    s->quantity > 1 ? _("All UKEYs of the order are written. They wait to be shipped.")
                                    : _("The UKEY is written. It waits to be shipped."));
    } else {
        s->phase = FAILED;
        /* Refused with the very UKEY that it was begun with: it was finished meanwhile, unheard of here. */
        if (!s->begun && strcmp(s->error_name, "PRECONDITION") == 0 && strcmp(s->tied, s->medium) == 0)
            s->tied[0] = s->personalisation[0] = 0;
        if (!*s->error)
            snprintf(s->error, sizeof s->error, _("Writing was broken off (%d). It can be gone on with."),
                     status);
        look(p);
    }
    page_compose(p);
}

static void look(struct page *p)
{
    struct state *s = state(p);
    child_kill(&s->watch);
    s->known = false;
    s->medium[0] = s->bad[0] = 0;
    s->watch = (struct child){.pid = -1, .on_line = on_reader_line, .on_end = on_reader_end, .arg = p};
    if (!child_start(&s->watch, &p->desk->loop, (const char *const[]){"--watch-ukeys", NULL}, "", 0))
        snprintf(s->bad, sizeof s->bad, "%s", _("The readers cannot be watched; press r to look again."));
}

/* ---- what is shown ---- */

static bool is_last(const struct state *s)
{
    return *s->medium && strcmp(s->medium, s->last) == 0;
}

static void compose_ukey(struct page *p, struct arena *a)
{
    const struct state *s = state(p);
    struct doc *d = &p->doc;
    doc_head(d, _("UKEY"));
    if (s->quantity > 1)
        doc_styled(d, s->written ? STYLE_GOOD : STYLE_NORMAL, _("Written"),
                   arena_printf(a, _("%d of the %d UKEYs of this order"), s->written, s->quantity));
    if (*s->tied)
        doc_value(d, _("Begun with"), s->tied);
    if (s->phase == WRITING || s->phase == FINISHED)
        doc_styled(d, STYLE_STRONG, _("Medium number"), s->medium);
    else if (!s->known)
        doc_styled(d, STYLE_DIM, _("In the reader"), _("Looking at the readers..."));
    else if (s->ukeys > 1)
        doc_styled(d, STYLE_WARN, _("In the reader"), _("Several UKEYs are plugged in. Leave only one."));
    else if (is_last(s))
        doc_styled(
            d, STYLE_WARN, _("In the reader"),
            arena_printf(a, _("%s is written. Take it out and plug in the next blank UKEY."), s->medium));
    else if (*s->medium)
        doc_styled(d, STYLE_STRONG, _("In the reader"), arena_printf(a, "%s  (%s)", s->medium, s->reader));
    else
        doc_styled(d, STYLE_WARN, _("In the reader"), *s->bad ? s->bad : _("Plug in a blank UKEY."));
    if (s->phase != WRITING && s->phase != FINISHED && *s->tied && *s->medium &&
        strcmp(s->tied, s->medium) != 0)
        doc_styled(
            d, STYLE_WARN, "",
            _("This is not the UKEY that the order was begun with. Plug that one in, or put it aside (Q)."));
}

static void compose_steps(struct page *p)
{
    const struct state *s = state(p);
    struct doc *d = &p->doc;
    doc_head(d, _("Steps"));
    for (int i = 1; i <= STEPS; i++) {
        bool now = s->phase == WRITING && i == s->doing && i > s->done;
        bool bad = s->phase == FAILED && i == s->doing && i > s->done;
        const char *mark = i <= s->done ? _("done") : now ? _("now") : bad ? _("failed") : "";
        enum style style = i <= s->done ? STYLE_GOOD : now ? STYLE_STRONG : bad ? STYLE_BAD : STYLE_DIM;
        struct arena a;
        arena_init(&a, 0);
        doc_styled(d, style, mark, arena_printf(&a, "%2d  %s", i, word_step(i)));
        arena_free(&a);
    }
}

static void compose(struct page *p)
{
    const struct state *s = state(p);
    struct arena a;
    arena_init(&a, 0);
    doc_clear(&p->doc);
    compose_ukey(p, &a);
    if (s->phase == FAILED) {
        doc_head(&p->doc, _("That did not work"));
        doc_styled(&p->doc, STYLE_BAD, NULL, s->error);
        if (strcmp(s->error_name, "CARD_DOUBTFUL") == 0)
            doc_styled(&p->doc, STYLE_WARN, NULL,
                       _("Nobody knows what this UKEY holds: put it aside (Q) and take another."));
        else
            doc_styled(&p->doc, STYLE_DIM, NULL, _("Enter goes on where it stopped."));
    }
    compose_steps(p);
    arena_free(&a);
}

/* ---- keys ---- */

static bool can_write(const struct page *p)
{
    const struct state *s = state(p);
    return s->phase != WRITING && s->phase != FINISHED && s->ukeys == 1 && *s->medium && !is_last(s);
}

static void start(struct page *p, struct form *f)
{
    struct state *s = state(p);
    struct desk *d = p->desk;
    (void)f;
    desk_unask(d);
    if (!can_write(p)) {
        desk_notice(d, STYLE_WARN, _("The UKEY is not in the reader any more."));
        return;
    }
    child_kill(&s->watch); /* the card is the writer's alone */
    s->phase = WRITING;
    s->error[0] = s->error_name[0] = 0;
    s->begun = false;
    s->doing = 1;
    s->writer = (struct child){.pid = -1, .on_line = on_writer_line, .on_end = on_writer_end, .arg = p};
    const char *const argv[] = {"--server", d->session.server, "--token-stdin", "--progress", "--reader",
                                s->reader,  "--medium",        s->medium,       "issue",      p->id,
                                NULL};
    if (!child_start(&s->writer, &d->loop, argv, d->session.token, strlen(d->session.token))) {
        s->phase = FAILED;
        snprintf(s->error, sizeof s->error, "%s", _("The program cannot be started again."));
        look(p);
    }
    page_compose(p);
}

/* A new UKEY loses its PIN, PUK and management key for good: asked once. Going on asks nothing. */
static void write_ukey(struct page *p)
{
    struct desk *d = p->desk;
    struct state *s = state(p);
    if (strcmp(s->tied, s->medium) == 0) {
        start(p, NULL);
        return;
    }
    struct arena a;
    arena_init(&a, 0);
    form_init(&d->form, FORM_CONFIRM, _("Write the UKEY"));
    form_text(
        &d->form, STYLE_NORMAL,
        arena_printf(
            &a, _("Write the certificate of\n%s\nonto the UKEY %s?\nWhat is on it is replaced, its PIN too."),
            *p->subtitle ? p->subtitle : p->id, s->medium));
    desk_ask(d, start);
    arena_free(&a);
}

static bool not_writing(const struct page *p)
{
    return state(p)->phase != WRITING && state(p)->phase != FINISHED;
}

static bool can_quarantine(const struct page *p)
{
    const struct state *s = state(p);
    return not_writing(p) && (*s->personalisation || *s->tied);
}

static void on_put_aside(struct page *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    (void)r, (void)f;
    if (e == OK)
        page_done(p, _("The UKEY is put aside. The order waits for another one."));
}

static void put_aside(struct page *p)
{
    struct state *s = state(p);
    Certdesk__V1__QuarantineTokenRequest q = CERTDESK__V1__QUARANTINE_TOKEN_REQUEST__INIT;
    q.personalisation_id = s->personalisation;
    q.reason = s->reason;
    page_act(p, (struct rpc_method)METHOD(issuance_service, "QuarantineToken"), &q.base, on_put_aside);
}

/* The same pair again only tells the personalisation's id: it may be from another day or desk. */
static void on_begun(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = state(p);
    (void)f;
    if (e != OK)
        return;
    const Certdesk__V1__BeginPersonalisationResponse *r = (const void *)response;
    snprintf(s->personalisation, sizeof s->personalisation, "%s",
             r->personalisation ? r->personalisation->id : "");
    put_aside(p);
}

static void on_quarantine(struct page *p, struct form *f)
{
    struct state *s = state(p);
    struct arena a;
    arena_init(&a, 0);
    snprintf(s->reason, sizeof s->reason, "%s", form_value(f, "reason", &a));
    arena_free(&a);
    if (!*s->reason) {
        form_error(f, "reason", _("A reason is needed; it is recorded."));
    } else if (*s->personalisation) {
        put_aside(p);
    } else {
        Certdesk__V1__BeginPersonalisationRequest q = CERTDESK__V1__BEGIN_PERSONALISATION_REQUEST__INIT;
        Certdesk__V1__KeyAlgorithm can[] = {CERTDESK__V1__KEY_ALGORITHM__KEY_ALGORITHM_SM2,
                                            CERTDESK__V1__KEY_ALGORITHM__KEY_ALGORITHM_P256};
        q.order_id = p->id;
        q.medium_number = s->tied;
        q.algorithms = can;
        q.n_algorithms = 2;
        page_act(p, (struct rpc_method)METHOD(issuance_service, "BeginPersonalisation"), &q.base, on_begun);
    }
}

static void quarantine(struct page *p)
{
    struct desk *d = p->desk;
    struct state *s = state(p);
    struct arena a;
    arena_init(&a, 0);
    form_init(&d->form, FORM_ASK, _("Put the UKEY aside"));
    form_text(&d->form, STYLE_WARN,
              arena_printf(&a, _("The UKEY %s is not used any more; the order goes on with another one."),
                           s->tied));
    struct field *field = form_field(&d->form, FIELD_TEXT, "reason", _("Reason"));
    field->edit.max = 200;
    desk_ask(d, on_quarantine);
    arena_free(&a);
}

static void look_again(struct page *p)
{
    look(p);
    page_compose(p);
}

static void on_stop(struct page *p, struct form *f)
{
    (void)f;
    desk_unask(p->desk);
    if (state(p)->phase == WRITING)
        child_kill(&state(p)->writer);
    desk_back(p->desk);
}

static bool key(struct page *p, ui_key k)
{
    struct desk *d = p->desk;
    if (k != K_ESC || state(p)->phase != WRITING)
        return false;
    form_init(&d->form, FORM_CONFIRM, _("Break off"));
    form_text(&d->form, STYLE_WARN, _("The UKEY is being written. Break off? It can be gone on with later."));
    desk_ask(d, on_stop);
    return true;
}

static void open_page(struct page *p)
{
    struct state *s = state(p);
    const struct page *list = p->below;
    s->watch.pid = s->writer.pid = -1;
    if (list && list->screen == &issues_screen && page_row(list)) {
        const Certdesk__V1__IssueItem *r = page_row(list);
        snprintf(s->tied, sizeof s->tied, "%s", r->medium_number);
        s->quantity = r->quantity;
        s->written = r->written;
    }
    look(p);
    page_compose(p);
}

static void leave(struct page *p)
{
    child_kill(&state(p)->watch);
    child_kill(&state(p)->writer);
}

static const struct action actions[] = {
    {K_ENTER, N_("Write"), N_("Write this order's certificate onto the UKEY in the reader, or go on"),
     can_write, write_ukey},
    {'r', N_("Look again"), N_("Look at the readers again"), not_writing, look_again},
    {'Q', N_("Put aside"), N_("Put the UKEY that was begun with aside; the order goes on with another"),
     can_quarantine, quarantine},
};

const struct screen personalise_screen = {
    .title = N_("Write UKEY"),
    .state_size = sizeof(struct state),
    .open = open_page,
    .compose = compose,
    .key = key,
    .close = leave,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
