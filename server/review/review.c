#include "review/review.h"

#include "catalog/catalog.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "order/order_paper.h"
#include "order/order_steps.h"
#include "order/order_tell.h"
#include "review/review_store.h"

#include <string.h>

enum {
    COMMENT_MAX = 300
};

/* Every current material has a decision that fits the verdict on the order. By paper there may be none: then
 * the comment says what is wrong. */
static enum err check(struct ctx *c, const struct order *o, const struct decision *d)
{
    const struct material *have;
    size_t n, refused = 0;
    TRY(material_list(c, d->order_id, &have, &n));
    for (size_t i = 0; i < d->n; i++)
        refused += d->verdicts[i] == VERDICT_REFUSED;
    if (d->approve && refused)
        fault_field(c->fault, "approve", "CONFLICT", "an order with a refused material cannot be approved",
                    "存在被退回的资料，不能通过");
    if (!d->approve && o->paper_route && !*d->comment)
        fault_field(c->fault, "comment", "REQUIRED", "say what is wrong with the papers",
                    "请说明纸质材料的问题");
    if (!d->approve && !refused && !o->paper_route)
        fault_field(c->fault, "decisions", "REQUIRED", "to send an order back, refuse at least one material",
                    "退回订单须至少退回一项资料");
    for (size_t i = 0; d->approve && i < n; i++) {
        bool decided = false;
        for (size_t k = 0; k < d->n; k++)
            decided = decided || strcmp(d->material_ids[k], have[i].id) == 0;
        if (!decided && have[i].verdict != VERDICT_APPROVED)
            fault_field(c->fault, "decisions", "REQUIRED",
                        arena_printf(c->arena, "%s was not decided on", have[i].kind),
                        arena_printf(c->arena, "“%s”尚未审核", have[i].title));
    }
    if (utf8_length(d->comment) > COMMENT_MAX)
        fault_field(c->fault, "comment", "LENGTH", "at most 300 characters", "备注不超过300字");
    return fault_fields(c->fault);
}

static const char *title_of(const struct material *have, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(have[i].id, id) == 0)
            return *have[i].title ? have[i].title : have[i].kind;
    return "";
}

/* What was refused, a line each; of an SMS the first alone. */
struct refusal {
    const char *title, *reason;
    size_t n;
    const char *lines;
};

static enum err refused_items(struct ctx *c, const struct decision *d, struct refusal *out)
{
    const struct material *have;
    size_t n;
    struct buf lines = BUF(c->arena);
    *out = (struct refusal){"", "", 0, ""};
    TRY(material_list(c, d->order_id, &have, &n));
    for (size_t i = 0; i < d->n; i++) {
        if (d->verdicts[i] != VERDICT_REFUSED)
            continue;
        const char *title = title_of(have, n, d->material_ids[i]);
        buf_printf(&lines, "%s：%s\n", title, d->reasons[i]);
        if (!out->n++)
            out->title = title, out->reason = d->reasons[i];
    }
    out->lines = buf_text(&lines);
    return OK;
}

static enum err tell_refused(struct ctx *c, const struct order *o, const struct decision *d, const char *key)
{
    struct refusal r;
    TRY(refused_items(c, d, &r));
    const char *said[] = {o->id, notice_words(c->arena, r.title), notice_words(c->arena, r.reason),
                          arena_printf(c->arena, "%zu", r.n)};
    const char *comment = *d->comment ? arena_printf(c->arena, "\n%s\n", d->comment) : "";
    return order_tell(c, o, NEWS_REFUSED, said, (const char *[]){r.lines, comment}, key);
}

/* There is a comment, and there may be materials. */
static enum err tell_papers_refused(struct ctx *c, const struct order *o, const struct decision *d,
                                    const char *key)
{
    struct refusal r;
    struct channel channel;
    TRY(refused_items(c, d, &r));
    TRY(catalog_channel(c, o->channel, &channel));
    const char *said[] = {o->id, notice_words(c->arena, d->comment)};
    const char *written[] = {arena_printf(c->arena, "%s%s\n", r.lines, d->comment),
                             order_posting_address(c, &channel)};
    return order_tell(c, o, NEWS_PAPERS_REFUSED, said, written, key);
}

static enum err tell(struct ctx *c, const struct order *o, const struct decision *d, const char *days)
{
    const char *key = arena_printf(c->arena, "review:%s:%lld", o->id, (long long)o->version);
    if (!d->approve)
        return o->paper_route ? tell_papers_refused(c, o, d, key) : tell_refused(c, o, d, key);
    const char *comment = *d->comment ? arena_printf(c->arena, "\n%s\n", d->comment) : "";
    /* a download is not posted: it says no days */
    return order_tell(c, o, o->delivery == DELIVERY_DOWNLOAD ? NEWS_APPROVED_DOWNLOAD : NEWS_APPROVED,
                      (const char *[]){o->id, days}, (const char *[]){comment, days}, key);
}

enum err review_decide(struct ctx *c, const struct decision *d, struct order *o)
{
    TRY(order_load(c, d->order_id, o));
    if (o->version != d->version)
        return fail(c->fault, ERR_CONFLICT, NULL);
    TRY(check(c, o, d));
    TRY(material_decide(c, o, d->n, d->material_ids, d->verdicts, d->reasons));
    enum err e = decision_insert(c, o, d->approve, d->comment);
    if (e == ERR_DB_DUPLICATE)
        return fail(c->fault, ERR_CONFLICT, NULL);
    TRY(e);
    int days = 0;
    const char *detail = arena_printf(c->arena, "{\"decided\":%zu}", d->n);
    TRY(d->approve ? order_approve(c, o, detail, &days) : order_move(c, o, EV_REFUSED, NULL, detail));
    return tell(c, o, d, arena_printf(c->arena, "%d", days));
}

enum err review_reveal(struct ctx *c, const char *order_id, const char *field, const char *reason,
                       const char **out)
{
    struct order o;
    TRY(order_load(c, order_id, &o));
    const struct {
        const char *path, *value;
    } fields[] = {{"organization.legal_rep_name", o.subject.legal_rep_name},
                  {"person.name", o.subject.name},
                  {"person.email", o.subject.email},
                  {"person.account.number", o.subject.account.number},
                  {"agent.name", o.agent.name},
                  {"organization.legal_rep_id_number", o.subject.id_number},
                  {"organization.legal_rep_phone", o.subject.phone},
                  {"organization.legal_rep_card_number", o.subject.card_number},
                  {"organization.account.number", o.subject.account.number},
                  {"person.id_number", o.subject.id_number},
                  {"person.phone", o.subject.phone},
                  {"person.card_number", o.subject.card_number},
                  {"agent.id_number", o.agent.id_number},
                  {"agent.phone", o.agent.phone},
                  {"agent.card_number", o.agent.card_number},
                  {"agent.email", o.agent.email},
                  {"signed_text", o.signed_text}};
    reason_check(c->fault, "reason", reason);
    *out = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].path, field) == 0)
            *out = fields[i].value ? fields[i].value : "";
    if (!*out)
        fault_field(c->fault, "field", "UNKNOWN", "this field is not masked or does not exist",
                    "字段不存在或未脱敏");
    TRY(fault_fields(c->fault));
    return audit_add(
        c, &(struct audit_entry){"review.reveal", o.id, 0, reason_detail(c->arena, "field", field, reason)});
}
