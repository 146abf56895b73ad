#include "sandbox/face.h"

#include "base/clock.h"
#include "sandbox/esign.h"
#include "sandbox/state.h"

#include <string.h>

void face_open(struct sandbox *sb, const char *token, const struct face_order *o)
{
    int64_t now = clock_now_ms();
    state_put(sb->state, "faces", token,
              json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s}", "token", token, "supplier", o->supplier,
                        "name", o->name, "id_number", o->id_number, "our_no", o->our_no, "return_url",
                        o->return_url, "notify_url", o->notify_url, "open_ms", (json_int_t)now, "expires_ms",
                        (json_int_t)(now + o->life_ms), "outcome", ""));
}

json_t *face_session(struct sandbox *sb, const char *supplier, const char *token)
{
    json_t *o = state_get(sb->state, "faces", token);
    return o && strcmp(member(o, "supplier"), supplier) == 0 ? o : NULL;
}

const char *face_outcome(const json_t *session)
{
    return member(session, "outcome");
}

bool face_expired(const json_t *session)
{
    const char *outcome = face_outcome(session);
    return (!*outcome || strcmp(outcome, "abandon") == 0) &&
           clock_now_ms() >= member_int(session, "expires_ms");
}

const char *face_url(const struct sandbox *sb, struct arena *a, const char *token)
{
    return arena_printf(a, "http://127.0.0.1:%d/face/%s", sb->port, token);
}

static bool is_outcome(const char *outcome)
{
    static const char *const all[] = {"pass", "other_person", "not_live", "abandon"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i], outcome) == 0)
            return true;
    return false;
}

const char *face_act(struct sandbox *sb, const char *token, const char *outcome)
{
    json_t *o = state_get(sb->state, "faces", token);
    if (!o)
        return "there is no such session";
    if (!is_outcome(outcome))
        return "outcome: pass, other_person, not_live or abandon";
    if (*face_outcome(o) || face_expired(o))
        return "the session is over";
    json_object_set_new(o, "outcome", json_string(outcome));
    json_object_set_new(o, "done_ms", json_integer(clock_now_ms()));
    state_touch(sb->state, "faces", token);
    if (strcmp(member(o, "supplier"), "esign") == 0)
        es_face_done(sb, o);
    return NULL;
}

const char *face_of(struct sandbox *sb, const char *name)
{
    const char *key, *found = NULL;
    json_t *o;
    json_object_foreach(state_section(sb->state, "faces"), key,
                        o) if (strcmp(member(o, "name"), name) == 0 && !*face_outcome(o)) found = key;
    return found;
}
