#include "staff/staff_rpc.h"

#include "account/session.h"
#include "app.h"
#include "convert/convert.h"
#include "core/audit.h"
#include "order/order.h"
#include "providers.h"
#include "staff/staff.h"

#include <certdesk/v1/staff_service.pb-c.h>

static PB(StaffRole) * to_roles(struct ctx *c, unsigned roles, size_t *n)
{
    PB(StaffRole) *out = ARENA_ARRAY(c->arena, PB(StaffRole), 8);
    *n = 0;
    for (unsigned bit = 0; 1u << bit <= ROLE_FINANCE; bit++) /* enum role's bits stand in StaffRole's order */
        if (roles & (1u << bit))
            out[(*n)++] = (PB(StaffRole))(bit + 1);
    return out;
}

static PB(Staff) * to_staff(struct ctx *c, const struct staff *s)
{
    PB(Staff) *out = ARENA_NEW(c->arena, PB(Staff));
    PB_INIT(staff, out);
    out->id = to_text(c->arena, s->id);
    out->login = to_text(c->arena, s->login);
    out->name = to_text(c->arena, s->name);
    out->roles = to_roles(c, s->roles, &out->n_roles);
    return out;
}

RPC_HANDLER(login_staff, LoginStaffRequest, LoginStaffResponse)
{
    struct staff s;
    char token[44];
    int64_t expires;
    TRY(staff_login(c, in->login, in->password, in->totp, &s, token, &expires));
    out->staff = to_staff(c, &s);
    out->token = to_text(c->arena, token);
    out->expire_time = to_timestamp(c->arena, expires);
    out->simulator = c->app->providers && c->app->providers->simulator;
    return OK;
}

RPC_HANDLER(logout_staff, LogoutStaffRequest, LogoutStaffResponse)
{
    (void)in;
    (void)out;
    TRY(session_end(c));
    return audit_add(c, &(struct audit_entry){"staff.logout", c->caller.id, 0, NULL});
}

RPC_HANDLER(get_staff, GetStaffRequest, GetStaffResponse)
{
    (void)in;
    struct staff s;
    TRY(staff_self(c, &s));
    out->staff = to_staff(c, &s);
    return OK;
}

RPC_HANDLER(find_orders, FindOrdersRequest, FindOrdersResponse)
{
    struct found_order *list;
    TRY(staff_find(c, in->query, &list, &out->n_orders));
    out->orders = ARENA_ARRAY(c->arena, PB(FoundOrder) *, out->n_orders + 1);
    for (size_t i = 0; i < out->n_orders; i++) {
        PB(FoundOrder) *o = out->orders[i] = ARENA_NEW(c->arena, PB(FoundOrder));
        PB_INIT(found_order, o);
        o->order_id = to_text(c->arena, list[i].id);
        o->subject_name = to_text(c->arena, list[i].subject_name);
        o->state = (PB(OrderState))list[i].state;
        o->create_time = to_timestamp(c->arena, list[i].created_ms);
    }
    return OK;
}

static enum err watch_queues(struct ctx *c, const ProtobufCMessage *in, int64_t *cursor,
                             ProtobufCMessage *message, bool *changed, bool *over)
{
    (void)in;
    PB(WatchQueuesResponse) *out = (PB(WatchQueuesResponse) *)message;
    struct queues q;
    TRY(staff_queues(c, &q));
    *over = false;
    *changed = q.mark != *cursor;
    *cursor = q.mark;
    out->review = (int32_t)q.review;
    out->issue = (int32_t)q.issue;
    out->ship = (int32_t)q.ship;
    out->in_transit = (int32_t)q.in_transit;
    out->exhausted_jobs = (int32_t)q.exhausted_jobs;
    out->captures = (int32_t)q.captures;
    out->reconciliations = (int32_t)q.reconciliations;
    out->remittances = (int32_t)q.remittances;
    out->invoices = (int32_t)q.invoices;
    out->revision = c->now_ms;
    out->roles = to_roles(c, c->caller.roles, &out->n_roles);
    return OK;
}

#define STAFF(m, how, ...)                                                                                   \
    {                                                                                                        \
        .service = PB_SERVICE(staff_service), .method = (m), .access = ACCESS_STAFF, .roles = ROLE_ANY,      \
        .mode = (how), __VA_ARGS__                                                                           \
    }

static const struct rpc_row rows[] = {
    {.service = PB_SERVICE(staff_service),
     .method = "LoginStaff",
     .access = ACCESS_PUBLIC,
     .mode = MODE_WRITE,
     .handler = login_staff,
     .latest = true},
    STAFF("LogoutStaff", MODE_WRITE, .handler = logout_staff),
    STAFF("GetStaff", MODE_READ, .handler = get_staff),
    STAFF("FindOrders", MODE_READ, .handler = find_orders),
    STAFF("WatchQueues", MODE_READ, .watch = watch_queues),
};

const struct rpc_table staff_rpc = {rows, sizeof rows / sizeof *rows};
