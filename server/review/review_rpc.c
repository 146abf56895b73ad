#include "review/review_rpc.h"

#include "catalog/catalog.h"
#include "convert/convert.h"
#include "core/page.h"
#include "identity/identity.h"
#include "material/material_rpc.h"
#include "order/order_wire.h"
#include "review/review.h"

#include <certdesk/v1/review_service.pb-c.h>

#include <stdio.h>
#include <stdlib.h>

static const char *kind_text(const struct order *o)
{
    static const char *const kinds[] = {"", "新办", "更新", "信息变更", "补办", "解锁"};
    return o->kind <= ORDER_UNLOCK ? kinds[o->kind] : "";
}

static enum err fill_item(struct ctx *c, const struct review_item *from, PB(ReviewItem) * out)
{
    struct order o;
    struct channel ch;
    PB_INIT(review_item, out);
    TRY(order_load(c, from->order_id, &o));
    TRY(catalog_channel(c, o.channel, &ch));
    out->order_id = to_text(c->arena, o.id);
    out->subject_name = to_text(c->arena, o.subject.name);
    out->channel_name = to_text(c->arena, ch.name);
    out->kind_text = to_text(c->arena, arena_printf(c->arena, "%s%s",
                                                    o.subject_kind == SUBJECT_ORGANIZATION ? "单位" : "个人",
                                                    kind_text(&o)));
    out->kind = (PB(OrderKind))o.kind;
    out->subject_kind = (PB(SubjectKind))o.subject_kind;
    out->submit_time = to_timestamp(c->arena, from->submitted_ms);
    out->due_time = to_timestamp(c->arena, from->due_ms);
    return OK;
}

/* "due_ms-id" of the last row: nothing secret, and staff see every order anyway. */
static enum err read_page(struct ctx *c, const char *token, int64_t *due, const char **id)
{
    char *end;
    *due = 0;
    *id = "";
    if (!*token)
        return OK;
    *due = strtoll(token, &end, 10);
    if (*end != '-' || !id_valid("ord", end + 1))
        return fail(c->fault, ERR_PAGE_TOKEN, NULL);
    *id = end + 1;
    return OK;
}

RPC_HANDLER(list_reviews, ListReviewsRequest, ListReviewsResponse)
{
    struct review_item *list;
    int64_t total, due;
    const char *id;
    int limit = page_size(in->page_size);
    TRY(read_page(c, in->page_token, &due, &id));
    TRY(review_queue(c, due, id, limit, &list, &out->n_items, &total));
    out->total = (int32_t)total;
    out->items = ARENA_ARRAY(c->arena, PB(ReviewItem) *, out->n_items + 1);
    for (size_t i = 0; i < out->n_items; i++) {
        out->items[i] = ARENA_NEW(c->arena, PB(ReviewItem));
        TRY(fill_item(c, &list[i], out->items[i]));
    }
    if (out->n_items == (size_t)limit)
        out->next_page_token =
            arena_printf(c->arena, "%lld-%s", (long long)list[limit - 1].due_ms, list[limit - 1].order_id);
    return OK;
}

static enum err fill_evidence(struct ctx *c, const char *order_id, PB(Review) * out)
{
    const struct evidence *list;
    TRY(identity_evidence(c, order_id, &list, &out->n_evidence));
    out->evidence = ARENA_ARRAY(c->arena, PB(Evidence) *, out->n_evidence + 1);
    for (size_t i = 0; i < out->n_evidence; i++) {
        PB(Evidence) *e = out->evidence[i] = ARENA_NEW(c->arena, PB(Evidence));
        PB_INIT(evidence, e);
        e->provider = to_text(c->arena, list[i].provider);
        e->check = to_text(c->arena, list[i].check);
        e->outcome = to_text(c->arena, list[i].outcome);
        e->provider_request_id = to_text(c->arena, list[i].request_id);
        e->check_time = to_timestamp(c->arena, list[i].checked_ms);
        e->of_earlier_data = list[i].of_earlier_data;
    }
    return OK;
}

RPC_HANDLER(get_review, GetReviewRequest, GetReviewResponse)
{
    struct order o;
    const struct material *materials;
    TRY(order_load(c, in->order_id, &o));
    PB(Review) *r = out->review = ARENA_NEW(c->arena, PB(Review));
    PB_INIT(review, r);
    TRY(wire_order(c, &o, &r->order));
    TRY(material_shown(c, &o, &materials, &r->n_materials));
    r->materials = ARENA_ARRAY(c->arena, PB(Material) *, r->n_materials + 1);
    for (size_t i = 0; i < r->n_materials; i++)
        r->materials[i] = to_material(c, &materials[i]);
    TRY(fill_evidence(c, o.id, r));
    r->signed_digest = arena_alloc(c->arena, 65);
    hex_encode(o.signed_digest, 32, r->signed_digest);
    r->etag = arena_printf(c->arena, "%lld", (long long)o.version);
    return OK;
}

RPC_HANDLER(decide_review, DecideReviewRequest, DecideReviewResponse)
{
    struct order o;
    size_t n = in->n_decisions;
    const char **ids = ARENA_ARRAY(c->arena, const char *, n + 1),
               **reasons = ARENA_ARRAY(c->arena, const char *, n + 1);
    enum material_verdict *verdicts = ARENA_ARRAY(c->arena, enum material_verdict, n + 1);
    for (size_t i = 0; i < n; i++) {
        ids[i] = in->decisions[i]->material_id;
        reasons[i] = in->decisions[i]->reason;
        verdicts[i] = (enum material_verdict)in->decisions[i]->verdict;
    }
    struct decision d = {.order_id = in->order_id,
                         .version = strtoll(in->etag, NULL, 10),
                         .approve = in->approve,
                         .n = n,
                         .material_ids = ids,
                         .verdicts = verdicts,
                         .reasons = reasons,
                         .comment = in->comment};
    TRY(review_decide(c, &d, &o));
    return wire_order(c, &o, &out->order);
}

RPC_HANDLER(reveal_field, RevealFieldRequest, RevealFieldResponse)
{
    const char *value;
    TRY(review_reveal(c, in->order_id, in->field, in->reason, &value));
    out->value = to_text(c->arena, value);
    return OK;
}

#define ROW(m, who, how, fn)                                                                                 \
    {                                                                                                        \
        .service = PB_SERVICE(review_service), .method = (m), .access = ACCESS_STAFF, .roles = (who),        \
        .mode = (how), .handler = (fn)                                                                       \
    }

static const struct rpc_row rows[] = {
    ROW("ListReviews", ROLE_REVIEWER, MODE_READ, list_reviews),
    ROW("GetReview", ROLE_REVIEWER | ROLE_OPERATOR | ROLE_SHIPPER | ROLE_ADMIN, MODE_READ, get_review),
    ROW("DecideReview", ROLE_REVIEWER, MODE_WRITE, decide_review),
    ROW("RevealField", ROLE_REVIEWER, MODE_WRITE, reveal_field),
};

const struct rpc_table review_rpc = {rows, sizeof rows / sizeof *rows};
