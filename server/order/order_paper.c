#include "order/order_paper.h"

#include "base/str.h"
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "order/order_form.h"
#include "order/order_tell.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>

static bool did_not_match(const struct order *o, const struct verification *v)
{
    return o->state == ORDER_SUBJECT && v &&
           (v->state == VERIFICATION_MISMATCH || v->state == VERIFICATION_FAILED);
}

static enum err offered(struct ctx *c, const struct order *o, bool *out)
{
    struct offer offer;
    enum err e = catalog_offer(c, o->channel, o->kind, o->subject_kind, o->medium, &offer);
    *out = e == OK && offer.paper_route;
    if (e != ERR_METHOD_NOT_OFFERED)
        return e;
    fault_clear(c->fault);
    return OK;
}

enum err order_paper_offered(struct ctx *c, const struct order *o, const struct verification *v, bool *out)
{
    *out = did_not_match(o, v);
    return *out ? offered(c, o, out) : OK;
}

enum err order_take_paper_route(struct ctx *c, const char *id, struct order *out)
{
    int to;
    bool found, can;
    struct verification v;
    TRY(order_load(c, id, out));
    TRY(order_next(out, EV_PAPER_ROUTE, &to, c->fault));
    TRY(identity_newest(c, out, &v, &found));
    if (!did_not_match(out, found ? &v : NULL)) {
        return fail_both(c->fault, ERR_PRECONDITION,
                         "the paper route is for data that were checked and do not match; submit them first",
                         "核验未通过后方可转为线下邮寄，请先提交信息核验");
    }
    TRY(offered(c, out, &can));
    if (!can)
        return fail_both(c->fault, ERR_METHOD_NOT_OFFERED, "this channel offers no paper route",
                         "当前渠道不支持线下邮寄");
    bool paper = true;
    return order_move(c, out, EV_PAPER_ROUTE,
                      &(struct order_change){.paper_route = &paper, .verification = ""}, NULL);
}

/* -- telling ------------------------------------------------------------------------------------------------
 */

const char *order_posting_address(struct ctx *c, const struct channel *channel)
{
    struct address to;
    catalog_paper_address(c->arena, channel, &to);
    return form_address(c->arena, &to);
}

/* The same for who has nothing but the SMS: as much as its parameter holds, from the end that leads there. */
static const char *address_in_sms(struct ctx *c, const struct channel *channel)
{
    struct address to;
    catalog_paper_address(c->arena, channel, &to);
    to.recipient = to.phone = to.postal_code = "";
    const char *whole = form_address(c->arena, &to);
    if (utf8_length(whole) <= NOTICE_WORDS)
        return *whole ? whole : "申请表所载地址";
    to.province = to.city; /* left out */
    const char *without = form_address(c->arena, &to);
    return utf8_length(without) <= NOTICE_WORDS ? without : "申请表所载地址";
}

static enum err tell_where_to_post(struct ctx *c, const struct order *o)
{
    struct channel channel;
    TRY(catalog_channel(c, o->channel, &channel));
    const char *yuan = yuan_of(c->arena, o->price_fen);
    const char *said[] = {o->id, yuan, address_in_sms(c, &channel)};
    const char *written[] = {yuan, order_posting_address(c, &channel),
                             catalog_review_days(c->arena, &channel)};
    const char *own = order_contact(o).email, *otherwise = o->purchase.invoice_email;
    bool mail = (own && *own) || (otherwise && *otherwise);
    return order_tell_else(c, o, mail ? NEWS_PAPERS_WANTED : NEWS_PAPERS_WANTED_HERE, otherwise, said,
                           written, arena_printf(c->arena, "paid:%s", o->id));
}

enum err order_paper_paid(struct ctx *c, struct order *o)
{
    TRY(order_move(c, o, EV_PAID, NULL, NULL));
    return tell_where_to_post(c, o);
}

/* A refused order's papers may come again: each arrival is told once. */
static enum err tell_arrived(struct ctx *c, const struct order *o, const struct channel *ch)
{
    const char *days = catalog_review_days(c->arena, ch);
    return order_tell(c, o, NEWS_PAPERS_ARRIVED, (const char *[]){o->id, days}, &days,
                      arena_printf(c->arena, "papers:%s:%lld", o->id, (long long)o->version));
}

enum err order_papers_arrived(struct ctx *c, const char *id, struct order *out)
{
    struct channel channel;
    TRY(order_load(c, id, out));
    TRY(catalog_channel(c, out->channel, &channel));
    int64_t due_ms;
    TRY(catalog_working_days(c, out->channel, c->now_ms, channel.review_days, &due_ms));
    TRY(order_move(c, out, EV_PAPERS_ARRIVED,
                   &(struct order_change){.submitted_ms = &c->now_ms, .due_ms = &due_ms}, NULL));
    return tell_arrived(c, out, &channel);
}
