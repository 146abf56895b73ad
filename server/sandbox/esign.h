/* esign.h - e签宝's identity service v2 between its parts: who calls, answers, flows, callbacks.
 *
 * providers.md 5 and the supplier's documents (open.esign.cn/doc/opendoc/identity_service). HTTP is 200 when
 * the gateway let the call through; {"code":0,"message":…,"data":{…}} tells the rest. A signature covers
 * method, body and address, but neither time nor a number of the call: repeats cannot be told from replays,
 * and are not.
 *
 * What is steered:
 *
 *   GET  /sim/esign/transfers?flow=&our_no=     with the amount that a person would read in the bank's app
 *   POST /sim/esign/transfer {"flow" or "our_no", "outcome":"sent"|"fail"}
 *   POST /sim/config {"transfer":"wait"}        the bank says nothing until it is told so
 *   POST /sim/config {"esign_details":true}     bureau4Factors says what differs, and how the company is
 *   POST /sim/fault  busy (30500000), fail (HTTP 500), rate_limited, daily_limit, arrears, bad_signature,
 *                    closed (the bank refuses the account), and of action "callback": never, twice, late,
 *                    forged, unsigned, stale
 */
#ifndef CERTDESK_SANDBOX_ESIGN_H
#define CERTDESK_SANDBOX_ESIGN_H

#include "sandbox/call.h"

/* One call that the gateway let through. */
struct es_call {
    struct sandbox *sb;
    struct request *r;
    struct reply *p;
    const struct plan *plan;
    const json_t *in; /* the body; NULL for a GET */
    const char *flow; /* from the path; "" when the path has none */
    bool detail;      /* the path ended with /detail */
};

/* Answer. data is taken over; NULL: null. */
void es_ok(struct es_call *c, json_t *data);
void es_error(struct es_call *c, int64_t code, const char *message, json_t *data);
bool es_planned(const struct es_call *c, const char *kind);
/* Text of the body's member, "" when it is none. */
const char *es_in(const struct es_call *c, const char *name);
/* False, and answered, when one of the named members (a list that ends with NULL) is missing or empty. */
bool es_need(struct es_call *c, const char *const *names);
/* 18 digits. */
const char *es_new_flow(struct es_call *c);

/* Handlers (esign_verify.c, esign_face.c, esign_transfer.c). */
void es_telecom3(struct es_call *c);
void es_bank4(struct es_call *c);
void es_bureau4(struct es_call *c);
void es_face(struct es_call *c);
void es_face_query(struct es_call *c);
void es_four_factors(struct es_call *c);
void es_subbranch(struct es_call *c);
void es_pay(struct es_call *c);
void es_process(struct es_call *c);
void es_confirm(struct es_call *c);

/* A face session of this supplier ended. Lock held, as for all below. */
void es_face_done(struct sandbox *sb, const json_t *session);
/* The bank says so; NULL when done, else why not. flow NULL: the newest with this number of ours. */
const char *es_bank(struct sandbox *sb, const char *flow, const char *our_no, const char *outcome);
/* Calls back (esign_notify.c); body is taken over. "" as url: nobody is called. */
void es_notify(struct sandbox *sb, const char *url, json_t *body);

#endif
