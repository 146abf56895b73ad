/* review.c - one order under review (S18, S27): read everything, decide on each material, approve the order
 * or send it back. Decisions are marks on this screen until the order is decided as a whole. */
#include "screen/msg.h"
#include "screen/order_doc.h"
#include "screen/review_marks.h"
#include "screen/screens.h"
#include "screen/words.h"

#include "base/str.h"

#include <certdesk/v1/review_service.pb-c.h>
#include <stdio.h>
#include <string.h>

struct state {
    const Certdesk__V1__Review *review; /* kept by the page */
    struct marks marks;
    bool marked;    /* here, and not decided with yet */
    bool sent_back; /* by the decision under way */
    bool resumed;   /* the marks are from before: to be told when the order is here */
    struct revealed revealed;
    char etag[80]; /* of what was shown before */
    bool beaten;   /* somebody else decided or changed something first: said when it is loaded */
};

static const Certdesk__V1__Material *chosen_material(const struct page *p)
{
    const struct state *s = p->state;
    int i = p->doc.chosen;
    return s->review && i >= 0 && (size_t)i < s->review->n_materials ? s->review->materials[i] : NULL;
}

static bool on_material(const struct page *p)
{
    return chosen_material(p) != NULL;
}

static bool on_masked(const struct page *p)
{
    return ((const struct state *)p->state)->review && p->doc.chosen >= MASKED_ITEM;
}

static bool is_loaded(const struct page *p)
{
    return ((const struct state *)p->state)->review != NULL;
}

/* ---- what is shown ---- */

static const char *clear_text(void *arg, const char *path)
{
    return revealed_get(arg, path);
}

static void compose_evidence(struct page *p, const Certdesk__V1__Review *r, struct arena *a)
{
    if (!r->n_evidence)
        return;
    doc_head(&p->doc, _("Verified"));
    for (size_t i = 0; i < r->n_evidence; i++) {
        const Certdesk__V1__Evidence *e = r->evidence[i];
        bool match = strcmp(e->outcome, "MATCH") == 0;
        bool earlier = e->of_earlier_data;
        doc_styled(&p->doc,
                   earlier ? STYLE_DIM
                   : match ? STYLE_GOOD
                           : STYLE_BAD,
                   word_check(e->check),
                   arena_printf(a, "%s%s%s  %s  %s\n%s", word_outcome(e->outcome), earlier ? "  " : "",
                                earlier ? _("earlier data") : "", word_time(a, e->check_time), e->provider,
                                e->provider_request_id));
    }
}

static void compose_materials(struct page *p, const Certdesk__V1__Review *r, struct arena *a)
{
    struct state *s = p->state;
    doc_head(&p->doc, _("Materials"));
    for (size_t i = 0; i < r->n_materials; i++) {
        const Certdesk__V1__Material *m = r->materials[i];
        const struct mark *k = marks_find(&s->marks, m->id);
        int verdict = k ? (int)k->verdict : 0;
        static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_BAD};
        const char *text =
            arena_printf(a, "[%s] %s  %s", word_verdict(verdict), material_kind(a, m), m->file_name);
        if (k && *k->reason)
            text = arena_printf(a, "%s\n%s", text, k->reason);
        doc_item(&p->doc, (int)i, styles[verdict < 3 ? verdict : 0], *m->title ? m->title : m->kind, text);
    }
    if (!r->n_materials)
        doc_value(&p->doc, "", _("No materials."));
}

/* The text holds in clear what is masked above, so it is a masked field itself. */
static void compose_signature(struct page *p, const Certdesk__V1__Review *r)
{
    struct state *s = p->state;
    if (!*r->signed_digest)
        return;
    doc_head(&p->doc, _("Application signature"));
    doc_value(&p->doc, "SHA-256", r->signed_digest);
    order_masked_line(&(struct order_doc){&p->doc, r->order, clear_text, &s->revealed}, "signed_text",
                      _("(masked)"));
}

static void compose(struct page *p)
{
    struct state *s = p->state;
    const Certdesk__V1__Review *r = s->review;
    struct arena a;
    if (!r || !r->order)
        return;
    arena_init(&a, 0);
    compose_materials(p, r, &a);
    order_compose(&(struct order_doc){&p->doc, r->order, clear_text, &s->revealed});
    compose_evidence(p, r, &a);
    compose_signature(p, r);
    arena_free(&a);
}

static void tell_changed(struct page *p)
{
    desk_tell(
        p->desk, STYLE_WARN, _("The order changed meanwhile"),
        _("Somebody else changed this order while it was open here. It has been loaded again. Your marks "
          "stand where the material is still the same; please look at it once more and decide again."));
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    const Certdesk__V1__GetReviewResponse *r = (const void *)page_keep(p, response);
    s->review = r->review;
    if (r->review) {
        marks_take(&s->marks, r->review->materials, r->review->n_materials);
        if (s->beaten || (*s->etag && strcmp(s->etag, r->review->etag) != 0))
            tell_changed(p);
        s->beaten = false;
        snprintf(s->etag, sizeof s->etag, "%s", r->review->etag);
    }
    page_compose(p);
    if (s->resumed)
        desk_notice(p->desk, STYLE_WARN, _("Your marks from before are still here."));
    s->resumed = false;
}

static void load(struct page *p)
{
    Certdesk__V1__GetReviewRequest q = CERTDESK__V1__GET_REVIEW_REQUEST__INIT;
    q.order_id = p->id;
    page_get(p, (struct rpc_method)METHOD(review_service, "GetReview"), &q.base, on_loaded);
}

/* Nobody marks twice what was left for a moment. */
static void open(struct page *p)
{
    struct state *s = p->state;
    s->marked = s->resumed = marks_again(&p->desk->marks, p->desk->session.login, p->id, &s->marks);
}

static void leave(struct page *p)
{
    struct state *s = p->state;
    if (s->marked)
        marks_keep(&p->desk->marks, p->desk->session.login, p->id, &s->marks);
    revealed_wipe(&s->revealed);
}

static void mark(struct page *p, const char *material, Certdesk__V1__MaterialVerdict v, const char *reason)
{
    struct state *s = p->state;
    marks_set(&s->marks, material, v, reason);
    s->marked = true;
}

/* ---- one material ---- */

static void view_material(struct page *p)
{
    const Certdesk__V1__Material *m = chosen_material(p);
    desk_open(p->desk, &picture_screen, m->id, *m->title ? m->title : m->kind);
}

static void enter(struct page *p)
{
    if (on_material(p))
        view_material(p);
}

static void next_material(struct page *p)
{
    const struct state *s = p->state;
    for (size_t i = 0; i < s->review->n_materials; i++) {
        if (!marks_find(&s->marks, s->review->materials[i]->id)->verdict) {
            p->doc.chosen = (int)i;
            p->doc.follow = true;
            return;
        }
    }
}

static void approve_material(struct page *p)
{
    mark(p, chosen_material(p)->id, MARK_APPROVED, "");
    page_compose(p);
    next_material(p);
}

static void on_refused(struct page *p, struct form *f)
{
    struct arena a;
    arena_init(&a, 0);
    const char *reason = form_value(f, "reason", &a);
    if (!*reason) {
        form_error(f, "reason", _("A reason is needed: the applicant reads it."));
    } else if (on_material(p)) {
        mark(p, chosen_material(p)->id, MARK_REFUSED, reason);
        desk_unask(p->desk);
        page_compose(p);
        next_material(p);
    }
    arena_free(&a);
}

static void refuse_material(struct page *p)
{
    struct desk *d = p->desk;
    const struct state *s = p->state;
    const Certdesk__V1__Material *m = chosen_material(p);
    form_init(&d->form, FORM_ASK, _("Refuse a material"));
    form_text(&d->form, STYLE_STRONG, *m->title ? m->title : m->kind);
    struct field *field = form_field(&d->form, FIELD_TEXT, "reason", _("Reason"));
    field->edit.max = 200;
    edit_set(&field->edit, marks_find(&s->marks, m->id)->reason);
    desk_ask(d, on_refused);
}

static void approve_all(struct page *p)
{
    struct state *s = p->state;
    for (size_t i = 0; i < s->review->n_materials; i++)
        if (!marks_find(&s->marks, s->review->materials[i]->id)->verdict)
            mark(p, s->review->materials[i]->id, MARK_APPROVED, "");
    page_compose(p);
}

/* ---- the order ---- */

static void on_decided(struct page *p, enum err e, const ProtobufCMessage *r, const struct fault *f)
{
    struct state *s = p->state;
    (void)r, (void)f;
    if (e == OK) {
        s->marked = false;
        page_done(p, s->sent_back ? _("Sent back to the applicant.") : _("Approved."));
        return;
    }
    if (e != ERR_CONFLICT)
        return;
    s->beaten = true; /* told when it is loaded */
    page_reload(p);
}

static void decide(struct page *p, bool approve, const char *comment)
{
    struct state *s = p->state;
    Certdesk__V1__DecideReviewRequest q = CERTDESK__V1__DECIDE_REVIEW_REQUEST__INIT;
    Certdesk__V1__MaterialDecision one[MARKS_MAX], *each[MARKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < s->marks.n; i++) {
        const struct mark *k = &s->marks.mark[i];
        if (k->verdict == MARK_OPEN)
            continue;
        certdesk__v1__material_decision__init(&one[n]);
        one[n].material_id = (char *)(uintptr_t)k->id;
        one[n].verdict = k->verdict;
        one[n].reason = (char *)(uintptr_t)k->reason;
        each[n] = &one[n];
        n++;
    }
    q.order_id = p->id;
    q.etag = s->review->etag;
    q.approve = approve;
    q.n_decisions = n;
    s->sent_back = !approve;
    q.decisions = each;
    q.comment = (char *)(uintptr_t)comment;
    page_act(p, (struct rpc_method)METHOD(review_service, "DecideReview"), &q.base, on_decided);
}

static void on_approve(struct page *p, struct form *f)
{
    (void)f;
    decide(p, true, "");
}

static void on_send_back(struct page *p, struct form *f)
{
    struct arena a;
    arena_init(&a, 0);
    decide(p, false, form_value(f, "comment", &a));
    arena_free(&a);
}

static bool by_paper(const struct page *p)
{
    const struct state *s = p->state;
    return s->review && s->review->order && s->review->order->paper_route;
}

static void on_papers_back(struct page *p, struct form *f)
{
    struct arena a;
    arena_init(&a, 0);
    const char *comment = form_value(f, "comment", &a);
    if (*comment)
        decide(p, false, comment);
    else
        form_error(f, "comment", _("A reason is needed: the applicant reads it."));
    arena_free(&a);
}

/* S16: papers have no materials here that could be refused one by one. */
static void papers_back(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, _("Send the papers back"));
    form_text(&d->form, STYLE_NORMAL, p->subtitle);
    form_field(&d->form, FIELD_TEXT, "comment", _("What is wrong"))->edit.max = 200;
    desk_ask(d, on_papers_back);
}

static void refusals(struct page *p, struct buf *b)
{
    const struct state *s = p->state;
    for (size_t i = 0; i < s->review->n_materials; i++) {
        const Certdesk__V1__Material *m = s->review->materials[i];
        const struct mark *k = marks_find(&s->marks, m->id);
        if (k->verdict == MARK_REFUSED)
            buf_printf(b, "%s: %s\n", *m->title ? m->title : m->kind, k->reason);
    }
}

static bool downloads(const struct state *s)
{
    return s->review && s->review->order &&
           s->review->order->delivery == CERTDESK__V1__DELIVERY_WAY__DELIVERY_WAY_DOWNLOAD;
}

static void finish(struct page *p)
{
    struct desk *d = p->desk;
    const struct state *s = p->state;
    struct arena a;
    size_t open = marks_count(&s->marks, MARK_OPEN);
    arena_init(&a, 0);
    if (open) {
        desk_notice(d, STYLE_WARN, arena_printf(&a, _("Materials not decided yet: %zu."), open));
        next_material(p);
    } else if (marks_count(&s->marks, MARK_REFUSED)) {
        struct buf b = BUF(&a);
        refusals(p, &b);
        form_init(&d->form, FORM_ASK, _("Send the order back"));
        form_text(&d->form, STYLE_NORMAL, buf_text(&b));
        form_field(&d->form, FIELD_TEXT, "comment", _("To the applicant"))->edit.max = 200;
        desk_ask(d, on_send_back);
    } else {
        form_init(&d->form, FORM_CONFIRM, _("Approve the order"));
        form_text(&d->form, STYLE_NORMAL,
                  arena_printf(&a,
                               downloads(s)
                                   ? _("%s\nEvery material is approved. The holder may download then.")
                                   : _("%s\nEvery material is approved. The certificate may be issued then."),
                               p->subtitle));
        desk_ask(d, on_approve);
    }
    arena_free(&a);
}

/* ---- a masked number ---- */

static const char *chosen_path(const struct page *p)
{
    size_t i = (size_t)(p->doc.chosen - MASKED_ITEM);
    return i < n_order_masked ? order_masked[i].path : "";
}

static void on_revealed(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)f;
    if (e != OK)
        return;
    const Certdesk__V1__RevealFieldResponse *r = (const void *)response;
    revealed_put(&s->revealed, s->revealed.asked, r->value);
    page_compose(p);
}

static void chosen_field(struct page *p, ProtobufCMessage *request)
{
    struct state *s = p->state;
    s->revealed.asked = chosen_path(p);
    msg_set_text(request, "order_id", p->id);
    msg_set_text(request, "field", s->revealed.asked);
}

static const struct reasoned revealing = {
    .method = METHOD(review_service, "RevealField"),
    .title = N_("Show in clear"),
    .fill = chosen_field,
    .done = on_revealed,
};

static void reveal(struct page *p)
{
    ask_reason(p, &revealing, _("Who looked at it, when and why is recorded in the audit trail."));
}

static void next_item(struct page *p)
{
    doc_key(&p->doc, K_TAB);
}

static const struct action actions[] = {
    {K_ENTER, N_("View"), N_("Look at the chosen material"), on_material, enter},
    {'a', N_("Approve"), N_("Approve the chosen material"), on_material, approve_material},
    {'x', N_("Refuse"), N_("Refuse the chosen material with a reason"), on_material, refuse_material},
    {'A', N_("Approve all"), N_("Approve all materials that are not decided yet"), is_loaded, approve_all},
    {'d', N_("Decide"), N_("Approve the order, or send it back with the reasons"), is_loaded, finish},
    {'b', N_("Send back"), N_("Send the papers back with what is wrong with them"), by_paper, papers_back},
    {'m', N_("Show number"), N_("Show the chosen masked number, with the reason why"), on_masked, reveal},
    {K_TAB, N_("Next"), N_("Choose the next material or number"), NULL, next_item},
};

const struct screen review_screen = {
    .title = N_("Review"),
    .state_size = sizeof(struct state),
    .open = open,
    .load = load,
    .compose = compose,
    .close = leave,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
