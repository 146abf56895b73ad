#include "core/sealed.h"

#include "core/crypt.h"

#include <string.h>

static const char *whole(struct ctx *c, const char *place, const char *id)
{
    return arena_printf(c->arena, "%s:%s", place, id);
}

enum err sealed_arg(struct ctx *c, const char *place, const char *id, const char *text, struct arg *out)
{
    const void *p;
    size_t n;
    *out = SQLNULL;
    if (!text)
        return OK;
    TRY(crypt_seal(c->keys, c->arena, whole(c, place, id), text, strlen(text), &p, &n));
    *out = BYTES(p, n);
    return OK;
}

enum err sealed_text(struct ctx *c, const char *place, const char *id, const struct cell *cell,
                     const char *absent, const char **out)
{
    size_t n;
    *out = absent;
    if (cell->null)
        return OK;
    return crypt_open(c->keys, c->arena, whole(c, place, id), cell->text, cell->n, out, &n, c->fault);
}
