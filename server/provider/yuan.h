/* yuan.h - amounts as people and some suppliers write them: "280.00". Exact; nothing here is a floating-point
 * number. */
#ifndef CERTDESK_PROVIDER_YUAN_H
#define CERTDESK_PROVIDER_YUAN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    YUAN_SIZE = 24
};

/* Two decimals always; fen >= 0. */
void yuan_text(int64_t fen, char out[static YUAN_SIZE]);
const char *yuan_of(struct arena *a, int64_t fen); /* the same, in a */
/* Digits with at most two decimals ("280", "280.0", "280.00"), without sign, at most 10 digits of yuan. False
 * for anything else, NULL too. */
bool yuan_read(const char *s, int64_t *fen);

#endif
