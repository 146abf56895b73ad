/* catalog_store.h - statements about channels, products, agreements, consents. */
#ifndef CERTDESK_CATALOG_CATALOG_STORE_H
#define CERTDESK_CATALOG_CATALOG_STORE_H

#include "catalog/catalog.h"

struct agreement {
    const char *id, *title, *text;
    int version;
    unsigned char digest[32];
};
struct price {
    int term_months;
    bool seal;
    int64_t price_fen;
};
struct product {
    const char *id, *name;
    enum subject_kind subject;
    enum medium medium;
    struct price *prices;
    size_t n_prices;
};

struct offered {
    enum order_kind kind;
    enum subject_kind subject;
    enum medium medium;
    struct offer offer;
};

enum err agreement_list(struct ctx *c, const char *channel_id, const struct agreement **out, size_t *n);
/* The same without their texts, for comparing. */
enum err agreement_heads(struct ctx *c, const char *channel_id, const struct agreement **out, size_t *n);
/* All of the list in one statement. */
enum err consent_insert(struct ctx *c, const char *object, const char *purpose, const struct agreement *list,
                        size_t n);
/* subject or medium 0: any. */
enum err product_list(struct ctx *c, const char *channel_id, int subject, int medium, struct product **out,
                      size_t *n);
/* Channel, subject and medium of a product that is in force, with its name; NOT_FOUND. */
enum err product_load(struct ctx *c, const char *id, char channel[static ID_SIZE], struct product *out);
enum err offer_list(struct ctx *c, const char *channel_id, struct offered **out, size_t *n);

/* Import: inserts or replaces what the file says; see catalog_import.c. */
enum err channel_put(struct ctx *c, const struct channel *ch, const unsigned char digest[static 32]);
enum err offer_put(struct ctx *c, const char *channel_id, const struct offered *o);
enum err material_rules_clear(struct ctx *c, const char *channel_id);
enum err material_rule_put(struct ctx *c, const char *channel_id, const struct offered *o, int position,
                           const struct material_rule *m);
enum err products_retire(struct ctx *c, const char *channel_id);
enum err product_put(struct ctx *c, const char *channel_id, const char *code, const struct product *p);
enum err agreements_retire(struct ctx *c, const char *channel_id);
enum err agreement_put(struct ctx *c, const char *channel_id, const char *code, const char *title,
                       const char *text);

#endif
