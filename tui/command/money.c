#include "command/money.h"

#include "base/end.h"
#include "screen/files.h"
#include "screen/money.h"
#include "screen/screens.h"
#include "screen/words.h"

#include <certdesk/v1/remittance_service.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(service, name) ((struct rpc_method)METHOD(service, name))

enum {
    FILE_MOST = 4 << 20
};

static char *arg(const struct run_context *c, int i)
{
    return (char *)(uintptr_t)(i < c->n_args ? c->args[i] : "");
}

static int wrong(const char *text)
{
    fprintf(stderr, "certdesk: %s\n", text);
    return 2;
}

/* "all", or only what needs a person. */
static int list_of(struct run_context *c, const struct screen *s)
{
    if (c->n_args == 0)
        return command_list_flag(c, s, "attention");
    return strcmp(arg(c, 0), "all") == 0 ? command_list(c, s, "") : wrong(_("there is `all`, or nothing"));
}

/* Calls, and prints what came of it. */
static int act(struct run_context *c, struct rpc_method m, ProtobufCMessage *q)
{
    const ProtobufCMessage *out;
    return command_call(c, m, q, &out) ? command_print(c, out) : 1;
}

/* ---- captures ---- */

int run_captures_list(struct run_context *c)
{
    return list_of(c, &captures_screen);
}

int run_captures_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__GetCaptureRequest q = CERTDESK__V1__GET_CAPTURE_REQUEST__INIT;
    struct doc d;
    q.capture_id = arg(c, 0);
    if (!command_call(c, CALL(payment_service, "GetCapture"), &q.base, &out))
        return 1;
    if (c->o->json)
        return command_print(c, out);
    doc_init(&d);
    capture_compose(&d, (const void *)out);
    command_doc(c, &d);
    doc_free(&d);
    return 0;
}

int run_captures_refund(struct run_context *c)
{
    Certdesk__V1__RefundPaymentRequest q = CERTDESK__V1__REFUND_PAYMENT_REQUEST__INIT;
    if (!c->o->reason)
        return wrong(_("a reason is needed: --reason TEXT"));
    q.capture_id = arg(c, 0);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return act(c, CALL(payment_service, "RefundPayment"), &q.base);
}

int run_captures_stop(struct run_context *c)
{
    Certdesk__V1__StopRefundRequest q = CERTDESK__V1__STOP_REFUND_REQUEST__INIT;
    if (!c->o->reason)
        return wrong(_("a reason is needed: --reason TEXT"));
    q.capture_id = arg(c, 0);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return act(c, CALL(payment_service, "StopRefund"), &q.base);
}

int run_captures_record(struct run_context *c)
{
    Certdesk__V1__RecordRefundRequest q = CERTDESK__V1__RECORD_REFUND_REQUEST__INIT;
    if (!c->o->reason)
        return wrong(_("a reason is needed: --reason TEXT"));
    if (!money_read(arg(c, 1), &q.amount_fen) || !money_read(arg(c, 2), &q.provider_fen))
        return wrong(_("an amount is written 279.00"));
    q.capture_id = arg(c, 0);
    q.reference = arg(c, 3);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return act(c, CALL(payment_service, "RecordRefund"), &q.base);
}

int run_captures_partial(struct run_context *c)
{
    Certdesk__V1__RecordPartialRefundRequest q = CERTDESK__V1__RECORD_PARTIAL_REFUND_REQUEST__INIT;
    if (!c->o->reason)
        return wrong(_("a reason is needed: --reason TEXT"));
    if (!money_read(arg(c, 1), &q.provider_fen))
        return wrong(_("an amount is written 279.00"));
    q.capture_id = arg(c, 0);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return act(c, CALL(payment_service, "RecordPartialRefund"), &q.base);
}

int run_captures_seen(struct run_context *c)
{
    Certdesk__V1__ResolveCaptureRequest q = CERTDESK__V1__RESOLVE_CAPTURE_REQUEST__INIT;
    if (!c->o->reason)
        return wrong(_("a reason is needed: --reason TEXT"));
    q.capture_id = arg(c, 0);
    q.reason = (char *)(uintptr_t)c->o->reason;
    return act(c, CALL(payment_service, "ResolveCapture"), &q.base);
}

/* ---- reconciliations ---- */

int run_reconciliations_list(struct run_context *c)
{
    return command_list(c, &reconciliations_screen, "");
}

static bool provider_of(const struct run_context *c, Certdesk__V1__PaymentProvider *out)
{
    *out = strcmp(arg(c, 0), "wechat") == 0   ? CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_WECHAT
           : strcmp(arg(c, 0), "alipay") == 0 ? CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_ALIPAY
                                              : CERTDESK__V1__PAYMENT_PROVIDER__PAYMENT_PROVIDER_UNSPECIFIED;
    return *out;
}

int run_reconciliations_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__ListReconciliationsRequest q = CERTDESK__V1__LIST_RECONCILIATIONS_REQUEST__INIT;
    struct doc d;
    if (!provider_of(c, &q.provider))
        return wrong(_("a provider is wechat or alipay"));
    q.date = arg(c, 1);
    if (!*q.date)
        return wrong(_("a day is written 2026-11-21"));
    if (!command_call(c, CALL(payment_service, "ListReconciliations"), &q.base, &out))
        return 1;
    const Certdesk__V1__ListReconciliationsResponse *r = (const void *)out;
    if (!r->n_reconciliations)
        return fprintf(stderr, "certdesk: %s\n", _("This day is not reconciled.")), END_NOT_YET;
    const Certdesk__V1__Reconciliation *day = r->reconciliations[0];
    if (c->o->json) {
        command_print(c, &day->base);
    } else {
        doc_init(&d);
        reconciliation_compose(&d, day);
        command_doc(c, &d);
        doc_free(&d);
    }
    switch (day->state) {
    case CERTDESK__V1__RECONCILIATION_STATE__RECONCILIATION_STATE_DIFFERENT:
        return END_DIFFERS;
    case CERTDESK__V1__RECONCILIATION_STATE__RECONCILIATION_STATE_WAITING:
        return END_NOT_YET;
    default:
        return END_DONE;
    }
}

int run_reconciliations_again(struct run_context *c)
{
    Certdesk__V1__ReconcileDayRequest q = CERTDESK__V1__RECONCILE_DAY_REQUEST__INIT;
    if (!provider_of(c, &q.provider))
        return wrong(_("a provider is wechat or alipay"));
    q.date = arg(c, 1);
    return act(c, CALL(payment_service, "ReconcileDay"), &q.base);
}

/* ---- remittance ---- */

int run_remittance_list(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__ListRemittancesRequest q = CERTDESK__V1__LIST_REMITTANCES_REQUEST__INIT;
    if (!command_call(c, CALL(remittance_service, "ListRemittances"), &q.base, &out))
        return 1;
    const Certdesk__V1__ListRemittancesResponse *r = (const void *)out;
    if (c->o->json)
        return command_print(c, out);
    printf("%s %d\n", _("Wait for the bank"), r->waiting);
    for (size_t i = 0; i < r->n_batches; i++) {
        const Certdesk__V1__RemittanceBatch *b = r->batches[i];
        printf(_("batch %lld  %s  %d deposits: %d sent, %d failed, %d unanswered\n"), (long long)b->number,
               word_time(&c->arena, b->create_time), b->deposits, b->sent, b->failed, b->open);
    }
    for (size_t i = 0; i < r->n_stuck; i++)
        printf("%s  %s  %s  %s\n", r->stuck[i]->id, word_time(&c->arena, r->stuck[i]->update_time),
               r->stuck[i]->order_id, r->stuck[i]->cause);
    return 0;
}

/* Standard output says which batch; the file has the data. */
static int keep(struct run_context *c, const char *path, const ProtobufCBinaryData *file, int64_t number,
                int n)
{
    const char *why = file_save(&c->arena, path, file->data, file->len);
    if (why) {
        fprintf(stderr, _("certdesk: %s Batch %lld is made; `remittance batch` writes its file again.\n"),
                why, (long long)number);
        return 1;
    }
    if (!c->o->json)
        return puts("OK") < 0;
    printf(n < 0 ? "{\"number\": \"%lld\"}\n" : "{\"number\": \"%lld\", \"deposits\": %d}\n",
           (long long)number, n);
    return 0;
}

int run_remittance_export(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__ExportRemittanceRequest q = CERTDESK__V1__EXPORT_REMITTANCE_REQUEST__INIT;
    const char *why = file_could(&c->arena, arg(c, 0));
    if (why)
        return wrong(why);
    if (!command_call(c, CALL(remittance_service, "ExportRemittance"), &q.base, &out))
        return c->failed == ERR_PRECONDITION ? END_NOT_YET : END_FAILED; /* no deposit waits */
    const Certdesk__V1__ExportRemittanceResponse *r = (const void *)out;
    return keep(c, arg(c, 0), &r->file, r->number, r->deposits);
}

int run_remittance_batch(struct run_context *c)
{
    const ProtobufCMessage *out;
    char *end;
    Certdesk__V1__DownloadRemittanceRequest q = CERTDESK__V1__DOWNLOAD_REMITTANCE_REQUEST__INIT;
    q.number = strtoll(arg(c, 0), &end, 10);
    if (*end)
        return wrong(_("a batch has a number"));
    const char *why = file_could(&c->arena, arg(c, 1));
    if (why)
        return wrong(why);
    if (!command_call(c, CALL(remittance_service, "DownloadRemittance"), &q.base, &out))
        return 1;
    return keep(c, arg(c, 1), &((const Certdesk__V1__DownloadRemittanceResponse *)(const void *)out)->file,
                q.number, -1);
}

int run_remittance_import(struct run_context *c)
{
    const ProtobufCMessage *out;
    void *bytes;
    Certdesk__V1__ImportRemittanceRequest q = CERTDESK__V1__IMPORT_REMITTANCE_REQUEST__INIT;
    const char *why = file_load(&c->arena, arg(c, 0), FILE_MOST, &bytes, &q.file.len);
    if (why)
        return wrong(why);
    q.file.data = bytes;
    if (!command_call(c, CALL(remittance_service, "ImportRemittance"), &q.base, &out))
        return 1;
    const Certdesk__V1__ImportRemittanceResponse *r = (const void *)out;
    if (c->o->json) {
        command_print(c, out);
        return r->n_problems ? END_DIFFERS : END_DONE;
    }
    printf(_("%d lines: %d sent, %d failed, %d known before."), r->lines, r->sent, r->failed, r->known);
    putchar('\n');
    for (size_t i = 0; i < r->n_problems; i++)
        fprintf(stderr, _("line %d, column %d, refused: %s\n"), r->problems[i]->line, r->problems[i]->column,
                tr_chinese() ? r->problems[i]->text_zh : r->problems[i]->text);
    return r->n_problems ? END_DIFFERS : END_DONE;
}

int run_remittance_again(struct run_context *c)
{
    Certdesk__V1__RepeatDepositRequest q = CERTDESK__V1__REPEAT_DEPOSIT_REQUEST__INIT;
    q.deposit_id = arg(c, 0);
    return act(c, CALL(remittance_service, "RepeatDeposit"), &q.base);
}

/* ---- invoices ---- */

int run_invoices_list(struct run_context *c)
{
    return list_of(c, &invoices_screen);
}

static const Certdesk__V1__Invoice *get_invoice(struct run_context *c, const ProtobufCMessage **out)
{
    Certdesk__V1__GetInvoiceRequest q = CERTDESK__V1__GET_INVOICE_REQUEST__INIT;
    q.order_id = arg(c, 0);
    if (!command_call(c, CALL(invoice_service, "GetInvoice"), &q.base, out))
        return NULL;
    return ((const Certdesk__V1__GetInvoiceResponse *)(const void *)*out)->invoice;
}

int run_invoices_show(struct run_context *c)
{
    const ProtobufCMessage *out;
    struct doc d;
    const Certdesk__V1__Invoice *v = get_invoice(c, &out);
    if (!v || c->o->json)
        return v ? command_print(c, out) : 1;
    doc_init(&d);
    invoice_compose(&d, v);
    command_doc(c, &d);
    doc_free(&d);
    return 0;
}

int run_invoices_save(struct run_context *c)
{
    static const char *const kinds[] = {"", "pdf", "ofd", "xml"};
    const ProtobufCMessage *out;
    Certdesk__V1__DownloadInvoiceRequest q = CERTDESK__V1__DOWNLOAD_INVOICE_REQUEST__INIT;
    size_t kind = 0;
    while (kind < sizeof kinds / sizeof *kinds && strcmp(kinds[kind], arg(c, 2)) != 0)
        kind++;
    if (kind == sizeof kinds / sizeof *kinds || (c->n_args == 4 && strcmp(arg(c, 3), "red") != 0))
        return wrong(_("a file is pdf, ofd or xml, perhaps with `red` behind it"));
    const Certdesk__V1__Invoice *v = get_invoice(c, &out);
    if (!v)
        return 1;
    const char *why = file_could(&c->arena, arg(c, 1));
    if (why)
        return wrong(why);
    q.invoice_id = v->id;
    q.kind = (Certdesk__V1__InvoiceFileKind)kind;
    q.red = c->n_args == 4;
    if (!command_call(c, CALL(invoice_service, "DownloadInvoice"), &q.base, &out))
        return 1;
    const Certdesk__V1__DownloadInvoiceResponse *r = (const void *)out;
    why = file_save(&c->arena, arg(c, 1), r->file.data, r->file.len);
    if (why)
        return fprintf(stderr, "certdesk: %s\n", why), 1;
    return puts("OK") < 0;
}

int run_invoices_mail(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__ResendInvoiceRequest q = CERTDESK__V1__RESEND_INVOICE_REQUEST__INIT;
    const Certdesk__V1__Invoice *v = get_invoice(c, &out);
    if (!v)
        return 1;
    q.invoice_id = v->id;
    q.email = arg(c, 1);
    return act(c, CALL(invoice_service, "ResendInvoice"), &q.base);
}

int run_invoices_retry(struct run_context *c)
{
    const ProtobufCMessage *out;
    Certdesk__V1__RetryInvoiceRequest q = CERTDESK__V1__RETRY_INVOICE_REQUEST__INIT;
    const Certdesk__V1__Invoice *v = get_invoice(c, &out);
    if (!v)
        return 1;
    q.invoice_id = v->id;
    return act(c, CALL(invoice_service, "RetryInvoice"), &q.base);
}
