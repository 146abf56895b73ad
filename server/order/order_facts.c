/* order_facts.c - what decides of an order's next steps beside its state. The rules of the steps ask the same
 * questions, so that what is listed is taken and what is not is refused. */
#include "account/code.h"
#include "catalog/catalog.h"
#include "identity/identity.h"
#include "material/material_upload.h"
#include "order/order_paper.h"
#include "order/order_steps.h"

static enum err of_verification(struct ctx *c, const struct verification *v, unsigned *facts)
{
    bool good = v->waiting.deposit_code;
    if (v->state == VERIFICATION_CODE_SENT && *v->sent_to)
        TRY(code_is_out(c, v->sent_to, CODE_VERIFY, v->id, &good));
    if (good)
        *facts |= CODE_AWAITED;
    if (v->state == VERIFICATION_CODE_SENT || v->state == VERIFICATION_HELD)
        *facts |= CODE_BY_SMS;
    if (v->state == VERIFICATION_FACE)
        *facts |= FACE_AWAITED;
    return OK;
}

static enum err of_signature(struct ctx *c, const struct order *o, unsigned *facts)
{
    const char **missing;
    size_t n;
    bool good = false;
    TRY(material_missing(c, o, &missing, &n));
    if (n)
        return OK;
    if (order_can(o, EV_SIGNED) || order_can(o, EV_CORRECTED))
        TRY(code_is_out(c, order_contact(o).phone, CODE_SIGN, o->id, &good));
    *facts |= MATERIALS_THERE | (good ? SIGN_CODE_OUT : 0U);
    return OK;
}

/* Before it is paid; and of what was refused, which materials. */
static enum err of_channel(struct ctx *c, const struct order *o, unsigned *facts)
{
    bool some;
    if (o->paper_route) /* the papers prove who it is, whatever else is offered */
        *facts |= METHOD_OFFERED | AGENT_POSSIBLE;
    if (o->state <= ORDER_PAYMENT)
        return order_today(c, o, facts);
    if (o->state != ORDER_CORRECTION)
        return OK;
    TRY(material_asked(c, o, &some));
    *facts |= some ? MATERIALS_ASKED : 0U;
    return OK;
}

enum err order_facts(struct ctx *c, const struct order *o, const struct verification *v, unsigned *facts)
{
    bool paper;
    if (c->caller.kind != CALLER_ACCOUNT)
        return OK;
    TRY(of_channel(c, o, facts));
    TRY(order_paper_offered(c, o, v, &paper));
    *facts |= paper ? PAPER_OFFERED : 0U;
    if (v)
        TRY(of_verification(c, v, facts));
    return order_can(o, EV_SIGNATURE_REQUESTED) ? of_signature(c, o, facts) : OK;
}
