/* certificate.h - certificates that were issued (S21). */
#ifndef CERTDESK_CERTIFICATE_CERTIFICATE_H
#define CERTDESK_CERTIFICATE_CERTIFICATE_H

#include "core/ctx.h"
#include "order/order.h"

struct certificate {
    char id[ID_SIZE], order[ID_SIZE], account[ID_SIZE], channel[ID_SIZE];
    int copy; /* which of the order's UKEYs it is for, from 1 */
    const char *serial_hex, *subject_name, *medium_number;
    enum subject_kind subject_kind;
    enum medium medium;
    int algorithm; /* enum pki_alg */
    unsigned char spki_digest[32];
    const void *der;
    size_t der_n;
    int64_t not_before_ms, not_after_ms, revoked_ms, created_ms;
};

struct certificate_summary {
    char id[ID_SIZE];
    const char *serial_hex, *medium_number;
    int64_t not_before_ms, not_after_ms;
};
/* The order's certificates that are not revoked, one a UKEY, by copy; none before the first was issued. */
enum err certificates_of_order(struct ctx *c, const char *order_id, struct certificate_summary **out,
                               size_t *n);
/* Whoever's, revoked or not; NOT_FOUND. */
enum err certificate_by_serial(struct ctx *c, const char *serial_hex, struct certificate *out);
/* The channel's certificate for this key, whoever's: for those who have proved that they hold it. */
enum err certificate_of_key(struct ctx *c, const char *channel_id, const unsigned char spki_digest[static 32],
                            struct certificate *out);
/* Whether the key has a certificate, anywhere, in force or not; one key has at most one. */
enum err certificate_key_known(struct ctx *c, const unsigned char spki_digest[static 32], bool *known);
/* Whether another account has a certificate in force on this medium. */
enum err certificate_medium_of_others(struct ctx *c, const char *medium_number, const char *account,
                                      bool *found);
/* One that the caller may see. */
enum err certificate_load(struct ctx *c, const char *id, struct certificate *out);
/* The caller's own, newest first; after: id of the last one seen, "" at first. medium 0: any. */
enum err certificate_list(struct ctx *c, int medium, const char *after, int limit, struct certificate **out,
                          size_t *n);
enum err certificate_insert(struct ctx *c, const struct certificate *cert);
/* Marks it revoked from now on; in a transaction. Lists for relying parties are a later issue. */
enum err certificate_revoke(struct ctx *c, const char *id, const char *reason);

#endif
