#include "account/code.h"

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
    PER_HOUR = 5,
    PER_DAY = 10,
};
static const int64_t HOUR_MS = INT64_C(3600000), DAY_MS = INT64_C(86400000);

static void code_digest(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                        const char *code, unsigned char out[static 32])
{
    const char *all = arena_printf(c->arena, "%d|%s|%s|%s", (int)purpose, scope, phone, code);
    crypt_lookup(c->app->keys, "sms_code", all, out);
}

static enum err wait_for(struct ctx *c, int64_t ms)
{
    int seconds = (int)(ms / 1000 + 1);
    enum err e =
        fail(c->fault, ERR_RATE_LIMITED, "a code was sent; another may be asked for in %d seconds", seconds);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "验证码已发送，请%d秒后再试", seconds);
    c->fault->retry_ms = ms;
    return e;
}

/* One a minute, five an hour, ten a day; windows start with their first code. */
static enum err take_allowance(struct ctx *c, const unsigned char phone[static 32], enum code_purpose purpose)
{
    struct code_allowance a = {0};
    bool found;
    TRY(code_allowance_read(c, phone, purpose, &a, &found));
    if (found && c->now_ms - a.sent_ms < MINUTE_MS)
        return wait_for(c, a.sent_ms + MINUTE_MS - c->now_ms);
    if (c->now_ms - a.hour_start_ms >= HOUR_MS) {
        a.hour_start_ms = c->now_ms;
        a.hour_count = 0;
    }
    if (c->now_ms - a.day_start_ms >= DAY_MS) {
        a.day_start_ms = c->now_ms;
        a.day_count = 0;
    }
    if (a.hour_count >= PER_HOUR)
        return wait_for(c, a.hour_start_ms + HOUR_MS - c->now_ms);
    if (a.day_count >= PER_DAY)
        return wait_for(c, a.day_start_ms + DAY_MS - c->now_ms);
    a.sent_ms = c->now_ms;
    a.hour_count++;
    a.day_count++;
    enum err e = code_allowance_write(c, phone, purpose, &a, found);
    return e == ERR_DB_DUPLICATE ? fail(c->fault, ERR_DB_RETRY, NULL)
                                 : e; /* somebody else's first: count again */
}

enum err code_send(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                   enum sms_template t, const char *before_code, int64_t *expires_ms)
{
    unsigned char phone_digest[32], digest[32];
    crypt_lookup(c->app->keys, "phone", phone, phone_digest);
    TRY(take_allowance(c, phone_digest, purpose));

    char id[ID_SIZE], code[CODE_DIGITS + 1];
    id_new("cod", id);
    crypt_digits(code, CODE_DIGITS);
    code_digest(c, phone, purpose, scope, code, digest);
    int64_t expires = c->now_ms + CODE_LIFE_MS;
    if (expires_ms)
        *expires_ms = expires;
    TRY(code_insert(c, id, phone_digest, purpose, scope, digest, expires));
    const char *params[2] = {before_code ? before_code : code, code};
    enum err e = notice_sms(c, phone, t, params, arena_printf(c->arena, "code:%s", id), *scope ? scope : id);
    wipe(code, sizeof code);
    return e;
}

enum err code_check(struct ctx *c, const char *phone, enum code_purpose purpose, const char *scope,
                    const char *code)
{
    unsigned char phone_digest[32], digest[32];
    struct code_row row;
    bool found;
    crypt_lookup(c->app->keys, "phone", phone, phone_digest);
    TRY(code_newest(c, phone_digest, purpose, scope, &row, &found));
    if (!found || row.expires_ms <= c->now_ms || row.tries >= CODE_TRIES)
        return fail(c->fault, ERR_CODE_EXPIRED, NULL);
    code_digest(c, phone, purpose, scope, code, digest);
    if (same_bytes(digest, row.code, sizeof digest))
        return code_spend(c, &row);
    TRY(code_count_try(c, &row));
    c->keep = true; /* the count must outlive the failed call, or tries would be free */
    return fail(c->fault, ERR_CODE_WRONG, NULL);
}
