/* order_purchase.c - certificate, invoice, delivery; the quote and its freezing (S12). */
#include "catalog/catalog.h"
#include "identity/fields.h"
#include "order/order_masks.h"
#include "order/order_steps.h"
#include "payment/payment.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

/* -- the form -------------------------------------------------------------------------------------------- */

static enum problem needed(const char *s, enum problem p)
{
    return *s ? p : PROBLEM_MISSING;
}

static enum problem optional(const char *s, enum problem p)
{
    return *s ? p : PROBLEM_NONE;
}

/* Mobile, or a landline with its area code: couriers ring both. */
static enum problem contact_phone_problem(const char *s)
{
    if (phone_problem(s) == PROBLEM_NONE)
        return PROBLEM_NONE;
    size_t n = strlen(s);
    if (n < 7 || n > 20)
        return PROBLEM_LENGTH;
    return strspn(s, "0123456789-") == n ? PROBLEM_NONE : PROBLEM_FORMAT;
}

static const char *contact_phone(struct arena *a, const char *s)
{
    const char *mobile = field_phone(a, s);
    return phone_problem(mobile) == PROBLEM_NONE ? mobile : field_ascii(a, s);
}

static const char *or_else(const char *s, const char *fallback)
{
    return *s ? s : fallback;
}

/* Title is the applicant's name, whatever was sent (S12). */
static void clean_invoice(struct ctx *c, const struct order *o, const struct purchase *in,
                          struct purchase *out)
{
    struct arena *a = c->arena;
    out->invoice_wanted = in->invoice_wanted;
    out->invoice_title = out->tax_number = out->invoice_email = out->invoice_bank = "";
    out->invoice_bank_account = out->invoice_address = out->invoice_phone = "";
    if (!in->invoice_wanted)
        return; /* nothing is checked then, so nothing is kept */
    out->invoice_title = o->subject.name;
    out->tax_number = or_else(field_number(a, in->tax_number), o->subject.uscc);
    out->invoice_email = or_else(field_ascii(a, in->invoice_email), order_contact(o).email);
    out->invoice_bank = field_text(a, in->invoice_bank);
    out->invoice_bank_account = field_number(a, in->invoice_bank_account);
    out->invoice_address = field_text(a, in->invoice_address);
    out->invoice_phone = contact_phone(a, in->invoice_phone);
}

static void check_invoice(struct fault *f, const char *in, bool offered, const struct purchase *p)
{
    if (!p->invoice_wanted)
        return;
    if (!offered)
        field_problem(f, in, "wanted", "invoice", "发票", PROBLEM_NOT_OFFERED);
    field_problem(f, in, "email", "e-mail address for the invoice", "发票接收邮箱",
                  needed(p->invoice_email, email_problem(p->invoice_email)));
    field_problem(f, in, "tax_number", "tax number", "纳税人识别号",
                  optional(p->tax_number, text_problem(p->tax_number, 15, 20)));
    field_problem(f, in, "bank", "name of the bank", "开户行",
                  optional(p->invoice_bank, text_problem(p->invoice_bank, 2, 100)));
    field_problem(f, in, "bank_account", "bank account", "银行账号",
                  optional(p->invoice_bank_account, digits_problem(p->invoice_bank_account, 6, 32)));
    field_problem(f, in, "address", "address for the invoice", "注册地址",
                  optional(p->invoice_address, text_problem(p->invoice_address, 2, 120)));
    field_problem(f, in, "phone", "phone for the invoice", "注册电话",
                  optional(p->invoice_phone, contact_phone_problem(p->invoice_phone)));
}

/* held: what the invoice says so far. */
static void read_invoice(struct ctx *c, const struct order *o, const struct purchase *held,
                         const struct purchase *in, bool offered, const char *prefix, struct purchase *out)
{
    struct purchase given = *in;
    if (given.invoice_wanted)
        order_unmask(c->fault, c->arena, MASKED_INVOICE, prefix, held, &given);
    clean_invoice(c, o, &given, out);
    check_invoice(c->fault, prefix, offered, out);
}

enum err order_check_invoice(struct ctx *c, const struct order *o, const struct purchase *held,
                             const struct purchase *in, const char *prefix, struct purchase *out)
{
    struct purchase wanted = *in;
    wanted.invoice_wanted = true;
    read_invoice(c, o, held, &wanted, true, prefix, out);
    return fault_fields(c->fault);
}

/* -- who is told is another by now -------------------------------------------------------------------------
 */

static void follow(const char **text, const char *was, const char *now)
{
    if (*was && *now && strcmp(*text, was) == 0)
        *text = now;
}

const struct purchase *order_purchase_follows(const struct order *was, const struct order *now,
                                              struct purchase *out)
{
    struct order_contact before = order_contact(was), after = order_contact(now);
    if (!*was->purchase.product_id)
        return NULL;
    *out = was->purchase;
    follow(&out->invoice_title, was->subject.name, now->subject.name);
    follow(&out->tax_number, was->subject.uscc, now->subject.uscc);
    follow(&out->invoice_email, before.email, after.email);
    follow(&out->delivery.recipient, before.name, after.name);
    follow(&out->delivery.phone, before.phone, after.phone);
    return out;
}

/* -- the address -------------------------------------------------------------------------------------------
 */

static void clean_delivery(struct ctx *c, const struct order *o, const struct address *in,
                           struct address *out)
{
    struct arena *a = c->arena;
    struct order_contact to = order_contact(o);
    *out = (struct address){.recipient = or_else(field_text(a, in->recipient), to.name),
                            .phone = or_else(contact_phone(a, in->phone), to.phone),
                            .province = field_text(a, in->province),
                            .city = field_text(a, in->city),
                            .district = field_text(a, in->district),
                            .street = field_text(a, in->street),
                            .postal_code = field_number(a, in->postal_code)};
}

static const char delivery_prefix[] = "purchase.delivery.";

/* Something is posted, so it must be possible to post it: nobody's address was asked for before. */
static void check_delivery(struct fault *f, const struct address *d)
{
    const char *const in = delivery_prefix;
    field_problem(f, in, "recipient", "name of the recipient", "收件人",
                  needed(d->recipient, text_problem(d->recipient, 1, 60)));
    field_problem(f, in, "phone", "recipient's phone", "收件人电话",
                  needed(d->phone, contact_phone_problem(d->phone)));
    field_problem(f, in, "province", "province", "省份",
                  needed(d->province, text_problem(d->province, 2, 30)));
    field_problem(f, in, "city", "city", "城市", needed(d->city, text_problem(d->city, 2, 40)));
    field_problem(f, in, "district", "district", "区县",
                  optional(d->district, text_problem(d->district, 1, 40)));
    field_problem(f, in, "street", "street and number", "详细地址",
                  needed(d->street, text_problem(d->street, 2, 120)));
    field_problem(f, in, "postal_code", "postal code", "邮政编码",
                  optional(d->postal_code, digits_problem(d->postal_code, 6, 6)));
}

static void read_delivery(struct ctx *c, const struct order *o, const struct address *in, struct address *out)
{
    struct address given = *in;
    order_unmask(c->fault, c->arena, MASKED_DELIVERY, delivery_prefix, &o->purchase.delivery, &given);
    clean_delivery(c, o, &given, out);
    check_delivery(c->fault, out);
}

/* The catalog names its fields without the message they came in. */
static void say_where(struct fault *f, size_t from)
{
    for (size_t i = from; i < f->n_violations; i++) {
        char path[sizeof f->violations[i].field];
        snprintf(path, sizeof path, "purchase.%.60s", f->violations[i].field);
        memcpy(f->violations[i].field, path, sizeof path);
    }
}

static enum err quote_for(struct ctx *c, const struct order *o, const struct purchase *p, struct quote *out)
{
    return catalog_quote(c, o->channel, o->kind, o->subject_kind, o->medium, o->delivery, p->product_id,
                         p->term_months, p->seal, p->quantity, out);
}

enum err order_set_purchase(struct ctx *c, const char *id, const struct purchase *in, struct order *out)
{
    struct channel channel;
    struct quote quote;
    struct delivery_rules posting;
    TRY(order_load(c, id, out));
    int to;
    TRY(order_next(out, EV_PURCHASE_SET, &to, c->fault));
    TRY(catalog_channel(c, out->channel, &channel));
    TRY(catalog_posting(c, out->channel, out->kind, out->subject_kind, out->medium, out->delivery, &posting));
    struct purchase p = {.product_id = field_text(c->arena, in->product_id),
                         .term_months = in->term_months,
                         .seal = in->seal,
                         .quantity = in->quantity ? in->quantity : 1};
    read_invoice(c, out, &out->purchase, in, channel.invoice_offered, "purchase.invoice.", &p);
    p.delivery = (struct address){"", "", "", "", "", "", ""};
    if (posting.address_asked)
        read_delivery(c, out, &in->delivery, &p.delivery);
    size_t before = c->fault->n_violations;
    enum err e = quote_for(c, out, &p, &quote);
    say_where(c->fault, before);
    if (e != OK)
        return e;
    TRY(fault_fields(c->fault));
    return order_move(c, out, EV_PURCHASE_SET, &(struct order_change){.purchase = &p}, NULL);
}

/* -- the quote ----------------------------------------------------------------------------------------------
 */

enum err order_quote(struct ctx *c, const struct order *o, struct quote *out)
{
    *out = (struct quote){0};
    if (*o->quote_json)
        return catalog_quote_parse(c, o->quote_json, out);
    if (!*o->purchase.product_id || !order_state_is_open(o->state))
        return OK;
    enum err e = quote_for(c, o, &o->purchase, out);
    if (e != ERR_INVALID)
        return e;
    fault_clear(c->fault); /* withdrawn meanwhile: nothing to show until another is chosen */
    *out = (struct quote){0};
    return OK;
}

static enum err withdrawn(struct ctx *c, const struct order *o)
{
    const char *en, *zh;
    TRY(catalog_on_sale(c, o->channel, o->subject_kind, o->medium, ", ", &en));
    TRY(catalog_on_sale(c, o->channel, o->subject_kind, o->medium, "、", &zh));
    if (!*en)
        return fail_both(c->fault, ERR_PRICE_CHANGED,
                         "what was chosen is no longer on offer, and nothing else is",
                         "所选商品已下架，且暂无其他在售商品");
    return fail_both(
        c->fault, ERR_PRICE_CHANGED,
        arena_printf(c->arena, "what was chosen is no longer on offer; go back and choose again: %s", en),
        arena_printf(c->arena, "所选商品已下架，请返回重新选择：%s", zh));
}

enum err order_confirm_purchase(struct ctx *c, const char *id, int64_t total_fen, struct order *out)
{
    struct quote q;
    TRY(order_load(c, id, out));
    if (!order_can(out, EV_PURCHASE_CONFIRMED))
        return order_move(c, out, EV_PURCHASE_CONFIRMED, NULL, NULL); /* the table's own refusal */
    TRY(order_quote(c, out, &q));
    if (q.n_lines == 0)
        return withdrawn(c, out);
    if (q.total_fen != total_fen) {
        enum err e = fail(c->fault, ERR_PRICE_CHANGED, "the price is now %lld fen; confirm the new quote",
                          (long long)q.total_fen);
        snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "价格已变为%s元，请重新确认",
                 yuan_of(c->arena, q.total_fen));
        return e;
    }
    struct order_change change = {.quote_json = catalog_quote_json(c->arena, &q), .price_fen = &q.total_fen};
    if (out->paper_route) { /* what the printed form says, to be signed by hand (S16) */
        struct order next = *out;
        next.quote_json = change.quote_json;
        next.price_fen = q.total_fen;
        change.signed_text = order_form_text(c, &next);
    }
    return order_move(c, out, EV_PURCHASE_CONFIRMED, &change, NULL);
}

enum err order_return_to_purchase(struct ctx *c, const char *id, struct order *out)
{
    int64_t none = 0;
    TRY(order_load(c, id, out));
    bool asked_for_money = out->state == ORDER_PAYMENT;
    TRY(order_move(c, out, EV_PURCHASE_REOPENED, &(struct order_change){.quote_json = "", .price_fen = &none},
                   NULL));
    return asked_for_money ? payment_order_reopened(c, out->id) : OK;
}
