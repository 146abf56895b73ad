/* catalog.h - what a channel offers: methods, products, prices, materials, agreements (S1, S5, S12). Data,
 * read from the database; imported with `certdeskd channel import FILE`. Reads only; they run inside or
 * outside a transaction.
 */
#ifndef CERTDESK_CATALOG_CATALOG_H
#define CERTDESK_CATALOG_CATALOG_H

#include "core/ctx.h"
#include "order/order.h"

struct channel {
    char id[ID_SIZE];
    const char *code, *name;
    int version;           /* one more with every file that was stored */
    const char *page_json; /* notices, downloads, contact, paper address: for the front page */
    bool invoice_offered;
    const char *initial_password; /* of quick registration (S2); a fresh one with each load if random */
    int review_from,
        review_days; /* working days promised, at least and at most (S18); from 0: only the most is said
                      */
    int64_t payment_minutes; /* how long a QR code is good */
    const char *policy_json; /* what is asked for by the functions at the end of this file */
    const char *profile;     /* certificate profile, pki's word: "2023", "2012" */
};

/* By id or code. ERR_NOT_FOUND. A caller who belongs to a channel finds only that one. */
enum err catalog_channel(struct ctx *c, const char *id_or_code, struct channel *out);

/* What is promised, as people say it before 个工作日: "3-5", or "3". */
const char *catalog_review_days(struct arena *a, const struct channel *ch);

/* One kind of certificate that the channel offers for one kind of order. */
struct offer {
    unsigned methods;       /* bit (1u << enum method) */
    unsigned agent_methods; /* the same */
    bool paper_route;
    bool review; /* false: what is paid is issued without the reviewers (S22, S23, S25) */
    enum delivery delivery;
    int channel_version; /* of the file that says so; catalog_offered() alone says it */
};
/* METHOD_NOT_OFFERED when the channel does not take this kind of order for this subject on this medium. */
enum err catalog_offer(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                       enum medium m, struct offer *out);
/* catalog_channel() and catalog_offer() in one question, for who needs only the channel's id. */
enum err catalog_offered(struct ctx *c, const char *id_or_code, enum order_kind k, enum subject_kind s,
                         enum medium m, char channel_id[static ID_SIZE], struct offer *out);

struct material_rule {
    const char *kind, *title;
    bool required;
    const char *content_types; /* "image/jpeg image/png" */
    int64_t max_bytes;
    bool of_agent; /* of the person who is the agent: asked for again of another one */
};
enum err catalog_materials(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                           enum medium m, const struct material_rule **out, size_t *n);

struct consent {
    const char *agreement_id;
    int version;
};
/* All agreements in force must be among the consents: CONSENT_MISSING names every one that is not, by its id,
 * with the reason REQUIRED, or VERSION when another version of it is. Records them with time and text digest
 * under `object` (order id) for `purpose` ("method", "signature"); inside a transaction. */
enum err catalog_consent(struct ctx *c, const char *channel_id, const char *object, const char *purpose,
                         const struct consent *given, size_t n);

enum {
    PRODUCT_QUANTITY_MAX = 20 /* what a channel may sell in one order */
};
struct quote_line {
    const char *title;
    int quantity;
    int64_t unit_fen, amount_fen;
};
struct quote {
    const char *product_id, *product_name;
    int term_months;
    enum medium medium;
    bool seal;
    int quantity;
    const struct quote_line *lines;
    size_t n_lines;
    int64_t total_fen;
};
/* Price of a choice today, posting included. INVALID (fields product_id, term_months, seal, quantity) for
 * what is not on offer for this channel, kind of order, subject and medium. way: the order's own delivery;
 * 0: the channel's of today. */
enum err catalog_quote(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                       enum medium m, enum delivery way, const char *product_id, int term_months, bool seal,
                       int quantity, struct quote *out);
/* Whether anything is: a product with a price, for a kind of order that the channel takes. */
enum err catalog_sold(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                      enum medium m, bool *sold);
/* The names of what is, with `between` between them; "" when nothing is. */
enum err catalog_on_sale(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m,
                         const char *between, const char **out);
/* The quote as stored with an order, and back. */
const char *catalog_quote_json(struct arena *a, const struct quote *q);
enum err catalog_quote_parse(struct ctx *c, const char *json, struct quote *out);

/* Where printed papers go (S16), from the channel's page; texts in the arena, "" where it says nothing. */
void catalog_paper_address(struct arena *a, const struct channel *ch, struct address *out);

/* -- what a channel decides for other parts
 * ------------------------------------------------------------------
 *
 * Each asks for a channel by id: NOT_FOUND when there is none. What the channel's file does not say has the
 * default named here.
 */

/* First and second choice of supplier for a check (S6, S17), by the suppliers' names in the settings:
 * out[0], out[1]; *n is 0 when the channel leaves it to the server. */
enum err catalog_suppliers(struct ctx *c, const char *channel_id, enum method m, const char *out[static 2],
                           size_t *n);
/* Tries a day that a method allows; 5, for a micro-deposit 3. */
enum err catalog_attempts(struct ctx *c, const char *channel_id, enum method m, int *out);
/* Paid checks that one account may begin in a day, of any method and over all its orders; 50. */
enum err catalog_account_checks(struct ctx *c, const char *channel_id, int *out);

/* Who may be paid through: bit (1u << proto PaymentProvider); WeChat. */
enum err catalog_payments(struct ctx *c, const char *channel_id, unsigned *out);

/* What invoices of the channel say (S15). Texts are "" where the file is silent; without an offer all are. */
struct invoice_rules {
    bool offered;
    const char *seller_tax_number, *seller_name, *seller_address, *seller_phone, *clerk;
    const char *goods_name, *goods_code;
    const char *tax_rate;     /* "0.06" */
    const char *invoice_line; /* the invoice supplier's word: "pc" is the digital general invoice */
};
enum err catalog_invoice(struct ctx *c, const char *channel_id, struct invoice_rules *out);

/* Whether an address is asked for where something is posted, and what posting costs; asked for, free. */
struct delivery_rules {
    enum delivery way; /* as asked, or the offer's */
    bool address_asked;
    int64_t fee_fen;
    int days; /* working days from approval in which the desk's UKEY is posted (S16); 5 */
};
/* For one kind of certificate: nothing is posted of a cloud certificate or a download. way is as above.
 * METHOD_NOT_OFFERED. */
enum err catalog_posting(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                         enum medium m, enum delivery way, struct delivery_rules *out);

/* What is promised of an order that is approved now and whose UKEY the desk posts (S16): in how many working
 * days, and when they are over. */
enum err catalog_posting_promise(struct ctx *c, const char *channel_id, int *days, int64_t *due_ms);

/* The password of a new account (S2): the channel's fixed text, or a random one each time. It must be changed
 * in any case. */
enum err catalog_first_password(struct ctx *c, const char *channel_id, const char **out);

/* Codes and face links by SMS, at most: to one phone of one purpose in a minute; to one phone in an hour and
 * a day, so many that need no session (login, new password) and as many again that need one; asked for from
 * one network address in an hour; by the whole channel in a day. 1, 5, 10; the last two as good as unlimited.
 */
struct sms_limits {
    int phone_minute, phone_hour, phone_day, address_hour, channel_day;
};
enum err catalog_sms_limits(struct ctx *c, const char *channel_id, struct sms_limits *out);

/* The same time of day after n working days of the channel, in Beijing: weekends, holidays and make-up
 * working days are the channel's. Monday to Friday. */
enum err catalog_working_days(struct ctx *c, const char *channel_id, int64_t from_ms, int n, int64_t *out);

#endif
