/* identity.h - is this person, is this company what the register says? (S6, S7, S9, S11)
 *
 * Paid checks: the caller has checked lengths and check digits before (S7). The verdict of a call that was
 * answered is in the result, whatever it is; the return value says only whether there is an answer
 * (provider.h). A check has no effect at the supplier but its price, so one with an unknown outcome may be
 * repeated.
 */
#ifndef CERTDESK_PROVIDER_IDENTITY_H
#define CERTDESK_PROVIDER_IDENTITY_H

#include "provider/provider.h"

enum identity_verdict {
    IDENTITY_NO_VERDICT, /* nothing was judged: a result that nobody filled is no match */
    IDENTITY_MATCH,
    IDENTITY_MISMATCH,      /* S9: correct and retry, or the paper route */
    IDENTITY_NOT_FOUND,     /* the register has no such record, or cannot look at this kind of number */
    IDENTITY_INVALID_INPUT, /* the supplier finds a field malformed */
    IDENTITY_BUSY,          /* retry later */
    IDENTITY_RATE_LIMITED,  /* this person was looked up too often, or we call too fast */
    IDENTITY_CONFIG_ERROR,  /* our account, signature or balance */
    IDENTITY_PENDING,       /* face: the person is not done yet; ask again later */
    IDENTITY_ABANDONED,     /* face: the session ended and nobody used it */
};

/* Bits of the fields that disagree (or, with INVALID_INPUT, that are malformed). */
enum identity_field {
    IDENTITY_NAME = 1,
    IDENTITY_ID_NUMBER = 2,
    IDENTITY_PHONE = 4,
    IDENTITY_ENTERPRISE_NAME = 8,
    IDENTITY_USCC = 16,
    IDENTITY_LEGAL_REP_NAME = 32,
    IDENTITY_LEGAL_REP_ID = 64,
    IDENTITY_CARD = 128, /* of a transfer: the account, its bank or branch */
    IDENTITY_FACE = 256, /* a live face, but another one; or no live one */
};

/* What the register says about a company's business. */
enum operating_status {
    OPERATING_UNKNOWN,
    OPERATING_NORMAL,
    OPERATING_MOVED_OUT,
    OPERATING_CANCELLED,              /* 注销 */
    OPERATING_LICENCE_REVOKED,        /* 吊销 */
    OPERATING_RESCINDED,              /* 撤销 */
    OPERATING_SUSPENDED,              /* 停业 */
    OPERATING_REGISTRATION_RESCINDED, /* 撤销登记 */
    OPERATING_OTHER,
};

struct identity_person {
    const char *name, *id_number, *phone; /* phone: 11 digits, or +86 and 11 digits */
    const char *card_number;              /* bank4 only; else NULL */
};

struct identity_enterprise {
    const char *name, *uscc, *legal_rep_name, *legal_rep_id;
};

struct identity_result {
    enum identity_verdict verdict;
    bool billed;                     /* the supplier charges for this answer */
    unsigned fields;                 /* enum identity_field; 0: not told */
    enum operating_status operating; /* enterprise checks only */
    bool operating_refused;          /* cancelled, revoked or rescinded: no certificate, even on a match */
    char operating_period[64];       /* as the register has it; may be empty */
    struct provider_trace trace;
};

/* A liveness check that the person makes on a phone (S8). */
struct identity_face_order {
    const char *our_no;     /* ours, echoed by the supplier */
    const char *return_url; /* where the phone's browser goes afterwards; NULL: nowhere. A hint, no proof */
    const char *notify_url; /* where the supplier tells of the end, if it does; NULL: nowhere */
};
struct identity_face {
    char token[96]; /* the supplier's number of the session: what face_query asks for */
    char url[1024]; /* opened on the phone, by link or QR code; personal: never in a log */
    int64_t expires_ms;
    struct provider_trace trace;
};

/* A micro-deposit whose random amount the applicant reads from the account (e签宝's way). The other way, a
 * code in the remark, has no supplier: server/identity writes a remittance file for it. */
struct identity_transfer_order {
    const char *our_no, *notify_url;
    const char *name, *uscc, *legal_rep_name, *legal_rep_id; /* uscc NULL: a person's account */
    const char *account_number, *bank, *branch, *cnaps_code; /* the last may be NULL */
    const char *flow; /* from transfer_open; NULL: transfer_start opens one itself */
};
enum identity_transfer_state {
    TRANSFER_PENDING, /* on its way */
    TRANSFER_SENT,    /* the bank took it; it arrives within hours */
    TRANSFER_FAILED,  /* no such account, closed, refused: nothing arrived; or too late or too often confirmed
                       */
};
struct identity_transfer {
    char flow[96]; /* the supplier's number: what query and confirm ask for */
    enum identity_transfer_state state;
    int attempts_left;  /* of confirm; -1: not told: count down from what transfer_start said */
    int64_t expires_ms; /* 0: not told */
    bool billed;
    struct provider_trace trace;
};

/* What a supplier's callback was about. A hint: ask for the outcome. */
struct identity_event {
    char id[64];     /* the same over repeats; "" when the supplier gives none */
    char flow[96];   /* token of a face session or flow of a transfer */
    char our_no[64]; /* as we gave it, "" */
};
struct identity_callback {
    const struct provider_pair *headers, *query;
    size_t n_headers, n_query;
    const void *body;
    size_t n_body;
};

/* A member that is NULL is something that the supplier does not do. */
struct identity_ops {
    const char *name; /* "tencent" */
    /* Name, identity number and phone belong together (phone three-factor). */
    enum err (*phone3)(void *self, const struct identity_person *who, struct arena *a,
                       struct identity_result *out, struct fault *f);
    /* Company name, USCC, legal representative's name and identity number belong together. */
    enum err (*enterprise4)(void *self, const struct identity_enterprise *who, struct arena *a,
                            struct identity_result *out, struct fault *f);
    /* Name, identity number, card and the phone reserved with the bank belong together (bank four-factor). */
    enum err (*bank4)(void *self, const struct identity_person *who, struct arena *a,
                      struct identity_result *out, struct fault *f);
    /* Opens a session for this person. Repeating after an unknown outcome opens another; the first one is
     * left to expire. */
    enum err (*face_start)(void *self, const struct identity_person *who, const struct identity_face_order *o,
                           struct arena *a, struct identity_face *out, struct fault *f);
    /* verdict PENDING until the person is done; MATCH: alive, and the face of the register's picture. No
     * picture is asked for or kept. Not every supplier tells that a person gave up: stop asking at
     * expires_ms. ERR_NOT_FOUND: no such session. */
    enum err (*face_query)(void *self, const char *token, struct arena *a, struct identity_result *out,
                           struct fault *f);
    /* Compares the data and opens a flow in out->flow; no money moves, so it may be repeated (each time is
     * billed). Data that do not belong together are OK with result->verdict MISMATCH and no flow. ERR_INVALID
     * for a person's account (uscc NULL) where the supplier sends to companies' alone. Who stores
     * the flow before transfer_start is called with it can ask about the money even after a crash. */
    enum err (*transfer_open)(void *self, const struct identity_transfer_order *o, struct arena *a,
                              struct identity_transfer *out, struct identity_result *result, struct fault *f);
    /* Sends the money, after transfer_open's work when o->flow is NULL. OK with a verdict other than MATCH:
     * nothing was sent (INVALID_INPUT, CARD: no such branch or account). ERR_PROVIDER_UNKNOWN alone means
     * that money may be on its way; out->flow then names it. Never call again before transfer_query said that
     * nothing was sent (ERR_NOT_FOUND, a minute after the call at the earliest) or that it FAILED: each order
     * pays. Every other error: nothing was sent. A call that ended with this process is unknown, too: ask
     * with the flow that was stored, or wait for the callback, which carries our_no. */
    enum err (*transfer_start)(void *self, const struct identity_transfer_order *o, struct arena *a,
                               struct identity_transfer *out, struct identity_result *result,
                               struct fault *f);
    /* ERR_NOT_FOUND: no such flow, or no order to pay in it: nothing was sent. */
    enum err (*transfer_query)(void *self, const char *flow, struct arena *a, struct identity_transfer *out,
                               struct fault *f);
    /* verdict MATCH or MISMATCH; each try counts at the supplier (out->attempts_left). ABANDONED: the flow is
     * over, and cannot be confirmed any more. After an unknown outcome the same amount may be given again: a
     * right one is MATCH however often it is given, a wrong one may have counted twice. */
    enum err (*transfer_confirm)(void *self, const char *flow, int64_t amount_fen, struct arena *a,
                                 struct identity_transfer *out, struct identity_result *result,
                                 struct fault *f);
    /* Verifies signature and age before anything is parsed. ERR_SIGNATURE_BAD; ERR_INVALID. No network. */
    enum err (*callback_verify)(void *self, const struct identity_callback *in, int64_t now_ms,
                                struct arena *a, struct identity_event *out, struct fault *f);
    void (*close)(void *self);
};

struct identity_port {
    const struct identity_ops *ops;
    void *self;
    bool simulator;
};

/* "MATCH", "MISMATCH", …; "NORMAL", "CANCELLED", …: what is stored. Static storage. */
const char *identity_verdict_name(enum identity_verdict v);
const char *operating_status_name(enum operating_status s);
/* Cancelled, revoked or rescinded (providers.md 3.3): no certificate for such a company. */
bool operating_status_refused(enum operating_status s);

#endif
