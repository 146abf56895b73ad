/* captures.c - money that came: what needs a person, or all of it; and one capture with what can be done
 * (S15). */
#include "screen/money.h"
#include "screen/msg.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <string.h>

#define METHOD_(name) ((struct rpc_method)METHOD(payment_service, name))

static const struct column columns[] = {
    {N_("Came on"), 16, 0, false}, {N_("Amount"), 14, 0, true},          {N_("Provider"), 10, 0, false},
    {N_("State"), 0, 0, false},    {N_("Order number"), 30, 100, false}, {N_("Error"), 28, 150, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Capture *r = row;
    (void)p;
    switch (column) {
    case 0:
        return word_time(a, r->capture_time);
    case 1:
        return word_money(a, r->amount_fen);
    case 2:
        return word_provider((int)r->provider);
    case 3:
        if (!r->refund && *r->held_reason) {
            *s = r->resolve_time ? STYLE_DIM : STYLE_BAD;
            if (r->resolve_time)
                return arena_printf(a, _("Seen to: %s"), word_reason(r->held_reason));
            return arena_printf(a, _("Held: %s"), word_reason(r->held_reason));
        }
        return *r->held_reason ? arena_printf(a, "%s: %s", word_capture(r, s), word_reason(r->held_reason))
                               : word_capture(r, s);
    case 4:
        *s = STYLE_DIM;
        return r->order_id;
    default:
        *s = STYLE_DIM;
        return r->refund ? word_refund_error(r->refund->error) : "";
    }
}

static void prepare(struct page *p, ProtobufCMessage *request)
{
    const struct listing *s = p->state;
    ((Certdesk__V1__ListCapturesRequest *)(void *)request)->attention = !s->all;
}

static void enter(struct page *p)
{
    const Certdesk__V1__Capture *r = page_row(p);
    struct arena a;
    arena_init(&a, 0);
    desk_open(p->desk, &capture_screen, r->id, word_money(&a, r->amount_fen));
    arena_free(&a);
}

static const char *none(const struct page *p)
{
    return listing_all(p) ? N_("No money has come yet.") : N_("No money needs a person.");
}

static const struct action list_actions[] = {
    {K_ENTER, N_("Open"), N_("Look at this money, and give it back"), has_row, enter},
    {'f', N_("All"), N_("Show all money"), listing_some, listing_filter},
    {'f', N_("Needs a person"), N_("Show only the money that needs a person"), listing_all, listing_filter},
};

const struct screen captures_screen = {
    .title = N_("Money"),
    .none = none,
    .state_size = sizeof(struct listing),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(payment_service, "ListCaptures"),
    .row_id = "id",
    .prepare = prepare,
    .cell = cell,
    .open = listing_open,
    .actions = list_actions,
    .n_actions = sizeof list_actions / sizeof *list_actions,
};

/* ---- one capture ---- */

struct state {
    const Certdesk__V1__GetCaptureResponse *seen; /* kept by the page */
};

static const Certdesk__V1__Capture *capture(const struct page *p)
{
    const struct state *s = p->state;
    return s->seen ? s->seen->capture : NULL;
}

static void compose(struct page *p)
{
    if (capture(p))
        capture_compose(&p->doc, ((const struct state *)p->state)->seen);
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    s->seen = (const void *)page_keep(p, response);
    page_compose(p);
}

static void load(struct page *p)
{
    Certdesk__V1__GetCaptureRequest q = CERTDESK__V1__GET_CAPTURE_REQUEST__INIT;
    q.capture_id = p->id;
    page_get(p, METHOD_("GetCapture"), &q.base, on_loaded);
}

static bool may(const struct page *p)
{
    return capture(p) && desk_may(p->desk, MAY(ADMIN) | MAY(FINANCE));
}

static bool not_asked(const struct page *p)
{
    return may(p) && !capture(p)->refund;
}

static bool stuck(const struct page *p)
{
    const Certdesk__V1__Refund *r = may(p) ? capture(p)->refund : NULL;
    return r && (r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_ABNORMAL ||
                 r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_CLOSED);
}

static bool asked(const struct page *p)
{
    const Certdesk__V1__Refund *r = may(p) ? capture(p)->refund : NULL;
    return r && (r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_REQUESTED ||
                 (r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_PROCESSING && *r->error));
}

static bool to_record(const struct page *p)
{
    return stuck(p) || (not_asked(p) && capture(p)->state == CERTDESK__V1__CAPTURE_STATE__CAPTURE_STATE_HELD);
}

static bool has_order(const struct page *p)
{
    return capture(p) && *capture(p)->order_id;
}

static void this_capture(struct page *p, ProtobufCMessage *request)
{
    msg_set_text(request, "capture_id", p->id);
}

static const struct reasoned giving_back = {
    .method = METHOD(payment_service, "RefundPayment"),
    .title = N_("Give back"),
    .fill = this_capture,
    .notice = N_("The provider is asked to give it back."),
};

/* The same, and asked for by a key of its own. */
static const struct reasoned trying_again = {
    .method = METHOD(payment_service, "RefundPayment"),
    .title = N_("Try again"),
    .fill = this_capture,
    .notice = N_("The provider is asked to give it back."),
};

static const struct reasoned stopping = {
    .method = METHOD(payment_service, "StopRefund"),
    .title = N_("Stop"),
    .fill = this_capture,
    .notice = N_("Stopped; the provider is asked whether it has it."),
};

static void refund(struct page *p)
{
    bool pays = capture(p)->state == CERTDESK__V1__CAPTURE_STATE__CAPTURE_STATE_SETTLED;
    if (pays && capture_back(capture(p)) > 0) {
        struct arena a;
        arena_init(&a, 0);
        ask_reason(p, &giving_back,
                   arena_printf(&a,
                                _("%s is back already: the provider will refuse to give back the whole, and "
                                  "the rest, %s, is yours to pay and to record.\n"
                                  "It pays for an order: that order is cancelled with it."),
                                word_money(&a, capture_back(capture(p))),
                                word_money(&a, capture_owed(capture(p)))));
        arena_free(&a);
        return;
    }
    ask_reason(p, &giving_back,
               pays ? _("All of it goes back to the payer, the way it came.\n"
                        "It pays for an order: that order is cancelled with it.")
                    : _("All of it goes back to the payer, the way it came."));
}

static void again(struct page *p)
{
    ask_reason(p, &trying_again, _("The provider is asked once more to give it back."));
}

static void stop(struct page *p)
{
    ask_reason(
        p, &stopping,
        _("The provider is not asked any more to give it back, and says in some minutes whether it has "
          "the refund. If not, the refund can be paid and recorded by hand, or tried again.\n"
          "Pay nothing before that."));
}

static bool amount_of(struct form *f, const char *field, int64_t *fen, struct arena *a)
{
    const char *text = form_value(f, field, a);
    *fen = 0;
    if (!*text || money_read(text, fen))
        return true;
    form_error(f, field, _("An amount is written 279.00."));
    return false;
}

static void record(struct page *p, struct form *f)
{
    Certdesk__V1__RecordRefundRequest q = CERTDESK__V1__RECORD_REFUND_REQUEST__INIT;
    struct arena a;
    arena_init(&a, 0);
    form_clear_errors(f);
    q.capture_id = p->id;
    q.reference = form_value(f, "reference", &a);
    q.reason = form_value(f, "reason", &a);
    bool ours = amount_of(f, "amount_fen", &q.amount_fen, &a);
    bool theirs = amount_of(f, "provider_fen", &q.provider_fen, &a); /* both are said, if both are wrong */
    if (ours && theirs)
        page_do(p, METHOD_("RecordRefund"), &q.base, _("Recorded: the payer has the money."));
    arena_free(&a);
}

static void by_hand(struct page *p)
{
    struct desk *d = p->desk;
    const Certdesk__V1__Capture *c = capture(p);
    struct arena a;
    arena_init(&a, 0);
    form_init(&d->form, FORM_ASK, _("Refunded by hand"));
    form_text(
        &d->form, STYLE_NORMAL,
        arena_printf(&a,
                     _("The payer has all of %s back: by another way, at the provider's own desk, or both. "
                       "The day's reconciliation holds the provider's part against its bill."),
                     word_money(&a, c->amount_fen)));
    edit_set(&form_field(&d->form, FIELD_TEXT, "amount_fen", _("Paid by us"))->edit,
             money_plain(&a, capture_owed(c)));
    edit_set(&form_field(&d->form, FIELD_TEXT, "provider_fen", _("At the provider"))->edit,
             money_plain(&a, capture_back(c)));
    form_field(&d->form, FIELD_TEXT, "reference", _("Reference"))->edit.max = 100;
    form_field(&d->form, FIELD_TEXT, "reason", _("Reason"))->edit.max = 200;
    desk_ask(d, record);
    arena_free(&a);
}

static bool pays(const struct page *p)
{
    return not_asked(p) && capture(p)->state == CERTDESK__V1__CAPTURE_STATE__CAPTURE_STATE_SETTLED;
}

static void record_part(struct page *p, struct form *f)
{
    Certdesk__V1__RecordPartialRefundRequest q = CERTDESK__V1__RECORD_PARTIAL_REFUND_REQUEST__INIT;
    struct arena a;
    arena_init(&a, 0);
    form_clear_errors(f);
    q.capture_id = p->id;
    q.reason = form_value(f, "reason", &a);
    if (!*form_value(f, "provider_fen", &a)) /* an emptied field says nothing; none is 0 */
        form_error(f, "provider_fen", _("Say how much; 0 when nothing is back."));
    else if (amount_of(f, "provider_fen", &q.provider_fen, &a))
        page_do(p, METHOD_("RecordPartialRefund"), &q.base, _("Recorded: the order goes on."));
    arena_free(&a);
}

static void part(struct page *p)
{
    struct desk *d = p->desk;
    struct arena a;
    arena_init(&a, 0);
    form_init(&d->form, FORM_ASK, _("Partly back"));
    form_text(
        &d->form, STYLE_NORMAL,
        _("The provider's own desk gave a part back, in all so much. The order goes on, and its invoice "
          "stays as it is. The day's reconciliation holds it against the bill."));
    edit_set(&form_field(&d->form, FIELD_TEXT, "provider_fen", _("At the provider"))->edit,
             money_plain(&a, capture_back(capture(p))));
    form_field(&d->form, FIELD_TEXT, "reason", _("Reason"))->edit.max = 200;
    desk_ask(d, record_part);
    arena_free(&a);
}

static bool resolvable(const struct page *p)
{
    return may(p) && capture_resolvable(capture(p));
}

static const struct reasoned seeing_to = {
    .method = METHOD(payment_service, "ResolveCapture"),
    .title = N_("Seen to"),
    .label = N_("What became of it"),
    .missing = N_("Say what became of it; it is recorded."),
    .fill = this_capture,
    .notice = N_("Put aside: it needs nobody any more."),
};

static void resolve(struct page *p)
{
    ask_reason(p, &seeing_to,
               capture(p)->refund
                   ? _("The payer has too much, and you have seen to it. No money moves by this.")
                   : _("Nobody will give this money back from here: it is not ours to give, or it is "
                       "settled elsewhere. No money moves by this."));
}

static void order(struct page *p)
{
    desk_open(p->desk, &order_screen, capture(p)->order_id, NULL);
}

static const struct action actions[] = {
    {'r', N_("Give back"), N_("Give this money back the way it came"), not_asked, refund},
    {'t', N_("Try again"), N_("Ask the provider once more to give it back"), stuck, again},
    {'x', N_("Stop"), N_("Ask the provider no more, so that it can be paid by hand"), asked, stop},
    {'h', N_("By hand"), N_("Record that the payer has the money by another way"), to_record, by_hand},
    {'p', N_("Partly back"), N_("Record what the provider's own desk gave back; the order goes on"), pays,
     part},
    {'s', N_("Seen to"), N_("Put it aside: a person has seen to it"), resolvable, resolve},
    {'v', N_("Order"), N_("Look at the order"), has_order, order},
};

const struct screen capture_screen = {
    .title = N_("Capture"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
