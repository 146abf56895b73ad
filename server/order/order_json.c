#include "order/order_json.h"

#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* A member of type const char *. */
struct text_field {
    const char *name;
    size_t at;
};

#define AT(T, m)                                                                                             \
    {                                                                                                        \
#m, offsetof(struct T, m)                                                                            \
    }
static const struct text_field subject_texts[] = {
    AT(subject, name),  AT(subject, uscc),        AT(subject, legal_rep_name), AT(subject, id_number),
    AT(subject, phone), AT(subject, card_number), AT(subject, email)};
static const struct text_field account_texts[] = {AT(bank_account, number), AT(bank_account, bank),
                                                  AT(bank_account, branch), AT(bank_account, cnaps_code)};
static const struct text_field agent_texts[] = {AT(agent, name), AT(agent, id_number), AT(agent, email),
                                                AT(agent, phone), AT(agent, card_number)};
static const struct text_field purchase_texts[] = {
    AT(purchase, product_id),      AT(purchase, invoice_title), AT(purchase, tax_number),
    AT(purchase, invoice_email),   AT(purchase, invoice_bank),  AT(purchase, invoice_bank_account),
    AT(purchase, invoice_address), AT(purchase, invoice_phone)};
static const struct text_field address_texts[] = {
    AT(address, recipient), AT(address, phone),  AT(address, province),   AT(address, city),
    AT(address, district),  AT(address, street), AT(address, postal_code)};

static void put_texts(json_t *j, const void *from, const struct text_field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *s;
        memcpy(&s, (const char *)from + f[i].at, sizeof s);
        if (s && *s)
            json_object_set_new(j, f[i].name, json_string(s));
    }
}

static void get_texts(struct arena *a, const json_t *j, void *to, const struct text_field *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_object_get(j, f[i].name));
        const char *copy = s ? arena_strdup(a, s) : "";
        memcpy((char *)to + f[i].at, &copy, sizeof copy);
    }
}

static void put_int(json_t *j, const char *name, int64_t v)
{
    if (v)
        json_object_set_new(j, name, json_integer(v));
}

static int get_int(const json_t *j, const char *name)
{
    return (int)json_integer_value(json_object_get(j, name));
}

static void put_object(json_t *j, const char *name, json_t *child)
{
    if (json_object_size(child))
        json_object_set_new(j, name, child);
    else
        json_decref(child);
}

json_t *order_json_subject(const struct subject *s)
{
    json_t *j = json_object(), *account = json_object();
    put_texts(j, s, subject_texts, N(subject_texts));
    put_int(j, "document_type", s->document_type);
    put_texts(account, &s->account, account_texts, N(account_texts));
    put_object(j, "account", account);
    return j;
}

json_t *order_json_agent(const struct agent *a)
{
    json_t *j = json_object();
    put_texts(j, a, agent_texts, N(agent_texts));
    put_int(j, "method", a->method);
    put_int(j, "in_person", a->in_person);
    return j;
}

json_t *order_json_purchase(const struct purchase *p)
{
    json_t *j = json_object(), *delivery = json_object();
    put_texts(j, p, purchase_texts, N(purchase_texts));
    put_int(j, "term_months", p->term_months);
    put_int(j, "seal", p->seal);
    put_int(j, "quantity", p->quantity);
    put_int(j, "invoice_wanted", p->invoice_wanted);
    put_texts(delivery, &p->delivery, address_texts, N(address_texts));
    put_object(j, "delivery", delivery);
    return j;
}

const char *order_json_text(struct arena *a, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(j);
    if (!text) /* only when memory is out: the arena answers that the same way */
        abort();
    const char *out = arena_strdup(a, text);
    wipe(text, strlen(text));
    free(text);
    return out;
}

static const struct subject no_subject = {.name = "",
                                          .uscc = "",
                                          .legal_rep_name = "",
                                          .id_number = "",
                                          .phone = "",
                                          .card_number = "",
                                          .email = "",
                                          .account = {"", "", "", ""}};
static const struct agent no_agent = {
    .name = "", .id_number = "", .email = "", .phone = "", .card_number = ""};
static const struct purchase no_purchase = {.product_id = "",
                                            .invoice_title = "",
                                            .tax_number = "",
                                            .invoice_email = "",
                                            .invoice_bank = "",
                                            .invoice_bank_account = "",
                                            .invoice_address = "",
                                            .invoice_phone = "",
                                            .delivery = {"", "", "", "", "", "", ""}};

void order_json_blank(struct order *o)
{
    o->subject = no_subject;
    o->agent = no_agent;
    o->purchase = no_purchase;
}

static enum err parse(const char *text, json_t **out, struct fault *f)
{
    *out = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*out)) {
        json_decref(*out);
        return fail(f, ERR_DATA_LOSS, "stored order data are not readable");
    }
    return OK;
}

enum err order_json_read_subject(struct arena *a, const char *text, struct subject *out, struct fault *f)
{
    json_t *j;
    *out = no_subject;
    if (!text)
        return OK;
    TRY(parse(text, &j, f));
    get_texts(a, j, out, subject_texts, N(subject_texts));
    out->document_type = get_int(j, "document_type");
    get_texts(a, json_object_get(j, "account"), &out->account, account_texts, N(account_texts));
    json_decref(j);
    return OK;
}

enum err order_json_read_agent(struct arena *a, const char *text, struct agent *out, struct fault *f)
{
    json_t *j;
    *out = no_agent;
    if (!text)
        return OK;
    TRY(parse(text, &j, f));
    get_texts(a, j, out, agent_texts, N(agent_texts));
    out->method = get_int(j, "method");
    out->in_person = get_int(j, "in_person") != 0;
    json_decref(j);
    return OK;
}

enum err order_json_read_purchase(struct arena *a, const char *text, struct purchase *out, struct fault *f)
{
    json_t *j;
    *out = no_purchase;
    if (!text)
        return OK;
    TRY(parse(text, &j, f));
    get_texts(a, j, out, purchase_texts, N(purchase_texts));
    out->term_months = get_int(j, "term_months");
    out->seal = get_int(j, "seal") != 0;
    out->quantity = get_int(j, "quantity");
    out->invoice_wanted = get_int(j, "invoice_wanted") != 0;
    get_texts(a, json_object_get(j, "delivery"), &out->delivery, address_texts, N(address_texts));
    json_decref(j);
    return OK;
}
