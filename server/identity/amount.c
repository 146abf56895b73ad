#include "identity/amount.h"

#include <stdlib.h>
#include <string.h>

bool amount_fen(const char *text, int *out)
{
    const char *digits = text;
    if (text[0] == '0' && text[1] == '.')
        digits = text + 2;
    else if (text[0] == '.')
        digits = text + 1;
    bool yuan = digits != text;
    size_t n = strlen(digits);
    if (n < 1 || n > 2 || strspn(digits, "0123456789") != n)
        return false;
    int v = atoi(digits);
    *out = yuan && n == 1 ? v * 10 : v; /* "0.3" is thirty fen */
    return *out >= 1 && *out <= 99;
}
