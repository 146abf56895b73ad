#include "material/material.h"

#include "catalog/catalog.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "material/material_store.h"
#include "material/material_upload.h"

#include <string.h>

enum {
    DECISIONS_MAX = 100
};

enum err material_missing(struct ctx *c, const struct order *o, const char ***kinds, size_t *n)
{
    const struct material_rule *rules;
    const struct material *have;
    size_t n_rules, n_have;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n_rules));
    TRY(material_list(c, o->id, &have, &n_have));
    *kinds = ARENA_ARRAY(c->arena, const char *, n_rules + 1);
    *n = 0;
    for (size_t i = 0; i < n_rules; i++) {
        bool there = !rules[i].required;
        for (size_t k = 0; k < n_have; k++)
            there = there || (strcmp(have[k].kind, rules[i].kind) == 0 && have[k].verdict != VERDICT_REFUSED);
        if (!there)
            (*kinds)[(*n)++] = rules[i].kind;
    }
    return OK;
}

enum err material_shown(struct ctx *c, const struct order *o, const struct material **out, size_t *n)
{
    const struct material_rule *rules;
    const struct material *by_kind;
    size_t n_rules, placed = 0;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n_rules));
    TRY(material_list(c, o->id, &by_kind, n));
    struct material *list = ARENA_ARRAY(c->arena, struct material, *n + 1);
    bool *there = ARENA_ARRAY(c->arena, bool, *n + 1);
    for (size_t r = 0; r <= n_rules; r++) /* the last round is for the rest */
        for (size_t i = 0; i < *n; i++)
            if (!there[i] && (r == n_rules || strcmp(rules[r].kind, by_kind[i].kind) == 0)) {
                there[i] = true;
                list[placed++] = by_kind[i];
            }
    *out = list;
    return OK;
}

enum err material_complete(struct ctx *c, const struct order *o)
{
    const char **kinds;
    size_t n;
    TRY(material_missing(c, o, &kinds, &n));
    if (!n)
        return OK;
    enum err e = fail(c->fault, ERR_MATERIAL_MISSING, NULL);
    for (size_t i = 0; i < n; i++)
        fault_field(c->fault, kinds[i], "REQUIRED", "this material is missing or was refused",
                    "该资料缺失或被退回");
    c->fault->code = e;
    return e;
}

enum err material_load(struct ctx *c, const char *id, struct material *out)
{
    struct order o;
    TRY(material_by_id(c, id, out));
    return order_load(c, out->order, &o); /* not yours looks like not there */
}

static enum err retire(struct ctx *c, const struct material *m)
{
    TRY(material_retire(c, m->order, m->kind));
    return audit_add(c, &(struct audit_entry){"material.drop", m->order, 0,
                                              arena_printf(c->arena, "{\"material\":\"%s\"}", m->id)});
}

enum err material_of_former_agent(struct ctx *c, const struct order *o)
{
    const struct material_rule *rules;
    const struct material *have;
    size_t n_rules, n_have;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n_rules));
    TRY(material_list(c, o->id, &have, &n_have));
    for (size_t i = 0; i < n_have; i++)
        for (size_t k = 0; k < n_rules; k++)
            if (rules[k].of_agent && strcmp(rules[k].kind, have[i].kind) == 0)
                TRY(retire(c, &have[i]));
    return OK;
}

enum err material_drop(struct ctx *c, const char *id)
{
    struct material m;
    struct order o;
    TRY(material_by_id(c, id, &m));
    TRY(order_load(c, m.order, &o));
    TRY(material_may_change(c, &o, m.kind));
    TRY(material_reopen(c, &o));
    return retire(c, &m);
}

enum err material_decide(struct ctx *c, const struct order *o, size_t n, const char *const *ids,
                         const enum material_verdict *verdicts, const char *const *reasons)
{
    if (n > DECISIONS_MAX) {
        fault_field(c->fault, "decisions", "LENGTH", "more decisions than materials", "审核项过多");
        return fault_fields(c->fault);
    }
    for (size_t i = 0; i < n; i++) {
        const char *field = arena_printf(c->arena, "decisions[%zu].", i);
        if (verdicts[i] != VERDICT_APPROVED && verdicts[i] != VERDICT_REFUSED)
            fault_field(c->fault, arena_printf(c->arena, "%sverdict", field), "REQUIRED", "approve or refuse",
                        "请选择通过或退回");
        if (verdicts[i] == VERDICT_REFUSED || *reasons[i])
            reason_check(c->fault, arena_printf(c->arena, "%sreason", field), reasons[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(ids[k], ids[i]) == 0)
                fault_field(c->fault, arena_printf(c->arena, "%smaterial_id", field), "REPEATED",
                            "this material is decided on twice", "同一资料不能审核两次");
    }
    TRY(fault_fields(c->fault));
    for (size_t i = 0; i < n; i++) {
        enum err e = id_valid("mat", ids[i]) ? material_set_verdict(c, o->id, ids[i], verdicts[i], reasons[i])
                                             : ERR_CONFLICT;
        if (e == ERR_CONFLICT)
            fault_field(c->fault, arena_printf(c->arena, "decisions[%zu].material_id", i), "UNKNOWN",
                        "this is not a current material of the order", "该资料不属于此订单或已被替换");
        else
            TRY(e);
    }
    return fault_fields(c->fault);
}

enum err material_bytes(struct ctx *c, const struct material *m, const void **bytes, size_t *n)
{
    return blob_get(c, m->digest, bytes, n);
}
