/* plan.h - what a method asks for, as data (S6-S9, S11, S17; providers.md 0).
 *
 * A plan is the checks that a supplier makes, in their order, and then the proof that the person is there or
 * holds the account. Pure.
 */
#ifndef CERTDESK_IDENTITY_PLAN_H
#define CERTDESK_IDENTITY_PLAN_H

#include "order/order.h"
#include "provider/identity.h"

/* The proof of possession that ends a verification. */
enum proof {
    PROOF_CODE = 1, /* an SMS code to the phone that was checked */
    PROOF_FACE,     /* a face session (S8) */
    PROOF_DEPOSIT,  /* the secret of a deposit of 0.01 yuan: code in the remark, or the amount itself */
};

enum check {
    CHECK_ENTERPRISE4 = 1, /* company, USCC, legal representative's name and number */
    CHECK_PHONE3,          /* name, number, phone */
    CHECK_BANK4,           /* name, number, card, reserved phone */
    CHECK_FACE,            /* name, number; asked by a session */
    CHECK_TRANSFER,        /* the account and who owns it; asked by sending money */
    CHECK_LAST = CHECK_TRANSFER,
};

enum {
    PLAN_CHECKS = 3
};

struct plan {
    enum check checks[PLAN_CHECKS]; /* 0 ends them */
    enum proof proof;
};

/* NULL for what has no plan (an agent's micro-deposit). */
const struct plan *plan_of(enum subject_kind kind, bool of_agent, enum method m);

/* Who was verified so has shown that the phone is theirs: a code came to it (S11). */
bool plan_proves_phone(const struct plan *p);

/* "enterprise4": what is stored as evidence and shown to reviewers. "" for no check. */
const char *check_name(enum check k);
/* This supplier makes the check. */
bool check_done_by(enum check k, const struct identity_ops *ops);

#endif
