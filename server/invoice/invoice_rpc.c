#include "invoice/invoice_rpc.h"

#include "convert/convert.h"
#include "core/page.h"
#include "identity/identity.h"
#include "invoice/invoice_steps.h"
#include "order/order_wire.h"

#include <certdesk/v1/invoice_service.pb-c.h>
#include <string.h>

static PB(InvoiceFile) * to_file(struct ctx *c, const struct inv_file *f)
{
    PB(InvoiceFile) *out = ARENA_NEW(c->arena, PB(InvoiceFile));
    PB_INIT(invoice_file, out);
    out->kind = (PB(InvoiceFileKind))f->kind;
    out->content_type = to_text(c->arena, invoice_file_type(f->kind));
    out->size_bytes = f->size;
    out->digest = arena_alloc(c->arena, 65);
    hex_encode(f->digest, 32, out->digest);
    return out;
}

static enum err to_files(struct ctx *c, const struct invoice *v, bool red, size_t *n, PB(InvoiceFile) * **out)
{
    struct inv_file files[INV_FILES];
    TRY(invoice_files(c, v->id, red, files, n));
    *out = ARENA_ARRAY(c->arena, PB(InvoiceFile) *, INV_FILES);
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = to_file(c, &files[i]);
    return OK;
}

static PB(InvoiceCorrection) * to_data(struct ctx *c, const struct purchase *whole)
{
    struct arena *a = c->arena;
    const struct purchase p = wire_invoice_data(c, whole);
    PB(InvoiceCorrection) *out = ARENA_NEW(a, PB(InvoiceCorrection));
    PB_INIT(invoice_correction, out);
    out->tax_number = to_text(a, p.tax_number);
    out->email = to_text(a, p.invoice_email);
    out->bank = to_text(a, p.invoice_bank);
    out->bank_account = to_text(a, p.invoice_bank_account);
    out->address = to_text(a, p.invoice_address);
    out->phone = to_text(a, p.invoice_phone);
    return out;
}

/* Without its files, without what may be corrected. A person's name is masked as GetOrder masks it. */
static PB(Invoice) * to_line(struct ctx *c, const struct invoice *v, bool of_person)
{
    struct arena *a = c->arena;
    PB(Invoice) *w = ARENA_NEW(a, PB(Invoice));
    PB_INIT(invoice, w);
    w->id = to_text(a, v->id);
    w->order_id = to_text(a, v->order);
    w->state = (PB(InvoiceState))v->state;
    w->number = to_text(a, v->blue.number);
    w->amount_fen = v->amount_fen;
    w->tax_fen = v->blue.tax_fen;
    w->issue_time = to_timestamp(a, v->blue.issued_ms);
    w->mail_time = to_timestamp(a, v->blue.mailed_ms);
    w->red_number = to_text(a, v->red.number);
    w->red_time = to_timestamp(a, v->red.issued_ms);
    w->cause = to_text(a, v->cause);
    w->create_time = to_timestamp(a, v->created_ms);
    w->title = to_text(a, of_person ? mask_name(a, v->data.invoice_title) : v->data.invoice_title);
    return w;
}

enum {
    READERS = ROLE_ANY,
    MONEY = ROLE_ADMIN | ROLE_FINANCE | ROLE_AUDITOR,
};

static enum err to_invoice(struct ctx *c, const struct invoice *v, PB(Invoice) * *out)
{
    struct order o;
    TRY(order_load(c, v->order, &o));
    PB(Invoice) *w = *out =
        to_line(c, v, !wire_invoice_clear(&c->caller) && o.subject_kind == SUBJECT_INDIVIDUAL);
    w->data = to_data(c, &v->data);
    w->email = w->data->email;
    TRY(to_files(c, v, false, &w->n_files, &w->files));
    return to_files(c, v, true, &w->n_red_files, &w->red_files);
}

RPC_HANDLER(get_invoice, GetInvoiceRequest, GetInvoiceResponse)
{
    struct invoice v;
    TRY(invoice_of_order(c, in->order_id, &v));
    return to_invoice(c, &v, &out->invoice);
}

RPC_HANDLER(list_invoices, ListInvoicesRequest, ListInvoicesResponse)
{
    const char *before, *scope = in->attention ? "invoices:attention" : "invoices";
    struct invoice_listed *all;
    size_t n, limit = (size_t)page_size(in->page_size);
    TRY(page_key(c, scope, in->page_token, &before));
    TRY(invoice_list(c, in->attention, before, (int)limit + 1, &all, &n));
    out->n_invoices = n > limit ? limit : n;
    out->invoices = ARENA_ARRAY(c->arena, PB(Invoice) *, limit + 1);
    for (size_t i = 0; i < out->n_invoices; i++)
        out->invoices[i] = to_line(c, &all[i].invoice, all[i].of_person);
    if (n > limit)
        out->next_page_token = to_text(c->arena, page_token(c, scope, all[limit - 1].invoice.id));
    return OK;
}

RPC_HANDLER(download_invoice, DownloadInvoiceRequest, DownloadInvoiceResponse)
{
    struct inv_file file;
    const void *bytes;
    size_t n;
    TRY(invoice_bytes(c, in->invoice_id, in->red, (int)in->kind, &file, &bytes, &n));
    const PB(InvoiceFile) *f = to_file(c, &file);
    out->file.data = arena_memdup(c->arena, bytes, n);
    out->file.len = n;
    out->content_type = f->content_type;
    out->digest = f->digest;
    return OK;
}

RPC_HANDLER(resend_invoice, ResendInvoiceRequest, ResendInvoiceResponse)
{
    (void)out;
    return invoice_resend(c, in->invoice_id, in->email);
}

RPC_HANDLER(retry_invoice, RetryInvoiceRequest, RetryInvoiceResponse)
{
    const PB(InvoiceCorrection) *k = in->correction;
    struct invoice v;
    struct purchase p = {0};
    if (k)
        p = (struct purchase){.tax_number = k->tax_number,
                              .invoice_title = "",
                              .invoice_email = k->email,
                              .invoice_bank = k->bank,
                              .invoice_bank_account = k->bank_account,
                              .invoice_address = k->address,
                              .invoice_phone = k->phone};
    TRY(invoice_retry(c, in->invoice_id, k ? &p : NULL, &v));
    return to_invoice(c, &v, &out->invoice);
}

#define ROW(m, staff, how, fn)                                                                               \
    {                                                                                                        \
        .service = PB_SERVICE(invoice_service), .method = (m), .access = ACCESS_ANY, .roles = (staff),       \
        .mode = (how), .handler = (fn)                                                                       \
    }

static const struct rpc_row rows[] = {
    ROW("GetInvoice", READERS, MODE_READ, get_invoice),
    {.service = PB_SERVICE(invoice_service),
     .method = "ListInvoices",
     .access = ACCESS_STAFF,
     .roles = MONEY,
     .mode = MODE_READ,
     .handler = list_invoices},
    ROW("DownloadInvoice", READERS, MODE_READ, download_invoice),
    ROW("ResendInvoice", INVOICE_HELPERS, MODE_WRITE, resend_invoice),
    ROW("RetryInvoice", INVOICE_HELPERS, MODE_WRITE, retry_invoice),
};

const struct rpc_table invoice_rpc = {rows, sizeof rows / sizeof *rows};
