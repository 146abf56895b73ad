#include "account/account.h"

#include "account/account_store.h"
#include "account/captcha.h"
#include "account/code.h"
#include "account/session.h"
#include "app.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "identity/identity.h"
#include "notice/notice.h"

#include <string.h>

enum {
    PASSWORD_TRIES = 5,
    LOCK_MS = 15 * 60 * 1000,
    PASSWORD_MIN = 8,
    PASSWORD_MAX = 128
};

static void check_phone(struct fault *f, const char *phone)
{
    if (!*phone)
        fault_field(f, "phone", "REQUIRED", "a phone number is needed", "请填写手机号");
    else if (!phone_valid(phone))
        fault_field(f, "phone", "FORMAT", "a mobile phone has 11 digits", "手机号应为11位数字");
}

enum err account_send_code(struct ctx *c, const char *channel, const char *phone, int purpose,
                           const char *captcha_id, const char *captcha_text, int64_t *expires_ms)
{
    struct channel ch;
    check_phone(c->fault, phone);
    if (purpose < CODE_LOGIN || purpose > CODE_NEW_PHONE)
        fault_field(c->fault, "purpose", "REQUIRED", "say what the code is for", "请选择验证码用途");
    if (!*captcha_id)
        fault_field(c->fault, "captcha_id", "REQUIRED", "get a captcha first", "请先获取图形验证码");
    if (!*captcha_text)
        fault_field(c->fault, "captcha_text", "REQUIRED", "type the captcha", "请输入图形验证码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    TRY(captcha_use(c, captcha_id, captcha_text));
    enum err e = code_send(c, phone, (enum code_purpose)purpose, "", SMS_LOGIN_CODE, NULL, expires_ms);
    c->keep = c->keep || e == ERR_RATE_LIMITED; /* the captcha stays used */
    return e;
}

/* Two random numbers make a name that is free; the unique key decides. */
static const char *random_user_name(struct arena *a)
{
    char digits[11];
    crypt_digits(digits, 10);
    return arena_printf(a, "user%s", digits);
}

static enum err make_account(struct ctx *c, const struct channel *ch, const char *phone, struct account *out)
{
    *out = (struct account){.phone = phone,
                            .user_name = random_user_name(c->arena),
                            .initial_password = true,
                            .version = 1,
                            .created_ms = c->now_ms};
    id_new("acc", out->id);
    memcpy(out->channel, ch->id, ID_SIZE);
    TRY(crypt_password_hash(c->arena, ch->initial_password, &out->password, c->fault));
    enum err e = account_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* the same phone at the same moment, or the name is taken: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(audit_add(c, &(struct audit_entry){"account.register", out->id, 1, NULL}));
    const char *params[] = {out->user_name, ch->initial_password};
    return notice_sms(c, phone, SMS_ACCOUNT_CREATED, params, arena_printf(c->arena, "created:%s", out->id),
                      out->id);
}

static enum err open_session(struct ctx *c, struct login *l, const char *how)
{
    TRY(session_start(c, CALLER_ACCOUNT, l->account.id, l->account.channel, 0, l->token, &l->expires_ms));
    return audit_add(c, &(struct audit_entry){how, l->account.id, l->account.version, NULL});
}

enum err account_login_sms(struct ctx *c, const char *channel, const char *phone, const char *code,
                           struct login *out)
{
    struct channel ch;
    check_phone(c->fault, phone);
    if (!*code)
        fault_field(c->fault, "code", "REQUIRED", "the code from the SMS is needed", "请输入短信验证码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    TRY(code_check(c, phone, CODE_LOGIN, "", code));
    enum err e = account_by_phone(c, ch.id, phone, &out->account);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        e = make_account(c, &ch, phone, &out->account);
        out->registered = true;
    }
    TRY(e);
    return open_session(c, out, "account.login_sms");
}

static enum err wrong_password(struct ctx *c, const struct account *a)
{
    int64_t failures = a->failures + 1;
    bool lock = failures >= PASSWORD_TRIES;
    TRY(account_set_failures(c, a, lock ? 0 : failures, lock ? c->now_ms + LOCK_MS : a->locked_until_ms));
    c->keep = true;
    return fail(c->fault, ERR_LOGIN_FAILED, NULL);
}

enum err account_login_password(struct ctx *c, const char *channel, const char *login, const char *password,
                                struct login *out)
{
    struct channel ch;
    if (!*login)
        fault_field(c->fault, "login", "REQUIRED", "user name or phone", "请输入用户名或手机号");
    if (!*password)
        fault_field(c->fault, "password", "REQUIRED", "the password", "请输入密码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    struct account *a = &out->account;
    enum err e =
        phone_valid(login) ? account_by_phone(c, ch.id, login, a) : account_by_user_name(c, ch.id, login, a);
    if (e == ERR_NOT_FOUND) {
        const char *spent; /* as long as a real check, so that names cannot be told by the clock */
        TRY(crypt_password_hash(c->arena, password, &spent, c->fault));
        return fail(c->fault, ERR_LOGIN_FAILED, NULL);
    }
    TRY(e);
    if (a->locked_until_ms > c->now_ms) {
        c->fault->retry_ms = a->locked_until_ms - c->now_ms;
        return fail(c->fault, ERR_RATE_LIMITED, "too many wrong passwords; try again later");
    }
    if (!crypt_password_matches(a->password, password))
        return wrong_password(c, a);
    if (a->initial_password)
        return fail(c->fault, ERR_MUST_CHANGE_PASSWORD, NULL);
    if (a->failures) {
        TRY(account_set_failures(c, a, 0, 0));
        a->version++;
    }
    return open_session(c, out, "account.login_password");
}

enum err account_self(struct ctx *c, struct account *out)
{
    return account_by_id(c, c->caller.id, out);
}

static void check_password(struct ctx *c, const struct channel *ch, const char *password, const char *again)
{
    size_t n = utf8_length(password);
    if (n < PASSWORD_MIN || n > PASSWORD_MAX)
        fault_field(c->fault, "new_password", "LENGTH", "a password has 8 to 128 characters",
                    "密码长度应为8至128个字符");
    else if (strcmp(password, ch->initial_password) == 0 ||
             strspn(password, "0123456789") == strlen(password))
        fault_field(c->fault, "new_password", "WEAK", "digits alone, or the initial password, are too weak",
                    "密码不能为纯数字或初始密码");
    if (strcmp(password, again) != 0)
        fault_field(c->fault, "new_password_again", "MISMATCH", "the two passwords differ",
                    "两次输入的密码不一致");
}

enum err account_change_password(struct ctx *c, const char *channel, const char *phone, const char *password,
                                 const char *again, const char *code)
{
    struct channel ch;
    struct account a;
    TRY(catalog_channel(c, channel, &ch));
    check_phone(c->fault, phone);
    check_password(c, &ch, password, again);
    if (!*code)
        fault_field(c->fault, "code", "REQUIRED", "the code from the SMS is needed", "请输入短信验证码");
    TRY(fault_fields(c->fault));
    TRY(code_check(c, phone, CODE_CHANGE_PASSWORD, "", code));
    enum err e = account_by_phone(c, ch.id, phone, &a);
    if (e == ERR_NOT_FOUND)
        return fail(c->fault, ERR_CODE_EXPIRED,
                    NULL); /* as for a wrong code: no hint whether the phone has an account */
    TRY(e);
    const char *hash;
    TRY(crypt_password_hash(c->arena, password, &hash, c->fault));
    TRY(account_set_password(c, &a, hash));
    TRY(session_end_all(c, a.id));
    return audit_add(c, &(struct audit_entry){"account.change_password", a.id, a.version + 1, NULL});
}

/* U+4E00-9FFF and U+3400-4DBF: what names are written with. */
static bool ideograph(const unsigned char *p)
{
    return (p[0] >= 0xE5 && p[0] <= 0xE9) || (p[0] == 0xE4 && p[1] >= 0xB8) ||
           (p[0] == 0xE3 && p[1] >= 0x90) || (p[0] == 0xE4 && p[1] <= 0xB6);
}

static bool user_name_ok(const char *s)
{
    size_t n = utf8_length(s);
    if (n < 4 || n > 32)
        return false;
    bool letter = false;
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        bool wide = ideograph(p), digit = *p >= '0' && *p <= '9';
        if (!wide && !digit && *p != '_' && !(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z'))
            return false;
        letter = letter || !digit;
        p += wide ? 3 : 1;
    }
    return letter; /* digits alone would look like a phone */
}

enum err account_rename(struct ctx *c, const char *user_name, struct account *out)
{
    if (!user_name_ok(user_name))
        fault_field(c->fault, "user_name", "FORMAT", "4 to 32 letters, digits or _, not digits alone",
                    "用户名应为4至32个字母、数字、下划线或汉字，且不能为纯数字");
    TRY(fault_fields(c->fault));
    TRY(account_self(c, out));
    enum err e = account_set_user_name(c, out, user_name);
    if (e == ERR_DB_DUPLICATE)
        return fail(c->fault, ERR_EXISTS, "this user name is taken");
    TRY(e);
    out->user_name = user_name;
    out->version++;
    return audit_add(c, &(struct audit_entry){"account.rename", out->id, out->version, NULL});
}
