/* refund.h - money on its way back: one refund a capture, whole (S10, S15).
 *
 * What cannot settle its order is given back by itself after a short grace; a cancelled order's money at
 * once; the rest by a person. Our number (out_refund_no) is the refund's id for as long as the provider has
 * not closed a refund under it, so that a repeat never gives twice. A capture of no payment of ours waits for
 * a person.
 */
#ifndef CERTDESK_PAYMENT_REFUND_H
#define CERTDESK_PAYMENT_REFUND_H

#include "core/machine.h"
#include "payment/payment_store.h"

/* proto RefundState. (The adapters' own states, provider/payment.h, are what a provider says.) */
enum refund_state {
    REFUND_IS_REQUESTED = 1,
    REFUND_IS_PROCESSING,
    REFUND_IS_DONE,
    REFUND_IS_ABNORMAL,
    REFUND_IS_CLOSED,
    REFUND_IS_STOPPING, /* asked for no more; does the provider have it? */
};

enum refund_event {
    REFUND_EV_ACCEPTED = 1, /* the provider has it */
    REFUND_EV_DONE,
    REFUND_EV_ABNORMAL, /* the payer's account cannot take it: somebody pays it out at the provider's desk */
    REFUND_EV_CLOSED,   /* the provider ended it without paying; another one has the next number */
    REFUND_EV_REFUSED,  /* the provider never took it: another try has the same number */
    REFUND_EV_RETRIED,  /* a person decided so */
    REFUND_EV_RECORDED, /* a person says that the payer has the money */
    REFUND_EV_STOPPED,  /* a person decided that it is sent no more */
    REFUND_EV_ABSENT,   /* after that: the provider does not have it; another try has the same number */
    REFUND_EV_LAST = REFUND_EV_ABSENT,
};

struct refund {
    char id[ID_SIZE], capture[ID_SIZE];
    const char *order; /* "" for a capture of no payment of ours */
    int provider;
    const char *payment_id; /* as the provider has it */
    int64_t amount_fen;
    int number;
    enum refund_state state;
    const char *reason;      /* "ORDER_CANCELLED", "STAFF", or why the capture was held */
    const char *note;        /* in the words of who asked; for staff only */
    const char *asked_by;    /* stf_…, acc_…, "system" */
    const char *error;       /* what the provider said last; "" for nothing bad */
    const char *provider_no; /* its own number, "" before it has one */
    bool by_hand;            /* a person recorded it */
    int64_t hand_fen;        /* of these, what the desk paid by another way than the provider's */
    const char *reference;   /* how, in the words of who recorded it; for staff only */
    int64_t due_ms, accepted_ms, done_ms, created_ms, version;
    int64_t sent_ms; /* when the provider was last asked to make it, or might have been; 0: never */
};

extern const struct machine refund_machine;
const char *refund_state_name(int state); /* "PROCESSING" */

/* What is learnt with a move; NULL members stay as they are. */
struct refund_change {
    const char *error, *provider_no, *note, *asked_by;
    const char *reference; /* with hand_fen: recorded by a person */
    int64_t hand_fen;
    const char *detail; /* of the audit row */
};
/* Moves r by event with its audit row. */
enum err refund_move(struct ctx *c, struct refund *r, enum refund_event event,
                     const struct refund_change *ch);

/* -- verbs, inside a transaction --------------------------------------------------------------------------
 */

/* Gives a capture back, not before due_ms (0: now). The refund that is there already is OK. */
enum err refund_request(struct ctx *c, const struct capture *cap, const char *reason, const char *note,
                        int64_t due_ms, struct refund *out);
/* A capture that was held: given back after the grace, when it can be. */
enum err refund_held(struct ctx *c, const struct capture *cap);
/* All of a held capture that nobody asked back is back already, by the provider's word. */
enum err refund_returned(struct ctx *c, const struct capture *cap, struct refund *out);
/* A person's decision: a capture of the payment (or the one that is named) is given back, or a refund that
 * stuck is tried again. An order that it had settled is given up with it. One of payment_id and capture_id
 * may be "". */
enum err refund_by_staff(struct ctx *c, const char *payment_id, const char *capture_id, const char *why,
                         struct capture *cap, struct refund *out);

/* A person's decision: the refund that is REQUESTED, or PROCESSING with an error, is sent no more. The
 * provider is asked, once nothing that was sent can be under way, whether it has it; by that it goes on, or
 * is CLOSED and may be recorded. One that is STOPPING stays so. PAYMENT_STATE for any other. */
enum err refund_stop(struct ctx *c, const char *capture_id, const char *why, struct capture *cap,
                     struct refund *out);

/* A person's word that the payer has all of a capture back: hand_fen of it by another way than the provider's
 * (reference says how), the rest at the provider's own desk. provider_fen: that rest; 0: what the bills tell
 * of. The two must be the whole. For a refund that ended ABNORMAL or CLOSED, and for a held capture that
 * nobody asked back; its order goes on as with any refund. PAYMENT_STATE for any other. */
struct by_hand {
    const char *capture, *reference, *why;
    int64_t hand_fen, provider_fen;
};
enum err refund_record(struct ctx *c, const struct by_hand *h, struct capture *cap, struct refund *out);

/* What a provider says about it: by asking, never by a callback's word. */
struct refund_answer {
    enum refund_event event; /* 0: nothing new */
    const char *error, *provider_no;
    bool paid_twice; /* recorded by hand, and the provider gave back another part of it: this one */
    int64_t fen;
};
enum err refund_learn(struct ctx *c, struct refund *r, const struct refund_answer *a);
/* The next look; n counts those in this state. A hint's look stands beside them and leads to no other. */
enum err refund_look_later(struct ctx *c, const struct refund *r, int n);
/* From then on nothing that was sent of it can be under way: a job's lease and a call's limits are shorter.
 * What the provider does not have then it will not have, as long as nothing more is sent. Of one that is
 * STOPPING it counts from the stop: a word that it is sent may take long to be committed, but not past that.
 */
int64_t refund_quiet_ms(const struct refund *r);
/* One a week after it was recorded by hand: somebody may have paid it out at the provider's own desk since.
 */
enum err refund_look_back(struct ctx *c, const struct refund *r);
/* The provider gave back fen of what was recorded by hand, and that was not its part: a person must see to
 * it. Once; no state moves, for the payer has the money. */
enum err refund_paid_twice(struct ctx *c, const struct refund *r, int64_t fen);
enum err refund_hinted(struct ctx *c, int provider, const char *out_refund_no, const char *what);
/* -- for refund_hand.c -- */
struct refund refund_new(struct ctx *c, const struct capture *cap, const char *reason, const char *note,
                         int64_t due_ms);
/* It is DONE: its payment and its order go on, and the payer is told. */
enum err refund_is_over(struct ctx *c, const struct refund *r, const struct capture *cap);
/* PAYMENT_STATE in both languages. */
enum err refund_refused(struct ctx *c, const char *en, const char *zh);

/* "rfd_…", or with a number behind it after the provider closed the ones before. */
const char *refund_number(struct ctx *c, const struct refund *r);
const char *refund_id(struct ctx *c, const char *out_refund_no);

#endif
