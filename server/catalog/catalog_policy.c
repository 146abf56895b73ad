/* catalog_policy.c - what a channel decides for other parts of the server, out of its row. */
#include "catalog/channel_file.h"

#include <string.h>

enum {
    WHOLE_TRIES = 5
};

/* What is stored was checked when it came in: an answer that is missing now is the default. */
enum err channel_policy_parse(struct ctx *c, const char *json, struct policy *out)
{
    struct reader r = {.arena = c->arena};
    json_t *j = json_loads(json, 0, NULL);
    if (!j)
        return fail(c->fault, ERR_DATA_LOSS, "a channel's policy cannot be read");
    policy_read(node_root(&r, j), out);
    json_decref(j);
    return OK;
}

static enum err load(struct ctx *c, const char *channel_id, struct policy *out)
{
    const char *json;
    TRY(channel_policy(c, channel_id, &json));
    return channel_policy_parse(c, json, out);
}

struct delivery_rules posting_of(const struct policy *p, enum medium m, enum delivery way)
{
    bool asked = m == MEDIUM_UKEY && way == DELIVERY_DESK && p->posting.address_asked;
    return (struct delivery_rules){.address_asked = asked,
                                   .fee_fen = asked ? p->posting.fee_fen : 0,
                                   .days = way == DELIVERY_DESK ? p->posting.days : 0};
}

static bool known(enum method m)
{
    return m >= METHOD_MICRO_DEPOSIT && m <= METHOD_FACE;
}

enum err catalog_suppliers(struct ctx *c, const char *channel_id, enum method m, const char *out[static 2],
                           size_t *n)
{
    struct policy p;
    out[0] = out[1] = "";
    *n = 0;
    TRY(load(c, channel_id, &p));
    if (!known(m))
        return OK;
    memcpy(out, p.suppliers[m], sizeof p.suppliers[m]);
    *n = p.n_suppliers[m];
    return OK;
}

enum err catalog_attempts(struct ctx *c, const char *channel_id, enum method m, int *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = known(m) ? p.attempts[m] : 0;
    return OK;
}

enum err catalog_account_checks(struct ctx *c, const char *channel_id, int *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = p.account_checks;
    return OK;
}

enum err catalog_payments(struct ctx *c, const char *channel_id, unsigned *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = p.payments;
    return OK;
}

enum err catalog_invoice(struct ctx *c, const char *channel_id, struct invoice_rules *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = p.invoice;
    return OK;
}

enum err catalog_posting(struct ctx *c, const char *channel_id, enum order_kind k, enum subject_kind s,
                         enum medium m, enum delivery way, struct delivery_rules *out)
{
    struct policy p;
    const char *json;
    enum delivery today;
    TRY(offer_delivery(c, channel_id, k, s, m, &today, &json));
    TRY(channel_policy_parse(c, json, &p));
    way = way ? way : today;
    *out = posting_of(&p, m, way);
    out->way = way;
    return OK;
}

enum err catalog_sms_limits(struct ctx *c, const char *channel_id, struct sms_limits *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = p.sms;
    return OK;
}

enum err catalog_working_days(struct ctx *c, const char *channel_id, int64_t from_ms, int n, int64_t *out)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *out = calendar_after(&p.calendar, from_ms, n);
    return OK;
}

enum err catalog_posting_promise(struct ctx *c, const char *channel_id, int *days, int64_t *due_ms)
{
    struct policy p;
    TRY(load(c, channel_id, &p));
    *days = p.posting.days;
    *due_ms = calendar_after(&p.calendar, c->now_ms, p.posting.days);
    return OK;
}

enum err catalog_first_password(struct ctx *c, const char *channel_id, const char **out)
{
    struct channel ch;
    TRY(catalog_channel(c, channel_id, &ch));
    *out = ch.initial_password;
    return OK;
}

/* -- the whole channel -------------------------------------------------------------------------------------
 */

static enum err read_whole(struct ctx *c, struct whole *out)
{
    TRY(channel_policy_parse(c, out->channel.policy_json, &out->policy));
    TRY(offer_list(c, out->channel.id, &out->offers, &out->n_offers));
    return material_rule_list(c, out->channel.id, &out->materials, &out->n_materials);
}

enum err channel_whole(struct ctx *c, const char *id_or_code, struct whole *out)
{
    for (int tries = 0; tries < WHOLE_TRIES; tries++) {
        int now;
        TRY(catalog_channel(c, id_or_code, &out->channel));
        TRY(read_whole(c, out));
        TRY(channel_version_now(c, out->channel.id, &now));
        if (now == out->channel.version)
            return OK;
    }
    return fail(c->fault, ERR_UNAVAILABLE, "the channel is being changed; ask again");
}
