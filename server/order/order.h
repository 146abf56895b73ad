/* order.h - an order from the first choice to the certificate in hand (S6-S20).
 *
 * Types, states, events, and the verbs that other features call. Every verb runs inside the caller's
 * transaction, checks what it needs and moves the order by compare-and-set with its audit row. Numbers of the
 * enums are those of proto/certdesk/v1/order_service.proto (a test holds them together).
 */
#ifndef CERTDESK_ORDER_ORDER_H
#define CERTDESK_ORDER_ORDER_H

#include "core/ctx.h"

enum order_kind {
    ORDER_NEW = 1,
    ORDER_RENEW,
    ORDER_CHANGE,
    ORDER_REISSUE,
    ORDER_UNLOCK,
};

enum subject_kind {
    SUBJECT_ORGANIZATION = 1,
    SUBJECT_INDIVIDUAL,
};

enum method {
    METHOD_MICRO_DEPOSIT = 1,
    METHOD_PHONE_THREE_FACTOR,
    METHOD_BANK_FOUR_FACTOR,
    METHOD_FACE,
};

enum medium {
    MEDIUM_UKEY = 1,
    MEDIUM_CLOUD,
};

/* How the certificate comes to its holder (S19). */
enum delivery {
    DELIVERY_DESK = 1, /* the desk writes a UKEY and posts it */
    DELIVERY_DOWNLOAD, /* the holder's own machine downloads it, to a UKEY or a key service (S25) */
};

enum order_state {
    ORDER_SUBJECT = 1,
    ORDER_SUBJECT_VERIFYING,
    ORDER_AGENT,
    ORDER_AGENT_VERIFYING,
    ORDER_PURCHASE,
    ORDER_CONFIRM,
    ORDER_MATERIALS,
    ORDER_SIGNATURE,
    ORDER_PAYMENT,
    ORDER_PAPERS,
    ORDER_REVIEW,
    ORDER_CORRECTION,
    ORDER_ISSUE,
    ORDER_PERSONALISING,
    ORDER_SHIP,
    ORDER_SHIPPED,
    ORDER_DOWNLOAD,
    ORDER_FINISHED,
    ORDER_CANCELLED,
    ORDER_REFUNDING,
    ORDER_LAST_STATE = ORDER_REFUNDING,
};

/* What happens to an order. The table of states and events is in order_moves.c. */
enum order_event {
    EV_SUBJECT_SUBMITTED = 1, /* organization or person well-formed, check asked for */
    EV_SUBJECT_PASSED,        /* verified; organization goes to AGENT, individual to PURCHASE */
    EV_SUBJECT_MISMATCH, /* back to SUBJECT for correction or paper (S9); also when the provider failed */
    EV_AGENT_SUBMITTED,
    EV_AGENT_PASSED,
    EV_AGENT_IN_PERSON, /* the legal representative acts in person, nothing is left to verify (S11) */
    EV_AGENT_MISMATCH,
    EV_PURCHASE_SET,
    EV_PURCHASE_CONFIRMED,
    EV_PURCHASE_REOPENED,
    EV_SIGNATURE_REQUESTED, /* materials complete, code sent */
    EV_SIGNATURE_REOPENED,  /* back to MATERIALS: a material was replaced */
    EV_SIGNED,
    EV_PAID,
    EV_PAPERS_ARRIVED,
    EV_APPROVED,
    EV_REFUSED,   /* sent back with reasons */
    EV_CORRECTED, /* faulty materials replaced and signed again: back to REVIEW, payment stays */
    EV_PERSONALISATION_BEGUN,
    EV_PERSONALISATION_DROPPED, /* token put aside before the certificate was finished on it */
    EV_WRITTEN,                 /* certificate on the order's last token, read back */
    EV_POSTED,
    EV_RETURNED, /* parcel came back: to SHIP again */
    EV_RECEIVED,
    EV_CANCELLED,      /* nothing was paid */
    EV_CANCELLED_PAID, /* paid: to REFUNDING */
    EV_REFUNDED,
    EV_METHOD_CHANGED, /* another method before the subject is verified */
    EV_PAPER_ROUTE,    /* what does not match is proved on paper (S9); the tables are others from here on */
    EV_COPY_WRITTEN,   /* one of several tokens is done, another is to follow */
    EV_COPY_DROPPED,   /* a token put aside, while others of the order are done */
    EV_DOWNLOADED,     /* the holder has the certificate (S25) */
    EV_LAST = EV_DOWNLOADED,
};

struct bank_account {
    const char *number, *bank, *branch, *cnaps_code;
};
struct address {
    const char *recipient, *phone, *province, *city, *district, *street, *postal_code;
};

/* The subject in clear: an organization with its legal representative, or a person. Absent fields are "". */
struct subject {
    const char *name;            /* of the organization or person */
    const char *uscc;            /* organization */
    const char *legal_rep_name;  /* organization */
    int document_type;           /* individual; proto DocumentType */
    const char *id_number;       /* of the legal representative or person */
    const char *phone;           /* of the legal representative or person */
    const char *card_number;     /* bank four-factor */
    const char *email;           /* individual */
    struct bank_account account; /* micro-deposit */
};
struct agent {
    int method;
    bool in_person;
    const char *name, *id_number, *email, *phone, *card_number;
};
struct purchase {
    const char *product_id;
    int term_months;
    bool seal;
    int quantity;
    bool invoice_wanted;
    const char *invoice_title, *tax_number, *invoice_email, *invoice_bank, *invoice_bank_account,
        *invoice_address, *invoice_phone;
    struct address delivery;
};

/* One order, whole; text in the arena of the ctx that loaded it. */
struct order {
    char id[ID_SIZE], channel[ID_SIZE], account[ID_SIZE];
    enum order_kind kind;
    enum subject_kind subject_kind;
    enum order_state state;
    int64_t version;
    enum method method;
    enum medium medium;
    bool paper_route;
    int channel_version; /* of the channel's file in force when the order was read */
    /* The channel's when the order was created; what the channel says later does not move it. */
    bool review; /* false: what is paid is approved at once, unless it goes by paper */
    enum delivery delivery;
    struct subject subject; /* fields "" until submitted */
    struct agent agent;
    struct purchase purchase; /* product_id "" until set */
    const char *quote_json;   /* frozen at confirmation: catalog/catalog.h reads and writes it; "" before */
    int64_t price_fen;
    const char *signed_text; /* canonical text of the application signature (S14), "" before */
    unsigned char signed_digest[32];
    char verification[ID_SIZE]; /* newest verification of the current step; "" */
    int64_t created_ms, updated_ms, submitted_ms /* to review */,
        due_ms /* review (S18), then posting (S16), promised by; 0 */;
};

/* What changes with a move, besides the state. NULL members stay as they are; "" empties a text. */
struct order_change {
    const struct subject
        *subject; /* also sets the identity number's digest: ORDER_OPEN when another is open (S10) */
    const struct agent *agent;
    const struct purchase *purchase;
    const char *quote_json;
    const int64_t *price_fen;
    const char *signed_text;
    const char *verification;
    const bool *paper_route;
    const enum method *method;
    const int64_t *submitted_ms, *due_ms;
};

/* Loads an order that the ctx's caller may see: the owner's account, staff, or the system. ERR_NOT_FOUND
 * otherwise, whether it does not exist or is somebody else's. */
enum err order_load(struct ctx *c, const char *id, struct order *out);

/* Moves o by event and stores the change with it: one UPDATE that must match o->state and o->version
 * (ERR_CONFLICT), one audit row ("order." and the event's name; detail is JSON without personal data or
 * NULL). On OK o has the new state and version. ERR_ORDER_STATE says where the order stands when the table
 * has no such move. */
enum err order_move(struct ctx *c, struct order *o, enum order_event event, const struct order_change *change,
                    const char *detail);
/* Stores a change without a move, in the state it has; also an empty one, to wake who watches the order. The
 * audit row is as with order_move, under `action`. */
enum err order_store(struct ctx *c, struct order *o, const char *action, const struct order_change *change);

/* The table of moves for this kind of subject, online or by paper, by this delivery (core/machine.h). */
struct machine;
const struct machine *order_machine(enum subject_kind kind, bool paper_route, enum delivery delivery);
/* Where event leads from the order's state: order_refused() when the table has no such move. */
enum err order_next(const struct order *o, enum order_event event, int *to, struct fault *f);
/* The events that the order's table has from its state, bit by bit. */
uint64_t order_events(const struct order *o);
/* True when the order's table has a move for event from its state. */
bool order_can(const struct order *o, enum order_event event);

/* How many UKEYs it is for, each with a certificate of its own: at least 1. */
int order_quantity(const struct order *o);

const char *order_state_name(int state); /* "REVIEW" */
const char *order_event_name(int event); /* "approved" */
/* Chinese name of a state for people: "待审核". */
const char *order_state_zh(int state);
/* What a person may make of it: "it waits for review: until that is done it can only be seen". */
const char *order_state_now(int state);
const char *order_state_now_zh(int state);
/* ERR_ORDER_STATE in those words, in both languages. */
enum err order_refused(struct fault *f, const struct order *o);
/* Neither FINISHED nor CANCELLED: its identity number is taken (S10), also while money is on its way back. */
bool order_state_is_open(enum order_state s);

/* Materials may be uploaded, taken over and dropped: before the signature, and what was refused when it was
 * sent back (S13, S18); not by paper, where all is posted (S16). */
bool order_takes_materials(const struct order *o);

/* Who gets what: name, phone and e-mail of the person that notices go to (the agent, or the applicant). */
struct order_contact {
    const char *name, *phone, *email;
};
struct order_contact order_contact(const struct order *o);
/* The phone that PINs and unlock codes go to by method (S6): the legal representative's or the applicant's.
 */
const char *order_pin_phone(const struct order *o);

#endif
