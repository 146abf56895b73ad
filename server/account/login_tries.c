#include "account/login_tries.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    HERE = 5,
    HERE_MS = 15 * 60 * 1000,
    EVERYWHERE = 20,
    EVERYWHERE_MS = 60 * 60 * 1000,
};

/* Names are the same in whatever case (account_rename()). */
static const char *name_in(struct ctx *c, const char *channel, const char *login)
{
    char *name = arena_printf(c->arena, "%s|%s", channel, login);
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return name;
}

static const char *at_address(struct ctx *c, const char *name)
{
    return arena_printf(c->arena, "%s|%s", name, c->address);
}

static enum err too_many(struct ctx *c, enum err e)
{
    if (e != ERR_RATE_LIMITED)
        return e;
    int minutes = (int)(c->fault->retry_ms / 60000 + 1);
    e = fail(c->fault, ERR_RATE_LIMITED,
             "too many wrong passwords for this name; try again in %d minutes, or log in by SMS", minutes);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh,
             "该用户名密码错误次数过多，请%d分钟后再试，或使用短信验证码登录", minutes);
    return e;
}

enum err login_tries_look(struct ctx *c, const char *channel, const char *login, struct login_tries *out)
{
    const char *name = name_in(c, channel, login);
    TRY(too_many(c, allowance_look(c, ALLOW_LOGIN_HERE, at_address(c, name), HERE, HERE_MS, &out->here)));
    return too_many(
        c, allowance_look(c, ALLOW_LOGIN_EVERYWHERE, name, EVERYWHERE, EVERYWHERE_MS, &out->everywhere));
}

enum err login_tries_wrong(struct ctx *c, const struct login_tries *t)
{
    TRY(allowance_take(c, &t->here));
    return allowance_take(c, &t->everywhere);
}

enum err login_tries_right(struct ctx *c, const struct login_tries *t)
{
    return allowance_renew(c, &t->here);
}

static enum err forget(struct ctx *c, const char *name)
{
    TRY(allowance_forget(c, ALLOW_LOGIN_HERE, at_address(c, name)));
    return allowance_forget(c, ALLOW_LOGIN_EVERYWHERE, name);
}

enum err login_tries_forget(struct ctx *c, const struct account *a)
{
    TRY(forget(c, name_in(c, a->channel, a->user_name)));
    return forget(c, name_in(c, a->channel, a->phone));
}
