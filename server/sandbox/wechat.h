/* wechat.h - WeChat Pay v3 between its parts: who calls, signed answers, orders, refunds, bills, callbacks.
 *
 * providers.md 1. The clock of an order: its code lives 2 hours, the order itself until time_expire or 7
 * days. Sections of the state: wechat_orders by out_trade_no, wechat_refunds by out_refund_no, wechat_nonces.
 */
#ifndef CERTDESK_SANDBOX_WECHAT_H
#define CERTDESK_SANDBOX_WECHAT_H

#include "sandbox/sandbox.h"

/* One call that was proved to be the merchant's. */
struct wx_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const struct plan *plan;
    const json_t *in;     /* the body of a POST, NULL for a GET */
    const char *argument; /* the number in the path, decoded; "" when the path has none */
};

/* Answers and signs; takes the fields over. fields NULL: 204 without a body. */
void wx_ok(struct wx_call *c, json_t *fields);
/* Error body as in providers.md 1.7; field may be NULL. */
void wx_error(struct wx_call *c, unsigned status, const char *code, const char *field, const char *message);

/* Signs text of the platform: the four headers' values. `forged` signs with a key that nobody should trust.
 */
struct wx_signature {
    const char *timestamp, *nonce, *serial, *signature;
};
struct wx_signature wx_sign(struct sandbox *sb, struct arena *a, const char *body, const char *serial,
                            bool forged);
/* The serial under which the platform signs when nobody asks for one: POST /sim/config
 * {"wechat_serial":"public_key"|"certificate"}. */
const char *wx_serial(struct sandbox *sb);

/* Handlers (wechat_order.c, wechat_refund.c, wechat_bill.c). */
void wx_place(struct wx_call *c);
void wx_query(struct wx_call *c);
void wx_query_id(struct wx_call *c);
void wx_close(struct wx_call *c);
void wx_refund(struct wx_call *c);
void wx_refund_query(struct wx_call *c);
void wx_bill(struct wx_call *c);
void wx_bill_file(struct wx_call *c);
void wx_certificates(struct wx_call *c);

/* The order with its state brought up to now; borrowed, NULL when unknown. Lock held. */
json_t *wx_order(struct sandbox *sb, const char *out_trade_no);
/* The transaction object of providers.md 1.5. The caller owns it. */
json_t *wx_transaction(const json_t *order);
/* The payer pays. NULL when done, else why not. Lock held. */
const char *wx_pay(struct sandbox *sb, const char *out_trade_no);
/* An ABNORMAL refund is paid out by hand. NULL when done, else why not. Lock held. */
const char *wx_payout(struct sandbox *sb, const char *out_refund_no);
/* "SUCCESS", "PROCESSING", …: where a refund (of section wechat_refunds) is now. */
const char *wx_refund_status(const json_t *refund);

/* Tells the merchant: event type, what kind of object, its notify_url and the object (taken over). Faults of
 * action "callback" apply. delay_ms by the sandbox's clock. Lock held. */
void wx_notify(struct sandbox *sb, const char *type, const char *summary, const char *original,
               const char *url, json_t *resource, int64_t delay_ms);

#endif
