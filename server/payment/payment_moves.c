/* payment_moves.c - the states of a payment, and the one function that moves it (S15).
 *
 *   CREATING -placed-> WAITING -------closed-------> CLOSED
 *      |    |           |    ^                         ^
 *      |    +-replaced-----> | kept                    |
 *      |           replaced> CLOSING ------closed------+
 *      +- refused -> FAILED
 *
 *   CREATING, WAITING, CLOSING, CLOSED, FAILED -settled-> PAID
 *   CREATING, WAITING, CLOSING, CLOSED, FAILED -held----> HELD
 *   PAID, HELD -refunding-> REFUNDING -refunded-> REFUNDED      (refund_moves.c has what happens there)
 *
 * Money comes when it comes: also before we heard that the code exists, and after we gave up on it.
 */
#include "payment/payment_moves.h"

#include "core/audit.h"
#include "payment/payment_store.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct move moves[] = {
    {PAY_CREATING, PAY_EV_PLACED, PAY_WAITING},     {PAY_CREATING, PAY_EV_REFUSED, PAY_FAILED},
    {PAY_CREATING, PAY_EV_CLOSED, PAY_CLOSED},      {PAY_CREATING, PAY_EV_SETTLED, PAY_PAID},
    {PAY_CREATING, PAY_EV_HELD, PAY_HELD},          {PAY_WAITING, PAY_EV_CLOSED, PAY_CLOSED},
    {PAY_WAITING, PAY_EV_SETTLED, PAY_PAID},        {PAY_WAITING, PAY_EV_HELD, PAY_HELD},
    {PAY_CLOSED, PAY_EV_SETTLED, PAY_PAID},         {PAY_CLOSED, PAY_EV_HELD, PAY_HELD},
    {PAY_FAILED, PAY_EV_SETTLED, PAY_PAID},         {PAY_FAILED, PAY_EV_HELD, PAY_HELD},
    {PAY_CREATING, PAY_EV_REPLACED, PAY_CLOSING},   {PAY_WAITING, PAY_EV_REPLACED, PAY_CLOSING},
    {PAY_CLOSING, PAY_EV_KEPT, PAY_WAITING},        {PAY_CLOSING, PAY_EV_CLOSED, PAY_CLOSED},
    {PAY_CLOSING, PAY_EV_SETTLED, PAY_PAID},        {PAY_CLOSING, PAY_EV_HELD, PAY_HELD},
    {PAY_PAID, PAY_EV_REFUNDING, PAY_REFUNDING},    {PAY_HELD, PAY_EV_REFUNDING, PAY_REFUNDING},
    {PAY_REFUNDING, PAY_EV_REFUNDED, PAY_REFUNDED},
};

const char *pay_state_name(int s)
{
    static const char *const names[] = {
        [PAY_CREATING] = "CREATING", [PAY_WAITING] = "WAITING", [PAY_PAID] = "PAID",
        [PAY_CLOSED] = "CLOSED",     [PAY_HELD] = "HELD",       [PAY_REFUNDING] = "REFUNDING",
        [PAY_REFUNDED] = "REFUNDED", [PAY_FAILED] = "FAILED",   [PAY_CLOSING] = "CLOSING",
    };
    return s > 0 && (size_t)s < N(names) ? names[s] : "UNKNOWN";
}

static const char *event_name(int e)
{
    static const char *const names[] = {
        [PAY_EV_PLACED] = "placed", [PAY_EV_REFUSED] = "refused",     [PAY_EV_SETTLED] = "settled",
        [PAY_EV_HELD] = "held",     [PAY_EV_CLOSED] = "closed",       [PAY_EV_REPLACED] = "replaced",
        [PAY_EV_KEPT] = "kept",     [PAY_EV_REFUNDING] = "refunding", [PAY_EV_REFUNDED] = "refunded",
    };
    return e > 0 && (size_t)e < N(names) ? names[e] : "unknown";
}

static const struct now now[] = {
    [PAY_CREATING] = {"its code is being asked for: wait a moment", "正在生成支付二维码，请稍候"},
    [PAY_WAITING] = {"it waits to be paid", "等待支付"},
    [PAY_PAID] = {"it is paid", "已支付"},
    [PAY_CLOSED] = {"it is closed, and its code is not good any more: begin another payment",
                    "已关闭，请重新发起支付"},
    [PAY_HELD] = {"its money could not be used for the order and goes back by itself",
                  "款项无法用于该订单，将自动退回"},
    [PAY_REFUNDING] = {"its money is on the way back: wait for that", "退款中，请等待退款完成"},
    [PAY_REFUNDED] = {"its money is back", "已退款"},
    [PAY_FAILED] = {"the provider did not take it: begin another payment", "支付机构未受理，请重新发起支付"},
    [PAY_CLOSING] = {"it is being closed: try again in a moment", "正在关闭，请稍后重试"},
};

const struct machine payment_machine = {"payment",     moves,      N(moves), pay_state_name, event_name,
                                        "the payment", "该支付单", now,      N(now)};

enum err payment_move(struct ctx *c, struct payment *p, enum pay_event event, const char *code_url,
                      int64_t paid_ms)
{
    int to;
    TRY(machine_next(&payment_machine, (int)p->state, (int)event, ERR_PAYMENT_STATE, &to, c->fault));
    TRY(payment_update(c, p, (enum pay_state)to, code_url, paid_ms));
    return audit_add(
        c, &(struct audit_entry){.action = arena_printf(c->arena, "payment.%s", event_name((int)event)),
                                 .object = p->id,
                                 .version = p->version});
}
