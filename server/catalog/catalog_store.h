/* catalog_store.h - statements about channels, products, agreements, consents. */
#ifndef CERTDESK_CATALOG_CATALOG_STORE_H
#define CERTDESK_CATALOG_CATALOG_STORE_H

#include "catalog/catalog.h"
#include "catalog/catalog_import.h"

struct agreement {
    const char *id, *code, *title, *text;
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
    int max_quantity; /* UKEYs in one order */
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

/* The channel's policy alone; NOT_FOUND. */
enum err channel_policy(struct ctx *c, const char *channel_id, const char **json);
/* How an offer is delivered, with the channel's policy; METHOD_NOT_OFFERED when there is none. */
enum err offer_delivery(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                        enum medium m, enum delivery *out, const char **policy_json);
/* A page of channels by code, after one; at most `limit`. */
enum err channel_list(struct ctx *c, const char *after, int limit, struct channel **out, size_t *n);
/* The version in force now; 0 when there is no such channel. */
enum err channel_version_now(struct ctx *c, const char *channel_id, int *version);
/* All materials that a channel asks for, each with the offer it is of. */
struct offered_material {
    struct offered of; /* without the offer itself */
    struct material_rule rule;
};
enum err material_rule_list(struct ctx *c, const char *channel_id, struct offered_material **out, size_t *n);

/* -- import: inserts or replaces what the file says; see catalog_import.c ---------------------------------
 */

/* What is in force of a channel; version 0 and id "" when it is new. n is 0 when its text was not kept. */
struct channel_head {
    char id[ID_SIZE];
    int version;
    const char *text;
    size_t n;
    unsigned char digest[32];
};
enum err channel_head(struct ctx *c, const char *code, bool lock, struct channel_head *out);
enum err channel_put(struct ctx *c, const struct channel *ch, const unsigned char digest[static 32]);
enum err channel_version_put(struct ctx *c, const char *channel_id, const struct import *i,
                             const unsigned char digest[static 32]);
enum err offer_put(struct ctx *c, const char *channel_id, const struct offered *o);
/* Offers too. */
enum err material_rules_clear(struct ctx *c, const char *channel_id);
enum err material_rule_put(struct ctx *c, const char *channel_id, const struct offered *o, int position,
                           const struct material_rule *m);
enum err products_retire(struct ctx *c, const char *channel_id);
enum err product_put(struct ctx *c, const char *channel_id, const char *code, const struct product *p);
enum err agreements_retire(struct ctx *c, const char *channel_id);
/* A text that did not change keeps its version; a new text is a new version of the same agreement. */
struct agreement_next {
    char id[ID_SIZE];
    int version;
    bool known; /* the version is there already */
    unsigned char digest[32];
};
enum err agreement_next(struct ctx *c, const char *channel_id, const char *code, const char *text,
                        struct agreement_next *out);
enum err agreement_put(struct ctx *c, const char *channel_id, const char *code, const char *title,
                       const char *text);

#endif
