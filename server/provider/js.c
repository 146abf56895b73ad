#include "provider/js.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *js_parse(const void *p, size_t n)
{
    json_t *j = json_loadb(p ? p : "", n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

void js_free(json_t **j)
{
    json_decref(*j);
}

const char *js_str(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

bool js_int(const json_t *o, const char *key, int64_t *out)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v))
        return false;
    *out = json_integer_value(v);
    return true;
}

bool js_copy(const json_t *o, const char *key, char *out, size_t size)
{
    const char *s = js_str(o, key);
    out[0] = '\0';
    if (!s || strlen(s) >= size)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

bool js_code(const json_t *o, const char *key, char *out, size_t size)
{
    int64_t n;
    if (!js_int(o, key, &n))
        return js_copy(o, key, out, size);
    return (size_t)snprintf(out, size, "%lld", (long long)n) < size;
}

void text_copy(char *out, size_t size, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    if (n >= size) {
        n = size - 1;
        while (n && ((unsigned char)s[n] & 0xC0) == 0x80)
            n--;
    }
    if (n)
        memcpy(out, s, n);
    out[n] = '\0';
}

const char *js_write(struct arena *a, json_t *j)
{
    if (!j)
        return NULL;
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(15)); /* 0.51, not 0.51000000000000001 */
    json_decref(j);
    const char *out = arena_strdup(a, text);
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return out;
}
