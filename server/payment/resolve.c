#include "payment/resolve.h"

#include "convert/reason.h"
#include "core/audit.h"
#include "payment/partial.h"
#include "payment/reconcile_store.h"

#include <string.h>

enum resolved_what resolve_what(const struct capture *cap, const struct refund *r)
{
    if (!r)
        return cap->state == CAPTURE_HELD ? RESOLVED_HELD : RESOLVED_NONE;
    return strcmp(r->error, "PAID_TWICE") == 0 ? RESOLVED_TWICE : RESOLVED_NONE;
}

static const char *what_name(enum resolved_what w)
{
    return w == RESOLVED_TWICE ? "PAID_TWICE" : "HELD";
}

static enum err not_this_way(struct ctx *c, const struct returned *one)
{
    if (one->asked && one->refund.state != REFUND_IS_DONE)
        return refund_refused(
            c, "this refund has not ended: try it again, or record how the payer got the money",
            "该退款尚未办结，请重试退款或登记人工退款");
    return refund_refused(c, "nobody needs to see to this money", "该款项无需处理");
}

enum err resolve_capture(struct ctx *c, const char *capture_id, const char *note, struct returned *out)
{
    reason_check(c->fault, "reason", note);
    TRY(fault_fields(c->fault));
    TRY(capture_whole(c, capture_id, out));
    enum resolved_what what = resolve_what(&out->capture, out->asked ? &out->refund : NULL);
    if (what == RESOLVED_NONE)
        return not_this_way(c, out);
    if (out->resolved.at_ms)
        return refund_refused(c, "this was seen to already", "该款项已处理");
    enum err e = resolved_insert(c, capture_id, what, note);
    if (e == ERR_DB_DUPLICATE) /* at the same moment: look again, and see theirs */
        return fail(c->fault, ERR_DB_RETRY, NULL);
    TRY(e);
    out->resolved = (struct resolved){.by = c->caller.id, .at_ms = c->now_ms, .note = note};
    return audit_add(
        c, &(struct audit_entry){.action = "capture.resolved",
                                 .object = out->capture.id,
                                 .detail = arena_printf(c->arena, "{\"what\":\"%s\"}", what_name(what))});
}

enum err capture_whole(struct ctx *c, const char *id, struct returned *out)
{
    *out = (struct returned){.asked = true};
    TRY(capture_read(c, id, &out->capture));
    TRY(returned_by_bills(c, out->capture.provider, out->capture.txn_no, &out->returned_fen));
    struct partial p;
    TRY(partial_read(c, id, &p));
    out->partial_fen = p.amount_fen;
    enum err e = refund_of_capture(c, id, &out->refund);
    if (e == ERR_NOT_FOUND) {
        fault_clear(c->fault);
        out->asked = false;
    } else {
        TRY(e);
    }
    e = resolved_read(c, id, resolve_what(&out->capture, out->asked ? &out->refund : NULL), &out->resolved);
    if (e != ERR_NOT_FOUND)
        return e;
    fault_clear(c->fault);
    out->resolved = (struct resolved){.by = "", .note = ""};
    return OK;
}
