/* reconcile_book.c - what a bill has and we do not is booked, each row in a transaction of its own, before
 * the day is compared: one that cannot be booked is a difference, and the others are none the worse. A run
 * that is cut off is simply made again: what it has booked is known then. */
#include "base/log.h"
#include "core/tx.h"
#include "payment/payment_steps.h"
#include "payment/reconcile.h"
#include "provider/payment.h"

#include <string.h>

struct booking {
    int provider;
    const struct payment_bill *bill;
    const struct payment_bill_row *row;
    bool known;
};

/* All of it is among the refunds of the same bill: it pays for nothing any more. */
static bool went_back(const struct booking *b)
{
    int64_t back = 0;
    for (size_t i = 0; i < b->bill->n; i++) {
        const struct payment_bill_row *r = &b->bill->rows[i];
        if (*r->out_refund_no && r->success && strcmp(r->transaction_id, b->row->transaction_id) == 0)
            back += r->amount_fen;
    }
    return back >= b->row->amount_fen;
}

static enum err book_body(struct ctx *c, void *arg)
{
    struct booking *b = arg;
    TRY(capture_exists(c, b->provider, b->row->transaction_id, &b->known));
    if (b->known)
        return OK;
    const struct receipt r = {.provider = b->provider,
                              .txn_no = b->row->transaction_id,
                              .payment_id = b->row->out_trade_no,
                              .currency = "CNY",
                              .amount_fen = b->row->amount_fen,
                              .paid_ms = b->row->at_ms};
    return went_back(b) ? payment_hold_returned(c, &r) : payment_settle(c, &r);
}

/* The same again, later, is right: it says nothing about the row. */
static bool passes(enum err e)
{
    return e == ERR_UNAVAILABLE || e == ERR_UNKNOWN_OUTCOME || e == ERR_DEADLINE || e == ERR_CANCELLED;
}

static enum err book_row(struct ctx *c, struct booking *b, enum booked_as *out)
{
    struct arena_mark mark = arena_mark(c->arena);
    enum err e = tx_run(c, book_body, b);
    if (e != OK && passes(e))
        return e;
    *out = e != OK ? BOOKED_NOT : b->known ? BOOKED_BEFORE : BOOKED_NOW;
    if (e != OK) {
        LOG(ERROR, "reconcile.not_booked", KV_S("provider", payment_supplier(b->provider)),
            KV_S("number", b->row->transaction_id), KV_S("error", err_name(e)));
        fault_clear(c->fault);
    }
    arena_release(c->arena, mark);
    return OK;
}

enum err reconcile_book(struct ctx *c, int provider, const struct payment_bill *bill,
                        const enum booked_as **out)
{
    enum booked_as *list = ARENA_ARRAY(c->arena, enum booked_as, bill->n + 1);
    for (size_t i = 0; i < bill->n; i++) {
        struct booking b = {.provider = provider, .bill = bill, .row = &bill->rows[i]};
        list[i] = BOOKED_BEFORE;
        if (!*b.row->out_refund_no)
            TRY(book_row(c, &b, &list[i]));
    }
    *out = list;
    return OK;
}
