#include "identity/plan.h"

#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* One row a check: its name in the evidence and the supplier's member that makes it. What it is asked with is
 * struct check_task; what it leaves is a row of verification_evidence. */
static const struct {
    const char *name;
    size_t member;
} checks[] = {
    [CHECK_ENTERPRISE4] = {"enterprise4", offsetof(struct identity_ops, enterprise4)},
    [CHECK_PHONE3] = {"phone3", offsetof(struct identity_ops, phone3)},
    [CHECK_BANK4] = {"bank4", offsetof(struct identity_ops, bank4)},
    [CHECK_FACE] = {"face", offsetof(struct identity_ops, face_start)},
    [CHECK_TRANSFER] = {"deposit", offsetof(struct identity_ops, transfer_start)},
};

/* The company first: it is the cheaper to be wrong about, and refuses most attempts. */
static const struct plan organization[] = {
    [METHOD_MICRO_DEPOSIT] = {{CHECK_ENTERPRISE4}, PROOF_DEPOSIT},
    [METHOD_PHONE_THREE_FACTOR] = {{CHECK_ENTERPRISE4, CHECK_PHONE3}, PROOF_CODE},
    [METHOD_BANK_FOUR_FACTOR] = {{CHECK_ENTERPRISE4, CHECK_BANK4}, PROOF_CODE},
    [METHOD_FACE] = {{CHECK_ENTERPRISE4}, PROOF_FACE},
};

/* Of an individual or an agent. A deposit proves that the account in this name is theirs, and nothing about
 * the identity number that goes into the certificate: table 5 asks for a phone with every method, and phone
 * three-factor is what binds name and number at a supplier before money is sent. */
static const struct plan person[] = {
    [METHOD_MICRO_DEPOSIT] = {{CHECK_PHONE3}, PROOF_DEPOSIT},
    [METHOD_PHONE_THREE_FACTOR] = {{CHECK_PHONE3}, PROOF_CODE},
    [METHOD_BANK_FOUR_FACTOR] = {{CHECK_BANK4}, PROOF_CODE},
    [METHOD_FACE] = {{0}, PROOF_FACE},
};

const struct plan *plan_of(enum subject_kind kind, bool of_agent, enum method m)
{
    if (m < METHOD_MICRO_DEPOSIT || m > METHOD_FACE || (of_agent && m == METHOD_MICRO_DEPOSIT))
        return NULL; /* table 3 has no deposit */
    return of_agent || kind == SUBJECT_INDIVIDUAL ? &person[m] : &organization[m];
}

bool plan_proves_phone(const struct plan *p)
{
    return p && p->proof == PROOF_CODE;
}

const char *check_name(enum check k)
{
    return k >= CHECK_ENTERPRISE4 && k <= CHECK_LAST ? checks[k].name : "";
}

bool check_done_by(enum check k, const struct identity_ops *ops)
{
    void (*member)(void);
    if (k < CHECK_ENTERPRISE4 || k > CHECK_LAST)
        return false;
    memcpy(&member, (const char *)ops + checks[k].member, sizeof member);
    return member != NULL;
}
