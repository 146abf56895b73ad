#include "account/code.h"

#include "account/allowance.h"
#include "account/code_store.h"
#include "app.h"
#include "core/crypt.h"

#include <stdio.h>
#include <string.h>

enum {
    CODE_DIGITS = 6,
    CODE_LIFE_MS = 5 * 60 * 1000,
    CODE_TRIES = 5,
    MINUTE_MS = 60 * 1000,
    /* Rows of sms_allowance beside those of the purposes: of all that anybody may ask for, and of all that
     * only who is logged in may. */
    WITHOUT_SESSION = 0,
    WITH_SESSION = 64,
};
static const int64_t HOUR_MS = INT64_C(3600000), DAY_MS = INT64_C(86400000);

enum err code_limits(struct ctx *c, const char *channel_id, struct sms_limits *out)
{
    /* A job on its own has no channel; phones have their limits all the same. */
    static const struct sms_limits no_channel = {.phone_minute = 1, .phone_hour = 5, .phone_day = 10};
    *out = no_channel;
    return *channel_id ? catalog_sms_limits(c, channel_id, out) : OK;
}

static void code_digest(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                        const char *code, unsigned char out[static 32])
{
    const char *all = arena_printf(c->arena, "%d|%s|%s|%s", (int)purpose, scope, phone, code);
    crypt_lookup(c->app->keys, "sms_code", all, out);
}

static enum err wait_for(struct ctx *c, int64_t ms)
{
    int seconds = (int)(ms / 1000 + 1);
    enum err e = fail(c->fault, ERR_RATE_LIMITED,
                      "this phone has had its codes for now; the next may go in %d seconds", seconds);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "该手机号获取验证码已达上限，请%d秒后再试",
             seconds);
    c->fault->retry_ms = ms;
    return e;
}

/* Windows start with their first code. */
static void move_windows(const struct ctx *c, struct code_allowance *a)
{
    if (c->now_ms - a->hour_start_ms >= HOUR_MS) {
        a->hour_start_ms = c->now_ms;
        a->hour_count = 0;
    }
    if (c->now_ms - a->day_start_ms >= DAY_MS) {
        a->day_start_ms = c->now_ms;
        a->day_count = 0;
    }
}

/* What anybody may ask for, knowing nothing but the phone, takes nothing away from a verification or a
 * signature of its owner's. */
static int budget_of(enum code_purpose p)
{
    return p == CODE_LOGIN || p == CODE_CHANGE_PASSWORD ? WITHOUT_SESSION : WITH_SESSION;
}

/* What one code takes away. The minute is a purpose's: who logs in need not wait to sign. Hour and day are of
 * all purposes of a kind: it is one phone that rings. */
struct taking {
    unsigned char phone[32];
    enum code_purpose purpose;
    struct code_allowance of_purpose, of_phone;
    struct allowance of_address, of_channel;
};

static enum err look_at_phone(struct ctx *c, const struct sms_limits *l, struct taking *t)
{
    const struct code_allowance *one = &t->of_purpose, *all = &t->of_phone;
    TRY(code_allowance_read(c, t->phone, (int)t->purpose, &t->of_purpose));
    TRY(code_allowance_read(c, t->phone, budget_of(t->purpose), &t->of_phone));
    move_windows(c, &t->of_purpose);
    move_windows(c, &t->of_phone);
    if (l->phone_day > 0 && all->day_count >= l->phone_day)
        return wait_for(c, all->day_start_ms + DAY_MS - c->now_ms);
    if (l->phone_hour > 0 && all->hour_count >= l->phone_hour)
        return wait_for(c, all->hour_start_ms + HOUR_MS - c->now_ms);
    if (l->phone_minute > 0 && one->found && c->now_ms - one->sent_ms < MINUTE_MS / l->phone_minute)
        return wait_for(c, one->sent_ms + MINUTE_MS / l->phone_minute - c->now_ms);
    t->of_purpose.hour_count++;
    t->of_purpose.day_count++;
    t->of_phone.hour_count++;
    t->of_phone.day_count++;
    return OK;
}

static enum err look(struct ctx *c, const char *channel, struct taking *t)
{
    struct sms_limits l;
    TRY(code_limits(c, channel, &l));
    TRY(look_at_phone(c, &l, t));
    TRY(allowance_look(c, ALLOW_CODE_ADDRESS, c->address, l.address_hour, HOUR_MS, &t->of_address));
    return allowance_look(c, ALLOW_CODE_CHANNEL, channel, l.channel_day, DAY_MS, &t->of_channel);
}

static enum err write_phone(struct ctx *c, const struct taking *t, int purpose,
                            const struct code_allowance *a)
{
    enum err e = code_allowance_write(c, t->phone, purpose, a);
    if (e == ERR_DB_DUPLICATE || e == ERR_CONFLICT) /* somebody else's meanwhile: count again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    return e;
}

/* Last, so that what everybody shares is locked for as short as can be. */
static enum err take(struct ctx *c, const struct taking *t)
{
    TRY(write_phone(c, t, budget_of(t->purpose), &t->of_phone));
    TRY(write_phone(c, t, (int)t->purpose, &t->of_purpose));
    TRY(allowance_take(c, &t->of_address));
    return allowance_take(c, &t->of_channel);
}

enum err code_count_link(struct ctx *c, const char *channel_id, const char *phone)
{
    struct taking taking = {.purpose = CODE_LINK};
    crypt_lookup(c->app->keys, "phone", phone, taking.phone);
    TRY(look(c, channel_id, &taking));
    return take(c, &taking);
}

enum err code_send_for(struct ctx *c, const char *channel_id, const char *phone, enum code_purpose purpose,
                       const char *scope, enum sms_template t, const char *before_code, int64_t *expires_ms)
{
    unsigned char digest[32];
    struct taking taking = {.purpose = purpose};
    crypt_lookup(c->app->keys, "phone", phone, taking.phone);
    TRY(look(c, channel_id, &taking));

    char id[ID_SIZE], code[CODE_DIGITS + 1];
    id_new("cod", id);
    crypt_digits(code, CODE_DIGITS);
    code_digest(c, phone, purpose, scope, code, digest);
    int64_t expires = c->now_ms + CODE_LIFE_MS;
    if (expires_ms)
        *expires_ms = expires;
    TRY(code_insert(c, id, taking.phone, purpose, scope, digest, expires));
    const char *params[2] = {before_code ? before_code : code, code};
    enum err e = notice_sms(c, phone, t, params, arena_printf(c->arena, "code:%s", id),
                            purpose >= CODE_VERIFY ? scope : id);
    wipe(code, sizeof code);
    TRY(e);
    return take(c, &taking);
}

enum err code_send(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                   enum sms_template t, const char *before_code, int64_t *expires_ms)
{
    return code_send_for(c, c->caller.channel, phone, purpose, scope, t, before_code, expires_ms);
}

static bool usable(const struct ctx *c, const struct code_row *row)
{
    return row->expires_ms > c->now_ms && row->tries < CODE_TRIES;
}

enum err code_is_out(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                     bool *out)
{
    unsigned char digest[32];
    struct code_row row;
    crypt_lookup(c->app->keys, "phone", phone, digest);
    TRY(code_newest(c, digest, purpose, scope, &row, out));
    *out = *out && usable(c, &row);
    return OK;
}

enum err code_check(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                    const char *code)
{
    unsigned char phone_digest[32], digest[32];
    struct code_row row;
    bool found;
    crypt_lookup(c->app->keys, "phone", phone, phone_digest);
    /* Without a lock: the thousandth guess waits for nobody, and costs nobody a wait. */
    TRY(code_newest(c, phone_digest, purpose, scope, &row, &found));
    if (!found || !usable(c, &row))
        return fail(c->fault, ERR_CODE_EXPIRED, NULL);
    enum err e = code_count_try(c, &row);
    if (e == ERR_CONFLICT) /* another try at the same moment came first: perhaps this is one too many */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    code_digest(c, phone, purpose, scope, code, digest);
    if (same_bytes(digest, row.code, sizeof digest))
        return code_spend(c, &row);
    c->keep = true; /* the count must outlive the failed call, or tries would be free */
    return fail(c->fault, ERR_CODE_WRONG, NULL);
}
