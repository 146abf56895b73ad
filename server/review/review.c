#include "review/review.h"

#include "convert/reason.h"
#include "core/audit.h"
#include "notice/notice.h"
#include "order/order_steps.h"
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

static const char *first_reason(const struct order *o, const struct decision *d)
{
    if (o->paper_route)
        return d->comment;
    for (size_t i = 0; i < d->n; i++)
        if (d->verdicts[i] == VERDICT_REFUSED)
            return d->reasons[i];
    return "";
}

static enum err tell(struct ctx *c, const struct order *o, const struct decision *d, const char *days)
{
    struct order_contact to = order_contact(o);
    const char *dedupe = arena_printf(c->arena, "review:%s:%lld", o->id, (long long)o->version);
    const char *params[] = {o->id, d->approve ? days : first_reason(o, d)};
    bool download = o->delivery == DELIVERY_DOWNLOAD;
    enum sms_template good = download ? SMS_APPROVED_DOWNLOAD : SMS_ORDER_APPROVED;
    TRY(notice_sms(c, to.phone, d->approve ? good : SMS_ORDER_REFUSED, params, dedupe, o->id));
    if (!to.email || !*to.email)
        return OK;
    struct buf faults = BUF(c->arena);
    for (size_t i = 0; i < d->n; i++)
        if (d->verdicts[i] == VERDICT_REFUSED)
            buf_printf(&faults, "  - %s\n", d->reasons[i]);
    const char *comment = *d->comment ? arena_printf(c->arena, "\n%s\n", d->comment) : "";
    const char *refused[] = {to.name, o->id, buf_text(&faults), comment},
               *plain[] = {to.name, o->id, comment, days}; /* not every one says the days */
    if (!d->approve && !o->paper_route)
        return notice_mail(c, to.email, MAIL_ORDER_REFUSED, refused, dedupe, o->id);
    enum mail_template well = download ? MAIL_APPROVED_DOWNLOAD : MAIL_ORDER_APPROVED;
    return notice_mail(c, to.email, d->approve ? well : MAIL_PAPERS_REFUSED, plain, dedupe, o->id);
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
