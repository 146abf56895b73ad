/* remittance.c - micro-deposits by the desk's bank: a file out, the bank's answer in, what needs a person
 * (S6). */
#include "screen/files.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/remittance_service.pb-c.h>
#include <certdesk/v1/staff_service.pb-c.h>
#include <stdio.h>
#include <string.h>

#define CALL(name) ((struct rpc_method)METHOD(remittance_service, name))

enum {
    STUCK_ITEM = 1000, /* and its number in the list; batches are from 0 */
    FILE_MOST = 4 << 20
};

struct state {
    const Certdesk__V1__ListRemittancesResponse *seen; /* kept by the page */
    char path[EDIT_MAX];                               /* where the file under way goes */
};

static const Certdesk__V1__ListRemittancesResponse *seen(const struct page *p)
{
    return ((const struct state *)p->state)->seen;
}

static const Certdesk__V1__RemittanceBatch *batch(const struct page *p)
{
    int i = p->doc.chosen;
    return seen(p) && i >= 0 && (size_t)i < seen(p)->n_batches ? seen(p)->batches[i] : NULL;
}

static const Certdesk__V1__StuckDeposit *deposit(const struct page *p)
{
    int i = p->doc.chosen - STUCK_ITEM;
    return seen(p) && i >= 0 && (size_t)i < seen(p)->n_stuck ? seen(p)->stuck[i] : NULL;
}

static void compose_stuck(struct page *p, struct arena *a)
{
    const Certdesk__V1__ListRemittancesResponse *r = seen(p);
    if (!r->n_stuck)
        return;
    doc_head(&p->doc, _("Need a person"));
    for (size_t i = 0; i < r->n_stuck; i++) {
        const Certdesk__V1__StuckDeposit *d = r->stuck[i];
        const char *why = strcmp(d->cause, "PIN") == 0
                              ? _("the deposit with the PIN came back")
                              : arena_printf(a, _("%s may or may not have sent it; ask there"), d->supplier);
        doc_item(&p->doc, STUCK_ITEM + (int)i, STYLE_BAD, word_time(a, d->update_time),
                 arena_printf(a, "%s  %s", d->order_id, why));
    }
}

static void compose_batches(struct page *p, struct arena *a)
{
    const Certdesk__V1__ListRemittancesResponse *r = seen(p);
    doc_head(&p->doc, _("Batches"));
    for (size_t i = 0; i < r->n_batches; i++) {
        const Certdesk__V1__RemittanceBatch *b = r->batches[i];
        doc_item(&p->doc, (int)i, b->open ? STYLE_STRONG : STYLE_NORMAL,
                 arena_printf(a, _("No. %lld"), (long long)b->number),
                 arena_printf(a, _("%s  %d deposits: %d sent, %d failed, %d unanswered"),
                              word_time(a, b->create_time), b->deposits, b->sent, b->failed, b->open));
    }
    if (!r->n_batches)
        doc_value(&p->doc, "", _("No file was made yet."));
}

static void compose(struct page *p)
{
    struct arena a;
    if (!seen(p))
        return;
    arena_init(&a, 0);
    doc_head(&p->doc, _("Remittance"));
    doc_styled(&p->doc, seen(p)->waiting ? STYLE_STRONG : STYLE_NORMAL, _("Wait for the bank"),
               arena_printf(&a, "%d", seen(p)->waiting));
    compose_stuck(p, &a);
    compose_batches(p, &a);
    arena_free(&a);
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
    Certdesk__V1__ListRemittancesRequest q = CERTDESK__V1__LIST_REMITTANCES_REQUEST__INIT;
    page_get(p, CALL("ListRemittances"), &q.base, on_loaded);
}

static bool may(const struct page *p)
{
    return seen(p) && desk_may(p->desk, MAY(ADMIN) | MAY(FINANCE));
}

static bool may_export(const struct page *p)
{
    return may(p) && seen(p)->waiting > 0;
}

static bool may_write(const struct page *p)
{
    return may(p) && batch(p) && batch(p)->open > 0;
}

static bool may_repeat(const struct page *p)
{
    return may(p) && deposit(p) && strcmp(deposit(p)->cause, "PIN") == 0;
}

static bool has_deposit(const struct page *p)
{
    return deposit(p) != NULL;
}

/* ---- out ---- */

static void saved(struct page *p, const ProtobufCBinaryData *file, int64_t number)
{
    const struct state *s = p->state;
    struct arena a;
    arena_init(&a, 0);
    const char *why = file_save(&a, s->path, file->data, file->len);
    if (why)
        desk_tell(p->desk, STYLE_BAD, _("Remittance"),
                  arena_printf(&a, _("%s\n\nBatch %lld is made; `w` writes its file again."), why,
                               (long long)number));
    else
        desk_notice(p->desk, STYLE_GOOD,
                    arena_printf(&a, _("Batch %lld is in %s. It holds account numbers: keep it safe."),
                                 (long long)number, s->path));
    arena_free(&a);
    page_reload(p);
}

static void on_exported(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    const Certdesk__V1__ExportRemittanceResponse *r = (const void *)response;
    (void)f;
    if (e == OK)
        saved(p, &r->file, r->number);
}

static void on_written(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    const Certdesk__V1__DownloadRemittanceResponse *r = (const void *)response;
    (void)f;
    if (e == OK)
        saved(p, &r->file, batch(p) ? batch(p)->number : 0);
}

static bool path_of(struct page *p, struct form *f)
{
    struct state *s = p->state;
    struct arena a;
    arena_init(&a, 0);
    snprintf(s->path, sizeof s->path, "%s", form_value(f, "path", &a));
    arena_free(&a);
    if (!*s->path)
        form_error(f, "path", _("The name of a file is needed."));
    return *s->path;
}

/* A new file, as far as one can know before it is made. */
static bool new_path(struct page *p, struct form *f)
{
    struct arena a;
    if (!path_of(p, f))
        return false;
    arena_init(&a, 0);
    const char *why = file_could(&a, ((const struct state *)p->state)->path);
    if (why)
        form_error(f, "path", why);
    arena_free(&a);
    return !why;
}

static void do_export(struct page *p, struct form *f)
{
    Certdesk__V1__ExportRemittanceRequest q = CERTDESK__V1__EXPORT_REMITTANCE_REQUEST__INIT;
    if (new_path(p, f))
        page_act(p, CALL("ExportRemittance"), &q.base, on_exported);
}

static void do_write(struct page *p, struct form *f)
{
    Certdesk__V1__DownloadRemittanceRequest q = CERTDESK__V1__DOWNLOAD_REMITTANCE_REQUEST__INIT;
    if (!batch(p))
        return;
    q.number = batch(p)->number;
    if (new_path(p, f))
        page_act(p, CALL("DownloadRemittance"), &q.base, on_written);
}

static void ask_path(struct page *p, const char *title, const char *text, const char *path, form_done *done)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_ASK, title);
    form_text(&d->form, STYLE_NORMAL, text);
    edit_set(&form_field(&d->form, FIELD_TEXT, "path", _("File"))->edit, path);
    desk_ask(d, done);
}

static void export(struct page *p)
{
    struct arena a;
    arena_init(&a, 0);
    long long last = seen(p)->n_batches ? (long long)seen(p)->batches[0]->number : 0;
    ask_path(
        p, _("File for the bank"),
        arena_printf(&a,
                     _("%d deposits become the next batch. The file holds names, account numbers and codes; "
                       "that you took it is recorded."),
                     seen(p)->waiting),
        arena_printf(&a, "remittance-%lld.csv", last + 1), do_export);
    arena_free(&a);
}

static void write_again(struct page *p)
{
    struct arena a;
    arena_init(&a, 0);
    ask_path(p, _("File for the bank"),
             arena_printf(&a, _("The %d deposits of batch %lld that the bank has not answered, once more."),
                          batch(p)->open, (long long)batch(p)->number),
             arena_printf(&a, "remittance-%lld.csv", (long long)batch(p)->number), do_write);
    arena_free(&a);
}

/* ---- in ---- */

static void tell_import(struct page *p, const Certdesk__V1__ImportRemittanceResponse *r)
{
    struct arena a;
    arena_init(&a, 0);
    struct buf b = BUF(&a);
    buf_printf(&b, _("%d lines: %d sent, %d failed, %d known before."), r->lines, r->sent, r->failed,
               r->known);
    if (r->n_problems)
        buf_printf(&b,
                   _("\n\n%zu lines were refused, because they contradict what is known; ask the bank:\n"),
                   r->n_problems);
    for (size_t i = 0; i < r->n_problems; i++)
        buf_printf(&b, _("\nline %d, column %d: %s"), r->problems[i]->line, r->problems[i]->column,
                   tr_chinese() ? r->problems[i]->text_zh : r->problems[i]->text);
    if (r->n_problems)
        desk_tell(p->desk, STYLE_WARN, _("The bank's answer"), buf_text(&b));
    else
        desk_notice(p->desk, STYLE_GOOD, buf_text(&b));
    arena_free(&a);
}

static void on_imported(struct page *p, enum err e, const ProtobufCMessage *response, const struct fault *f)
{
    (void)f;
    if (e != OK)
        return;
    tell_import(p, (const void *)response);
    page_reload(p);
}

static void do_import(struct page *p, struct form *f)
{
    Certdesk__V1__ImportRemittanceRequest q = CERTDESK__V1__IMPORT_REMITTANCE_REQUEST__INIT;
    const struct state *s = p->state;
    struct arena a;
    void *bytes;
    if (!path_of(p, f))
        return;
    arena_init(&a, 0);
    const char *why = file_load(&a, s->path, FILE_MOST, &bytes, &q.file.len);
    q.file.data = bytes;
    if (why)
        form_error(f, "path", why);
    else
        page_act(p, CALL("ImportRemittance"), &q.base, on_imported);
    arena_free(&a);
}

static void import(struct page *p)
{
    ask_path(
        p, _("The bank's answer"),
        _("A CSV file with the five columns of an answer. A line that is wrong in itself refuses all of it."),
        "", do_import);
}

/* ---- what needs a person ---- */

static void do_repeat(struct page *p, struct form *f)
{
    Certdesk__V1__RepeatDepositRequest q = CERTDESK__V1__REPEAT_DEPOSIT_REQUEST__INIT;
    (void)f;
    if (!deposit(p))
        return;
    q.deposit_id = deposit(p)->id;
    page_do(p, CALL("RepeatDeposit"), &q.base, _("It goes out with the next file, under a new number."));
}

static void repeat(struct page *p)
{
    struct desk *d = p->desk;
    form_init(&d->form, FORM_CONFIRM, _("Send again"));
    form_text(&d->form, STYLE_NORMAL, _("Put this PIN into the next file for the bank?"));
    desk_ask(d, do_repeat);
}

static void order(struct page *p)
{
    desk_open(p->desk, &order_screen, deposit(p)->order_id, NULL);
}

static const struct action actions[] = {
    {'x', N_("Export"), N_("Make a file of all deposits that wait, for the bank"), may_export, export},
    {'w', N_("Write again"), N_("Write the file of the chosen batch again"), may_write, write_again},
    {'i', N_("Import"), N_("Take in the bank's answer"), may, import},
    {'s', N_("Send again"), N_("Put a PIN that came back into the next file"), may_repeat, repeat},
    {'v', N_("Order"), N_("Look at the order"), has_deposit, order},
};

const struct screen remittance_screen = {
    .title = N_("Remittance"),
    .state_size = sizeof(struct state),
    .live = true,
    .load = load,
    .compose = compose,
    .actions = actions,
    .n_actions = sizeof actions / sizeof *actions,
};
