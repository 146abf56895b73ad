#include "material/material.h"

#include "catalog/catalog.h"
#include "convert/reason.h"
#include "core/audit.h"
#include "material/material_store.h"
#include "material/material_upload.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 255,
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

/* By what it is, not by what its name says. */
static const char *type_of(const void *bytes, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *type;
    } known[] = {{"\xFF\xD8\xFF", 3, "image/jpeg"},
                 {"\x89PNG\r\n\x1A\n", 8, "image/png"},
                 {"%PDF-", 5, "application/pdf"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n > known[i].n && memcmp(bytes, known[i].magic, known[i].n) == 0)
            return known[i].type;
    return NULL;
}

static bool accepts(const struct material_rule *rule, const char *type)
{
    size_t n = strlen(type);
    for (const char *p = rule->content_types; (p = strstr(p, type)); p += n)
        if ((p == rule->content_types || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
            return true;
    return false;
}

static enum err refuse(struct ctx *c, const char *field, const char *reason, const char *text, const char *zh)
{
    enum err e = fail(c->fault, ERR_MATERIAL_BAD, "%s", text);
    snprintf(c->fault->text_zh, sizeof c->fault->text_zh, "%s", zh);
    fault_field(c->fault, field, reason, text, zh);
    c->fault->code = e;
    return e;
}

static enum err find_rule(struct ctx *c, const struct order *o, const char *kind,
                          const struct material_rule **out)
{
    const struct material_rule *rules;
    size_t n;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(rules[i].kind, kind) == 0) {
            *out = &rules[i];
            return OK;
        }
    return refuse(c, "kind", "UNKNOWN", "the channel does not ask for this kind of material",
                  "无需提交该类资料");
}

/* Before the signature anything may be replaced; sent back, only what was refused (S18). */
static enum err may_replace(struct ctx *c, struct order *o, const char *kind)
{
    if (o->state == ORDER_SIGNATURE)
        return order_move(c, o, EV_SIGNATURE_REOPENED, NULL, NULL);
    if (o->state <= ORDER_MATERIALS)
        return OK;
    if (o->state != ORDER_CORRECTION)
        return fail(c->fault, ERR_ORDER_STATE, "materials cannot be changed in state %s",
                    order_state_name((int)o->state));
    const struct material *have;
    size_t n;
    TRY(material_list(c, o->id, &have, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(have[i].kind, kind) == 0 && have[i].verdict == VERDICT_APPROVED)
            return fail(c->fault, ERR_ORDER_STATE,
                        "this material was approved; only refused ones are asked for again");
    return OK;
}

static enum err check_bytes(struct ctx *c, const struct incoming *in, const struct material_rule *rule,
                            const char **type)
{
    char hex[65];
    hex_encode(in->actual, 32, hex);
    if (!in->n)
        return refuse(c, "chunk", "REQUIRED", "the file is empty", "文件为空");
    if ((int64_t)in->n > rule->max_bytes)
        return refuse(c, "size_bytes", "RANGE", "the file is larger than the channel allows",
                      "文件超过大小限制");
    if (in->size && in->size != (int64_t)in->n)
        return refuse(c, "size_bytes", "MISMATCH", "another number of bytes came than was announced",
                      "文件大小与声明不符");
    if (*in->digest && strcasecmp(in->digest, hex) != 0)
        return refuse(c, "digest", "MISMATCH", "the bytes do not have the announced digest",
                      "文件摘要与声明不符");
    *type = type_of(in->bytes, in->n);
    if (!*type || !accepts(rule, *type))
        return refuse(c, "content", "TYPE", "this type of file is not accepted here", "不支持该文件类型");
    return OK;
}

/* The last part of a path, control characters out: it is shown to people. */
static const char *clean_name(struct arena *a, const char *name)
{
    const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
    const char *from = slash > back ? slash : back;
    struct buf b = BUF(a);
    for (const char *p = from ? from + 1 : name; *p && b.n < NAME_MAX_BYTES; p++)
        if ((unsigned char)*p >= 0x20 && *p != 0x7F)
            buf_add(&b, p, 1);
    while (b.n && !utf8_valid(b.p, b.n))
        b.p[--b.n] = '\0';
    return buf_text(&b);
}

enum err material_take(struct ctx *c, const struct incoming *in, struct material *out)
{
    struct order o;
    const struct material_rule *rule = NULL;
    const char *type = NULL;
    TRY(order_load(c, in->order_id, &o));
    TRY(find_rule(c, &o, in->kind, &rule));
    TRY(may_replace(c, &o, in->kind));
    TRY(check_bytes(c, in, rule, &type));
    TRY(blob_put(c, in->actual, in->bytes, in->n));
    *out = (struct material){.kind = rule->kind,
                             .title = rule->title,
                             .file_name = clean_name(c->arena, in->file_name),
                             .content_type = type,
                             .size = (int64_t)in->n,
                             .reason = "",
                             .created_ms = c->now_ms};
    id_new("mat", out->id);
    memcpy(out->order, o.id, ID_SIZE);
    memcpy(out->digest, in->actual, 32);
    TRY(material_retire(c, o.id, rule->kind));
    TRY(material_insert(c, out));
    return audit_add(c, &(struct audit_entry){"material.upload", o.id, 0,
                                              arena_printf(c->arena, "{\"material\":\"%s\",\"kind\":\"%s\"}",
                                                           out->id, rule->kind)});
}

enum err material_load(struct ctx *c, const char *id, struct material *out)
{
    struct order o;
    TRY(material_by_id(c, id, out));
    return order_load(c, out->order, &o); /* not yours looks like not there */
}

enum err material_drop(struct ctx *c, const char *id)
{
    struct material m;
    struct order o;
    TRY(material_by_id(c, id, &m));
    TRY(order_load(c, m.order, &o));
    TRY(may_replace(c, &o, m.kind));
    TRY(material_retire(c, o.id, m.kind));
    return audit_add(c, &(struct audit_entry){"material.drop", o.id, 0,
                                              arena_printf(c->arena, "{\"material\":\"%s\"}", m.id)});
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
