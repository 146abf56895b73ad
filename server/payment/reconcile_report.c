/* reconcile_report.c - a reconciliation in writing: JSON for programs and the table, lines for people. */
#include "payment/reconcile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* X(name, member) */
#define SUMS(X)                                                                                              \
    X("captured", money.captured)                                                                            \
    X("settled", money.settled)                                                                              \
    X("refunded", money.refunded)                                                                            \
    X("held", money.held)                                                                                    \
    X("refunds", refunds)                                                                                    \
    X("bill_captured", bill_captures)                                                                        \
    X("bill_refunds", bill_refunds)

static const char *const states[] = {[RECONCILIATION_WAITING] = "WAITING",
                                     [RECONCILIATION_CLEAN] = "CLEAN",
                                     [RECONCILIATION_DIFFERENT] = "DIFFERENT"};

static int64_t shown(const struct reconciliation *r)
{
    return r->n_differences < DIFFERENCES_SHOWN ? r->n_differences : DIFFERENCES_SHOWN;
}

static json_t *difference_json(const struct difference *d)
{
    return json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:s}", "kind", d->kind, "number", d->number, "ours_fen",
                     (json_int_t)d->ours_fen, "bill_fen", (json_int_t)d->bill_fen, "capture", d->capture,
                     "payment", d->payment, "order", d->order);
}

static json_t *to_json(const struct reconciliation *r)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < shown(r); i++)
        json_array_append_new(list, difference_json(&r->differences[i]));
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:I,s:s,s:I,s:o}", "provider", payment_supplier(r->provider), "date", r->date,
                  "state", states[r->state], "runs", (json_int_t)r->runs, "bill_hash", r->bill_hash,
                  "difference_count", (json_int_t)r->n_differences, "differences", list);
#define X(name, member)                                                                                      \
    json_object_set_new(                                                                                     \
        j, name, json_pack("{s:I,s:I}", "n", (json_int_t)r->member.n, "fen", (json_int_t)r->member.fen));
    SUMS(X)
#undef X
    return j;
}

const char *reconcile_json(struct ctx *c, const struct reconciliation *r)
{
    json_t *j = to_json(r);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    const char *out = arena_strdup(c->arena, text ? text : "{}");
    free(text);
    json_decref(j);
    return out;
}

static int64_t number(const json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

static const char *text(struct ctx *c, const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return arena_strdup(c->arena, s ? s : "");
}

void reconcile_read_json(struct ctx *c, const char *json, struct reconciliation *out)
{
    json_t *j = json_loads(json, 0, NULL), *list = json_object_get(j, "differences");
    size_t n = json_array_size(list);
    struct difference *d = ARENA_ARRAY(c->arena, struct difference, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        d[i] = (struct difference){text(c, one, "kind"),    text(c, one, "number"),  number(one, "ours_fen"),
                                   number(one, "bill_fen"), text(c, one, "capture"), text(c, one, "payment"),
                                   text(c, one, "order")};
    }
    out->differences = d;
#define X(name, member)                                                                                      \
    out->member =                                                                                            \
        (struct sum){number(json_object_get(j, name), "n"), number(json_object_get(j, name), "fen")};
    SUMS(X)
#undef X
    json_decref(j);
}

static void line(struct buf *b, const char *what, const struct sum *s)
{
    int64_t fen = s->fen < 0 ? -s->fen : s->fen;
    buf_printf(b, "  %-24s %6lld %s%12lld.%02d\n", what, (long long)s->n, s->fen < 0 ? "-" : " ",
               (long long)fen / 100, (int)(fen % 100));
}

const char *reconcile_text(struct ctx *c, const struct reconciliation *r)
{
    struct buf b = BUF(c->arena);
    buf_printf(&b, "%s %s: %s\n", payment_supplier(r->provider), r->date, states[r->state]);
    line(&b, "captured", &r->money.captured);
    line(&b, "= settled", &r->money.settled);
    line(&b, "+ refunded", &r->money.refunded);
    line(&b, "+ held", &r->money.held);
    line(&b, "captured by the bill", &r->bill_captures);
    line(&b, "refunds in the bill", &r->refunds);
    line(&b, "refunds by the bill", &r->bill_refunds);
    for (int64_t i = 0; i < shown(r); i++) {
        const struct difference *d = &r->differences[i];
        buf_printf(&b, "! %-18s %-32s ours %lld fen, bill %lld fen\n", d->kind, d->number,
                   (long long)d->ours_fen, (long long)d->bill_fen);
        if (*d->payment)
            buf_printf(&b, "    %s%s%s%s%s\n", d->order, *d->order ? " " : "", d->capture,
                       *d->capture ? " " : "", d->payment);
    }
    if (r->n_differences > shown(r))
        buf_printf(&b, "! and %lld more\n", (long long)(r->n_differences - shown(r)));
    return buf_text(&b);
}
