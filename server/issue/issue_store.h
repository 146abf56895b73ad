/* issue_store.h - rows of personalisation, issuance and serial_used. */
#ifndef CERTDESK_ISSUE_ISSUE_STORE_H
#define CERTDESK_ISSUE_ISSUE_STORE_H

#include "issue/issue.h"

enum issuance_state {
    ISSUANCE_INTENT = 1,
    ISSUANCE_ISSUED,
    ISSUANCE_DEAD,
};

struct issuance {
    char order[ID_SIZE], personalisation[ID_SIZE];
    int attempt; /* of the order, all copies together */
    int copy;
    const char *serial;
    unsigned char spki_digest[32];
    int algorithm; /* enum pki_alg */
    const void *intent;
    size_t intent_n;
    enum issuance_state state;
};

/* KEY_USED when the key has a certificate, or is about to have one. */
struct pki_csr;
enum err issue_key_new(struct ctx *c, const struct pki_csr *csr); /* issue_sign.c */

enum err personalisation_insert(struct ctx *c, const struct personalisation *p);
enum err personalisation_in_work(struct ctx *c, const char *order_id, struct personalisation *out);
/* Whether something is being written to it just now. */
enum err personalisation_of_medium(struct ctx *c, const char *medium_number, bool *in_work);
enum err personalisation_by_id(struct ctx *c, const char *id, struct personalisation *out);
/* How many copies of the order are written. They are written one after another, so the next is this + 1. */
enum err personalisations_written(struct ctx *c, const char *order_id, int *out);
enum err personalisation_advance(struct ctx *c, const struct personalisation *p, int step, const void *detail,
                                 size_t n);
/* Also one that was finished. */
enum err personalisation_drop(struct ctx *c, const struct personalisation *p);
/* Ids of the order's that were not dropped, by copy. */
enum err personalisations_kept(struct ctx *c, const char *order_id, const char ***out, size_t *n);
enum err personalisation_end(struct ctx *c, const struct personalisation *p, bool dropped);

enum err serial_insert(struct ctx *c, const char *serial, const char *order_id);
/* Attempts so far, for the next number. */
enum err issuance_attempts(struct ctx *c, const char *order_id, int *out);
enum err issuance_insert(struct ctx *c, const struct issuance *i);
/* The one that is not dead: of a copy, or of a personalisation. */
enum err issuance_live(struct ctx *c, const char *order_id, int copy, struct issuance *out);
enum err issuance_of(struct ctx *c, const char *personalisation_id, struct issuance *out);
/* Whether some order's live intent is for this key. */
enum err issuance_key_known(struct ctx *c, const unsigned char spki_digest[static 32], bool *known);
enum err issuance_set_state(struct ctx *c, const struct issuance *i, enum issuance_state to);

#endif
