/* Any bytes as a push of kuaidi100's. First octet 's': the rest is a param, signed as it should be; else it
 * is the body of the POST as it came. */
#include "fuzz.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/kuaidi100.h"
#include "provider/sign.h"

#include <stdlib.h>
#include <string.h>

static const char salt[] = "saltsaltsaltsalt";

static enum err as_body(const char *body, size_t n, struct arena *a, struct courier_push *out)
{
    struct provider_pair *form;
    size_t fields;
    enum err e = form_decode(a, body, n, &form, &fields);
    return e == OK ? kuaidi100_push_verify(NULL, form, fields, salt, a, out, NULL) : e;
}

static enum err as_param(const char *param, struct arena *a, struct courier_push *out)
{
    char sign[2 * MD5_SIZE + 1];
    const char *text = arena_printf(a, "%s%s", param, salt);
    md5_upper_hex(text, strlen(text), sign);
    struct provider_pair form[] = {{"sign", sign}, {"param", param}};
    enum err e = kuaidi100_push_verify(NULL, form, 2, salt, a, out, NULL);
    if (e == ERR_SIGNATURE_BAD)
        abort();
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct courier_push out;
    if (!size)
        return 0;
    arena_init(&a, 0);
    const char *rest = arena_strndup(&a, (const char *)data + 1, size - 1);
    enum err e = data[0] == 's' ? as_param(rest, &a, &out) : as_body(rest, size - 1, &a, &out);
    if (e != OK && e != ERR_SIGNATURE_BAD && e != ERR_INVALID)
        abort();
    if (e == OK && (!*out.track.number || !*courier_state_name(out.track.state)))
        abort();
    for (size_t i = 0; e == OK && i < out.track.n_events; i++)
        if (!utf8_valid(out.track.events[i].text, strlen(out.track.events[i].text)))
            abort();
    arena_free(&a);
    return 0;
}

FUZZ_TEST
