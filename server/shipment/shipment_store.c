#include "shipment/shipment_store.h"

#include "core/crypt.h"
#include "core/db.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *place(struct ctx *c, const char *id)
{
    return arena_printf(c->arena, "shipment.delivery:%s", id);
}

static void copy_id(char out[static ID_SIZE], const char *s)
{
    strncpy(out, s, ID_SIZE - 1);
    out[ID_SIZE - 1] = '\0';
}

/* Keys of the sealed address, and where each stands in struct address. */
static const struct {
    const char *key;
    size_t offset;
} address_keys[] = {
    {"recipient", offsetof(struct address, recipient)},    {"phone", offsetof(struct address, phone)},
    {"province", offsetof(struct address, province)},      {"city", offsetof(struct address, city)},
    {"district", offsetof(struct address, district)},      {"street", offsetof(struct address, street)},
    {"postal_code", offsetof(struct address, postal_code)}};
enum {
    ADDRESS_KEYS = sizeof address_keys / sizeof *address_keys
};

static char *pack_address(const struct address *a)
{
    json_t *j = json_object();
    for (size_t i = 0; i < ADDRESS_KEYS; i++) {
        const char *v;
        memcpy(&v, (const char *)a + address_keys[i].offset, sizeof v);
        json_object_set_new(j, address_keys[i].key, json_string(v ? v : ""));
    }
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text;
}

static enum err unpack_address(struct ctx *c, const char *text, struct address *out)
{
    json_t *j = json_loads(text, 0, NULL);
    if (!j)
        return fail(c->fault, ERR_DATA_LOSS, "a stored address cannot be read");
    for (size_t i = 0; i < ADDRESS_KEYS; i++) {
        const char *v = json_string_value(json_object_get(j, address_keys[i].key));
        v = arena_strdup(c->arena, v ? v : "");
        memcpy((char *)out + address_keys[i].offset, &v, sizeof v);
    }
    json_decref(j);
    return OK;
}

enum err shipment_insert(struct ctx *c, const struct shipment *s)
{
    const void *sealed;
    size_t n;
    char *address = pack_address(&s->delivery);
    enum err e = crypt_seal(c->keys, c->arena, place(c, s->id), address, strlen(address), &sealed, &n);
    wipe(address, strlen(address));
    free(address);
    TRY(e);
    return db_exec(
        c, NULL,
        SQL("INSERT INTO shipment (id, order_id, medium_numbers, courier, tracking_number, state, delivery, "
            "salt, push_key, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        TEXT(s->id), TEXT(s->order), TEXT(s->media), TEXT(s->courier), TEXT(s->tracking_number),
        INT(s->state), BYTES(sealed, n), TEXT(s->salt), TEXT(s->push_key), INT(c->now_ms), INT(c->now_ms));
}

#define SHIPMENT_SELECT                                                                                      \
    "SELECT id, order_id, medium_numbers, courier, tracking_number, state, delivery, salt, push_key, "       \
    "in_work IS NOT NULL, version, created_ms, updated_ms FROM shipment WHERE "

static enum err read(struct ctx *c, const struct rows *r, size_t i, struct shipment *out)
{
    *out = (struct shipment){.media = row_text(r, i, 2),
                             .courier = row_text(r, i, 3),
                             .tracking_number = row_text(r, i, 4),
                             .state = (enum shipment_state)row_int(r, i, 5),
                             .salt = row_text(r, i, 7),
                             .push_key = row_text(r, i, 8),
                             .in_work = row_int(r, i, 9) != 0,
                             .version = row_int(r, i, 10),
                             .created_ms = row_int(r, i, 11),
                             .updated_ms = row_int(r, i, 12)};
    copy_id(out->id, row_text(r, i, 0));
    copy_id(out->order, row_text(r, i, 1));
    const char *address;
    size_t n;
    TRY(crypt_open(c->keys, c->arena, place(c, out->id), row_text(r, i, 6), row_cell(r, i, 6)->n, &address,
                   &n, c->fault));
    return unpack_address(c, address, &out->delivery);
}

static enum err one(struct ctx *c, const struct rows *r, struct shipment *out)
{
    return r->n == 1 ? read(c, r, 0, out) : fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err shipment_by_id(struct ctx *c, const char *id, struct shipment *out)
{
    struct rows r;
    if (!id_valid("shp", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(c, &r, SQL(SHIPMENT_SELECT "id = ?"), TEXT(id)));
    return one(c, &r, out);
}

enum err shipment_by_push_key(struct ctx *c, const char *key, struct shipment *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(SHIPMENT_SELECT "push_key = ?"), TEXT(key)));
    return one(c, &r, out);
}

enum err shipment_newest(struct ctx *c, const char *order_id, struct shipment *out)
{
    struct rows r;
    TRY(db_query(c, &r, SQL(SHIPMENT_SELECT "order_id = ? ORDER BY id DESC LIMIT 1"), TEXT(order_id)));
    return r.n ? one(c, &r, out)
               : fail_both(c->fault, ERR_NOT_FOUND, "nothing was posted for this order", "该订单尚未寄出");
}

enum err shipment_set_state(struct ctx *c, struct shipment *s, enum shipment_state to, bool ended)
{
    TRY(db_exec_one(c,
                    SQL("UPDATE shipment SET state = ?, in_work = IF(?, NULL, in_work), updated_ms = ?, "
                        "version = version + 1 WHERE id = ? AND version = ?"),
                    INT(to), INT(ended), INT(c->now_ms), TEXT(s->id), INT(s->version)));
    s->state = to;
    s->version++;
    s->in_work = s->in_work && !ended;
    s->updated_ms = c->now_ms;
    return OK;
}

enum err shipment_put_events(struct ctx *c, const char *id, const struct shipment_event *events, size_t n)
{
    TRY(db_exec(c, NULL, SQL("DELETE FROM shipment_event WHERE shipment_id = ?"), TEXT(id)));
    for (size_t i = 0; i < n; i++)
        TRY(db_exec(
            c, NULL,
            SQL("INSERT INTO shipment_event (shipment_id, seq, event_ms, text, place) VALUES (?, ?, ?, "
                "LEFT(?, 500), LEFT(?, 120))"),
            TEXT(id), INT(i), INT(events[i].event_ms), TEXT(events[i].text), TEXT(events[i].place)));
    return OK;
}

enum err shipment_events(struct ctx *c, const char *id, struct shipment_event **out, size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT event_ms, text, place FROM shipment_event WHERE shipment_id = ? ORDER BY seq"),
                 TEXT(id)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct shipment_event, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct shipment_event){row_int(&r, i, 0), row_text(&r, i, 1), row_text(&r, i, 2)};
    return OK;
}

enum err shipment_list(struct ctx *c, int state, const char *after, int limit, struct shipment **out,
                       size_t *n)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL(SHIPMENT_SELECT "((? = 0 AND in_work = 1) OR state = ?) AND id > ? ORDER BY id LIMIT ?"),
                 INT(state), INT(state), TEXT(after), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct shipment, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        TRY(read(c, &r, i, &(*out)[i]));
    return OK;
}

enum err ship_queue(struct ctx *c, int64_t after_ms, const char *after_id, int limit, struct ship_item **out,
                    size_t *n, int64_t *total)
{
    struct rows r;
    TRY(db_query(
        c, &r,
        SQL("SELECT o.id, o.updated_ms, (SELECT COALESCE(GROUP_CONCAT(k.medium_number ORDER BY k.valid_copy "
            "SEPARATOR ' '), '') FROM certificate k WHERE k.order_id = o.id AND k.valid_copy IS NOT NULL) "
            "FROM orders o WHERE o.state = ? AND (o.updated_ms > ? OR (o.updated_ms = ? AND o.id > ?)) "
            "ORDER BY o.updated_ms, o.id LIMIT ?"),
        INT(ORDER_SHIP), INT(after_ms), INT(after_ms), TEXT(after_id), INT(limit)));
    *n = r.n;
    *out = ARENA_ARRAY(c->arena, struct ship_item, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        (*out)[i] = (struct ship_item){row_text(&r, i, 0), row_text(&r, i, 2), row_int(&r, i, 1)};
    TRY(db_query(c, &r, SQL("SELECT COUNT(*) FROM orders WHERE state = ?"), INT(ORDER_SHIP)));
    *total = row_int(&r, 0, 0);
    return OK;
}
