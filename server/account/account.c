#include "account/account.h"

#include "account/account_steps.h"
#include "account/account_store.h"
#include "account/captcha.h"
#include "account/code.h"
#include "account/login_tries.h"
#include "app.h"
#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "core/password.h"
#include "identity/identity.h"
#include "notice/notice.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    PASSWORD_MIN = 8,
    PASSWORD_MAX = 128
};

enum err account_refuse(struct ctx *c, enum err code, const char *text, const char *text_zh)
{
    enum err e = fail(c->fault, code, "%s", text);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "%s", text_zh);
    return e;
}

void account_check_phone(struct fault *f, const char *field, const char *phone)
{
    if (!*phone)
        fault_field(f, field, "REQUIRED", "a phone number is needed", "请填写手机号");
    else if (!phone_valid(phone))
        fault_field(f, field, "FORMAT", "a mobile phone has 11 digits", "手机号应为11位数字");
}

/* -- codes ---- */

/* What the SMS says that its code is for, so that nobody gives one away for something else. */
static enum sms_template words_for(int purpose)
{
    return purpose == CODE_LOGIN             ? SMS_LOGIN_CODE
           : purpose == CODE_CHANGE_PASSWORD ? SMS_PASSWORD_CODE
                                             : SMS_PHONE_CODE;
}

/* Codes about the account's own phones are for who is logged in to it. */
static enum err own_phone(struct ctx *c, int purpose, const char **phone)
{
    struct account a;
    if (c->caller.kind != CALLER_ACCOUNT)
        return fail(c->fault, ERR_UNAUTHENTICATED, NULL);
    TRY(account_self(c, &a));
    bool same = strcmp(*phone, a.phone) == 0;
    if (purpose == CODE_OLD_PHONE && **phone && !same)
        fault_field(c->fault, "phone", "OTHER", "this is not the account's phone",
                    "该手机号不是当前账号的手机号");
    if (purpose == CODE_NEW_PHONE && same)
        fault_field(c->fault, "phone", "SAME", "this is the account's phone already",
                    "新手机号与当前手机号相同");
    if (purpose == CODE_OLD_PHONE)
        *phone = a.phone;
    return OK;
}

enum err account_send_code(struct ctx *c, const char *channel, const char *phone, int purpose,
                           const char *captcha_id, const char *captcha_text, int64_t *expires_ms,
                           int *retry_s)
{
    struct channel ch;
    struct sms_limits limits;
    bool own = purpose == CODE_OLD_PHONE || purpose == CODE_NEW_PHONE;
    if (own)
        TRY(own_phone(c, purpose, &phone));
    account_check_phone(c->fault, "phone", phone);
    if (purpose < CODE_LOGIN || purpose > CODE_NEW_PHONE)
        fault_field(c->fault, "purpose", "REQUIRED", "say what the code is for", "请选择验证码用途");
    if (!*captcha_id)
        fault_field(c->fault, "captcha_id", "REQUIRED", "get a captcha first", "请先获取图形验证码");
    if (!*captcha_text)
        fault_field(c->fault, "captcha_text", "REQUIRED", "type the captcha", "请输入图形验证码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    TRY(code_limits(c, ch.id, &limits));
    *retry_s = limits.phone_minute > 0 ? 60 / limits.phone_minute : 0;
    TRY(captcha_use(c, captcha_id, captcha_text));
    enum err e = code_send_for(c, ch.id, phone, (enum code_purpose)purpose, own ? c->caller.id : ch.id,
                               words_for(purpose), NULL, expires_ms);
    c->keep = c->keep || e == ERR_RATE_LIMITED; /* the captcha stays used */
    return e;
}

/* -- registration and login ---- */

/* Two random numbers make a name that is free; the unique key decides. */
static const char *random_user_name(struct arena *a)
{
    char digits[11];
    crypt_digits(digits, 10);
    return arena_printf(a, "user%s", digits);
}

static enum err make_account(struct ctx *c, const struct channel *ch, const char *phone, struct account *out)
{
    const char *first;
    *out = (struct account){.phone = phone,
                            .user_name = random_user_name(c->arena),
                            .initial_password = true,
                            .version = 1,
                            .created_ms = c->now_ms};
    id_new("acc", out->id);
    memcpy(out->channel, ch->id, ID_SIZE);
    TRY(catalog_first_password(c, ch->id, &first));
    out->password = password_initial(c, out->id, first);
    enum err e = account_insert(c, out);
    if (e == ERR_DB_DUPLICATE) /* the same phone at the same moment, or the name is taken: look again */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(audit_add(c, &(struct audit_entry){"account.register", out->id, 1, NULL}));
    const char *params[] = {out->user_name, first};
    return notice_sms(c, phone, SMS_ACCOUNT_CREATED, params, arena_printf(c->arena, "created:%s", out->id),
                      out->id);
}

static enum err open_session(struct ctx *c, struct login *l, enum session_how how, const char *certificate)
{
    static const char *const actions[] = {[SESSION_BY_SMS] = "account.login_sms",
                                          [SESSION_BY_PASSWORD] = "account.login_password",
                                          [SESSION_BY_UKEY] = "account.login_ukey"};
    const struct account *a = &l->account;
    if (how == SESSION_BY_PASSWORD && a->initial_password) /* S2: the one place where it could begin */
        return fail(c->fault, ERR_MUST_CHANGE_PASSWORD, NULL);
    TRY(session_start_person(c, a->id, a->channel, how, certificate, l->token, &l->expires_ms));
    const char *detail =
        *certificate ? arena_printf(c->arena, "{\"certificate\":\"%s\"}", certificate) : NULL;
    return audit_add(c, &(struct audit_entry){actions[how], a->id, a->version, detail});
}

enum err account_open_by_ukey(struct ctx *c, const char *account, const char *certificate, struct login *out)
{
    TRY(account_by_id(c, account, &out->account));
    return open_session(c, out, SESSION_BY_UKEY, certificate);
}

enum err account_login_sms(struct ctx *c, const char *channel, const char *phone, const char *code,
                           struct login *out)
{
    struct channel ch;
    account_check_phone(c->fault, "phone", phone);
    if (!*code)
        fault_field(c->fault, "code", "REQUIRED", "the code from the SMS is needed", "请输入短信验证码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    TRY(code_check(c, phone, CODE_LOGIN, ch.id, code));
    enum err e = account_by_phone(c, ch.id, phone, &out->account);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        e = make_account(c, &ch, phone, &out->account);
        out->registered = true;
    }
    TRY(e);
    return open_session(c, out, SESSION_BY_SMS, "");
}

static enum err wrong_password(struct ctx *c, const struct login_tries *t)
{
    TRY(login_tries_wrong(c, t));
    c->keep = true;
    return fail(c->fault, ERR_LOGIN_FAILED, NULL);
}

static bool is_initial_password(struct ctx *c, const struct account *a, const char *password)
{
    const char *want = password_initial(c, a->id, password);
    return strlen(want) == strlen(a->password) && same_bytes(want, a->password, strlen(want));
}

/* Initial passwords too, which open nothing. */
static enum err right_password(struct ctx *c, const struct account *a, const char *password, bool *right)
{
    TRY(password_check(c, PASSWORD_OF_ACCOUNT, a->password, password, right));
    *right = *right || is_initial_password(c, a, password);
    return OK;
}

/* Every try of a password is counted, for a name that nobody has like any other: the answers are the same,
 * and take as long. */
enum err account_login_password(struct ctx *c, const char *channel, const char *login, const char *password,
                                struct login *out)
{
    struct channel ch;
    struct login_tries tries;
    struct account *a = &out->account;
    bool right;
    if (!*login)
        fault_field(c->fault, "login", "REQUIRED", "user name or phone", "请输入用户名或手机号");
    if (!*password)
        fault_field(c->fault, "password", "REQUIRED", "the password", "请输入密码");
    TRY(fault_fields(c->fault));
    TRY(catalog_channel(c, channel, &ch));
    TRY(login_tries_look(c, ch.id, login, &tries));
    /* It opens nothing, whoever types it: an answer that tells nothing of accounts. */
    if (strcmp(password, ch.initial_password) == 0)
        return fail(c->fault, ERR_MUST_CHANGE_PASSWORD, NULL);
    enum err e =
        phone_valid(login) ? account_by_phone(c, ch.id, login, a) : account_by_user_name(c, ch.id, login, a);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        TRY(password_check(c, PASSWORD_OF_ACCOUNT, NULL, password, &right));
        return wrong_password(c, &tries);
    }
    TRY(e);
    TRY(right_password(c, a, password, &right));
    if (!right)
        return wrong_password(c, &tries);
    if (a->initial_password)
        return fail(c->fault, ERR_MUST_CHANGE_PASSWORD, NULL);
    /* Who changes the password meanwhile finds this session to end, or it is not made. */
    TRY(account_keep(c, a));
    TRY(login_tries_right(c, &tries));
    return open_session(c, out, SESSION_BY_PASSWORD, "");
}

/* -- the user centre ---- */

enum err account_self(struct ctx *c, struct account *out)
{
    return account_by_id(c, c->caller.id, out);
}

static void check_password(struct ctx *c, const struct channel *ch, const char *phone, const char *password,
                           const char *again)
{
    size_t n = utf8_length(password);
    if (n < PASSWORD_MIN || n > PASSWORD_MAX)
        fault_field(c->fault, "new_password", "LENGTH", "a password has 8 to 128 characters",
                    "密码长度应为8至128个字符");
    else if (strcmp(password, ch->initial_password) == 0 || strcmp(password, phone) == 0 ||
             strspn(password, "0123456789") == strlen(password))
        fault_field(c->fault, "new_password", "WEAK",
                    "digits alone, the phone or the initial password are too weak",
                    "密码不能为纯数字、手机号或初始密码");
    if (strcmp(password, again) != 0)
        fault_field(c->fault, "new_password_again", "MISMATCH", "the two passwords differ",
                    "两次输入的密码不一致");
}

/* Known only behind the code: whose phone it is is nobody else's business. */
static enum err check_password_for(struct ctx *c, const struct account *a, const char *password)
{
    if (strcasecmp(password, a->user_name) == 0 || is_initial_password(c, a, password))
        fault_field(c->fault, "new_password", "WEAK", "the user name or the initial password are too weak",
                    "密码不能与用户名或初始密码相同");
    return fault_fields(c->fault);
}

enum err account_change_password(struct ctx *c, const char *channel, const char *phone, const char *password,
                                 const char *again, const char *code)
{
    struct channel ch;
    struct account a;
    TRY(catalog_channel(c, channel, &ch));
    account_check_phone(c->fault, "phone", phone);
    check_password(c, &ch, phone, password, again);
    if (!*code)
        fault_field(c->fault, "code", "REQUIRED", "the code from the SMS is needed", "请输入短信验证码");
    TRY(fault_fields(c->fault));
    TRY(code_check(c, phone, CODE_CHANGE_PASSWORD, ch.id, code));
    enum err e = account_by_phone(c, ch.id, phone, &a);
    if (e == ERR_NOT_FOUND) {
        c->keep = true; /* the code stays spent */
        fault_clear(c->fault);
        return fail(c->fault, ERR_CODE_EXPIRED, NULL); /* as for a wrong code: no hint whether it has one */
    }
    TRY(e);
    TRY(check_password_for(c, &a, password));
    const char *hash;
    TRY(password_hash(c, PASSWORD_OF_ACCOUNT, password, &hash));
    TRY(account_set_password(c, &a, hash));
    TRY(login_tries_forget(c, &a));
    TRY(strcmp(c->caller.id, a.id) == 0 ? session_end_others(c, a.id) : session_end_all(c, a.id));
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
        return account_refuse(c, ERR_EXISTS, "this user name is taken", "该用户名已被使用");
    TRY(e);
    out->user_name = user_name;
    out->version++;
    return audit_add(c, &(struct audit_entry){"account.rename", out->id, out->version, NULL});
}
