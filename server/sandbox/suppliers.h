/* suppliers.h - the suppliers that this program plays; each in its own file, none knows another.
 *
 * Sources of every rule: providers.md, cited in each file; the suppliers' own SDKs are the judges
 * (tests/provider).
 */
#ifndef CERTDESK_SANDBOX_SUPPLIERS_H
#define CERTDESK_SANDBOX_SUPPLIERS_H

#include "sandbox/sandbox.h"

/* Tencent Cloud: faceid, ocr, sms (tencent.c). */
const char *tencent_action(struct request *r);
void tencent_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* WeChat Pay v3 (wechat.c). Actions: order, query, close, refund, refund_query, bill, bill_file,
 * certificates. */
const char *wechat_action(struct request *r);
void wechat_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* Alipay (alipay.c). Actions: precreate, query, close, cancel, refund, refund_query, bill, bill_file. */
const char *alipay_action(struct request *r);
void alipay_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* kuaidi100 (kuaidi100.c). Actions: query, subscribe. */
const char *kuaidi100_action(struct request *r);
void kuaidi100_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* Nuonuo (nuonuo.c). Actions: token, file, and the services' names without their family. */
const char *nuonuo_action(struct request *r);
void nuonuo_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* e签宝 (esign.c). Actions: telecom3Factors, bank4Factors, bureau4Factors, face, face_query, fourFactors,
 * subbranch, transferRandomAmount, transferProcess, verifyRandomAmount. */
const char *esign_action(struct request *r);
void esign_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

/* One that speaks the desk's own protocol (generic.c). Actions: phone3, bank4, enterprise4, face_start,
 * face_query. */
const char *generic_action(struct request *r);
void generic_serve(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);

#endif
