/* code_store.h - rows of sms_code and sms_allowance, for code.c alone. */
#ifndef CERTDESK_ACCOUNT_CODE_STORE_H
#define CERTDESK_ACCOUNT_CODE_STORE_H

#include "account/code.h"

/* Of one purpose, or of all that need no session (0), or one (64). */
struct code_allowance {
    bool found;
    int64_t was_sent_ms, was_day_count; /* as read, for the compare-and-set */
    int64_t sent_ms, hour_start_ms, hour_count, day_start_ms, day_count;
};
struct code_row {
    char id[ID_SIZE];
    unsigned char code[32];
    int64_t tries, expires_ms;
};

enum err code_allowance_read(struct ctx *c, const unsigned char phone[static 32], int purpose,
                             struct code_allowance *out);
/* One more, sent now; the windows as the caller moved them. CONFLICT or DB_DUPLICATE when it is not as it was
 * read. */
enum err code_allowance_write(struct ctx *c, const unsigned char phone[static 32], int purpose,
                              const struct code_allowance *a);
/* Makes earlier codes of the binding useless and stores the new one. */
enum err code_insert(struct ctx *c, const char *id, const unsigned char phone[static 32],
                     enum code_purpose purpose, const char *scope, const unsigned char code[static 32],
                     int64_t expires_ms);
enum err code_newest(struct ctx *c, const unsigned char phone[static 32], enum code_purpose purpose,
                     const char *scope, struct code_row *out, bool *found);
/* Compare-and-set on tries, which it adds one to: of two callers at once one gets ERR_CONFLICT. */
enum err code_count_try(struct ctx *c, struct code_row *row);
enum err code_spend(struct ctx *c, const struct code_row *row);

#endif
