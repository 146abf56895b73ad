#include "order/order_masks.h"

#include "identity/fields.h"
#include "identity/identity.h"

#include <string.h>

/* A member of type const char *. name: in its message. */
struct masked_field {
    const char *name;
    size_t at;
    const char *(*mask)(struct arena *a, const char *s);
    const char *label, *zh;
};

#define N(a)     (sizeof(a) / sizeof *(a))
#define IN(T, m) offsetof(struct T, m)

static const struct masked_field organization[] = {
    {"legal_rep_name", IN(subject, legal_rep_name), mask_name, "legal representative's name",
     "法定代表人姓名"},
    {"legal_rep_id_number", IN(subject, id_number), mask_number, "legal representative's identity number",
     "法定代表人证件号"},
    {"legal_rep_phone", IN(subject, phone), mask_phone, "legal representative's phone", "法定代表人手机号"},
    {"legal_rep_card_number", IN(subject, card_number), mask_number, "legal representative's card number",
     "法定代表人银行卡号"},
    {"account.number", IN(subject, account.number), mask_number, "account number", "企业银行账户"},
};
static const struct masked_field person[] = {
    {"name", IN(subject, name), mask_name, "name", "姓名"},
    {"id_number", IN(subject, id_number), mask_number, "identity number", "证件号"},
    {"phone", IN(subject, phone), mask_phone, "phone", "手机号"},
    {"card_number", IN(subject, card_number), mask_number, "card number", "银行卡号"},
    {"account.number", IN(subject, account.number), mask_number, "account number", "银行账户"},
};
static const struct masked_field agent[] = {
    {"name", IN(agent, name), mask_name, "agent's name", "经办人姓名"},
    {"id_number", IN(agent, id_number), mask_number, "agent's identity number", "经办人证件号"},
    {"phone", IN(agent, phone), mask_phone, "agent's phone", "经办人手机号"},
    {"card_number", IN(agent, card_number), mask_number, "agent's card number", "经办人银行卡号"},
};
static const struct masked_field delivery[] = {
    {"recipient", IN(address, recipient), mask_name, "name of the recipient", "收件人"},
    {"phone", IN(address, phone), mask_phone, "recipient's phone", "收件人电话"},
};
static const struct masked_field invoice[] = {
    {"bank_account", IN(purchase, invoice_bank_account), mask_number, "bank account", "银行账号"},
};
static const struct masked_field invoice_look[] = {
    {"tax_number", IN(purchase, tax_number), mask_number, "tax number", "纳税人识别号"},
    {"email", IN(purchase, invoice_email), mask_name, "e-mail address for the invoice", "发票接收邮箱"},
    {"address", IN(purchase, invoice_address), mask_name, "address for the invoice", "注册地址"},
    {"phone", IN(purchase, invoice_phone), mask_phone, "phone for the invoice", "注册电话"},
};

static const struct {
    const struct masked_field *fields;
    size_t n;
} parts[MASKED_PARTS] = {
    [MASKED_ORGANIZATION] = {organization, N(organization)},
    [MASKED_PERSON] = {person, N(person)},
    [MASKED_AGENT] = {agent, N(agent)},
    [MASKED_DELIVERY] = {delivery, N(delivery)},
    [MASKED_INVOICE] = {invoice, N(invoice)},
    [MASKED_INVOICE_LOOK] = {invoice_look, N(invoice_look)},
};

static const char *get(const void *data, const struct masked_field *m)
{
    const char *s;
    memcpy(&s, (const char *)data + m->at, sizeof s);
    return s ? s : "";
}

static void set(void *data, const struct masked_field *m, const char *s)
{
    memcpy((char *)data + m->at, &s, sizeof s);
}

void order_mask(struct arena *a, enum masked_part part, void *data)
{
    for (size_t i = 0; i < parts[part].n; i++) {
        const struct masked_field *m = &parts[part].fields[i];
        set(data, m, m->mask(a, get(data, m)));
    }
}

/* The full-width one, too: numbers are read as ASCII, and in a name it looks the same. */
static bool has_star(const char *s)
{
    return strchr(s, '*') || strstr(s, "＊");
}

void order_unmask(struct fault *f, struct arena *a, enum masked_part part, const char *prefix,
                  const void *held, void *given)
{
    for (size_t i = 0; i < parts[part].n; i++) {
        const struct masked_field *m = &parts[part].fields[i];
        const char *was = get(held, m), *now = get(given, m);
        if (*was && strcmp(now, m->mask(a, was)) == 0)
            set(given, m, was);
        else if (has_star(now))
            field_problem(f, prefix, m->name, m->label, m->zh, PROBLEM_MASKED);
    }
}
