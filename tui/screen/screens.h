/* screens.h - every screen, one file each; and the questions that several of them ask. */
#ifndef CERTDESK_SCREEN_SCREENS_H
#define CERTDESK_SCREEN_SCREENS_H

#include "screen/desk.h"

extern const struct screen home_screen;
extern const struct screen reviews_screen;     /* to review */
extern const struct screen review_screen;      /* id: order */
extern const struct screen picture_screen;     /* id: material */
extern const struct screen issues_screen;      /* to issue */
extern const struct screen personalise_screen; /* id: order */
extern const struct screen ships_screen;       /* to ship */
extern const struct screen shipments_screen;   /* under way */
extern const struct screen tracking_screen;    /* id: order */
extern const struct screen orders_screen;      /* id: what to search for */
extern const struct screen order_screen;       /* id: order */
extern const struct screen stock_screen;
extern const struct screen jobs_screen;
extern const struct screen captures_screen;
extern const struct screen capture_screen; /* id: capture */
extern const struct screen reconciliations_screen;
extern const struct screen reconciliation_screen; /* id: "provider date", by the provider's number */
extern const struct screen remittance_screen;
extern const struct screen invoices_screen;
extern const struct screen invoice_screen; /* id: order */

/* The queues that count, in the order of the home page. */
enum {
    HOME_COUNTS = 9
};
struct home_count {
    const char *label; /* msgid */
    const char *field; /* of WatchQueuesResponse */
    int32_t n;
    bool theirs; /* the person may see it */
};
size_t home_counts(const struct queues *all, struct home_count out[static HOME_COUNTS]);
/* Who may is known now: the home page shows what is theirs. */
void home_choose(struct desk *d);

/* What a person gives a reason for, which is recorded: the request has it in `reason`. */
struct reasoned {
    struct rpc_method method;
    const char *title;           /* msgid, of the question */
    const char *label, *missing; /* msgids, of its field, and of nothing in it; NULL: a reason */
    void (*fill)(struct page *p, ProtobufCMessage *request); /* the other fields */
    const char *notice; /* msgid: it is done, and the page read again; … */
    call_done *done;    /* … or what else is to be done */
};
/* Asks, then calls. text: what it will do, in the user's language. */
void ask_reason(struct page *p, const struct reasoned *r, const char *text);

void ask_search(struct page *p);
void ask_quit(struct page *p);

#define METHOD(service, name)                                                                                \
    {                                                                                                        \
        &certdesk__v1__##service##__descriptor, name                                                         \
    }

#endif
