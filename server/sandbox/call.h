/* call.h - a call from the system to a supplier: faults that were ordered, the supplier's answer, the log.
 *
 * A fault is ordered with POST /sim/fault and used up by the calls it names. What the kinds do to a call:
 *
 *   lose_request   the connection ends, nothing happened
 *   timeout        the same after `ms` (30 000) of silence
 *   lose_answer    everything happened, the connection ends without an answer
 *   slow           everything happened, the answer comes after `ms` (3000)
 *   garbage        everything happened, the answer is a proxy's error page with status 200
 *   fail, busy, rate_limited, bad_signature, …   the supplier's own way of saying so; see each supplier
 */
#ifndef CERTDESK_SANDBOX_CALL_H
#define CERTDESK_SANDBOX_CALL_H

#include "sandbox/sandbox.h"

struct supplier {
    const char *host; /* first label of its name here: "sms" */
    const char *name; /* in faults and log: "tencent" */
    /* The name of what is asked for: "SendSms", "order". In the arena or static. */
    const char *(*action)(struct request *r);
    /* Answers. Called with the lock held; fills p and what the log says. */
    void (*serve)(struct sandbox *sb, struct request *r, const struct plan *plan, struct reply *p);
};

/* NULL when nobody has this name. */
const struct supplier *supplier_by_host(const char *label, size_t n);

void call_serve(struct sandbox *sb, const struct supplier *s, struct request *r, struct reply *p);

/* Uses up one fault ordered for this supplier and action; kind "" when there is none. Faults without an
 * action mean any call, but no push (callback, push) and no result. Lock held. */
struct plan fault_take(struct sandbox *sb, const char *supplier, const char *action);

/* A line in GET /sim/log. Takes inputs over. Lock held. */
void call_log(struct sandbox *sb, const char *supplier, const char *action, const char *request_id,
              const char *outcome, const char *fault, json_t *inputs);

#endif
