#include "order/order_tell.h"

#include "account/account_store.h"

static const struct {
    enum sms_template sms;
    enum mail_template mail;
} news[ORDER_NEWS] = {
#define X(event, sms, mail) [NEWS_##event] = {SMS_##sms, MAIL_##mail},
    ORDER_NEWS_TABLE(X)
#undef X
};

static const char *or_else(const char *s, const char *fallback)
{
    return s && *s ? s : fallback ? fallback : "";
}

/* "" when nobody's is known: that stops neither the mail nor what is told. */
static enum err phone_of(struct ctx *c, const struct order *o, const char **out)
{
    struct account a;
    bool found;
    *out = order_contact(o).phone;
    if (*out && **out)
        return OK;
    TRY(found_or_not(c->fault, account_by_id(c, o->account, &a), &found));
    *out = found ? a.phone : "";
    return OK;
}

enum err order_tell_else(struct ctx *c, const struct order *o, enum order_news what, const char *otherwise,
                         const char *const *said, const char *const *written, const char *key)
{
    const char *phone, *email = or_else(order_contact(o).email, otherwise), *all[MAIL_PARAMS_MAX];
    TRY(phone_of(c, o, &phone));
    if (*phone)
        TRY(notice_sms(c, phone, news[what].sms, said, key, o->id));
    if (!*email)
        return OK;
    all[0] = or_else(order_contact(o).name, "申请人");
    all[1] = o->id;
    for (size_t i = 2; i < notice_mail_params(news[what].mail); i++)
        all[i] = written[i - 2];
    return notice_mail(c, email, news[what].mail, all, key, o->id);
}

enum err order_tell(struct ctx *c, const struct order *o, enum order_news what, const char *const *said,
                    const char *const *written, const char *key)
{
    return order_tell_else(c, o, what, NULL, said, written, key);
}

enum err order_tell_closed(struct ctx *c, const struct order *o)
{
    struct account a;
    TRY(account_by_id(c, o->account, &a));
    return notice_sms(c, a.phone, SMS_ORDER_CLOSED, (const char *[]){o->id},
                      arena_printf(c->arena, "closed:%s", o->id), o->id);
}
