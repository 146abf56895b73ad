#include "convert/convert.h"

Google__Protobuf__Timestamp *to_timestamp(struct arena *a, int64_t ms)
{
    if (!ms)
        return NULL;
    Google__Protobuf__Timestamp *t = ARENA_NEW(a, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = ms / 1000;
    t->nanos = (int32_t)(ms % 1000) * 1000000;
    return t;
}

char *to_text(struct arena *a, const char *s)
{
    return arena_strdup(a, s ? s : "");
}
