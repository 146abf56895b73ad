/* order_names.c - the words for states and events: in the log, in audit rows, for people. */
#include "order/order.h"

#include <stdio.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* now: what a person may make of it, in words. */
static const struct {
    const char *name, *zh, *now, *now_zh;
} states[] = {
    [ORDER_SUBJECT] = {"SUBJECT", "待填写主体信息", "it waits for the data of its subject: submit them",
                       "请先提交主体信息"},
    [ORDER_SUBJECT_VERIFYING] = {"SUBJECT_VERIFYING", "主体核验中",
                                 "its subject is being verified: finish that, or submit the data again",
                                 "请先完成主体核验，或重新提交信息"},
    [ORDER_AGENT] = {"AGENT", "待填写经办人", "it waits for its agent: submit who that is",
                     "请先提交经办人信息"},
    [ORDER_AGENT_VERIFYING] = {"AGENT_VERIFYING", "经办人核验中",
                               "its agent is being verified: finish that, or submit the agent again",
                               "请先完成经办人核验，或重新提交信息"},
    [ORDER_PURCHASE] = {"PURCHASE", "待选购商品",
                        "it waits for the purchase: choose certificate, invoice and delivery",
                        "请先选购商品"},
    [ORDER_CONFIRM] = {"CONFIRM", "待确认商品信息",
                       "it waits for yes to its purchase: confirm it, or go back to change it",
                       "请先确认商品信息，或返回修改"},
    [ORDER_MATERIALS] = {"MATERIALS", "待上传资料",
                         "it waits for its materials: upload them, then ask for the code of the signature",
                         "请先上传资料并获取签名验证码"},
    [ORDER_SIGNATURE] = {"SIGNATURE", "待申请签名",
                         "it waits for the application signature: sign with the code, or go back",
                         "请先完成申请签名，或返回修改"},
    [ORDER_PAYMENT] = {"PAYMENT", "待支付", "it waits for payment: pay, go back to change it, or cancel it",
                       "请先支付，或返回修改、取消订单"},
    [ORDER_PAPERS] = {"PAPERS", "待收纸质材料",
                      "it waits for its papers: post them to the address of the channel",
                      "请将申请表及材料邮寄至受理地址"},
    [ORDER_REVIEW] = {"REVIEW", "待审核", "it waits for review: until that is done it can only be seen",
                      "审核完成前只可查看详情"},
    [ORDER_CORRECTION] = {"CORRECTION", "待补正资料",
                          "it was sent back: replace the materials that were refused and sign again",
                          "请补正被退回的资料并重新签名"},
    [ORDER_ISSUE] = {"ISSUE", "待制证", "it is approved and waits for the desk to issue its certificate",
                     "请等待制证"},
    [ORDER_PERSONALISING] = {"PERSONALISING", "制证中", "its certificate is being written to a UKEY",
                             "请等待制证完成"},
    [ORDER_SHIP] = {"SHIP", "待寄出", "its UKEY is written and waits to be posted", "请等待寄出"},
    [ORDER_SHIPPED] = {"SHIPPED", "已寄出", "its UKEY is posted: wait for the parcel", "请等待签收"},
    [ORDER_DOWNLOAD] = {"DOWNLOAD", "待下载", "its certificate waits to be downloaded to a UKEY",
                        "请下载证书"},
    [ORDER_FINISHED] = {"FINISHED", "已完成", "it is finished: it can only be seen", "只可查看详情"},
    [ORDER_CANCELLED] = {"CANCELLED", "已取消", "it is cancelled: begin another one", "请重新发起办理"},
    [ORDER_REFUNDING] = {"REFUNDING", "退款中",
                         "it is cancelled and its money is on the way back: wait for that", "请等待退款完成"},
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
    [EV_COPY_WRITTEN] = "copy_written",
    [EV_COPY_DROPPED] = "copy_dropped",
    [EV_DOWNLOADED] = "downloaded",
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

const char *order_state_now(int state)
{
    return known_state(state) ? states[state].now : "it is in a state that this program does not know";
}

const char *order_state_now_zh(int state)
{
    return known_state(state) ? states[state].now_zh : "请刷新";
}

enum err order_refused(struct fault *f, const struct order *o)
{
    int s = (int)o->state;
    enum err e = fail(f, ERR_ORDER_STATE, "the order does not allow this now: %s", order_state_now(s));
    if (f) {
        snprintf(f->text_zh, sizeof f->text_zh, "订单当前为“%s”，不能进行此操作；%s", order_state_zh(s),
                 order_state_now_zh(s));
        snprintf(f->state, sizeof f->state, "%s", order_state_name(s));
    }
    return e;
}

const char *order_event_name(int event)
{
    return event > 0 && (size_t)event < N(events) ? events[event] : "unknown";
}
