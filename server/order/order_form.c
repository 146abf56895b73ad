#include "order/order_form.h"

#include "catalog/catalog.h"
#include "catalog/catalog_store.h"
#include "order/form_pdf.h"
#include "order/order_paper.h"
#include "order/order_steps.h"
#include "provider/yuan.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define N(a) (sizeof(a) / sizeof *(a))

static void joined(struct buf *b, const char *with, const char *s)
{
    if (s && *s)
        buf_printf(b, "%s%s", b->n ? with : "", s);
}

const char *form_address(struct arena *a, const struct address *d)
{
    struct buf b = BUF(a);
    if (!d->street || !*d->street)
        return "";
    if (strcmp(d->province, d->city) != 0) /* 北京市 is both */
        buf_str(&b, d->province);
    buf_printf(&b, "%s%s%s", d->city, d->district, d->street);
    joined(&b, "，", d->postal_code);
    if (*d->recipient)
        buf_printf(&b, "，%s收", d->recipient);
    joined(&b, "，", d->phone);
    return buf_text(&b);
}

static const char *day(struct arena *a, int64_t ms)
{
    time_t s = (time_t)(ms / 1000 + 8 * 3600); /* Beijing */
    struct tm tm;
    gmtime_r(&s, &tm);
    return arena_printf(a, "%d年%d月%d日", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static const char *document(int type)
{
    static const char *const names[] = {"", "居民身份证", "外国人永久居留身份证", "港澳台居民居住证", "护照"};
    return type > 0 && (size_t)type < N(names) ? names[type] : "";
}

static const char *account(struct arena *a, const struct bank_account *b)
{
    struct buf out = BUF(a);
    joined(&out, "　", b->number);
    joined(&out, "　", b->bank);
    joined(&out, "　", b->branch);
    return buf_text(&out);
}

/* -- sections ----------------------------------------------------------------------------------------------
 */

/* Rows are copied: each section is built from what the order has. */
static struct form_section section(struct arena *a, const char *title, const struct form_row *rows, size_t n)
{
    struct form_row *copy = ARENA_ARRAY(a, struct form_row, n);
    memcpy(copy, rows, n * sizeof *rows);
    return (struct form_section){title, copy, n};
}

static struct form_section organization(struct arena *a, const struct subject *s)
{
    const struct form_row rows[] = {
        {"单位名称", s->name, true},
        {"统一社会信用代码", s->uscc, false},
        {"法定代表人", s->legal_rep_name, false},
        {"法定代表人证件号码", s->id_number, false},
        {"法定代表人手机号", s->phone, false},
        {"对公账户", account(a, &s->account), true},
    };
    return section(a, "申请单位", rows, N(rows));
}

static struct form_section person(struct arena *a, const struct subject *s)
{
    const struct form_row rows[] = {
        {"姓名", s->name, false},
        {"手机号", s->phone, false},
        {"证件类型", document(s->document_type), false},
        {"证件号码", s->id_number, false},
        {"电子邮箱", s->email, true},
    };
    return section(a, "申请人", rows, N(rows));
}

static struct form_section agent(struct arena *a, const struct agent *g)
{
    const struct form_row rows[] = {
        {"姓名", g->name, false},
        {"手机号", g->phone, false},
        {"证件号码", g->id_number, false},
        {"电子邮箱", g->email, false},
        {"办理身份", g->in_person ? "法定代表人本人办理" : "", true},
    };
    return section(a, "经办人", rows, N(rows));
}

static struct form_section certificate(struct arena *a, const struct order *o, const struct quote *q)
{
    const struct form_row rows[] = {
        {"证书名称", q->product_name, false},
        {"介质", o->medium == MEDIUM_UKEY ? "UKEY" : "云证书", false},
        {"期限", arena_printf(a, "%d个月", q->term_months), false},
        {"数量", arena_printf(a, "%d", q->quantity), false},
        {"电子签章", q->seal ? "需要" : "不需要", false},
        {"金额", arena_printf(a, "%s元", yuan_of(a, q->total_fen)), false},
    };
    return section(a, "证书", rows, N(rows));
}

static const char *pair(struct arena *a, const char *first, const char *second)
{
    struct buf b = BUF(a);
    joined(&b, "　", first);
    joined(&b, "　", second);
    return buf_text(&b);
}

static struct form_section invoice(struct arena *a, const struct purchase *p)
{
    const struct form_row rows[] = {
        {"发票抬头", p->invoice_wanted ? p->invoice_title : "不需要发票", true},
        {"纳税人识别号", p->tax_number, false},
        {"接收邮箱", p->invoice_email, false},
        {"开户行及账号", pair(a, p->invoice_bank, p->invoice_bank_account), true},
        {"地址、电话", pair(a, p->invoice_address, p->invoice_phone), true},
    };
    return section(a, "发票", rows, N(rows));
}

static struct form_section delivery(struct arena *a, const struct purchase *p)
{
    const struct form_row rows[] = {{"收件地址", form_address(a, &p->delivery), true}};
    return section(a, "邮寄", rows, N(rows));
}

/* -- what stands below -------------------------------------------------------------------------------------
 */

static enum err declaration(struct ctx *c, const struct order *o, const char **out)
{
    const struct agreement *list;
    size_t n;
    TRY(agreement_list(c, o->channel, &list, &n));
    struct buf b = BUF(c->arena);
    const char *who = o->subject_kind == SUBJECT_ORGANIZATION ? "本单位" : "本人";
    buf_printf(&b, "%s确认以上信息及所附材料真实、完整、有效，自愿申请数字证书", who);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s《%s》（第%d版）", i ? "、" : "，并已阅读、同意", list[i].title, list[i].version);
    buf_str(&b, "。");
    *out = buf_text(&b);
    return OK;
}

static enum err notes(struct ctx *c, const struct order *o, const struct channel *channel, struct form *form)
{
    const struct material_rule *rules;
    struct address to;
    size_t n;
    int days;
    int64_t due_ms;
    TRY(catalog_posting_promise(c, o->channel, &days, &due_ms));
    TRY(catalog_materials(c, o->channel, o->kind, o->subject_kind, o->medium, &rules, &n));
    struct buf b = BUF(c->arena);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s%s", i ? "、" : "", rules[i].title, rules[i].required ? "" : "（如有）");
    catalog_paper_address(c->arena, channel, &to);
    const char **list = ARENA_ARRAY(c->arena, const char *, 4);
    list[form->n_notes++] =
        "请用黑色签字笔签字；单位申请须加盖公章。涂改无效，信息有误请返回修改后重新打印。";
    if (b.n)
        list[form->n_notes++] =
            arena_printf(c->arena, "请随本表附：%s。复印件须%s。", buf_text(&b),
                         o->subject_kind == SUBJECT_ORGANIZATION ? "逐页加盖公章" : "由申请人签字");
    const char *address = form_address(c->arena, &to);
    if (*address)
        list[form->n_notes++] = arena_printf(c->arena, "支付订单后，请将本表及附件邮寄至：%s。", address);
    list[form->n_notes++] = arena_printf(
        c->arena, "收到材料后%s个工作日内完成审核；审核通过后，%s。", catalog_review_days(c->arena, channel),
        o->delivery == DELIVERY_DESK ? arena_printf(c->arena, "UKEY在%d个工作日内寄出", days)
                                     : "即可登录并下载证书");
    form->notes = list;
    return OK;
}

static const char *footer(struct ctx *c, const struct order *o)
{
    char hex[65];
    hex_encode(o->signed_digest, sizeof o->signed_digest, hex);
    return arena_printf(c->arena, "订单 %s　生成于%s　申请内容摘要（SHA-256）%s", o->id,
                        day(c->arena, c->now_ms), hex);
}

static size_t sections(struct ctx *c, const struct order *o, const struct quote *q, struct form_section *out)
{
    size_t n = 0;
    struct arena *a = c->arena;
    bool organized = o->subject_kind == SUBJECT_ORGANIZATION;
    out[n++] = organized ? organization(a, &o->subject) : person(a, &o->subject);
    if (organized)
        out[n++] = agent(a, &o->agent);
    out[n++] = certificate(a, o, q);
    out[n++] = invoice(a, &o->purchase);
    if (o->delivery == DELIVERY_DESK)
        out[n++] = delivery(a, &o->purchase);
    return n;
}

enum err order_application_form(struct ctx *c, const char *id, struct form *out)
{
    static const char *const of_organization[] = {"法定代表人签字", "经办人签字", "单位公章"},
                             *const of_person[] = {"申请人签字"};
    struct order o;
    struct channel channel;
    struct quote quote;
    TRY(order_load(c, id, &o));
    if (!o.paper_route || (o.state != ORDER_PAYMENT && o.state != ORDER_PAPERS)) {
        return fail_both(
            c->fault, ERR_ORDER_STATE,
            "the form is printed on the paper route, between confirmation and the papers' arrival",
            "线下邮寄订单确认购买信息后、材料寄达前可打印申请表");
    }
    TRY(catalog_channel(c, o.channel, &channel));
    TRY(order_quote(c, &o, &quote));
    bool organized = o.subject_kind == SUBJECT_ORGANIZATION;
    struct form_section *list = ARENA_ARRAY(c->arena, struct form_section, 6);
    *out = (struct form){.title = organized ? "单位数字证书申请表" : "个人数字证书申请表",
                         .subtitle = arena_printf(c->arena, "%s　新办", channel.name),
                         .number = arena_strdup(c->arena, o.id), /* o ends here */
                         .sections = list,
                         .n_sections = sections(c, &o, &quote, list),
                         .signs = organized ? of_organization : of_person,
                         .n_signs = organized ? N(of_organization) : N(of_person),
                         .footer = footer(c, &o)};
    TRY(declaration(c, &o, &out->declaration));
    return notes(c, &o, &channel, out);
}
