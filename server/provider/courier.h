/* courier.h - where is the parcel? (S29)
 *
 * Subscribe once for pushes; ask when no push came. Every answer carries the whole list of events, newest
 * first: replace what is stored, do not append.
 */
#ifndef CERTDESK_PROVIDER_COURIER_H
#define CERTDESK_PROVIDER_COURIER_H

#include "provider/provider.h"

enum courier_state {
    COURIER_UNKNOWN, /* no record yet, or a state that we do not know */
    COURIER_PICKED_UP,
    COURIER_IN_TRANSIT,
    COURIER_DELIVERING,
    COURIER_SIGNED,
    COURIER_PROBLEM,
    COURIER_REFUSED,
    COURIER_RETURNING,
    COURIER_RETURNED, /* the sender has it again */
    COURIER_FORWARDED,
    COURIER_CUSTOMS,
};

struct courier_parcel {
    const char *company; /* "shunfeng", "ems" */
    const char *number;
    const char *phone; /* of sender or receiver; its last 4 digits are compulsory for SF; may be NULL */
};

struct courier_event {
    int64_t time_ms;
    const char *text, *location; /* UTF-8, "" when not told */
    enum courier_state state;    /* COURIER_UNKNOWN when the event says none */
};

struct courier_track {
    enum courier_state state;
    bool receipt_checked; /* the courier confirms the signature */
    const char *company, *number;
    size_t n_events;
    const struct courier_event *events; /* newest first */
    struct provider_trace trace;
};

enum courier_watch {
    COURIER_WATCH_POLLING,  /* more will come */
    COURIER_WATCH_SHUTDOWN, /* delivered: nothing more will come */
    COURIER_WATCH_ABORT, /* given up without a record: if the number is right, wait 30 min, subscribe again */
    COURIER_WATCH_UPDATE, /* the list was corrected after the end */
};

struct courier_push {
    enum courier_watch watch;
    struct courier_track track;
};

struct courier_ops {
    const char *name; /* "kuaidi100" */
    /* Asks for pushes to callback_url, signed with the salt (keep it; 1-64 ASCII letters and digits). OK also
     * when the parcel was subscribed before. ERR_PROVIDER_REFUSED: this courier or number is not supported.
     */
    enum err (*subscribe)(void *self, const struct courier_parcel *p, const char *callback_url,
                          const char *salt, struct arena *a, struct provider_trace *trace, struct fault *f);
    /* OK with COURIER_UNKNOWN and no events when there is no record yet. At most every 30 minutes a parcel.
     */
    enum err (*query)(void *self, const struct courier_parcel *p, struct arena *a, struct courier_track *out,
                      struct fault *f);
    /* Verifies a push with the salt of its subscription (say in the callback URL's path which one that is),
     * then parses it. Unsigned pushes are refused. ERR_SIGNATURE_BAD, ERR_INVALID. No network. */
    enum err (*push_verify)(void *self, const struct provider_pair *form, size_t n_form, const char *salt,
                            struct arena *a, struct courier_push *out, struct fault *f);
    void (*close)(void *self);
};

struct courier_port {
    const struct courier_ops *ops;
    void *self;
    bool simulator;
};

/* "IN_TRANSIT", …. Static storage. */
const char *courier_state_name(enum courier_state s);

#endif
