/* staff_store.h - rows of `staff`, and the counts that the queues show. */
#ifndef CERTDESK_STAFF_STAFF_STORE_H
#define CERTDESK_STAFF_STAFF_STORE_H

#include "staff/staff.h"

struct staff_row {
    struct staff staff;
    const char *password;
    const char *totp; /* the secret's bytes */
    size_t totp_n;
    int64_t totp_step, version;
    bool disabled;
};

enum err staff_by_login(struct ctx *c, const char *login, struct staff_row *out);
enum err staff_by_id(struct ctx *c, const char *id, struct staff_row *out);
/* Compare-and-set on version. */
enum err staff_note_login(struct ctx *c, const struct staff_row *s, int64_t totp_step);
enum err staff_upsert(struct ctx *c, const struct staff *s, const char *password, const void *totp, size_t n);
enum err staff_queue_counts(struct ctx *c, struct queues *out);
/* Ids of orders by one exact key. */
enum err staff_find_ids(struct ctx *c, const char *text, const unsigned char uscc[static 32],
                        const unsigned char resident[static 32], const char ***ids, size_t *n);

#endif
