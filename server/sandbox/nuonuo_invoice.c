/* nuonuo_invoice.c - what is accepted as an invoice, and what becomes of it. */
#include "sandbox/nuonuo.h"

#include "base/clock.h"
#include "sandbox/call.h"
#include "sandbox/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_MAX = 20,
    QUERY_MAX = 50,
    AGAIN_MAX = 20,    /* a day */
    TOLERANCE_FEN = 6, /* |excl * rate - tax| <= 0.06 */
    USUAL_MS = 2000,
};

/* -- money ----------------------------------------------------------------------------------------------- */

bool nn_fen(const char *yuan, int64_t *out)
{
    bool minus = *yuan == '-';
    const char *s = yuan + minus;
    size_t whole = strspn(s, "0123456789");
    size_t fraction = s[whole] == '.' ? strspn(s + whole + 1, "0123456789") : 0;
    if (!whole || whole > 12 || fraction > 2 ||
        (s[whole] == '.' ? !fraction || s[whole + 1 + fraction] : s[whole] != '\0'))
        return false;
    int64_t n = strtoll(s, NULL, 10) * 100;
    if (fraction > 0)
        n += (s[whole + 1] - '0') * 10;
    if (fraction > 1)
        n += s[whole + 2] - '0';
    *out = minus ? -n : n;
    return true;
}

const char *nn_yuan(struct arena *a, int64_t fen)
{
    int64_t all = fen < 0 ? -fen : fen;
    return arena_printf(a, "%s%" PRId64 ".%02d", fen < 0 ? "-" : "", all / 100, (int)(all % 100));
}

const char *nn_lines_wrong(const json_t *lines, bool red, int64_t *total, int64_t *tax)
{
    size_t i;
    json_t *l;
    *total = *tax = 0;
    if (json_array_size(lines) == 0 || json_array_size(lines) > 2000)
        return "发票明细不能为空";
    json_array_foreach(lines, i, l)
    {
        int64_t with, without, t, price = 0;
        double rate = strtod(member(l, "taxRate"), NULL), number = strtod(member(l, "num"), NULL);
        if (!*member(l, "goodsName") || !*member(l, "taxRate") || strlen(member(l, "goodsCode")) != 19)
            return "商品名称、税率或税收编码有误";
        if (!nn_fen(member(l, "taxIncludedAmount"), &with) ||
            !nn_fen(member(l, "taxExcludedAmount"), &without) || !nn_fen(member(l, "tax"), &t) || with == 0 ||
            (with < 0) != red)
            return "金额格式有误";
        if (without + t != with)
            return "不含税金额与税额之和不等于含税金额";
        double off = (double)without * rate - (double)t;
        if (off > TOLERANCE_FEN || off < -TOLERANCE_FEN)
            return "税额与不含税金额乘税率的误差大于0.06";
        if (strcmp(member(l, "withTaxFlag"), "1") == 0 && *member(l, "price") &&
            (!nn_fen(member(l, "price"), &price) || (double)price * number != (double)with))
            return "单价与数量之积不等于金额";
        *total += with;
        *tax += t;
    }
    return NULL;
}

/* -- accepting ------------------------------------------------------------------------------------------- */

bool nn_number_free(struct nn_call *c, const char *order_no)
{
    if (!*order_no || strlen(order_no) > NUMBER_MAX)
        nn_say(c, "E9105", "订单号不能为空且不能超过20位", NULL); /* [K] */
    else if (state_get(c->sb->state, "nuonuo_invoices", order_no))
        nn_say(c, "E9106", "订单编号不能重复", NULL);
    else
        return true;
    return false;
}

static int64_t duration(struct sandbox *sb, const struct plan *plan)
{
    const json_t *usual = state_get(sb->state, "config", "nuonuo_ms");
    if (strcmp(plan->kind, "slow") == 0)
        return plan->ms >= 0 ? plan->ms : 60000;
    return usual ? json_integer_value(usual) : USUAL_MS;
}

void nn_accept(struct nn_call *c, json_t *invoice, const char *callback_url)
{
    struct sandbox *sb = c->sb;
    struct arena *a = &c->r->a;
    struct plan plan = fault_take(sb, "nuonuo", "result");
    const char *order_no = arena_strdup(a, member(invoice, "orderNo"));
    const char *serial = arena_printf(a, "%s%s", draw_digits(sb, a, 14), draw_digits(sb, a, 8));
    int64_t now = clock_now_ms(), ms = duration(sb, &plan);
    json_object_set_new(invoice, "serialNo", json_string(serial));
    json_object_set_new(invoice, "number", json_string(arena_printf(a, "26%s", draw_digits(sb, a, 18))));
    json_object_set_new(invoice, "created_ms", json_integer(now));
    json_object_set_new(invoice, "done_ms", json_integer(now + ms));
    json_object_set_new(invoice, "fate", json_string(strcmp(plan.kind, "slow") == 0 ? "" : plan.kind));
    json_object_set_new(invoice, "callback", json_string(callback_url));
    c->p->inputs = json_pack("{s:s}", "orderNo", order_no);
    state_put(sb->state, "nuonuo_invoices", order_no, invoice);
    nn_notify(sb, invoice, callback_url, ms);
    nn_say(c, "E0000", "开票提交成功", json_pack("{s:s}", "invoiceSerialNum", serial));
}

static const char *order_wrong(const json_t *o)
{
    static const char *const needed[] = {"buyerName", "salerTel", "salerAddress", "invoiceDate", "clerk"};
    int y, mo, d, h, mi, s, end = 0;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!*member(o, needed[i]))
            return "必填项为空";
    if (sscanf(member(o, "invoiceDate"), "%4d-%2d-%2d %2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &end) != 6 ||
        member(o, "invoiceDate")[end])
        return "订单时间格式有误";
    const char *line = member(o, "invoiceLine");
    if (*line && strcmp(line, "p") != 0 && strcmp(line, "pc") != 0 && strcmp(line, "bs") != 0)
        return "发票种类有误";
    return NULL;
}

void nn_billing(struct nn_call *c)
{
    const json_t *o = json_object_get(c->in, "order");
    const char *type = member(o, "invoiceType"), *why = order_wrong(o);
    int64_t total, tax;
    if (why) {
        nn_say(c, "E9001", why, NULL); /* [K] */
        return;
    }
    if (strcmp(member(o, "salerTaxNum"), c->seller) != 0) {
        nn_say(c, "E9302", "销方税号与授权税号不一致", NULL);
        return;
    }
    if (strlen(member(o, "email")) > 50) {
        nn_say(c, "E9104", "邮箱不能超过50位", NULL);
        return;
    }
    if (strcmp(type, "2") == 0) {
        nn_older_red(c, o);
        return;
    }
    if (strcmp(type, "1") != 0)
        why = "开票类型有误";
    if (!why)
        why = nn_lines_wrong(json_object_get(o, "invoiceDetail"), false, &total, &tax);
    if (why)
        nn_say(c, "E9002", why, NULL); /* [K] */
    else if (nn_number_free(c, member(o, "orderNo")))
        nn_accept(c,
                  json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:O}", "orderNo", member(o, "orderNo"), "type", "1",
                            "buyerName", member(o, "buyerName"), "buyerTaxNum", member(o, "buyerTaxNum"),
                            "invoiceLine", member(o, "invoiceLine"), "total_fen", (json_int_t)total,
                            "tax_fen", (json_int_t)tax, "lines", json_object_get(o, "invoiceDetail")),
                  member(o, "callBackUrl"));
}

/* -- what becomes of it ---------------------------------------------------------------------------------- */

const char *nn_status(const json_t *v)
{
    int64_t now = clock_now_ms(), begun = member_int(v, "created_ms"), done = member_int(v, "done_ms");
    const char *fate = member(v, "fate");
    if (json_is_true(json_object_get(v, "void")))
        return "3";
    if (now < begun + (done - begun) / 2)
        return "20";
    if (strcmp(fate, "refused") == 0)
        return now < done ? "20" : "22";
    if (now < done)
        return "21";
    return strcmp(fate, "unsealed") == 0 ? "24" : "2";
}

json_t *nn_by_serial(struct sandbox *sb, const char *serial)
{
    const char *key;
    json_t *v;
    json_object_foreach(state_section(sb->state, "nuonuo_invoices"), key,
                        v) if (strcmp(member(v, "serialNo"), serial) == 0) return v;
    return NULL;
}

static const char *words(const char *status)
{
    return strcmp(status, "2") == 0    ? "开票完成"
           : strcmp(status, "20") == 0 ? "开票中"
           : strcmp(status, "21") == 0 ? "开票成功签章中"
           : strcmp(status, "22") == 0 ? "开票失败"
           : strcmp(status, "24") == 0 ? "开票成功签章失败"
                                       : "发票已作废";
}

static json_t *result(struct nn_call *c, const json_t *v)
{
    struct arena *a = &c->r->a;
    const char *status = nn_status(v);
    int64_t total = member_int(v, "total_fen"), tax = member_int(v, "tax_fen");
    bool older = strcmp(member(v, "invoiceLine"), "p") == 0, done = strcmp(status, "2") == 0;
    bool numbered =
        done || strcmp(status, "21") == 0 || strcmp(status, "24") == 0 || strcmp(status, "3") == 0;
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "serialNo", member(v, "serialNo"), "orderNo",
                  member(v, "orderNo"), "status", status, "statusMsg", words(status), "failCause",
                  strcmp(status, "22") == 0 ? "购方税号校验不通过" : "", "orderAmount", nn_yuan(a, total),
                  "taxAmount", nn_yuan(a, tax), "exTaxAmount", nn_yuan(a, total - tax));
#define SET(key, value) json_object_set_new(o, key, value)
    if (numbered) {
        SET("invoiceTime", json_integer(member_int(v, "done_ms")));
        SET("invoiceCode", json_string(older ? "033002600111" : ""));
        SET("invoiceNo", json_string(older ? member(v, "number") + 12 : member(v, "number")));
        SET("allElectronicInvoiceNumber", json_string(older ? "" : member(v, "number")));
    }
    if (done) {
        SET("pdfUrl", json_string(nn_link(c->sb, a, v, "pdf")));
        SET("ofdUrl", json_string(nn_link(c->sb, a, v, "ofd")));
        if (!older)
            SET("xmlUrl", json_string(nn_link(c->sb, a, v, "xml")));
    }
#undef SET
    return o;
}

void nn_query(struct nn_call *c)
{
    const json_t *serials = json_object_get(c->in, "serialNos"),
                 *numbers = json_object_get(c->in, "orderNos");
    const json_t *asked = json_array_size(serials) ? serials : numbers;
    if (json_array_size(asked) == 0 || json_array_size(asked) > QUERY_MAX) {
        nn_say(c, "E9001", "流水号或订单号应为1至50个", NULL);
        return;
    }
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(asked, i, one)
    {
        const char *text = json_is_string(one) ? json_string_value(one) : "";
        const json_t *v =
            asked == serials ? nn_by_serial(c->sb, text) : state_get(c->sb->state, "nuonuo_invoices", text);
        if (v)
            json_array_append_new(list, result(c, v));
    }
    if (json_array_size(list))
        nn_say(c, "E0000", "获取成功", list);
    else {
        json_decref(list);
        nn_say(c, "E9500", "未查询到发票信息", NULL);
    }
}

/* reInvoice: the same data again, which go through this time. */
void nn_again(struct nn_call *c)
{
    const char *number = member(c->in, "orderno"), *serial = member(c->in, "fpqqlsh");
    json_t *v = *serial ? nn_by_serial(c->sb, serial) : state_get(c->sb->state, "nuonuo_invoices", number);
    const char *status = v ? nn_status(v) : "";
    if (!v) {
        nn_say(c, "E9500", "未查询到发票信息", NULL);
    } else if (strcmp(status, "22") != 0 && strcmp(status, "24") != 0) {
        nn_say(c, "E9612", "发票状态不允许重试", NULL); /* [K] */
    } else if (member_int(v, "again") >= AGAIN_MAX) {
        nn_say(c, "E9613", "单日重试次数已达上限", NULL);
    } else {
        json_object_set_new(v, "again", json_integer(member_int(v, "again") + 1));
        json_object_set_new(v, "fate", json_string(""));
        state_touch(c->sb->state, "nuonuo_invoices", member(v, "orderNo"));
        nn_notify(c->sb, v, member(v, "callback"), 0);
        nn_say(c, "E0000", "重试成功", NULL);
    }
}

json_t *nuonuo_invoices(struct sandbox *sb)
{
    const char *key;
    json_t *v, *list = json_array();
    json_object_foreach(state_section(sb->state, "nuonuo_invoices"), key, v)
    {
        json_t *one = json_copy(v);
        json_object_set_new(one, "status", json_string(nn_status(v)));
        json_array_append_new(list, one);
    }
    return list;
}

const char *nuonuo_void(struct sandbox *sb, const char *order_no)
{
    json_t *v = state_get(sb->state, "nuonuo_invoices", order_no);
    if (!v)
        return "no such invoice";
    json_object_set_new(v, "void", json_true());
    state_touch(sb->state, "nuonuo_invoices", order_no);
    return NULL;
}
