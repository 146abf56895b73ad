/* order_names.c - the words for states and events: in the log, in audit rows, for people. */
#include "order/order.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *name, *zh;
} states[] = {
    [ORDER_SUBJECT] = {"SUBJECT", "待填写主体信息"},
    [ORDER_SUBJECT_VERIFYING] = {"SUBJECT_VERIFYING", "主体核验中"},
    [ORDER_AGENT] = {"AGENT", "待填写经办人"},
    [ORDER_AGENT_VERIFYING] = {"AGENT_VERIFYING", "经办人核验中"},
    [ORDER_PURCHASE] = {"PURCHASE", "待选购商品"},
    [ORDER_CONFIRM] = {"CONFIRM", "待确认商品信息"},
    [ORDER_MATERIALS] = {"MATERIALS", "待上传资料"},
    [ORDER_SIGNATURE] = {"SIGNATURE", "待申请签名"},
    [ORDER_PAYMENT] = {"PAYMENT", "待支付"},
    [ORDER_PAPERS] = {"PAPERS", "待收纸质材料"},
    [ORDER_REVIEW] = {"REVIEW", "待审核"},
    [ORDER_CORRECTION] = {"CORRECTION", "待补正资料"},
    [ORDER_ISSUE] = {"ISSUE", "待制证"},
    [ORDER_PERSONALISING] = {"PERSONALISING", "制证中"},
    [ORDER_SHIP] = {"SHIP", "待寄出"},
    [ORDER_SHIPPED] = {"SHIPPED", "已寄出"},
    [ORDER_DOWNLOAD] = {"DOWNLOAD", "待下载"},
    [ORDER_FINISHED] = {"FINISHED", "已完成"},
    [ORDER_CANCELLED] = {"CANCELLED", "已取消"},
    [ORDER_REFUNDING] = {"REFUNDING", "退款中"},
};

static const char *const events[] = {
    [EV_SUBJECT_SUBMITTED] = "subject_submitted",
    [EV_SUBJECT_PASSED] = "subject_passed",
    [EV_SUBJECT_MISMATCH] = "subject_mismatch",
    [EV_AGENT_SUBMITTED] = "agent_submitted",
    [EV_AGENT_PASSED] = "agent_passed",
    [EV_AGENT_IN_PERSON] = "agent_in_person",
    [EV_AGENT_MISMATCH] = "agent_mismatch",
    [EV_PURCHASE_SET] = "purchase_set",
    [EV_PURCHASE_CONFIRMED] = "purchase_confirmed",
    [EV_PURCHASE_REOPENED] = "purchase_reopened",
    [EV_SIGNATURE_REQUESTED] = "signature_requested",
    [EV_SIGNATURE_REOPENED] = "signature_reopened",
    [EV_SIGNED] = "signed",
    [EV_PAID] = "paid",
    [EV_PAPERS_ARRIVED] = "papers_arrived",
    [EV_APPROVED] = "approved",
    [EV_REFUSED] = "refused",
    [EV_CORRECTED] = "corrected",
    [EV_PERSONALISATION_BEGUN] = "personalisation_begun",
    [EV_PERSONALISATION_DROPPED] = "personalisation_dropped",
    [EV_WRITTEN] = "written",
    [EV_POSTED] = "posted",
    [EV_RETURNED] = "returned",
    [EV_RECEIVED] = "received",
    [EV_CANCELLED] = "cancelled",
    [EV_CANCELLED_PAID] = "cancelled_paid",
    [EV_REFUNDED] = "refunded",
    [EV_METHOD_CHANGED] = "method_changed",
    [EV_PAPER_ROUTE] = "paper_route",
};

static bool known_state(int s)
{
    return s > 0 && (size_t)s < N(states);
}

const char *order_state_name(int state)
{
    return known_state(state) ? states[state].name : "UNKNOWN";
}

const char *order_state_zh(int state)
{
    return known_state(state) ? states[state].zh : "未知";
}

const char *order_event_name(int event)
{
    return event > 0 && (size_t)event < N(events) ? events[event] : "unknown";
}
