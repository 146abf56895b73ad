#include "order/order_store.h"

#include "core/crypt.h"
#include "core/sealed.h"
#include "order/order_json.h"

#include <stdio.h>
#include <string.h>

/* In the order of the reader below. */
#define ORDER_COLUMNS                                                                                        \
    "id, channel_id, account_id, kind, subject_kind, state, version, method, medium, paper_route, subject, " \
    "agent, purchase, quote, price_fen, signed_digest, verification_id, created_ms, updated_ms, "            \
    "submitted_ms, due_ms, review, delivery, (SELECT h.version FROM channel h WHERE h.id = channel_id)"
enum column {
    COL_ID,
    COL_CHANNEL,
    COL_ACCOUNT,
    COL_KIND,
    COL_SUBJECT_KIND,
    COL_STATE,
    COL_VERSION,
    COL_METHOD,
    COL_MEDIUM,
    COL_PAPER_ROUTE,
    COL_SUBJECT,
    COL_AGENT,
    COL_PURCHASE,
    COL_QUOTE,
    COL_PRICE,
    COL_SIGNED_DIGEST,
    COL_VERIFICATION,
    COL_CREATED,
    COL_UPDATED,
    COL_SUBMITTED,
    COL_DUE,
    COL_REVIEW,
    COL_DELIVERY,
    COL_CHANNEL_VERSION,
};

/* "" asks for everybody's: staff and the system. Accounts see their own, in their channel. */
struct sight {
    const char *account, *channel;
};

static struct sight sight_of(const struct caller *k)
{
    switch (k->kind) {
    case CALLER_STAFF:
        return (struct sight){"", k->channel};
    case CALLER_SYSTEM:
        return (struct sight){"", ""};
    case CALLER_PARTNER:
        return (struct sight){"", *k->channel ? k->channel : "-"};
    case CALLER_NONE:
    case CALLER_ACCOUNT:
        break;
    }
    return (struct sight){*k->id ? k->id : "-", *k->channel ? k->channel : "-"};
}

static struct arg text_or_null(const char *s)
{
    return s ? TEXT(s) : SQLNULL;
}

/* -- reading ------------------------------------------------------------------------------------------- */

static void copy_id(char to[static ID_SIZE], const char *from)
{
    snprintf(to, ID_SIZE, "%s", from);
}

/* Objects that are not there read as empty ones. */
static enum err read_objects(struct ctx *c, const struct rows *r, size_t i, struct order *o)
{
    const char *text;
    TRY(sealed_text(c, "orders.subject", o->id, row_cell(r, i, COL_SUBJECT), NULL, &text));
    TRY(order_json_read_subject(c->arena, text, &o->subject, c->fault));
    TRY(sealed_text(c, "orders.agent", o->id, row_cell(r, i, COL_AGENT), NULL, &text));
    TRY(order_json_read_agent(c->arena, text, &o->agent, c->fault));
    TRY(sealed_text(c, "orders.purchase", o->id, row_cell(r, i, COL_PURCHASE), NULL, &text));
    return order_json_read_purchase(c->arena, text, &o->purchase, c->fault);
}

static enum err read_order(struct ctx *c, const struct rows *r, size_t i, struct order *o)
{
    *o = (struct order){.signed_text = ""};
    copy_id(o->id, row_text(r, i, COL_ID));
    copy_id(o->channel, row_text(r, i, COL_CHANNEL));
    copy_id(o->account, row_text(r, i, COL_ACCOUNT));
    copy_id(o->verification, row_text(r, i, COL_VERIFICATION));
    o->kind = (enum order_kind)row_int(r, i, COL_KIND);
    o->subject_kind = (enum subject_kind)row_int(r, i, COL_SUBJECT_KIND);
    o->state = (enum order_state)row_int(r, i, COL_STATE);
    o->version = row_int(r, i, COL_VERSION);
    o->method = (enum method)row_int(r, i, COL_METHOD);
    o->medium = (enum medium)row_int(r, i, COL_MEDIUM);
    o->paper_route = row_int(r, i, COL_PAPER_ROUTE) != 0;
    o->review = row_int(r, i, COL_REVIEW) != 0;
    o->delivery = (enum delivery)row_int(r, i, COL_DELIVERY);
    o->channel_version = (int)row_int(r, i, COL_CHANNEL_VERSION);
    o->quote_json = arena_strdup(c->arena, row_text(r, i, COL_QUOTE));
    o->price_fen = row_int(r, i, COL_PRICE);
    if (row_cell(r, i, COL_SIGNED_DIGEST)->n == sizeof o->signed_digest)
        memcpy(o->signed_digest, row_text(r, i, COL_SIGNED_DIGEST), sizeof o->signed_digest);
    o->created_ms = row_int(r, i, COL_CREATED);
    o->updated_ms = row_int(r, i, COL_UPDATED);
    o->submitted_ms = row_int(r, i, COL_SUBMITTED);
    o->due_ms = row_int(r, i, COL_DUE);
    return read_objects(c, r, i, o);
}

static enum err read_signed_text(struct ctx *c, struct order *o)
{
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT text FROM order_signature WHERE order_id = ? ORDER BY version DESC LIMIT 1"),
                 TEXT(o->id)));
    if (r.n == 0)
        return OK;
    return sealed_text(c, "orders.signed_text", o->id, row_cell(&r, 0, 0), NULL, &o->signed_text);
}

enum err order_load(struct ctx *c, const char *id, struct order *out)
{
    struct sight s = sight_of(&c->caller);
    struct rows r;
    if (!id_valid("ord", id))
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(db_query(
        c, &r,
        SQL("SELECT " ORDER_COLUMNS
            " FROM orders WHERE id = ? AND (? = '' OR account_id = ?) AND (? = '' OR channel_id = ?)"),
        TEXT(id), TEXT(s.account), TEXT(s.account), TEXT(s.channel), TEXT(s.channel)));
    if (r.n != 1)
        return fail(c->fault, ERR_NOT_FOUND, NULL);
    TRY(read_order(c, &r, 0, out));
    return row_cell(&r, 0, COL_SIGNED_DIGEST)->null ? OK : read_signed_text(c, out);
}

#define Q8  "?, ?, ?, ?, ?, ?, ?, ?"
#define Q32 Q8 ", " Q8 ", " Q8 ", " Q8

static bool is_own(const struct rows *r, size_t row, const struct caller *k, const char *id)
{
    return strcmp(row_text(r, row, COL_ID), id) == 0 && strcmp(row_text(r, row, COL_ACCOUNT), k->id) == 0 &&
           strcmp(row_text(r, row, COL_CHANNEL), k->channel) == 0;
}

/* The row is this caller's, not merely some caller's of the group. */
static enum err pick(struct ctx *c, const struct rows *r, const char *id, struct order *out)
{
    for (size_t row = 0; row < r->n; row++)
        if (is_own(r, row, &c->caller, id))
            return read_order(c, r, row, out);
    return fail(c->fault, ERR_NOT_FOUND, NULL);
}

enum err order_store_group(size_t n, struct ctx *const *cs, const char *const *ids, struct order *outs,
                           enum err *errs)
{
    struct arg args[3 * ORDER_GROUP];
    if (n == 1) { /* a lone call is cheaper by itself */
        errs[0] = order_load(cs[0], ids[0], &outs[0]);
        return OK;
    }
    for (size_t k = 0; k < ORDER_GROUP; k++) { /* padded with the last one: one text, prepared once */
        size_t i = k < n ? k : n - 1;
        struct sight s = sight_of(&cs[i]->caller);
        args[k] = TEXT(id_valid("ord", ids[i]) ? ids[i] : ""); /* one's nonsense must not fail all */
        args[ORDER_GROUP + k] = TEXT(s.account);
        args[2 * ORDER_GROUP + k] = TEXT(s.channel);
    }
    struct rows r;
    TRY(db_query_(cs[0], &r,
                  SQL("SELECT " ORDER_COLUMNS " FROM orders FORCE INDEX (PRIMARY) WHERE id IN (" Q32
                      ") AND account_id IN (" Q32 ") AND channel_id IN (" Q32 ")"),
                  args, sizeof args / sizeof *args));
    for (size_t i = 0; i < n; i++)
        errs[i] = cs[i]->caller.kind == CALLER_ACCOUNT ? pick(cs[i], &r, ids[i], &outs[i])
                                                       : order_load(cs[i], ids[i], &outs[i]);
    return OK;
}

enum err order_store_mine(struct ctx *c, bool ended, const char *before, int limit, struct order **out,
                          size_t *n)
{
    struct sight s = sight_of(&c->caller);
    struct rows r;
    TRY(db_query(c, &r,
                 SQL("SELECT " ORDER_COLUMNS " FROM orders WHERE account_id = ? AND ended = ? AND id < ? AND "
                     "channel_id = ? ORDER BY id DESC LIMIT ?"),
                 TEXT(s.account), INT(ended), TEXT(*before ? before : "~"), TEXT(s.channel), INT(limit)));
    *out = ARENA_ARRAY(c->arena, struct order, r.n + 1);
    *n = r.n;
    for (size_t i = 0; i < r.n; i++)
        TRY(read_order(c, &r, i, &(*out)[i]));
    return OK;
}

/* -- writing ------------------------------------------------------------------------------------------- */

enum err order_store_insert(struct ctx *c, const struct order *o)
{
    return db_exec(c, NULL,
                   SQL("INSERT INTO orders (id, channel_id, account_id, kind, subject_kind, state, version, "
                       "method, medium, paper_route, review, delivery, price_fen, verification_id, "
                       "created_ms, updated_ms, submitted_ms, due_ms) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, 0, 0)"),
                   TEXT(o->id), TEXT(o->channel), TEXT(o->account), INT(o->kind), INT(o->subject_kind),
                   INT(o->state), INT(o->version), INT(o->method), INT(o->medium), INT(o->paper_route),
                   INT(o->review), INT(o->delivery), INT(o->created_ms), INT(o->updated_ms));
}

/* The digest that stands for the subject's number (S10). */
static void subject_key(struct ctx *c, const struct order *o, const struct subject *s,
                        unsigned char out[static 32])
{
    if (o->subject_kind == SUBJECT_ORGANIZATION)
        crypt_lookup(c->keys, "uscc", s->uscc, out);
    else
        crypt_lookup(c->keys, "resident_id", s->id_number, out);
}

/* Names the open order and where it stands when it is the caller's own; of others only that there is one. The
 * locking read sees what was committed since this transaction began, or makes it run again. */
static enum err taken(struct ctx *c, const struct order *o, const unsigned char key[static 32])
{
    struct rows r;
    fault_clear(c->fault);
    TRY(db_query(
        c, &r,
        SQL("SELECT id, state FROM orders WHERE open_key = ? AND channel_id = ? AND subject_kind = ? AND "
            "kind = ? AND account_id = ? LOCK IN SHARE MODE"),
        BYTES(key, 32), TEXT(o->channel), INT(o->subject_kind), INT(o->kind), TEXT(o->account)));
    if (r.n == 0)
        return fail(c->fault, ERR_ORDER_OPEN, NULL);
    int state = (int)row_int(&r, 0, 1);
    enum err e = fail(c->fault, ERR_ORDER_OPEN, "order %s is open for this identity number; %s",
                      row_text(&r, 0, 0), order_state_now(state));
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "该证件号已有未完成订单%s（%s）：%s",
             row_text(&r, 0, 0), order_state_zh(state), order_state_now_zh(state));
    snprintf(c->fault->resource, sizeof c->fault->resource, "%s", row_text(&r, 0, 0));
    return e;
}

static enum err insert_signature(struct ctx *c, const struct order *o, const char *text,
                                 const unsigned char digest[static 32])
{
    struct arg sealed;
    TRY(sealed_arg(c, "orders.signed_text", o->id, text, &sealed));
    return db_exec(c, NULL,
                   SQL("INSERT INTO order_signature (order_id, version, text, digest, signed_ms) VALUES (?, "
                       "?, ?, ?, ?)"),
                   TEXT(o->id), INT(o->version + 1), sealed, BYTES(digest, 32), INT(c->now_ms));
}

struct sealed_change {
    struct arg subject, key, agent, purchase, digest;
    unsigned char key_bytes[32], digest_bytes[32];
};

static enum err seal_change(struct ctx *c, const struct order *o, const struct order_change *ch,
                            struct sealed_change *out)
{
    struct arena *a = c->arena;
    out->key = out->digest = SQLNULL;
    TRY(sealed_arg(c, "orders.subject", o->id,
                   ch->subject ? order_json_text(a, order_json_subject(ch->subject)) : NULL, &out->subject));
    TRY(sealed_arg(c, "orders.agent", o->id,
                   ch->agent ? order_json_text(a, order_json_agent(ch->agent)) : NULL, &out->agent));
    TRY(sealed_arg(c, "orders.purchase", o->id,
                   ch->purchase ? order_json_text(a, order_json_purchase(ch->purchase)) : NULL,
                   &out->purchase));
    if (ch->subject) {
        subject_key(c, o, ch->subject, out->key_bytes);
        out->key = BYTES(out->key_bytes, sizeof out->key_bytes);
    }
    if (ch->signed_text) {
        crypt_sha256(ch->signed_text, strlen(ch->signed_text), out->digest_bytes);
        out->digest = BYTES(out->digest_bytes, sizeof out->digest_bytes);
        TRY(insert_signature(c, o, ch->signed_text, out->digest_bytes));
    }
    return OK;
}

static void apply(struct order *o, const struct order_change *ch, const struct sealed_change *s)
{
    if (ch->subject)
        o->subject = *ch->subject;
    if (ch->agent)
        o->agent = *ch->agent;
    if (ch->purchase)
        o->purchase = *ch->purchase;
    if (ch->quote_json)
        o->quote_json = ch->quote_json;
    if (ch->price_fen)
        o->price_fen = *ch->price_fen;
    if (ch->signed_text) {
        o->signed_text = ch->signed_text;
        memcpy(o->signed_digest, s->digest_bytes, sizeof o->signed_digest);
    }
    if (ch->verification)
        copy_id(o->verification, ch->verification);
    if (ch->paper_route)
        o->paper_route = *ch->paper_route;
    if (ch->method)
        o->method = *ch->method;
    if (ch->submitted_ms)
        o->submitted_ms = *ch->submitted_ms;
    if (ch->due_ms)
        o->due_ms = *ch->due_ms;
}

#define INT_OR_NULL(p) ((p) ? INT(*(p)) : SQLNULL)

enum err order_store_update(struct ctx *c, struct order *o, enum order_state to,
                            const struct order_change *ch)
{
    struct sealed_change s;
    TRY(seal_change(c, o, ch, &s));
    enum err e = db_exec_one(
        c,
        SQL("UPDATE orders SET state = ?, version = version + 1, updated_ms = ?, subject = COALESCE(?, "
            "subject), subject_key = COALESCE(?, subject_key), agent = COALESCE(?, agent), purchase = "
            "COALESCE(?, purchase), quote = COALESCE(?, quote), price_fen = COALESCE(?, price_fen), "
            "signed_digest = COALESCE(?, signed_digest), verification_id = COALESCE(?, verification_id), "
            "paper_route = COALESCE(?, paper_route), method = COALESCE(?, method), submitted_ms = "
            "COALESCE(?, submitted_ms), due_ms = COALESCE(?, due_ms) WHERE id = ? AND state = ? AND version "
            "= ? AND account_id = ? AND channel_id = ?"),
        INT(to), INT(c->now_ms), s.subject, s.key, s.agent, s.purchase, text_or_null(ch->quote_json),
        INT_OR_NULL(ch->price_fen), s.digest, text_or_null(ch->verification), INT_OR_NULL(ch->paper_route),
        INT_OR_NULL(ch->method), INT_OR_NULL(ch->submitted_ms), INT_OR_NULL(ch->due_ms), TEXT(o->id),
        INT(o->state), INT(o->version), TEXT(o->account), TEXT(o->channel));
    if (e == ERR_DB_DUPLICATE) { /* by paper the number that was given before is held again */
        subject_key(c, o, ch->subject ? ch->subject : &o->subject, s.key_bytes);
        return taken(c, o, s.key_bytes);
    }
    if (e != OK)
        return e;
    o->state = to;
    o->version++;
    o->updated_ms = c->now_ms;
    apply(o, ch, &s);
    return OK;
}
