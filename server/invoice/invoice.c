#include "invoice/invoice.h"

#include "base/log.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "identity/fields.h"
#include "identity/identity.h"
#include "invoice/invoice_steps.h"
#include "material/material_store.h"
#include "order/order_steps.h"
#include "order/order_tell.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_TRIES = 4,
    ATTEMPTS_MAX = 30,
    RESENDS_A_DAY = 5,
    ABSENT_LOOKS = 3, /* a number that was just sent may not be known yet */
};

static const int64_t SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 24 * 3600000;
static const int64_t DUE_MS = 20 * 3600000; /* S15 promises 24 h: there are four left to do something */

/* -- numbers --------------------------------------------------------------------------------------------- */

/* Ours at the supplier: at most 20 letters and digits, unique per seller for ever. The first 18 of the id's
 * 26 say when it was made, to the millisecond, and hold 40 random bits; then b or r, and the attempt in
 * base 36. That another id begins alike is next to impossible, and refused by the unique key when it happens.
 */
static void number(const struct invoice *v, bool red, int attempt, char out[static INV_NUMBER_SIZE])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    snprintf(out, INV_NUMBER_SIZE, "%.18s%c%c", v->id + sizeof "inv_" - 1, red ? 'r' : 'b',
             digits[attempt % 36]);
}

/* -- asked for ------------------------------------------------------------------------------------------- */

/* What the invoice needs of the purchase: its own, because it may be corrected after the order was signed. */
static struct purchase data_of(const struct purchase *p)
{
    return (struct purchase){.product_id = "",
                             .invoice_wanted = true,
                             .invoice_title = p->invoice_title,
                             .tax_number = p->tax_number,
                             .invoice_email = p->invoice_email,
                             .invoice_bank = p->invoice_bank,
                             .invoice_bank_account = p->invoice_bank_account,
                             .invoice_address = p->invoice_address,
                             .invoice_phone = p->invoice_phone,
                             .delivery = {"", "", "", "", "", "", ""}};
}

static enum err insert(struct ctx *c, struct invoice *v)
{
    for (int i = 0; i < NUMBER_TRIES; i++) {
        id_new("inv", v->id);
        number(v, false, v->blue.attempt, v->blue.order_no);
        enum err e = invoice_insert(c, v);
        if (e != ERR_DB_DUPLICATE)
            return e;
        if (strstr(c->fault->resource, "invoice_order_no") ==
            NULL) /* another transaction made this order's */
            return fail(c->fault, ERR_DB_RETRY, NULL);
        fault_clear(c->fault);
    }
    return fail(c->fault, ERR_DB_RETRY, NULL);
}

enum err invoice_send_job(struct ctx *c, const struct invoice *v, bool red, int n)
{
    const char *order_no = red ? v->red.order_no : v->blue.order_no;
    const char *kind = red ? "invoice.red" : "invoice.issue";
    const char *payload = arena_printf(c->arena, "%s %c %s %d", v->id, red ? 'r' : 'b', order_no, n);
    return outbox_add(c, kind, arena_printf(c->arena, "%s:%s:%d", kind, order_no, n), v->order, payload,
                      strlen(payload), 0, NULL);
}

enum err invoice_order_paid(struct ctx *c, const struct order *o)
{
    struct invoice_rules rules;
    char key[44];
    if (!o->purchase.invoice_wanted)
        return OK;
    TRY(catalog_invoice(c, o->channel, &rules));
    if (!rules.offered) { /* withdrawn since it was asked for: the desk sees to it */
        LOG(ERROR, "invoice.not_offered", KV_S("order", o->id));
        return OK;
    }
    crypt_token(key);
    struct inv_paper none = {.serial = "", .code = "", .number = ""};
    struct invoice v = {.state = INV_REQUESTED,
                        .version = 1,
                        .amount_fen = o->price_fen,
                        .blue = none,
                        .red = none,
                        .data = data_of(&o->purchase),
                        .cause = "",
                        .callback_key = key,
                        .paid_ms = c->now_ms,
                        .created_ms = c->now_ms,
                        .terms = "",
                        .itemised = true};
    snprintf(v.order, sizeof v.order, "%s", o->id);
    v.blue.attempt = 1;
    TRY(insert(c, &v));
    TRY(audit_add(c, &(struct audit_entry){.action = "invoice.requested", .object = v.id, .version = 1}));
    TRY(invoice_send_job(c, &v, false, 0));
    return outbox_add(c, "invoice.due", arena_printf(c->arena, "invoice.due:%s", v.id), o->id, v.id,
                      strlen(v.id), c->now_ms + DUE_MS, NULL);
}

/* 3 s, 10 s, 30 s, 1 min, 5 min until it is an hour old, then every half hour. */
enum err invoice_poll_later(struct ctx *c, const struct invoice *v, bool red, int n)
{
    const int64_t pauses[] = {3 * SECOND_MS, 10 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS};
    int64_t pause = (size_t)n < sizeof pauses / sizeof *pauses ? pauses[n]
                    : c->now_ms - v->paid_ms < HOUR_MS         ? 5 * MINUTE_MS
                                                               : 30 * MINUTE_MS;
    const char *order_no = red ? v->red.order_no : v->blue.order_no;
    const char *payload = arena_printf(c->arena, "%s %c %s %d", v->id, red ? 'r' : 'b', order_no, n);
    return outbox_add(c, "invoice.poll", arena_printf(c->arena, "invoice.poll:%s:%d", order_no, n), v->order,
                      payload, strlen(payload), c->now_ms + pause, NULL);
}

/* -- taken back ------------------------------------------------------------------------------------------ */

static enum err reverse(struct ctx *c, struct invoice *v)
{
    v->red.attempt++;
    number(v, true, v->red.attempt, v->red.order_no);
    v->red.serial = v->red.code = v->red.number = v->cause = "";
    TRY(invoice_move(c, v, INV_EV_REVERSED, NULL));
    return invoice_send_job(c, v, true, 0);
}

enum err invoice_order_refunded(struct ctx *c, const char *order_id)
{
    struct invoice v;
    enum err e = invoice_read_order(c, order_id, &v);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        return OK;
    }
    TRY(e);
    if (v.refunded_ms)
        return OK;
    v.refunded_ms = c->now_ms;
    if (v.state == INV_ISSUED)
        return reverse(c, &v);
    if (v.state == INV_REQUESTED || v.state == INV_FAILED)
        return invoice_move(c, &v, INV_EV_DROPPED, NULL);
    return invoice_keep(c, &v, "invoice.refunded", NULL); /* SUBMITTED: taken back when it is there */
}

/* -- what became of it ----------------------------------------------------------------------------------- */

enum err invoice_unsent(struct ctx *c, struct invoice *v)
{
    return invoice_move(c, v, v->refunded_ms ? INV_EV_DROPPED : INV_EV_UNSENT, NULL);
}

/* It waits for RetryInvoice: who can correct the data hears of each attempt. Not when the order's money is on
 * its way back: the invoice goes with it. */
static enum err tell_failed(struct ctx *c, const struct invoice *v)
{
    struct order o;
    TRY(order_load(c, v->order, &o));
    if (o.state == ORDER_REFUNDING || o.state == ORDER_CANCELLED)
        return OK;
    const char *cause =
        *v->cause && strcmp(v->cause, "VOID") != 0 ? arena_printf(c->arena, "（原因：%s）", v->cause) : "";
    return order_tell_else(c, &o, NEWS_INVOICE_FAILED, v->data.invoice_email, (const char *[]){o.id}, &cause,
                           arena_printf(c->arena, "invoice_failed:%s", v->blue.order_no));
}

enum err invoice_failed(struct ctx *c, struct invoice *v, const char *cause)
{
    v->cause = cause;
    if (v->refunded_ms)
        return invoice_move(c, v, INV_EV_DROPPED, NULL);
    LOG(ERROR, "invoice.failed", KV_S("invoice", v->id), KV_S("order", v->order),
        KV_I("attempt", v->blue.attempt));
    TRY(invoice_move(c, v, INV_EV_FAILED, NULL));
    return tell_failed(c, v);
}

static enum err red_failed(struct ctx *c, struct invoice *v, const char *cause)
{
    v->cause = cause;
    LOG(ERROR, "invoice.red_failed", KV_S("invoice", v->id), KV_S("order", v->order));
    return invoice_move(c, v, INV_EV_RED_FAILED, NULL);
}

static enum err archive_job(struct ctx *c, const struct invoice *v, bool red)
{
    const char *order_no = red ? v->red.order_no : v->blue.order_no;
    const char *payload = arena_printf(c->arena, "%s %c %s 0", v->id, red ? 'r' : 'b', order_no);
    return outbox_add(c, "invoice.archive", arena_printf(c->arena, "invoice.archive:%s", order_no), v->order,
                      payload, strlen(payload), 0, NULL);
}

static enum err issued(struct ctx *c, struct invoice *v, bool red, const struct invoice_status *s)
{
    struct inv_paper *p = invoice_paper(v, red);
    p->serial = s->serial;
    p->code = s->code;
    p->number = s->number;
    p->tax_fen = s->tax_fen;
    p->issued_ms = s->issued_ms ? s->issued_ms : c->now_ms;
    v->cause = "";
    int64_t want = red ? -v->amount_fen : v->amount_fen;
    const char *detail = arena_printf(c->arena, "{\"number\":\"%s\",\"total_fen\":%lld,\"tax_fen\":%lld}",
                                      s->number, (long long)s->total_fen, (long long)s->tax_fen);
    if (s->total_fen && s->total_fen != want) /* it exists, and a person has to look at it */
        LOG(ERROR, "invoice.wrong_amount", KV_S("invoice", v->id), KV_I("is_fen", s->total_fen),
            KV_I("wanted_fen", want));
    TRY(invoice_move(c, v, red ? INV_EV_RED : INV_EV_ISSUED, detail));
    TRY(archive_job(c, v, red));
    return !red && v->refunded_ms ? reverse(c, v) : OK;
}

enum err invoice_found(struct ctx *c, struct invoice *v, bool red, const struct invoice_status *s, int n)
{
    switch (s->stage) {
    case INVOICE_ISSUED:
        return issued(c, v, red, s);
    case INVOICE_FAILED:
    case INVOICE_VOID:
        return red ? red_failed(c, v, s->stage == INVOICE_VOID ? "VOID" : s->cause)
                   : invoice_failed(c, v, s->stage == INVOICE_VOID ? "VOID" : s->cause);
    case INVOICE_ABSENT: /* it never arrived: the same number again */
        if (n >= ABSENT_LOOKS)
            return invoice_send_job(c, v, red, n);
        break;
    case INVOICE_ISSUING:
    case INVOICE_SEALING:
    case INVOICE_UNSEALED:
        break;
    }
    return invoice_poll_later(c, v, red, n + 1);
}

bool invoice_is_late(const struct invoice *v)
{
    return !v->refunded_ms && v->state != INV_DROPPED && !v->blue.mailed_ms;
}

/* -- files and mail -------------------------------------------------------------------------------------- */

enum err invoice_mail(struct ctx *c, const struct invoice *v, bool red, const char *to, const char *dedupe)
{
    json_t *j = json_pack("{s:s,s:b,s:s}", "invoice", v->id, "red", red, "to", to);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text)
        return fail(c->fault, ERR_INTERNAL, "a mail could not be written down");
    enum err e = outbox_add(c, "invoice.mail", arena_printf(c->arena, "invoice.mail:%s", dedupe), v->order,
                            text, strlen(text), 0, NULL);
    wipe(text, strlen(text));
    free(text);
    return e;
}

enum err invoice_archived(struct ctx *c, struct invoice *v, bool red, const struct inv_file *files, size_t n)
{
    struct buf detail = BUF(c->arena);
    for (size_t i = 0; i < n; i++) {
        char hex[65];
        hex_encode(files[i].digest, 32, hex);
        TRY(invoice_file_insert(c, v->id, red, &files[i]));
        buf_printf(&detail, "%c\"%s\":\"%s\"", i ? ',' : '{', invoice_file_suffix(files[i].kind), hex);
    }
    buf_str(&detail, "}");
    TRY(audit_add(c, &(struct audit_entry){.action = red ? "invoice.red_archived" : "invoice.archived",
                                           .object = v->id,
                                           .detail = buf_text(&detail)}));
    return invoice_mail(c, v, red, v->data.invoice_email, invoice_paper(v, red)->order_no);
}

/* -- by the caller --------------------------------------------------------------------------------------- */

enum err invoice_of_order(struct ctx *c, const char *order_id, struct invoice *out)
{
    struct order o;
    TRY(order_load(c, order_id, &o));
    return invoice_read_order(c, o.id, out);
}

enum err invoice_load(struct ctx *c, const char *id, struct invoice *out)
{
    struct order o;
    TRY(invoice_read(c, id, out));
    return order_load(c, out->order, &o); /* not yours looks like not there */
}

enum err invoice_bytes(struct ctx *c, const char *id, bool red, int kind, struct inv_file *file,
                       const void **bytes, size_t *n)
{
    struct invoice v;
    struct inv_file files[INV_FILES];
    size_t n_files;
    TRY(invoice_load(c, id, &v));
    TRY(invoice_files(c, v.id, red, files, &n_files));
    for (size_t i = 0; i < n_files; i++)
        if ((int)files[i].kind == (kind ? kind : (int)INVOICE_PDF)) {
            *file = files[i];
            return blob_get(c, file->digest, bytes, n);
        }
    return fail_both(c->fault, ERR_NOT_FOUND, "the invoice has no such file, or not yet",
                     "该发票没有此文件，或文件尚未生成");
}

static enum err not_now(struct ctx *c)
{
    return fail_both(c->fault, ERR_PRECONDITION, "only an invoice that failed is asked for again",
                     "只有开具失败的发票可以重新申请");
}

enum err invoice_retry(struct ctx *c, const char *id, const struct purchase *correction, struct invoice *out)
{
    struct order o;
    TRY(invoice_load(c, id, out));
    if (out->state != INV_FAILED && out->state != INV_RED_FAILED)
        return not_now(c);
    if (out->blue.attempt >= ATTEMPTS_MAX || out->red.attempt >= ATTEMPTS_MAX)
        return fail_both(c->fault, ERR_RATE_LIMITED, "asked for too often", "申请过于频繁，请稍后再试");
    if (out->state == INV_RED_FAILED)
        return reverse(c, out);
    if (correction) {
        struct purchase clean;
        TRY(order_load(c, out->order, &o));
        TRY(order_check_invoice(c, &o, &out->data, correction, "correction.", &clean));
        out->data = data_of(&clean);
    }
    out->blue.attempt++;
    number(out, false, out->blue.attempt, out->blue.order_no);
    out->blue.serial = out->cause = "";
    TRY(invoice_move(c, out, INV_EV_RETRIED, correction ? "{\"corrected\":true}" : NULL));
    return invoice_send_job(c, out, false, 0);
}

static enum err too_often(struct ctx *c, int64_t wait_ms)
{
    enum err e = fail(c->fault, ERR_RATE_LIMITED, NULL);
    c->fault->retry_ms = wait_ms;
    return e;
}

enum err invoice_resend(struct ctx *c, const char *id, const char *email)
{
    struct invoice v;
    struct inv_file files[INV_FILES];
    size_t n;
    const char *to = field_ascii(c->arena, email);
    TRY(invoice_load(c, id, &v));
    if (*to)
        field_problem(c->fault, "", "email", "e-mail address", "邮箱", email_problem(to));
    TRY(fault_fields(c->fault));
    bool red = v.state == INV_RED;
    TRY(invoice_files(c, v.id, red, files, &n));
    if (n == 0)
        return fail_both(c->fault, ERR_PRECONDITION, "there is nothing to send yet",
                         "发票尚未开具，无法发送");
    if (c->now_ms - v.resent_ms < MINUTE_MS)
        return too_often(c, MINUTE_MS - (c->now_ms - v.resent_ms));
    if (c->now_ms - v.resent_day_ms >= DAY_MS) {
        v.resent_day_ms = c->now_ms;
        v.resent_count = 0;
    }
    if (v.resent_count >= RESENDS_A_DAY)
        return too_often(c, DAY_MS - (c->now_ms - v.resent_day_ms));
    v.resent_count++;
    v.resent_ms = c->now_ms;
    TRY(invoice_keep(c, &v, "invoice.resent", *to ? "{\"address\":\"given\"}" : "{\"address\":\"stored\"}"));
    return invoice_mail(c, &v, red, *to ? to : v.data.invoice_email,
                        arena_printf(c->arena, "%s:%lld", v.id, (long long)v.version));
}
