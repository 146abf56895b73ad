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
    const char *page_json; /* notices, downloads, contact, paper address: for the front page */
    bool invoice_offered;
    bool simulated_provider;      /* unused by rules */
    const char *initial_password; /* of quick registration (S2) */
    int review_days;              /* working days promised (S18) */
    int64_t payment_minutes;      /* how long a QR code is good */
    const char *profile;          /* certificate profile, pki's word: "2023", "2012" */
};

/* By id or code. ERR_NOT_FOUND. A caller who belongs to a channel finds only that one. */
enum err catalog_channel(struct ctx *c, const char *id_or_code, struct channel *out);

/* One kind of certificate that the channel offers. */
struct offer {
    unsigned methods;       /* bit (1u << enum method) */
    unsigned agent_methods; /* the same */
    bool paper_route;
};
/* METHOD_NOT_OFFERED when the channel does not offer this kind of subject on this medium. */
enum err catalog_offer(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m,
                       struct offer *out);
/* catalog_channel() and catalog_offer() in one question, for who needs only the channel's id. */
enum err catalog_offered(struct ctx *c, const char *id_or_code, enum subject_kind s, enum medium m,
                         char channel_id[static ID_SIZE], struct offer *out);

struct material_rule {
    const char *kind, *title;
    bool required;
    const char *content_types; /* "image/jpeg image/png" */
    int64_t max_bytes;
};
enum err catalog_materials(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m,
                           const struct material_rule **out, size_t *n);

struct consent {
    const char *agreement_id;
    int version;
};
/* All agreements in force must be among the consents: CONSENT_MISSING names the first missing one. Records
 * them with time and text digest under `object` (order id) for `purpose` ("method", "signature"); inside a
 * transaction. */
enum err catalog_consent(struct ctx *c, const char *channel_id, const char *object, const char *purpose,
                         const struct consent *given, size_t n);

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
/* Price of a choice today. INVALID (fields product_id, term_months, seal, quantity) for what is not on offer
 * for this channel, subject and medium. */
enum err catalog_quote(struct ctx *c, const char *channel_id, enum subject_kind s, enum medium m,
                       const char *product_id, int term_months, bool seal, int quantity, struct quote *out);
/* The quote as stored with an order, and back. */
const char *catalog_quote_json(struct arena *a, const struct quote *q);
enum err catalog_quote_parse(struct ctx *c, const char *json, struct quote *out);

/* Where printed papers go (S16), from the channel's page; texts in the arena, "" where it says nothing. */
void catalog_paper_address(struct arena *a, const struct channel *ch, struct address *out);

/* End of n working days of the channel after `from_ms` (Monday to Friday; holidays are channel data later).
 */
int64_t catalog_working_days(int64_t from_ms, int n);

#endif
