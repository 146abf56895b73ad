/* invoice_jobs.c - sending, asking, fetching and mailing; and whether it was in time. */
#include "app.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/tx.h"
#include "invoice/invoice_steps.h"
#include "material/material_store.h"
#include "provider/invoice.h"
#include "provider/mail.h"
#include "providers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Payload: "inv_… b order_no n"; r for a red one. */
struct task {
    char id[ID_SIZE], order_no[INV_NUMBER_SIZE];
    bool red;
    int n;
};

static enum err read_task(struct ctx *c, const struct job *j, struct task *t)
{
    char side = 0;
    const char *text = arena_strndup(c->arena, j->payload, j->payload_n);
    *t = (struct task){0};
    if (sscanf(text, "%32s %c %20s %d", t->id, &side, t->order_no, &t->n) != 4)
        return fail(c->fault, ERR_DATA_LOSS, "job %s has a payload that cannot be read", j->id);
    t->red = side == 'r';
    return OK;
}

/* *mine: the invoice still waits for what this job is about. */
static enum err load(struct ctx *c, const struct task *t, struct invoice *v, bool *mine)
{
    TRY(invoice_read(c, t->id, v));
    bool waits = t->red ? v->state == INV_REVERSING : v->state == INV_SUBMITTED || v->state == INV_REQUESTED;
    *mine = waits && strcmp(invoice_paper(v, t->red)->order_no, t->order_no) == 0;
    return OK;
}

/* How every job on the invoice's way begins: what it is about, and whether that is still wanted. */
static enum err begin(struct ctx *c, const struct job *j, struct task *t, struct invoice *v, bool *mine)
{
    TRY(read_task(c, j, t));
    return load(c, t, v, mine);
}

static enum err port_of(struct ctx *c, const struct invoice_port **out)
{
    *out = &c->app->providers->invoice;
    return (*out)->ops ? OK : fail(c->fault, ERR_PROVIDER_CONFIG, "no supplier of invoices is configured");
}

static const char *callback_url(struct ctx *c, const struct invoice_port *port, const struct invoice *v)
{
    return arena_printf(c->arena, "%s/callback/%s/%s", c->app->providers->public_url, port->ops->name,
                        v->callback_key);
}

/* What was sold, as in the order's quote: the first line under the channel's name for it. None for one of
 * before it was itemised: its red one has the same one line as its blue one. */
static enum err lines_of(struct ctx *c, const struct invoice *v, const struct invoice_line **out, size_t *n)
{
    struct order o;
    struct quote q;
    *n = 0;
    if (!v->itemised)
        return OK;
    TRY(order_load(c, v->order, &o));
    if (!*o.quote_json)
        return OK;
    TRY(catalog_quote_parse(c, o.quote_json, &q));
    struct invoice_line *lines = ARENA_ARRAY(c->arena, struct invoice_line, q.n_lines + 1);
    for (size_t i = 0; i < q.n_lines; i++)
        lines[i] = (struct invoice_line){i ? q.lines[i].title : "", q.lines[i].quantity, q.lines[i].unit_fen};
    *out = lines;
    *n = q.n_lines;
    return OK;
}

/* What the order's channel puts on its invoices today. */
static enum err channel_terms(struct ctx *c, const struct invoice *v, struct invoice_terms *out)
{
    struct order o;
    struct invoice_rules r;
    TRY(order_load(c, v->order, &o));
    TRY(catalog_invoice(c, o.channel, &r));
    *out = (struct invoice_terms){.seller_tax_number = r.seller_tax_number,
                                  .seller_address = r.seller_address,
                                  .seller_phone = r.seller_phone,
                                  .clerk = r.clerk,
                                  .goods_name = r.goods_name,
                                  .goods_code = r.goods_code,
                                  .invoice_line = r.invoice_line,
                                  .tax_rate = r.tax_rate};
    return OK;
}

#define TERMS(X)                                                                                             \
    X(seller_tax_number)                                                                                     \
    X(seller_address)                                                                                        \
    X(seller_phone)                                                                                          \
    X(clerk)                                                                                                 \
    X(goods_name)                                                                                            \
    X(goods_code)                                                                                            \
    X(invoice_line)                                                                                          \
    X(tax_rate)

/* The blue one says this from now on, whatever the channel and the supplier's settings say later. */
static enum err keep_terms(struct ctx *c, const struct invoice_port *port, struct invoice *v)
{
    struct invoice_terms own;
    TRY(channel_terms(c, v, &own));
    const struct invoice_terms t = port->ops->complete(port->self, &own);
    json_t *o = json_object();
#define X(m) json_object_set_new(o, #m, json_string(t.m));
    TERMS(X)
#undef X
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        return fail(c->fault, ERR_INTERNAL, "an invoice's terms could not be written down");
    v->terms = arena_strdup(c->arena, text);
    free(text);
    return OK;
}

/* What its blue one says; one that did not keep it says what the channel does. */
static enum err terms_of(struct ctx *c, const struct invoice *v, struct invoice_terms *out)
{
    if (!*v->terms)
        return channel_terms(c, v, out);
    json_t *o = json_loads(v->terms, JSON_REJECT_DUPLICATES, NULL);
    if (!o)
        return fail(c->fault, ERR_DATA_LOSS, "the terms of invoice %s cannot be read", v->id);
#define X(m) out->m = arena_strdup(c->arena, json_string_value(json_object_get(o, #m)));
    TERMS(X)
#undef X
    json_decref(o);
    return OK;
}

static enum err order_of(struct ctx *c, const struct invoice_port *port, const struct invoice *v,
                         const struct invoice_terms *terms, struct invoice_order *out)
{
    const struct purchase *d = &v->data;
    const char *space = *d->invoice_bank && *d->invoice_bank_account ? " " : "";
    *out = (struct invoice_order){.order_no = v->blue.order_no,
                                  .ordered_ms = v->paid_ms,
                                  .total_fen = v->amount_fen,
                                  .terms = *terms,
                                  .buyer = {.name = d->invoice_title,
                                            .tax_number = d->tax_number,
                                            .address = d->invoice_address,
                                            .phone = d->invoice_phone,
                                            .account = arena_printf(c->arena, "%s%s%s", d->invoice_bank,
                                                                    space, d->invoice_bank_account)},
                                  .remark = arena_printf(c->arena, "订单号：%s", v->order),
                                  .callback_url = callback_url(c, port, v)};
    return lines_of(c, v, &out->lines, &out->n_lines);
}

/* -- sending --------------------------------------------------------------------------------------------- */

enum outcome {
    ACCEPTED = 1, /* the supplier has it: ask what becomes of it */
    REFUSED,
    NEEDLESS, /* the money went back, and the supplier never had it */
};
struct sent {
    enum outcome what;
    const char *serial, *cause;
};

static void result(struct ctx *c, struct job_result *r, enum outcome what, const char *serial,
                   const char *cause)
{
    struct sent *s = ARENA_NEW(c->arena, struct sent);
    *s = (struct sent){what, serial, cause};
    r->value = s;
}

/* What became of a number that may have been sent. *known: the supplier has it. */
static enum err ask_first(struct ctx *c, const struct invoice_port *port, const struct invoice_terms *terms,
                          const char *order_no, bool *known)
{
    struct invoice_status s;
    TRY(port->ops->query(port->self, terms->seller_tax_number, order_no, c->arena, &s, c->fault));
    *known = s.stage != INVOICE_ABSENT;
    return OK;
}

/* A refusal is an outcome, with the supplier's reason; a known number means that it was sent before. */
static enum err outcome_of(struct ctx *c, enum err e, const char *serial, const struct provider_trace *t,
                           struct job_result *r)
{
    if (e == ERR_EXISTS || e == OK) {
        fault_clear(c->fault);
        result(c, r, ACCEPTED, e == OK ? arena_strdup(c->arena, serial) : "", "");
        return OK;
    }
    if (e != ERR_PROVIDER_REFUSED && e != ERR_INVALID)
        return e;
    result(c, r, REFUSED, "", arena_printf(c->arena, "%s %s", t->code, t->message));
    fault_clear(c->fault);
    return OK;
}

struct intent {
    const struct task *task;
    const struct invoice_port *port;
};

/* The intent, committed before anything is sent: from here on a refund waits for what the supplier says. */
static enum err intend(struct ctx *c, void *arg)
{
    struct invoice v;
    const struct intent *i = arg;
    bool mine;
    TRY(load(c, i->task, &v, &mine));
    if (!mine || v.state != INV_REQUESTED)
        return OK;
    TRY(keep_terms(c, i->port, &v));
    return invoice_move(c, &v, INV_EV_SENT, NULL);
}

static enum err issue_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct task t;
    struct invoice v;
    const struct invoice_port *port;
    struct invoice_terms terms;
    bool mine, known = false;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine)
        return OK;
    TRY(port_of(c, &port));
    bool repeated = v.state == INV_SUBMITTED || j->attempt > 1 || j->doubtful;
    TRY(tx_run(c, intend, &(struct intent){&t, port}));
    TRY(load(c, &t, &v, &mine));
    if (!mine || v.state != INV_SUBMITTED) /* the money went back in the last moment */
        return OK;
    TRY(terms_of(c, &v, &terms));
    if (repeated)
        TRY(ask_first(c, port, &terms, t.order_no, &known));
    if (known || v.refunded_ms) {
        result(c, r, known ? ACCEPTED : NEEDLESS, "", "");
        return OK;
    }
    char serial[64] = "";
    struct provider_trace trace = {0};
    struct invoice_order o;
    TRY(order_of(c, port, &v, &terms, &o));
    return outcome_of(c, port->ops->issue(port->self, &o, c->arena, serial, &trace, c->fault), serial, &trace,
                      r);
}

/* The looks are counted on from the one that found it missing. */
static enum err accepted(struct ctx *c, struct invoice *v, const struct task *t, const char *serial)
{
    if (*serial) {
        invoice_paper(v, t->red)->serial = serial;
        TRY(invoice_keep(c, v, t->red ? "invoice.red_accepted" : "invoice.accepted", NULL));
    }
    return invoice_poll_later(c, v, t->red, t->n ? t->n + 1 : 0);
}

static enum err issue_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct sent *s = r->value;
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine || !s || v.state != INV_SUBMITTED)
        return OK;
    if (s->what == REFUSED)
        return invoice_failed(c, &v, s->cause);
    if (s->what == NEEDLESS)
        return invoice_unsent(c, &v);
    return accepted(c, &v, &t, s->serial);
}

/* A doubt is never given up: it is asked about. Without one the job waits for a hand, and the invoice with
 * it. */
static enum err issue_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    LOG(ERROR, "invoice.not_sent", KV_S("invoice", v.id), KV_S("error", err_name(why)));
    if (!mine || v.state != INV_SUBMITTED)
        return OK;
    return j->doubtful || why == ERR_PROVIDER_UNKNOWN ? invoice_poll_later(c, &v, false, t.n ? t.n + 1 : 0)
                                                      : invoice_unsent(c, &v);
}

static enum err red_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct task t;
    struct invoice v;
    const struct invoice_port *port;
    struct invoice_terms terms;
    bool mine, known = false;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine)
        return OK;
    TRY(port_of(c, &port));
    TRY(terms_of(c, &v, &terms));
    if (t.n || j->attempt > 1 || j->doubtful || *v.red.serial)
        TRY(ask_first(c, port, &terms, t.order_no, &known));
    if (known) {
        result(c, r, ACCEPTED, "", "");
        return OK;
    }
    char serial[64] = "";
    struct provider_trace trace = {0};
    struct invoice_reversal back = {.order_no = t.order_no,
                                    .ordered_ms = v.refunded_ms,
                                    .blue_serial = v.blue.serial,
                                    .blue_code = v.blue.code,
                                    .blue_number = v.blue.number,
                                    .callback_url = callback_url(c, port, &v)};
    TRY(order_of(c, port, &v, &terms, &back.blue));
    return outcome_of(c, port->ops->red(port->self, &back, c->arena, serial, &trace, c->fault), serial,
                      &trace, r);
}

static enum err red_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    const struct sent *s = r->value;
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine || !s)
        return OK;
    struct invoice_status refused = {.stage = INVOICE_FAILED};
    if (s->what == REFUSED) {
        snprintf(refused.cause, sizeof refused.cause, "%s", s->cause);
        return invoice_found(c, &v, true, &refused, 0);
    }
    return accepted(c, &v, &t, s->serial);
}

/* It stays REVERSING: the job is shown to the desk, whose hand tries again. */
static enum err red_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    LOG(ERROR, "invoice.red_not_sent", KV_S("invoice", v.id), KV_S("error", err_name(why)));
    return mine && (j->doubtful || why == ERR_PROVIDER_UNKNOWN)
               ? invoice_poll_later(c, &v, true, t.n ? t.n + 1 : 0)
               : OK;
}

/* -- asking ---------------------------------------------------------------------------------------------- */

static enum err poll_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct task t;
    struct invoice v;
    const struct invoice_port *port;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine || v.state == INV_REQUESTED)
        return OK;
    TRY(port_of(c, &port));
    struct invoice_terms terms;
    struct invoice_status *s = ARENA_NEW(c->arena, struct invoice_status);
    TRY(terms_of(c, &v, &terms));
    const char *seller = terms.seller_tax_number;
    TRY(port->ops->query(port->self, seller, t.order_no, c->arena, s, c->fault));
    if (s->stage == INVOICE_UNSEALED) { /* it is issued: only its seal is tried again */
        struct provider_trace trace;
        enum err e = port->ops->retry(port->self, seller, t.order_no, s->serial, c->arena, &trace, c->fault);
        if (e != OK)
            LOG(WARN, "invoice.not_sealed", KV_S("invoice", v.id), KV_S("error", err_name(e)));
        fault_clear(c->fault);
    }
    r->value = s;
    return OK;
}

static enum err poll_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    if (!mine || !r->value || v.state == INV_REQUESTED)
        return OK;
    return invoice_found(c, &v, t.red, r->value, t.n);
}

/* The next look is made whatever happened to this one. */
static enum err poll_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct task t;
    struct invoice v;
    bool mine;
    TRY(begin(c, j, &t, &v, &mine));
    LOG(WARN, "invoice.poll_failed", KV_S("invoice", v.id), KV_S("error", err_name(why)), KV_I("look", t.n));
    return mine && v.state != INV_REQUESTED ? invoice_poll_later(c, &v, t.red, t.n + 1) : OK;
}

/* -- files ----------------------------------------------------------------------------------------------- */

struct archive {
    struct inv_file files[INV_FILES];
    size_t n;
};

/* Bytes first, rows after (I-12). */
static enum err fetch(struct ctx *c, const struct invoice_port *port, enum invoice_file_kind kind,
                      const char *url, struct archive *out)
{
    const void *bytes;
    size_t n;
    if (!*url)
        return OK;
    enum err e = port->ops->fetch(port->self, kind, url, c->arena, &bytes, &n, c->fault);
    if (e == ERR_NOT_FOUND || e == ERR_PROVIDER_UNKNOWN) /* another link next time; nothing is in doubt */
        return fail(c->fault, ERR_PROVIDER_BUSY, "a file did not come");
    TRY(e);
    struct inv_file *f = &out->files[out->n++];
    *f = (struct inv_file){.kind = kind, .size = (int64_t)n};
    crypt_sha256(bytes, n, f->digest);
    return blob_put(c, f->digest, bytes, n);
}

/* Links expire, so they are asked for anew each time. */
static enum err archive_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    struct task t;
    const struct invoice_port *port;
    struct invoice_status s;
    struct invoice_terms terms;
    struct invoice v;
    TRY(read_task(c, j, &t));
    TRY(invoice_read(c, t.id, &v));
    TRY(port_of(c, &port));
    TRY(terms_of(c, &v, &terms));
    enum err e = port->ops->query(port->self, terms.seller_tax_number, t.order_no, c->arena, &s, c->fault);
    if (e == ERR_PROVIDER_UNKNOWN)
        return fail(c->fault, ERR_PROVIDER_BUSY, "nothing was said about an invoice's files");
    TRY(e);
    if (s.stage != INVOICE_ISSUED || !*s.pdf_url)
        return fail(c->fault, ERR_PROVIDER_BUSY, "an invoice in stage %s has no files",
                    invoice_stage_name(s.stage));
    struct archive *a = ARENA_NEW(c->arena, struct archive);
    TRY(fetch(c, port, INVOICE_PDF, s.pdf_url, a));
    TRY(fetch(c, port, INVOICE_OFD, s.ofd_url, a));
    TRY(fetch(c, port, INVOICE_XML, s.xml_url, a));
    r->value = a;
    return OK;
}

static enum err archive_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    struct task t;
    struct invoice v;
    const struct archive *a = r->value;
    TRY(read_task(c, j, &t));
    TRY(invoice_read(c, t.id, &v));
    return invoice_archived(c, &v, t.red, a->files, a->n);
}

/* -- mail ------------------------------------------------------------------------------------------------ */

struct letter {
    char id[ID_SIZE];
    bool red;
    const char *to;
};

static enum err read_letter(struct ctx *c, const struct job *j, struct letter *l)
{
    json_t *p = json_loadb(j->payload, j->payload_n, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(p, "invoice"));
    const char *to = json_string_value(json_object_get(p, "to"));
    *l = (struct letter){.red = json_is_true(json_object_get(p, "red")), .to = arena_strdup(c->arena, to)};
    snprintf(l->id, sizeof l->id, "%s", id ? id : "");
    json_decref(p);
    return to ? OK : fail(c->fault, ERR_DATA_LOSS, "job %s has a payload that cannot be read", j->id);
}

static const char *letter_text(struct ctx *c, const struct invoice *v, bool red)
{
    char yuan[INVOICE_YUAN_SIZE];
    invoice_yuan(v->amount_fen, yuan);
    const struct inv_paper *p = red ? &v->red : &v->blue;
    return arena_printf(c->arena,
                        "您好：\n\n您的证书订单%s的%s已开具，发票号码%s，价税合计%s%s元，详见附件。\n\n"
                        "附件含PDF；如同时附有OFD或XML，请以其为准归档。\n",
                        v->order, red ? "红字电子发票" : "电子发票", p->number, red ? "-" : "", yuan);
}

static enum err mail_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)r;
    const struct mail_port *mail = &c->app->providers->mail;
    struct letter l;
    struct invoice v;
    struct inv_file files[INV_FILES];
    struct mail_attachment attached[INV_FILES];
    size_t n;
    if (!mail->ops)
        return fail(c->fault, ERR_PROVIDER_CONFIG, "no mail server is configured");
    TRY(read_letter(c, j, &l));
    TRY(invoice_read(c, l.id, &v));
    TRY(invoice_files(c, v.id, l.red, files, &n));
    const char *number = invoice_paper(&v, l.red)->number;
    for (size_t i = 0; i < n; i++) {
        enum invoice_file_kind kind = files[i].kind;
        attached[i] = (struct mail_attachment){
            .name = arena_printf(c->arena, "%s.%s", number, invoice_file_suffix(kind)),
            .type = invoice_file_type(kind)};
        TRY(blob_get(c, files[i].digest, &attached[i].data, &attached[i].n));
    }
    struct mail_message m = {.id = j->id,
                             .to = l.to,
                             .subject = l.red ? "证书订单红字电子发票" : "证书订单电子发票",
                             .text = letter_text(c, &v, l.red),
                             .attachments = attached,
                             .n_attachments = n};
    struct mail_receipt receipt;
    return mail->ops->send(mail->self, &m, c->arena, &receipt, c->fault);
}

static enum err mail_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)r;
    struct letter l;
    struct invoice v;
    TRY(read_letter(c, j, &l));
    TRY(invoice_read(c, l.id, &v));
    struct inv_paper *p = invoice_paper(&v, l.red);
    if (p->mailed_ms) /* mailed again on request: the first time counts */
        return OK;
    p->mailed_ms = c->now_ms;
    return invoice_keep(c, &v, l.red ? "invoice.red_mailed" : "invoice.mailed", NULL);
}

/* -- in time? -------------------------------------------------------------------------------------------- */

/* A job that fails is how the desk sees it: in its list, until the invoice is out and a hand tries again. */
static enum err due_call(struct ctx *c, const struct job *j, struct job_result *r)
{
    (void)r;
    struct invoice v;
    TRY(invoice_read(c, arena_strndup(c->arena, j->payload, j->payload_n), &v));
    return invoice_is_late(&v) ? fail(c->fault, ERR_PRECONDITION, "an invoice is late") : OK;
}

static enum err due_done(struct ctx *c, const struct job *j, const struct job_result *r)
{
    (void)c;
    (void)j;
    (void)r;
    return OK;
}

static enum err due_failed(struct ctx *c, const struct job *j, enum err why)
{
    struct invoice v;
    (void)why;
    TRY(invoice_read(c, arena_strndup(c->arena, j->payload, j->payload_n), &v));
    LOG(ERROR, "invoice.late", KV_S("invoice", v.id), KV_S("order", v.order),
        KV_S("state", inv_state_name((int)v.state)), KV_I("paid_ms", v.paid_ms));
    return audit_add(c, &(struct audit_entry){.action = "invoice.late", .object = v.id});
}

/* -- the kinds ------------------------------------------------------------------------------------------- */

static const struct job_kind issue_kind = {"invoice.issue", 12,         90000,       2000,
                                           issue_call,      issue_done, issue_failed};
static const struct job_kind red_kind = {"invoice.red", 12, 90000, 2000, red_call, red_done, red_failed};
static const struct job_kind poll_kind = {"invoice.poll", 5, 60000, 5000, poll_call, poll_done, poll_failed};
static const struct job_kind archive_kind = {"invoice.archive", 20,           120000, 3000,
                                             archive_call,      archive_done, NULL};
static const struct job_kind mail_kind = {"invoice.mail", 12, 60000, 2000, mail_call, mail_done, NULL};
static const struct job_kind due_kind = {"invoice.due", 3, 60000, 2000, due_call, due_done, due_failed};

const struct job_kind *const invoice_jobs[] = {&issue_kind,   &red_kind,  &poll_kind,
                                               &archive_kind, &mail_kind, &due_kind};
const size_t invoice_jobs_n = sizeof invoice_jobs / sizeof *invoice_jobs;
