#include "core/password.h"

#include "core/crypt.h"

#include <stdatomic.h>
#include <string.h>

enum {
    RETRY_MS = 500,
};
static const char INITIAL[] = "initial$";

static atomic_int places_taken[PASSWORD_OWNERS];

static enum err take_place(struct ctx *c, enum password_of who)
{
    if (atomic_fetch_add(&places_taken[who], 1) < PASSWORDS_AT_ONCE)
        return OK;
    atomic_fetch_sub(&places_taken[who], 1);
    enum err e = fail(c->fault, ERR_EXHAUSTED, NULL);
    c->fault->retry_ms = RETRY_MS;
    return e;
}

static void leave_place(enum password_of who)
{
    atomic_fetch_sub(&places_taken[who], 1);
}

enum err password_check(struct ctx *c, enum password_of who, const char *hash, const char *password,
                        bool *right)
{
    const char *spent;
    TRY(take_place(c, who));
    enum err e = OK;
    *right = hash && !password_is_initial(hash) && crypt_password_matches(hash, password);
    if (!hash || password_is_initial(hash))
        e = crypt_password_hash(c->arena, password, &spent, c->fault);
    leave_place(who);
    return e;
}

enum err password_hash(struct ctx *c, enum password_of who, const char *password, const char **out)
{
    TRY(take_place(c, who));
    enum err e = crypt_password_hash(c->arena, password, out, c->fault);
    leave_place(who);
    return e;
}

const char *password_initial(struct ctx *c, const char *id, const char *password)
{
    unsigned char digest[32];
    char hex[2 * sizeof digest + 1];
    crypt_lookup(c->keys, "account.initial_password", arena_printf(c->arena, "%s %s", id, password), digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_printf(c->arena, "%s%s", INITIAL, hex);
}

bool password_is_initial(const char *hash)
{
    return strncmp(hash, INITIAL, sizeof INITIAL - 1) == 0;
}
