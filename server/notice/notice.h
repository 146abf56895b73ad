/* notice.h - what the desk tells people: SMS and mail by versioned templates, each event once.
 *
 * Both verbs only add an outbox job inside the caller's transaction; notice_jobs.c calls the provider.
 */
#ifndef CERTDESK_NOTICE_NOTICE_H
#define CERTDESK_NOTICE_NOTICE_H

#include "core/ctx.h"
#include "core/outbox.h"

/* X(name, version, wording with {1}, {2} …, number of parameters): the words are registered with the SMS
 * provider under the template id of the configuration (template.NAME, template.NAME_2 for version 2); the
 * text here is what they say. Other words are another version: raise the number with them, keep the row with
 * the old ones below, and register the new ones before they are used. */
#define SMS_TABLE(X)                                                                                         \
    X(LOGIN_CODE, 1, "您的登录验证码为{1}，5分钟内有效，请勿泄露。", 1)                                      \
    X(ACCOUNT_CREATED, 1, "您的账号已创建，用户名{1}，初始密码{2}，请尽快修改密码。", 2)                     \
    X(PASSWORD_CODE, 1, "您正在修改登录密码，验证码{1}，5分钟内有效，请勿泄露。", 1)                         \
    X(PHONE_CODE, 1, "您正在变更账号手机号，验证码{1}，5分钟内有效，请勿泄露。", 1)                          \
    X(UKEY_BOUND, 1, "介质号为{1}的UKEY已绑定到您的账号，可用于登录。如非本人操作请立即解绑。", 1)           \
    X(PHONE_CHANGED, 1, "您的账号手机号已变更为{1}。如非本人操作请立即联系客服。", 1)                        \
    X(VERIFY_CODE, 1, "您正在核验{1}的身份信息，验证码{2}，5分钟内有效，请勿泄露。", 2)                      \
    X(SIGN_CODE, 1, "您正在签署证书申请（订单{1}），验证码{2}，5分钟内有效，请勿泄露。", 2)                  \
    X(ORDER_PAID, 2, "您的证书订单{1}已支付{2}元，我们将在{3}个工作日内完成审核。", 3)                       \
    X(PAPERS_WANTED, 1,                                                                                      \
      "您的证书订单{1}已支付{2}元，请打印申请表签字盖章，连同材料邮寄至受理地址，详见邮件。", 2)             \
    X(PAPERS_WANTED_HERE, 1,                                                                                 \
      "您的证书订单{1}已支付{2}元，请打印申请表签字盖章，连同材料邮寄至{3}，收件人和电话见申请表。", 3)      \
    X(PAPERS_ARRIVED, 2, "您的证书订单{1}的纸质材料已收到，我们将在{2}个工作日内完成审核。", 2)              \
    X(ORDER_APPROVED, 2, "您的证书订单{1}已审核通过，UKEY将在{2}个工作日内寄出。", 2)                        \
    X(ORDER_REFUSED, 2, "您的证书订单{1}的资料需要修改：{2}：{3}（共{4}项）。请登录后重新提交。", 4)         \
    X(PAPERS_REFUSED, 1, "您的证书订单{1}的纸质材料需要修改：{2}。请更正后重新邮寄，无需再次支付。", 2)      \
    X(CERTIFICATE_PIN, 1, "您的证书（介质号{1}）密码为{2}，请妥善保管，首次使用后请修改。", 2)               \
    X(ORDER_SHIPPED, 1, "您的UKEY已寄出，{1}单号{2}。", 2)                                                   \
    X(FACE_LINK, 1, "请{1}本人打开以下链接完成刷脸核验：{2}，链接短时有效，请勿转发。", 2)                   \
    X(DEPOSIT_SENT, 1, "您的证书订单{1}的0.01元左右打款已汇出，请在收款记录中查看{2}，到账可能需要数小时。", \
      2)                                                                                                     \
    X(DEPOSIT_FAILED, 1, "您的证书订单{1}的核验打款未成功，请登录核对账户信息后重新提交。", 1)               \
    X(DEPOSIT_UNDONE, 1, "您的证书订单{1}的打款核验未能完成，请登录后重新提交。", 1)                         \
    X(DEPOSIT_EXPIRED, 1, "您的证书订单{1}的打款核验已过期，请登录后重新提交。", 1)                          \
    X(PIN_SENT, 1,                                                                                           \
      "您的证书（介质号{1}）的密码已随0.01元打款汇出，请在收款记录的附言中查看，到账可能需要数小时。", 1)    \
    X(PIN_BOUNCED, 1,                                                                                        \
      "您的证书（介质号{1}）的密码打款被银行退回，我们将核实后重新汇出，如账户有变更请联系客服。", 1)        \
    X(PARCEL_PROBLEM, 1, "您的证书订单{1}的快递（{2}单号{3}）派送异常，请保持电话畅通或联系快递公司。", 3)   \
    X(PARCEL_RETURNED, 1,                                                                                    \
      "您的证书订单{1}的快递（{2}单号{3}）已被退回，我们将重新寄出，如需更改地址请联系客服。", 3)            \
    X(PARCEL_LOST, 1, "您的证书订单{1}的快递（{2}单号{3}）已确认遗失，我们将与您联系处理。", 3)              \
    X(INVOICE_FAILED, 1, "您的证书订单{1}的发票未能开具，请登录核对开票信息后重新提交。", 1)                 \
    X(ORDER_RECEIVED, 1, "您的证书订单{1}已签收，办理完成。", 1)                                             \
    X(ORDER_CANCELLED, 1, "您的证书订单{1}已取消，已支付的{2}元将原路退回，请留意到账通知。", 2)             \
    X(CANCELLED_REST, 1, "您的证书订单{1}已取消，已支付的款项中尚余{2}元将退还，请留意到账通知。", 2)        \
    X(ORDER_CLOSED, 1, "您的证书订单{1}已由受理机构关闭，如有疑问请联系客服。", 1)                           \
    X(REFUND_DONE, 1, "您的证书订单{1}的款项{2}元已原路退回，请查收。", 2)                                   \
    X(PAID_DOWNLOAD, 1, "您的证书订单{1}已支付{2}元，现在即可登录并下载证书。", 2)                           \
    X(PAID_POST, 2, "您的证书订单{1}已支付{2}元，UKEY将在{3}个工作日内寄出。", 3)                            \
    X(APPROVED_DOWNLOAD, 1, "您的证书订单{1}已审核通过，请登录并下载证书。", 1)                              \
    X(CERTIFICATE_DOWNLOADED, 1,                                                                             \
      "您的证书订单{1}的证书（序列号{2}）已下载，办理完成。如非本人操作请立即联系客服。", 2)                 \
    X(CLOUD_BOUND, 1, "您的云证书（序列号{1}）已绑定到您的账号，可用于登录。如非本人操作请立即解绑。", 1)    \
    X(REFUND_BY_HAND, 1, "您的证书订单{1}的款项{2}元已退还，请查收；如未收到请联系客服。", 2)                \
    X(PARTLY_REFUNDED, 1,                                                                                    \
      "您的证书订单{1}截至目前累计退款{2}元，订单不受影响；如与实际到账不符请联系客服。", 2)

/* Earlier versions, same columns: what was queued by them goes out by them. A row may go when no job of it
 * can wait any more. */
#define SMS_OLD_TABLE(X)                                                                                     \
    X(ORDER_PAID, 1, "您的证书订单{1}已支付{2}元，我们将在3-5个工作日内完成审核。", 2)                       \
    X(PAPERS_ARRIVED, 1, "您的证书订单{1}的纸质材料已收到，我们将在3-5个工作日内完成审核。", 1)              \
    X(ORDER_APPROVED, 1, "您的证书订单{1}已审核通过，UKEY将在5个工作日内寄出。", 1)                          \
    X(PAID_POST, 1, "您的证书订单{1}已支付{2}元，UKEY将在5个工作日内寄出。", 2)                              \
    X(ORDER_REFUSED, 1, "您的证书订单{1}的资料需要修改：{2}。请登录后重新提交。", 2)

enum sms_template {
#define X(name, version, text, n) SMS_##name,
    SMS_TABLE(X)
#undef X
    SMS_TEMPLATES
};

/* X(name, version, subject, text with {1}, {2} …, number of parameters). {1} is the person's name, {2} the
 * order. */
#define MAIL_TABLE(X)                                                                                                                             \
    X(ORDER_PAID, 2, "证书订单已支付",                                                                                                            \
      "{1}，您好：\n\n您的证书订单{2}已支付{3}元，我们将在{4}"                                                                 \
      "个工作日内完成审核，审核结果将以邮件和短信告知。\n",                                                                                       \
      4)                                                                                                                                          \
    X(PAPERS_WANTED, 2, "请邮寄证书申请材料",                                                                                                     \
      "{1}，您好：\n\n您的证书订单{2}已支付{3}元。请打印证书申请表，签字盖章后连同鉴证材料邮寄至：\n\n{4}" \
      "\n\n"                                                                                                                                      \
      "我们将在收到材料后{5}个工作日内完成审核，审核结果将以邮件和短信告知。\n",                                                                  \
      5)                                                                                                                                          \
    X(PAPERS_ARRIVED, 2, "证书申请材料已收到",                                                                                                    \
      "{1}，您好：\n\n您的证书订单{2}的纸质材料已收到，我们将在{3}"                                                        \
      "个工作日内完成审核，审核结果将以邮件和短信告知。\n",                                                                                       \
      3)                                                                                                                                          \
    X(ORDER_APPROVED, 2, "证书订单审核通过",                                                                                                      \
      "{1}，您好：\n\n您的证书订单 {2} 已审核通过，UKEY 将在{4}个工作日内寄出。\n{3}", 4)                                                         \
    X(ORDER_REFUSED, 2, "证书订单资料需要修改",                                                                                                   \
      "{1}，您好：\n\n您的证书订单 {2} "                                                                                                \
      "的以下资料需要修改：\n\n{3}\n请登录后在“未完成订单”中重新提交。\n{4}",                                                                     \
      4)                                                                                                                                          \
    X(PAPERS_REFUSED, 2, "证书订单资料需要修改",                                                                                                  \
      "{1}，您好：\n\n您的证书订单 {2} "                                                                                                \
      "的纸质材料需要修改：\n\n{3}\n请更正后重新邮寄至：\n\n{4}\n\n无需再次支付。\n",                                                             \
      4)                                                                                                                                          \
    X(ORDER_SHIPPED, 1, "UKEY 已寄出",                                                                                                            \
      "{1}，您好：\n\n您的证书订单 {2} 的 UKEY 已由{3}寄出，快递单号 {4}。\n", 4)                                                                 \
    X(ORDER_RECEIVED, 1, "证书订单已签收", "{1}，您好：\n\n您的证书订单 {2} 的 UKEY 已签收，办理完成。\n",                                        \
      2)                                                                                                                                          \
    X(PARCEL_PROBLEM, 1, "UKEY 派送异常",                                                                                                         \
      "{1}，您好：\n\n您的证书订单 {2} 的 UKEY（{3}，快递单号 "                                                                  \
      "{4}）派送异常，请保持电话畅通或联系快递公司。\n{5}",                                                                                       \
      5)                                                                                                                                          \
    X(PARCEL_RETURNED, 1, "UKEY 已被退回",                                                                                                        \
      "{1}，您好：\n\n您的证书订单 {2} 的 UKEY（{3}，快递单号 "                                                                  \
      "{4}）已被退回，我们将重新寄出，如需更改地址请联系客服。\n",                                                                                \
      4)                                                                                                                                          \
    X(PARCEL_LOST, 1, "UKEY 邮寄遗失",                                                                                                            \
      "{1}，您好：\n\n您的证书订单 {2} 的 UKEY（{3}，快递单号 {4}）已确认遗失，我们将与您联系处理。\n", 4)                                        \
    X(CERTIFICATE_DOWNLOADED, 1, "证书已下载",                                                                                                    \
      "{1}，您好：\n\n您的证书订单 {2} 的证书（序列号 "                                                                          \
      "{3}）已下载，办理完成。如非本人操作请立即联系客服。\n",                                                                                    \
      3)                                                                                                                                          \
    X(DEPOSIT_SENT, 1, "核验打款已汇出",                                                                                                          \
      "{1}，您好：\n\n您的证书订单 {2} 的核验打款（0.01 "                                                                         \
      "元左右）已汇出，请在收款记录中查看{3}，登录后填写。到账可能需要数小时。\n",                                                                \
      3)                                                                                                                                          \
    X(DEPOSIT_FAILED, 1, "核验打款未成功",                                                                                                        \
      "{1}，您好：\n\n您的证书订单 {2} 的核验打款未成功，请登录核对账户信息后重新提交。\n", 2)                                                    \
    X(DEPOSIT_UNDONE, 1, "打款核验未能完成",                                                                                                      \
      "{1}，您好：\n\n您的证书订单 {2} 的打款核验未能完成，请登录后重新提交。\n", 2)                                                              \
    X(DEPOSIT_EXPIRED, 1, "打款核验已过期",                                                                                                       \
      "{1}，您好：\n\n您的证书订单 {2} 的打款核验已过期，请登录后重新提交。\n", 2)                                                                \
    X(PIN_SENT, 1, "证书密码已汇出",                                                                                                              \
      "{1}，您好：\n\n您的证书订单 {2} 的证书（介质号 {3}）密码已随 0.01 "                                                  \
      "元打款汇出，请在收款记录的附言中查看。到账可能需要数小时。\n",                                                                             \
      3)                                                                                                                                          \
    X(PIN_BOUNCED, 1, "证书密码打款被退回",                                                                                                       \
      "{1}，您好：\n\n您的证书订单 {2} 的证书（介质号 "                                                                          \
      "{3}）密码打款被银行退回，我们将核实后重新汇出，如账户有变更请联系客服。\n",                                                                \
      3)                                                                                                                                          \
    X(INVOICE_FAILED, 1, "发票未能开具",                                                                                                          \
      "{1}，您好：\n\n您的证书订单 {2} 的发票未能开具{3}，请登录核对开票信息后重新提交。\n", 3)                                                   \
    X(ORDER_CANCELLED, 1, "证书订单已取消",                                                                                                       \
      "{1}，您好：\n\n您的证书订单{2}已取消，已支付的{3}元将原路退回，请留意到账通知。\n", 3)                                                     \
    X(CANCELLED_REST, 1, "证书订单已取消",                                                                                                        \
      "{1}，您好：\n\n您的证书订单{2}已取消，已支付的款项中尚余{3}元将退还，请留意到账通知。\n", 3)                                               \
    X(REFUND_DONE, 1, "款项已退回", "{1}，您好：\n\n您的证书订单{2}的款项{3}元已原路退回，请查收。\n", 3)                                         \
    X(PAID_DOWNLOAD, 1, "证书订单已支付",                                                                                                         \
      "{1}，您好：\n\n您的证书订单{2}已支付{3}元，现在即可登录，在“未完成订单”中下载证书。\n", 3)                                                 \
    X(PAID_POST, 2, "证书订单已支付",                                                                                                             \
      "{1}，您好：\n\n您的证书订单{2}已支付{3}元，UKEY 将在{4}个工作日内寄出。\n", 4)                                                             \
    X(APPROVED_DOWNLOAD, 1, "证书订单审核通过",                                                                                                   \
      "{1}，您好：\n\n您的证书订单 {2} 已审核通过，请登录后在“未完成订单”中下载证书。\n{3}", 3)                                                   \
    X(REFUND_BY_HAND, 1, "款项已退还",                                                                                                            \
      "{1}，您好：\n\n您的证书订单{2}的款项{3}元已退还，请查收；如未收到请联系客服。\n", 3)                                                       \
    X(PARTLY_REFUNDED, 1, "证书订单退款情况",                                                                                                     \
      "{1}，您好：\n\n您的证书订单{2}截至目前累计退款{3}"                                                                       \
      "元，订单和发票不受影响；如与实际到账不符请联系客服。\n",                                                                                   \
      3)

enum {
    MAIL_PARAMS_MAX = 9, /* the places that a text can name */
    NOTICE_WORDS = 40,   /* characters of free text in a parameter of an SMS; the whole SMS has 500 */
};

enum mail_template {
#define X(name, version, subject, text, n) MAIL_##name,
    MAIL_TABLE(X)
#undef X
    MAIL_TEMPLATES
};

/* dedupe: "approved:ord_…:7"; an event that was told is never told again. object: the order or account it is
 * about. params are text, as many as the template has (of an SMS at most 4). */
enum err notice_sms(struct ctx *c, const char *phone, enum sms_template t, const char *const *params,
                    const char *dedupe, const char *object);
/* The same by mail; what it says is written down now, whatever the template says later. html is made from the
 * text. Parameters may be of several lines. */
enum err notice_mail(struct ctx *c, const char *address, enum mail_template t, const char *const *params,
                     const char *dedupe, const char *object);

size_t notice_mail_params(enum mail_template t);
/* A person's text as a parameter of an SMS: one line, at most NOTICE_WORDS characters, the last of them "…"
 * when it is longer. */
const char *notice_words(struct arena *a, const char *text);

/* Name, wording and number of parameters of template i, old versions among them; NULL past the end. For
 * `certdeskd notices`, whose output is what has to be registered with the SMS provider. */
const char *notice_template(size_t i, const char **text, size_t *n_params);
/* The name of a version at the provider: NAME of the first, NAME_2 of the second. */
const char *notice_registered(struct arena *a, const char *name, int version);

/* The jobs "sms.send" and "mail.send". */
extern const struct job_kind *const notice_jobs[];
extern const size_t notice_jobs_n;

#endif
