/* order_offered.c - which methods of verification a channel offers today: what an order chose, or could
 * choose when it began, a channel's file may have withdrawn since. A refusal says what there is instead. */
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "order/order_steps.h"

/* In person nobody signs with a phone that was not proved (S11). */
static enum err is_served(struct ctx *c, const struct method_choice *ch, int m, bool *served)
{
    *served = m >= METHOD_MICRO_DEPOSIT && m <= METHOD_FACE && ch->methods & 1U << m &&
              (!ch->in_person || identity_agent_phone_proved((enum method)m));
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

static void put(struct buf *b, const char *between, const char *text)
{
    buf_printf(b, "%s%s", b->n ? between : "", text);
}

enum err method_list(struct ctx *c, const struct method_choice *ch, struct buf *en, struct buf *zh)
{
    for (int m = METHOD_MICRO_DEPOSIT; m <= METHOD_FACE; m++) {
        bool served;
        TRY(is_served(c, ch, m, &served));
        if (!served)
            continue;
        put(en, ", ", identity_method_text(ch->subject_kind, (enum method)m, false));
        put(zh, "、", identity_method_text(ch->subject_kind, (enum method)m, true));
    }
    return OK;
}

/* Instead of an agent: at once, or by a method that proves the phone. */
static enum err goes_in_person(struct ctx *c, const struct method_choice *ch, bool *goes)
{
    struct method_choice in_person = *ch;
    in_person.in_person = true;
    *goes = ch->of_agent && !ch->in_person;
    return *goes && !ch->phone_proved ? method_any_served(c, &in_person, goes) : OK;
}

enum err method_refused(struct ctx *c, const struct method_choice *ch, const char *en, const char *zh)
{
    struct buf list_en = BUF(c->arena), list_zh = BUF(c->arena);
    bool in_person;
    TRY(method_list(c, ch, &list_en, &list_zh));
    TRY(goes_in_person(c, ch, &in_person));
    if (in_person) {
        put(&list_en, ", ", "the legal representative in person");
        put(&list_zh, "、", "法定代表人本人办理");
    }
    return fail_both(c->fault, ERR_METHOD_NOT_OFFERED,
                     arena_printf(c->arena, "%s: %s", en, list_en.n ? buf_text(&list_en) : "none"),
                     arena_printf(c->arena, "%s：%s", zh, list_zh.n ? buf_text(&list_zh) : "无"));
}

enum err method_check(struct ctx *c, const struct method_choice *ch, int m)
{
    bool served;
    TRY(is_served(c, ch, m, &served));
    return served ? OK
                  : method_refused(c, ch, "the channel does not offer this method; it offers",
                                   "当前渠道不支持该核验方式，可选核验方式");
}
