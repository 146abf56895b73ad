/* Any bytes as a verified body of the generic identity protocol's: a verdict of ours, or an open outcome. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/generic.h"

#include <stdlib.h>
#include <string.h>

static void need(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int face = 0; face < 2; face++) {
        struct identity_result r = {0};
        enum err e = generic_read_verdict(data, size, face, &r, NULL);
        need(e == OK ? *identity_verdict_name(r.verdict) != '\0'
                     : e == ERR_PROVIDER_UNKNOWN || (face && e == ERR_NOT_FOUND));
        need(e != OK || r.verdict != IDENTITY_MATCH || r.fields == 0);
        need(e != OK || face || r.verdict != IDENTITY_PENDING);
        need(utf8_valid(r.trace.message, strlen(r.trace.message)) &&
             utf8_valid(r.trace.request_id, strlen(r.trace.request_id)) &&
             utf8_valid(r.operating_period, strlen(r.operating_period)));
    }
    struct identity_face s = {0};
    enum err e = generic_read_session(data, size, &s, NULL);
    need(e == OK ? s.token[0] && s.url[0] && s.expires_ms > 0
                 : e == ERR_PROVIDER_UNKNOWN || e == ERR_PROVIDER_BUSY || e == ERR_RATE_LIMITED ||
                       e == ERR_PROVIDER_REFUSED);
    return 0;
}

FUZZ_TEST
