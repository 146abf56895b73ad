#include "base/fi.h"

#ifdef CERTDESK_FAULTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int passed;

void fi_point(const char *label)
{
    const char *spec = getenv("CERTDESK_CRASH");
    size_t n = strlen(label);
    if (!spec || strncmp(spec, label, n) != 0 || (spec[n] != '\0' && spec[n] != ':'))
        return;
    int nth = spec[n] == ':' ? atoi(spec + n + 1) : 1;
    if (++passed == nth)
        raise(SIGKILL);
}
#else
typedef int fi_is_not_compiled_in;
#endif
