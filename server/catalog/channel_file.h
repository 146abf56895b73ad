/* channel_file.h - a channel's file, read and checked. catalog/zheneng.yaml explains every key.
 *
 * What is looked up by SQL is in structs; what is only decided by is the policy, kept with the channel as the
 * file has it and read by the same readers (catalog_policy.c).
 */
#ifndef CERTDESK_CATALOG_CHANNEL_FILE_H
#define CERTDESK_CATALOG_CHANNEL_FILE_H

#include "catalog/catalog_store.h"
#include "catalog/node.h"

/* Minutes of a day in which the desk is open. */
struct office_hours {
    int from, to;
};
/* Days are counted from 1970-01-01 in Beijing; lists are sorted. */
struct calendar {
    bool weekend[7]; /* Sunday first */
    const int *holidays, *working;
    size_t n_holidays, n_working;
    const struct office_hours *hours;
    size_t n_hours;
};
/* How long before and after its end a certificate may be renewed, and how long an unlock code is good. */
struct windows {
    int renew_days_before, renew_days_after, unlock_hours;
};
struct policy {
    const char *suppliers[METHOD_FACE + 1][2];
    size_t n_suppliers[METHOD_FACE + 1];
    int attempts[METHOD_FACE + 1];
    int account_checks;
    unsigned payments;
    struct invoice_rules invoice;
    struct delivery_rules posting;
    struct sms_limits sms;
    struct calendar calendar;
    struct windows windows;
};
/* The file's words for enum method, ended by NULL. */
extern const char *const method_words[];

/* Keys of the file that are the policy. */
#define POLICY_KEYS "suppliers attempts account_checks payments invoice posting sms_limits calendar windows"

/* Reads the policy's keys of a mapping. */
void policy_read(struct node file, struct policy *out);
/* The policy of a channel's row. DATA_LOSS. */
enum err channel_policy_parse(struct ctx *c, const char *json, struct policy *out);
/* What is posted on this medium that goes this way. */
struct delivery_rules posting_of(const struct policy *p, enum medium m, enum delivery way);

/* All of a channel as one version has it, also while another is being imported; outside a transaction too. */
struct whole {
    struct channel channel;
    struct policy policy;
    struct offered *offers;
    struct offered_material *materials;
    size_t n_offers, n_materials;
};
enum err channel_whole(struct ctx *c, const char *id_or_code, struct whole *out);

/* -- the calendar ------------------------------------------------------------------------------------------
 */

/* "2026-10-01" as a day; false for what is none. */
bool calendar_day(const char *text, int *out);
const char *calendar_text(struct arena *a, int day);
bool calendar_works(const struct calendar *c, int day);
/* The same time of day, n working days later. */
int64_t calendar_after(const struct calendar *c, int64_t from_ms, int n);

/* -- the file ----------------------------------------------------------------------------------------------
 */

struct file_offer {
    struct offered offered;
    const struct material_rule *materials;
    size_t n_materials;
};
struct file_product {
    const char *code;
    struct product product;
};
struct file_agreement {
    const char *code, *title, *text;
};
struct channel_file {
    struct channel channel; /* without id and version */
    struct file_offer *offers;
    struct file_product *products;
    struct file_agreement *agreements;
    size_t n_offers, n_products, n_agreements;
};
/* Adds to f; what is read with faults is not to be stored. */
void channel_file_read(struct arena *a, const struct yaml_tree *tree, struct channel_file *out,
                       struct file_faults *f);

/* What a file says and `more`, one fact a line, sorted by path: for comparing two of them. */
struct fact {
    const char *path, *value;
};
void channel_facts(struct arena *a, const json_t *root, const struct fact *more, size_t n_more,
                   struct fact **out, size_t *n);

#endif
