#include "screen/money.h"

#include "screen/words.h"
#include "tr/tr.h"

#include <stdio.h>
#include <string.h>

static const char *pick(const char *const *words, size_t n, int value)
{
    return value >= 0 && (size_t)value < n && words[value] ? tr(words[value]) : "?";
}
#define PICK(words, value) pick(words, sizeof(words) / sizeof *(words), value)

const char *word_provider(int provider)
{
    static const char *const w[] = {N_("unknown"), N_("WeChat Pay"), N_("Alipay")};
    return PICK(w, provider);
}

const char *word_payment(int state)
{
    static const char *const w[] = {N_("unknown"),     N_("Being made"),    N_("Waits for the payer"),
                                    N_("Paid"),        N_("Closed unpaid"), N_("Held"),
                                    N_("Refunding"),   N_("Refunded"),      N_("Failed"),
                                    N_("Being closed")};
    return PICK(w, state);
}

const char *word_refund(int state)
{
    static const char *const w[] = {
        N_("unknown"),         N_("Refund asked for"), N_("Refund under way"),    N_("Refunded"),
        N_("Refund abnormal"), N_("Refund not made"),  N_("Refund being stopped")};
    return PICK(w, state);
}

const char *word_reconciliation(int state)
{
    static const char *const w[] = {N_("unknown"), N_("No bill yet"), N_("Clean"), N_("Different")};
    return PICK(w, state);
}

const char *word_invoice(int state)
{
    static const char *const w[] = {
        N_("unknown"),          N_("To be asked for"),     N_("Issued"),
        N_("Invoice refused"),  N_("Taken back"),          N_("With the supplier"),
        N_("Being taken back"), N_("Red invoice refused"), N_("Not needed any more")};
    return PICK(w, state);
}

enum style style_invoice(int state)
{
    bool bad = state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_FAILED ||
               state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_RED_FAILED;
    return bad                                                          ? STYLE_BAD
           : state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_ISSUED ? STYLE_GOOD
                                                                        : STYLE_NORMAL;
}

const char *word_invoice_file(int kind)
{
    static const char *const w[] = {N_("unknown"), "PDF", "OFD", "XML"};
    return PICK(w, kind);
}

struct named {
    const char *name, *word, *more;
};

static const struct named *find(const struct named *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
#define FIND(rows, name) find(rows, sizeof(rows) / sizeof *(rows), name)

static const char *word_or(const struct named *row, const char *name)
{
    return row ? tr(row->word) : name;
}

const char *word_reason(const char *name)
{
    static const struct named w[] = {
        {"ORDER_PAID", N_("the order was paid already"), NULL},
        {"ORDER_STATE", N_("the order could not be paid any more"), NULL},
        {"AMOUNT", N_("not the amount that was asked for"), NULL},
        {"CURRENCY", N_("another currency"), NULL},
        {"NO_PAYMENT", N_("of no payment of ours"), NULL},
        {"RETURNED", N_("the provider gave it back by itself"), NULL},
        {"ORDER_CANCELLED", N_("the order was cancelled"), NULL},
        {"STAFF", N_("the desk decided so"), NULL},
    };
    return word_or(FIND(w, name), name);
}

const char *word_refund_error(const char *name)
{
    static const struct named w[] = {
        {"AMOUNT", N_("the provider gave back another amount"), NULL},
        {"PAID_TWICE", N_("recorded by hand, and the provider gave back another part than was recorded"),
         NULL},
        {"ABNORMAL", N_("the payer's account cannot take it"), NULL},
        {"CLOSED", N_("the provider closed it without paying"), NULL},
        {"STOPPED", N_("stopped by the desk; the provider does not have it"), NULL},
        {"INVALID_REQUEST", N_("the provider refuses: perhaps some of it is back already"), NULL},
        {"ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", N_("the provider refuses: perhaps some of it is back already"),
         NULL},
        {"RESOURCE_NOT_EXISTS", N_("the provider does not know this payment"), NULL},
        {"NOT_ENOUGH", N_("our balance at the provider does not suffice"), NULL},
        {"PROVIDER_CONFIG", N_("the provider does not let us: balance, permission or configuration"), NULL},
        {"PROVIDER_BUSY", N_("the provider does not answer"), NULL},
        {"PROVIDER_UNKNOWN", N_("nobody knows yet what the provider did"), NULL},
    };
    const struct named *row = FIND(w, name);
    return row ? tr(row->word) : name;
}

static const struct named differences[] = {
    {"BOOKED", N_("Booked now"), N_("a capture that only the bill knew; it is in the books now")},
    {"NOT_BOOKED", N_("Not booked"),
     N_("a capture of the bill that could not be booked; the next run tries again, the log says why")},
    {"NOT_IN_BILL", N_("Not in the bill"), N_("a capture of ours that the bill does not have")},
    {"AMOUNT", N_("Amount"), N_("books and bill have different amounts for a capture")},
    {"REFUND_NOT_IN_BILL", N_("Refund not in the bill"), N_("a refund of ours that no bill has")},
    {"REFUND_AMOUNT", N_("Refund amount"), N_("books and bill have different amounts for a refund")},
    {"REFUND_STATE", N_("Refund done there"),
     N_("done at the provider, not in the books; it is asked about")},
    {"REFUND_UNKNOWN", N_("Strange refund"),
     N_("made at the provider's own desk; record it with the capture when it is meant to be")},
    {"REFUND_BY_HAND", N_("Recorded refund"),
     N_("the provider gave back more or less than was recorded by hand")},
    {"NOT_CONSERVED", N_("Books do not add up"), N_("captured is not settled + refunded + held")},
};

const char *word_difference(const char *kind)
{
    return word_or(FIND(differences, kind), kind);
}

const char *explain_difference(const char *kind)
{
    const struct named *row = FIND(differences, kind);
    return row ? tr(row->more) : "";
}

const char *word_happening(const char *action)
{
    static const struct named w[] = {
        {"payment.created", N_("payment begun"), NULL},
        {"payment.placed", N_("code shown"), NULL},
        {"payment.settled", N_("money came and pays for the order"), NULL},
        {"payment.held", N_("money came and is held"), NULL},
        {"payment.capture_held", N_("held"), NULL},
        {"payment.closed", N_("payment closed"), NULL},
        {"payment.refused", N_("payment refused"), NULL},
        {"payment.replaced", N_("another way to pay was chosen"), NULL},
        {"payment.kept", N_("code cannot be closed yet"), NULL},
        {"payment.refunding", N_("payment on its way back"), NULL},
        {"payment.refunded", N_("payment is back"), NULL},
        {"refund.requested", N_("refund asked for"), NULL},
        {"refund.accepted", N_("refund accepted by the provider"), NULL},
        {"refund.done", N_("refund done"), NULL},
        {"refund.abnormal", N_("refund abnormal"), NULL},
        {"refund.closed", N_("refund closed by the provider"), NULL},
        {"refund.refused", N_("refund refused by the provider"), NULL},
        {"refund.retried", N_("refund tried again"), NULL},
        {"refund.recorded", N_("refund recorded by hand"), NULL},
        {"refund.stopped", N_("refund stopped"), NULL},
        {"refund.absent", N_("the provider does not have the refund"), NULL},
        {"capture.partly_refunded", N_("a part recorded as back"), NULL},
        {"capture.resolved", N_("seen to"), NULL},
        {"refund.paid_twice", N_("the provider gave back what was recorded as paid by hand"), NULL},
    };
    return word_or(FIND(w, action), action);
}

bool money_read(const char *text, int64_t *fen)
{
    char plain[32];
    size_t n = 0, point = 0;
    for (const char *p = text; *p; p++) {
        if (*p == ' ' || *p == ',')
            continue;
        if (n + 1 == sizeof plain)
            return false;
        plain[n++] = *p;
    }
    plain[n] = 0;
    size_t digits = strspn(plain, "0123456789");
    if (plain[digits] == '.')
        point = strspn(plain + digits + 1, "0123456789") + 1;
    if (!digits || digits > 10 || point == 1 || point > 3 || plain[digits + point])
        return false;
    *fen = 0;
    for (size_t i = 0; i < digits; i++)
        *fen = *fen * 10 + plain[i] - '0';
    for (size_t i = 1; i <= 2; i++)
        *fen = *fen * 10 + (i < point ? plain[digits + i] - '0' : 0);
    return true;
}

char *money_plain(struct arena *a, int64_t fen)
{
    return arena_printf(a, "%lld.%02d", (long long)(fen / 100), (int)(fen % 100));
}

/* ---- a capture ---- */

static bool paid_twice(const Certdesk__V1__Capture *c)
{
    return c->refund && strcmp(c->refund->error, "PAID_TWICE") == 0;
}

bool capture_resolvable(const Certdesk__V1__Capture *c)
{
    bool held = c->state == CERTDESK__V1__CAPTURE_STATE__CAPTURE_STATE_HELD && !c->refund;
    return (held || paid_twice(c)) && !c->resolve_time;
}

const char *word_capture(const Certdesk__V1__Capture *c, enum style *s)
{
    bool held = c->state == CERTDESK__V1__CAPTURE_STATE__CAPTURE_STATE_HELD;
    *s = STYLE_NORMAL;
    if (!c->refund) {
        *s = held && !c->resolve_time ? STYLE_BAD : STYLE_NORMAL;
        if (held)
            return c->resolve_time ? _("Held, and seen to") : _("Held, nobody asked it back");
        return c->partial_fen ? _("Pays for its order, partly back") : _("Pays for its order");
    }
    if (c->refund->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_ABNORMAL ||
        c->refund->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_CLOSED ||
        (paid_twice(c) && !c->resolve_time))
        *s = STYLE_BAD;
    else if (*c->refund->error && !c->resolve_time)
        *s = STYLE_WARN;
    return c->refund->by_hand ? _("Refunded by hand") : word_refund((int)c->refund->state);
}

int64_t capture_back(const Certdesk__V1__Capture *c)
{
    return c->billed_return_fen > c->partial_fen ? c->billed_return_fen : c->partial_fen;
}

int64_t capture_owed(const Certdesk__V1__Capture *c)
{
    int64_t owed = c->amount_fen - capture_back(c);
    return owed > 0 ? owed : 0;
}

static void value(struct doc *d, const char *label, const char *text)
{
    if (text && *text)
        doc_value(d, label, text);
}

static void compose_refund(struct doc *d, const Certdesk__V1__Refund *r, struct arena *a)
{
    bool stuck = r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_ABNORMAL ||
                 r->state == CERTDESK__V1__REFUND_STATE__REFUND_STATE_CLOSED;
    doc_head(d, _("Refund"));
    doc_styled(d, stuck ? STYLE_BAD : STYLE_STRONG, _("State"), word_refund((int)r->state));
    const char *words = word_refund_error(r->error);
    if (*r->error)
        doc_styled(d, STYLE_BAD, _("Last error"),
                   words == r->error ? words : arena_printf(a, "%s  [%s]", words, r->error));
    value(d, _("Amount"), word_money(a, r->amount_fen));
    value(d, _("Cause"), word_reason(r->reason));
    value(d, _("Note"), r->note);
    if (r->by_hand) {
        value(d, _("Paid by hand"), word_money(a, r->hand_fen));
        value(d, _("By the provider"), word_money(a, r->amount_fen - r->hand_fen));
        value(d, _("Reference"), r->reference);
    }
    value(d, _("Refund number"), r->id);
    value(d, _("Asked on"), word_time(a, r->create_time));
    value(d, _("Accepted on"), word_time(a, r->accept_time));
    value(d, _("Done on"), word_time(a, r->done_time));
}

/* "" for what happens by itself. */
static const char *who_did(const Certdesk__V1__CaptureEvent *e)
{
    if (*e->actor_name)
        return e->actor_name;
    return strcmp(e->actor, "system") == 0     ? ""
           : strncmp(e->actor, "acc_", 4) == 0 ? _("applicant")
                                               : e->actor;
}

static void compose_history(struct doc *d, const Certdesk__V1__GetCaptureResponse *r, struct arena *a)
{
    doc_head(d, _("History"));
    for (size_t i = 0; i < r->n_events; i++) {
        const Certdesk__V1__CaptureEvent *e = r->events[i];
        doc_value(d, word_time(a, e->event_time),
                  *who_did(e) ? arena_printf(a, _("%s (%s)"), word_happening(e->action), who_did(e))
                              : word_happening(e->action));
    }
}

void capture_compose(struct doc *d, const Certdesk__V1__GetCaptureResponse *r)
{
    const Certdesk__V1__Capture *c = r->capture;
    struct arena a;
    enum style s;
    arena_init(&a, 0);
    doc_head(d, _("Money"));
    const char *where = word_capture(c, &s);
    doc_styled(d, s == STYLE_NORMAL ? STYLE_STRONG : s, _("State"), where);
    value(d, _("Amount"),
          strcmp(c->currency, "CNY") == 0
              ? word_money(&a, c->amount_fen)
              : arena_printf(&a, "%lld %s", (long long)c->amount_fen, c->currency));
    if (*c->held_reason)
        doc_styled(d, STYLE_WARN, _("Held because"), word_reason(c->held_reason));
    if (c->billed_return_fen)
        doc_styled(d, STYLE_WARN, _("Back by the bills"), word_money(&a, c->billed_return_fen));
    if (c->resolve_time) {
        doc_styled(d, STYLE_STRONG, _("Seen to"), word_time(&a, c->resolve_time));
        value(d, _("What became of it"), c->resolve_note);
    }
    if (c->partial_fen)
        value(d, _("Partly back"), word_money(&a, c->partial_fen));
    value(d, _("Provider"), word_provider((int)c->provider));
    value(d, _("Transaction number"), c->transaction_id);
    value(d, _("Came on"), word_time(&a, c->capture_time));
    value(d, _("Capture number"), c->id);
    doc_head(d, _("Payment"));
    value(d, _("Payment number"), c->payment_id);
    if (r->payment) {
        value(d, _("State"), word_payment((int)r->payment->state));
        value(d, _("Asked for"), word_money(&a, r->payment->amount_fen));
    }
    value(d, _("Order number"), *c->order_id ? c->order_id : _("none of ours"));
    if (c->refund)
        compose_refund(d, c->refund, &a);
    compose_history(d, r, &a);
    arena_free(&a);
}

/* ---- a day's books ---- */

static void sum(struct doc *d, struct arena *a, const char *label, int n, int64_t fen)
{
    if (n < 0)
        doc_value(d, label, word_money(a, fen));
    else
        doc_value(d, label, arena_printf(a, _("%s  (%d)"), word_money(a, fen), n));
}

static void whose(struct doc *d, struct arena *a, const Certdesk__V1__ReconciliationDifference *x)
{
    if (*x->order_id)
        doc_value(d, "", arena_printf(a, _("order %s"), x->order_id));
    if (*x->capture_id)
        doc_value(d, "", arena_printf(a, _("capture %s"), x->capture_id));
    if (*x->payment_id)
        doc_value(d, "", arena_printf(a, _("payment %s"), x->payment_id));
}

void reconciliation_compose(struct doc *d, const Certdesk__V1__Reconciliation *r)
{
    struct arena a;
    arena_init(&a, 0);
    bool bad = r->state == CERTDESK__V1__RECONCILIATION_STATE__RECONCILIATION_STATE_DIFFERENT;
    doc_head(d, arena_printf(&a, "%s  %s", word_provider((int)r->provider), r->date));
    doc_styled(d, bad ? STYLE_BAD : STYLE_STRONG, _("State"), word_reconciliation((int)r->state));
    doc_value(d, _("Made"), arena_printf(&a, _("%s, run %d"), word_time(&a, r->update_time), r->runs));
    doc_head(d, _("Captured on that day"));
    sum(d, &a, _("By our books"), r->captures, r->captured_fen);
    sum(d, &a, _("By the bill"), r->bill_captures, r->bill_captured_fen);
    sum(d, &a, _("= settled"), -1, r->settled_fen);
    sum(d, &a, _("+ refunded"), -1, r->refunded_fen);
    sum(d, &a, _("+ held"), -1, r->held_fen);
    doc_head(d, _("Refunds in the bill"));
    sum(d, &a, _("Ours"), r->refunds, r->refunds_fen);
    sum(d, &a, _("All"), r->bill_refunds, r->bill_refunds_fen);
    doc_head(d, _("Differences"));
    if (!r->difference_count)
        doc_value(d, "", _("None."));
    for (size_t i = 0; i < r->n_differences; i++) {
        const Certdesk__V1__ReconciliationDifference *x = r->differences[i];
        doc_styled(d, STYLE_BAD, word_difference(x->kind), x->number);
        doc_value(d, "",
                  arena_printf(&a, _("ours %s, bill %s: %s"), word_money(&a, x->ours_fen),
                               word_money(&a, x->bill_fen), explain_difference(x->kind)));
        whose(d, &a, x);
    }
    if ((size_t)r->difference_count > r->n_differences)
        doc_value(d, "", arena_printf(&a, _("and %d more"), r->difference_count - (int)r->n_differences));
    arena_free(&a);
}

/* ---- an invoice ---- */

static void compose_files(struct doc *d, struct arena *a, Certdesk__V1__InvoiceFile *const *files, size_t n,
                          int first)
{
    for (size_t i = 0; i < n; i++)
        doc_item(d, first + (int)i, STYLE_NORMAL, i ? "" : _("Files"),
                 arena_printf(a, "%s, %s", word_invoice_file((int)files[i]->kind),
                              word_size(a, files[i]->size_bytes)));
}

void invoice_compose(struct doc *d, const Certdesk__V1__Invoice *v)
{
    struct arena a;
    arena_init(&a, 0);
    doc_head(d, _("Electronic invoice"));
    doc_styled(d, style_invoice((int)v->state), _("State"), word_invoice((int)v->state));
    if (*v->cause)
        doc_styled(d, STYLE_BAD, _("Cause"), v->cause);
    value(d, _("Number"), v->number);
    value(d, _("Title"), v->title);
    value(d, _("Amount"), word_money(&a, v->amount_fen));
    if (*v->number)
        value(d, _("Tax"), word_money(&a, v->tax_fen));
    value(d, _("E-mail"), v->email);
    value(d, _("Asked on"), word_time(&a, v->create_time));
    value(d, _("Issued on"), word_time(&a, v->issue_time));
    value(d, _("Mailed on"), word_time(&a, v->mail_time));
    compose_files(d, &a, v->files, v->n_files, 0);
    if (*v->red_number || v->n_red_files) {
        doc_head(d, _("Red invoice"));
        value(d, _("Number"), v->red_number);
        value(d, _("Issued on"), word_time(&a, v->red_time));
        compose_files(d, &a, v->red_files, v->n_red_files, (int)v->n_files);
    }
    arena_free(&a);
}
