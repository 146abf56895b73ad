/* order_moves.c - the states of an order, and the one function that moves it (S6-S20).
 *
 *   SUBJECT ----submitted----> SUBJECT_VERIFYING --passed (individual)--------------------+
 *      ^  <----mismatch------         |                                                    |
 *      +- method changed -------------+ passed (organization)                              |
 *                                     v                                                    |
 *                   +------------- AGENT ----submitted----> AGENT_VERIFYING ---passed----->+
 *                   |                ^  <----mismatch------   |                            |
 *                   +- in person ----|------------------------+--------------------------->+
 *                                                                                          v
 *   MATERIALS <--confirmed-- CONFIRM <-------purchase set-------------------------- PURCHASE
 *      |  ^  |                  |                                                     ^
 *      |  |  +--- reopened -----+----------(SIGNATURE and PAYMENT, too)---------------+
 *      |  | signature reopened
 *      v  | signature requested
 *   SIGNATURE --signed--> PAYMENT --paid--> REVIEW --approved--> ISSUE --begun--> PERSONALISING
 *                                            |  ^                 ^                |      |
 *                                    refused |  | corrected       +--- dropped ----+      | written
 *                                            v  |                                         v
 *                                         CORRECTION              SHIPPED <----posted--- SHIP
 *                                      (signature requested:         |  ----returned----> (SHIP)
 *                                       stays)                       v
 *                                                       FINISHED <- received
 *
 *   From PURCHASE an organization's agent may be submitted anew: to AGENT_VERIFYING, in person at once.
 *
 *   An order for several UKEYs stays in PERSONALISING while they are written one after another: begun, copy
 *   written and copy dropped lead back to it, written is said of the last one, and dropped (to ISSUE) as long
 *   as none is done.
 *
 *   Staff may give up what cannot be completed while no token is in work: what is written is revoked.
 *
 *   up to PAYMENT: cancelled -> CANCELLED
 *   PAPERS, REVIEW, CORRECTION, ISSUE, PERSONALISING, DOWNLOAD: cancelled paid -> REFUNDING; refunded ->
 * CANCELLED
 *
 * What the holder downloads (S19, S25) is neither written nor posted by the desk:
 *
 *   REVIEW --approved--> DOWNLOAD --downloaded--> FINISHED
 *
 * Without a review (the order's `review`) "paid" and "approved" are two moves of one transaction. By paper
 * there always is one: somebody must see the papers.
 *
 * The paper route (S9, S16, S17) begins in SUBJECT, when what was entered is well-formed but does not match,
 * and has tables of its own from there: nothing is verified or uploaded any more, the form is printed and
 * signed by hand.
 *
 *   SUBJECT --paper route--> AGENT --submitted or in person--> PURCHASE --set--> CONFIRM
 *                         (individual: PURCHASE)                    ^ <--reopened--   |
 *                                                                   +--- reopened --+ | confirmed
 *                                                                                     v
 *   ISSUE <--approved-- REVIEW <--papers arrived-- PAPERS <--------paid---------- PAYMENT
 *                          --refused--> (PAPERS)
 *
 * In its AGENT and PURCHASE the subject may be submitted anew, in PURCHASE the agent; both stay there.
 *
 * A verification that hangs (a code that never came) is left by submitting the step again; the newest
 * verification alone counts. A legal representative who acts in person with a phone that was not proved
 * is submitted as an agent is.
 */
#include "order/order.h"

#include "core/audit.h"
#include "core/machine.h"
#include "invoice/invoice.h"
#include "issue/issue.h"
#include "order/order_store.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* clang-format off: a row a line */
/* Of every order. */
#define EVERY_MOVE                                                                                           \
    {ORDER_PURCHASE, EV_PURCHASE_SET, ORDER_CONFIRM}, {ORDER_PURCHASE, EV_CANCELLED, ORDER_CANCELLED},       \
        {ORDER_CONFIRM, EV_PURCHASE_REOPENED, ORDER_PURCHASE},                                               \
        {ORDER_CONFIRM, EV_CANCELLED, ORDER_CANCELLED}, {ORDER_PAYMENT, EV_CANCELLED, ORDER_CANCELLED},      \
        {ORDER_PAYMENT, EV_PURCHASE_REOPENED, ORDER_PURCHASE},                                               \
        {ORDER_REVIEW, EV_CANCELLED_PAID, ORDER_REFUNDING},                                                  \
    {                                                                                                        \
        ORDER_REFUNDING, EV_REFUNDED, ORDER_CANCELLED                                                        \
    }

/* Of orders whose UKEY the desk writes and posts. */
#define DESK_MOVES                                                                                           \
    {ORDER_REVIEW, EV_APPROVED, ORDER_ISSUE}, {ORDER_ISSUE, EV_CANCELLED_PAID, ORDER_REFUNDING},             \
        {ORDER_ISSUE, EV_PERSONALISATION_BEGUN, ORDER_PERSONALISING},                                        \
        {ORDER_PERSONALISING, EV_PERSONALISATION_BEGUN, ORDER_PERSONALISING},                                \
        {ORDER_PERSONALISING, EV_PERSONALISATION_DROPPED, ORDER_ISSUE},                                      \
        {ORDER_PERSONALISING, EV_COPY_WRITTEN, ORDER_PERSONALISING},                                         \
        {ORDER_PERSONALISING, EV_COPY_DROPPED, ORDER_PERSONALISING},                                         \
        {ORDER_PERSONALISING, EV_CANCELLED_PAID, ORDER_REFUNDING},                                           \
        {ORDER_PERSONALISING, EV_WRITTEN, ORDER_SHIP}, {ORDER_SHIP, EV_POSTED, ORDER_SHIPPED},               \
        {ORDER_SHIPPED, EV_RETURNED, ORDER_SHIP},                                                            \
    {                                                                                                        \
        ORDER_SHIPPED, EV_RECEIVED, ORDER_FINISHED                                                           \
    }

/* Of orders whose certificate the holder downloads. */
#define DOWNLOAD_MOVES                                                                                       \
    {ORDER_REVIEW, EV_APPROVED, ORDER_DOWNLOAD}, {ORDER_DOWNLOAD, EV_CANCELLED_PAID, ORDER_REFUNDING},       \
    {                                                                                                        \
        ORDER_DOWNLOAD, EV_DOWNLOADED, ORDER_FINISHED                                                        \
    }

/* Of orders that are verified and signed online, for both kinds of subject. */
#define ONLINE_MOVES                                                                                         \
    {ORDER_SUBJECT, EV_SUBJECT_SUBMITTED, ORDER_SUBJECT_VERIFYING},                                          \
        {ORDER_SUBJECT, EV_METHOD_CHANGED, ORDER_SUBJECT}, {ORDER_SUBJECT, EV_CANCELLED, ORDER_CANCELLED},   \
        {ORDER_SUBJECT_VERIFYING, EV_SUBJECT_SUBMITTED, ORDER_SUBJECT_VERIFYING},                            \
        {ORDER_SUBJECT_VERIFYING, EV_SUBJECT_MISMATCH, ORDER_SUBJECT},                                       \
        {ORDER_SUBJECT_VERIFYING, EV_METHOD_CHANGED, ORDER_SUBJECT},                                         \
        {ORDER_SUBJECT_VERIFYING, EV_CANCELLED, ORDER_CANCELLED},                                            \
        {ORDER_CONFIRM, EV_PURCHASE_CONFIRMED, ORDER_MATERIALS},                                             \
        {ORDER_MATERIALS, EV_PURCHASE_REOPENED, ORDER_PURCHASE},                                             \
        {ORDER_MATERIALS, EV_SIGNATURE_REQUESTED, ORDER_SIGNATURE},                                          \
        {ORDER_MATERIALS, EV_CANCELLED, ORDER_CANCELLED},                                                    \
        {ORDER_SIGNATURE, EV_SIGNATURE_REQUESTED, ORDER_SIGNATURE},                                          \
        {ORDER_SIGNATURE, EV_SIGNATURE_REOPENED, ORDER_MATERIALS},                                           \
        {ORDER_SIGNATURE, EV_PURCHASE_REOPENED, ORDER_PURCHASE},                                             \
        {ORDER_SIGNATURE, EV_SIGNED, ORDER_PAYMENT}, {ORDER_SIGNATURE, EV_CANCELLED, ORDER_CANCELLED},       \
        {ORDER_PAYMENT, EV_PAID, ORDER_REVIEW}, {ORDER_REVIEW, EV_REFUSED, ORDER_CORRECTION},                \
        {ORDER_CORRECTION, EV_SIGNATURE_REQUESTED, ORDER_CORRECTION},                                        \
        {ORDER_CORRECTION, EV_CORRECTED, ORDER_REVIEW},                                                      \
    {                                                                                                        \
        ORDER_CORRECTION, EV_CANCELLED_PAID, ORDER_REFUNDING                                                 \
    }

/* Of orders by paper, for both kinds of subject. */
#define PAPER_MOVES                                                                                          \
    {ORDER_PURCHASE, EV_SUBJECT_SUBMITTED, ORDER_PURCHASE},                                                  \
        {ORDER_CONFIRM, EV_PURCHASE_CONFIRMED, ORDER_PAYMENT}, {ORDER_PAYMENT, EV_PAID, ORDER_PAPERS},       \
        {ORDER_PAPERS, EV_PAPERS_ARRIVED, ORDER_REVIEW}, {ORDER_PAPERS, EV_CANCELLED_PAID, ORDER_REFUNDING}, \
    {                                                                                                        \
        ORDER_REVIEW, EV_REFUSED, ORDER_PAPERS                                                               \
    }

#define ORGANIZATION_MOVES                                                                                   \
    EVERY_MOVE, ONLINE_MOVES, {ORDER_SUBJECT, EV_PAPER_ROUTE, ORDER_AGENT},                                  \
        {ORDER_SUBJECT_VERIFYING, EV_SUBJECT_PASSED, ORDER_AGENT},                                           \
        {ORDER_AGENT, EV_AGENT_SUBMITTED, ORDER_AGENT_VERIFYING},                                            \
        {ORDER_AGENT, EV_AGENT_IN_PERSON, ORDER_PURCHASE}, {ORDER_AGENT, EV_CANCELLED, ORDER_CANCELLED},     \
        {ORDER_AGENT_VERIFYING, EV_AGENT_SUBMITTED, ORDER_AGENT_VERIFYING},                                  \
        {ORDER_AGENT_VERIFYING, EV_AGENT_IN_PERSON, ORDER_PURCHASE},                                         \
        {ORDER_AGENT_VERIFYING, EV_AGENT_PASSED, ORDER_PURCHASE},                                            \
        {ORDER_AGENT_VERIFYING, EV_AGENT_MISMATCH, ORDER_AGENT},                                             \
        {ORDER_PURCHASE, EV_AGENT_SUBMITTED, ORDER_AGENT_VERIFYING},                                         \
        {ORDER_PURCHASE, EV_AGENT_IN_PERSON, ORDER_PURCHASE},                                                \
    {                                                                                                        \
        ORDER_AGENT_VERIFYING, EV_CANCELLED, ORDER_CANCELLED                                                 \
    }

#define INDIVIDUAL_MOVES                                                                                     \
    EVERY_MOVE, ONLINE_MOVES, {ORDER_SUBJECT, EV_PAPER_ROUTE, ORDER_PURCHASE},                               \
    {                                                                                                        \
        ORDER_SUBJECT_VERIFYING, EV_SUBJECT_PASSED, ORDER_PURCHASE                                           \
    }

#define ORGANIZATION_PAPER_MOVES                                                                             \
    EVERY_MOVE, PAPER_MOVES, {ORDER_AGENT, EV_AGENT_SUBMITTED, ORDER_PURCHASE},                              \
        {ORDER_AGENT, EV_AGENT_IN_PERSON, ORDER_PURCHASE}, {ORDER_AGENT, EV_SUBJECT_SUBMITTED, ORDER_AGENT}, \
        {ORDER_PURCHASE, EV_AGENT_SUBMITTED, ORDER_PURCHASE},                                                \
        {ORDER_PURCHASE, EV_AGENT_IN_PERSON, ORDER_PURCHASE},                                                \
    {                                                                                                        \
        ORDER_AGENT, EV_CANCELLED, ORDER_CANCELLED                                                           \
    }

#define INDIVIDUAL_PAPER_MOVES EVERY_MOVE, PAPER_MOVES

/* A table twice: as the desk delivers, and as the holder downloads. */
#define BOTH_WAYS(name, ...)                                                                                 \
    static const struct move name##_by_desk[] = {__VA_ARGS__, DESK_MOVES},                                   \
                             name##_by_download[] = {__VA_ARGS__, DOWNLOAD_MOVES}
BOTH_WAYS(organization, ORGANIZATION_MOVES);
BOTH_WAYS(individual, INDIVIDUAL_MOVES);
BOTH_WAYS(organization_paper, ORGANIZATION_PAPER_MOVES);
BOTH_WAYS(individual_paper, INDIVIDUAL_PAPER_MOVES);
/* clang-format on */

#define MACHINE(moves)                                                                                       \
    {                                                                                                        \
        "order", moves, N(moves), order_state_name, order_event_name, NULL, NULL, NULL, 0                    \
    }
#define MACHINES(name)                                                                                       \
    {                                                                                                        \
        MACHINE(name##_by_desk), MACHINE(name##_by_download)                                                 \
    }
static const struct machine machines[][2][2] = {
    [SUBJECT_ORGANIZATION] = {MACHINES(organization), MACHINES(organization_paper)},
    [SUBJECT_INDIVIDUAL] = {MACHINES(individual), MACHINES(individual_paper)},
};

const struct machine *order_machine(enum subject_kind kind, bool paper_route, enum delivery delivery)
{
    return &machines[kind][paper_route][delivery == DELIVERY_DOWNLOAD];
}

enum err order_next(const struct order *o, enum order_event event, int *to, struct fault *f)
{
    enum err e = machine_next(order_machine(o->subject_kind, o->paper_route, o->delivery), (int)o->state,
                              (int)event, ERR_ORDER_STATE, to, NULL);
    return e == OK ? OK : order_refused(f, o);
}

uint64_t order_events(const struct order *o)
{
    return machine_events(order_machine(o->subject_kind, o->paper_route, o->delivery), (int)o->state);
}

bool order_can(const struct order *o, enum order_event event)
{
    return order_events(o) >> event & 1;
}

static enum err store(struct ctx *c, struct order *o, enum order_state to, const char *action,
                      const struct order_change *change, const char *detail)
{
    TRY(order_store_update(c, o, to, change ? change : &(struct order_change){0}));
    return audit_add(
        c, &(struct audit_entry){.action = action, .object = o->id, .version = o->version, .detail = detail});
}

enum err order_move(struct ctx *c, struct order *o, enum order_event event, const struct order_change *change,
                    const char *detail)
{
    int to;
    TRY(order_next(o, event, &to, c->fault));
    const char *action = arena_printf(c->arena, "order.%s", order_event_name((int)event));
    TRY(store(c, o, (enum order_state)to, action, change, detail));
    if (event == EV_CANCELLED_PAID)
        TRY(issue_given_up(c,
                           o->id)); /* a key may have been asked for and not signed; UKEYs may be written */
    return event == EV_REFUNDED ? invoice_order_refunded(c, o->id) : OK; /* it goes back with the money */
}

enum err order_store(struct ctx *c, struct order *o, const char *action, const struct order_change *change)
{
    return store(c, o, o->state, action, change, NULL);
}

bool order_state_is_open(enum order_state s)
{
    return s != ORDER_FINISHED && s != ORDER_CANCELLED;
}
