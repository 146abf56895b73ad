/* order_offered.c - which methods of verification a channel offers today: what an order chose, or could
 * choose when it began, a channel's file may have withdrawn since. A refusal says what there is instead. */
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "order/order_steps.h"

#include <string.h>

static const struct {
    const char *en, *zh;
} names[] = {
    [METHOD_MICRO_DEPOSIT] = {"micro-deposit", "对公打款"},
    [METHOD_PHONE_THREE_FACTOR] = {"phone three-factor", "手机实名三要素"},
    [METHOD_BANK_FOUR_FACTOR] = {"bank four-factor", "银行卡四要素"},
    [METHOD_FACE] = {"face", "刷脸"},
};

static enum err is_served(struct ctx *c, const struct method_choice *ch, int m, bool *served)
{
    *served = m >= METHOD_MICRO_DEPOSIT && m <= METHOD_FACE && ch->methods & 1U << m;
    return *served ? identity_method_served(c, ch->channel, ch->subject_kind, ch->of_agent, (enum method)m,
                                            served)
                   : OK;
}

enum err method_any_served(struct ctx *c, const struct method_choice *ch, bool *any)
{
    *any = false;
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE && !*any; m++)
        TRY(is_served(c, ch, m, any));
    return OK;
}

enum err method_refused(struct ctx *c, const struct method_choice *ch, const char *en, const char *zh)
{
    struct buf list_en = BUF(c->arena), list_zh = BUF(c->arena);
    const char *none_en = "none", *none_zh = "无";
    bool some = false;
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++) {
        bool served;
        TRY(is_served(c, ch, m, &served));
        if (!served)
            continue;
        buf_printf(&list_en, "%s%s", some ? ", " : "", names[m].en);
        buf_printf(&list_zh, "%s%s", some ? "、" : "",
                   m == METHOD_MICRO_DEPOSIT && ch->subject_kind == SUBJECT_INDIVIDUAL ? "银行卡打款"
                                                                                       : names[m].zh);
        some = true;
    }
    if (ch->of_agent) { /* whatever is served (S11) */
        buf_printf(&list_en, "%sthe legal representative in person", some ? ", " : "");
        buf_printf(&list_zh, "%s法定代表人本人办理", some ? "、" : "");
        some = true;
    }
    return fail_both(c->fault, ERR_METHOD_NOT_OFFERED,
                     arena_printf(c->arena, "%s: %s", en, some ? buf_text(&list_en) : none_en),
                     arena_printf(c->arena, "%s：%s", zh, some ? buf_text(&list_zh) : none_zh));
}

enum err method_check(struct ctx *c, const struct method_choice *ch, int m)
{
    bool served;
    TRY(is_served(c, ch, m, &served));
    return served ? OK
                  : method_refused(c, ch, "the channel does not offer this method; it offers",
                                   "当前渠道不支持该核验方式，可选核验方式");
}
