/* reconciliations.c - our books against the providers' bills, by day; and one day (S15). */
#include "screen/money.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column columns[] = {
    {N_("Day"), 10, 0, false},         {N_("Provider"), 10, 0, false},   {N_("State"), 0, 0, false},
    {N_("By our books"), 16, 0, true}, {N_("By the bill"), 16, 0, true}, {N_("Differ"), 6, 0, true},
    {N_("Refunds"), 16, 120, true},    {N_("Made"), 16, 120, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Reconciliation *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->date;
    case 1:
        return word_provider((int)r->provider);
    case 2:
        if (r->state == CERTDESK__V1__RECONCILIATION_STATE__RECONCILIATION_STATE_DIFFERENT)
            *s = STYLE_BAD;
        return word_reconciliation((int)r->state);
    case 3:
        return word_money(a, r->captured_fen);
    case 4:
        return word_money(a, r->bill_captured_fen);
    case 5:
        *s = r->difference_count ? STYLE_BAD : STYLE_DIM;
        return arena_printf(a, "%d", r->difference_count);
    case 6:
        return word_money(a, r->bill_refunds_fen);
    default:
        return word_time(a, r->update_time);
    }
}

static bool may(const struct page *p)
{
    return desk_may(p->desk, MAY(ADMIN) | MAY(FINANCE));
}

static void on_day(struct page *p, struct form *f)
{
    Certdesk__V1__ReconcileDayRequest q = CERTDESK__V1__RECONCILE_DAY_REQUEST__INIT;
    struct arena a;
    arena_init(&a, 0);
    q.provider = (Certdesk__V1__PaymentProvider)(form_chosen(f, "provider") + 1);
    q.date = form_value(f, "date", &a);
    page_do(p, (struct rpc_method)METHOD(payment_service, "ReconcileDay"), &q.base,
            _("The bill is fetched and compared; what comes of it is shown here."));
    arena_free(&a);
}

static void ask_day(struct page *p, int provider, const char *date)
{
    static const char *providers[2];
    struct desk *d = p->desk;
    providers[0] = word_provider(1);
    providers[1] = word_provider(2);
    form_init(&d->form, FORM_ASK, _("Reconcile again"));
    form_text(&d->form, STYLE_NORMAL,
              _("The provider's bill of a day is fetched again and held against our books."));
    struct field *which = form_field(&d->form, FIELD_CHOICE, "provider", _("Provider"));
    which->choices = providers;
    which->n_choices = 2;
    which->chosen = provider > 0 ? (size_t)provider - 1 : 0;
    struct field *day = form_field(&d->form, FIELD_TEXT, "date", _("Day"));
    day->edit.max = 10;
    edit_set(&day->edit, date);
    desk_ask(d, on_day);
}

static void row_again(struct page *p)
{
    const Certdesk__V1__Reconciliation *r = page_row(p);
    ask_day(p, r ? (int)r->provider : 0, r ? r->date : "");
}

static void enter(struct page *p)
{
    const Certdesk__V1__Reconciliation *r = page_row(p);
    struct arena a;
    arena_init(&a, 0);
    desk_open(p->desk, &reconciliation_screen, arena_printf(&a, "%d %s", (int)r->provider, r->date),
              arena_printf(&a, "%s %s", word_provider((int)r->provider), r->date));
    arena_free(&a);
}

static const struct action list_actions[] = {
    {K_ENTER, N_("Open"), N_("Sums and differences of this day"), has_row, enter},
    {'a', N_("Again"), N_("Fetch a day's bill again and compare"), may, row_again},
};

const struct screen reconciliations_screen = {
    .title = N_("Reconciliations"),
    .empty = N_("No day was reconciled yet; it happens each morning."),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(payment_service, "ListReconciliations"),
    .row_id = "", /* none names a row: the place stays */
    .cell = cell,
    .actions = list_actions,
    .n_actions = sizeof list_actions / sizeof *list_actions,
};

/* ---- one day ---- */

struct state {
    const Certdesk__V1__Reconciliation *day; /* kept by the page */
};

static void compose(struct page *p)
{
    const struct state *s = p->state;
    if (s->day)
        reconciliation_compose(&p->doc, s->day);
    else
        doc_value(&p->doc, "", _("This day is not reconciled."));
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    const Certdesk__V1__ListReconciliationsResponse *r = (const void *)page_keep(p, response);
    s->day = r->n_reconciliations ? r->reconciliations[0] : NULL;
    page_compose(p);
}

static const char *date_of(const struct page *p)
{
    const char *space = strchr(p->id, ' ');
    return space ? space + 1 : "";
}

static void load(struct page *p)
{
    Certdesk__V1__ListReconciliationsRequest q = CERTDESK__V1__LIST_RECONCILIATIONS_REQUEST__INIT;
    q.provider = (Certdesk__V1__PaymentProvider)atoi(p->id);
    q.date = (char *)(uintptr_t)date_of(p);
    q.page_size = 1;
    page_get(p, (struct rpc_method)METHOD(payment_service, "ListReconciliations"), &q.base, on_loaded);
}

static void again(struct page *p)
{
    ask_day(p, atoi(p->id), date_of(p));
}

static const struct action actions[] = {
    {'a', N_("Again"), N_("Fetch this day's bill again and compare"), may, again},
};

const struct screen reconciliation_screen = {
    .title = N_("Reconciliation"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
