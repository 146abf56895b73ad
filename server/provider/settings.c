#include "provider/settings.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(const struct provider_env *env, const struct provider_setting *row)
{
    const char *v = env->setting(env->arg, row->key);
    return v && *v ? v : row->fallback;
}

enum err settings_check(const struct provider_env *env, const struct provider_setting *rows, struct fault *f)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct buf missing = BUF(&scratch);
    for (const struct provider_setting *r = rows; r->key; r++)
        if (r->required && !value_of(env, r))
            buf_printf(&missing, "%s%s", missing.n ? ", " : "", r->key);
    enum err e = missing.n ? fail(f, ERR_INVALID, "settings are missing: %s", buf_text(&missing)) : OK;
    arena_free(&scratch);
    return e;
}

const char *settings_get(const struct provider_env *env, const struct provider_setting *rows, const char *key,
                         struct arena *a)
{
    for (const struct provider_setting *r = rows; r->key; r++)
        if (strcmp(r->key, key) == 0)
            return arena_strdup(a, value_of(env, r));
    return NULL;
}

enum err settings_number(const struct provider_env *env, const struct provider_setting *rows, const char *key,
                         struct arena *a, int64_t *out, struct fault *f)
{
    const char *v = settings_get(env, rows, key, a);
    char *end = NULL;
    errno = 0;
    long long n = v ? strtoll(v, &end, 10) : -1;
    if (n < 0 || errno || *end)
        return fail(f, ERR_INVALID, "setting %s is not a whole number", key);
    *out = n;
    return OK;
}

int64_t (*settings_clock(const struct provider_env *env))(void)
{
    return env->now_ms ? env->now_ms : clock_now_ms;
}
