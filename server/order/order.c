#include "order/order.h"

#include "base/str.h"
#include "catalog/catalog.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "identity/identity.h"
#include "material/material.h"
#include "order/order_json.h"
#include "order/order_masks.h"
#include "order/order_steps.h"
#include "order/order_store.h"
#include "order/order_tell.h"
#include "payment/payment.h"

#include <stdio.h>
#include <string.h>

static bool in_range(int v, int low, int high)
{
    return v >= low && v <= high;
}

/* The order's own sentence when the table has no such move, before anything else is looked at. */
static enum err expect(struct ctx *c, const struct order *o, enum order_event event)
{
    int to;
    return order_next(o, event, &to, c->fault);
}

/* -- beginning ------------------------------------------------------------------------------------------- */

static void check_choice(struct fault *f, const struct order_choice *ch)
{
    if (!in_range(ch->kind, ORDER_NEW, ORDER_UNLOCK))
        fault_field(f, "kind", "REQUIRED", "say what the order is for", "请选择业务类型");
    if (!in_range(ch->subject_kind, SUBJECT_ORGANIZATION, SUBJECT_INDIVIDUAL))
        fault_field(f, "subject_kind", "REQUIRED", "an organization or an individual?", "请选择单位或个人");
    if (!in_range(ch->medium, MEDIUM_UKEY, MEDIUM_CLOUD))
        fault_field(f, "medium", "REQUIRED", "UKEY or cloud?", "请选择证书介质");
    if (!in_range(ch->method, METHOD_MICRO_DEPOSIT, METHOD_FACE))
        fault_field(f, "method", "REQUIRED", "choose a verification method", "请选择核验方式");
}

enum err order_create(struct ctx *c, const struct order_choice *ch, struct order *out)
{
    char channel[ID_SIZE];
    struct offer offer;
    check_choice(c->fault, ch);
    TRY(fault_fields(c->fault));
    if (ch->kind != ORDER_NEW)
        return fail_both(c->fault, ERR_METHOD_NOT_OFFERED, "only new certificates are offered for now",
                         "暂只办理新办证书");
    TRY(catalog_offered(c, ch->channel, (enum order_kind)ch->kind, (enum subject_kind)ch->subject_kind,
                        (enum medium)ch->medium, channel, &offer));
    TRY(method_check(c,
                     &(struct method_choice){.channel = channel,
                                             .subject_kind = (enum subject_kind)ch->subject_kind,
                                             .methods = offer.methods},
                     ch->method));
    *out = (struct order){.kind = (enum order_kind)ch->kind,
                          .subject_kind = (enum subject_kind)ch->subject_kind,
                          .state = ORDER_SUBJECT,
                          .version = 1,
                          .method = (enum method)ch->method,
                          .medium = (enum medium)ch->medium,
                          .review = offer.review,
                          .delivery = offer.delivery,
                          .channel_version = offer.channel_version,
                          .quote_json = "",
                          .signed_text = "",
                          .created_ms = c->now_ms,
                          .updated_ms = c->now_ms};
    id_new("ord", out->id);
    snprintf(out->channel, sizeof out->channel, "%s", channel);
    snprintf(out->account, sizeof out->account, "%s", c->caller.id);
    order_json_blank(out);
    TRY(order_store_insert(c, out));
    TRY(catalog_consent(c, channel, out->id, "method", ch->consents, ch->n_consents));
    return audit_add(c, &(struct audit_entry){.action = "order.created", .object = out->id, .version = 1});
}

/* -- subject and agent -------------------------------------------------------------------------------------
 */

/* What was chosen when the order began may have been withdrawn since. */
static enum err still_offered(struct ctx *c, const struct order *o)
{
    struct offer offer;
    TRY(catalog_offer(c, o->channel, o->kind, o->subject_kind, o->medium, &offer));
    if (offer.methods & 1U << o->method)
        return OK;
    return method_refused(c,
                          &(struct method_choice){.channel = o->channel,
                                                  .subject_kind = o->subject_kind,
                                                  .methods = offer.methods},
                          "the channel no longer offers this method; choose another one",
                          "当前渠道已不支持该核验方式，请更换核验方式");
}

static void check_subject(struct ctx *c, const struct order *o, const struct subject *in, struct subject *out)
{
    bool organization = o->subject_kind == SUBJECT_ORGANIZATION;
    const char *prefix = organization ? "organization." : "person.";
    struct subject given = *in;
    order_unmask(c->fault, c->arena, organization ? MASKED_ORGANIZATION : MASKED_PERSON, prefix, &o->subject,
                 &given);
    identity_check_subject(c->fault, c->arena, &given, o->subject_kind, o->method, prefix, out);
}

/* S11: what is known of the legal representative. */
static void copy_legal_rep(const struct order *o, struct agent *a)
{
    a->name = o->subject.legal_rep_name;
    a->id_number = o->subject.id_number;
    a->phone = o->subject.phone;
}

/* The number that S10 is about. */
static bool same_number(const struct order *o, const struct subject *s)
{
    return o->subject_kind == SUBJECT_ORGANIZATION ? strcmp(o->subject.uscc, s->uscc) == 0
                                                   : strcmp(o->subject.id_number, s->id_number) == 0;
}

/* By paper: the papers prove it, and who acts in person stays the same person. Another number is held by it,
 * or found to be held: that counts like a check, also when it is refused. */
static enum err correct_subject(struct ctx *c, struct order *o, struct order *next)
{
    struct purchase bought;
    bool counted = !same_number(o, &next->subject);
    if (counted)
        TRY(identity_spend_number(c, next));
    if (o->agent.in_person)
        copy_legal_rep(next, &next->agent);
    enum err e = order_move(c, o, EV_SUBJECT_SUBMITTED,
                            &(struct order_change){.subject = &next->subject,
                                                   .agent = o->agent.in_person ? &next->agent : NULL,
                                                   .purchase = order_purchase_follows(o, next, &bought)},
                            NULL);
    c->keep = c->keep || (counted && e == ERR_ORDER_OPEN);
    return e;
}

/* That somebody else has an open order for a number is learnt about it, as by a check, and counts like one.
 */
static enum err count_taken(struct ctx *c, const struct order *o)
{
    struct fault said = *c->fault;
    if (*said.resource)
        return ERR_ORDER_OPEN; /* their own: they know */
    fault_clear(c->fault);
    TRY(identity_spend_check(c, o));
    c->keep = true;
    *c->fault = said;
    return ERR_ORDER_OPEN;
}

/* The number before anything is begun for it, and the limits before the number. */
static enum err verify_subject(struct ctx *c, struct order *o, const struct subject *s)
{
    char verification[ID_SIZE];
    struct order next = *o;
    int left;
    next.subject = *s;
    TRY(identity_may_start(c, &next, false, &left));
    id_new("ver", verification);
    enum err e = order_move(c, o, EV_SUBJECT_SUBMITTED,
                            &(struct order_change){.subject = s, .verification = verification}, NULL);
    if (e == ERR_ORDER_OPEN)
        return count_taken(c, o);
    TRY(e);
    return identity_start(c, o, false, left);
}

enum err order_submit_subject(struct ctx *c, const char *id, enum subject_kind kind, const struct subject *s,
                              struct order *out)
{
    TRY(order_load(c, id, out));
    if (out->subject_kind != kind)
        return fail_both(c->fault, ERR_ORDER_STATE,
                         kind == SUBJECT_ORGANIZATION ? "this is a person's order: submit the person"
                                                      : "this is an organization's order: submit that",
                         kind == SUBJECT_ORGANIZATION ? "该订单的申请主体为个人，请提交个人信息"
                                                      : "该订单的申请主体为单位，请提交单位信息");
    TRY(expect(c, out, EV_SUBJECT_SUBMITTED));
    if (!out->paper_route)
        TRY(still_offered(c, out));
    struct subject clean;
    check_subject(c, out, s, &clean);
    TRY(fault_fields(c->fault));
    if (!out->paper_route)
        return verify_subject(c, out, &clean);
    struct order next = *out;
    next.subject = clean;
    return correct_subject(c, out, &next);
}

enum err order_change_method(struct ctx *c, const char *id, int method, struct order *out)
{
    struct offer offer;
    TRY(order_load(c, id, out));
    TRY(expect(c, out, EV_METHOD_CHANGED));
    TRY(catalog_offer(c, out->channel, out->kind, out->subject_kind, out->medium, &offer));
    TRY(method_check(c,
                     &(struct method_choice){.channel = out->channel,
                                             .subject_kind = out->subject_kind,
                                             .methods = offer.methods},
                     method));
    enum method m = (enum method)method;
    return order_move(c, out, EV_METHOD_CHANGED, &(struct order_change){.method = &m, .verification = ""},
                      NULL);
}

/* Adds the violation of a missing method, with what can be chosen; METHOD_NOT_OFFERED when nothing can. */
static enum err ask_how(struct ctx *c, const struct method_choice *ch, int method)
{
    struct buf en = BUF(c->arena), zh = BUF(c->arena);
    TRY(method_list(c, ch, &en, &zh));
    if (!en.n)
        return fail_both(c->fault, ERR_METHOD_NOT_OFFERED,
                         "the legal representative's phone was not proved, and the channel offers no method "
                         "that proves it: submit an agent",
                         "法定代表人手机号尚未核验，且当前渠道不提供可核验手机号的方式，请由经办人办理");
    if (!method)
        fault_field(c->fault, "agent.method", "REQUIRED",
                    arena_printf(c->arena, "the legal representative's phone was not proved: choose %s",
                                 buf_text(&en)),
                    arena_printf(c->arena, "法定代表人手机号尚未核验，请选择%s", buf_text(&zh)));
    return OK;
}

/* S11: who signs has a phone that was proved as theirs: with the subject, or now. By paper (S16) the
 * signature is on it. */
static bool agent_is_collected(const struct order *o, const struct agent *a)
{
    return o->paper_route || (a->in_person && identity_phone_proved(o->subject_kind, o->method));
}

/* Of who acts in person the card alone is given: what was entered with another method, when none is. A mask
 * is that of the card which they gave before; that of an agent's card is none of theirs. */
static void fill_card(struct ctx *c, const struct order *o, struct agent *in)
{
    struct agent held = {.card_number = o->agent.in_person ? o->agent.card_number : ""};
    struct agent given = {.card_number = in->card_number};
    const char *agents = o->agent.in_person ? "" : mask_number(c->arena, o->agent.card_number);
    if (*agents && strcmp(given.card_number, agents) == 0)
        given.card_number = "";
    order_unmask(c->fault, c->arena, MASKED_AGENT, "agent.", &held, &given);
    in->card_number = *given.card_number ? given.card_number : o->subject.card_number;
}

static enum err check_agent(struct ctx *c, const struct order *o, const struct agent *a, struct agent *clean)
{
    struct offer offer = {0};
    struct agent in = *a;
    bool collected = agent_is_collected(o, a);
    if (!collected)
        TRY(catalog_offer(c, o->channel, o->kind, o->subject_kind, o->medium, &offer));
    const struct method_choice choice = {o->channel,   o->subject_kind,
                                         true,         offer.agent_methods,
                                         a->in_person, identity_phone_proved(o->subject_kind, o->method)};
    if (a->in_person && !collected)
        TRY(ask_how(c, &choice, a->method));
    if (a->in_person && !collected)
        fill_card(c, o, &in);
    if (!a->in_person) /* else all but the e-mail is the legal representative's */
        order_unmask(c->fault, c->arena, MASKED_AGENT, "agent.", &o->agent, &in);
    identity_check_agent(c->fault, c->arena, &in, collected, "agent.", clean);
    TRY(fault_fields(c->fault));
    if (a->in_person)
        copy_legal_rep(o, clean);
    return collected ? OK : method_check(c, &choice, clean->method);
}

enum err order_submit_agent(struct ctx *c, const char *id, const struct agent *a, struct order *out)
{
    struct agent clean;
    char verification[ID_SIZE];
    struct purchase bought;
    TRY(order_load(c, id, out));
    TRY(expect(c, out, a->in_person ? EV_AGENT_IN_PERSON : EV_AGENT_SUBMITTED));
    TRY(check_agent(c, out, a, &clean));
    bool collected = agent_is_collected(out, &clean);
    if (collected && clean.in_person && !out->paper_route)
        clean.method = (int)out->method;
    struct order next = *out;
    next.agent = clean;
    struct order_change change = {.agent = &clean, .purchase = order_purchase_follows(out, &next, &bought)};
    if (*out->agent.id_number && strcmp(out->agent.id_number, clean.id_number) != 0)
        TRY(material_of_former_agent(c, out));
    if (collected)
        return order_move(c, out, clean.in_person ? EV_AGENT_IN_PERSON : EV_AGENT_SUBMITTED, &change, NULL);
    int left;
    TRY(identity_may_start(c, &next, true, &left));
    id_new("ver", verification);
    change.verification = verification;
    TRY(order_move(c, out, EV_AGENT_SUBMITTED, &change, NULL));
    return identity_start(c, out, true, left);
}

/* -- end
 * ----------------------------------------------------------------------------------------------------- */

/* What waits for review is only seen (S20); what the desk is writing, staff alone gives up (RefundPayment).
 */
static bool owner_may_cancel(const struct order *o)
{
    return o->state != ORDER_REVIEW && o->state != ORDER_PERSONALISING;
}

static enum err close_unpaid(struct ctx *c, const char *reason, struct order *o)
{
    reason_check(c->fault, "reason", reason);
    TRY(fault_fields(c->fault));
    TRY(order_move(c, o, EV_CANCELLED, NULL, reason_detail(c->arena, NULL, NULL, reason)));
    TRY(payment_order_cancelled(c, o->id));
    return order_tell_closed(c, o);
}

enum err order_cancel(struct ctx *c, const char *id, const char *reason, struct order *out)
{
    TRY(order_load(c, id, out));
    if (c->caller.kind == CALLER_STAFF)
        return close_unpaid(c, reason, out);
    if (!owner_may_cancel(out))
        return order_refused(c->fault, out);
    if (order_can(out, EV_CANCELLED_PAID))
        return payment_give_up_paid(c, out, "ORDER_CANCELLED", NULL);
    TRY(order_move(c, out, EV_CANCELLED, NULL, NULL));
    return payment_order_cancelled(c, out->id);
}

/* -- approved -------------------------------------------------------------------------------------------- */

enum err order_approve(struct ctx *c, struct order *o, const char *detail, int *posting_days)
{
    int64_t due_ms = 0; /* the review's is over */
    *posting_days = 0;
    if (o->delivery == DELIVERY_DESK)
        TRY(catalog_posting_promise(c, o->channel, posting_days, &due_ms));
    return order_move(c, o, EV_APPROVED, &(struct order_change){.due_ms = &due_ms}, detail);
}

/* -- who may do what ---------------------------------------------------------------------------------------
 */

struct action {
    const char *verb;
    enum order_event event; /* possible when the order's table has it from its state */
    unsigned kinds;         /* bits of subject kinds */
    unsigned facts;         /* all of these must be true of it: enum order_fact */
    unsigned roles;         /* 0: the applicant's; else staff with one of these */
};

enum {
    ORGANIZATION = 1 << SUBJECT_ORGANIZATION,
    INDIVIDUAL = 1 << SUBJECT_INDIVIDUAL,
    BOTH = ORGANIZATION | INDIVIDUAL,
};

static const struct action actions[] = {
    {"SubmitOrganization", EV_SUBJECT_SUBMITTED, ORGANIZATION, METHOD_OFFERED, 0},
    {"SubmitPerson", EV_SUBJECT_SUBMITTED, INDIVIDUAL, METHOD_OFFERED, 0},
    {"ChangeMethod", EV_METHOD_CHANGED, BOTH, METHODS_SERVED, 0},
    {"SwitchToPaperRoute", EV_PAPER_ROUTE, BOTH, PAPER_OFFERED, 0},
    {"ConfirmVerification", EV_SUBJECT_PASSED, BOTH, CODE_AWAITED, 0},
    {"StartFace", EV_SUBJECT_PASSED, BOTH, FACE_AWAITED, 0},
    {"StartFace", EV_AGENT_PASSED, BOTH, FACE_AWAITED, 0},
    {"ResendVerificationCode", EV_SUBJECT_PASSED, BOTH, CODE_BY_SMS, 0},
    {"SubmitAgent", EV_AGENT_SUBMITTED, BOTH, AGENT_POSSIBLE, 0},
    {"ConfirmVerification", EV_AGENT_PASSED, BOTH, CODE_AWAITED, 0},
    {"ResendVerificationCode", EV_AGENT_PASSED, BOTH, CODE_BY_SMS, 0},
    {"SetPurchase", EV_PURCHASE_SET, BOTH, SOLD, 0},
    {"ConfirmPurchase", EV_PURCHASE_CONFIRMED, BOTH, QUOTED, 0},
    {"ReturnToPurchase", EV_PURCHASE_REOPENED, BOTH, 0, 0},
    {"UploadMaterial", EV_CANCELLED, BOTH, MATERIALS_OPEN | MATERIALS_ASKED, 0},
    {"UploadMaterial", EV_CORRECTED, BOTH, MATERIALS_OPEN | MATERIALS_ASKED, 0},
    {"RequestApplicationSignature", EV_SIGNATURE_REQUESTED, BOTH, MATERIALS_THERE, 0},
    {"SignApplication", EV_SIGNED, BOTH, MATERIALS_THERE | SIGN_CODE_OUT, 0},
    {"SignApplication", EV_CORRECTED, BOTH, MATERIALS_THERE | SIGN_CODE_OUT, 0},
    {"CreatePayment", EV_PAID, BOTH, PAYABLE, 0},
    {"GetApplicationForm", EV_PAID, BOTH, BY_PAPER, 0},
    {"GetApplicationForm", EV_PAPERS_ARRIVED, BOTH, BY_PAPER, 0},
    {"CancelOrder", EV_CANCELLED, BOTH, 0, 0},
    {"CancelOrder", EV_CANCELLED_PAID, BOTH, OWNER_MAY_CANCEL, 0},
    {"CancelOrder", EV_CANCELLED, BOTH, 0, ORDER_CLOSERS},
    {"RecordPaperArrival", EV_PAPERS_ARRIVED, BOTH, 0, ROLE_SHIPPER},
    {"DecideReview", EV_APPROVED, BOTH, 0, ROLE_REVIEWER},
    {"BeginPersonalisation", EV_PERSONALISATION_BEGUN, BOTH, 0, ROLE_OPERATOR},
    {"RecordStep", EV_WRITTEN, BOTH, TOKEN_IN_WORK, ROLE_OPERATOR},
    {"IssueCertificate", EV_WRITTEN, BOTH, TOKEN_IN_WORK, ROLE_OPERATOR},
    {"FinishPersonalisation", EV_WRITTEN, BOTH, CERTIFICATE_ISSUED, ROLE_OPERATOR},
    {"QuarantineToken", EV_PERSONALISATION_DROPPED, BOTH, TOKEN_IN_WORK, ROLE_OPERATOR},
    {"DownloadCertificate", EV_DOWNLOADED, BOTH, 0, 0},
    {"CreateShipment", EV_POSTED, BOTH, 0, ROLE_SHIPPER},
    {"ResolveShipment", EV_RETURNED, BOTH, PARCEL_UNDER_WAY, ROLE_SHIPPER},
    {"RefundPayment", EV_CANCELLED_PAID, BOTH, NO_TOKEN_IN_WORK, ROLE_ADMIN | ROLE_FINANCE},
};

bool order_takes_materials(const struct order *o)
{
    return !o->paper_route && (o->state <= ORDER_SIGNATURE || o->state == ORDER_CORRECTION);
}

static bool may(const struct caller *k, const struct order *o, const struct action *a)
{
    if (a->roles)
        return k->kind == CALLER_STAFF && k->roles & a->roles;
    return k->kind == CALLER_ACCOUNT && strcmp(k->id, o->account) == 0;
}

size_t order_actions(const struct ctx *c, const struct order *o, unsigned facts,
                     const char *out[static ORDER_ACTIONS])
{
    size_t n = 0;
    uint64_t events = order_events(o);
    facts |= (owner_may_cancel(o) ? OWNER_MAY_CANCEL : 0U) | (facts & TOKEN_IN_WORK ? 0U : NO_TOKEN_IN_WORK) |
             (o->paper_route ? BY_PAPER : 0U) | (order_takes_materials(o) ? MATERIALS_OPEN : 0U);
    for (size_t i = 0; i < sizeof actions / sizeof *actions && n < ORDER_ACTIONS; i++) {
        const struct action *a = &actions[i];
        if (may(&c->caller, o, a) && a->kinds & 1U << o->subject_kind && (a->facts & ~facts) == 0 &&
            events >> a->event & 1)
            out[n++] = a->verb;
    }
    return n;
}

/* -- who is told
 * --------------------------------------------------------------------------------------------- */

struct order_contact order_contact(const struct order *o)
{
    if (o->subject_kind == SUBJECT_ORGANIZATION)
        return (struct order_contact){o->agent.name, o->agent.phone, o->agent.email};
    return (struct order_contact){o->subject.name, o->subject.phone, o->subject.email};
}

int order_quantity(const struct order *o)
{
    return o->purchase.quantity > 1 ? o->purchase.quantity : 1;
}

const char *order_pin_phone(const struct order *o)
{
    return o->subject.phone;
}
