#include "core/page.h"

#include "core/crypt.h"

#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 1,
    MAC = 16,
    TOKEN_MAX = 1024,
    SIZE_USUAL = 20,
    SIZE_MAX_ASKED = 100,
};

int page_size(int32_t asked)
{
    return asked <= 0 ? SIZE_USUAL : asked > SIZE_MAX_ASKED ? SIZE_MAX_ASKED : asked;
}

static void mac(struct ctx *c, const char *scope, const void *key, size_t n, unsigned char out[static 32])
{
    struct buf b = BUF(c->arena);
    buf_add(&b, "\1", 1);
    buf_add(&b, scope, strlen(scope) + 1); /* with its NUL: scope and key cannot shift */
    buf_add(&b, key, n);
    crypt_mac(c->keys, "page.token", b.p, b.n, out);
}

const char *page_token(struct ctx *c, const char *scope, const char *key)
{
    unsigned char sum[32];
    size_t n = strlen(key);
    mac(c, scope, key, n, sum);
    struct buf b = BUF(c->arena);
    buf_add(&b, "\1", 1);
    buf_add(&b, key, n);
    buf_add(&b, sum, MAC);
    return crypt_base64url(c->arena, b.p, b.n);
}

enum err page_key(struct ctx *c, const char *scope, const char *token, const char **key)
{
    *key = "";
    if (!token || !*token)
        return OK;
    size_t n = 0;
    unsigned char sum[32];
    const unsigned char *p =
        strnlen(token, TOKEN_MAX + 1) <= TOKEN_MAX ? crypt_base64url_read(c->arena, token, &n) : NULL;
    if (!p || n < 1 + MAC || p[0] != VERSION)
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    size_t len = n - 1 - MAC;
    mac(c, scope, p + 1, len, sum);
    if (!same_bytes(sum, p + 1 + len, MAC))
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    *key = arena_strndup(c->arena, (const char *)p + 1, len);
    return OK;
}

const char *page_token_at(struct ctx *c, const char *scope, int64_t ms, const char *id)
{
    return page_token(c, scope, arena_printf(c->arena, "%lld-%s", (long long)ms, id));
}

enum err page_key_at(struct ctx *c, const char *scope, const char *token, int64_t *ms, const char **id)
{
    const char *key;
    char *end;
    TRY(page_key(c, scope, token, &key));
    *ms = strtoll(key, &end, 10);
    *id = *end == '-' ? end + 1 : "";
    return OK;
}
