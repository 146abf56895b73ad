#include "payment/reconcile.h"

#include "base/log.h"
#include "core/audit.h"
#include "payment/partial.h"
#include "payment/payment_steps.h"
#include "payment/reconcile_store.h"
#include "payment/refund_store.h"
#include "provider/payment.h"
#include "provider/when.h"

#include <stdlib.h>
#include <string.h>

static const int64_t DAY_MS = 24 * 3600000, EDGE_MS = 5 * 60000, READY_MS = 10 * 3600000 + 15 * 60000;

enum err reconcile_day(struct ctx *c, const char *date, int64_t *from_ms)
{
    if (when_read_day(date, from_ms))
        return OK;
    return fail(c->fault, ERR_INVALID, "%s is not a date like 2026-11-21", date);
}

bool money_is_conserved(const struct money *m)
{
    return m->captured.n == m->settled.n + m->refunded.n + m->held.n &&
           m->captured.fen == m->settled.fen + m->refunded.fen + m->held.fen;
}

/* -- one day's comparison -------------------------------------------------------------------------------- */

struct comparison {
    struct ctx *c;
    int provider;
    const char *date;
    struct reconciliation *out;
    struct difference *list;
    const struct payment_bill *bill;
    const enum booked_as *booked; /* its rows */
    struct booked *captures;      /* sorted by number */
    size_t n_captures;
    const struct payment_bill_row *rows[DIFFERENCES_SHOWN]; /* of the bill, for the list's; NULL: ours */
};

static void differs(struct comparison *x, const char *kind, const char *number, int64_t ours, int64_t bill)
{
    int64_t n = x->out->n_differences++;
    if (n < DIFFERENCES_SHOWN)
        x->list[n] = (struct difference){kind, number, ours, bill, "", "", ""};
    LOG(ERROR, "reconcile.difference", KV_S("provider", payment_supplier(x->provider)), KV_S("date", x->date),
        KV_S("kind", kind), KV_S("number", number), KV_I("ours_fen", ours), KV_I("bill_fen", bill));
}

/* The same, of a row of the bill. */
static void row_differs(struct comparison *x, const char *kind, const struct payment_bill_row *row,
                        int64_t ours)
{
    int64_t n = x->out->n_differences;
    if (n < DIFFERENCES_SHOWN)
        x->rows[n] = row;
    differs(x, kind, *row->out_refund_no ? row->out_refund_no : row->transaction_id, ours, row->amount_fen);
}

/* Whose money the list is about: by the bill's row, which has the transaction beside a refund's number, or by
 * our number. */
static enum err name_all(struct comparison *x)
{
    int64_t n = x->out->n_differences < DIFFERENCES_SHOWN ? x->out->n_differences : DIFFERENCES_SHOWN;
    for (int64_t i = 0; i < n; i++) {
        const struct payment_bill_row *row = x->rows[i];
        TRY(difference_name(x->c, x->provider, row ? row->transaction_id : x->list[i].number,
                            row ? row->out_trade_no : "", &x->list[i]));
    }
    return OK;
}

static int by_number(const void *a, const void *b)
{
    return strcmp(((const struct booked *)a)->number, ((const struct booked *)b)->number);
}

static enum err compare_capture(struct comparison *x, const struct payment_bill_row *row)
{
    struct booked key = {.number = row->transaction_id};
    struct booked *ours = bsearch(&key, x->captures, x->n_captures, sizeof key, by_number);
    int64_t fen;
    bool found = ours != NULL;
    x->out->bill_captures.n++;
    x->out->bill_captures.fen += row->amount_fen;
    if (ours) {
        ours->billed = true;
        fen = ours->fen;
    } else { /* perhaps booked with another day's time */
        TRY(capture_amount(x->c, x->provider, row->transaction_id, &fen, &found));
    }
    if (!found)
        row_differs(x, "NOT_BOOKED", row, 0);
    else if (x->booked[row - x->bill->rows] == BOOKED_NOW)
        row_differs(x, "BOOKED", row, 0);
    else if (fen != row->amount_fen)
        row_differs(x, "AMOUNT", row, fen);
    return OK;
}

static enum err unknown(struct comparison *x, const struct payment_bill_row *row)
{
    fault_clear(x->c->fault);
    row_differs(x, "REFUND_UNKNOWN", row, 0);
    return OK;
}

static void is_ours(struct comparison *x, int64_t fen)
{
    x->out->refunds.n++;
    x->out->refunds.fen += fen;
}

/* Of what goes on paying for its order a person may have recorded a part; all of them are judged together:
 * compare_recorded. */
static enum err partial_or_unknown(struct comparison *x, const struct payment_bill_row *row,
                                   const char *capture_id)
{
    struct partial p;
    TRY(partial_read(x->c, capture_id, &p));
    if (p.amount_fen == 0)
        return unknown(x, row);
    is_ours(x, row->amount_fen);
    return OK;
}

/* Under a number of none of ours: at the provider's own desk, or by its own doing, when it was asked to end
 * what was just being paid. It is how our refund was done when it is all of it, with what else the bills
 * have; so it ends one that the provider would not make. */
static enum err compare_strange(struct comparison *x, const struct payment_bill_row *row, struct refund *r)
{
    int64_t billed;
    TRY(returned_by_bills(x->c, x->provider, row->transaction_id, &billed));
    if (billed != r->amount_fen)
        return r->state == REFUND_IS_DONE ? unknown(x, row) : partial_or_unknown(x, row, r->capture);
    if (r->state == REFUND_IS_CLOSED)
        TRY(refund_learn(x->c, r, &(struct refund_answer){.event = REFUND_EV_DONE, .error = ""}));
    if (r->state != REFUND_IS_DONE)
        return partial_or_unknown(x, row, r->capture);
    is_ours(x, row->amount_fen);
    return OK;
}

/* The same of a capture that nobody asked back: held money that is all back needs nobody any more. */
static enum err compare_unasked(struct comparison *x, const struct payment_bill_row *row)
{
    struct capture cap;
    struct refund r;
    int64_t billed;
    fault_clear(x->c->fault);
    enum err e = capture_of_transaction(x->c, x->provider, row->transaction_id, &cap);
    if (e == ERR_NOT_FOUND)
        return unknown(x, row);
    TRY(e);
    TRY(returned_by_bills(x->c, x->provider, row->transaction_id, &billed));
    if (cap.state != CAPTURE_HELD || billed != cap.amount_fen)
        return partial_or_unknown(x, row, cap.id);
    TRY(refund_returned(x->c, &cap, &r));
    is_ours(x, row->amount_fen);
    return OK;
}

/* Done there, and not here. One that the provider had closed is looked at no more: it is done when all of it
 * is back by the bills; else a person sees to it. */
static enum err compare_state(struct comparison *x, const struct payment_bill_row *row, struct refund *r)
{
    int64_t billed = 0;
    if (r->state == REFUND_IS_CLOSED)
        TRY(returned_by_bills(x->c, x->provider, row->transaction_id, &billed));
    if (billed == r->amount_fen)
        return refund_learn(x->c, r, &(struct refund_answer){.event = REFUND_EV_DONE, .error = ""});
    row_differs(x, "REFUND_STATE", row, r->amount_fen);
    return refund_hinted(x->c, x->provider, row->out_refund_no,
                         arena_printf(x->c->arena, "bill:%s:%lld", x->date, (long long)x->out->runs));
}

static enum err compare_refund(struct comparison *x, const struct payment_bill_row *row)
{
    struct refund r;
    const char *id = refund_id(x->c, row->out_refund_no);
    x->out->bill_refunds.n++;
    x->out->bill_refunds.fen += row->amount_fen;
    enum err e = refund_read(x->c, id, &r);
    if (e == ERR_NOT_FOUND)
        e = refund_of_transaction(x->c, x->provider, row->transaction_id, &r);
    if (e == ERR_NOT_FOUND)
        return compare_unasked(x, row);
    TRY(e);
    if (r.provider != x->provider)
        return unknown(x, row);
    if (r.by_hand) { /* all of its parts are judged together: compare_recorded */
        is_ours(x, row->amount_fen);
        return OK;
    }
    if (strcmp(r.id, id) != 0)
        return compare_strange(x, row, &r);
    is_ours(x, r.amount_fen);
    if (r.amount_fen != row->amount_fen)
        row_differs(x, "REFUND_AMOUNT", row, r.amount_fen);
    return row->success && r.state != REFUND_IS_DONE ? compare_state(x, row, &r) : OK;
}

static void recorded_differ(struct comparison *x, const struct recorded *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].said_fen != list[i].billed_fen)
            differs(x, "REFUND_BY_HAND", list[i].number, list[i].said_fen, list[i].billed_fen);
}

/* A person said that the payer has the money, and how much of it the provider gave back: true, or less, or
 * more (given twice). */
static enum err compare_recorded(struct comparison *x, int64_t from_ms)
{
    struct recorded *list;
    size_t n;
    TRY(refunds_recorded(x->c, x->provider, from_ms - EDGE_MS, from_ms + DAY_MS - EDGE_MS, x->date, &list,
                         &n));
    recorded_differ(x, list, n);
    TRY(partials_recorded(x->c, x->provider, from_ms - EDGE_MS, from_ms + DAY_MS - EDGE_MS, x->date, &list,
                          &n));
    recorded_differ(x, list, n);
    return OK;
}

/* Ours that no row of the bill was about. A refund of the day's last minutes may be in the next day's bill,
 * which then looks for it. */
static enum err compare_ours(struct comparison *x, int64_t from_ms)
{
    struct booked *refunds;
    size_t n;
    for (size_t i = 0; i < x->n_captures; i++)
        if (!x->captures[i].billed)
            differs(x, "NOT_IN_BILL", x->captures[i].number, x->captures[i].fen, 0);
    TRY(refunds_unbilled(x->c, x->provider, from_ms - EDGE_MS, from_ms + DAY_MS - EDGE_MS, &refunds, &n));
    for (size_t i = 0; i < n; i++)
        differs(x, "REFUND_NOT_IN_BILL", refunds[i].number, refunds[i].fen, 0);
    return compare_recorded(x, from_ms);
}

static enum err compare(struct comparison *x, int64_t from_ms)
{
    const struct payment_bill *bill = x->bill;
    TRY(captures_of_day(x->c, x->provider, from_ms, from_ms + DAY_MS, &x->captures, &x->n_captures));
    for (size_t i = 0; i < bill->n; i++)
        if (*bill->rows[i].out_refund_no)
            TRY(return_put(x->c, x->provider, x->date, &bill->rows[i]));
    for (size_t i = 0; i < bill->n; i++)
        TRY(*bill->rows[i].out_refund_no ? compare_refund(x, &bill->rows[i])
                                         : compare_capture(x, &bill->rows[i]));
    return compare_ours(x, from_ms);
}

static const char *row_id(struct ctx *c, const struct reconciliation *r)
{
    return arena_printf(c->arena, "%s/%s", payment_supplier(r->provider), r->date);
}

enum err reconcile_with(struct ctx *c, int provider, const char *date, const struct payment_bill *bill,
                        const enum booked_as *booked, struct reconciliation *out)
{
    int64_t from_ms;
    struct reconciliation before;
    TRY(reconcile_day(c, date, &from_ms));
    TRY(reconciliation_read(c, provider, date, &before));
    *out = (struct reconciliation){.provider = provider,
                                   .date = before.date,
                                   .version = before.version,
                                   .runs = before.runs + 1,
                                   .bill_hash = arena_strdup(c->arena, bill->hash)};
    struct comparison x = {.c = c,
                           .provider = provider,
                           .date = before.date,
                           .out = out,
                           .bill = bill,
                           .booked = booked,
                           .list = ARENA_ARRAY(c->arena, struct difference, DIFFERENCES_SHOWN)};
    TRY(compare(&x, from_ms));
    TRY(name_all(&x));
    out->differences = x.list;
    TRY(money_of_day(c, provider, from_ms, from_ms + DAY_MS, &out->money));
    if (!money_is_conserved(&out->money))
        differs(&x, "NOT_CONSERVED", date, out->money.captured.fen,
                out->money.settled.fen + out->money.refunded.fen + out->money.held.fen);
    out->state = out->n_differences ? RECONCILIATION_DIFFERENT : RECONCILIATION_CLEAN;
    TRY(reconciliation_update(c, out, reconcile_json(c, out)));
    const char *detail = arena_printf(
        c->arena, "{\"differences\":%lld,\"captured_fen\":%lld,\"bill_fen\":%lld}",
        (long long)out->n_differences, (long long)out->money.captured.fen, (long long)out->bill_captures.fen);
    return audit_add(c, &(struct audit_entry){.action = "payment.reconciled",
                                              .object = row_id(c, out),
                                              .version = out->version,
                                              .detail = detail});
}

enum err reconcile_waits(struct ctx *c, int provider, const char *date)
{
    struct reconciliation r;
    return reconciliation_read(c, provider, date, &r);
}

/* A quarter past ten of the day after: WeChat's bill is ready at ten. */
enum err reconcile_plan(struct ctx *c, int provider, const char *date)
{
    int64_t from_ms;
    TRY(reconcile_day(c, date, &from_ms));
    const char *supplier = payment_supplier(provider),
               *payload = arena_printf(c->arena, "%s %s 0", supplier, date);
    return outbox_add(c, "payment.reconcile",
                      arena_printf(c->arena, "payment.reconcile:%s:%s:0", supplier, date),
                      arena_printf(c->arena, "%s/%s", supplier, date), payload, strlen(payload),
                      from_ms + DAY_MS + READY_MS, NULL);
}
