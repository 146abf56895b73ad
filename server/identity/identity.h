/* identity.h - proof of identity (S6-S9, S11): checks of fields, provider checks by jobs, codes, evidence.
 *
 * A verification belongs to one order and is of the subject or of the agent. What is checked, and which proof
 * ends it, goes by the method's plan (plan.h). submit -> PENDING (a job for each check) -> CODE_SENT (perhaps
 * by way of HELD), FACE or DEPOSIT -> PASSED; or MISMATCH / FAILED, after which the step may be submitted
 * again within the limits.
 */
#ifndef CERTDESK_IDENTITY_IDENTITY_H
#define CERTDESK_IDENTITY_IDENTITY_H

#include "callback_route.h"
#include "core/ctx.h"
#include "core/outbox.h"
#include "order/order.h"

enum verification_state {
    VERIFICATION_PENDING = 1,
    VERIFICATION_CODE_SENT,
    VERIFICATION_PASSED,
    VERIFICATION_MISMATCH,
    VERIFICATION_FAILED,
    VERIFICATION_FACE,    /* data match; waits for the face (S8) */
    VERIFICATION_DEPOSIT, /* data match; waits for the code or amount of the deposit (S6) */
    VERIFICATION_HELD,    /* data match; a limit holds the code back, none is out */
    VERIFICATION_LAST = VERIFICATION_HELD,
};

/* How the face session stands, and the deposit: what somebody who waits wants to know. */
struct waiting {
    int64_t expires_ms;   /* of the session or the deposit; 0: nothing is open */
    bool face_opening;    /* asked for at the supplier */
    bool face_open;       /* can be used: by the link or the QR code */
    bool face_link_sent;  /* by SMS */
    const char *face_url; /* for the order's owner on site, while it is open; "" */
    bool deposit_made;
    bool deposit_code;      /* its code or amount may be entered */
    bool deposit_asked;     /* a supplier is asked to send it; else the desk's bank may, by its remark */
    bool deposit_by_amount; /* the amount is the secret, not a code in the remark */
    int64_t deposit_ms;     /* the bank took it; 0: not known yet */
    int tries_left;         /* of the secret */
};

struct verification {
    char id[ID_SIZE], order[ID_SIZE];
    enum verification_state state;
    enum method method;
    bool of_agent;
    const char *mismatched; /* comma-separated field names, ""; "operating_status:CANCELLED" for a company
                               that the register has closed */
    int attempts_left;
    const char *sent_to; /* phone in clear; mask before showing */
    int64_t code_ms;     /* HELD: when the code may go, and goes by itself; else 0 */
    int64_t version, updated_ms;
    struct waiting waiting; /* by identity_load() and identity_newest() only */
};

/* Checks every field of table 2 / 5 for the method at once and adds a violation per bad one (S7): presence,
 * lengths, USCC (GB 32100), resident ID (GB 11643), phone, card (Luhn), account. prefix: "organization." or
 * "person.". Pure; also normalises in place through `out` (full-width to ASCII, x to X, spaces dropped; in
 * a). */
void identity_check_subject(struct fault *f, struct arena *a, const struct subject *in,
                            enum subject_kind kind, enum method m, const char *prefix, struct subject *out);
/* What a method needs of tables 2 and 5, in their words without prefix; static texts. */
enum {
    IDENTITY_FIELDS = 12
};
size_t identity_needed_fields(enum subject_kind kind, enum method m, const char *out[static IDENTITY_FIELDS]);
/* The same for table 3, of a legal representative who acts in person the e-mail alone, with the card of a
 * bank four-factor; that a method is missing there is the caller's to say. Whose proof is elsewhere is
 * collected, not verified, and no method is asked for, nor kept: of everybody by paper (S16), of who acts in
 * person with a phone that was proved (S11), where the caller puts the subject's. */
void identity_check_agent(struct fault *f, struct arena *a, const struct agent *in, bool collected,
                          const char *prefix, struct agent *out);

/* Whether the subject of an order that this method verified has shown that the phone is theirs. Others (a
 * deposit, a face) leave it as somebody entered it. */
bool identity_phone_proved(enum subject_kind kind, enum method m);
/* The same of an agent, or of the legal representative who is verified in the agent's place. */
bool identity_agent_phone_proved(enum method m);
/* What people call a method, in English or Chinese; a deposit goes to the account of this kind of subject. */
const char *identity_method_text(enum subject_kind kind, enum method m, bool zh);

/* Some configured supplier makes every check of the method (a deposit can always be made, by remittance).
 * Others answer METHOD_NOT_OFFERED. */
enum err identity_method_served(struct ctx *c, const char *channel, enum subject_kind kind, bool of_agent,
                                enum method m, bool *served);

/* Where PIN and unlock codes of a certificate go (S6, 4.4 of the manual): of a micro-deposit by the remark of
 * another one, unless a supplier alone sends the channel's deposits to organizations, whose amounts have no
 * remark; else by SMS. Numbers of proto SecretWay. senders: the channel's suppliers of micro-deposits. What
 * is promised with an offer and what happens in the end are both this. */
enum secret_way {
    SECRET_TO_LEGAL_REP = 1,
    SECRET_TO_APPLICANT,
    SECRET_BY_REMARK,
};
enum secret_way identity_secret_way(const struct ctx *c, const char *const *senders, size_t n,
                                    enum subject_kind kind, enum method m);

/* Before the order moves to *_VERIFYING, with the new subject or agent in *o: RATE_LIMITED beyond the
 * attempts a day that the method allows per order, and per identity number over all orders of the channel,
 * and beyond the paid checks that the channel allows an account in a day; the same whether another order has
 * the number (S10) or not. *left: attempts after this one. */
enum err identity_may_start(struct ctx *c, const struct order *o, bool of_agent, int *left);
/* In the same transaction, when it moved: makes o->verification, which that move named, and its job. */
enum err identity_start(struct ctx *c, const struct order *o, bool of_agent, int left);
/* Inside a transaction, for a number in *o that nobody checks (by paper): counts like a check of the subject
 * that was begun, by the same limits per identity number and per account. RATE_LIMITED. */
enum err identity_spend_number(struct ctx *c, const struct order *o);
/* One more of the paid checks that the order's account may begin in a day. RATE_LIMITED with retry_ms. */
enum err identity_spend_check(struct ctx *c, const struct order *o);
/* The newest of the step where the order stands; *found false without one. */
enum err identity_newest(struct ctx *c, const struct order *o, struct verification *out, bool *found);
/* One that the ctx's caller may see; NOT_FOUND otherwise. */
enum err identity_load(struct ctx *c, const char *id, struct verification *out);

/* Evidence of provider checks of an order, for reviewers. */
struct evidence {
    const char *provider, *check, *outcome, *request_id;
    int64_t checked_ms;
    bool of_earlier_data; /* the order says something else now than what was checked */
};
enum err identity_evidence(struct ctx *c, const char *order_id, const struct evidence **out, size_t *n);

/* The pure checks, for others (login form, console). text normalised; false for wrong length, characters,
 * date or check digit. */
bool uscc_valid(const char *s);
bool resident_id_valid(const char *s, int64_t today_ms);
bool phone_valid(const char *s);
bool card_valid(const char *s);
bool email_valid(const char *s);
/* "138****5678", "3301**********1234", "张*": for screens and logs. Defined beside the adapters (provider.h),
 * which mask their records with the same. */
const char *mask_phone(struct arena *a, const char *s);
const char *mask_number(struct arena *a, const char *s);
const char *mask_name(struct arena *a, const char *s);

extern const struct job_kind *const identity_jobs[];
extern const size_t identity_jobs_n;
/* Suppliers tell here that a session or a transfer has news: a hint, looked after at once. */
extern const struct callback_table identity_callbacks;

#endif
