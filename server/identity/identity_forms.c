/* identity_forms.c - the manual's tables 2, 3 and 5: which fields a method needs, and what each must look
 * like. */
#include "base/clock.h"
#include "identity/fields.h"
#include "identity/identity.h"

#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

enum look {
    LOOK_NAME,
    LOOK_USCC,
    LOOK_RESIDENT_ID,
    LOOK_PHONE,
    LOOK_CARD,
    LOOK_ACCOUNT, /* not a card number: no Luhn */
    LOOK_BANK,
    LOOK_CNAPS,
    LOOK_EMAIL,
};

enum {
    EVERY = ~0,
    NEVER = 0, /* may be left out */
    DEPOSIT = 1 << METHOD_MICRO_DEPOSIT,
    BANK = 1 << METHOD_BANK_FOUR_FACTOR,
};

struct form_field {
    const char *name;
    size_t at;
    enum look look;
    int needed; /* bits of methods */
    const char *label, *zh;
};

#define IN(T, m) offsetof(struct T, m)
static const struct form_field organization_form[] = {
    {"name", IN(subject, name), LOOK_NAME, EVERY, "name of the organization", "企业名称"},
    {"uscc", IN(subject, uscc), LOOK_USCC, EVERY, "unified social credit code", "统一社会信用代码"},
    {"legal_rep_name", IN(subject, legal_rep_name), LOOK_NAME, EVERY, "legal representative's name",
     "法定代表人姓名"},
    {"legal_rep_id_number", IN(subject, id_number), LOOK_RESIDENT_ID, EVERY,
     "legal representative's identity number", "法定代表人证件号"},
    {"legal_rep_phone", IN(subject, phone), LOOK_PHONE, EVERY, "legal representative's phone",
     "法定代表人手机号"},
    {"legal_rep_card_number", IN(subject, card_number), LOOK_CARD, BANK, "legal representative's card number",
     "法定代表人银行卡号"},
    {"account.number", IN(subject, account.number), LOOK_ACCOUNT, DEPOSIT, "account number", "企业银行账户"},
    {"account.bank", IN(subject, account.bank), LOOK_BANK, DEPOSIT, "name of the bank", "开户行"},
    {"account.branch", IN(subject, account.branch), LOOK_BANK, DEPOSIT, "branch of the bank", "开户地址"},
    {"account.cnaps_code", IN(subject, account.cnaps_code), LOOK_CNAPS, NEVER, "inter-bank code", "联行号"},
};

/* The identity number goes by its kind of document: see check_document(). */
static const struct form_field person_form[] = {
    {"name", IN(subject, name), LOOK_NAME, EVERY, "name", "姓名"},
    {"phone", IN(subject, phone), LOOK_PHONE, EVERY, "phone", "手机号"},
    {"email", IN(subject, email), LOOK_EMAIL, NEVER, "e-mail address", "电子邮箱"},
    {"card_number", IN(subject, card_number), LOOK_CARD, BANK, "card number", "银行卡号"},
    {"account.number", IN(subject, account.number), LOOK_ACCOUNT, DEPOSIT, "account number", "银行账户"},
    {"account.bank", IN(subject, account.bank), LOOK_BANK, DEPOSIT, "name of the bank", "开户行"},
    {"account.branch", IN(subject, account.branch), LOOK_BANK, DEPOSIT, "branch of the bank", "开户行地址"},
    {"account.cnaps_code", IN(subject, account.cnaps_code), LOOK_CNAPS, NEVER, "inter-bank code", "联行号"},
};

static const struct form_field agent_form[] = {
    {"name", IN(agent, name), LOOK_NAME, EVERY, "agent's name", "经办人姓名"},
    {"id_number", IN(agent, id_number), LOOK_RESIDENT_ID, EVERY, "agent's identity number", "经办人证件号"},
    {"email", IN(agent, email), LOOK_EMAIL, EVERY, "agent's e-mail address", "经办人电子邮箱"},
    {"phone", IN(agent, phone), LOOK_PHONE, EVERY, "agent's phone", "经办人手机号"},
    {"card_number", IN(agent, card_number), LOOK_CARD, BANK, "agent's card number", "经办人银行卡号"},
};

static const struct form_field in_person_form[] = {
    {"email", IN(agent, email), LOOK_EMAIL, EVERY, "agent's e-mail address", "经办人电子邮箱"},
    {"card_number", IN(agent, card_number), LOOK_CARD, BANK, "legal representative's card number",
     "法定代表人银行卡号"}, /* of who is verified */
};

static const char *normalise(struct arena *a, enum look look, const char *s)
{
    switch (look) {
    case LOOK_NAME:
    case LOOK_BANK:
        return field_text(a, s);
    case LOOK_EMAIL:
        return field_ascii(a, s);
    case LOOK_PHONE:
        return field_phone(a, s);
    default:
        return field_number(a, s);
    }
}

static enum problem problem_of(enum look look, const char *s)
{
    switch (look) {
    case LOOK_NAME:
        return text_problem(s, 2, 100);
    case LOOK_USCC:
        return uscc_problem(s);
    case LOOK_RESIDENT_ID:
        return resident_id_problem(s, clock_now_ms());
    case LOOK_PHONE:
        return phone_problem(s);
    case LOOK_CARD:
        return card_problem(s);
    case LOOK_ACCOUNT:
        return digits_problem(s, 6, 32);
    case LOOK_BANK: /* goes into a file that spreadsheets open: no formula */
        return strchr("=+-@", s[0]) ? PROBLEM_FORMAT : text_problem(s, 2, 100);
    case LOOK_CNAPS:
        return digits_problem(s, 12, 12);
    case LOOK_EMAIL:
        return email_problem(s);
    }
    return PROBLEM_FORMAT;
}

/* A field that the method does not need is still kept when it is given, and then has to be right. */
static void check_form(struct fault *f, struct arena *a, const char *prefix, const struct form_field *form,
                       size_t n, enum method m, const void *in, void *out)
{
    for (size_t i = 0; i < n; i++) {
        const char *s;
        memcpy(&s, (const char *)in + form[i].at, sizeof s);
        s = normalise(a, form[i].look, s);
        memcpy((char *)out + form[i].at, &s, sizeof s);
        enum problem p = PROBLEM_NONE;
        if (*s)
            p = problem_of(form[i].look, s);
        else if (form[i].needed & 1 << m)
            p = PROBLEM_MISSING;
        field_problem(f, prefix, form[i].name, form[i].label, form[i].zh, p);
    }
}

/* Numbers of proto DocumentType. */
enum {
    DOCUMENT_RESIDENT_ID = 1,
    DOCUMENT_PERMANENT_RESIDENT,
    DOCUMENT_RESIDENCE_PERMIT,
    DOCUMENT_PASSPORT,
};

static void check_document(struct fault *f, struct arena *a, const char *prefix, const struct subject *in,
                           struct subject *out)
{
    enum problem p = PROBLEM_MISSING, kind = PROBLEM_NONE;
    out->document_type = in->document_type;
    out->id_number = field_number(a, in->id_number);
    switch (*out->id_number ? in->document_type : 0) {
    case DOCUMENT_RESIDENT_ID:
        p = resident_id_problem(out->id_number, clock_now_ms());
        break;
    case DOCUMENT_PERMANENT_RESIDENT:
        p = permanent_resident_problem(out->id_number);
        break;
    case DOCUMENT_RESIDENCE_PERMIT:
        p = residence_permit_problem(out->id_number, clock_now_ms());
        break;
    case DOCUMENT_PASSPORT:
        p = passport_problem(out->id_number);
        break;
    default:
        if (*out->id_number)
            p = PROBLEM_NONE; /* the kind is the problem */
    }
    if (in->document_type == 0)
        kind = PROBLEM_MISSING;
    else if (in->document_type < 0 || in->document_type > DOCUMENT_PASSPORT)
        kind = PROBLEM_NOT_OFFERED;
    field_problem(f, prefix, "document_type", "kind of document", "证件类型", kind);
    field_problem(f, prefix, "id_number", "identity number", "证件号码", p);
}

void identity_check_subject(struct fault *f, struct arena *a, const struct subject *in,
                            enum subject_kind kind, enum method m, const char *prefix, struct subject *out)
{
    struct subject s = {.uscc = "", .legal_rep_name = "", .email = ""};
    if (kind == SUBJECT_ORGANIZATION) {
        check_form(f, a, prefix, organization_form, N(organization_form), m, in, &s);
    } else {
        check_form(f, a, prefix, person_form, N(person_form), m, in, &s);
        check_document(f, a, prefix, in, &s);
    }
    *out = s;
}

size_t identity_needed_fields(enum subject_kind kind, enum method m, const char *out[static IDENTITY_FIELDS])
{
    bool organization = kind == SUBJECT_ORGANIZATION;
    const struct form_field *form = organization ? organization_form : person_form;
    size_t n = 0, of_form = organization ? N(organization_form) : N(person_form);
    for (size_t i = 0; i < of_form; i++)
        if (form[i].needed & 1 << m)
            out[n++] = form[i].name;
    if (!organization) { /* check_document() */
        out[n++] = "document_type";
        out[n++] = "id_number";
    }
    return n;
}

void identity_check_agent(struct fault *f, struct arena *a, const struct agent *in, bool collected,
                          const char *prefix, struct agent *out)
{
    struct agent s = {.method = collected ? 0 : in->method,
                      .in_person = in->in_person,
                      .name = "",
                      .id_number = "",
                      .email = "",
                      .phone = "",
                      .card_number = ""};
    enum problem p = PROBLEM_NONE;
    if (in->method == 0) /* in person: the caller names it, with what can be chosen */
        p = in->in_person ? PROBLEM_NONE : PROBLEM_MISSING;
    else if (in->method < METHOD_PHONE_THREE_FACTOR || in->method > METHOD_FACE)
        p = PROBLEM_NOT_OFFERED;
    if (collected)
        p = PROBLEM_NONE;
    field_problem(f, prefix, "method", "agent's method", "经办人认证方式", p);
    enum method m = p == PROBLEM_NONE && s.method ? (enum method)s.method : METHOD_PHONE_THREE_FACTOR;
    if (in->in_person) /* S11: everything else is copied from the legal representative */
        check_form(f, a, prefix, in_person_form, collected ? 1 : N(in_person_form), m, in, &s);
    else
        check_form(f, a, prefix, agent_form, N(agent_form), m, in, &s);
    *out = s;
}
