/* words.h - states, kinds, times and money as a person reads them. All text is in the user's language. */
#ifndef CERTDESK_SCREEN_WORDS_H
#define CERTDESK_SCREEN_WORDS_H

#include "base/arena.h"
#include "ui/theme.h"

#include <google/protobuf/timestamp.pb-c.h>
#include <stddef.h>
#include <stdint.h>

/* Enum values of the proto; an unknown one is "?". Static storage. */
const char *word_order_state(int state);
const char *word_order_kind(int kind);
const char *word_subject(int kind);
/* The two together, short: "new organization". */
char *word_business(struct arena *a, int subject, int kind);
const char *word_method(int method);
const char *word_medium(int medium);
const char *word_delivery(int way);
const char *word_document(int type);
const char *word_verification(int state);
const char *word_shipment(int state);
/* The same by its name in the API, without its prefix: "IN_TRANSIT". */
const char *word_shipment_named(const char *name);
const char *word_token(int state);
const char *word_job(int state);
const char *word_verdict(int verdict);
/* Medium numbers, a blank between two; for a column: "10001 +2". */
const char *word_media(struct arena *a, char *const *numbers, size_t n);
const char *word_media_short(struct arena *a, char *const *numbers, size_t n);
const char *word_step(int step);
enum style style_shipment(int state);
/* A provider's check and its outcome, by the names in the evidence: "phone3", "MATCH". */
const char *word_check(const char *check);
const char *word_outcome(const char *outcome);
/* "1 year", "18 months" */
char *word_term(struct arena *a, int months);

/* Couriers by the code that the courier service knows. */
struct courier {
    const char *code;
    const char *name; /* msgid */
};
extern const struct courier couriers[];
extern const size_t n_couriers;
const char *word_courier(const char *code);

/* "2026-11-22 15:21" in local time; "" for NULL. */
char *word_time(struct arena *a, const Google__Protobuf__Timestamp *t);
/* The day alone. */
const char *word_zone(struct arena *a);
char *word_day(struct arena *a, const Google__Protobuf__Timestamp *t);
char *word_money(struct arena *a, int64_t fen);
/* "312 KB" */
char *word_size(struct arena *a, int64_t bytes);
/* True when t lies before now. */
int word_overdue(const Google__Protobuf__Timestamp *t);

#endif
