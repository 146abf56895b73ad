#include "convert/reason.h"

#include "identity/fields.h"

#include <jansson.h>
#include <stdlib.h>

void reason_check(struct fault *f, const char *field, const char *reason)
{
    enum problem p = *reason ? text_problem(reason, 1, REASON_MAX) : PROBLEM_MISSING;
    field_problem(f, "", field, "reason", "原因", p);
}

const char *reason_detail(struct arena *a, const char *key, const char *value, const char *reason)
{
    json_t *j = json_object();
    if (key)
        json_object_set_new(j, key, json_string(value));
    json_object_set_new(j, "reason", json_string(reason));
    char *text = json_dumps(j, JSON_COMPACT);
    const char *kept = arena_strdup(a, text);
    free(text);
    json_decref(j);
    return kept;
}
