/* register.h - who matches: the population register, the phone companies and the company register.
 *
 * What POST /sim/people and /sim/companies define is the truth. About everybody else the register is
 * agreeable: well-formed data match, unless the name says otherwise:
 *
 *   contains 不一致   the data do not match (of a company: its name; of a legal representative: theirs)
 *   contains 查无     there is no such record
 *   contains 注销 / 吊销   a company that is cancelled / whose licence is revoked
 *
 * Cards: POST /sim/cards {"card_number","name","id_number","phone","state"}; state says what ails the card:
 * "lost", "expired", "frozen", "unused" (or nothing).
 */
#ifndef CERTDESK_SANDBOX_REGISTER_H
#define CERTDESK_SANDBOX_REGISTER_H

#include "sandbox/sandbox.h"

enum match {
    MATCH_YES,
    MATCH_NO,
    MATCH_NO_RECORD
};

/* Form only: 18 characters and check digit (GB 11643-1999; GB 32100-2015); 11 digits of a mainland mobile;
 * 2-26 characters without ASCII digits. */
bool resident_id_ok(const char *id);
bool uscc_ok(const char *uscc);
bool mobile_ok(const char *phone);
bool person_name_ok(const char *name);
/* 12 to 19 digits, the last one the check digit (ISO/IEC 7812-1). */
bool card_ok(const char *number);
/* "移动", "电信", "联通"; "" for a number that nobody has. Static. */
const char *mobile_carrier(const char *phone);

/* Name and identity number. Lock held, as for all below. */
enum match register_id2(struct sandbox *sb, const char *name, const char *id);

/* Name, identity number, phone. *detail (when not MATCH_YES): which of them differ, in the words of
 * PhoneVerification's ResultDetail. */
enum match register_phone3(struct sandbox *sb, const char *name, const char *id, const char *phone,
                           const char **detail);

struct company_match {
    bool credit_code, name, legal_rep, legal_rep_id;
    const char *status; /* OperatingStatus: "1" …, "/" */
    const char *period;
};

/* legal_rep and legal_rep_id may be NULL: not asked. */
struct company_match register_company(struct sandbox *sb, const char *credit_code, const char *name,
                                      const char *legal_rep, const char *legal_rep_id);

/* What a bank says of a card. `known` false: no bank has it, and the rest says nothing. */
struct card_match {
    bool known, name, id_number, phone;
    const char *state; /* "", "lost", … */
};
struct card_match register_card(struct sandbox *sb, const char *name, const char *id, const char *card,
                                const char *phone);

/* Defines them from /sim's JSON; false when a field is missing or malformed. */
bool register_add_person(struct sandbox *sb, const json_t *o);
bool register_add_company(struct sandbox *sb, const json_t *o);
bool register_add_card(struct sandbox *sb, const json_t *o);

#endif
