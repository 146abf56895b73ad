#include "provider/kuaidi100.h"

#include "base/str.h"
#include "provider/http.h"
#include "provider/sign.h"
#include "provider/when.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_EVENTS = 1000,
    MAX_PARAM = 1 << 20
};

const char *courier_state_name(enum courier_state s)
{
    static const char *const names[] = {"UNKNOWN",  "PICKED_UP", "IN_TRANSIT", "DELIVERING",
                                        "SIGNED",   "PROBLEM",   "REFUSED",    "RETURNING",
                                        "RETURNED", "FORWARDED", "CUSTOMS"};
    return (size_t)s < sizeof names / sizeof *names ? names[s] : "";
}

static enum courier_state state_of(long code)
{
    switch (code) {
    case 0:
        return COURIER_IN_TRANSIT;
    case 1:
        return COURIER_PICKED_UP;
    case 2:
        return COURIER_PROBLEM;
    case 3:
        return COURIER_SIGNED;
    case 4:
        return COURIER_RETURNED;
    case 5:
        return COURIER_DELIVERING;
    case 6:
        return COURIER_RETURNING;
    case 7:
        return COURIER_FORWARDED;
    case 8:
    case 10:
    case 11:
    case 12:
    case 13:
        return COURIER_CUSTOMS;
    case 14:
        return COURIER_REFUSED;
    default:
        return COURIER_UNKNOWN;
    }
}

/* resultv2 gives finer codes: three digits begin with the plain state (301), four are stages on the way
 * (1001). */
static enum courier_state read_state(const json_t *j, const char *key)
{
    char code[8];
    if (!js_code(j, key, code, sizeof code) || !code[0] || strspn(code, "0123456789") != strlen(code))
        return COURIER_UNKNOWN;
    long n = strtol(code, NULL, 10);
    if (n >= 1000)
        return n < 1100 ? COURIER_IN_TRANSIT : COURIER_UNKNOWN;
    return state_of(n >= 100 ? n / 100 : n);
}

static const char *text_or_empty(struct arena *a, const json_t *j, const char *key)
{
    const char *s = js_str(j, key);
    return s ? arena_strdup(a, s) : "";
}

static bool read_event(const json_t *j, struct arena *a, struct courier_event *out)
{
    const char *when = js_str(j, "ftime");
    if (!when_read_beijing(when ? when : js_str(j, "time"), &out->time_ms))
        return false;
    out->text = text_or_empty(a, j, "context");
    out->location = text_or_empty(a, j, "location");
    if (!out->location[0])
        out->location = text_or_empty(a, j, "areaName");
    out->state = read_state(j, "statusCode");
    return true;
}

enum err kuaidi100_read_track(const json_t *j, struct arena *a, struct courier_track *out, struct fault *f)
{
    const json_t *data = json_object_get(j, "data");
    const char *number = js_str(j, "nu"), *company = js_str(j, "com");
    size_t n = json_array_size(data);
    if (!number || !*number || !company || !json_is_array(data) || n > MAX_EVENTS)
        return fail(f, ERR_PROVIDER_UNKNOWN, "kuaidi100: a track without its fields");
    struct courier_event *events = ARENA_ARRAY(a, struct courier_event, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        if (!read_event(json_array_get(data, i), a, &events[i]))
            return fail(f, ERR_PROVIDER_UNKNOWN, "kuaidi100: an event without time");
    char check[8];
    out->state = read_state(j, "state");
    out->receipt_checked = js_code(j, "ischeck", check, sizeof check) && strcmp(check, "1") == 0;
    out->company = arena_strdup(a, company);
    out->number = arena_strdup(a, number);
    out->n_events = n;
    out->events = events;
    return OK;
}

static bool read_watch(const char *status, enum courier_watch *out)
{
    static const struct {
        const char *status;
        enum courier_watch watch;
    } table[] = {{"polling", COURIER_WATCH_POLLING},
                 {"shutdown", COURIER_WATCH_SHUTDOWN},
                 {"abort", COURIER_WATCH_ABORT},
                 {"updateall", COURIER_WATCH_UPDATE}};
    for (size_t i = 0; status && i < sizeof table / sizeof *table; i++)
        if (strcmp(status, table[i].status) == 0) {
            *out = table[i].watch;
            return true;
        }
    return false;
}

enum err kuaidi100_push_verify(void *self, const struct provider_pair *form, size_t n_form, const char *salt,
                               struct arena *a, struct courier_push *out, struct fault *f)
{
    (void)self;
    *out = (struct courier_push){.track = {.company = "", .number = ""}};
    const char *param = form_value(form, n_form, "param"), *sign = form_value(form, n_form, "sign");
    if (!param || !sign || !salt || !*salt)
        return fail(f, ERR_SIGNATURE_BAD, "kuaidi100: not signed");
    char want[2 * MD5_SIZE + 1];
    const char *text = arena_printf(a, "%s%s", param, salt);
    md5_upper_hex(text, strlen(text), want);
    if (strlen(sign) != strlen(want) || !same_bytes(sign, want, strlen(want)))
        return fail(f, ERR_SIGNATURE_BAD, "kuaidi100: the signature does not verify");
    if (strlen(param) > MAX_PARAM)
        return fail(f, ERR_INVALID, "kuaidi100: a push of more than 1 MiB");

    CLEANUP(js_free)
    json_t *j = js_parse(param, strlen(param));
    if (!read_watch(js_str(j, "status"), &out->watch) ||
        kuaidi100_read_track(json_object_get(j, "lastResult"), a, &out->track, NULL) != OK)
        return fail(f, ERR_INVALID, "kuaidi100: a push that is not understood");
    text_copy(out->track.trace.message, sizeof out->track.trace.message, js_str(j, "message"));
    return OK;
}
