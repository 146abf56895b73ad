/* deliver.h - calls from the suppliers to the system: kept until they are answered, tried again on schedule.
 *
 * One thread; a delivery is due by the sandbox's clock (CERTDESK_CLOCK moves it). Only loopback is ever
 * called. What is sent is built at the moment of sending, because signatures carry the time.
 */
#ifndef CERTDESK_SANDBOX_DELIVER_H
#define CERTDESK_SANDBOX_DELIVER_H

#include "sandbox/sandbox.h"

/* What one attempt sends. Text in the arena. */
struct parcel {
    const char *type; /* Content-Type */
    const char *body;
    const char *headers[8]; /* "Name: value" */
    size_t n_headers;
};

/* How one supplier calls back. */
struct caller {
    const char *name, *action;                       /* "wechat", "callback": in faults and log */
    const int *schedule_s;                           /* pauses after failed attempts; ends with 0 */
    bool (*accepted)(long status, const char *body); /* the answer that ends it */
    /* Lock held. */
    void (*build)(struct sandbox *sb, struct arena *a, const json_t *event, const char *trick,
                  struct parcel *out);
};

struct deliver *deliver_start(struct sandbox *sb);
void deliver_stop(struct deliver *d); /* sb->stopping must be true */

/* Queues an event (taken over; any JSON that the caller's build understands) to be sent to the URL after
 * delay_ms. trick: what build() is to do wrong, "" for nothing; a trick is sent once and never again. Lock
 * held. */
void deliver_queue(struct sandbox *sb, const struct caller *c, const char *url, json_t *event,
                   const char *trick, int64_t delay_ms);

#endif
