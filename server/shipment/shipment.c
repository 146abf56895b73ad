#include "shipment/shipment.h"

#include "app.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "certificate/certificate.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "core/tx.h"
#include "issue/issue.h"
#include "order/order_tell.h"
#include "provider/http.h"
#include "providers.h"
#include "shipment/shipment_desk.h"
#include "shipment/shipment_store.h"

#include <ctype.h>
#include <string.h>

enum {
    NUMBER_MIN = 6,
    NUMBER_MAX = 32,
    SCANNED_MAX = 2 * PRODUCT_QUANTITY_MAX, /* more is a mistake, whatever the order */
    LISTED_BYTES = 50, /* of missing ones; a number has up to 64 more, and a fault holds 160 */
    MEDIUM_NUMBER_MAX = 64,
    KEY_BYTES = 16,
    FIRST_POLL_MS = 60 * 60 * 1000
};

/* The couriers that the desk uses; the codes are kuaidi100's. */
static const char *const couriers[][2] = {{"shunfeng", "顺丰速运"}, {"ems", "EMS"},
                                          {"yuantong", "圆通速递"}, {"zhongtong", "中通快递"},
                                          {"jd", "京东物流"},       {"yunda", "韵达快递"},
                                          {"shentong", "申通快递"}, {"youzhengguonei", "邮政快递包裹"}};

static const char *courier_name(const char *code)
{
    for (size_t i = 0; i < sizeof couriers / sizeof *couriers; i++)
        if (strcmp(couriers[i][0], code) == 0)
            return couriers[i][1];
    return NULL;
}

static bool number_ok(const char *s)
{
    size_t n = strlen(s);
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p))
            return false;
    return n >= NUMBER_MIN && n <= NUMBER_MAX;
}

static const char *random_hex(struct arena *a)
{
    unsigned char b[KEY_BYTES];
    char *hex = arena_alloc(a, 2 * KEY_BYTES + 1);
    random_bytes(b, sizeof b);
    hex_encode(b, sizeof b, hex);
    return hex;
}

static enum err tell_shipped(struct ctx *c, const struct order *o, const struct shipment *s)
{
    const char *params[] = {courier_name(s->courier), s->tracking_number};
    return order_tell(c, o, NEWS_SHIPPED, params, params, arena_printf(c->arena, "shipped:%s", s->id));
}

/* What went wrong with a parcel, once each; a courier may say so again and again. text: what it said, or "".
 */
static enum err tell_trouble(struct ctx *c, const struct shipment *s, const char *text)
{
    struct order o;
    enum order_news what = s->state == SHIPMENT_PROBLEM    ? NEWS_PARCEL_PROBLEM
                           : s->state == SHIPMENT_RETURNED ? NEWS_PARCEL_RETURNED
                                                           : NEWS_PARCEL_LOST;
    static const char *const words[] = {
        [SHIPMENT_PROBLEM] = "problem", [SHIPMENT_RETURNED] = "returned", [SHIPMENT_LOST] = "lost"};
    TRY(order_load(c, s->order, &o));
    if (o.state != ORDER_SHIPPED)
        return OK; /* it ended meanwhile */
    const char *courier = courier_name(s->courier);
    const char *said[] = {o.id, courier, s->tracking_number};
    const char *written[] = {courier, s->tracking_number,
                             *text ? arena_printf(c->arena, "\n快递公司说明：%s\n", text) : ""};
    return order_tell(c, &o, what, said, written, arena_printf(c->arena, "%s:%s", words[s->state], s->id));
}

static enum err queue_jobs(struct ctx *c, const struct shipment *s)
{
    TRY(outbox_add(c, "shipment.subscribe", arena_printf(c->arena, "subscribe:%s", s->id), s->order, s->id,
                   strlen(s->id), 0, NULL));
    return outbox_add(c, "shipment.poll", arena_printf(c->arena, "poll:%s:%lld", s->id, (long long)c->now_ms),
                      s->order, s->id, strlen(s->id), c->now_ms + FIRST_POLL_MS, NULL);
}

/* -- what is packed ---------------------------------------------------------------------------------------
 */

static bool among(const char *number, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], number) == 0)
            return true;
    return false;
}

static void check_missing(struct ctx *c, char *const *own, size_t n_own, char *const *scanned, size_t n)
{
    struct buf missing = BUF(c->arena);
    size_t count = 0;
    for (size_t i = 0; i < n_own; i++)
        if (!among(own[i], scanned, n) && (count++, missing.n < LISTED_BYTES))
            buf_printf(&missing, "%s%s", missing.n ? ", " : "", own[i]);
    if (count)
        fault_field(
            c->fault, "medium_numbers", "REQUIRED",
            arena_printf(c->arena, "%zu still to be packed and scanned: %s", count, buf_text(&missing)),
            arena_printf(c->arena, "还需放入并扫描%zu个介质：%s", count, buf_text(&missing)));
}

/* Repeats a number only as far as it looks like one. */
static void foreign(struct ctx *c, size_t i, const char *number)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    size_t n = strspn(number, digits);
    const char *said = number[n] || n > MEDIUM_NUMBER_MAX ? "" : number;
    fault_field(c->fault, arena_printf(c->arena, "medium_numbers[%zu]", i), "MISMATCH",
                arena_printf(c->arena, "%s%sis not a UKEY of this order", said, *said ? " " : "this "),
                arena_printf(c->arena, "介质%s不属于此订单", said));
}

/* Each of the order's UKEYs and nobody else's; one that was scanned twice is one. */
static enum err check_packed(struct ctx *c, const char *order_id, char *const *scanned, size_t n, char ***own,
                             size_t *n_own)
{
    struct certificate_summary *certs;
    TRY(certificates_of_order(c, order_id, &certs, n_own));
    *own = ARENA_ARRAY(c->arena, char *, *n_own + 1);
    for (size_t i = 0; i < *n_own; i++)
        (*own)[i] = arena_strdup(c->arena, certs[i].medium_number);
    for (size_t i = 0; i < n; i++)
        if (!among(scanned[i], *own, *n_own))
            foreign(c, i, scanned[i]);
    check_missing(c, *own, *n_own, scanned, n);
    return OK;
}

static const char *joined(struct arena *a, char *const *list, size_t n)
{
    struct buf b = BUF(a);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", list[i]);
    return buf_text(&b);
}

/* They are written, posted and returned together. */
static enum err move_tokens(struct ctx *c, const struct shipment *s, enum token_state to)
{
    char *rest = arena_strdup(c->arena, s->media), *one;
    while ((one = strsep(&rest, " "))) {
        struct token t;
        TRY(stock_token(c, one, &t));
        TRY(stock_move(c, &t, to, s->order, ""));
    }
    return OK;
}

static void check_waybill(struct fault *f, size_t scanned, const char *courier, const char *tracking_number)
{
    if (!courier_name(courier))
        fault_field(f, "courier", "UNKNOWN", "this courier is not known here", "未知的快递公司");
    if (!number_ok(tracking_number))
        fault_field(f, "tracking_number", "FORMAT", "6 to 32 letters and digits",
                    "快递单号应为6至32位字母或数字");
    if (!scanned || scanned > SCANNED_MAX)
        fault_field(f, "medium_numbers", "RANGE", "scan each UKEY that is packed", "请逐个扫描介质号");
}

enum err shipment_create(struct ctx *c, const char *order_id, char *const *scanned, size_t n,
                         const char *courier, const char *tracking_number, struct shipment *s)
{
    struct order o;
    char **own = NULL;
    size_t n_own = 0;
    check_waybill(c->fault, n, courier, tracking_number);
    TRY(order_load(c, order_id, &o));
    if (o.state != ORDER_SHIP) {
        TRY(fault_fields(c->fault));
        return order_refused(c->fault, &o);
    }
    if (n && n <= SCANNED_MAX)
        TRY(check_packed(c, o.id, scanned, n, &own, &n_own));
    TRY(fault_fields(c->fault));
    *s = (struct shipment){.media = joined(c->arena, own, n_own),
                           .courier = courier,
                           .tracking_number = tracking_number,
                           .salt = random_hex(c->arena),
                           .push_key = random_hex(c->arena),
                           .state = SHIPMENT_POSTED,
                           .delivery = o.purchase.delivery,
                           .in_work = true,
                           .version = 1,
                           .created_ms = c->now_ms,
                           .updated_ms = c->now_ms};
    id_new("shp", s->id);
    memcpy(s->order, o.id, ID_SIZE);
    enum err e = shipment_insert(c, s);
    if (e == ERR_DB_DUPLICATE) {
        fault_clear(c->fault);
        fault_field(c->fault, "tracking_number", "EXISTS", "this number is on another parcel",
                    "该快递单号已被使用");
        return fault_fields(c->fault);
    }
    TRY(e);
    TRY(move_tokens(c, s, TOKEN_POSTED));
    TRY(order_move(c, &o, EV_POSTED, NULL, arena_printf(c->arena, "{\"shipment\":\"%s\"}", s->id)));
    TRY(tell_shipped(c, &o, s));
    return queue_jobs(c, s);
}

enum err shipment_load(struct ctx *c, const char *order_id, struct shipment *out)
{
    struct order o;
    TRY(order_load(c, order_id, &o));
    return shipment_newest(c, o.id, out);
}

enum err shipment_of_order(struct ctx *c, const char *order_id, struct shipment_summary *out)
{
    struct shipment s;
    TRY(shipment_newest(c, order_id, &s));
    *out = (struct shipment_summary){
        .courier = s.courier, .number = s.tracking_number, .state = (int)s.state, .in_work = s.in_work};
    memcpy(out->id, s.id, ID_SIZE);
    return OK;
}

static enum shipment_state state_of(enum courier_state s, enum shipment_state now)
{
    switch (s) {
    case COURIER_UNKNOWN:
        return now;
    case COURIER_DELIVERING:
        return SHIPMENT_OUT_FOR_DELIVERY;
    case COURIER_SIGNED:
        return SHIPMENT_RECEIVED;
    case COURIER_PROBLEM:
    case COURIER_REFUSED:
    case COURIER_RETURNING:
        return SHIPMENT_PROBLEM;
    case COURIER_RETURNED:
        return SHIPMENT_RETURNED;
    case COURIER_PICKED_UP:
    case COURIER_IN_TRANSIT:
    case COURIER_FORWARDED:
    case COURIER_CUSTOMS:
        break;
    }
    return SHIPMENT_IN_TRANSIT;
}

static enum err received(struct ctx *c, struct shipment *s)
{
    struct order o;
    TRY(order_load(c, s->order, &o));
    TRY(order_move(c, &o, EV_RECEIVED, NULL, NULL));
    return order_tell(c, &o, NEWS_RECEIVED, (const char *[]){o.id}, NULL,
                      arena_printf(c->arena, "received:%s", s->id));
}

/* Pushes may come late, twice, or be sent again by somebody who kept one. */
static bool is_old(const struct courier_track *t, const struct shipment_event *known, size_t n)
{
    if (!t->n_events || !n || t->events[0].time_ms > known[0].event_ms)
        return false;
    return t->events[0].time_ms < known[0].event_ms || t->n_events < n;
}

enum err shipment_track(struct ctx *c, struct shipment *s, const struct courier_track *t)
{
    if (!s->in_work)
        return OK; /* received, or given up: late news changes nothing */
    struct shipment_event *known, *events = ARENA_ARRAY(c->arena, struct shipment_event, t->n_events + 1);
    size_t n_known;
    TRY(shipment_events(c, s->id, &known, &n_known));
    if (is_old(t, known, n_known))
        return OK; /* an earlier push, late or once more */
    for (size_t i = 0; i < t->n_events; i++)
        events[i] = (struct shipment_event){t->events[i].time_ms, t->events[i].text, t->events[i].location};
    if (t->n_events)
        TRY(shipment_put_events(c, s->id, events, t->n_events));
    enum shipment_state to = state_of(t->state, s->state);
    if (to == s->state)
        return OK;
    TRY(shipment_set_state(c, s, to, to == SHIPMENT_RECEIVED));
    TRY(audit_add(c, &(struct audit_entry){
                         "shipment.tracked", s->id, s->version,
                         arena_printf(c->arena, "{\"state\":\"%s\"}", courier_state_name(t->state))}));
    if (to == SHIPMENT_PROBLEM || to == SHIPMENT_RETURNED)
        return tell_trouble(c, s, t->n_events ? t->events[0].text : "");
    return to == SHIPMENT_RECEIVED ? received(c, s) : OK;
}

enum err shipment_resolve(struct ctx *c, const char *id, bool post_again, const char *reason,
                          struct shipment *s)
{
    struct order o;
    int days;
    int64_t due_ms;
    reason_check(c->fault, "reason", reason);
    TRY(fault_fields(c->fault));
    TRY(shipment_by_id(c, id, s));
    if (!s->in_work)
        return fail_both(c->fault, ERR_PRECONDITION, "this shipment has ended", "该邮件已结束");
    TRY(shipment_set_state(c, s, post_again ? SHIPMENT_RETURNED : SHIPMENT_LOST, true));
    TRY(audit_add(c, &(struct audit_entry){post_again ? "shipment.returned" : "shipment.lost", s->id,
                                           s->version, reason_detail(c->arena, NULL, NULL, reason)}));
    TRY(tell_trouble(c, s, "")); /* of what came back the courier may have told already */
    if (!post_again)
        return OK;
    TRY(order_load(c, s->order, &o));
    TRY(catalog_posting_promise(c, o.channel, &days, &due_ms)); /* the first one was kept */
    TRY(order_move(c, &o, EV_RETURNED, &(struct order_change){.due_ms = &due_ms},
                   arena_printf(c->arena, "{\"shipment\":\"%s\"}", s->id)));
    return move_tokens(c, s, TOKEN_WRITTEN);
}

struct push {
    const char *key;
    const struct courier_push *said;
};

static enum err store_push(struct ctx *c, void *arg)
{
    const struct push *p = arg;
    struct shipment s;
    TRY(shipment_by_push_key(c, p->key, &s));
    return shipment_track(c, &s, &p->said->track);
}

static enum err courier_push(struct ctx *c, const struct callback_request *r)
{
    const struct courier_port *courier = &c->app->providers->courier;
    struct shipment s;
    struct courier_push said;
    struct provider_pair *form;
    size_t n;
    if (!courier->ops || strspn(r->rest, "0123456789abcdef") != strlen(r->rest))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(form_decode(c->arena, r->body, r->n_body, &form, &n));
    TRY(shipment_by_push_key(c, r->rest, &s));
    TRY(courier->ops->push_verify(courier->self, form, n, s.salt, c->arena, &said, c->fault));
    return tx_run(c, store_push, &(struct push){r->rest, &said});
}

static struct callback_answer courier_answer(enum err e)
{
    static const char yes[] = "{\"result\":true,\"returnCode\":\"200\",\"message\":\"成功\"}",
                      no[] = "{\"result\":false,\"returnCode\":\"500\",\"message\":\"失败\"}";
    return (struct callback_answer){200, "application/json", e == OK ? yes : no};
}

static const struct callback_route routes[] = {
    {"kuaidi100", "/callback/kuaidi100/", courier_push, courier_answer},
};
const struct callback_table shipment_callbacks = {routes, sizeof routes / sizeof *routes};
