#include "account/login_tries.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    HERE = 5,
    HERE_MS = 15 * 60 * 1000,
    EVERYWHERE = 20,
    EVERYWHERE_MS = 60 * 60 * 1000,
    OF_STAFF = 5,
    OF_STAFF_MS = 15 * 60 * 1000,
};
static const int64_t HOME_MS = INT64_C(30) * 24 * 60 * 60 * 1000;

const char *login_name(struct arena *a, const char *typed)
{
    char *name = arena_strdup(a, typed);
    size_t n = strlen(name);
    while (n && name[n - 1] == ' ')
        name[--n] = '\0';
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return name;
}

static const char *name_in(struct ctx *c, const char *channel, const char *login)
{
    return arena_printf(c->arena, "%s|%s", channel, login_name(c->arena, login));
}

static const char *at_address(struct ctx *c, const char *name)
{
    return arena_printf(c->arena, "%s|%s", name, c->address);
}

static int minutes_left(const struct ctx *c)
{
    return (int)(c->fault->retry_ms / 60000 + 1);
}

static enum err too_many(struct ctx *c, enum err e)
{
    if (e != ERR_RATE_LIMITED)
        return e;
    return fail_both(
        c->fault, e,
        arena_printf(c->arena,
                     "too many wrong passwords for this name; try again in %d minutes, or log in by SMS",
                     minutes_left(c)),
        arena_printf(c->arena, "该用户名密码错误次数过多，请%d分钟后再试，或使用短信验证码登录",
                     minutes_left(c)));
}

static enum err too_many_of_staff(struct ctx *c, enum err e)
{
    if (e != ERR_RATE_LIMITED)
        return e;
    return fail_both(
        c->fault, e,
        arena_printf(c->arena,
                     "too many failed logins with this name; try again in %d minutes, or have the "
                     "administrator make a new login",
                     minutes_left(c)),
        arena_printf(c->arena, "该用户名登录失败次数过多，请%d分钟后再试，或联系管理员重置登录信息",
                     minutes_left(c)));
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

enum err login_tries_look_staff(struct ctx *c, const char *login, const char *of, struct login_tries *out)
{
    bool home;
    *out = (struct login_tries){.home = *of && *c->address ? at_address(c, of) : ""};
    TRY(allowance_runs(c, ALLOW_STAFF_HOME, out->home, HOME_MS, &home));
    if (home)
        return too_many_of_staff(
            c, allowance_look(c, ALLOW_STAFF_HERE, out->home, OF_STAFF, OF_STAFF_MS, &out->here));
    return too_many_of_staff(c, allowance_look(c, ALLOW_LOGIN_STAFF, login_name(c->arena, login), OF_STAFF,
                                               OF_STAFF_MS, &out->everywhere));
}

enum err login_tries_right_staff(struct ctx *c, const struct login_tries *t)
{
    TRY(allowance_renew(c, &t->here));
    TRY(allowance_renew(c, &t->everywhere));
    TRY(allowance_forget(c, ALLOW_STAFF_HOME, t->home));
    return allowance_use(c, ALLOW_STAFF_HOME, t->home, 1, HOME_MS); /* the month begins anew */
}

enum err login_tries_forget_staff(struct ctx *c, const char *login)
{
    return allowance_forget(c, ALLOW_LOGIN_STAFF, login_name(c->arena, login));
}
