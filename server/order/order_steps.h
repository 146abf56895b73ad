/* order_steps.h - the applicant's steps through an order, each inside the caller's transaction. What the
 * handlers of OrderService call; *out is the order after the step. */
#ifndef CERTDESK_ORDER_ORDER_STEPS_H
#define CERTDESK_ORDER_ORDER_STEPS_H

#include "base/str.h"
#include "catalog/catalog.h"
#include "order/order.h"

struct verification; /* identity/identity.h */

struct order_choice {
    const char *channel; /* id or code */
    int kind, subject_kind, medium, method;
    const struct consent *consents;
    size_t n_consents;
};
/* S6, S17. INVALID for missing choices; METHOD_NOT_OFFERED; CONSENT_MISSING. */
enum err order_create(struct ctx *c, const struct order_choice *choice, struct order *out);

/* In each step a text that is the mask of what the order holds in that field means that (order_masks.h). */

/* S7, S10, S17. ORDER_OPEN of another account counts like a check. By paper also after the switch,
 * unverified: the papers prove it. INVALID with every bad field; ORDER_OPEN; RATE_LIMITED. kind is what the
 * caller submits: an organization for a person's order is ORDER_STATE. */
enum err order_submit_subject(struct ctx *c, const char *id, enum subject_kind kind, const struct subject *s,
                              struct order *out);
/* S11. Who acts in person goes on at once when the subject's method proved the phone; else the agent, or the
 * legal representative in the agent's place, is verified by a->method, who is there in person by one that
 * proves the phone: INVALID names what can be chosen.
 * METHOD_NOT_OFFERED; RATE_LIMITED. By paper nobody is verified. Again in PURCHASE;
 * materials of the agent before are not in use any more when it is another person. */
enum err order_submit_agent(struct ctx *c, const char *id, const struct agent *a, struct order *out);
enum err order_change_method(struct ctx *c, const char *id, int method, struct order *out);

/* S12. What is empty is filled in: recipient and phone, invoice title (always the applicant), its e-mail and
 * tax number. INVALID with every bad field. */
enum err order_set_purchase(struct ctx *c, const char *id, const struct purchase *p, struct order *out);
/* The same for an invoice alone, wanted: out's invoice members, filled in for this order. held: what it says
 * so far, which a masked text of *in stands for. prefix: "purchase.invoice." */
enum err order_check_invoice(struct ctx *c, const struct order *o, const struct purchase *held,
                             const struct purchase *in, const char *prefix, struct purchase *out);
/* What was filled in from the subject or the agent goes with them when these are corrected, what was typed
 * stays: the purchase of *was as *now has it, in *out; NULL when there is none yet. */
const struct purchase *order_purchase_follows(const struct order *was, const struct order *now,
                                              struct purchase *out);
/* Freezes today's quote; PRICE_CHANGED when it is not the total that the applicant saw. */
enum err order_confirm_purchase(struct ctx *c, const char *id, int64_t total_fen, struct order *out);
/* Also from PAYMENT: what could be paid is closed, and the application is signed anew. */
enum err order_return_to_purchase(struct ctx *c, const char *id, struct order *out);
/* The quote to show: the frozen one, or today's while the purchase is still open; n_lines 0 when there is
 * none. */
enum err order_quote(struct ctx *c, const struct order *o, struct quote *out);

/* S13, S14. MATERIAL_MISSING; RATE_LIMITED. *expires_ms is the code's end. */
enum err order_request_signature(struct ctx *c, const char *id, struct order *out, int64_t *expires_ms);
/* Code and consent; stores the canonical text of everything that was signed. From SIGNATURE to PAYMENT, from
 * CORRECTION back to REVIEW. */
enum err order_sign(struct ctx *c, const char *id, const char *code, const struct consent *consents, size_t n,
                    struct order *out);

/* The canonical text of an application by paper: the same members, without materials and agreements, which
 * come by post. */
const char *order_form_text(struct ctx *c, const struct order *o);

/* From REVIEW, or with the payment where nobody reviews: the desk's posting is due from now on (S16), in so
 * many working days; 0: nothing is posted. */
enum err order_approve(struct ctx *c, struct order *o, const char *detail, int *posting_days);

/* S10: frees the identity number; of a paid order when its money is back (REFUNDING until then). Staff close
 * what is not paid, with a reason for the audit trail (INVALID), and the account is told: a number that
 * somebody holds by mistake or on purpose. */
enum err order_cancel(struct ctx *c, const char *id, const char *reason, struct order *out);
enum {
    ORDER_CLOSERS = ROLE_ADMIN | ROLE_REVIEWER
};

/* Methods as a channel offers them today for a kind of subject, or for its agent (order_offered.c). */
struct method_choice {
    const char *channel; /* its id */
    enum subject_kind subject_kind;
    bool of_agent;
    unsigned methods; /* the offer's, bit (1u << enum method) */
    /* Of an agent: */
    bool in_person;    /* the legal representative's: only what proves the phone (S11) */
    bool phone_proved; /* with the subject: in person goes without a method */
};
/* Offered, and served by an adapter; METHOD_NOT_OFFERED says which are. */
enum err method_check(struct ctx *c, const struct method_choice *ch, int m);
enum err method_any_served(struct ctx *c, const struct method_choice *ch, bool *any);
/* Adds those that are served, for people. */
enum err method_list(struct ctx *c, const struct method_choice *ch, struct buf *en, struct buf *zh);
/* METHOD_NOT_OFFERED; both sentences go on with the methods that are served. */
enum err method_refused(struct ctx *c, const struct method_choice *ch, const char *en, const char *zh);

/* Verbs of the API that the ctx's caller may use now (S20); NULL-terminated, static texts. */
enum {
    ORDER_ACTIONS = 12
};
/* What the state alone does not say. */
enum order_fact {
    CODE_AWAITED = 1 << 0,      /* the step's verification waits for a code, and one is out that is good */
    PAPER_OFFERED = 1 << 1,     /* the paper route may be taken now */
    BY_PAPER = 1 << 2,          /* the order is on it; found by order_actions() */
    FACE_AWAITED = 1 << 3,      /* the step's verification waits for a face */
    OWNER_MAY_CANCEL = 1 << 4,  /* not in REVIEW (S20), nor while the desk writes; found by order_actions() */
    NO_TOKEN_IN_WORK = 1 << 12, /* found by order_actions() */
    CODE_BY_SMS = 1 << 5,       /* the step's verification waits for a code by SMS, or for asking for one */
    MATERIALS_OPEN = 1 << 6,    /* order_takes_materials(); found by order_actions() */
    MATERIALS_THERE = 1 << 7,   /* none is missing */
    SIGN_CODE_OUT = 1 << 8,     /* a code for the application signature is out and good */
    TOKEN_IN_WORK = 1 << 11,    /* one was begun for it and is neither finished nor put aside */
    CERTIFICATE_ISSUED = 1 << 9, /* for the token in work */
    PARCEL_UNDER_WAY = 1 << 10,  /* the newest shipment has not ended */
    /* What the channel offers today, whatever it did when the order began: */
    METHOD_OFFERED = 1 << 13,  /* the order's own method */
    METHODS_SERVED = 1 << 14,  /* one at least */
    SOLD = 1 << 15,            /* a product that the order could choose */
    QUOTED = 1 << 16,          /* what it has chosen; found by wire_order() */
    PAYABLE = 1 << 17,         /* by one provider at least */
    MATERIALS_ASKED = 1 << 18, /* a kind that may be uploaded now */
    AGENT_POSSIBLE = 1 << 19,  /* by a method, by the phone that the subject proved, or by paper */
};
/* Adds what the channel offers the order today, before it is paid. By the channel's version that was read
 * with the order: a file that comes into force meanwhile shows with the next reading. */
enum err order_today(struct ctx *c, const struct order *o, unsigned *facts);
/* Those that its owner's verbs hang on, for its owner; v: the newest verification of the step, or NULL. */
enum err order_facts(struct ctx *c, const struct order *o, const struct verification *v, unsigned *facts);
size_t order_actions(const struct ctx *c, const struct order *o, unsigned facts,
                     const char *out[static ORDER_ACTIONS]);

#endif
