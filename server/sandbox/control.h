/* control.h - /sim/…: what people, the weather and tests do to the outside world; and the page for people.
 *
 *   GET  /sim/health                 {"ok":true,"now_ms":…}
 *   GET  /sim/sms?phone=&after=      messages on a phone (any form of the number), oldest first
 *   POST /sim/sms/templates          {"templates":{"1001":"您的验证码是{1}"}}: from now on only these
 *   GET|POST /sim/people             {"name","id_number","phone"} or a list of them; see register.h
 *   GET|POST /sim/companies          {"credit_code","name","legal_rep","legal_rep_id","operating_status"}
 *   GET|POST /sim/cards              {"card_number","name","id_number","phone","state"}
 *   GET  /sim/face?token=&name=      liveness sessions; POST {"token" or "name","outcome"}: see face.h
 *   GET|POST /face/<token>           the page of a session
 *   GET  /sim/esign/transfers?flow=&our_no=, POST /sim/esign/transfer; see esign.h
 *   GET  /sim/wechat/orders, POST /sim/wechat/pay {"out_trade_no"}
 *   GET  /sim/wechat/refunds
 *   GET  /sim/alipay/orders, /sim/alipay/refunds
 *   POST /sim/alipay/scan {"out_trade_no"}, /sim/alipay/pay {"out_trade_no"} (which scans first)
 *   GET  /sim/kuaidi100/parcels
 *   POST /sim/kuaidi100/advance      {"number","state","context","company","location"}
 *   GET  /sim/nuonuo/invoices
 *   POST /sim/nuonuo/expire          {"what":"tokens"|"links"}
 *   POST /sim/nuonuo/void            {"order_no"}
 *   GET  /sim/mails?to=&after=       {"mails":[{"seq","from","to","subject","text","attachments","file",…}]}
 *   GET  /sim/log?provider=&action=&after=
 *                                    every call: {"calls":[…],"counts":{"tencent.SendSms":2,…}}
 *   GET  /sim/deliveries             callbacks that wait
 *   GET|POST /sim/fault              {"provider","action","kind","count","ms"}; see call.h and each supplier
 *   POST /sim/config                 {"callback_scale":0.001,"refund_ms":0,"alipay_refund_ms":0,
 *                                     "nuonuo_ms":2000,"nuonuo_token_s":86400,
 *                                     "wechat_serial":"certificate"}
 *   POST /sim/reset                  forgets everything but keys and ports
 *
 * Lists come as {"<what>":[…]}. Errors are {"error":"…"} with 400, 404 or 409.
 */
#ifndef CERTDESK_SANDBOX_CONTROL_H
#define CERTDESK_SANDBOX_CONTROL_H

#include "sandbox/sandbox.h"

/* Serves /sim/… and the page. */
void control_serve(struct sandbox *sb, struct request *r, struct reply *p);

/* The page (page.c). Lock held. */
void page_serve(struct sandbox *sb, struct request *r, struct reply *p);

#endif
