#include "base/end.h"

enum end end_of(enum err e)
{
    switch (e) {
    case OK:
        return END_DONE;
    case ERR_INVALID:
    case ERR_NOT_FOUND: /* what the words named */
    case ERR_EXISTS:
    case ERR_MATERIAL_BAD:
    case ERR_CSR_BAD:
        return END_MISUSED;
    case ERR_UNAVAILABLE:
    case ERR_UNKNOWN_OUTCOME:
    case ERR_DEADLINE:
    case ERR_EXHAUSTED:
    case ERR_RATE_LIMITED:
    case ERR_PROVIDER_BUSY:
    case ERR_PROVIDER_UNKNOWN:
        return END_NOT_YET;
    default:
        return END_FAILED;
    }
}
