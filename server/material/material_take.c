/* Taking files in, and over from earlier orders (S13). */
#include "material/material_upload.h"

#include "catalog/catalog.h"
#include "core/audit.h"
#include "core/crypt.h"
#include "material/decoder.h"
#include "material/material_store.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    NAME_MAX_BYTES = 255,
};

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

/* Before the signature anything may be replaced; sent back, only what was refused (S18). By paper everything
 * comes by post (S16). */
enum err material_may_change(struct ctx *c, const struct order *o, const char *kind)
{
    if (o->paper_route && o->state <= ORDER_SIGNATURE)
        return fail_both(c->fault, ERR_ORDER_STATE,
                         "this order goes by paper: its materials are posted with the printed form",
                         "该订单为线下邮寄，资料请随申请表一并邮寄");
    if (!order_takes_materials(o))
        return order_refused(c->fault, o);
    if (o->state != ORDER_CORRECTION)
        return OK;
    const struct material *have;
    size_t n;
    TRY(material_list(c, o->id, &have, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(have[i].kind, kind) == 0 && have[i].verdict == VERDICT_APPROVED)
            return fail_both(c->fault, ERR_ORDER_STATE,
                             "this material was approved; only refused ones are asked for again",
                             "该资料已审核通过，只需补正被退回的资料");
    return OK;
}

enum err material_asked(struct ctx *c, const struct order *o, bool *asked)
{
    const struct material_rule *rules;
    size_t n;
    *asked = false;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n));
    for (size_t i = 0; i < n && !*asked; i++) {
        enum err e = material_may_change(c, o, rules[i].kind);
        *asked = e == OK;
        if (e == ERR_ORDER_STATE)
            fault_clear(c->fault);
        else
            TRY(e);
    }
    return OK;
}

enum err material_reopen(struct ctx *c, struct order *o)
{
    return o->state == ORDER_SIGNATURE ? order_move(c, o, EV_SIGNATURE_REOPENED, NULL, NULL) : OK;
}

/* What can be said without looking into the file. */
static enum err check_size(struct ctx *c, const struct incoming *in, const struct material_rule *rule)
{
    int64_t n = in->n ? (int64_t)in->n : in->size;
    if (n < 1)
        return refuse(c, "chunk", "REQUIRED", "the file is empty", "文件为空");
    if (n > rule->max_bytes)
        return refuse(c, "size_bytes", "RANGE", "the file is larger than the channel allows",
                      "文件超过大小限制");
    if (in->n && in->size && in->size != (int64_t)in->n)
        return refuse(c, "size_bytes", "MISMATCH", "another number of bytes came than was announced",
                      "文件大小与声明不符");
    return OK;
}

static enum err check_type(struct ctx *c, const struct material_rule *rule, const char *type)
{
    if (type && *type && accepts(rule, type))
        return OK;
    return refuse(c, "content", "TYPE", "this type of file is not accepted here", "不支持该文件类型");
}

static enum err look(struct ctx *c, const struct incoming *in, struct order *o,
                     const struct material_rule **rule)
{
    TRY(order_load(c, in->order_id, o));
    TRY(find_rule(c, o, in->kind, rule));
    TRY(material_may_change(c, o, in->kind));
    TRY(check_size(c, in, *rule));
    return in->bytes ? check_type(c, *rule, type_of(in->bytes, in->n)) : OK;
}

enum err material_look(struct ctx *c, const struct incoming *in)
{
    struct order o;
    const struct material_rule *rule;
    return look(c, in, &o, &rule);
}

static enum err check_digest(struct ctx *c, const struct incoming *in)
{
    char hex[65];
    hex_encode(in->actual, 32, hex);
    if (*in->digest && strcasecmp(in->digest, hex) != 0)
        return refuse(c, "digest", "MISMATCH", "the bytes do not have the announced digest",
                      "文件摘要与声明不符");
    return OK;
}

/* The last part of a path, control characters out: it is shown to people. */
const char *material_clean_name(struct arena *a, const char *name)
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

/* The current one of its kind gives way to this one. */
static enum err put(struct ctx *c, struct order *o, struct material *m, const char *action)
{
    id_new("mat", m->id);
    memcpy(m->order, o->id, ID_SIZE);
    m->verdict = VERDICT_NONE;
    m->reason = "";
    m->created_ms = c->now_ms;
    TRY(material_reopen(c, o));
    TRY(material_retire(c, o->id, m->kind));
    TRY(material_insert(c, m));
    return audit_add(c, &(struct audit_entry){
                            action, o->id, 0,
                            arena_printf(c->arena, "{\"material\":\"%s\",\"kind\":\"%s\"}", m->id, m->kind)});
}

enum err material_take(struct ctx *c, const struct incoming *in, struct material *out)
{
    struct order o;
    const struct material_rule *rule = NULL;
    TRY(look(c, in, &o, &rule));
    if (!in->said) /* what was refused a moment ago is not now: nobody has looked into it */
        return fail(c->fault, ERR_UNAVAILABLE, "the order changed meanwhile; try again");
    TRY(check_digest(c, in));
    TRY(decoder_verdict(c, "content", in->said));
    const char *type = decoder_content_type((enum decode_type)in->said->type);
    TRY(check_type(c, rule, type));
    TRY(blob_put(c, in->actual, in->bytes, in->n));
    *out = (struct material){.kind = rule->kind,
                             .title = rule->title,
                             .file_name = material_clean_name(c->arena, in->file_name),
                             .content_type = type,
                             .size = (int64_t)in->n};
    memcpy(out->digest, in->actual, 32);
    return put(c, &o, out, "material.upload");
}

/* -- from orders that are over --------------------------------------------------------------------------- */

static bool has(const struct material *list, size_t n, const char *kind)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].kind, kind) == 0 && list[i].verdict != VERDICT_REFUSED)
            return true;
    return false;
}

static bool wants(const struct material_rule *rule, const struct material *m)
{
    return strcmp(rule->kind, m->kind) == 0 && accepts(rule, m->content_type) && m->size <= rule->max_bytes;
}

/* What shows an agent is of use to the order whose agent that is, once it has one. *old: the order that was
 * looked at last; many of these are of one. */
static enum err of_same_agent(struct ctx *c, const struct order *o, const struct material *m,
                              struct order *old, bool *same)
{
    *same = false;
    if (!*o->agent.id_number)
        return OK;
    if (strcmp(old->id, m->order) != 0)
        TRY(order_load(c, m->order, old));
    *same = strcmp(o->agent.id_number, old->agent.id_number) == 0;
    return OK;
}

static enum err of_use(struct ctx *c, const struct order *o, const struct material_rule *rule,
                       const struct material *m, struct order *old, bool *use)
{
    *use = wants(rule, m);
    return *use && rule->of_agent ? of_same_agent(c, o, m, old, use) : OK;
}

enum err material_carried(struct ctx *c, const struct order *o, const struct material **out, size_t *n)
{
    const struct material_rule *rules;
    const struct material *have, *old;
    size_t n_rules, n_have, n_old;
    *n = 0;
    if (c->caller.kind != CALLER_ACCOUNT || (o->state > ORDER_SIGNATURE && o->state != ORDER_CORRECTION))
        return OK;
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n_rules));
    TRY(material_list(c, o->id, &have, &n_have));
    TRY(material_of_earlier_orders(c, o->id, &old, &n_old));
    struct material *list = ARENA_ARRAY(c->arena, struct material, n_rules + 1);
    struct order last = {0};
    for (size_t r = 0; r < n_rules; r++) { /* in the channel's order */
        bool found = has(have, n_have, rules[r].kind);
        for (size_t i = 0; i < n_old && !found; i++) { /* newest first */
            TRY(of_use(c, o, &rules[r], &old[i], &last, &found));
            if (found)
                list[(*n)++] = old[i];
        }
    }
    *out = list;
    return OK;
}

enum err material_take_over(struct ctx *c, const char *order_id, const char *material_id,
                            struct material *out)
{
    struct order o;
    const struct material *list = NULL;
    size_t n, i = 0;
    TRY(order_load(c, order_id, &o));
    TRY(material_carried(c, &o, &list, &n));
    while (i < n && strcmp(list[i].id, material_id) != 0)
        i++;
    if (i == n)
        return fail_both(c->fault, ERR_NOT_FOUND, "there is no such material to take over",
                         "没有可沿用的该材料");
    TRY(material_may_change(c, &o, list[i].kind));
    *out = list[i]; /* its bytes are named by their digest: one file, and a row more */
    return put(c, &o, out, "material.take_over");
}
