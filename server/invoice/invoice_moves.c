/* invoice_moves.c - the states of an invoice, and the one function that moves it (S15).
 *
 *   REQUESTED --sent--> SUBMITTED --issued--> ISSUED --reversed--> REVERSING --red--> RED
 *     | ^  ^  <-unsent-  |    |                                      |  ^
 *     | |  |             |    | failed                     red failed|  | reversed
 *     | |  +--retried-- FAILED <+                                    v  |
 *     | |                |                                        RED_FAILED
 *     | |                | dropped
 *     +-- dropped ---> DROPPED <--dropped-- SUBMITTED (the supplier never had it)
 *
 * Money that goes back while an invoice is SUBMITTED waits for it: then it is reversed at once.
 */
#include "invoice/invoice_moves.h"

#include "core/audit.h"
#include "invoice/invoice_store.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct move moves[] = {
    {INV_REQUESTED, INV_EV_SENT, INV_SUBMITTED},        {INV_REQUESTED, INV_EV_DROPPED, INV_DROPPED},
    {INV_SUBMITTED, INV_EV_UNSENT, INV_REQUESTED},      {INV_SUBMITTED, INV_EV_ISSUED, INV_ISSUED},
    {INV_SUBMITTED, INV_EV_FAILED, INV_FAILED},         {INV_SUBMITTED, INV_EV_DROPPED, INV_DROPPED},
    {INV_FAILED, INV_EV_RETRIED, INV_REQUESTED},        {INV_FAILED, INV_EV_DROPPED, INV_DROPPED},
    {INV_ISSUED, INV_EV_REVERSED, INV_REVERSING},       {INV_REVERSING, INV_EV_RED, INV_RED},
    {INV_REVERSING, INV_EV_RED_FAILED, INV_RED_FAILED}, {INV_RED_FAILED, INV_EV_REVERSED, INV_REVERSING},
};

const char *inv_state_name(int s)
{
    static const char *const names[] = {
        [INV_REQUESTED] = "REQUESTED",   [INV_ISSUED] = "ISSUED",
        [INV_FAILED] = "FAILED",         [INV_RED] = "RED",
        [INV_SUBMITTED] = "SUBMITTED",   [INV_REVERSING] = "REVERSING",
        [INV_RED_FAILED] = "RED_FAILED", [INV_DROPPED] = "DROPPED",
    };
    return s > 0 && (size_t)s < N(names) ? names[s] : "UNKNOWN";
}

static const char *event_name(int e)
{
    static const char *const names[] = {
        [INV_EV_SENT] = "sent",         [INV_EV_UNSENT] = "unsent",   [INV_EV_ISSUED] = "issued",
        [INV_EV_FAILED] = "failed",     [INV_EV_RETRIED] = "retried", [INV_EV_DROPPED] = "dropped",
        [INV_EV_REVERSED] = "reversed", [INV_EV_RED] = "red",         [INV_EV_RED_FAILED] = "red_failed",
    };
    return e > 0 && (size_t)e < N(names) ? names[e] : "unknown";
}

static const struct now now[] = {
    [INV_REQUESTED] = {"it is about to be asked for: wait for it", "即将开具，请稍候"},
    [INV_ISSUED] = {"it is issued", "已开具"},
    [INV_FAILED] = {"it could not be issued: ask for it again", "开具失败，请重新申请"},
    [INV_RED] = {"it is taken back", "已红冲"},
    [INV_SUBMITTED] = {"it is being issued: wait for it", "开具中，请等待"},
    [INV_REVERSING] = {"it is being taken back: wait for that", "红冲中，请等待"},
    [INV_RED_FAILED] = {"it could not be taken back: ask for that again", "红冲失败，请重新发起"},
    [INV_DROPPED] = {"the money went back before there was an invoice", "已退款，不再开具"},
};

const struct machine invoice_machine = {"invoice",     moves,    N(moves), inv_state_name, event_name,
                                        "the invoice", "该发票", now,      N(now)};

static enum err store(struct ctx *c, struct invoice *v, enum inv_state to, const char *action,
                      const char *detail)
{
    TRY(invoice_update(c, v, to));
    return audit_add(
        c, &(struct audit_entry){.action = action, .object = v->id, .version = v->version, .detail = detail});
}

enum err invoice_move(struct ctx *c, struct invoice *v, enum inv_event event, const char *detail)
{
    int to;
    TRY(machine_next(&invoice_machine, (int)v->state, (int)event, ERR_PRECONDITION, &to, c->fault));
    return store(c, v, (enum inv_state)to, arena_printf(c->arena, "invoice.%s", event_name((int)event)),
                 detail);
}

enum err invoice_keep(struct ctx *c, struct invoice *v, const char *action, const char *detail)
{
    return store(c, v, v->state, action, detail);
}
