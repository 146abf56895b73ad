/* refund_moves.c - the states of a refund, and the one function that moves it (S15).
 *
 *   REQUESTED --accepted--> PROCESSING --done--> DONE
 *      |  ^                   |    |  ^
 *      |  |                   |    |  +---retried----+     (the same number: the money has left us, and
 *      |  |                   |    +---abnormal--> ABNORMAL  is paid out at the provider's own desk)
 *      |  |                   |                      |
 *      |  +---retried------ CLOSED <-----closed------+     (closed: under the next number;
 *      +--refused, closed-----^                             refused: under the same)
 *
 *   REQUESTED --stopped--> STOPPING --absent--> CLOSED (the same number); or what the provider has: accepted,
 *   done, abnormal, closed, as from REQUESTED. Nothing is sent in STOPPING. PROCESSING --stopped--> STOPPING
 *   too, for what the provider said that it pays out and does not have when it is asked.
 *
 *   REQUESTED, ABNORMAL -done-> DONE; REQUESTED -abnormal-> ABNORMAL: an answer may be the last already
 *   CLOSED -done-> DONE: by the bills all of it went back under another number
 *   ABNORMAL, CLOSED -recorded-> DONE: a person says that the payer has the money. What is under way is not
 *   recorded: the provider could still give it a second time.
 */
#include "core/audit.h"
#include "payment/refund.h"
#include "payment/refund_store.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct move moves[] = {
    {REFUND_IS_REQUESTED, REFUND_EV_ACCEPTED, REFUND_IS_PROCESSING},
    {REFUND_IS_REQUESTED, REFUND_EV_DONE, REFUND_IS_DONE},
    {REFUND_IS_REQUESTED, REFUND_EV_ABNORMAL, REFUND_IS_ABNORMAL},
    {REFUND_IS_REQUESTED, REFUND_EV_CLOSED, REFUND_IS_CLOSED},
    {REFUND_IS_REQUESTED, REFUND_EV_REFUSED, REFUND_IS_CLOSED},
    {REFUND_IS_PROCESSING, REFUND_EV_DONE, REFUND_IS_DONE},
    {REFUND_IS_PROCESSING, REFUND_EV_ABNORMAL, REFUND_IS_ABNORMAL},
    {REFUND_IS_PROCESSING, REFUND_EV_CLOSED, REFUND_IS_CLOSED},
    {REFUND_IS_PROCESSING, REFUND_EV_REFUSED, REFUND_IS_CLOSED},
    {REFUND_IS_ABNORMAL, REFUND_EV_DONE, REFUND_IS_DONE},
    {REFUND_IS_ABNORMAL, REFUND_EV_CLOSED, REFUND_IS_CLOSED},
    {REFUND_IS_ABNORMAL, REFUND_EV_RETRIED, REFUND_IS_PROCESSING},
    {REFUND_IS_CLOSED, REFUND_EV_RETRIED, REFUND_IS_REQUESTED},
    {REFUND_IS_CLOSED, REFUND_EV_DONE, REFUND_IS_DONE},
    {REFUND_IS_ABNORMAL, REFUND_EV_RECORDED, REFUND_IS_DONE},
    {REFUND_IS_CLOSED, REFUND_EV_RECORDED, REFUND_IS_DONE},
    {REFUND_IS_REQUESTED, REFUND_EV_STOPPED, REFUND_IS_STOPPING},
    {REFUND_IS_PROCESSING, REFUND_EV_STOPPED, REFUND_IS_STOPPING},
    {REFUND_IS_STOPPING, REFUND_EV_ABSENT, REFUND_IS_CLOSED},
    {REFUND_IS_STOPPING, REFUND_EV_ACCEPTED, REFUND_IS_PROCESSING},
    {REFUND_IS_STOPPING, REFUND_EV_DONE, REFUND_IS_DONE},
    {REFUND_IS_STOPPING, REFUND_EV_ABNORMAL, REFUND_IS_ABNORMAL},
    {REFUND_IS_STOPPING, REFUND_EV_CLOSED, REFUND_IS_CLOSED},
};

const char *refund_state_name(int s)
{
    static const char *const names[] = {
        [REFUND_IS_REQUESTED] = "REQUESTED", [REFUND_IS_PROCESSING] = "PROCESSING",
        [REFUND_IS_DONE] = "DONE",           [REFUND_IS_ABNORMAL] = "ABNORMAL",
        [REFUND_IS_CLOSED] = "CLOSED",       [REFUND_IS_STOPPING] = "STOPPING",
    };
    return s > 0 && (size_t)s < N(names) ? names[s] : "UNKNOWN";
}

static const char *event_name(int e)
{
    static const char *const names[] = {
        [REFUND_EV_ACCEPTED] = "accepted", [REFUND_EV_DONE] = "done",       [REFUND_EV_ABNORMAL] = "abnormal",
        [REFUND_EV_CLOSED] = "closed",     [REFUND_EV_REFUSED] = "refused", [REFUND_EV_RETRIED] = "retried",
        [REFUND_EV_RECORDED] = "recorded", [REFUND_EV_STOPPED] = "stopped", [REFUND_EV_ABSENT] = "absent",
    };
    return e > 0 && (size_t)e < N(names) ? names[e] : "unknown";
}

static const struct now now[] = {
    [REFUND_IS_REQUESTED] = {"it is on its way to the provider: wait for the answer",
                             "已提交支付机构，请等待答复"},
    [REFUND_IS_PROCESSING] = {"the provider is paying it out: wait for that", "支付机构正在退款，请等待"},
    [REFUND_IS_DONE] = {"the payer has the money", "款项已退回"},
    [REFUND_IS_ABNORMAL] = {"the provider could not pay it out: settle it at the provider's desk, or by hand",
                            "支付机构退款异常，请在支付机构后台处理或人工退款"},
    [REFUND_IS_CLOSED] = {"the provider did not make it: ask again, or settle it by hand",
                          "支付机构未予退款，请重新发起或人工退款"},
    [REFUND_IS_STOPPING] = {"it is stopped, and the provider is asked whether it has it: wait for the answer",
                            "已停止发起，正在向支付机构核实，请等待答复"},
};

const struct machine refund_machine = {"refund", moves, N(moves), refund_state_name, event_name, "the refund",
                                       "该退款", now,   N(now)};

enum err refund_move(struct ctx *c, struct refund *r, enum refund_event event, const struct refund_change *ch)
{
    int to;
    TRY(machine_next(&refund_machine, (int)r->state, (int)event, ERR_PAYMENT_STATE, &to, c->fault));
    TRY(refund_update(c, r, (enum refund_state)to, event == REFUND_EV_CLOSED, ch));
    return audit_add(
        c, &(struct audit_entry){.action = arena_printf(c->arena, "refund.%s", event_name((int)event)),
                                 .object = r->id,
                                 .version = r->version,
                                 .detail = ch->detail});
}
