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
    IDENTITY_MATCH,
    IDENTITY_MISMATCH,      /* S9: correct and retry, or the paper route */
    IDENTITY_NOT_FOUND,     /* the register has no such record, or cannot look at this kind of number */
    IDENTITY_INVALID_INPUT, /* the supplier finds a field malformed */
    IDENTITY_BUSY,          /* retry later */
    IDENTITY_RATE_LIMITED,  /* this person was looked up too often, or we call too fast */
    IDENTITY_CONFIG_ERROR,  /* our account, signature or balance */
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

struct identity_ops {
    const char *name; /* "tencent" */
    /* Name, identity number and phone belong together (phone three-factor). */
    enum err (*phone3)(void *self, const struct identity_person *who, struct arena *a,
                       struct identity_result *out, struct fault *f);
    /* Company name, USCC, legal representative's name and identity number belong together. */
    enum err (*enterprise4)(void *self, const struct identity_enterprise *who, struct arena *a,
                            struct identity_result *out, struct fault *f);
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

#endif
