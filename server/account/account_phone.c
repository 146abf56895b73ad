/* The change of phone (S4): a code to the old one gives a ticket, the ticket and a code to the new one change
 * it. */
#include "account/account.h"

#include "account/account_steps.h"
#include "account/account_store.h"
#include "account/code.h"
#include "account/ticket_store.h"
#include "core/audit.h"
#include "identity/identity.h"
#include "notice/notice.h"

#include <string.h>

enum {
    TICKET_LIFE_MS = 10 * 60 * 1000
};

static void check_code(struct fault *f, const char *code)
{
    if (!*code)
        fault_field(f, "code", "REQUIRED", "the code from the SMS is needed", "请输入短信验证码");
}

enum err account_confirm_old_phone(struct ctx *c, const char *code, char ticket[static 44],
                                   int64_t *expires_ms)
{
    struct account a;
    check_code(c->fault, code);
    TRY(fault_fields(c->fault));
    TRY(account_self(c, &a));
    TRY(code_check(c, a.phone, CODE_OLD_PHONE, a.id, code));
    *expires_ms = c->now_ms + TICKET_LIFE_MS;
    TRY(ticket_insert(c, ticket, *expires_ms));
    return audit_add(c, &(struct audit_entry){"account.confirm_old_phone", a.id, a.version, NULL});
}

static enum err tell_old_phone(struct ctx *c, const struct account *a, const char *old)
{
    const char *params[] = {mask_phone(c->arena, a->phone)};
    return notice_sms(c, old, SMS_PHONE_CHANGED, params,
                      arena_printf(c->arena, "phone:%s:%lld", a->id, (long long)a->version), a->id);
}

enum err account_change_phone(struct ctx *c, const char *ticket, const char *phone, const char *code,
                              struct account *a)
{
    bool good;
    TRY(account_self(c, a));
    account_check_phone(c->fault, "new_phone", phone);
    if (strcmp(phone, a->phone) == 0)
        fault_field(c->fault, "new_phone", "SAME", "this is the account's phone already",
                    "新手机号与当前手机号相同");
    if (!*ticket)
        fault_field(c->fault, "ticket", "REQUIRED", "confirm the old phone first", "请先验证原手机号");
    check_code(c->fault, code);
    TRY(fault_fields(c->fault));
    TRY(ticket_good(c, ticket, &good));
    if (!good)
        return account_refuse(c, ERR_PRECONDITION, "confirm the old phone again", "请重新验证原手机号");
    /* before any write: a wrong try is committed, and costs no ticket */
    TRY(code_check(c, phone, CODE_NEW_PHONE, a->id, code));
    enum err e = ticket_use(c, ticket);
    if (e == ERR_CONFLICT)
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    TRY(ticket_use_all(c));
    e = account_set_phone(c, a, phone);
    if (e == ERR_DB_DUPLICATE)
        return account_refuse(c, ERR_EXISTS, "this phone has another account", "该手机号已被其他账号使用");
    TRY(e);
    const char *old = a->phone;
    a->phone = phone;
    a->version++;
    TRY(session_end_others(c, a->id));
    TRY(audit_add(c, &(struct audit_entry){"account.change_phone", a->id, a->version, NULL}));
    return tell_old_phone(c, a, old);
}
