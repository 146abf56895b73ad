#include "provider/yuan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DIGITS = 10
};

void yuan_text(int64_t fen, char out[static YUAN_SIZE])
{
    snprintf(out, YUAN_SIZE, "%" PRId64 ".%02d", fen / 100, (int)(fen % 100));
}

const char *yuan_of(struct arena *a, int64_t fen)
{
    char *out = arena_alloc(a, YUAN_SIZE);
    yuan_text(fen, out);
    return out;
}

bool yuan_read(const char *s, int64_t *fen)
{
    static const char digits[] = "0123456789";
    size_t whole = s ? strspn(s, digits) : 0;
    if (whole == 0 || whole > MAX_DIGITS)
        return false;
    const char *point = s + whole;
    size_t decimals = *point == '.' ? strspn(point + 1, digits) : 0;
    const char *end = *point == '.' ? point + 1 + decimals : point;
    if (*end || (*point == '.' && (decimals < 1 || decimals > 2)))
        return false;
    int64_t part = decimals ? atoi(point + 1) : 0;
    *fen = atoll(s) * 100 + (decimals == 1 ? part * 10 : part);
    return true;
}
