/* invoices.c - invoices that were refused, or all of them; and the invoice of an order with its files (S15).
 */
#include "screen/files.h"
#include "screen/money.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <string.h>

#define CALL(name) ((struct rpc_method)METHOD(invoice_service, name))

static const struct column columns[] = {
    {N_("Title"), 0, 0, false},    {N_("State"), 20, 0, false},    {N_("Amount"), 14, 0, true},
    {N_("Created"), 16, 0, false}, {N_("Number"), 20, 120, false}, {N_("Order number"), 30, 150, false},
};

static const char *cell(const struct page *p, const void *row, size_t column, enum style *s, struct arena *a)
{
    const Certdesk__V1__Invoice *r = row;
    (void)p;
    switch (column) {
    case 0:
        return r->title;
    case 1:
        *s = style_invoice((int)r->state);
        return word_invoice((int)r->state);
    case 2:
        return word_money(a, r->amount_fen);
    case 3:
        return word_time(a, r->create_time);
    case 4:
        return r->number;
    default:
        *s = STYLE_DIM;
        return r->order_id;
    }
}

static void prepare(struct page *p, ProtobufCMessage *request)
{
    const struct listing *s = p->state;
    ((Certdesk__V1__ListInvoicesRequest *)(void *)request)->attention = !s->all;
}

static void enter(struct page *p)
{
    const Certdesk__V1__Invoice *r = page_row(p);
    desk_open(p->desk, &invoice_screen, r->order_id, r->title);
}

static const char *none(const struct page *p)
{
    return listing_all(p) ? N_("No invoice was asked for yet.") : N_("No invoice needs a person.");
}

static const struct action list_actions[] = {
    {K_ENTER, N_("Open"), N_("Look at this invoice"), has_row, enter},
    {'f', N_("All"), N_("Show all invoices"), listing_some, listing_filter},
    {'f', N_("Needs a person"), N_("Show only the invoices that were refused"), listing_all, listing_filter},
};

const struct screen invoices_screen = {
    .title = N_("Invoices"),
    .none = none,
    .state_size = sizeof(struct listing),
    .live = true,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .list = METHOD(invoice_service, "ListInvoices"),
    .row_id = "id",
    .prepare = prepare,
    .cell = cell,
    .open = listing_open,
    .actions = list_actions,
    .n_actions = sizeof list_actions / sizeof *list_actions,
};

/* ---- one invoice ---- */

struct state {
    const Certdesk__V1__Invoice *invoice; /* kept by the page */
    char path[EDIT_MAX];
};

static const Certdesk__V1__Invoice *invoice(const struct page *p)
{
    return ((const struct state *)p->state)->invoice;
}

static void compose(struct page *p)
{
    if (invoice(p))
        invoice_compose(&p->doc, invoice(p));
}

static void on_loaded(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    struct state *s = p->state;
    (void)e, (void)f;
    page_forget(p);
    s->invoice = ((const Certdesk__V1__GetInvoiceResponse *)(const void *)page_keep(p, response))->invoice;
    page_compose(p);
}

static void load(struct page *p)
{
    Certdesk__V1__GetInvoiceRequest q = CERTDESK__V1__GET_INVOICE_REQUEST__INIT;
    q.order_id = p->id;
    page_get(p, CALL("GetInvoice"), &q.base, on_loaded);
}

static bool has_file(const struct page *p)
{
    return invoice(p) && invoice(p)->n_files + invoice(p)->n_red_files > 0;
}

static bool may_help(const struct page *p)
{
    return desk_may(p->desk, MAY(REVIEWER) | MAY(OPERATOR) | MAY(ADMIN) | MAY(FINANCE));
}

static bool can_mail(const struct page *p)
{
    return has_file(p) && may_help(p);
}

static bool was_refused(const struct page *p)
{
    const Certdesk__V1__Invoice *v = invoice(p);
    return v && may_help(p) &&
           (v->state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_FAILED ||
            v->state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_RED_FAILED);
}

/* ---- a file of it ---- */

static const Certdesk__V1__InvoiceFile *chosen(const struct page *p, bool *red)
{
    const Certdesk__V1__Invoice *v = invoice(p);
    size_t i = p->doc.chosen > 0 ? (size_t)p->doc.chosen : 0;
    *red = i >= v->n_files;
    if (*red)
        i -= v->n_files;
    return *red ? i < v->n_red_files ? v->red_files[i] : NULL : v->files[i];
}

static void on_file(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    const Certdesk__V1__DownloadInvoiceResponse *r = (const void *)response;
    const struct state *s = p->state;
    struct arena a;
    (void)f;
    if (e != OK)
        return;
    arena_init(&a, 0);
    const char *why = file_save(&a, s->path, r->file.data, r->file.len);
    desk_notice(p->desk, why ? STYLE_BAD : STYLE_GOOD,
                why ? why : arena_printf(&a, _("Saved as %s."), s->path));
    arena_free(&a);
}

static void do_save(struct page *p, struct form *f)
{
    struct state *s = p->state;
    Certdesk__V1__DownloadInvoiceRequest q = CERTDESK__V1__DOWNLOAD_INVOICE_REQUEST__INIT;
    struct arena a;
    bool red;
    arena_init(&a, 0);
    const Certdesk__V1__InvoiceFile *file = invoice(p) ? chosen(p, &red) : NULL;
    snprintf(s->path, sizeof s->path, "%s", form_value(f, "path", &a));
    if (!*s->path) {
        form_error(f, "path", _("The name of a file is needed."));
    } else if (file) {
        q.invoice_id = invoice(p)->id;
        q.kind = file->kind;
        q.red = red;
        page_get(p, CALL("DownloadInvoice"), &q.base, on_file);
        desk_unask(p->desk);
    }
    arena_free(&a);
}

static void save(struct page *p)
{
    static const char *const ends[] = {"bin", "pdf", "ofd", "xml"};
    struct desk *d = p->desk;
    struct arena a;
    bool red;
    const Certdesk__V1__InvoiceFile *file = chosen(p, &red);
    if (!file)
        return;
    arena_init(&a, 0);
    const char *number = red ? invoice(p)->red_number : invoice(p)->number;
    form_init(&d->form, FORM_ASK, _("Save"));
    form_text(&d->form, STYLE_NORMAL, word_invoice_file((int)file->kind));
    edit_set(&form_field(&d->form, FIELD_TEXT, "path", _("File"))->edit,
             arena_printf(&a, "%s.%s", number,
                          ends[(size_t)file->kind < sizeof ends / sizeof *ends ? file->kind : 0]));
    desk_ask(d, do_save);
    arena_free(&a);
}

/* ---- the mail ---- */

static void do_mail(struct page *p, struct form *f)
{
    Certdesk__V1__ResendInvoiceRequest q = CERTDESK__V1__RESEND_INVOICE_REQUEST__INIT;
    struct arena a;
    arena_init(&a, 0);
    q.invoice_id = invoice(p)->id;
    q.email = form_value(f, "email", &a);
    page_do(p, CALL("ResendInvoice"), &q.base, _("It is mailed again."));
    arena_free(&a);
}

static void mail(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, _("Mail again"));
    form_text(&d->form, STYLE_NORMAL, _("To this address, this once; once a minute, five times a day."));
    edit_set(&form_field(&d->form, FIELD_TEXT, "email", _("E-mail"))->edit, invoice(p)->email);
    desk_ask(d, do_mail);
}

/* ---- once more ---- */

static const struct {
    const char *field, *label;
    size_t offset; /* in InvoiceCorrection */
} corrections[] = {
#define ROW(name, label)                                                                                     \
    {                                                                                                        \
#name, label, offsetof(Certdesk__V1__InvoiceCorrection, name)                                        \
    }
    ROW(tax_number, N_("Tax number")),     ROW(email, N_("E-mail")),    ROW(bank, N_("Bank")),
    ROW(bank_account, N_("Bank account")), ROW(address, N_("Address")), ROW(phone, N_("Telephone")),
#undef ROW
};
enum {
    CORRECTIONS = sizeof corrections / sizeof *corrections
};

static void do_retry(struct page *p, struct form *f)
{
    Certdesk__V1__RetryInvoiceRequest q = CERTDESK__V1__RETRY_INVOICE_REQUEST__INIT;
    Certdesk__V1__InvoiceCorrection k = CERTDESK__V1__INVOICE_CORRECTION__INIT;
    struct arena a;
    arena_init(&a, 0);
    q.invoice_id = invoice(p)->id;
    for (size_t i = 0; f->kind == FORM_ASK && i < CORRECTIONS; i++)
        *(char **)(void *)((char *)&k + corrections[i].offset) = form_value(f, corrections[i].field, &a);
    if (f->kind == FORM_ASK)
        q.correction = &k;
    page_do(p, CALL("RetryInvoice"), &q.base, _("The invoice is asked for again."));
    arena_free(&a);
}

static void ask_corrections(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, _("Ask again"));
    form_text(&d->form, STYLE_NORMAL, _("The title stays. Change what was wrong; Ctrl-S asks for it again."));
    for (size_t i = 0; i < CORRECTIONS; i++)
        edit_set(&form_field(&d->form, FIELD_TEXT, corrections[i].field, tr(corrections[i].label))->edit,
                 *(char *const *)(const void *)((const char *)invoice(p)->data + corrections[i].offset));
    desk_ask(d, do_retry);
}

static void retry(struct page *p)
{
    struct desk *d = p->desk;
    bool blue = invoice(p)->state == CERTDESK__V1__INVOICE_STATE__INVOICE_STATE_FAILED;
    if (blue && invoice(p)->data) {
        ask_corrections(p);
        return;
    }
    form_init(&d->form, FORM_CONFIRM, _("Ask again"));
    form_text(&d->form, STYLE_NORMAL,
              blue ? _("Ask for the invoice again, with the same data?")
                   : _("Ask for the red invoice again?"));
    desk_ask(d, do_retry);
}

static void order(struct page *p)
{
    desk_open(p->desk, &order_screen, p->id, p->subtitle);
}

static bool from_list(const struct page *p)
{
    return !p->below || p->below->screen != &order_screen;
}

static const struct action actions[] = {
    {'s', N_("Save"), N_("Save the chosen file"), has_file, save},
    {'m', N_("Mail again"), N_("Mail the invoice again"), can_mail, mail},
    {'r', N_("Ask again"), N_("Ask for a refused invoice again, with corrections"), was_refused, retry},
    {'v', N_("Order"), N_("Look at the order"), from_list, order},
};

const struct screen invoice_screen = {
    .title = N_("Invoice"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
