/* alipay.h - Alipay's v2 gateway between its parts: who calls, signed answers, trades, refunds, bills,
 * callbacks.
 *
 * providers.md 2. A code lives 2 hours; the trade that its scanning makes lives until time_expire, or for
 * what timeout_express says, or 3 hours. Sections of the state: alipay_trades by out_trade_no, alipay_refunds
 * by "out_trade_no/out_request_no", alipay_bills.
 *
 * Faults of calls besides call.h's:
 *
 *   fail            code 20000, nothing happened
 *   busy            ACQ.SYSTEM_ERROR, nothing happened
 *   doubtful        ACQ.SYSTEM_ERROR, everything happened
 *   rate_limited    code 40005
 *   bad_signature   signed by a stranger
 *   unsigned        no signature
 *   reserialised    the same JSON value in other octets than were signed
 *   paid_first      (precreate) somebody pays, and that is told, before the answer leaves (`ms`, 1000)
 *   closed          (refund) accepted, and forgotten: no money moves
 */
#ifndef CERTDESK_SANDBOX_ALIPAY_H
#define CERTDESK_SANDBOX_ALIPAY_H

#include "sandbox/sandbox.h"

enum {
    ALI_PARAMS = 64
};

/* One call that was proved to be the merchant's. */
struct ali_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const struct plan *plan;
    struct param params[ALI_PARAMS]; /* of query and body */
    size_t n_params;
    const char *method; /* "alipay.trade.query"; "" when unknown */
    const json_t *in;   /* biz_content */
};

/* Value of a common parameter, "" when it did not come. */
const char *ali_param(const struct ali_call *c, const char *name);
/* Answers with code 10000 and these fields (taken over; NULL: none), signed. */
void ali_ok(struct ali_call *c, json_t *fields);
/* Answers with an error; signed, unless the caller is nobody. */
void ali_error(struct ali_call *c, const char *code, const char *sub_code, const char *text);

/* name=value of all parameters with a value, sorted, without sign and, unless with_type, sign_type. */
const char *ali_text(struct arena *a, const struct param *params, size_t n, bool with_type);

/* Fen of "280.00", -1 when it is no amount; and back. */
int64_t ali_fen(const char *yuan);
const char *ali_yuan(struct arena *a, int64_t fen);

/* Handlers (alipay_trade.c, alipay_refund.c, alipay_bill.c). */
void ali_precreate(struct ali_call *c);
void ali_query(struct ali_call *c);
void ali_close(struct ali_call *c);
void ali_cancel(struct ali_call *c);
void ali_refund(struct ali_call *c);
void ali_refund_query(struct ali_call *c);
void ali_bill(struct ali_call *c);
/* Not of the gateway: the address that ali_bill() named. */
void ali_bill_file(struct sandbox *sb, struct request *r, struct reply *p);

/* The trade with its state brought up to now; borrowed, NULL when there is neither trade nor code. States:
 * "CODE" (nobody has scanned it: to callers there is no trade), WAIT_BUYER_PAY, TRADE_SUCCESS, TRADE_CLOSED.
 * Lock held, as for all below. */
json_t *ali_trade(struct sandbox *sb, const char *out_trade_no);
/* The one that a call names by out_trade_no or trade_no and that was scanned; NULL: ACQ.TRADE_NOT_EXIST. */
json_t *ali_named(struct ali_call *c);
bool ali_is(const json_t *trade, const char *state);
void ali_move(struct sandbox *sb, json_t *trade, const char *state);
/* The payer scans, or scans and pays. NULL when done, else why not. */
const char *ali_scan(struct sandbox *sb, const char *out_trade_no);
const char *ali_pay(struct sandbox *sb, const char *out_trade_no);

/* Gives back and tells. The number is new for the trade, the amount fits. */
void ali_give_back(struct sandbox *sb, json_t *trade, const char *request_no, int64_t fen, int64_t wait_ms);
bool ali_refund_done(const json_t *refund);
/* Sum of a trade's refunds. */
int64_t ali_refunded(struct sandbox *sb, const char *out_trade_no);

/* Tells the merchant where a trade is now; refund NULL: it was paid. Faults of action "callback" apply. */
void ali_notify(struct sandbox *sb, const json_t *trade, const json_t *refund, int64_t delay_ms);

#endif
